/* session.h: the session region: what a session must keep when its worker dies.
 *
 * One slot of SESSION_BYTES for each of sizes.sessions sessions. The region is sparse: a slot takes
 * memory only where it has been written.
 *
 *     offset   bytes
 *     0        4096     struct session_slot
 *     4096     12288    settings that differ from their defaults: name NUL value NUL …
 *     16384    16384    text of the unnamed prepared statement
 *     32768    65536    send buffer
 *     98304    131072   receive buffer, two halves: what is moved goes into the other half
 *     229376   802816   prepared statements (see session_statement_…)
 *     1032192  16384    struct session_sequences
 *
 * A slot belongs to the process that `owner` names and is written by it alone, but for `cancel`
 * and `terminate`, which anybody sets. A worker takes a slot by changing owner from 0 to its own
 * with one compare-and-exchange, and gives it back by clearing owner last: so a slot that is not
 * free always says whose it is, wherever its owner dies. Whose worker has died, or was asked to
 * hand over, belongs to the supervisor until that gives it to another worker:
 *
 *     free ──take──→ worker ──free──→ free
 *                    │  ↑ session_taken_up (state GIVEN → IDLE)
 *        died, or    ↓  │
 *        hands over  supervisor ──session_give──→ worker (GIVEN)
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stddef.h>

#include "base/proc.h"
#include "base/quarantine.h"

#define SESSION_BYTES ((size_t)1 << 20)
#define SESSION_SETTINGS_AT 4096
#define SESSION_SETTINGS_BYTES 12288
#define SESSION_UNNAMED_AT 16384
#define SESSION_UNNAMED_BYTES 16384
#define SESSION_OUT_AT 32768
#define SESSION_IN_AT 98304
#define SESSION_BUFFER_BYTES 65536
#define SESSION_STATEMENTS_AT 229376
#define SESSION_STATEMENTS_BYTES 802816
#define SESSION_SEQUENCES_AT 1032192
#define SESSION_SEQUENCES_BYTES 16384
#define SESSION_NAME_BYTES 64
#define SESSION_TAG_BYTES 64
#define SESSION_ADDR_BYTES 48 /* an IPv6 address in words */

enum session_state {
    SESSION_FREE,
    SESSION_OPENING, /* connected, not yet authenticated */
    SESSION_IDLE,    /* waits for the client */
    SESSION_BUSY,    /* works on a message */
    SESSION_GIVEN,   /* its owner has not taken it up yet */
};

/* What became of a commit that its worker did not live to answer. */
enum session_outcome { OUTCOME_UNKNOWN, OUTCOME_COMMITTED, OUTCOME_LOST };

/* A stretch [start, end) of a buffer, and the number of bytes of the connection before the buffer's
 * first, modulo 2^27: one word, so that a kill finds it before or after a change. From the top: 27
 * bits base, 1 bit flag, 18 bits start, 18 bits end. The flag says, for bytes in, which half of the
 * buffer it is; for bytes out, that a sequence of messages has not been answered to its end. */
struct stretch {
    uint32_t base, start, end;
    bool flag;
};
#define STRETCH_BASE_MASK ((1u << 27) - 1)
static inline uint64_t stretch_pack(struct stretch s) {
    return (uint64_t)(s.base & STRETCH_BASE_MASK) << 37 | (uint64_t)s.flag << 36 |
           (uint64_t)s.start << 18 | s.end;
}
static inline struct stretch stretch_unpack(uint64_t word) {
    return (struct stretch){.base = (uint32_t)(word >> 37),
                            .flag = word >> 36 & 1,
                            .start = word >> 18 & 0x3ffff,
                            .end = word & 0x3ffff};
}

/* Temporary relations (queryd/catalog/temp.h). */
#define SESSION_TEMP_MAX 64
struct session_temp {
    bool used;    /* the session's temporary schema is in its search path */
    bool pending; /* the running transaction is the first to use it */
    uint32_t n;
    struct {
        uint32_t table;
        bool drop; /* at the commit, else its rows are deleted */
    } on_commit[SESSION_TEMP_MAX];
};

/* How far a long statement is, for who looks on. What the parameters of a command mean is said
 * where that is (queryd/catalog/progress.h); a reader may see them as of two moments. */
#define SESSION_PROGRESS_PARAMS 20
struct session_progress {
    _Atomic uint32_t command;  /* 0: nothing is told */
    _Atomic uint32_t relation; /* oid */
    _Atomic int64_t params[SESSION_PROGRESS_PARAMS];
};

