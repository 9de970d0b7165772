/* merge_heap.h: which of the sorted runs that are merged has the next row: a binary heap of their
 * numbers. */
#ifndef EXEC_MERGE_HEAP_H
#define EXEC_MERGE_HEAP_H

#include <stdlib.h>

#include "temp/temp.h"

struct merge_heap {
    uint32_t *runs;
    uint32_t n;
};

/* Does run a's next row come before run b's? `of` is what the caller handed over. */
typedef bool merge_before(const void *of, uint32_t a, uint32_t b);

/* Each run that is read has a block in memory, so few are merged at a time where memory is small;
 * but merging fewer than these would read everything too often. */
#define FAN_IN_MIN 8
#define FAN_IN_MAX 256

/* How many runs are merged at a time within so many bytes. */
static inline uint32_t merge_fan_in(size_t bytes) {
    size_t n = bytes / TEMP_CONTENT_BYTES;
    return n < FAN_IN_MIN ? FAN_IN_MIN : n > FAN_IN_MAX ? FAN_IN_MAX : (uint32_t)n;
}

static inline void merge_heap_free(struct merge_heap *h) {
    free(h->runs);
    *h = (struct merge_heap){0};
}

/* Empty, with room for n runs; false: there is no memory. */
static inline bool merge_heap_new(struct merge_heap *h, uint32_t n) {
    merge_heap_free(h);
    h->runs = malloc((n + 1) * sizeof *h->runs);
    return h->runs != NULL;
}

/* Puts the run at the place where it belongs, the places below being in order. */
static inline void merge_heap_sift(struct merge_heap *h, uint32_t at, merge_before *before,
                                   const void *of) {
    uint32_t run = h->runs[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= h->n) break;
        if (child + 1 < h->n && before(of, h->runs[child + 1], h->runs[child])) child++;
        if (!before(of, h->runs[child], run)) break;
        h->runs[at] = h->runs[child];
        at = child;
    }
    h->runs[at] = run;
}

/* Orders the runs that were put into h->runs one after the other. */
static inline void merge_heap_order(struct merge_heap *h, merge_before *before, const void *of) {
    for (uint32_t i = h->n / 2; i > 0; i--) merge_heap_sift(h, i - 1, before, of);
}

/* The first run has gone on to its next row, or is at its end. */
static inline void merge_heap_advanced(struct merge_heap *h, bool at_end, merge_before *before,
                                       const void *of) {
    if (at_end) h->runs[0] = h->runs[--h->n];
    if (h->n) merge_heap_sift(h, 0, before, of);
}

#endif
