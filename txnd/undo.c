/* Undo of what nobody drives any more: losers of a crash, transactions of dead workers.
 *
 * Their rows stay locked by their stamps meanwhile; who wants one waits for the orphan like for any
 * running transaction. A failure (a page that cannot be read) is tried again: the stamps say that
 * the transaction runs, so nothing wrong is ever read. */
#include <stdlib.h>

#include "base/control.h"
#include "base/probe.h"
#include "txn/txn_recover.h"
#include "txnd.h"

#define RETRY_NS (100 * 1000000ull)

/* One orphan after the other that nobody is at; several do so, that a long one holds up no other.
 */
static bool undo_all(struct txnd *t) {
    struct proc *p = &t->d->proc;
    bool all_done = true;
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        if (t->undoing[i] || txn_slot_state(txn_slot_at(p->shm, i)) != TXN_ORPHAN) continue;
        txn_ref ref = txn_slot_ref(p->shm, i);
        t->undoing[i] = true;
        PROBE(axolotl_txnd, undo_begin, ref);
        status s = txn_finish_orphan(p, i);
        PROBE(axolotl_txnd, undo_done, ref, s.code);
        t->undoing[i] = false;
        if (ok(s))
            waits_ended(t, ref);
        else
            all_done = false;
    }
    return all_done;
}

static void rest(struct txnd *t) {
    unsigned i = 0;
    while (t->undoer[i]) i++; /* one place each */
    t->undoer[i] = coro_self();
    daemon_suspend(t->d);
    t->undoer[i] = NULL;
}

static void undo_main(void *arg) {
    struct txnd *t = arg;
    while (!atomic_load(&t->d->proc.shm->control->redo_done)) daemon_sleep(t->d, 1000000);
    for (;;) {
        if (undo_all(t))
            rest(t);
        else
            daemon_sleep(t->d, RETRY_NS);
    }
}

status undo_init(struct txnd *t) {
    t->undoing = calloc(t->d->proc.shm->sizes.txns, sizeof *t->undoing);
    if (!t->undoing) return STATUS(OUT_OF_MEMORY);
    for (unsigned i = 0; i < UNDOERS; i++) TRY(daemon_spawn(t->d, 0, undo_main, t));
    return OK;
}

void undo_fini(struct txnd *t) {
    free(t->undoing);
}

void undo_wake(struct txnd *t) {
    for (unsigned i = 0; i < UNDOERS; i++)
        if (t->undoer[i]) daemon_wake(t->d, t->undoer[i]);
}
