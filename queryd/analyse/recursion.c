/* WITH RECURSIVE: which query names which, in what order they are analysed, and where one may name
 * itself. */
#include "analyse/internal.h"

/* What stands between the recursive term and the name. */
enum around {
    AROUND_NOTHING,
    AROUND_FIRST_TERM,
    AROUND_SUBQUERY,
    AROUND_OUTER_JOIN,
    AROUND_INTERSECT,
    AROUND_EXCEPT
};

/* Names of a WITH further in, which mean something else there. */
struct shadow {
    const struct shadow *outer;
    const char *name;
};

/* A walk over a syntax tree that meets the tables it names. */
struct recursion {
    struct analyse *a;
    const struct list *ctes; /* whose names are looked for; NULL: one name's places are judged */
    bool *named;             /* per cte: it was met */
    const char *name;
    enum around around;
    unsigned references;
    const struct shadow *shadows;
};

static status look(struct recursion *r, struct node *n);

static status look_within(struct recursion *r, struct node *n, enum around around) {
    if (!n) return OK;
    enum around before = r->around;
    if (around != AROUND_NOTHING) r->around = around;
    status s = look(r, n);
    r->around = before;
    return s;
}

static status judge(struct recursion *r, const struct ast_range_var *v) {
    static const char *const words[] = {
        [AROUND_FIRST_TERM] = "within its non-recursive term",
        [AROUND_SUBQUERY] = "within a subquery",
        [AROUND_OUTER_JOIN] = "within an outer join",
        [AROUND_INTERSECT] = "within INTERSECT",
        [AROUND_EXCEPT] = "within EXCEPT",
    };
    if (strcmp(v->name, r->name) != 0) return OK;
    const char *where = r->around != AROUND_NOTHING ? words[r->around]
                        : ++r->references > 1       ? "more than once"
                                                    : NULL;
    if (!where) return OK;
    return FAIL_AT(r->a, v->node.location, INVALID_RECURSION,
                   "recursive reference to query \"%s\" must not appear %s", r->name, where);
}

static status reference(struct recursion *r, const struct ast_range_var *v) {
    if (v->schema) return OK;
    for (const struct shadow *s = r->shadows; s; s = s->outer)
        if (strcmp(s->name, v->name) == 0) return OK;
    if (!r->ctes) return judge(r, v);
    LIST_EACH(struct ast_cte *, c, r->ctes)
    if (strcmp(c->name, v->name) == 0) r->named[c_i] = true;
    return OK;
}

static status look_at_join(struct recursion *r, const struct ast_join *j) {
    bool left = j->type == JOIN_RIGHT || j->type == JOIN_FULL;
    bool right = j->type == JOIN_LEFT || j->type == JOIN_FULL;
    TRY(look_within(r, j->left, left ? AROUND_OUTER_JOIN : AROUND_NOTHING));
    TRY(look_within(r, j->right, right ? AROUND_OUTER_JOIN : AROUND_NOTHING));
    return look_within(r, j->on, AROUND_NOTHING);
}

static status look_at_child(struct node *n, void *arg) {
    return n->kind == NODE_WITH ? OK : look(arg, n); /* its names are known by then */
}

static status look_at_setop(struct recursion *r, struct ast_select *q) {
    enum around left = AROUND_NOTHING, right = AROUND_NOTHING;
    if (q->set_op == SETOP_INTERSECT && q->all) left = right = AROUND_INTERSECT;
    if (q->set_op == SETOP_EXCEPT) {
        left = q->all ? AROUND_EXCEPT : AROUND_NOTHING;
        right = AROUND_EXCEPT;
    }
    TRY(look_within(r, &q->left->node, left));
    TRY(look_within(r, &q->right->node, right));
    LIST_EACH(struct node *, by, q->order_by) TRY(look(r, by));
    TRY(look_within(r, q->limit, AROUND_NOTHING));
    return look_within(r, q->offset, AROUND_NOTHING);
}

static status look_at_body(struct recursion *r, struct node *n) {
    if (n->kind == NODE_SELECT && ast_as_select(n)->set_op != SETOP_NONE)
        return look_at_setop(r, ast_as_select(n));
    return ast_each_child(n, look_at_child, r);
}

static const struct ast_with *with_of(struct node *n) {
    switch (n->kind) {
    case NODE_SELECT: return ast_as_select(n)->with;
    case NODE_INSERT: return ast_as_insert(n)->with;
    case NODE_UPDATE: return ast_as_update(n)->with;
    case NODE_DELETE: return ast_as_delete(n)->with;
    default: return NULL;
    }
}

/* A statement: the names of its own WITH hide those further out, in one another only where they
 * are recursive or come later. */
