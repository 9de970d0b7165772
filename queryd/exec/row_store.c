/* Rows kept: for sorting, hashing, and reading again. */
#include <stdlib.h>

#include "exec/overflow.h"

size_t hash_memory(const struct execution *x) {
    double by = x->env->settings->hash_mem_multiplier;
    return (size_t)((double)work_memory(x) * (by > 1 ? by : 1));
}

static size_t limit_of(const struct execution *x) {
    size_t limit = x->env->settings->work_mem_bytes * 16;
    return limit < HARD_MEMORY_BYTES ? HARD_MEMORY_BYTES : limit;
}

static status store_full(struct row_store *s) {
    status st = error_set(s->x->env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    error_detail(s->x->env->eval.error,
                 "A sort, hash table or intermediate result needs more than %zu MB.",
                 limit_of(s->x) >> 20);
    return st;
}

status row_store_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                     struct row_store **ret) {
    struct row_store *s;
    NEW_N(x, s, 1);
    if (x->nstores == x->stores_cap) {
        uint32_t cap = x->stores_cap ? x->stores_cap * 2 : 8;
        struct row_store **grown;
        NEW_N(x, grown, cap);
        if (x->nstores) memcpy(grown, x->stores, x->nstores * sizeof *grown);
        x->stores = grown;
        x->stores_cap = cap;
    }
    s->x = x;
    s->ncolumns = ncolumns;
    s->types = types;
    arena_init(&s->arena, limit_of(x));
    x->stores[x->nstores++] = s;
    *ret = s;
    return OK;
}

status row_store_new_sequence(struct execution *x, uint16_t ncolumns,
                              const struct type *const *types, struct row_store **ret) {
    TRY(row_store_new(x, ncolumns, types, ret));
    (*ret)->budget = work_memory(x);
    return OK;
}

size_t row_store_bytes(const struct row_store *s) {
    return s->arena.used + s->n * sizeof *s->rows + s->nbuckets * sizeof *s->buckets;
}

size_t row_store_spilled(const struct row_store *s) {
    return s->behind ? s->behind->tape->bytes : 0;
}

size_t row_store_count(const struct row_store *s) {
    return s->n + (s->behind ? s->behind->tape->rows : 0);
}

void row_store_clear(struct row_store *s) {
    arena_reset(&s->arena);
    s->n = 0;
    overflow_clear(s);
    if (s->nbuckets) memset(s->buckets, 0, s->nbuckets * sizeof *s->buckets);
}

void row_store_free(struct row_store *s) {
    arena_free(&s->arena);
    overflow_free(s);
    free(s->rows);
    free(s->buckets);
    s->rows = NULL;
    s->buckets = NULL;
    s->n = s->cap = s->nbuckets = 0;
}

static status make_room(struct row_store *s) {
    if (s->n < s->cap) return OK;
    size_t cap = s->cap ? s->cap * 2 : 64;
    if (cap * sizeof *s->rows > limit_of(s->x)) return store_full(s);
    struct stored_row **grown = realloc(s->rows, cap * sizeof *grown);
    if (!grown) return store_full(s);
    s->rows = grown;
    s->cap = cap;
    return OK;
}

status row_store_take(struct row_store *s, struct stored_row *r) {
    TRY(make_room(s));
    s->rows[s->n++] = r;
    return OK;
}

static status new_row(struct row_store *s, struct stored_row **ret) {
    TRY(make_room(s));
    struct stored_row *r = arena_alloc(&s->arena, sizeof *r + s->ncolumns * (sizeof(datum) + 1));
    if (!r) return store_full(s);
    r->hash = 0;
    r->next = NULL;
    r->matched = false;
    s->rows[s->n++] = r;
    *ret = r;
    return OK;
}

static status keep_value(struct row_store *s, uint16_t c, datum value, datum *ret) {
    const struct type *t = s->types[c];
    if (t && t->byval) {
        *ret = value;
        return OK;
    }
    if (!t) return STATUS(INTERNAL_ERROR);
    status st = type_copy(t, value, &s->arena, ret);
    return status_is(st, ST_OUT_OF_MEMORY) ? store_full(s) : st;
}

