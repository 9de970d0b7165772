/* serial.h: serializable snapshot isolation.
 *
 * A transaction at SERIALIZABLE reads from one snapshot and blocks nobody. What it reads is noted,
 * and so is each pair of concurrent transactions R → W of which W overwrites what R read in an
 * older version. Two such pairs in a row, T1 → T2 → T3, of which T3 committed first, are part of
 * every cycle in the order of transactions: one of them is given up. Cahill, Röhm, Fekete:
 * Serializable Isolation for Snapshot Databases (SIGMOD 2008); Ports, Grittner: Serializable
 * Snapshot Isolation in PostgreSQL (VLDB 2012), from which come the rule that T3 commits first and
 * the one for read-only T1.
 *
 * A life of a slot:
 *
 *     FREE → ACTIVE → PREPARED → COMMITTED → FREE   once nobody runs who was concurrent with it
 *              └────────┴→ FREE                     rolled back, or its worker died
 *
 * Pairs stand twice, in the `out` of R and in the `in` of W, and are changed under the latch. What
 * was read is written by its transaction alone, without a latch: R notes before it reads, W looks
 * at what others noted after it has written, so one of the two sees the other. */
#ifndef TXN_SERIAL_H
#define TXN_SERIAL_H

#include "base/latch.h"
#include "txn/txn.h"

#define SERIAL_SLOTS 2048
#define SERIAL_WORDS (SERIAL_SLOTS / 64)
#define SERIAL_KEYS 512  /* hashes of keys that a transaction has read, a power of two */
#define SERIAL_RANGES 32 /* stretches of a tree that it has read */
#define SERIAL_BOUND_BYTES 24
#define SERIAL_NEVER UINT64_MAX

enum serial_state { SERIAL_FREE, SERIAL_ACTIVE, SERIAL_PREPARED, SERIAL_COMMITTED };

/* Keys from low on and below high, as their first bytes; a length of 0 is open. */
struct serial_range {
    _Atomic uint64_t tree; /* its root; 0: not in use. Stored last */
    _Atomic uint16_t low_len, high_len;
    bool high_cut; /* only the first bytes of high are here */
    unsigned char low[SERIAL_BOUND_BYTES], high[SERIAL_BOUND_BYTES];
};

struct serial_reads {
    _Atomic bool all;                  /* everything, as far as we know */
    uint32_t nkeys;                    /* the reader's own count */
    _Atomic uint64_t key[SERIAL_KEYS]; /* 0: none. Searched from the hash on */
    struct serial_range range[SERIAL_RANGES];
};

struct serial_slot {
    _Atomic uint64_t word;       /* generation << 8 | enum serial_state */
    _Atomic uint64_t owner;      /* epoch << 8 | process slot; 0: nobody's */
    _Atomic uint64_t x;          /* transaction id, 0: it has written nothing */
    _Atomic uint64_t snapshot;   /* commit_time it reads at; 0: not taken yet */
    _Atomic uint64_t begin_turn; /* serial_shared.turn when it began */
    /* Two moments of its commit, counted by serial_shared.turn: when it was prepared (0: not yet),
     * and when all know that it has committed (SERIAL_NEVER: not yet). What lies between is before
     * and after everything else that happens meanwhile. */
    _Atomic uint64_t turn, end_turn;
    _Atomic uint64_t commit_time; /* 0: not known yet; 1: it has written nothing */
    /* Of those to which it has a pair, and whose slots have been freed: the first that committed.
     */
    _Atomic uint64_t gone_turn, gone_time;
    _Atomic bool read_only;
    _Atomic bool doomed;     /* it must not commit */
    _Atomic bool summary_in; /* somebody has a pair to it who stands in the summary */
    _Atomic uint64_t in[SERIAL_WORDS], out[SERIAL_WORDS];
    struct serial_reads reads;
};

/* Slots are given up before their time when all are taken: what is left of them are trees. */
struct serial_summary {
    _Atomic uint64_t commit_time, end_turn; /* the newest that is in it; 0: it is empty */
    _Atomic uint64_t out_turn, out_time; /* the first that committed of those they have pairs to */
    struct serial_reads reads;
};

struct serial_shared {
    struct latch latch;
    _Atomic uint32_t high; /* slots from here on have never been in use */
    _Atomic uint64_t turn; /* counts those that prepare to commit, or end as readers */
    _Atomic uint64_t used[SERIAL_WORDS]; /* a bit for each slot that is not free */
    struct serial_summary summary;
    struct serial_slot slot[SERIAL_SLOTS];
};

void serial_shared_init(struct shm *shm);

/* ---- by the transaction's worker; each is nothing for a transaction that is not serializable ----
 */

/* Before its snapshot is taken. OUT_OF_MEMORY: SERIAL_SLOTS run at this moment. */
status serial_begin(struct proc *p, struct txn *t);
/* Its snapshot stands in t. */
void serial_begun(struct txn *t);
/* Its id has been taken, before anything bears it. */
void serial_has_id(struct txn *t);

/* SERIALIZATION_FAILURE of these: the transaction must be rolled back. */
status serial_read_key(struct txn *t, struct tree tree, const void *key, size_t len);
/* low, high: as of table scans, plain keys; high excluded; a length of 0 is open. */
status serial_read_range(struct txn *t, struct tree tree, const void *low, size_t low_len,
                         const void *high, size_t high_len);
/* The snapshot does not see this version. */
status serial_passed(struct proc *p, struct txn *t, const struct tree_entry *version);
/* After the entry was written. */
status serial_wrote(struct proc *p, struct txn *t, struct tree tree, const void *key, size_t len);

/* Before the commit record. SERIALIZATION_FAILURE. */
status serial_prepare(struct proc *p, struct txn *t);
/* time: of the commit record; 0: there was nothing to write. */
void serial_committed(struct proc *p, struct txn *t, commit_time time);
void serial_rolled_back(struct proc *p, struct txn *t);

/* Puts PostgreSQL's words for a SERIALIZATION_FAILURE that one of these just gave into *e. */
status serial_words(struct error *e, status s);

/* By the supervisor, after log_repair and before txn_repair: frees the latch, makes pairs whole,
 * decides commits by the map, ends what was open. May be repeated. */
void serial_repair(struct shm *shm, struct owner dead);

#endif
