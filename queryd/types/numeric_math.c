/* Square root, exp, ln, log, power of numeric.
 *
 * The scale of each result is chosen as PostgreSQL does (at least 16 significant digits); the value
 * is computed in binary fixed point on GMP integers with guard bits and then rounded. Series: exp
 * by Taylor after halving the argument, logarithms by atanh after square roots (Brent, Zimmermann,
 * Modern Computer Arithmetic, sections 4.2-4.4). */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "types/numeric.h"

static const double log10_of_e = 0.43429448190325176;

static uint32_t computed_scale(double weight, uint32_t scale_a, uint32_t scale_b) {
    int32_t scale = NUMERIC_SIGNIFICANT_MIN - (int32_t)weight;
    if (scale < (int32_t)scale_a) scale = (int32_t)scale_a;
    if (scale < (int32_t)scale_b) scale = (int32_t)scale_b;
    if (scale < 0) scale = 0;
    return (uint32_t)(scale > NUMERIC_DISPLAY_SCALE_MAX ? NUMERIC_DISPLAY_SCALE_MAX : scale);
}

/* ---- binary fixed point: value = z / 2^bits ---- */

static void fixed_from_num(mpz_t ret, const struct num *n, unsigned long bits) {
    mpz_t power;
    mpz_init(power);
    num_pow10(power, n->scale);
    mpz_mul_2exp(ret, n->z, bits);
    mpz_tdiv_q(ret, ret, power);
    mpz_clear(power);
}

static void fixed_to_num(struct num *ret, const mpz_t fixed, unsigned long bits, uint32_t scale) {
    mpz_t power, unit;
    mpz_inits(power, unit, NULL);
    num_pow10(power, scale);
    mpz_mul(power, fixed, power);
    mpz_setbit(unit, bits);
    num_divide_round(ret->z, power, unit);
    ret->scale = scale;
    ret->kind = NUM_POSITIVE;
    mpz_clears(power, unit, NULL);
}

/* atanh(p / q) = sum of (p/q)^(2k+1) / (2k+1), in fixed point */
static void fixed_atanh(mpz_t ret, const mpz_t x, unsigned long bits) {
    mpz_t square, power, term;
    mpz_inits(square, power, term, NULL);
    mpz_mul(square, x, x);
    mpz_fdiv_q_2exp(square, square, bits);
    mpz_set(power, x);
    mpz_set_ui(ret, 0);
    for (unsigned long k = 1; mpz_sgn(power); k += 2) {
        mpz_tdiv_q_ui(term, power, k);
        mpz_add(ret, ret, term);
        mpz_mul(power, power, square);
        mpz_tdiv_q_2exp(power, power, bits);
    }
    mpz_clears(square, power, term, NULL);
}

static void fixed_ln2(mpz_t ret, unsigned long bits) {
    /* ln 2 = 2 atanh(1/3) */
    mpz_t third;
    mpz_init(third);
    mpz_setbit(third, bits);
    mpz_tdiv_q_ui(third, third, 3);
    fixed_atanh(ret, third, bits);
    mpz_mul_2exp(ret, ret, 1);
    mpz_clear(third);
}

/* ln of a positive fixed-point number */
static void fixed_ln(mpz_t ret, const mpz_t x, unsigned long bits) {
    enum { ROOTS = 8 }; /* each square root halves the logarithm */
    mpz_t m, one, sum, ln2;
    mpz_inits(m, one, sum, ln2, NULL);
    mpz_setbit(one, bits);
    /* x = m * 2^shift with m in [1, 2) */
    long shift = (long)mpz_sizeinbase(x, 2) - 1 - (long)bits;
    if (shift >= 0)
        mpz_fdiv_q_2exp(m, x, (unsigned long)shift);
    else
        mpz_mul_2exp(m, x, (unsigned long)-shift);
    for (int i = 0; i < ROOTS; i++) {
        mpz_mul_2exp(m, m, bits);
        mpz_sqrt(m, m);
    }
    mpz_add(sum, m, one);
    mpz_sub(m, m, one);
    mpz_mul_2exp(m, m, bits);
    mpz_tdiv_q(m, m, sum);
    fixed_atanh(ret, m, bits);
    mpz_mul_2exp(ret, ret, ROOTS + 1);
    fixed_ln2(ln2, bits);
    mpz_mul_si(ln2, ln2, shift);
    mpz_add(ret, ret, ln2);
    mpz_clears(m, one, sum, ln2, NULL);
}

