/* txn_recover.h: transactions that outlived their worker, or a crash of everything. */
#ifndef TXN_TXN_RECOVER_H
#define TXN_TXN_RECOVER_H

#include "txn/txn.h"

/* logd's analysis: transaction x has records from `first` to `last` in the log and no end: an
 * orphan for txnd to undo. PROGRAM_LIMIT_EXCEEDED when all slots are taken. */
status txn_adopt_loser(struct shm *shm, txid x, lsn first, lsn last);
/* After the last of them: the next id to give. */
void txn_recovered(struct shm *shm, txid next);

/* The process `dead` is gone and log_repair has been done: makes its transactions orphans. Returns
 * how many. Repeatable. By the supervisor. */
unsigned txn_repair(struct shm *shm, struct owner dead);

/* By txnd, now and then: forgets that orphans held strong relation locks where none does. */
void txn_forget_strong(struct shm *shm);
/* By txnd, now and then: blocks of locks that a death has left without an owner. */
void txn_reclaim_blocks(struct shm *shm);
/* By txnd: the locks of a session that has ended without a worker. lives(shm, session) tells.
 * Returns whether there were any: *ret_ref was theirs. */
bool txn_end_session(struct proc *p, uint32_t index, bool (*lives)(const struct shm *, uint64_t),
                     txn_ref *ret_ref);

/* txnd takes an orphan over: *ret_txn can then be rolled back or, when its commit is in the log,
 * released by txn_finish_orphan, which decides. NOT_FOUND: no orphan in that slot. AGAIN: its
 * commit is not durable yet. */
status txn_finish_orphan(struct proc *p, uint32_t index);

#endif
