/* A scalar subquery that aggregates the rows which equal something outside,
 *     (SELECT max(y) FROM t WHERE t.k = o.k)
 * has another way: the answers for every k at once, by GROUP BY k, looked up afterwards. Which one
 * is cheaper depends on how many rows outside ask for it, which shows while they do: the plan has
 * both, and the executor goes over to the groups when the single runs have cost as much. (Kim, "On
 * optimizing an SQL-like nested query", 1982; the count of an empty set, which his way lost, is
 * asked of the subquery itself.) */
#include "plan/internal.h"
#include "types/collator.h"

static status visit_outside(struct expr *e, unsigned depth, void *arg, bool *ret_descend) {
    bool *found = arg;
    if (e->kind == EXPR_VAR) *found |= e->var.level >= depth;
    if (e->kind == EXPR_GROUPING) *found |= e->grouping.level >= depth;
    if (e->kind == EXPR_AGGREGATE) *found |= query_aggregate_level(e) >= depth;
    *ret_descend = !*found;
    return OK;
}

/* Whether it names anything of the queries around it. */
static status expr_looks_outside(struct expr *e, bool *ret) {
    *ret = false;
    return query_walk_expr(e, 1, visit_outside, ret);
}

status query_looks_outside(struct query *q, bool *ret) {
    *ret = false;
    return query_walk(q, 1, visit_outside, ret);
}

static bool is_one_aggregate(const struct query *q) {
    return q->kind == QUERY_SELECT && q->has_aggregates && q->ntargets == 1 && q->ngroup == 0 &&
           q->nsets == 0 && q->nfrom > 0 && !q->having && !q->has_windows && !q->has_sets &&
           !q->distinct && !q->limit && !q->offset && !q->for_update && q->nctes == 0 &&
           !q->lends_aggregates && q->where;
}

static bool by_bytes(const struct expr *e) {
    const struct type *t = expr_value_type(e);
    return t && (!t->collator || collator_is_deterministic(t->collator));
}

static bool equal_means_same_group(const struct expr *e) {
    const struct expr *l = e->args[0];
    const struct type *t = type_find(l->type);
    return l->type == e->args[1]->type && type_is_hashable(t) && type_is_ordered(t) &&
           expr_equals_bytes(e) && by_bytes(l) && by_bytes(e->args[1]) &&
           e->call.op == operator_find_btree(l->type, l->type, 3);
}

/* own = outside, in whatever order. */
static status take_key(struct planner *p, struct expr *e, struct sublink_groups *g,
                       bool *ret_taken) {
    *ret_taken = false;
    if (e->kind != EXPR_CALL || e->nargs != 2 || !e->call.op || !equal_means_same_group(e))
        return OK;
    for (int i = 0; i < 2 && !*ret_taken; i++) {
        struct expr *own = e->args[i], *outer = e->args[1 - i];
        bool outside;
        if (outer->kind != EXPR_VAR || outer->var.level != 1) continue;
        TRY(expr_looks_outside(own, &outside));
        if (outside || expr_volatility(own) == 'v' || expr_contains_kind(own, EXPR_SUBLINK))
            continue;
        g->own[g->n] = own;
        TRY(expr_shift_levels(p->c->arena, outer, 1, -1, &g->outer[g->n++]));
        *ret_taken = true;
    }
    return OK;
}

static status take_keys(struct planner *p, struct expr *where, struct sublink_groups *g,
                        struct expr **ret_rest) {
    struct conjuncts all = {0}, kept = {0};
    TRY(conjuncts_add(p, &all, where));
    NEW_N(p, g->own, all.n);
    NEW_N(p, g->outer, all.n);
    for (uint32_t i = 0; i < all.n; i++) {
        bool taken;
        TRY(take_key(p, all.items[i], g, &taken));
        if (!taken) TRY(conjuncts_add(p, &kept, all.items[i]));
    }
    return conjuncts_expr(p, &kept, ret_rest);
}

static status keep(struct expr *, unsigned, void *, struct expr **) {
    return OK;
}

static status group_by_keys(struct planner *p, struct query *q, const struct sublink_groups *g) {
    struct target *targets;
    NEW_N(p, targets, g->n + 1u);
    targets[0] = q->targets[0];
    for (uint16_t i = 0; i < g->n; i++)
        targets[i + 1] = (struct target){.expr = g->own[i], .name = ""};
    q->targets = targets;
    q->ntargets = q->nvisible = q->targets_cap = (uint16_t)(g->n + 1);
    q->group = g->own;
    q->ngroup = g->n;
    q->grouped = true;
    q->nsort = 0;
    return OK;
}

status sublink_groups_of(struct planner *p, struct query *q, struct sublink_groups *ret) {
    struct query *grouped;
    struct expr *rest;
    bool unfit = false;
    *ret = (struct sublink_groups){0};
    if (!is_one_aggregate(q)) return OK;
    TRY(take_keys(p, q->where, ret, &rest));
    TRY(query_is_volatile(q, &unfit));
    if (ret->n == 0 || unfit) return OK;
    TRY(query_has_ctes(q, &unfit));
    if (unfit) return OK;
    TRY(query_map(p->c->arena, q, 0, keep, NULL, &grouped));
    grouped->where = rest;
    TRY(query_looks_outside(grouped, &unfit));
    if (unfit) return OK;
    TRY(group_by_keys(p, grouped, ret));
    ret->query = grouped;
    return OK;
}

status plan_sublink_groups(struct planner *p, const struct sublink_groups *g,
                           struct plan_sublink **ret) {
    struct plan_sublink *s;
    struct expr **outer;
    NEW(p, s);
    NEW_N(p, outer, g->n);
    s->kind = SUB_SCALAR;
    s->hashed = true;
    for (uint16_t i = 0; i < g->n; i++) TRY(request_outer(p, g->outer[i], &outer[i]));
    TRY(program_compile(p->c->arena, outer, g->n, 0, &s->left));
    TRY(plan_query(p->c, p, g->query, 0, &s->plan));
    s->type = s->plan->types[0];
    plan_set_capacity(s->plan);
    *ret = s->plan->depends ? NULL : s;
    return OK;
}
