/* Family numeric: representation, text, binary, order, hash, key, modifiers. */
#include "types/numeric.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t powers10[20] = {1u,
                                      10u,
                                      100u,
                                      1000u,
                                      10000u,
                                      100000u,
                                      1000000u,
                                      10000000u,
                                      100000000u,
                                      1000000000u,
                                      10000000000u,
                                      100000000000u,
                                      1000000000000u,
                                      10000000000000u,
                                      100000000000000u,
                                      1000000000000000u,
                                      10000000000000000u,
                                      100000000000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u};

void num_init(struct num *n) {
    mpz_init(n->z);
    n->scale = 0;
    n->kind = NUM_POSITIVE;
}

void num_clear(struct num *n) {
    mpz_clear(n->z);
}

void num_load(struct num *n, const struct varlena *v) {
    n->kind = numeric_kind(v);
    n->scale = numeric_scale(v);
    mpz_import(n->z, v->len - NUMERIC_HEAD_BYTES, -1, 1, 0, 0, v->data + NUMERIC_HEAD_BYTES);
    if (n->kind == NUM_NEGATIVE) mpz_neg(n->z, n->z);
}

bool num_load_small(const struct varlena *v, struct small_num *ret) {
    size_t bytes = v->len - NUMERIC_HEAD_BYTES;
    if (bytes > 8 || numeric_is_special(v)) return false;
    ret->magnitude = 0;
    memcpy(&ret->magnitude, v->data + NUMERIC_HEAD_BYTES, bytes);
    ret->scale = numeric_scale(v);
    ret->negative = numeric_kind(v) == NUM_NEGATIVE;
    return true;
}

status num_overflow(const struct eval_env *env) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
}

static struct varlena *new_numeric(struct arena *a, uint8_t kind, uint32_t scale, size_t bytes) {
    struct varlena *v = varlena_new(a, NUMERIC_HEAD_BYTES + bytes);
    if (!v) return NULL;
    v->data[0] = (char)kind;
    store_le16(v->data + 1, (uint16_t)scale);
    return v;
}

status num_store_special(const struct eval_env *env, enum num_kind kind, datum *ret) {
    struct varlena *v = new_numeric(env->arena, (uint8_t)kind, 0, 0);
    if (!v) return out_of_memory(env);
    *ret = datum_ptr(v);
    return OK;
}

status num_store_int128(const struct eval_env *env, __int128 coefficient, uint32_t scale,
                        datum *ret) {
    bool negative = coefficient < 0;
    unsigned __int128 magnitude =
        negative ? 0 - (unsigned __int128)coefficient : (unsigned __int128)coefficient;
    size_t bytes = 0;
    for (unsigned __int128 rest = magnitude; rest; rest >>= 8) bytes++;
    struct varlena *v = new_numeric(env->arena, negative, scale, bytes);
    if (!v) return out_of_memory(env);
    memcpy(v->data + NUMERIC_HEAD_BYTES, &magnitude, bytes);
    *ret = datum_ptr(v);
    return OK;
}

status num_store(const struct eval_env *env, struct num *n, datum *ret) {
    if (!num_finite(n)) return num_store_special(env, n->kind, ret);
    if (n->scale > NUMERIC_SCALE_MAX) num_set_scale(n, NUMERIC_SCALE_MAX);
    /* The exact count is looked for only near the limit: 3.32 bits a digit. */
    if (mpz_sizeinbase(n->z, 2) > (NUMERIC_DIGITS_BEFORE_MAX + n->scale) * 3 &&
        num_exponent(n) >= NUMERIC_DIGITS_BEFORE_MAX)
        return num_overflow(env);
    size_t bytes = mpz_sgn(n->z) ? (mpz_sizeinbase(n->z, 2) + 7) / 8 : 0;
    struct varlena *v = new_numeric(env->arena, mpz_sgn(n->z) < 0, n->scale, bytes);
    if (!v) return out_of_memory(env);
    mpz_export(v->data + NUMERIC_HEAD_BYTES, NULL, -1, 1, 0, 0, n->z);
    *ret = datum_ptr(v);
    return OK;
}

