/* Family jsonb: JSON as a tree of bytes (jsonb.h). */
#include "types/jsonb.h"
#include "base/coro.h"
#include "types/numeric.h"

const struct jsonb *jsonb_find(const struct jsonb *object, const char *name, size_t len) {
    if (object->kind != JSONB_OBJECT) return NULL;
    uint32_t low = 0, high = jsonb_count(object);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct varlena *v = jsonb_varlena(jsonb_name(object, middle));
        int order = v->len != len ? (v->len < len ? -1 : 1) : memcmp(v->data, name, len);
        if (!order) return jsonb_member(object, middle);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct jsonb *jsonb_find_element(const struct jsonb *array, int64_t at) {
    if (array->kind != JSONB_ARRAY) return NULL;
    if (at < 0) at += jsonb_count(array);
    return at >= 0 && at < jsonb_count(array) ? jsonb_element(array, (uint32_t)at) : NULL;
}

enum json_kind jsonb_json_kind(const struct jsonb *v) {
    switch (v->kind) {
    case JSONB_NULL: return JSON_NULL;
    case JSONB_STRING: return JSON_STRING;
    case JSONB_NUMBER: return JSON_NUMBER;
    case JSONB_ARRAY: return JSON_ARRAY;
    case JSONB_OBJECT: return JSON_OBJECT;
    default: return JSON_BOOL;
    }
}

/* ---- order ---- */

static int order_of(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare_strings(const struct jsonb *a, const struct jsonb *b) {
    return type_compare(type_find(TEXTOID), datum_ptr(jsonb_varlena(a)),
                        datum_ptr(jsonb_varlena(b)));
}

static int compare_scalars(const struct jsonb *a, const struct jsonb *b) {
    if (a->kind == JSONB_STRING) return compare_strings(a, b);
    if (a->kind == JSONB_NUMBER) return numeric_compare(jsonb_varlena(a), jsonb_varlena(b));
    return order_of(a->kind, b->kind);
}

static int compare_inner(const struct jsonb *a, const struct jsonb *b) {
    if (a->kind != b->kind) return order_of(a->kind, b->kind);
    if (jsonb_is_scalar(a)) return compare_scalars(a, b);
    uint32_t n = jsonb_count(a);
    int order = order_of(n, jsonb_count(b));
    for (uint32_t i = 0; i < n && !order; i++) {
        if (a->kind == JSONB_ARRAY) {
            order = compare_inner(jsonb_element(a, i), jsonb_element(b, i));
            continue;
        }
        order = compare_strings(jsonb_name(a, i), jsonb_name(b, i));
        if (!order) order = compare_inner(jsonb_member(a, i), jsonb_member(b, i));
    }
    return order;
}

/* A scalar by itself counts as an array of one element, less than any other such array; that puts
 * it above the empty array, as PostgreSQL has it. */
int jsonb_compare(const struct jsonb *a, const struct jsonb *b) {
    bool x = jsonb_is_scalar(a), y = jsonb_is_scalar(b);
    if (x == y) return compare_inner(a, b);
    if (a->kind == JSONB_OBJECT || b->kind == JSONB_OBJECT) return x ? -1 : 1;
    int order = x ? order_of(1, jsonb_count(b)) : order_of(jsonb_count(a), 1);
    return order ? order : y - x;
}

static int family_compare(const struct type *, datum a, datum b) {
    return jsonb_compare(jsonb_root(a.v), jsonb_root(b.v));
}

static uint64_t hash_value(const struct jsonb *v) {
    uint64_t h = hash_u64(v->kind + 1u);
    if (v->kind == JSONB_STRING) return h ^ hash_bytes(jsonb_varlena(v)->data, v->len);
    if (v->kind == JSONB_NUMBER)
        return h ^ type_hash(type_find(NUMERICOID), datum_ptr(jsonb_varlena(v)));
    if (jsonb_is_scalar(v)) return h;
    uint32_t slots = jsonb_count(v) * (v->kind == JSONB_OBJECT ? 2 : 1);
    for (uint32_t i = 0; i < slots; i++) h = hash_u64(h * 31 + hash_value(jsonb_at(v, i)));
    return h;
}

static uint64_t family_hash(const struct type *, datum value) {
    return hash_value(jsonb_root(value.v));
}

/* ---- keys ---- */

static status key_head(struct buf *out, uint8_t kind, uint32_t n) {
    char head[5] = {(char)kind};
    store_be32(head + 1, n);
    return buf_add(out, head, sizeof head);
}

static status key_value(const struct jsonb *v, struct buf *out) {
    char kind = (char)v->kind;
    if (jsonb_is_scalar(v)) TRY(buf_add(out, &kind, 1));
    if (v->kind == JSONB_STRING) return key_add_escaped(out, jsonb_varlena(v)->data, v->len);
    if (v->kind == JSONB_NUMBER)
        return family_numeric.key(type_find(NUMERICOID), datum_ptr(jsonb_varlena(v)), out);
    if (jsonb_is_scalar(v)) return OK;
    uint32_t n = jsonb_count(v);
    TRY(key_head(out, (uint8_t)v->kind, n));
    for (uint32_t i = 0; i < n; i++) {
        if (v->kind == JSONB_ARRAY) {
            TRY(key_value(jsonb_element(v, i), out));
            continue;
        }
        const struct varlena *name = jsonb_varlena(jsonb_name(v, i));
        TRY(key_add_escaped(out, name->data, name->len));
        TRY(key_value(jsonb_member(v, i), out));
    }
    return OK;
}

/* The outermost array says by a byte behind its count whether it is one, or a scalar that counts as
 * one. */
static status family_key(const struct type *, datum value, struct buf *out) {
    const struct jsonb *v = jsonb_root(value.v);
    if (v->kind == JSONB_OBJECT) return key_value(v, out);
    bool scalar = jsonb_is_scalar(v);
    uint32_t n = scalar ? 1 : jsonb_count(v);
    TRY(key_head(out, JSONB_ARRAY, n));
    TRY(buf_add(out, scalar ? "\0" : "\1", 1));
    if (scalar) return key_value(v, out);
    for (uint32_t i = 0; i < n; i++) TRY(key_value(jsonb_element(v, i), out));
    return OK;
}

struct key_walk {
    const uint8_t *p, *end;
    bool inverted;
};

static bool skip(struct key_walk *w, size_t n) {
    if (!n || n > (size_t)(w->end - w->p)) return false;
    w->p += n;
    return true;
}

static uint8_t key_byte(const struct key_walk *w) {
    return (uint8_t)(w->inverted ? ~*w->p : *w->p);
}

static bool skip_escaped(struct key_walk *w) {
    return skip(w, key_escaped_len(w->p, (size_t)(w->end - w->p), w->inverted));
}

static bool skip_value(struct key_walk *w);

static bool read_head(struct key_walk *w, uint8_t *ret_kind, uint32_t *ret_n) {
    if (w->end - w->p < 5) return false;
    *ret_kind = key_byte(w);
    *ret_n = load_be32(w->p + 1) ^ (w->inverted ? UINT32_MAX : 0);
    return skip(w, 5);
}

static bool skip_container(struct key_walk *w, bool outermost) {
    uint8_t kind;
    uint32_t n;
    if (coro_stack_left() < 16 * 1024 || !read_head(w, &kind, &n)) return false;
    if (kind != JSONB_ARRAY && kind != JSONB_OBJECT) return false;
    if (outermost && kind == JSONB_ARRAY && !skip(w, 1)) return false;
    for (; n; n--) {
        if (kind == JSONB_OBJECT && !skip_escaped(w)) return false;
        if (!skip_value(w)) return false;
    }
    return true;
}

static bool skip_value(struct key_walk *w) {
    if (w->p == w->end) return false;
    uint8_t kind = key_byte(w);
    if (kind >= JSONB_ARRAY) return skip_container(w, false);
    w->p++;
    if (kind == JSONB_STRING) return skip_escaped(w);
    if (kind != JSONB_NUMBER) return true;
    const struct type *t = type_find(NUMERICOID);
    return skip(w, family_numeric.key_len(t, w->p, (size_t)(w->end - w->p), w->inverted));
}

static size_t family_key_len(const struct type *, const uint8_t *bytes, size_t len, bool inverted) {
    struct key_walk w = {bytes, bytes + len, inverted};
    return skip_container(&w, true) ? (size_t)(w.p - bytes) : 0;
}

/* ---- stored bytes ---- */

static bool value_valid(const char *p, size_t len, size_t *ret_bytes);

/* Names and values follow one another without gaps, in the order of their slots. */
static bool container_valid(const char *p, size_t len, bool object) {
    if (len < 12 || coro_stack_left() < 16 * 1024) return false;
    uint64_t n = load_le32(p + 8), slots = object ? 2 * n : n;
    uint64_t at = 12 + slots * 4;
    if (at > len) return false;
    for (uint64_t i = 0; i < slots; i++) {
        size_t bytes;
        if (load_le32(p + 12 + i * 4) != at || !value_valid(p + at, len - at, &bytes)) return false;
        if (object && i < n && load_le32(p + at) != JSONB_STRING) return false;
        at += bytes;
    }
    return at == len;
}

static bool value_valid(const char *p, size_t len, size_t *ret_bytes) {
    if (len < 8) return false;
    uint32_t kind = load_le32(p), body = load_le32(p + 4);
    if (body > len - 8) return false;
    *ret_bytes = 8 + (((size_t)body + 3) & ~(size_t)3);
    if (*ret_bytes > len) return false;
    switch (kind) {
    case JSONB_STRING: return true;
    case JSONB_NUMBER: return family_numeric.valid(type_find(NUMERICOID), p + 8, body);
    case JSONB_ARRAY:
    case JSONB_OBJECT: return container_valid(p, 8 + (size_t)body, kind == JSONB_OBJECT);
    default: return kind <= JSONB_TRUE && body == 0;
    }
}

/* Stored bytes may lie at any address: they are not looked at as a struct jsonb here. */
static bool family_valid(const struct type *, const char *bytes, size_t len) {
    size_t used;
    if (len < 12 || load_le32(bytes) != JSONB_VERSION) return false;
    return value_valid(bytes + 4, len - 4, &used) && used == len - 4;
}

/* ---- text and binary ---- */

static status family_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                        size_t len, datum *ret) {
    struct jsonb_tree tree;
    TRY(jsonb_parse(env, text, len, &tree));
    return jsonb_make(env, &tree, ret);
}

static status family_out(const struct eval_env *env, const struct type *, datum value,
                         struct buf *out) {
    return jsonb_print(env, jsonb_root(value.v), false, out);
}

#define WIRE_VERSION 1 /* of the protocol's binary form: this byte and the text */

static status family_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                             const char *bytes, size_t len, datum *ret) {
    if (!len) return bad_binary(env, "jsonb");
    if (*bytes != WIRE_VERSION)
        return error_set(env->error, ST_INTERNAL_ERROR, "unsupported jsonb version number %d",
                         *bytes);
    if (utf8_check(bytes + 1, len - 1) < len - 1) return bad_binary(env, "jsonb");
    return family_in(env, t, typmod, bytes + 1, len - 1, ret);
}

