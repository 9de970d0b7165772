#include "exec/tape.h"

#include <stdlib.h>

#include "base/counter.h"
#include "temp/temp.h"

/* A row on a tape: its head, then what is behind the head of a struct stored_row: values, nulls,
 * and, each aligned, the bytes of values by reference, whose datum is their distance from the
 * values' beginning. */
struct row_head {
    uint32_t bytes; /* behind the head */
    uint32_t matched;
    uint64_t hash;
};

#define BUFFER_BYTES_FIRST 1024
#define VALUE_ALIGNMENT 8

static size_t aligned(size_t n) {
    return (n + VALUE_ALIGNMENT - 1) & ~(size_t)(VALUE_ALIGNMENT - 1);
}

status tape_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                struct tape **ret) {
    struct tape *t;
    NEW_N(x, t, 1);
    *t = (struct tape){.x = x, .ncolumns = ncolumns, .types = types};
    NEW_N(x, t->values, ncolumns + 1);
    NEW_N(x, t->nulls, ncolumns + 1);
    t->next = x->tapes;
    x->tapes = t;
    *ret = t;
    return OK;
}

void tape_clear(struct tape *t) {
    struct sql_env *env = t->x->env;
    temp_free(env->proc, t->blocks, t->nblocks);
    if (env->temp_bytes) *env->temp_bytes -= t->nblocks * TEMP_CONTENT_BYTES;
    t->nblocks = t->len = t->last.len = 0;
    t->bytes = t->rows = 0;
}

void tape_free(struct tape *t) {
    tape_clear(t);
    free(t->blocks);
    free(t->buf);
    free(t->scratch);
    buf_free(&t->last);
    t->blocks = NULL;
    t->buf = t->scratch = NULL;
    t->blocks_cap = t->cap = t->scratch_cap = 0;
}

void tapes_close(struct execution *x) {
    for (struct tape *t = x->tapes; t; t = t->next) tape_free(t);
    x->tapes = NULL;
}

/* ---- writing ---- */

static status failed(struct tape *t, status s, const char *doing) {
    struct error *e = t->x->env->eval.error;
    if (status_is(s, ST_OUT_OF_MEMORY)) return exec_memory(t->x);
    return error_set(e, (enum status_code)s.code, "could not %s temporary file: %s", doing,
                     status_is(s, ST_DISK_FULL)        ? "No space left on device"
                     : status_is(s, ST_DATA_CORRUPTED) ? "its content is damaged"
                                                       : "Input/output error");
}

static status count_block(struct tape *t) {
    struct sql_env *env = t->x->env;
    int64_t limit_kb = env->settings->temp_file_limit_kb;
    if (!env->temp_bytes) return OK;
    if (limit_kb >= 0 && *env->temp_bytes + TEMP_CONTENT_BYTES > (uint64_t)limit_kb * 1024)
        return error_set(env->eval.error, ST_CONFIGURATION_LIMIT_EXCEEDED,
                         "temporary file size exceeds temp_file_limit (%lldkB)",
                         (long long)limit_kb);
    *env->temp_bytes += TEMP_CONTENT_BYTES;
    return OK;
}

/* The full block at hand goes to storaged. */
static status flush(struct tape *t) {
    if (t->nblocks == t->blocks_cap) {
        size_t cap = t->blocks_cap ? 2 * t->blocks_cap : 16;
        uint64_t *grown = realloc(t->blocks, cap * sizeof *grown);
        NEEDS(t->x, grown);
        t->blocks = grown;
        t->blocks_cap = cap;
    }
    TRY(count_block(t));
    status s = temp_write(t->x->env->proc, t->buf, t->len, &t->blocks[t->nblocks]);
    if (!ok(s)) {
        if (t->x->env->temp_bytes) *t->x->env->temp_bytes -= TEMP_CONTENT_BYTES;
        return failed(t, s, "write");
    }
    counter_add(t->x->env->proc, COUNTER_TEMP_BLOCKS_PUT, 1);
    t->nblocks++;
    t->len = 0;
    return OK;
}

