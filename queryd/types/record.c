/* Rows as values: layout, order, hash, keys. */
#include "types/record.h"

#include "types/internal.h"

#define HEAD_BYTES 8
#define FLAG_NULLS 1
#define FLAG_NAMES 2
#define RECORD_VERSION 1

static size_t pad4(size_t n) {
    return (n + 3) & ~(size_t)3;
}

/* ---- reading --------------------------------------------------------------------------------- */

static status cursor_init_bytes(struct record_cursor *c, const char *p, size_t len) {
    if (len < HEAD_BYTES || p[7] != RECORD_VERSION || (uint8_t)p[6] > (FLAG_NULLS | FLAG_NAMES))
        return STATUS(DATA_CORRUPTED);
    *c = (struct record_cursor){.of = load_le32(p), .stored = load_le16(p + 4), .end = p + len};
    c->n = c->stored;
    c->has_names = p[6] & FLAG_NAMES;
    c->next = p + HEAD_BYTES;
    size_t left = len - HEAD_BYTES, types = c->of == RECORDOID ? c->stored * 4u : 0;
    size_t bitmap = p[6] & FLAG_NULLS ? pad4((c->stored + 7u) / 8) : 0;
    if (left < types + bitmap) return STATUS(DATA_CORRUPTED);
    if (c->of == RECORDOID) {
        c->types = c->next;
    } else {
        c->row = type_find(c->of);
        if (!c->row || c->row->kind != 'c' || c->stored > c->row->nfields || c->has_names)
            return STATUS(DATA_CORRUPTED);
        c->n = c->row->nfields;
    }
    c->next += types;
    if (bitmap) c->bitmap = (const uint8_t *)c->next;
    c->next += bitmap;
    return OK;
}

status record_cursor_init(struct record_cursor *c, const struct varlena *v) {
    return cursor_init_bytes(c, v->data, v->len);
}

bool record_cursor_next(struct record_cursor *c, datum *ret, bool *ret_is_null) {
    if (c->at >= c->n) return false;
    uint16_t i = c->at++;
    c->declared = c->row ? c->row->fields[i].type : load_le32(c->types + i * 4u);
    c->dropped = c->row && c->row->fields[i].dropped;
    c->type = type_below(type_find(c->declared));
    if (!c->type) return false;
    ret->u64 = 0;
    *ret_is_null = i >= c->stored || (c->bitmap && c->bitmap[i / 8] >> i % 8 & 1);
    if (*ret_is_null) return true;
    if (!element_get(&c->next, c->end, c->type, c->scratch, ret)) return false;
    *ret_is_null = c->dropped;
    return true;
}

static status corrupted(const struct eval_env *env) {
    return error_set(env->error, ST_DATA_CORRUPTED, "invalid row value");
}

/* A value that stands in the cursor's scratch gets a place of its own. */
static status keep(const struct eval_env *env, const struct record_cursor *c, datum *value) {
    if (value->p != c->scratch || c->type->byval) return OK;
    value->p = arena_memdup(env->arena, c->scratch, (size_t)c->type->len);
    return value->p ? OK : out_of_memory(env);
}

static status read_names(const struct eval_env *env, struct record_cursor *c,
                         const char *const **ret) {
    const char **names = arena_array(env->arena, c->n, sizeof *names);
    const struct type *cstring = type_find(CSTRINGOID);
    datum name;
    if (!names) return out_of_memory(env);
    for (uint16_t i = 0; i < c->n; i++) {
        if (!element_get(&c->next, c->end, cstring, c->scratch, &name)) return corrupted(env);
        names[i] = name.s;
    }
    *ret = names;
    return OK;
}

static status type_names(const struct eval_env *env, const struct type *row,
                         const char *const **ret) {
    const char **names = arena_array(env->arena, row->nfields, sizeof *names);
    if (!names) return out_of_memory(env);
    for (uint16_t i = 0; i < row->nfields; i++) names[i] = row->fields[i].name;
    *ret = names;
    return OK;
}