void num_pow10(mpz_t ret, unsigned long exponent) {
    mpz_ui_pow_ui(ret, 10, exponent);
}

void num_divide_round(mpz_t quotient, const mpz_t a, const mpz_t b) {
    mpz_t rest;
    mpz_init(rest);
    int sign = mpz_sgn(a) * mpz_sgn(b);
    mpz_tdiv_qr(quotient, rest, a, b);
    mpz_mul_2exp(rest, rest, 1);
    if (mpz_cmpabs(rest, b) >= 0) {
        if (sign < 0)
            mpz_sub_ui(quotient, quotient, 1);
        else
            mpz_add_ui(quotient, quotient, 1);
    }
    mpz_clear(rest);
}

void num_set_scale(struct num *n, uint32_t scale) {
    if (scale != n->scale && num_finite(n)) {
        mpz_t power;
        mpz_init(power);
        num_pow10(power, scale > n->scale ? scale - n->scale : n->scale - scale);
        if (scale > n->scale)
            mpz_mul(n->z, n->z, power);
        else
            num_divide_round(n->z, n->z, power);
        mpz_clear(power);
    }
    n->scale = scale;
}

/* Number of decimal digits of |z|, z not zero. */
static size_t count_digits(const mpz_t z) {
    size_t digits = mpz_sizeinbase(z, 10); /* exact or one too big */
    mpz_t power;
    mpz_init(power);
    num_pow10(power, digits - 1);
    if (mpz_cmpabs(z, power) < 0) digits--;
    mpz_clear(power);
    return digits;
}

int32_t num_exponent(const struct num *n) {
    return (int32_t)count_digits(n->z) - 1 - (int32_t)n->scale;
}

static int32_t floor_divide(int32_t a, int32_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

void num_base10000(const struct num *n, int32_t *ret_weight, int32_t *ret_first) {
    if (mpz_sgn(n->z) == 0) {
        *ret_weight = *ret_first = 0;
        return;
    }
    int32_t exponent = num_exponent(n);
    int32_t weight = floor_divide(exponent, 4);
    /* The digits above 10^(4 * weight), from the coefficient above 10^(4 * weight + scale). */
    int32_t cut = weight * 4 + (int32_t)n->scale;
    mpz_t power;
    mpz_init(power);
    num_pow10(power, (unsigned long)abs(cut));
    if (cut >= 0)
        mpz_tdiv_q(power, n->z, power);
    else
        mpz_mul(power, n->z, power);
    *ret_weight = weight;
    *ret_first = (int32_t)mpz_get_ui(power);
    mpz_clear(power);
}

/* ---- text ---- */

static status format_special(uint8_t kind, struct buf *out) {
    static const char *const names[] = {
        [NUM_NAN] = "NaN", [NUM_INFINITY] = "Infinity", [NUM_MINUS_INFINITY] = "-Infinity"};
    return buf_add_str(out, names[kind]);
}

/* digits … with the point before the last `scale` of them. */
static status format_digits(bool negative, const char *digits, size_t n, uint32_t scale,
                            struct buf *out) {
    TRY(buf_reserve(out, n + scale + 3));
    char *p = out->data + out->len;
    if (negative) *p++ = '-';
    if (n <= scale) {
        *p++ = '0';
    } else {
        memcpy(p, digits, n - scale);
        p += n - scale;
        digits += n - scale;
        n = scale;
    }
    if (scale) {
        *p++ = '.';
        memset(p, '0', scale - n);
        memcpy(p + (scale - n), digits, n);
        p += scale;
    }
    out->len = (size_t)(p - out->data);
    return OK;
}

status num_format(const struct num *n, struct buf *out) {
    if (!num_finite(n)) return format_special(n->kind, out);
    size_t room = mpz_sizeinbase(n->z, 10) + 2;
    char *text = malloc(room);
    if (!text) return STATUS(OUT_OF_MEMORY);
    mpz_get_str(text, 10, n->z);
    bool negative = *text == '-';
    const char *digits = text + negative;
    status s = format_digits(negative, digits, strlen(digits), n->scale, out);
    free(text);
    return s;
}

static status format_numeric(const struct varlena *v, struct buf *out) {
    struct small_num small;
    if (numeric_is_special(v)) return format_special(numeric_kind(v), out);
    if (num_load_small(v, &small) && small.magnitude <= INT64_MAX) {
        char digits[24];
        size_t n = int_format((int64_t)small.magnitude, digits);
        return format_digits(small.negative, digits, n, small.scale, out);
    }
    struct num n;
    num_init(&n);
    num_load(&n, v);
    status s = num_format(&n, out);
    num_clear(&n);
    return s;
}

static bool parse_special(const char *text, size_t len, struct num *n) {
    static const struct {
        const char *word;
        enum num_kind kind;
    } words[] = {{"nan", NUM_NAN},
                 {"infinity", NUM_INFINITY},
                 {"+infinity", NUM_INFINITY},
                 {"inf", NUM_INFINITY},
                 {"+inf", NUM_INFINITY},
                 {"-infinity", NUM_MINUS_INFINITY},
                 {"-inf", NUM_MINUS_INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!same_word(text, len, words[i].word)) continue;
        n->kind = (uint8_t)words[i].kind;
        n->scale = 0;
        mpz_set_ui(n->z, 0);
        return true;
    }
    return false;
}

/* e[sign]digits; false: not an exponent. Clamped far beyond what can be held. */
static bool parse_exponent(const char *p, size_t len, int64_t *ret) {
    bool negative = len && *p == '-';
    if (len && (*p == '-' || *p == '+')) p++, len--;
    if (!len) return false;
    int64_t x = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(p[i])) return false;
        if (x < INT32_MAX) x = x * 10 + (p[i] - '0');
    }
    *ret = negative ? -x : x;
    return true;
}