/* exp of a fixed-point number */
static void fixed_exp(mpz_t ret, const mpz_t x, unsigned long bits) {
    enum { HALVINGS = 16 };
    unsigned long inner = bits + 2 * HALVINGS;
    mpz_t ln2, r, term, k;
    mpz_inits(ln2, r, term, k, NULL);
    fixed_ln2(ln2, bits);
    mpz_fdiv_qr(k, r, x, ln2); /* x = k ln 2 + r */
    mpz_mul_2exp(r, r, inner - bits);
    mpz_fdiv_q_2exp(r, r, HALVINGS);
    mpz_set_ui(ret, 0);
    mpz_setbit(ret, inner);
    mpz_set(term, ret);
    for (unsigned long i = 1; mpz_sgn(term); i++) {
        mpz_mul(term, term, r);
        mpz_fdiv_q_2exp(term, term, inner);
        mpz_tdiv_q_ui(term, term, i);
        mpz_add(ret, ret, term);
    }
    for (int i = 0; i < HALVINGS; i++) {
        mpz_mul(ret, ret, ret);
        mpz_fdiv_q_2exp(ret, ret, inner);
    }
    mpz_fdiv_q_2exp(ret, ret, inner - bits);
    if (mpz_sgn(k) >= 0)
        mpz_mul_2exp(ret, ret, mpz_get_ui(k));
    else
        mpz_fdiv_q_2exp(ret, ret, mpz_get_ui(k));
    mpz_clears(ln2, r, term, k, NULL);
}

static unsigned long bits_for(double digits) {
    return (unsigned long)(digits * 3.3219281) + 128;
}

/* ---- results ---- */

static void load_first(const struct fn_call *c, struct num *n) {
    num_init(n);
    num_load(n, c->args[0].v);
}

static status store_clear(struct fn_call *c, struct num *n) {
    status s = num_store(c->env, n, &c->result);
    num_clear(n);
    return s;
}

status fn_numeric_sqrt(struct fn_call *c) {
    uint8_t kind = numeric_kind(c->args[0].v);
    if (kind == NUM_NAN || kind == NUM_INFINITY) return fn_identity(c);
    if (kind != NUM_POSITIVE)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "cannot take square root of a negative number");
    struct num n;
    int32_t weight, first;
    load_first(c, &n);
    num_base10000(&n, &weight, &first);
    uint32_t scale = computed_scale(weight * 2 + 1, n.scale, 0);
    /* floor(sqrt(z * 10^(2 scale - s))), rounded up when the rest says so */
    mpz_t power, rest;
    mpz_inits(power, rest, NULL);
    int64_t shift = 2 * (int64_t)scale - n.scale;
    num_pow10(power, (unsigned long)llabs(shift));
    if (shift >= 0)
        mpz_mul(n.z, n.z, power);
    else
        mpz_tdiv_q(n.z, n.z, power);
    mpz_sqrtrem(n.z, rest, n.z);
    if (mpz_cmp(rest, n.z) > 0) mpz_add_ui(n.z, n.z, 1);
    n.scale = scale;
    mpz_clears(power, rest, NULL);
    return store_clear(c, &n);
}

/* exp of x (finite), to the scale given; zero and overflow as PostgreSQL */
static status put_exp(struct fn_call *c, const mpz_t x, unsigned long bits, uint32_t scale) {
    struct num result;
    mpz_t e;
    num_init(&result);
    mpz_init(e);
    fixed_exp(e, x, bits);
    fixed_to_num(&result, e, bits, scale);
    mpz_clear(e);
    return store_clear(c, &result);
}

#define EXPONENT_LIMIT                                                                             \
    6000.0 /* exp of more overflows, PostgreSQL's NUMERIC_MAX_RESULT_SCALE * 3                     \
            */

