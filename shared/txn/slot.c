/* Transaction slots: their lives and their owners. */
#include "txn/internal.h"
#include "txn/serial.h"

size_t txn_shared_bytes(const struct shm_sizes *s) {
    return sizeof(struct txn_shared) + (size_t)s->txns * sizeof(struct txn_slot) +
           (size_t)s->map_entries * sizeof(uint64_t);
}

void txn_shared_init(struct shm *shm, txid next) {
    struct txn_shared *t = shm->txn;
    if (next == 0) next = 1;
    atomic_store(&t->next_txid, next);
    atomic_store(&t->map_base, next);
    serial_shared_init(shm);
}

struct txn_slot *txn_slot_at(const struct shm *shm, uint32_t index) {
    CHECK(index < shm->sizes.txns);
    return (struct txn_slot *)shm->txn->memory + index;
}

txn_ref txn_slot_ref(const struct shm *shm, uint32_t index) {
    uint64_t word = atomic_load(&txn_slot_at(shm, index)->word);
    return (word >> 8) << 16 | index;
}

bool txn_ref_alive(const struct shm *shm, txn_ref ref) {
    uint32_t index = ref & 0xffff;
    if (index >= shm->sizes.txns) return false;
    uint64_t word = atomic_load(&txn_slot_at(shm, index)->word);
    return word >> 8 == ref >> 16 && (word & 0xff) != TXN_FREE;
}

void slot_set_state(struct txn_slot *s, enum txn_state state) {
    uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);
    atomic_store(&s->word, (word & ~(uint64_t)0xff) | state);
}

void slot_open(struct shm *shm, uint32_t index, struct owner owner, enum txn_state state) {
    struct txn_slot *s = txn_slot_at(shm, index);
    uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);
    CHECK((word & 0xff) == TXN_FREE);
    atomic_store_explicit(&s->owner, owner_word(owner), memory_order_relaxed);
    /* 46 bits of generation: a reference has 16 bits of index below and bit 63 above */
    uint64_t generation = ((word >> 8) + 1) & (((uint64_t)1 << 46) - 1);
    atomic_store(&s->word, generation << 8 | state);
}

/* Strong modes are counted by the process that drives the transaction; for the orphan it is txnd
 * that notes them, before the state says so. */
void slot_make_orphan(struct shm *shm, struct txn_slot *s) {
    if (txn_slot_state(s) == TXN_ORPHAN) return;
    for (int i = 0; i < TXN_RELATION_LOCKS; i++) {
        uint64_t lock = atomic_load(&s->lock[i]);
        if (lock == 0) break;
        if (txn_lock_is_strong(lock))
            atomic_fetch_add(&shm->txn->strong[SLOT_TXND][txn_lock_hash(lock >> 16)], 1);
    }
    slot_set_state(s, TXN_ORPHAN);
}

/* What an orphan holds is not counted by its worker any more. From the end, since readers of the
 * list stop at the first 0. Others look at the locks to see them taken; that they are given back is
 * told by slot_close. */
void slot_drop_locks(struct shm *shm, struct txn_slot *s) {
    uint16_t owner_slot = atomic_load(&s->owner) & 0xff;
    bool counted = txn_slot_state(s) != TXN_ORPHAN;
    int n = 0;
    while (n < TXN_RELATION_LOCKS && atomic_load_explicit(&s->lock[n], memory_order_relaxed)) n++;
    while (n-- > 0) {
        uint64_t lock = atomic_load_explicit(&s->lock[n], memory_order_relaxed);
        atomic_store_explicit(&s->lock[n], 0, memory_order_release);
        if (counted && txn_lock_is_strong(lock))
            atomic_fetch_sub(&shm->txn->strong[owner_slot][txn_lock_hash(lock >> 16)], 1);
    }
}

/* txnd itself, when it ends an orphan, looks after the waiters without a message. */
static void tell_txnd(struct proc *p, txn_ref ref) {
    if (p->owner.slot == SLOT_TXND) return;
    struct msg m = {.op = MSG_TXN_ENDED, .arg = {ref}};
    p->env->post(p, SLOT_TXND, &m);
}

void slot_tell_waiters(struct proc *p, uint32_t index) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    if (atomic_load(&s->waited_for)) tell_txnd(p, txn_slot_ref(p->shm, index));
}

void slot_close(struct proc *p, uint32_t index) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    txn_ref ref = txn_slot_ref(p->shm, index);
    slot_drop_locks(p->shm, s);
    atomic_store_explicit(&s->snapshot, 0, memory_order_relaxed);
    atomic_store_explicit(&s->keep_lsn, 0, memory_order_relaxed);
    /* The id goes last: killed in between, an orphan with an id is found to have ended by the map,
     * while records without one would be undone, whatever became of them. */
    atomic_store_explicit(&s->last_lsn, 0, memory_order_relaxed);
    atomic_store_explicit(&s->first_lsn, 0, memory_order_relaxed);
    atomic_store_explicit(&s->x, 0, memory_order_release);
    slot_set_state(s, TXN_FREE);
    /* A waiter is noted before it looks whether this life still lasts (txnd), and we look for
     * waiters after ending it: one of the two sees the other. */
    if (atomic_exchange(&s->waited_for, 0)) tell_txnd(p, ref);
}

/* The slots of one worker: an equal share each; the first range belongs to whoever is no worker. */
static void slots_of(const struct shm *shm, uint16_t process, uint32_t *ret_first,
                     uint32_t *ret_count) {
    uint32_t ranges = shm->sizes.workers + 1;
    uint32_t share = shm->sizes.txns / ranges;
    uint32_t range = process >= SLOT_QUERYD ? (uint32_t)(process - SLOT_QUERYD) + 1 : 0;
    CHECK(range < ranges && share > 0);
    *ret_first = range * share;
    *ret_count = share;
}

status txn_begin(struct proc *p, struct txn *t, enum txn_isolation iso, uint64_t session) {
    CHECK(!t->slot);
    uint32_t first, count;
    slots_of(p->shm, p->owner.slot, &first, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = first + (uint32_t)((session + i) % count);
        struct txn_slot *s = txn_slot_at(p->shm, index);
        if (txn_slot_state(s) != TXN_FREE) continue;
        slot_open(p->shm, index, p->owner, TXN_ACTIVE);
        atomic_store_explicit(&s->session, session, memory_order_relaxed);
        commit_time last_commit = t->last_commit;
        lsn commit_end = t->commit_end;
        *t = (struct txn){.slot = s,
                          .index = index,
                          .isolation = iso,
                          .last_commit = last_commit,
                          .commit_end = commit_end};
        t->writer.shared_last = &s->last_lsn;
        return OK;
    }
    return STATUS(TOO_MANY_CONNECTIONS);
}
