/* to_char of numbers. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "types/numeric.h"
#include "types/template_number.h"

#define ROMAN_WIDTH 15

/* A number's digits on their way into a template. */
struct digits {
    const struct eval_env *env;
    const struct number_shape *shape;
    char sign;
    const char *text;          /* digits with a point perhaps; all # when there is no room */
    const char *p;             /* the next one */
    const char *last_relevant; /* under FM: behind it are only zeros; NULL: all count */
    int spaces;                /* digit patterns in front of the first digit */
    int place;                 /* of the digit pattern at hand */
    int last_place;
    bool sign_written, begun;
    bool sign_behind;
    struct buf *out;
};

static status put(struct digits *d, char c) {
    return buf_add(d->out, &c, 1);
}

/* "9.9" shows 0.1 as " .1" */
static bool is_zero_before_point(const struct digits *d) {
    return !d->shape->zero && d->p == d->text && *d->p == '0' && d->shape->behind != 0;
}

static bool ends_at_point(const struct digits *d) {
    return d->last_relevant && *d->last_relevant == '.';
}

static status put_sign(struct digits *d) {
    const struct number_shape *s = d->shape;
    bool here = d->place >= d->spaces || (s->zero && s->zero_start == d->place);
    if (d->sign_written || !here || (is_zero_before_point(d) && !ends_at_point(d))) return OK;
    if (s->sign) {
        if (d->sign_behind) return OK;
        d->sign_written = true;
        return put(d, d->sign);
    }
    d->sign_written = true;
    if (s->bracket) return put(d, d->sign == '+' ? ' ' : '<');
    if (d->sign == '-') return put(d, '-');
    return s->fill ? OK : put(d, ' ');
}

static status put_sign_behind(struct digits *d) {
    const struct number_shape *s = d->shape;
    if (d->sign_written && s->bracket) return put(d, d->sign == '+' ? ' ' : '>');
    return s->sign && d->sign_behind ? put(d, d->sign) : OK;
}

static status put_digit_here(struct digits *d, uint8_t id) {
    const struct number_shape *s = d->shape;
    if (*d->p == '.') {
        if (ends_at_point(d) && !s->fill) return OK;
        return put(d, '.');
    }
    if (d->last_relevant && d->p > d->last_relevant && id != NP_0) return OK;
    if (is_zero_before_point(d)) {
        if (!s->fill) return put(d, ' ');
        return ends_at_point(d) ? put(d, '0') : OK;
    }
    d->begun = true;
    return *d->p ? put(d, *d->p) : OK;
}

static status put_digit(struct digits *d, uint8_t id) {
    const struct number_shape *s = d->shape;
    if (s->roman) return OK;
    d->begun = false;
    TRY(put_sign(d));
    bool ahead = d->place < d->spaces;
    if (ahead && (!s->zero || s->zero_start > d->place)) {
        if (!s->fill) TRY(put(d, ' '));
    } else if (ahead) {
        TRY(put(d, '0'));
        d->begun = true;
    } else {
        TRY(put_digit_here(d, id));
        if (*d->p) d->p++;
    }
    int end = d->last_place + (d->spaces ? 1 : 0) + (s->point ? 1 : 0);
    if (d->last_relevant && d->last_relevant == d->p) end = d->place;
    if (d->place + 1 == end) TRY(put_sign_behind(d));
    d->place++;
    return OK;
}

static status put_ordinal(struct digits *d, bool upper) {
    if (d->shape->roman || *d->text == '#' || d->sign == '-' || d->shape->point) return OK;
    if (!is_digit(d->text[strlen(d->text) - 1]))
        return error_set(d->env->error, ST_INVALID_TEXT_REPRESENTATION, "\"%s\" is not a number",
                         d->text);
    return buf_add_str(d->out, ordinal_ending(d->text, strlen(d->text), upper));
}

static status put_roman(struct digits *d, bool lower) {
    char text[32];
    int n = snprintf(text, sizeof text, "%*s", d->shape->fill ? 0 : ROMAN_WIDTH, d->text);
    for (int i = 0; lower && i < n; i++) text[i] = lower_ascii(text[i]);
    return buf_add(d->out, text, (size_t)n);
}

static status put_pattern(struct digits *d, uint8_t id) {
    bool fill = d->shape->fill;
    switch (id) {
    case NP_0:
    case NP_9:
    case NP_POINT:
    case NP_D: return put_digit(d, id);
    case NP_COMMA:
    case NP_G: return d->begun ? put(d, ',') : fill ? OK : put(d, ' ');
    case NP_L: return put(d, ' ');
    case NP_RN:
    case NP_RN_LOWER: return put_roman(d, id == NP_RN_LOWER);
    case NP_TH:
    case NP_TH_LOWER: return put_ordinal(d, id == NP_TH);
    case NP_MI: return d->sign == '-' ? put(d, '-') : fill ? OK : put(d, ' ');
    case NP_PL: return d->sign == '+' ? put(d, '+') : fill ? OK : put(d, ' ');
    case NP_SG: return put(d, d->sign);
    default: return OK;
    }
}

