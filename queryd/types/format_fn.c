/* concat, concat_ws, format, quoting, encode and decode, digests. */
#include <stdio.h>
#include <stdlib.h>

#include "types/array.h"
#include "types/digest.h"
#include "types/internal.h"

/* ---- concat: every argument's text form; nulls are left out ---- */

static status add_argument(struct fn_call *c, size_t i, struct buf *b) {
    const struct type *t = type_find(c->site->arg_types[i]);
    if (!t) return STATUS(INTERNAL_ERROR);
    return type_output(c->env, t, c->args[i], b);
}

/* f(…, VARIADIC array): its elements in the place of the arguments */
static status concat_array(struct fn_call *c, size_t at, const struct varlena *separator) {
    struct array_parts a;
    struct buf b = {0};
    bool any = false;
    if (c->nulls[at]) return give_null(c);
    TRY(array_split(c->env, c->args[at].v, &a));
    const struct type *t = type_find(a.element);
    status s = OK;
    for (uint32_t i = 0; ok(s) && i < a.n; i++) {
        if (a.nulls[i]) continue;
        if (any && separator) s = buf_add(&b, separator->data, separator->len);
        if (ok(s)) s = type_output(c->env, t, a.values[i], &b);
        any = true;
    }
    return give_buf(c, s, &b);
}

static status concat(struct fn_call *c, size_t from, const struct varlena *separator) {
    if (c->site->variadic) return concat_array(c, from, separator);
    struct buf b = {0};
    bool any = false;
    status s = OK;
    for (size_t i = from; ok(s) && i < c->nargs; i++) {
        if (c->nulls[i]) continue;
        if (any && separator) s = buf_add(&b, separator->data, separator->len);
        if (ok(s)) s = add_argument(c, i, &b);
        any = true;
    }
    return give_buf(c, s, &b);
}

status fn_text_concat(struct fn_call *c) {
    return concat(c, 0, NULL);
}

status fn_text_concat_ws(struct fn_call *c) {
    if (c->nulls[0]) return give_null(c);
    return concat(c, 1, c->args[0].v);
}

/* ---- quoting ---- */

static bool is_reserved_word(const char *p, size_t len) {
    static const char *const words[] = {
#define WORD(w) #w,
#include "types/quoted_word.def"
#undef WORD
    };
    size_t low = 0, high = sizeof words / sizeof *words;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(words[middle], p, len);
        if (order == 0 && words[middle][len]) order = 1;
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

status quote_identifier(struct buf *out, const char *name, size_t len) {
    bool plain = len && !is_digit(name[0]) && name[0] != '$';
    for (size_t i = 0; i < len && plain; i++)
        plain = (name[i] >= 'a' && name[i] <= 'z') || name[i] == '_' || is_digit(name[i]);
    if (plain && !is_reserved_word(name, len)) return buf_add(out, name, len);
    TRY(buf_add(out, "\"", 1));
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '"') TRY(buf_add(out, "\"", 1));
        TRY(buf_add(out, name + i, 1));
    }
    return buf_add(out, "\"", 1);
}

status quote_literal(struct buf *out, const char *text, size_t len) {
    if (memchr(text, '\\', len)) TRY(buf_add(out, "E", 1));
    TRY(buf_add(out, "'", 1));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'' || text[i] == '\\') TRY(buf_add(out, text + i, 1));
        TRY(buf_add(out, text + i, 1));
    }
    return buf_add(out, "'", 1);
}

status fn_quote_ident(struct fn_call *c) {
    struct buf b = {0};
    return give_buf(c, quote_identifier(&b, c->args[0].v->data, c->args[0].v->len), &b);
}

/* quote_literal and quote_nullable of text or anyelement */
status fn_quote_literal(struct fn_call *c) {
    if (c->nulls[0]) return give_string(c, "NULL");
    struct buf text = {0}, b = {0};
    status s = add_argument(c, 0, &text);
    if (ok(s)) s = quote_literal(&b, text.len ? text.data : "", text.len);
    buf_free(&text);
    return give_buf(c, s, &b);
}

