/* Functions, operators and aggregates of bit strings. */
#include "types/aggregate.h"
#include "types/bit.h"

static status part(const struct eval_env *env, const struct varlena *v, uint32_t start, uint32_t n,
                   struct varlena **ret) {
    TRY(bit_new(env, n, ret));
    bit_copy(*ret, 0, v, start, n);
    return OK;
}

static status joined(const struct eval_env *env, const struct varlena *a, const struct varlena *b,
                     struct varlena **ret) {
    uint32_t m = bit_length(a), n = bit_length(b);
    TRY(bit_new(env, (uint64_t)m + n, ret));
    bit_copy(*ret, 0, a, 0, m);
    bit_copy(*ret, m, b, 0, n);
    return OK;
}

/* ---- operators ---- */

enum gate { GATE_AND, GATE_OR, GATE_XOR };

static void combine(uint8_t *to, const struct varlena *v, enum gate gate) {
    size_t n = v->len - BIT_HEAD_BYTES;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = bit_data(v)[i];
        to[i] = (uint8_t)(gate == GATE_AND ? to[i] & b : gate == GATE_OR ? to[i] | b : to[i] ^ b);
    }
}

static status check_sizes(const struct eval_env *env, const struct varlena *a,
                          const struct varlena *b, enum gate gate) {
    static const char *const names[] = {"AND", "OR", "XOR"};
    if (bit_length(a) == bit_length(b)) return OK;
    return error_set(env->error, ST_STRING_DATA_LENGTH_MISMATCH,
                     "cannot %s bit strings of different sizes", names[gate]);
}

static status combined(struct fn_call *c, enum gate gate) {
    struct varlena *v;
    TRY(check_sizes(c->env, c->args[0].v, c->args[1].v, gate));
    TRY(part(c->env, c->args[0].v, 0, bit_length(c->args[0].v), &v));
    combine(bit_room(v), c->args[1].v, gate);
    return give_ptr(c, v);
}

status fn_bit_and(struct fn_call *c) {
    return combined(c, GATE_AND);
}
status fn_bit_or(struct fn_call *c) {
    return combined(c, GATE_OR);
}
status fn_bit_xor(struct fn_call *c) {
    return combined(c, GATE_XOR);
}

status fn_bit_not(struct fn_call *c) {
    const struct varlena *a = c->args[0].v;
    uint32_t bits = bit_length(a);
    struct varlena *v;
    TRY(bit_new(c->env, bits, &v));
    for (size_t i = 0; i < bit_bytes(bits); i++) bit_room(v)[i] = (uint8_t)~bit_data(a)[i];
    if (bits % 8) bit_room(v)[bits / 8] &= (uint8_t)(0xFF << (8 - bits % 8));
    return give_ptr(c, v);
}

/* To the left when positive; zeros come in from the other side. */
static status shift(struct fn_call *c, int64_t by) {
    const struct varlena *a = c->args[0].v;
    uint32_t bits = bit_length(a);
    struct varlena *v;
    TRY(bit_new(c->env, bits, &v));
    if (by >= 0 && by < bits) bit_copy(v, 0, a, (uint32_t)by, bits - (uint32_t)by);
    if (by < 0 && -by < bits) bit_copy(v, (uint32_t)-by, a, 0, bits - (uint32_t)-by);
    return give_ptr(c, v);
}

status fn_bit_shift_left(struct fn_call *c) {
    return shift(c, c->args[1].i32);
}
status fn_bit_shift_right(struct fn_call *c) {
    return shift(c, -(int64_t)c->args[1].i32);
}

status fn_bit_cat(struct fn_call *c) {
    struct varlena *v;
    TRY(joined(c->env, c->args[0].v, c->args[1].v, &v));
    return give_ptr(c, v);
}

/* ---- parts ---- */

/* From place `start`, counted from 1, `n` bits (INT64_MAX: to the end). */
static status substring(const struct eval_env *env, const struct varlena *v, int64_t start,
                        int64_t n, struct varlena **ret) {
    int64_t end = (int64_t)bit_length(v) + 1;
    if (n < end - start) end = start + n;
    if (start < 1) start = 1;
    return part(env, v, (uint32_t)(start - 1), end > start ? (uint32_t)(end - start) : 0, ret);
}

status fn_bit_substring(struct fn_call *c) {
    struct varlena *v;
    int64_t n = c->nargs > 2 ? c->args[2].i32 : INT64_MAX;
    if (n < 0) return substring_negative(c->env);
    TRY(substring(c->env, c->args[0].v, c->args[1].i32, n, &v));
    return give_ptr(c, v);
}

/* overlay(bits, in their place, from, for how many) */
status fn_bit_overlay(struct fn_call *c) {
    const struct varlena *a = c->args[0].v, *b = c->args[1].v;
    int32_t start = c->args[2].i32, n = c->nargs > 3 ? c->args[3].i32 : (int32_t)bit_length(b), end;
    struct varlena *head, *tail, *v;
    if (start <= 0) return substring_negative(c->env);
    if (__builtin_add_overflow(start, n, &end))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    TRY(substring(c->env, a, 1, start - 1, &head));
    TRY(substring(c->env, a, end, INT64_MAX, &tail));
    TRY(joined(c->env, head, b, &v));
    TRY(joined(c->env, v, tail, &v));
    return give_ptr(c, v);
}

