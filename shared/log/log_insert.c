/* log_insert.c: how a record gets into the ring.
 *
 * Killed at any instruction (I2), by what the own slot and the latch say; log_repair tells these
 * states apart in the same order:
 *   1 latch held, start LOG_IDLE          nothing was reserved
 *   2 latch held, start = tail            noted, not reserved: as if it had not begun
 *   3 latch held, start + len = tail      reserved: 4
 *   4 latch free, start not LOG_IDLE      reserved, not published: the record becomes a filler; a
 *                                         commit whose time is in the map is completed instead
 *   5 start LOG_IDLE, latch not ours      published, or nothing begun
 * So the notes are stored before `start`, `start` before `tail`, and LOG_IDLE after the bytes; all
 * three are release stores, which keeps them in that order for an observer at any instruction. */
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "base/probe.h"
#include "log/log_internal.h"

#define STORE(word, value) atomic_store_explicit(word, value, memory_order_relaxed)
#define STORE_AFTER(word, value) atomic_store_explicit(word, value, memory_order_release)

/* Under the latch: from the notes in the slot to the tail moved. */
static void take(struct proc *p, uint64_t at, uint32_t len) {
    struct log_shared *l = p->shm->log;
    struct log_slot *slot = log_own_slot(p);
    CHECK(at + len - atomic_load_explicit(&l->durable, memory_order_acquire) <=
          p->shm->sizes.ring_bytes);
    STORE(&slot->len, len);
    STORE_AFTER(&slot->start, at);
    FAULT(p, LOG_NOTED);
    STORE_AFTER(&slot->last_lsn, at);
    STORE_AFTER(&slot->change_lsn, at);
    STORE_AFTER(&l->tail, at + len);
}

/* After the latch: what is written into the ring from here on must not be seen by a reader of the
 * old bytes who does not yet see the new tail (log_read_ring looks at it afterwards). */
static void release(struct log_shared *l) {
    latch_unlock(&l->insert);
    atomic_thread_fence(memory_order_release);
}

void *log_reserve(struct proc *p, uint32_t len, lsn *ret_at) {
    struct log_shared *l = p->shm->log;
    struct log_slot *slot = log_own_slot(p);
    CHECK(len >= sizeof(struct rec_head) && len <= REC_BYTES_MAX && len % 8 == 0);
    CHECK(atomic_load_explicit(&slot->start, memory_order_relaxed) == LOG_IDLE);
    latch_lock(&l->insert, p->owner);
    uint64_t at = atomic_load_explicit(&l->tail, memory_order_relaxed);
    STORE(&slot->is_commit, 0);
    take(p, at, len);
    release(l);
    FAULT(p, LOG_RESERVED);
    *ret_at = (lsn){at};
    return log_ring_at(p->shm, at);
}

void log_publish(struct proc *p) {
    struct log_slot *slot = log_own_slot(p);
    uint64_t at = atomic_load_explicit(&slot->start, memory_order_relaxed);
    uint32_t len = atomic_load_explicit(&slot->len, memory_order_relaxed);
    CHECK(at != LOG_IDLE);
    STORE_AFTER(&slot->start, LOG_IDLE);
    counter_add(p, COUNTER_LOG_RECORDS, 1);
    counter_add(p, COUNTER_LOG_BYTES, len);
}

void log_change_done(struct proc *p) {
    STORE_AFTER(&log_own_slot(p)->change_lsn, 0);
}

lsn log_insert(struct proc *p, const struct rec_head *record) {
    lsn at;
    struct rec_head *to = log_reserve(p, record->len, &at);
    memcpy(to, record, record->len);
    to->crc = 0;
    FAULT(p, LOG_COPIED);
    log_publish(p);
    if (record->npages == 0) log_change_done(p);
    PROBE(axolotl_log, insert, at.at, record->type, record->len, record->txid, p->trace);
    return at;
}

static void insert_filler(struct proc *p, uint64_t bytes) {
    static _Thread_local _Alignas(8) char filler[REC_BYTES_MAX];
    struct rec_head *r = (struct rec_head *)filler;
    uint32_t len = bytes > REC_BYTES_MAX ? REC_BYTES_MAX : (uint32_t)bytes;
    if (len < sizeof *r) len = sizeof *r;
    *r = (struct rec_head){.len = len, .type = REC_FILLER};
    log_insert(p, r);
}

status log_switch(struct proc *p, lsn *ret_end) {
    const struct log_shared *l = p->shm->log;
    uint64_t tail = atomic_load(&l->tail), bytes = atomic_load(&l->segment_bytes);
    uint64_t used = (tail - LOG_FIRST.at) % bytes;
    lsn end = {used ? tail - used + bytes : tail};
    *ret_end = (lsn){tail};
    while ((tail = atomic_load(&l->tail)) < end.at) {
        TRY(log_room(p));
        insert_filler(p, end.at - tail);
    }
    return log_wait_durable(p, end);
}

void log_commit_build(void *to, txid x, uint64_t txn_prev, commit_time time) {
    struct rec_head *r = to;
    *r = (struct rec_head){
        .len = LOG_COMMIT_BYTES, .type = REC_COMMIT, .txid = x, .txn_prev = txn_prev};
    struct rec_commit c = {.time = time};
    memcpy(rec_payload(r), &c, sizeof c);
}

/* The commit clock is a hybrid logical one (Kulkarni, Demirbas and others: Logical Physical Clocks,
 * 2014), with one node: the wall clock, or one more than the last time given. It is read before the
 * latch, to hold that shorter; the order of commit times is that of the log all the same. */
lsn log_commit(struct proc *p, txid x, lsn txn_prev, _Atomic uint64_t *map, commit_time *ret_time) {
    struct log_shared *l = p->shm->log;
    struct log_slot *slot = log_own_slot(p);
    CHECK(atomic_load_explicit(&slot->start, memory_order_relaxed) == LOG_IDLE);
    commit_time time = p->env->wall_ns(p);
    latch_lock(&l->insert, p->owner);
    uint64_t at = atomic_load_explicit(&l->tail, memory_order_relaxed);
    commit_time last = atomic_load_explicit(&l->last_commit, memory_order_relaxed);
    if (time <= last) time = last + 1;
    STORE(&slot->is_commit, 1);
    STORE(&slot->txid, x);
    STORE(&slot->txn_prev, txn_prev.at);
    STORE(&slot->time, time);
    take(p, at, LOG_COMMIT_BYTES);
    STORE_AFTER(&l->last_commit, time);
    release(l);

    STORE_AFTER(map, time); /* from here on it is a commit, whoever has to finish it */
    FAULT(p, COMMIT_MAPPED);
    log_commit_build(log_ring_at(p->shm, at), x, txn_prev.at, time);
    log_publish(p);
    log_change_done(p);
    PROBE(axolotl_log, commit_insert, at, x, time, p->trace);
    *ret_time = time;
    return (lsn){at + LOG_COMMIT_BYTES};
}
