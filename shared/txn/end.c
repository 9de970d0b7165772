/* The end of a transaction: commit, rollback, and rollback to a mark. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "txn/internal.h"
#include "txn/serial.h"

struct txn_mark txn_mark(const struct txn *t) {
    return (struct txn_mark){t->writer.last, t->writer.changes};
}

/* A TREE_DROP record, or its compensation: purge acts on one whose transaction commits. */
static status log_drop(struct proc *p, struct txn *t, uint64_t root, uint32_t tree, uint8_t flags,
                       uint64_t txn_prev) {
    TRY(log_room(p));
    struct {
        struct rec_head head;
        uint64_t root;
    } r = {{.len = sizeof r,
            .type = REC_TREE_DROP,
            .flags = flags,
            .tree = tree,
            .txid = t->writer.x,
            .txn_prev = txn_prev},
           root};
    t->writer.last = log_insert(p, &r.head);
    atomic_store(&t->slot->last_lsn, t->writer.last.at);
    log_change_done(p);
    return OK;
}

status txn_drop_tree(struct proc *p, struct txn *t, struct tree tree) {
    TRY(txn_need_id(p, t));
    return log_drop(p, t, tree.root.no, tree.id, 0, t->writer.last.at);
}

static status undo_record(struct proc *p, struct txn *t, const struct rec_head *r, lsn at) {
    counter_add(p, COUNTER_UNDO_RECORDS, 1);
    FAULT(p, UNDO);
    switch (r->type) {
    case REC_ENTRY_INSERT:
    case REC_ENTRY_UPDATE:
    case REC_ENTRY_DELETE:
    case REC_TREE_FILL:
    case REC_TREE_CREATE: return tree_undo(p, &t->writer, r, at);
    case REC_TREE_DROP:
        return log_drop(p, t, load_le64(rec_payload_c(r)), r->tree, REC_COMPENSATION, r->txn_prev);
    default: return OK;
    }
}

/* Newest first along txn_prev; a compensation leads past what it has already undone (ARIES: Mohan
 * et al., 1992, section 3: UndoNxtLSN), so undo that is interrupted goes on where it stood. */
static status undo_to(struct proc *p, struct txn *t, struct txn_mark mark) {
    struct log_back back;
    const struct rec_head *r;
    lsn at = t->writer.last;
    status s = OK;
    if (at.at <= mark.last.at) return OK;
    char *buf = malloc(LOG_SCAN_BYTES); /* too much for a stack */
    if (!buf) return STATUS(OUT_OF_MEMORY);
    log_back_begin(&back, buf);
    while (at.at > mark.last.at) {
        TRY_OUT(s, log_back_read(p, &back, at, &r));
        if (r->txid != t->writer.x || r->txn_prev >= at.at) TRY_OUT(s, STATUS(DATA_CORRUPTED));
        if (!(r->flags & REC_COMPENSATION)) TRY_OUT(s, undo_record(p, t, r, at));
        at = (lsn){r->txn_prev};
    }
out:
    free(buf);
    return s;
}

status txn_rollback_to(struct proc *p, struct txn *t, struct txn_mark mark) {
    if (t->writer.last.at <= mark.last.at) return OK;
    status s = undo_to(p, t, mark);
    if (t->slot) slot_tell_released(p, t->index);
    return s;
}

/* The slot is not ours any more. */
static void leave(struct txn *t) {
    t->slot = NULL;
    t->writer = (struct tree_writer){0};
    t->have_snapshot = t->queried = false;
    t->catalog_changed = t->changed_outside = false;
    t->locks = 0;
}

static void end(struct proc *p, struct txn *t) {
    slot_close(p, t->index);
    lock_journal_free(t);
    leave(t);
}

status txn_commit(struct proc *p, struct txn *t, bool durable) {
    CHECK(t->slot);
    status s = serial_prepare(p, t);
    if (!ok(s)) {
        status_ignore(txn_rollback(p, t)); /* the first failure is the one to tell */
        return s;
    }
    if (t->writer.x && t->writer.last.at) {
        s = log_room_for_commit(p);
        if (!ok(s)) {
            status_ignore(txn_rollback(p, t)); /* the first failure is the one to tell */
            return s;
        }
        slot_set_state(t->slot, TXN_ENDING);
        t->commit_end = log_commit(p, t->writer.x, t->writer.last,
                                   txn_map_entry(p->shm, t->writer.x), &t->last_commit);
        FAULT(p, COMMIT_PUBLISHED);
        serial_committed(p, t, t->last_commit);
        slot_tell_waiters(p, t->index); /* rows are free now; who builds on them is durable later */
        counter_add(p, COUNTER_COMMITS, 1);
        if (durable || t->catalog_changed) s = log_wait_durable(p, t->commit_end);
        FAULT(p, COMMIT_DURABLE);
        if (t->catalog_changed) atomic_fetch_add(&p->shm->control->catalog_version, 1);
    } else {
        serial_committed(p, t, 0);
        if (t->changed_outside && durable) s = log_wait_durable(p, log_complete(p->shm->log));
        if (t->writer.x) {
            status undone = txn_rollback(p, t);
            return ok(s) ? undone : s;
        }
    }
    end(p, t);
    return s;
}

