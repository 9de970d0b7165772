/* Waiting for transactions, and locks that are held.
 *
 * Locks stand in the slots of their holders: nothing is shared but the counts of strong modes. Weak
 * modes (ACCESS SHARE to ROW EXCLUSIVE) do not conflict among themselves: while no strong mode is
 * counted for the tag's hash, they are granted by noting them. SHARE UPDATE EXCLUSIVE, between the
 * two, looks at all holders as strong modes do and is not counted: no weak mode conflicts with it,
 * so that ANALYZE is nothing to readers and writers. Both sides note first and look
 * afterwards (sequentially consistent stores and loads), so that of two who conflict at least one
 * sees the other. Whoever must wait waits for the transaction that stands in the way; a strong mode
 * that waits stays noted as wanted, so that it is not starved by new weak ones. */
#include "txn/internal.h"

/* Which modes conflict with a mode: PostgreSQL's table (manual, 13.3.1), a bit per mode. */
const uint16_t lock_conflicts[MODE_ACCESS_EXCLUSIVE + 1] = {
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

/* ---- waiting --------------------------------------------------------------------------------- */

static status wait_for(struct proc *p, struct txn *t, struct txn_blocker other, uint64_t row,
                       uint32_t timeout_ms, bool soft) {
    counter_add(p, COUNTER_LOCK_WAITS, 1);
    struct msg m = {.op = MSG_TXN_WAIT,
                    .flags = soft ? MSG_FLAG_SOFT : 0,
                    .arg = {txn_slot_ref(p->shm, t->index), other.ref, row,
                            (uint64_t)other.releases << 32 | timeout_ms}};
    PROBE(axolotl_txn, wait_begin, m.arg[0], other.ref, row, p->trace);
    t->waiting = true;
    atomic_store(&t->slot->waits_for, other.ref);
    status s = p->env->call(p, SLOT_TXND, &m);
    atomic_store(&t->slot->waits_for, 0);
    t->waiting = false;
    PROBE(axolotl_txn, wait_done, m.arg[0], other.ref, s.code, p->trace);
    return s;
}

uint64_t txn_row_hash(struct tree t, const void *key, size_t key_len) {
    const unsigned char *k = key;
    uint64_t h = 0xcbf29ce484222325u ^ t.root.no;
    for (size_t i = 0; i < key_len; i++) h = (h ^ k[i]) * 0x100000001b3u;
    return h ? h : 1;
}

bool txn_blocker_of(struct shm *shm, txid x, struct txn_blocker *ret_blocker) {
    txn_ref ref;
    if (txn_fate(shm, x, NULL, &ref) != FATE_RUNNING) return false;
    const struct txn_slot *s = txn_slot_at(shm, ref & 0xffff);
    *ret_blocker = (struct txn_blocker){ref, atomic_load(&s->releases)};
    return true;
}

status txn_wait_for(struct proc *p, struct txn *t, struct txn_blocker other, uint64_t row,
                    uint32_t timeout_ms) {
    return wait_for(p, t, other, row, timeout_ms, false);
}

status txn_wait(struct proc *p, struct txn *t, txid x, uint64_t row, uint32_t timeout_ms) {
    struct txn_blocker other;
    return txn_blocker_of(p->shm, x, &other) ? wait_for(p, t, other, row, timeout_ms, false) : OK;
}

void txn_wait_cancel(struct proc *p, struct txn *t) {
    if (!t->slot || !t->waiting) return;
    struct msg m = {.op = MSG_TXN_WAIT_CANCEL, .arg = {txn_slot_ref(p->shm, t->index)}};
    p->env->post(p, SLOT_TXND, &m);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static bool strong_counted(struct shm *shm, struct lock_tag tag) {
    uint32_t used = SLOT_QUERYD + shm->sizes.workers;
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load(lock_strong_count(shm, i, tag.object, lock_bare(tag)))) return true;
    return false;
}

/* WANTED: by one who queues before us. */
enum way { WAY_FREE, WAY_TAKEN, WAY_WANTED, WAY_UNDECIDED };

/* Does what the other slot holds or wants of the object stand in our way? Of two that both want,
 * the one in the lower slot goes first; who holds something already does not queue behind a wanter.
 * One that is looking may have looked before our mark was there, and be about to take the lock: it
 * decides first. Of two that look at each other the higher slot decides to wait. jumps: no queue
 * holds us up, only who looks. */
static enum way stands_in_way(uint64_t held, uint32_t other, uint32_t me, enum relation_mode mode,
                              bool holds_some, bool jumps) {
    if (!(held & MODE_BITS & lock_conflicts[mode])) return WAY_FREE;
    if (!(held & TXN_LOCK_WANTED)) return WAY_TAKEN;
    bool both_want = mode >= MODE_SHARE_UPDATE_EXCLUSIVE;
    bool before_us = both_want ? other < me : !holds_some;
    if (before_us && (!jumps || (both_want && held & TXN_LOCK_LOOKING))) return WAY_WANTED;
    return held & TXN_LOCK_LOOKING ? WAY_UNDECIDED : WAY_FREE;
}

bool lock_is_own_session(const struct txn_slot *s, const struct txn_slot *own) {
    return txn_slot_state(s) == TXN_SESSION &&
           (uint32_t)atomic_load(&s->session) == (uint32_t)atomic_load(&own->session);
}

uint64_t lock_held_by(const struct shm *shm, const struct txn_slot *s, struct lock_tag tag) {
    uint64_t bare = lock_bare(tag), held;
    struct txn_lock *l;
    for (uint32_t i = 0; (l = txn_lock_at(shm, s, i)) && (held = atomic_load(&l->held)); i++)
        if (held >> 16 == bare >> 16 && atomic_load(&l->object) == tag.object) return held;
    return 0;
}

static enum way find_conflict(struct proc *p, struct txn *t, struct lock_tag tag,
                              enum relation_mode mode, bool holds_some, bool jumps,
                              struct txn_blocker *ret_other) {
    enum way way = WAY_FREE;
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(p->shm, i);
        if (i == t->index || txn_slot_state(s) == TXN_FREE) continue;
        struct txn_blocker other = {txn_slot_ref(p->shm, i), atomic_load(&s->releases)};
        enum way its =
            stands_in_way(lock_held_by(p->shm, s, tag), i, t->index, mode, holds_some, jumps);
        if (its == WAY_FREE || !txn_ref_alive(p->shm, other.ref) || lock_is_own_session(s, t->slot))
            continue;
        if (way != WAY_WANTED || its == WAY_TAKEN) *ret_other = other;
        if (its == WAY_TAKEN) return WAY_TAKEN;
        if (way != WAY_WANTED) way = its;
    }
    return way;
}