struct session_slot {
    _Atomic uint32_t state;
    _Atomic uint32_t generation; /* of its uses */
    _Atomic uint64_t owner;      /* epoch << 8 | process slot; 0: free */
    _Atomic bool cancel;         /* 1: a cancel request came for what runs now */
    _Atomic bool terminate;      /* 1: it is to end, said by whomever together with cancel */
    uint32_t secret;             /* of cancel requests */

    /* The connection. in: received and not yet taken; out: whole messages not yet sent. */
    _Atomic uint64_t in, out;   /* struct stretch */
    _Atomic bool receiving;     /* a call to receive is under way */
    _Atomic bool sending;       /* a call to send is under way */
    _Atomic bool large;         /* part of a message is in the worker's own memory */
    bool counts;                /* the kernel counts this socket's bytes (TCP) */
    uint32_t in_zero, out_zero; /* what it had counted when the session began */

    /* Where it is in the protocol. A sequence is a simple query, or extended messages up to Sync,
     * or what follows an error up to Sync; out's flag says that one is open. */
    _Atomic char block;   /* the transaction block: 'I', 'T', 'E' as in ReadyForQuery; 'L': lost
                             with its worker, and the client does not know yet */
    bool started;         /* past start-up */
    bool extended;        /* the open sequence is one of the extended protocol */
    bool copying_in;      /* the client sends COPY data */
    bool skip_until_sync; /* an error in an extended sequence */
    _Atomic bool resting; /* no message is worked on */
    bool bound;           /* the open sequence has had a Bind: it may have portals */
    bool holds_cursors;   /* cursors WITH HOLD, in the worker's memory */
    bool wrote;           /* ... or a statement that does more than read */
    /* Places in `in` (base + start): where the open sequence begins, and behind its Sync. */
    uint32_t sequence_from, sync_end;
    /* The open sequence has done nothing yet but read outside a block, or roll one back, and
     * nothing of its answer has been sent: it can be begun again from these places. */
    _Atomic bool replayable;
    char replay_block; /* as block; 'S': not past start-up */
    uint32_t replay_in, replay_out, replay_statements;

    /* A commit under way: whose, what is answered when it succeeds (an empty tag: ReadyForQuery
     * alone), whether statements follow, and the place in out (base + end) before the answer. */
    _Atomic uint64_t commit_txid; /* 0: none */
    _Atomic uint32_t outcome;     /* enum session_outcome: by the supervisor */
    bool commit_last;             /* of a simple query: nothing follows */
    uint32_t commit_out;
    char commit_tag[SESSION_TAG_BYTES];

    /* The statement that runs, for who judges its worker's death. */
    _Atomic uint64_t trace;       /* as in struct proc_entry: it ran when the two are equal */
    _Atomic uint64_t fingerprint; /* of its text with the literals lifted out; 0: one that is never
                                     judged (the end of a transaction) */
    char statement[QUARANTINE_TEXT_BYTES]; /* how that text begins; need not end in NUL */

    /* When it came, and when its transaction, its statement and its last rest began: microseconds
     * since 2000-01-01 00:00 UTC, for who looks on. */
    _Atomic int64_t connected_us, transaction_us, statement_us, rested_us;
    int32_t client_port;                  /* -1: by a Unix socket */
    char client_addr[SESSION_ADDR_BYTES]; /* empty: likewise */

    /* LISTEN: what was committed until then it has been told; 0: it listens to nothing. A
     * commit_time. */
    _Atomic uint64_t listen_from;

    struct session_progress progress;

    uint32_t settings_len;
    _Atomic uint32_t statements_len;
    uint32_t unnamed_len; /* of the unnamed statement's entry; 0: none */
    bool statements_lost; /* one did not fit: this session cannot be handed over */
    struct session_temp temp;
    uint32_t user_oid, database_oid;
    uint64_t database_root; /* page of the database's pg_class */
    char user[SESSION_NAME_BYTES];
    char database[SESSION_NAME_BYTES];
    char application_name[SESSION_NAME_BYTES];
};
_Static_assert(sizeof(struct session_slot) <= SESSION_SETTINGS_AT, "its page");

static inline struct session_slot *session_slot_at(const struct shm *shm, uint32_t index) {
    return (struct session_slot *)(shm->sessions + (size_t)index * SESSION_BYTES);
}

