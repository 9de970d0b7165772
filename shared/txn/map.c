/* The commit map: transaction id → what became of it (DESIGN 4).
 *
 * One word an id, in a ring of map_entries:
 *     0                        not begun to write, or forgotten
 *     bit 63 | reference       runs in that transaction slot
 *     bit 62 | time            rolled back, undo complete; the newest commit time then
 *     commit time              committed
 * Ids below map_base have left the window. txnd moves map_base before it clears their words, so a
 * reader that finds 0 looks at map_base again. */
#include "txn/internal.h"
#include "txn/serial.h"
#include "txn/version.h"

_Atomic uint64_t *txn_map_entry(struct shm *shm, txid x) {
    size_t per_txn = sizeof(struct txn_slot) + sizeof(struct txn_lock_block);
    char *map = shm->txn->memory + shm->sizes.txns * per_txn;
    return (_Atomic uint64_t *)map + (x & (shm->sizes.map_entries - 1));
}

enum txn_fate txn_fate(struct shm *shm, txid x, commit_time *ret_time, txn_ref *ret_ref) {
    uint64_t word = atomic_load_explicit(txn_map_entry(shm, x), memory_order_acquire);
    if (x < atomic_load_explicit(&shm->txn->map_base, memory_order_acquire)) {
        if (ret_time) *ret_time = 0;
        return FATE_COMMITTED;
    }
    if (word & MAP_RUNNING) {
        if (ret_ref) *ret_ref = word & ~MAP_RUNNING;
        return FATE_RUNNING;
    }
    if (word == 0 || word & MAP_ROLLED_BACK) return FATE_ROLLED_BACK;
    if (ret_time) *ret_time = word;
    return FATE_COMMITTED;
}

bool txn_ended_by(struct shm *shm, txid x, commit_time time) {
    uint64_t word = atomic_load_explicit(txn_map_entry(shm, x), memory_order_acquire);
    if (x < atomic_load_explicit(&shm->txn->map_base, memory_order_acquire)) return true;
    if (word == 0 || word & MAP_RUNNING) return false;
    if (word & MAP_ROLLED_BACK) return txn_map_rolled_back_at(word) < time;
    return word <= time;
}

bool txn_is_running(struct proc *p, txid x, commit_time *ret_time) {
    commit_time time = 0;
    bool running = txn_fate(p->shm, x, &time, NULL) == FATE_RUNNING;
    if (!running && ret_time) *ret_time = time;
    return running;
}

/* The slot names the id before next_txid passes it, so an id below next_txid whose word is still 0
 * either stands in a slot or was never used: nobody else can be about to use it. */
status txn_need_id(struct proc *p, struct txn *t) {
    CHECK(t->slot);
    if (t->writer.x) return OK;
    struct txn_shared *shared = p->shm->txn;
    txid x = atomic_load(&shared->next_txid);
    for (;;) {
        while (x - atomic_load(&shared->map_base) >= p->shm->sizes.map_entries - PROC_SLOTS) {
            struct msg m = {.op = MSG_TXN_HELP};
            TRY(p->env->call(p, SLOT_TXND, &m));
            x = atomic_load(&shared->next_txid);
        }
        atomic_store(&t->slot->x, x);
        if (atomic_compare_exchange_strong(&shared->next_txid, &x, x + 1)) break;
    }
    atomic_store(&t->slot->first_lsn, atomic_load(&p->shm->log->tail));
    atomic_store(txn_map_entry(p->shm, x), MAP_RUNNING | txn_slot_ref(p->shm, t->index));
    t->writer.x = x;
    t->snap.x = x;
    serial_has_id(t);
    return OK;
}
