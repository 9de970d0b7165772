/* convert, convert_from, convert_to, and what encodings are called: text here is UTF8.
 *
 * Encodings of single bytes are tables (encoding_single.def), those of several are ICU's; two that
 * are not UTF8 are converted by way of it, where PostgreSQL knows a way. */
#include "types/encoding.h"

#include <string.h>

#include "types/converter.h"
#include "types/internal.h"

/* `side`: source, destination */
static status named(struct fn_call *c, const char *name, const char *side, enum encoding *ret) {
    *ret = encoding_named(name);
    return *ret != ENCODING_NONE ? OK
                                 : error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                                             "invalid %s encoding name \"%s\"", side, name);
}

/* PostgreSQL's pairs without UTF8. */
static bool knows_way(enum encoding from, enum encoding to) {
    static const struct {
        enum encoding one, other;
    } pairs[] = {{ENCODING_WIN1251, ENCODING_KOI8R},    {ENCODING_WIN1251, ENCODING_WIN866},
                 {ENCODING_KOI8R, ENCODING_WIN866},     {ENCODING_WIN1251, ENCODING_ISO_8859_5},
                 {ENCODING_KOI8R, ENCODING_ISO_8859_5}, {ENCODING_WIN866, ENCODING_ISO_8859_5},
                 {ENCODING_WIN1250, ENCODING_LATIN2},   {ENCODING_BIG5, ENCODING_EUC_TW},
                 {ENCODING_SJIS, ENCODING_EUC_JP}};
    if (from == ENCODING_UTF8) return converter_knows(to);
    if (to == ENCODING_UTF8) return converter_knows(from);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((pairs[i].one == from && pairs[i].other == to) ||
            (pairs[i].one == to && pairs[i].other == from))
            return true;
    return false;
}

static status through_utf8(struct fn_call *c, const struct varlena *v, enum encoding from,
                           enum encoding to, struct buf *out) {
    struct buf utf8 = {0};
    if (to == ENCODING_UTF8)
        return converter_to_utf8(from, to, v->data, v->len, c->env->error, out);
    if (from == ENCODING_UTF8)
        return converter_from_utf8(from, to, v->data, v->len, c->env->error, out);
    status s = converter_to_utf8(from, to, v->data, v->len, c->env->error, &utf8);
    if (ok(s)) s = converter_from_utf8(from, to, utf8.data, utf8.len, c->env->error, out);
    buf_free(&utf8);
    return s;
}

/* The bytes are valid in the encoding they come from, and in the one they are left in. */
static status convert(struct fn_call *c, const struct varlena *v, enum encoding from,
                      enum encoding to) {
    struct buf out = {0};
    TRY(converter_check(from, v->data, v->len, c->env->error));
    if (from == to || to == ENCODING_SQL_ASCII) return give_bytes(c, v->data, v->len);
    if (from == ENCODING_SQL_ASCII) {
        TRY(converter_check(to, v->data, v->len, c->env->error));
        return give_bytes(c, v->data, v->len);
    }
    if (!knows_way(from, to))
        return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                         "default conversion function for encoding \"%s\" to \"%s\" does not exist",
                         encoding_name(from), encoding_name(to));
    status s = through_utf8(c, v, from, to, &out);
    return give_buf(c, s, &out);
}

status fn_convert_from(struct fn_call *c) {
    enum encoding from;
    TRY(named(c, c->args[1].s, "source", &from));
    return convert(c, c->args[0].v, from, ENCODING_UTF8);
}

status fn_convert_to(struct fn_call *c) {
    enum encoding to;
    TRY(named(c, c->args[1].s, "destination", &to));
    return convert(c, c->args[0].v, ENCODING_UTF8, to);
}

status fn_convert(struct fn_call *c) {
    enum encoding from, to;
    TRY(named(c, c->args[1].s, "source", &from));
    TRY(named(c, c->args[2].s, "destination", &to));
    return convert(c, c->args[0].v, from, to);
}

/* ---- names ----------------------------------------------------------------------------------- */

status fn_encoding_to_char(struct fn_call *c) {
    const char *name = encoding_name(c->args[0].i32);
    char *padded = arena_zalloc(c->env->arena, NAME_BYTES);
    if (!padded) return out_of_memory(c->env);
    if (name) strcpy(padded, name);
    c->result = datum_ptr(padded);
    return OK;
}

status fn_char_to_encoding(struct fn_call *c) {
    c->result = datum_int4(encoding_named(c->args[0].s));
    return OK;
}

status fn_encoding_max_length(struct fn_call *c) {
    int e = c->args[0].i32;
    c->is_null = !encoding_name(e);
    if (!c->is_null) c->result = datum_int4(encoding_bytes_max((enum encoding)e));
    return OK;
}
