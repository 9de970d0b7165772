/* Sort: everything is read once, then given in order as often as asked. */
#include "exec/sorter.h"

struct sort {
    struct operator op;
    struct sorter *sorter;
    bool complete;
    struct program_state *limit, *offset;
};

static status sort_open(struct operator* op) {
    struct sort *k = (struct sort *)op;
    const struct plan_sort *p = &op->plan->sort;
    TRY(operator_columns(op));
    if (p->bounded && p->limit) TRY(program_open(op->x, p->limit, 1, &k->limit));
    if (p->bounded && p->offset) TRY(program_open(op->x, p->offset, 1, &k->offset));
    return sorter_new(op->x, op->plan->ncolumns, op->plan->types, p->columns, p->n, &k->sorter);
}

/* How many of the sorted rows will be asked for; 0: all. */
static status sort_bound(struct sort *k, size_t *ret) {
    *ret = 0;
    int64_t bound = 0;
    struct program_state *parts[2] = {k->limit, k->offset};
    for (int i = 0; i < 2; i++) {
        if (!parts[i]) continue;
        datum d;
        bool is_null;
        TRY(program_value(parts[i], &k->op.own, &d, &is_null));
        if (is_null || d.i64 < 0) {
            if (i == 0) return OK;
            continue;
        }
        if (__builtin_add_overflow(bound, d.i64, &bound)) return OK;
    }
    *ret = k->limit && bound > 0 ? (size_t)bound : 0;
    return OK;
}

static void note_counts(struct sort *k) {
    struct plan_counts *c = k->op.counts;
    if (!c) return;
    c->memory_bytes = k->sorter->most_bytes;
    c->sort = k->sorter->spilled ? PLAN_SORT_EXTERNAL
              : k->sorter->bound ? PLAN_SORT_TOP_N
                                 : PLAN_SORT_MEMORY;
}

static status read_all(struct sort *k) {
    const struct batch *b;
    if (k->limit) TRY(sort_bound(k, &k->sorter->bound));
    do {
        TRY(operator_next(k->op.left, &b));
        if (b->nrows) TRY(sorter_add_batch(k->sorter, b));
        TRY(sql_env_breathe(k->op.x->env));
    } while (b->nrows);
    TRY(sorter_finish(k->sorter));
    note_counts(k);
    k->complete = true;
    return OK;
}

static status sort_next(struct operator* op) {
    struct sort *k = (struct sort *)op;
    if (!k->complete) TRY(read_all(k));
    op->out.sel = NULL;
    return sorter_read(k->sorter, op->out.columns, op->plan->capacity, op->arena, &op->out.nrows);
}

static status sort_restart(struct operator* op) {
    struct sort *k = (struct sort *)op;
    if (!op->plan->depends) return k->complete ? sorter_rewind(k->sorter) : OK;
    k->complete = false;
    sorter_clear(k->sorter);
    return operator_restart(op->left);
}

const struct operator_class operator_sort = {sizeof(struct sort), sort_open, sort_next,
                                             sort_restart, NULL};
