/* Family money: hundredths in 64 bits. Its texts are those of lc_monetary C: $,
 * commas between thousands, two digits behind the point. */
#include "types/internal.h"

#define CURRENCY '$'
#define POINT '.'
#define SEPARATOR ','
#define DECIMALS 2 /* of the unit */
#define UNIT 100

/* ---- reading ---- */

/* What is left of a text. */
struct rest {
    const char *p, *end;
};

static bool take(struct rest *r, char c) {
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static void skip_currency(struct rest *r) {
    while (r->p < r->end && is_space(*r->p)) r->p++;
    take(r, CURRENCY);
    while (r->p < r->end && is_space(*r->p)) r->p++;
}

/* A parenthesis is a minus. */
static bool read_sign(struct rest *r) {
    if (take(r, '-') || take(r, '(')) return true;
    take(r, '+');
    return false;
}

static bool add_digit(int64_t *x, int digit) {
    return !__builtin_mul_overflow(*x, 10, x) && !__builtin_sub_overflow(*x, digit, x);
}

/* Digits with separators anywhere, rounded to hundredths; below zero, where
 * there is room for one more. False: too much. */
static bool read_amount(struct rest *r, int64_t *ret) {
    int64_t x = 0;
    int behind = -1; /* digits behind the point; -1: it has not come */
    for (; r->p < r->end; r->p++) {
        if (is_digit(*r->p) && behind < DECIMALS) {
            if (!add_digit(&x, *r->p - '0')) return false;
            if (behind >= 0) behind++;
        } else if (*r->p == POINT && behind < 0)
            behind = 0;
        else if (*r->p != SEPARATOR)
            break;
    }
    bool up = r->p < r->end && is_digit(*r->p) && *r->p >= '5';
    if (up && __builtin_sub_overflow(x, 1, &x)) return false;
    for (behind = behind < 0 ? 0 : behind; behind < DECIMALS; behind++)
        if (!add_digit(&x, 0)) return false;
    while (r->p < r->end && is_digit(*r->p)) r->p++;
    *ret = x;
    return true;
}

/* Signs may come last, too. */
static bool read_rest(struct rest *r, bool *negative) {
    for (; r->p < r->end; r->p++) {
        if (*r->p == '-')
            *negative = true;
        else if (!is_space(*r->p) && *r->p != ')' && *r->p != '+' && *r->p != CURRENCY)
            return false;
    }
    return true;
}

static status money_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                       size_t len, datum *ret) {
    struct rest r = {text, text + len};
    int64_t x;
    skip_currency(&r);
    bool negative = read_sign(&r);
    skip_currency(&r);
    if (!read_amount(&r, &x)) return bad_range(env, t->name, text, len);
    if (!read_rest(&r, &negative)) return bad_input(env, t->name, text, len);
    if (!negative && x == INT64_MIN) return bad_range(env, t->name, text, len);
    *ret = datum_int8(negative ? x : -x);
    return OK;
}

/* ---- writing ---- */

static status money_out(const struct eval_env *, const struct type *, datum value,
                        struct buf *out) {
    char digits[24], text[48], *p = text;
    uint64_t x = value.i64 < 0 ? -(uint64_t)value.i64 : (uint64_t)value.i64;
    size_t n = int_format((int64_t)(x / UNIT), digits);
    unsigned cents = (unsigned)(x % UNIT);
    if (value.i64 < 0) *p++ = '-';
    *p++ = CURRENCY;
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) *p++ = SEPARATOR;
        *p++ = digits[i];
    }
    *p++ = POINT;
    *p++ = (char)('0' + cents / 10);
    *p++ = (char)('0' + cents % 10);
    return buf_add(out, text, (size_t)(p - text));
}

/* ---- binary and order: as int8 ---- */

static status money_receive(const struct eval_env *env, const struct type *, int32_t,
                            const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 8));
    *ret = datum_int8((int64_t)load_be64(bytes));
    return OK;
}

static status money_send(const struct eval_env *, const struct type *, datum value,
                         struct buf *out) {
    char big[8];
    store_be64(big, value.u64);
    return buf_add(out, big, sizeof big);
}

static int money_compare(const struct type *, datum a, datum b) {
    return (a.i64 > b.i64) - (a.i64 < b.i64);
}

static uint64_t money_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

static status money_key(const struct type *, datum value, struct buf *out) {
    return key_add_int(out, value.i64, 8);
}

const struct type_family family_money = {.in = money_in,
                                         .out = money_out,
                                         .receive = money_receive,
                                         .send = money_send,
                                         .compare = money_compare,
                                         .hash = money_hash,
                                         .key = money_key,
                                         .key_len = key_len_8};