/* Room for n bytes in the block at hand, or for all that a block has. */
static status grow(struct tape *t, size_t n) {
    size_t cap = t->cap ? t->cap : BUFFER_BYTES_FIRST;
    while (cap < t->len + n && cap < TEMP_CONTENT_BYTES) cap *= 2;
    if (cap > TEMP_CONTENT_BYTES) cap = TEMP_CONTENT_BYTES;
    if (cap == t->cap) return OK;
    char *grown = realloc(t->buf, cap);
    NEEDS(t->x, grown);
    t->buf = grown;
    t->cap = cap;
    return OK;
}

static status append(struct tape *t, const char *from, size_t n) {
    while (n > 0) {
        if (t->len == TEMP_CONTENT_BYTES) TRY(flush(t));
        TRY(grow(t, n));
        size_t some = t->cap - t->len < n ? t->cap - t->len : n;
        memcpy(t->buf + t->len, from, some);
        t->len += some;
        from += some;
        n -= some;
    }
    return OK;
}

static size_t row_bytes(const struct tape *t, const datum *values, const uint8_t *nulls) {
    size_t n = aligned(t->ncolumns * (sizeof(datum) + 1u));
    for (uint16_t c = 0; c < t->ncolumns; c++)
        if (!nulls[c] && !t->types[c]->byval)
            n += aligned(type_value_bytes(t->types[c], values[c]));
    return n;
}

static void encode(const struct tape *t, char *to, const struct row_head *h, const datum *values,
                   const uint8_t *nulls) {
    memcpy(to, h, sizeof *h);
    char *row = to + sizeof *h;
    size_t at = aligned(t->ncolumns * (sizeof(datum) + 1u));
    for (uint16_t c = 0; c < t->ncolumns; c++) {
        datum d = nulls[c] ? (datum){0} : values[c];
        if (!nulls[c] && !t->types[c]->byval) {
            size_t bytes = type_value_bytes(t->types[c], d);
            memcpy(row + at, d.p, bytes);
            d = (datum){.u64 = at};
            at += aligned(bytes);
        }
        memcpy(row + c * sizeof d, &d, sizeof d);
    }
    memcpy(row + t->ncolumns * sizeof(datum), nulls, t->ncolumns);
}

status tape_put(struct tape *t, uint64_t hash, bool matched, const datum *values,
                const uint8_t *nulls) {
    size_t n = row_bytes(t, values, nulls), total = n + sizeof(struct row_head);
    if (n > UINT32_MAX) return exec_memory(t->x);
    struct row_head h = {(uint32_t)n, matched, hash};
    t->rows++;
    t->bytes += total;
    if (t->len + total <= TEMP_CONTENT_BYTES) {
        TRY(grow(t, total));
        encode(t, t->buf + t->len, &h, values, nulls);
        t->len += total;
        return OK;
    }
    if (total > t->scratch_cap) {
        free(t->scratch);
        t->scratch_cap = 0;
        t->scratch = malloc(total);
        NEEDS(t->x, t->scratch);
        t->scratch_cap = total;
    }
    encode(t, t->scratch, &h, values, nulls);
    return append(t, t->scratch, total);
}

status tape_put_vec(struct tape *t, uint64_t hash, const struct vec *columns, uint16_t row) {
    for (uint16_t c = 0; c < t->ncolumns; c++) {
        t->values[c] = columns[c].values[row];
        t->nulls[c] = columns[c].nulls[row];
    }
    return tape_put(t, hash, false, t->values, t->nulls);
}

status tape_put_row(struct tape *t, struct stored_row *r) {
    return tape_put(t, r->hash, r->matched, r->values, (const uint8_t *)(r->values + t->ncolumns));
}

/* A byte string on a tape: this head, then what it does not have in common with the one before. */
struct bytes_head {
    uint16_t common, rest;
};

