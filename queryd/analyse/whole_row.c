/* Whole rows: a table's or subquery's name where a value is asked for. */
#include "analyse/internal.h"

/* A table's row is of the table's type; dropped columns are null in it. */
static status typed_row(struct scope *s, const struct ns_item *item, const struct type *t,
                        unsigned level, int32_t location, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e = expr_new_n(a->arena, EXPR_ROW, t->oid, location, t->nfields);
    NEEDS(a, e);
    for (uint16_t i = 0; i < t->nfields; i++) {
        if (item->exprs[i]) {
            permission_select(scope_at(s, level), item->exprs[i]);
            TRY(scope_take(a, item->exprs[i], level, location, &e->args[i]));
            continue;
        }
        e->args[i] = expr_const(a->arena, t->fields[i].type, (datum){0}, true, location);
        NEEDS(a, e->args[i]);
    }
    *ret = e;
    return OK;
}

/* The row as one value without taking it apart: attribute 0. */
static status row_words(struct scope *s, const struct ns_item *item, unsigned level,
                        int32_t location, struct expr **ret) {
    oid type = item->relation && item->relation->row_type ? item->relation->row_type : RECORDOID;
    struct expr *e = expr_var(s->a->arena, (uint16_t)item->rte, 0, type, -1, 0, location);
    NEEDS(s->a, e);
    e->var.level = (uint16_t)level;
    *ret = e;
    return OK;
}

static status row_of(struct scope *s, const struct ns_item *item, unsigned level, int32_t location,
                     struct expr **ret) {
    struct analyse *a = s->a;
    uint16_t n = 0;
    const struct type *t = item->relation && item->rte >= 0 && item->relation->row_type
                               ? type_find(item->relation->row_type)
                               : NULL;
    if (t && t->nfields == item->ncolumns) return typed_row(s, item, t, level, location, ret);
    for (uint16_t i = 0; i < item->ncolumns; i++) n += item->exprs[i] != NULL;
    struct expr *e = expr_new_n(a->arena, EXPR_ROW, RECORDOID, location, n);
    NEEDS(a, e);
    const char **names;
    NEW_N(a, names, n ? n : 1);
    n = 0;
    for (uint16_t i = 0; i < item->ncolumns; i++) {
        if (!item->exprs[i]) continue;
        permission_select(scope_at(s, level), item->exprs[i]);
        TRY(scope_take(a, item->exprs[i], level, location, &e->args[n]));
        NEEDS(a, names[n++] = arena_strdup(a->arena, item->names[i]));
    }
    e->row.names = names;
    *ret = e;
    return OK;
}

/* ---- rows that an outer join may not find ---- */

static status shift_outwards(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    struct analyse *a = arg;
    bool var = e->kind == EXPR_VAR && e->var.level >= depth;
    bool grouping = e->kind == EXPR_GROUPING && e->grouping.level >= depth;
    if (!var && !grouping) return OK;
    struct expr *copy = arena_memdup(a->arena, e, sizeof *e);
    NEEDS(a, copy);
    if (var) copy->var.level++;
    if (grouping) copy->grouping.level++;
    *ret = copy;
    return OK;
}

/* The entry's own expressions, as seen from a query around it. */
static status move_inwards(struct analyse *a, struct rte *r) {
    struct query holder = {.kind = QUERY_SELECT, .nrtes = 1, .rtes = &r}, *moved;
    TRY(query_map(a->arena, &holder, 0, shift_outwards, a, &moved));
    *r = *moved->rtes[0];
    return OK;
}

/* The entry becomes (SELECT its columns, true FROM it), whose last column tells a row that is there
 * from one that an outer join made up. */
static status mark_rows(struct analyse *a, struct rte *r) {
    struct query *q;
    struct scope inside;
    struct from_item *f;
    uint16_t rte, target;
    struct rte *source = arena_memdup(a->arena, r, sizeof *r);
    NEEDS(a, source);
    TRY(move_inwards(a, source));
    TRY(query_new(a, QUERY_SELECT, &q));
    scope_init(&inside, a, NULL, q);
    TRY(rte_add(&inside, source, &rte));
    TRY(from_rte(a, rte, &f));
    TRY(from_add(&inside, f));
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct rte_column *c = &r->columns[i];
        struct expr *v =
            expr_var(a->arena, rte, (int16_t)(i + 1), c->type, c->typmod, c->collation, -1);
        NEEDS(a, v);
        TRY(target_add(&inside, v, c->name, false, &target));
    }
    struct expr *there = expr_bool_const(a->arena, true);
    NEEDS(a, there);
    TRY(target_add(&inside, there, "", false, &target));
    q->nvisible = q->ntargets;
    struct rte_column *columns;
    NEW_N(a, columns, q->nvisible);
    memcpy(columns, r->columns, r->ncolumns * sizeof *columns);
    columns[r->ncolumns] = (struct rte_column){"", BOOLOID, -1, 0};
    *r = (struct rte){.kind = RTE_SUBQUERY,
                      .alias = r->alias,
                      .lateral = r->lateral,
                      .ncolumns = q->nvisible,
                      .columns = columns,
                      .needs = r->needs,
                      .query = q,
                      .marked = true};
    return OK;
}

/* A column that is null only where there is no row. */
static status marker(struct scope *s, const struct ns_item *item, unsigned level,
                     struct expr **ret) {
    struct analyse *a = s->a;
    struct rte *r = scope_at(s, level)->query->rtes[item->rte];
    bool table = r->kind == RTE_RELATION;
    if (!table && !r->marked) TRY(mark_rows(a, r));
    int16_t att = table ? ATT_TABLEOID : (int16_t)r->ncolumns;
    *ret = expr_var(a->arena, (uint16_t)item->rte, att, table ? OIDOID : BOOLOID, -1, 0, -1);
    NEEDS(a, *ret);
    (*ret)->var.level = (uint16_t)level;
    return OK;
}

/* CASE WHEN there is a row THEN the row END */
static status row_if_there(struct scope *s, const struct ns_item *item, unsigned level,
                           struct expr *row, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *test = expr_new_n(a->arena, EXPR_NULL_TEST, BOOLOID, row->location, 1);
    struct expr *e = expr_new_n(a->arena, EXPR_CASE, row->type, row->location, 3);
    struct expr *none = expr_const(a->arena, row->type, (datum){0}, true, row->location);
    NEEDS(a, test && e && none);
    TRY(marker(s, item, level, &test->args[0]));
    test->negated = true;
    e->args[0] = test;
    e->args[1] = row;
    e->args[2] = none;
    e->cases.whole_row = true;
    *ret = e;
    return OK;
}

status scope_whole_row(struct scope *s, const struct ns_item *item, unsigned level,
                       int32_t location, struct expr **ret) {
    if (s->a->for_text && item->rte >= 0) return row_words(s, item, level, location, ret);
    TRY(row_of(s, item, level, location, ret));
    if (!item->nullable || item->rte < 0) return OK;
    return row_if_there(s, item, level, *ret, ret);
}

struct expr *expr_row_below(struct expr *e) {
    return e->kind == EXPR_CASE && e->cases.whole_row ? e->args[1] : e;
}
