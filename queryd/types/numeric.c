/* Numerics being worked on: kept, rounded, written and read as text. */
#include "types/numeric.h"

#include <math.h>
#include <stdlib.h>

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
    return num_store_exact(env, n, ret);
}

status num_store_exact(const struct eval_env *env, const struct num *n, datum *ret) {
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

status numeric_format(const struct varlena *v, struct buf *out) {
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

status num_scale_by(const struct eval_env *env, struct num *n, int64_t fraction, int64_t exponent) {
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
    return num_scale_by(env, n, fraction, exponent);
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
