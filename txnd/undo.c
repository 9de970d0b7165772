/* Undo of what nobody drives any more: losers of a crash, transactions of dead workers.
 *
 * Their rows stay locked by their stamps meanwhile; who wants one waits for the orphan like for any
 * running transaction. A failure (a page that cannot be read) is tried again: the stamps say that
 * the transaction runs, so nothing wrong is ever read. */
#include "base/control.h"
#include "base/probe.h"
#include "txn/txn_recover.h"
#include "txnd.h"

#define RETRY_NS (100 * 1000000ull)

static bool undo_all(struct txnd *t) {
    struct proc *p = &t->d->proc;
    bool all_done = true;
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        if (txn_slot_state(txn_slot_at(p->shm, i)) != TXN_ORPHAN) continue;
        txn_ref ref = txn_slot_ref(p->shm, i);
        PROBE(axolotl_txnd, undo_begin, ref);
        status s = txn_finish_orphan(p, i);
        PROBE(axolotl_txnd, undo_done, ref, s.code);
        if (ok(s))
            waits_ended(t, ref);
        else
            all_done = false;
    }
    return all_done;
}

void undo_main(void *arg) {
    struct txnd *t = arg;
    while (!atomic_load(&t->d->proc.shm->control->redo_done)) daemon_sleep(t->d, 1000000);
    for (;;) {
        if (!undo_all(t)) {
            daemon_sleep(t->d, RETRY_NS);
            continue;
        }
        t->undoer = coro_self();
        daemon_suspend(t->d);
        t->undoer = NULL;
    }
}