static void set_digits(struct num *n, const char *digits, size_t count, char *scratch) {
    if (count <= 19) {
        uint64_t x = 0;
        for (size_t i = 0; i < count; i++) x = x * 10 + (uint64_t)(digits[i] - '0');
        mpz_set_ui(n->z, x);
        return;
    }
    memmove(scratch, digits, count);
    scratch[count] = '\0';
    mpz_set_str(n->z, scratch, 10);
}

/* Applies the exponent: value = z * 10^(exponent - fraction digits). */
static status scale_by(const struct eval_env *env, struct num *n, int64_t fraction,
                       int64_t exponent) {
    int64_t scale = fraction - exponent;
    if (scale > NUMERIC_SCALE_MAX + NUMERIC_DIGITS_BEFORE_MAX ||
        -scale > NUMERIC_DIGITS_BEFORE_MAX * 2) {
        if (mpz_sgn(n->z) || exponent >= INT32_MAX / 2) return num_overflow(env);
        scale = scale < 0 ? 0 : NUMERIC_SCALE_MAX;
    }
    if (scale < 0) {
        mpz_t power;
        mpz_init(power);
        num_pow10(power, (unsigned long)-scale);
        mpz_mul(n->z, n->z, power);
        mpz_clear(power);
        scale = 0;
    }
    n->scale = (uint32_t)scale;
    if (n->scale > NUMERIC_SCALE_MAX) num_set_scale(n, NUMERIC_SCALE_MAX);
    return OK;
}

