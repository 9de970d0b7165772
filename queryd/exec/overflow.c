#include "exec/overflow.h"

#include <stdlib.h>

#define MARK_BYTES 65536

static void forget_stretches(struct overflow *o) {
    for (int i = 0; i < STRETCHES; i++) {
        struct overflow_stretch *t = &o->stretches[i];
        if (t->arena.chunk) arena_free(&t->arena);
        t->mark = 0;
    }
    o->latest = NULL;
}

void overflow_clear(struct row_store *s) {
    if (!s->behind) return;
    tape_clear(s->behind->tape);
    tape_reader_init(&s->behind->reader, s->behind->tape);
    s->behind->reader_row = s->behind->nmarks = 0;
    forget_stretches(s->behind);
}

void overflow_free(struct row_store *s) {
    struct overflow *o = s->behind;
    if (!o) return;
    forget_stretches(o);
    tape_free(o->tape);
    tape_reader_free(&o->reader);
    free(o->marks);
    s->behind = NULL;
}

static status overflow_new(struct row_store *s) {
    struct overflow *o;
    NEW_N(s->x, o, 1);
    *o = (struct overflow){0};
    TRY(tape_new(s->x, s->ncolumns, s->types, &o->tape));
    tape_reader_init(&o->reader, o->tape);
    s->behind = o;
    return OK;
}

/* The last stretch grows: what was loaded of it is not all of it any more. */
static void forget_last_stretch(struct overflow *o) {
    for (int i = 0; i < STRETCHES; i++) {
        struct overflow_stretch *t = &o->stretches[i];
        if (!t->mark || t->mark != o->nmarks) continue;
        t->mark = 0;
        if (o->latest == t) o->latest = NULL;
    }
}

status overflow_add(struct row_store *s, const struct vec *columns, uint16_t row) {
    if (!s->behind) TRY(overflow_new(s));
    struct overflow *o = s->behind;
    forget_last_stretch(o);
    if (o->nmarks == 0 || o->tape->bytes - o->marks[o->nmarks - 1].at >= MARK_BYTES) {
        if (o->nmarks == o->marks_cap) {
            size_t cap = o->marks_cap ? 2 * o->marks_cap : 16;
            struct overflow_mark *grown = realloc(o->marks, cap * sizeof *grown);
            if (!grown) return exec_memory(s->x);
            o->marks = grown;
            o->marks_cap = cap;
        }
        o->marks[o->nmarks++] = (struct overflow_mark){o->tape->rows, o->tape->bytes};
    }
    return tape_put_vec(o->tape, 0, columns, row);
}

/* The last mark at or before that row. */
static size_t mark_of(const struct overflow *o, size_t row) {
    size_t low = 0, high = o->nmarks;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (o->marks[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The reader stands before that row of the overflow. */
static status overflow_seek(struct overflow *o, size_t row) {
    if (o->reader_row == row) return OK;
    size_t low = mark_of(o, row);
    if (o->reader_row > row || o->marks[low].row > o->reader_row) {
        o->reader.at = o->marks[low].at;
        o->reader_row = o->marks[low].row;
    }
    for (; o->reader_row < row; o->reader_row++) TRY(tape_skip(&o->reader));
    return OK;
}

status overflow_read(struct row_store *s, size_t *at, struct vec *columns, uint16_t capacity,
                     struct arena *a, uint16_t *n) {
    struct overflow *o = s->behind;
    TRY(overflow_seek(o, *at - s->n));
    for (; *n < capacity && *at - s->n < o->tape->rows; ++*at, ++*n) {
        struct stored_row *r;
        TRY(tape_get(&o->reader, a, &r));
        o->reader_row++;
        row_store_put(s, r, columns, *n);
    }
    return OK;
}

static size_t rows_until(const struct overflow *o, size_t mark) {
    return mark + 1 < o->nmarks ? o->marks[mark + 1].row : (size_t)o->tape->rows;
}

static status load_stretch(struct overflow *o, size_t mark, struct overflow_stretch *t) {
    size_t first = o->marks[mark].row, n = rows_until(o, mark) - first;
    t->mark = 0;
    if (t->arena.chunk) arena_reset(&t->arena);
    t->rows = arena_array(&t->arena, n, sizeof *t->rows);
    NEEDS(o->tape->x, t->rows);
    TRY(overflow_seek(o, first));
    for (size_t i = 0; i < n; i++) {
        TRY(tape_get(&o->reader, &t->arena, &t->rows[i]));
        o->reader_row++;
    }
    t->mark = mark + 1;
    return OK;
}

status overflow_at(struct row_store *s, size_t row, struct stored_row **ret) {
    struct overflow *o = s->behind;
    struct overflow_stretch *t = o->latest, *oldest = &o->stretches[0];
    size_t mark = 0;
    bool here = t && row >= o->marks[t->mark - 1].row && row < rows_until(o, t->mark - 1);
    if (!here) {
        mark = mark_of(o, row);
        t = NULL;
        for (int i = 0; i < STRETCHES; i++) {
            struct overflow_stretch *one = &o->stretches[i];
            if (one->mark == mark + 1) t = one;
            if (one->used < oldest->used) oldest = one;
        }
        if (!t) {
            t = oldest;
            o->latest = NULL;
            TRY(load_stretch(o, mark, t));
        }
        o->latest = t;
    }
    t->used = ++o->clock;
    *ret = t->rows[row - o->marks[t->mark - 1].row];
    return OK;
}
