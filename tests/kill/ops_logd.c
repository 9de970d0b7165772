/* ops_logd.c: what logd does with shared memory and its files. */
#include <string.h>

#include "base/check.h"
#include "logd.h"
#include "world.h"

static struct logd *logd(struct world *w) {
    return logd_live(w)->state;
}

static void turn(struct world *w) {
    CHECK(daemon_turn(logd_live(w), 0));
}

/* Segments are there for what follows: making one is many instructions that are much alike. */
static void make_segments(struct world *w) {
    while (logd(w)->segments.count < 4 || logd(w)->prepare.state != PREPARE_IDLE) turn(w);
}

static void build_flush(struct world *w) {
    logd_put(w, 4000);
}
static status flush(struct world *w, struct actor *a) {
    (void)a;
    logd_turns(w);
    return OK;
}

/* The next records lie on both sides of a segment's end. */
static void build_across(struct world *w) {
    uint64_t end = segment_start(&logd(w)->segments, 1);
    logd_put(w, end - 1500 - atomic_load(&w->live.log->tail));
    logd_turns(w);
    while (logd(w)->prepare.state != PREPARE_IDLE) turn(w);
    logd_put(w, 4000);
}

/* Nobody needs the first segment any more. */
static void build_recycle(struct world *w) {
    logd_put(w, segment_start(&logd(w)->segments, 1) + 5000);
    logd_turns(w);
    make_segments(w);
    uint64_t durable = atomic_load(&w->live.log->durable);
    atomic_store(&w->live.control->redo_lsn, durable);
    atomic_store(&w->live.log->keep, durable);
}
static status recycle(struct world *w, struct actor *a) {
    (void)a;
    while (logd(w)->segments.first == 0 || logd(w)->prepare.state != PREPARE_IDLE) turn(w);
    return OK;
}

static void dies_in_next_life(struct world *w) {
    w->actor.proc = logd_live(w)->proc;
    w->actor.proc.owner.epoch++;
    w->actor.proc.epoch++;
}

/* A life that has written more than it has said. */
static void build_begin(struct world *w) {
    while (logd(w)->segments.count < 3 || logd(w)->prepare.state != PREPARE_IDLE) turn(w);
    logd_put(w, 5000);
    turn(w);
    dies_in_next_life(w);
}

/* One segment is full and one is begun: the second is sealed anew before the log goes on, the first
 * one afterwards. */
static void build_new_key(struct world *w) {
    logd_put(w, segment_start(&logd(w)->segments, 1) + 5000);
    logd_turns(w);
    make_segments(w);
    dies_in_next_life(w);
}
static status begin(struct world *w, struct actor *a) {
    (void)a;
    static struct daemon next;
    logd_begins(w, &next);
    return OK;
}

/* Everything died: shared memory is new, the log is not. */
static void build_recovery(struct world *w) {
    build_begin(w);
    logd_turns(w);
    struct shm *shm = &w->live;
    memset((void *)shm->txn, 0, txn_shared_bytes(&shm->sizes));
    txn_shared_init(shm, 1);
    atomic_store(&shm->control->recovered_lsn, 0);
}

const struct kill_op ops_logd[] = {
    {"log flush", build_flush, NULL, flush, NULL, .stage = &stage_logd},
    {"log flush across a segment's end", build_across, NULL, flush, NULL, .stage = &stage_logd,
     .slow = true},
    {"log segment recycled", build_recycle, NULL, recycle, NULL, .stage = &stage_logd},
    {"logd begins again", build_begin, NULL, begin, NULL, .stage = &stage_logd},
    {"encrypted log flush", build_flush, NULL, flush, NULL, .stage = &stage_logd, .keys = 1},
    {"encrypted log flush across a segment's end", build_across, NULL, flush, NULL,
     .stage = &stage_logd, .slow = true, .keys = 1},
    {"encrypted logd begins again", build_begin, NULL, begin, NULL, .stage = &stage_logd,
     .keys = 1},
    {"logd begins with a new key", build_new_key, NULL, begin, NULL, .stage = &stage_logd,
     .slow = true, .keys = 2},
    {"logd recovers", build_recovery, NULL, begin, logd_check_loser, .stage = &stage_logd,
     .slow = true},
};
const unsigned ops_logd_count = sizeof ops_logd / sizeof *ops_logd;
