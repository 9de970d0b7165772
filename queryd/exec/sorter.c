#include "exec/sorter.h"

#include <stdlib.h>

#define ROWS_PER_BREATH 512

status sorter_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                  const struct plan_sort_column *columns, uint16_t n, struct sorter **ret) {
    struct sorter *s;
    NEW_N(x, s, 1);
    *s = (struct sorter){.x = x, .columns = columns, .n = n, .budget = work_memory(x)};
    TRY(row_store_new(x, ncolumns, types, &s->rows));
    s->next = x->sorters;
    x->sorters = s;
    *ret = s;
    return OK;
}

void sorters_close(struct execution *x) {
    for (struct sorter *s = x->sorters; s; s = s->next) sorter_free(s);
    x->sorters = NULL;
}

/* ---- runs ---- */

static status run_new(struct sorter *s, struct sort_run **ret) {
    if (s->nruns == s->runs_cap) {
        uint32_t cap = s->runs_cap ? 2 * s->runs_cap : 16;
        struct sort_run *grown = realloc(s->runs, cap * sizeof *grown);
        NEEDS(s->x, grown);
        s->runs = grown;
        s->runs_cap = cap;
    }
    struct sort_run *r = &s->runs[s->nruns];
    *r = (struct sort_run){0};
    TRY(tape_new(s->x, s->rows->ncolumns, s->rows->types, &r->tape));
    s->nruns++;
    *ret = r;
    return OK;
}

static void run_close(struct sort_run *r) {
    tape_free(r->tape);
    tape_reader_free(&r->reader);
    for (int i = 0; i < 2; i++)
        if (r->arena[i].chunk) arena_free(&r->arena[i]);
}

/* What is in memory becomes a run. */
static status write_run(struct sorter *s) {
    struct sort_run *r;
    TRY(row_store_sort(s->rows, s->columns, s->n));
    TRY(run_new(s, &r));
    size_t n = s->bound && s->bound < s->rows->n ? s->bound : s->rows->n;
    for (size_t i = 0; i < n; i++) {
        if (i % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(s->x->env));
        TRY(tape_put_row(r->tape, s->rows->rows[i]));
    }
    s->spilled = true;
    row_store_clear(s->rows);
    return OK;
}

/* Keeps the first `bound` rows and gives the memory of the others back. */
static status prune(struct sorter *s) {
    s->pruned = true;
    TRY(row_store_sort(s->rows, s->columns, s->n));
    if (s->rows->n <= s->bound) return OK;
    struct row_store fresh = *s->rows;
    arena_init(&fresh.arena, s->rows->arena.limit);
    fresh.rows = NULL;
    fresh.n = fresh.cap = 0;
    for (size_t i = 0; i < s->bound; i++) {
        status st = row_store_adopt(&fresh, s->rows->rows[i]);
        if (!ok(st)) {
            row_store_free(&fresh);
            return st;
        }
    }
    row_store_free(s->rows);
    *s->rows = fresh;
    return OK;
}

static void note_bytes(struct sorter *s, uint64_t bytes) {
    if (bytes > s->most_bytes) s->most_bytes = bytes;
}

/* Rows have come: those that are not wanted go, and what is more than memory holds. */
static status settle(struct sorter *s) {
    bool full = row_store_bytes(s->rows) > s->budget;
    if (s->bound && (s->rows->n > 2 * s->bound + 4 * BATCH_ROWS || (full && s->rows->n > s->bound)))
        TRY(prune(s));
    size_t bytes = row_store_bytes(s->rows);
    note_bytes(s, bytes);
    return bytes > s->budget && s->rows->n > 0 ? write_run(s) : OK;
}

status sorter_add(struct sorter *s, const struct vec *columns, uint16_t row) {
    TRY(row_store_add(s->rows, columns, row, NULL));
    return settle(s);
}

status sorter_add_row(struct sorter *s, const struct stored_row *r) {
    TRY(row_store_adopt(s->rows, r));
    return settle(s);
}

status sorter_add_batch(struct sorter *s, const struct batch *b) {
    TRY(row_store_add_batch(s->rows, b));
    return settle(s);
}

/* ---- merging ---- */

/* Of equal rows the earlier run's come first: the sort is stable. */
static bool is_before(const void *of, uint32_t a, uint32_t b) {
    const struct sorter *s = of;
    int c = row_store_compare(s->rows, s->columns, s->n, s->runs[a].row, s->runs[b].row);
    return c < 0 || (c == 0 && a < b);
}

