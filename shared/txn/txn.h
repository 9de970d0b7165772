/* txn.h: transactions in shared memory: their table, the commit map, snapshots, locks on relations.
 *
 * A transaction slot belongs to the worker whose range it lies in and is written by it alone, until
 * the worker dies: then by txnd. A transaction id is taken with the first write. The commit map
 * tells what became of an id; ids below map_base have ended long ago: every mark of theirs that is
 * still found is committed and visible to everybody (a rollback takes its marks away before the id
 * is forgotten). */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "base/error.h"
#include "log/log.h"
#include "tree/tree.h"

enum txn_state {
    TXN_FREE,
    TXN_ACTIVE,
    TXN_ENDING, /* its fate is in the log or being put there */
    TXN_ORPHAN, /* its worker died: txnd finds out its fate and undoes it */
};

#define TXN_LOCK_WANTED 0x8000u  /* not held yet: its owner waits for it */
#define TXN_LOCK_LOOKING 0x4000u /* ... or looks at this moment whether it may have it */

/* Names one life of one transaction slot: generation << 16 | index. */
typedef uint64_t txn_ref;

#define TXN_RELATION_LOCKS 64
#define TXN_STRONG_HASHES 64

/* Relation lock modes, PostgreSQL's, in order of strength. */
enum relation_mode {
    MODE_NONE,
    MODE_ACCESS_SHARE,
    MODE_ROW_SHARE,
    MODE_ROW_EXCLUSIVE,
    MODE_SHARE_UPDATE_EXCLUSIVE,
    MODE_SHARE,
    MODE_SHARE_ROW_EXCLUSIVE,
    MODE_EXCLUSIVE,
    MODE_ACCESS_EXCLUSIVE,
};

struct txn_slot {
    _Atomic uint64_t word;  /* generation << 8 | enum txn_state */
    _Atomic uint64_t owner; /* epoch << 8 | process slot of who drives it */
    _Atomic uint64_t x;     /* transaction id, 0: none yet. Set before next_txid moves past it */
    _Atomic uint64_t first_lsn;  /* log position before its first record; 0: none */
    _Atomic uint64_t last_lsn;   /* its newest record; 0: none */
    _Atomic uint64_t snapshot;   /* commit_time it reads at; 0: none */
    _Atomic uint64_t keep_lsn;   /* older versions for that snapshot lie at or above this */
    _Atomic uint64_t waited_for; /* txnd: 1 when somebody waits for its end */
    _Atomic uint64_t session;
    uint64_t unused[7];
    /* relation OID << 16 | TXN_LOCK_WANTED | TXN_LOCK_LOOKING | a bit per mode; 0: the end of the
     * list */
    _Atomic uint64_t lock[TXN_RELATION_LOCKS];
};

struct txn_shared {
    _Alignas(64) _Atomic uint64_t next_txid;
    _Alignas(64) _Atomic uint64_t map_base; /* txnd: ids below have ended, visibly to all */
    _Atomic uint64_t snapshot_floor;    /* txnd: new snapshots must not be below (see snapshot.c) */
    _Atomic uint64_t oldest_snapshot;   /* txnd: no snapshot in use is below: purge's horizon */
    _Atomic uint64_t oldest_active_lsn; /* txnd: nothing that a transaction now running, or one that
                                           a new snapshot does not see, has logged lies below */
    _Atomic uint64_t purge_lsn;         /* txnd: purged up to here */
    /* Relation locks: per process and hash of the relation, how many strong modes its transactions
     * hold or want. While all are 0, weak modes are granted without looking at other slots. A count
     * may be too great for a while (slots are looked at in vain), never too small. txnd's is no
     * count: not 0 while an orphan may hold or want one (recover.c). */
    _Atomic uint32_t strong[PROC_SLOTS][TXN_STRONG_HASHES];
    _Alignas(64) char memory[]; /* struct txn_slot[sizes.txns], then _Atomic uint64_t
                                   map[sizes.map_entries] */
};

/* Of a word of txn_slot.lock: the relation's hash in `strong`, and whether it counts there. */
static inline uint32_t txn_lock_hash(uint64_t relation) {
    return (uint32_t)(relation * 0x9e3779b97f4a7c15u >> 58);
}
static inline bool txn_lock_is_strong(uint64_t lock) {
    return lock & (0x1ffu & ~((1u << MODE_SHARE_UPDATE_EXCLUSIVE) - 1));
}

size_t txn_shared_bytes(const struct shm_sizes *s);
void txn_shared_init(struct shm *shm, txid next);
struct txn_slot *txn_slot_at(const struct shm *shm, uint32_t index);
/* The life that the slot leads now; and whether a reference's life still lasts. */
txn_ref txn_slot_ref(const struct shm *shm, uint32_t index);
bool txn_ref_alive(const struct shm *shm, txn_ref ref);
static inline enum txn_state txn_slot_state(const struct txn_slot *s) {
    return atomic_load_explicit(&s->word, memory_order_acquire) & 0xff;
}
_Atomic uint64_t *txn_map_entry(struct shm *shm, txid x);

