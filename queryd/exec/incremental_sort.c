/* Incremental sort: the input is sorted by the first keys already, so only rows that are equal in
 * them are sorted by the others.
 *
 * Small groups are sorted several at once, by all keys: rows are taken until there are WHOLE_ROWS
 * and the first keys change. When they do not change for as many rows again, the group at hand is
 * a large one: its rows are sorted by the remaining keys alone, as they come. */
#include "exec/sort_bound.h"

#define WHOLE_ROWS 32

enum phase {
    TAKE,           /* input, until a set of rows can be sorted */
    GIVE_WHOLE,     /* rows of small groups */
    GIVE_BEFORE,    /* those before a large group, whose first rows wait in `taken` */
    GIVE_PRESORTED, /* rows of a large group */
    INPUT_GIVEN
};

struct incremental_sort {
    struct operator op;
    struct sort_bound bound;
    size_t wanted, given; /* rows; wanted 0: all */
    bool begun, input_end;
    enum phase phase;
    struct row_store *taken; /* rows of the set at hand, as they came */
    size_t pivot;            /* taken: the first row that has the last one's first keys */
    struct sorter *whole, *presorted;
    struct batch input;
    uint16_t at;
};

static status incremental_open(struct operator* op) {
    struct incremental_sort *k = (struct incremental_sort *)op;
    const struct plan_sort *p = &op->plan->sort;
    const struct plan *plan = op->plan;
    TRY(operator_columns(op));
    TRY(sort_bound_open(op, &k->bound));
    TRY(row_store_new(op->x, plan->ncolumns, plan->types, &k->taken));
    TRY(sorter_new(op->x, plan->ncolumns, plan->types, p->columns, p->n, &k->whole));
    return sorter_new(op->x, plan->ncolumns, plan->types, p->columns + p->presorted,
                      (uint16_t)(p->n - p->presorted), &k->presorted);
}

/* ---- input ---- */

/* The input's next row, at k->at of k->input; k->input_end: there is none. */
static status look_at_input(struct incremental_sort *k) {
    if (k->input_end || k->at < k->input.nrows) return OK;
    const struct batch *b;
    TRY(operator_next(k->op.left, &b));
    k->input = *b;
    k->at = 0;
    k->input_end = b->nrows == 0;
    return OK;
}

static bool same_group(const struct incremental_sort *k, const struct stored_row *r) {
    const struct plan_sort *p = &k->op.plan->sort;
    const uint8_t *nulls = (const uint8_t *)(r->values + k->taken->ncolumns);
    uint16_t row = batch_row(&k->input, k->at);
    for (uint16_t i = p->presorted; i > 0; i--) { /* the last one changes most often */
        const struct plan_sort_column *c = &p->columns[i - 1];
        const struct vec *v = &k->input.columns[c->column];
        if (!same_value(c->type, v->values[row], v->nulls[row], r->values[c->column],
                        nulls[c->column]))
            return false;
    }
    return true;
}

static status take_row(struct incremental_sort *k) {
    struct row_store *t = k->taken;
    if (t->n && !same_group(k, t->rows[t->n - 1])) k->pivot = t->n;
    TRY(row_store_add(t, k->input.columns, batch_row(&k->input, k->at), NULL));
    k->at++;
    return OK;
}

/* ---- sorting ---- */

static size_t rows_left(const struct incremental_sort *k) {
    return k->wanted ? k->wanted - k->given : 0;
}

static void note(struct sorter *s, struct plan_group_counts *g) {
    enum plan_sort_method m = sort_method_of(s);
    bool disk = m == PLAN_SORT_EXTERNAL;
    uint64_t *total = disk ? &g->disk_total : &g->memory_total;
    uint64_t *most = disk ? &g->disk_most : &g->memory_most;
    g->groups++;
    g->methods |= 1u << m;
    *total += s->most_bytes;
    if (s->most_bytes > *most) *most = s->most_bytes;
}

