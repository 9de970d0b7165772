#include "log/log.h"

#include "base/check.h"
#include "base/counter.h"
#include "base/probe.h"
#include "msg/msg.h"

#define ROOM_BYTES (2 * LOG_MARGIN)

void log_shared_init(struct log_shared *l, lsn end, commit_time last_commit) {
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        struct log_slot *slot = &l->slots[i];
        atomic_store(&slot->start, LOG_IDLE);
        atomic_store(&slot->len, 0);
        atomic_store(&slot->is_commit, 0);
        atomic_store(&slot->change_lsn, 0);
        atomic_store(&slot->last_lsn, 0);
        atomic_store(&slot->window_busy, 0);
    }
    atomic_store(&l->insert.word, 0);
    atomic_store(&l->tail, end.at);
    atomic_store(&l->last_commit, last_commit);
    atomic_store(&l->durable, end.at);
    atomic_store(&l->visible, last_commit);
    atomic_store(&l->oldest, end.at);
    atomic_store(&l->first, end.at);
    atomic_store(&l->keep, 0);
    atomic_store(&l->failed, 0);
    atomic_store(&l->full, 0);
}

/* The tail is read first: an insertion that began below it had noted its start before it moved the
 * tail (release), so the look at its slot sees that start, or something later. "Later" is LOG_IDLE
 * or the start of a next insertion; both are stored (release) after the record's bytes, so what is
 * below the result is there to be read. */
lsn log_complete(const struct log_shared *l) {
    uint64_t complete = atomic_load_explicit(&l->tail, memory_order_acquire);
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        uint64_t start = atomic_load_explicit(&l->slots[i].start, memory_order_acquire);
        if (start < complete) complete = start;
    }
    return (lsn){complete};
}

static status failure(const struct log_shared *l) {
    return (status){(uint16_t)atomic_load_explicit(&l->failed, memory_order_acquire)};
}

static status fullness(const struct log_shared *l) {
    return (status){(uint16_t)atomic_load_explicit(&l->full, memory_order_acquire)};
}

/* `durable` is read (acquire) before the tail: it can only have grown since, so the free room is
 * never overestimated; and logd has read for the last time what lies a ring below it. */
bool log_has_room(const struct shm *shm) {
    const struct log_shared *l = shm->log;
    uint64_t durable = atomic_load_explicit(&l->durable, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
    return tail - durable + ROOM_BYTES <= shm->sizes.ring_bytes;
}

static inline status room(struct proc *p, bool commit) {
    struct log_shared *l = p->shm->log;
    for (;;) {
        status failed = failure(l);
        if (!commit && ok(failed)) failed = fullness(l);
        if (__builtin_expect(!ok(failed), 0)) return failed;
        if (__builtin_expect(log_has_room(p->shm), 1)) return OK;
        uint64_t wanted = atomic_load_explicit(&l->tail, memory_order_relaxed) + ROOM_BYTES;
        PROBE(axolotl_log, room_wait_begin, wanted, p->trace);
        struct msg m = {.op = MSG_LOG_SPACE, .trace = p->trace, .arg = {wanted}};
        status s = p->env->call(p, SLOT_LOGD, &m);
        PROBE(axolotl_log, room_wait_done, wanted, s.code, p->trace);
        TRY(s);
    }
}

status log_room(struct proc *p) {
    return room(p, false);
}

status log_room_for_commit(struct proc *p) {
    return room(p, true);
}

status log_wait_durable(struct proc *p, lsn at) {
    struct log_shared *l = p->shm->log;
    for (;;) {
        if (atomic_load_explicit(&l->durable, memory_order_acquire) >= at.at) return OK;
        TRY(failure(l));
        PROBE(axolotl_log, wait_durable_begin, at.at, p->trace);
        struct msg m = {.op = MSG_LOG_FLUSH, .trace = p->trace, .arg = {at.at}};
        status s = p->env->call(p, SLOT_LOGD, &m);
        PROBE(axolotl_log, wait_durable_done, at.at, s.code, p->trace);
        TRY(s);
    }
}