status num_parse(const struct eval_env *env, const char *text, size_t len, struct num *n) {
    const char *p = text;
    size_t left = len;
    trim_space(&p, &left);
    if (parse_special(p, left, n)) return OK;
    bool negative = left && *p == '-';
    if (left && (*p == '-' || *p == '+')) p++, left--;
    char small[64], *digits = small;
    if (left >= sizeof small && !(digits = arena_alloc(env->arena, left + 1)))
        return out_of_memory(env);
    size_t count = 0, i = 0;
    int64_t fraction = 0, exponent = 0;
    bool point = false;
    for (; i < left; i++) {
        if (p[i] == '.' && !point) {
            point = true;
        } else if (is_digit(p[i])) {
            digits[count++] = p[i];
            fraction += point;
        } else {
            break;
        }
    }
    if (!count) return bad_input(env, "numeric", text, len);
    if (i < left &&
        (lower_ascii(p[i]) != 'e' || !parse_exponent(p + i + 1, left - i - 1, &exponent)))
        return bad_input(env, "numeric", text, len);
    size_t zeros = 0;
    while (zeros + 1 < count && digits[zeros] == '0') zeros++;
    n->kind = NUM_POSITIVE;
    set_digits(n, digits + zeros, count - zeros, digits);
    if (negative) mpz_neg(n->z, n->z);
    return scale_by(env, n, fraction, exponent);
}

/* ---- modifiers: (precision << 16 | scale in 11 bits, signed) + 4 ---- */

static int32_t typmod_precision(int32_t typmod) {
    return (typmod - TYPMOD_OFFSET) >> 16 & 0xFFFF;
}

static int32_t typmod_scale(int32_t typmod) {
    return (((typmod - TYPMOD_OFFSET) & 0x7FF) ^ 1024) - 1024;
}

static status field_overflow(const struct eval_env *env, int32_t typmod, bool infinite) {
    int32_t precision = typmod_precision(typmod), scale = typmod_scale(typmod);
    status s = error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
    if (infinite)
        error_detail(env->error,
                     "A field with precision %d, scale %d cannot hold an infinite value.",
                     precision, scale);
    else if (precision == scale)
        error_detail(
            env->error,
            "A field with precision %d, scale %d must round to an absolute value less than 1.",
            precision, scale);
    else
        error_detail(
            env->error,
            "A field with precision %d, scale %d must round to an absolute value less than 10^%d.",
            precision, scale, precision - scale);
    return s;
}

status num_apply_typmod(const struct eval_env *env, struct num *n, int32_t typmod) {
    if (typmod < TYPMOD_OFFSET || n->kind == NUM_NAN) return OK;
    if (!num_finite(n)) return field_overflow(env, typmod, true);
    int32_t scale = typmod_scale(typmod), before = typmod_precision(typmod) - scale;
    mpz_t power;
    mpz_init(power);
    if (scale < 0) { /* numeric(3,-2): rounded to hundreds */
        num_pow10(power, (unsigned long)(-scale + (int32_t)n->scale));
        num_divide_round(n->z, n->z, power);
        num_pow10(power, (unsigned long)-scale);
        mpz_mul(n->z, n->z, power);
        n->scale = 0;
    } else {
        num_set_scale(n, (uint32_t)scale);
    }
    /* |coefficient| must stay below 10^(before + scale of the result) */
    int32_t digits = before + (int32_t)n->scale;
    num_pow10(power, digits > 0 ? (unsigned long)digits : 0);
    bool fits = mpz_cmpabs(n->z, power) < 0;
    mpz_clear(power);
    return fits ? OK : field_overflow(env, typmod, false);
}

static status numeric_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                   int32_t typmod, bool, datum *ret) {
    struct small_num small;
    int32_t scale = typmod_scale(typmod), precision = typmod_precision(typmod);
    if (typmod < TYPMOD_OFFSET) {
        *ret = value;
        return OK;
    }
    if (scale >= 0 && num_load_small(value.v, &small) && (int32_t)small.scale == scale &&
        precision < 20 && small.magnitude < powers10[precision]) {
        *ret = value;
        return OK;
    }
    struct num n;
    num_init(&n);
    num_load(&n, value.v);
    status s = num_apply_typmod(env, &n, typmod);
    if (ok(s)) s = num_store(env, &n, ret);
    num_clear(&n);
    return s;
}

