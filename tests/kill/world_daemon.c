/* world_daemon.c: storaged dies, and is born again on a copy of regions and files.
 *
 * The pages are made by the harness, then written into a data file; a real storaged takes over
 * frames and file (init_restart), and is stepped through the operation in a forked process, which
 * it is alone in. At each point its files are copied too: what a system call had written is there,
 * nothing else. What comes after is real as well: storaged's init_restart on the copy, a worker
 * that reads everything and goes on writing, and a logd that only promises. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/conf.h"
#include "crypt/given.h"
#include "msg/msg.h"
#include "storaged.h"
#include "tree/tree.h"
#include "world.h"

#define PATH_BYTES 128
#define GROWN_MAX (PAGES_MAX + 256) /* length of the data file when it has grown */

struct cast {
    struct daemon storaged, logd, worker;
};

struct stage {
    struct crypt *crypt; /* of who looks into the files; NULL: they are plain */
    struct conf conf;
    struct cast live, copy;
    char live_dir[96], copy_dir[96];
};

static struct world *world_now; /* the logd's */

static struct stage *stage_of(const struct world *w) {
    return w->more;
}

struct daemon *daemon_storaged(struct world *w) {
    return &stage_of(w)->live.storaged;
}
struct daemon *daemon_logd(struct world *w) {
    return &stage_of(w)->live.logd;
}

void storaged_begins(struct world *w, struct daemon *d) {
    struct stage *g = stage_of(w);
    struct error e = {0};
    atomic_store(&w->live.control->procs[SLOT_STORAGED].state, PROC_DEAD);
    world_keys(w, &w->live, KEY_USE_PAGES);
    CHECK(ok(
        daemon_open(d, &storaged_ops, &w->live, SLOT_STORAGED, &g->conf, g->live_dir, true, &e)));
    for (unsigned i = 0; i < 4; i++) CHECK(daemon_turn(d, 0));
}

static void logd_handle(struct daemon *d, const struct msg *m) {
    struct msg answer = *m;
    answer.code = ST_OK;
    if (m->op == MSG_LOG_FLUSH || m->op == MSG_LOG_SPACE)
        world_flush(world_now, d->proc.shm);
    else
        answer.code = ST_STALE;
    daemon_reply(d, &answer);
}

static const struct daemon_ops logd_ops = {.name = "logd", .handle = logd_handle};
static const struct daemon_ops worker_ops = {.name = "worker"};

static status open_cast(struct world *w, struct cast *c, struct shm *shm, const char *dir,
                        uint16_t worker) {
    struct stage *g = stage_of(w);
    struct error e = {0};
    static const uint16_t slots[] = {SLOT_STORAGED, SLOT_LOGD, WORKER, OTHER_WORKER};
    for (unsigned i = 0; i < sizeof slots / sizeof *slots; i++)
        atomic_store(&shm->control->procs[slots[i]].state, PROC_DEAD);
    TRY(daemon_open(&c->logd, &logd_ops, shm, SLOT_LOGD, &g->conf, dir, true, &e));
    TRY(daemon_open(&c->storaged, &storaged_ops, shm, SLOT_STORAGED, &g->conf, dir, true, &e));
    return daemon_open(&c->worker, &worker_ops, shm, worker, &g->conf, dir, true, &e);
}

static void close_cast(struct cast *c) {
    daemon_close(&c->worker);
    daemon_close(&c->storaged);
    daemon_close(&c->logd);
}

/* ---- files ---------------------------------------------------------------------------------- */

static const char *const files[] = {"data", "doublewrite"};

static void file_path(const char *dir, const char *name, char *ret_path) {
    snprintf(ret_path, PATH_BYTES, "%s/%s", dir, name);
}

static void copy_files(const struct stage *g) {
    char from[PATH_BYTES], to[PATH_BYTES];
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        file_path(g->live_dir, files[i], from);
        file_path(g->copy_dir, files[i], to);
        world_copy_file(from, to);
    }
}

static void take_keys(struct world *w, const struct shm *shm) {
    struct stage *g = stage_of(w);
    world_keys(w, shm, KEY_USE_PAGES);
    crypt_free(g->crypt);
    CHECK(ok(given_take(&g->crypt)));
}

/* As it lies in the file. */
static void seal(struct stage *g, unsigned no, unsigned char *page) {
    struct crypt_tail tail;
    page_seal(page);
    if (!g->crypt) return;
    crypt_seal(g->crypt, CRYPT_PAGE, no, page, page, PAGE_CONTENT_END, &tail);
    memcpy(page + PAGE_CONTENT_END, &tail, sizeof tail);
}

