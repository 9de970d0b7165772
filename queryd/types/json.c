/* Family json: text that is known to be JSON (RFC 8259), kept as it was written. */
#include "base/coro.h"
#include "types/internal.h"

#define DEPTH_MAX 6000

struct json_scan {
    const char *p, *end;
    const char *token; /* where the bad token starts */
    bool too_deep;
};

static void skip_blanks(struct json_scan *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool fail(struct json_scan *s, const char *token) {
    s->token = token;
    return false;
}

static bool scan_string(struct json_scan *s) {
    const char *start = s->p++;
    for (; s->p < s->end && *s->p != '"'; s->p++) {
        if ((uint8_t)*s->p < 0x20) return fail(s, start);
        if (*s->p != '\\') continue;
        if (++s->p == s->end) return fail(s, start);
        if (*s->p == 'u') {
            for (int i = 0; i < 4; i++) {
                s->p++;
                if (s->p == s->end || !strchr("0123456789abcdefABCDEF", *s->p) || !*s->p)
                    return fail(s, start);
            }
        } else if (!*s->p || !strchr("\"\\/bfnrt", *s->p)) {
            return fail(s, start);
        }
    }
    if (s->p == s->end) return fail(s, start);
    s->p++;
    return true;
}

static size_t digits(struct json_scan *s) {
    const char *start = s->p;
    while (s->p < s->end && is_digit(*s->p)) s->p++;
    return (size_t)(s->p - start);
}

static bool scan_number(struct json_scan *s) {
    const char *start = s->p;
    if (*s->p == '-') s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!digits(s))
        return fail(s, start);
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s)) return fail(s, start);
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
        if (!digits(s)) return fail(s, start);
    }
    if (s->p < s->end && (is_letter(*s->p) || is_digit(*s->p))) return fail(s, start);
    return true;
}

static bool scan_word(struct json_scan *s) {
    static const char *const words[] = {"true", "false", "null"};
    const char *start = s->p;
    while (s->p < s->end && is_letter(*s->p)) s->p++;
    for (size_t i = 0; i < 3; i++)
        if ((size_t)(s->p - start) == strlen(words[i]) &&
            !memcmp(start, words[i], (size_t)(s->p - start)))
            return true;
    return fail(s, start);
}

static bool scan_value(struct json_scan *s, int depth) {
    skip_blanks(s);
    if (s->p == s->end) return fail(s, NULL);
    char open = *s->p;
    if (open == '"') return scan_string(s);
    if (open == '-' || is_digit(open)) return scan_number(s);
    if (open != '{' && open != '[') return scan_word(s);
    if (depth >= DEPTH_MAX || coro_stack_left() < 16 * 1024) {
        s->too_deep = true;
        return false;
    }
    char close = open == '{' ? '}' : ']';
    s->p++;
    skip_blanks(s);
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return true;
    }
    for (;;) {
        skip_blanks(s);
        if (open == '{') {
            if (s->p == s->end || *s->p != '"') return fail(s, s->p < s->end ? s->p : NULL);
            if (!scan_string(s)) return false;
            skip_blanks(s);
            if (s->p == s->end || *s->p != ':') return fail(s, s->p < s->end ? s->p : NULL);
            s->p++;
        }
        if (!scan_value(s, depth + 1)) return false;
        skip_blanks(s);
        if (s->p == s->end) return fail(s, NULL);
        if (*s->p == close) break;
        if (*s->p != ',') return fail(s, s->p);
        s->p++;
    }
    s->p++;
    return true;
}

static status json_in(const struct eval_env *env, const struct type *t, int32_t typmod,
                      const char *text, size_t len, datum *ret) {
    struct json_scan s = {.p = text, .end = text + len};
    bool good = scan_value(&s, 0);
    if (good) {
        skip_blanks(&s);
        if (s.p < s.end) good = fail(&s, s.p);
    }
    if (s.too_deep)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (!good) {
        status st = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                              "invalid input syntax for type json");
        if (!s.token) {
            error_detail(env->error, "The input string ended unexpectedly.");
        } else {
            const char *end = s.token;
            while (end < s.end && (is_letter(*end) || is_digit(*end) || *end == '_')) end++;
            if (end == s.token) end += utf8_len(s.token, s.end);
            error_detail(env->error, "Token \"%.*s\" is invalid.", (int)(end - s.token), s.token);
        }
        return st;
    }
    return family_text.in(env, t, typmod, text, len, ret);
}

static status json_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.v->data, value.v->len);
}

const struct type_family family_json = {
    .in = json_in, .out = json_out, .receive = json_in, .send = json_out};
