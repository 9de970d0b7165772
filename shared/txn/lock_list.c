/* The list of locks of one holder: in its slot, then in blocks more; what is counted of them; and
 * what they were before, for who rolls back to a savepoint. */
#include <stdlib.h>

#include "txn/internal.h"

struct txn_lock_block *txn_lock_block_at(const struct shm *shm, uint32_t number) {
    char *blocks = shm->txn->memory + (size_t)shm->sizes.txns * sizeof(struct txn_slot);
    return (struct txn_lock_block *)blocks + number;
}

struct txn_lock *txn_lock_at(const struct shm *shm, const struct txn_slot *s, uint32_t i) {
    if (i < TXN_LOCKS_INLINE) return (struct txn_lock *)&s->lock[i];
    i -= TXN_LOCKS_INLINE;
    if (i / TXN_BLOCK_LOCKS >= TXN_LOCK_BLOCKS_MAX) return NULL;
    uint32_t number = atomic_load(&s->block[i / TXN_BLOCK_LOCKS]);
    if (number == 0 || number > shm->sizes.txns) return NULL;
    return &txn_lock_block_at(shm, number - 1)->lock[i % TXN_BLOCK_LOCKS];
}

/* ---- counts ---------------------------------------------------------------------------------- */

static uint32_t mixed(uint64_t object, uint64_t held) {
    return (uint32_t)((object ^ held >> 16 << 1) * 0x9e3779b97f4a7c15u >> 32);
}

/* SHARE UPDATE EXCLUSIVE is not among them: it stands in no weak mode's way. */
bool lock_is_counted(uint64_t held) {
    return held & (MODE_BITS & ~((1u << MODE_SHARE) - 1));
}

_Atomic uint32_t *lock_strong_count(struct shm *shm, uint32_t process, uint64_t object,
                                    uint64_t held) {
    return &shm->txn->strong[process][mixed(object, held) >> 26];
}

uint32_t lock_row_hash(uint64_t row) {
    return (uint32_t)(row * 0x9e3779b97f4a7c15u >> 55) % TXN_ROW_HASHES;
}

void lock_count(struct shm *shm, uint32_t process, uint64_t object, uint64_t held, int by) {
    uint32_t change = (uint32_t)by; /* counts wrap: by -1 is one less */
    struct txn_shared *t = shm->txn;
    if (held >> 48 != LOCK_ROW) {
        if (lock_is_counted(held))
            atomic_fetch_add(lock_strong_count(shm, process, object, held), change);
        return;
    }
    uint32_t h = lock_row_hash(object);
    if (held & 1u << MODE_ACCESS_SHARE) atomic_fetch_add(&t->key_shared[process][h], change);
    if (held & 1u << MODE_ROW_SHARE) atomic_fetch_add(&t->row_shared[process][h], change);
}

