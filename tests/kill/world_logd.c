/* world_logd.c: logd dies, and is born again on a copy of regions and files.
 *
 * It is a real one with segments of 1 MiB. At a point its files are copied with the regions. First
 * everything is taken to have died: a logd with regions of its own recovers the copied files, and
 * must find at least what had been said to be durable and visible. Then logd alone has died: the
 * next one goes on with the ring, makes everything durable, and once more the files must hold it
 * all. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/conf.h"
#include "logd.h"
#include "world.h"

#define PATH_BYTES 384
#define TURNS_MAX 20000
#define LOSER 1000 /* a transaction without an end */

struct scene {
    struct conf conf;
    struct shm third; /* of those who recover from the files alone */
    struct daemon live, copy, recovered;
    char live_dir[96], copy_dir[96];
    txid next;
};

static struct scene *scene_of(const struct world *w) {
    return w->more;
}

struct daemon *logd_live(struct world *w) {
    return &scene_of(w)->live;
}

/* ---- files ---------------------------------------------------------------------------------- */

static void remove_files(const char *dir) {
    char path[PATH_BYTES];
    struct dirent *e;
    DIR *d = opendir(dir);
    if (!d) return;
    while ((e = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path); /* not "." and ".." */
    }
    closedir(d);
}

static void copy_files(const struct scene *g) {
    char from[PATH_BYTES], to[PATH_BYTES], from_dir[128], to_dir[128];
    struct dirent *e;
    snprintf(from_dir, sizeof from_dir, "%s/log", g->live_dir);
    snprintf(to_dir, sizeof to_dir, "%s/log", g->copy_dir);
    remove_files(to_dir);
    DIR *d = opendir(from_dir);
    CHECK(d);
    while ((e = readdir(d))) {
        if (*e->d_name == '.') continue;
        snprintf(from, sizeof from, "%s/%s", from_dir, e->d_name);
        snprintf(to, sizeof to, "%s/%s", to_dir, e->d_name);
        world_copy_file(from, to);
    }
    closedir(d);
}

/* ---- before --------------------------------------------------------------------------------- */

/* A transaction: a record that an undo has nothing to do for, and a commit. */
static void put_one(struct proc *p, txid x) {
    static _Alignas(8) char buf[1024];
    struct rec_head *r = (struct rec_head *)buf;
    commit_time time;
    memset(buf, 0x5a, sizeof buf);
    *r = (struct rec_head){.len = 80 + (uint32_t)(x % 100) * 8, .type = REC_FILLER, .txid = x};
    lsn at = log_insert(p, r);
    log_commit(p, x, at, txn_map_entry(p->shm, x), &time);
}

static void put_filler(struct proc *p) {
    static _Alignas(8) char buf[REC_BYTES_MAX];
    struct rec_head *r = (struct rec_head *)buf;
    *r = (struct rec_head){.len = REC_BYTES_MAX / 4, .type = REC_FILLER};
    log_insert(p, r);
}

void logd_put(struct world *w, uint64_t bytes) {
    struct proc p;
    world_proc(w, false, OTHER_WORKER, 1, &p);
    uint64_t end = atomic_load(&w->live.log->tail) + bytes;
    while (atomic_load(&w->live.log->tail) + REC_BYTES_MAX < end) put_filler(&p);
    while (atomic_load(&w->live.log->tail) < end) put_one(&p, scene_of(w)->next++);
}

static void put_loser(struct world *w) {
    struct proc p;
    struct {
        struct rec_head head;
        uint64_t root;
    } r = {{.len = sizeof r, .type = REC_TREE_DROP, .tree = 4711, .txid = LOSER}, 99};
    world_proc(w, false, OTHER_WORKER, 1, &p);
    log_insert(&p, &r.head);
}

static void turn_until_durable(struct daemon *d) {
    const struct log_shared *l = d->proc.shm->log;
    for (unsigned n = 0; atomic_load(&l->durable) < atomic_load(&l->tail); n++)
        CHECK(n < TURNS_MAX && daemon_turn(d, 0));
}

void logd_turns(struct world *w) {
    turn_until_durable(logd_live(w));
}

/* Nothing needs a data key before the newest. */
static bool sealed_anew(const struct world *w, const struct shm *shm) {
    return atomic_load(&shm->control->key_use[KEY_USE_LOG].oldest) == w->keys;
}