/* ---- format ---- */

struct spec {
    size_t position; /* 0: the next argument */
    bool left;       /* - */
    int32_t width;
    bool width_argument;
    size_t width_position;
    char type;
};

static status bad_format(struct fn_call *c, const char *message) {
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "%s", message);
}

static bool scan_number(const char **p, const char *end, int32_t *ret) {
    const char *start = *p;
    int64_t x = 0;
    while (*p < end && is_digit(**p) && x < INT32_MAX) x = x * 10 + *(*p)++ - '0';
    *ret = x > INT32_MAX ? INT32_MAX : (int32_t)x;
    return *p > start;
}

/* [position$][-][width] type, p behind the % */
static status scan_spec(struct fn_call *c, const char **p, const char *end, struct spec *s) {
    int32_t n;
    *s = (struct spec){0};
    const char *start = *p;
    if (scan_number(p, end, &n)) {
        if (*p < end && **p == '$') {
            if (n == 0)
                return bad_format(c,
                                  "format specifies argument 0, but arguments are numbered from 1");
            s->position = (size_t)n;
            (*p)++;
        } else {
            *p = start;
        }
    }
    while (*p < end && **p == '-') {
        s->left = true;
        (*p)++;
    }
    if (*p < end && **p == '*') {
        (*p)++;
        s->width_argument = true;
        if (scan_number(p, end, &n)) {
            if (*p == end || **p != '$')
                return bad_format(c, "width argument position must be ended by \"$\"");
            if (n == 0)
                return bad_format(c,
                                  "format specifies argument 0, but arguments are numbered from 1");
            s->width_position = (size_t)n;
            (*p)++;
        }
    } else {
        scan_number(p, end, &s->width);
    }
    if (*p == end) {
        status st = bad_format(c, "unterminated format() type specifier");
        error_hint(c->env->error, "For a single \"%%\" use \"%%%%\".");
        return st;
    }
    s->type = *(*p)++;
    return OK;
}

/* The arguments after the format: those of the call, or the elements of the VARIADIC array. */
struct format_args {
    size_t n;
    const datum *values;
    const uint8_t *nulls;
    const oid *types; /* NULL: all of element */
    oid element;
};

static status get_args(struct fn_call *c, struct format_args *a) {
    if (c->site->variadic && c->nargs > 1) {
        struct array_parts parts = {0};
        if (!c->nulls[1]) TRY(array_split(c->env, c->args[1].v, &parts));
        *a = (struct format_args){parts.n, parts.values, parts.nulls, NULL, parts.element};
        return OK;
    }
    *a = (struct format_args){c->nargs - 1u, c->args + 1, c->nulls + 1, c->site->arg_types + 1, 0};
    return OK;
}

static status convert(struct fn_call *c, const struct format_args *a, size_t i, char type,
                      struct buf *out) {
    const struct type *t = type_find(a->types ? a->types[i] : a->element);
    struct buf text = {0};
    if (a->nulls[i]) {
        if (type == 'I')
            return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                             "null values cannot be formatted as an SQL identifier");
        return type == 'L' ? buf_add_str(out, "NULL") : OK;
    }
    status s = t ? type_output(c->env, t, a->values[i], &text) : STATUS(INTERNAL_ERROR);
    const char *data = text.len ? text.data : "";
    if (ok(s))
        s = type == 'I'   ? quote_identifier(out, data, text.len)
            : type == 'L' ? quote_literal(out, data, text.len)
                          : buf_add(out, data, text.len);
    buf_free(&text);
    return s;
}

static status add_padded(struct buf *out, const struct buf *text, int32_t width, bool left) {
    size_t have = text->len ? utf8_count(text->data, text->len) : 0;
    size_t wanted = (size_t)llabs((long long)width), pad = wanted > have ? wanted - have : 0;
    if (pad > VARLENA_MAX) return STATUS(PROGRAM_LIMIT_EXCEEDED);
    if (width < 0) left = true;
    if (left) TRY(buf_add(out, text->data, text->len));
    TRY(buf_reserve(out, pad));
    if (pad) memset(out->data + out->len, ' ', pad);
    out->len += pad;
    return left ? OK : buf_add(out, text->data, text->len);
}

