/* Family numeric: modifiers, text, binary, order, hash, key. */
#include <stdlib.h>

#include "types/numeric.h"

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
    return numeric_format(value.v, out);
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
    if (ok(s)) s = num_scale_by(env, n, 0, 4 * ((int64_t)weight - count + 1));
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
