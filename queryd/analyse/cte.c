/* WITH: named queries. */
#include "analyse/internal.h"

static status cte_columns(struct analyse *a, struct ast_cte *n, struct cte *c) {
    struct rte shape = {.alias = c->name};
    TRY(rte_columns_of_query(a, c->query, n->columns, "WITH query", n->node.location, &shape));
    c->ncolumns = shape.ncolumns;
    c->columns = shape.columns;
    c->nnamed = (uint16_t)list_n(n->columns);
    return OK;
}

static status must_be_union(struct analyse *a, struct ast_cte *n, struct ast_select **ret) {
    struct ast_select *q = n->query->kind == NODE_SELECT ? ast_as_select(n->query) : NULL;
    if (!q)
        return FAIL_AT(a, n->node.location, INVALID_RECURSION,
                       "recursive query \"%s\" must not contain data-modifying statements",
                       n->name);
    if (q->set_op != SETOP_UNION)
        return FAIL_AT(a, n->node.location, INVALID_RECURSION,
                       "recursive query \"%s\" does not have the form non-recursive-term UNION "
                       "[ALL] recursive-term",
                       n->name);
    *ret = q;
    return OK;
}

static const char *typed(struct analyse *a, oid type, int32_t typmod) {
    struct buf b = {0};
    const char *words = NULL;
    if (ok(type_format(type, typmod, &b))) words = arena_strndup(a->arena, b.data, b.len);
    buf_free(&b);
    return words ? words : type_words(a, type);
}

/* The first term says the collation, too. */
static status fit_collation(struct analyse *a, struct cte *c, uint16_t i, struct expr **pair) {
    oid overall, column = c->columns[i].collation;
    if (!column) return OK;
    TRY(common_collation(a, pair, 2, c->union_all, &overall));
    if (overall == column) return OK;
    status st = FAIL_AT(a, pair[0]->location, COLLATION_MISMATCH,
                        "recursive query \"%s\" column %d has collation \"%s\" in non-recursive "
                        "term but collation \"%s\" overall",
                        c->name, i + 1, collation_words(a, column), collation_words(a, overall));
    error_hint(a->error, "Use the COLLATE clause to set the collation of the non-recursive term.");
    return st;
}

/* A column's type is what the first term says: the second must not widen it. */
static status fit_column(struct analyse *a, struct cte *c, uint16_t i) {
    struct target *first = &c->query->targets[i], *again = &c->recursive->targets[i];
    struct expr *pair[2] = {first->expr, again->expr}, *e;
    const struct rte_column *column = &c->columns[i];
    oid type;
    TRY(common_type(a, pair, 2, "UNION", again->expr->location, &type));
    int32_t typmod = common_typmod(pair, 2, type);
    if (type == UNKNOWNOID || pair[1]->type == UNKNOWNOID) typmod = column->typmod;
    if (type != column->type || typmod != column->typmod) {
        status f =
            FAIL_AT(a, first->expr->location, DATATYPE_MISMATCH,
                    "recursive query \"%s\" column %d has type %s in non-recursive term "
                    "but type %s overall",
                    c->name, i + 1, typed(a, column->type, column->typmod), typed(a, type, typmod));
        error_hint(a->error, "Cast the output of the non-recursive term to the correct type.");
        return f;
    }
    TRY(fit_collation(a, c, i, pair));
    TRY(coerce_common(a, again->expr, type, "UNION", &e));
    if (e == again->expr || c->recursive->kind == QUERY_SELECT) {
        again->expr = e;
        return OK;
    }
    return not_supported(a, first->expr->location,
                         "a set operation as recursive term whose columns have other types");
}

static status fit_columns(struct analyse *a, struct ast_cte *n, struct cte *c) {
    const struct query *r = c->recursive;
    uint16_t width = (uint16_t)(c->ncolumns - (a->for_text ? c->nadded : 0));
    if (r->nvisible != width)
        return FAIL_AT(a, r->nvisible ? r->targets[0].expr->location : n->node.location,
                       SYNTAX_ERROR, "each UNION query must have the same number of columns");
    for (uint16_t i = 0; i < width; i++) TRY(fit_column(a, c, i));
    return OK;
}

/* The WITH of the UNION itself, which cannot name the query: its queries are planned beside this
 * one and have names while this one is analysed. */
static status inner_with(struct scope *s, const struct ast_select *q, struct cte *c) {
    struct query *outer = s->query;
    uint16_t before = outer->nctes;
    c->hidden = true;
    TRY(transform_with(s, q->with));
    c->hidden = false;
    if (outer->nctes == before) return OK;
    uint16_t at = 0;
    while (outer->ctes[at] != c) at++;
    memmove(&outer->ctes[at], &outer->ctes[at + 1], (outer->nctes - at - 1u) * sizeof c);
    outer->ctes[outer->nctes - 1] = c;
    return OK;
}