static status take_width(struct fn_call *c, const struct format_args *a, struct spec *s,
                         size_t *next) {
    size_t at = s->width_position ? s->width_position : ++*next;
    if (at > a->n) return bad_format(c, "too few arguments for format()");
    *next = at;
    s->width = 0;
    if (a->nulls[at - 1]) return OK;
    struct buf b = {0};
    oid type = a->types ? a->types[at - 1] : a->element;
    status st = type_output(c->env, type_find(type), a->values[at - 1], &b);
    int64_t x = 0;
    if (ok(st))
        st = int_parse(c->env, b.len ? b.data : "", b.len, INT32_MIN, INT32_MAX, "integer", &x);
    buf_free(&b);
    s->width = (int32_t)x;
    return st;
}

static status format_all(struct fn_call *c, const struct format_args *a, struct buf *out,
                         struct buf *text) {
    const struct varlena *v = c->args[0].v;
    const char *p = v->data, *end = p + v->len;
    size_t next = 0;
    while (p < end) {
        const char *percent = memchr(p, '%', (size_t)(end - p));
        TRY(buf_add(out, p, (size_t)((percent ? percent : end) - p)));
        if (!percent) break;
        p = percent + 1;
        if (p < end && *p == '%') {
            TRY(buf_add(out, p++, 1));
            continue;
        }
        struct spec s;
        TRY(scan_spec(c, &p, end, &s));
        if (!strchr("sIL", s.type) || !s.type) {
            status st = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                                  "unrecognized format() type specifier \"%.*s\"",
                                  (int)utf8_len(p - 1, end), p - 1);
            error_hint(c->env->error, "For a single \"%%\" use \"%%%%\".");
            return st;
        }
        if (s.width_argument) TRY(take_width(c, a, &s, &next));
        size_t at = s.position ? s.position : next + 1;
        if (at > a->n) return bad_format(c, "too few arguments for format()");
        next = at;
        text->len = 0;
        TRY(convert(c, a, at - 1, s.type, text));
        TRY(add_padded(out, text, s.width, s.left));
    }
    return OK;
}

status fn_text_format(struct fn_call *c) {
    struct format_args a;
    struct buf out = {0}, text = {0};
    if (c->nulls[0]) return give_null(c);
    TRY(get_args(c, &a));
    status s = format_all(c, &a, &out, &text);
    buf_free(&text);
    return give_buf(c, s, &out);
}

/* ---- encode, decode ---- */

#define CODE_NS 4 /* a byte, or a few */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static status encode_base64(const struct eval_env *env, const uint8_t *p, size_t len,
                            struct buf *out) {
    size_t column = 0;
    for (size_t i = 0; i < len; i += 3) {
        TRY(eval_work(env, CODE_NS));
        uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
                        (i + 2 < len ? p[i + 2] : 0);
        char four[5] = {base64_digits[bits >> 18], base64_digits[bits >> 12 & 63],
                        i + 1 < len ? base64_digits[bits >> 6 & 63] : '=',
                        i + 2 < len ? base64_digits[bits & 63] : '=', '\n'};
        column += 4;
        bool wrap = column >= 76;
        if (wrap) column = 0;
        TRY(buf_add(out, four, wrap ? 5 : 4));
    }
    return OK;
}

static status decode_base64(struct fn_call *c, const char *p, size_t len, struct buf *out) {
    uint32_t bits = 0;
    int have = 0, pads = 0;
    for (size_t i = 0; i < len; i++) {
        TRY(eval_work(c->env, CODE_NS));
        if (is_space(p[i])) continue;
        const char *digit = p[i] ? strchr(base64_digits, p[i]) : NULL;
        if (p[i] == '=' && have >= 2) {
            pads++;
            digit = base64_digits;
        } else if (!digit || pads) {
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             p[i] == '=' ? "unexpected \"=\" while decoding base64 sequence"
                                         : "invalid symbol \"%.*s\" found while decoding base64 "
                                           "sequence",
                             (int)utf8_len(p + i, p + len), p + i);
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        if (++have < 4) continue;
        char three[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        TRY(buf_add(out, three, (size_t)(3 - pads)));
        have = 0;
        bits = 0;
    }
    if (!have) return OK;
    status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "invalid base64 end sequence");
    error_hint(c->env->error, "Input data is missing padding, is truncated, or is otherwise "
                              "corrupted.");
    return s;
}

