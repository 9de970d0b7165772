/* Joins of two sides that come sorted: what can be a key, what it costs, the operator. */
#include "plan/join.h"
#include "types/collator.h"

#define COST_MERGE_LEFT 0.4  /* of a row that is compared */
#define COST_MERGE_RIGHT 0.8 /* … and kept, for as long as its key lasts */
#define COST_MERGE_PAIR 0.2  /* of a combination that is looked at */

/* The type as which both sides are compared; NULL: their orders differ. */
static const struct type *common_type(const struct expr *a, const struct expr *b) {
    if (a->type == b->type)
        return collator_of(a->collation) == collator_of(b->collation) ? expr_value_type(a) : NULL;
    return type_is_integer(a->type) && type_is_integer(b->type) ? type_find(INT8OID) : NULL;
}

bool merge_sides(struct expr *e, const struct rte_set *l, const struct rte_set *r,
                 struct expr **ret_left, struct expr **ret_right) {
    struct rte_set x, y;
    if (e->kind != EXPR_CALL || !e->call.op || e->call.op->btree_strategy != 3 || e->nargs != 2)
        return false;
    const struct type *t = common_type(e->args[0], e->args[1]);
    if (!t || !type_is_ordered(t) || expr_volatility(e) == 'v') return false;
    if (t->collator != collator_of(e->input_collation)) return false;
    if (!ok(query_rtes_of(e->args[0], &x)) || !ok(query_rtes_of(e->args[1], &y))) return false;
    if (rte_set_empty(&x) || rte_set_empty(&y)) return false;
    bool forth = rte_set_subset(&x, l) && rte_set_subset(&y, r);
    bool back = rte_set_subset(&y, l) && rte_set_subset(&x, r);
    *ret_left = e->args[forth ? 0 : 1];
    *ret_right = e->args[forth ? 1 : 0];
    return forth || back;
}

double merge_cost(struct planner *p, double l, double r, double pairs, double rows) {
    double more = pairs > rows ? pairs - rows : 0;
    double work = l * COST_MERGE_LEFT + r * COST_MERGE_RIGHT + (more + rows) * COST_MERGE_PAIR;
    return cost_avoided(p, WAY_MERGEJOIN) + work * price_of_work(p);
}

/* ---- the operator ---- */

struct merge_keys {
    uint16_t n;
    struct expr *left[WAY_KEYS], *right[WAY_KEYS];
    struct conjuncts rest;
};

/* The condition that the way's key number k means, among those not taken yet. */
static status take_key(struct planner *p, const struct join_rel *l, const struct join_rel *r,
                       const struct join_way *w, uint8_t k, struct conjuncts *quals, bool *taken,
                       struct merge_keys *ret) {
    for (uint32_t i = 0; i < quals->n; i++) {
        struct expr *left, *right;
        uint16_t x, y;
        if (taken[i] || !merge_sides(quals->items[i], &l->rtes, &r->rtes, &left, &right)) continue;
        TRY(order_term(p, left, &x));
        TRY(order_term(p, right, &y));
        if (x != w->merge[k].term || y != w->right_terms[k]) continue;
        taken[i] = true;
        ret->left[ret->n] = left;
        ret->right[ret->n++] = right;
        return OK;
    }
    return error_set(p->c->error, ST_INTERNAL_ERROR, "merge key not found among the conditions");
}

static status find_keys(struct planner *p, const struct join_rel *l, const struct join_rel *r,
                        const struct join_way *w, struct conjuncts *quals, struct merge_keys *ret) {
    bool *taken;
    NEW_N(p, taken, quals->n + 1);
    for (uint8_t k = 0; k < w->nmerge; k++) TRY(take_key(p, l, r, w, k, quals, taken, ret));
    for (uint32_t i = 0; i < quals->n; i++)
        if (!taken[i]) TRY(conjuncts_add(p, &ret->rest, quals->items[i]));
    return OK;
}