/* Of a map word that says "rolled back": the newest commit time when its undo was complete. */
static inline commit_time txn_map_rolled_back_at(uint64_t word) {
    return word & (((uint64_t)1 << 62) - 1);
}

/* What became of a transaction id. */
enum txn_fate { FATE_RUNNING, FATE_COMMITTED, FATE_ROLLED_BACK };
/* RUNNING: *ret_ref names its slot. COMMITTED: *ret_time (0: long ago). Both may be NULL. */
enum txn_fate txn_fate(struct shm *shm, txid x, commit_time *ret_time, txn_ref *ret_ref);
/* tree_is_running for trees. */
bool txn_is_running(struct proc *p, txid x, commit_time *ret_time);

enum txn_isolation { ISO_READ_COMMITTED, ISO_REPEATABLE_READ, ISO_SERIALIZABLE };

/* What a reader sees (I7): commits at or below `time`, and its own changes made before `own`. The
 * log position serves as the command counter: what a statement itself writes lies at or above
 * `own`. */
struct snapshot {
    commit_time time;
    txid x;
    lsn own;
    struct txn *serial; /* SERIALIZABLE: whose reads are noted (txn/serial.h); else NULL */
};

/* A transaction as its worker drives it (private memory; what must survive is in the slot). */
struct txn {
    struct tree_writer writer; /* x, last */
    struct txn_slot *slot;     /* NULL: not begun */
    uint32_t index;
    enum txn_isolation isolation;
    bool read_only;
    bool have_snapshot;   /* REPEATABLE READ, SERIALIZABLE: taken */
    bool waiting;         /* in txn_wait or txn_lock_relation */
    uint16_t locks;       /* entries of slot->lock in use */
    lsn commit_end;       /* end of this session's newest commit record */
    bool changed_outside; /* something was logged that is no part of it: its end waits for that */
    bool catalog_changed; /* commit moves control.catalog_version before locks go */
    struct snapshot snap;
    struct serial_slot *serial; /* SERIALIZABLE, once it has a snapshot; else NULL */
    commit_time last_commit; /* of this session's newest commit: its next snapshot is not older */
};

/* PROGRAM… 53300 when no slot is free. */
status txn_begin(struct proc *p, struct txn *t, enum txn_isolation iso, uint64_t session);
/* A snapshot for the next statement: a new one (READ COMMITTED), or the transaction's. */
status txn_snapshot(struct proc *p, struct txn *t, struct snapshot *ret_snapshot);
/* READ COMMITTED between statements: purge need not wait for us. */
void txn_snapshot_release(struct txn *t);
/* Before the first write: takes an id. */
status txn_need_id(struct proc *p, struct txn *t);

/* A place to roll back to: savepoints and statements. */
struct txn_mark {
    lsn last;
};
struct txn_mark txn_mark(const struct txn *t);
/* Undoes everything after the mark, newest first, with compensations (suspends). The slot's
 * relation locks stay. */
status txn_rollback_to(struct proc *p, struct txn *t, struct txn_mark mark);

/* Puts the tree at purge's disposal: freed once the transaction has committed and no snapshot can
 * look into it. */
status txn_drop_tree(struct proc *p, struct txn *t, struct tree tree);

/* Ends the transaction; t may begin again afterwards. SERIALIZATION_FAILURE: it was rolled back
 * (txn/serial.h). txn_commit waits until the commit is durable
 * (durable: false with synchronous_commit off). On an error of the log the outcome is unknown:
 * the status says so and the transaction has ended. */
status txn_commit(struct proc *p, struct txn *t, bool durable);
status txn_rollback(struct proc *p, struct txn *t);

/* Waits for the end of the running transaction x, on behalf of a row: `row` is a hash of tree and
 * key (first come, first served for one row). OK when it has ended. DEADLOCK_DETECTED,
 * QUERY_CANCELED, LOCK_NOT_AVAILABLE (lock_timeout). */
status txn_wait(struct proc *p, struct txn *t, txid x, uint64_t row, uint32_t timeout_ms);
uint64_t txn_row_hash(struct tree t, const void *key, size_t key_len);
/* From another coroutine: the wait of t, if it is in one, ends with QUERY_CANCELED. */
void txn_wait_cancel(struct proc *p, struct txn *t);

/* Locks a relation until the transaction ends (waits). LOCK_NOT_AVAILABLE when nowait and it would
 * wait; OUT_OF_MEMORY when it holds TXN_RELATION_LOCKS already. */
status txn_lock_relation(struct proc *p, struct txn *t, uint32_t relation, enum relation_mode mode,
                         bool nowait, uint32_t timeout_ms);

#endif
