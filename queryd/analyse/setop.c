/* VALUES, UNION, INTERSECT and EXCEPT. */
#include "analyse/internal.h"

status values_rows(struct scope *s, const struct list *rows, enum clause clause, struct rte **ret) {
    struct analyse *a = s->a;
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_VALUES;
    e->alias = "*VALUES*";
    e->nrows = (uint32_t)list_n(rows);
    NEW_N(a, e->rows, e->nrows);
    enum clause before = s->clause;
    s->clause = clause;
    LIST_EACH(struct list *, row, rows) {
        if (row_i == 0) e->ncolumns = (uint16_t)list_n(row);
        if (list_n(row) != e->ncolumns) {
            struct node *first = list_n(row) ? list_at(row, 0) : NULL;
            return FAIL_AT(a, first ? first->location : -1, SYNTAX_ERROR,
                           "VALUES lists must all be the same length");
        }
        TRY(transform_list(s, row, &e->rows[row_i]));
    }
    s->clause = before;
    NEW_N(a, e->columns, e->ncolumns + 1);
    for (uint16_t i = 0; i < e->ncolumns; i++) {
        char *name = arena_printf(a->arena, "column%u", i + 1u);
        NEEDS(a, name);
        e->columns[i].name = name;
        e->columns[i].typmod = -1;
    }
    *ret = e;
    return OK;
}

static status settle_values(struct scope *s, struct rte *e) {
    struct analyse *a = s->a;
    struct expr **column;
    NEW_N(a, column, e->nrows);
    for (uint16_t c = 0; c < e->ncolumns; c++) {
        for (uint32_t r = 0; r < e->nrows; r++) {
            column[r] = e->rows[r][c];
            if (column[r]->kind == EXPR_DEFAULT)
                return FAIL_AT(a, column[r]->location, SYNTAX_ERROR,
                               "DEFAULT is not allowed in this context");
        }
        oid type;
        TRY(common_type(a, column, e->nrows, "VALUES", column[0]->location, &type));
        for (uint32_t r = 0; r < e->nrows; r++) {
            TRY(coerce_common(a, column[r], type, "VALUES", &e->rows[r][c]));
            column[r] = e->rows[r][c];
        }
        e->columns[c].type = type;
        e->columns[c].typmod = common_typmod(column, e->nrows, type);
        TRY(common_collation(a, column, e->nrows, true, &e->columns[c].collation));
    }
    return OK;
}

status transform_values(struct scope *s, struct ast_select *n) {
    struct query *q = s->query;
    struct rte *e;
    q->kind = QUERY_SELECT;
    TRY(values_rows(s, n->values, CLAUSE_VALUES, &e));
    TRY(settle_values(s, e));
    uint16_t index, target;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    TRY(scope_add(s, item));
    struct from_item *f;
    TRY(from_rte(s->a, index, &f));
    TRY(from_add(s, f));
    for (uint16_t i = 0; i < e->ncolumns; i++)
        TRY(target_add(s, item->exprs[i], e->columns[i].name, false, &target));
    q->nvisible = q->ntargets;
    return transform_order(s, n->order_by);
}

status subquery_column_as(struct analyse *a, struct query *sub, uint16_t rte, uint16_t i, oid type,
                          int32_t typmod, enum cast_context context, struct expr **ret) {
    struct target *t = &sub->targets[i];
    bool loose =
        t->expr->type == UNKNOWNOID && (t->expr->kind == EXPR_CONST || t->expr->kind == EXPR_PARAM);
    if (loose && sub->kind == QUERY_SELECT) {
        struct expr *e;
        TRY(coerce(a, t->expr, type, -1, context, &e));
        if (e) t->expr = e;
    }
    if (t->expr->type == UNKNOWNOID) TRY(coerce_unknown(a, t->expr, &t->expr));
    struct expr *v = expr_var(a->arena, rte, (int16_t)(i + 1), t->expr->type, t->expr->typmod,
                              t->expr->collation, t->expr->location);
    NEEDS(a, v);
    return coerce(a, v, type, typmod, context, ret);
}

static const char *setop_words(enum ast_set_op op) {
    return op == SETOP_UNION ? "UNION" : op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT";
}

static status side(struct scope *s, struct ast_select *n, uint16_t index, struct query **ret) {
    struct analyse *a = s->a;
    TRY(analyse_raw_subquery(a, s, &n->node, ret));
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_SUBQUERY;
    e->alias = arena_printf(a->arena, "*SELECT* %u", index + 1u);
    NEEDS(a, e->alias);
    e->query = *ret;
    TRY(rte_columns_of_query(a, e->query, NULL, "table", -1, e));
    uint16_t got;
    return rte_add(s, e, &got);
}

