/* Sorting and limits. */
#include <math.h>

#include "plan/internal.h"

struct plan_sort_column sort_column(uint16_t column, const struct expr *e, bool descending,
                                    bool nulls_first) {
    return (struct plan_sort_column){column, descending, nulls_first, expr_value_type(e)};
}

/* ---- costs ---- */

#define COST_COMPARE 0.2 /* of a row, for each halving of the rows it is sorted with */
#define COST_SORTED 0.5  /* of a row that is kept and given again */
#define COST_GROUP 0.5   /* of a group that is sorted by itself */
#define COST_PREFIX 0.1  /* of a row, to see where groups begin */
#define GROUP_SPREAD 1.5 /* groups are not all alike */

static double full_sort(struct planner *p, double rows, double limit) {
    double kept = limit > 0 && limit < rows ? limit : rows;
    return rows * (log2(kept + 1) * COST_COMPARE * price_of_work(p) + COST_SORTED);
}

struct sort_cost sort_cost(struct planner *p, double rows, const struct order_key *keys,
                           uint16_t presorted, uint16_t n, double limit) {
    struct sort_cost c = {0, 0};
    if (presorted >= n) return c;
    if (plan_avoids(p, WAY_INCREMENTAL_SORT)) presorted = 0;
    if (presorted == 0) {
        c.startup = full_sort(p, rows, limit) + cost_avoided(p, WAY_SORT);
        c.total = c.startup + (limit > 0 && limit < rows ? limit : rows) * COST_PREFIX;
        return c;
    }
    double groups = 1;
    for (uint16_t i = 0; i < presorted && groups < rows; i++)
        if (!keys[i].constant) groups *= distinct_values(p, keys[i].expr, rows);
    if (groups > rows) groups = rows;
    if (groups < 1) groups = 1;
    double group = rows / groups * GROUP_SPREAD;
    c.startup = full_sort(p, group, limit);
    c.total =
        rows * (log2(group + 1) * COST_COMPARE * price_of_work(p) + COST_SORTED + 2 * COST_PREFIX) +
        groups * COST_GROUP;
    return c;
}

/* ---- operators ---- */

static status wanted_keys(struct planner *p, const struct plan *child,
                          const struct plan_sort_column *columns, uint16_t n,
                          struct order_key **ret) {
    NEW_N(p, *ret, n + 1);
    for (uint16_t i = 0; i < n; i++)
        (*ret)[i] = (struct order_key){.expr = child->out[columns[i].column],
                                       .descending = columns[i].descending,
                                       .nulls_first = columns[i].nulls_first};
    return OK;
}

/* The cheaper of sorting all and sorting what is equal so far. */
static uint16_t presorted_of(struct planner *p, const struct plan *child,
                             const struct order_key *keys, uint16_t n) {
    uint16_t k = order_prefix(p, child->order, child->norder, keys, n);
    if (k == n) return k;
    if (plan_avoids(p, WAY_INCREMENTAL_SORT)) return 0;
    struct sort_cost full = sort_cost(p, child->rows, keys, 0, n, 0);
    struct sort_cost part = sort_cost(p, child->rows, keys, k, n, 0);
    return part.total < full.total ? k : 0;
}

status plan_sort(struct planner *p, struct plan *child, const struct plan_sort_column *columns,
                 uint16_t n, struct plan **ret) {
    struct order_key *keys;
    *ret = child;
    if (n == 0 || order_is_trivial(child)) return OK;
    TRY(wanted_keys(p, child, columns, n, &keys));
    uint16_t presorted = presorted_of(p, child, keys, n);
    if (presorted == n) return OK;
    struct plan *plan;
    TRY(plan_above(p, presorted ? PLAN_INCREMENTAL_SORT : PLAN_SORT, child, &plan));
    NEW_N(p, plan->sort.columns, n);
    memcpy(plan->sort.columns, columns, n * sizeof *columns);
    plan->sort.n = n;
    plan->sort.presorted = presorted;
    plan->order = keys;
    plan->norder = n;
    struct sort_cost c = sort_cost(p, child->rows, keys, presorted, n, 0);
    plan->startup = (presorted ? child->startup : child->cost) + c.startup;
    plan->cost = child->cost + c.total;
    *ret = plan;
    return OK;
}

status plan_material(struct planner *p, struct plan *child, struct plan **ret) {
    struct plan *plan;
    TRY(plan_above(p, PLAN_MATERIAL, child, &plan));
    plan->cost += child->rows * 0.2;
    *ret = plan;
    return OK;
}

static status compile_limit(struct planner *p, struct plan *node, struct expr *e,
                            struct program **ret) {
    if (!e) return OK;
    return compile_over(p, node, &e, 1, NULL, NULL, ret);
}

static status plan_ties(struct planner *p, struct plan *plan) {
    struct query *q = p->query;
    if (!q->with_ties) return OK;
    plan->limit.nties = q->nsort;
    NEW_N(p, plan->limit.ties, q->nsort + 1);
    for (uint16_t i = 0; i < q->nsort; i++) plan->limit.ties[i] = q->sort[i].target;
    return OK;
}

status plan_limit(struct planner *p, struct plan *child, struct expr *limit, struct expr *offset,
                  struct plan **ret) {
    if (!limit && !offset) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_above(p, PLAN_LIMIT, child, &plan));
    TRY(compile_limit(p, plan, limit, &plan->limit.limit));
    TRY(compile_limit(p, plan, offset, &plan->limit.offset));
    if (limit && limit->kind == EXPR_CONST && !limit->constant.is_null &&
        limit->constant.value.i64 < plan->rows)
        plan->rows = limit->constant.value.i64 < 1 ? 1 : (double)limit->constant.value.i64;
    if (plan->rows < child->rows)
        plan->cost = child->startup + (child->cost - child->startup) * plan->rows / child->rows;
    TRY(plan_ties(p, plan));
    bool sorts = child->kind == PLAN_SORT || child->kind == PLAN_INCREMENTAL_SORT;
    if (sorts && limit && !plan->limit.nties) { /* only the first rows need be kept */
        child->sort.bounded = true;
        child->sort.limit = plan->limit.limit;
        child->sort.offset = plan->limit.offset;
    }
    *ret = plan;
    return OK;
}
