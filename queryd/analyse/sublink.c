/* Subqueries inside expressions. */
#include "analyse/internal.h"

static status sublink_new(struct scope *s, enum sublink_kind kind, struct query *q, oid type,
                          int32_t location, struct expr **ret) {
    struct expr *e = expr_new_n(s->a->arena, EXPR_SUBLINK, type, location, 1);
    NEEDS(s->a, e);
    e->nargs = 0;
    e->sublink.kind = kind;
    e->sublink.query = q;
    s->query->has_sublinks = true;
    *ret = e;
    return OK;
}

static status one_column(struct analyse *a, const struct query *q, int32_t location) {
    if (q->nvisible == 1) return OK;
    return FAIL_AT(a, location, SYNTAX_ERROR, "subquery must return only one column");
}

static status scalar(struct scope *s, struct query *q, enum sublink_kind kind, int32_t location,
                     struct expr **ret) {
    struct analyse *a = s->a;
    TRY(one_column(a, q, location));
    const struct expr *column = q->targets[0].expr;
    oid type = column->type;
    if (kind == SUB_ARRAY) {
        const struct type *t = type_find(type);
        if (is_true_array(t)) {
            /* an array of arrays of the same type */
        } else if (!t || !t->array) {
            return FAIL_AT(a, location, UNDEFINED_OBJECT,
                           "could not find array type for data type %s", type_words(a, type));
        } else {
            type = t->array;
        }
    }
    TRY(sublink_new(s, kind, q, type, location, ret));
    if (kind == SUB_SCALAR) {
        (*ret)->typmod = column->typmod;
        (*ret)->collation = column->collation;
    }
    return OK;
}

static status same_length(struct analyse *a, uint16_t nleft, const struct query *q,
                          int32_t location) {
    if (nleft < q->nvisible)
        return FAIL_AT(a, location, SYNTAX_ERROR, "subquery has too many columns");
    if (nleft > q->nvisible)
        return FAIL_AT(a, location, SYNTAX_ERROR, "subquery has too few columns");
    return OK;
}

/* left op ANY/ALL (query): the test compares left with the subquery's columns. */
static status quantified(struct scope *s, struct ast_sublink *n, struct query *q,
                         struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    struct expr *left;
    TRY(transform(s, n->left, &left));
    const char *name = "=", *schema;
    if (n->names) TRY(split_name(a, n->names, location, &schema, &name));
    struct expr **lefts = &left;
    uint16_t nleft = 1;
    if (left->kind == EXPR_ROW && n->left->kind == NODE_ROW) { /* a relation's row is one value */
        lefts = left->args;
        nleft = left->nargs;
    }
    TRY(same_length(a, nleft, q, location));
    struct expr **columns;
    NEW_N(a, columns, nleft);
    for (uint16_t i = 0; i < nleft; i++) {
        const struct expr *c = q->targets[i].expr;
        columns[i] = expr_new(a->arena, EXPR_SUBLINK_COLUMN, c->type, location);
        NEEDS(a, columns[i]);
        columns[i]->typmod = c->typmod;
        columns[i]->collation = c->collation;
        columns[i]->column = i;
    }
    struct expr *test;
    TRY(compare_rows(a, name, lefts, columns, nleft, location, &test));
    if (test->type != BOOLOID)
        return FAIL_AT(a, location, DATATYPE_MISMATCH,
                       "operator %s must return type boolean, not type %s", name,
                       type_words(a, test->type));
    TRY(sublink_new(s, n->kind == SUBLINK_ALL ? SUB_ALL : SUB_ANY, q, BOOLOID, location, ret));
    (*ret)->nargs = 1;
    (*ret)->args[0] = test;
    return OK;
}

/* SELECT … FROM (the subquery) inside s: *ret_columns are the subquery's. */
static status around_subquery(struct scope *s, struct ast_sublink *n, struct query **ret,
                              struct scope *ret_inside, struct expr ***ret_columns,
                              uint16_t *ret_n) {
    struct analyse *a = s->a;
    struct rte *r;
    struct from_item *f;
    uint16_t rte;
    TRY(query_new(a, QUERY_SELECT, ret));
    scope_init(ret_inside, a, s, *ret);
    NEW(a, r);
    r->kind = RTE_SUBQUERY;
    r->alias = "*SELECT*";
    TRY(analyse_subquery(a, ret_inside, n->query, &r->query));
    TRY(rte_columns_of_query(a, r->query, NULL, "table", -1, r));
    TRY(rte_add(ret_inside, r, &rte));
    TRY(from_rte(a, rte, &f));
    TRY(from_add(ret_inside, f));
    NEW_N(a, *ret_columns, r->ncolumns + 1);
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct rte_column *c = &r->columns[i];
        struct expr *column = expr_var(a->arena, rte, (int16_t)(i + 1), c->type, c->typmod,
                                       c->collation, n->node.location);
        NEEDS(a, (*ret_columns)[i] = column);
    }
    *ret_n = r->ncolumns;
    return OK;
}

