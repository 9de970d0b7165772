/* Transaction slots: their lives and their owners. */
#include "txn/internal.h"
#include "txn/serial.h"

size_t txn_shared_bytes(const struct shm_sizes *s) {
    size_t per_txn = sizeof(struct txn_slot) + sizeof(struct txn_lock_block);
    return sizeof(struct txn_shared) + s->txns * per_txn + s->map_entries * sizeof(uint64_t);
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

/* Locks are counted by the process that drives the transaction; for the orphan it is txnd that
 * notes them, before the state says so. */
void slot_make_orphan(struct shm *shm, struct txn_slot *s) {
    if (txn_slot_state(s) == TXN_ORPHAN) return;
    lock_count_all(shm, s, SLOT_TXND, 1);
    atomic_store(&s->waits_for, 0);
    slot_set_state(s, TXN_ORPHAN);
}

void slot_leave_session(struct shm *shm, struct txn_slot *s) {
    lock_count_all(shm, s, SLOT_TXND, 1);
    atomic_store(&s->owner, 0);
}

/* txnd itself, when it ends an orphan, looks after the waiters without a message. */
static void tell_txnd(struct proc *p, txn_ref ref, enum msg_op what) {
    if (p->owner.slot == SLOT_TXND) return;
    struct msg m = {.op = what, .arg = {ref}};
    p->env->post(p, SLOT_TXND, &m);
}

void slot_tell_waiters(struct proc *p, uint32_t index) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    if (atomic_load(&s->waited_for)) tell_txnd(p, txn_slot_ref(p->shm, index), MSG_TXN_ENDED);
}

/* A waiter is noted before it looks whether something has been given back since it saw the need
 * (txnd), and we look for waiters afterwards. */
void slot_tell_released(struct proc *p, uint32_t index) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    atomic_fetch_add(&s->releases, 1);
    if (atomic_load(&s->waited_for)) tell_txnd(p, txn_slot_ref(p->shm, index), MSG_TXN_RELEASED);
}

void slot_close(struct proc *p, uint32_t index) {
    struct txn_slot *s = txn_slot_at(p->shm, index);
    txn_ref ref = txn_slot_ref(p->shm, index);
    enum txn_state state = txn_slot_state(s);
    bool nobodys = state == TXN_ORPHAN || (state == TXN_SESSION && !atomic_load(&s->owner));
    slot_drop_locks(p->shm, s, !nobodys);
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
    if (atomic_exchange(&s->waited_for, 0)) tell_txnd(p, ref, MSG_TXN_ENDED);
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
        uint32_t database = t->database;
        *t = (struct txn){.slot = s,
                          .index = index,
                          .isolation = iso,
                          .database = database,
                          .last_commit = last_commit,
                          .commit_end = commit_end};
        t->writer.shared_last = &s->last_lsn;
        return OK;
    }
    return STATUS(TOO_MANY_CONNECTIONS);
}
