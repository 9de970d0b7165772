/* world.h: a small appliance in shared memory, a worker in it that will be killed, and a copy on
 * which its death is repaired.
 *
 * The regions are made by libipc, twice. The worker (slot SLOT_QUERYD, epoch 1) is a forked process
 * on the live ones; what it asks of the daemons goes through a mailbox, and the harness answers on
 * the live regions, as another process would. On the copy the harness plays everybody: supervisor,
 * storaged, txnd, the dead worker's next life and another worker. */
#ifndef KILL_WORLD_H
#define KILL_WORLD_H

#include <setjmp.h>
#include <stdio.h>

#include "base/control.h"
#include "ipc_region.h"
#include "ipc_ring.h"
#include "log/log.h"
#include "pool/frame.h"
#include "step.h"
#include "txn/serial.h"
#include "txn/txn.h"
#include "txn/txn_recover.h"

#define PAGES_MAX 64                    /* length of the data file */
#define ROWS_MAX 96                     /* keys of the model */
#define WINDOW_BYTES ((size_t)48 << 10) /* of log that an operation may write */
#define AREAS_MAX 40

#define APPLIANCE 7
#define WORKER SLOT_QUERYD
#define OTHER_WORKER (SLOT_QUERYD + 1)
/* Positions in the ring at which the log of a test begins. */
#define RING_BYTES ((uint64_t)8 << 20)
#define LOG_BEGIN (RING_BYTES - ((uint64_t)512 << 10))

/* Who does something: a process and its transaction. */
struct actor {
    struct proc proc;
    struct txn txn;
    struct txn session;   /* what its session has locked beyond that */
    struct tree made;     /* by tree_create */
    struct txn_mark mark; /* of txn_rollback_to */
    struct snapshot snap;
    struct frame *frame;
    lsn lsns[ROWS_MAX]; /* versions that are to be purged */
    uint32_t index;
};

struct mailbox {
    _Atomic uint32_t state; /* 0 nothing, 1 asked, 2 answered */
    uint16_t to, slot;
    struct msg m;
};

/* Values of rows: row k has the value made from seed[k]; 0: there is no such row. */
struct model {
    uint32_t seed[ROWS_MAX];
};

/* What is tried at a point: one death, or what these bits say. */
#define TRIAL_SECOND 1u
#define TRIAL_ORDER 2u

struct world {
    const struct kill_op *op;
    unsigned trial;
    struct shm live, copy;
    struct env env_live, env_copy, env_stepped;
    struct mailbox *box;
    struct area areas[AREAS_MAX];
    unsigned areas_count;
    uint64_t clock;

    struct tree tree;
    struct tree second;          /* id 0: there is none */
    size_t value_bytes, key_pad; /* of rows: about so long; bytes before the number */
    struct model before, after;  /* what is there without and with the operation's transaction */
    struct model built[2];       /* the same, as each trial begins with them */
    struct actor actor;          /* the worker */

    unsigned char home[PAGES_MAX][PAGE_BYTES];  /* the data file */
    uint64_t home_tail;                         /* the log's tail when it was written */
    unsigned char start[PAGES_MAX][PAGE_BYTES]; /* pages when the operation began */
    unsigned char expected[PAGES_MAX][PAGE_BYTES];
    uint64_t dirty_since[PAGES_MAX]; /* first record that the data file lacks; 0: none */
    uint64_t tail0;                  /* the log's tail when the operation began */

    struct step step;
    uint64_t tried, failures;
    uint64_t second_deaths, second_other; /* of repairs; those that the next one ended otherwise */
    uint64_t second_bulk;                 /* points of repairs that changed bulk areas only */
    txid other_txid;                      /* of the other worker in a trial of order.c; 0: none */
    /* Of points that change bulk areas only one in so many is tried; of those and of the others one
     * in so many for a second death. */
    unsigned every, second_every, second_thin;
    bool committed; /* at the present point */
    sigjmp_buf abandon;
    sigjmp_buf *catcher;       /* who takes world_fail instead: a coroutine of the trial */
    bool given_up;             /* the trial left this process in a state for no other one */
    char dir[64];              /* of operations with a daemon */
    struct waits_stage *waits; /* of operations with a real txnd; NULL: none */
    bool waits_mute;           /* posts to it are lost */
    unsigned keys;             /* data keys that whoever opens files next is given */
    void *more;                /* the operation's own */
};