/* As (SELECT (a, b) op (x, y) FROM (the subquery)): null without a row, refused with several. */
status transform_row_subquery(struct scope *s, struct ast_op *n, const char *name,
                              struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    struct expr *left, *test, **columns;
    struct query *q;
    struct scope inside;
    uint16_t target, ncolumns;
    TRY(transform(s, n->left, &left));
    TRY(expr_shift_levels(a->arena, left, 0, 1, &left));
    TRY(around_subquery(s, ast_as_sublink(n->right), &q, &inside, &columns, &ncolumns));
    TRY(same_length(a, left->nargs, q->rtes[0]->query, location));
    TRY(compare_rows(a, name, left->args, columns, left->nargs, location, &test));
    TRY(assign_collation(a, test));
    TRY(target_add(&inside, test, "?column?", false, &target));
    q->nvisible = 1;
    return sublink_new(s, SUB_SCALAR, q, BOOLOID, location, ret);
}

/* As (SELECT ROW(x, y) FROM (the subquery)). */
status transform_row_of_subquery(struct scope *s, struct ast_sublink *n, struct expr ***ret,
                                 uint16_t *ret_n) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    struct expr **columns, *row, *sub;
    struct query *q;
    struct scope inside;
    uint16_t target;
    TRY(around_subquery(s, n, &q, &inside, &columns, ret_n));
    NEEDS(a, row = expr_new_n(a->arena, EXPR_ROW, RECORDOID, location, *ret_n));
    for (uint16_t i = 0; i < *ret_n; i++) row->args[i] = columns[i];
    TRY(target_add(&inside, row, "row", false, &target));
    q->nvisible = 1;
    TRY(sublink_new(s, SUB_SCALAR, q, RECORDOID, location, &sub));
    sub->sublink.shared = ++a->nshared;
    NEW_N(a, *ret, *ret_n + 1);
    const struct rte *r = q->rtes[0];
    for (uint16_t i = 0; i < *ret_n; i++)
        TRY(field_at(a, sub, &r->columns[i], i, r->query->targets[i].expr->location, &(*ret)[i]));
    return OK;
}

static status refuse_clause(struct scope *s, int32_t location) {
    const char *where = NULL;
    switch (s->clause) {
    case CLAUSE_CHECK: where = "check constraint"; break;
    case CLAUSE_DEFAULT: where = "DEFAULT expression"; break;
    case CLAUSE_GENERATED: where = "column generation expression"; break;
    case CLAUSE_INDEX: where = "index expression"; break;
    case CLAUSE_PREDICATE: where = "index predicate"; break;
    case CLAUSE_CALL: where = "CALL argument"; break;
    case CLAUSE_EXECUTE: where = "EXECUTE parameter"; break;
    case CLAUSE_COPY_WHERE: where = "COPY FROM WHERE condition"; break;
    default: return OK;
    }
    return FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED, "cannot use subquery in %s", where);
}

status transform_sublink(struct scope *s, struct ast_sublink *n, struct expr **ret) {
    int32_t location = n->node.location;
    TRY(refuse_clause(s, location));
    struct query *q;
    TRY(analyse_subquery(s->a, s, n->query, &q));
    if (q->kind != QUERY_SELECT && q->kind != QUERY_SETOP)
        return not_supported(s->a, location, "a statement that changes rows here");
    switch (n->kind) {
    case SUBLINK_EXISTS: return sublink_new(s, SUB_EXISTS, q, BOOLOID, location, ret);
    case SUBLINK_SCALAR: return scalar(s, q, SUB_SCALAR, location, ret);
    case SUBLINK_ARRAY: return scalar(s, q, SUB_ARRAY, location, ret);
    default: return quantified(s, n, q, ret);
    }
}