/* The last digit behind the point that is not zero, or the point; kept zeros count. */
static const char *find_last_relevant(const struct digits *d) {
    const char *last = strchr(d->text, '.');
    if (!last) return NULL;
    for (const char *p = last + 1; *p; p++)
        if (*p != '0') last = p;
    if (d->shape->zero_end > d->spaces) {
        int end = (int)strlen(d->text) - 1, kept = d->shape->zero_end - d->spaces;
        const char *zero = d->text + (kept < end ? kept : end);
        if (zero > last) last = zero;
    }
    return last;
}

static void begin(struct digits *d, struct number_shape *s) {
    if (s->roman) {
        *s = (struct number_shape){.fill = s->fill, .roman = true};
        d->sign = 0;
        d->spaces = 0;
    }
    if (s->plus || s->minus) {
        d->sign_written = !(s->plus && !s->minus);
    } else {
        if (d->sign != '-' && s->fill) s->bracket = false;
        d->sign_written = d->sign == '+' && s->fill && !s->sign;
        if (s->sign_place == SIGN_BEFORE && s->before == s->before_at_sign)
            s->sign_place = SIGN_BEHIND;
    }
    d->sign_behind = s->sign_place == SIGN_BEHIND;
    d->last_place = s->before + s->behind - 1;
    if (s->fill && s->point) d->last_relevant = find_last_relevant(d);
    if (!d->sign_written && d->spaces == 0) d->last_place++;
    d->p = d->text;
}

static status run(struct fn_call *c, const struct template *t, struct number_shape *s,
                  struct digits *d) {
    struct buf out = {0};
    status st = OK;
    d->env = c->env;
    d->shape = s;
    d->out = &out;
    begin(d, s);
    for (uint32_t i = 0; ok(st) && i < t->n; i++) {
        const struct template_item *item = &t->items[i];
        st = item->kind == TEMPLATE_FIELD ? put_pattern(d, item->word->id)
                                          : buf_add_str(&out, item->text);
    }
    return give_buf(c, st, &out);
}

static const char *hashes(const struct eval_env *env, int before, int behind) {
    char *text = arena_alloc(env->arena, (size_t)(before + behind) + 2);
    if (!text) return NULL;
    memset(text, '#', (size_t)(before + behind) + 1);
    text[before] = '.';
    text[before + behind + 1] = 0;
    return text;
}

/* The number's text without sign: padding in front, or # when it does not fit. */
static status run_decimal(struct fn_call *c, const struct template *t, struct number_shape *s,
                          const char *text) {
    struct digits d = {.sign = *text == '-' ? '-' : '+', .text = *text == '-' ? text + 1 : text};
    int len = (int)strcspn(d.text, ".");
    if (len < s->before)
        d.spaces = s->before - len;
    else if (len > s->before)
        d.text = hashes(c->env, s->before, s->behind);
    if (!d.text) return out_of_memory(c->env);
    return run(c, t, s, &d);
}

/* One decimal digit; `unit` is the letter for one, those for five and ten follow. */
static char *add_roman(char *p, const char *unit, int digit) {
    static const char *const shapes[10] = {"",  "0",  "00",  "000",  "01",
                                           "1", "10", "100", "1000", "02"};
    for (const char *q = shapes[digit]; *q; q++) *p++ = unit[*q - '0'];
    return p;
}

static status run_roman(struct fn_call *c, const struct template *t, struct number_shape *s,
                        int32_t x) {
    static const char letters[] = "IVXLCDM";
    char text[ROMAN_WIDTH + 1] = "###############";
    if (x >= 1 && x <= 3999) {
        char *p = text;
        int power = 1000;
        for (int i = 3; i >= 0; i--, power /= 10) p = add_roman(p, letters + 2 * i, x / power % 10);
        *p = 0;
    }
    struct digits d = {.text = text};
    return run(c, t, s, &d);
}

/* NaN and infinity have no exponent. */
static status give_no_exponent(struct fn_call *c, const struct number_shape *s) {
    struct buf out = {0};
    status st = buf_add_str(&out, " ");
    for (int i = 1; ok(st) && i < s->before + s->behind + 6; i++)
        st = buf_add_str(&out, i == s->before + 1 ? "." : "#");
    return give_buf(c, st, &out);
}

static status parse(struct fn_call *c, struct template *t, struct number_shape *s) {
    return template_parse_number(c->env, c->args[1].v, t, s);
}

/* ---- numeric and the integers ---- */