/* The entry's modes become before | mode, once nobody is in the way. */
static status acquire(struct proc *p, struct txn *t, struct txn_lock *l, struct lock_tag tag,
                      enum relation_mode mode, bool nowait, uint32_t timeout_ms) {
    uint64_t before = atomic_load_explicit(&l->held, memory_order_relaxed);
    bool strong = mode >= MODE_SHARE_UPDATE_EXCLUSIVE, counted = lock_is_counted(1u << mode);
    bool holds_some = before & MODE_BITS, jumps = false;
    /* The wanted mark speaks of the whole entry: who holds a weaker mode already notes the
     * stronger one only while it looks, and waits without it. */
    uint64_t wanted = strong && !holds_some ? TXN_LOCK_WANTED : 0;
    uint64_t looking = wanted ? TXN_LOCK_LOOKING : 0;
    status s = OK;
    lock_count(p->shm, p->owner.slot, tag.object, lock_bare(tag) | 1u << mode, 1);
    for (;;) {
        struct txn_blocker other;
        atomic_store(&l->held, before | wanted | looking | 1u << mode);
        if (!strong && !strong_counted(p->shm, tag)) break;
        enum way way = find_conflict(p, t, tag, mode, holds_some, jumps, &other);
        if (way == WAY_FREE) break;
        if (way == WAY_UNDECIDED) {
            p->env->pause(p);
            continue;
        }
        atomic_store(&l->held, wanted ? before | wanted | 1u << mode : before);
        s = nowait ? STATUS(LOCK_NOT_AVAILABLE)
                   : wait_for(p, t, other, 0, timeout_ms, way == WAY_WANTED);
        jumps = status_is(s, ST_AGAIN);
        if (jumps) s = OK;
        if (!ok(s)) break;
    }
    if (strong || !ok(s)) atomic_store(&l->held, ok(s) ? before | 1u << mode : before);
    /* The entry is counted once, whatever strong modes it has. */
    uint64_t surplus = !ok(s) ? lock_bare(tag) | 1u << mode : counted ? before : 0;
    lock_count(p->shm, p->owner.slot, tag.object, surplus, -1);
    return s;
}