/* The next life of the dead one. */
void logd_begins(struct world *w, struct daemon *d) {
    struct scene *g = scene_of(w);
    struct error e = {0};
    const struct control *c = w->live.control;
    atomic_store(&w->live.control->procs[SLOT_LOGD].state, PROC_DEAD);
    world_keys(w, &w->live, KEY_USE_LOG);
    CHECK(ok(daemon_open(d, &logd_ops, &w->live, SLOT_LOGD, &g->conf, g->live_dir, true, &e)));
    while (atomic_load(&c->recovered_lsn) == 0) CHECK(daemon_turn(d, 0));
    turn_until_durable(d);
    while (!sealed_anew(w, &w->live)) CHECK(daemon_turn(d, 0));
}

static void watch(struct world *w) {
    struct shm *l = &w->live, *c = &w->copy;
    world_add_area(w, "log", false, l->log, c->log, sizeof *l->log);
    world_add_area(w, "txn", false, l->txn, c->txn, txn_shared_bytes(&l->sizes));
    world_add_area(w, "control", false, l->control, c->control, sizeof *l->control);
    world_add_area(w, "inbox", false, l->rings->inbox, c->rings->inbox, sizeof l->rings->inbox);
    memcpy(c->log_ring, l->log_ring, atomic_load(&l->log->tail));
    w->tail0 = atomic_load(&l->log->tail);
}

static void build(struct world *w) {
    struct scene *g = w->more = calloc(1, sizeof *g);
    struct error e = {0};
    CHECK(g);
    conf_init(&g->conf);
    g->conf.log_keep_size = 0;
    strcpy(g->conf.io_method, "plain");
    strcpy(w->dir, "/tmp/axl-kill-XXXXXX");
    CHECK(mkdtemp(w->dir));
    snprintf(g->live_dir, sizeof g->live_dir, "%s/live", w->dir);
    snprintf(g->copy_dir, sizeof g->copy_dir, "%s/copy", w->dir);
    CHECK(mkdir(g->live_dir, 0700) == 0 && mkdir(g->copy_dir, 0700) == 0);
    w->keys = w->op->keys > 0;
    world_keys(w, &w->live, KEY_USE_LOG);
    CHECK(ok(logd_format(g->live_dir, "plain", SEGMENT_BYTES_MIN, APPLIANCE)));
    CHECK(ok(logd_format(g->copy_dir, "plain", SEGMENT_BYTES_MIN, APPLIANCE)));
    CHECK(ok(region_create_all(NULL, &w->live.sizes, &g->third, &e)));
    w->live.control->appliance_id = w->copy.control->appliance_id = APPLIANCE;
    g->third.control->appliance_id = APPLIANCE;
    log_shared_init(w->live.log, LOG_FIRST, 0);
    atomic_store(&w->live.control->recovered_lsn, LOG_FIRST.at);
    atomic_store(&w->live.control->redo_lsn, LOG_FIRST.at);
    CHECK(
        ok(daemon_open(&g->live, &logd_ops, &w->live, SLOT_LOGD, &g->conf, g->live_dir, true, &e)));
    g->next = 1;
    put_loser(w);
    logd_put(w, 3000);
    logd_turns(w);
    w->op->build(w);
    if (!w->actor.proc.shm) w->actor.proc = g->live.proc;
    w->keys = w->op->keys;
    watch(w);
}

/* ---- after ---------------------------------------------------------------------------------- */

static bool opened(struct world *w, struct daemon *d, struct shm *shm, bool restart) {
    struct scene *g = scene_of(w);
    struct error e = {0};
    if (d->loop) daemon_close(d); /* of a trial that failed */
    world_keys(w, &w->copy, KEY_USE_LOG);
    atomic_store(&shm->control->procs[SLOT_LOGD].state, PROC_DEAD);
    return ok(daemon_open(d, &logd_ops, shm, SLOT_LOGD, &g->conf, g->copy_dir, restart, &e));
}

static void turn_until_ready(struct world *w, struct daemon *d) {
    const struct control *c = d->proc.shm->control;
    for (unsigned n = 0; atomic_load(&c->recovered_lsn) == 0; n++)
        MUST(w, n < TURNS_MAX && daemon_turn(d, 0));
}

/* The transaction without an end is found. A life that died while it noted it leaves a second slot,
 * which is closed without an undo. */
