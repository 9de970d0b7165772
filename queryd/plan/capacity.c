/* How many rows the batches of operators hold. */
#include "plan/internal.h"

#define DECIDING_ROWS 2 /* 1 would say that there cannot be more */

static uint16_t capacity_for(double rows) {
    return rows <= 64 ? 64 : BATCH_ROWS;
}

/* Semi and anti joins hand on the left side's batches. */
static bool gives_left_rows(const struct plan *plan) {
    enum plan_join j = plan->kind == PLAN_NEST        ? plan->nest.join
                       : plan->kind == PLAN_HASH_JOIN ? plan->hash.join
                                                      : PLAN_INNER;
    return j == PLAN_SEMI || j == PLAN_ANTI;
}

static bool at_most_one(const struct plan *plan) {
    switch (plan->kind) {
    case PLAN_RESULT: return true;
    case PLAN_SCAN: return plan->scan.point && !plan->scan.list && !plan->scan.array;
    case PLAN_AGG: return plan->agg.ngroup == 0 && plan->agg.nsets <= 1;
    case PLAN_INSERT:
    case PLAN_UPDATE:
    case PLAN_DELETE: return plan->left->capacity == 1;
    case PLAN_NEST:
        return !gives_left_rows(plan) && plan->left->capacity == 1 && plan->right->capacity == 1;
    case PLAN_SORT:
    case PLAN_INCREMENTAL_SORT:
    case PLAN_MATERIAL: return plan->left->capacity == 1;
    case PLAN_VALUES: return plan->values.nrows == 1;
    default: return false;
    }
}

void plan_set_capacity(struct plan *plan) {
    if (plan->capacity) return;
    if (plan->left) plan_set_capacity(plan->left);
    if (plan->right) plan_set_capacity(plan->right);
    /* the first row decides: no more are looked for */
    if (plan->kind == PLAN_NEST && gives_left_rows(plan) && !plan->nest.condition &&
        plan->right->kind == PLAN_SCAN && plan->right->capacity > DECIDING_ROWS)
        plan->right->capacity = DECIDING_ROWS;
    if (at_most_one(plan))
        plan->capacity = 1;
    else if (plan->kind == PLAN_FILTER || plan->kind == PLAN_GATE || plan->kind == PLAN_PROJECT ||
             plan->kind == PLAN_LIMIT || plan->kind == PLAN_LOCK || plan->kind == PLAN_SAMPLE ||
             plan->kind == PLAN_UNIQUE || plan->kind == PLAN_SETOP || gives_left_rows(plan))
        plan->capacity = plan->left->capacity;
    else
        plan->capacity = capacity_for(plan->rows);
    /* a whole batch of the right side must fit */
    if (plan->kind == PLAN_NEST && !gives_left_rows(plan) && plan->capacity < plan->right->capacity)
        plan->capacity = plan->right->capacity;
}

void plan_one_by_one(struct plan *plan) {
    if (plan->left) plan_one_by_one(plan->left);
    if (plan->right) plan_one_by_one(plan->right);
    if (plan->capacity > 1) plan->one_by_one = true;
    plan->capacity = 1;
}
