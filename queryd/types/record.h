/* record.h: rows as values.
 *
 * Payload of a row's varlena, version 1, little-endian:
 *
 *   0  u32  the composite type, 2249 (record) of a row without one
 *   4  u16  number of fields; fewer than the type has when it was made before ADD ATTRIBUTE: the
 *           rest are null
 *   6  u8   flags: bit 0 there is a null bitmap, bit 1 there are names
 *   7  u8   version, 1
 *   8  …    rows without a type: u32 type of each field
 *      …    null bitmap if flagged: (fields + 7) / 8 bytes, bit set = null, padded to 4 bytes
 *      …    fields that are not null, as elements of arrays are stored (array.h)
 *      …    names if flagged (only without a type): of each field, as a cstring
 *
 * A dropped field keeps its place. The payload begins 4 bytes into a 4-aligned place, so that
 * fields of variable length can be used in place. */
#ifndef TYPES_RECORD_H
#define TYPES_RECORD_H

#include "types/type.h"

/* A row taken apart. */
struct record {
    oid type;
    uint16_t n;
    const oid *types;         /* n */
    const char *const *names; /* n, or NULL */
    const datum *values;
    const uint8_t *nulls;
};

/* Values of variable length point into v. A composite type's dropped fields are null. XX001. */
status record_split(const struct eval_env *env, const struct varlena *v, struct record *ret);
/* Of a composite type: n is its number of fields, names are not looked at. */
status record_build(const struct eval_env *env, const struct record *r, datum *ret);

/* Field by field without allocating. */
struct record_cursor {
    oid of;
    uint16_t n, at;
    const struct type *type; /* of the field last given, below domains */
    oid declared;            /* ... as declared */
    bool dropped;            /* it is */
    /* private */
    const struct type *row; /* NULL: record */
    const char *types, *next, *end;
    const uint8_t *bitmap;
    uint16_t stored;
    bool has_names;
    _Alignas(16) char scratch[NAME_BYTES];
};
status record_cursor_init(struct record_cursor *c, const struct varlena *v);
/* False at the end, or where the bytes are no record; a value by pointer is good until the next
 * call. */
bool record_cursor_next(struct record_cursor *c, datum *ret, bool *ret_is_null);

/* One field; null beyond the last. */
status record_get(const struct eval_env *env, const struct varlena *v, uint16_t field, datum *ret,
                  bool *ret_is_null);

/* What is not comparable is refused: 42804. */
status record_check_alike(const struct eval_env *env, const struct varlena *a,
                          const struct varlena *b);

#endif
