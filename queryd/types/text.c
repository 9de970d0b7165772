/* Families text, varchar, bpchar, name, bytea, cstring, uuid: bytes in and out, order, keys. The
 * collation is C: bytes compared as unsigned. */
#include "types/internal.h"

static status bad_encoding(const struct eval_env *env, const char *p, size_t left) {
    char bytes[32];
    size_t n = 0, len = 0;
    while (n < left && n < 4) {
        static const char digits[] = "0123456789abcdef";
        if (n) bytes[len++] = ' ';
        bytes[len++] = '0';
        bytes[len++] = 'x';
        bytes[len++] = digits[(uint8_t)p[n] >> 4];
        bytes[len++] = digits[(uint8_t)p[n] & 15];
        if (++n > 1 ? (p[n - 1] & 0xC0) != 0x80 : !(p[0] & 0x80)) break;
    }
    return error_set(env->error, ST_CHARACTER_NOT_IN_REPERTOIRE,
                     "invalid byte sequence for encoding \"UTF8\": %.*s", (int)len, bytes);
}

status type_check_text(const struct eval_env *env, const char *text, size_t len) {
    size_t good = utf8_check(text, len);
    return good == len ? OK : bad_encoding(env, text + good, len - good);
}

static status new_text(const struct eval_env *env, const char *text, size_t len, datum *ret) {
    const struct varlena *v = varlena_from(env->arena, text, len);
    if (!v) return out_of_memory(env);
    *ret = datum_ptr(v);
    return OK;
}

/* ---- text ---- */

static status text_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    TRY(type_check_text(env, text, len));
    return new_text(env, text, len, ret);
}

static status text_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.v->data, value.v->len);
}

static int text_compare(const struct type *, datum a, datum b) {
    return bytes_compare(a.v->data, a.v->len, b.v->data, b.v->len);
}

static uint64_t text_hash(const struct type *, datum value) {
    return hash_bytes(value.v->data, value.v->len);
}

static status text_key(const struct type *, datum value, struct buf *out) {
    return key_add_escaped(out, value.v->data, value.v->len);
}

const struct type_family family_text = {.in = text_in,
                                        .out = text_out,
                                        .receive = text_in,
                                        .send = text_out,
                                        .compare = text_compare,
                                        .hash = text_hash,
                                        .key = text_key,
                                        .key_len = key_len_escaped,
                                        .binary_is_text = true};

/* ---- lengths: varchar(n), char(n); typmod = n + 4 characters ---- */

#define CHARACTERS_MAX 10485760

static status length_typmod_in(const struct eval_env *env, const struct type *t,
                               const int32_t *values, size_t n, int32_t *ret) {
    const char *name = t->oid == BPCHAROID ? "char" : "varchar";
    if (n != 1) return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid type modifier");
    if (values[0] < 1)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "length for type %s must be at least 1", name);
    if (values[0] > CHARACTERS_MAX)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "length for type %s cannot exceed %d", name, CHARACTERS_MAX);
    *ret = values[0] + TYPMOD_OFFSET;
    return OK;
}

static status length_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    return typmod > TYPMOD_OFFSET ? buf_printf(out, "(%d)", typmod - TYPMOD_OFFSET) : OK;
}

static bool all_blank(const char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (p[i] != ' ') return false;
    return true;
}

/* Where a text must be cut to fit `most` characters; an error unless only blanks go or the cast is
 * explicit. */
static status cut_length(const struct eval_env *env, const char *type_name, const char *text,
                         size_t len, size_t most, bool is_explicit, size_t *ret_len) {
    size_t end = len <= most ? len : utf8_offset(text, len, most);
    if (!is_explicit && !all_blank(text + end, len - end))
        return error_set(env->error, ST_STRING_DATA_RIGHT_TRUNCATION,
                         "value too long for type %s(%zu)", type_name, most);
    *ret_len = end;
    return OK;
}