void lock_count_all(struct shm *shm, const struct txn_slot *s, uint32_t process, int by) {
    struct txn_lock *l;
    for (uint32_t i = 0; (l = txn_lock_at(shm, s, i)); i++) {
        uint64_t held = atomic_load(&l->held);
        if (held == 0) break;
        lock_count(shm, process, atomic_load(&l->object), held, by);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Whose block it is stands there before the slot leads to it: killed in between, the block is one
 * whose owner's life ends soon. */
static bool add_block(struct proc *p, struct txn *t, uint32_t k) {
    txn_ref self = txn_slot_ref(p->shm, t->index);
    for (uint32_t i = 0; i < p->shm->sizes.txns; i++) {
        uint32_t number = (t->index + i) % p->shm->sizes.txns;
        uint64_t nobody = 0;
        struct txn_lock_block *b = txn_lock_block_at(p->shm, number);
        if (atomic_load_explicit(&b->owner, memory_order_relaxed) ||
            !atomic_compare_exchange_strong(&b->owner, &nobody, self))
            continue;
        atomic_store(&t->slot->block[k], number + 1);
        return true;
    }
    return false;
}

static struct txn_lock *append(struct proc *p, struct txn *t) {
    uint32_t i = t->locks;
    if (i >= TXN_LOCKS_INLINE && (i - TXN_LOCKS_INLINE) % TXN_BLOCK_LOCKS == 0) {
        uint32_t k = (i - TXN_LOCKS_INLINE) / TXN_BLOCK_LOCKS;
        bool there = k < TXN_LOCK_BLOCKS_MAX && atomic_load(&t->slot->block[k]);
        if (!there && (k == TXN_LOCK_BLOCKS_MAX || !add_block(p, t, k))) return NULL;
    }
    t->locks++;
    return txn_lock_at(p->shm, t->slot, i);
}

struct txn_lock *lock_find(const struct shm *shm, const struct txn *t, struct lock_tag tag) {
    uint64_t bare = lock_bare(tag);
    for (uint32_t i = t->locks; i-- > 0;) { /* what was locked last is the likeliest */
        struct txn_lock *l = txn_lock_at(shm, t->slot, i);
        if (atomic_load_explicit(&l->held, memory_order_relaxed) >> 16 == bare >> 16 &&
            atomic_load_explicit(&l->object, memory_order_relaxed) == tag.object)
            return l;
    }
    return NULL;
}

struct txn_lock *lock_entry(struct proc *p, struct txn *t, struct lock_tag tag) {
    struct txn_lock *l = lock_find(p->shm, t, tag);
    if (l) return l;
    l = append(p, t);
    if (!l) return NULL;
    atomic_store_explicit(&l->object, tag.object, memory_order_relaxed);
    atomic_store_explicit(&l->held, lock_bare(tag), memory_order_release);
    return l;
}

/* A block goes out of the list before it is free: killed in between, it belongs to a life that is
 * about to end. */
static void drop_blocks(struct shm *shm, struct txn_slot *s) {
    uint32_t k = 0;
    while (k < TXN_LOCK_BLOCKS_MAX && atomic_load_explicit(&s->block[k], memory_order_relaxed)) k++;
    while (k-- > 0) {
        uint32_t number = atomic_load_explicit(&s->block[k], memory_order_relaxed);
        atomic_store(&s->block[k], 0);
        atomic_store(&txn_lock_block_at(shm, number - 1)->owner, 0);
    }
}

/* From the end, since readers of the list stop at the first 0. Others look at the locks to see them
 * taken; that they are given back is told by slot_close. */
void slot_drop_locks(struct shm *shm, struct txn_slot *s, bool counted) {
    uint16_t process = atomic_load(&s->owner) & 0xff;
    struct txn_lock *l;
    uint32_t n = 0;
    while ((l = txn_lock_at(shm, s, n)) && atomic_load_explicit(&l->held, memory_order_relaxed))
        n++;
    while (n-- > 0) {
        l = txn_lock_at(shm, s, n);
        uint64_t held = atomic_load_explicit(&l->held, memory_order_relaxed);
        atomic_store_explicit(&l->held, 0, memory_order_release);
        if (counted) lock_count(shm, process, atomic_load(&l->object), held, -1);
    }
    drop_blocks(shm, s);
}

void txn_reclaim_blocks(struct shm *shm) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_lock_block *b = txn_lock_block_at(shm, i);
        uint64_t owner = atomic_load(&b->owner);
        if (owner == 0 || txn_ref_alive(shm, owner)) continue;
        for (int k = 0; k < TXN_BLOCK_LOCKS; k++) atomic_store(&b->lock[k].held, 0);
        atomic_compare_exchange_strong(&b->owner, &owner, 0);
    }
}

/* ---- before and after ------------------------------------------------------------------------ */

struct lock_journal {
    uint32_t n, room;
    struct {
        uint32_t at; /* in the list */
        uint64_t held;
    } was[];
};

#define JOURNAL_ROOM 64

status txn_lock_mark(struct txn *t, uint32_t *ret_mark) {
    if (!t->journal) {
        t->journal = malloc(sizeof *t->journal + JOURNAL_ROOM * sizeof *t->journal->was);
        if (!t->journal) return STATUS(OUT_OF_MEMORY);
        *t->journal = (struct lock_journal){.room = JOURNAL_ROOM};
    }
    *ret_mark = t->journal->n;
    return OK;
}

status lock_note(struct txn *t, const struct txn_lock *l, uint64_t before, const struct shm *shm) {
    struct lock_journal *j = t->journal;
    if (!j) return OK;
    if (j->n == j->room) {
        j = realloc(j, sizeof *j + 2 * (size_t)j->room * sizeof *j->was);
        if (!j) return STATUS(OUT_OF_MEMORY);
        j->room *= 2;
        t->journal = j;
    }
    uint32_t at = t->locks;
    while (at-- > 0 && txn_lock_at(shm, t->slot, at) != l) continue;
    j->was[j->n].at = at;
    j->was[j->n++].held = before;
    return OK;
}

void lock_note_taken_back(struct txn *t) {
    if (t->journal) t->journal->n--;
}

void lock_journal_free(struct txn *t) {
    free(t->journal);
    t->journal = NULL;
}

void lock_change(struct proc *p, struct txn_lock *l, uint64_t held) {
    uint64_t before = atomic_load_explicit(&l->held, memory_order_relaxed);
    uint64_t object = atomic_load_explicit(&l->object, memory_order_relaxed);
    lock_count(p->shm, p->owner.slot, object, held, 1);
    atomic_store(&l->held, held);
    lock_count(p->shm, p->owner.slot, object, before, -1);
}

void txn_release_to(struct proc *p, struct txn *t, uint32_t mark) {
    struct lock_journal *j = t->journal;
    if (!j || !t->slot) return;
    while (j->n > mark) {
        j->n--;
        lock_change(p, txn_lock_at(p->shm, t->slot, j->was[j->n].at), j->was[j->n].held);
    }
    slot_tell_released(p, t->index);
}
