#include "txnd_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "births.h"
#include "log/log.h"
#include "pool/frame.h"

#define APPLIANCE 7
#define SEGMENT_BYTES (4u << 20)
#define TURNS_MAX 2000000u

static const struct daemon_ops worker_ops = {.name = "worker"};

static void open_daemon(struct world *w, struct daemon *d, const struct daemon_ops *ops,
                        uint16_t slot, bool restart) {
    struct error e = {0};
    if (!ok(daemon_open(d, ops, &w->shm, slot, &w->conf, w->dir, restart, &e)))
        fail_msg("%s", e.message);
}

void world_make(struct world *w, uint32_t map_entries) {
    memset(w, 0, sizeof *w);
    struct shm_sizes sizes = {.frames = 512,
                              .page_buckets = 512,
                              .workers = WORKERS,
                              .sessions = 4,
                              .txns = 192,
                              .map_entries = map_entries,
                              .ring_bytes = 16u << 20};
    struct error e = {0};
    must(region_create_all(NULL, &sizes, &w->shm, &e));
    conf_init(&w->conf);
    strcpy(w->conf.io_method, "sim");
    w->conf.checkpoint_interval = 1000000;
    w->conf.spin_us_max = 0;
    strcpy(w->dir, "/tmp/axl-txnd-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->sim = disk_sim_new(1, 0);
    w->shm.control->appliance_id = APPLIANCE;
    must(birth_storaged_format(w->dir, APPLIANCE));
    must(birth_logd_format(w->dir, APPLIANCE, SEGMENT_BYTES));
    open_daemon(w, &w->storaged, birth_storaged, SLOT_STORAGED, false);
    open_daemon(w, &w->logd, birth_logd, SLOT_LOGD, false);
    open_daemon(w, &w->txnd, &txnd_ops, SLOT_TXND, false);
    for (unsigned i = 0; i < WORKERS; i++)
        open_daemon(w, &w->worker[i], &worker_ops, (uint16_t)(SLOT_QUERYD + i), false);
    for (unsigned n = 0; !atomic_load(&w->shm.control->redo_done); n++) {
        assert_true(n < TURNS_MAX);
        world_turn(w, 1);
    }
}

void world_free(struct world *w) {
    for (unsigned i = 0; i < WORKERS; i++) daemon_close(&w->worker[i]);
    if (!w->txnd_is_dead) daemon_close(&w->txnd);
    daemon_close(&w->logd);
    daemon_close(&w->storaged);
    region_detach_all(&w->shm);
    disk_sim_free(w->sim);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
}

void world_turn(struct world *w, unsigned rounds) {
    for (unsigned n = 0; n < rounds; n++) {
        for (unsigned i = 0; i < WORKERS; i++) assert_true(daemon_turn(&w->worker[i], 0));
        if (!w->txnd_is_dead) assert_true(daemon_turn(&w->txnd, 0));
        if (!w->logd_stands) assert_true(daemon_turn(&w->logd, 0));
        assert_true(daemon_turn(&w->storaged, 0));
    }
}

struct txnd *world_txnd(struct world *w) {
    return w->txnd.state;
}

void world_tick(struct world *w) {
    world_txnd(w)->next_tick_ns = 0;
    world_turn(w, 20);
}

/* What the supervisor does when a process is gone. */
static void bury(struct world *w, struct daemon *d) {
    struct owner dead = d->proc.owner;
    daemon_close(d);
    atomic_store(&w->shm.control->procs[dead.slot].state, PROC_DEAD);
    log_repair(&w->shm, dead.slot, txn_map_entry);
    pool_repair(&w->shm, dead);
    txn_repair(&w->shm, dead);
}

void world_kill_txnd(struct world *w) {
    bury(w, &w->txnd);
    w->txnd_is_dead = true;
}

void world_restart_txnd(struct world *w) {
    open_daemon(w, &w->txnd, &txnd_ops, SLOT_TXND, true);
    w->txnd_is_dead = false;
}

void world_kill_worker(struct world *w, unsigned worker) {
    bury(w, &w->worker[worker]);
    open_daemon(w, &w->worker[worker], &worker_ops, (uint16_t)(SLOT_QUERYD + worker), true);
}

bool world_page_used(struct world *w, page_id page) {
    struct frame *f = pool_peek(&w->shm, space_page_of(page));
    assert_non_null(f);
    const struct space_page *s = frame_bytes(&w->shm, f);
    return space_bit(s, page.no - s->first);
}

/* ---- acts ------------------------------------------------------------------------------------ */

static void act_run(void *arg) {
    struct act *a = arg;
    a->result = a->fn(&a->w->worker[a->worker].proc, a);
    a->done = true;
}

void act_start(struct world *w, struct act *a) {
    a->w = w;
    a->done = false;
    must(daemon_spawn(&w->worker[a->worker], 0, act_run, a));
}

status act_finish(struct act *a) {
    for (unsigned n = 0; !a->done; n++) {
        if (n > TURNS_MAX) fail_msg("it waits for ever");
        world_turn(a->w, 1);
    }
    return a->result;
}

status act_do(struct world *w, struct act a) {
    act_start(w, &a);
    return act_finish(&a);
}

status fn_commit(struct proc *p, struct act *a) {
    return txn_commit(p, a->t, true);
}
status fn_rollback(struct proc *p, struct act *a) {
    return txn_rollback(p, a->t);
}
status fn_rollback_to(struct proc *p, struct act *a) {
    return txn_rollback_to(p, a->t, a->mark);
}
status fn_snapshot(struct proc *p, struct act *a) {
    return txn_snapshot(p, a->t, a->snapshot);
}
status fn_need_id(struct proc *p, struct act *a) {
    return txn_need_id(p, a->t);
}
status fn_drop(struct proc *p, struct act *a) {
    return txn_drop_tree(p, a->t, a->tree);
}
status fn_create(struct proc *p, struct act *a) {
    return tree_create(p, &a->t->writer, 77, &a->made);
}
status fn_wait(struct proc *p, struct act *a) {
    return txn_wait(p, a->t, a->x, a->row, a->timeout_ms);
}
status fn_lock(struct proc *p, struct act *a) {
    return txn_lock_relation(p, a->t, a->relation, a->mode, false, a->timeout_ms);
}
status fn_call(struct proc *p, struct act *a) {
    return p->env->call(p, SLOT_TXND, a->m);
}

status fn_put(struct proc *p, struct act *a) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    size_t n = strlen(a->key), m = strlen(a->value);
    TRY(txn_need_id(p, a->t));
    status s = tree_get(p, a->tree, a->key, n, buf, &e);
    if (status_is(s, ST_NOT_FOUND) || (ok(s) && e.flags & ENTRY_DELETED))
        return tree_insert(p, &a->t->writer, a->tree, a->key, n, a->value, m, txn_is_running, NULL);
    TRY(s);
    return tree_update(p, &a->t->writer, a->tree, a->key, n, e.lsn, a->value, m, txn_is_running,
                       NULL);
}

