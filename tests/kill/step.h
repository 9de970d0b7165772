/* step.h: runs a function in a process of its own, one instruction at a time.
 *
 * The function works on shared mappings. After each instruction the stepper compares the watched
 * areas with what it saw last; where they differ, a death at this instruction would leave something
 * new behind: a point. */
#ifndef KILL_STEP_H
#define KILL_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of shared memory that is watched, and copied. */
struct area {
    const char *name;
    bool quiet;  /* only copied: heartbeats and the like */
    bool bulk;   /* contents of pages and records: many points that are much alike */
    char *live;  /* where the stepped process works */
    char *copy;  /* where the repair is tried: a mapping of this process alone */
    char *last;  /* as it was after the newest point */
    char *saved; /* room for more images */
    char *seen;
    char *repaired;
    size_t bytes;
};

enum step_result {
    STEP_DONE,
    STEP_DENIED, /* the system does not let us trace: nothing was run */
    STEP_DIED,   /* the operation itself ended with a signal */
};

struct step {
    void (*run)(void *arg); /* in the stepped process */
    /* After every instruction, in this process: another process's turn to act on the areas. */
    void (*between)(void *arg);
    /* The areas' `last` have just become what is there now. */
    void (*point)(void *arg);
    void *arg;
    struct area *areas;
    unsigned areas_count;

    uint64_t instructions, points;
    uint64_t at;       /* the next instruction's place in this program, for addr2line; 0: unknown */
    bool changed_bulk; /* the present point changed nothing but bulk areas */
    int how;           /* STEP_DIED: as waitpid gave it */
};

enum step_result step_through(struct step *s);

#endif
