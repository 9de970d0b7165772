/* Whether conditions imply the predicate of a partial index. What cannot be proved is not implied:
 * only constants are compared, never parameters. */
#include "plan/internal.h"
#include "types/collator.h"

/* ---- strictness ---- */

/* e is null when x is. */
static bool null_with(const struct expr *e, const struct expr *x) {
    if (expr_equal(e, x)) return true;
    bool strict = (e->kind == EXPR_CALL && e->call.function->strict) ||
                  (e->kind == EXPR_CAST && e->nargs == 1);
    for (uint16_t i = 0; strict && i < e->nargs; i++)
        if (null_with(e->args[i], x)) return true;
    return false;
}

/* The condition is not true when x is null. */
static bool refuses_null(const struct expr *q, const struct expr *x) {
    switch (q->kind) {
    case EXPR_BOOL: return q->boolean == EXPR_NOT && null_with(q->args[0], x);
    case EXPR_NULL_TEST:
        return q->negated && q->args[0]->type != RECORDOID && null_with(q->args[0], x);
    case EXPR_BOOL_TEST:
        return !q->negated && q->test != EXPR_IS_UNKNOWN && null_with(q->args[0], x);
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP:
        return !q->call.is_all && q->call.function->strict && null_with(q->args[0], x);
    default: return null_with(q, x);
    }
}

/* ---- truth values ---- */

/* x, NOT x, x = true, x IS FALSE …: that x has this value. */
static bool truth_of(const struct expr *e, const struct expr **ret_x, bool *ret_value) {
    *ret_value = true;
    *ret_x = e;
    if (e->kind == EXPR_BOOL && e->boolean == EXPR_NOT) {
        *ret_value = false;
        *ret_x = e->args[0];
    } else if (e->kind == EXPR_BOOL_TEST && !e->negated && e->test != EXPR_IS_UNKNOWN) {
        *ret_value = e->test == EXPR_IS_TRUE;
        *ret_x = e->args[0];
    } else if (e->kind == EXPR_CALL && e->call.op && e->call.op->btree_strategy == 3 &&
               e->nargs == 2 && e->args[1]->kind == EXPR_CONST && e->args[1]->type == BOOLOID &&
               !e->args[1]->constant.is_null) {
        *ret_value = e->args[1]->constant.value.b;
        *ret_x = e->args[0];
    }
    return (*ret_x)->type == BOOLOID;
}

static bool same_truth(const struct expr *q, const struct expr *want) {
    const struct expr *x, *y;
    bool a, b;
    return truth_of(q, &x, &a) && truth_of(want, &y, &b) && a == b && expr_equal(x, y);
}

/* ---- comparisons ---- */

enum { NOT_EQUAL = 6 }; /* beside the btree strategies 1 … 5 */

struct comparison {
    const struct expr *x, *constant;
    uint8_t strategy;
    oid collation;
};

static bool is_constant(const struct expr *e) {
    return e->kind == EXPR_CONST && !e->constant.is_null;
}

/* x op constant, whichever side it was written on. */
static bool comparison_of(const struct expr *e, struct comparison *ret) {
    if (e->kind != EXPR_CALL || !e->call.op || e->nargs != 2) return false;
    uint8_t strategy = e->call.op->btree_strategy;
    if (!strategy && !e->call.op->schema && strcmp(e->call.op->name, "<>") == 0)
        strategy = NOT_EQUAL;
    if (!strategy) return false;
    bool turned = is_constant(e->args[0]);
    *ret = (struct comparison){e->args[turned], e->args[!turned], strategy, e->input_collation};
    if (turned && strategy != NOT_EQUAL) ret->strategy = (uint8_t)(6 - strategy);
    return is_constant(ret->constant);
}

static bool order_of(const struct expr *a, const struct expr *b, oid collation, int *ret) {
    datum x = a->constant.value, y = b->constant.value;
    const struct type *t = type_of_collation(a->type, collation);
    if (type_is_integer(a->type) && type_is_integer(b->type))
        *ret = (x.i64 > y.i64) - (x.i64 < y.i64);
    else if (a->type == b->type && t && type_is_ordered(t))
        *ret = type_compare(t, x, y);
    else
        return false;
    return true;
}

