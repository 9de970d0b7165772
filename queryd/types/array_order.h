/* array_order.h: what the families array and vector share (types/internal.h: struct type_family).
 */
#ifndef TYPES_ARRAY_ORDER_H
#define TYPES_ARRAY_ORDER_H

#include "types/internal.h"

/* Elements first, then their number, dimensions, lengths, lower bounds. */
int array_compare(const struct type *t, datum a, datum b);
uint64_t array_hash(const struct type *t, datum value);
/* The key sorts as array_compare does. FEATURE_NOT_SUPPORTED: the elements have no keys. */
status array_key(const struct type *t, datum value, struct buf *out);
/* Bytes of the key at `bytes`, of which there are len; 0: none lies there. inverted: descending. */
size_t array_key_len(const struct type *t, const uint8_t *bytes, size_t len, bool inverted);
/* Whether the bytes, from a page, are an array of t with good elements. */
bool array_valid(const struct type *t, const char *bytes, size_t len);

#endif
