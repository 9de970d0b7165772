/* export.h: one transaction's snapshot given to another.
 *
 * A snapshot is older than the floor of new ones as soon as it is taken. That it can be taken over
 * rests on who has it: as long as that transaction shows it, nothing is forgotten that it sees. */
#ifndef TXN_EXPORT_H
#define TXN_EXPORT_H

#include "txn/txn.h"

struct snapshot_export {
    uint32_t index; /* of the slot */
    txn_ref ref;    /* whose life it is of */
    commit_time time;
};

/* t keeps its snapshot until it ends (REPEATABLE READ), and has one. */
void txn_snapshot_export(const struct proc *p, const struct txn *t, struct snapshot_export *ret);
/* t, which has none yet, gets that one. NOT_FOUND: its owner has ended, or never was. */
status txn_snapshot_import(struct proc *p, struct txn *t, const struct snapshot_export *from);

#endif