static bool stands_at(const struct varlena *v, const struct varlena *what, uint32_t at) {
    for (uint32_t i = 0; i < bit_length(what); i++)
        if (bit_at(v, at + i) != bit_at(what, i)) return false;
    return true;
}

status fn_bit_position(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *what = c->args[1].v;
    uint32_t bits = bit_length(v), n = bit_length(what);
    if (!bits || n > bits) return give_int4(c, 0);
    for (uint32_t at = 0; at <= bits - n; at++)
        if (stands_at(v, what, at)) return give_int4(c, (int32_t)at + 1);
    return give_int4(c, 0);
}

/* ---- measures and single bits ---- */

status fn_bit_length_of(struct fn_call *c) {
    return give_int4(c, (int32_t)bit_length(c->args[0].v));
}
status fn_bit_octet_length(struct fn_call *c) {
    return give_int4(c, (int32_t)bit_bytes(bit_length(c->args[0].v)));
}

status fn_bit_count(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    int64_t n = 0;
    for (size_t i = 0; i < v->len - BIT_HEAD_BYTES; i++) n += __builtin_popcount(bit_data(v)[i]);
    return give_int8(c, n);
}

static status check_index(struct fn_call *c) {
    int32_t at = c->args[1].i32, bits = (int32_t)bit_length(c->args[0].v);
    if (at >= 0 && at < bits) return OK;
    return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                     "bit index %d out of valid range (0..%d)", at, bits - 1);
}

status fn_bit_get(struct fn_call *c) {
    TRY(check_index(c));
    return give_int4(c, bit_at(c->args[0].v, c->args[1].u32));
}

status fn_bit_set(struct fn_call *c) {
    uint32_t at = c->args[1].u32;
    int32_t bit = c->args[2].i32;
    struct varlena *v;
    TRY(check_index(c));
    if (bit != 0 && bit != 1)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    TRY(part(c->env, c->args[0].v, 0, bit_length(c->args[0].v), &v));
    uint8_t mask = (uint8_t)(0x80 >> at % 8), *byte = &bit_room(v)[at / 8];
    *byte = (uint8_t)(bit ? *byte | mask : *byte & ~mask);
    return give_ptr(c, v);
}

/* ---- integers ---- */

/* bit(integer, length): the rightmost bits, or all and the sign in front of them. */
status fn_bit_from_int(struct fn_call *c) {
    int64_t x = c->args[0].i64;
    bool usable = c->args[1].i32 > 0 && c->args[1].i32 <= BIT_LENGTH_MAX;
    uint32_t bits = usable ? c->args[1].u32 : 1;
    struct varlena *v;
    TRY(bit_new(c->env, bits, &v));
    for (uint32_t i = 0; i < bits; i++) {
        uint32_t place = bits - 1 - i; /* of the bit in the integer, beyond it that of its sign */
        if (x >> (place < 63 ? place : 63) & 1) bit_room(v)[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    return give_ptr(c, v);
}

static status to_int(struct fn_call *c, uint32_t most, const char *name, uint64_t *ret) {
    const struct varlena *v = c->args[0].v;
    *ret = 0;
    if (bit_length(v) > most)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
    for (uint32_t i = 0; i < bit_length(v); i++) *ret = *ret << 1 | bit_at(v, i);
    return OK;
}

status fn_bit_to_int4(struct fn_call *c) {
    uint64_t x;
    TRY(to_int(c, 32, "integer", &x));
    return give_int4(c, (int32_t)x);
}
status fn_bit_to_int8(struct fn_call *c) {
    uint64_t x;
    TRY(to_int(c, 64, "bigint", &x));
    return give_int8(c, (int64_t)x);
}

/* ---- aggregates ---- */

static status fold(struct agg_call *c, datum value, enum gate gate) {
    struct agg_value *s = c->state;
    if (s->any) {
        TRY(check_sizes(c->env, s->value.v, value.v, gate));
        combine((uint8_t *)(uintptr_t)bit_data(s->value.v), value.v, gate);
        return OK;
    }
    s->value.v = varlena_from(c->state_arena, value.v->data, value.v->len);
    s->any = true;
    return s->value.v ? OK : out_of_memory(c->env);
}

#define BIT_FOLD(name, gate)                                                                       \
    status agg_bit_##name##_step(struct agg_call *c) {                                             \
        return fold(c, c->args[0], gate);                                                          \
    }                                                                                              \
    status agg_bit_##name##_combine(struct agg_call *c, const void *other) {                       \
        const struct agg_value *o = other;                                                         \
        return o->any ? fold(c, o->value, gate) : OK;                                              \
    }
BIT_FOLD(and, GATE_AND)
BIT_FOLD(or, GATE_OR)
BIT_FOLD(xor, GATE_XOR)
