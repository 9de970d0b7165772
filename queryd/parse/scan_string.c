#include <string.h>

#include "base/bytes.h"
#include "parse/parse.h"
#include "parse/scan.h"
#include "parse_grammar.h"

/* A value under construction: as long as its source at most, except that a Unicode escape of a few
 * digits may give up to four bytes, never more than its own length. */
struct value {
    char *bytes;
    size_t n;
};

static status out_of_memory(struct scanner *s) {
    return error_set(s->error, ST_OUT_OF_MEMORY, "out of memory");
}

static int32_t here(const struct scanner *s) {
    return (int32_t)(s->cursor - s->text);
}

static status finish(struct scanner *s, int32_t start, int code, const char *value, size_t n,
                     struct lexeme *ret) {
    *ret = (struct lexeme){.token = {.text = value, .location = start, .length = (int32_t)n},
                           .end = here(s),
                           .code = code};
    if (s->no_values) {
        ret->token.text = s->text + start;
        ret->token.length = ret->end - start;
    }
    return OK;
}

size_t scan_cut_name(const char *name, size_t len) {
    if (len <= SCAN_NAME_BYTES) return len;
    len = SCAN_NAME_BYTES;
    while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80) len--;
    return len;
}

/* Whether the string goes on: a line break with white space and -- comments around it, then another
 * quote. Moves the cursor behind that quote. */
static bool continues(struct scanner *s) {
    bool line_break = false;
    for (const char *p = s->cursor;; p++) {
        if (p[0] == '-' && p[1] == '-') {
            while (*p && *p != '\n' && *p != '\r') p++;
            if (!*p) return false;
        }
        if (*p == '\n' || *p == '\r') {
            line_break = true;
        } else if (*p == '\'') {
            if (line_break) s->cursor = p + 1;
            return line_break;
        } else if (*p != ' ' && *p != '\t' && *p != '\f') {
            return false;
        }
    }
}

static const char *unterminated(int code) {
    return code == TK_BCONST   ? "unterminated bit string literal"
           : code == TK_XCONST ? "unterminated hexadecimal string literal"
                               : "unterminated quoted string";
}

status scan_plain_string(struct scanner *s, int32_t start, int code, struct lexeme *ret) {
    char prefix = code == TK_BCONST ? 'b' : code == TK_XCONST ? 'x' : '\0';
    struct value v = {0};
    const char *first = s->cursor;
    /* First pass: find the end; then the size is known and the bytes can be copied. */
    for (;;) {
        s->cursor = memchr(s->cursor, '\'', (size_t)(s->limit - s->cursor));
        if (!s->cursor) {
            s->cursor = s->limit;
            return scan_error_near(s, ST_SYNTAX_ERROR, unterminated(code), start, here(s));
        }
        s->cursor++;
        if (*s->cursor == '\'')
            s->cursor++;
        else if (!continues(s))
            break;
    }
    if (s->no_values) return finish(s, start, code, NULL, 0, ret);
    const char *end = s->cursor;
    v.bytes = arena_alloc(s->arena, (size_t)(end - first) + 2);
    if (!v.bytes) return out_of_memory(s);
    if (prefix) v.bytes[v.n++] = prefix;
    s->cursor = first;
    for (;;) {
        const char *quote = memchr(s->cursor, '\'', (size_t)(end - s->cursor));
        memcpy(v.bytes + v.n, s->cursor, (size_t)(quote - s->cursor));
        v.n += (size_t)(quote - s->cursor);
        s->cursor = quote + 1;
        if (s->cursor < end && *s->cursor == '\'') {
            v.bytes[v.n++] = '\'';
            s->cursor++;
        } else if (!continues(s)) {
            break;
        }
    }
    v.bytes[v.n] = '\0';
    return finish(s, start, code, v.bytes, v.n, ret);
}

status scan_quoted_name(struct scanner *s, int32_t start, int code, struct lexeme *ret) {
    const char *first = s->cursor;
    for (;;) {
        s->cursor = memchr(s->cursor, '"', (size_t)(s->limit - s->cursor));
        if (!s->cursor) {
            s->cursor = s->limit;
            return scan_error_near(s, ST_SYNTAX_ERROR, "unterminated quoted identifier", start,
                                   here(s));
        }
        s->cursor++;
        if (*s->cursor != '"') break;
        s->cursor++;
    }
    size_t source = (size_t)(s->cursor - 1 - first);
    if (source == 0)
        return scan_error_near(s, ST_SYNTAX_ERROR, "zero-length delimited identifier", start,
                               here(s));
    if (s->no_values) return finish(s, start, code, NULL, 0, ret);
    char *name = arena_alloc(s->arena, source + 1);
    if (!name) return out_of_memory(s);
    size_t n = 0;
    for (size_t i = 0; i < source; i++) {
        name[n++] = first[i];
        if (first[i] == '"') i++;
    }
    name[n] = '\0';
    if (code == TK_IDENT) {
        n = scan_cut_name(name, n);
        name[n] = '\0';
    }
    return finish(s, start, code, name, n, ret);
}

