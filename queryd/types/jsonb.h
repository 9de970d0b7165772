/* jsonb.h: JSON as a tree of bytes that can be searched without reading it all; inside types only.
 *
 * Payload of a jsonb's varlena, version 1, little-endian, everything at multiples of 4:
 *
 *   0  u32  1, the version
 *   4  …    a value:
 *
 *      0  u32  kind (enum jsonb_kind)
 *      4  u32  bytes of what follows, without the zeros that fill it up to a multiple of 4
 *      8  …    null, false, true: nothing; number: payload of a numeric; string: its bytes;
 *              array: u32 n, n × u32 where each element begins, counted from the start of this
 *              value; the elements;
 *              object: u32 n, n × u32 where each name begins (names are strings, shorter ones
 * first, then by memcmp, none twice), n × u32 where each value begins; names and values
 *
 * A value knows its length and counts from itself: any part of a jsonb is one by itself when
 * copied. Numbers and strings are varlenas from their byte 4 on. */
#ifndef TYPES_JSONB_H
#define TYPES_JSONB_H

#include "types/json.h"

#define JSONB_VERSION 1
#define JSONB_BYTES_MAX 0x0FFFFFFFu /* of elements of one container, as in PostgreSQL */

/* In the order in which values of different kinds compare, but for true, which is a boolean. */
enum jsonb_kind {
    JSONB_NULL,
    JSONB_STRING,
    JSONB_NUMBER,
    JSONB_FALSE,
    JSONB_TRUE,
    JSONB_ARRAY,
    JSONB_OBJECT,
};

struct jsonb { /* a value inside of a payload */
    uint32_t kind;
    uint32_t len;
    uint32_t body[];
};

/* ---- reading: bytes that are known to be a jsonb ---- */

static inline const struct jsonb *jsonb_root(const struct varlena *v) {
    return (const struct jsonb *)(v->data + 4);
}
static inline bool jsonb_is_scalar(const struct jsonb *v) {
    return v->kind < JSONB_ARRAY;
}
static inline size_t jsonb_bytes(const struct jsonb *v) { /* all of it */
    return sizeof *v + ((v->len + 3u) & ~3u);
}
/* Of numbers and strings. */
static inline const struct varlena *jsonb_varlena(const struct jsonb *v) {
    return (const struct varlena *)&v->len;
}
/* A string of these bytes. */
static inline bool jsonb_is_text(const struct jsonb *v, const struct varlena *text) {
    return v->kind == JSONB_STRING && v->len == text->len &&
           !memcmp(jsonb_varlena(v)->data, text->data, text->len);
}
static inline uint32_t jsonb_count(const struct jsonb *container) {
    return container->body[0];
}
static inline const struct jsonb *jsonb_at(const struct jsonb *container, uint32_t slot) {
    return (const struct jsonb *)((const char *)container + container->body[1 + slot]);
}
static inline const struct jsonb *jsonb_element(const struct jsonb *array, uint32_t i) {
    return jsonb_at(array, i);
}
static inline const struct jsonb *jsonb_name(const struct jsonb *object, uint32_t i) {
    return jsonb_at(object, i);
}
static inline const struct jsonb *jsonb_member(const struct jsonb *object, uint32_t i) {
    return jsonb_at(object, jsonb_count(object) + i);
}
/* The value of that name; NULL: no object, or none. */
const struct jsonb *jsonb_find(const struct jsonb *object, const char *name, size_t len);
/* Counted from the end when negative; NULL: no array, or beyond its ends. */
const struct jsonb *jsonb_find_element(const struct jsonb *array, int64_t at);

/* <0, 0, >0 in btree order. */
int jsonb_compare(const struct jsonb *a, const struct jsonb *b);
enum json_kind jsonb_json_kind(const struct jsonb *v);

/* Appends it as JSON text; indent: a line a member (jsonb_pretty). */
status jsonb_print(const struct eval_env *env, const struct jsonb *v, bool indent, struct buf *out);
/* The text that ->> gives; null for null. */
status jsonb_text(const struct eval_env *env, const struct jsonb *v, datum *ret, bool *ret_is_null);

/* ---- writing ---- */

/* A value to be written: a tree whose leaves may be parts of other jsonbs. */
struct jsonb_tree {
    enum jsonb_kind kind;
    const struct jsonb *stored;  /* all of it is this; NULL: the rest says */
    struct jsonb_tree *children; /* array: n elements; object: n times a name and its value */
    uint32_t n, room;            /* room: of children */
    uint32_t len;                /* string, number */
    const char *bytes;
};

static inline struct jsonb_tree jsonb_tree_stored(const struct jsonb *v) {
    return (struct jsonb_tree){.kind = (enum jsonb_kind)v->kind, .stored = v};
}
static inline struct jsonb_tree jsonb_tree_string(const char *bytes, size_t len) {
    return (struct jsonb_tree){.kind = JSONB_STRING, .bytes = bytes, .len = (uint32_t)len};
}
static inline struct jsonb_tree jsonb_tree_bool(bool x) {
    return (struct jsonb_tree){.kind = x ? JSONB_TRUE : JSONB_FALSE};
}
static inline struct jsonb_tree jsonb_tree_number(const struct varlena *numeric) {
    return (struct jsonb_tree){.kind = JSONB_NUMBER, .bytes = numeric->data, .len = numeric->len};
}
/* Room comes from the arena a. */
status jsonb_add_element(const struct eval_env *env, struct arena *a, struct jsonb_tree *array,
                         struct jsonb_tree value);
/* Of several members with one name the last stays. */
status jsonb_add_member(const struct eval_env *env, struct arena *a, struct jsonb_tree *object,
                        struct jsonb_tree name, struct jsonb_tree value);
/* The finished value in env->arena; 54000 when it is too large. */
status jsonb_make(const struct eval_env *env, const struct jsonb_tree *tree, datum *ret);
/* A part of a jsonb as one by itself. */
status jsonb_take(const struct eval_env *env, const struct jsonb *v, datum *ret);

/* The tree of a text; 22P02 when it is not JSON. */
status jsonb_parse(const struct eval_env *env, const char *text, size_t len,
                   struct jsonb_tree *ret);
/* Any value as to_jsonb makes it. */
status jsonb_tree_of(const struct eval_env *env, oid type, datum value, bool is_null,
                     struct jsonb_tree *ret);
/* A value as a member's name; 22023 for what can be none. */
status jsonb_tree_name(const struct eval_env *env, oid type, datum value, struct jsonb_tree *ret);

/* The jsonb in which the value (NULL: null) stands where the path, an array of texts, leads; what
 * is missing on the way comes into being. target NULL: into an empty array or object. 22004: a null
 * in the path. */
status jsonb_assign(const struct eval_env *env, const struct varlena *target,
                    const struct varlena *path, bool into_array, const struct varlena *value,
                    datum *ret);

static inline status give_jsonb(struct fn_call *c, const struct jsonb_tree *tree) {
    return jsonb_make(c->env, tree, &c->result);
}
static inline status give_part(struct fn_call *c, const struct jsonb *v) {
    return jsonb_take(c->env, v, &c->result);
}

#endif