status record_split(const struct eval_env *env, const struct varlena *v, struct record *ret) {
    struct record_cursor c;
    if (!ok(record_cursor_init(&c, v))) return corrupted(env);
    oid *types = arena_array(env->arena, c.n, sizeof *types);
    datum *values = arena_array(env->arena, c.n, sizeof *values);
    uint8_t *nulls = arena_zalloc(env->arena, c.n);
    if (!types || !values || !nulls) return out_of_memory(env);
    *ret = (struct record){c.of, c.n, types, NULL, values, nulls};
    for (uint16_t i = 0; i < c.n; i++) {
        bool is_null;
        if (!record_cursor_next(&c, &values[i], &is_null)) return corrupted(env);
        types[i] = c.declared;
        nulls[i] = is_null;
        if (!is_null) TRY(keep(env, &c, &values[i]));
    }
    if (c.row) return type_names(env, c.row, &ret->names);
    return c.has_names ? read_names(env, &c, &ret->names) : OK;
}

status record_get(const struct eval_env *env, const struct varlena *v, uint16_t field, datum *ret,
                  bool *ret_is_null) {
    struct record_cursor c;
    *ret_is_null = true;
    if (!ok(record_cursor_init(&c, v))) return corrupted(env);
    if (field >= c.n) return OK;
    for (uint16_t i = 0; i <= field; i++)
        if (!record_cursor_next(&c, ret, ret_is_null)) return corrupted(env);
    return *ret_is_null ? OK : keep(env, &c, ret);
}

/* ---- building -------------------------------------------------------------------------------- */

static const struct type *stored_type(const struct record *r, uint16_t i) {
    return type_below(type_find(r->types[i]));
}

static status room_for(const struct eval_env *env, const struct record *r, bool names,
                       bool *ret_nulls, size_t *ret) {
    uint64_t size = HEAD_BYTES + (r->type == RECORDOID ? r->n * 4u : 0);
    *ret_nulls = false;
    for (uint16_t i = 0; i < r->n; i++) {
        const struct type *t = stored_type(r, i);
        if (!t) return error_set(env->error, ST_INTERNAL_ERROR, "row with a field of no type");
        if (r->nulls[i])
            *ret_nulls = true;
        else
            size += element_bytes(t, r->values[i]);
        if (names) size += pad4(4 + strlen(r->names[i]) + 1);
    }
    if (*ret_nulls) size += pad4((r->n + 7u) / 8);
    if (size > VARLENA_MAX)
        return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED, "row is too large");
    *ret = size;
    return OK;
}

status record_build(const struct eval_env *env, const struct record *r, datum *ret) {
    bool names = r->type == RECORDOID && r->names, any_null;
    size_t size;
    TRY(room_for(env, r, names, &any_null, &size));
    struct varlena *v = varlena_new(env->arena, size);
    if (!v) return out_of_memory(env);
    char *p = v->data;
    store_le32(p, r->type);
    store_le16(p + 4, r->n);
    p[6] = (char)((any_null ? FLAG_NULLS : 0) | (names ? FLAG_NAMES : 0));
    p[7] = RECORD_VERSION;
    p += HEAD_BYTES;
    if (r->type == RECORDOID)
        for (uint16_t i = 0; i < r->n; i++, p += 4) store_le32(p, r->types[i]);
    char *bits = p;
    if (any_null) {
        p += pad4((r->n + 7u) / 8);
        memset(bits, 0, (size_t)(p - bits));
    }
    for (uint16_t i = 0; i < r->n; i++) {
        if (r->nulls[i])
            bits[i / 8] = (char)(bits[i / 8] | 1 << i % 8);
        else
            p = element_put(p, stored_type(r, i), r->values[i]);
    }
    for (uint16_t i = 0; names && i < r->n; i++)
        p = element_put(p, type_find(CSTRINGOID), (datum){.s = r->names[i]});
    *ret = datum_ptr(v);
    return OK;
}

/* ---- validity -------------------------------------------------------------------------------- */

static bool record_valid(const struct type *t, const char *bytes, size_t len) {
    struct record_cursor c;
    if (!ok(cursor_init_bytes(&c, bytes, len)) || c.of != t->oid) return false;
    datum value;
    bool is_null;
    while (c.at < c.n) {
        const char *before = c.next;
        if (!record_cursor_next(&c, &value, &is_null)) return false;
        if (c.next != before && !element_valid(c.type, value)) return false;
    }
    return c.next == c.end;
}

/* ---- order, hash ----------------------------------------------------------------------------- */

/* The next field that is not dropped. */
static bool next_live(struct record_cursor *c, datum *value, bool *is_null) {
    do {
        if (!record_cursor_next(c, value, is_null)) return false;
    } while (c->dropped);
    return true;
}

