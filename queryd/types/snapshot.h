/* snapshot.h: values of types pg_snapshot and txid_snapshot: which transactions one sees.
 *
 * The payload is 64-bit numbers as the machine has them: xmin, xmax, then the ids in between that
 * had not ended, strictly ascending, each in [xmin, xmax). 0 < xmin <= xmax. */
#ifndef TYPES_SNAPSHOT_H
#define TYPES_SNAPSHOT_H

#include "types/datum.h"

/* How many ids stand in between. */
static inline size_t snapshot_xip_count(const struct varlena *v) {
    return v->len / sizeof(uint64_t) - 2;
}

/* The i-th number of the payload. */
static inline uint64_t snapshot_word(const struct varlena *v, size_t i) {
    uint64_t word;
    memcpy(&word, v->data + i * sizeof word, sizeof word);
    return word;
}
static inline uint64_t snapshot_xmin(const struct varlena *v) {
    return snapshot_word(v, 0);
}
static inline uint64_t snapshot_xmax(const struct varlena *v) {
    return snapshot_word(v, 1);
}
static inline uint64_t snapshot_xip(const struct varlena *v, size_t i) {
    return snapshot_word(v, i + 2);
}

#endif
