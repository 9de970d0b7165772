/* size_fn.c: numbers of bytes for people: pg_size_pretty, pg_size_bytes. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "types/internal.h"
#include "types/numeric.h"

#define UNITS 6
static const char *const units[UNITS] = {"bytes", "kB", "MB", "GB", "TB", "PB"};

/* Units grow while a number has five digits. From the second on, sizes are in half units, which are
 * rounded away from zero at the end. */
static int64_t unit_limit(unsigned unit) {
    return unit ? 20 * 1024 - 1 : 10 * 1024;
}

static status give_size(struct fn_call *c, const char *number, size_t len, unsigned unit) {
    const char *text = arena_printf(c->env->arena, "%.*s %s", (int)len, number, units[unit]);
    return text ? give_string(c, text) : out_of_memory(c->env);
}

status fn_size_pretty(struct fn_call *c) {
    int64_t size = c->args[0].i64;
    unsigned unit = 0;
    char number[32];
    while (unit + 1 < UNITS && (size <= -unit_limit(unit) || size >= unit_limit(unit)))
        size /= unit++ ? 1024 : 512;
    if (unit) size = (size + (size < 0 ? -1 : 1)) / 2;
    int len = snprintf(number, sizeof number, "%lld", (long long)size);
    return give_size(c, number, (size_t)len, unit);
}

/* n ≥ limit, or n ≤ -limit. */
static bool reaches(const struct num *n, int64_t limit) {
    mpz_t bound;
    mpz_init_set_ui(bound, (unsigned long)limit);
    mpz_t scale;
    mpz_init(scale);
    num_pow10(scale, n->scale);
    mpz_mul(bound, bound, scale);
    bool is = mpz_cmpabs(n->z, bound) >= 0;
    mpz_clear(scale);
    mpz_clear(bound);
    return is;
}

static void divide_to_whole(struct num *n, unsigned long by) {
    mpz_t scale;
    mpz_init(scale);
    num_pow10(scale, n->scale);
    mpz_tdiv_q(n->z, n->z, scale);
    mpz_tdiv_q_ui(n->z, n->z, by);
    n->scale = 0;
    mpz_clear(scale);
}

static status pretty(struct fn_call *c, struct num *n) {
    struct buf out = {0};
    unsigned unit = num_finite(n) ? 0 : UNITS - 1;
    while (num_finite(n) && unit + 1 < UNITS && reaches(n, unit_limit(unit)))
        divide_to_whole(n, unit++ ? 1024 : 512);
    if (num_finite(n) && unit) {
        if (mpz_sgn(n->z) < 0)
            mpz_sub_ui(n->z, n->z, 1);
        else
            mpz_add_ui(n->z, n->z, 1);
        mpz_tdiv_q_ui(n->z, n->z, 2);
    }
    status st = num_format(n, &out);
    if (ok(st)) st = give_size(c, out.data, out.len, unit);
    buf_free(&out);
    return st;
}

status fn_size_pretty_numeric(struct fn_call *c) {
    struct num n;
    num_init(&n);
    num_load(&n, c->args[0].v);
    status st = pretty(c, &n);
    num_clear(&n);
    return st;
}

/* ---- back ------------------------------------------------------------------------------------ */

static const char *digits_end(const char *at, const char *end) {
    while (at < end && is_digit(*at)) at++;
    return at;
}

/* Where the number that the text begins with ends; NULL: it begins with none. An e that no digits
 * follow is the unit's. */
static const char *number_end(const char *at, const char *end) {
    if (at < end && (*at == '-' || *at == '+')) at++;
    const char *whole = at, *fraction = digits_end(at, end);
    at = fraction;
    bool any = at > whole;
    if (at < end && *at == '.') {
        fraction = digits_end(at + 1, end);
        any |= fraction > at + 1;
    }
    if (!any) return NULL;
    const char *e = fraction;
    if (e == end || (*e | 0x20) != 'e') return fraction;
    const char *digits = e + 1 < end && (e[1] == '-' || e[1] == '+') ? e + 2 : e + 1;
    const char *last = digits_end(digits, end);
    return last > digits ? last : fraction;
}

static status invalid_size(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "invalid size: \"%.*s\"",
                     (int)v->len, v->data);
}

static bool is_blank(char ch) {
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static status unit_shift(struct fn_call *c, const char *word, size_t len, unsigned *ret_shift) {
    for (unsigned i = 0; i < UNITS; i++)
        if (strlen(units[i]) == len && !strncasecmp(units[i], word, len)) {
            *ret_shift = 10 * i;
            return OK;
        }
    status st = invalid_size(c);
    error_detail(c->env->error, "Invalid size unit: \"%.*s\".", (int)len, word);
    error_hint(c->env->error,
               "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".");
    return st;
}

static status give_shifted(struct fn_call *c, struct num *n, unsigned shift) {
    mpz_mul_2exp(n->z, n->z, shift);
    num_set_scale(n, 0);
    if (!mpz_fits_slong_p(n->z))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    return give_int8(c, mpz_get_si(n->z));
}

status fn_size_bytes(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    const char *at = v->data, *end = at + v->len;
    unsigned shift = 0;
    struct num n;
    while (at < end && is_blank(*at)) at++;
    while (end > at && is_blank(end[-1])) end--;
    const char *unit = number_end(at, end);
    if (!unit) return invalid_size(c);
    const char *word = unit;
    while (word < end && is_blank(*word)) word++;
    if (word < end) TRY(unit_shift(c, word, (size_t)(end - word), &shift));
    num_init(&n);
    status st = num_parse(c->env, at, (size_t)(unit - at), &n);
    if (ok(st)) st = give_shifted(c, &n, shift);
    num_clear(&n);
    return st;
}
