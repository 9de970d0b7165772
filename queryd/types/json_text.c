/* JSON as text: taking it apart, and quoting. The text has been checked before it became a value.
 */
#include "types/json.h"

enum json_kind json_kind_of(struct json_piece v) {
    switch (*v.p) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't':
    case 'f': return JSON_BOOL;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct json_piece json_piece_of(const struct varlena *v) {
    const char *p = v->data, *end = p + v->len;
    while (p < end && is_blank(*p)) p++;
    while (end > p && is_blank(end[-1])) end--;
    return (struct json_piece){p, (size_t)(end - p)};
}

static const char *skip_blanks(const char *p, const char *end) {
    while (p < end && is_blank(*p)) p++;
    return p;
}

static const char *skip_string(const char *p, const char *end) {
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\') p++;
    return p < end ? p + 1 : end;
}

static const char *skip_value(const char *p, const char *end) {
    int depth = 0;
    do {
        if (*p == '"') {
            p = skip_string(p, end);
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        bool word = depth == 0 && *p != '}' && *p != ']';
        p++;
        while (word && p < end && !is_blank(*p) && *p != ',' && *p != '}' && *p != ']') p++;
    } while (p < end && depth > 0);
    return p;
}

void json_cursor_init(struct json_cursor *c, struct json_piece container) {
    *c = (struct json_cursor){.p = container.p + 1,
                              .end = container.p + container.len - 1,
                              .object = *container.p == '{'};
}

bool json_cursor_next(struct json_cursor *c, struct json_piece *ret_key, struct json_piece *ret) {
    const char *p = skip_blanks(c->p, c->end);
    if (p < c->end && *p == ',') p = skip_blanks(p + 1, c->end);
    if (p >= c->end) return false;
    if (c->object) {
        const char *key = p;
        p = skip_string(p, c->end);
        *ret_key = (struct json_piece){key, (size_t)(p - key)};
        p = skip_blanks(p, c->end);
        p = skip_blanks(p + 1, c->end);
    }
    const char *value = p;
    c->p = skip_value(p, c->end);
    *ret = (struct json_piece){value, (size_t)(c->p - value)};
    return true;
}

/* ---- strings ---- */

static uint32_t hex_4(const char *p) {
    uint32_t x = 0;
    for (int i = 0; i < 4; i++) x = x * 16 + (uint32_t)hex_digit(p[i]);
    return x;
}

static status bad_surrogate(const struct eval_env *env, const char *detail) {
    status s =
        error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json");
    error_detail(env->error, "%s", detail);
    return s;
}

/* \uXXXX, or two of them that make one character; *p stands behind the u. */
static status unquote_code(const struct eval_env *env, const char **p, const char *end,
                           struct buf *out) {
    uint32_t c = hex_4(*p);
    char bytes[4];
    *p += 4;
    if (c == 0) {
        status s = error_set(env->error, ST_UNTRANSLATABLE_CHARACTER,
                             "unsupported Unicode escape sequence");
        error_detail(env->error, "\\u0000 cannot be converted to text.");
        return s;
    }
    if (c >= 0xDC00 && c < 0xE000)
        return bad_surrogate(env, "Unicode low surrogate must follow a high surrogate.");
    if (c >= 0xD800 && c < 0xDC00) {
        uint32_t low = end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? hex_4(*p + 2) : 0;
        if (low >= 0xD800 && low < 0xDC00)
            return bad_surrogate(env, "Unicode high surrogate must not follow a high surrogate.");
        if (low < 0xDC00 || low >= 0xE000)
            return bad_surrogate(env, "Unicode low surrogate must follow a high surrogate.");
        c = 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
        *p += 6;
    }
    return buf_add(out, bytes, utf8_encode(c, bytes));
}

status json_unquote(const struct eval_env *env, struct json_piece quoted, struct buf *out) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = quoted.p + 1, *end = quoted.p + quoted.len - 1;
    while (p < end) {
        const char *plain = p;
        while (p < end && *p != '\\') p++;
        TRY(buf_add(out, plain, (size_t)(p - plain)));
        if (p + 1 >= end) break;
        char c = p[1];
        p += 2;
        if (c == 'u') {
            TRY(unquote_code(env, &p, end, out));
            continue;
        }
        const char *at = strchr(from, c);
        TRY(buf_add(out, at ? &to[at - from] : &c, 1));
    }
    return OK;
}

static status quote_special(struct buf *out, char c) {
    switch (c) {
    case '\b': return buf_add_str(out, "\\b");
    case '\f': return buf_add_str(out, "\\f");
    case '\n': return buf_add_str(out, "\\n");
    case '\r': return buf_add_str(out, "\\r");
    case '\t': return buf_add_str(out, "\\t");
    case '"': return buf_add_str(out, "\\\"");
    case '\\': return buf_add_str(out, "\\\\");
    default: return buf_printf(out, "\\u%04x", (unsigned)(uint8_t)c);
    }
}

status json_quote(struct buf *out, const char *text, size_t len) {
    const char *p = text, *end = text + len;
    TRY(buf_add_str(out, "\""));
    while (p < end) {
        const char *plain = p;
        while (p < end && (uint8_t)*p >= 0x20 && *p != '"' && *p != '\\') p++;
        TRY(buf_add(out, plain, (size_t)(p - plain)));
        if (p < end) TRY(quote_special(out, *p++));
    }
    return buf_add_str(out, "\"");
}
