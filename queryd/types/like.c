/* LIKE and ILIKE: % any run, _ any character, backslash escapes. */
#include <wctype.h>

#include "types/like.h"
#include "types/vector.h"

struct like {
    const char *p, *p_end; /* pattern */
    bool fold;             /* regardless of case */
    bool bytes;            /* bytea: _ is a byte */
    const struct eval_env *env;
    status ended; /* LIKE_BAD, and the pattern is good: why */
};

enum like_result { LIKE_NO, LIKE_YES, LIKE_BAD };

#define STEPS_PER_TURN 4096
#define STEP_NS 5

static uint32_t next_letter(const struct like *l, const char **p, const char *end) {
    if (l->bytes || !(**p & 0x80)) {
        uint8_t c = (uint8_t) * (*p)++;
        return l->fold ? (uint8_t)lower_ascii((char)c) : c;
    }
    size_t n;
    uint32_t c = utf8_decode(*p, end, &n);
    *p += n;
    return l->fold ? (uint32_t)towlower(c) : c;
}

/* Where behind a % the text may go on: at the letters that follow it in the pattern. NULL: nowhere.
 * Letters of several bytes are found by their bytes, as no letter's bytes begin within another's.
 */
static const char *find_next(const struct like *l, const char *p, const char *t,
                             const char *t_end) {
    size_t n = 0;
    if (l->fold) return t;
    while (p + n < l->p_end && p[n] != '%' && p[n] != '_' && p[n] != '\\') n++;
    return n ? memmem(t, (size_t)(t_end - t), p, n) : t;
}

/* One % is remembered: on a mismatch the text goes on one character further behind it. Earlier ones
 * need no second thought, as the shortest run that they can take is always good enough. */
static enum like_result match(struct like *l, const char *t, const char *t_end) {
    const char *p = l->p, *resume_p = NULL, *resume_t = NULL;
    for (uint32_t steps = 1;; steps++) {
        if (steps % STEPS_PER_TURN == 0 &&
            !ok(l->ended = eval_work(l->env, STEPS_PER_TURN * STEP_NS)))
            return LIKE_BAD;
        bool advanced = false;
        if (p < l->p_end && *p == '%') {
            resume_p = ++p;
            if (p == l->p_end) return LIKE_YES;
            if (!(resume_t = t = find_next(l, p, t, t_end))) return LIKE_NO;
            continue;
        }
        if (t == t_end) {
            return p == l->p_end ? LIKE_YES : LIKE_NO;
        }
        if (p < l->p_end) {
            const char *before_t = t;
            if (*p == '_') {
                p++;
                next_letter(l, &t, t_end);
                advanced = true;
            } else {
                if (*p == '\\' && ++p == l->p_end) return LIKE_BAD;
                const char *before_p = p;
                advanced = next_letter(l, &p, l->p_end) == next_letter(l, &t, t_end);
                if (!advanced) {
                    p = before_p;
                    t = before_t;
                }
            }
        }
        if (advanced) continue;
        if (!resume_p) return LIKE_NO;
        p = resume_p;
        next_letter(l, &resume_t, t_end);
        if (!(resume_t = t = find_next(l, p, resume_t, t_end))) return LIKE_NO;
    }
}

static status run(const struct eval_env *env, const char *text, size_t len, datum pattern,
                  bool fold, bool bytes, bool wanted, datum *ret) {
    struct like l = {pattern.v->data, pattern.v->data + pattern.v->len, fold, bytes, env, OK};
    enum like_result r = match(&l, text, text + len);
    TRY(l.ended);
    if (r == LIKE_BAD)
        return error_set(env->error, ST_INVALID_ESCAPE_SEQUENCE,
                         "LIKE pattern must not end with escape character");
    *ret = datum_bool((r == LIKE_YES) == wanted);
    return OK;
}

status like_match(const struct eval_env *env, datum text, datum pattern, bool wanted, datum *ret) {
    return run(env, text.v->data, text.v->len, pattern, false, false, wanted, ret);
}

#define TEXT_LIKE(name, fold, bytes, wanted)                                                       \
    static inline status compute_##name(const struct eval_env *env, datum a, datum b,              \
                                        datum *ret) {                                              \
        return run(env, a.v->data, a.v->len, b, fold, bytes, wanted, ret);                         \
    }                                                                                              \
    CHECKED_BINARY(name, compute_##name)
TEXT_LIKE(textlike, false, false, true)
TEXT_LIKE(textnlike, false, false, false)
TEXT_LIKE(texticlike, true, false, true)
TEXT_LIKE(texticnlike, true, false, false)
TEXT_LIKE(bytealike, false, true, true)
TEXT_LIKE(byteanlike, false, true, false)

#define NAME_LIKE(name, fold, wanted)                                                              \
    status fn_##name(struct fn_call *c) {                                                          \
        return run(c->env, c->args[0].s, strnlen(c->args[0].s, NAME_BYTES), c->args[1], fold,      \
                   false, wanted, &c->result);                                                     \
    }
NAME_LIKE(namelike, false, true)
NAME_LIKE(namenlike, false, false)
NAME_LIKE(nameiclike, true, true)
NAME_LIKE(nameicnlike, true, false)

/* like_escape(pattern, escape): the pattern with backslash in the place of the escape character */
status fn_like_escape(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *escape = c->args[1].v;
    const char *p = v->data, *end = p + v->len, *e = escape->data;
    bool bytes = c->site->function->args[0] == BYTEAOID;
    size_t e_len = escape->len;
    struct buf b = {0};
    status s = OK;
    if (e_len && (bytes ? e_len > 1 : utf8_count(e, e_len) != 1)) {
        s = error_set(c->env->error, ST_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_hint(c->env->error, "Escape string must be empty or one character.");
        return s;
    }
    if (e_len == 1 && *e == '\\') return fn_identity(c);
    while (ok(s) && p < end) {
        size_t n = bytes ? 1 : utf8_len(p, end);
        if (e_len && n == e_len && !memcmp(p, e, n)) {
            s = buf_add(&b, "\\", 1);
            p += n;
            if (p == end) break;
            n = bytes ? 1 : utf8_len(p, end);
            if (ok(s)) s = buf_add(&b, p, n);
        } else {
            if (*p == '\\') s = buf_add(&b, "\\", 1);
            if (ok(s)) s = buf_add(&b, p, n);
        }
        p += n;
    }
    return give_buf(c, s, &b);
}
