/* overflow.h: the rows of a sequence beyond its budget (row_store.c). */
#ifndef EXEC_OVERFLOW_H
#define EXEC_OVERFLOW_H

#include "exec/tape.h"

#define STRETCHES 4 /* of the tape, kept in memory for who goes to and fro */

/* Where rows stand on the tape: marks every so many bytes, from which a reader goes on who comes
 * from elsewhere. */
struct overflow_mark {
    size_t row; /* in the overflow */
    uint64_t at;
};

/* The rows from a mark to the next. */
struct overflow_stretch {
    size_t mark; /* + 1; 0: none */
    uint64_t used;
    struct arena arena;
    struct stored_row **rows;
};

struct overflow {
    struct tape *tape;
    struct tape_reader reader;
    size_t reader_row; /* where the reader stands */
    struct overflow_mark *marks;
    size_t nmarks, marks_cap;
    struct overflow_stretch stretches[STRETCHES];
    struct overflow_stretch *latest;
    uint64_t clock;
};

status overflow_add(struct row_store *s, const struct vec *columns, uint16_t row);
status overflow_read(struct row_store *s, size_t *at, struct vec *columns, uint16_t capacity,
                     struct arena *a, uint16_t *n);
status overflow_at(struct row_store *s, size_t row, struct stored_row **ret);
void overflow_clear(struct row_store *s);
void overflow_free(struct row_store *s);

#endif
