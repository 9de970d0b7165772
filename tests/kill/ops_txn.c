/* ops_txn.c: lives of transactions. */
#include <stdlib.h>

#include "base/check.h"
#include "txn/export.h"
#include "world.h"

#define RELATION 77u

/* A tree with some rows, all in the data file but the newest. */
static void build_rows(struct world *w) {
    for (unsigned row = 0; row < 6; row++) world_row(w, row, row + 1);
    world_write_home(w);
    world_row(w, 6, 7);
}

/* Of the transactions that write: row 1 changes, row 7 comes, row 2 goes. */
static void build_changes(struct world *w) {
    build_rows(w);
    w->after.seed[1] = 41;
    w->after.seed[7] = 42;
    w->after.seed[2] = 0;
}

static status begin_only(struct world *w, struct actor *a) {
    (void)w;
    return txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, 1);
}

static status begin_with_id(struct world *w, struct actor *a) {
    (void)w;
    return actor_begin(a);
}

static status begin_with_snapshot(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    return txn_snapshot(&a->proc, &a->txn, &a->snap);
}

static status begin_with_changes(struct world *w, struct actor *a) {
    TRY(actor_begin(a));
    TRY(row_put(w, a, 1, 41));
    TRY(row_put(w, a, 7, 42));
    return row_delete(w, a, 2);
}

static status begin_with_changes_behind_mark(struct world *w, struct actor *a) {
    TRY(actor_begin(a));
    a->mark = txn_mark(&a->txn);
    TRY(row_put(w, a, 1, 41));
    TRY(row_put(w, a, 7, 42));
    return row_delete(w, a, 2);
}

static status need_id(struct world *w, struct actor *a) {
    (void)w;
    return txn_need_id(&a->proc, &a->txn);
}

static status commit(struct world *w, struct actor *a) {
    (void)w;
    return txn_commit(&a->proc, &a->txn, true);
}

static status commit_without_wait(struct world *w, struct actor *a) {
    (void)w;
    return txn_commit(&a->proc, &a->txn, false);
}

static status rollback(struct world *w, struct actor *a) {
    (void)w;
    return txn_rollback(&a->proc, &a->txn);
}

/* The log fails in the middle: what is left is txnd's. */
static status begin_with_changes_and_locks(struct world *w, struct actor *a) {
    TRY(begin_with_changes(w, a));
    TRY(txn_lock_relation(&a->proc, &a->txn, RELATION, MODE_EXCLUSIVE, true, 0));
    return txn_lock_relation(&a->proc, &a->txn, RELATION + 10, MODE_SHARE, true, 0);
}
static status rollback_fails(struct world *w, struct actor *a) {
    (void)w;
    _Atomic uint64_t *failed = &a->proc.shm->log->failed;
    atomic_store(failed, ST_IO_ERROR);
    status s = txn_rollback(&a->proc, &a->txn);
    atomic_store(failed, ST_OK);
    return status_is(s, ST_IO_ERROR) ? OK : ok(s) ? STATUS(INVALID) : s;
}
static void log_mended(struct world *w) {
    atomic_store(&w->copy.log->failed, ST_OK);
}

static status rollback_to(struct world *w, struct actor *a) {
    (void)w;
    return txn_rollback_to(&a->proc, &a->txn, a->mark);
}

static status snapshot(struct world *w, struct actor *a) {
    (void)w;
    return txn_snapshot(&a->proc, &a->txn, &a->snap);
}

static status snapshot_release(struct world *w, struct actor *a) {
    (void)w;
    txn_snapshot_release(&a->txn);
    return OK;
}

/* Another worker's transaction, which goes on, and what it has given out of its snapshot. */
struct exporter {
    struct actor actor;
    struct snapshot_export shown;
};

static void build_exporter(struct world *w) {
    build_rows(w);
    struct exporter *other = w->more = calloc(1, sizeof *other);
    CHECK(other);
    struct actor *a = &other->actor;
    world_proc(w, false, OTHER_WORKER + 1, 1, &a->proc);
    CHECK(ok(txn_begin(&a->proc, &a->txn, ISO_REPEATABLE_READ, 1)));
    CHECK(ok(txn_snapshot(&a->proc, &a->txn, &a->snap)));
    txn_snapshot_export(&a->proc, &a->txn, &other->shown);
    world_row(w, 9, 10); /* it does not see this one */
}

static status begin_repeatable(struct world *w, struct actor *a) {
    (void)w;
    return txn_begin(&a->proc, &a->txn, ISO_REPEATABLE_READ, 1);
}

static status import(struct world *w, struct actor *a) {
    const struct exporter *other = w->more;
    status s = txn_snapshot_import(&a->proc, &a->txn, &other->shown);
    if (status_is(s, ST_NOT_FOUND)) return OK; /* where the operation is done again */
    TRY(s);
    TRY(txn_snapshot(&a->proc, &a->txn, &a->snap));
    return a->snap.time == other->shown.time ? OK : STATUS(INVALID);
}

/* The other one shows its snapshot as before, and nobody else does; it ends at once. */
static void end_exporter(struct world *w) {
    const struct exporter *was = w->more;
    for (uint32_t i = 0; i < w->copy.sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(&w->copy, i);
        uint64_t shown = i == was->shown.index ? was->shown.time + 1 : 0;
        MUST(w, atomic_load(&s->snapshot) == shown);
    }
    struct actor other = was->actor;
    world_proc(w, true, OTHER_WORKER + 1, 1, &other.proc);
    other.txn.slot = txn_slot_at(&w->copy, other.txn.index);
    MUST_OK(w, txn_rollback(&other.proc, &other.txn));
}