/* The side sorted by its keys; those that are no columns of it become some. */
static status sorted_side(struct planner *p, struct plan *side, struct expr *const *keys,
                          const struct join_way *w, struct plan **ret) {
    struct expr **columns;
    struct plan_sort_column *sort;
    uint16_t n = side->ncolumns;
    NEW_N(p, columns, n + w->nmerge + 1u);
    NEW_N(p, sort, w->nmerge);
    if (n) memcpy(columns, side->out, n * sizeof *columns);
    for (uint8_t k = 0; k < w->nmerge; k++) {
        uint16_t c = 0;
        while (c < n && !(columns[c] && expr_equal(columns[c], keys[k]))) c++;
        if (c == n) columns[n++] = keys[k];
        sort[k] = sort_column(c, keys[k], w->merge[k].descending, w->merge[k].nulls_first);
    }
    TRY(plan_project(p, side, columns, n, &side));
    return plan_sort(p, side, sort, w->nmerge, ret);
}

/* A key that was computed to be sorted by is filled up with null in rows made up by the join, which
 * its expression need not be: nobody is to find it. */
static status hide_columns(struct planner *p, struct plan *join, uint16_t from, uint16_t to) {
    for (uint16_t c = from; c < to; c++)
        NEEDS(p, join->out[c] = expr_const(p->c->arena, join->out[c]->type, (datum){0}, true, -1));
    return OK;
}

static bool is_right_key(struct planner *p, const struct merge_keys *k, const struct expr *e) {
    for (uint16_t i = 0; i < k->n; i++)
        if (order_same(p, k->right[i], e)) return true;
    return false;
}

/* Left rows keep their order. Right rows keep it as far as the keys go: those of one key come again
 * for each left row. */
static void merge_order(struct planner *p, struct plan *join, enum plan_join kind,
                        const struct merge_keys *k) {
    const struct plan *from = kind == PLAN_RIGHT ? join->right : join->left;
    if (kind == PLAN_FULL) return;
    join->order = from->order;
    join->norder = kind == PLAN_RIGHT ? 0 : from->norder;
    while (join->norder < from->norder && (from->order[join->norder].constant ||
                                           is_right_key(p, k, from->order[join->norder].expr)))
        join->norder++;
}

status merge_make(struct planner *p, struct join_rel *l, struct join_rel *r,
                  const struct join_way *w, struct conjuncts *quals, struct plan **ret) {
    struct merge_keys *keys;
    struct plan *left = l->plan, *right = r->plan, *join;
    NEW(p, keys);
    TRY(find_keys(p, l, r, w, quals, keys));
    if (w->sort_left) TRY(sorted_side(p, left, keys->left, w, &left));
    if (w->sort_right) TRY(sorted_side(p, right, keys->right, w, &right));
    TRY(plan_new(p, PLAN_MERGE_JOIN, left, right, 0, &join));
    TRY(join_columns(p, join, w->kind));
    uint16_t nleft = l->plan->ncolumns, nright = r->plan->ncolumns;
    if (w->kind == PLAN_RIGHT || w->kind == PLAN_FULL)
        TRY(hide_columns(p, join, nleft, left->ncolumns));
    if (w->kind == PLAN_LEFT || w->kind == PLAN_FULL)
        TRY(hide_columns(p, join, (uint16_t)(left->ncolumns + nright), join->ncolumns));
    struct plan_merge_join *m = &join->merge;
    m->join = w->kind;
    m->nkeys = keys->n;
    NEW_N(p, m->key_types, keys->n);
    NEW_N(p, m->descending, keys->n);
    for (uint16_t k = 0; k < keys->n; k++) {
        m->key_types[k] = common_type(keys->left[k], keys->right[k]);
        m->descending[k] = w->merge[k].descending;
    }
    TRY(compile_over(p, join, keys->left, keys->n, left, NULL, &m->left_keys));
    TRY(compile_over(p, join, keys->right, keys->n, right, NULL, &m->right_keys));
    TRY(compile_conjuncts(p, join, &keys->rest, left, right, &m->condition));
    merge_order(p, join, w->kind, keys);
    *ret = join;
    return OK;
}
