/* Lines of COPY FROM in the text and csv formats. */
#include <stdio.h>
#include <string.h>

#include "exec/copy_internal.h"

status copy_line_error(struct copy *c, status s, const char *line, size_t len) {
    struct error *e = c->env->eval.error;
    if (e->context[0]) return s;
    bool cut = len > 100;
    snprintf(e->context, sizeof e->context, "COPY %s, line %llu: \"%.*s%s\"", c->table,
             (unsigned long long)c->line, (int)(cut ? 100 : len), line, cut ? "..." : "");
    return s;
}

/* In csv a line ends at the first newline outside quotes. */
static bool find_csv_line(const struct copy *c, const char *bytes, size_t n, size_t *ret_end) {
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted && bytes[i] == c->escape && c->escape != c->quote) {
            i++;
        } else if (bytes[i] == c->quote) {
            quoted = !quoted;
        } else if (bytes[i] == '\n' && !quoted) {
            *ret_end = i;
            return true;
        }
    }
    return false;
}

/* In text a newline behind a backslash is data. */
static bool find_text_line(const char *bytes, size_t n, size_t *ret_end) {
    for (const char *from = bytes, *end = bytes + n;;) {
        const char *newline = memchr(from, '\n', (size_t)(end - from));
        if (!newline) return false;
        size_t backslashes = 0;
        while (newline - backslashes > bytes && newline[-1 - (long)backslashes] == '\\')
            backslashes++;
        *ret_end = (size_t)(newline - bytes);
        if (backslashes % 2 == 0) return true;
        from = newline + 1;
    }
}

bool copy_find_line(const struct copy *c, const char *bytes, size_t n, size_t *ret_len,
                    size_t *ret_used) {
    size_t end;
    bool found =
        c->format == COPY_CSV ? find_csv_line(c, bytes, n, &end) : find_text_line(bytes, n, &end);
    if (!found) return false;
    *ret_used = end + 1;
    *ret_len = end > 0 && bytes[end - 1] == '\r' ? end - 1 : end;
    return true;
}

static status begin_field(struct copy *c) {
    if (c->found >= c->n)
        return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                         "extra data after last expected column");
    c->offset[c->found] = c->fields.len;
    return OK;
}

static void end_field(struct copy *c, bool is_null) {
    c->length[c->found] = c->fields.len - c->offset[c->found];
    c->is_null[c->found] = is_null;
    c->fields.data[c->fields.len++] = '\0';
    c->found++;
}

/* Room for everything that the line's fields can become, so that bytes are added without looking.
 */
static status begin_line(struct copy *c, size_t len) {
    c->fields.len = 0;
    c->found = 0;
    return buf_reserve(&c->fields, len + c->n + 2);
}

static void put(struct copy *c, char byte) {
    c->fields.data[c->fields.len++] = byte;
}

static int digit_of(char ch, int base) {
    int d = ch >= '0' && ch <= '9'   ? ch - '0'
            : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
            : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                     : 99;
    return d < base ? d : -1;
}

/* Up to max digits from at on; the number of those used. */
static size_t read_number(const char *at, const char *end, int base, int max, char *ret) {
    int value = 0, used = 0;
    while (used < max && at + used < end && digit_of(at[used], base) >= 0)
        value = value * base + digit_of(at[used++], base);
    *ret = (char)value;
    return (size_t)used;
}

/* What stands behind a backslash; returns the bytes used. */
static size_t unescape(struct copy *c, const char *at, const char *end) {
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *known = *at ? strchr(from, *at) : NULL;
    char value;
    if (known) {
        put(c, to[known - from]);
        return 1;
    }
    if (digit_of(*at, 8) >= 0) {
        size_t used = read_number(at, end, 8, 3, &value);
        put(c, value);
        return used;
    }
    if (*at == 'x' && at + 1 < end && digit_of(at[1], 16) >= 0) {
        size_t used = read_number(at + 1, end, 16, 2, &value);
        put(c, value);
        return used + 1;
    }
    put(c, *at);
    return 1;
}

status copy_split_text(struct copy *c, const char *line, size_t len) {
    const char *at = line, *end = line + len;
    TRY(begin_line(c, len));
    if (c->n == 0) return OK;
    for (;;) {
        TRY(begin_field(c));
        const char *from = at;
        while (at < end && *at != c->delimiter) {
            if (*at == '\\' && at + 1 < end)
                at += 1 + unescape(c, at + 1, end);
            else
                put(c, *at++);
        }
        size_t raw = (size_t)(at - from);
        end_field(c, raw == c->null_len && memcmp(from, c->null, raw) == 0);
        if (at == end) return OK;
        at++;
    }
}

/* A quoted stretch from behind its opening quote; *at ends behind the closing one. */
static status read_quoted(struct copy *c, const char **at, const char *end) {
    const char *p = *at;
    for (; p < end; p++) {
        if (*p == c->escape && p + 1 < end && (p[1] == c->quote || p[1] == c->escape)) {
            put(c, *++p);
        } else if (*p == c->quote) {
            *at = p + 1;
            return OK;
        } else {
            put(c, *p);
        }
    }
    return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field");
}

status copy_split_csv(struct copy *c, const char *line, size_t len) {
    const char *at = line, *end = line + len;
    TRY(begin_line(c, len));
    if (c->n == 0) return OK;
    for (;;) {
        bool quoted = false;
        TRY(begin_field(c));
        const struct copy_column *column = &c->columns[c->found];
        while (at < end && *at != c->delimiter) {
            if (*at != c->quote) {
                put(c, *at++);
                continue;
            }
            quoted = true;
            at++;
            TRY(read_quoted(c, &at, end));
        }
        size_t field = c->fields.len - c->offset[c->found];
        bool matches = field == c->null_len &&
                       memcmp(c->fields.data + c->offset[c->found], c->null, field) == 0;
        end_field(c, matches && (quoted ? column->force_null : !column->force_not_null));
        if (at == end) return OK;
        at++;
    }
}
