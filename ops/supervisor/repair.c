/* repair.c: what a dead process left in shared memory (DESIGN 7). Every step can be repeated. */
#include "base/counter.h"
#include "base/fault.h"
#include "base/probe.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "log/log.h"
#include "pool/frame.h"
#include "session/session.h"
#include "supervisor.h"
#include "txn/serial.h"
#include "txn/txn_recover.h"

static bool committed(struct shm *shm, uint64_t x) {
    return txn_fate(shm, x, NULL, NULL) == FATE_COMMITTED;
}

static void tell(struct supervisor *s, const struct event *done) {
    bool nothing = !done->pages && !done->txns && !done->sessions && !done->fillers;
    if (nothing && s->stopping) return;
    event_as(done,
             "%s repaired: %u latched pages, %u open transactions, %u sessions, %u log fillers "
             "(%llu us)",
             s->kept[done->slot].name, done->pages, done->txns, done->sessions, done->fillers,
             (unsigned long long)done->repair_us);
}

/* The log first: whether a record was published decides what became of the pages it was for, and
 * both decide what became of the transactions. Sessions learn what became of a commit before txnd
 * can undo and forget a transaction that did not. */
void repair_after(struct supervisor *s, uint16_t slot, uint32_t epoch) {
    uint64_t begin = clock_mono_ns();
    struct owner dead = proc_owner(slot, epoch);
    struct event done = {.kind = EVENT_REPAIRED, .slot = slot, .epoch = epoch};
    FAULT(&s->d.proc, REPAIR);
    quarantine_judge(s, slot, epoch);
    done.fillers = log_repair(&s->shm, slot, txn_map_entry);
    done.pages = pool_repair(&s->shm, dead);
    done.sessions = session_repair(&s->shm, dead, committed);
    serial_repair(&s->shm, dead);
    done.txns = txn_repair(&s->shm, dead);
    counter_add(&s->d.proc, COUNTER_REPAIRS, 1);
    done.repair_us = (clock_mono_ns() - begin) / 1000;
    PROBE(axolotl_supervisor, repaired, slot, epoch, done.pages, done.txns, done.repair_us);
    s->kept[slot].waiters = done.sessions;
    tell(s, &done);
    FAULT(&s->d.proc, REPAIRED);
    /* storaged may have pages to rebuild, txnd transactions to undo. */
    bell_force(&s->shm, SLOT_STORAGED);
    bell_force(&s->shm, SLOT_TXND);
}