status txn_lock(struct proc *p, struct txn *t, struct lock_tag tag, enum relation_mode mode,
                bool nowait, uint32_t timeout_ms) {
    CHECK(t->slot && mode > MODE_NONE && mode <= MODE_ACCESS_EXCLUSIVE);
    struct txn_lock *l = lock_entry(p, t, tag);
    if (!l) return STATUS(OUT_OF_LOCKS);
    uint64_t before = atomic_load_explicit(&l->held, memory_order_relaxed);
    if (before & 1u << mode) return OK;
    TRY(lock_note(t, l, before, p->shm));
    status s = acquire(p, t, l, tag, mode, nowait, timeout_ms);
    if (!ok(s)) lock_note_taken_back(t);
    return s;
}

status txn_lock_relation(struct proc *p, struct txn *t, uint32_t relation, enum relation_mode mode,
                         bool nowait, uint32_t timeout_ms) {
    struct lock_tag tag = {.space = LOCK_RELATION,
                           .of = relation < TXN_OWN_RELATIONS ? 0 : t->database,
                           .object = relation};
    return txn_lock(p, t, tag, mode, nowait, timeout_ms);
}

/* ---- for who looks on ------------------------------------------------------------------------ */

/* What it waits for is the entry with a wanted mark; one that waits for a stronger mode of what it
 * has, or for a row, waits for whom its slot names. */
uint32_t txn_blockers(const struct shm *shm, uint32_t index, txn_ref *ret_refs, uint32_t max) {
    const struct txn_slot *self = txn_slot_at(shm, index);
    txn_ref first = atomic_load(&self->waits_for);
    struct txn_lock *l;
    uint64_t held;
    uint32_t n = 0;
    if (!first || max == 0) return 0;
    ret_refs[n++] = first;
    for (uint32_t i = 0; (l = txn_lock_at(shm, self, i)) && (held = atomic_load(&l->held)); i++) {
        if (!(held & TXN_LOCK_WANTED)) continue;
        uint16_t against = 0;
        for (int mode = MODE_ACCESS_SHARE; mode <= MODE_ACCESS_EXCLUSIVE; mode++)
            if (held & 1u << mode) against |= lock_conflicts[mode];
        for (uint32_t k = 0; k < shm->sizes.txns && n < max; k++) {
            const struct txn_slot *s = txn_slot_at(shm, k);
            txn_ref ref = txn_slot_ref(shm, k);
            if (k == index || txn_slot_state(s) == TXN_FREE || ref == first) continue;
            uint64_t its = lock_held_by(shm, s, txn_lock_tag(l, held));
            if (its & against && !(its & TXN_LOCK_WANTED) && !lock_is_own_session(s, self))
                ret_refs[n++] = ref;
        }
    }
    return n;
}
