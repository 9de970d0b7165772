/* Functions and operators of float4 and float8. Overflow and underflow are errors, as PostgreSQL
 * reports them; infinities and NaN that come in may go out. */
#include <math.h>

#include "types/vector.h"

static inline double as_float4(datum d) {
    return (double)d.f4;
}
static inline double as_float8(datum d) {
    return d.f8;
}

/* Comparisons where NaN = NaN and NaN is the greatest. */
#define FLOAT_COMPARISONS(prefix, left, right)                                                     \
    TOTAL_BINARY(prefix##eq,                                                                       \
                 datum_bool(left(a) == right(b) || (isnan(left(a)) && isnan(right(b)))))           \
    TOTAL_BINARY(prefix##ne,                                                                       \
                 datum_bool(!(left(a) == right(b) || (isnan(left(a)) && isnan(right(b))))))        \
    TOTAL_BINARY(prefix##lt,                                                                       \
                 datum_bool(!isnan(left(a)) && (isnan(right(b)) || left(a) < right(b))))           \
    TOTAL_BINARY(prefix##le,                                                                       \
                 datum_bool(isnan(right(b)) || (!isnan(left(a)) && left(a) <= right(b))))          \
    TOTAL_BINARY(prefix##gt,                                                                       \
                 datum_bool(!isnan(right(b)) && (isnan(left(a)) || left(a) > right(b))))           \
    TOTAL_BINARY(prefix##ge,                                                                       \
                 datum_bool(isnan(left(a)) || (!isnan(right(b)) && left(a) >= right(b))))
FLOAT_COMPARISONS(float4, as_float4, as_float4)
FLOAT_COMPARISONS(float8, as_float8, as_float8)
FLOAT_COMPARISONS(float48, as_float4, as_float8)
FLOAT_COMPARISONS(float84, as_float8, as_float4)

[[gnu::cold]] static status overflow(const struct eval_env *env) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

[[gnu::cold]] static status underflow(const struct eval_env *env) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
}

static inline datum put_float4(double x) {
    return datum_float4((float)x);
}
static inline datum put_float8(double x) {
    return datum_float8(x);
}
static inline double round_float4(double x) {
    return (double)(float)x;
}
static inline double round_float8(double x) {
    return x;
}