status fn_numeric_exp(struct fn_call *c) {
    uint8_t kind = numeric_kind(c->args[0].v);
    if (kind == NUM_NAN || kind == NUM_INFINITY) return fn_identity(c);
    if (kind == NUM_MINUS_INFINITY) return num_store_int128(c->env, 0, 0, &c->result);
    struct num n;
    load_first(c, &n);
    double x = num_to_double(&n), weight = x * log10_of_e;
    weight = fmax(-2000, fmin(2000, weight));
    uint32_t scale = computed_scale(weight, n.scale, 0);
    if (fabs(x) >= EXPONENT_LIMIT) {
        num_clear(&n);
        return x > 0 ? num_overflow(c->env) : num_store_int128(c->env, 0, scale, &c->result);
    }
    unsigned long bits = bits_for(scale + fmax(0, x * log10_of_e) + 10);
    mpz_t fixed;
    mpz_init(fixed);
    fixed_from_num(fixed, &n, bits);
    status s = put_exp(c, fixed, bits, scale);
    mpz_clear(fixed);
    num_clear(&n);
    return s;
}

/* Decimal weight of ln(n), estimated as PostgreSQL does (estimate_ln_dweight); n positive. */
static int32_t ln_weight(const struct num *n) {
    double x = num_to_double(n);
    if (x >= 0.9 && x <= 1.1) {
        struct num difference;
        num_init(&difference);
        num_pow10(difference.z, n->scale);
        mpz_sub(difference.z, n->z, difference.z);
        difference.scale = n->scale;
        int32_t weight = mpz_sgn(difference.z) ? num_exponent(&difference) : 0;
        num_clear(&difference);
        return weight;
    }
    double ln;
    if (isfinite(x) && x > 0) {
        ln = log(x);
    } else {
        int32_t exponent = num_exponent(n);
        ln = (exponent + 0.5) * 2.302585092994046;
    }
    return (int32_t)log10(fabs(ln));
}

static status check_log_argument(struct fn_call *c, const struct varlena *v) {
    uint8_t kind = numeric_kind(v);
    if (kind == NUM_NEGATIVE || kind == NUM_MINUS_INFINITY)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of a negative number");
    if (kind == NUM_POSITIVE && v->len == NUMERIC_HEAD_BYTES)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of zero");
    return OK;
}

static void num_fixed_ln(mpz_t ret, const struct num *n, unsigned long bits) {
    /* Small numbers lose leading bits: give them as many more. */
    long small = num_exponent(n) < 0 ? -(long)num_exponent(n) * 4 : 0;
    mpz_t x;
    mpz_init(x);
    fixed_from_num(x, n, bits + (unsigned long)small);
    fixed_ln(ret, x, bits + (unsigned long)small);
    mpz_fdiv_q_2exp(ret, ret, (unsigned long)small);
    mpz_clear(x);
}

status fn_numeric_ln(struct fn_call *c) {
    uint8_t kind = numeric_kind(c->args[0].v);
    if (kind == NUM_NAN || kind == NUM_INFINITY) return fn_identity(c);
    TRY(check_log_argument(c, c->args[0].v));
    struct num n;
    load_first(c, &n);
    uint32_t scale = computed_scale(ln_weight(&n), n.scale, 0);
    unsigned long bits = bits_for(scale + 20);
    mpz_t ln;
    mpz_init(ln);
    num_fixed_ln(ln, &n, bits);
    fixed_to_num(&n, ln, bits, scale);
    mpz_clear(ln);
    return store_clear(c, &n);
}

/* log(base, x); log(x) is base 10 */
static status log_of(struct fn_call *c, struct num *base, struct num *x) {
    int32_t weight = ln_weight(x) - ln_weight(base);
    uint32_t scale = computed_scale(weight, base->scale, x->scale);
    unsigned long bits = bits_for(scale + 2.0 * abs(weight) + 40 + 2.0 * abs(ln_weight(base)));
    mpz_t ln_base, ln_x;
    mpz_inits(ln_base, ln_x, NULL);
    num_fixed_ln(ln_base, base, bits);
    num_fixed_ln(ln_x, x, bits);
    status s = OK;
    if (mpz_sgn(ln_base) == 0) {
        s = division_by_zero(c->env);
    } else {
        mpz_mul_2exp(ln_x, ln_x, bits);
        mpz_tdiv_q(ln_x, ln_x, ln_base);
        fixed_to_num(x, ln_x, bits, scale);
        s = num_store(c->env, x, &c->result);
    }
    mpz_clears(ln_base, ln_x, NULL);
    return s;
}

