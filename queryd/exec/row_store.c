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

struct sorting {
    const struct row_store *s;
    const struct plan_sort_column *columns;
    uint16_t n;
};

static int compare_rows(const struct sorting *o, struct stored_row *a, struct stored_row *b) {
    const uint8_t *a_nulls = stored_nulls(o->s, a), *b_nulls = stored_nulls(o->s, b);
    for (uint16_t i = 0; i < o->n; i++) {
        const struct plan_sort_column *k = &o->columns[i];
        int c =
            compare_values(k->type, a->values[k->column], a_nulls[k->column], b->values[k->column],
                           b_nulls[k->column], k->descending, k->nulls_first);
        if (c) return c;
    }
    return 0;
}

#define SORT_RUN 8 /* rows that are sorted by insertion */
/* Merges of at least so many rows give way to others. */
#define SORT_BREATH 512

static void sort_run(const struct sorting *o, struct stored_row **rows, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct stored_row *r = rows[i];
        size_t at = i;
        for (; at > 0 && compare_rows(o, r, rows[at - 1]) < 0; at--) rows[at] = rows[at - 1];
        rows[at] = r;
    }
}

/* [0, half) and [half, n), each sorted, into one. The first half waits in `spare`. */
static status merge(const struct sorting *o, struct stored_row **rows, size_t half, size_t n,
                    struct stored_row **spare) {
    if (compare_rows(o, rows[half - 1], rows[half]) <= 0) return OK;
    memcpy(spare, rows, half * sizeof *rows);
    size_t a = 0, b = half, to = 0;
    while (a < half && b < n) {
        rows[to++] = compare_rows(o, rows[b], spare[a]) < 0 ? rows[b++] : spare[a++];
        if (to % SORT_BREATH == 0) TRY(sql_env_breathe(o->s->x->env));
    }
    memcpy(rows + to, spare + a, (half - a) * sizeof *rows);
    return OK;
}

/* A stable merge sort, which can be interrupted: a large one takes seconds. */
static status sort_rows(const struct sorting *o, struct stored_row **rows, size_t n,
                        struct stored_row **spare) {
    if (n <= SORT_RUN) {
        sort_run(o, rows, n);
        return OK;
    }
    size_t half = n / 2;
    TRY(sort_rows(o, rows, half, spare));
    TRY(sort_rows(o, rows + half, n - half, spare));
    if (n >= SORT_BREATH) TRY(sql_env_breathe(o->s->x->env));
    return merge(o, rows, half, n, spare);
}

int row_store_compare(const struct row_store *s, const struct plan_sort_column *columns, uint16_t n,
                      struct stored_row *a, struct stored_row *b) {
    struct sorting o = {s, columns, n};
    return compare_rows(&o, a, b);
}

/* A sort that ends before its time (a cancel) leaves rows twice or missing: only what ends with an
 * error may ask for that. */
status row_store_sort_in(struct row_store *s, const struct plan_sort_column *columns, uint16_t n,
                         struct stored_row **spare) {
    struct sorting o = {s, columns, n};
    return sort_rows(&o, s->rows, s->n, spare);
}

status row_store_sort(struct row_store *s, const struct plan_sort_column *columns, uint16_t n) {
    if (s->n < 2) return OK;
    struct stored_row **spare = malloc(s->n / 2 * sizeof *spare);
    if (!spare) return store_full(s);
    status st = row_store_sort_in(s, columns, n, spare);
    free(spare);
    return st;
}
