/* Purge: reads the log from behind and removes what no snapshot can see (DESIGN 5).
 *
 * A delete-marked entry is taken away when the deletion is older than the oldest snapshot; it is
 * recognised by the LSN of the record that marked it, so a record whose transaction was rolled back
 * finds nothing to do. A dropped tree has no such guard: it is freed only when its transaction's
 * COMMIT record is met. Until then the drop is remembered and holds purge_lsn back, so that a new
 * txnd meets it again. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "txnd.h"

static void publish(struct txnd *t) {
    uint64_t at = t->purge.position.at;
    for (unsigned i = 0; i < t->purge.ndrops; i++)
        if (t->purge.drops[i].at.at < at) at = t->purge.drops[i].at.at;
    atomic_store(&t->d->proc.shm->txn->purge_lsn, at);
}

static void wait_for_tick(struct txnd *t) {
    publish(t);
    t->purger = coro_self();
    daemon_suspend(t->d);
    t->purger = NULL;
}

/* Suspends until everybody sees the end of transaction x, or it was rolled back. */
static void wait_until_seen_by_all(struct txnd *t, txid x) {
    struct shm *shm = t->d->proc.shm;
    for (;;) {
        commit_time time = 0;
        enum txn_fate fate = txn_fate(shm, x, &time, NULL);
        if (fate == FATE_ROLLED_BACK) return;
        if (fate == FATE_COMMITTED && time <= atomic_load(&shm->txn->oldest_snapshot)) return;
        wait_for_tick(t);
    }
}

/* What fails (an unreadable page) stays as it is: a delete-marked entry more is no harm. */
static void purge_entry(struct txnd *t, const struct rec_head *r, lsn at) {
    struct rec_entry_view v;
    if (!ok(rec_entry_parse(r, &v)) || !(v.e->new_flags & ENTRY_DELETED)) return;
    wait_until_seen_by_all(t, r->txid);
    struct tree tree = {.root = {v.e->root}, .id = r->tree};
    if (ok(tree_purge(&t->d->proc, tree, v.key, v.e->key_len, at)))
        counter_add(&t->d->proc, COUNTER_PURGED_ENTRIES, 1);
}

static void remember_drop(struct txnd *t, const struct rec_head *r, lsn at) {
    while (t->purge.ndrops == t->purge.drops_cap) {
        unsigned cap = t->purge.drops_cap ? t->purge.drops_cap * 2 : 64;
        struct drop *drops = reallocarray(t->purge.drops, cap, sizeof *drops);
        if (drops) {
            t->purge.drops = drops;
            t->purge.drops_cap = cap;
        } else {
            daemon_sleep(t->d, TICK_NS);
        }
    }
    t->purge.drops[t->purge.ndrops++] =
        (struct drop){r->txid, at, {{load_le64(rec_payload_c(r))}, r->tree}};
}

/* The drop was undone by a rollback to a savepoint. */
static void forget_drop(struct txnd *t, const struct rec_head *r) {
    uint64_t root = load_le64(rec_payload_c(r));
    for (unsigned i = t->purge.ndrops; i-- > 0;) {
        if (t->purge.drops[i].x != r->txid || t->purge.drops[i].tree.root.no != root) continue;
        t->purge.drops[i] = t->purge.drops[--t->purge.ndrops];
        return;
    }
}

/* The transaction's end: frees the trees that it dropped, or forgets that it wanted to. */
static void end_drops(struct txnd *t, const struct rec_head *r) {
    for (unsigned i = 0; i < t->purge.ndrops;) {
        if (t->purge.drops[i].x != r->txid) {
            i++;
            continue;
        }
        if (r->type == REC_COMMIT) {
            wait_until_seen_by_all(t, r->txid);
            PROBE(axolotl_txnd, free_tree, t->purge.drops[i].tree.root.no);
            if (!ok(tree_free_created(&t->d->proc, t->purge.drops[i].tree, LSN_NONE,
                                      t->purge.drops[i].at))) {
                daemon_sleep(t->d, TICK_NS);
                continue;
            }
        }
        t->purge.drops[i] = t->purge.drops[--t->purge.ndrops];
    }
}

static void purge_record(struct txnd *t, const struct rec_head *r, lsn at) {
    switch (r->type) {
    case REC_ENTRY_UPDATE:
    case REC_ENTRY_DELETE:
        if (r->txid && !(r->flags & REC_COMPENSATION)) purge_entry(t, r, at);
        break;
    case REC_TREE_DROP:
        if (r->flags & REC_COMPENSATION)
            forget_drop(t, r);
        else
            remember_drop(t, r, at);
        break;
    case REC_COMMIT:
    case REC_ROLLED_BACK: end_drops(t, r); break;
    default: break;
    }
}

void purge_main(void *arg) {
    struct txnd *t = arg;
    struct proc *p = &t->d->proc;
    struct shm *shm = p->shm;
    while (!atomic_load(&shm->control->redo_done)) daemon_sleep(t->d, 1000000);
    uint64_t begin = atomic_load(&shm->txn->purge_lsn);
    if (!begin) begin = atomic_load(&shm->control->purge_lsn);
    t->purge.position = (lsn){begin ? begin : LOG_FIRST.at};
    struct log_scan scan;
    log_scan_begin(&scan, t->purge.position, t->purge.buf);
    for (unsigned breath = 0;; breath++) {
        const struct rec_head *r;
        lsn at, limit = {atomic_load(&shm->log->durable)};
        if (!ok(log_scan_next(p, &scan, limit, &r, &at))) { /* the end, or a disk that fails now */
            wait_for_tick(t);
            continue;
        }
        purge_record(t, r, at);
        t->purge.position.at = at.at + r->len;
        if (breath % 256 == 255) {
            publish(t);
            p->env->pause(p);
        }
    }
}
