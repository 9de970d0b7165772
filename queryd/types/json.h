/* json.h: reading and writing JSON text; inside types only. */
#ifndef TYPES_JSON_H
#define TYPES_JSON_H

#include "types/internal.h"

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOL,
    JSON_NULL,
};

/* A value inside a text that is known to be JSON: its bytes, without blanks around. */
struct json_piece {
    const char *p;
    size_t len;
};

enum json_kind json_kind_of(struct json_piece v);
static inline bool json_is_scalar(struct json_piece v) {
    return json_kind_of(v) > JSON_ARRAY;
}
struct json_piece json_piece_of(const struct varlena *v);
const char *json_kind_name(enum json_kind kind); /* as json_typeof says it */
/* A step of a path into an array: a whole number and nothing else. */
bool json_step_number(const struct varlena *step, int32_t *ret);

/* Walks the members of an object or the elements of an array. */
struct json_cursor {
    const char *p, *end;
    bool object;
};
void json_cursor_init(struct json_cursor *c, struct json_piece container);
/* False at the end. The key is a quoted string; untouched in an array. */
bool json_cursor_next(struct json_cursor *c, struct json_piece *ret_key, struct json_piece *ret);

/* The member of that name; of several the last. Not found in what is no object. */
status json_find_member(const struct eval_env *env, struct json_piece object, const char *name,
                        size_t len, struct json_piece *ret, bool *ret_found);

/* What reading a text meets, in order; strings and names come unquoted, and are only lent. */
struct json_events {
    status (*open)(void *arg, bool object);
    status (*close)(void *arg);
    status (*name)(void *arg, const char *text, size_t len);
    status (*scalar)(void *arg, enum json_kind kind, const char *text, size_t len);
};
/* 22P02 when the text is not JSON. events NULL: nothing more is asked (escapes of characters that
 * do not exist pass then, as in PostgreSQL). */
status json_parse(const struct eval_env *env, const char *text, size_t len,
                  const struct json_events *events, void *arg);

/* Appends what a quoted string says; 22P05 for \u0000, 22P02 for halves of surrogate pairs. */
status json_unquote(const struct eval_env *env, struct json_piece quoted, struct buf *out);
/* Appends the string in quotes. */
status json_quote(struct buf *out, const char *text, size_t len);

/* What values of a type are in JSON. */
enum json_shape {
    SHAPE_BOOL,
    SHAPE_NUMBER,
    SHAPE_MOMENT,
    SHAPE_JSON,
    SHAPE_JSONB,
    SHAPE_ARRAY,
    SHAPE_ROW,
    SHAPE_TEXT
};
enum json_shape json_shape_of(oid type);

/* Arguments of a function that takes any number of any types. */
struct json_arguments {
    uint32_t n;
    const datum *values;
    const uint8_t *nulls;
    const oid *types;
    oid element; /* of all, for VARIADIC array */
};
status json_arguments_of(struct fn_call *c, struct json_arguments *ret);
static inline oid json_argument_type(const struct json_arguments *a, uint32_t i) {
    return a->types ? a->types[i] : a->element;
}
/* 22023 for an odd number; `function` for the hint. */
status json_check_pairs(struct fn_call *c, const struct json_arguments *a, const char *function);

/* What json_object is given: name i at keys[i * step], its value at values[i * step]. */
struct json_pairs {
    uint32_t n, step;
    const datum *keys, *values;
    const uint8_t *key_nulls, *value_nulls;
};
status json_pairs_of(struct fn_call *c, struct json_pairs *ret);

/* Appends any value as JSON, as to_json does; line feeds between the members of the outermost. */
status json_add_value(const struct eval_env *env, oid type, datum value, bool is_null,
                      bool line_feeds, struct buf *out);
/* Appends it as an object's key; 22023 for what can be none. */
status json_add_key(const struct eval_env *env, oid type, datum value, struct buf *out);

/* 22023 */
static inline status json_refuse(const struct eval_env *env, const char *why) {
    return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "%s", why);
}

#endif
