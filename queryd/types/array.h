/* array.h: arrays of any element type.
 *
 * Payload of an array's varlena (oidvector and int2vector have the same), version 1, little-endian:
 *
 *   0  u32  element type's oid
 *   4  u8   number of dimensions, 0 … 6 (0: empty)
 *   5  u8   flags: bit 0 there is a null bitmap
 *   6  u16  0
 *   8  per dimension: i32 length, i32 lower bound
 *      null bitmap if flagged: (elements + 7) / 8 bytes, bit set = null, padded to 4 bytes
 *      elements that are not null, in row-major order, each padded to 4 bytes: fixed-length types
 *      their bytes; variable-length ones u32 length and the bytes; cstring the same with its NUL
 *
 * The payload begins 4 bytes into a 16-aligned allocation, so variable-length elements can be used
 * in place as struct varlena. */
#ifndef TYPES_ARRAY_H
#define TYPES_ARRAY_H

#include "types/type.h"

#define ARRAY_DIMENSIONS_MAX 6
#define ARRAY_ELEMENTS_MAX (1u << 27)

struct array_parts {
    oid element;
    uint8_t ndim;
    int32_t lengths[ARRAY_DIMENSIONS_MAX];
    int32_t lower[ARRAY_DIMENSIONS_MAX];
    uint32_t n; /* elements: the product of the lengths, 0 without dimensions */
    datum *values;
    uint8_t *nulls;
};

/* Head and elements; XX001 when the bytes are not an array. Values of variable length point into v.
 */
status array_split(const struct eval_env *env, const struct varlena *v, struct array_parts *ret);
/* Only the head: values and nulls stay NULL. */
status array_head(const struct varlena *v, struct array_parts *ret);
status array_build(const struct eval_env *env, const struct array_parts *parts, datum *ret);
/* One dimension from 1; n 0 gives the empty array. */
status array_build_1d(const struct eval_env *env, oid element, const datum *values,
                      const uint8_t *nulls, uint32_t n, datum *ret);
/* One more dimension around arrays of equal shape: ARRAY[[1,2],[3,4]]. */
status array_build_nested(const struct eval_env *env, oid element, const datum *arrays,
                          const uint8_t *nulls, uint32_t n, datum *ret);

/* a[i][j]…: null outside of the bounds or with the wrong number of subscripts. */
status array_get(const struct eval_env *env, const struct varlena *v, const int32_t *subscripts,
                 size_t n, datum *ret, bool *ret_is_null);
/* a[l:u][l:u]…: has_lower/has_upper false: from the first / to the last. */
status array_slice(const struct eval_env *env, const struct varlena *v, const int32_t *lower,
                   const int32_t *upper, const uint8_t *has_lower, const uint8_t *has_upper,
                   size_t n, datum *ret);

/* v with one element, or a slice, replaced; v NULL: a null array, which is as an empty one. An
 * array of one dimension grows where it must, with nulls. 2202E. */
status array_set(const struct eval_env *env, oid element, const struct varlena *v,
                 const int32_t *subscripts, size_t n, datum value, bool is_null, datum *ret);
struct array_bounds {
    int32_t low[ARRAY_DIMENSIONS_MAX], high[ARRAY_DIMENSIONS_MAX];
    uint8_t has_low[ARRAY_DIMENSIONS_MAX], has_high[ARRAY_DIMENSIONS_MAX];
};
status array_set_slice(const struct eval_env *env, oid element, const struct varlena *v,
                       const struct array_bounds *b, size_t n, const struct varlena *source,
                       datum *ret);

/* x op ANY (array) and the like walk an array with this, without allocating. */
struct array_cursor {
    struct array_parts head;
    const struct type *type;
    const char *next, *end;
    const uint8_t *bitmap;
    uint32_t at;
    _Alignas(16) char scratch[NAME_BYTES]; /* fixed-length by-pointer elements, aligned */
};
status array_cursor_init(struct array_cursor *c, const struct varlena *v);
/* The same over bare payload bytes. */
status array_cursor_init_bytes(struct array_cursor *c, const char *bytes, size_t len);
/* False at the end; a value by pointer is good until the next call. */
bool array_cursor_next(struct array_cursor *c, datum *ret, bool *ret_is_null);

/* Product of the lengths; false: negative or too many. */
bool array_count(const int32_t *lengths, size_t ndim, uint32_t *ret);
status array_too_large(const struct eval_env *env); /* the error */

#endif
