/* Locks that a session holds beyond its transactions (advisory ones). They stand in a slot of their
 * own, which has no transaction and lives until the last of them is given back. A worker's death
 * leaves it alone: it waits for the worker that takes the session up; txnd ends it when the session
 * has ended. A lock is first taken by the transaction, so that what is here has been granted. */
#include "txn/internal.h"
#include "txn/txn_recover.h"

static uint64_t one_of(enum relation_mode mode) {
    return mode == MODE_EXCLUSIVE ? 1 : (uint64_t)1 << 32;
}

static uint64_t count_of(uint64_t counts, enum relation_mode mode) {
    return mode == MODE_EXCLUSIVE ? counts & UINT32_MAX : counts >> 32;
}

/* In the holder's slot: an entry of the tag, one without modes, or a new one. */
static struct txn_lock *entry(struct proc *p, struct txn *holder, struct lock_tag tag) {
    struct txn_lock *l = lock_find(p->shm, holder, tag);
    for (uint32_t i = 0; !l && i < holder->locks; i++) {
        struct txn_lock *unused = txn_lock_at(p->shm, holder->slot, i);
        if (atomic_load(&unused->held) & MODE_BITS) continue;
        atomic_store(&unused->object, tag.object);
        atomic_store(&unused->held, lock_bare(tag));
        l = unused;
    }
    return l ? l : lock_entry(p, holder, tag);
}

static status again(struct txn_lock *l, enum relation_mode mode) {
    uint64_t counts = atomic_load(&l->counts);
    if (count_of(counts, mode) == UINT32_MAX) return STATUS(PROGRAM_LIMIT_EXCEEDED);
    atomic_store(&l->counts, counts + one_of(mode));
    return OK;
}

static status first_time(struct proc *p, struct txn *holder, struct lock_tag tag,
                         enum relation_mode mode) {
    struct txn_lock *l = entry(p, holder, tag);
    if (!l) return STATUS(OUT_OF_LOCKS);
    uint64_t held = atomic_load(&l->held);
    uint64_t others = held & MODE_BITS ? atomic_load(&l->counts) : 0;
    uint64_t kept = mode == MODE_EXCLUSIVE ? others >> 32 << 32 : others & UINT32_MAX;
    atomic_store(&l->counts, kept + one_of(mode));
    lock_change(p, l, held | 1u << mode);
    return OK;
}

static status open_holder(struct proc *p, struct txn *holder, uint64_t session) {
    if (holder->slot) return OK;
    TRY(txn_begin(p, holder, ISO_READ_COMMITTED, session));
    slot_set_state(holder->slot, TXN_SESSION);
    return OK;
}

static void close_if_empty(struct proc *p, struct txn *holder) {
    for (uint32_t i = 0; i < holder->locks; i++)
        if (atomic_load(&txn_lock_at(p->shm, holder->slot, i)->held) & MODE_BITS) return;
    slot_close(p, holder->index);
    holder->slot = NULL;
    holder->locks = 0;
}

status txn_session_lock(struct proc *p, struct txn *t, struct txn *holder, uint64_t session,
                        struct lock_tag tag, enum relation_mode mode, bool nowait,
                        uint32_t timeout_ms) {
    struct txn_lock *l = holder->slot ? lock_find(p->shm, holder, tag) : NULL;
    if (l && atomic_load(&l->held) & 1u << mode) return again(l, mode);
    l = lock_find(p->shm, t, tag);
    uint64_t before = l ? atomic_load(&l->held) : lock_bare(tag);
    TRY(txn_lock(p, t, tag, mode, nowait, timeout_ms));
    status s = open_holder(p, holder, session);
    if (ok(s)) s = first_time(p, holder, tag, mode);
    if (before & 1u << mode) return s;
    lock_note_taken_back(t);
    lock_change(p, lock_find(p->shm, t, tag), before);
    return s;
}

bool txn_session_unlock(struct proc *p, struct txn *holder, struct lock_tag tag,
                        enum relation_mode mode) {
    struct txn_lock *l = holder->slot ? lock_find(p->shm, holder, tag) : NULL;
    uint64_t held = l ? atomic_load(&l->held) : 0;
    if (!(held & 1u << mode)) return false;
    uint64_t counts = atomic_load(&l->counts);
    if (count_of(counts, mode) > 1) {
        atomic_store(&l->counts, counts - one_of(mode));
        return true;
    }
    lock_change(p, l, held & ~((uint64_t)1 << mode));
    slot_tell_released(p, holder->index);
    close_if_empty(p, holder);
    return true;
}

void txn_session_unlock_all(struct proc *p, struct txn *holder) {
    if (!holder->slot) return;
    slot_close(p, holder->index);
    holder->slot = NULL;
    holder->locks = 0;
}

void txn_session_leave(struct proc *p, struct txn *holder) {
    if (!holder->slot) return;
    slot_leave_session(p->shm, holder->slot);
    lock_count_all(p->shm, holder->slot, p->owner.slot, -1);
    *holder = (struct txn){0};
}

/* Counted here before the slot says so: a death in between takes these counts along, and txnd's
 * word still speaks of them. */
void txn_session_take_up(struct proc *p, struct txn *holder, uint64_t session) {
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(p->shm, i);
        if (txn_slot_state(s) != TXN_SESSION || atomic_load(&s->session) != session) continue;
        lock_count_all(p->shm, s, p->owner.slot, 1);
        atomic_store(&s->owner, owner_word(p->owner));
        *holder = (struct txn){.slot = s, .index = i};
        struct txn_lock *l;
        while ((l = txn_lock_at(p->shm, s, holder->locks)) && atomic_load(&l->held))
            holder->locks++;
        return;
    }
}

bool txn_end_session(struct proc *p, uint32_t index, bool (*lives)(const struct shm *, uint64_t),
                     txn_ref *ret_ref) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    if (txn_slot_state(s) != TXN_SESSION || atomic_load(&s->owner) != 0) return false;
    if (lives(p->shm, atomic_load(&s->session))) return false;
    *ret_ref = txn_slot_ref(p->shm, index);
    slot_close(p, index);
    return true;
}