status tape_put_bytes(struct tape *t, const void *bytes, uint32_t len) {
    struct buf *last = &t->last;
    CHECK(len <= TAPE_BYTES_MAX);
    uint16_t common = (uint16_t)key_common(last->data, last->len, bytes, len);
    struct bytes_head h = {common, (uint16_t)(len - common)};
    const char *rest = (const char *)bytes + common;
    last->len = common;
    NEEDS(t->x, ok(buf_add(last, rest, h.rest)));
    t->rows++;
    t->bytes += sizeof h + h.rest;
    TRY(append(t, (const char *)&h, sizeof h));
    return append(t, rest, h.rest);
}

/* ---- reading ---- */

void tape_reader_init(struct tape_reader *r, struct tape *t) {
    r->tape = t;
    r->at = 0;
    r->loaded = 0;
    r->last.len = 0;
}

void tape_reader_free(struct tape_reader *r) {
    free(r->buf);
    buf_free(&r->last);
    *r = (struct tape_reader){0};
}

/* What there is from the position on, in one piece. */
static status piece(struct tape_reader *r, const char **ret, size_t *ret_n) {
    struct tape *t = r->tape;
    size_t block = r->at / TEMP_CONTENT_BYTES, at = r->at % TEMP_CONTENT_BYTES;
    if (block == t->nblocks) {
        *ret = t->buf + at;
        *ret_n = t->len - at;
        return OK;
    }
    if (r->loaded != block + 1) {
        size_t bytes;
        if (!r->buf) r->buf = malloc(TEMP_CONTENT_BYTES);
        NEEDS(t->x, r->buf);
        r->loaded = 0;
        status s = temp_read(t->x->env->proc, t->blocks[block], r->buf, &bytes);
        if (!ok(s)) return failed(t, s, "read from");
        CHECK(bytes == TEMP_CONTENT_BYTES);
        counter_add(t->x->env->proc, COUNTER_TEMP_BLOCKS_GOT, 1);
        r->loaded = block + 1;
    }
    *ret = r->buf + at;
    *ret_n = TEMP_CONTENT_BYTES - at;
    return OK;
}

static status read_bytes(struct tape_reader *r, void *to, size_t n) {
    for (char *at = to; n > 0;) {
        const char *from;
        size_t some;
        TRY(piece(r, &from, &some));
        if (some > n) some = n;
        CHECK(some > 0);
        memcpy(at, from, some);
        r->at += some;
        at += some;
        n -= some;
    }
    return OK;
}

status tape_skip(struct tape_reader *r) {
    struct row_head h;
    TRY(read_bytes(r, &h, sizeof h));
    r->at += h.bytes;
    return OK;
}

status tape_get(struct tape_reader *r, struct arena *a, struct stored_row **ret) {
    struct tape *t = r->tape;
    struct row_head h;
    *ret = NULL;
    if (r->at == t->bytes) return OK;
    TRY(read_bytes(r, &h, sizeof h));
    struct stored_row *row = arena_alloc(a, sizeof *row + h.bytes);
    NEEDS(t->x, row);
    TRY(read_bytes(r, row->values, h.bytes));
    row->hash = h.hash;
    row->next = NULL;
    row->matched = h.matched != 0;
    const uint8_t *nulls = (const uint8_t *)(row->values + t->ncolumns);
    for (uint16_t c = 0; c < t->ncolumns; c++)
        if (!nulls[c] && !t->types[c]->byval)
            row->values[c] = datum_ptr((const char *)row->values + row->values[c].u64);
    *ret = row;
    return OK;
}

status tape_get_bytes(struct tape_reader *r, const unsigned char **ret, uint32_t *ret_len) {
    struct buf *last = &r->last;
    struct bytes_head h;
    *ret = NULL;
    if (r->at == r->tape->bytes) return OK;
    TRY(read_bytes(r, &h, sizeof h));
    if (h.common > last->len) return failed(r->tape, STATUS(DATA_CORRUPTED), "read from");
    last->len = h.common;
    NEEDS(r->tape->x, ok(buf_reserve(last, h.rest + 1u)));
    TRY(read_bytes(r, last->data + h.common, h.rest));
    last->len += h.rest;
    *ret = (const unsigned char *)last->data;
    *ret_len = (uint32_t)last->len;
    return OK;
}
