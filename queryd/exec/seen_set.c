#include "exec/seen_set.h"

#include <stdlib.h>

#define FILTER_BITS_MIN ((size_t)1 << 16)
#define FILTER_BITS_MAX ((size_t)1 << 29) /* 64 MB; with more rows it only gets worse */
#define FILTER_BITS_EACH 16               /* for a row, at least: one in thousands is mistaken */
#define FILTER_PROBES 6

status seen_set_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                    struct seen_set **ret) {
    struct seen_set *s;
    NEW_N(x, s, 1);
    *s = (struct seen_set){.x = x, .ncolumns = ncolumns, .types = types};
    NEW_N(x, s->columns, ncolumns + 1);
    NEW_N(x, s->row, ncolumns + 1);
    arena_init(&s->arena, 0);
    TRY(row_store_new(x, ncolumns, types, &s->recent));
    *ret = s;
    return OK;
}

static void forget_tapes(struct seen_set *s) {
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        if (s->spilled[i]) tape_clear(s->spilled[i]);
        if (s->waiting[i]) tape_clear(s->waiting[i]);
    }
}

void seen_set_clear(struct seen_set *s) {
    row_store_clear(s->recent);
    forget_tapes(s);
    free(s->filter);
    s->filter = NULL;
}

void seen_set_free(struct seen_set *s) {
    free(s->filter);
    s->filter = NULL;
    if (s->arena.chunk) arena_free(&s->arena);
}

/* ---- the filter ---- */

static size_t probe(const struct seen_set *s, uint64_t hash, unsigned i) {
    return (size_t)(hash + i * (hash >> 29 | 1)) & (s->filter_bits - 1);
}

static bool filter_has(const struct seen_set *s, uint64_t hash) {
    for (unsigned i = 0; i < FILTER_PROBES; i++) {
        size_t bit = probe(s, hash, i);
        if (!(s->filter[bit / 64] >> bit % 64 & 1)) return false;
    }
    return true;
}

static void filter_add(struct seen_set *s, uint64_t hash) {
    for (unsigned i = 0; i < FILTER_PROBES; i++) {
        size_t bit = probe(s, hash, i);
        s->filter[bit / 64] |= (uint64_t)1 << bit % 64;
    }
}

/* ---- the tables ---- */

static struct stored_row *find(const struct seen_set *s, const struct row_store *table,
                               const struct vec *columns, uint16_t row, uint64_t hash) {
    for (struct stored_row *r = row_store_bucket(table, hash); r; r = r->next) {
        if (r->hash != hash) continue;
        const uint8_t *nulls = stored_nulls(table, r);
        uint16_t c = 0;
        while (c < s->ncolumns && same_value(s->types[c], columns[c].values[row],
                                             columns[c].nulls[row], r->values[c], nulls[c]))
            c++;
        if (c == s->ncolumns) return r;
    }
    return NULL;
}

static status add(struct row_store *table, const struct vec *columns, uint16_t row, uint64_t hash) {
    struct stored_row *r;
    TRY(row_store_add(table, columns, row, &r));
    r->hash = hash;
    return row_store_hash(table, r);
}

/* ---- onto tapes ---- */

static void as_columns(struct seen_set *s, struct stored_row *r) {
    uint8_t *nulls = stored_nulls(s->recent, r);
    for (uint16_t c = 0; c < s->ncolumns; c++) s->row[c] = (struct vec){&r->values[c], &nulls[c]};
}

/* The next row of a tape, in the arena, as columns; *ret_row NULL: there is none. */
static status next_row(struct seen_set *s, struct tape_reader *from, uint64_t *at,
                       struct stored_row **ret_row) {
    if (++*at % BATCH_ROWS == 0) TRY(sql_env_breathe(s->x->env));
    if (s->arena.chunk) arena_reset(&s->arena);
    TRY(tape_get(from, &s->arena, ret_row));
    if (*ret_row) as_columns(s, *ret_row);
    return OK;
}

static status filter_tape(struct seen_set *s, struct tape *t) {
    struct tape_reader reader = {0};
    struct stored_row *r;
    uint64_t at = 0;
    status st;
    tape_reader_init(&reader, t);
    while (ok(st = next_row(s, &reader, &at, &r)) && r) filter_add(s, r->hash);
    tape_reader_free(&reader);
    return st;
}

/* Makes the filter anew for what is on tapes, with room for as many rows more. */
static status filter_grow(struct seen_set *s, size_t more) {
    uint64_t rows = more;
    size_t bits = FILTER_BITS_MIN;
    for (unsigned i = 0; i < SPILL_PARTS; i++)
        if (s->spilled[i]) rows += s->spilled[i]->rows;
    while (bits < rows * FILTER_BITS_EACH && bits < FILTER_BITS_MAX) bits *= 2;
    if (s->filter && bits <= s->filter_bits) return OK;
    free(s->filter);
    s->filter_bits = bits;
    s->filter = calloc(bits / 64, sizeof *s->filter);
    NEEDS(s->x, s->filter);
    for (unsigned i = 0; i < SPILL_PARTS; i++)
        if (s->spilled[i]) TRY(filter_tape(s, s->spilled[i]));
    return OK;
}

