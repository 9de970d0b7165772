/* Families bool, "char", int2, int4, int8, oid (xid, cid), xid8, pg_lsn, tid: text, binary, order,
 * keys. */
#include <stdio.h>
#include <stdlib.h>

#include "types/internal.h"

size_t int_format(int64_t x, char out[24]) {
    char digits[24];
    size_t n = 0, len = 0;
    uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (x < 0) out[len++] = '-';
    while (n) out[len++] = digits[--n];
    return len;
}

status int_parse(const struct eval_env *env, const char *text, size_t len, int64_t min, int64_t max,
                 const char *type_name, int64_t *ret) {
    const char *p = text;
    size_t n = len;
    trim_space(&p, &n);
    bool negative = n && *p == '-';
    if (n && (*p == '-' || *p == '+')) p++, n--;
    if (!n) return bad_input(env, type_name, text, len);
    uint64_t value = 0;
    bool overflow = false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i])) return bad_input(env, type_name, text, len);
        overflow |= __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(p[i] - '0'), &value);
    }
    uint64_t limit = negative ? 0 - (uint64_t)min : (uint64_t)max;
    if (overflow || value > limit) return bad_range(env, type_name, text, len);
    *ret = (int64_t)(negative ? 0 - value : value);
    return OK;
}

#define INT_FAMILY(fam, bits, type_name)                                                           \
    static status fam##_in(const struct eval_env *env, const struct type *, int32_t,               \
                           const char *text, size_t len, datum *ret) {                             \
        return int_parse(env, text, len, INT##bits##_MIN, INT##bits##_MAX, type_name, &ret->i64);  \
    }                                                                                              \
    static status fam##_receive(const struct eval_env *env, const struct type *, int32_t,          \
                                const char *bytes, size_t len, datum *ret) {                       \
        TRY(binary_length(env, len, bits / 8));                                                    \
        ret->i64 = (int##bits##_t)load_be##bits(bytes);                                            \
        return OK;                                                                                 \
    }                                                                                              \
    static status fam##_send(const struct eval_env *, const struct type *, datum value,            \
                             struct buf *out) {                                                    \
        char big[bits / 8];                                                                        \
        store_be##bits(big, (uint##bits##_t)value.i64);                                            \
        return buf_add(out, big, sizeof big);                                                      \
    }                                                                                              \
    static status fam##_key(const struct type *, datum value, struct buf *out) {                   \
        return key_add_int(out, value.i64, bits / 8);                                              \
    }

static status int_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    TRY(buf_reserve(out, 24));
    out->len += int_format(value.i64, out->data + out->len);
    return OK;
}

static int int_compare(const struct type *, datum a, datum b) {
    return (a.i64 > b.i64) - (a.i64 < b.i64);
}

static int unsigned_compare(const struct type *, datum a, datum b) {
    return (a.u64 > b.u64) - (a.u64 < b.u64);
}

static uint64_t int_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

INT_FAMILY(int2, 16, "smallint")
INT_FAMILY(int4, 32, "integer")
INT_FAMILY(int8, 64, "bigint")

#define INT_TABLE(fam, bytes)                                                                      \
    const struct type_family family_##fam = {.in = fam##_in,                                       \
                                             .out = int_out,                                       \
                                             .receive = fam##_receive,                             \
                                             .send = fam##_send,                                   \
                                             .compare = int_compare,                               \
                                             .hash = int_hash,                                     \
                                             .key = fam##_key,                                     \
                                             .key_len = key_len_##bytes};
INT_TABLE(int2, 2)
INT_TABLE(int4, 4)
INT_TABLE(int8, 8)

/* ---- bool ---- */

static status bool_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    static const struct {
        const char *word;
        size_t least; /* characters that make it unique */
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    const char *p = text;
    size_t n = len;
    trim_space(&p, &n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (n < words[i].least || n > strlen(words[i].word)) continue;
        size_t same = 0;
        while (same < n && lower_ascii(p[same]) == words[i].word[same]) same++;
        if (same < n) continue;
        *ret = datum_bool(words[i].value);
        return OK;
    }
    return bad_input(env, "boolean", text, len);
}

