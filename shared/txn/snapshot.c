/* Snapshots: taking one, and finding the version that one sees.
 *
 * A snapshot is in use from the moment its slot shows it. txnd decides what may be forgotten with
 * two words. It first raises snapshot_floor, then looks at all slots; the lowest snapshot found (or
 * the floor) becomes oldest_snapshot. A reader first shows its snapshot, then looks at
 * snapshot_floor, and takes a newer one when it is below. So either txnd sees the reader, or the
 * reader sees the floor. */
#include "base/spin.h"
#include "txn/internal.h"
#include "txn/serial.h"
#include "txn/version.h"

/* What this session committed must be in its next snapshot: `visible` reaches it at the latest when
 * the log is durable beyond it. */
static status wait_own_commit(struct proc *p, const struct txn *t) {
    struct log_shared *log = p->shm->log;
    if (atomic_load_explicit(&log->visible, memory_order_acquire) >= t->last_commit) return OK;
    TRY(log_wait_durable(p, t->commit_end));
    for (unsigned n = 0; atomic_load_explicit(&log->visible, memory_order_acquire) < t->last_commit;
         n++)
        spin_wait(n);
    return OK;
}

status txn_snapshot(struct proc *p, struct txn *t, struct snapshot *ret_snapshot) {
    CHECK(t->slot);
    struct log_shared *log = p->shm->log;
    struct txn_shared *shared = p->shm->txn;
    if (t->isolation == ISO_READ_COMMITTED || !t->have_snapshot) {
        TRY(wait_own_commit(p, t));
        if (t->isolation == ISO_SERIALIZABLE) TRY(serial_begin(p, t));
        atomic_store_explicit(&t->slot->keep_lsn, atomic_load(&shared->oldest_active_lsn),
                              memory_order_relaxed);
        do {
            t->snap.time = atomic_load_explicit(&log->visible, memory_order_acquire);
            atomic_store(&t->slot->snapshot, t->snap.time + 1); /* 0 is "none" */
        } while (atomic_load(&shared->snapshot_floor) > t->snap.time);
        t->have_snapshot = true;
        serial_begun(t);
    }
    t->queried = true;
    t->snap.x = t->writer.x;
    t->snap.own = (lsn){atomic_load_explicit(&log->tail, memory_order_acquire)};
    t->snap.serial = t->serial ? t : NULL;
    *ret_snapshot = t->snap;
    return OK;
}

void txn_snapshot_release(struct txn *t) {
    if (t->isolation != ISO_READ_COMMITTED || !t->slot) return;
    t->have_snapshot = false;
    atomic_store_explicit(&t->slot->snapshot, 0, memory_order_release);
    atomic_store_explicit(&t->slot->keep_lsn, 0, memory_order_release);
}

static bool sees(struct shm *shm, const struct snapshot *s, const struct tree_entry *e) {
    if (!stamp_is_txid(e->stamp)) return e->stamp <= s->time;
    txid x = stamp_txid(e->stamp);
    if (x == s->x) return e->lsn.at < s->own.at;
    commit_time time;
    return txn_fate(shm, x, &time, NULL) == FATE_COMMITTED && time <= s->time;
}

status version_visible(struct proc *p, const struct snapshot *s, struct tree_entry *e, void *buf) {
    if (!sees(p->shm, s, e)) {
        _Alignas(8) char record[REC_BYTES_MAX];
        do {
            if (s->serial) TRY(serial_passed(p, s->serial, e));
            if (e->flags & ENTRY_FIRST) return STATUS(NOT_FOUND);
            status st = log_read(p, e->lsn, record);
            if (status_is(st, ST_STALE)) return STATUS(SNAPSHOT_TOO_OLD);
            TRY(st);
            st = tree_version_before((const struct rec_head *)record, e, buf);
            if (status_is(st, ST_INVALID)) return STATUS(DATA_CORRUPTED);
            TRY(st);
        } while (!sees(p->shm, s, e));
    }
    return e->flags & ENTRY_DELETED ? STATUS(NOT_FOUND) : OK;
}

status version_newest(struct proc *p, const struct snapshot *s, struct tree_entry *e,
                      txid *ret_holder) {
    if (stamp_is_txid(e->stamp) && stamp_txid(e->stamp) != s->x &&
        txn_fate(p->shm, stamp_txid(e->stamp), NULL, NULL) == FATE_RUNNING) {
        *ret_holder = stamp_txid(e->stamp);
        return STATUS(ROW_BUSY);
    }
    return e->flags & ENTRY_DELETED ? STATUS(NOT_FOUND) : OK;
}
