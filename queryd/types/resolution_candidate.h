/* resolution_candidate.h: the functions or operators that a call could mean, while it is resolved.
 */
#ifndef TYPES_RESOLUTION_CANDIDATE_H
#define TYPES_RESOLUTION_CANDIDATE_H

#include "types/resolution.h"

/* One function or operator that could be meant, with its argument types spread to the call's. */
struct candidate {
    const void *what; /* struct function or operator_info */
    const oid *args;
    bool variadic;         /* through its VARIADIC parameter */
    bool ambiguous;        /* another one is as good */
    uint16_t place;        /* of its schema in the search path */
    const int16_t *source; /* per parameter the argument it gets, -1: its default; NULL: in order */
};

struct candidates {
    struct candidate *items;
    size_t n;
};

/* Keeps those that the call's arguments can be coerced to. */
void candidates_drop_unreachable(struct candidates *c, size_t nargs, const oid *input);
/* Of such ones the one that is meant, and changes their order; NULL: there is none, or several are
 * as good. */
const struct candidate *candidates_select(struct candidates *c, size_t nargs, const oid *input);

#endif
