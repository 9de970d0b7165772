/* ctid IN (SELECT … LIMIT n): few rows of many, by their places. The subquery becomes a list, which
 * the rows are looked up by (ctid = ANY (ARRAY (SELECT …))). */
#include "plan/internal.h"

#define OPERATOR_TID_EQUAL 387

static status visit_around(struct expr *e, unsigned depth, void *arg, bool *ret_descend) {
    if (e->kind == EXPR_VAR && e->var.level == depth) *(bool *)arg = true;
    *ret_descend = !*(bool *)arg;
    return OK;
}

/* ctid = the subquery's column. */
static bool is_tid_test(const struct planner *p, const struct expr *e) {
    if (e->kind != EXPR_SUBLINK || e->sublink.kind != SUB_ANY || !e->sublink.query->limit)
        return false;
    const struct expr *test = e->args[0];
    if (test->kind != EXPR_CALL || !test->call.op || test->call.op->oid != OPERATOR_TID_EQUAL)
        return false;
    const struct expr *v = test->args[0];
    return v->kind == EXPR_VAR && v->var.level == 0 && v->var.att == ATT_CTID &&
           test->args[1]->kind == EXPR_SUBLINK_COLUMN && p->query->rtes[v->var.rte]->relation;
}

static status as_list(struct planner *p, const struct expr *e, struct expr **ret) {
    const struct expr *test = e->args[0];
    struct expr *op = expr_new_n(p->c->arena, EXPR_ARRAY_OP, BOOLOID, e->location, 2);
    struct expr *list = expr_new(p->c->arena, EXPR_SUBLINK, type_find(TIDOID)->array, e->location);
    NEEDS(p, op && list);
    op->call = test->call;
    op->call.is_all = false;
    op->args[0] = test->args[0];
    op->args[1] = list;
    list->sublink = e->sublink;
    list->sublink.kind = SUB_ARRAY;
    list->sublink.shared = 0;
    *ret = op;
    return OK;
}

status list_tids(struct planner *p) {
    struct query *q = p->query;
    struct conjuncts all = {0};
    bool any = false;
    if (!q->has_sublinks || !q->where) return OK;
    TRY(conjuncts_add(p, &all, q->where));
    for (uint32_t i = 0; i < all.n; i++) {
        bool correlated = false;
        if (!is_tid_test(p, all.items[i])) continue;
        TRY(query_walk(all.items[i]->sublink.query, 1, visit_around, &correlated));
        if (correlated) continue;
        TRY(as_list(p, all.items[i], &all.items[i]));
        any = true;
    }
    return any ? conjuncts_expr(p, &all, &q->where) : OK;
}
