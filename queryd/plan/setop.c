/* UNION, INTERSECT, EXCEPT. */
#include "plan/internal.h"

/* One side, its columns brought to the result's types. */
static status setop_side(struct planner *p, uint16_t rte, struct expr **casts, struct plan **ret) {
    struct query *q = p->query;
    const struct rte *r = q->rtes[rte];
    struct plan *plan, *named;
    TRY(plan_query(p->c, p, r->query, 0, &plan));
    TRY(plan_above(p, PLAN_FILTER, plan, &named));
    NEW_N(p, named->out, r->ncolumns + 1);
    for (uint16_t i = 0; i < r->ncolumns; i++)
        NEEDS(p, named->out[i] = expr_var(p->c->arena, rte, (int16_t)(i + 1), r->columns[i].type,
                                          r->columns[i].typmod, r->columns[i].collation, -1));
    TRY(order_rename(p, named, plan->out));
    return plan_project(p, named, casts, q->nvisible, ret);
}

static status result_columns(struct planner *p, struct plan *plan) {
    struct query *q = p->query;
    for (uint16_t i = 0; i < q->nvisible; i++) {
        plan->out[i] = q->targets[i].expr;
        plan->types[i] = expr_value_type(q->targets[i].expr);
    }
    return OK;
}

/* The sides may name columns further out: whoever plans this query collects that; nothing here is
 * of this level. */
status plan_setop(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    struct plan *left, *right, *plan;
    TRY(setop_side(p, 0, q->left_casts, &left));
    TRY(setop_side(p, 1, q->right_casts, &right));
    bool is_union = q->setop == SETOP_KIND_UNION;
    TRY(plan_new(p, is_union ? PLAN_APPEND : PLAN_SETOP, left, right, q->nvisible, &plan));
    TRY(result_columns(p, plan));
    plan->setop.kind = q->setop;
    plan->setop.all = q->setop_all;
    plan->rows = is_union ? left->rows + right->rows : left->rows;
    plan->cost = left->cost + right->cost;
    plan->startup = is_union ? left->startup : plan->cost;
    if (is_union && !q->setop_all) return plan_distinct(p, plan, q->nvisible, ret);
    *ret = plan;
    return OK;
}