/* The sequences that the session has taken values from, the least recently met one is forgotten for
 * a new one when all places are taken. `last` moves before `cached`: a death in between leaves
 * nothing that would be given out twice. */
struct session_sequence {
    _Atomic uint32_t oid; /* 0: not in use */
    uint32_t met;         /* when it was last met: a count */
    int64_t last;         /* what currval tells */
    int64_t cached;       /* values up to this one are the session's own to give out */
    int64_t step;         /* from one to the next */
    uint64_t root;        /* of the tree that they came from: another one, and they are void */
};
#define SESSION_SEQUENCES_MAX 400
struct session_sequences {
    _Atomic uint32_t n;    /* places that have been in use */
    _Atomic uint32_t last; /* oid of the sequence that lastval tells of; 0: none */
    uint32_t meetings;
    uint32_t unused;
    struct session_sequence s[SESSION_SEQUENCES_MAX];
};
_Static_assert(sizeof(struct session_sequences) <= SESSION_SEQUENCES_BYTES, "its place");

static inline struct session_sequences *session_sequences_at(const struct shm *shm,
                                                             uint32_t index) {
    return (struct session_sequences *)((char *)session_slot_at(shm, index) + SESSION_SEQUENCES_AT);
}

/* Takes a free slot for a process; SESSION_NONE when all are taken. */
#define SESSION_NONE UINT32_MAX
uint32_t session_slot_take(struct shm *shm, struct owner owner);
void session_slot_free(struct shm *shm, uint32_t index);

/* How many sessions each process has, by its slot in the process table; those that wait for a
 * worker are the supervisor's. Without a lock: as they were at some moment each. */
void session_count(const struct shm *shm, uint32_t ret_counts[PROC_SLOTS]);

/* After a death, by the supervisor, between log_repair and txn_repair: decides the commits that
 * were under way (committed(shm, txid) tells), and makes the dead life's sessions the supervisor's.
 * May be repeated. Returns how many sessions wait for a worker because of it. */
unsigned session_repair(struct shm *shm, struct owner dead,
                        bool (*committed)(struct shm *shm, uint64_t txid));
/* By a worker: the session, which rests between two sequences, becomes the supervisor's. */
void session_release(struct shm *shm, uint32_t index);
/* By the supervisor: is this session one that waits for a worker? */
bool session_waits(const struct shm *shm, uint32_t index);
/* By the supervisor: the session is `to`'s, which hears of it by GUARD_TAKE (msg/guard.h). */
void session_give(struct shm *shm, uint32_t index, struct owner to);
/* By the supervisor: given, and not taken up. */
bool session_given(const struct shm *shm, uint32_t index, struct owner to);
/* By the supervisor: nobody has the connection of what was given to `to`, and the slot becomes
 * free. False: `to` has taken it up. */
bool session_withdraw(struct shm *shm, uint32_t index, struct owner to);
/* By the worker to which it was given. False: it was not, or has been taken up. */
bool session_taken_up(struct shm *shm, uint32_t index, uint32_t generation, struct owner by);

/* Prepared statements, one after another: u32 bytes of the whole, u16 number of parameter types,
 * u16 flags (STATEMENT_FROM_SQL), i64 when it was prepared (microseconds since 2000), u32 types…,
 * name NUL, text NUL. put replaces an entry of the same name; false: it does not fit. The unnamed
 * statement has a place of its own. */
#define STATEMENT_FROM_SQL 1u
struct session_statement {
    const char *name, *text;
    const uint32_t *types;
    uint16_t ntypes;
    uint16_t flags;
    int64_t prepared_us;
};
bool session_statement_put(struct session_slot *s, const struct session_statement *st);
void session_statement_drop(struct session_slot *s, const char *name); /* NULL: all; "": unnamed */
/* The entry at *at, which moves behind it; begin with 0. False: there are no more. The unnamed
 * statement comes last. The pointers lead into the slot. */
bool session_statement_next(struct session_slot *s, uint32_t *at, struct session_statement *ret);

/* Settings: put replaces; value NULL: back to the default. False: no room. */
bool session_setting_put(struct session_slot *s, const char *name, const char *value);
/* The settings one after the other, as session_statement_next. */
bool session_setting_next(const struct session_slot *s, uint32_t *at, const char **ret_name,
                          const char **ret_value);

#endif
