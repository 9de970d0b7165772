/* The family of pg_snapshot and txid_snapshot, which calls both by the first name:
 * "xmin:xmax:xip,xip". */
#include "types/snapshot.h"

#include <stdlib.h>

#include "types/internal.h"

static status add_word(struct buf *b, uint64_t word) {
    return buf_add(b, (const char *)&word, sizeof word);
}

/* The number at *at, which then stands behind it: as scanf has it, so blanks and a sign may stand
 * before it. */
static uint64_t next_number(const char **at) {
    char *end;
    uint64_t x = strtoull(*at, &end, 10);
    *at = end;
    return x;
}

/* The ids in between; one that is there twice counts once. INVALID: that is no list of such. */
static status read_xip(const char *at, uint64_t xmin, uint64_t xmax, struct buf *out) {
    uint64_t last = 0;
    while (*at) {
        uint64_t x = next_number(&at);
        if (x < xmin || x >= xmax || x < last) return STATUS(INVALID);
        if (x != last) TRY(add_word(out, x));
        last = x;
        if (*at && *at++ != ',') return STATUS(INVALID);
    }
    return OK;
}

static status read_snapshot(const char *at, struct buf *out) {
    uint64_t xmin = next_number(&at);
    if (*at++ != ':') return STATUS(INVALID);
    uint64_t xmax = next_number(&at);
    if (*at++ != ':' || !xmin || xmax < xmin) return STATUS(INVALID);
    TRY(add_word(out, xmin));
    TRY(add_word(out, xmax));
    return read_xip(at, xmin, xmax, out);
}

/* Moves the payload into a varlena and frees the buffer. */
static status take_payload(const struct eval_env *env, status s, struct buf *b, datum *ret) {
    if (ok(s)) {
        ret->v = varlena_from(env->arena, b->data, b->len);
        if (!ret->v) s = out_of_memory(env);
    }
    buf_free(b);
    return s;
}

static status snapshot_in(const struct eval_env *env, const struct type *, int32_t,
                          const char *text, size_t len, datum *ret) {
    struct buf b = {0};
    const char *copy = arena_strndup(env->arena, text, len);
    if (!copy) return out_of_memory(env);
    status s = take_payload(env, read_snapshot(copy, &b), &b, ret);
    return status_is(s, ST_INVALID) ? bad_input(env, "pg_snapshot", text, len) : s;
}

static status snapshot_out(const struct eval_env *, const struct type *, datum value,
                           struct buf *out) {
    size_t n = snapshot_xip_count(value.v);
    TRY(buf_printf(out, "%llu:%llu:", (unsigned long long)snapshot_xmin(value.v),
                   (unsigned long long)snapshot_xmax(value.v)));
    for (size_t i = 0; i < n; i++)
        TRY(buf_printf(out, i ? ",%llu" : "%llu", (unsigned long long)snapshot_xip(value.v, i)));
    return OK;
}

/* ---- binary: how many in between (int4), xmin, xmax, these (int8) ---- */

static status add_big(struct buf *out, uint64_t x) {
    char big[8];
    store_be64(big, x);
    return buf_add(out, big, sizeof big);
}

static status snapshot_send(const struct eval_env *, const struct type *, datum value,
                            struct buf *out) {
    char count[4];
    size_t words = value.v->len / sizeof(uint64_t);
    store_be32(count, (uint32_t)snapshot_xip_count(value.v));
    TRY(buf_add(out, count, sizeof count));
    for (size_t i = 0; i < words; i++) TRY(add_big(out, snapshot_word(value.v, i)));
    return OK;
}

static status read_binary(const char *bytes, size_t n, struct buf *out) {
    uint64_t xmin = load_be64(bytes), xmax = load_be64(bytes + 8), last = 0;
    if (!xmin || xmax < xmin || xmax > INT64_MAX) return STATUS(INVALID);
    TRY(add_word(out, xmin));
    TRY(add_word(out, xmax));
    for (size_t i = 0; i < n; i++) {
        uint64_t x = load_be64(bytes + 16 + i * 8);
        if (x < last || x < xmin || x >= xmax) return STATUS(INVALID);
        if (x != last) TRY(add_word(out, x));
        last = x;
    }
    return OK;
}

static status snapshot_receive(const struct eval_env *env, const struct type *, int32_t,
                               const char *bytes, size_t len, datum *ret) {
    struct buf b = {0};
    if (len < 4) return bad_binary(env, "pg_snapshot");
    size_t n = load_be32(bytes);
    status s = STATUS(INVALID);
    if (n <= INT32_MAX) {
        TRY(binary_length(env, len, 4 + 16 + n * 8));
        s = take_payload(env, read_binary(bytes + 4, n, &b), &b, ret);
    }
    if (!status_is(s, ST_INVALID)) return s;
    return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                     "invalid external pg_snapshot data");
}

static bool snapshot_valid(const struct type *, const char *, size_t len) {
    return len >= 2 * sizeof(uint64_t) && len % sizeof(uint64_t) == 0;
}

const struct type_family family_snapshot = {.in = snapshot_in,
                                            .out = snapshot_out,
                                            .receive = snapshot_receive,
                                            .send = snapshot_send,
                                            .valid = snapshot_valid};
