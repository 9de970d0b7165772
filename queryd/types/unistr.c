/* unistr: escapes of characters by their numbers. */
#include "types/internal.h"

struct reader {
    struct fn_call *c;
    const char *p, *end;
    uint32_t high; /* a surrogate that waits for its other half, or 0 */
    struct buf out;
};

static status bad_pair(const struct reader *r) {
    return error_set(r->c->env->error, ST_SYNTAX_ERROR, "invalid Unicode surrogate pair");
}

/* `n` hexadecimal digits from p on; false: not so many. */
static bool digits(const struct reader *r, const char *p, size_t n, uint32_t *ret) {
    uint32_t x = 0;
    if ((size_t)(r->end - p) < n) return false;
    for (size_t i = 0; i < n; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return false;
        x = x << 4 | (uint32_t)digit;
    }
    *ret = x;
    return true;
}

static status add_char(struct reader *r, uint32_t c) {
    char bytes[4];
    bool low = c >= 0xDC00 && c <= 0xDFFF, high = c >= 0xD800 && c <= 0xDBFF;
    if (c == 0 || c > 0x10FFFF)
        return error_set(r->c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "invalid Unicode code point: %04X", c);
    if ((r->high != 0) != low) return bad_pair(r);
    if (high) {
        r->high = c;
        return OK;
    }
    if (low) c = 0x10000 + ((r->high & 0x3FF) << 10) + (c & 0x3FF);
    r->high = 0;
    return buf_add(&r->out, bytes, utf8_encode(c, bytes));
}

/* \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX; r->p stands behind the backslash. */
static status escape(struct reader *r) {
    uint32_t c;
    size_t width = 0, mark = 1;
    char kind = r->p < r->end ? *r->p : '\0';
    if (digits(r, r->p, 4, &c))
        width = 4, mark = 0;
    else if (kind == 'u' && digits(r, r->p + 1, 4, &c))
        width = 4;
    else if (kind == '+' && digits(r, r->p + 1, 6, &c))
        width = 6;
    else if (kind == 'U' && digits(r, r->p + 1, 8, &c))
        width = 8;
    if (!width) {
        status s = error_set(r->c->env->error, ST_SYNTAX_ERROR, "invalid Unicode escape");
        error_hint(r->c->env->error,
                   "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
        return s;
    }
    r->p += mark + width;
    return add_char(r, c);
}

static status read_all(struct reader *r) {
    while (r->p < r->end) {
        char c = *r->p++;
        bool doubled = c == '\\' && r->p < r->end && *r->p == '\\';
        if (c == '\\' && !doubled) {
            TRY(escape(r));
            continue;
        }
        if (r->high) return bad_pair(r);
        r->p += doubled;
        TRY(buf_add(&r->out, &c, 1));
    }
    return r->high ? bad_pair(r) : OK;
}

status fn_unistr(struct fn_call *c) {
    struct reader r = {.c = c, .p = c->args[0].v->data};
    r.end = r.p + c->args[0].v->len;
    return give_buf(c, read_all(&r), &r.out);
}
