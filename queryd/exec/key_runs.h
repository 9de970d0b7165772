/* key_runs.h: byte strings sorted beyond memory: sorted runs on tapes, then their merge. */
#ifndef EXEC_KEY_RUNS_H
#define EXEC_KEY_RUNS_H

#include "exec/key_sort.h"
#include "exec/merge_heap.h"
#include "exec/tape.h"

struct key_run {
    struct tape *tape;
    struct tape_reader reader;
    struct key_item next; /* bytes NULL: none is left */
};

struct key_runs {
    struct execution *x;
    struct key_run *runs;
    uint32_t n, cap;
    struct merge_heap heap;
    bool given; /* the next key of the heap's first run has been */
};

/* A run of n items in order, copied. */
status key_runs_add(struct key_runs *k, const struct key_item *items, size_t n);
/* No more runs come; the merge begins at the first key. */
status key_runs_finish(struct key_runs *k);
/* The next key of all, valid until the following call; *ret NULL: that was the last. */
status key_runs_next(struct key_runs *k, const unsigned char **ret, uint32_t *ret_len);
void key_runs_clear(struct key_runs *k);
void key_runs_free(struct key_runs *k);

#endif
