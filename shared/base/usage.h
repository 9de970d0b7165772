/* usage.h: what one coroutine does of what its process counts (counter.h).
 *
 * Counters belong to a process, and its coroutines take turns. A meter keeps what the others did
 * while the metered one was away, so nothing is counted twice where it happens: only who is
 * metered pays, when turns change. */
#ifndef BASE_USAGE_H
#define BASE_USAGE_H

#include "base/counter.h"

enum usage_kind {
    USAGE_PAGE_HITS,
    USAGE_PAGE_READS,
    USAGE_PAGES_DIRTIED,
    USAGE_TEMP_READS, /* blocks of TEMP_BLOCK_BYTES */
    USAGE_TEMP_WRITES,
    USAGE_LOG_RECORDS,
    USAGE_LOG_BYTES,
    USAGE_COUNT
};

struct usage {
    uint64_t n[USAGE_COUNT];
};

/* In the metered coroutine's memory, in place from usage_begin to usage_end. */
struct usage_meter {
    struct usage others;  /* by others since the beginning, and all that came before it */
    struct usage left_at; /* the process's counters when its turn ended */
};

/* The running coroutine is metered by *m; at most one meter a coroutine. */
void usage_begin(struct proc *p, struct usage_meter *m);
void usage_end(struct proc *p);
/* By the metered coroutine since usage_begin. */
void usage_read(const struct proc *p, struct usage *ret);
/* Adds to *sum what lies between two readings. */
void usage_add(struct usage *sum, const struct usage *from, const struct usage *to);

/* The turn of a metered coroutine ends, begins: of the loop that changes turns. */
void usage_leave(const struct proc *p);
void usage_return(const struct proc *p);

#endif
