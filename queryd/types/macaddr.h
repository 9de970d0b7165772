/* macaddr.h: addresses of devices; inside types only. A datum holds the octets as a number, the
 * first in the highest place of 48 bits (macaddr) or 64 (macaddr8). */
#ifndef TYPES_MACADDR_H
#define TYPES_MACADDR_H

#include "types/internal.h"

/* What a longer address has in the middle of a shorter one. */
#define MACADDR_FILL UINT64_C(0xFFFE)

static inline uint64_t macaddr_widen(uint64_t x) {
    return x >> 24 << 40 | MACADDR_FILL << 24 | (x & 0xFFFFFF);
}

#endif