static void write_data_file(struct world *w) {
    char path[PATH_BYTES];
    unsigned char page[PAGE_BYTES];
    file_path(stage_of(w)->live_dir, "data", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    for (unsigned no = SPACE_FIRST; no < PAGES_MAX; no++) {
        memcpy(page, w->home[no], PAGE_BYTES);
        if (!page_is_zero(page)) seal(stage_of(w), no, page);
        CHECK(pwrite(fd, page, PAGE_BYTES, (off_t)no * PAGE_BYTES) == PAGE_BYTES);
    }
    close(fd);
}

static void read_data_file(struct world *w, unsigned char (*ret_pages)[PAGE_BYTES],
                           uint64_t *ret_file_pages) {
    const struct stage *g = stage_of(w);
    char path[PATH_BYTES];
    file_path(g->copy_dir, "data", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t bytes = (size_t)PAGES_MAX * PAGE_BYTES;
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size % PAGE_BYTES == 0);
    *ret_file_pages = (uint64_t)st.st_size / PAGE_BYTES;
    CHECK(pread(fd, ret_pages, bytes, 0) == (ssize_t)bytes);
    close(fd);
    for (unsigned no = 0; g->crypt && no < PAGES_MAX; no++)
        MUST_OK(w, crypt_open_block(g->crypt, CRYPT_PAGE, no, ret_pages[no], PAGE_BYTES));
}

/* ---- before --------------------------------------------------------------------------------- */

static void watch(struct world *w) {
    struct shm *l = &w->live, *c = &w->copy;
    world_watch(w);
    for (unsigned i = 0; i < w->areas_count; i++)
        w->areas[i].quiet = strcmp(w->areas[i].name, "control") == 0;
    world_add_area(w, "pair", false, &l->rings->pair[SLOT_STORAGED][WORKER],
                   &c->rings->pair[SLOT_STORAGED][WORKER], sizeof(struct ipc_pair));
    world_add_area(w, "pair of logd", false, &l->rings->pair[SLOT_LOGD][SLOT_STORAGED],
                   &c->rings->pair[SLOT_LOGD][SLOT_STORAGED], sizeof(struct ipc_pair));
    world_add_area(w, "inbox", false, l->rings->inbox, c->rings->inbox, sizeof l->rings->inbox);
    world_add_area(w, "key use", false, l->control->key_use, c->control->key_use,
                   sizeof l->control->key_use);
    world_add_area(w, "served", true, l->rings->served, (void *)c->rings->served,
                   sizeof l->rings->served);
}

static void build(struct world *w) {
    struct stage *g = w->more = calloc(1, sizeof *g);
    CHECK(g);
    conf_init(&g->conf);
    strcpy(g->conf.io_method, "plain");
    g->conf.checkpoint_interval = 1000000000;
    g->conf.scrub_rate = 0;
    g->conf.log_size_max = (uint64_t)1 << 40;
    strcpy(w->dir, "/tmp/axl-kill-XXXXXX");
    CHECK(mkdtemp(w->dir));
    snprintf(g->live_dir, sizeof g->live_dir, "%s/live", w->dir);
    snprintf(g->copy_dir, sizeof g->copy_dir, "%s/copy", w->dir);
    CHECK(mkdir(g->live_dir, 0700) == 0 && mkdir(g->copy_dir, 0700) == 0);
    w->keys = w->op->keys > 0;
    take_keys(w, &w->live);
    CHECK(ok(storaged_format(g->live_dir, "plain", APPLIANCE)));
    world_now = w;

    struct proc p;
    struct txn t = {.index = 0};
    world_proc(w, false, OTHER_WORKER, 1, &p);
    CHECK(ok(txn_begin(&p, &t, ISO_READ_COMMITTED, 0)) && ok(txn_need_id(&p, &t)));
    CHECK(ok(tree_create(&p, &t.writer, 7, &w->tree)) && ok(txn_commit(&p, &t, true)));
    for (unsigned row = 0; row < 24; row++) world_row(w, row, row + 1);
    world_write_home(w);
    write_data_file(w);
    world_row(w, 1, 91); /* a page that is dirty, and one more version of it in the log */
    world_row(w, 20, 92);
    w->live.control->appliance_id = w->copy.control->appliance_id = APPLIANCE;
    CHECK(ok(open_cast(w, &g->live, &w->live, g->live_dir, WORKER)));
    w->actor.proc = g->live.storaged.proc; /* who dies; a next life of it changes that */
    w->op->build(w);
    w->keys = w->op->keys;
    watch(w);
    verdict_start(w);
}

/* ---- after ---------------------------------------------------------------------------------- */

/* The page as it is compared: without checksum, stamps resolved as far as they can be. */
static const unsigned char *normal(struct proc *p, const unsigned char *page, unsigned char *buf) {
    memcpy(buf, page, PAGE_BYTES);
    page_head(buf)->crc = 0;
    tree_resolve_stamps(p, buf, txn_is_running);
    return buf;
}

static bool same_page(struct proc *p, const unsigned char *a, const unsigned char *b) {
    unsigned char x[PAGE_BYTES], y[PAGE_BYTES];
    return memcmp(normal(p, a, x), normal(p, b, y), PAGE_BYTES) == 0;
}

/* If everything died now: what the file lacks, redo finds behind redo_lsn; and a clean frame is in
 * the file. */
static void check_file(struct world *w) {
    static unsigned char file[PAGES_MAX][PAGE_BYTES];
    static _Alignas(8) char buf[REC_BYTES_MAX];
    const struct rec_head *r = (const struct rec_head *)buf;
    const struct shm *shm = &w->copy;
    uint64_t file_pages;
    read_data_file(w, file, &file_pages);
    MUST(w, file_pages >= atomic_load(&shm->pool->file_pages));
    const struct file_page *fp[2] = {(void *)file[0], (void *)file[1]};
    uint64_t redo = fp[fp[1]->sequence > fp[0]->sequence]->redo_lsn;
    MUST(w, redo >= atomic_load(&shm->control->redo_lsn) || redo == LOG_FIRST.at);
    for (unsigned no = SPACE_FIRST; no < PAGES_MAX; no++)
        MUST_OK(w, page_verify(file[no], (page_id){no}));
    for (uint64_t at = LOG_BEGIN; at < atomic_load(&shm->log->tail); at += r->len) {
        MUST_OK(w, log_read_ring(shm, (lsn){at}, buf));
        for (int i = 0; i < r->npages; i++)
            MUST(w, at <= page_head_c(file[rec_pages_c(r)[i].page])->lsn || at >= redo);
    }
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        const struct frame *f = &shm->frames[i];
        uint64_t no = atomic_load(&f->page);
        if (atomic_load(&f->state) != FRAME_READY || atomic_load(&f->rec_lsn) ||
            atomic_load(&f->write_lsn))
            continue;
        if (no < PAGES_MAX)
            MUST(w, page_head_c(file[no])->lsn == page_head_c(w->expected[no])->lsn);
        else
            MUST(w, no < file_pages && page_is_zero(frame_bytes(shm, f)));
    }
}

