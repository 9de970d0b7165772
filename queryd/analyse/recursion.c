/* WITH RECURSIVE: where a query may name itself. */
#include "analyse/internal.h"

/* What stands between the recursive term and the name. */
enum around { AROUND_NOTHING, AROUND_SUBQUERY, AROUND_OUTER_JOIN, AROUND_INTERSECT, AROUND_EXCEPT };

struct recursion {
    struct analyse *a;
    const char *name;
    enum around around;
    unsigned references;
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

static status reference(struct recursion *r, const struct ast_range_var *v) {
    static const char *const words[] = {
        [AROUND_SUBQUERY] = "within a subquery",
        [AROUND_OUTER_JOIN] = "within an outer join",
        [AROUND_INTERSECT] = "within INTERSECT",
        [AROUND_EXCEPT] = "within EXCEPT",
    };
    if (v->schema || strcmp(v->name, r->name) != 0) return OK;
    const char *where = r->around != AROUND_NOTHING ? words[r->around]
                        : ++r->references > 1       ? "more than once"
                                                    : NULL;
    if (!where) return OK;
    return FAIL_AT(r->a, v->node.location, INVALID_RECURSION,
                   "recursive reference to query \"%s\" must not appear %s", r->name, where);
}

static status look_at_join(struct recursion *r, const struct ast_join *j) {
    bool left = j->type == JOIN_RIGHT || j->type == JOIN_FULL;
    bool right = j->type == JOIN_LEFT || j->type == JOIN_FULL;
    TRY(look_within(r, j->left, left ? AROUND_OUTER_JOIN : AROUND_NOTHING));
    TRY(look_within(r, j->right, right ? AROUND_OUTER_JOIN : AROUND_NOTHING));
    return look_within(r, j->on, AROUND_NOTHING);
}

static status look_at_setop(struct recursion *r, const struct ast_select *q) {
    enum around left = AROUND_NOTHING, right = AROUND_NOTHING;
    if (q->set_op == SETOP_INTERSECT && q->all) left = right = AROUND_INTERSECT;
    if (q->set_op == SETOP_EXCEPT) {
        left = q->all ? AROUND_EXCEPT : AROUND_NOTHING;
        right = AROUND_EXCEPT;
    }
    TRY(look_within(r, &q->left->node, left));
    return look_within(r, &q->right->node, right);
}

static status look_at_child(struct node *n, void *arg) {
    return look(arg, n);
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
        if (ast_as_select(n)->set_op != SETOP_NONE) return look_at_setop(r, ast_as_select(n));
        return ast_each_child(n, look_at_child, r);
    default: return ast_each_child(n, look_at_child, r);
    }
}

static status not_implemented(struct analyse *a, const struct node *n, const char *what) {
    return FAIL_AT(a, n ? n->location : -1, FEATURE_NOT_SUPPORTED,
                   "%s in a recursive query is not implemented", what);
}

status check_recursion(struct analyse *a, struct ast_cte *n, struct ast_select *q) {
    struct recursion r = {.a = a, .name = n->name};
    if (list_n(q->order_by)) {
        struct ast_sort_by *by = list_at(q->order_by, 0);
        return not_implemented(a, by->value, "ORDER BY");
    }
    if (q->offset) return not_implemented(a, q->offset, "OFFSET");
    if (q->limit) return not_implemented(a, q->limit, "LIMIT");
    if (list_n(q->locking)) {
        struct ast_locking *l = list_at(q->locking, 0);
        return not_implemented(a, &l->node, "FOR UPDATE/SHARE");
    }
    TRY(look(&r, &q->right->node));
    if (q->with) return look(&r, &q->with->node);
    return OK;
}
