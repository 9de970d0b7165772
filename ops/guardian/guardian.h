/* guardian.h: holds copies of sockets and descriptors, and starts the supervisor again.
 *
 * One loop of poll(2), no coroutines, no nng. What it holds stands in two tables: sessions by the
 * index of their slot, and descriptors by their own numbers, which the supervisors inherit. */
#ifndef GUARDIAN_H
#define GUARDIAN_H

#include <sys/types.h>

#include "base/control.h"
#include "ipc_guard.h"

#define NUMBERS_MAX 1024 /* what supervisors inherit lies below, clients' sockets above */
#define ARGUMENTS_MAX 256

struct held {
    int fd; /* -1: none */
    uint32_t generation;
};

struct guardian {
    char dir[CONTROL_PATH_BYTES];
    char program[CONTROL_PATH_BYTES + 32]; /* of the next supervisor */
    char before[CONTROL_PATH_BYTES + 32];  /* the one to go back to; empty: program is no trial */
    bool on_trial;                         /* the supervisor that runs is of a program on trial */
    char *arguments[ARGUMENTS_MAX];        /* its, from the second on */
    int narguments;
    int channel; /* to the supervisor */
    pid_t supervisor;
    int pidfd;
    uint64_t started_ns; /* monotonic: the supervisor's birth */
    unsigned short_lives;
    bool foreground;
    bool served; /* some supervisor has told of the regions */
    bool ending; /* GUARD_END: not again */
    int signals;
    struct shm shm; /* control NULL: not attached */
    struct held *sessions;
    bool entered;       /* into the process table of these regions */
    bool empty;         /* workers have not been asked for their sockets yet */
    uint64_t called_ns; /* monotonic: when they were; 0: long ago */
    int how;            /* how the supervisor ended; 0: it lives, or is not our child */
    bool kept[NUMBERS_MAX];
};

/* hold.c */
void hold_begin(struct guardian *g); /* the regions are there */
void hold_message(struct guardian *g, const struct guard_msg *m, int fd); /* takes fd */
void hold_hand(struct guardian *g, const struct guard_msg *m);
void hold_number(struct guardian *g, int number, int fd); /* takes fd */
void hold_forget(struct guardian *g);                     /* all numbers */
void hold_sweep(struct guardian *g);                      /* sessions that have ended */
void hold_call(struct guardian *g); /* one without sockets: workers are to put theirs again */

/* After renewed: the regions as hold_begin has them, the sessions as they have come over. */
void hold_again(struct guardian *g, uint32_t sessions);

/* renew.c */
/* Goes on as another program; returns when that is not possible, and nothing has changed. */
void renew(struct guardian *g, const char *program);
status renewed(struct guardian *g, int fd); /* what renew has packed, in the new program */

/* lock.c: one guardian a directory: the lock goes with the process that holds it. One that hangs is
 * ended. OBJECT_IN_USE: another one is at work. */
status guardian_lock(const struct guardian *g);

/* start.c */
/* Makes the pair of sockets and starts a supervisor at its other end. */
status supervisor_start(struct guardian *g);
/* Watches one that runs: its pid, and our end of the pair. */
status supervisor_watch(struct guardian *g, pid_t pid, int channel);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