/* The run's next row; the one before stays until the row after the next is asked for. */
static status advance(struct sort_run *r) {
    struct arena *a = &r->arena[r->turn ^= 1];
    if (a->chunk) arena_reset(a);
    return tape_get(&r->reader, a, &r->row);
}

static status merge_begin(struct sorter *s, uint32_t first, uint32_t n) {
    NEEDS(s->x, merge_heap_new(&s->heap, n));
    for (uint32_t i = first; i < first + n; i++) {
        tape_reader_init(&s->runs[i].reader, s->runs[i].tape);
        TRY(advance(&s->runs[i]));
        if (s->runs[i].row) s->heap.runs[s->heap.n++] = i;
    }
    merge_heap_order(&s->heap, is_before, s);
    return OK;
}

/* The next row of the merge, valid until the following call; NULL: the end. */
static status merge_next(struct sorter *s, struct stored_row **ret) {
    *ret = NULL;
    if (s->heap.n == 0) return OK;
    struct sort_run *r = &s->runs[s->heap.runs[0]];
    *ret = r->row;
    TRY(advance(r));
    merge_heap_advanced(&s->heap, !r->row, is_before, s);
    return OK;
}

/* Runs [first, first+n) become one, at the place of the first, so that order among equals stays. */
static status merge_some(struct sorter *s, uint32_t first, uint32_t n) {
    struct tape *tape;
    struct stored_row *row;
    TRY(tape_new(s->x, s->rows->ncolumns, s->rows->types, &tape));
    TRY(merge_begin(s, first, n));
    for (;;) {
        TRY(merge_next(s, &row));
        if (!row || (s->bound && tape->rows == s->bound)) break;
        TRY(tape_put_row(tape, row));
        if (tape->rows % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(s->x->env));
    }
    for (uint32_t i = first; i < first + n; i++) run_close(&s->runs[i]);
    s->runs[first] = (struct sort_run){.tape = tape};
    memmove(&s->runs[first + 1], &s->runs[first + n], (s->nruns - first - n) * sizeof *s->runs);
    s->nruns -= n - 1;
    return OK;
}

status sorter_finish(struct sorter *s) {
    note_bytes(s, row_store_bytes(s->rows));
    s->at = 0;
    if (s->nruns == 0) return row_store_sort(s->rows, s->columns, s->n);
    if (s->rows->n) TRY(write_run(s));
    row_store_free(s->rows);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < s->nruns; i++) bytes += s->runs[i].tape->bytes;
    s->most_bytes = bytes;
    uint32_t most = merge_fan_in(s->budget);
    while (s->nruns > most)
        for (uint32_t first = 0; first + 1 < s->nruns && s->nruns > most; first++) {
            uint32_t left = s->nruns - first;
            TRY(merge_some(s, first, left < most ? left : most));
        }
    s->merging = true;
    return merge_begin(s, 0, s->nruns);
}

/* ---- reading ---- */

static status put_copy(const struct sorter *s, struct stored_row *r, struct arena *a,
                       struct vec *columns, uint16_t to) {
    row_store_put(s->rows, r, columns, to);
    for (uint16_t c = 0; c < s->rows->ncolumns; c++) {
        const struct type *t = s->rows->types[c];
        if (columns[c].nulls[to] || t->byval) continue;
        TRY(type_copy(t, r->values[c], a, &columns[c].values[to]));
    }
    return OK;
}

status sorter_read(struct sorter *s, struct vec *columns, uint16_t capacity, struct arena *a,
                   uint16_t *ret_n) {
    if (!s->merging) return row_store_read(s->rows, &s->at, columns, capacity, a, ret_n);
    uint16_t n = 0;
    struct stored_row *r;
    while (n < capacity) {
        TRY(merge_next(s, &r));
        if (!r) break;
        TRY(put_copy(s, r, a, columns, n++));
    }
    *ret_n = n;
    return OK;
}

status sorter_rewind(struct sorter *s) {
    s->at = 0;
    return s->merging ? merge_begin(s, 0, s->nruns) : OK;
}

void sorter_clear(struct sorter *s) {
    for (uint32_t i = 0; i < s->nruns; i++) run_close(&s->runs[i]);
    s->nruns = s->heap.n = 0;
    s->merging = false;
    s->at = 0;
    row_store_clear(s->rows);
}

void sorter_free(struct sorter *s) {
    for (uint32_t i = 0; i < s->nruns; i++) run_close(&s->runs[i]);
    free(s->runs);
    merge_heap_free(&s->heap);
    s->runs = NULL;
    s->nruns = s->runs_cap = 0;
    row_store_free(s->rows);
}
