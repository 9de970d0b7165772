/* Rows as text and in the protocol's binary form. */
#include "types/internal.h"
#include "types/record.h"

struct record_scan {
    const struct eval_env *env;
    const char *text, *p, *end;
    size_t len;
    struct buf item;
};

static status malformed(const struct record_scan *s, const char *detail) {
    status st = error_set(s->env->error, ST_INVALID_TEXT_REPRESENTATION,
                          "malformed record literal: \"%.*s\"", (int)(s->len > 400 ? 400 : s->len),
                          s->text);
    error_detail(s->env->error, "%s", detail);
    return st;
}

static void skip_space(struct record_scan *s) {
    while (s->p < s->end && is_space(*s->p)) s->p++;
}

/* One field's text; quotes may begin and end anywhere in it. */
static status scan_field(struct record_scan *s, bool *ret_is_null) {
    bool quoted = false;
    s->item.len = 0;
    *ret_is_null = s->p < s->end && (*s->p == ',' || *s->p == ')');
    if (*ret_is_null) return OK;
    for (;; s->p++) {
        if (s->p == s->end) return malformed(s, "Unexpected end of input.");
        char c = *s->p;
        if (!quoted && (c == ',' || c == ')')) return OK;
        if (c == '\\') {
            if (++s->p == s->end) return malformed(s, "Unexpected end of input.");
        } else if (c == '"') {
            bool doubled = quoted && s->p + 1 < s->end && s->p[1] == '"';
            if (!doubled) {
                quoted = !quoted;
                continue;
            }
            s->p++;
        }
        TRY(buf_add(&s->item, s->p, 1));
    }
}

static status field_value(struct record_scan *s, const struct type_field *f, bool is_null,
                          datum *ret) {
    const struct type *t = type_find(f->type);
    if (!t) return error_set(s->env->error, ST_INTERNAL_ERROR, "field of an unknown type");
    if (is_null) return type_check_domain(s->env, t, *ret, true);
    return type_input(s->env, t, f->typmod, s->item.len ? s->item.data : "", s->item.len, ret);
}

static status scan_fields(struct record_scan *s, const struct type *t, datum *values,
                          uint8_t *nulls) {
    bool first = true, is_null;
    for (uint16_t i = 0; i < t->nfields; i++) {
        nulls[i] = 1;
        if (t->fields[i].dropped) continue;
        if (!first && s->p < s->end && *s->p != ',') return malformed(s, "Too few columns.");
        if (!first) s->p++;
        first = false;
        TRY(scan_field(s, &is_null));
        nulls[i] = is_null;
        TRY(field_value(s, &t->fields[i], is_null, &values[i]));
    }
    if (s->p == s->end) return malformed(s, "Unexpected end of input.");
    if (*s->p++ != ')') return malformed(s, "Too many columns.");
    skip_space(s);
    return s->p == s->end ? OK : malformed(s, "Junk after right parenthesis.");
}

/* The fields of a value to be made. */
struct parts {
    datum *values;
    uint8_t *nulls;
    oid *types;
};

static status parts_new(const struct eval_env *env, const struct type *t, struct parts *ret) {
    ret->values = arena_zalloc(env->arena, t->nfields * sizeof *ret->values);
    ret->nulls = arena_zalloc(env->arena, t->nfields);
    ret->types = arena_array(env->arena, t->nfields, sizeof *ret->types);
    if (!ret->values || !ret->nulls || !ret->types) return out_of_memory(env);
    for (uint16_t i = 0; i < t->nfields; i++) ret->types[i] = t->fields[i].type;
    return OK;
}

static status parts_build(const struct eval_env *env, const struct type *t, const struct parts *p,
                          datum *ret) {
    struct record r = {t->oid, t->nfields, p->types, NULL, p->values, p->nulls};
    return record_build(env, &r, ret);
}

static status anonymous_input(const struct eval_env *env) {
    return error_set(env->error, ST_FEATURE_NOT_SUPPORTED,
                     "input of anonymous composite types is not implemented");
}

status record_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                 size_t len, datum *ret) {
    struct record_scan s = {.env = env, .text = text, .p = text, .end = text + len, .len = len};
    struct parts p;
    if (t->kind != 'c') return anonymous_input(env);
    TRY(parts_new(env, t, &p));
    skip_space(&s);
    if (s.p == s.end || *s.p != '(') return malformed(&s, "Missing left parenthesis.");
    s.p++;
    status st = scan_fields(&s, t, p.values, p.nulls);
    buf_free(&s.item);
    TRY(st);
    return parts_build(env, t, &p, ret);
}

static bool needs_quotes(const char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (strchr("\"\\(),", p[i]) || is_space(p[i])) return true;
    return len == 0;
}

