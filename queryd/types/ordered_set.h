/* ordered_set.h: aggregates over a group in the order that WITHIN GROUP gives: percentiles, mode,
 * and the place that a hypothetical row would have. The executor keeps and sorts the rows. */
#ifndef TYPES_ORDERED_SET_H
#define TYPES_ORDERED_SET_H

#include "types/type.h"

struct ordered_set {
    oid function;      /* its pg_proc oid */
    bool hypothetical; /* as many direct arguments as order keys; null keys count */
    uint8_t ndirect;   /* direct arguments, where not hypothetical */
};

const struct ordered_set *ordered_set_find(oid function); /* NULL: none */

/* The order keys of one group, sorted: n rows. value: the first key of row i. */
struct ordered_rows {
    const struct type *type;
    size_t n;
    datum (*value)(const void *rows, size_t i);
    const void *rows;
};

/* percentile_… and mode over rows without nulls. direct: the argument; no_direct: it is null. */
status ordered_set_value(const struct eval_env *env, const struct ordered_set *o,
                         const struct ordered_rows *rows, datum direct, bool no_direct, datum *ret,
                         bool *ret_is_null);

/* Where a hypothetical row would stand. */
struct hypothetical {
    size_t n;        /* rows */
    size_t before;   /* that come before it */
    size_t peers;    /* that are equal to it */
    size_t distinct; /* different rows that come before it */
};
datum ordered_set_place(const struct ordered_set *o, const struct hypothetical *h);

#endif
