/* SQL functions, operators and sums of money. */
#include <math.h>

#include "types/aggregate.h"
#include "types/numeric.h"

#define UNIT 100 /* hundredths */

static status out_of_range(const struct eval_env *env) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "money out of range");
}

/* ---- arithmetic ---- */

#define MONEY_CHECKED(name, builtin)                                                               \
    status fn_money_##name(struct fn_call *c) {                                                    \
        int64_t x;                                                                                 \
        if (builtin(c->args[0].i64, c->args[1].i64, &x)) return out_of_range(c->env);              \
        return give_int8(c, x);                                                                    \
    }
MONEY_CHECKED(plus, __builtin_add_overflow)
MONEY_CHECKED(minus, __builtin_sub_overflow)
MONEY_CHECKED(times_int, __builtin_mul_overflow) /* and int * money */

status fn_money_by_int(struct fn_call *c) {
    int64_t x = c->args[0].i64, by = c->args[1].i64;
    if (by == 0) return division_by_zero(c->env);
    if (by == -1) return x == INT64_MIN ? out_of_range(c->env) : give_int8(c, -x);
    return give_int8(c, x / by);
}

/* The nearest amount, of two the even one. */
static status give_rounded(struct fn_call *c, double x) {
    x = rint(x);
    if (!(x >= -0x1p63 && x < 0x1p63)) return out_of_range(c->env);
    return give_int8(c, (int64_t)x);
}

static status times(struct fn_call *c, int64_t money, double by) {
    double x = (double)money * by;
    if (isinf(x) && !isinf(by))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value out of range: overflow");
    return give_rounded(c, x);
}

static status divided(struct fn_call *c, double by) {
    double x = (double)c->args[0].i64 / by;
    if (by == 0) return division_by_zero(c->env);
    if (isinf(x))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value out of range: overflow");
    return give_rounded(c, x);
}

status fn_money_times_float8(struct fn_call *c) {
    return times(c, c->args[0].i64, c->args[1].f8);
}
status fn_money_times_float4(struct fn_call *c) {
    return times(c, c->args[0].i64, (double)c->args[1].f4);
}
status fn_float8_times_money(struct fn_call *c) {
    return times(c, c->args[1].i64, c->args[0].f8);
}
status fn_float4_times_money(struct fn_call *c) {
    return times(c, c->args[1].i64, (double)c->args[0].f4);
}
status fn_money_by_float8(struct fn_call *c) {
    return divided(c, c->args[1].f8);
}
status fn_money_by_float4(struct fn_call *c) {
    return divided(c, (double)c->args[1].f4);
}

status fn_money_by_money(struct fn_call *c) {
    if (c->args[1].i64 == 0) return division_by_zero(c->env);
    c->result = datum_float8((double)c->args[0].i64 / (double)c->args[1].i64);
    return OK;
}

/* ---- from and to numbers ---- */

static status bigint_out_of_range(struct fn_call *c) {
    return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
}

status fn_int_to_money(struct fn_call *c) {
    int64_t x;
    if (__builtin_mul_overflow(c->args[0].i64, (int64_t)UNIT, &x)) return bigint_out_of_range(c);
    return give_int8(c, x);
}

status fn_money_to_numeric(struct fn_call *c) {
    return num_store_int128(c->env, c->args[0].i64, 2, &c->result);
}

status fn_numeric_to_money(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    if (numeric_is_special(v))
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "cannot convert %s to bigint",
                         numeric_kind(v) == NUM_NAN ? "NaN" : "infinity");
    struct num n;
    num_init(&n);
    num_load(&n, v);
    mpz_mul_ui(n.z, n.z, UNIT);
    num_set_scale(&n, 0);
    bool fits = mpz_fits_slong_p(n.z);
    int64_t x = fits ? mpz_get_si(n.z) : 0;
    num_clear(&n);
    return fits ? give_int8(c, x) : bigint_out_of_range(c);
}

status agg_money_sum(struct agg_call *c) {
    const struct agg_int *s = c->state;
    c->is_null = !s->n;
    if (s->sum != (int64_t)s->sum) return out_of_range(c->env);
    c->result = datum_int8((int64_t)s->sum);
    return OK;
}

/* ---- in words ---- */

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",      "ten",   "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};

/* Below 1,000. */
static status put_number(struct buf *b, unsigned x) {
    unsigned rest = x % 100;
    if (x >= 100) {
        TRY(buf_printf(b, "%s hundred", small[x / 100]));
        if (!rest) return OK;
        TRY(buf_add_str(b, rest < 20 ? " and " : " "));
    }
    if (rest < 20) return buf_add_str(b, small[rest]);
    TRY(buf_add_str(b, tens[rest / 10]));
    return rest % 10 ? buf_printf(b, " %s", small[rest % 10]) : OK;
}

static status put_units(struct buf *b, uint64_t units) {
    static const char *const groups[] = {"",          " thousand ", " million ",
                                         " billion ", " trillion ", " quadrillion "};
    uint64_t power = UINT64_C(1000000000000000);
    if (!units) return buf_add_str(b, "zero");
    for (int i = 5; i >= 0; i--, power /= 1000) {
        unsigned x = (unsigned)(units / power % 1000);
        if (!x) continue;
        TRY(put_number(b, x));
        TRY(buf_add_str(b, groups[i]));
    }
    return OK;
}

static status put_words(struct buf *b, int64_t money) {
    uint64_t x = money < 0 ? -(uint64_t)money : (uint64_t)money;
    if (money < 0) TRY(buf_add_str(b, "minus "));
    TRY(put_units(b, x / UNIT));
    TRY(buf_add_str(b, x / UNIT == 1 ? " dollar and " : " dollars and "));
    TRY(put_number(b, (unsigned)(x % UNIT)));
    TRY(buf_add_str(b, x % UNIT == 1 ? " cent" : " cents"));
    b->data[0] = upper_ascii(b->data[0]);
    return OK;
}

status fn_money_words(struct fn_call *c) {
    struct buf b = {0};
    return give_buf(c, put_words(&b, c->args[0].i64), &b);
}
