#include "base/fault.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_LOOK_NS 1000000

static const struct {
    const char *name, *where;
} points[] = {
#define X(name, where) {#name, where},
#include "base/fault.def"
#undef X
};
static const char *const actions[FAULT_ACTIONS] = {"",     "kill",  "crash", "abort",
                                                   "hang", "pause", "paused"};

uint64_t fault_pack(struct fault f) {
    return (uint64_t)f.after << 32 | (uint64_t)f.slot << 24 | (uint64_t)f.action << 16 | f.point;
}

struct fault fault_unpack(uint64_t word) {
    return (struct fault){.after = (uint32_t)(word >> 32),
                          .slot = (uint8_t)(word >> 24),
                          .action = (uint8_t)(word >> 16),
                          .point = (uint16_t)word};
}

enum fault_point fault_point_of(const char *name) {
    for (int i = 1; i < FAULT_POINTS; i++)
        if (strcmp(fault_point_name(i), name) == 0) return i;
    return FAULT_NONE;
}

enum fault_action fault_action_of(const char *name) {
    for (int i = 1; i < FAULT_PAUSED; i++)
        if (strcmp(actions[i], name) == 0) return i;
    return FAULT_DO_NOTHING;
}

const char *fault_point_name(enum fault_point point) {
    static char small[FAULT_POINTS][32];
    char *to = small[point];
    for (int i = 0; points[point].name[i] && i < 31; i++)
        to[i] = (char)tolower((unsigned char)points[point].name[i]);
    return to;
}

const char *fault_point_where(enum fault_point point) {
    return points[point].where;
}

const char *fault_action_name(enum fault_action action) {
    return action < FAULT_ACTIONS ? actions[action] : "?";
}

/* Whoever pauses is no hang: its heart beats. */
static void pause_here(struct proc *p, uint64_t word) {
    struct control *c = p->shm->control;
    struct timespec t = {.tv_nsec = PAUSE_LOOK_NS}, now;
    while (atomic_load(&c->fault) == word) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        atomic_store(&c->procs[p->owner.slot].heartbeat_ns,
                     (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
        nanosleep(&t, NULL);
    }
}

static void fire(struct proc *p, enum fault_action action, uint64_t word) {
    switch (action) {
    case FAULT_DO_KILL: raise(SIGKILL); break;
    case FAULT_DO_CRASH:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case FAULT_DO_ABORT: abort();
    case FAULT_DO_HANG:
        for (volatile bool for_ever = true; for_ever;) continue;
        break;
    case FAULT_DO_PAUSE: pause_here(p, word); break;
    default: break;
    }
}

void fault_reached(struct proc *p, enum fault_point point) {
    _Atomic uint64_t *word = &p->shm->control->fault;
    uint64_t seen = atomic_load(word), then;
    struct fault f;
    do {
        f = fault_unpack(seen);
        if (f.point != point || f.action == FAULT_PAUSED ||
            (f.slot != FAULT_ANY && f.slot != p->owner.slot))
            return;
        struct fault left = f;
        if (f.after) {
            left.after--;
            then = fault_pack(left);
        } else {
            left.action = FAULT_PAUSED;
            left.slot = (uint8_t)p->owner.slot;
            then = f.action == FAULT_DO_PAUSE ? fault_pack(left) : 0;
        }
    } while (!atomic_compare_exchange_weak(word, &seen, then));
    if (f.after == 0) fire(p, f.action, then);
}
