/* txn.h: transactions in shared memory: their table, the commit map, snapshots, locks.
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
    TXN_ENDING,  /* its fate is in the log or being put there */
    TXN_ORPHAN,  /* its worker died: txnd finds out its fate and undoes it */
    TXN_SESSION, /* no transaction: holds what a session has locked beyond transactions */
};

#define TXN_LOCK_WANTED 0x8000u  /* not held yet: its owner waits for it */
#define TXN_LOCK_LOOKING 0x4000u /* ... or looks at this moment whether it may have it */

/* Names one life of one transaction slot: generation << 16 | index. */
typedef uint64_t txn_ref;

#define TXN_LOCKS_INLINE 40     /* locks that stand in the slot itself */
#define TXN_BLOCK_LOCKS 42      /* ... in a block more */
#define TXN_LOCK_BLOCKS_MAX 192 /* blocks of one transaction */
#define TXN_ROW_LOCKS_MAX 4096  /* locks beyond which shared row locks are on whole tables */
#define TXN_STRONG_HASHES 64
#define TXN_ROW_HASHES 512

/* What a lock is on. Rows are locked here when several may hold them (MODE_ACCESS_SHARE: FOR KEY
 * SHARE, MODE_ROW_SHARE: FOR SHARE); who writes a row, or locks it alone, does so by its stamp. */
enum lock_space { LOCK_RELATION = 1, LOCK_ROW, LOCK_ADVISORY, LOCK_ADVISORY_PAIR, LOCK_OBJECT };
struct lock_tag {
    enum lock_space space;
    uint32_t of;     /* row: its relation; relation, advisory: the database; object: its catalog */
    uint64_t object; /* relation, object: its OID; row: txn_row_hash; advisory: the number or both
                        halves */
};

/* A lock in the list of its holder. A list ends at the first whose `held` is 0. The tag of one that
 * is held does not change. */
struct txn_lock {
    _Atomic uint64_t object;
    _Atomic uint64_t held;   /* space << 48 | of << 16 | TXN_LOCK_… | a bit per mode */
    _Atomic uint64_t counts; /* of a session: how often it has it: shared << 32 | exclusive */
};

/* More locks of one transaction. Given back with its slot; one whose owner's life is over without
 * that is found by txnd (txn_reclaim_blocks). */
struct txn_lock_block {
    _Atomic uint64_t owner; /* txn_ref; 0: free, and no lock in it */
    uint64_t unused;
    struct txn_lock lock[TXN_BLOCK_LOCKS];
};
_Static_assert(sizeof(struct txn_lock_block) == 1024, "a power of two");

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
    _Atomic uint64_t waits_for; /* txn_ref of whom it waits for, 0: nobody */
    _Atomic uint32_t releases;  /* moved when something is given back before the end */
    uint32_t unused[11];
    struct txn_lock lock[TXN_LOCKS_INLINE];
    _Atomic uint32_t block[TXN_LOCK_BLOCKS_MAX]; /* number + 1; 0: the end of the list */
};

struct txn_shared {
    _Alignas(64) _Atomic uint64_t next_txid;
    _Alignas(64) _Atomic uint64_t map_base; /* txnd: ids below have ended, visibly to all */
    _Atomic uint64_t snapshot_floor;    /* txnd: new snapshots must not be below (see snapshot.c) */
    _Atomic uint64_t oldest_snapshot;   /* txnd: no snapshot in use is below: purge's horizon */
    _Atomic uint64_t oldest_active_lsn; /* txnd: nothing that a transaction now running, or one that
                                           a new snapshot does not see, has logged lies below */
    _Atomic uint64_t purge_lsn;         /* txnd: purged up to here */
    /* Locks: per process and hash of the tag, how many entries of its transactions hold or
     * want a mode that conflicts with weak ones. While all are 0, weak modes are granted without
     * looking at other slots. A count may be too great for a while (slots are looked at in vain),
     * never too small. txnd's is no count: not 0 while an orphan, or a session without a worker,
     * may hold or want one (recover.c). Rows the other way round: while nobody is counted who holds
     * one shared, writers need not look. */
    _Atomic uint32_t strong[PROC_SLOTS][TXN_STRONG_HASHES];
    _Atomic uint32_t key_shared[PROC_SLOTS][TXN_ROW_HASHES];
    _Atomic uint32_t row_shared[PROC_SLOTS][TXN_ROW_HASHES];
    _Alignas(64) char memory[]; /* struct txn_slot[sizes.txns], struct txn_lock_block[sizes.txns],
                                   then _Atomic uint64_t map[sizes.map_entries] */
};

