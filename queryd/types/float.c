/* Families float4 and float8. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/internal.h"

/* Lays out the digits of a "%.*e" text as PostgreSQL does: plain for exponents -5 … limit-1. */
static size_t lay_out(const char *scientific, int limit, char *out) {
    char digits[40];
    size_t n = 0, len = 0;
    const char *p = scientific;
    if (*p == '-') out[len++] = *p++;
    for (; *p && *p != 'e'; p++)
        if (is_digit(*p)) digits[n++] = *p;
    int exponent = atoi(p + 1);
    while (n > 1 && digits[n - 1] == '0') n--;
    if (exponent < -4 || exponent >= limit) {
        out[len++] = digits[0];
        if (n > 1) out[len++] = '.';
        for (size_t i = 1; i < n; i++) out[len++] = digits[i];
        len += (size_t)sprintf(out + len, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return len;
    }
    if (exponent < 0) {
        out[len++] = '0';
        out[len++] = '.';
        for (int i = exponent + 1; i < 0; i++) out[len++] = '0';
        for (size_t i = 0; i < n; i++) out[len++] = digits[i];
        return len;
    }
    for (size_t i = 0; i < n || i <= (size_t)exponent; i++) {
        if (i == (size_t)exponent + 1) out[len++] = '.';
        out[len++] = i < n ? digits[i] : '0';
    }
    return len;
}

static size_t special_format(double x, char *out) {
    const char *name = isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
    strcpy(out, name);
    return strlen(name);
}

/* Is the text half-way to a neighbour of x? It reads back as x by the rule of the even digit only,
 * and PostgreSQL says one digit more. Fractions with so few digits are never half-way. */
static bool double_tie(const char *text, double x) {
    if (fabs(x) < 0x1p52) return false;
    long double there = strtold(text, NULL), value = x;
    return there == (value + nextafter(x, INFINITY)) / 2 ||
           there == (value + nextafter(x, -INFINITY)) / 2;
}

static bool float_tie(const char *text, float x) {
    double there = strtod(text, NULL), value = x;
    return there == (value + (double)nextafterf(x, INFINITY)) / 2 ||
           there == (value + (double)nextafterf(x, -INFINITY)) / 2;
}

size_t float8_format(double x, int extra_digits, char *out) {
    char text[40];
    if (!isfinite(x)) return special_format(x, out);
    if (extra_digits <= 0) {
        int precision = 15 + extra_digits < 1 ? 1 : 15 + extra_digits;
        return (size_t)snprintf(out, 32, "%.*g", precision, x);
    }
    if (x == 0) return (size_t)sprintf(out, signbit(x) ? "-0" : "0");
    /* Integers of at most 15 digits are exact in few digits: the common case without strtod. */
    if (fabs(x) < 1e15 && x == (double)(int64_t)x) return int_format((int64_t)x, out);
    /* 15 digits always survive a round trip through text, so shorter texts are their prefix;
     * subnormal numbers have fewer to begin with. */
    for (int digits = fabs(x) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, x);
        if (digits == 17 || (strtod(text, NULL) == x && !double_tie(text, x))) break;
    }
    return lay_out(text, 15, out);
}

size_t float4_format(float x, int extra_digits, char *out) {
    char text[40];
    if (!isfinite(x)) return special_format(x, out);
    if (extra_digits <= 0) {
        int precision = 6 + extra_digits < 1 ? 1 : 6 + extra_digits;
        return (size_t)snprintf(out, 32, "%.*g", precision, (double)x);
    }
    if (x == 0) return (size_t)sprintf(out, signbit(x) ? "-0" : "0");
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)x);
        if (digits == 9 || (strtof(text, NULL) == x && !float_tie(text, x))) break;
    }
    return lay_out(text, 6, out);
}

/* A number's text, copied so that it ends in NUL and checked so that strtod accepts only what
 * PostgreSQL does (no hexadecimal, no "nan(…)"). */
static bool copy_number(const char *text, size_t len, char *copy, size_t size) {
    if (!len || len >= size) return false;
    for (size_t i = 0; i < len; i++)
        if (!is_digit(text[i]) && !strchr("+-.eE", text[i])) return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return true;
}

static bool special_parse(const char *text, size_t len, double *ret) {
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN},       {"infinity", INFINITY},   {"+infinity", INFINITY},
                 {"inf", INFINITY},  {"-infinity", -INFINITY}, {"+inf", INFINITY},
                 {"-inf", -INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!same_word(text, len, words[i].word)) continue;
        *ret = words[i].value;
        return true;
    }
    return false;
}

