/* ops_lock.c: locks and rows that are waited for. The stepped one waits, or holds what others wait
 * for, or is txnd. */
#include "base/check.h"
#include "msg/msg.h"
#include "txnd.h"
#include "world.h"

#define RELATION 77u
#define RELATION_OTHER 99u

static status begin_only(struct world *w, struct actor *a) {
    (void)w;
    return txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, 1);
}

static status lock(struct actor *a, uint32_t relation, enum relation_mode mode, bool nowait) {
    return txn_lock_relation(&a->proc, &a->txn, relation, mode, nowait, 0);
}

static struct actor *other_begins(struct world *w, unsigned i, uint64_t session) {
    struct actor *a = waits_other(w, i);
    CHECK(ok(txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, session)));
    return a;
}

/* ---- the one who waits dies ------------------------------------------------------------------ */

static void other_ends(struct world *w) {
    struct actor *a = waits_other(w, 0);
    CHECK(ok(txn_rollback(&a->proc, &a->txn)));
}

static void other_commits(struct world *w) {
    struct actor *a = waits_other(w, 0);
    CHECK(ok(txn_commit(&a->proc, &a->txn, true)));
}

static void cancel(struct world *w) {
    struct msg m = {.op = MSG_TXN_WAIT_CANCEL, .arg = {txn_slot_ref(&w->live, w->actor.txn.index)}};
    waits_post(w, &w->live, &m);
}

static void build_held(struct world *w, enum relation_mode mode, void (*event)(struct world *w)) {
    world_row(w, 1, 1);
    waits_open(w, event);
    CHECK(ok(lock(other_begins(w, 0, 1), RELATION, mode, true)));
}

static void build_held_strongly(struct world *w) {
    build_held(w, MODE_ACCESS_EXCLUSIVE, other_ends);
}
static void build_held_weakly(struct world *w) {
    build_held(w, MODE_ACCESS_SHARE, other_ends);
}
static void build_held_and_canceled(struct world *w) {
    build_held(w, MODE_EXCLUSIVE, cancel);
}

static status lock_weak(struct world *w, struct actor *a) {
    (void)w;
    return lock(a, RELATION, MODE_ROW_EXCLUSIVE, false);
}
static status lock_share(struct world *w, struct actor *a) {
    (void)w;
    return lock(a, RELATION, MODE_SHARE, false);
}
static status lock_strongest(struct world *w, struct actor *a) {
    (void)w;
    return lock(a, RELATION, MODE_ACCESS_EXCLUSIVE, false);
}
static status lock_canceled(struct world *w, struct actor *a) {
    status s = lock_share(w, a);
    return status_is(s, ST_QUERY_CANCELED) ? OK : s;
}

static status begin_with_weak_lock(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    return lock(a, RELATION, MODE_ACCESS_SHARE, true);
}