static status bool_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.b ? "t" : "f", 1);
}

static status bool_receive(const struct eval_env *env, const struct type *, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 1));
    *ret = datum_bool(bytes[0] != 0);
    return OK;
}

static status byte_send(const struct eval_env *, const struct type *, datum value,
                        struct buf *out) {
    return buf_add(out, &value.i8, 1);
}

static status byte_key(const struct type *, datum value, struct buf *out) {
    return buf_add(out, &value.i8, 1);
}

static bool bool_valid(const struct type *, const char *bytes, size_t) {
    return (uint8_t)bytes[0] <= 1;
}

const struct type_family family_bool = {.in = bool_in,
                                        .out = bool_out,
                                        .receive = bool_receive,
                                        .send = byte_send,
                                        .compare = int_compare,
                                        .hash = int_hash,
                                        .key = byte_key,
                                        .key_len = key_len_1,
                                        .valid = bool_valid};

/* ---- "char": one byte, ordered as an unsigned one ---- */

static bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/* One byte; beyond ASCII as a backslash and three octal digits. */
static status char_in(const struct eval_env *, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    bool octal =
        len == 4 && text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3]);
    int byte = octal ? (text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0' : 0;
    *ret = datum_char(octal ? (int8_t)byte : (int8_t)(len ? text[0] : 0));
    return OK;
}

static status char_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    uint8_t byte = (uint8_t)value.i8;
    if (byte >= 0x80) return buf_printf(out, "\\%o%o%o", byte >> 6, byte >> 3 & 7u, byte & 7u);
    return buf_add(out, &byte, byte != 0);
}

static status char_receive(const struct eval_env *env, const struct type *, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 1));
    *ret = datum_char(bytes[0]);
    return OK;
}

static int char_compare(const struct type *, datum a, datum b) {
    return (int)(uint8_t)a.i8 - (int)(uint8_t)b.i8;
}

const struct type_family family_char = {.in = char_in,
                                        .out = char_out,
                                        .receive = char_receive,
                                        .send = byte_send,
                                        .compare = char_compare,
                                        .hash = int_hash,
                                        .key = byte_key,
                                        .key_len = key_len_1};

/* ---- oid, xid, cid: unsigned 32 bits ---- */

/* xid, cid and xid8 take what strtoul makes of any text: of digits that begin with 0 an octal
 * number, 0 of what is no number, the greatest of what is too great. */
static status xid_number(const struct eval_env *env, const char *text, size_t len, uint64_t *ret) {
    const char *copy = arena_strndup(env->arena, text, len);
    if (!copy) return out_of_memory(env);
    *ret = strtoull(copy, NULL, 0);
    return OK;
}

static status oid_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                     size_t len, datum *ret) {
    int64_t value;
    if (t->oid != OIDOID) {
        uint64_t number;
        TRY(xid_number(env, text, len, &number));
        *ret = datum_oid((uint32_t)number);
        return OK;
    }
    TRY(int_parse(env, text, len, INT32_MIN, UINT32_MAX, t->name, &value));
    *ret = datum_oid((uint32_t)value);
    return OK;
}

static status oid_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    TRY(buf_reserve(out, 24));
    out->len += int_format(value.u32, out->data + out->len);
    return OK;
}

static status oid_receive(const struct eval_env *env, const struct type *, int32_t,
                          const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 4));
    *ret = datum_oid(load_be32(bytes));
    return OK;
}

static status oid_send(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    char big[4];
    store_be32(big, value.u32);
    return buf_add(out, big, sizeof big);
}

static status oid_key(const struct type *, datum value, struct buf *out) {
    return oid_send(NULL, NULL, value, out);
}

const struct type_family family_oid = {.in = oid_in,
                                       .out = oid_out,
                                       .receive = oid_receive,
                                       .send = oid_send,
                                       .compare = unsigned_compare,
                                       .hash = int_hash,
                                       .key = oid_key,
                                       .key_len = key_len_4};