/* A daemon in its surroundings: before, what must hold at a point, and clearing away. */
struct kill_stage {
    void (*build)(struct world *w);
    void (*verdict)(struct world *w);
    void (*free)(struct world *w);
};

/* An operation that a worker does, or a daemon. */
struct kill_op {
    const char *name;
    /* The appliance before; rows get there by transactions that have committed. */
    void (*build)(struct world *w);
    /* What the actor does before: begins a transaction, for instance. Also by those who do the
     * operation again on the copy, where rows may be there already. */
    status (*prepare)(struct world *w, struct actor *a);
    /* The operation. */
    status (*run)(struct world *w, struct actor *a);
    /* More than the common verdict; on the copy, after the repair. May be NULL. */
    void (*verify)(struct world *w);
    uint16_t record;                /* enum rec_type that the operation must have logged; 0: any */
    bool ends_undone;               /* the operation takes its transaction back */
    bool frees;                     /* half done, pages wait for somebody who goes on freeing */
    const struct kill_stage *stage; /* who dies is a daemon; NULL: a worker, txnd or supervisor */
    bool slow;                      /* not part of the slice, unless it is named */
    bool by_txnd;                   /* the actor is txnd */
    bool by_supervisor;
    /* Of operations with files: data keys. 0: the files are plain; 1: encrypted; 2: whoever begins
     * again has one more, and seals anew what the first one has sealed. */
    unsigned keys;
    bool alone; /* what it is about keeps everybody else from working: not for order.c */
};