static status family_send(const struct eval_env *env, const struct type *t, datum value,
                          struct buf *out) {
    char version = WIRE_VERSION;
    TRY(buf_add(out, &version, 1));
    return family_out(env, t, value, out);
}

static status print_value(const struct eval_env *env, const struct jsonb *v, int level,
                          struct buf *out);

/* In front of a member, and of the closing bracket (level < 0: all in one line). */
static status new_line(int level, struct buf *out) {
    if (level < 0) return OK;
    TRY(buf_add_str(out, "\n"));
    for (int i = 0; i < level; i++) TRY(buf_add_str(out, "    "));
    return OK;
}

static status print_container(const struct eval_env *env, const struct jsonb *v, int level,
                              struct buf *out) {
    bool object = v->kind == JSONB_OBJECT;
    int inner = level < 0 ? level : level + 1;
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    TRY(buf_add_str(out, object ? "{" : "["));
    for (uint32_t i = 0; i < jsonb_count(v); i++) {
        if (i) TRY(buf_add_str(out, level < 0 ? ", " : ","));
        TRY(new_line(inner, out));
        if (object) {
            TRY(print_value(env, jsonb_name(v, i), inner, out));
            TRY(buf_add_str(out, ": "));
            TRY(print_value(env, jsonb_member(v, i), inner, out));
        } else {
            TRY(print_value(env, jsonb_element(v, i), inner, out));
        }
    }
    TRY(new_line(level, out));
    return buf_add_str(out, object ? "}" : "]");
}