/* Of the region; its beginning, whose next id is `next`; slots and blocks by their numbers, which
 * must be below sizes.txns. */
size_t txn_shared_bytes(const struct shm_sizes *s);
void txn_shared_init(struct shm *shm, txid next);
struct txn_slot *txn_slot_at(const struct shm *shm, uint32_t index);
struct txn_lock_block *txn_lock_block_at(const struct shm *shm, uint32_t number);
/* The life that the slot leads now; and whether a reference's life still lasts. */
txn_ref txn_slot_ref(const struct shm *shm, uint32_t index);
bool txn_ref_alive(const struct shm *shm, txn_ref ref);
static inline enum txn_state txn_slot_state(const struct txn_slot *s) {
    return atomic_load_explicit(&s->word, memory_order_acquire) & 0xff;
}
/* The map's word for an id that is not below map_base; a younger id has the same one later. */
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
    bool have_snapshot;           /* REPEATABLE READ, SERIALIZABLE: taken */
    bool queried;                 /* a statement of it has had a snapshot */
    bool waiting;                 /* in txn_wait or txn_lock */
    uint32_t locks;               /* locks of its list in use */
    struct lock_journal *journal; /* what locks were before, for txn_release_to; NULL: not noted */
    struct txn_lock *noted;       /* row_lock.c: the newest note, and what was there before */
    uint64_t noted_before;
    uint32_t database;    /* whose relations txn_lock_relation means; the session's */
    lsn commit_end;       /* end of this session's newest commit record */
    bool changed_outside; /* something was logged that is no part of it: its end waits for that */
    bool catalog_changed; /* commit moves control.catalog_version before locks go */
    struct snapshot snap;
    struct serial_slot *serial; /* SERIALIZABLE, once it has a snapshot; else NULL */
    commit_time last_commit; /* of this session's newest commit: its next snapshot is not older */
};

/* session: the index of its slot, for who looks on. TOO_MANY_CONNECTIONS: no slot is free. */
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
    uint64_t changes;
};
struct txn_mark txn_mark(const struct txn *t);
/* Whether so much was changed since the mark that undoing it takes longer than somebody should wait
 * for an error. */
#define TXN_LONG_UNDO_CHANGES 1000
static inline bool txn_long_undo(const struct txn *t, struct txn_mark mark) {
    return t->writer.changes - mark.changes > TXN_LONG_UNDO_CHANGES;
}
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
/* What takes long is left to txnd; rows and relations stay locked meanwhile. So is what fails: the
 * status says why. */
status txn_rollback(struct proc *p, struct txn *t);

/* Whom a wait is for, as looked at before it was seen that it is necessary. */
struct txn_blocker {
    txn_ref ref;
    uint32_t releases; /* of its slot then: what it has given back since is not waited for */
};
/* The running transaction x; false: it has ended. To be asked before the row is looked at whose
 * writer it is. */
bool txn_blocker_of(struct shm *shm, txid x, struct txn_blocker *ret_blocker);

/* Waits for the other's end, or for something that it gives back before, on behalf of a row: `row`
 * is a hash of tree and key (first come, first served for one row; 0: a lock of its list). OK: to
 * be looked at again. DEADLOCK_DETECTED, QUERY_CANCELED, LOCK_NOT_AVAILABLE (lock_timeout). */
status txn_wait_for(struct proc *p, struct txn *t, struct txn_blocker other, uint64_t row,
                    uint32_t timeout_ms);
/* The same for the running transaction x, where nothing is given back before its end. */
status txn_wait(struct proc *p, struct txn *t, txid x, uint64_t row, uint32_t timeout_ms);
uint64_t txn_row_hash(struct tree t, const void *key, size_t key_len);
/* From another coroutine: the wait of t, if it is in one, ends with QUERY_CANCELED. */
void txn_wait_cancel(struct proc *p, struct txn *t);