static status finish(struct incremental_sort *k, struct sorter *s) {
    struct plan_counts *c = k->op.counts;
    TRY(sorter_finish(s));
    if (c) note(s, s == k->whole ? &c->whole : &c->presorted);
    return OK;
}

static void begin(struct incremental_sort *k, struct sorter *s) {
    sorter_clear(s);
    s->bound = rows_left(k);
    s->most_bytes = 0;
    s->spilled = false;
}

static status add_taken(struct incremental_sort *k, struct sorter *to, size_t first, size_t n) {
    for (size_t i = first; i < n; i++) TRY(sorter_add_row(to, k->taken->rows[i]));
    return OK;
}

/* [0, n) of what was taken, by all keys. */
static status sort_whole(struct incremental_sort *k, size_t n) {
    begin(k, k->whole);
    TRY(add_taken(k, k->whole, 0, n));
    return finish(k, k->whole);
}

/* The large group: what was taken of it, and all that follows. Its first row stays in `taken` to
 * be compared with. */
static status sort_presorted(struct incremental_sort *k) {
    const struct stored_row *first = k->taken->rows[k->pivot];
    begin(k, k->presorted);
    TRY(add_taken(k, k->presorted, k->pivot, k->taken->n));
    for (;;) {
        TRY(look_at_input(k));
        if (k->input_end || !same_group(k, first)) break;
        TRY(sorter_add(k->presorted, k->input.columns, batch_row(&k->input, k->at)));
        k->at++;
        TRY(k->at ? OK : sql_env_breathe(k->op.x->env));
    }
    TRY(finish(k, k->presorted));
    k->phase = GIVE_PRESORTED;
    return OK;
}

/* Takes rows until they can be sorted. */
static status take(struct incremental_sort *k) {
    struct row_store *t = k->taken;
    row_store_clear(t);
    k->pivot = 0;
    for (;;) {
        TRY(look_at_input(k));
        if (k->input_end) break;
        if (t->n >= WHOLE_ROWS && !same_group(k, t->rows[t->n - 1])) break;
        TRY(take_row(k));
        if (t->n < 2 * WHOLE_ROWS) continue;
        if (k->pivot == 0) return sort_presorted(k);
        k->phase = GIVE_BEFORE;
        return sort_whole(k, k->pivot);
    }
    k->phase = t->n ? GIVE_WHOLE : INPUT_GIVEN;
    return t->n ? sort_whole(k, t->n) : OK;
}

static status begin_input(struct incremental_sort *k) {
    k->begun = true;
    return sort_bound_value(&k->op, &k->bound, &k->wanted);
}

static status incremental_next(struct operator* op) {
    struct incremental_sort *k = (struct incremental_sort *)op;
    struct batch *out = &op->out;
    if (!k->begun) TRY(begin_input(k));
    out->sel = NULL;
    for (out->nrows = 0; out->nrows == 0;) {
        if (k->phase == TAKE) TRY(take(k));
        if (k->phase == INPUT_GIVEN) return OK;
        struct sorter *s = k->phase == GIVE_PRESORTED ? k->presorted : k->whole;
        TRY(sorter_read(s, out->columns, op->plan->capacity, op->arena, &out->nrows));
        k->given += out->nrows;
        if (k->wanted && k->given >= k->wanted) {
            k->phase = INPUT_GIVEN;
        } else if (out->nrows == 0) {
            if (k->phase == GIVE_BEFORE)
                TRY(sort_presorted(k));
            else
                k->phase = TAKE;
        }
    }
    return OK;
}

static status incremental_restart(struct operator* op) {
    struct incremental_sort *k = (struct incremental_sort *)op;
    k->phase = TAKE;
    k->begun = k->input_end = false;
    k->given = 0;
    k->at = k->input.nrows = 0;
    return operator_restart(op->left);
}

const struct operator_class operator_incremental_sort = {
    sizeof(struct incremental_sort), incremental_open, incremental_next, incremental_restart, NULL};
