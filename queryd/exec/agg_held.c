/* Aggregates with DISTINCT or ORDER BY, and ordered sets: their values are held for each group, and
 * stepped in order when the group is finished. Most groups have few: those are kept in a list, and
 * sorted in place; only what grows beyond that has a sorter of its own. */
#include "exec/agg.h"

#define FEW 256       /* rows that are kept in a list … */
#define FEW_IF_FULL 8 /* … when the groups are beyond their memory */

struct held_row {
    struct held_row *before;
    struct stored_row row;
};

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
    if (widest) NEW_N(a->op.x, a->held_few, FEW);
    return widest ? columns_new(a->op.x, widest, HELD_ROWS, &a->held_columns) : OK;
}

/* ---- adding ---- */

static uint32_t few(const struct agg *a) {
    return a->held_bytes + a->groups.used > hash_memory(a->op.x) ? FEW_IF_FULL : FEW;
}

static status add_few(struct agg *a, const struct plan_aggregate *p, struct held *h, uint16_t row) {
    uint16_t n = inputs_of(p);
    struct held_row *r = arena_alloc(&a->groups, sizeof *r + n * (sizeof(datum) + 1u));
    if (!r) return agg_full(a);
    uint8_t *nulls = (uint8_t *)(r->row.values + n);
    for (uint16_t k = 0; k < n; k++) {
        const struct vec *v = program_output(a->values, (uint16_t)(p->first_arg + k));
        nulls[k] = v->nulls[row];
        r->row.values[k] = (datum){0};
        if (nulls[k]) continue;
        status s = type_copy(p->arg_types[k], v->values[row], &a->groups, &r->row.values[k]);
        if (status_is(s, ST_OUT_OF_MEMORY)) return agg_full(a);
        TRY(s);
    }
    r->before = h->first;
    h->first = r;
    h->n++;
    return OK;
}

/* The list's rows in the order in which they came. */
static void gather(struct agg *a, const struct held *h) {
    uint32_t at = h->n;
    for (struct held_row *r = h->first; r; r = r->before) a->held_few[--at] = &r->row;
}

static status give_to_sorter(struct agg *a, struct held *h) {
    size_t before = row_store_bytes(h->sorter->rows);
    gather(a, h);
    for (uint32_t i = 0; i < h->n; i++) TRY(sorter_add_row(h->sorter, a->held_few[i]));
    a->held_bytes += row_store_bytes(h->sorter->rows) - before;
    h->first = NULL;
    h->n = 0;
    return OK;
}

status agg_held_add(struct agg *a, uint16_t i, struct held *h, uint16_t row) {
    const struct plan_aggregate *p = &a->op.plan->agg.aggs[i];
    const struct held_order *o = &a->held[i];
    uint16_t n = inputs_of(p);
    struct vec columns[FUNCTION_ARGS_MAX];
    for (uint16_t k = 0; k < n; k++)
        columns[k] = *program_output(a->values, (uint16_t)(p->first_arg + k));
    if (!h->sorter && h->n < few(a)) return add_few(a, p, h, row);
    if (!h->sorter) {
        TRY(sorter_new(a->op.x, n, p->arg_types, o->columns, o->n, &h->sorter));
        TRY(give_to_sorter(a, h));
    }
    size_t before = row_store_bytes(h->sorter->rows);
    TRY(sorter_add(h->sorter, columns, row));
    a->held_bytes += row_store_bytes(h->sorter->rows) - before;
    return OK;
}

/* ---- stepping ---- */

static bool same_args(const struct plan_aggregate *p, const datum *a, const uint8_t *a_nulls,
                      const struct vec *columns, uint16_t row) {
    for (uint16_t k = 0; k < p->nargs; k++)
        if (!same_value(p->arg_types[k], a[k], a_nulls[k], columns[k].values[row],
                        columns[k].nulls[row]))
            return false;
    return true;
}

static status sort_few(struct agg *a, const struct plan_aggregate *p, const struct held_order *o,
                       struct held *h) {
    gather(a, h);
    a->held_list =
        (struct row_store){.ncolumns = inputs_of(p), .x = a->op.x, .rows = a->held_few, .n = h->n};
    return row_store_sort(&a->held_list, o->columns, o->n);
}

static status step_few(struct agg *a, const struct plan_aggregate *p, const struct held_order *o,
                       struct held *h, struct agg_call *c) {
    uint16_t n = inputs_of(p);
    TRY(sort_few(a, p, o, h));
    for (uint32_t r = 0; r < h->n; r++) {
        const struct stored_row *row = a->held_few[r];
        const uint8_t *nulls = (const uint8_t *)(row->values + n);
        bool again = p->distinct && r > 0;
        for (uint16_t k = 0; again && k < p->nargs; k++)
            again = same_value(p->arg_types[k], a->arg_values[k], a->arg_nulls[k], row->values[k],
                               nulls[k]);
        memcpy(a->arg_values, row->values, p->nargs * sizeof(datum));
        memcpy(a->arg_nulls, nulls, p->nargs);
        if (!again) TRY(aggregate_step(p->aggregate, c));
    }
    return OK;
}

status agg_held_step(struct agg *a, uint16_t i, struct held *h, struct agg_call *c) {
    const struct plan_aggregate *p = &a->op.plan->agg.aggs[i];
    bool have_last = false;
    unsigned turn = 0;
    uint16_t n;
    if (!h->sorter) return step_few(a, p, &a->held[i], h, c);
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

/* What was sorted beyond memory goes where every row can be had. */
static status read_merged(struct agg *a, const struct plan_aggregate *p, struct held *h) {
    uint16_t n;
    if (a->held_rows) row_store_free(a->held_rows);
    TRY(row_store_new_sequence(a->op.x, inputs_of(p), p->arg_types, &a->held_rows));
    do {
        struct arena *arena = &a->held_arena[0];
        if (arena->chunk) arena_reset(arena);
        TRY(sorter_read(h->sorter, a->held_columns, HELD_ROWS, arena, &n));
        for (uint16_t r = 0; r < n; r++) TRY(row_store_add(a->held_rows, a->held_columns, r, NULL));
        TRY(sql_env_breathe(a->op.x->env));
    } while (n);
    return OK;
}

status agg_held_sorted(struct agg *a, uint16_t i, struct held *h, struct row_store **ret) {
    const struct plan_aggregate *p = &a->op.plan->agg.aggs[i];
    *ret = NULL;
    if (h->sorter) {
        TRY(sorter_finish(h->sorter));
        *ret = h->sorter->rows;
        if (!h->sorter->merging) return OK;
        TRY(read_merged(a, p, h));
        *ret = a->held_rows;
    } else if (h->n) {
        TRY(sort_few(a, p, &a->held[i], h));
        *ret = &a->held_list;
    }
    return OK;
}

void agg_held_free(struct held *h) {
    if (h->sorter) sorter_free(h->sorter);
    *h = (struct held){0};
}

void agg_held_close(struct agg *a) {
    for (int i = 0; i < 2; i++)
        if (a->held_arena[i].chunk) arena_free(&a->held_arena[i]);
}
