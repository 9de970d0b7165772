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

#define MODE_BITS 0x1feu

/* A slot begins and ends a life: FREE → ACTIVE with the next generation, and back to FREE. Freeing
 * drops the relation locks and tells txnd when somebody waits. */
void slot_open(struct shm *shm, uint32_t index, struct owner owner, enum txn_state state);
void slot_close(struct proc *p, uint32_t index);
void slot_set_state(struct txn_slot *s, enum txn_state state);
/* Tells txnd that waiters of this slot may go on, when there are any. */
void slot_tell_waiters(struct proc *p, uint32_t index);
/* The same for who waits for something that it has given back before its end. */
void slot_tell_released(struct proc *p, uint32_t index);
/* counted: by the process that owns the slot. */
void slot_drop_locks(struct shm *shm, struct txn_slot *s, bool counted);
/* Leaves the slot to txnd. Killed in between it is as before. */
void slot_make_orphan(struct shm *shm, struct txn_slot *s);
/* A session's locks are nobody's until a worker takes the session up. */
void slot_leave_session(struct shm *shm, struct txn_slot *s);

/* lock_list.c. A tag without modes as it stands in `held`. */
static inline uint64_t lock_bare(struct lock_tag tag) {
    return (uint64_t)tag.space << 48 | (uint64_t)tag.of << 16;
}
/* Is one of the modes such that weak ones must look whether it is in their way? */
bool lock_is_counted(uint64_t held);
_Atomic uint32_t *lock_strong_count(struct shm *shm, uint32_t process, uint64_t object,
                                    uint64_t held);
uint32_t lock_row_hash(uint64_t row);
/* Adds to what a process counts of these modes; of all locks of a slot. */
void lock_count(struct shm *shm, uint32_t process, uint64_t object, uint64_t held, int by);
void lock_count_all(struct shm *shm, const struct txn_slot *s, uint32_t process, int by);
struct txn_lock *lock_find(const struct shm *shm, const struct txn *t, struct lock_tag tag);
/* ... or a new one without modes; NULL: there is no room. */
struct txn_lock *lock_entry(struct proc *p, struct txn *t, struct lock_tag tag);
/* Of a lock, other modes without asking anybody: counts follow. */
void lock_change(struct proc *p, struct txn_lock *l, uint64_t held);
/* Notes what the modes are before they change; takes the newest note back; frees the notes. */
status lock_note(struct txn *t, const struct txn_lock *l, uint64_t before, const struct shm *shm);
void lock_note_taken_back(struct txn *t);
void lock_journal_free(struct txn *t);

/* lock.c */
extern const uint16_t lock_conflicts[MODE_ACCESS_EXCLUSIVE + 1];
/* What the slot has of the object; 0: nothing. */
uint64_t lock_held_by(const struct shm *shm, const struct txn_slot *s, struct lock_tag tag);
/* The slot of what the transaction's own session holds. */
bool lock_is_own_session(const struct txn_slot *s, const struct txn_slot *own);

#endif
