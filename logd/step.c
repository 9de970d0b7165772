#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/probe.h"
#include "logd.h"

#define REAP_MAX 32
/* Records that nobody waits for (commits that need not be durable, work in progress) are found by
 * looking: soon after the last ones, rarely when nothing happens. */
#define LOOK_BUSY_NS 2000000u
#define LOOK_QUIET_NS 25000000u
#define QUIET_TURNS 20
#define YIELDS_MAX 2000

void logd_submit(struct logd *l, struct logd_io *io) {
    io->io.owner = io;
    io->finished = false;
    disk_submit(l->disk, &io->io);
    l->unpushed = true;
}

status logd_await(struct logd *l, struct logd_io *const ios[], unsigned n) {
    struct coro *self = coro_self();
    status first = OK;
    for (unsigned i = 0; i < n; i++) {
        ios[i]->waiter = self;
        logd_submit(l, ios[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        while (!ios[i]->finished) daemon_suspend(l->d);
        if (ok(first)) first = ios[i]->io.result;
    }
    return first;
}

static bool reap(struct logd *l) {
    struct disk_io *done[REAP_MAX];
    int n = disk_reap(l->disk, done, REAP_MAX, false);
    for (int i = 0; i < n; i++) {
        struct logd_io *io = done[i]->owner;
        io->finished = true;
        if (io->waiter)
            daemon_wake(l->d, io->waiter);
        else
            io->done(l, io);
    }
    return n > 0;
}

/* Somebody waits for what another process has reserved and not yet published. That takes it less
 * than a microsecond, unless it lost the processor (which it gets here) or died. */
static bool wait_for_publisher(struct logd *l) {
    if (l->waiter_count == 0 || l->flush.writing || l->broken) return false;
    if (!ok(l->prepare.failure) || l->quiet_turns > YIELDS_MAX) return false;
    sched_yield();
    return true;
}

static void look_again(struct logd *l) {
    bool busy = l->quiet_turns < QUIET_TURNS || l->waiter_count > 0;
    l->d->step_due_ns =
        l->d->proc.env->mono_ns(&l->d->proc) + (busy ? LOOK_BUSY_NS : LOOK_QUIET_NS);
}

/* All that was inserted is durable and nothing is under way. */
static bool is_drained(const struct logd *l) {
    if (l->broken) return disk_in_flight(l->disk) == 0;
    return atomic_load(&l->shared->durable) == atomic_load(&l->shared->tail) &&
           disk_in_flight(l->disk) == 0;
}

bool logd_step(struct daemon *d) {
    struct logd *l = logd_of(d);
    bool progress = reap(l);
    if (l->serving) {
        bool wrote = flush_turn(l);
        l->quiet_turns = wrote || l->flush.writing ? 0 : l->quiet_turns + 1;
        progress |= wrote;
        progress |= prepare_turn(l);
        progress |= summaries_turn(l);
        pages_forget(l);
    }
    if (l->unpushed) {
        l->unpushed = false;
        disk_push(l->disk);
    }
    if (l->stopping && (!l->serving || is_drained(l))) {
        daemon_stopped(d);
        return false;
    }
    /* Whoever asks while a write is under way waits for its end at least. */
    d->bell_unneeded = l->flush.writing;
    if (!progress && l->serving) {
        if (wait_for_publisher(l)) return true;
        look_again(l);
    }
    return progress;
}

void logd_stop(struct daemon *d) {
    logd_of(d)->stopping = true;
}

void logd_give_up(struct logd *l, const char *words, status s) {
    fprintf(stderr, "logd: %s: %s\n", words, status_name(s));
    PROBE(axolotl_logd, give_up, s.code);
    daemon_stopped(l->d);
}