/* x and y are doubles; single precision results are rounded before they are judged. */
#define FLOAT_ARITHMETIC(prefix, left, right, width)                                               \
    static inline status prefix##_add(const struct eval_env *env, datum a, datum b, datum *ret) {  \
        double x = left(a), y = right(b), z = round_##width(x + y);                                \
        if (isinf(z) && !isinf(x) && !isinf(y)) return overflow(env);                              \
        *ret = put_##width(z);                                                                     \
        return OK;                                                                                 \
    }                                                                                              \
    static inline status prefix##_subtract(const struct eval_env *env, datum a, datum b,           \
                                           datum *ret) {                                           \
        double x = left(a), y = right(b), z = round_##width(x - y);                                \
        if (isinf(z) && !isinf(x) && !isinf(y)) return overflow(env);                              \
        *ret = put_##width(z);                                                                     \
        return OK;                                                                                 \
    }                                                                                              \
    static inline status prefix##_multiply(const struct eval_env *env, datum a, datum b,           \
                                           datum *ret) {                                           \
        double x = left(a), y = right(b), z = round_##width(x * y);                                \
        if (isinf(z) && !isinf(x) && !isinf(y)) return overflow(env);                              \
        if (z == 0 && x != 0 && y != 0) return underflow(env);                                     \
        *ret = put_##width(z);                                                                     \
        return OK;                                                                                 \
    }                                                                                              \
    static inline status prefix##_divide(const struct eval_env *env, datum a, datum b,             \
                                         datum *ret) {                                             \
        double x = left(a), y = right(b);                                                          \
        if (y == 0 && !isnan(x)) return division_by_zero(env);                                     \
        double z = round_##width(isnan(x) ? x : x / y);                                            \
        if (isinf(z) && !isinf(x)) return overflow(env);                                           \
        if (z == 0 && x != 0 && !isinf(y)) return underflow(env);                                  \
        *ret = put_##width(z);                                                                     \
        return OK;                                                                                 \
    }                                                                                              \
    CHECKED_BINARY(prefix##pl, prefix##_add)                                                       \
    CHECKED_BINARY(prefix##mi, prefix##_subtract)                                                  \
    CHECKED_BINARY(prefix##mul, prefix##_multiply)                                                 \
    CHECKED_BINARY(prefix##div, prefix##_divide)
FLOAT_ARITHMETIC(float4, as_float4, as_float4, float4)
FLOAT_ARITHMETIC(float8, as_float8, as_float8, float8)
FLOAT_ARITHMETIC(float48, as_float4, as_float8, float8)
FLOAT_ARITHMETIC(float84, as_float8, as_float4, float8)

status fn_float4abs(struct fn_call *c) {
    c->result = datum_float4(fabsf(c->args[0].f4));
    return OK;
}
status fn_float4um(struct fn_call *c) {
    c->result = datum_float4(-c->args[0].f4);
    return OK;
}
status fn_float8abs(struct fn_call *c) {
    c->result = datum_float8(fabs(c->args[0].f8));
    return OK;
}
status fn_float8um(struct fn_call *c) {
    c->result = datum_float8(-c->args[0].f8);
    return OK;
}

/* ---- conversions ---- */

status fn_i_to_float8(struct fn_call *c) {
    c->result = datum_float8((double)c->args[0].i64);
    return OK;
}
status fn_i_to_float4(struct fn_call *c) {
    c->result = datum_float4((float)c->args[0].i64);
    return OK;
}
status fn_ftod(struct fn_call *c) {
    c->result = datum_float8((double)c->args[0].f4);
    return OK;
}
status fn_dtof(struct fn_call *c) {
    double x = c->args[0].f8;
    float y = (float)x;
    if (isinf(y) && !isinf(x)) return overflow(c->env);
    if (y == 0 && x != 0) return underflow(c->env);
    c->result = datum_float4(y);
    return OK;
}

/* Rounds to the nearest even integer; `limit` is the first power of two that does not fit. */
static status float_to_int(struct fn_call *c, double x, double limit, const char *type_name) {
    double y = rint(x);
    if (!(y >= -limit && y < limit))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range",
                         type_name);
    return give_int8(c, (int64_t)y);
}
status fn_dtoi2(struct fn_call *c) {
    return float_to_int(c, c->args[0].f8, 0x1p15, "smallint");
}
status fn_dtoi4(struct fn_call *c) {
    return float_to_int(c, c->args[0].f8, 0x1p31, "integer");
}
status fn_dtoi8(struct fn_call *c) {
    return float_to_int(c, c->args[0].f8, 0x1p63, "bigint");
}
status fn_ftoi2(struct fn_call *c) {
    return float_to_int(c, (double)c->args[0].f4, 0x1p15, "smallint");
}
status fn_ftoi4(struct fn_call *c) {
    return float_to_int(c, (double)c->args[0].f4, 0x1p31, "integer");
}
status fn_ftoi8(struct fn_call *c) {
    return float_to_int(c, (double)c->args[0].f4, 0x1p63, "bigint");
}

/* ---- mathematics ---- */

static status give_float(struct fn_call *c, double x) {
    c->result = datum_float8(x);
    return OK;
}

/* Functions of one argument whose infinite result from a finite argument is an overflow. */
#define FLOAT_FUNCTION(name, expression)                                                           \
    status fn_##name(struct fn_call *c) {                                                          \
        double x = c->args[0].f8, y = (expression);                                                \
        if (isinf(y) && !isinf(x)) return overflow(c->env);                                        \
        return give_float(c, y);                                                                   \
    }
static const double radians_per_degree = 0.0174532925199432957692;
FLOAT_FUNCTION(dceil, ceil(x))
FLOAT_FUNCTION(dfloor, floor(x))
FLOAT_FUNCTION(dround, rint(x))
FLOAT_FUNCTION(dtrunc, trunc(x))
FLOAT_FUNCTION(dsign, x > 0 ? 1 : x < 0 ? -1 : 0)
FLOAT_FUNCTION(dcbrt, cbrt(x))
FLOAT_FUNCTION(datan, atan(x))
FLOAT_FUNCTION(dtanh, tanh(x))
FLOAT_FUNCTION(dasinh, asinh(x))

/* Hyperbolic sine and cosine grow to infinity, without an error. */
status fn_dsinh(struct fn_call *c) {
    return give_float(c, sinh(c->args[0].f8));
}
status fn_dcosh(struct fn_call *c) {
    return give_float(c, cosh(c->args[0].f8));
}

FLOAT_FUNCTION(degrees, x / radians_per_degree)
FLOAT_FUNCTION(radians, x *radians_per_degree)

status fn_dpi(struct fn_call *c) {
    return give_float(c, M_PI);
}

status fn_dexp(struct fn_call *c) {
    double x = c->args[0].f8, y = exp(x);
    if (isinf(y) && !isinf(x)) return overflow(c->env);
    if (y == 0 && !isinf(x)) return underflow(c->env);
    return give_float(c, y);
}

status fn_dsqrt(struct fn_call *c) {
    if (c->args[0].f8 < 0)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "cannot take square root of a negative number");
    return give_float(c, sqrt(c->args[0].f8));
}

static status check_log_argument(struct fn_call *c, double x) {
    if (x == 0)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of zero");
    if (x < 0)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_LOG,
                         "cannot take logarithm of a negative number");
    return OK;
}

