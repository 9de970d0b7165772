/* Rows that several transactions hold.
 *
 * Who holds a row shared says so in its list of locks and is counted; who writes one says so by its
 * stamp, under the page's latch. The holder notes first and reads the row afterwards; the writer
 * has the latch when it looks for holders: one of the two sees the other. Holders do not conflict
 * among themselves. */
#include "txn/internal.h"

static struct lock_tag row_or_whole(struct proc *p, struct txn *t, struct lock_tag row,
                                    uint64_t whole) {
    struct lock_tag all = {.space = LOCK_ROW, .of = row.of, .object = whole};
    if (t->locks < TXN_ROW_LOCKS_MAX || lock_find(p->shm, t, row)) return row;
    return all;
}

status txn_row_note(struct proc *p, struct txn *t, struct lock_tag row, uint64_t whole,
                    enum relation_mode mode, bool *ret_fresh) {
    CHECK(t->slot && row.space == LOCK_ROW);
    struct lock_tag tag = row_or_whole(p, t, row, whole);
    struct txn_lock *l = lock_entry(p, t, tag);
    *ret_fresh = false;
    if (!l) return STATUS(OUT_OF_LOCKS);
    uint64_t before = atomic_load_explicit(&l->held, memory_order_relaxed);
    uint64_t stronger = 1u << MODE_ROW_SHARE;
    if (before & (1u << mode | stronger)) return OK;
    if (tag.object != whole) {
        TRY(lock_note(t, l, before, p->shm));
        *ret_fresh = true;
        t->noted = l;
        t->noted_before = before;
    }
    lock_count(p->shm, p->owner.slot, tag.object, lock_bare(tag) | 1u << mode, 1);
    atomic_store(&l->held, before | 1u << mode);
    return OK;
}

void txn_row_unnote(struct proc *p, struct txn *t) {
    lock_change(p, t->noted, t->noted_before);
    lock_note_taken_back(t);
    slot_tell_released(p, t->index);
}

static bool counted(struct shm *shm, uint64_t row, bool key) {
    uint32_t h = lock_row_hash(row), used = SLOT_QUERYD + shm->sizes.workers;
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load(&shm->txn->row_shared[i][h]) ||
            (key && atomic_load(&shm->txn->key_shared[i][h])))
            return true;
    return false;
}

static bool holds(const struct shm *shm, const struct txn_slot *s, uint64_t row, uint64_t whole,
                  uint64_t modes) {
    struct txn_lock *l;
    uint64_t held;
    for (uint32_t i = 0; (l = txn_lock_at(shm, s, i)) && (held = atomic_load(&l->held)); i++) {
        if (held >> 48 != LOCK_ROW || !(held & modes)) continue;
        uint64_t object = atomic_load(&l->object);
        if (object == row || object == whole) return true;
    }
    return false;
}

/* One who waits itself is preferred: if that closes a circle, it is seen now. */
bool txn_row_is_held(struct proc *p, const struct txn *t, uint64_t row, uint64_t whole, bool key,
                     struct txn_blocker *ret_blocker) {
    if (!counted(p->shm, row, key) && !counted(p->shm, whole, key)) return false;
    uint64_t modes = 1u << MODE_ROW_SHARE | (key ? 1u << MODE_ACCESS_SHARE : 0);
    bool found = false;
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(p->shm, i);
        if (i == t->index || txn_slot_state(s) == TXN_FREE) continue;
        struct txn_blocker other = {txn_slot_ref(p->shm, i), atomic_load(&s->releases)};
        if (!holds(p->shm, s, row, whole, modes) || !txn_ref_alive(p->shm, other.ref)) continue;
        *ret_blocker = other;
        found = true;
        if (atomic_load(&s->waits_for)) break;
    }
    return found;
}