static status numeric_typmod_in(const struct eval_env *env, const struct type *,
                                const int32_t *values, size_t n, int32_t *ret) {
    if (n < 1 || n > 2)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier");
    int32_t precision = values[0], scale = n == 2 ? values[1] : 0;
    if (precision < 1 || precision > 1000)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "NUMERIC precision %d must be between 1 and 1000", precision);
    if (scale < -1000 || scale > 1000)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "NUMERIC scale %d must be between -1000 and 1000", scale);
    *ret = (precision << 16 | (scale & 0x7FF)) + TYPMOD_OFFSET;
    return OK;
}

static status numeric_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    if (typmod < TYPMOD_OFFSET) return OK;
    return buf_printf(out, "(%d,%d)", typmod_precision(typmod), typmod_scale(typmod));
}

/* ---- input and output ---- */

#define SMALL_DIGITS 18 /* always fit a machine word */

/* Sign, digits and a point, no more of them than a machine word holds: what most numbers are. */
static bool parse_small(const char *text, size_t len, struct small_num *ret) {
    size_t i = len && (*text == '-' || *text == '+'), digits = 0;
    bool point = false;
    *ret = (struct small_num){.negative = len && *text == '-'};
    if (len > SMALL_DIGITS) return false;
    for (; i < len; i++) {
        if (is_digit(text[i])) {
            ret->magnitude = ret->magnitude * 10 + (uint64_t)(text[i] - '0');
            ret->scale += point;
            digits++;
        } else if (text[i] == '.' && !point) {
            point = true;
        } else {
            return false;
        }
    }
    return digits > 0;
}

/* To the scale of the type, unless that rounds or the number is too large. */
static bool fit_small(struct small_num *n, int32_t typmod) {
    if (typmod < TYPMOD_OFFSET) return true;
    int32_t scale = typmod_scale(typmod), precision = typmod_precision(typmod);
    int32_t added = scale - (int32_t)n->scale;
    if (scale < 0 || added < 0 || added > SMALL_DIGITS) return false;
    if (n->magnitude >= powers10[SMALL_DIGITS - added]) return false;
    n->magnitude *= powers10[added];
    n->scale = (uint32_t)scale;
    return precision > SMALL_DIGITS || n->magnitude < powers10[precision];
}

static status numeric_in(const struct eval_env *env, const struct type *, int32_t typmod,
                         const char *text, size_t len, datum *ret) {
    struct small_num small;
    if (parse_small(text, len, &small) && fit_small(&small, typmod)) {
        __int128 coefficient = small.magnitude;
        return num_store_int128(env, small.negative ? -coefficient : coefficient, small.scale, ret);
    }
    struct num n;
    num_init(&n);
    status s = num_parse(env, text, len, &n);
    if (ok(s)) s = num_apply_typmod(env, &n, typmod);
    if (ok(s)) s = num_store(env, &n, ret);
    num_clear(&n);
    return s;
}

static status numeric_out(const struct eval_env *, const struct type *, datum value,
                          struct buf *out) {
    return format_numeric(value.v, out);
}

double num_to_double(const struct num *n) {
    if (n->kind == NUM_NAN) return NAN;
    if (!num_finite(n)) return n->kind == NUM_INFINITY ? INFINITY : -INFINITY;
    struct buf b = {0};
    double x = NAN;
    if (ok(num_format(n, &b)) && ok(buf_add(&b, "", 1))) x = strtod(b.data, NULL);
    buf_free(&b);
    return x;
}

/* Binary form: i16 digits, i16 weight, u16 sign, u16 scale, then base-10000 digits. */
enum {
    SIGN_POSITIVE = 0,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_INF = 0xD000,
    SIGN_MINUS_INF = 0xF000
};

static bool special_sign(uint16_t sign, enum num_kind *ret) {
    *ret = sign == SIGN_NAN ? NUM_NAN : sign == SIGN_INF ? NUM_INFINITY : NUM_MINUS_INFINITY;
    return sign == SIGN_NAN || sign == SIGN_INF || sign == SIGN_MINUS_INF;
}

