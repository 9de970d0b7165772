/* Functions and operators of numeric that are exact, division included. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/numeric.h"
#include "types/vector.h"

#define NUMERIC_COMPARISON(name, op)                                                               \
    TOTAL_OVER_POINTERS(numeric_##name, datum_bool(numeric_compare(a.v, b.v) op 0))
/* Like TOTAL_BINARY, but null rows are not looked at: their pointers mean nothing. */
#define TOTAL_OVER_POINTERS(name, expression)                                                      \
    static inline status compute_##name(const struct eval_env *, datum a, datum b, datum *ret) {   \
        *ret = (expression);                                                                       \
        return OK;                                                                                 \
    }                                                                                              \
    CHECKED_BINARY(name, compute_##name)
NUMERIC_COMPARISON(eq, ==)
NUMERIC_COMPARISON(ne, !=)
NUMERIC_COMPARISON(lt, <)
NUMERIC_COMPARISON(le, <=)
NUMERIC_COMPARISON(gt, >)
NUMERIC_COMPARISON(ge, >=)

/* ---- special values: which result, if any, needs no digits ---- */

int numeric_sign(const struct varlena *v) {
    uint8_t kind = numeric_kind(v);
    if (kind == NUM_NEGATIVE || kind == NUM_MINUS_INFINITY) return -1;
    return kind == NUM_POSITIVE && v->len == NUMERIC_HEAD_BYTES ? 0 : 1;
}

enum num_kind numeric_infinity(int sign) {
    return sign < 0 ? NUM_MINUS_INFINITY : NUM_INFINITY;
}

bool numeric_is_nan(const struct varlena *v) {
    return numeric_kind(v) == NUM_NAN;
}

static status add_special(const struct eval_env *env, const struct varlena *a,
                          const struct varlena *b, int b_factor, datum *ret) {
    bool a_infinite = numeric_is_special(a), b_infinite = numeric_is_special(b);
    if (numeric_is_nan(a) || numeric_is_nan(b)) return num_store_special(env, NUM_NAN, ret);
    int a_sign = numeric_sign(a), b_sign = numeric_sign(b) * b_factor;
    if (a_infinite && b_infinite && a_sign != b_sign) return num_store_special(env, NUM_NAN, ret);
    return num_store_special(env, numeric_infinity(a_infinite ? a_sign : b_sign), ret);
}

static status multiply_special(const struct eval_env *env, const struct varlena *a,
                               const struct varlena *b, datum *ret) {
    int sign = numeric_sign(a) * numeric_sign(b);
    if (numeric_is_nan(a) || numeric_is_nan(b) || sign == 0)
        return num_store_special(env, NUM_NAN, ret);
    return num_store_special(env, numeric_infinity(sign), ret);
}

static status divide_special(const struct eval_env *env, const struct varlena *a,
                             const struct varlena *b, datum *ret) {
    if (numeric_is_nan(a) || numeric_is_nan(b) || (numeric_is_special(a) && numeric_is_special(b)))
        return num_store_special(env, NUM_NAN, ret);
    if (numeric_is_special(b)) return num_store_int128(env, 0, 0, ret);
    if (numeric_sign(b) == 0) return division_by_zero(env);
    return num_store_special(env, numeric_infinity(numeric_sign(a) * numeric_sign(b)), ret);
}

/* ---- the four operations ---- */

static __int128 small_value(const struct small_num *n, unsigned extra_digits) {
    __int128 x = n->magnitude;
    while (extra_digits--) x *= 10;
    return n->negative ? -x : x;
}

struct pair {
    struct num a, b;
};

static void pair_load(struct pair *p, datum a, datum b) {
    num_init(&p->a);
    num_init(&p->b);
    num_load(&p->a, a.v);
    num_load(&p->b, b.v);
}

static void pair_clear(struct pair *p) {
    num_clear(&p->a);
    num_clear(&p->b);
}

static void pair_align(struct pair *p) {
    if (p->a.scale < p->b.scale)
        num_set_scale(&p->a, p->b.scale);
    else
        num_set_scale(&p->b, p->a.scale);
}

static status pair_store(const struct eval_env *env, struct pair *p, datum *ret) {
    status s = num_store(env, &p->a, ret);
    pair_clear(p);
    return s;
}

static status add_scaled(const struct eval_env *env, datum a, datum b, int factor, datum *ret) {
    struct small_num x, y;
    if (numeric_is_special(a.v) || numeric_is_special(b.v))
        return add_special(env, a.v, b.v, factor, ret);
    if (num_load_small(a.v, &x) && num_load_small(b.v, &y) && x.scale <= y.scale + 18 &&
        y.scale <= x.scale + 18) {
        uint32_t scale = x.scale > y.scale ? x.scale : y.scale;
        __int128 sum = small_value(&x, scale - x.scale) + factor * small_value(&y, scale - y.scale);
        return num_store_int128(env, sum, scale, ret);
    }
    struct pair p;
    pair_load(&p, a, b);
    pair_align(&p);
    if (factor > 0)
        mpz_add(p.a.z, p.a.z, p.b.z);
    else
        mpz_sub(p.a.z, p.a.z, p.b.z);
    return pair_store(env, &p, ret);
}

status numeric_plus(const struct eval_env *env, datum a, datum b, datum *ret) {
    return add_scaled(env, a, b, 1, ret);
}
static status subtract(const struct eval_env *env, datum a, datum b, datum *ret) {
    return add_scaled(env, a, b, -1, ret);
}

static status multiply(const struct eval_env *env, datum a, datum b, datum *ret) {
    struct small_num x, y;
    if (numeric_is_special(a.v) || numeric_is_special(b.v))
        return multiply_special(env, a.v, b.v, ret);
    if (num_load_small(a.v, &x) && num_load_small(b.v, &y) && x.magnitude <= INT64_MAX &&
        x.scale + y.scale <= NUMERIC_SCALE_MAX) {
        __int128 product = (__int128)x.magnitude * (__int128)y.magnitude;
        return num_store_int128(env, x.negative != y.negative ? -product : product,
                                x.scale + y.scale, ret);
    }
    struct pair p;
    pair_load(&p, a, b);
    mpz_mul(p.a.z, p.a.z, p.b.z);
    p.a.scale += p.b.scale;
    return pair_store(env, &p, ret);
}

/* At least 16 significant digits and no fewer places than either operand has (numeric.c of
 * PostgreSQL, select_div_scale: it estimates in base 10000, and so must we to print the same). */
static uint32_t division_scale(const struct num *a, const struct num *b) {
    int32_t weight_a, first_a, weight_b, first_b;
    num_base10000(a, &weight_a, &first_a);
    num_base10000(b, &weight_b, &first_b);
    int32_t weight = weight_a - weight_b - (first_a <= first_b);
    int32_t scale = NUMERIC_SIGNIFICANT_MIN - weight * 4;
    if (scale < (int32_t)a->scale) scale = (int32_t)a->scale;
    if (scale < (int32_t)b->scale) scale = (int32_t)b->scale;
    if (scale < 0) scale = 0;
    return (uint32_t)(scale > NUMERIC_DISPLAY_SCALE_MAX ? NUMERIC_DISPLAY_SCALE_MAX : scale);
}

void num_divide(struct num *ret, const struct num *a, const struct num *b) {
    uint32_t scale = division_scale(a, b);
    mpz_t power, numerator, divisor;
    mpz_inits(power, numerator, divisor, NULL);
    /* a / 10^sa : b / 10^sb * 10^scale */
    int64_t shift = (int64_t)scale + b->scale - a->scale;
    num_pow10(power, (unsigned long)llabs(shift));
    mpz_set(numerator, a->z);
    mpz_set(divisor, b->z);
    if (shift >= 0)
        mpz_mul(numerator, numerator, power);
    else
        mpz_mul(divisor, divisor, power);
    num_divide_round(ret->z, numerator, divisor);
    ret->scale = scale;
    ret->kind = NUM_POSITIVE;
    mpz_clears(power, numerator, divisor, NULL);
}

static status divide(const struct eval_env *env, datum a, datum b, datum *ret) {
    if (numeric_is_special(a.v) || numeric_is_special(b.v))
        return divide_special(env, a.v, b.v, ret);
    if (numeric_sign(b.v) == 0) return division_by_zero(env);
    struct pair p;
    pair_load(&p, a, b);
    num_divide(&p.a, &p.a, &p.b);
    return pair_store(env, &p, ret);
}

static status remainder_of(const struct eval_env *env, datum a, datum b, datum *ret) {
    if (numeric_is_special(a.v) || numeric_is_special(b.v)) {
        if (numeric_is_nan(a.v) || numeric_is_nan(b.v)) return num_store_special(env, NUM_NAN, ret);
        if (numeric_sign(b.v) == 0) return division_by_zero(env);
        if (numeric_is_special(a.v)) return num_store_special(env, NUM_NAN, ret);
        *ret = a;
        return OK;
    }
    if (numeric_sign(b.v) == 0) return division_by_zero(env);
    struct pair p;
    pair_load(&p, a, b);
    pair_align(&p);
    mpz_tdiv_r(p.a.z, p.a.z, p.b.z);
    return pair_store(env, &p, ret);
}

/* div(a, b): the quotient's integer part */
static status divide_truncated(const struct eval_env *env, datum a, datum b, datum *ret) {
    if (numeric_is_special(a.v) || numeric_is_special(b.v))
        return divide_special(env, a.v, b.v, ret);
    if (numeric_sign(b.v) == 0) return division_by_zero(env);
    struct pair p;
    pair_load(&p, a, b);
    pair_align(&p);
    mpz_tdiv_q(p.a.z, p.a.z, p.b.z);
    p.a.scale = 0;
    return pair_store(env, &p, ret);
}

CHECKED_BINARY(numeric_add, numeric_plus)
CHECKED_BINARY(numeric_sub, subtract)
CHECKED_BINARY(numeric_mul, multiply)
CHECKED_BINARY(numeric_div, divide)
CHECKED_BINARY(numeric_mod, remainder_of)
CHECKED_BINARY(numeric_div_trunc, divide_truncated)

/* ---- one argument ---- */

/* A copy with another kind: negation and absolute value. */
static status with_kind(struct fn_call *c, uint8_t kind) {
    struct varlena *v = varlena_from(c->env->arena, c->args[0].v->data, c->args[0].v->len);
    if (v) v->data[0] = (char)kind;
    return give_ptr(c, v);
}

status fn_numeric_uminus(struct fn_call *c) {
    static const uint8_t negated[] = {NUM_NEGATIVE, NUM_POSITIVE, NUM_NAN, NUM_MINUS_INFINITY,
                                      NUM_INFINITY};
    if (numeric_sign(c->args[0].v) == 0) return fn_identity(c);
    return with_kind(c, negated[numeric_kind(c->args[0].v)]);
}

status fn_numeric_abs(struct fn_call *c) {
    static const uint8_t absolute[] = {NUM_POSITIVE, NUM_POSITIVE, NUM_NAN, NUM_INFINITY,
                                       NUM_INFINITY};
    return with_kind(c, absolute[numeric_kind(c->args[0].v)]);
}

status fn_numeric_sign(struct fn_call *c) {
    if (numeric_is_nan(c->args[0].v)) return fn_identity(c);
    return num_store_int128(c->env, numeric_sign(c->args[0].v), 0, &c->result);
}

/* Loads the first argument, lets `change` work on it, stores it; special values pass through. */
static status changed(struct fn_call *c, void (*change)(struct num *, int32_t), int32_t places) {
    if (numeric_is_special(c->args[0].v)) return fn_identity(c);
    struct num n;
    num_init(&n);
    num_load(&n, c->args[0].v);
    change(&n, places);
    status s = num_store(c->env, &n, &c->result);
    num_clear(&n);
    return s;
}

static int32_t clamp_places(int32_t places) {
    if (places > NUMERIC_SCALE_MAX) return NUMERIC_SCALE_MAX;
    int32_t least = -NUMERIC_DIGITS_BEFORE_MAX - 2; /* nothing is left beyond */
    return places < least ? least : places;
}

static void scale_back(struct num *n, int32_t places) {
    mpz_t power;
    mpz_init(power);
    num_pow10(power, (unsigned long)-places);
    mpz_mul(n->z, n->z, power);
    mpz_clear(power);
    n->scale = 0;
}

static void round_places(struct num *n, int32_t places) {
    if (places >= 0) {
        num_set_scale(n, (uint32_t)places);
        return;
    }
    mpz_t power;
    mpz_init(power);
    num_pow10(power, (unsigned long)(-places) + n->scale);
    num_divide_round(n->z, n->z, power);
    mpz_clear(power);
    scale_back(n, places);
}

static void truncate_places(struct num *n, int32_t places) {
    if (places >= (int32_t)n->scale) {
        num_set_scale(n, (uint32_t)places);
        return;
    }
    mpz_t power;
    mpz_init(power);
    num_pow10(power, (unsigned long)((int32_t)n->scale - places));
    mpz_tdiv_q(n->z, n->z, power);
    mpz_clear(power);
    if (places < 0)
        scale_back(n, places);
    else
        n->scale = (uint32_t)places;
}

static void divide_floor(struct num *n, int32_t up) {
    mpz_t power;
    mpz_init(power);
    num_pow10(power, n->scale);
    if (up)
        mpz_cdiv_q(n->z, n->z, power);
    else
        mpz_fdiv_q(n->z, n->z, power);
    mpz_clear(power);
    n->scale = 0;
}

static void trim_scale(struct num *n, int32_t) {
    if (mpz_sgn(n->z) == 0) n->scale = 0;
    while (n->scale && mpz_divisible_ui_p(n->z, 10)) {
        mpz_divexact_ui(n->z, n->z, 10);
        n->scale--;
    }
}

status fn_numeric_round(struct fn_call *c) {
    return changed(c, round_places, c->nargs > 1 ? clamp_places(c->args[1].i32) : 0);
}
status fn_numeric_trunc(struct fn_call *c) {
    return changed(c, truncate_places, c->nargs > 1 ? clamp_places(c->args[1].i32) : 0);
}
status fn_numeric_ceil(struct fn_call *c) {
    return changed(c, divide_floor, true);
}
status fn_numeric_floor(struct fn_call *c) {
    return changed(c, divide_floor, false);
}
status fn_numeric_trim_scale(struct fn_call *c) {
    return changed(c, trim_scale, 0);
}

status fn_numeric_scale(struct fn_call *c) {
    if (numeric_is_special(c->args[0].v)) return give_null(c);
    return give_int4(c, (int32_t)numeric_scale(c->args[0].v));
}

status fn_numeric_min_scale(struct fn_call *c) {
    if (numeric_is_special(c->args[0].v)) return give_null(c);
    TRY(fn_numeric_trim_scale(c));
    return give_int4(c, (int32_t)numeric_scale(c->result.v));
}

status fn_numeric_inc(struct fn_call *c) {
    datum one;
    TRY(num_store_int128(c->env, 1, 0, &one));
    return numeric_plus(c->env, c->args[0], one, &c->result);
}

status fn_numeric_fac(struct fn_call *c) {
    int64_t n = c->args[0].i64;
    if (n < 0)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "factorial of a negative number is undefined");
    if (n > 32177) return num_overflow(c->env);
    struct num result;
    num_init(&result);
    mpz_fac_ui(result.z, (unsigned long)n);
    status s = num_store(c->env, &result, &c->result);
    num_clear(&result);
    return s;
}

static status common_divisor(struct fn_call *c, bool multiple) {
    datum a = c->args[0], b = c->args[1];
    if (numeric_is_special(a.v) || numeric_is_special(b.v))
        return num_store_special(c->env, NUM_NAN, &c->result);
    struct pair p;
    pair_load(&p, a, b);
    pair_align(&p);
    if (multiple)
        mpz_lcm(p.a.z, p.a.z, p.b.z);
    else
        mpz_gcd(p.a.z, p.a.z, p.b.z);
    return pair_store(c->env, &p, &c->result);
}

status fn_numeric_gcd(struct fn_call *c) {
    return common_divisor(c, false);
}
status fn_numeric_lcm(struct fn_call *c) {
    return common_divisor(c, true);
}
