/* WITH: named queries. */
#include "analyse/internal.h"

static status cte_columns(struct analyse *a, struct ast_cte *n, struct cte *c) {
    struct rte shape = {.alias = c->name};
    TRY(rte_columns_of_query(a, c->query, n->columns, "WITH query", &shape));
    c->ncolumns = shape.ncolumns;
    c->columns = shape.columns;
    return OK;
}

static bool names_itself(struct node *n, const char *name);

struct self_search {
    const char *name;
    bool found;
};

static status visit_self(struct node *n, void *arg) {
    struct self_search *s = arg;
    s->found |= names_itself(n, s->name);
    return OK;
}

static bool names_itself(struct node *n, const char *name) {
    if (n->kind == NODE_RANGE_VAR) {
        const struct ast_range_var *v = (struct ast_range_var *)n;
        if (!v->schema && strcmp(v->name, name) == 0) return true;
    }
    if (coro_stack_left() < STACK_MARGIN_BYTES) return false;
    struct self_search s = {name, false};
    status_ignore(ast_each_child(n, visit_self, &s)); /* the visitor cannot fail */
    return s.found;
}

/* first UNION [ALL] second, where second names the query itself. */
static status recursive_cte(struct scope *s, struct ast_cte *n, struct cte *c) {
    struct analyse *a = s->a;
    struct ast_select *q = n->query->kind == NODE_SELECT ? ast_as_select(n->query) : NULL;
    if (!q)
        return FAIL_AT(a, n->node.location, INVALID_RECURSION,
                       "recursive query \"%s\" must not contain data-modifying statements",
                       c->name);
    if (q->set_op != SETOP_UNION)
        return FAIL_AT(a, n->node.location, INVALID_RECURSION,
                       "recursive query \"%s\" does not have the form non-recursive-term UNION "
                       "[ALL] recursive-term",
                       c->name);
    if (names_itself(&q->left->node, c->name))
        return FAIL_AT(a, n->node.location, INVALID_RECURSION,
                       "recursive reference to query \"%s\" must not appear within its "
                       "non-recursive term",
                       c->name);
    TRY(check_recursion(a, n, q));
    s->recursive_with = false; /* the first part does not see the name */
    status st = analyse_subquery(a, s, &q->left->node, &c->query);
    s->recursive_with = true;
    TRY(st);
    TRY(cte_columns(a, n, c));
    c->in_recursion = true;
    st = analyse_subquery(a, s, &q->right->node, &c->recursive);
    c->in_recursion = false;
    TRY(st);
    c->union_all = q->all;
    if (c->recursive->nvisible != c->ncolumns)
        return FAIL_AT(a, n->node.location, SYNTAX_ERROR,
                       "each UNION query must have the same number of columns");
    for (uint16_t i = 0; i < c->ncolumns; i++) {
        struct target *t = &c->recursive->targets[i];
        struct expr *e;
        TRY(coerce(a, t->expr, c->columns[i].type, -1, CAST_IMPLICIT, &e));
        if (!e || (e != t->expr && c->recursive->kind != QUERY_SELECT)) {
            status f = FAIL_AT(a, n->node.location, DATATYPE_MISMATCH,
                               "recursive query \"%s\" column %d has type %s in non-recursive term "
                               "but type %s overall",
                               c->name, i + 1, type_words(a, c->columns[i].type),
                               type_words(a, t->expr->type));
            error_hint(a->error, "Cast the output of the non-recursive term to the correct type.");
            return f;
        }
        t->expr = e;
    }
    return OK;
}

static status add_cte(struct scope *s, struct ast_cte *n, struct cte **ret) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    for (uint16_t i = 0; i < q->nctes; i++)
        if (strcmp(q->ctes[i]->name, n->name) == 0)
            return FAIL_AT(a, n->node.location, DUPLICATE_ALIAS,
                           "WITH query name \"%s\" specified more than once", n->name);
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

status transform_with(struct scope *s, struct ast_with *w) {
    if (!w) return OK;
    struct analyse *a = s->a;
    LIST_EACH(struct ast_cte *, n, w->ctes) {
        if (n->search_cycle) return not_supported(a, n->node.location, "SEARCH or CYCLE");
        if (n->query->kind != NODE_SELECT && s->parent)
            return FAIL_AT(a, n->node.location, FEATURE_NOT_SUPPORTED,
                           "WITH clause containing a data-modifying statement must be at the top "
                           "level");
        struct cte *c;
        TRY(add_cte(s, n, &c));
        s->pending = c;
        s->recursive_with = w->recursive;
        if (w->recursive && names_itself(n->query, c->name)) {
            TRY(recursive_cte(s, n, c));
        } else {
            s->recursive_with = false;
            TRY(analyse_subquery(a, s, n->query, &c->query));
            TRY(cte_columns(a, n, c));
        }
        s->pending = NULL;
    }
    return OK;
}
