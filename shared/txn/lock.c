/* Waiting for transactions, and locks on relations.
 *
 * Relation locks stand in the slots of their holders: nothing is shared but the counts of strong
 * modes. Weak modes (ACCESS SHARE to ROW EXCLUSIVE) do not conflict among themselves: while no
 * strong mode is counted for the relation's hash, they are granted by noting them. Both sides note
 * first and look afterwards (sequentially consistent stores and loads), so that of two who conflict
 * at least one sees the other. Whoever must wait waits for the transaction that stands in the way;
 * a strong mode that waits stays noted as wanted, so that it is not starved by new weak ones. */
#include "txn/internal.h"

/* Which modes conflict with a mode: PostgreSQL's table (manual, 13.3.1), a bit per mode. */
static const uint16_t conflicts[] = {
    [MODE_ACCESS_SHARE] = 1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_ROW_SHARE] = 1u << MODE_EXCLUSIVE | 1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_ROW_EXCLUSIVE] = 1u << MODE_SHARE | 1u << MODE_SHARE_ROW_EXCLUSIVE |
                           1u << MODE_EXCLUSIVE | 1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_SHARE_UPDATE_EXCLUSIVE] = 1u << MODE_SHARE_UPDATE_EXCLUSIVE | 1u << MODE_SHARE |
                                    1u << MODE_SHARE_ROW_EXCLUSIVE | 1u << MODE_EXCLUSIVE |
                                    1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_SHARE] = 1u << MODE_ROW_EXCLUSIVE | 1u << MODE_SHARE_UPDATE_EXCLUSIVE |
                   1u << MODE_SHARE_ROW_EXCLUSIVE | 1u << MODE_EXCLUSIVE |
                   1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_SHARE_ROW_EXCLUSIVE] = 1u << MODE_ROW_EXCLUSIVE | 1u << MODE_SHARE_UPDATE_EXCLUSIVE |
                                 1u << MODE_SHARE | 1u << MODE_SHARE_ROW_EXCLUSIVE |
                                 1u << MODE_EXCLUSIVE | 1u << MODE_ACCESS_EXCLUSIVE,
    [MODE_EXCLUSIVE] = 0x1fc,
    [MODE_ACCESS_EXCLUSIVE] = 0x1fe,
};
#define MODE_BITS 0x1feu

static status wait_for(struct proc *p, struct txn *t, txn_ref other, uint64_t row,
                       uint32_t timeout_ms, bool soft) {
    counter_add(p, COUNTER_LOCK_WAITS, 1);
    struct msg m = {.op = MSG_TXN_WAIT,
                    .flags = soft ? MSG_FLAG_SOFT : 0,
                    .arg = {txn_slot_ref(p->shm, t->index), other, row, timeout_ms}};
    PROBE(axolotl_txn, wait_begin, m.arg[0], other, row, p->trace);
    t->waiting = true;
    status s = p->env->call(p, SLOT_TXND, &m);
    t->waiting = false;
    PROBE(axolotl_txn, wait_done, m.arg[0], other, s.code, p->trace);
    return s;
}

uint64_t txn_row_hash(struct tree t, const void *key, size_t key_len) {
    const unsigned char *k = key;
    uint64_t h = 0xcbf29ce484222325u ^ t.root.no;
    for (size_t i = 0; i < key_len; i++) h = (h ^ k[i]) * 0x100000001b3u;
    return h ? h : 1;
}

status txn_wait(struct proc *p, struct txn *t, txid x, uint64_t row, uint32_t timeout_ms) {
    txn_ref other;
    if (txn_fate(p->shm, x, NULL, &other) != FATE_RUNNING) return OK;
    return wait_for(p, t, other, row, timeout_ms, false);
}

void txn_wait_cancel(struct proc *p, struct txn *t) {
    if (!t->slot || !t->waiting) return;
    struct msg m = {.op = MSG_TXN_WAIT_CANCEL, .arg = {txn_slot_ref(p->shm, t->index)}};
    p->env->post(p, SLOT_TXND, &m);
}

/* The slot's entry for the relation, or the first free one; NULL when all are taken. */
static _Atomic uint64_t *entry_for(struct txn *t, uint32_t relation) {
    for (uint16_t i = 0; i < t->locks; i++)
        if (atomic_load_explicit(&t->slot->lock[i], memory_order_relaxed) >> 16 == relation)
            return &t->slot->lock[i];
    if (t->locks == TXN_RELATION_LOCKS) return NULL;
    _Atomic uint64_t *entry = &t->slot->lock[t->locks++];
    atomic_store_explicit(entry, (uint64_t)relation << 16, memory_order_relaxed);
    return entry;
}