static status look_at_statement(struct recursion *r, struct node *n) {
    const struct ast_with *w = with_of(n);
    const struct shadow *outer = r->shadows;
    struct shadow *mine;
    NEW_N(r->a, mine, w ? list_n(w->ctes) + 1 : 1);
    for (int32_t i = 0; w && i < list_n(w->ctes); i++) {
        struct ast_cte *c = list_at(w->ctes, i);
        mine[i] = (struct shadow){i ? &mine[i - 1] : outer, c->name};
        if (!w->recursive) TRY(look(r, c->query));
        r->shadows = &mine[i];
    }
    for (int32_t i = 0; w && w->recursive && i < list_n(w->ctes); i++)
        TRY(look(r, ((struct ast_cte *)list_at(w->ctes, i))->query));
    TRY(look_at_body(r, n));
    r->shadows = outer;
    return OK;
}

static status look(struct recursion *r, struct node *n) {
    TRY(analyse_stack(r->a));
    switch (n->kind) {
    case NODE_RANGE_VAR: return reference(r, (const struct ast_range_var *)n);
    case NODE_JOIN: return look_at_join(r, (const struct ast_join *)n);
    case NODE_SUBLINK: {
        const struct ast_sublink *l = ast_as_sublink(n);
        TRY(look_within(r, l->left, AROUND_NOTHING));
        return look_within(r, l->query, AROUND_SUBQUERY);
    }
    case NODE_SELECT:
    case NODE_INSERT:
    case NODE_UPDATE:
    case NODE_DELETE: return look_at_statement(r, n);
    default: return ast_each_child(n, look_at_child, r);
    }
}

/* ---- a query that names itself --------------------------------------------------------------- */

static status not_implemented(struct analyse *a, const struct node *n, const char *what) {
    return FAIL_AT(a, n ? n->location : -1, FEATURE_NOT_SUPPORTED,
                   "%s in a recursive query is not implemented", what);
}

status check_recursion(struct analyse *a, struct ast_cte *n, struct ast_select *q) {
    struct recursion r = {.a = a, .name = n->name, .around = AROUND_FIRST_TERM};
    TRY(look(&r, &q->left->node));
    r.around = AROUND_NOTHING;
    TRY(look(&r, &q->right->node));
    r.around = AROUND_SUBQUERY;
    for (int32_t i = 0; q->with && i < list_n(q->with->ctes); i++)
        TRY(look(&r, ((struct ast_cte *)list_at(q->with->ctes, i))->query));
    if (list_n(q->order_by)) {
        struct ast_sort_by *by = list_at(q->order_by, 0);
        return not_implemented(a, by->value, "ORDER BY");
    }
    if (q->offset) return not_implemented(a, q->offset, "OFFSET");
    if (q->limit) return not_implemented(a, q->limit, "LIMIT");
    if (list_n(q->locking)) return not_implemented(a, NULL, "FOR UPDATE/SHARE");
    return OK;
}

/* ---- the order of WITH RECURSIVE ------------------------------------------------------------- */

/* named[i][k]: query i names query k. */
static status find_names(struct analyse *a, const struct list *ctes, bool ***ret_named) {
    bool **named;
    NEW_N(a, named, list_n(ctes));
    LIST_EACH(struct ast_cte *, c, ctes) {
        NEW_N(a, named[c_i], list_n(ctes));
        struct recursion r = {.a = a, .ctes = ctes, .named = named[c_i]};
        TRY(look(&r, c->query));
    }
    *ret_named = named;
    return OK;
}

/* It names none of those that still stand from `from` on, but perhaps itself. */
static bool is_ready(const struct list *ctes, bool *const *named, const int32_t *order,
                     int32_t from, int32_t at) {
    for (int32_t k = from; k < list_n(ctes); k++)
        if (order[k] != order[at] && named[order[at]][order[k]]) return false;
    return true;
}

status order_recursive_with(struct analyse *a, const struct list *ctes, struct ast_cte **ret_order,
                            bool *ret_recursive) {
    int32_t n = list_n(ctes), *order;
    bool **named;
    TRY(find_names(a, ctes, &named));
    NEW_N(a, order, n);
    for (int32_t i = 0; i < n; i++) order[i] = i;
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        while (at < n && !is_ready(ctes, named, order, i, at)) at++;
        if (at == n)
            return FAIL_AT(a, ((struct ast_cte *)list_at(ctes, order[i]))->node.location,
                           FEATURE_NOT_SUPPORTED,
                           "mutual recursion between WITH items is not implemented");
        int32_t next = order[at];
        order[at] = order[i];
        order[i] = next;
        ret_order[i] = list_at(ctes, next);
        ret_recursive[i] = named[next][next];
    }
    return OK;
}
