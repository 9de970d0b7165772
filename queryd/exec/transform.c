/* ALTER COLUMN … TYPE: every row of a table written anew with other values in some columns. */
#include "exec/transform.h"

#include "analyse/analyse.h"
#include "exec/internal.h"

struct transform {
    struct execution x;
    const struct relation *from, *to;
    uint16_t n;
    const struct define_transform *columns;
    struct program_state *program;
    struct vec *row; /* of the old table */
    struct flat_row flat;
    struct arena arena; /* of one row */
};

static status compile(struct transform *t) {
    struct sql_env *env = t->x.env;
    struct expr **exprs;
    struct program *program;
    struct plan_statement *plan;
    NEW_N(&t->x, exprs, t->n + 1);
    for (uint16_t i = 0; i < t->n; i++) {
        const struct define_transform *c = &t->columns[i];
        TRY(analyse_expression(env, t->x.arena, t->from, c->expression,
                               c->is_using ? USE_TRANSFORM : USE_CONVERSION, c->name, c->type,
                               c->typmod, &exprs[i]));
    }
    TRY(plan_expression(env, t->x.arena, t->from->natts, exprs, t->n, &program, &plan));
    t->x.plan = plan;
    return program_open(&t->x, program, 1, &t->program);
}

static status refuse_null(const struct transform *t, uint16_t att) {
    return error_set(t->x.env->eval.error, ST_NOT_NULL_VIOLATION,
                     "column \"%s\" of relation \"%s\" contains null values", t->to->atts[att].name,
                     t->to->name);
}

static status one_row(struct transform *t, const struct tree_entry *e) {
    if (t->arena.chunk) arena_reset(&t->arena);
    TRY(row_into(&t->x, t->from, e, t->row, &t->arena));
    TRY(program_run(t->program, t->row, NULL, 1, &t->arena));
    flat_from(t->row, t->from->natts, 0, &t->flat);
    for (uint16_t i = 0; i < t->n; i++) {
        uint16_t att = (uint16_t)(t->columns[i].number - 1);
        const struct vec *v = program_output(t->program, i);
        t->flat.values[att] = v->values[0];
        t->flat.nulls[att] = v->nulls[0];
        if (v->nulls[0] && t->to->atts[att].not_null) return refuse_null(t, att);
    }
    return table_copy_row(t->x.env, t->to, t->flat.values, t->flat.nulls);
}

static status all_rows(struct transform *t) {
    struct table_scan *scan;
    struct table_bound open = {0};
    NEW_N(&t->x, scan, 1);
    TRY(columns_new(&t->x, (uint16_t)(t->from->natts + 1), 1, &t->row));
    TRY(oid_column(&t->x, t->from, &t->row[t->from->natts]));
    TRY(flat_new(&t->x, t->from->natts, &t->flat));
    TRY(table_scan_begin(t->x.env, scan, t->x.arena, t->from, NULL, open, open, false));
    arena_init(&t->arena, 0);
    status st;
    for (;;) {
        struct tree_entry e;
        st = table_scan_next(scan, &e);
        if (ok(st)) st = one_row(t, &e);
        if (!ok(st)) break;
    }
    arena_free(&t->arena);
    table_scan_end(scan);
    return status_is(st, ST_END) ? OK : st;
}

status transform_rows(struct sql_env *env, const struct relation *from, const struct relation *to,
                      const struct define_transform *columns, uint16_t n) {
    struct transform t = {.from = from, .to = to, .n = n, .columns = columns};
    t.x = (struct execution){.env = env, .arena = env->eval.arena};
    TRY(compile(&t));
    return all_rows(&t);
}
