/* key.h: values as bytes whose memcmp order is the SQL order.
 *
 * Each column of a key is: one marker byte, then for a non-null value its bytes. The marker is
 * 0x80 for a value, 0x00 for a null that sorts first, 0xFF for a null that sorts last. DESC inverts
 * every byte of the value (not the marker: NULLS FIRST / LAST alone decides where nulls go). Every
 * encoding is self-delimiting, so columns are simply concatenated and a prefix of the columns is a
 * prefix of the bytes.
 *
 *     bool, "char"             1 byte
 *     int2/4/8, money, date,
 *     time, timestamp(tz)      big-endian, sign bit flipped
 *     oid, xid, cid, tid,
 *     xid8, pg_lsn, reg…       big-endian
 *     enums                    the label's place, 8 bytes, big-endian, sign bit flipped
 *     float4/8                 IEEE bits big-endian; negative: all inverted, else sign bit set;
 *                              -0 is 0, NaN is the greatest
 *     numeric                  1 byte class (0 -Inf, 1 negative, 2 zero, 3 positive, 4 +Inf,
 *                              5 NaN); for 1 and 3: exponent (base 100, biased by 2^31) in 4
 *                              bytes, base-100 digits plus 1 without trailing zeros, a zero byte;
 *                              all inverted for negatives
 *     text, bytea, name        the bytes with 00 as 00 FF, then 00 00 (C collation; by a collator:
 *                              collated.c); bpchar without its trailing blanks
 *     interval                 total microseconds (30-day months, 24-hour days) in 16 bytes,
 *                              big-endian, sign flipped
 *     timetz                   UTC microseconds and zone, each big-endian, sign flipped
 *     uuid                     16 bytes
 *     macaddr, macaddr8        the octets
 *     inet, cidr               family, network, its bits, the bytes of the host's part (inet.c)
 *     bit, varbit              the bytes as of text, then the length in bits, big-endian
 *     arrays                   per element 01 and the element's key, or 02 for a null; then 00,
 *                              number of dimensions, and length and lower bound of each
 *                              (big-endian, flipped); of int2vector and oidvector the number of
 *                              elements comes first
 *     records                  per field 80 and its key, or FE for a null that another value
 *                              follows; then FF
 *     jsonb                    the kind in a byte, then the string as text, the number as numeric,
 *                              or a count (4 bytes) and the keys of so many, each of an object
 *                              behind its name
 */
#ifndef TYPES_KEY_H
#define TYPES_KEY_H

#include "types/type.h"

#define KEY_MARK_NULL_FIRST 0x00
#define KEY_MARK_VALUE 0x80
#define KEY_MARK_NULL_LAST 0xFF

/* Appends one key column; t may be a type by a collator. 0A000 when the type cannot be a key. */
status type_key_encode(const struct type *t, datum value, bool null, bool descending,
                       bool nulls_first, struct buf *out);

/* Bytes of the first key column of `bytes`, marker included; DATA_CORRUPTED when it is not one. */
status type_key_column_len(const struct type *t, bool descending, const void *bytes, size_t len,
                           size_t *ret_len);

/* Whether a value can be made again from its key bytes, exactly as it was. */
bool type_key_decodable(const struct type *t);
/* The value of one key column, of such a type: bytes as type_key_column_len measures them, marker
 * included. By-pointer values are made in the arena. DATA_CORRUPTED, OUT_OF_MEMORY. */
status type_key_decode(const struct type *t, bool descending, const void *bytes, size_t len,
                       struct arena *a, datum *ret, uint8_t *ret_null);

#endif
