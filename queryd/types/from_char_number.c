/* to_number: an input read along a template. */
#include "types/numeric.h"
#include "types/template_number.h"

struct number_reader {
    const struct number_shape *shape;
    const char *p, *end;
    char sign; /* ' ': none met */
    char *digits;
    size_t n;
    int before, behind;
    bool point;
};

static bool at_end(const struct number_reader *r) {
    return r->p >= r->end;
}

static bool is_number_part(char c) {
    return is_digit(c) || c == '.' || c == ',' || c == '+' || c == '-';
}

/* Up to n characters that are no part of a number. */
static void skip_others(struct number_reader *r, int n) {
    while (n-- > 0 && !at_end(r) && !is_number_part(*r->p)) r->p += utf8_len(r->p, r->end);
}

static void read_sign_before(struct number_reader *r) {
    const struct number_shape *s = r->shape;
    if (s->sign && s->sign_place != SIGN_BEFORE) {
        if (*r->p != '-' && *r->p != '+') return;
    }
    if (*r->p == '-' || (s->bracket && !s->sign && *r->p == '<')) {
        r->sign = '-';
        r->p++;
    } else if (*r->p == '+') {
        r->sign = '+';
        r->p++;
    }
}

/* Behind the last digit; where a sign ends up, the reader stands on it. */
static void read_sign_behind(struct number_reader *r, bool took) {
    const struct number_shape *s = r->shape;
    if (s->sign && took && r->p + 1 < r->end && !is_digit(r->p[1])) {
        if (r->p[1] != '-' && r->p[1] != '+') return;
        r->sign = *++r->p;
    } else if (!took && !s->sign && (s->plus || s->minus)) {
        if (*r->p == '-' || *r->p == '+') r->sign = *r->p;
    }
}

static void read_digit(struct number_reader *r, uint8_t id) {
    bool took = false;
    if (*r->p == ' ') r->p++;
    if (at_end(r)) return;
    if (r->sign == ' ' && (id == NP_0 || id == NP_9) && r->before + r->behind == 0)
        read_sign_before(r);
    if (at_end(r)) return;
    if (is_digit(*r->p)) {
        if (r->point && r->behind == r->shape->behind) return;
        r->digits[r->n++] = *r->p;
        *(r->point ? &r->behind : &r->before) += 1;
        took = true;
    } else if (r->shape->point && !r->point && *r->p == '.') {
        r->digits[r->n++] = '.';
        r->point = took = true;
    }
    if (r->sign == ' ' && r->before + r->behind > 0) read_sign_behind(r, took);
}

static bool read_sign_pattern(struct number_reader *r, uint8_t id) {
    bool minus = id != NP_PL && *r->p == '-', plus = id != NP_MI && *r->p == '+';
    if (minus || plus) {
        r->sign = *r->p;
        return true;
    }
    skip_others(r, 1);
    return false;
}

/* Whether the character that the reader stands on was used. */
static bool read_pattern(struct number_reader *r, uint8_t id) {
    switch (id) {
    case NP_0:
    case NP_9:
    case NP_POINT:
    case NP_D: read_digit(r, id); return true;
    case NP_COMMA:
    case NP_G: return !r->shape->fill && *r->p == ',';
    case NP_L: skip_others(r, 1); return false;
    case NP_TH:
    case NP_TH_LOWER:
        if (!r->shape->point && r->sign != '-') skip_others(r, 2);
        return false;
    case NP_MI:
    case NP_PL:
    case NP_SG: return read_sign_pattern(r, id);
    default: return false;
    }
}

static void read_all(struct number_reader *r, const struct template *t) {
    for (uint32_t i = 0; i < t->n && !at_end(r); i++) {
        const struct template_item *item = &t->items[i];
        if (item->kind != TEMPLATE_FIELD)
            r->p += utf8_len(r->p, r->end);
        else if (read_pattern(r, item->word->id))
            r->p++;
    }
    if (r->n && r->digits[r->n - 1] == '.') r->n--;
}

static status finish(struct fn_call *c, const struct number_reader *r, struct num *n) {
    const struct number_shape *s = r->shape;
    char *text = arena_printf(c->env->arena, "%c%.*s", r->sign, (int)r->n, r->digits);
    if (!text) return out_of_memory(c->env);
    TRY(num_parse(c->env, text, strlen(text), n));
    int precision = s->before + s->shifted + r->behind;
    TRY(num_apply_typmod(c->env, n, ((precision << 16) | r->behind) + TYPMOD_OFFSET));
    if (s->shifted) {
        /* PostgreSQL multiplies by a power of ten that shows 16 digits */
        n->scale += (uint32_t)s->shifted;
        num_set_scale(n, (uint32_t)r->behind + NUMERIC_SIGNIFICANT_MIN);
    }
    return num_store(c->env, n, &c->result);
}

status fn_numeric_to_number(struct fn_call *c) {
    struct template t;
    struct number_shape s;
    if (!c->args[1].v->len) return give_null(c);
    TRY(template_parse_number(c->env, c->args[1].v, &t, &s));
    if (s.exponent || s.roman)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "\"%s\" not supported for input",
                         s.exponent ? "EEEE" : "RN");
    const struct varlena *v = c->args[0].v;
    struct number_reader r = {.shape = &s,
                              .p = v->data,
                              .end = v->data + v->len,
                              .sign = ' ',
                              .digits = arena_alloc(c->env->arena, v->len + 1)};
    if (!r.digits) return out_of_memory(c->env);
    read_all(&r, &t);
    struct num n;
    num_init(&n);
    status st = finish(c, &r, &n);
    num_clear(&n);
    return st;
}
