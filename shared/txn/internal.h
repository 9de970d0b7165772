/* internal.h: what the files of txn/ share with one another and with nobody else. */
#ifndef TXN_INTERNAL_H
#define TXN_INTERNAL_H

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "msg/msg.h"
#include "txn/txn.h"
#include "txn/txn_recover.h"

#define MAP_RUNNING ((uint64_t)1 << 63)
#define MAP_ROLLED_BACK ((uint64_t)1 << 62)

static inline uint64_t owner_word(struct owner o) {
    return (uint64_t)o.epoch << 8 | o.slot;
}

/* A slot begins and ends a life: FREE → ACTIVE with the next generation, and back to FREE. Freeing
 * drops the relation locks and tells txnd when somebody waits. */
void slot_open(struct shm *shm, uint32_t index, struct owner owner, enum txn_state state);
void slot_close(struct proc *p, uint32_t index);
void slot_set_state(struct txn_slot *s, enum txn_state state);
/* Tells txnd that waiters of this slot may go on, when there are any. */
void slot_tell_waiters(struct proc *p, uint32_t index);
void slot_drop_locks(struct shm *shm, struct txn_slot *s);
/* Leaves the slot to txnd. Killed in between it is as before. */
void slot_make_orphan(struct shm *shm, struct txn_slot *s);

#endif
