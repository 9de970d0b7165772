/* commit.h: what the program in the kernel (commit.bpf.c) and the one that shows it
 * (trace_commit.c) have in common. Times are nanoseconds of CLOCK_MONOTONIC. */
#ifndef PROBES_COMMIT_H
#define PROBES_COMMIT_H

/* Where the time of a commit goes, in the order in which it happens. */
enum phase {
    PHASE_STATEMENT,  /* a statement, less the commits in it; of all statements */
    PHASE_INSERT,     /* from the wish to commit to the commit record in the log */
    PHASE_FLUSH_WAIT, /* from there to the begin of the write that takes it along */
    PHASE_FLUSH,      /* that write */
    PHASE_WAKE,       /* from its end to the worker's going on */
    PHASE_END,        /* the rest: transaction slot, locks */
    PHASE_COMMIT,     /* from the wish to commit to its end */
    PHASE_WRITE,      /* each write of logd, whether commits wait for it or not */
    PHASE_COUNT
};

/* Of times in eighths of a microsecond: slot 0 holds what is below 1, slot k [2^(k-1), 2^k). */
#define HIST_SLOTS 32
#define HIST_UNIT_NS 125
struct hist {
    unsigned long long count;
    unsigned long long sum_ns;
    unsigned long long max_ns;
    unsigned long long slot[HIST_SLOTS];
};

enum tally {
    TALLY_COMMIT,        /* commits with a commit record: what COUNTER_COMMITS counts */
    TALLY_COMMIT_EMPTY,  /* ends of transactions that had changed nothing */
    TALLY_COMMIT_FAILED, /* the worker was told an error */
    TALLY_NOT_WAITED,    /* durable at once, or not waited for (synchronous_commit off) */
    TALLY_FLUSH_UNKNOWN, /* waited for, by a write whose begin was not seen */
    TALLY_COUNT
};

#endif