/* Field by field; null is greater than any value. */
static int record_compare(const struct type *, datum a, datum b) {
    struct record_cursor x, y;
    if (!ok(record_cursor_init(&x, a.v)) || !ok(record_cursor_init(&y, b.v)))
        return (a.v->len > b.v->len) - (a.v->len < b.v->len);
    for (;;) {
        datum p, q;
        bool p_null, q_null;
        bool more_x = next_live(&x, &p, &p_null), more_y = next_live(&y, &q, &q_null);
        if (!more_x || !more_y) return more_x - more_y;
        if (p_null != q_null) return p_null ? 1 : -1;
        if (p_null) continue;
        if (x.type != y.type) return x.type->oid < y.type->oid ? -1 : 1;
        int order = x.type->family->compare ? type_compare(x.type, p, q) : 0;
        if (order) return order;
    }
}

status record_check_alike(const struct eval_env *env, const struct varlena *a,
                          const struct varlena *b) {
    struct record_cursor x, y;
    if (!ok(record_cursor_init(&x, a)) || !ok(record_cursor_init(&y, b))) return corrupted(env);
    for (int column = 1;; column++) {
        datum ignored;
        bool is_null;
        bool more_x = next_live(&x, &ignored, &is_null), more_y = next_live(&y, &ignored, &is_null);
        if (!more_x && !more_y) return OK;
        if (more_x != more_y)
            return error_set(env->error, ST_DATATYPE_MISMATCH,
                             "cannot compare record types with different numbers of columns");
        if (x.type->oid != y.type->oid)
            return error_set(env->error, ST_DATATYPE_MISMATCH,
                             "cannot compare dissimilar column types %s and %s at record column %d",
                             type_format_name(env->arena, x.declared),
                             type_format_name(env->arena, y.declared), column);
        if (!type_is_ordered(x.type))
            return error_set(env->error, ST_UNDEFINED_FUNCTION,
                             "could not identify an equality operator for type %s",
                             type_format_name(env->arena, x.declared));
    }
}

static uint64_t record_hash(const struct type *, datum value) {
    struct record_cursor c;
    uint64_t h = 1;
    datum field;
    bool is_null;
    if (!ok(record_cursor_init(&c, value.v))) return h;
    while (next_live(&c, &field, &is_null))
        h = hash_u64(h * 31 + (is_null || !c.type->family->hash ? 7 : type_hash(c.type, field)));
    return h;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* A field's mark: the marks' order is that of what they stand for. Nulls at the end are left out,
 * so that a field added to the type changes no key. */
enum { MARK_VALUE = 0x80, MARK_NULL = 0xFE, MARK_END = 0xFF };

static status record_key(const struct type *, datum value, struct buf *out) {
    struct record_cursor c;
    datum field;
    bool is_null;
    unsigned nulls = 0;
    uint8_t mark;
    TRY(record_cursor_init(&c, value.v));
    while (next_live(&c, &field, &is_null)) {
        nulls += is_null;
        if (is_null) continue;
        for (mark = MARK_NULL; nulls; nulls--) TRY(buf_add(out, &mark, 1));
        if (!c.type->family->key) return STATUS(FEATURE_NOT_SUPPORTED);
        mark = MARK_VALUE;
        TRY(buf_add(out, &mark, 1));
        TRY(c.type->family->key(c.type, field, out));
    }
    mark = MARK_END;
    return buf_add(out, &mark, 1);
}

static size_t record_key_len(const struct type *t, const uint8_t *bytes, size_t len,
                             bool inverted) {
    uint8_t flip = inverted ? 0xFF : 0;
    size_t at = 0;
    for (uint16_t i = 0; at < len && (bytes[at] ^ flip) != MARK_END; i++) {
        while (i < t->nfields && t->fields[i].dropped) i++;
        uint8_t mark = bytes[at++] ^ flip;
        if (i >= t->nfields) return 0;
        if (mark == MARK_NULL) continue;
        const struct type *field = type_below(type_find(t->fields[i].type));
        size_t n = mark == MARK_VALUE && field && field->family->key_len
                       ? field->family->key_len(field, bytes + at, len - at, inverted)
                       : 0;
        if (!n) return 0;
        at += n;
    }
    return at < len ? at + 1 : 0;
}

const struct type_family family_record = {.in = record_in,
                                          .out = record_out,
                                          .receive = record_receive,
                                          .send = record_send,
                                          .compare = record_compare,
                                          .hash = record_hash,
                                          .key = record_key,
                                          .key_len = record_key_len,
                                          .valid = record_valid};