static status varchar_in(const struct eval_env *env, const struct type *, int32_t typmod,
                         const char *text, size_t len, datum *ret) {
    TRY(type_check_text(env, text, len));
    if (typmod >= TYPMOD_OFFSET)
        TRY(cut_length(env, "character varying", text, len, (size_t)(typmod - TYPMOD_OFFSET), false,
                       &len));
    return new_text(env, text, len, ret);
}

static status varchar_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                   int32_t typmod, bool is_explicit, datum *ret) {
    size_t len = value.v->len;
    if (typmod >= TYPMOD_OFFSET)
        TRY(cut_length(env, "character varying", value.v->data, len,
                       (size_t)(typmod - TYPMOD_OFFSET), is_explicit, &len));
    if (len != value.v->len) return new_text(env, value.v->data, len, ret);
    *ret = value;
    return OK;
}

const struct type_family family_varchar = {.in = varchar_in,
                                           .out = text_out,
                                           .receive = varchar_in,
                                           .send = text_out,
                                           .compare = text_compare,
                                           .hash = text_hash,
                                           .key = text_key,
                                           .key_len = key_len_escaped,
                                           .apply_typmod = varchar_apply_typmod,
                                           .typmod_in = length_typmod_in,
                                           .typmod_out = length_typmod_out,
                                           .binary_is_text = true};

/* ---- bpchar: padded to its length; trailing blanks do not count in comparisons ---- */

static status pad_blanks(const struct eval_env *env, const char *text, size_t len, int32_t typmod,
                         bool is_explicit, datum *ret) {
    size_t most = (size_t)(typmod - TYPMOD_OFFSET);
    TRY(cut_length(env, "character", text, len, most, is_explicit, &len));
    size_t pad = most - utf8_count(text, len);
    struct varlena *v = varlena_new(env->arena, len + pad);
    if (!v) return out_of_memory(env);
    if (len) memcpy(v->data, text, len);
    memset(v->data + len, ' ', pad);
    *ret = datum_ptr(v);
    return OK;
}

static status bpchar_in(const struct eval_env *env, const struct type *, int32_t typmod,
                        const char *text, size_t len, datum *ret) {
    TRY(type_check_text(env, text, len));
    if (typmod < TYPMOD_OFFSET) return new_text(env, text, len, ret);
    return pad_blanks(env, text, len, typmod, false, ret);
}

static status bpchar_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                  int32_t typmod, bool is_explicit, datum *ret) {
    *ret = value;
    if (typmod < TYPMOD_OFFSET) return OK;
    if (utf8_count(value.v->data, value.v->len) == (size_t)(typmod - TYPMOD_OFFSET)) return OK;
    return pad_blanks(env, value.v->data, value.v->len, typmod, is_explicit, ret);
}

static size_t bpchar_len(datum value) {
    size_t len = value.v->len;
    while (len && value.v->data[len - 1] == ' ') len--;
    return len;
}

static int bpchar_compare(const struct type *, datum a, datum b) {
    return bytes_compare(a.v->data, bpchar_len(a), b.v->data, bpchar_len(b));
}

static uint64_t bpchar_hash(const struct type *, datum value) {
    return hash_bytes(value.v->data, bpchar_len(value));
}

static status bpchar_key(const struct type *, datum value, struct buf *out) {
    return key_add_escaped(out, value.v->data, bpchar_len(value));
}

const struct type_family family_bpchar = {.in = bpchar_in,
                                          .out = text_out,
                                          .receive = bpchar_in,
                                          .send = text_out,
                                          .compare = bpchar_compare,
                                          .hash = bpchar_hash,
                                          .key = bpchar_key,
                                          .key_len = key_len_escaped,
                                          .apply_typmod = bpchar_apply_typmod,
                                          .typmod_in = length_typmod_in,
                                          .typmod_out = length_typmod_out,
                                          .binary_is_text = true};

/* ---- name: 64 bytes ---- */

static status name_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    TRY(type_check_text(env, text, len));
    if (len > NAME_BYTES - 1) {
        len = NAME_BYTES - 1;
        while (len && ((uint8_t)text[len] & 0xC0) == 0x80) len--; /* not inside a character */
    }
    char *name = arena_zalloc(env->arena, NAME_BYTES);
    if (!name) return out_of_memory(env);
    memcpy(name, text, len);
    *ret = datum_ptr(name);
    return OK;
}

