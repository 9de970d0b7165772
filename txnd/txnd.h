/* txnd.h: the transaction daemon: who waits for whom, what can be forgotten, what must be undone.
 */
#ifndef TXND_TXND_H
#define TXND_TXND_H

#include "ipc_daemon.h"
#include "txn/txn.h"

#define TICK_NS (20 * 1000000ull) /* horizon and sweep while transactions come and go */
#define QUEUED_NS                                                                                  \
    (10 * 1000000ull) /* the head of a queue has taken the row by then, or will not                \
                       */
#define UNDOERS 4     /* orphans undone at the same time */
#define IDLE_TICK_NS (250 * 1000000ull) /* the same while none do */

/* A transaction that waits: at most one wait each, so the graph is a forest of chains. */
struct waiter {
    bool used;
    bool queued;  /* behind another waiter for the same row that was let go first, not behind a
                     holder */
    struct msg m; /* the request, to be answered */
    txn_ref self, target;
    uint64_t row;         /* 0: for the whole transaction (relation locks) */
    uint64_t deadline_ns; /* monotonic; 0: none */
    uint64_t queued_ns;   /* monotonic: since when it is queued */
    uint32_t next;        /* in the target's list, oldest first; index + 1 */
};

struct wait_list {
    uint32_t first, last; /* waiter index + 1; 0: empty */
};

struct waits {
    struct waiter *waiter;  /* [txns], by the waiting transaction's slot */
    struct wait_list *list; /* [txns], by the awaited transaction's slot */
    uint32_t waiting;
};

struct horizon {
    lsn pending_tail;   /* log tail when pending_active was found */
    lsn pending_active; /* becomes oldest_active_lsn once the log is durable up to pending_tail */
    uint64_t seen_tail; /* to notice idleness */
    /* What the slots of listeners said when they were last looked at, and when that is due again.
     */
    commit_time listeners_limit;
    uint64_t listeners_due_ns;
};

struct drop {
    txid x;
    lsn at;
    struct tree tree;
};

struct purge {
    char *buf;          /* LOG_SCAN_BYTES */
    lsn position;       /* next record to look at */
    struct drop *drops; /* TREE_DROPs whose transaction's end was not met yet */
    unsigned ndrops, drops_cap;
};

struct txnd {
    struct daemon *d;
    struct waits waits;
    struct horizon horizon;
    struct purge purge;
    bool *undoing;                         /* [txns]: one of the undoers is at it */
    struct coro *undoer[UNDOERS], *purger; /* those that rest, to wake them */
    uint64_t next_tick_ns;
};

extern const struct daemon_ops txnd_ops;

/* wait.c */
status waits_init(struct txnd *t);
void waits_add(struct txnd *t, const struct msg *m);
void waits_cancel(struct txnd *t, txn_ref self);
/* The transaction has ended, or its rows are free: lets go who can go. */
void waits_ended(struct txnd *t, txn_ref ref);
/* It has given something back: who waits for it looks again. */
void waits_released(struct txnd *t, txn_ref ref);
/* Deadlines, the dead, and endings whose message was lost. */
void waits_sweep(struct txnd *t);

/* horizon.c: moves snapshot_floor, oldest_snapshot, oldest_active_lsn, map_base, keep. True when
 * something has happened since the last time. */
bool horizon_move(struct txnd *t);

/* undo.c */
status undo_init(struct txnd *t);
void undo_fini(struct txnd *t);
void undo_wake(struct txnd *t); /* there may be orphans */
/* purge.c: the body of a coroutine; arg is the struct txnd. */
void purge_main(void *arg);

#endif