/* Every frame is in the stock or in the eviction queue, and every page in the table once. */
static void check_frames(struct world *w) {
    struct storaged *s = stage_of(w)->copy.storaged.state;
    const struct shm *shm = &w->copy;
    bool stocked[64] = {0}, seen[GROWN_MAX] = {0};
    for (uint32_t i = 0; i < s->stock_count; i++) {
        MUST(w, !stocked[s->stock[i]]);
        stocked[s->stock[i]] = true;
    }
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        struct frame *f = &shm->frames[i];
        bool listed = s->notes[i].flags & NOTE_LISTED;
        bool is_free = atomic_load(&f->state) == FRAME_FREE;
        uint64_t no = atomic_load(&f->page);
        if (listed == stocked[i] || is_free != stocked[i]) world_fail(w, "frame %u is lost", i);
        MUST(w, !latch_word_held(atomic_load(&f->latch.word)));
        if (is_free) continue;
        MUST(w, atomic_load(&f->state) == FRAME_READY && no < GROWN_MAX && !seen[no]);
        MUST(w, table_find(s, no) == f && pool_peek(shm, (page_id){no}) == f);
        seen[no] = true;
    }
}

/* Right after the birth: what is not free holds a page, and no other frame holds it too. */
static void check_adopted(struct world *w) {
    const struct shm *shm = &w->copy;
    bool seen[GROWN_MAX] = {0};
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        const struct frame *f = &shm->frames[i];
        uint64_t no = atomic_load(&f->page);
        if (atomic_load(&f->state) == FRAME_FREE) continue;
        MUST(w, no >= SPACE_FIRST && no < GROWN_MAX && !seen[no]);
        seen[no] = true;
    }
}

