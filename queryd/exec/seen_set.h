/* seen_set.h: rows that have been seen, for UNION in a recursion.
 *
 * Up to the memory of a hash table it is one. Beyond it, the rows go onto tapes by their hash, a
 * filter of Bloom's remembers roughly which, and the table begins anew with those that come: who
 * is not in the filter and not in the table is new at once; who is in the filter waits on a tape
 * of its part, and is compared with that part's rows when the round is over. */
#ifndef EXEC_SEEN_SET_H
#define EXEC_SEEN_SET_H

#include "exec/spill.h"

struct seen_set {
    struct execution *x;
    uint16_t ncolumns;
    const struct type *const *types;
    struct row_store *recent;     /* hashed; not on a tape */
    struct row_store *candidates; /* hashed: those that wait, a memory full of them */
    struct tape *spilled[SPILL_PARTS], *waiting[SPILL_PARTS]; /* NULL: none */
    uint64_t *filter;                                         /* heap; NULL: all is in `recent` */
    size_t filter_bits;                                       /* power of two */
    const struct vec **columns;
    struct vec *row; /* one row as columns */
    struct arena arena;
};

status seen_set_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                    struct seen_set **ret);
/* *ret_new: it was not there, and now it is. Else it was, or seen_set_resolve will tell. */
status seen_set_add(struct seen_set *s, const struct vec *columns, uint16_t row, bool *ret_new);
/* Of the rows that wait, those that are new are added to `to`, and seen. */
status seen_set_resolve(struct seen_set *s, struct row_store *to);
void seen_set_clear(struct seen_set *s);
/* What is not the execution's. */
void seen_set_free(struct seen_set *s);

#endif