static status float_parse(const struct eval_env *env, const char *text, size_t len, bool single,
                          double *ret) {
    const char *type_name = single ? "real" : "double precision";
    const char *p = text;
    size_t n = len;
    char small[400], *copy = small, *end;
    trim_space(&p, &n);
    if (special_parse(p, n, ret)) return OK;
    if (n >= sizeof small && !(copy = arena_alloc(env->arena, n + 1))) return out_of_memory(env);
    if (!copy_number(p, n, copy, n + 1 > sizeof small ? n + 1 : sizeof small))
        return bad_input(env, type_name, text, len);
    errno = 0;
    double x = single ? (double)strtof(copy, &end) : strtod(copy, &end);
    if (end == copy || *end) return bad_input(env, type_name, text, len);
    if (errno == ERANGE && (x == 0 || isinf(x)))
        return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "\"%.*s\" is out of range for type %s", (int)(n > 400 ? 400 : n), p,
                         type_name);
    *ret = x;
    return OK;
}

status float8_parse(const struct eval_env *env, const char *text, size_t len, double *ret) {
    return float_parse(env, text, len, false, ret);
}

static status float8_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                        size_t len, datum *ret) {
    return float_parse(env, text, len, false, &ret->f8);
}

static status float4_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                        size_t len, datum *ret) {
    double x;
    TRY(float_parse(env, text, len, true, &x));
    *ret = datum_float4((float)x);
    return OK;
}

static int extra_digits(const struct eval_env *env) {
    return env && env->session ? env->session->extra_float_digits : 1;
}

static status float8_out(const struct eval_env *env, const struct type *, datum value,
                         struct buf *out) {
    TRY(buf_reserve(out, 48));
    out->len += float8_format(value.f8, extra_digits(env), out->data + out->len);
    return OK;
}

static status float4_out(const struct eval_env *env, const struct type *, datum value,
                         struct buf *out) {
    TRY(buf_reserve(out, 48));
    out->len += float4_format(value.f4, extra_digits(env), out->data + out->len);
    return OK;
}

static status float8_receive(const struct eval_env *env, const struct type *, int32_t,
                             const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 8));
    ret->u64 = load_be64(bytes);
    return OK;
}

static status float4_receive(const struct eval_env *env, const struct type *, int32_t,
                             const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 4));
    ret->u64 = load_be32(bytes);
    return OK;
}

static status float8_send(const struct eval_env *, const struct type *, datum value,
                          struct buf *out) {
    char big[8];
    store_be64(big, value.u64);
    return buf_add(out, big, sizeof big);
}

static status float4_send(const struct eval_env *, const struct type *, datum value,
                          struct buf *out) {
    char big[4];
    store_be32(big, value.u32);
    return buf_add(out, big, sizeof big);
}

/* NaN is equal to itself and greater than all others. */
static int order_floats(double a, double b) {
    if (isnan(a)) return !isnan(b);
    if (isnan(b)) return -1;
    return (a > b) - (a < b);
}

static int float8_compare(const struct type *, datum a, datum b) {
    return order_floats(a.f8, b.f8);
}

static int float4_compare(const struct type *, datum a, datum b) {
    return order_floats((double)a.f4, (double)b.f4);
}

static uint64_t hash_float(double x) {
    if (x == 0) x = 0; /* -0 */
    if (isnan(x)) return hash_u64(0x7FF8000000000000u);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return hash_u64(bits);
}

static uint64_t float8_hash(const struct type *, datum value) {
    return hash_float(value.f8);
}

static uint64_t float4_hash(const struct type *, datum value) {
    return hash_float((double)value.f4);
}

static status float8_key(const struct type *, datum value, struct buf *out) {
    uint64_t bits = isnan(value.f8) ? 0x7FF8000000000000u : value.f8 == 0 ? 0 : value.u64;
    bits = bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
    char big[8];
    store_be64(big, bits);
    return buf_add(out, big, sizeof big);
}

static status float4_key(const struct type *, datum value, struct buf *out) {
    uint32_t bits = isnan(value.f4) ? 0x7FC00000u : value.f4 == 0 ? 0 : value.u32;
    bits = bits >> 31 ? ~bits : bits | (uint32_t)1 << 31;
    char big[4];
    store_be32(big, bits);
    return buf_add(out, big, sizeof big);
}

const struct type_family family_float8 = {.in = float8_in,
                                          .out = float8_out,
                                          .receive = float8_receive,
                                          .send = float8_send,
                                          .compare = float8_compare,
                                          .hash = float8_hash,
                                          .key = float8_key,
                                          .key_len = key_len_8};

const struct type_family family_float4 = {.in = float4_in,
                                          .out = float4_out,
                                          .receive = float4_receive,
                                          .send = float4_send,
                                          .compare = float4_compare,
                                          .hash = float4_hash,
                                          .key = float4_key,
                                          .key_len = key_len_4};