static status print_value(const struct eval_env *env, const struct jsonb *v, int level,
                          struct buf *out) {
    datum number;
    switch (v->kind) {
    case JSONB_NULL: return buf_add_str(out, "null");
    case JSONB_FALSE: return buf_add_str(out, "false");
    case JSONB_TRUE: return buf_add_str(out, "true");
    case JSONB_STRING: return json_quote(out, jsonb_varlena(v)->data, v->len);
    case JSONB_NUMBER:
        number = datum_ptr(jsonb_varlena(v));
        return family_numeric.out(env, type_find(NUMERICOID), number, out);
    default: return print_container(env, v, level, out);
    }
}

status jsonb_print(const struct eval_env *env, const struct jsonb *v, bool indent,
                   struct buf *out) {
    return print_value(env, v, indent ? 0 : -1, out);
}

status jsonb_text(const struct eval_env *env, const struct jsonb *v, datum *ret,
                  bool *ret_is_null) {
    *ret_is_null = v->kind == JSONB_NULL;
    if (*ret_is_null) return OK;
    struct buf out = {0};
    status s = v->kind == JSONB_STRING ? buf_add(&out, jsonb_varlena(v)->data, v->len)
                                       : jsonb_print(env, v, false, &out);
    if (ok(s) && !(ret->v = varlena_from(env->arena, out.data, out.len))) s = out_of_memory(env);
    buf_free(&out);
    return s;
}

const struct type_family family_jsonb = {.in = family_in,
                                         .out = family_out,
                                         .receive = family_receive,
                                         .send = family_send,
                                         .compare = family_compare,
                                         .hash = family_hash,
                                         .key = family_key,
                                         .key_len = family_key_len,
                                         .valid = family_valid,
                                         .binary_is_text = true};
