/* The horizons: what no snapshot needs any more, and what log must be kept.
 *
 * Order matters (see shared/txn/snapshot.c). `visible` is read and becomes the floor of new
 * snapshots; only then the slots are looked at. And what lies below the oldest running transaction
 * is given up only when the log is durable beyond the point where that was found: then every
 * snapshot that can still be taken sees all that ended before. */
#include "base/control.h"
#include "session/session.h"
#include "txnd.h"

struct slots_seen {
    uint64_t snapshot; /* lowest in use; UINT64_MAX: none */
    uint64_t keep;     /* lowest keep_lsn of those; UINT64_MAX: none */
    uint64_t active;   /* lowest first_lsn; UINT64_MAX: none */
};

static void look_once(const struct shm *shm, struct slots_seen *seen) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) == TXN_FREE) continue;
        uint64_t snapshot = atomic_load(&s->snapshot), keep = atomic_load(&s->keep_lsn);
        uint64_t first = atomic_load(&s->first_lsn);
        if (snapshot && snapshot - 1 < seen->snapshot) seen->snapshot = snapshot - 1;
        if (snapshot && keep < seen->keep) seen->keep = keep;
        if (first && first < seen->active) seen->active = first;
    }
}

/* Twice: a snapshot that goes from a slot not reached yet to one that was looked at already, and is
 * given up by the first, is seen by the second round (shared/txn/export.c). */
static struct slots_seen look_at_slots(const struct shm *shm) {
    struct slots_seen seen = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    look_once(shm, &seen);
    look_once(shm, &seen);
    return seen;
}

static uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static bool held_by_a_slot(const struct shm *shm, txid x) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) != TXN_FREE && atomic_load(&s->x) == x) return true;
    }
    return false;
}

/* May the id be forgotten: has it ended, visibly to every snapshot? The words' meanings are
 * map.c's. */
static bool forgettable(struct shm *shm, txid x, commit_time oldest) {
    commit_time time = 0;
    switch (txn_fate(shm, x, &time, NULL)) {
    case FATE_RUNNING: return false;
    case FATE_COMMITTED: return time <= oldest;
    case FATE_ROLLED_BACK: break;
    }
    uint64_t word = atomic_load(txn_map_entry(shm, x));
    return word ? txn_map_rolled_back_at(word) < oldest : !held_by_a_slot(shm, x);
}

#define LISTENERS_NS 10000000u

static commit_time first_listener(const struct shm *shm, commit_time limit) {
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *s = session_slot_at(shm, i);
        if (atomic_load(&s->state) == SESSION_FREE) continue;
        commit_time from = atomic_load(&s->listen_from);
        if (from && from < limit) limit = from;
    }
    return limit;
}

/* When the commits were that a listener has still to be told of, must stay known; not at the price
 * of a map without room. Who listens later begins at what is visible then. */
static commit_time listeners_limit(struct txnd *t) {
    struct shm *shm = t->d->proc.shm;
    const struct txn_shared *shared = shm->txn;
    uint64_t now_ns = t->d->proc.env->mono_ns(&t->d->proc);
    uint64_t used = atomic_load(&shared->next_txid) - atomic_load(&shared->map_base);
    if (used > shm->sizes.map_entries / 2) return UINT64_MAX;
    commit_time visible = atomic_load(&shm->log->visible);
    if (!shm->sessions || !atomic_load(&shm->control->listened)) return visible;
    if (now_ns >= t->horizon.listeners_due_ns) {
        t->horizon.listeners_limit = first_listener(shm, visible);
        t->horizon.listeners_due_ns = now_ns + LISTENERS_NS;
    }
    return t->horizon.listeners_limit;
}

static void move_map_base(struct shm *shm, commit_time oldest) {
    struct txn_shared *shared = shm->txn;
    txid base = atomic_load(&shared->map_base), next = atomic_load(&shared->next_txid);
    txid to = base;
    while (to < next && forgettable(shm, to, oldest)) to++;
    if (to == base) return;
    atomic_store(&shared->map_base, to); /* first: a reader of a cleared word looks here again */
    for (txid x = base; x < to; x++) atomic_store(txn_map_entry(shm, x), 0);
}

bool horizon_move(struct txnd *t) {
    struct shm *shm = t->d->proc.shm;
    struct log_shared *log = shm->log;
    struct txn_shared *shared = shm->txn;
    if (!atomic_load(&shm->control->redo_done)) return true;

    uint64_t tail = atomic_load(&log->tail), durable = atomic_load(&log->durable);
    commit_time visible = atomic_load(&log->visible);
    if (atomic_load(&shared->snapshot_floor) < visible)
        atomic_store(&shared->snapshot_floor, visible);
    if (t->horizon.pending_active.at && durable >= t->horizon.pending_tail.at) {
        atomic_store(&shared->oldest_active_lsn, t->horizon.pending_active.at);
        t->horizon.pending_active = LSN_NONE;
    }

    struct slots_seen seen = look_at_slots(shm);
    if (!t->horizon.pending_active.at) {
        t->horizon.pending_tail = (lsn){tail};
        t->horizon.pending_active = (lsn){lower(seen.active, tail)};
    }
    commit_time oldest = lower(seen.snapshot, visible);
    if (oldest > atomic_load(&shared->oldest_snapshot))
        atomic_store(&shared->oldest_snapshot, oldest);
    move_map_base(shm, lower(atomic_load(&shared->oldest_snapshot), listeners_limit(t)));

    /* Not what runs now but what the data file says begins undo and purge after a crash: a commit
     * that is not durable yet can still become a loser. */
    const struct control *control = shm->control;
    uint64_t keep = lower(atomic_load(&control->redo_lsn), seen.keep);
    keep = lower(keep, atomic_load(&control->undo_lsn));
    keep = lower(keep, atomic_load(&control->purge_lsn));
    keep = lower(keep, atomic_load(&shared->oldest_active_lsn));
    keep = lower(keep, atomic_load(&shared->purge_lsn));
    if (keep > atomic_load(&log->keep)) atomic_store(&log->keep, keep);

    bool moved = tail != t->horizon.seen_tail;
    t->horizon.seen_tail = tail;
    return moved;
}