struct visitor {
    struct world *w;
    void (*fn)(struct world *w, struct proc *p);
    bool done, failed;
};

static void visitor_run(void *arg) {
    struct visitor *v = arg;
    sigjmp_buf mine;
    if (sigsetjmp(mine, 0) == 0) {
        v->w->catcher = &mine;
        v->fn(v->w, &stage_of(v->w)->copy.worker.proc);
    } else {
        v->failed = true;
    }
    v->w->catcher = NULL;
    v->done = true;
}

/* In a coroutine of the worker on the copy, everybody taking turns. */
static void visit(struct world *w, void (*fn)(struct world *w, struct proc *p)) {
    struct cast *c = &stage_of(w)->copy;
    struct visitor v = {.w = w, .fn = fn};
    MUST_OK(w, daemon_spawn(&c->worker, (size_t)1 << 20, visitor_run, &v));
    while (!v.done) {
        CHECK(daemon_turn(&c->worker, 0));
        CHECK(daemon_turn(&c->storaged, 0));
        CHECK(daemon_turn(&c->logd, 0));
    }
    if (v.failed) siglongjmp(w->abandon, 1);
}

/* All pages there are, which are more than there are frames, and again from the other end. */
static void read_pages(struct world *w, struct proc *p) {
    unsigned char page[PAGE_BYTES];
    for (unsigned i = 0; i < 2 * (PAGES_MAX - SPACE_FIRST); i++) {
        unsigned no = SPACE_FIRST + i;
        if (no >= PAGES_MAX) no = 2 * PAGES_MAX - 1 - no;
        if (no < SPACE_FIRST) break;
        MUST_OK(w, page_copy(p, (page_id){no}, page));
        if (!same_page(p, page, w->expected[no]))
            world_fail(w, "page %u (LSN %llu) is not what it was (LSN %llu)", no,
                       (unsigned long long)page_head_c(page)->lsn,
                       (unsigned long long)page_head_c(w->expected[no])->lsn);
    }
    verdict_rows(w, p, &w->before);
    verdict_space(w, p, (struct tree){.id = 0});
}

/* Rows enough for splits, and for pages to come and go. */
static void write_rows(struct world *w, struct proc *p) {
    struct model m = w->before;
    struct actor a = {.proc = *p};
    MUST_OK(w, actor_begin(&a));
    for (unsigned row = 0; row < 44; row += 2) {
        MUST_OK(w, row_put(w, &a, row, row + 300));
        m.seed[row] = row + 300;
    }
    MUST_OK(w, txn_commit(&a.proc, &a.txn, true));
    verdict_rows(w, p, &m);
    verdict_space(w, p, (struct tree){.id = 0});
}

/* Until nothing is sealed by an older key, of which nothing then is needed in the files. */
static void seal_all(struct world *w) {
    struct stage *g = stage_of(w);
    const struct key_use *use = &w->copy.control->key_use[KEY_USE_PAGES];
    static unsigned char file[PAGES_MAX][PAGE_BYTES];
    uint64_t file_pages;
    if (w->keys < 2) return;
    while (atomic_load(&use->oldest) != w->keys) {
        CHECK(daemon_turn(&g->copy.storaged, 0));
        CHECK(daemon_turn(&g->copy.logd, 0));
    }
    take_keys(w, &w->copy);
    read_data_file(w, file, &file_pages);
}

static void judge(struct world *w) {
    struct stage *g = stage_of(w);
    uint64_t dirty_since[PAGES_MAX];
    verdict_repair(w);
    verdict_log(w, dirty_since);
    copy_files(g);
    take_keys(w, &w->copy);
    check_file(w);
    MUST_OK(w, open_cast(w, &g->copy, &w->copy, g->copy_dir, OTHER_WORKER));
    check_adopted(w);
    seal_all(w);
    visit(w, read_pages);
    check_frames(w);
    visit(w, write_rows);
    check_frames(w);
    close_cast(&g->copy);
}

static void clear_away(struct world *w) {
    struct stage *g = stage_of(w);
    char path[PATH_BYTES];
    if (!g) return;
    crypt_free(g->crypt);
    if (g->live.worker.loop) close_cast(&g->live);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        file_path(g->live_dir, files[i], path);
        unlink(path);
        file_path(g->copy_dir, files[i], path);
        unlink(path);
    }
    rmdir(g->live_dir);
    rmdir(g->copy_dir);
    rmdir(w->dir);
}

const struct kill_stage stage_storaged = {build, judge, clear_away};
