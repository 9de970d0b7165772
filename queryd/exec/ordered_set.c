/* Ordered-set aggregates: the rows of a group are kept (direct arguments, then order keys), sorted,
 * and looked at as a whole. Those beyond memory come from temporary space when they are asked for.
 */
#include "types/ordered_set.h"

#include "exec/internal.h"

/* A group's rows, while they are looked at. */
struct look {
    const struct ordered_group *g;
    struct arena *arena;
    status failed; /* the first that a row could not be had for */
};

static struct stored_row *row_at(struct look *l, size_t i) {
    struct stored_row *r = NULL;
    status s = row_store_at(l->g->rows, i, &r);
    if (!ok(s) && ok(l->failed)) l->failed = s;
    return ok(s) ? r : l->g->rows->rows[0];
}

/* Percentiles keep what they are given while they ask for more; mode goes through all. */
static datum key_of(const void *look, size_t i) {
    struct look *l = (struct look *)look;
    const struct plan_aggregate *p = l->g->plan;
    datum d = row_at(l, i)->values[p->nargs];
    if (i < l->g->rows->n || p->nargs == 0) return d;
    status s = type_copy(p->arg_types[p->nargs], d, l->arena, &d);
    if (!ok(s) && ok(l->failed)) l->failed = s;
    return d;
}

/* How two rows stand, by columns that begin at `a` and `b`. */
static int compare(const struct ordered_group *g, struct stored_row *x, uint16_t a,
                   struct stored_row *y, uint16_t b) {
    const struct plan_aggregate *p = g->plan;
    const uint8_t *xn = stored_nulls(g->rows, x), *yn = stored_nulls(g->rows, y);
    for (uint16_t k = 0; k < p->norder; k++) {
        int c = compare_values(p->arg_types[p->nargs + k], x->values[a + k], xn[a + k],
                               y->values[b + k], yn[b + k], p->order[k].descending,
                               p->order[k].nulls_first);
        if (c) return c;
    }
    return 0;
}

#define ROWS_PER_BREATH 1024

/* Sorted rows are compared with the direct arguments of the first. */
static status place(struct look *l, struct hypothetical *h) {
    const struct ordered_group *g = l->g;
    uint16_t keys = g->plan->nargs;
    *h = (struct hypothetical){.n = row_store_count(g->rows)};
    for (size_t i = 0; i < h->n; i++) {
        struct stored_row *before = i ? row_at(l, i - 1) : NULL, *r = row_at(l, i);
        int c = compare(g, r, keys, g->rows->rows[0], 0);
        h->before += c < 0;
        h->peers += c == 0;
        if (c < 0 && (!before || compare(g, r, keys, before, keys) != 0)) h->distinct++;
        if (i % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(g->rows->x->env));
    }
    return l->failed;
}

static status value_of_group(struct look *l, datum *ret, uint8_t *ret_null) {
    const struct ordered_group *g = l->g;
    const struct plan_aggregate *p = g->plan;
    struct eval_env env = g->rows->x->env->eval;
    env.arena = l->arena;
    struct ordered_rows rows = {p->arg_types[p->nargs], row_store_count(g->rows), key_of, l};
    datum direct = {0}, value = {0};
    bool no_direct = false, is_null;
    if (p->nargs) {
        direct = g->rows->rows[0]->values[0];
        no_direct = stored_nulls(g->rows, g->rows->rows[0])[0];
    }
    TRY(ordered_set_value(&env, p->ordered, &rows, direct, no_direct, &value, &is_null));
    TRY(l->failed);
    *ret_null = is_null;
    if (is_null) return OK;
    status s = type_copy(type_find(p->site->result_type), value, l->arena, ret);
    return status_is(s, ST_OUT_OF_MEMORY) ? exec_memory(g->rows->x) : s;
}

status ordered_group_final(const struct ordered_group *g, struct arena *a, datum *ret,
                           uint8_t *ret_null) {
    const struct plan_aggregate *p = g->plan;
    struct hypothetical h = {0};
    struct look l = {g, a, OK};
    *ret_null = !p->ordered->hypothetical;
    if (!p->ordered->hypothetical) return g->rows ? value_of_group(&l, ret, ret_null) : OK;
    if (g->rows) TRY(place(&l, &h));
    *ret = ordered_set_place(p->ordered, &h);
    return OK;
}
