/* bit.h: strings of bits; inside types only.
 *
 * Payload of a varlena of type bit or varbit, version 1:
 *
 *   0  u32  number of bits, little-endian
 *   4  …    the bits, eight to a byte, the first in the highest place; surplus ones 0 */
#ifndef TYPES_BIT_H
#define TYPES_BIT_H

#include "types/internal.h"

#define BIT_HEAD_BYTES 4
#define BIT_LENGTH_MAX (INT32_MAX - 7) /* bits */

static inline uint32_t bit_length(const struct varlena *v) { /* in bits */
    return load_le32(v->data);
}
static inline size_t bit_bytes(uint32_t bits) {
    return ((size_t)bits + 7) / 8;
}
static inline const uint8_t *bit_data(const struct varlena *v) {
    return (const uint8_t *)v->data + BIT_HEAD_BYTES;
}
static inline uint8_t *bit_room(struct varlena *v) {
    return (uint8_t *)v->data + BIT_HEAD_BYTES;
}
static inline bool bit_at(const struct varlena *v, uint32_t i) {
    return bit_data(v)[i / 8] >> (7 - i % 8) & 1;
}

/* That many zeros; 54000 when it is too long. */
status bit_new(const struct eval_env *env, uint64_t bits, struct varlena **ret);
/* Copies n bits into places that are zero. */
void bit_copy(struct varlena *to, uint32_t at, const struct varlena *from, uint32_t start,
              uint32_t n);

#endif
