/* Families bit and varbit: strings of bits (bit.h). */
#include "types/bit.h"

#define DECLARED_MAX (10 * 1024 * 1024 * 8) /* bits that bit(n) may have */

status bit_new(const struct eval_env *env, uint64_t bits, struct varlena **ret) {
    if (bits > BIT_LENGTH_MAX)
        return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "bit string length exceeds the maximum allowed (%d)", BIT_LENGTH_MAX);
    struct varlena *v = varlena_new(env->arena, BIT_HEAD_BYTES + bit_bytes((uint32_t)bits));
    if (!v) return out_of_memory(env);
    memset(v->data, 0, v->len);
    store_le32(v->data, (uint32_t)bits);
    *ret = v;
    return OK;
}

void bit_copy(struct varlena *to, uint32_t at, const struct varlena *from, uint32_t start,
              uint32_t n) {
    uint8_t *room = bit_room(to);
    uint32_t i = 0;
    if (at % 8 == 0 && start % 8 == 0) {
        memcpy(room + at / 8, bit_data(from) + start / 8, n / 8);
        i = n & ~7u;
    }
    for (; i < n; i++)
        if (bit_at(from, start + i)) room[(at + i) / 8] |= (uint8_t)(0x80 >> (at + i) % 8);
}

/* ---- text ---- */

static status bad_digit(const struct eval_env *env, const char *p, const char *end, bool hex) {
    return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "\"%.*s\" is not a valid %s digit",
                     (int)utf8_len(p, end), p, hex ? "hexadecimal" : "binary");
}

static status parse_digits(const struct eval_env *env, const char *digits, size_t len, bool hex,
                           datum *ret) {
    unsigned width = hex ? 4 : 1;
    struct varlena *v;
    TRY(bit_new(env, (uint64_t)len * width, &v));
    for (size_t i = 0; i < len; i++) {
        int x = hex_digit(digits[i]);
        if (x < 0 || x >= 1 << width) return bad_digit(env, digits + i, digits + len, hex);
        size_t at = i * width;
        bit_room(v)[at / 8] |= (uint8_t)(x << (8 - width - at % 8));
    }
    *ret = datum_ptr(v);
    return OK;
}

static status parse(const struct eval_env *env, const char *text, size_t len, datum *ret) {
    bool hex = len && (*text == 'x' || *text == 'X');
    if (hex || (len && (*text == 'b' || *text == 'B'))) {
        text++;
        len--;
    }
    return parse_digits(env, text, len, hex, ret);
}

static status wrong_length(const struct eval_env *env, uint32_t bits, int32_t typmod) {
    return error_set(env->error, ST_STRING_DATA_LENGTH_MISMATCH,
                     "bit string length %u does not match type bit(%d)", bits, typmod);
}

static status too_long(const struct eval_env *env, int32_t typmod) {
    return error_set(env->error, ST_STRING_DATA_RIGHT_TRUNCATION,
                     "bit string too long for type bit varying(%d)", typmod);
}

static status check_length(const struct eval_env *env, const struct type *t, int32_t typmod,
                           datum value) {
    uint32_t bits = bit_length(value.v);
    if (typmod <= 0) return OK;
    if (t->oid == BITOID) return bits == (uint32_t)typmod ? OK : wrong_length(env, bits, typmod);
    return bits <= (uint32_t)typmod ? OK : too_long(env, typmod);
}

static status bit_in(const struct eval_env *env, const struct type *t, int32_t typmod,
                     const char *text, size_t len, datum *ret) {
    datum v;
    TRY(parse(env, text, len, &v));
    TRY(check_length(env, t, typmod, v));
    *ret = v;
    return OK;
}

static status bit_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    uint32_t n = bit_length(value.v);
    TRY(buf_reserve(out, n));
    for (uint32_t i = 0; i < n; i++) out->data[out->len++] = bit_at(value.v, i) ? '1' : '0';
    return OK;
}

/* ---- binary: the number of bits in 4 bytes, big-endian, and the bits ---- */

static status bit_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                          const char *bytes, size_t len, datum *ret) {
    if (len < 4) return bad_binary(env, "bit");
    uint32_t bits = load_be32(bytes);
    if (bits > BIT_LENGTH_MAX || bit_bytes(bits) != len - 4)
        return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                         "invalid length in external bit string");
    struct varlena *v;
    TRY(bit_new(env, bits, &v));
    memcpy(bit_room(v), bytes + 4, len - 4);
    if (bits % 8) bit_room(v)[bits / 8] &= (uint8_t)(0xFF << (8 - bits % 8));
    TRY(check_length(env, t, typmod, datum_ptr(v)));
    *ret = datum_ptr(v);
    return OK;
}