/* ---- xid8: unsigned 64 bits ---- */

static status xid8_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    return xid_number(env, text, len, &ret->u64);
}

static status xid8_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_printf(out, "%llu", (unsigned long long)value.u64);
}

static status xid8_send(const struct eval_env *, const struct type *, datum value,
                        struct buf *out) {
    char big[8];
    store_be64(big, value.u64);
    return buf_add(out, big, sizeof big);
}

static status xid8_receive(const struct eval_env *env, const struct type *, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 8));
    ret->u64 = load_be64(bytes);
    return OK;
}

static status unsigned_key(const struct type *, datum value, struct buf *out) {
    return xid8_send(NULL, NULL, value, out);
}

const struct type_family family_xid8 = {.in = xid8_in,
                                        .out = xid8_out,
                                        .receive = xid8_receive,
                                        .send = xid8_send,
                                        .compare = unsigned_compare,
                                        .hash = int_hash,
                                        .key = unsigned_key,
                                        .key_len = key_len_8};

/* ---- pg_lsn: unsigned 64 bits, written as two hexadecimal halves ---- */

static bool read_hex(const char **at, const char *end, uint32_t *ret) {
    const char *start = *at;
    *ret = 0;
    for (; *at < end && *at - start < 8; (*at)++) {
        char c = lower_ascii(**at);
        if (!is_digit(c) && !(c >= 'a' && c <= 'f')) break;
        *ret = *ret << 4 | (uint32_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return *at > start;
}

static status lsn_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                     size_t len, datum *ret) {
    const char *at = text, *end = text + len;
    uint32_t high, low;
    if (!read_hex(&at, end, &high) || at == end || *at++ != '/' || !read_hex(&at, end, &low) ||
        at != end)
        return bad_input(env, "pg_lsn", text, len);
    ret->u64 = (uint64_t)high << 32 | low;
    return OK;
}

static status lsn_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_printf(out, "%X/%X", (unsigned)(value.u64 >> 32), (unsigned)value.u64);
}

const struct type_family family_lsn = {.in = lsn_in,
                                       .out = lsn_out,
                                       .receive = xid8_receive,
                                       .send = xid8_send,
                                       .compare = unsigned_compare,
                                       .hash = int_hash,
                                       .key = unsigned_key,
                                       .key_len = key_len_8};

/* ---- tid: block << 16 | offset ---- */

static status tid_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                     size_t len, datum *ret) {
    char copy[64], surplus;
    unsigned long long block, offset;
    const char *p = text;
    size_t n = len;
    trim_space(&p, &n);
    if (n >= sizeof copy) return bad_input(env, "tid", text, len);
    memcpy(copy, p, n);
    copy[n] = '\0';
    if (strchr(copy, '-') || sscanf(copy, "(%10llu,%6llu)%c", &block, &offset, &surplus) != 2 ||
        copy[n - 1] != ')' || block > UINT32_MAX || offset > UINT16_MAX)
        return bad_input(env, "tid", text, len);
    ret->u64 = (uint64_t)block << 16 | offset;
    return OK;
}

static status tid_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_printf(out, "(%u,%u)", (unsigned)(value.u64 >> 16), (unsigned)(value.u64 & 0xFFFF));
}

static status tid_receive(const struct eval_env *env, const struct type *, int32_t,
                          const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 6));
    ret->u64 = (uint64_t)load_be32(bytes) << 16 | load_be16(bytes + 4);
    return OK;
}

static status tid_send(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    char big[6];
    store_be32(big, (uint32_t)(value.u64 >> 16));
    store_be16(big + 4, (uint16_t)value.u64);
    return buf_add(out, big, sizeof big);
}

const struct type_family family_tid = {.in = tid_in,
                                       .out = tid_out,
                                       .receive = tid_receive,
                                       .send = tid_send,
                                       .compare = unsigned_compare,
                                       .hash = int_hash,
                                       .key = unsigned_key,
                                       .key_len = key_len_8};
