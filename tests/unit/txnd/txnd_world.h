/* txnd_world.h: all daemons and two workers in one thread, turn by turn, over real rings and a
 * simulated disk. What a worker does runs in a coroutine of it: an act. */
#ifndef TEST_TXND_WORLD_H
#define TEST_TXND_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/control.h"
#include "conf/conf.h"
#include "disk/disk_sim.h"
#include "ipc_daemon.h"
#include "ipc_region.h"
#include "msg/msg.h"
#include "txn/txn.h"
#include "txn/txn_recover.h"
#include "txn/version.h"
#include "txnd.h"

#define WORKERS 2

struct world {
    struct shm shm;
    struct conf conf;
    struct disk_sim *sim;
    char dir[64];
    struct daemon storaged, logd, txnd, worker[WORKERS];
    bool logd_stands;  /* it is not turned */
    bool txnd_is_dead; /* between world_kill_txnd and world_restart_txnd */
    uint64_t sessions; /* begun so far: a number for each transaction */
};

/* Something that a worker does; the fields are what the functions below need. */
struct act {
    status (*fn)(struct proc *p, struct act *a);
    struct world *w;
    unsigned worker;
    struct txn *t;
    struct tree tree;
    const char *key, *value;
    txid x;
    uint64_t row;
    uint32_t timeout_ms, relation;
    enum relation_mode mode;
    struct txn_mark mark;
    struct snapshot *snapshot;
    struct msg *m;
    uint64_t entries; /* out */
    struct tree made; /* out */
    char text[32];    /* out: a value; "" when there is none */
    status result;
    bool done;
};

void world_make(struct world *w, uint32_t map_entries);
void world_free(struct world *w);
/* Everybody's turn, `rounds` times. */
void world_turn(struct world *w, unsigned rounds);
/* txnd's tick, now. */
void world_tick(struct world *w);
void world_kill_txnd(struct world *w);
void world_restart_txnd(struct world *w);
/* The worker dies, is repaired after, and another life begins in its slot. */
void world_kill_worker(struct world *w, unsigned worker);
struct txnd *world_txnd(struct world *w);
bool world_page_used(struct world *w, page_id page);

void act_start(struct world *w, struct act *a);
/* Turns until it has ended (or the test fails). */
status act_finish(struct act *a);
status act_do(struct world *w, struct act a);

/* Begins a transaction of the worker, with an id. */
void begin(struct world *w, unsigned worker, struct txn *t);
/* The same without one, and with a snapshot that lasts. */
void begin_reader(struct world *w, unsigned worker, struct txn *t, struct snapshot *ret_snapshot);
void commit(struct world *w, unsigned worker, struct txn *t);
void rollback(struct world *w, unsigned worker, struct txn *t);
struct tree new_tree(struct world *w);
void put(struct world *w, struct txn *t, struct tree tree, const char *key, const char *value);
void take_out(struct world *w, struct txn *t, struct tree tree, const char *key);
/* What the snapshot sees of the key; "" for nothing. */
const char *see(struct world *w, struct snapshot *s, struct tree tree, const char *key);
uint64_t count_entries(struct world *w, struct tree tree); /* delete-marked ones too */

status fn_commit(struct proc *p, struct act *a);
status fn_rollback(struct proc *p, struct act *a);
status fn_rollback_to(struct proc *p, struct act *a);
status fn_snapshot(struct proc *p, struct act *a);
status fn_need_id(struct proc *p, struct act *a);
status fn_put(struct proc *p, struct act *a);
status fn_take_out(struct proc *p, struct act *a);
status fn_see(struct proc *p, struct act *a);
status fn_count(struct proc *p, struct act *a);
status fn_create(struct proc *p, struct act *a);
status fn_drop(struct proc *p, struct act *a);
status fn_wait(struct proc *p, struct act *a);
status fn_lock(struct proc *p, struct act *a);
status fn_call(struct proc *p, struct act *a);

#define must(expression) assert_string_equal(status_name(expression), status_name(OK))
#define must_be(expression, code) assert_string_equal(status_name(expression), #code)

#endif