/* The other waits for the worker already, which would close the circle. */
static void build_deadlock(struct world *w) {
    build_held(w, MODE_SHARE, NULL);
}
static status begin_waited_for(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    TRY(lock(a, RELATION_OTHER, MODE_EXCLUSIVE, true));
    if (a == &w->actor) waits_ask(w, 0, txn_slot_ref(&w->live, a->txn.index), 0);
    return OK;
}
static status lock_deadlock(struct world *w, struct actor *a) {
    (void)w;
    status s = lock(a, RELATION, MODE_EXCLUSIVE, false);
    return status_is(s, ST_DEADLOCK_DETECTED) ? OK : s;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define ROW_HASH 4711u

static void build_row_held(struct world *w) {
    for (unsigned row = 0; row < 6; row++) world_row(w, row, row + 1);
    world_write_home(w);
    waits_open(w, other_commits);
    struct actor *b = other_begins(w, 0, 1);
    CHECK(ok(txn_need_id(&b->proc, &b->txn)));
    w->actor.index = (uint32_t)b->txn.writer.x;
}
static status wait_for_row(struct world *w, struct actor *a) {
    return txn_wait(&a->proc, &a->txn, a == &w->actor ? a->index : 1, ROW_HASH, 0);
}

/* ---- the one who is waited for dies ---------------------------------------------------------- */

/* One waits for the relation, two for a row. */
static void build_waited_for(struct world *w) {
    for (unsigned row = 0; row < 6; row++) world_row(w, row, row + 1);
    world_write_home(w);
    waits_open(w, NULL);
    w->after.seed[2] = 40;
}
static status begin_with_waiters(struct world *w, struct actor *a) {
    TRY(actor_begin(a));
    TRY(lock(a, RELATION, MODE_ACCESS_EXCLUSIVE, true));
    TRY(lock(a, RELATION_OTHER, MODE_ROW_EXCLUSIVE, true));
    TRY(row_put(w, a, 2, 40));
    if (a != &w->actor) return OK;
    txn_ref ref = txn_slot_ref(&w->live, a->txn.index);
    for (unsigned i = 0; i < 3; i++) {
        other_begins(w, i, i);
        waits_ask(w, i, ref, i == 0 ? 0 : ROW_HASH);
    }
    return OK;
}
static status commit(struct world *w, struct actor *a) {
    (void)w;
    return txn_commit(&a->proc, &a->txn, true);
}
static status rollback(struct world *w, struct actor *a) {
    (void)w;
    return txn_rollback(&a->proc, &a->txn);
}

/* ---- txnd dies ------------------------------------------------------------------------------- */

static struct msg first_waits_for(struct world *w, unsigned i, unsigned target) {
    const struct actor *a = waits_other(w, i), *b = waits_other(w, target);
    return (struct msg){
        .op = MSG_TXN_WAIT,
        .slot = a->proc.owner.slot,
        .epoch = a->proc.epoch,
        .tag = i,
        .arg = {txn_slot_ref(&w->live, a->txn.index), txn_slot_ref(&w->live, b->txn.index)}};
}

static void build_txnd(struct world *w) {
    for (unsigned row = 0; row < 6; row++) world_row(w, row, row + 1);
    world_write_home(w);
    waits_open(w, NULL);
    for (unsigned i = 0; i < 3; i++) other_begins(w, i, i);
    CHECK(ok(lock(waits_other(w, 2), RELATION, MODE_ACCESS_EXCLUSIVE, true)));
}

static void build_txnd_ended(struct world *w) {
    build_txnd(w);
    struct actor *holder = waits_other(w, 2);
    txn_ref ref = txn_slot_ref(&w->live, holder->txn.index);
    waits_ask(w, 0, ref, 0);
    waits_ask(w, 1, ref, ROW_HASH);
    w->waits_mute = true;
    CHECK(ok(txn_rollback(&holder->proc, &holder->txn)));
    w->waits_mute = false;
    w->actor.index = holder->txn.index;
}

static struct daemon *txnd_of(struct world *w, const struct actor *a) {
    return a == &w->actor ? waits_txnd(w) : NULL;
}

static status txnd_adds(struct world *w, struct actor *a) {
    struct daemon *d = txnd_of(w, a);
    struct msg m = first_waits_for(w, 0, 2);
    if (d) txnd_ops.handle(d, &m);
    return OK;
}

static status txnd_ends(struct world *w, struct actor *a) {
    struct daemon *d = txnd_of(w, a);
    if (!d) return OK;
    waits_sweep(d->state);
    return OK;
}

/* Ids that have ended leave the map; one that runs stays. */
static void build_horizon(struct world *w) {
    build_txnd(w);
    struct actor *b = waits_other(w, 0);
    CHECK(ok(txn_snapshot(&b->proc, &b->txn, &b->snap)));
    world_row(w, 7, 8);
    CHECK(ok(txn_need_id(&b->proc, &b->txn)));
    world_row(w, 8, 9);
}
static status txnd_horizon(struct world *w, struct actor *a) {
    struct daemon *d = txnd_of(w, a);
    for (unsigned i = 0; d && i < 3; i++) horizon_move(d->state);
    return OK;
}
/* What is in use is not forgotten. */
static void verify_horizon(struct world *w) {
    struct shm *shm = &w->copy;
    const struct actor *b = waits_other(w, 0);
    MUST(w, atomic_load(&shm->txn->oldest_snapshot) <= b->snap.time);
    MUST(w, atomic_load(&shm->txn->map_base) <= b->txn.writer.x);
    MUST(w, txn_fate(shm, b->txn.writer.x, NULL, NULL) == FATE_RUNNING);
    MUST(w,
         atomic_load(&shm->log->keep) <= atomic_load(&txn_slot_at(shm, b->txn.index)->first_lsn));
    waits_verdict(w);
}

const struct kill_op ops_lock[] = {
    {"lock wait, weak behind strong", build_held_strongly, begin_only, lock_weak, waits_verdict},
    {"lock wait, strong behind strong", build_held_strongly, begin_only, lock_share, waits_verdict},
    {"lock wait, strong behind weak", build_held_weakly, begin_only, lock_strongest, waits_verdict},
    {"lock wait, weak to strong", build_held_weakly, begin_with_weak_lock, lock_strongest,
     waits_verdict},
    {"lock wait, canceled", build_held_and_canceled, begin_only, lock_canceled, waits_verdict},
    {"lock wait, deadlock", build_deadlock, begin_waited_for, lock_deadlock, waits_verdict},
    {"row wait", build_row_held, begin_only, wait_for_row, waits_verdict},
    {"txn commit, waited for", build_waited_for, begin_with_waiters, commit, waits_verdict,
     .record = REC_COMMIT},
    {"txn abort, waited for", build_waited_for, begin_with_waiters, rollback, waits_verdict,
     .record = REC_ROLLED_BACK, .ends_undone = true},
    {"txnd adds a wait", build_txnd, NULL, txnd_adds, waits_verdict, .by_txnd = true},
    {"txnd lets go", build_txnd_ended, NULL, txnd_ends, waits_verdict, .by_txnd = true},
    {"txnd moves the horizon", build_horizon, NULL, txnd_horizon, verify_horizon, .by_txnd = true},
};
const unsigned ops_lock_count = sizeof ops_lock / sizeof *ops_lock;
