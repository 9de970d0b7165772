/* Functions and operators of the integers, bool, oid and everything else that is an integer inside.
 *
 * By-value datums are sign-extended to 64 bits, so one body serves all widths and mixes of widths.
 */
#include "types/vector.h"

TOTAL_BINARY(i64_eq, datum_bool(a.i64 == b.i64))
TOTAL_BINARY(i64_ne, datum_bool(a.i64 != b.i64))
TOTAL_BINARY(i64_lt, datum_bool(a.i64 < b.i64))
TOTAL_BINARY(i64_le, datum_bool(a.i64 <= b.i64))
TOTAL_BINARY(i64_gt, datum_bool(a.i64 > b.i64))
TOTAL_BINARY(i64_ge, datum_bool(a.i64 >= b.i64))
TOTAL_BINARY(u64_lt, datum_bool(a.u64 < b.u64))
TOTAL_BINARY(u64_le, datum_bool(a.u64 <= b.u64))
TOTAL_BINARY(u64_gt, datum_bool(a.u64 > b.u64))
TOTAL_BINARY(u64_ge, datum_bool(a.u64 >= b.u64))

TOTAL_BINARY(int_and, datum_int8(a.i64 &b.i64))
TOTAL_BINARY(int_or, datum_int8(a.i64 | b.i64))
TOTAL_BINARY(int_xor, datum_int8(a.i64 ^ b.i64))
/* Shift counts are taken modulo the width, as x86 does and PostgreSQL there. */
TOTAL_BINARY(int2_shl, datum_int2((int16_t)((uint32_t)a.i32 << (b.u32 & 31))))
TOTAL_BINARY(int2_shr, datum_int2((int16_t)(a.i32 >> (b.u32 & 31))))
TOTAL_BINARY(int4_shl, datum_int4((int32_t)(a.u32 << (b.u32 & 31))))
TOTAL_BINARY(int4_shr, datum_int4(a.i32 >> (b.u32 & 31)))
TOTAL_BINARY(int8_shl, datum_int8((int64_t)(a.u64 << (b.u32 & 63))))
TOTAL_BINARY(int8_shr, datum_int8(a.i64 >> (b.u32 & 63)))

TOTAL_BINARY(i64_larger, a.i64 > b.i64 ? a : b)
TOTAL_BINARY(i64_smaller, a.i64 < b.i64 ? a : b)
TOTAL_BINARY(u64_larger, a.u64 > b.u64 ? a : b)
TOTAL_BINARY(u64_smaller, a.u64 < b.u64 ? a : b)

[[gnu::cold]] static status out_of_range(const struct eval_env *env, const char *type_name) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type_name);
}

