/* Ordered-set aggregates: the rows of a group are kept (direct arguments, then order keys), sorted,
 * and looked at as a whole. */
#include "types/ordered_set.h"

#include "exec/internal.h"

static datum key_of(const void *rows, size_t i) {
    const struct plan_aggregate *p = ((const struct ordered_group *)rows)->plan;
    return ((const struct ordered_group *)rows)->rows->rows[i]->values[p->nargs];
}

static status sort_rows(const struct ordered_group *g, struct arena *a) {
    const struct plan_aggregate *p = g->plan;
    struct plan_sort_column *columns = arena_array(a, p->norder + 1u, sizeof *columns);
    NEEDS(g->rows->x, columns);
    for (uint16_t k = 0; k < p->norder; k++)
        columns[k] = (struct plan_sort_column){(uint16_t)(p->nargs + k), p->order[k].descending,
                                               p->order[k].nulls_first, p->arg_types[p->nargs + k]};
    return row_store_sort(g->rows, columns, p->norder);
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

/* Sorted rows are compared with the direct arguments of the first. */
static struct hypothetical place(const struct ordered_group *g) {
    struct row_store *s = g->rows;
    uint16_t keys = g->plan->nargs;
    struct hypothetical h = {.n = s->n};
    for (size_t i = 0; i < s->n; i++) {
        int c = compare(g, s->rows[i], keys, s->rows[0], 0);
        h.before += c < 0;
        h.peers += c == 0;
        if (c < 0 && (i == 0 || compare(g, s->rows[i], keys, s->rows[i - 1], keys) != 0))
            h.distinct++;
    }
    return h;
}

status ordered_group_final(const struct ordered_group *g, struct arena *a, datum *ret,
                           uint8_t *ret_null) {
    const struct plan_aggregate *p = g->plan;
    struct hypothetical nobody = {0};
    *ret_null = !p->ordered->hypothetical;
    if (!g->rows) {
        if (p->ordered->hypothetical) *ret = ordered_set_place(p->ordered, &nobody);
        return OK;
    }
    TRY(sort_rows(g, a));
    if (p->ordered->hypothetical) {
        struct hypothetical h = place(g);
        *ret = ordered_set_place(p->ordered, &h);
        return OK;
    }
    struct eval_env env = g->rows->x->env->eval;
    env.arena = a;
    struct ordered_rows rows = {p->arg_types[p->nargs], g->rows->n, key_of, g};
    datum direct = {0}, value = {0};
    bool no_direct = false, is_null;
    if (p->nargs) {
        direct = g->rows->rows[0]->values[0];
        no_direct = stored_nulls(g->rows, g->rows->rows[0])[0];
    }
    TRY(ordered_set_value(&env, p->ordered, &rows, direct, no_direct, &value, &is_null));
    *ret_null = is_null;
    if (is_null) return OK;
    status s = type_copy(type_find(p->site->result_type), value, a, ret);
    return status_is(s, ST_OUT_OF_MEMORY) ? exec_memory(g->rows->x) : s;
}
