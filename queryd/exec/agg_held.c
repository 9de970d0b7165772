/* Aggregates with DISTINCT or ORDER BY, and ordered sets: their values are held for each group, and
 * stepped in order when the group is finished. */
#include "exec/agg.h"

static uint16_t inputs_of(const struct plan_aggregate *p) {
    return (uint16_t)(p->nargs + p->norder);
}

/* By the order asked for, then, for DISTINCT, by the values. */
static status order_of(struct agg *a, const struct plan_aggregate *p, struct held_order *o) {
    NEW_N(a->op.x, o->columns, inputs_of(p) + 1);
    o->n = 0;
    for (uint16_t k = 0; k < p->norder; k++)
        o->columns[o->n++] =
            (struct plan_sort_column){(uint16_t)(p->nargs + k), p->order[k].descending,
                                      p->order[k].nulls_first, p->arg_types[p->nargs + k]};
    for (uint16_t k = 0; p->distinct && k < p->nargs; k++)
        o->columns[o->n++] = (struct plan_sort_column){k, false, false, p->arg_types[k]};
    return OK;
}

status agg_held_open(struct agg *a) {
    const struct plan_agg *p = &a->op.plan->agg;
    uint16_t widest = 0;
    NEW_N(a->op.x, a->held, p->naggs + 1);
    for (uint16_t i = 0; i < p->naggs; i++) {
        if (!agg_holds(&p->aggs[i])) continue;
        TRY(order_of(a, &p->aggs[i], &a->held[i]));
        if (inputs_of(&p->aggs[i]) > widest) widest = inputs_of(&p->aggs[i]);
    }
    for (int i = 0; i < 2; i++) arena_init(&a->held_arena[i], 0);
    return widest ? columns_new(a->op.x, widest, HELD_ROWS, &a->held_columns) : OK;
}

status agg_held_add(struct agg *a, uint16_t i, struct held *h, uint16_t row) {
    const struct plan_aggregate *p = &a->op.plan->agg.aggs[i];
    const struct held_order *o = &a->held[i];
    uint16_t n = inputs_of(p);
    struct vec columns[FUNCTION_ARGS_MAX];
    for (uint16_t k = 0; k < n; k++)
        columns[k] = *program_output(a->values, (uint16_t)(p->first_arg + k));
    if (p->ordered) {
        if (!h->rows) TRY(row_store_new(a->op.x, n, p->arg_types, &h->rows));
        return row_store_add(h->rows, columns, row, NULL);
    }
    if (!h->sorter) TRY(sorter_new(a->op.x, n, p->arg_types, o->columns, o->n, &h->sorter));
    size_t before = row_store_bytes(h->sorter->rows);
    TRY(sorter_add(h->sorter, columns, row));
    a->held_bytes += row_store_bytes(h->sorter->rows) - before;
    return OK;
}

static bool same_args(const struct plan_aggregate *p, const datum *a, const uint8_t *a_nulls,
                      const struct vec *columns, uint16_t row) {
    for (uint16_t k = 0; k < p->nargs; k++)
        if (!same_value(p->arg_types[k], a[k], a_nulls[k], columns[k].values[row],
                        columns[k].nulls[row]))
            return false;
    return true;
}

status agg_held_step(struct agg *a, uint16_t i, struct held *h, struct agg_call *c) {
    const struct plan_aggregate *p = &a->op.plan->agg.aggs[i];
    bool have_last = false;
    unsigned turn = 0;
    uint16_t n;
    if (!h->sorter) return OK;
    TRY(sorter_finish(h->sorter));
    for (;;) {
        struct arena *arena = &a->held_arena[turn ^= 1]; /* the last row lies in the other one */
        if (arena->chunk) arena_reset(arena);
        TRY(sorter_read(h->sorter, a->held_columns, HELD_ROWS, arena, &n));
        if (n == 0) return OK;
        for (uint16_t r = 0; r < n; r++) {
            bool again = p->distinct && have_last &&
                         same_args(p, a->arg_values, a->arg_nulls, a->held_columns, r);
            for (uint16_t k = 0; k < p->nargs; k++) {
                a->arg_values[k] = a->held_columns[k].values[r];
                a->arg_nulls[k] = a->held_columns[k].nulls[r];
            }
            have_last = true;
            if (!again) TRY(aggregate_step(p->aggregate, c));
        }
        TRY(sql_env_breathe(a->op.x->env));
    }
}

void agg_held_free(struct held *h) {
    if (h->rows) row_store_free(h->rows);
    if (h->sorter) sorter_free(h->sorter);
    h->rows = NULL;
    h->sorter = NULL;
}

void agg_held_close(struct agg *a) {
    for (int i = 0; i < 2; i++)
        if (a->held_arena[i].chunk) arena_free(&a->held_arena[i]);
}
