/* Reading JSON text (RFC 8259): tokens, one looked ahead, and a descent that reports what it meets.
 */
#include <stdio.h>

#include "base/coro.h"
#include "types/json.h"

#define STACK_MARGIN (16 * 1024) /* bytes */
#define EXCERPT_BYTES 50         /* of a bad text, in the context of its error */

enum token {
    TOKEN_STRING = '"',
    TOKEN_NUMBER = '0',
    TOKEN_TRUE = 't',
    TOKEN_FALSE = 'f',
    TOKEN_NULL = 'n',
    TOKEN_END = 'e', /* of the text; all others are the character itself */
};

struct parser {
    const struct eval_env *env;
    const char *p, *end;
    const char *line;
    int line_number;
    char token; /* enum token */
    struct json_piece at;
    const struct json_events *events; /* NULL: only to see whether it is JSON */
    void *arg;
    struct buf plain; /* the string just read, unquoted */
};

/* ---- errors ---- */

/* Where the bad token ends, in its line. */
static void set_context(struct parser *s) {
    const char *start = s->line, *stop = s->at.p + s->at.len;
    while (stop - start >= EXCERPT_BYTES) start += utf8_len(start, s->end);
    if (start - s->line <= 3) start = s->line;
    bool more = s->token != TOKEN_END && stop < s->end && *stop != '\n' && *stop != '\r';
    snprintf(s->env->error->context, sizeof s->env->error->context, "JSON data, line %d: %s%.*s%s",
             s->line_number, start > s->line ? "..." : "", (int)(stop - start), start,
             more ? "..." : "");
}

static status bad_json(struct parser *s) {
    status st = error_set(s->env->error, ST_INVALID_TEXT_REPRESENTATION,
                          "invalid input syntax for type json");
    set_context(s);
    return st;
}

static status bad_token(struct parser *s, const char *stop) {
    s->at.len = (size_t)(stop - s->at.p);
    s->token = 0;
    status st = bad_json(s);
    error_detail(s->env->error, "Token \"%.*s\" is invalid.", (int)s->at.len, s->at.p);
    return st;
}

static status expected(struct parser *s, const char *what) {
    status st = bad_json(s);
    if (s->token == TOKEN_END)
        error_detail(s->env->error, "The input string ended unexpectedly.");
    else
        error_detail(s->env->error, "Expected %s, but found \"%.*s\".", what, (int)s->at.len,
                     s->at.p);
    return st;
}

/* ---- tokens ---- */

static bool is_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || (uint8_t)c >= 0x80;
}

static status read_hex(struct parser *s) {
    for (int i = 0; i < 4; i++) {
        if (++s->p == s->end) return bad_token(s, s->p);
        if (*s->p && strchr("0123456789abcdefABCDEF", *s->p)) continue;
        s->at.len = (size_t)(s->p + utf8_len(s->p, s->end) - s->at.p);
        status st = bad_json(s);
        error_detail(s->env->error, "\"\\u\" must be followed by four hexadecimal digits.");
        return st;
    }
    return OK;
}

static status read_escape(struct parser *s) {
    if (++s->p == s->end) return bad_token(s, s->p);
    if (*s->p == 'u') return read_hex(s);
    if (*s->p && strchr("\"\\/bfnrt", *s->p)) return OK;
    size_t len = utf8_len(s->p, s->end);
    s->at.len = (size_t)(s->p + len - s->at.p);
    status st = bad_json(s);
    error_detail(s->env->error, "Escape sequence \"\\%.*s\" is invalid.", (int)len, s->p);
    return st;
}

static status read_string(struct parser *s) {
    for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
        if (*s->p == '\\') {
            TRY(read_escape(s));
        } else if ((uint8_t)*s->p < 0x20) {
            s->at.len = (size_t)(s->p - s->at.p);
            status st = bad_json(s);
            error_detail(s->env->error, "Character with value 0x%02x must be escaped.",
                         (unsigned)(uint8_t)*s->p);
            return st;
        }
    }
    if (s->p == s->end) return bad_token(s, s->p);
    s->at.len = (size_t)(++s->p - s->at.p);
    if (!s->events) return OK;
    s->plain.len = 0;
    status st = json_unquote(s->env, s->at, &s->plain);
    if (!ok(st)) set_context(s);
    return st;
}

static bool read_digits(struct parser *s) {
    const char *start = s->p;
    while (s->p < s->end && is_digit(*s->p)) s->p++;
    return s->p > start;
}