status scan_dollar_string(struct scanner *s, int32_t start, struct lexeme *ret) {
    const char *tag = s->text + start;
    size_t tag_n = (size_t)(s->cursor - tag);
    const char *end = memmem(s->cursor, (size_t)(s->limit - s->cursor), tag, tag_n);
    if (!end) {
        s->cursor = s->limit;
        return scan_error_near(s, ST_SYNTAX_ERROR, "unterminated dollar-quoted string", start,
                               here(s));
    }
    size_t n = (size_t)(end - s->cursor);
    char *value = s->no_values ? NULL : arena_strndup(s->arena, s->cursor, n);
    if (!s->no_values && !value) return out_of_memory(s);
    s->cursor = end + tag_n;
    return finish(s, start, TK_SCONST, value, n, ret);
}

status scan_block_comment(struct scanner *s, int32_t start) {
    int depth = 1;
    for (const char *p = s->cursor; p < s->limit; p++) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p++;
        } else if (p[0] == '*' && p[1] == '/') {
            p++;
            if (--depth == 0) {
                s->cursor = p + 1;
                return OK;
            }
        }
    }
    return scan_error_near(s, ST_SYNTAX_ERROR, "unterminated /* comment", start,
                           (int32_t)(s->limit - s->text));
}

/* ---- escapes --------------------------------------------------------------------------------- */

/* Exactly `digits` hexadecimal digits at p; -1 otherwise. Eight digits may not be a character. */
static int64_t hex_number(const char *p, int digits) {
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) return -1;
        value = value * 16 + d;
    }
    return value;
}

