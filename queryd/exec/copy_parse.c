/* A line of COPY data into fields. */
#include "exec/copy_private.h"

static status too_many(struct copy *c) {
    return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                     "extra data after last expected column");
}

static status next_field(struct copy *c, struct copy_field **ret) {
    if (c->nfields == c->n) return too_many(c);
    *ret = &c->fields[c->nfields++];
    **ret = (struct copy_field){0};
    return OK;
}

static status plain_room(struct copy *c, size_t len) {
    c->plain.len = 0;
    if (!ok(buf_reserve(&c->plain, len + 1))) return exec_memory(&c->x);
    return OK;
}

/* What stands behind a backslash at *at; moves *at past it. */
static char escaped(const char *line, size_t len, size_t *at) {
    char ch = line[(*at)++];
    switch (ch) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case 'x': {
        int value = 0, digits = 0;
        while (digits < 2 && *at < len && hex_digit(line[*at]) >= 0) {
            value = value * 16 + hex_digit(line[(*at)++]);
            digits++;
        }
        return digits ? (char)value : 'x';
    }
    default: break;
    }
    if (ch < '0' || ch > '7') return ch;
    int value = ch - '0';
    for (int i = 0; i < 2 && *at < len && line[*at] >= '0' && line[*at] <= '7'; i++)
        value = value * 8 + line[(*at)++] - '0';
    return (char)value;
}

/* A field with backslashes: its plain bytes go to c->plain, which has room for the whole line. */
static size_t unescape(struct copy *c, const char *line, size_t len, size_t at,
                       struct copy_field *f) {
    char *out = c->plain.data + c->plain.len;
    f->text = out;
    while (at < len && line[at] != c->options.delimiter) {
        char ch = line[at++];
        if (ch == '\\' && at < len) ch = escaped(line, len, &at);
        *out++ = ch;
    }
    f->len = (size_t)(out - f->text);
    c->plain.len += f->len;
    return at;
}

static bool is_null_text(const struct copy *c, const char *text, size_t len) {
    return len == c->options.null_len && memcmp(text, c->options.null, len) == 0;
}

#define EACH_BYTE 0x0101010101010101u

/* Where the first zero byte of x is, in bits; those above it may be taken for one. */
static uint64_t zero_bytes(uint64_t x) {
    return (x - EACH_BYTE) & ~x & (EACH_BYTE << 7);
}

/* The next byte that is either of the two, or len; eight bytes at a time. */
static size_t find_either(const char *line, size_t at, size_t len, char a, char b) {
    uint64_t as = (uint8_t)a * EACH_BYTE, bs = (uint8_t)b * EACH_BYTE;
    for (; len - at >= 8; at += 8) {
        uint64_t word = load_le64(line + at);
        uint64_t found = zero_bytes(word ^ as) | zero_bytes(word ^ bs);
        if (found) return at + (size_t)__builtin_ctzll(found) / 8;
    }
    while (at < len && line[at] != a && line[at] != b) at++;
    return at;
}

status copy_split_text(struct copy *c, const char *line, size_t len) {
    size_t at = 0;
    bool backslashes = memchr(line, '\\', len) != NULL;
    c->nfields = 0;
    if (backslashes) TRY(plain_room(c, len));
    if (c->n == 0) return len ? too_many(c) : OK;
    for (;;) {
        struct copy_field *f;
        TRY(next_field(c, &f));
        size_t start = at;
        at = find_either(line, at, len, c->options.delimiter,
                         backslashes ? '\\' : c->options.delimiter);
        if (at < len && line[at] == '\\') {
            at = unescape(c, line, len, start, f);
        } else {
            f->text = line + start;
            f->len = at - start;
        }
        f->is_null = is_null_text(c, line + start, at - start);
        if (at >= len) return OK;
        at++;
    }
}

/* One CSV field from *at on; quoted parts may stand anywhere in it. */
static status csv_field(struct copy *c, const char *line, size_t len, size_t *at,
                        struct copy_field *f) {
    const struct copy_options *o = &c->options;
    char *out = c->plain.data + c->plain.len;
    f->text = out;
    bool quoted = false;
    size_t i = *at;
    while (i < len && (quoted || line[i] != o->delimiter)) {
        char ch = line[i++];
        if (!quoted && ch == o->quote) {
            quoted = f->quoted = true;
        } else if (quoted && ch == o->escape && i < len &&
                   (line[i] == o->quote || line[i] == o->escape)) {
            *out++ = line[i++];
        } else if (quoted && ch == o->quote) {
            quoted = false;
        } else {
            *out++ = ch;
        }
    }
    if (quoted)
        return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                         "unterminated CSV quoted field");
    f->len = (size_t)(out - f->text);
    c->plain.len += f->len;
    *at = i;
    return OK;
}

status copy_split_csv(struct copy *c, const char *line, size_t len) {
    size_t at = 0;
    c->nfields = 0;
    TRY(plain_room(c, len));
    if (c->n == 0) return len ? too_many(c) : OK;
    for (;;) {
        struct copy_field *f;
        TRY(next_field(c, &f));
        TRY(csv_field(c, line, len, &at, f));
        f->is_null = !f->quoted && is_null_text(c, f->text, f->len);
        if (at >= len) return OK;
        at++;
    }
}
