/* repair.c: what a dead process left in shared memory (DESIGN 7). Every step can be repeated. */
#include "base/counter.h"
#include "base/probe.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "log/log.h"
#include "pool/frame.h"
#include "session/session.h"
#include "supervisor.h"
#include "txn/txn.h"
#include "txn/txn_recover.h"

static bool committed(struct shm *shm, uint64_t x) {
    return txn_fate(shm, x, NULL, NULL) == FATE_COMMITTED;
}

/* The log first: whether a record was published decides what became of the pages it was for, and
 * both decide what became of the transactions. Sessions learn what became of a commit before txnd
 * can undo and forget a transaction that did not. */
void repair_after(struct supervisor *s, uint16_t slot, uint32_t epoch) {
    uint64_t begin = clock_mono_ns();
    struct owner dead = proc_owner(slot, epoch);
    log_repair(&s->shm, slot, txn_map_entry);
    unsigned frames = pool_repair(&s->shm, dead);
    session_repair(&s->shm, dead, committed);
    unsigned txns = txn_repair(&s->shm, dead);
    counter_add(&s->d.proc, COUNTER_REPAIRS, 1);
    uint64_t us = (clock_mono_ns() - begin) / 1000;
    PROBE(axolotl_supervisor, repaired, slot, epoch, frames, txns, us);
    if (frames || txns) {
        event("repaired after it: %u latched pages, %u open transactions (%llu us)", frames, txns,
              (unsigned long long)us);
    }
    /* storaged may have pages to rebuild, txnd transactions to undo. */
    bell_force(&s->shm, SLOT_STORAGED);
    bell_force(&s->shm, SLOT_TXND);
}
