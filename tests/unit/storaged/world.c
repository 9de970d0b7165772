#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/crc32c.h"
#include "log/log.h"
#include "msg/msg.h"
#include "test_keys.h"
#include "txn/txn.h"

uint64_t rnd(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* What logd's analysis would tell, in one answer. */
static void tell_pages(struct daemon *d, struct msg *m) {
    static _Alignas(8) char buf[REC_BYTES_MAX];
    struct shm *shm = d->proc.shm;
    struct log_page *pages = (struct log_page *)shm->pool->log_window[m->slot];
    const struct rec_head *r = (const struct rec_head *)buf;
    uint64_t end = atomic_load(&shm->control->recovered_lsn);
    unsigned n = 0;
    for (uint64_t at = m->arg[0]; at < end; at += r->len) {
        assert_true(ok(log_read_ring(shm, (lsn){at}, buf)));
        for (unsigned i = 0; i < r->npages; i++) {
            unsigned k = 0;
            while (k < n && pages[k].page != rec_pages_c(r)[i].page) k++;
            assert_true(k < LOG_PAGES_MAX);
            pages[k] = (struct log_page){.page = rec_pages_c(r)[i].page, .newest = at};
            n += k == n;
        }
    }
    m->arg[0] = n;
    m->arg[1] = 0;
    m->arg[2] = 1;
    m->arg[3] = crc32c(0, pages, n * sizeof *pages);
}

static void logd_handle(struct daemon *d, const struct msg *m) {
    struct log_shared *l = d->proc.shm->log;
    struct msg answer = *m;
    answer.code = ST_OK;
    switch (m->op) {
    case MSG_LOG_FLUSH:
    case MSG_LOG_SPACE:
        if (atomic_load(&l->durable) < log_complete(l).at)
            atomic_store(&l->durable, log_complete(l).at);
        break;
    case MSG_LOG_PAGES: tell_pages(d, &answer); break;
    default: answer.code = ST_STALE;
    }
    daemon_reply(d, &answer);
}

static const struct daemon_ops logd_ops = {.name = "logd", .handle = logd_handle};
static const struct daemon_ops worker_ops = {.name = "worker"};

void world_make(struct world *w, uint32_t frames, const char *io_method) {
    memset(w, 0, sizeof *w);
    struct shm_sizes sizes = {.frames = frames,
                              .page_buckets = 256,
                              .workers = 4,
                              .sessions = 4,
                              .txns = 16,
                              .map_entries = 64,
                              .ring_bytes = 64u << 20};
    struct error e = {0};
    assert_true(ok(region_create_all(NULL, &sizes, &w->shm, &e)));
    conf_init(&w->conf);
    strcpy(w->conf.io_method, io_method);
    w->conf.checkpoint_interval = 1000000;
    w->conf.scrub_rate = 0;
    w->conf.log_size_max = (uint64_t)1 << 40;
    strcpy(w->dir, "/tmp/axl-storaged-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    if (strcmp(io_method, "sim") == 0) w->sim = disk_sim_new(1, 0);
    (void)test_keys_from_environment(7);
    assert_true(ok(storaged_format(w->dir, io_method, 7)));
    w->shm.control->appliance_id = 7;
    log_shared_init(w->shm.log, LOG_FIRST, 0);
}

void world_start(struct world *w) {
    struct error e = {0};
    assert_true(
        ok(daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->dir, false, &e)));
    assert_true(ok(daemon_open(&w->storaged, &storaged_ops, &w->shm, SLOT_STORAGED, &w->conf,
                               w->dir, false, &e)));
    assert_true(ok(
        daemon_open(&w->worker, &worker_ops, &w->shm, SLOT_QUERYD, &w->conf, w->dir, false, &e)));
    atomic_store(&w->shm.control->recovered_lsn, atomic_load(&w->shm.log->tail));
    struct storaged *s = w->storaged.state;
    while (!atomic_load(&w->shm.control->redo_done)) {
        assert_true(daemon_turn(&w->storaged, 0));
        assert_true(daemon_turn(&w->logd, 0));
        assert_false(s->failed);
    }
}

static void close_all(struct world *w) {
    daemon_close(&w->storaged);
    daemon_close(&w->logd);
    daemon_close(&w->worker);
    for (unsigned slot = 1; slot <= SLOT_QUERYD; slot++)
        atomic_store(&w->shm.control->procs[slot].state, PROC_DEAD);
}

void world_crash(struct world *w, uint64_t seed) {
    if (w->sim) disk_sim_crash(w->sim, seed);
    close_all(w);
    struct shm *m = &w->shm;
    for (uint32_t i = 0; i < m->sizes.frames; i++) m->frames[i] = (struct frame){0};
    memset(m->pages, 0xee, (size_t)m->sizes.frames * PAGE_BYTES);
    memset(m->pool, 0, pool_shared_bytes(&m->sizes));
    atomic_store(&m->pool->ready_frames, m->sizes.frames);
    atomic_store(&m->pool->wanted_frames, m->sizes.frames);
    struct control *c = m->control;
    atomic_store(&c->redo_lsn, 0);
    atomic_store(&c->undo_lsn, 0);
    atomic_store(&c->purge_lsn, 0);
    atomic_store(&c->recovered_lsn, 0);
    atomic_store(&c->redo_done, 0);
    atomic_store(&c->redo_complete, 0);
    uint64_t end = atomic_load(&m->log->durable);
    log_shared_init(m->log, (lsn){end}, 0);
    atomic_store(&m->log->first, LOG_FIRST.at);
    atomic_store(&m->log->oldest, LOG_FIRST.at);
}

/* What the coroutines of a killed storaged had taken goes with a real process; here it stays. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:task_main\n";
}

void world_kill_storaged(struct world *w) {
    struct error e = {0};
    struct owner dead = w->storaged.proc.owner;
    daemon_close(&w->storaged);
    atomic_store(&w->shm.control->procs[SLOT_STORAGED].state, PROC_DEAD);
    log_repair(&w->shm, dead.slot,
               txn_map_entry); /* as the supervisor does: what it held of the log is free */
    pool_repair(&w->shm, dead);
    assert_true(ok(daemon_open(&w->storaged, &storaged_ops, &w->shm, SLOT_STORAGED, &w->conf,
                               w->dir, true, &e)));
}

void world_stop(struct world *w) {
    daemon_stop(&w->storaged);
    while (daemon_turn(&w->storaged, 0)) assert_true(daemon_turn(&w->logd, 0));
    close_all(w);
}

void world_free(struct world *w) {
    region_detach_all(&w->shm);
    if (w->sim) disk_sim_free(w->sim);
    char command[160];
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
}

struct task {
    struct world *w;
    void (*fn)(struct world *w, void *arg);
    void *arg;
    bool done;
};

static void task_run(void *arg) {
    struct task *t = arg;
    t->fn(t->w, t->arg);
    t->done = true;
}

void world_run(struct world *w, void (*fn)(struct world *w, void *arg), void *arg,
               void (*between)(struct world *w)) {
    struct task t = {.w = w, .fn = fn, .arg = arg};
    assert_true(ok(daemon_spawn(&w->worker, 0, task_run, &t)));
    while (!t.done) {
        assert_true(daemon_turn(&w->worker, 0));
        assert_true(daemon_turn(&w->storaged, 0));
        assert_true(daemon_turn(&w->logd, 0));
        if (between) between(w);
    }
}

uint64_t world_counter(const struct world *w, enum counter c) {
    return atomic_load(&w->shm.counters[SLOT_STORAGED].value[c]);
}