/* The table's rows go onto tapes. */
static status spill(struct seen_set *s) {
    TRY(filter_grow(s, s->recent->n));
    for (size_t i = 0; i < s->recent->n; i++) {
        struct stored_row *r = s->recent->rows[i];
        struct tape *t;
        TRY(spill_tape(&s->spilled[spill_part(r->hash, 0)], s->x, s->ncolumns, s->types, &t));
        TRY(tape_put_row(t, r));
        filter_add(s, r->hash);
        if (i % BATCH_ROWS == 0) TRY(sql_env_breathe(s->x->env));
    }
    row_store_clear(s->recent);
    return OK;
}

static status add_recent(struct seen_set *s, const struct vec *columns, uint16_t row,
                         uint64_t hash) {
    size_t memory = hash_memory(s->x);
    if (row_store_bytes(s->recent) > (s->filter ? memory / 2 : memory)) TRY(spill(s));
    return add(s->recent, columns, row, hash);
}

static uint64_t hash_of(struct seen_set *s, const struct vec *columns, uint16_t row) {
    for (uint16_t c = 0; c < s->ncolumns; c++) s->columns[c] = &columns[c];
    return hash_row(s->types, s->columns, s->ncolumns, row);
}

status seen_set_add(struct seen_set *s, const struct vec *columns, uint16_t row, bool *ret_new) {
    uint64_t hash = hash_of(s, columns, row);
    struct tape *t;
    *ret_new = false;
    if (find(s, s->recent, columns, row, hash)) return OK;
    if (!s->filter || !filter_has(s, hash)) {
        *ret_new = true;
        return add_recent(s, columns, row, hash);
    }
    TRY(spill_tape(&s->waiting[spill_part(hash, 0)], s->x, s->ncolumns, s->types, &t));
    return tape_put_vec(t, hash, columns, row);
}

/* ---- the end of a round ---- */

/* As many that wait as memory holds, each once. */
static status take_candidates(struct seen_set *s, struct tape_reader *from) {
    struct stored_row *r;
    uint64_t at = 0;
    row_store_clear(s->candidates);
    while (row_store_bytes(s->candidates) <= hash_memory(s->x) / 4) {
        TRY(next_row(s, from, &at, &r));
        if (!r) break;
        if (find(s, s->recent, s->row, 0, r->hash) || find(s, s->candidates, s->row, 0, r->hash))
            continue;
        TRY(add(s->candidates, s->row, 0, r->hash));
    }
    return OK;
}

static status cross_out(struct seen_set *s, struct tape_reader *seen) {
    struct stored_row *r, *c;
    uint64_t at = 0;
    for (;;) {
        TRY(next_row(s, seen, &at, &r));
        if (!r) return OK;
        c = find(s, s->candidates, s->row, 0, r->hash);
        if (c) c->matched = true;
    }
}

static status give_new(struct seen_set *s, struct row_store *to) {
    for (size_t i = 0; i < s->candidates->n; i++) {
        struct stored_row *r = s->candidates->rows[i];
        if (r->matched) continue;
        as_columns(s, r);
        TRY(row_store_add(to, s->row, 0, NULL));
        TRY(add_recent(s, s->row, 0, r->hash));
    }
    return OK;
}

static status resolve_part(struct seen_set *s, unsigned part, struct tape_reader *waiting,
                           struct row_store *to) {
    do {
        TRY(take_candidates(s, waiting));
        if (s->spilled[part] && s->candidates->n) {
            struct tape_reader seen = {0};
            tape_reader_init(&seen, s->spilled[part]);
            status st = cross_out(s, &seen);
            tape_reader_free(&seen);
            TRY(st);
        }
        TRY(give_new(s, to));
    } while (waiting->at < s->waiting[part]->bytes);
    return OK;
}

status seen_set_resolve(struct seen_set *s, struct row_store *to) {
    if (!s->filter) return OK;
    if (!s->candidates) TRY(row_store_new(s->x, s->ncolumns, s->types, &s->candidates));
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        struct tape_reader waiting = {0};
        if (!s->waiting[i] || !s->waiting[i]->rows) continue;
        tape_reader_init(&waiting, s->waiting[i]);
        status st = resolve_part(s, i, &waiting, to);
        tape_reader_free(&waiting);
        TRY(st);
        tape_clear(s->waiting[i]);
    }
    return OK;
}