/* Arithmetic of each result width; operands of smaller widths are already extended. */
#define INT_ARITHMETIC(width, ctype, type_name)                                                    \
    static inline status put_##width(const struct eval_env *env, bool overflow, int64_t x,         \
                                     datum *ret) {                                                 \
        if (__builtin_expect(overflow || x != (ctype)x, 0)) return out_of_range(env, type_name);   \
        ret->i64 = x;                                                                              \
        return OK;                                                                                 \
    }                                                                                              \
    static inline status width##_add(const struct eval_env *env, datum a, datum b, datum *ret) {   \
        int64_t x;                                                                                 \
        bool overflow = __builtin_add_overflow(a.i64, b.i64, &x);                                  \
        return put_##width(env, overflow, x, ret);                                                 \
    }                                                                                              \
    static inline status width##_subtract(const struct eval_env *env, datum a, datum b,            \
                                          datum *ret) {                                            \
        int64_t x;                                                                                 \
        bool overflow = __builtin_sub_overflow(a.i64, b.i64, &x);                                  \
        return put_##width(env, overflow, x, ret);                                                 \
    }                                                                                              \
    static inline status width##_multiply(const struct eval_env *env, datum a, datum b,            \
                                          datum *ret) {                                            \
        int64_t x;                                                                                 \
        bool overflow = __builtin_mul_overflow(a.i64, b.i64, &x);                                  \
        return put_##width(env, overflow, x, ret);                                                 \
    }                                                                                              \
    static inline status width##_divide(const struct eval_env *env, datum a, datum b,              \
                                        datum *ret) {                                              \
        if (b.i64 == 0) return division_by_zero(env);                                              \
        if (b.i64 == -1) return width##_subtract(env, datum_int8(0), a, ret);                      \
        ret->i64 = a.i64 / b.i64;                                                                  \
        return OK;                                                                                 \
    }                                                                                              \
    CHECKED_BINARY(width##_pl, width##_add)                                                        \
    CHECKED_BINARY(width##_mi, width##_subtract)                                                   \
    CHECKED_BINARY(width##_mul, width##_multiply)                                                  \
    CHECKED_BINARY(width##_div, width##_divide)                                                    \
    status fn_##width##_um(struct fn_call *c) {                                                    \
        return width##_subtract(c->env, datum_int8(0), c->args[0], &c->result);                    \
    }                                                                                              \
    status fn_##width##_abs(struct fn_call *c) {                                                   \
        if (c->args[0].i64 < 0) return fn_##width##_um(c);                                         \
        c->result = c->args[0];                                                                    \
        return OK;                                                                                 \
    }
INT_ARITHMETIC(int2, int16_t, "smallint")
INT_ARITHMETIC(int4, int32_t, "integer")
INT_ARITHMETIC(int8, int64_t, "bigint")

status fn_to_int2(struct fn_call *c) {
    return put_int2(c->env, false, c->args[0].i64, &c->result);
}
status fn_to_int4(struct fn_call *c) {
    return put_int4(c->env, false, c->args[0].i64, &c->result);
}

static inline status remainder_of(const struct eval_env *env, datum a, datum b, datum *ret) {
    if (b.i64 == 0) return division_by_zero(env);
    ret->i64 = b.i64 == -1 ? 0 : a.i64 % b.i64;
    return OK;
}
CHECKED_BINARY(int_mod, remainder_of)

status fn_int_not(struct fn_call *c) {
    return give_int8(c, ~c->args[0].i64);
}

status fn_identity(struct fn_call *c) {
    c->result = c->args[0];
    return OK;
}

status fn_int4_bool(struct fn_call *c) {
    return give_bool(c, c->args[0].i32 != 0);
}

status fn_i8tooid(struct fn_call *c) {
    if (c->args[0].i64 < 0 || c->args[0].i64 > UINT32_MAX) return out_of_range(c->env, "OID");
    c->result = datum_oid((oid)c->args[0].i64);
    return OK;
}

status fn_oidtoi8(struct fn_call *c) {
    return give_int8(c, c->args[0].u32);
}

status fn_i4tochar(struct fn_call *c) {
    int32_t x = c->args[0].i32;
    if (x < INT8_MIN || x > INT8_MAX) return out_of_range(c->env, "\"char\"");
    return give_int8(c, x);
}

status fn_xid8toxid(struct fn_call *c) {
    c->result = datum_oid(c->args[0].u32);
    return OK;
}

static uint64_t magnitude(int64_t x) {
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static status give_unsigned(struct fn_call *c, bool overflow, uint64_t x, bool wide) {
    if (overflow || x > (wide ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX))
        return out_of_range(c->env, wide ? "bigint" : "integer");
    return give_int8(c, (int64_t)x);
}

static bool wide_result(const struct fn_call *c) {
    return c->site->function->result == INT8OID;
}

status fn_int_gcd(struct fn_call *c) {
    uint64_t x = gcd(magnitude(c->args[0].i64), magnitude(c->args[1].i64));
    return give_unsigned(c, false, x, wide_result(c));
}

status fn_int_lcm(struct fn_call *c) {
    uint64_t a = magnitude(c->args[0].i64), b = magnitude(c->args[1].i64), x = 0;
    if (!a || !b) return give_int8(c, 0);
    bool overflow = __builtin_mul_overflow(a / gcd(a, b), b, &x);
    return give_unsigned(c, overflow, x, wide_result(c));
}

status fn_to_hex(struct fn_call *c) {
    static const char digits[] = "0123456789abcdef";
    uint64_t x = c->site->function->args[0] == INT4OID ? c->args[0].u32 : c->args[0].u64;
    char text[16];
    size_t n = 0;
    do {
        text[15 - n++] = digits[x & 15];
        x >>= 4;
    } while (x);
    return give_bytes(c, text + 16 - n, n);
}

/* ---- generate_series(integer), its state in the set's arena ---- */

struct int_series {
    int64_t next, stop, step;
    bool done;
};

status fn_generate_series_int(struct fn_call *c) {
    struct int_series *s = c->set_state;
    if (!s) {
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        *s = (struct int_series){c->args[0].i64, c->args[1].i64, c->nargs > 2 ? c->args[2].i64 : 1,
                                 false};
        if (s->step == 0)
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "step size cannot equal zero");
        c->set_state = s;
    }
    if (s->done || (s->step > 0 ? s->next > s->stop : s->next < s->stop)) {
        c->set_done = true;
        return OK;
    }
    c->result = datum_int8(s->next);
    s->done = __builtin_add_overflow(s->next, s->step, &s->next);
    return OK;
}