status fn_numeric_log(struct fn_call *c) {
    size_t last = c->nargs - 1u;
    for (size_t i = 0; i <= last; i++)
        if (numeric_kind(c->args[i].v) == NUM_NAN)
            return num_store_special(c->env, NUM_NAN, &c->result);
    for (size_t i = 0; i <= last; i++) TRY(check_log_argument(c, c->args[i].v));
    bool base_infinite = last && numeric_is_special(c->args[0].v);
    if (numeric_is_special(c->args[last].v))
        return num_store_special(c->env, base_infinite ? NUM_NAN : NUM_INFINITY, &c->result);
    if (base_infinite) return num_store_int128(c->env, 0, 0, &c->result);
    struct num base, x;
    num_init(&base);
    num_init(&x);
    if (last)
        num_load(&base, c->args[0].v);
    else
        mpz_set_ui(base.z, 10);
    num_load(&x, c->args[last].v);
    status s = log_of(c, &base, &x);
    num_clear(&base);
    num_clear(&x);
    return s;
}

/* ---- power ---- */

static bool is_integer(const struct num *n, long *ret) {
    mpz_t power, rest;
    mpz_inits(power, rest, NULL);
    num_pow10(power, n->scale);
    mpz_tdiv_qr(power, rest, n->z, power);
    bool whole = mpz_sgn(rest) == 0;
    *ret = whole && mpz_fits_sint_p(power) ? mpz_get_si(power) : LONG_MAX;
    mpz_clears(power, rest, NULL);
    return whole;
}

static bool is_odd(const struct num *whole) {
    mpz_t power, quotient;
    mpz_inits(power, quotient, NULL);
    num_pow10(power, whole->scale);
    mpz_tdiv_q(quotient, whole->z, power);
    bool odd = mpz_odd_p(quotient);
    mpz_clears(power, quotient, NULL);
    return odd;
}

/* Results with one of the special values among the operands; POSIX pow's table. */
static status power_special(struct fn_call *c, const struct num *base, const struct num *exponent) {
    double x = num_to_double(base), y = num_to_double(exponent);
    if (num_finite(base) && mpz_sgn(base->z) == 0 && y < 0)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "zero raised to a negative power is undefined");
    if (base->kind == NUM_MINUS_INFINITY && num_finite(exponent)) {
        long ignored;
        if (mpz_sgn(exponent->z) && !is_integer(exponent, &ignored))
            return error_set(
                c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                "a negative number raised to a non-integer power yields a complex result");
    }
    double z = pow(x, y);
    if (isnan(z)) return num_store_special(c->env, NUM_NAN, &c->result);
    if (isinf(z))
        return num_store_special(c->env, z > 0 ? NUM_INFINITY : NUM_MINUS_INFINITY, &c->result);
    return num_store_int128(c->env, (int)z, 0, &c->result);
}

/* base^n exactly, then rounded; false when that would be too many bits. */
static bool exact_power(struct num *ret, const struct num *base, long n, uint32_t scale) {
    unsigned long times = (unsigned long)labs(n);
    if ((double)mpz_sizeinbase(base->z, 2) * (double)times > 4e6 ||
        (double)base->scale * (double)times > 1e6)
        return false;
    struct num power;
    num_init(&power);
    mpz_pow_ui(power.z, base->z, times);
    power.scale = (uint32_t)(base->scale * times);
    if (n < 0) {
        mpz_t numerator;
        mpz_init(numerator);
        num_pow10(numerator, scale + power.scale);
        num_divide_round(ret->z, numerator, power.z);
        mpz_clear(numerator);
    } else {
        num_set_scale(&power, scale);
        mpz_set(ret->z, power.z);
    }
    ret->scale = scale;
    ret->kind = NUM_POSITIVE;
    num_clear(&power);
    return true;
}