/* UNION ALL alone needs none. */
static status setop_collation(struct analyse *a, const struct ast_select *n, struct query *l,
                              struct query *r, uint16_t i, oid type, oid *ret) {
    struct expr *pair[2] = {l->targets[i].expr, r->targets[i].expr};
    const struct type *t = type_find(type);
    *ret = 0;
    if (!t || !t->collation) return OK;
    TRY(common_collation(a, pair, 2, n->set_op == SETOP_UNION && n->all, ret));
    return OK;
}

/* One column: its common type, and both sides brought to it. */
static status setop_column(struct scope *s, struct ast_select *n, struct query *l, struct query *r,
                           uint16_t i) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    const char *what = setop_words(n->set_op);
    struct expr *pair[2] = {l->targets[i].expr, r->targets[i].expr};
    oid type;
    if (s->keep_unknown && pair[0]->type == UNKNOWNOID && pair[1]->type == UNKNOWNOID)
        type = TEXTOID;
    else
        TRY(common_type(a, pair, 2, what, pair[1]->location, &type));
    TRY(subquery_column_as(a, l, 0, i, type, -1, CAST_IMPLICIT, &q->left_casts[i]));
    TRY(subquery_column_as(a, r, 1, i, type, -1, CAST_IMPLICIT, &q->right_casts[i]));
    if (!q->left_casts[i] || !q->right_casts[i])
        return FAIL_AT(a, pair[1]->location, CANNOT_COERCE, "%s could not convert type %s to %s",
                       what, type_words(a, pair[q->left_casts[i] != NULL]->type),
                       type_words(a, type));
    if (!n->all || n->set_op != SETOP_UNION) {
        const struct type *t = type_find(type);
        if (type != RECORDOID && (!t || !type_has_equality(t)))
            return FAIL_AT(a, pair[1]->location, UNDEFINED_FUNCTION,
                           "could not identify an equality operator for type %s",
                           type_words(a, type));
    }
    struct expr *sides[2] = {q->left_casts[i], q->right_casts[i]};
    oid collation;
    TRY(setop_collation(a, n, l, r, i, type, &collation));
    struct expr *v = expr_var(a->arena, 2, (int16_t)(i + 1), type, common_typmod(sides, 2, type),
                              collation, pair[0]->location);
    NEEDS(a, v);
    uint16_t target;
    return target_add(s, v, l->targets[i].name, false, &target);
}

/* The result's columns as entry 2, which ORDER BY may name. */
static status result_item(struct scope *s) {
    struct query *q = s->query;
    struct rte *e;
    NEW(s->a, e);
    e->kind = RTE_SUBQUERY;
    e->alias = "*RESULT*";
    e->query = q->rtes[0]->query;
    TRY(rte_columns_of_query(s->a, e->query, NULL, "table", -1, e));
    for (uint16_t i = 0; i < e->ncolumns; i++) e->columns[i].type = q->targets[i].expr->type;
    uint16_t index;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    for (uint16_t i = 0; i < e->ncolumns; i++) item->exprs[i] = q->targets[i].expr;
    item->name_visible = false;
    return scope_add(s, item);
}

status transform_setop(struct scope *s, struct ast_select *n) {
    struct analyse *a = s->a;
    struct query *q = s->query, *l, *r;
    q->kind = QUERY_SETOP;
    q->setop = n->set_op == SETOP_UNION       ? SETOP_KIND_UNION
               : n->set_op == SETOP_INTERSECT ? SETOP_KIND_INTERSECT
                                              : SETOP_KIND_EXCEPT;
    q->setop_all = n->all;
    TRY(side(s, n->left, 0, &l));
    TRY(side(s, n->right, 1, &r));
    if (l->nvisible != r->nvisible)
        return FAIL_AT(a, r->nvisible ? r->targets[0].expr->location : -1, SYNTAX_ERROR,
                       "each %s query must have the same number of columns",
                       setop_words(n->set_op));
    NEW_N(a, q->left_casts, l->nvisible + 1);
    NEW_N(a, q->right_casts, l->nvisible + 1);
    q->nvisible = l->nvisible;
    for (uint16_t i = 0; i < l->nvisible; i++) TRY(setop_column(s, n, l, r, i));
    for (uint16_t k = 0; k < 2; k++) /* what settling the literals changed */
        for (uint16_t i = 0; i < l->nvisible; i++)
            q->rtes[k]->columns[i].type = (k ? r : l)->targets[i].expr->type;
    TRY(result_item(s));
    TRY(transform_order(s, n->order_by));
    if (q->ntargets > q->nvisible) {
        status st = FAIL_AT(a, q->targets[q->nvisible].expr->location, FEATURE_NOT_SUPPORTED,
                            "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
        error_detail(a->error,
                     "Only result column names can be used, not expressions or functions.");
        error_hint(a->error, "Add the expression/function to every SELECT, or move the UNION into "
                             "a FROM clause.");
        return st;
    }
    return OK;
}