static status name_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                           const char *bytes, size_t len, datum *ret) {
    if (len >= NAME_BYTES) return error_set(env->error, ST_NAME_TOO_LONG, "identifier too long");
    return name_in(env, t, typmod, bytes, len, ret);
}

static status name_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.s, strnlen(value.s, NAME_BYTES));
}

static int name_compare(const struct type *, datum a, datum b) {
    return strncmp(a.s, b.s, NAME_BYTES);
}

/* The same as of text, so that name = text can be hashed. */
static uint64_t name_hash(const struct type *, datum value) {
    return hash_bytes(value.s, strnlen(value.s, NAME_BYTES));
}

static status name_key(const struct type *, datum value, struct buf *out) {
    return key_add_escaped(out, value.s, strnlen(value.s, NAME_BYTES));
}

static bool name_valid(const struct type *, const char *bytes, size_t len) {
    return len == NAME_BYTES && bytes[NAME_BYTES - 1] == '\0';
}

const struct type_family family_name = {.in = name_in,
                                        .out = name_out,
                                        .receive = name_receive,
                                        .send = name_out,
                                        .compare = name_compare,
                                        .hash = name_hash,
                                        .key = name_key,
                                        .key_len = key_len_escaped,
                                        .valid = name_valid,
                                        .binary_is_text = true};

/* ---- bytea ---- */

#define HEX_NS 3 /* reading two digits */

static status hex_in(const struct eval_env *env, const char *text, size_t len, datum *ret) {
    struct varlena *v = varlena_new(env->arena, len / 2);
    if (!v) return out_of_memory(env);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        TRY(eval_work(env, HEX_NS));
        if (is_space(text[i])) continue;
        int high = hex_digit(text[i]);
        int low = i + 1 < len ? hex_digit(text[i + 1]) : 0;
        if (high < 0 || low < 0)
            return error_set(
                env->error, ST_INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"%.*s\"",
                (int)utf8_len(text + i + (high >= 0), text + len), text + i + (high >= 0));
        if (++i == len)
            return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                             "invalid hexadecimal data: odd number of digits");
        v->data[n++] = (char)(high << 4 | low);
    }
    v->len = (uint32_t)n;
    *ret = datum_ptr(v);
    return OK;
}

static bool is_octal(const char *p) {
    return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

static status bytea_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                       size_t len, datum *ret) {
    if (len >= 2 && text[0] == '\\' && text[1] == 'x') return hex_in(env, text + 2, len - 2, ret);
    struct varlena *v = varlena_new(env->arena, len);
    if (!v) return out_of_memory(env);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\\') {
            v->data[n++] = text[i];
        } else if (i + 3 < len && is_octal(text + i + 1)) {
            v->data[n++] =
                (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
            i += 3;
        } else if (i + 1 < len && text[i + 1] == '\\') {
            v->data[n++] = '\\';
            i++;
        } else {
            return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                             "invalid input syntax for type bytea");
        }
    }
    v->len = (uint32_t)n;
    *ret = datum_ptr(v);
    return OK;
}

static status bytea_out(const struct eval_env *env, const struct type *, datum value,
                        struct buf *out) {
    static const char digits[] = "0123456789abcdef";
    size_t len = value.v->len;
    const uint8_t *p = (const uint8_t *)value.v->data;
    TRY(buf_reserve(out, len * 4 + 2));
    char *q = out->data + out->len;
    if (!env->session || env->session->bytea_output == BYTEA_HEX) {
        *q++ = '\\';
        *q++ = 'x';
        for (size_t i = 0; i < len; i++) {
            *q++ = digits[p[i] >> 4];
            *q++ = digits[p[i] & 15];
        }
    } else {
        for (size_t i = 0; i < len; i++) {
            if (p[i] == '\\') *q++ = '\\';
            if (p[i] >= 0x20 && p[i] <= 0x7E) {
                *q++ = (char)p[i];
                continue;
            }
            *q++ = '\\';
            *q++ = (char)('0' + (p[i] >> 6));
            *q++ = (char)('0' + (p[i] >> 3 & 7));
            *q++ = (char)('0' + (p[i] & 7));
        }
    }
    out->len = (size_t)(q - out->data);
    return OK;
}

