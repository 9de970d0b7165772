/* watch.h: keeps a BPF program attached to the probes of an appliance's processes, whoever of them
 * ends and comes again. */
#ifndef PROBES_WATCH_H
#define PROBES_WATCH_H

#include <bpf/libbpf.h>

#include "base/error.h"
#include "base/proc.h"

#define WATCH_POINTS_MAX 16

/* A probe and the program that runs there. */
struct watch_point {
    const char *provider, *name;
    bool logd; /* in logd; else in every queryd worker */
    struct bpf_program *program;
};

struct watch {
    struct shm *shm;
    const struct watch_point *points;
    unsigned points_n;
    struct watched {
        uint32_t epoch; /* of the life that is watched; 0: none */
        struct bpf_link *link[WATCH_POINTS_MAX];
    } processes[PROC_SLOTS];
};

/* Attaches to every process that has come since the last time, and lets go of the dead. Points are
 * attached in their order. NOT_FOUND: a program has no such probe; PERMISSION and others: the
 * kernel's refusal; words in *e. */
status watch_follow(struct watch *w, struct error *e);
void watch_end(struct watch *w);
unsigned watch_count(const struct watch *w); /* processes watched now */

/* Does the kernel have what probes in programs need? NOT_SUPPORTED with the reason in *e. */
status watch_possible(struct error *e);

#endif