static status lock(struct actor *a, enum relation_mode mode) {
    return txn_lock_relation(&a->proc, &a->txn, RELATION, mode, true, 0);
}

static status lock_weak(struct world *w, struct actor *a) {
    (void)w;
    return lock(a, MODE_ROW_EXCLUSIVE);
}

static status lock_strong(struct world *w, struct actor *a) {
    (void)w;
    return lock(a, MODE_ACCESS_EXCLUSIVE);
}

static status begin_with_weak_lock(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    return lock(a, MODE_ROW_EXCLUSIVE);
}

static status begin_with_locks(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    TRY(txn_lock_relation(&a->proc, &a->txn, RELATION + 10, MODE_EXCLUSIVE, true, 0));
    TRY(lock(a, MODE_SHARE));
    TRY(txn_lock_relation(&a->proc, &a->txn, RELATION + 20, MODE_ACCESS_SHARE, true, 0));
    return lock(a, MODE_ACCESS_EXCLUSIVE);
}

/* Another worker's strong mode stands in the way: the attempt is taken back. */
static void build_conflict(struct world *w) {
    build_rows(w);
    struct actor *other = w->more = calloc(1, sizeof *other);
    CHECK(other);
    world_proc(w, false, OTHER_WORKER + 1, 1, &other->proc);
    CHECK(ok(begin_with_locks(w, other)));
}

static status lock_refused(struct world *w, struct actor *a) {
    (void)w;
    status s = lock(a, MODE_SHARE_ROW_EXCLUSIVE);
    return status_is(s, ST_LOCK_NOT_AVAILABLE) ? OK : s;
}

/* On the copy the other one ends at once, so that everything must be free. */
static void end_conflict(struct world *w) {
    struct actor other = *(struct actor *)w->more;
    world_proc(w, true, OTHER_WORKER + 1, 1, &other.proc);
    other.txn.slot = txn_slot_at(&w->copy, other.txn.index);
    MUST_OK(w, txn_rollback(&other.proc, &other.txn));
}

static void build_second(struct world *w) {
    build_rows(w);
    struct actor a = {.index = 0};
    world_proc(w, false, OTHER_WORKER, 1, &a.proc);
    CHECK(ok(actor_begin(&a)));
    CHECK(ok(tree_create(&a.proc, &a.txn.writer, 9, &w->second)));
    CHECK(ok(txn_commit(&a.proc, &a.txn, true)));
}

static status drop_tree(struct world *w, struct actor *a) {
    return txn_drop_tree(&a->proc, &a->txn, w->second);
}

/* What a dead worker left is being undone, and now txnd dies. */
static void build_orphan(struct world *w) {
    build_rows(w);
    struct actor a = {.index = 0};
    world_proc(w, false, WORKER, 1, &a.proc);
    CHECK(ok(begin_with_changes(w, &a)));
    CHECK(ok(lock(&a, MODE_ACCESS_EXCLUSIVE)));
    txn_repair(&w->live, a.proc.owner);
    w->actor.index = a.txn.index;
}

static status finish_orphan(struct world *w, struct actor *a) {
    (void)w;
    status s = txn_finish_orphan(&a->proc, a->index);
    return status_is(s, ST_NOT_FOUND) ? OK : s;
}

const struct kill_op ops_txn[] = {
    {"txn begin", build_rows, NULL, begin_only, NULL},
    {"txn need id", build_rows, begin_only, need_id, NULL},
    {"txn snapshot", build_rows, begin_only, snapshot, NULL},
    {"txn snapshot release", build_rows, begin_with_snapshot, snapshot_release, NULL},
    {"txn snapshot taken over", build_exporter, begin_repeatable, import, end_exporter},
    {"txn commit", build_changes, begin_with_changes, commit, NULL, .record = REC_COMMIT},
    {"txn commit, not waiting", build_changes, begin_with_changes, commit_without_wait, NULL,
     .record = REC_COMMIT},
    {"txn commit, nothing written", build_rows, begin_with_snapshot, commit, NULL},
    {"txn commit, id but no record", build_rows, begin_with_id, commit, NULL},
    {"txn abort", build_rows, begin_with_changes, rollback, NULL, .record = REC_ROLLED_BACK,
     .ends_undone = true},
    {"txn abort that fails", build_rows, begin_with_changes_and_locks, rollback_fails, log_mended,
     .ends_undone = true, .alone = true},
    {"txn rollback to a mark", build_rows, begin_with_changes_behind_mark, rollback_to, NULL,
     .record = REC_ENTRY_RESTORE, .ends_undone = true},
    {"relation lock, weak", build_rows, begin_only, lock_weak, NULL},
    {"relation lock, strong", build_rows, begin_only, lock_strong, NULL},
    {"relation lock, weak to strong", build_rows, begin_with_weak_lock, lock_strong, NULL},
    {"relation lock, refused", build_conflict, begin_only, lock_refused, end_conflict},
    {"relation locks given back", build_rows, begin_with_locks, commit, NULL},
    {"tree drop", build_second, begin_with_id, drop_tree, NULL, .record = REC_TREE_DROP},
    {"orphan undone by txnd", build_orphan, NULL, finish_orphan, NULL, .record = REC_ROLLED_BACK,
     .ends_undone = true, .by_txnd = true},
};
const unsigned ops_txn_count = sizeof ops_txn / sizeof *ops_txn;