static status bytea_receive(const struct eval_env *env, const struct type *, int32_t,
                            const char *bytes, size_t len, datum *ret) {
    return new_text(env, bytes, len, ret);
}

const struct type_family family_bytea = {.in = bytea_in,
                                         .out = bytea_out,
                                         .receive = bytea_receive,
                                         .send = text_out,
                                         .compare = text_compare,
                                         .hash = text_hash,
                                         .key = text_key,
                                         .key_len = key_len_escaped};

/* ---- cstring, unknown ---- */

static status cstring_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                         size_t len, datum *ret) {
    TRY(type_check_text(env, text, len));
    ret->s = arena_strndup(env->arena, text, len);
    return ret->s ? OK : out_of_memory(env);
}

static status cstring_out(const struct eval_env *, const struct type *, datum value,
                          struct buf *out) {
    return buf_add_str(out, value.s);
}

static int cstring_compare(const struct type *, datum a, datum b) {
    return strcmp(a.s, b.s);
}

static uint64_t cstring_hash(const struct type *, datum value) {
    return hash_bytes(value.s, strlen(value.s));
}

static bool cstring_valid(const struct type *, const char *bytes, size_t len) {
    return !memchr(bytes, '\0', len);
}

const struct type_family family_cstring = {.in = cstring_in,
                                           .out = cstring_out,
                                           .receive = cstring_in,
                                           .send = cstring_out,
                                           .compare = cstring_compare,
                                           .hash = cstring_hash,
                                           .valid = cstring_valid,
                                           .binary_is_text = true};

/* ---- uuid ---- */

static status uuid_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    uint8_t *u = arena_alloc(env->arena, 16);
    if (!u) return out_of_memory(env);
    const char *p = text, *end = text + len;
    bool braces = p < end && *p == '{';
    p += braces;
    for (int i = 0; i < 16; i++) {
        int high = p < end ? hex_digit(p[0]) : -1, low = p + 1 < end ? hex_digit(p[1]) : -1;
        if (high < 0 || low < 0) return bad_input(env, "uuid", text, len);
        u[i] = (uint8_t)(high << 4 | low);
        p += 2;
        if (p < end && *p == '-' && i % 2 == 1 && i < 15) p++;
    }
    if (braces && p < end && *p == '}')
        p++;
    else if (braces)
        return bad_input(env, "uuid", text, len);
    if (p != end) return bad_input(env, "uuid", text, len);
    *ret = datum_ptr(u);
    return OK;
}

static status uuid_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *u = value.p;
    char text[36], *q = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *q++ = '-';
        *q++ = digits[u[i] >> 4];
        *q++ = digits[u[i] & 15];
    }
    return buf_add(out, text, sizeof text);
}

static status uuid_receive(const struct eval_env *env, const struct type *, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 16));
    ret->p = arena_memdup(env->arena, bytes, 16);
    return ret->p ? OK : out_of_memory(env);
}

static status uuid_send(const struct eval_env *, const struct type *, datum value,
                        struct buf *out) {
    return buf_add(out, value.p, 16);
}

static int uuid_compare(const struct type *, datum a, datum b) {
    return memcmp(a.p, b.p, 16);
}

static uint64_t uuid_hash(const struct type *, datum value) {
    return hash_bytes(value.p, 16);
}

static status uuid_key(const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.p, 16);
}

const struct type_family family_uuid = {.in = uuid_in,
                                        .out = uuid_out,
                                        .receive = uuid_receive,
                                        .send = uuid_send,
                                        .compare = uuid_compare,
                                        .hash = uuid_hash,
                                        .key = uuid_key,
                                        .key_len = key_len_16};