/* Where failures are told: standard error, even while the daemons' own words go nowhere. */
extern FILE *world_told;
/* Ends the trial of the present point with words. */
[[gnu::format(printf, 2, 3)]] _Noreturn void world_fail(struct world *w, const char *format, ...);
#define MUST(w, condition)                                                                         \
    ((condition) ? (void)0 : world_fail(w, "%s:%d: not so: %s", __FILE__, __LINE__, #condition))
#define MUST_OK(w, expression)                                                                     \
    do {                                                                                           \
        status must_ = (expression);                                                               \
        if (!ok(must_))                                                                            \
            world_fail(w, "%s:%d: %s: %s", __FILE__, __LINE__, #expression, status_name(must_));   \
    } while (0)

void world_make(struct world *w, const struct kill_op *op);
void world_free(struct world *w);
/* A process on one of the two. */
void world_proc(struct world *w, bool on_copy, uint16_t slot, uint32_t epoch, struct proc *ret_p);
/* As logd: everything is durable, and visible. */
void world_flush(struct world *w, const struct shm *shm);
/* Who opens files next has the keys that a supervisor would give: those since the oldest that the
 * daemon said to need in this memory. */
void world_keys(struct world *w, const struct shm *shm, enum key_use_of of);
/* A whole file; `to` is made, or written over. */
void world_copy_file(const char *from, const char *to);
/* The areas of the two; the log window begins at the live tail. */
void world_watch(struct world *w);
void world_add_area(struct world *w, const char *name, bool bulk, void *live, void *copy,
                    size_t bytes);
/* Answers what the stepped worker asks. */
void world_between(struct world *w);
/* Everything dirty into the data file. */
void world_write_home(struct world *w);
/* Fillers until the log's tail is `left` bytes before the ring's end. */
void world_log_to_end(struct world *w, uint64_t left);
/* The frame of a BROKEN page is rebuilt as storaged does it. */
void world_rebuild(struct world *w, const struct shm *shm, struct frame *f);

/* Rows. row_put inserts or updates, as part of the actor's transaction. */
#define ROW_KEY_BYTES TREE_KEY_BYTES_MAX
size_t row_key(const struct world *w, unsigned row, char *ret_key);
size_t row_value(const struct world *w, unsigned row, uint32_t seed, char *ret_value);
unsigned row_of(struct world *w, const struct tree_entry *e);
status row_put(struct world *w, struct actor *a, unsigned row, uint32_t seed);
status row_delete(struct world *w, struct actor *a, unsigned row);
/* In a transaction of its own that commits, and in both models. seed 0: deletes it. */
void world_row(struct world *w, unsigned row, uint32_t seed);
status actor_begin(struct actor *a); /* with a transaction id */

/* What must hold on the copy after the worker's death here (verdict.c). */
void verdict_start(struct world *w);
void verdict(struct world *w);
/* Its parts: the copy becomes what the dead left; the supervisor's repair, twice, and no latch is
 * left; what must hold after a repair. */
void verdict_begin(struct world *w);
void verdict_repair(struct world *w);
void verdict_after(struct world *w);
/* The supervisor's repair of the copy. */
#define REPAIR_STEPS 5u
void repair_step(struct world *w, unsigned step);
void repair_all(struct world *w);
/* The supervisor dies at every instruction of the repair, and the next one repeats it (second.c).
 */
void second_verdict(struct world *w);
/* Another worker works on the copy before, between and after the steps of the repair (order.c). */
void order_verdict(struct world *w);
/* The log of the copy without a hole; w->expected and w->committed by it. */
void verdict_log(struct world *w, uint64_t *ret_dirty_since);
/* Trees, and every page in use in one of them. made.id 0: none. */
void verdict_space(struct world *w, struct proc *p, struct tree made);
/* The tree's rows are those of the model. */
void verdict_rows(struct world *w, struct proc *p, const struct model *m);

/* Operations of storaged (world_daemon.c): it runs on the live regions and files; on the copies a
 * new one is born, with a worker and the least logd. */
struct daemon;
struct daemon *daemon_storaged(struct world *w);
struct daemon *daemon_logd(struct world *w);
/* In place of one that has died: its birth and some turns. */
void storaged_begins(struct world *w, struct daemon *d);
extern const struct kill_stage stage_storaged;
/* The same of logd (world_logd.c), which has nothing to do but the log. More records in the ring,
 * that many bytes: */
void logd_put(struct world *w, uint64_t bytes);
struct daemon *logd_live(struct world *w);
void logd_turns(struct world *w); /* until all is durable */
/* In place of one that has died: until it serves and all is durable. */
void logd_begins(struct world *w, struct daemon *d);
/* On the copy: the transaction that has no end in the log is an orphan. */
void logd_check_loser(struct world *w);
extern const struct kill_stage stage_logd;

/* Operations with waits (world_txnd.c): a real txnd answers on the live regions. */
void waits_open(struct world *w, void (*event)(struct world *w));
struct daemon *waits_txnd(struct world *w);
/* Another worker's transaction, which lives on; on_copy: as it goes on there. */
struct actor *waits_other(struct world *w, unsigned i);
/* It asks to wait for the end of that transaction (row 0: of all of it). */
void waits_ask(struct world *w, unsigned i, txn_ref target, uint64_t row);
/* A message that has no answer, to the txnd of that memory. */
void waits_post(struct world *w, const struct shm *shm, const struct msg *m);
/* The stepped worker's request, and later looks for its answer. True: *m is answered. */
bool waits_answer(struct world *w, uint16_t slot, struct msg *m);
/* On the copy: txnd, or its next life, ends what the dead left; all who wait are let go, one after
 * the other, as those before them end. */
void waits_verdict(struct world *w);
void waits_close(struct world *w);

extern const struct kill_op ops_shared[], ops_serial[], ops_session[], ops_txn[], ops_held[],
    ops_lock[], ops_tree[], ops_large[], ops_daemon[], ops_logd[];
extern const unsigned ops_shared_count, ops_serial_count, ops_session_count, ops_txn_count,
    ops_held_count, ops_lock_count, ops_tree_count, ops_large_count, ops_daemon_count,
    ops_logd_count;

#endif