static bool strong_counted(const struct shm *shm, uint32_t relation) {
    uint32_t hash = txn_lock_hash(relation);
    uint32_t used = SLOT_QUERYD + shm->sizes.workers;
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load(&shm->txn->strong[i][hash])) return true;
    return false;
}

/* WANTED: by one who queues before us. */
enum way { WAY_FREE, WAY_TAKEN, WAY_WANTED, WAY_UNDECIDED };

/* Does what the other slot holds or wants of the relation stand in our way? Of two that both want,
 * the one in the lower slot goes first; who holds something already does not queue behind a wanter.
 * One that is looking may have looked before our mark was there, and be about to take the lock: it
 * decides first. Of two that look at each other the higher slot decides to wait. jumps: no queue
 * holds us up, only who looks. */
static enum way stands_in_way(uint64_t lock, uint32_t other, uint32_t me, enum relation_mode mode,
                              bool holds_some, bool jumps) {
    if (!(lock & MODE_BITS & conflicts[mode])) return WAY_FREE;
    if (!(lock & TXN_LOCK_WANTED)) return WAY_TAKEN;
    bool both_want = mode >= MODE_SHARE_UPDATE_EXCLUSIVE;
    bool before_us = both_want ? other < me : !holds_some;
    if (before_us && (!jumps || (both_want && lock & TXN_LOCK_LOOKING))) return WAY_WANTED;
    return lock & TXN_LOCK_LOOKING ? WAY_UNDECIDED : WAY_FREE;
}

static enum way find_conflict(struct proc *p, struct txn *t, uint32_t relation,
                              enum relation_mode mode, bool holds_some, bool jumps,
                              txn_ref *ret_other) {
    enum way way = WAY_FREE;
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(p->shm, i);
        if (i == t->index || txn_slot_state(s) == TXN_FREE) continue;
        txn_ref ref = txn_slot_ref(p->shm, i);
        for (int k = 0; k < TXN_RELATION_LOCKS; k++) {
            uint64_t lock = atomic_load(&s->lock[k]);
            if (lock == 0) break;
            if (lock >> 16 != relation) continue;
            enum way its = stands_in_way(lock, i, t->index, mode, holds_some, jumps);
            if (its == WAY_FREE || !txn_ref_alive(p->shm, ref)) continue;
            if (way != WAY_WANTED || its == WAY_TAKEN) *ret_other = ref;
            if (its == WAY_TAKEN) return WAY_TAKEN;
            if (way != WAY_WANTED) way = its;
        }
    }
    return way;
}

status txn_lock_relation(struct proc *p, struct txn *t, uint32_t relation, enum relation_mode mode,
                         bool nowait, uint32_t timeout_ms) {
    CHECK(t->slot && mode > MODE_NONE && mode <= MODE_ACCESS_EXCLUSIVE);
    _Atomic uint64_t *entry = entry_for(t, relation);
    if (!entry) return STATUS(OUT_OF_MEMORY);
    uint64_t before = atomic_load_explicit(entry, memory_order_relaxed);
    if (before & 1u << mode) return OK;
    bool strong = mode >= MODE_SHARE_UPDATE_EXCLUSIVE;
    bool counted = txn_lock_is_strong(before);
    _Atomic uint32_t *count = &p->shm->txn->strong[p->owner.slot][txn_lock_hash(relation)];
    bool holds_some = before & MODE_BITS, jumps = false;
    status s = OK;
    for (;;) {
        /* The wanted mark speaks of the whole entry: who holds a weaker mode already notes the
         * stronger one only while it looks, and waits without it. */
        uint64_t wanted = strong && !holds_some ? TXN_LOCK_WANTED : 0;
        uint64_t looking = wanted ? TXN_LOCK_LOOKING : 0;
        if (strong && !counted) {
            atomic_fetch_add(count, 1);
            counted = true;
        }
        atomic_store(entry, before | wanted | looking | 1u << mode);
        txn_ref other;
        if (!strong && !strong_counted(p->shm, relation)) break;
        enum way way = find_conflict(p, t, relation, mode, holds_some, jumps, &other);
        if (way == WAY_FREE) break;
        if (way == WAY_UNDECIDED) {
            p->env->pause(p);
            continue;
        }
        atomic_store(entry, wanted ? before | wanted | 1u << mode : before);
        s = nowait ? STATUS(LOCK_NOT_AVAILABLE)
                   : wait_for(p, t, other, 0, timeout_ms, way == WAY_WANTED);
        jumps = status_is(s, ST_AGAIN);
        if (jumps) s = OK;
        if (!ok(s)) break;
    }
    if (ok(s)) {
        if (strong && !holds_some) atomic_store(entry, before | 1u << mode); /* no longer wanted */
        return OK;
    }
    atomic_store(entry, before);
    if (counted && !txn_lock_is_strong(before)) atomic_fetch_sub(count, 1);
    return s;
}
