/* row.h: the bytes of a row as pages and log records hold them.
 *
 * Version 1, little-endian, nothing aligned:
 *
 *   0  u16  number of attributes stored; fewer than the table has when the row was written before
 *           ADD COLUMN: the rest read as the descriptor's missing value
 *   2  u8   flags: bit 0 there is a null bitmap; bit 1 there is a bitmap of references; bit 2 the
 *           writer is named; bits 4-7 the version, 1; the others 0
 *   3  u32  the writer if flagged: the low half of the id of the transaction that wrote the row
 *      …    null bitmap if flagged: (attributes + 7) / 8 bytes, bit set = null, surplus bits 0
 *      …    bitmap of references if flagged: the same, bit set = the value is kept elsewhere; in
 *           the attribute's place stand its length (u32) and its number (u64)
 *      …    each attribute that is not null, in order: fixed-length types their bytes (by-value
 *           types the low bytes of the datum); variable-length types and cstrings their length as
 *           a varint (7 bits a byte, low first, high bit = more, at most 5 bytes, no surplus zero
 *           byte) and that many bytes
 *
 * A row ends exactly with its last attribute. Whatever else stands there is DATA_CORRUPTED. */
#ifndef TYPES_ROW_H
#define TYPES_ROW_H

#include "types/type.h"

#define ROW_VERSION 1
#define ROW_ATTRIBUTES_MAX 1600

struct row_attribute {
    const struct type *type;
    uint8_t shape;    /* enum row_shape, from the type */
    uint8_t len;      /* fixed shapes: bytes stored */
    bool checked;     /* the type's valid() must look at stored bytes */
    bool has_missing; /* rows without this attribute read `missing` instead of null */
    datum missing;    /* must outlive the descriptor */
};

struct row_desc {
    uint16_t natts;
    struct row_attribute *atts;
};

/* A descriptor for these types in the arena; missing values are null until row_desc_set_missing. A
 * dropped column keeps its place and type. */
status row_desc_new(struct arena *a, const oid *types, uint16_t natts, struct row_desc **ret_desc);
void row_desc_set_missing(struct row_desc *d, uint16_t attribute, datum value);

/* Appends the row's bytes. */
status row_form(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                struct buf *out);

/* The first natts_wanted attributes (at most d->natts); by-pointer values are copied into the
 * arena, missing ones shared with the descriptor. The bytes are not trusted: DATA_CORRUPTED. */
status row_deform(const struct row_desc *d, const void *bytes, size_t len, uint16_t natts_wanted,
                  datum *ret_values, uint8_t *ret_nulls, struct arena *a);
/* Likewise, without the values by pointer that are not chosen (natts_wanted of them): what stands
 * for those is undefined. */
status row_deform_chosen(const struct row_desc *d, const void *bytes, size_t len,
                         uint16_t natts_wanted, const bool *chosen, datum *ret_values,
                         uint8_t *ret_nulls, struct arena *a);

/* A value of variable length that is kept elsewhere. */
struct row_reference {
    uint64_t number; /* 0: the value is in the row */
    uint32_t len;    /* bytes of the value */
};
#define ROW_REFERENCE_BYTES 12

/* The writer that a row's bytes name; 0: none. */
uint32_t row_writer(const void *bytes, size_t len);

/* Bytes of the row with all values in it, at most. */
size_t row_bytes_max(const struct row_desc *d, const datum *values, const uint8_t *nulls);
/* row_form, by whoever has asked for those; writer: to be named, 0: none is. */
status row_form_within(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                       size_t bytes_max, uint32_t writer, struct buf *out);
/* Whether an attribute's value may be kept elsewhere. */
bool row_may_refer(const struct row_desc *d, uint16_t attribute);

/* row_form with references (d->natts of them) in place of some values. */
status row_form_references(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                           const struct row_reference *references, uint32_t writer,
                           struct buf *out);
/* Whether row_deform will not do. */
bool row_has_references(const void *bytes, size_t len);
/* row_deform of a row with references: ret_references (natts_wanted of them) tells of values that
 * are not in the row; their datums are null pointers. */
status row_deform_references(const struct row_desc *d, const void *bytes, size_t len,
                             uint16_t natts_wanted, datum *ret_values, uint8_t *ret_nulls,
                             struct row_reference *ret_references, struct arena *a);
/* Verdict on a value that was fetched: DATA_CORRUPTED. */
status row_check_fetched(const struct row_desc *d, uint16_t attribute, const struct varlena *v);

#endif