static void hide_inner(struct scope *s, const struct ast_select *q) {
    struct query *outer = s->query;
    uint16_t n = (uint16_t)(q->with ? list_n(q->with->ctes) : 0);
    for (uint16_t i = 0; i < n; i++) outer->ctes[outer->nctes - 2 - i]->hidden = true;
}

/* The columns that are added are in both parts, but not in those that are to be printed. */
static status search_cycle(struct scope *s, struct ast_cte *n, const struct ast_select *q,
                           struct cte *c, struct ast_select **right) {
    struct analyse *a = s->a;
    struct query *written = c->query;
    struct ast_select *left;
    TRY(add_search_cycle(s, n, q, c, &left, right));
    TRY(analyse_subquery(a, s, &left->node, &c->query));
    TRY(cte_columns(a, n, c));
    if (!a->for_text) return OK;
    c->query = written;
    *right = q->right;
    return OK;
}

/* first UNION [ALL] second, where second names the query itself. */
static status recursive_cte(struct scope *s, struct ast_cte *n, struct cte *c) {
    struct analyse *a = s->a;
    struct ast_select *q, *left, *right;
    TRY(must_be_union(a, n, &q));
    TRY(check_recursion(a, n, q));
    TRY(inner_with(s, q, c));
    left = q->left;
    right = q->right;
    c->hidden = true; /* the first part does not see the name */
    TRY(analyse_subquery(a, s, &left->node, &c->query));
    TRY(cte_columns(a, n, c));
    if (n->search || n->cycle) TRY(search_cycle(s, n, q, c, &right));
    c->hidden = false;
    c->in_recursion = true;
    TRY(analyse_subquery(a, s, &right->node, &c->recursive));
    c->in_recursion = false;
    hide_inner(s, q);
    c->union_all = q->all;
    return fit_columns(a, n, c);
}

static status add_cte(struct scope *s, struct ast_cte *n, struct cte **ret) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    struct cte *c, **grown;
    NEW(a, c);
    c->name = n->name;
    c->materialize = n->materialize;
    c->id = a->nctes++;
    NEW_N(a, grown, q->nctes + 1);
    if (q->nctes) memcpy(grown, q->ctes, q->nctes * sizeof *grown);
    grown[q->nctes++] = c;
    q->ctes = grown;
    *ret = c;
    return OK;
}

static status transform_cte(struct scope *s, struct ast_cte *n, bool recursive) {
    struct analyse *a = s->a;
    struct cte *c;
    if (n->query->kind != NODE_SELECT && s->parent)
        return FAIL_AT(a, n->node.location, FEATURE_NOT_SUPPORTED,
                       "WITH clause containing a data-modifying statement must be at the top "
                       "level");
    TRY(add_cte(s, n, &c));
    if (recursive) return recursive_cte(s, n, c);
    if (n->search || n->cycle)
        return FAIL_AT(a, n->node.location, SYNTAX_ERROR, "WITH query is not recursive");
    c->hidden = true;
    TRY(analyse_subquery(a, s, n->query, &c->query));
    c->hidden = false;
    return cte_columns(a, n, c);
}

static status no_name_twice(struct analyse *a, const struct list *ctes) {
    LIST_EACH(struct ast_cte *, n, ctes)
    for (int32_t i = 0; i < n_i; i++)
        if (strcmp(((struct ast_cte *)list_at(ctes, i))->name, n->name) == 0)
            return FAIL_AT(a, n->node.location, DUPLICATE_ALIAS,
                           "WITH query name \"%s\" specified more than once", n->name);
    return OK;
}

status transform_with(struct scope *s, struct ast_with *w) {
    if (!w) return OK;
    int32_t n = list_n(w->ctes);
    s->query->with_recursive = w->recursive;
    struct ast_cte **order;
    bool *recursive;
    NEW_N(s->a, order, n);
    NEW_N(s->a, recursive, n);
    TRY(no_name_twice(s->a, w->ctes));
    for (int32_t i = 0; i < n; i++) order[i] = list_at(w->ctes, i);
    if (w->recursive) TRY(order_recursive_with(s->a, w->ctes, order, recursive));
    for (int32_t i = 0; i < n; i++) {
        s->future = w->recursive ? (struct with_rest){0} : (struct with_rest){order + i, n - i};
        TRY(transform_cte(s, order[i], recursive[i]));
    }
    s->future = (struct with_rest){0};
    return OK;
}

bool with_is_future(const struct scope *s, const char *name) {
    for (; s; s = s->parent)
        for (int32_t i = 0; i < s->future.n; i++)
            if (strcmp(s->future.ctes[i]->name, name) == 0) return true;
    return false;
}