static status bad_numeric(const struct eval_env *env, const char *what) {
    return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                     "invalid %s in external \"numeric\" value", what);
}

static status read_digits(const struct eval_env *env, const char *bytes, uint16_t count,
                          int16_t weight, struct num *n) {
    char *text = malloc((size_t)count * 4 + 1);
    if (!text) return out_of_memory(env);
    status s = OK;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t digit = load_be16(bytes + (size_t)i * 2);
        if (digit > 9999) {
            s = bad_numeric(env, "digit");
            break;
        }
        for (int k = 3; k >= 0; k--, digit /= 10) text[i * 4 + k] = (char)('0' + digit % 10);
    }
    text[(size_t)count * 4] = '\0';
    if (ok(s) && count) mpz_set_str(n->z, text, 10);
    free(text);
    /* The last base-10000 digit stands at 10000^(weight - count + 1). */
    if (ok(s)) s = scale_by(env, n, 0, 4 * ((int64_t)weight - count + 1));
    return s;
}

static status numeric_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                              const char *bytes, size_t len, datum *ret) {
    if (len < 8) return bad_binary(env, "numeric");
    uint16_t count = load_be16(bytes), sign = load_be16(bytes + 4), scale = load_be16(bytes + 6);
    int16_t weight = (int16_t)load_be16(bytes + 2);
    enum num_kind kind;
    if (len != 8 + (size_t)count * 2) return bad_numeric(env, "length");
    if (scale > NUMERIC_SCALE_MAX) return bad_numeric(env, "scale");
    struct num n;
    num_init(&n);
    status s = OK;
    if (special_sign(sign, &kind)) {
        n.kind = (uint8_t)kind;
    } else if (sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE) {
        s = bad_numeric(env, "sign");
    } else {
        s = read_digits(env, bytes + 8, count, weight, &n);
        if (ok(s) && sign == SIGN_NEGATIVE) mpz_neg(n.z, n.z);
        if (ok(s) && n.scale > scale) { /* digits beyond the stated scale are cut, not rounded */
            mpz_t power;
            mpz_init(power);
            num_pow10(power, n.scale - scale);
            mpz_tdiv_q(n.z, n.z, power);
            mpz_clear(power);
            n.scale = scale;
        }
        if (ok(s)) num_set_scale(&n, scale);
    }
    if (ok(s)) s = num_apply_typmod(env, &n, typmod);
    if (ok(s)) s = num_store(env, &n, ret);
    num_clear(&n);
    return s;
}

/* The decimal digits of a finite value grouped by `group` (2 or 4) around the point: first group,
 * its exponent in groups, and a digit string whose length is a multiple of the group, without zero
 * groups at either end. Zero has no digits. The string is malloc'd. */
struct grouped {
    char *text;
    size_t len;
    int32_t weight;
};

static status group_digits(const struct num *n, int32_t group, struct grouped *ret) {
    *ret = (struct grouped){0};
    if (mpz_sgn(n->z) == 0) return OK;
    size_t room = mpz_sizeinbase(n->z, 10) + 2;
    char *text = calloc(room + (size_t)group * 2, 1);
    if (!text) return STATUS(OUT_OF_MEMORY);
    char *raw = text + group;
    mpz_get_str(raw, 10, n->z);
    if (*raw == '-') raw++;
    size_t len = strlen(raw);
    int32_t exponent = (int32_t)len - 1 - (int32_t)n->scale;
    int32_t weight = floor_divide(exponent, group);
    /* Zeros in front so that the first group ends at 10^(group * weight). */
    int32_t pad = group - 1 - (exponent - weight * group);
    for (int32_t i = 0; i < pad; i++) *--raw = '0';
    len += (size_t)pad;
    while (len % (size_t)group) raw[len++] = '0';
    while (len) {
        size_t zeros = 0;
        while (zeros < (size_t)group && raw[len - 1 - zeros] == '0') zeros++;
        if (zeros < (size_t)group) break;
        len -= (size_t)group;
    }
    memmove(text, raw, len);
    *ret = (struct grouped){text, len, weight};
    return OK;
}

