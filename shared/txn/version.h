/* version.h: which version of an entry a snapshot sees (I7, I8). */
#ifndef TXN_VERSION_H
#define TXN_VERSION_H

#include "txn/txn.h"

/* From the newest version in *e (as a tree gave it) to the one that the snapshot sees, following
 * the chain through the log (suspends when it is no longer in memory). buf: at least
 * TREE_ENTRY_BYTES_MAX, only written when an older version is needed; e->value may then point
 * there. NOT_FOUND: none, or a deleted one. SNAPSHOT_TOO_OLD. */
status version_visible(struct proc *p, const struct snapshot *s, struct tree_entry *e, void *buf);

/* The newest committed (or own) version whatever the snapshot: what an UPDATE that waited looks at.
 * ROW_BUSY when the newest is of another running transaction (*ret_holder). NOT_FOUND: deleted. */
status version_newest(struct proc *p, const struct snapshot *s, struct tree_entry *e,
                      txid *ret_holder);

/* Had x, which is below next_txid, ended when that was the newest commit time: committed, or its
 * undo was complete? */
bool txn_ended_by(struct shm *shm, txid x, commit_time time);

#endif
