/* Who must be over before everybody works by a new rule: builders of indexes ask. */
#include <stdlib.h>

#include "txn/internal.h"

static struct txn_blocker blocker_at(const struct shm *shm, uint32_t index) {
    return (struct txn_blocker){txn_slot_ref(shm, index),
                                atomic_load(&txn_slot_at(shm, index)->releases)};
}

static bool holds(const struct shm *shm, uint32_t index, struct lock_tag tag, uint16_t modes) {
    uint64_t held = lock_held_by(shm, txn_slot_at(shm, index), tag);
    return held & modes && !(held & TXN_LOCK_WANTED);
}

static bool reads_before(const struct shm *shm, uint32_t index, commit_time limit) {
    uint64_t snapshot = atomic_load(&txn_slot_at(shm, index)->snapshot);
    return snapshot && snapshot - 1 < limit;
}

static bool concerned(const struct shm *shm, const struct txn_others *o, uint32_t index) {
    return o->tag.space ? holds(shm, index, o->tag, lock_conflicts[o->mode])
                        : reads_before(shm, index, o->limit);
}

status txn_others_begin(struct proc *p, const struct txn *t, struct txn_others *o) {
    o->n = o->at = 0;
    o->refs = malloc(p->shm->sizes.txns * sizeof *o->refs);
    if (!o->refs) return STATUS(OUT_OF_MEMORY);
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        enum txn_state state = txn_slot_state(txn_slot_at(p->shm, i));
        if (i == t->index || state == TXN_FREE || state == TXN_SESSION) continue;
        txn_ref ref = txn_slot_ref(p->shm, i);
        if (concerned(p->shm, o, i)) o->refs[o->n++] = ref;
    }
    return OK;
}

bool txn_others_next(struct proc *p, struct txn_others *o, struct txn_blocker *ret) {
    for (; o->at < o->n; o->at++) {
        uint32_t index = o->refs[o->at] & 0xffff;
        *ret = blocker_at(p->shm, index);
        if (ret->ref == o->refs[o->at] && concerned(p->shm, o, index) &&
            txn_ref_alive(p->shm, ret->ref))
            return true;
    }
    return false;
}

void txn_others_end(struct txn_others *o) {
    free(o->refs);
    o->refs = NULL;
}
