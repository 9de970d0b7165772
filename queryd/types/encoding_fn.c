/* convert, convert_from, convert_to: the text here is UTF8; LATIN1 is known besides. */
#include <stdio.h>

#include "types/internal.h"

enum encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_ASCII, ENCODING_OTHER, ENCODING_NONE };

/* PostgreSQL's names, letters and digits only. */
static const struct {
    const char *name;
    enum encoding encoding;
} encodings[] = {
    {"utf8", ENCODING_UTF8},         {"unicode", ENCODING_UTF8},      {"latin1", ENCODING_LATIN1},
    {"iso88591", ENCODING_LATIN1},   {"sqlascii", ENCODING_ASCII},    {"latin2", ENCODING_OTHER},
    {"latin3", ENCODING_OTHER},      {"latin4", ENCODING_OTHER},      {"latin5", ENCODING_OTHER},
    {"latin9", ENCODING_OTHER},      {"iso88592", ENCODING_OTHER},    {"iso88595", ENCODING_OTHER},
    {"iso88597", ENCODING_OTHER},    {"koi8", ENCODING_OTHER},        {"koi8r", ENCODING_OTHER},
    {"koi8u", ENCODING_OTHER},       {"win1250", ENCODING_OTHER},     {"win1251", ENCODING_OTHER},
    {"win1252", ENCODING_OTHER},     {"win1253", ENCODING_OTHER},     {"win1254", ENCODING_OTHER},
    {"windows1251", ENCODING_OTHER}, {"windows1252", ENCODING_OTHER}, {"eucjp", ENCODING_OTHER},
    {"euccn", ENCODING_OTHER},       {"euckr", ENCODING_OTHER},       {"euctw", ENCODING_OTHER},
    {"sjis", ENCODING_OTHER},        {"big5", ENCODING_OTHER},        {"gbk", ENCODING_OTHER},
    {"gb18030", ENCODING_OTHER},     {"uhc", ENCODING_OTHER},         {"johab", ENCODING_OTHER}};

static enum encoding find(const char *name) {
    char plain[NAME_BYTES];
    size_t n = 0;
    for (; *name && n < sizeof plain - 1; name++)
        if (is_letter(*name) || is_digit(*name)) plain[n++] = lower_ascii(*name);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (!strcmp(plain, encodings[i].name)) return encodings[i].encoding;
    return ENCODING_NONE;
}

/* `side`: source, destination */
static status named(struct fn_call *c, const char *name, const char *side, enum encoding *ret) {
    *ret = find(name);
    if (*ret == ENCODING_NONE)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "invalid %s encoding name \"%s\"", side, name);
    if (*ret == ENCODING_OTHER)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "conversion between UTF8 and %s is not supported", name);
    return OK;
}

static status latin1_to_utf8(const struct varlena *v, struct buf *out) {
    for (uint32_t i = 0; i < v->len; i++) {
        char bytes[4];
        TRY(buf_add(out, bytes, utf8_encode((uint8_t)v->data[i], bytes)));
    }
    return OK;
}

static status no_equivalent(struct fn_call *c, const char *p, size_t n) {
    char words[32] = "";
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, "%s0x%02x", i ? " " : "",
                                 (uint8_t)p[i]);
    return error_set(c->env->error, ST_UNTRANSLATABLE_CHARACTER,
                     "character with byte sequence %s in encoding \"UTF8\" has no equivalent in "
                     "encoding \"LATIN1\"",
                     words);
}

static status utf8_to_latin1(struct fn_call *c, const struct varlena *v, struct buf *out) {
    for (const char *p = v->data, *end = p + v->len; p < end;) {
        size_t n;
        uint32_t code = utf8_decode(p, end, &n);
        if (code > 0xFF) return no_equivalent(c, p, n);
        char byte = (char)code;
        TRY(buf_add(out, &byte, 1));
        p += n;
    }
    return OK;
}

/* The bytes are valid in the encoding they come from. */
static status check_bytes(struct fn_call *c, const struct varlena *v, enum encoding from) {
    datum ignored;
    if (from == ENCODING_LATIN1) return OK;
    return type_input(c->env, type_find(TEXTOID), -1, v->data, v->len, &ignored);
}

static status convert(struct fn_call *c, const struct varlena *v, enum encoding from,
                      enum encoding to) {
    struct buf out = {0};
    bool from_latin1 = from == ENCODING_LATIN1, to_latin1 = to == ENCODING_LATIN1;
    TRY(check_bytes(c, v, from));
    if (from_latin1 == to_latin1 || from == ENCODING_ASCII || to == ENCODING_ASCII)
        return give_bytes(c, v->data, v->len);
    status s = from_latin1 ? latin1_to_utf8(v, &out) : utf8_to_latin1(c, v, &out);
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