static bool holds(int order, uint8_t strategy) {
    switch (strategy) {
    case 1: return order < 0;
    case 2: return order <= 0;
    case 3: return order == 0;
    case 4: return order >= 0;
    case 5: return order > 0;
    default: return order != 0;
    }
}

/* x `have` a, so x `want` b, where order is that of a and b. */
static bool comparison_implies(uint8_t have, uint8_t want, int order) {
    bool strict = have == 1 || have == 5;
    if (have == 3) return holds(order, want);
    if (have == NOT_EQUAL) return want == NOT_EQUAL && order == 0;
    if (have > 3) order = -order; /* as if it were < or <= */
    if (want != NOT_EQUAL && (have > 3) != (want > 3)) return false;
    if (want == 3) return false;
    bool within = want == 2 || want == 4 || strict;
    return within ? order <= 0 : order < 0;
}

static bool compares(const struct expr *q, const struct expr *want) {
    struct comparison have, need;
    int order;
    return comparison_of(q, &have) && comparison_of(want, &need) && expr_equal(have.x, need.x) &&
           collator_of(have.collation) == collator_of(need.collation) &&
           order_of(have.constant, need.constant, have.collation, &order) &&
           comparison_implies(have.strategy, need.strategy, order);
}

/* x IN (…): every item does. */
static bool list_compares(const struct expr *q, const struct expr *want) {
    struct comparison need;
    if (q->kind != EXPR_IN_LIST || q->call.is_all || !q->call.op ||
        q->call.op->btree_strategy != 3 || !comparison_of(want, &need) ||
        !expr_equal(q->args[0], need.x) ||
        collator_of(q->input_collation) != collator_of(need.collation))
        return false;
    for (uint16_t i = 1; i < q->nargs; i++) {
        int order;
        if (!is_constant(q->args[i]) ||
            !order_of(q->args[i], need.constant, need.collation, &order) ||
            !holds(order, need.strategy))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool implies(const struct expr *q, const struct expr *want);

static bool parts_imply(const struct expr *q, const struct expr *want) {
    bool all = q->boolean == EXPR_OR;
    for (uint16_t i = 0; i < q->nargs; i++)
        if (implies(q->args[i], want) != all) return !all;
    return all;
}

static bool implies_part(const struct expr *q, const struct expr *want) {
    bool all = want->boolean == EXPR_AND;
    for (uint16_t i = 0; i < want->nargs; i++)
        if (implies(q, want->args[i]) != all) return !all;
    return all;
}

static bool implies(const struct expr *q, const struct expr *want) {
    if (coro_stack_left() < STACK_MARGIN_BYTES) return false;
    if (expr_equal(q, want) || same_truth(q, want)) return true;
    if (q->kind == EXPR_BOOL && q->boolean != EXPR_NOT && parts_imply(q, want)) return true;
    if (want->kind == EXPR_BOOL && want->boolean != EXPR_NOT) return implies_part(q, want);
    if (want->kind == EXPR_NULL_TEST && want->negated && want->args[0]->type != RECORDOID)
        return refuses_null(q, want->args[0]);
    return compares(q, want) || list_compares(q, want);
}

static bool one_implies(const struct conjuncts *quals, const struct expr *want) {
    for (uint32_t i = 0; i < quals->n; i++)
        if (implies(quals->items[i], want)) return true;
    return false;
}

bool is_implied(struct planner *p, const struct conjuncts *quals, struct expr *predicate) {
    struct conjuncts wanted = {0};
    if (!ok(conjuncts_add(p, &wanted, predicate))) return false;
    for (uint32_t i = 0; i < wanted.n; i++) {
        struct expr *want = wanted.items[i];
        bool either = want->kind == EXPR_BOOL && want->boolean == EXPR_OR;
        bool proved = one_implies(quals, want);
        for (uint16_t k = 0; either && !proved && k < want->nargs; k++) {
            struct expr *part = want->args[k];
            proved = is_implied(p, quals, part);
        }
        if (!proved) return false;
    }
    return true;
}