static status numeric_send(const struct eval_env *env, const struct type *, datum value,
                           struct buf *out) {
    char head[8] = {0};
    static const uint16_t special_signs[] = {
        [NUM_NAN] = SIGN_NAN, [NUM_INFINITY] = SIGN_INF, [NUM_MINUS_INFINITY] = SIGN_MINUS_INF};
    if (numeric_is_special(value.v)) {
        store_be16(head + 4, special_signs[numeric_kind(value.v)]);
        if (numeric_kind(value.v) != NUM_NAN)
            store_be16(head + 6, 32); /* PostgreSQL's scale of it */
        return buf_add(out, head, sizeof head);
    }
    struct num n;
    struct grouped g;
    num_init(&n);
    num_load(&n, value.v);
    status s = group_digits(&n, 4, &g);
    if (ok(s)) {
        store_be16(head, (uint16_t)(g.len / 4));
        store_be16(head + 2, (uint16_t)(int16_t)g.weight);
        store_be16(head + 4, mpz_sgn(n.z) < 0 ? SIGN_NEGATIVE : SIGN_POSITIVE);
        store_be16(head + 6, (uint16_t)n.scale);
        s = buf_add(out, head, sizeof head);
        for (size_t i = 0; ok(s) && i < g.len; i += 4) {
            char digit[2];
            store_be16(digit, (uint16_t)((g.text[i] - '0') * 1000 + (g.text[i + 1] - '0') * 100 +
                                         (g.text[i + 2] - '0') * 10 + (g.text[i + 3] - '0')));
            s = buf_add(out, digit, sizeof digit);
        }
        free(g.text);
    }
    num_clear(&n);
    return status_is(s, ST_OUT_OF_MEMORY) ? out_of_memory(env) : s;
}

/* ---- order, hash, key ---- */

/* -Infinity, finite values, Infinity, NaN */
static int special_rank(uint8_t kind) {
    return kind == NUM_NAN ? 3 : kind == NUM_INFINITY ? 2 : kind == NUM_MINUS_INFINITY ? 0 : 1;
}

static int compare_small(const struct small_num *a, const struct small_num *b) {
    unsigned __int128 x = a->magnitude, y = b->magnitude;
    if (a->scale < b->scale)
        x *= powers10[b->scale - a->scale];
    else
        y *= powers10[a->scale - b->scale];
    int order = (x > y) - (x < y);
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? -order : order;
}

int numeric_compare(const struct varlena *a, const struct varlena *b) {
    struct small_num x, y;
    if (numeric_is_special(a) || numeric_is_special(b))
        return special_rank(numeric_kind(a)) - special_rank(numeric_kind(b));
    if (num_load_small(a, &x) && num_load_small(b, &y) && x.scale < y.scale + 20 &&
        y.scale < x.scale + 20)
        return compare_small(&x, &y);
    struct num m, n;
    num_init(&m);
    num_init(&n);
    num_load(&m, a);
    num_load(&n, b);
    if (m.scale < n.scale)
        num_set_scale(&m, n.scale);
    else
        num_set_scale(&n, m.scale);
    int order = mpz_cmp(m.z, n.z);
    num_clear(&m);
    num_clear(&n);
    return order;
}

static int numeric_compare_datums(const struct type *, datum a, datum b) {
    return numeric_compare(a.v, b.v);
}