status fn_dlog1(struct fn_call *c) {
    TRY(check_log_argument(c, c->args[0].f8));
    return give_float(c, log(c->args[0].f8));
}

status fn_dlog10(struct fn_call *c) {
    TRY(check_log_argument(c, c->args[0].f8));
    return give_float(c, log10(c->args[0].f8));
}

status fn_dpow(struct fn_call *c) {
    double x = c->args[0].f8, y = c->args[1].f8;
    if (x == 0 && y < 0)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "zero raised to a negative power is undefined");
    if (x < 0 && !isnan(y) && floor(y) != y)
        return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                         "a negative number raised to a non-integer power yields a complex result");
    double z = pow(x, y);
    if (isfinite(x) && isfinite(y)) {
        if (isinf(z)) return overflow(c->env);
        if (z == 0 && x != 0) return underflow(c->env);
    }
    return give_float(c, z);
}

static status input_out_of_range(struct fn_call *c) {
    return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range");
}

/* Trigonometry is not defined at infinity. */
#define FLOAT_PERIODIC(name, expression)                                                           \
    status fn_##name(struct fn_call *c) {                                                          \
        double x = c->args[0].f8;                                                                  \
        if (isinf(x)) return input_out_of_range(c);                                                \
        return give_float(c, (expression));                                                        \
    }
FLOAT_PERIODIC(dsin, sin(x))
FLOAT_PERIODIC(dcos, cos(x))
FLOAT_PERIODIC(dtan, tan(x))
FLOAT_PERIODIC(dcot, 1.0 / tan(x))

#define FLOAT_BOUNDED(name, outside, expression)                                                   \
    status fn_##name(struct fn_call *c) {                                                          \
        double x = c->args[0].f8;                                                                  \
        if (outside) return input_out_of_range(c);                                                 \
        return give_float(c, (expression));                                                        \
    }
FLOAT_BOUNDED(dasin, x<-1 || x> 1, asin(x))
FLOAT_BOUNDED(dacos, x<-1 || x> 1, acos(x))
FLOAT_BOUNDED(dacosh, x < 1, acosh(x))
FLOAT_BOUNDED(datanh, x<-1 || x> 1, atanh(x))

status fn_datan2(struct fn_call *c) {
    return give_float(c, atan2(c->args[0].f8, c->args[1].f8));
}

status fn_width_bucket_float8(struct fn_call *c) {
    double x = c->args[0].f8, low = c->args[1].f8, high = c->args[2].f8;
    int32_t count = c->args[3].i32;
    enum status_code code = ST_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION;
    if (count <= 0) return error_set(c->env->error, code, "count must be greater than zero");
    if (isnan(x) || isnan(low) || isnan(high))
        return error_set(c->env->error, code,
                         "operand, lower bound, and upper bound cannot be NaN");
    if (isinf(low) || isinf(high))
        return error_set(c->env->error, code, "lower and upper bounds must be finite");
    if (low == high) return error_set(c->env->error, code, "lower bound cannot equal upper bound");
    bool up = low < high;
    if (up ? x < low : x > low) return give_int4(c, 0);
    if (up ? x >= high : x <= high) {
        if (count == INT32_MAX)
            return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        return give_int4(c, count + 1);
    }
    double share = (x / 2 - low / 2) / (high / 2 - low / 2);
    int32_t bucket = (int32_t)((double)count * share) + 1;
    return give_int4(c, bucket > count ? count : bucket);
}