/* exponent * ln(base) in fixed point */
static void fixed_product(mpz_t ret, const struct num *base, const struct num *exponent,
                          unsigned long bits) {
    mpz_t y;
    mpz_init(y);
    num_fixed_ln(ret, base, bits);
    fixed_from_num(y, exponent, bits);
    mpz_mul(ret, ret, y);
    mpz_fdiv_q_2exp(ret, ret, bits);
    mpz_clear(y);
}

/* |base|^exponent by exp(exponent * ln |base|); `negative` puts the sign. */
static status real_power(struct fn_call *c, const struct num *base, const struct num *exponent,
                         bool negative, const uint32_t *fixed_scale) {
    int32_t weight = ln_weight(base);
    int32_t exponent_digits = mpz_sgn(exponent->z) ? num_exponent(exponent) + 1 : 0;
    unsigned long bits = bits_for(40 + abs(weight) + fmax(0, exponent_digits));
    mpz_t ln, y;
    mpz_inits(ln, y, NULL);
    /* A first pass tells how large the result is, and so how many digits matter. */
    fixed_product(ln, base, exponent, bits);
    mpz_fdiv_q_2exp(y, ln, bits - 40);
    double value = mpz_get_d(y) / 0x1p40;
    uint32_t scale = fixed_scale ? *fixed_scale
                                 : computed_scale(fmax(-2000, fmin(value * log10_of_e, 3000)),
                                                  base->scale, exponent->scale);
    status s;
    if (fabs(value) > EXPONENT_LIMIT + 20) {
        if (!fixed_scale) scale = NUMERIC_DISPLAY_SCALE_MAX;
        s = value > 0 ? num_overflow(c->env) : num_store_int128(c->env, 0, scale, &c->result);
    } else {
        bits = bits_for(scale + fmax(0, value * log10_of_e) + abs(weight) +
                        fmax(0, exponent_digits) + 20);
        fixed_product(ln, base, exponent, bits);
        struct num result;
        num_init(&result);
        fixed_exp(y, ln, bits);
        fixed_to_num(&result, y, bits, scale);
        if (negative) mpz_neg(result.z, result.z);
        s = store_clear(c, &result);
    }
    mpz_clears(ln, y, NULL);
    return s;
}

static status finite_power(struct fn_call *c, struct num *base, struct num *exponent) {
    long n;
    bool whole = is_integer(exponent, &n);
    if (mpz_sgn(base->z) == 0) {
        if (mpz_sgn(exponent->z) < 0)
            return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                             "zero raised to a negative power is undefined");
        return num_store_int128(c->env, mpz_sgn(exponent->z) ? 0 : (__int128)10000000000000000,
                                NUMERIC_SIGNIFICANT_MIN, &c->result);
    }
    if (mpz_sgn(base->z) < 0 && !whole)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "a negative number raised to a non-integer power yields a complex result");
    bool negative = mpz_sgn(base->z) < 0 && whole && is_odd(exponent);
    uint32_t scale = computed_scale(0, base->scale, 0); /* whole exponents: 16 places at least */
    if (whole && n != LONG_MAX) {
        double digits = (num_exponent(base) + 1.0) * (double)n;
        if (digits > NUMERIC_DIGITS_BEFORE_MAX * 2.0 && num_exponent(base) > 0)
            return num_overflow(c->env);
        struct num result;
        num_init(&result);
        bool done = exact_power(&result, base, n, scale);
        status s = done ? num_store(c->env, &result, &c->result) : OK;
        num_clear(&result);
        if (done) return s;
    }
    mpz_abs(base->z, base->z);
    return real_power(c, base, exponent, negative, whole && n != LONG_MAX ? &scale : NULL);
}

status fn_numeric_power(struct fn_call *c) {
    struct num base, exponent;
    num_init(&base);
    num_init(&exponent);
    num_load(&base, c->args[0].v);
    num_load(&exponent, c->args[1].v);
    bool finite = num_finite(&base) && num_finite(&exponent);
    status s = finite ? finite_power(c, &base, &exponent) : power_special(c, &base, &exponent);
    num_clear(&base);
    num_clear(&exponent);
    return s;
}