static status encode_escape(const struct eval_env *env, const uint8_t *p, size_t len,
                            struct buf *out) {
    for (size_t i = 0; i < len; i++) {
        TRY(eval_work(env, CODE_NS));
        if (p[i] == 0 || p[i] & 0x80)
            TRY(buf_printf(out, "\\%03o", p[i]));
        else if (p[i] == '\\')
            TRY(buf_add(out, "\\\\", 2));
        else
            TRY(buf_add(out, p + i, 1));
    }
    return OK;
}

static status encode_hex(const struct eval_env *env, const uint8_t *p, size_t len,
                         struct buf *out) {
    static const char digits[] = "0123456789abcdef";
    TRY(buf_reserve(out, len * 2));
    for (size_t i = 0; i < len; i++) {
        TRY(eval_work(env, 1));
        out->data[out->len++] = digits[p[i] >> 4];
        out->data[out->len++] = digits[p[i] & 15];
    }
    return OK;
}

static status unknown_encoding(struct fn_call *c, const struct varlena *name) {
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "unrecognized encoding: \"%.*s\"",
                     (int)(name->len > 60 ? 60 : name->len), name->data);
}

status fn_binary_encode(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *name = c->args[1].v;
    const uint8_t *p = (const uint8_t *)v->data;
    struct buf b = {0};
    status s = OK;
    if (same_word(name->data, name->len, "hex")) {
        s = encode_hex(c->env, p, v->len, &b);
    } else if (same_word(name->data, name->len, "base64")) {
        s = encode_base64(c->env, p, v->len, &b);
    } else if (same_word(name->data, name->len, "escape")) {
        s = encode_escape(c->env, p, v->len, &b);
    } else {
        s = unknown_encoding(c, name);
    }
    return give_buf(c, s, &b);
}

status fn_binary_decode(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *name = c->args[1].v;
    struct buf b = {0};
    if (same_word(name->data, name->len, "base64"))
        return give_buf(c, decode_base64(c, v->data, v->len, &b), &b);
    bool hex = same_word(name->data, name->len, "hex");
    if (!hex && !same_word(name->data, name->len, "escape")) return unknown_encoding(c, name);
    /* Both are what bytea's input understands. */
    status s = hex ? buf_add(&b, "\\x", 2) : OK;
    if (ok(s)) s = buf_add(&b, v->data, v->len);
    if (ok(s))
        s = type_input(c->env, type_find(BYTEAOID), -1, b.len ? b.data : "", b.len, &c->result);
    buf_free(&b);
    return s;
}

/* ---- digests ---- */

static status give_hex(struct fn_call *c, const uint8_t *bytes, size_t n) {
    char text[64];
    for (size_t i = 0; i < n; i++) sprintf(text + i * 2, "%02x", bytes[i]);
    return give_bytes(c, text, n * 2);
}

status fn_md5(struct fn_call *c) {
    uint8_t sum[MD5_BYTES];
    TRY(digest_md5(c->env, c->args[0].v->data, c->args[0].v->len, sum));
    return give_hex(c, sum, sizeof sum);
}

#define DIGEST(name, bytes)                                                                        \
    status fn_##name##_bytea(struct fn_call *c) {                                                  \
        uint8_t sum[bytes];                                                                        \
        TRY(digest_##name(c->env, c->args[0].v->data, c->args[0].v->len, sum));                    \
        return give_bytes(c, sum, sizeof sum);                                                     \
    }
DIGEST(sha224, SHA224_BYTES)
DIGEST(sha256, SHA256_BYTES)
DIGEST(sha384, SHA384_BYTES)
DIGEST(sha512, SHA512_BYTES)
