/* Sort: everything is read once, then given in order as often as asked. */
#include "exec/sort_bound.h"

struct sort {
    struct operator op;
    struct sorter *sorter;
    bool complete;
    struct sort_bound bound;
};

status sort_bound_open(struct operator* op, struct sort_bound *b) {
    const struct plan_sort *p = &op->plan->sort;
    if (p->bounded && p->limit) TRY(program_open(op->x, p->limit, 1, &b->limit));
    if (p->bounded && p->offset) TRY(program_open(op->x, p->offset, 1, &b->offset));
    return OK;
}

static status sort_open(struct operator* op) {
    struct sort *k = (struct sort *)op;
    const struct plan_sort *p = &op->plan->sort;
    TRY(operator_columns(op));
    TRY(sort_bound_open(op, &k->bound));
    return sorter_new(op->x, op->plan->ncolumns, op->plan->types, p->columns, p->n, &k->sorter);
}

status sort_bound_value(struct operator* op, const struct sort_bound *b, size_t *ret) {
    *ret = 0;
    int64_t bound = 0;
    struct program_state *parts[2] = {b->limit, b->offset};
    for (int i = 0; i < 2; i++) {
        if (!parts[i]) continue;
        datum d;
        bool is_null;
        TRY(program_value(parts[i], &op->own, &d, &is_null));
        if (is_null || d.i64 < 0) {
            if (i == 0) return OK;
            continue;
        }
        if (__builtin_add_overflow(bound, d.i64, &bound)) return OK;
    }
    *ret = b->limit && bound > 0 ? (size_t)bound : 0;
    return OK;
}

static void note_counts(struct sort *k) {
    struct plan_counts *c = k->op.counts;
    if (!c) return;
    c->memory_bytes = k->sorter->most_bytes;
    c->sort = sort_method_of(k->sorter);
}

static status read_all(struct sort *k) {
    const struct batch *b;
    TRY(sort_bound_value(&k->op, &k->bound, &k->sorter->bound));
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