static uint64_t numeric_hash(const struct type *, datum value) {
    struct small_num small;
    if (numeric_is_special(value.v)) return hash_u64(numeric_kind(value.v));
    if (num_load_small(value.v, &small)) {
        while (small.scale && small.magnitude % 10 == 0 && small.magnitude) {
            small.magnitude /= 10;
            small.scale--;
        }
        if (!small.magnitude) return hash_u64(100);
        return hash_u64(small.magnitude + hash_u64(small.scale * 2 + small.negative + 5));
    }
    struct num n;
    num_init(&n);
    num_load(&n, value.v);
    while (n.scale && mpz_divisible_ui_p(n.z, 10)) {
        mpz_divexact_ui(n.z, n.z, 10);
        n.scale--;
    }
    uint64_t low = mpz_sizeinbase(n.z, 2) <= 64
                       ? mpz_get_ui(n.z)
                       : hash_bytes(mpz_limbs_read(n.z), mpz_size(n.z) * 8);
    uint64_t h = hash_u64(low + hash_u64(n.scale * 2 + (mpz_sgn(n.z) < 0) + 5));
    num_clear(&n);
    return h;
}

enum { KEY_MINUS_INFINITY, KEY_NEGATIVE, KEY_ZERO, KEY_POSITIVE, KEY_INFINITY, KEY_NAN };

static uint8_t key_class(const struct num *n) {
    if (n->kind == NUM_NAN) return KEY_NAN;
    if (!num_finite(n)) return n->kind == NUM_INFINITY ? KEY_INFINITY : KEY_MINUS_INFINITY;
    return (uint8_t)(KEY_ZERO + mpz_sgn(n->z));
}

static status numeric_key(const struct type *, datum value, struct buf *out) {
    struct num n;
    struct grouped g;
    num_init(&n);
    num_load(&n, value.v);
    uint8_t class = key_class(&n);
    status s = buf_add(out, &class, 1);
    if (ok(s) && (class == KEY_NEGATIVE || class == KEY_POSITIVE)) {
        size_t start = out->len;
        s = group_digits(&n, 2, &g);
        if (ok(s)) s = key_add_int(out, g.weight, 4);
        for (size_t i = 0; ok(s) && i < g.len; i += 2) {
            char digit = (char)((g.text[i] - '0') * 10 + (g.text[i + 1] - '0') + 1);
            s = buf_add(out, &digit, 1);
        }
        free(g.text);
        if (ok(s)) s = buf_add(out, "", 1);
        if (ok(s) && class == KEY_NEGATIVE)
            for (size_t i = start; i < out->len; i++) out->data[i] = (char)~out->data[i];
    }
    num_clear(&n);
    return s;
}

static size_t numeric_key_len(const struct type *, const uint8_t *bytes, size_t len,
                              bool inverted) {
    if (!len) return 0;
    uint8_t class = inverted ? (uint8_t)~bytes[0] : bytes[0];
    if (class > KEY_NAN) return 0;
    if (class != KEY_NEGATIVE && class != KEY_POSITIVE) return 1;
    uint8_t end = (class == KEY_NEGATIVE) != inverted ? 0xFF : 0;
    for (size_t i = 5; i < len; i++)
        if (bytes[i] == end) return i + 1;
    return 0;
}

static bool numeric_valid(const struct type *, const char *bytes, size_t len) {
    if (len < NUMERIC_HEAD_BYTES) return false;
    uint8_t kind = (uint8_t)bytes[0];
    if (kind > NUM_MINUS_INFINITY || load_le16(bytes + 1) > NUMERIC_SCALE_MAX) return false;
    if (kind > NUM_NEGATIVE) return len == NUMERIC_HEAD_BYTES && !load_le16(bytes + 1);
    if (len == NUMERIC_HEAD_BYTES) return kind == NUM_POSITIVE;
    return bytes[len - 1] != 0 && len < 64 * 1024;
}

const struct type_family family_numeric = {.in = numeric_in,
                                           .out = numeric_out,
                                           .receive = numeric_receive,
                                           .send = numeric_send,
                                           .compare = numeric_compare_datums,
                                           .hash = numeric_hash,
                                           .key = numeric_key,
                                           .key_len = numeric_key_len,
                                           .valid = numeric_valid,
                                           .apply_typmod = numeric_apply_typmod,
                                           .typmod_in = numeric_typmod_in,
                                           .typmod_out = numeric_typmod_out};
