/* sorter.h: sorting beyond memory: runs of what memory holds, sorted, on tapes, then merged. */
#ifndef EXEC_SORTER_H
#define EXEC_SORTER_H

#include "exec/merge_heap.h"
#include "exec/tape.h"

struct sort_run {
    struct tape *tape;
    struct tape_reader reader;
    struct stored_row *row; /* the next; NULL: none is left */
    struct arena arena[2];  /* its values, and those of the one before */
    unsigned turn;
};

struct sorter {
    struct execution *x;
    struct sorter *next; /* of the execution's */
    const struct plan_sort_column *columns;
    uint16_t n;
    size_t budget; /* bytes in memory */
    size_t bound;  /* how many of the first rows are wanted; 0: all */
    struct row_store *rows;
    struct sort_run *runs;
    uint32_t nruns, runs_cap;
    struct merge_heap heap;
    bool merging;
    size_t at;            /* of what is in memory */
    uint64_t most_bytes;  /* that memory or tapes have held */
    bool spilled, pruned; /* so far */
};

/* columns belong to the caller, like types. */
status sorter_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                  const struct plan_sort_column *columns, uint16_t n, struct sorter **ret);
status sorter_add(struct sorter *s, const struct vec *columns, uint16_t row);
/* A row of the same columns, copied. */
status sorter_add_row(struct sorter *s, const struct stored_row *r);
status sorter_add_batch(struct sorter *s, const struct batch *b);
/* No more rows come; sorter_read gives them from the first. */
status sorter_finish(struct sorter *s);
/* At most capacity rows; their values are the sorter's, or in the arena. */
status sorter_read(struct sorter *s, struct vec *columns, uint16_t capacity, struct arena *a,
                   uint16_t *ret_n);
status sorter_rewind(struct sorter *s);
void sorter_clear(struct sorter *s);
void sorter_free(struct sorter *s);
void sorters_close(struct execution *x);

#endif