static status bit_send(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    char head[4];
    store_be32(head, bit_length(value.v));
    TRY(buf_add(out, head, sizeof head));
    return buf_add(out, bit_data(value.v), bit_bytes(bit_length(value.v)));
}

/* ---- order: the bytes, then the length ---- */

static int bit_compare(const struct type *, datum a, datum b) {
    size_t m = a.v->len - BIT_HEAD_BYTES, n = b.v->len - BIT_HEAD_BYTES, least = m < n ? m : n;
    int order = least ? memcmp(bit_data(a.v), bit_data(b.v), least) : 0;
    if (order) return order;
    uint32_t x = bit_length(a.v), y = bit_length(b.v);
    return (x > y) - (x < y);
}

static uint64_t bit_hash(const struct type *, datum value) {
    return hash_bytes(value.v->data, value.v->len);
}

static status bit_key(const struct type *, datum value, struct buf *out) {
    char length[4];
    store_be32(length, bit_length(value.v));
    TRY(key_add_escaped(out, (const char *)bit_data(value.v), value.v->len - BIT_HEAD_BYTES));
    return buf_add(out, length, sizeof length);
}

static size_t bit_key_len(const struct type *, const uint8_t *bytes, size_t len, bool inverted) {
    size_t n = key_escaped_len(bytes, len, inverted);
    return n && len - n >= 4 ? n + 4 : 0;
}

static bool bit_valid(const struct type *, const char *bytes, size_t len) {
    if (len < BIT_HEAD_BYTES) return false;
    uint32_t bits = load_le32(bytes);
    if (bits > BIT_LENGTH_MAX || len != BIT_HEAD_BYTES + bit_bytes(bits)) return false;
    return bits % 8 == 0 || !((uint8_t)bytes[len - 1] & (0xFF >> bits % 8));
}

/* ---- declared lengths ---- */

static status resized(const struct eval_env *env, const struct varlena *v, int32_t bits,
                      datum *ret) {
    struct varlena *to;
    uint32_t n = bit_length(v);
    TRY(bit_new(env, (uint32_t)bits, &to));
    bit_copy(to, 0, v, 0, n < (uint32_t)bits ? n : (uint32_t)bits);
    *ret = datum_ptr(to);
    return OK;
}

/* A cast that is written cuts, and fills bit(n) up; one that is not fits already, or fails. */
static status bit_apply_typmod(const struct eval_env *env, const struct type *t, datum value,
                               int32_t typmod, bool is_explicit, datum *ret) {
    uint32_t bits = bit_length(value.v);
    bool fits = t->oid == BITOID ? bits == (uint32_t)typmod : bits <= (uint32_t)typmod;
    *ret = value;
    if (typmod <= 0 || fits) return OK;
    return is_explicit ? resized(env, value.v, typmod, ret) : check_length(env, t, typmod, value);
}

static status bit_typmod_in(const struct eval_env *env, const struct type *t, const int32_t *values,
                            size_t n, int32_t *ret) {
    if (n != 1) return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid type modifier");
    if (values[0] < 1)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "length for type %s must be at least 1", t->name);
    if (values[0] > DECLARED_MAX)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "length for type %s cannot exceed %d", t->name, DECLARED_MAX);
    *ret = values[0];
    return OK;
}

static status bit_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    return typmod >= 0 ? buf_printf(out, "(%d)", typmod) : OK;
}

#define BIT_FAMILY(name)                                                                           \
    const struct type_family family_##name = {.in = bit_in,                                        \
                                              .out = bit_out,                                      \
                                              .receive = bit_receive,                              \
                                              .send = bit_send,                                    \
                                              .compare = bit_compare,                              \
                                              .hash = bit_hash,                                    \
                                              .key = bit_key,                                      \
                                              .key_len = bit_key_len,                              \
                                              .valid = bit_valid,                                  \
                                              .apply_typmod = bit_apply_typmod,                    \
                                              .typmod_in = bit_typmod_in,                          \
                                              .typmod_out = bit_typmod_out}
BIT_FAMILY(bit);
BIT_FAMILY(varbit);
