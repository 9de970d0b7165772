/* What all statements that write rows share: constraints, descriptions, rows in hand. */
#include <stdio.h>

#include "exec/internal.h"

#define SHOWN_BYTES_MAX 64

status flat_new(struct execution *x, uint16_t n, struct flat_row *ret) {
    NEW_N(x, ret->values, n + 1u);
    NEW_N(x, ret->nulls, n + 1u);
    return OK;
}

void flat_from(const struct vec *columns, uint16_t n, uint16_t row, struct flat_row *to) {
    for (uint16_t i = 0; i < n; i++) {
        to->values[i] = columns[i].values[row];
        to->nulls[i] = columns[i].nulls[row];
    }
}

status oid_column(struct execution *x, const struct relation *r, struct vec *ret) {
    struct vec *column;
    TRY(columns_new(x, 1, 1, &column));
    *ret = *column;
    ret->values[0] = datum_oid(r->oid);
    ret->nulls[0] = 0;
    return OK;
}

static status add_shown(struct sql_env *env, oid type, datum value, struct buf *out) {
    const struct type *t = type_find(type);
    char *text;
    size_t len;
    if (!t) return buf_add_str(out, "?");
    TRY(type_output_string(&env->eval, t, value, &text, &len));
    if (len <= SHOWN_BYTES_MAX) return buf_add(out, text, len);
    size_t cut = SHOWN_BYTES_MAX;
    while (cut && ((unsigned char)text[cut] & 0xC0) == 0x80) cut--; /* at a character's edge */
    TRY(buf_add(out, text, cut));
    return buf_add_str(out, "...");
}

void describe_row(struct sql_env *env, const struct relation *r, const datum *values,
                  const uint8_t *nulls) {
    struct buf out = {0};
    bool first = true;
    status s = OK;
    for (uint16_t i = 0; ok(s) && i < r->natts; i++) {
        if (r->atts[i].dropped) continue;
        if (!first) s = buf_add_str(&out, ", ");
        first = false;
        if (!ok(s)) break;
        s = nulls[i] ? buf_add_str(&out, "null") : add_shown(env, r->atts[i].type, values[i], &out);
    }
    if (ok(s))
        error_detail(env->eval.error, "Failing row contains (%.*s).", (int)out.len,
                     out.len ? out.data : "");
    buf_free(&out);
}

static void name_relation(struct error *e, const struct relation *r) {
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
}

static status null_violation(struct sql_env *env, const struct relation *r, uint16_t att,
                             const datum *values, const uint8_t *nulls) {
    struct error *e = env->eval.error;
    status s = error_set(e, ST_NOT_NULL_VIOLATION,
                         "null value in column \"%s\" of relation \"%s\" violates not-null "
                         "constraint",
                         r->atts[att].name, r->name);
    describe_row(env, r, values, nulls);
    name_relation(e, r);
    snprintf(e->column, sizeof e->column, "%s", r->atts[att].name);
    return s;
}

static status check_violation(struct sql_env *env, const struct relation *r, const char *name,
                              const datum *values, const uint8_t *nulls) {
    struct error *e = env->eval.error;
    status s =
        error_set(e, ST_CHECK_VIOLATION,
                  "new row for relation \"%s\" violates check constraint \"%s\"", r->name, name);
    describe_row(env, r, values, nulls);
    name_relation(e, r);
    snprintf(e->constraint, sizeof e->constraint, "%s", name);
    return s;
}

static status view_violation(struct sql_env *env, const struct relation *r, const char *view,
                             const datum *values, const uint8_t *nulls) {
    status s = error_set(env->eval.error, ST_WITH_CHECK_OPTION_VIOLATION,
                         "new row violates check option for view \"%s\"", view);
    describe_row(env, r, values, nulls);
    return s;
}

status row_checks_open(struct execution *x, const struct plan_change *p, const struct relation *r,
                       struct row_checks *ret) {
    *ret = (struct row_checks){.relation = r,
                               .names = p->check_names,
                               .of_view = p->check_of_view,
                               .n = p->nchecks,
                               .generated_atts = p->generated_atts,
                               .ngenerated = p->ngenerated};
    if (p->generated) TRY(program_open(x, p->generated, 1, &ret->generated));
    return p->checks ? program_open(x, p->checks, 1, &ret->checks) : OK;
}

status check_row(struct execution *x, const struct row_checks *c, struct vec *row,
                 struct arena *a) {
    const struct relation *r = c->relation;
    if (c->generated) TRY(program_run(c->generated, row, NULL, 1, a));
    for (uint16_t i = 0; i < c->ngenerated; i++)
        row[c->generated_atts[i]] = *program_output(c->generated, i);
    int failed = -1;
    for (uint16_t i = 0; i < r->natts && failed < 0; i++)
        if (row[i].nulls[0] && r->atts[i].not_null && !r->atts[i].dropped) failed = i;
    bool null_failed = failed >= 0;
    if (!null_failed && c->checks) {
        TRY(program_run(c->checks, row, NULL, 1, a));
        for (uint16_t i = 0; i < c->n && failed < 0; i++) {
            const struct vec *v = program_output(c->checks, i);
            if (!v->nulls[0] && !v->values[0].b) failed = i;
        }
    }
    if (failed < 0) return OK;
    struct flat_row flat;
    TRY(flat_new(x, r->natts, &flat));
    flat_from(row, r->natts, 0, &flat);
    if (null_failed) return null_violation(x->env, r, (uint16_t)failed, flat.values, flat.nulls);
    if (c->of_view && c->of_view[failed])
        return view_violation(x->env, r, c->names[failed], flat.values, flat.nulls);
    return check_violation(x->env, r, c->names[failed], flat.values, flat.nulls);
}

status row_into(struct execution *x, const struct relation *r, const struct tree_entry *e,
                struct vec *columns, struct arena *a) {
    datum *values = arena_alloc(a, (r->natts + 1u) * sizeof *values);
    uint8_t *nulls = arena_alloc(a, r->natts + 1u);
    if (!values || !nulls) return exec_memory(x);
    TRY(table_deform(x->env, r, e, r->natts, NULL, values, nulls, a));
    for (uint16_t i = 0; i < r->natts; i++) {
        columns[i].values[0] = values[i];
        columns[i].nulls[0] = nulls[i];
    }
    return OK;
}