status row_store_add(struct row_store *s, const struct vec *columns, uint16_t row,
                     struct stored_row **ret) {
    struct stored_row *r;
    bool spilled = s->behind && s->behind->tape->rows > 0;
    if (spilled || (s->budget && s->n && row_store_bytes(s) > s->budget)) {
        return overflow_add(s, columns, row);
    }
    TRY(new_row(s, &r));
    uint8_t *nulls = stored_nulls(s, r);
    for (uint16_t c = 0; c < s->ncolumns; c++) {
        nulls[c] = columns[c].nulls[row];
        r->values[c] = (datum){0};
        if (!nulls[c]) TRY(keep_value(s, c, columns[c].values[row], &r->values[c]));
    }
    if (ret) *ret = r;
    return OK;
}

status row_store_add_batch(struct row_store *s, const struct batch *b) {
    for (uint16_t i = 0; i < b->nrows; i++)
        TRY(row_store_add(s, b->columns, batch_row(b, i), NULL));
    return OK;
}

status row_store_adopt(struct row_store *s, const struct stored_row *from) {
    struct stored_row *r;
    TRY(new_row(s, &r));
    const uint8_t *from_nulls = (const uint8_t *)(from->values + s->ncolumns);
    uint8_t *nulls = stored_nulls(s, r);
    for (uint16_t c = 0; c < s->ncolumns; c++) {
        nulls[c] = from_nulls[c];
        r->values[c] = (datum){0};
        if (!nulls[c]) TRY(keep_value(s, c, from->values[c], &r->values[c]));
    }
    return OK;
}

void row_store_put(const struct row_store *s, struct stored_row *r, struct vec *columns,
                   uint16_t row) {
    const uint8_t *nulls = stored_nulls(s, r);
    for (uint16_t c = 0; c < s->ncolumns; c++) {
        columns[c].values[row] = r->values[c];
        columns[c].nulls[row] = nulls[c];
    }
}

status row_store_at(struct row_store *s, size_t i, struct stored_row **ret) {
    if (i >= s->n) return overflow_at(s, i - s->n, ret);
    *ret = s->rows[i];
    return OK;
}

status row_store_read(struct row_store *s, size_t *at, struct vec *columns, uint16_t capacity,
                      struct arena *a, uint16_t *ret_n) {
    uint16_t n = 0;
    while (n < capacity && *at < s->n) row_store_put(s, s->rows[(*at)++], columns, n++);
    if (n < capacity && s->behind && *at - s->n < s->behind->tape->rows)
        TRY(overflow_read(s, at, columns, capacity, a, &n));
    *ret_n = n;
    return OK;
}

/* ---- hashing ---- */

#define BUCKETS_PER_BREATH 8192

static status grow_table(struct row_store *s) {
    size_t more = s->nbuckets ? s->nbuckets * 4 : 256;
    if (more * sizeof *s->buckets > limit_of(s->x)) return store_full(s);
    struct stored_row **grown = calloc(more, sizeof *grown);
    if (!grown) return store_full(s);
    for (size_t b = 0; b < s->nbuckets; b++) {
        status st = b % BUCKETS_PER_BREATH == 0 ? sql_env_breathe(s->x->env) : OK;
        if (!ok(st)) {
            free(grown);
            return st;
        }
        struct stored_row *r = s->buckets[b];
        while (r) {
            struct stored_row *next = r->next;
            r->next = grown[r->hash & (more - 1)];
            grown[r->hash & (more - 1)] = r;
            r = next;
        }
    }
    free(s->buckets);
    s->buckets = grown;
    s->nbuckets = more;
    return OK;
}

status row_store_hash(struct row_store *s, struct stored_row *r) {
    if (s->n > s->nbuckets) TRY(grow_table(s));
    struct stored_row **bucket = &s->buckets[r->hash & (s->nbuckets - 1)];
    r->next = *bucket;
    *bucket = r;
    return OK;
}

uint64_t hash_row(const struct type *const *types, const struct vec *const *columns, uint16_t n,
                  uint16_t row) {
    uint64_t h = 0x9E3779B97F4A7C15u;
    for (uint16_t c = 0; c < n; c++) {
        uint64_t v =
            columns[c]->nulls[row] ? 0x5bd1e995u : type_hash(types[c], columns[c]->values[row]);
        h = (h ^ v) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

/* ---- sorting ---- */

int compare_values(const struct type *t, datum a, uint8_t a_null, datum b, uint8_t b_null,
                   bool descending, bool nulls_first) {
    if (a_null || b_null) {
        if (a_null && b_null) return 0;
        return (a_null != 0) == nulls_first ? -1 : 1;
    }
    int c = type_compare(t, a, b);
    return descending ? (c < 0) - (c > 0) : c;
}
