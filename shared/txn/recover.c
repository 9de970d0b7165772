/* Orphans: what analysis found after a crash, and what a dead worker left. */
#include "txn/internal.h"

status txn_adopt_loser(struct shm *shm, txid x, lsn first, lsn last) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) != TXN_FREE) continue;
        atomic_store(&s->x, x);
        atomic_store(&s->first_lsn, first.at);
        atomic_store(&s->last_lsn, last.at);
        slot_open(shm, i, (struct owner){.slot = SLOT_TXND}, TXN_ORPHAN);
        atomic_store(txn_map_entry(shm, x), MAP_RUNNING | txn_slot_ref(shm, i));
        if (x < atomic_load(&shm->txn->map_base)) atomic_store(&shm->txn->map_base, x);
        return OK;
    }
    return STATUS(PROGRAM_LIMIT_EXCEEDED);
}

void txn_recovered(struct shm *shm, txid next) {
    struct txn_shared *t = shm->txn;
    struct control *control = shm->control;
    atomic_store(&control->catalog_version, 1);
    /* Large values are added more slowly than one a nanosecond, so none of the past has a number
     * beyond the newest commit. */
    atomic_store(&control->next_large, atomic_load(&shm->log->last_commit) + 1);
    uint64_t base = next;
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) == TXN_ORPHAN && atomic_load(&s->x) < base) base = atomic_load(&s->x);
    }
    atomic_store(&t->map_base, base);
    atomic_store(&t->next_txid, next);
    /* Between the losers every id ended before the crash; no snapshot is older than that. */
    for (txid x = base; x < next; x++) {
        _Atomic uint64_t *word = txn_map_entry(shm, x);
        if (atomic_load(word) == 0) atomic_store(word, 1);
    }
}

/* The newest record of a dead process may not have reached its transaction's slot yet. */
static void catch_up_last_lsn(struct shm *shm, struct txn_slot *s, uint16_t process) {
    lsn at = {atomic_load(&shm->log->slots[process].last_lsn)};
    _Alignas(8) char buf[REC_BYTES_MAX];
    const struct rec_head *r = (const struct rec_head *)buf;
    if (at.at <= atomic_load(&s->last_lsn) || !ok(log_read_ring(shm, at, buf))) return;
    bool of_it = r->txid == atomic_load(&s->x) && r->txid != 0;
    if (of_it && r->type != REC_COMMIT && r->type != REC_ROLLED_BACK && r->type != REC_FILLER)
        atomic_store(&s->last_lsn, at.at);
}

/* Counts of txnd's that no lock of any slot stands behind, whoever drives it: what a dead worker
 * holds becomes an orphan's. */
struct noted {
    bool strong[TXN_STRONG_HASHES], key[TXN_ROW_HASHES], row[TXN_ROW_HASHES];
};

static void note_lock(struct shm *shm, struct noted *n, uint64_t object, uint64_t held) {
    uint32_t h = lock_row_hash(object);
    if (held >> 48 != LOCK_ROW)
        n->strong[lock_strong_count(shm, 0, object, held) - shm->txn->strong[0]] = true;
    else if (held & MODE_BITS)
        n->key[h] = n->row[h] = true;
}

static void note_all(struct shm *shm, struct noted *n) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(shm, i);
        struct txn_lock *l;
        uint64_t held;
        for (uint32_t k = 0; (l = txn_lock_at(shm, s, k)) && (held = atomic_load(&l->held)); k++)
            note_lock(shm, n, atomic_load(&l->object), held);
    }
}

static bool any(const _Atomic uint32_t *counts, uint32_t n, uint32_t *ret_seen) {
    bool some = false;
    for (uint32_t i = 0; i < n; i++) some |= (ret_seen[i] = atomic_load(&counts[i])) != 0;
    return some;
}

static void forget(_Atomic uint32_t *counts, uint32_t n, uint32_t *seen, const bool *noted) {
    for (uint32_t i = 0; i < n; i++)
        if (seen[i] && !noted[i]) atomic_compare_exchange_strong(&counts[i], &seen[i], 0);
}

/* Whoever makes an orphan adds to txnd's word, each time that it tries; only txnd takes away, all
 * at once, and only what it saw before it looked. An orphan's locks stand in its slot since before
 * they were added here, so either they are seen or the word has changed. */
void txn_forget_strong(struct shm *shm) {
    struct txn_shared *t = shm->txn;
    uint32_t strong[TXN_STRONG_HASHES], key[TXN_ROW_HASHES], row[TXN_ROW_HASHES];
    struct noted noted = {0};
    bool some = any(t->strong[SLOT_TXND], TXN_STRONG_HASHES, strong);
    some |= any(t->key_shared[SLOT_TXND], TXN_ROW_HASHES, key);
    some |= any(t->row_shared[SLOT_TXND], TXN_ROW_HASHES, row);
    if (!some) return;
    note_all(shm, &noted);
    forget(t->strong[SLOT_TXND], TXN_STRONG_HASHES, strong, noted.strong);
    forget(t->key_shared[SLOT_TXND], TXN_ROW_HASHES, key, noted.key);
    forget(t->row_shared[SLOT_TXND], TXN_ROW_HASHES, row, noted.row);
}

static void forget_counts(struct txn_shared *t, uint16_t process) {
    for (int h = 0; h < TXN_STRONG_HASHES; h++) atomic_store(&t->strong[process][h], 0);
    for (int h = 0; h < TXN_ROW_HASHES; h++) {
        atomic_store(&t->key_shared[process][h], 0);
        atomic_store(&t->row_shared[process][h], 0);
    }
}

/* What the dead counted itself is forgotten last: until then new weak locks look at the slots. */
unsigned txn_repair(struct shm *shm, struct owner dead) {
    unsigned orphans = 0;
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(shm, i);
        enum txn_state state = txn_slot_state(s);
        if (state == TXN_FREE || state == TXN_ORPHAN) continue;
        if (atomic_load(&s->owner) != owner_word(dead)) continue;
        if (state == TXN_SESSION) {
            slot_leave_session(shm, s);
            continue;
        }
        catch_up_last_lsn(shm, s, dead.slot);
        atomic_store(&s->snapshot, 0);
        slot_make_orphan(shm, s);
        orphans++;
    }
    if (dead.slot != SLOT_TXND) forget_counts(shm->txn, dead.slot);
    return orphans;
}