static void check_loser(struct world *w, struct shm *shm) {
    struct proc txnd;
    txn_ref ref;
    MUST(w, txn_fate(shm, LOSER, NULL, &ref) == FATE_RUNNING && txn_ref_alive(shm, ref));
    world_proc(w, true, SLOT_TXND, 2, &txnd);
    txnd.shm = shm;
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) == TXN_FREE) continue;
        MUST(w, txn_slot_state(s) == TXN_ORPHAN && atomic_load(&s->x) == LOSER);
        MUST(w, atomic_load(&s->last_lsn) == LOG_FIRST.at);
        if ((ref & 0xffff) == i) continue;
        MUST_OK(w, txn_finish_orphan(&txnd, i));
        MUST(w, txn_slot_state(s) == TXN_FREE);
    }
    for (txid x = 1; x < LOSER; x++) MUST(w, txn_fate(shm, x, NULL, NULL) == FATE_COMMITTED);
    MUST(w, atomic_load(&shm->txn->next_txid) == LOSER + 1);
}

void logd_check_loser(struct world *w) {
    check_loser(w, &w->copy);
}

/* Everything has died: what the files hold. */
static void recover(struct world *w, uint64_t durable, commit_time visible) {
    struct scene *g = scene_of(w);
    struct shm *t = &g->third;
    memset((void *)t->txn, 0, txn_shared_bytes(&t->sizes));
    txn_shared_init(t, 1);
    atomic_store(&t->control->recovered_lsn, 0);
    atomic_store(&t->control->redo_lsn, atomic_load(&w->copy.control->redo_lsn));
    atomic_store(&t->control->redo_done, 1);
    MUST(w, opened(w, &g->recovered, t, false));
    turn_until_ready(w, &g->recovered);
    MUST(w, atomic_load(&t->control->recovered_lsn) >= durable);
    if (atomic_load(&t->control->redo_lsn) == LOG_FIRST.at) { /* else a checkpoint would tell */
        MUST(w, atomic_load(&t->log->last_commit) >= visible);
        check_loser(w, t);
    }
    daemon_close(&g->recovered);
}

static void go_on(struct world *w) {
    struct proc p;
    world_proc(w, true, OTHER_WORKER, 2, &p);
    for (unsigned i = 0; i < 5; i++) put_one(&p, scene_of(w)->next + i);
}

static void judge(struct world *w) {
    struct scene *g = scene_of(w);
    const struct shm *shm = &w->copy;
    verdict_repair(w);
    uint64_t tail = atomic_load(&shm->log->tail), durable = atomic_load(&shm->log->durable);
    commit_time visible = atomic_load(&shm->log->visible);
    bool recovering = atomic_load(&shm->control->recovered_lsn) == 0;
    MUST(w, durable <= tail || recovering);
    copy_files(g);
    if (w->tried % 2) {
        recover(w, recovering ? w->tail0 : durable, recovering ? 0 : visible);
        copy_files(g);
    }
    MUST(w, opened(w, &g->copy, &w->copy, true));
    turn_until_ready(w, &g->copy);
    turn_until_durable(&g->copy);
    for (unsigned n = 0; !sealed_anew(w, shm); n++)
        MUST(w, n < TURNS_MAX && daemon_turn(&g->copy, 1));
    MUST(w, atomic_load(&shm->log->tail) == w->tail0);
    MUST(w, atomic_load(&shm->log->visible) == atomic_load(&shm->log->last_commit));
    MUST(w, atomic_load(&shm->log->oldest) <= atomic_load(&shm->control->redo_lsn));
    if (w->op->verify) w->op->verify(w);
    go_on(w);
    turn_until_durable(&g->copy);
    daemon_close(&g->copy);
    recover(w, atomic_load(&shm->log->tail), atomic_load(&shm->log->last_commit));
}

static void clear_away(struct world *w) {
    struct scene *g = scene_of(w);
    char path[PATH_BYTES];
    if (!g) return;
    if (g->live.loop) daemon_close(&g->live);
    if (g->copy.loop) daemon_close(&g->copy);
    if (g->recovered.loop) daemon_close(&g->recovered);
    region_detach_all(&g->third);
    const char *const dirs[] = {g->live_dir, g->copy_dir};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/log", dirs[i]);
        remove_files(path);
        rmdir(path);
        rmdir(dirs[i]);
    }
    rmdir(w->dir);
}

const struct kill_stage stage_logd = {build, judge, clear_away};
