/* spill.h: hash tables beyond memory: rows go onto tapes by their hash, level after level. */
#ifndef EXEC_SPILL_H
#define EXEC_SPILL_H

#include "exec/tape.h"

#define SPILL_BITS 5 /* of the hash, from its upper end, for each level */
#define SPILL_PARTS (1u << SPILL_BITS)
#define SPILL_LEVELS 6 /* rows that are still together then are not parted any more */

static inline unsigned spill_part(uint64_t hash, unsigned level) {
    return (unsigned)(hash >> (64 - SPILL_BITS * (level + 1))) & (SPILL_PARTS - 1);
}

/* The tape at that place, made when it is first asked for. */
static inline status spill_tape(struct tape **place, struct execution *x, uint16_t ncolumns,
                                const struct type *const *types, struct tape **ret) {
    if (!*place) TRY(tape_new(x, ncolumns, types, place));
    *ret = *place;
    return OK;
}

#endif