static status out_field(struct buf *out, const struct buf *field) {
    bool quotes = needs_quotes(field->data, field->len);
    if (quotes) TRY(buf_add(out, "\"", 1));
    for (size_t k = 0; k < field->len; k++) {
        char c = field->data[k];
        if (c == '"' || c == '\\') TRY(buf_add(out, &c, 1));
        TRY(buf_add(out, &c, 1));
    }
    return quotes ? buf_add(out, "\"", 1) : OK;
}

static status out_fields(const struct eval_env *env, struct record_cursor *c, struct buf *field,
                         struct buf *out) {
    bool first = true, is_null;
    datum value;
    TRY(buf_add(out, "(", 1));
    while (c->at < c->n) {
        if (!record_cursor_next(c, &value, &is_null)) return STATUS(DATA_CORRUPTED);
        if (c->dropped) continue;
        if (!first) TRY(buf_add(out, ",", 1));
        first = false;
        if (is_null) continue;
        field->len = 0;
        TRY(type_output(env, c->type, value, field));
        TRY(out_field(out, field));
    }
    return buf_add(out, ")", 1);
}

status record_out(const struct eval_env *env, const struct type *, datum value, struct buf *out) {
    struct record_cursor c;
    struct buf field = {0};
    TRY(record_cursor_init(&c, value.v));
    status st = out_fields(env, &c, &field, out);
    buf_free(&field);
    return st;
}

/* ---- binary form: u32 columns, then per column oid, i32 length (-1 null), bytes ---- */

static uint32_t live_fields(const struct type *t) {
    uint32_t n = 0;
    for (uint16_t i = 0; i < t->nfields; i++) n += !t->fields[i].dropped;
    return n;
}

static status receive_field(const struct eval_env *env, const struct type_field *f, uint32_t column,
                            const char **p, const char *end, datum *ret, uint8_t *ret_null) {
    if (end - *p < 8) return bad_binary(env, "record");
    oid type = load_be32(*p);
    int32_t size = (int32_t)load_be32(*p + 4);
    *p += 8;
    if (type != f->type)
        return error_set(env->error, ST_DATATYPE_MISMATCH,
                         "binary data has type %u (%s) instead of expected %u (%s) in record "
                         "column %u",
                         type, type_format_name(env->arena, type), f->type,
                         type_format_name(env->arena, f->type), column);
    if (size < -1 || size > end - *p) return bad_binary(env, "record");
    const struct type *t = type_find(type);
    if (!t) return error_set(env->error, ST_INTERNAL_ERROR, "field of an unknown type");
    *ret_null = size < 0;
    if (size < 0) return type_check_domain(env, t, *ret, true);
    TRY(type_receive(env, t, f->typmod, *p, (size_t)size, ret));
    *p += size;
    return OK;
}

status record_receive(const struct eval_env *env, const struct type *t, int32_t, const char *bytes,
                      size_t len, datum *ret) {
    struct parts parts;
    const char *p = bytes + 4, *end = bytes + len;
    uint32_t column = 0;
    if (t->kind != 'c') return anonymous_input(env);
    if (len < 4) return bad_binary(env, "record");
    if (load_be32(bytes) != live_fields(t))
        return error_set(env->error, ST_DATATYPE_MISMATCH,
                         "wrong number of columns: %d, expected %u", (int32_t)load_be32(bytes),
                         live_fields(t));
    TRY(parts_new(env, t, &parts));
    for (uint16_t i = 0; i < t->nfields; i++) {
        parts.nulls[i] = 1;
        if (!t->fields[i].dropped)
            TRY(receive_field(env, &t->fields[i], ++column, &p, end, &parts.values[i],
                              &parts.nulls[i]));
    }
    if (p != end) return bad_binary(env, "record");
    return parts_build(env, t, &parts, ret);
}

status record_send(const struct eval_env *env, const struct type *, datum value, struct buf *out) {
    struct record_cursor c;
    char big[8];
    size_t head = out->len;
    uint32_t n = 0;
    datum field;
    bool is_null;
    TRY(record_cursor_init(&c, value.v));
    TRY(buf_add(out, "\0\0\0\0", 4));
    while (c.at < c.n) {
        if (!record_cursor_next(&c, &field, &is_null)) return STATUS(DATA_CORRUPTED);
        if (c.dropped) continue;
        n++;
        store_be32(big, c.declared);
        store_be32(big + 4, UINT32_MAX);
        TRY(buf_add(out, big, 8));
        if (is_null) continue;
        size_t start = out->len;
        TRY(type_send(env, c.type, field, out));
        store_be32(out->data + start - 4, (uint32_t)(out->len - start));
    }
    store_be32(out->data + head, n);
    return OK;
}
