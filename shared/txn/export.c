#include "txn/export.h"

#include "txn/internal.h"

void txn_snapshot_export(const struct proc *p, const struct txn *t, struct snapshot_export *ret) {
    CHECK(t->slot && t->have_snapshot && t->isolation != ISO_READ_COMMITTED);
    *ret = (struct snapshot_export){t->index, txn_slot_ref(p->shm, t->index), t->snap.time};
}

/* The owner runs, and shows this very snapshot. */
static bool is_shown(const struct shm *shm, const struct snapshot_export *e) {
    const struct txn_slot *s = txn_slot_at(shm, e->index);
    return txn_ref_alive(shm, e->ref) && txn_slot_ref(shm, e->index) == e->ref &&
           txn_slot_state(s) == TXN_ACTIVE && atomic_load(&s->snapshot) == e->time + 1;
}

/* Shown first, then looked whether the owner still shows it. txnd looks at the slots twice: when it
 * came by here too early, it saw the owner in its first round (txnd/horizon.c). */
status txn_snapshot_import(struct proc *p, struct txn *t, const struct snapshot_export *from) {
    CHECK(t->slot && !t->have_snapshot);
    if (from->index >= p->shm->sizes.txns || !is_shown(p->shm, from)) return STATUS(NOT_FOUND);
    atomic_store(&t->slot->keep_lsn, atomic_load(&txn_slot_at(p->shm, from->index)->keep_lsn));
    atomic_store(&t->slot->snapshot, from->time + 1);
    if (!is_shown(p->shm, from)) {
        atomic_store(&t->slot->snapshot, 0);
        atomic_store(&t->slot->keep_lsn, 0);
        return STATUS(NOT_FOUND);
    }
    t->snap.time = from->time;
    t->have_snapshot = true;
    return OK;
}
