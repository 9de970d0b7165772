/* Volatile targets: computed in the order of the rows that are given, and for those only. */
#include "plan/internal.h"

bool plan_makes(const struct plan *child, const struct expr *e) {
    for (uint16_t i = 0; i < child->ncolumns; i++)
        if (expr_equal(child->out[i], e)) return true;
    return false;
}

bool target_is_late(const struct query *q, uint16_t i) {
    const struct expr *e = q->targets[i].expr;
    if (i >= q->nvisible || expr_volatility(e) != 'v') return false;
    for (uint16_t k = 0; k < q->nsort; k++)
        if (q->sort[k].target == i) return false;
    return !expr_contains_kind((struct expr *)e, EXPR_SUBLINK);
}

bool targets_have_late(const struct query *q) {
    if ((!q->nsort && !q->limit && !q->offset) || q->distinct || q->has_sets || q->for_update)
        return false;
    for (uint16_t i = 0; i < q->nvisible; i++)
        if (target_is_late(q, i)) return true;
    return false;
}

/* What late targets are computed from: what the rows' operator gives. */
struct late_parts {
    const struct plan *child;
    struct expr **exprs;
    uint16_t n, room;
};

static status add_late_part(struct expr *e, void *arg, bool *ret_descend) {
    struct late_parts *l = arg;
    if (!plan_makes(l->child, e)) return OK;
    *ret_descend = false;
    for (uint16_t i = 0; i < l->n; i++)
        if (expr_equal(l->exprs[i], e)) return OK;
    if (l->n == l->room) return STATUS(STATEMENT_TOO_COMPLEX);
    l->exprs[l->n++] = e;
    return OK;
}

/* The targets, a null in the place of each late one, and behind them what those need. */
status plan_early_targets(struct planner *p, struct plan *child, struct plan **ret) {
    struct query *q = p->query;
    struct late_parts l = {.child = child, .room = (uint16_t)(q->ntargets + child->ncolumns)};
    NEW_N(p, l.exprs, l.room + 1);
    for (uint16_t i = 0; i < q->ntargets; i++) {
        struct expr *e = q->targets[i].expr;
        if (target_is_late(q, i))
            e = expr_const(p->c->arena, e->type, (datum){0}, true, e->location);
        NEEDS(p, e);
        l.exprs[l.n++] = e;
    }
    for (uint16_t i = 0; i < q->nvisible; i++)
        if (target_is_late(q, i)) TRY(expr_walk(q->targets[i].expr, add_late_part, &l));
    return plan_project(p, child, l.exprs, l.n, ret);
}