/* Times 10^power, exactly. */
static void scale_by(struct num *n, int power) {
    int64_t scale = (int64_t)n->scale - power;
    if (scale < 0) {
        mpz_t factor;
        mpz_init(factor);
        num_pow10(factor, (unsigned long)-scale);
        mpz_mul(n->z, n->z, factor);
        mpz_clear(factor);
        scale = 0;
    }
    n->scale = (uint32_t)scale;
}

static status number_text(const struct eval_env *env, const struct num *n, const char **ret) {
    struct buf text = {0};
    status s = num_format(n, &text);
    if (ok(s)) {
        *ret = arena_strndup(env->arena, text.data, text.len);
        if (!*ret) s = out_of_memory(env);
    }
    buf_free(&text);
    return s;
}

static status show_exponent(struct fn_call *c, const struct number_shape *s, struct num *n) {
    const char *text;
    if (!num_finite(n)) return give_no_exponent(c, s);
    int32_t exponent = mpz_sgn(n->z) ? num_exponent(n) : 0;
    scale_by(n, -exponent);
    num_set_scale(n, (uint32_t)s->behind);
    TRY(number_text(c->env, n, &text));
    char *whole =
        arena_printf(c->env->arena, "%s%se%+03d", *text == '-' ? "" : " ", text, exponent);
    return whole ? give_string(c, whole) : out_of_memory(c->env);
}

static status roman_number(struct fn_call *c, struct num *n, int32_t *ret) {
    if (!num_finite(n))
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "cannot convert %s to integer",
                         n->kind == NUM_NAN ? "NaN" : "infinity");
    num_set_scale(n, 0);
    if (!mpz_fits_sint_p(n->z))
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    *ret = (int32_t)mpz_get_si(n->z);
    return OK;
}

static status show_num(struct fn_call *c, struct num *n) {
    struct template t;
    struct number_shape s;
    const char *text;
    if (!c->args[1].v->len) return give_bytes(c, "", 0);
    TRY(parse(c, &t, &s));
    if (s.roman) {
        int32_t x;
        TRY(roman_number(c, n, &x));
        return run_roman(c, &t, &s, x);
    }
    if (s.exponent) return show_exponent(c, &s, n);
    if (num_finite(n)) {
        if (s.shift) scale_by(n, s.shifted);
        num_set_scale(n, (uint32_t)s.behind);
    }
    if (s.shift) s.before += s.shifted;
    TRY(number_text(c->env, n, &text));
    return run_decimal(c, &t, &s, text);
}

status fn_numeric_to_char(struct fn_call *c) {
    struct num n;
    num_init(&n);
    num_load(&n, c->args[0].v);
    status s = show_num(c, &n);
    num_clear(&n);
    return s;
}

status fn_int_to_char(struct fn_call *c) {
    struct num n;
    num_init(&n);
    mpz_set_si(n.z, c->args[0].i64);
    n.scale = 0;
    n.kind = c->args[0].i64 < 0 ? NUM_NEGATIVE : NUM_POSITIVE;
    status s = show_num(c, &n);
    num_clear(&n);
    return s;
}

/* ---- floats ---- */

static const char *float_text(const struct eval_env *env, int digits, double x) {
    if (isnan(x)) return "NaN";
    if (isinf(x)) return x < 0 ? "-Infinity" : "Infinity";
    return arena_printf(env->arena, "%.*f", digits, x);
}

static status show_float(struct fn_call *c, double x, int precision) {
    struct template t;
    struct number_shape s;
    if (!c->args[1].v->len) return give_bytes(c, "", 0);
    TRY(parse(c, &t, &s));
    if (s.roman) {
        if (isnan(x) || rint(x) < INT32_MIN || rint(x) > INT32_MAX)
            return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        return run_roman(c, &t, &s, (int32_t)rint(x));
    }
    if (s.exponent) {
        if (!isfinite(x)) return give_no_exponent(c, &s);
        char *text = arena_printf(c->env->arena, "% .*e", s.behind, x);
        return text ? give_string(c, text) : out_of_memory(c->env);
    }
    if (s.shift) {
        x *= pow(10, s.shifted);
        s.before += s.shifted;
    }
    const char *whole = float_text(c->env, 0, fabs(x));
    if (!whole) return out_of_memory(c->env);
    int len = (int)strlen(whole);
    if (len >= precision)
        s.behind = 0;
    else if (len + s.behind > precision)
        s.behind = precision - len;
    const char *text = float_text(c->env, s.behind, x);
    return text ? run_decimal(c, &t, &s, text) : out_of_memory(c->env);
}

status fn_float8_to_char(struct fn_call *c) {
    return show_float(c, c->args[0].f8, DBL_DIG);
}
status fn_float4_to_char(struct fn_call *c) {
    return show_float(c, c->args[0].f4, FLT_DIG);
}