/* Says in log and map that nothing of the transaction is left. */
static status forget(struct proc *p, struct txn *t) {
    txid x = t->writer.x;
    if (!x) return OK;
    struct log_shared *log = p->shm->log;
    if (t->writer.last.at) {
        TRY(log_room(p));
        struct rec_head r = {
            .len = sizeof r, .type = REC_ROLLED_BACK, .txid = x, .txn_prev = t->writer.last.at};
        log_insert(p, &r);
        log_change_done(p);
    }
    atomic_store(txn_map_entry(p->shm, x), MAP_ROLLED_BACK | atomic_load(&log->last_commit));
    return OK;
}

/* Once the slot is an orphan its locks are no longer ours to look at: txnd's word speaks of them
 * before ours is silent, and that before the state changes. A death in between takes all our counts
 * with it. */
static void leave_to_txnd(struct proc *p, struct txn *t) {
    if (txn_slot_state(t->slot) != TXN_ORPHAN) {
        lock_count_all(p->shm, t->slot, SLOT_TXND, 1);
        lock_count_all(p->shm, t->slot, p->owner.slot, -1);
    }
    slot_make_orphan(p->shm, t->slot);
    lock_journal_free(t);
}

/* Its marks still stand in pages: somebody must go on undoing, and that is txnd. */
static void hand_to_txnd(struct proc *p, struct txn *t) {
    atomic_store(&t->slot->snapshot, 0);
    leave_to_txnd(p, t);
    leave(t);
    struct msg m = {.op = MSG_TXN_ORPHAN};
    if (p->owner.slot != SLOT_TXND) p->env->post(p, SLOT_TXND, &m);
}

status txn_rollback(struct proc *p, struct txn *t) {
    static const struct txn_mark start = {0};
    CHECK(t->slot);
    serial_rolled_back(p, t);
    if (txn_long_undo(t, start) && p->owner.slot != SLOT_TXND) {
        hand_to_txnd(p, t);
        counter_add(p, COUNTER_ROLLBACKS, 1);
        return OK;
    }
    status s = undo_to(p, t, start);
    if (ok(s)) s = forget(p, t);
    if (ok(s)) {
        counter_add(p, COUNTER_ROLLBACKS, 1);
        end(p, t);
        return OK;
    }
    hand_to_txnd(p, t);
    return s;
}

/* It may have changed catalogs: who hears of that must find it. */
static status announce_orphan(struct proc *p, commit_time time) {
    struct log_shared *log = p->shm->log;
    if (atomic_load(&log->visible) < time) {
        TRY(log_wait_durable(p, log_complete(log)));
        if (atomic_load(&log->visible) < time) return STATUS(AGAIN);
    }
    atomic_fetch_add(&p->shm->control->catalog_version, 1);
    return OK;
}

status txn_finish_orphan(struct proc *p, uint32_t index) {
    struct txn_slot *slot = txn_slot_at(p->shm, index);
    if (txn_slot_state(slot) != TXN_ORPHAN) return STATUS(NOT_FOUND);
    struct txn t = {.slot = slot, .index = index};
    t.writer.x = atomic_load(&slot->x);
    t.writer.last = (lsn){atomic_load(&slot->last_lsn)};
    t.writer.shared_last = &slot->last_lsn;
    if (t.writer.x) {
        uint64_t word = atomic_load(txn_map_entry(p->shm, t.writer.x));
        bool ours = word == (MAP_RUNNING | txn_slot_ref(p->shm, index));
        if (!ours) { /* committed, rolled back to the end, or the id was not taken yet */
            bool committed = word && !(word & (MAP_RUNNING | MAP_ROLLED_BACK));
            if (committed) TRY(announce_orphan(p, word));
            slot_close(p, index);
            return OK;
        }
    }
    return txn_rollback(p, &t);
}