static void add_utf8(struct value *v, uint32_t c) {
    if (c < 0x80) {
        v->bytes[v->n++] = (char)c;
    } else if (c < 0x800) {
        v->bytes[v->n++] = (char)(0xc0 | c >> 6);
        v->bytes[v->n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        v->bytes[v->n++] = (char)(0xe0 | c >> 12);
        v->bytes[v->n++] = (char)(0x80 | (c >> 6 & 0x3f));
        v->bytes[v->n++] = (char)(0x80 | (c & 0x3f));
    } else {
        v->bytes[v->n++] = (char)(0xf0 | c >> 18);
        v->bytes[v->n++] = (char)(0x80 | (c >> 12 & 0x3f));
        v->bytes[v->n++] = (char)(0x80 | (c >> 6 & 0x3f));
        v->bytes[v->n++] = (char)(0x80 | (c & 0x3f));
    }
}

/* One code unit of an escape; a surrogate waits for its other half in *high. Returns what is wrong
 * with it, or NULL. */
static const char *add_code(struct value *v, int64_t c, uint32_t *high) {
    bool is_high = c >= 0xd800 && c <= 0xdbff;
    bool is_low = c >= 0xdc00 && c <= 0xdfff;
    if (c <= 0 || c > 0x10ffff) return "invalid Unicode escape value";
    if (*high ? !is_low : is_low) return "invalid Unicode surrogate pair";
    if (is_high) {
        *high = (uint32_t)c;
        return NULL;
    }
    if (*high) c = 0x10000 + ((int64_t)(*high & 0x3ff) << 10) + (c & 0x3ff);
    *high = 0;
    add_utf8(v, (uint32_t)c);
    return NULL;
}

/* Bytes that form UTF-8, which \x and octal escapes can break; 0 where they do not. */
static size_t utf8_length(const unsigned char *p, size_t left) {
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : (p[0] & 0xf0) == 0xe0       ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    if (n == 0 || n > left || p[0] == 0) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
    return n;
}

static status check_utf8(struct scanner *s, const struct value *v) {
    for (size_t i = 0; i < v->n;) {
        const unsigned char *p = (const unsigned char *)v->bytes + i;
        size_t n = utf8_length(p, v->n - i);
        if (n == 0)
            return error_set(s->error, ST_CHARACTER_NOT_IN_REPERTOIRE,
                             "invalid byte sequence for encoding \"UTF8\": 0x%02x", p[0]);
        i += n;
    }
    return OK;
}

/* Errors that PostgreSQL words without the text that stands there. */
static status fail_at(struct scanner *s, enum status_code code, const char *message, int32_t at) {
    status st = error_set(s->error, code, "%s", message);
    error_at(s->error, parse_position(s->text, (size_t)(s->limit - s->text), at));
    return st;
}

static status fail_escape(struct scanner *s, enum status_code code, const char *hint, int32_t at) {
    status st = fail_at(s, code, "invalid Unicode escape", at);
    error_hint(s->error, "%s", hint);
    return st;
}

/* What follows a backslash in E'…'; the cursor stands behind the backslash. */
static status add_escape(struct scanner *s, struct value *v, uint32_t *high, bool *raw_bytes) {
    int32_t start = here(s) - 1;
    char c = *s->cursor++;
    if (c == 'u' || c == 'U') {
        int digits = c == 'u' ? 4 : 8;
        int64_t code = hex_number(s->cursor, digits);
        if (code < 0)
            return fail_escape(s, ST_INVALID_ESCAPE_SEQUENCE,
                               "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.", start);
        s->cursor += digits;
        const char *wrong = add_code(v, code, high);
        return wrong ? scan_error_near(s, ST_SYNTAX_ERROR, wrong, start, here(s)) : OK;
    }
    if (*high)
        return scan_error_near(s, ST_SYNTAX_ERROR, "invalid Unicode surrogate pair", start,
                               start + 1);
    int value = -1;
    if (c >= '0' && c <= '7') {
        value = c - '0';
        for (int i = 0; i < 2 && *s->cursor >= '0' && *s->cursor <= '7'; i++)
            value = value * 8 + (*s->cursor++ - '0');
    } else if (c == 'x' && hex_digit(*s->cursor) >= 0) {
        value = 0;
        for (int i = 0; i < 2 && hex_digit(*s->cursor) >= 0; i++)
            value = value * 16 + hex_digit(*s->cursor++);
    }
    if (value >= 0) {
        *raw_bytes |= (value & 0xff) == 0 || (value & 0x80);
        v->bytes[v->n++] = (char)value;
        return OK;
    }
    switch (c) {
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    default: break;
    }
    v->bytes[v->n++] = c;
    return OK;
}

status scan_escape_string(struct scanner *s, int32_t start, struct lexeme *ret) {
    /* First pass for the size: an unescaped quote ends it. */
    const char *first = s->cursor;
    for (;; s->cursor++) {
        if (s->cursor >= s->limit) {
            s->cursor = s->limit;
            return scan_error_near(s, ST_SYNTAX_ERROR, "unterminated quoted string", start,
                                   here(s));
        }
        if (*s->cursor == '\\') {
            s->cursor++;
        } else if (*s->cursor == '\'') {
            s->cursor++;
            if (*s->cursor == '\'') continue;
            if (!continues(s)) break;
            s->cursor--;
        }
    }
    if (s->no_values) return finish(s, start, TK_SCONST, NULL, 0, ret);
    const char *end = s->cursor;
    struct value v = {.bytes = arena_alloc(s->arena, (size_t)(end - first) + 1)};
    if (!v.bytes) return out_of_memory(s);
    uint32_t high = 0;
    bool raw_bytes = false;
    s->cursor = first;
    for (;;) {
        char c = *s->cursor++;
        if (c == '\\') {
            TRY(add_escape(s, &v, &high, &raw_bytes));
            continue;
        }
        if (high)
            return scan_error_near(s, ST_SYNTAX_ERROR, "invalid Unicode surrogate pair",
                                   here(s) - 1, here(s));
        if (c == '\'' && *s->cursor == '\'') {
            s->cursor++;
        } else if (c == '\'') {
            if (!continues(s)) break;
            continue;
        }
        v.bytes[v.n++] = c;
    }
    if (raw_bytes) TRY(check_utf8(s, &v));
    v.bytes[v.n] = '\0';
    return finish(s, start, TK_SCONST, v.bytes, v.n, ret);
}

/* Positions are those of the unquoted value behind the opening U&', as PostgreSQL counts them. */
status scan_unicode_escapes(struct scanner *s, struct token *t, char escape, bool is_name) {
    struct value v = {.bytes = arena_alloc(s->arena, (size_t)t->length + 1)};
    if (!v.bytes) return out_of_memory(s);
    uint32_t high = 0;
    const char *p = t->text;
    const char *end = t->text + t->length;
    const char *wrong = NULL;
    while (p < end && !wrong) {
        int32_t at = t->location + 3 + (int32_t)(p - t->text);
        if (*p != escape || p[1] == escape) {
            if (high) break;
            p += *p == escape;
            v.bytes[v.n++] = *p++;
            continue;
        }
        int digits = p[1] == '+' ? 6 : 4;
        const char *number = p + 1 + (digits == 6);
        int64_t code = end - number >= digits ? hex_number(number, digits) : -1;
        if (code < 0)
            return fail_escape(s, ST_SYNTAX_ERROR, "Unicode escapes must be \\XXXX or \\+XXXXXX.",
                               at);
        wrong = add_code(&v, code, &high);
        if (!wrong) p = number + digits;
    }
    if (high && !wrong) wrong = "invalid Unicode surrogate pair";
    if (wrong) return fail_at(s, ST_SYNTAX_ERROR, wrong, t->location + 3 + (int32_t)(p - t->text));
    if (is_name) v.n = scan_cut_name(v.bytes, v.n);
    v.bytes[v.n] = '\0';
    t->text = v.bytes;
    t->length = (int32_t)v.n;
    return OK;
}