status fn_take_out(struct proc *p, struct act *a) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    TRY(txn_need_id(p, a->t));
    TRY(tree_get(p, a->tree, a->key, strlen(a->key), buf, &e));
    return tree_delete(p, &a->t->writer, a->tree, a->key, strlen(a->key), e.lsn, txn_is_running,
                       NULL);
}

status fn_see(struct proc *p, struct act *a) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    a->text[0] = '\0';
    status s = tree_get(p, a->tree, a->key, strlen(a->key), buf, &e);
    if (ok(s)) s = version_visible(p, a->snapshot, &e, buf);
    if (status_is(s, ST_NOT_FOUND)) return OK;
    TRY(s);
    snprintf(a->text, sizeof a->text, "%.*s", (int)e.value_len, (const char *)e.value);
    return OK;
}

status fn_count(struct proc *p, struct act *a) {
    struct tree_report report = {0};
    TRY(tree_check(p, a->tree, NULL, NULL, &report));
    a->entries = report.entries;
    return OK;
}

/* ---- short words ----------------------------------------------------------------------------- */

void begin(struct world *w, unsigned worker, struct txn *t) {
    *t = (struct txn){0};
    must(txn_begin(&w->worker[worker].proc, t, ISO_READ_COMMITTED, w->sessions++));
    must(act_do(w, (struct act){.fn = fn_need_id, .worker = worker, .t = t}));
}

void begin_reader(struct world *w, unsigned worker, struct txn *t, struct snapshot *ret_snapshot) {
    *t = (struct txn){0};
    must(txn_begin(&w->worker[worker].proc, t, ISO_REPEATABLE_READ, w->sessions++));
    must(act_do(
        w, (struct act){.fn = fn_snapshot, .worker = worker, .t = t, .snapshot = ret_snapshot}));
}

void commit(struct world *w, unsigned worker, struct txn *t) {
    must(act_do(w, (struct act){.fn = fn_commit, .worker = worker, .t = t}));
}

void rollback(struct world *w, unsigned worker, struct txn *t) {
    must(act_do(w, (struct act){.fn = fn_rollback, .worker = worker, .t = t}));
}

struct tree new_tree(struct world *w) {
    struct txn t;
    begin(w, 0, &t);
    struct act a = {.fn = fn_create, .t = &t};
    act_start(w, &a);
    must(act_finish(&a));
    commit(w, 0, &t);
    return a.made;
}

void put(struct world *w, struct txn *t, struct tree tree, const char *key, const char *value) {
    must(act_do(w, (struct act){.fn = fn_put, .t = t, .tree = tree, .key = key, .value = value}));
}

void take_out(struct world *w, struct txn *t, struct tree tree, const char *key) {
    must(act_do(w, (struct act){.fn = fn_take_out, .t = t, .tree = tree, .key = key}));
}

const char *see(struct world *w, struct snapshot *s, struct tree tree, const char *key) {
    static struct act a;
    a = (struct act){.fn = fn_see, .snapshot = s, .tree = tree, .key = key};
    act_start(w, &a);
    must(act_finish(&a));
    return a.text;
}

uint64_t count_entries(struct world *w, struct tree tree) {
    struct act a = {.fn = fn_count, .tree = tree};
    act_start(w, &a);
    must(act_finish(&a));
    return a.entries;
}
