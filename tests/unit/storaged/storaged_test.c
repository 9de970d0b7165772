/* storaged with real trees on top: whatever dies, the trees hold what the log says, and no page is
 * lost or used twice. */
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "model.h"

/* --- tests ------------------------------------------------------------------------------------ */

static void greater_than_the_pool(const char *io_method) {
    struct world w;
    struct model *m = model_new(3);
    world_make(&w, 64, io_method);
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->changes_left = 20000;
    world_run(&w, change_many, m, NULL);
    assert_true(atomic_load(&w.shm.pool->file_pages) > 4 * 64);
    world_run(&w, check_all, m, NULL);
    assert_true(world_counter(&w, COUNTER_EVICTIONS) > 1000);
    assert_true(world_counter(&w, COUNTER_PAGE_WRITES) > 500);
    world_stop(&w);
    assert_int_equal(atomic_load(&w.shm.control->redo_lsn), atomic_load(&w.shm.log->tail));
    world_crash(&w, 1); /* memory only: the disk was left in order */
    world_start(&w);
    assert_int_equal(((struct storaged *)w.storaged.state)->file.clean, 0);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

static void greater_than_the_pool_sim([[maybe_unused]] void **state) {
    greater_than_the_pool("sim");
}
static void greater_than_the_pool_plain([[maybe_unused]] void **state) {
    greater_than_the_pool("plain");
}
static void greater_than_the_pool_uring([[maybe_unused]] void **state) {
    greater_than_the_pool("uring"); /* or what it falls back to */
}

static void crashes([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 11);
    m->random_checkpoints = 1;
    for (unsigned round = 0; round < 25; round++) {
        m->changes_left = 100 + rnd(&m->seed) % 2500;
        world_run(&w, change_many, m, NULL);
        /* Writers are somewhere in a batch. */
        for (uint64_t i = rnd(&m->seed) % 6; i > 0; i--) daemon_turn(&w.storaged, 0);
        world_crash(&w, round);
        model_crash(&w, m);
        world_start(&w);
        world_run(&w, check_all, m, NULL);
    }
    model_end(&w, m);
}

static unsigned kills;
static void kill_sometimes(struct world *w) {
    static uint64_t seed = 5;
    if (rnd(&seed) % 400 != 0) return;
    kills++;
    world_kill_storaged(w);
}

/* A new storaged goes on with what the dead one left; nobody who waits notices more than that. */
static void storaged_dies([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 17);
    m->random_checkpoints = 1;
    m->changes_left = 15000;
    kills = 0;
    world_run(&w, change_many, m, kill_sometimes);
    world_run(&w, check_all, m, kill_sometimes);
    assert_true(kills > 5);
    model_end(&w, m);
}

static bool redo_goes_on(const struct world *w) {
    return !atomic_load(&w->shm.control->redo_complete);
}

static unsigned kills_left; /* or redo would never come to its end */
static void kill_in_redo(struct world *w) {
    static uint64_t seed = 7;
    if (!redo_goes_on(w) || kills_left == 0 || rnd(&seed) % 40 != 0) return;
    kills_left--;
    kills++;
    world_kill_storaged(w);
}

/* Everything dies, and while pages are still redone storaged dies again and again: rows are read
 * and changed meanwhile, and what a checkpoint then says must be enough for the next crash. */
static void storaged_dies_in_redo([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 19);
    unsigned in_redo = 0;
    kills = 0;
    for (unsigned i = 0; i < 12; i++) {
        m->random_checkpoints = i % 2;
        m->changes_left = 2000;
        kills_left = 4;
        world_run(&w, change_many, m, kill_in_redo);
        world_crash(&w, i);
        model_crash(&w, m);
        world_start(&w);
        in_redo += redo_goes_on(&w);
        m->random_checkpoints = 1;
        m->changes_left = 30;
        world_run(&w, change_many, m, kill_in_redo);
        if (i % 3 == 0) {
            world_crash(&w, 100 + i);
            model_crash(&w, m);
            world_start(&w);
        }
        world_run(&w, check_all, m, kill_in_redo);
    }
    assert_true(kills > 5);
    assert_true(in_redo > 5);
    model_end(&w, m);
}

static void flip_home(struct world *w, uint64_t page) {
    disk_sim_flip(w->sim, "data", page * PAGE_BYTES + 4000, 3);
}

/* Every page at home is damaged while nothing runs: the double-write file or the log bring back all
 * of them. Without either, the error is said. */
static void damaged_pages([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 23);
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    uint64_t pages = atomic_load(&w.shm.pool->file_pages);
    world_stop(&w);
    world_crash(&w, 1);
    for (uint64_t i = 2; i < pages; i++) flip_home(&w, i);
    world_start(&w);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

static void expect_corrupted(struct world *w, void *arg) {
    struct frame *f;
    page_id page = ((struct model *)arg)->tree.root;
    assert_true(status_is(pool_find(&w->worker.proc, page, &f), ST_DATA_CORRUPTED));
    assert_true(status_is(pool_find(&w->worker.proc, (page_id){1}, &f), ST_INVALID));
    assert_true(status_is(pool_find(&w->worker.proc, (page_id){1 << 30}, &f), ST_INVALID));
}

static void damaged_for_good([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 29);
    m->changes_left = 3000;
    world_run(&w, change_many, m, NULL);
    world_stop(&w);
    world_crash(&w, 1);
    flip_home(&w, m->tree.root.no);
    for (uint64_t i = 0; i < WRITERS; i++) /* heads of the double-write regions */
        disk_sim_flip(w.sim, "doublewrite", i * DOUBLEWRITE_REGION_BYTES + 100, 1);
    world_start(&w);
    atomic_store(&w.shm.log->first, atomic_load(&w.shm.log->tail));
    atomic_store(&w.shm.log->oldest, atomic_load(&w.shm.log->tail));
    world_run(&w, expect_corrupted, m, NULL);
    model_end(&w, m);
}

/* A worker dies in the middle of apply: its page is served again as the record says. */
static void dead_writer(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    struct owner dead = {.slot = SLOT_QUERYD + 1, .epoch = 9};
    struct log_slot *slot = &w->shm.log->slots[dead.slot];
    char *expected = malloc(PAGE_BYTES), *found = malloc(PAGE_BYTES);
    unsigned rebuilt = 0;
    for (unsigned i = 0; i < 300; i++) {
        uint64_t at = atomic_load(&w->shm.log->tail);
        change_one(w, m);
        _Alignas(8) static char record[REC_BYTES_MAX];
        assert_true(ok(log_read_ring(&w->shm, (lsn){at}, record)));
        const struct rec_head *r = (const struct rec_head *)record;
        page_id page = {rec_pages_c(r)[0].page};
        struct frame *f = pool_peek(&w->shm, page);
        if (!f || page_head_c(frame_bytes(&w->shm, f))->lsn != at) continue;
        assert_true(latch_try(&f->latch, dead));
        char *bytes = frame_bytes(&w->shm, f);
        memcpy(expected, bytes, PAGE_BYTES);
        memset(bytes + 300, (int)i, 3000);
        page_head(bytes)->lsn = rec_pages_c(r)[0].prev_lsn;
        atomic_store(&slot->change_lsn, at);
        assert_int_equal(pool_repair(&w->shm, dead), 1);
        assert_int_equal(pool_repair(&w->shm, dead), 0);
        assert_int_equal(atomic_load(&f->state), FRAME_BROKEN);
        assert_true(ok(page_copy(p, page, found)));
        /* Stamps may have been replaced on the way home, so trees are compared by their content:
         * here only what cannot differ. */
        assert_int_equal(page_head_c(found)->lsn, at);
        assert_int_equal(page_head_c(found)->page, page.no);
        assert_memory_equal(found + 8, expected + 8, 56);
        rebuilt++;
    }
    assert_true(rebuilt > 200);
    free(expected);
    free(found);
}

static void writer_dies([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 31);
    m->changes_left = 5000;
    world_run(&w, change_many, m, NULL);
    world_run(&w, dead_writer, m, NULL);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

static void fill_the_disk(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    status s = OK;
    page_id taken[100];
    unsigned n = 0;
    /* Without giving back: reservations of several slots stand for many workers. */
    for (uint16_t slot = 0; slot < 40 && ok(s); slot++) {
        struct msg c = {.op = MSG_PAGE_RESERVE, .arg = {POOL_RESERVE_PAGES}};
        struct pool_reserve *own = &w->shm.pool->reserve[p->owner.slot];
        s = p->env->call(p, SLOT_STORAGED, &c);
        if (!ok(s)) break;
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
            uint64_t page = atomic_load(&own->page[i]);
            atomic_store(&w->shm.pool->reserve[10 + slot].page[i], page);
            atomic_store(&own->page[i], 0);
            if (n < 100) taken[n++] = (page_id){page};
        }
    }
    assert_true(status_is(s, ST_DISK_FULL));
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++) assert_false(page_id_eq(taken[i], taken[j]));
    disk_sim_set_capacity(w->sim, 0);
    assert_true(ok(pool_reserve(p, 20)));
    page_id a = pool_take(p);
    struct frame *f;
    assert_true(ok(pool_find(p, a, &f)));
    pool_give_back(p, a);
    assert_true(page_id_eq(pool_take(p), a));
    pool_give_back(p, a);
    for (unsigned slot = 0; slot < 40; slot++)
        memset(&w->shm.pool->reserve[10 + slot], 0, sizeof(struct pool_reserve));
    m->changes_left = 3000;
    change_many(w, m);
}

static void disk_full([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(37);
    world_make(&w, 64, "sim");
    disk_sim_set_capacity(w.sim, (uint64_t)4 << 20);
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    world_run(&w, fill_the_disk, m, NULL);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

/* A page that cannot be read is had from the log; passing errors are survived. */
static void read_errors(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    uint64_t rebuilt = world_counter(w, COUNTER_PAGES_REBUILT);
    for (uint64_t page = 3; page < 150; page++) {
        struct frame *f;
        if (pool_peek(&w->shm, (page_id){page})) continue;
        disk_sim_fail(w->sim, 1, ST_IO_ERROR, false);
        status s = pool_find(p, (page_id){page}, &f);
        disk_sim_fail(w->sim, 0, ST_OK, false);
        assert_true(ok(s));
    }
    assert_true(world_counter(w, COUNTER_PAGES_REBUILT) - rebuilt > 20);
    check_all(w, m);
}

static void device_errors([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 41);
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    world_run(&w, read_errors, m, NULL);
    for (unsigned i = 0; i < 10; i++) {
        disk_sim_fail(w.sim, 1 + rnd(&m->seed) % 40, ST_IO_ERROR, false);
        m->changes_left = 300;
        m->random_checkpoints = 0;
        /* A read of ours may meet the error: only writes are wanted here. */
        struct msg c = {.op = MSG_CHECKPOINT, .slot = SLOT_SUPERVISOR};
        storaged_ops.handle(&w.storaged, &c);
        for (unsigned j = 0; j < 2000; j++) {
            daemon_turn(&w.storaged, 0);
            daemon_turn(&w.logd, 0);
        }
        disk_sim_fail(w.sim, 0, ST_OK, false);
        world_run(&w, change_many, m, NULL);
    }
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

#define TOGETHER 6 /* pages that somebody needs at the same time */
#define SCANS 4

struct together {
    struct world *w;
    unsigned turns;
    unsigned scans; /* that go on */
    bool done;
};

static bool find_all(struct together *a) {
    struct frame *f;
    for (uint64_t no = SPACE_FIRST + 1; no <= SPACE_FIRST + TOGETHER; no++)
        assert_true(ok(pool_find(&a->w->worker.proc, (page_id){no}, &f)));
    for (uint64_t no = SPACE_FIRST + 1; no <= SPACE_FIRST + TOGETHER; no++)
        if (!pool_peek(&a->w->shm, (page_id){no})) return false;
    return true;
}

static void want_together(void *arg) {
    struct together *a = arg;
    bool pins = false;
    for (unsigned tries = 0; !find_all(a); tries++)
        if (tries == 4) pins = pool_pins_begin(&a->w->worker.proc);
    if (pins) pool_pins_end(&a->w->worker.proc);
    a->done = true;
}

/* Pages that nobody wants, again and again. */
static void scan(void *arg) {
    struct together *a = arg;
    struct frame *f;
    uint64_t from = SPACE_FIRST + 1 + TOGETHER, pages = atomic_load(&a->w->shm.pool->file_pages);
    for (uint64_t no = from; !a->done; no = no + 1 < pages ? no + 1 : from)
        assert_true(ok(pool_find(&a->w->worker.proc, (page_id){no}, &f)));
    a->scans--;
}

/* The hand of eviction goes on from the third-newest page. */
static void hand_to_the_newest(struct world *w) {
    struct storaged *s = w->storaged.state;
    s->hand = s->newest;
    for (unsigned i = 0; i < 2; i++) s->hand = s->notes[s->hand - 1].older;
}

/* The hand stands where new pages arrive and goes as fast as they do, as it may after a scan:
 * whoever needs several pages at once loses the first ones while the last ones come, time and
 * again, unless they are pinned. */
static void pages_wanted_together([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 31);
    struct together a = {.w = &w, .scans = SCANS};
    m->changes_left = 20000;
    world_run(&w, change_many, m, NULL);
    hand_to_the_newest(&w);
    for (unsigned i = 0; i < SCANS; i++) assert_true(ok(daemon_spawn(&w.worker, 0, scan, &a)));
    assert_true(ok(daemon_spawn(&w.worker, 0, want_together, &a)));
    for (; a.scans; a.turns++) {
        assert_true(a.turns < 20000);
        assert_true(daemon_turn(&w.worker, 0));
        assert_true(daemon_turn(&w.storaged, 0));
        assert_true(daemon_turn(&w.logd, 0));
    }
    assert_int_equal(atomic_load(&w.shm.pool->pinning), 0);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

static void read_ahead(struct world *w, [[maybe_unused]] void *arg) {
    struct proc *p = &w->worker.proc;
    page_id ahead = {atomic_load(&w->shm.pool->file_pages) - 3}, asked = {ahead.no + 1};
    struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {ahead.no}};
    struct frame *f;
    p->env->post(p, SLOT_STORAGED, &m);
    while (!pool_peek(&w->shm, ahead)) p->env->pause(p);
    assert_true(ok(pool_find(p, ahead, &f)));
    assert_int_equal(atomic_load(&f->used), FRAME_UNUSED);
    assert_true(ok(pool_find(p, ahead, &f)));
    assert_int_equal(atomic_load(&f->used), FRAME_USED);
    assert_true(ok(pool_find(p, asked, &f)));
    assert_int_equal(atomic_load(&f->used), FRAME_UNUSED);
}

/* What a scan reads ahead and then reads has no mark by that, or scans would push out what is
 * wanted. */
static void first_use_of_what_was_read_ahead([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 37);
    m->changes_left = 5000;
    world_run(&w, change_many, m, NULL);
    world_stop(&w);
    world_crash(&w, 1); /* memory only */
    world_start(&w);
    world_run(&w, read_ahead, NULL, NULL);
    model_end(&w, m);
}

struct ahead {
    uint64_t from; /* the pages of one stretch */
    bool backward, fails;
    uint64_t requests, reads;
};

#define AHEAD_PAGES 12

static void read_stretch_ahead(struct world *w, void *arg) {
    struct ahead *a = arg;
    struct proc *p = &w->worker.proc;
    uint64_t requests = disk_sim_count(w->sim, DISK_SIM_REQUESTS);
    uint64_t reads = world_counter(w, COUNTER_PAGE_READS);
    if (a->fails) disk_sim_fail_one(w->sim, DISK_SIM_REQUESTS, 1, ST_IO_ERROR, false);
    for (unsigned i = 0; i < AHEAD_PAGES; i++) {
        uint64_t page = a->from + (a->backward ? AHEAD_PAGES - 1 - i : i);
        struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {page}};
        p->env->post(p, SLOT_STORAGED, &m);
    }
    for (unsigned i = 0; i < AHEAD_PAGES; i++)
        while (!pool_peek(&w->shm, (page_id){a->from + i})) p->env->pause(p);
    a->requests = disk_sim_count(w->sim, DISK_SIM_REQUESTS) - requests;
    a->reads = world_counter(w, COUNTER_PAGE_READS) - reads;
}

static void kill_while_neighbours_come(struct world *w) {
    unsigned loading = 0;
    for (uint32_t i = 0; i < w->shm.sizes.frames; i++)
        loading += atomic_load(&w->shm.frames[i].state) == FRAME_LOADING;
    if (kills > 0 || loading < 2) return;
    world_kill_storaged(w);
    kills++;
}

static void read_stretch_that_dies(struct world *w, void *arg) {
    const struct ahead *a = arg;
    struct proc *p = &w->worker.proc;
    for (unsigned i = 0; i < AHEAD_PAGES; i++) {
        struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {a->from + i}};
        p->env->post(p, SLOT_STORAGED, &m);
    }
    p->env->pause(p);
    for (unsigned i = 0; i < AHEAD_PAGES; i++) {
        struct frame *f;
        assert_true(ok(pool_find(p, (page_id){a->from + i}, &f)));
    }
}

/* Neighbours are read ahead by one request, in whatever order a scan comes by them. When that
 * fails, each is read for itself, and none is taken for damaged. Whoever follows a storaged that
 * died meanwhile reads them again. */
static void neighbours_are_read_at_once([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 41);
    m->changes_left = 20000;
    world_run(&w, change_many, m, NULL);
    world_stop(&w);
    world_crash(&w, 1); /* memory only */
    world_start(&w);
    uint64_t from = atomic_load(&w.shm.pool->file_pages) - 4 * AHEAD_PAGES;
    for (unsigned i = 0; i < 3; i++) {
        struct ahead a = {.from = from + i * AHEAD_PAGES, .backward = i == 1, .fails = i == 2};
        world_run(&w, read_stretch_ahead, &a, NULL);
        assert_int_equal(a.reads, AHEAD_PAGES);
        assert_int_equal(a.requests, a.fails ? 1 + AHEAD_PAGES : 1);
    }
    kills = 0;
    const struct disk_sim_lies slow = {.file = "data", .unit = PAGE_BYTES, .delayed = 1};
    struct ahead last = {.from = from + 3 * AHEAD_PAGES};
    disk_sim_lie(w.sim, &slow);
    world_run(&w, read_stretch_that_dies, &last, kill_while_neighbours_come);
    disk_sim_lie(w.sim, NULL);
    assert_true(kills > 0);
    assert_int_equal(world_counter(&w, COUNTER_PAGES_REBUILT), 0);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

/* Pages come with their frames, and more of them the more are taken. */
static void take_new_pages(struct world *w, [[maybe_unused]] void *arg) {
    struct proc *p = &w->worker.proc;
    struct pool_reserve *own = &w->shm.pool->reserve[p->owner.slot];
    uint64_t asked = 0, read = world_counter(w, COUNTER_PAGE_READS);
    for (unsigned taken = 0; taken < 4 * POOL_RESERVE_PAGES; taken++) {
        bool none = true;
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) none &= atomic_load(&own->page[i]) == 0;
        asked += none;
        assert_true(ok(pool_reserve(p, 1)));
        page_id page = pool_take(p);
        assert_non_null(pool_peek(&w->shm, page));
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++)
            if (atomic_load(&own->page[i]) == (page.no | POOL_RESERVE_TAKEN))
                atomic_store(&own->page[i], 0);
    }
    assert_true(asked < 10); /* not one for every eight pages */
    assert_int_equal(world_counter(w, COUNTER_PAGE_READS), read);
}

static void new_pages_bring_their_frames([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(39);
    world_make(&w, 1024, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    world_run(&w, take_new_pages, NULL, NULL);
    model_end(&w, m);
}

static void make_at_home(struct world *w, void *arg) {
    struct proc *p = &w->worker.proc;
    struct tree *t = arg;
    struct tree_writer writer = {0};
    struct msg checkpoint = {.op = MSG_CHECKPOINT};
    assert_true(ok(tree_create(p, &writer, TREE_ID + 1, t)));
    assert_true(ok(p->env->call(p, SLOT_STORAGED, &checkpoint)));
}

static void free_durably(struct world *w, void *arg) {
    struct proc *p = &w->worker.proc;
    assert_true(ok(tree_free(p, *(struct tree *)arg)));
    assert_true(ok(log_wait_durable(p, (lsn){atomic_load(&w->shm.log->tail)})));
}

/* While the map is there it says that the page is free; afterwards what lies at home is asked. */
static void is_free_for_good(struct world *w, void *arg) {
    struct proc *p = &w->worker.proc;
    page_id root = ((struct tree *)arg)->root, map = space_page_of(root);
    struct msg checkpoint = {.op = MSG_CHECKPOINT};
    char *page = malloc(PAGE_BYTES);
    struct frame *f;
    assert_true(ok(page_copy(p, map, page)));
    for (unsigned looks = 0; looks < 2; looks++) {
        assert_true(ok(page_copy(p, root, page)));
        assert_int_not_equal(page_head_c(page)->type, PAGE_TYPE_TREE);
        assert_true(ok(p->env->call(p, SLOT_STORAGED, &checkpoint)));
        for (uint64_t n = 0; pool_peek(&w->shm, map) || pool_peek(&w->shm, root); n++) {
            page_id other = {map.no + 1 + n % 120};
            if (other.no == root.no) continue;
            for (unsigned uses = 0; uses < 3; uses++) /* so that eviction goes all the way round */
                status_ignore(pool_find(p, other, &f)); /* it may be free */
        }
    }
    free(page);
}

static void freed_pages_stay_free([[maybe_unused]] void **state) {
    struct world w;
    struct tree t;
    struct model *m = model_begin(&w, 41);
    m->changes_left = 3000;
    world_run(&w, change_many, m, NULL);
    world_run(&w, make_at_home, &t, NULL);
    m->changes_left = 500; /* redo comes to the end of the tree late */
    world_run(&w, change_many, m, NULL);
    world_run(&w, free_durably, &t, NULL);
    world_crash(&w, 41);
    model_crash(&w, m);
    world_start(&w);
    world_run(&w, is_free_for_good, &t, NULL);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

static void wait_for_size(struct world *w, uint32_t frames, unsigned turns_max) {
    struct pool_shared *pool = w->shm.pool;
    for (unsigned i = 0; atomic_load(&pool->ready_frames) != frames; i++) {
        assert_true(i < turns_max);
        assert_true(daemon_turn(&w->storaged, 0));
        assert_true(daemon_turn(&w->logd, 0));
    }
}

/* What there is of frames beyond the first n. */
static void none_behind(const struct world *w, uint32_t n) {
    const struct storaged *s = w->storaged.state;
    for (uint32_t i = n; i < w->shm.sizes.frames; i++)
        assert_int_equal(atomic_load(&w->shm.frames[i].state), FRAME_FREE);
    for (uint32_t i = 0; i < s->stock_count; i++) assert_true(s->stock[i] < n);
}

static uint32_t frames_in_use(const struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->shm.sizes.frames; i++)
        n += atomic_load(&w->shm.frames[i].state) != FRAME_FREE;
    return n;
}

static void change_more(struct world *w, struct model *m, unsigned changes) {
    m->changes_left = changes;
    world_run(w, change_many, m, NULL);
    world_run(w, check_all, m, NULL);
}

/* The pool becomes smaller and larger under changes; storaged dies while it shrinks. */
static void pool_is_resized([[maybe_unused]] void **state) {
    const uint64_t all = 1024, few = 128;
    struct world w;
    struct model *m = model_new(43);
    world_make(&w, all, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    change_more(&w, m, 15000);
    assert_true(frames_in_use(&w) > few);
    assert_true(status_is(pool_resize(w.storaged.state, (all + 1) * PAGE_BYTES), ST_INVALID));
    assert_true(status_is(pool_resize(w.storaged.state, PAGE_BYTES), ST_INVALID));
    for (unsigned round = 0; round < 4; round++) {
        assert_true(ok(pool_resize(w.storaged.state, few * PAGE_BYTES)));
        for (unsigned i = 0; i < round; i++) daemon_turn(&w.storaged, 0);
        if (round % 2) world_kill_storaged(&w);
        wait_for_size(&w, few, 20000);
        none_behind(&w, few);
        change_more(&w, m, 2000);
        none_behind(&w, few);
        assert_true(ok(pool_resize(w.storaged.state, all * PAGE_BYTES)));
        change_more(&w, m, 2000);
        assert_true(frames_in_use(&w) > few);
    }
    model_end(&w, m);
}

static struct frame *some_frame(const struct world *w, uint32_t state, bool dirty) {
    for (uint32_t i = 0; i < w->shm.sizes.frames; i++) {
        struct frame *f = &w->shm.frames[i];
        if (atomic_load(&f->state) == state && !atomic_load(&f->write_lsn) &&
            (!dirty || atomic_load(&f->rec_lsn)))
            return f;
    }
    fail_msg("no frame in state %u", state);
    return NULL;
}

/* What storaged leaves when it dies just before or just after the copy begins to count. */
static void half_move(struct world *w, struct frame *from, struct frame *to, bool counts) {
    memcpy(frame_bytes(&w->shm, to), frame_bytes(&w->shm, from), PAGE_BYTES);
    atomic_store(&to->rec_lsn, atomic_load(&from->rec_lsn));
    atomic_store(&to->page, atomic_load(&from->page));
    atomic_store(&to->state, FRAME_MOVED);
    if (!counts) return;
    atomic_store(&from->state, FRAME_FREE);
    memset(frame_bytes(&w->shm, from), 0xee, PAGE_BYTES);
}

static void storaged_dies_in_a_move([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(47);
    world_make(&w, 1024, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    for (unsigned counts = 0; counts < 2; counts++) {
        change_more(&w, m, 3000);
        struct frame *from = some_frame(&w, FRAME_READY, true);
        struct frame *to = some_frame(&w, FRAME_FREE, false);
        uint64_t page = atomic_load(&from->page), rec_lsn = atomic_load(&from->rec_lsn);
        half_move(&w, from, to, counts);
        world_kill_storaged(&w);
        struct frame *has = counts ? to : from, *empty = counts ? from : to;
        assert_int_equal(atomic_load(&has->page), page);
        assert_int_equal(atomic_load(&has->rec_lsn), rec_lsn);
        assert_int_equal(atomic_load(&has->state), FRAME_READY);
        assert_int_equal(atomic_load(&empty->state), FRAME_FREE);
        assert_int_equal(atomic_load(&empty->rec_lsn), 0);
        change_more(&w, m, 1000);
    }
    model_end(&w, m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greater_than_the_pool_sim),
        cmocka_unit_test(greater_than_the_pool_plain),
        cmocka_unit_test(greater_than_the_pool_uring),
        cmocka_unit_test(crashes),
        cmocka_unit_test(storaged_dies),
        cmocka_unit_test(storaged_dies_in_redo),
        cmocka_unit_test(damaged_pages),
        cmocka_unit_test(damaged_for_good),
        cmocka_unit_test(writer_dies),
        cmocka_unit_test(disk_full),
        cmocka_unit_test(device_errors),
        cmocka_unit_test(pages_wanted_together),
        cmocka_unit_test(first_use_of_what_was_read_ahead),
        cmocka_unit_test(neighbours_are_read_at_once),
        cmocka_unit_test(new_pages_bring_their_frames),
        cmocka_unit_test(freed_pages_stay_free),
        cmocka_unit_test(pool_is_resized),
        cmocka_unit_test(storaged_dies_in_a_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