static status read_number(struct parser *s) {
    bool good = true;
    if (*s->p == '-') s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else
        good = read_digits(s);
    if (good && s->p < s->end && *s->p == '.') {
        s->p++;
        good = read_digits(s);
    }
    if (good && s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
        good = read_digits(s);
    }
    for (; s->p < s->end && is_word(*s->p); s->p++) good = false;
    s->at.len = (size_t)(s->p - s->at.p);
    return good ? OK : bad_token(s, s->p);
}

static status read_word(struct parser *s) {
    static const char *const words[] = {"true", "false", "null"};
    while (s->p < s->end && is_word(*s->p)) s->p++;
    s->at.len = (size_t)(s->p - s->at.p);
    for (size_t i = 0; i < 3; i++)
        if (s->at.len == strlen(words[i]) && !memcmp(s->at.p, words[i], s->at.len)) {
            s->token = *words[i];
            return OK;
        }
    return bad_token(s, s->at.len ? s->p : s->p + 1);
}

#define BYTE_NS 3

static status next_token(struct parser *s) {
    TRY(eval_work(s->env, s->at.len * BYTE_NS + 20));
    for (; s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r');
         s->p++) {
        if (*s->p != '\n') continue;
        s->line_number++;
        s->line = s->p + 1;
    }
    s->at = (struct json_piece){s->p, 0};
    s->token = TOKEN_END;
    if (s->p == s->end) return OK;
    char c = *s->p;
    if (c == '-' || is_digit(c)) {
        s->token = TOKEN_NUMBER;
        return read_number(s);
    }
    if (!c || !strchr("{}[]:,\"", c)) return read_word(s);
    s->token = c;
    if (c == '"') return read_string(s);
    s->at.len = 1;
    s->p++;
    return OK;
}

/* ---- values ---- */

static status parse_value(struct parser *s);

static status tell_name(struct parser *s) {
    return s->events ? s->events->name(s->arg, s->plain.data, s->plain.len) : OK;
}

static status tell_scalar(struct parser *s, enum json_kind kind) {
    if (!s->events) return OK;
    if (kind == JSON_STRING) return s->events->scalar(s->arg, kind, s->plain.data, s->plain.len);
    return s->events->scalar(s->arg, kind, s->at.p, s->at.len);
}

static status parse_member(struct parser *s, const char *want) {
    if (s->token != TOKEN_STRING) return expected(s, want);
    TRY(tell_name(s));
    TRY(next_token(s));
    if (s->token != ':') return expected(s, "\":\"");
    TRY(next_token(s));
    return parse_value(s);
}

static status parse_object(struct parser *s) {
    TRY(next_token(s));
    const char *want = "string or \"}\"";
    while (s->token != '}') {
        TRY(parse_member(s, want));
        if (s->token == '}') break;
        if (s->token != ',') return expected(s, "\",\" or \"}\"");
        TRY(next_token(s));
        want = "string";
        if (s->token == '}') return expected(s, want);
    }
    return OK;
}

static status parse_array(struct parser *s) {
    TRY(next_token(s));
    if (s->token == ']') return OK;
    for (;;) {
        TRY(parse_value(s));
        if (s->token == ']') return OK;
        if (s->token != ',') return expected(s, "\",\" or \"]\"");
        TRY(next_token(s));
    }
}

static status parse_container(struct parser *s) {
    bool object = s->token == '{';
    if (coro_stack_left() < STACK_MARGIN)
        return error_set(s->env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (s->events) TRY(s->events->open(s->arg, object));
    TRY(object ? parse_object(s) : parse_array(s));
    return s->events ? s->events->close(s->arg) : OK;
}

/* The token ahead begins a value; afterwards it is the one behind it. */
static status parse_value(struct parser *s) {
    switch (s->token) {
    case '{':
    case '[': TRY(parse_container(s)); break;
    case TOKEN_STRING: TRY(tell_scalar(s, JSON_STRING)); break;
    case TOKEN_NUMBER: TRY(tell_scalar(s, JSON_NUMBER)); break;
    case TOKEN_TRUE:
    case TOKEN_FALSE: TRY(tell_scalar(s, JSON_BOOL)); break;
    case TOKEN_NULL: TRY(tell_scalar(s, JSON_NULL)); break;
    default: return expected(s, "JSON value");
    }
    return next_token(s);
}

static status parse_text(struct parser *s) {
    TRY(next_token(s));
    TRY(parse_value(s));
    return s->token == TOKEN_END ? OK : expected(s, "end of input");
}

status json_parse(const struct eval_env *env, const char *text, size_t len,
                  const struct json_events *events, void *arg) {
    struct parser s = {.env = env,
                       .p = text,
                       .end = text + len,
                       .line = text,
                       .line_number = 1,
                       .events = events,
                       .arg = arg};
    status st = parse_text(&s);
    buf_free(&s.plain);
    return st;
}
