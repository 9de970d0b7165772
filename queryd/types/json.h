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

/* Walks the members of an object or the elements of an array. */
struct json_cursor {
    const char *p, *end;
    bool object;
};
void json_cursor_init(struct json_cursor *c, struct json_piece container);
/* False at the end. The key is a quoted string; untouched in an array. */
bool json_cursor_next(struct json_cursor *c, struct json_piece *ret_key, struct json_piece *ret);

/* Appends what a quoted string says; 22P05 for \u0000, 22P02 for halves of surrogate pairs. */
status json_unquote(const struct eval_env *env, struct json_piece quoted, struct buf *out);
/* Appends the string in quotes. */
status json_quote(struct buf *out, const char *text, size_t len);

/* Appends any value as JSON, as to_json does; line feeds between the members of the outermost. */
status json_add_value(const struct eval_env *env, oid type, datum value, bool is_null,
                      bool line_feeds, struct buf *out);
/* Appends it as an object's key; 22023 for what can be none. */
status json_add_key(const struct eval_env *env, oid type, datum value, struct buf *out);

#endif
