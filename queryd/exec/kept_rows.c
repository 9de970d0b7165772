#include "exec/kept_rows.h"

#include <stdlib.h>

#include "exec/tape.h"

struct kept_rows {
    struct execution x; /* nothing is executed: whose the memory is */
    struct arena arena;
    struct row_store *rows;
    struct vec *last; /* one row, in an arena of its own while it changes places */
};

static status begin(struct kept_rows *k, uint16_t ncolumns, const struct type *const *types) {
    TRY(row_store_new_sequence(&k->x, ncolumns, types, &k->rows));
    return columns_new(&k->x, ncolumns, 1, &k->last);
}

status kept_rows_new(struct sql_env *env, uint16_t ncolumns, const struct type *const *types,
                     struct kept_rows **ret) {
    struct kept_rows *k = calloc(1, sizeof *k);
    if (!k) return no_memory(env);
    arena_init(&k->arena, 0);
    k->x.env = env;
    k->x.arena = &k->arena;
    status s = begin(k, ncolumns, types);
    if (!ok(s)) {
        kept_rows_free(k);
        return s;
    }
    *ret = k;
    return OK;
}

void kept_rows_free(struct kept_rows *k) {
    if (!k) return;
    if (k->rows) row_store_free(k->rows);
    tapes_close(&k->x);
    arena_free(&k->arena);
    free(k);
}

status kept_rows_add(struct kept_rows *k, const struct batch *b, uint16_t i) {
    return row_store_add(k->rows, b->columns, batch_row(b, i), NULL);
}

uint64_t kept_rows_count(const struct kept_rows *k) {
    return row_store_count(k->rows);
}

uint64_t kept_rows_bytes(const struct kept_rows *k) {
    return row_store_bytes(k->rows) + row_store_spilled(k->rows);
}

status kept_rows_get(struct kept_rows *k, uint64_t i, struct arena *a, struct vec *columns,
                     uint16_t at) {
    struct row_store *s = k->rows;
    struct stored_row *r;
    TRY(row_store_at(s, i, &r));
    const uint8_t *nulls = stored_nulls(s, r);
    for (uint16_t c = 0; c < s->ncolumns; c++) {
        columns[c].nulls[at] = nulls[c];
        columns[c].values[at] = r->values[c];
        if (nulls[c] || s->types[c]->byval) continue;
        status copied = type_copy(s->types[c], r->values[c], a, &columns[c].values[at]);
        if (!ok(copied)) return no_memory(k->x.env);
    }
    return OK;
}

status kept_rows_cut(struct kept_rows *k) {
    struct arena a;
    uint64_t n = kept_rows_count(k);
    if (n < 2) return OK;
    arena_init(&a, 0);
    status s = kept_rows_get(k, n - 1, &a, k->last, 0);
    if (ok(s)) {
        row_store_clear(k->rows);
        s = row_store_add(k->rows, k->last, 0, NULL);
    }
    arena_free(&a);
    return s;
}