/* Locks until the transaction ends (waits). LOCK_NOT_AVAILABLE when nowait and it would wait, or
 * after timeout_ms (0: none); OUT_OF_LOCKS, OUT_OF_MEMORY; as txn_wait_for. */
status txn_lock(struct proc *p, struct txn *t, struct lock_tag tag, enum relation_mode mode,
                bool nowait, uint32_t timeout_ms);
/* OIDs below belong to the system: they are locked for all databases at once. */
#define TXN_OWN_RELATIONS 16384u
status txn_lock_relation(struct proc *p, struct txn *t, uint32_t relation, enum relation_mode mode,
                         bool nowait, uint32_t timeout_ms);

/* Locks taken after the mark can be given back before the end (savepoints): from the first mark on
 * all are noted, in private memory, until the transaction ends. OUT_OF_MEMORY. */
status txn_lock_mark(struct txn *t, uint32_t *ret_mark);
void txn_release_to(struct proc *p, struct txn *t, uint32_t mark);

/* Transactions that began by old rules (others.c): those that now hold a lock of the object that
 * conflicts with the mode, or (tag.space 0) read with a snapshot below `limit`; t itself is not
 * among them. txn_others_next gives the first that is still so, to be waited for: call it again
 * afterwards; false: none is left. OUT_OF_MEMORY. */
struct txn_others {
    struct lock_tag tag;
    enum relation_mode mode;
    commit_time limit;
    txn_ref *refs;
    uint32_t n, at;
};
status txn_others_begin(struct proc *p, const struct txn *t, struct txn_others *o);
bool txn_others_next(struct proc *p, struct txn_others *o, struct txn_blocker *ret);
void txn_others_end(struct txn_others *o);

/* ---- rows that several hold (row_lock.c) ---- */

/* Notes that t holds the row (tag.space LOCK_ROW) in one of the two modes; whether a writer is in
 * the way is looked at afterwards: of a holder and a writer one sees the other. With very many
 * locks the whole tree is noted. *ret_fresh: it was not held in that mode before. OUT_OF_LOCKS. */
status txn_row_note(struct proc *p, struct txn *t, struct lock_tag row, uint64_t whole,
                    enum relation_mode mode, bool *ret_fresh);
/* Takes the newest note back, which was fresh. */
void txn_row_unnote(struct proc *p, struct txn *t);
/* With the row's page latched: does somebody else hold it in a mode that forbids to write it?
 * key: to remove it or change its key; else KEY SHARE does not matter. */
bool txn_row_is_held(struct proc *p, const struct txn *t, uint64_t row, uint64_t whole, bool key,
                     struct txn_blocker *ret_blocker);

/* ---- locks that outlast transactions (session_lock.c) ---- */

/* `holder` has a slot once the session holds something (slot NULL: nothing). t waits for it; then
 * the session has it once more. session: generation << 32 | index. */
status txn_session_lock(struct proc *p, struct txn *t, struct txn *holder, uint64_t session,
                        struct lock_tag tag, enum relation_mode mode, bool nowait,
                        uint32_t timeout_ms);
/* Gives it back once. False: the session does not have it. */
bool txn_session_unlock(struct proc *p, struct txn *holder, struct lock_tag tag,
                        enum relation_mode mode);
void txn_session_unlock_all(struct proc *p, struct txn *holder);
/* The session is handed over, with its locks. */
void txn_session_leave(struct proc *p, struct txn *holder);
/* By the worker that takes the session up: its locks are driven from here. */
void txn_session_take_up(struct proc *p, struct txn *holder, uint64_t session);

/* ---- for who looks on ---- */

/* The i-th lock of a list; NULL: beyond its end. */
struct txn_lock *txn_lock_at(const struct shm *shm, const struct txn_slot *s, uint32_t i);
static inline struct lock_tag txn_lock_tag(const struct txn_lock *l, uint64_t held) {
    return (struct lock_tag){(enum lock_space)(held >> 48), (uint32_t)(held >> 16),
                             atomic_load(&l->object)};
}
/* Who stands in the way of what the transaction in this slot waits for: up to max slots'
 * references. Returns how many. */
uint32_t txn_blockers(const struct shm *shm, uint32_t index, txn_ref *ret_refs, uint32_t max);

#endif
