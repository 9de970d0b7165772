/* What a bad device makes of the data file while storaged runs: bits that flip, writes that are
 * lost or go elsewhere. Every page is served as it was written last, or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup.h"
#include "base/counter.h"
#include "model.h"

#define ROUNDS 12

static void get_page(struct world *w, uint64_t page, void *buf) {
    disk_sim_get(w->sim, "data", page * PAGE_BYTES, buf, PAGE_BYTES);
}
static void put_page(struct world *w, uint64_t page, const void *buf) {
    disk_sim_put(w->sim, "data", page * PAGE_BYTES, buf, PAGE_BYTES);
}

static uint64_t file_pages(const struct world *w) {
    return atomic_load(&w->shm.pool->file_pages);
}

/* The data file as it is at home now. */
static char *keep_file(struct world *w) {
    char *file = malloc(file_pages(w) * PAGE_BYTES);
    assert_non_null(file);
    disk_sim_get(w->sim, "data", 0, file, file_pages(w) * PAGE_BYTES);
    return file;
}

static void no_copies(struct world *w) {
    for (uint64_t i = 0; i < WRITERS; i++) /* heads of the double-write regions */
        disk_sim_flip(w->sim, "doublewrite", i * DOUBLEWRITE_REGION_BYTES + 100, 1);
}

/* Some pages as they were when `old` was kept, some at another's place, some with a bit flipped. */
static void spoil(struct world *w, uint64_t pages, uint64_t *seed, const char *old,
                  uint64_t old_pages) {
    char page[PAGE_BYTES];
    for (uint64_t i = SPACE_FIRST; i < pages; i++) {
        switch (rnd(seed) % 6) {
        case 0:
            if (i < old_pages) put_page(w, i, old + i * PAGE_BYTES);
            break;
        case 1:
            get_page(w, SPACE_FIRST + rnd(seed) % (pages - SPACE_FIRST), page);
            put_page(w, i, page);
            break;
        case 2:
            disk_sim_flip(w->sim, "data", i * PAGE_BYTES + rnd(seed) % PAGE_BYTES, rnd(seed) % 8);
            break;
        default: break;
        }
    }
}

static void checkpoint(struct world *w, [[maybe_unused]] void *arg) {
    struct msg c = {.op = MSG_CHECKPOINT};
    assert_true(ok(w->worker.proc.env->call(&w->worker.proc, SLOT_STORAGED, &c)));
}

enum between { GO_ON, DIE, CRASH };

static void go_on_from(struct world *w, struct model *m, enum between what, uint64_t seed) {
    if (what == DIE) world_kill_storaged(w);
    if (what != CRASH) return;
    world_crash(w, seed);
    model_crash(w, m);
}

/* Everything is spoilt again and again, while it runs, at the death of storaged, and of all. */
static void spoilt(enum between what) {
    struct world w;
    struct model *m = model_new(51 + what);
    uint64_t rebuilt = 0;
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->random_checkpoints = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        m->changes_left = 500;
        world_run(&w, change_many, m, NULL);
        uint64_t old_pages = file_pages(&w);
        char *old = keep_file(&w);
        m->changes_left = 1500;
        world_run(&w, change_many, m, NULL);
        if (round % 2) world_run(&w, checkpoint, m, NULL);
        uint64_t pages = file_pages(&w);
        go_on_from(&w, m, what, round);
        spoil(&w, pages, &m->seed, old, old_pages);
        if (round % 3 == 0) no_copies(&w);
        if (what == CRASH) world_start(&w);
        world_run(&w, check_all, m, NULL);
        if (what != GO_ON) rebuilt += world_counter(&w, COUNTER_PAGES_REBUILT);
        free(old);
    }
    if (what == GO_ON) rebuilt = world_counter(&w, COUNTER_PAGES_REBUILT);
    assert_true(rebuilt > 100);
    model_end(&w, m);
}

static void spoilt_while_it_runs([[maybe_unused]] void **state) {
    spoilt(GO_ON);
}
static void spoilt_when_storaged_dies([[maybe_unused]] void **state) {
    spoilt(DIE);
}
static void spoilt_when_all_die([[maybe_unused]] void **state) {
    spoilt(CRASH);
}

/* What is known of the pages' LSNs is spoilt, too: less is noticed, nothing wrong is made. */
static void knowledge_is_spoilt([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 57);
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    uint64_t pages = file_pages(&w);
    world_stop(&w);
    world_crash(&w, 1);
    for (uint64_t i = 0; i < 8; i++) disk_sim_flip(w.sim, "page_lsns", 4096 + i * 512 + 77, 2);
    for (uint64_t i = SPACE_FIRST; i < pages; i++)
        disk_sim_flip(w.sim, "data", i * PAGE_BYTES + 4000, 3);
    world_start(&w);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

/* The log has gone: only pages that are bad, and in use, are refused. */
static void read_all(struct world *w, void *arg) {
    const uint64_t *bad = arg;
    struct space_page *map = malloc(PAGE_BYTES);
    assert_true(ok(page_copy(&w->worker.proc, (page_id){SPACE_FIRST}, map)));
    for (uint64_t i = SPACE_FIRST; i < file_pages(w); i++) {
        char page[PAGE_BYTES];
        bool lost = i % *bad == 0 && space_bit(map, i);
        status s = page_copy(&w->worker.proc, (page_id){i}, page);
        assert_true(lost ? status_is(s, ST_DATA_CORRUPTED) : ok(s));
    }
    free(map);
}

static void log_is_gone([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_begin(&w, 61);
    uint64_t bad = 7;
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    uint64_t old_pages = file_pages(&w);
    char *old = keep_file(&w);
    m->changes_left = 9000;
    world_run(&w, change_many, m, NULL);
    uint64_t pages = file_pages(&w);
    world_stop(&w);
    world_crash(&w, 1);
    no_copies(&w);
    for (uint64_t i = bad; i < pages; i += bad) {
        char now[PAGE_BYTES];
        get_page(&w, i, now);
        bool changed = i < old_pages && memcmp(now, old + i * PAGE_BYTES, PAGE_BYTES) != 0;
        if (changed)
            put_page(&w, i, old + i * PAGE_BYTES);
        else
            disk_sim_flip(w.sim, "data", i * PAGE_BYTES + 99, 0);
    }
    world_start(&w);
    atomic_store(&w.shm.log->first, atomic_load(&w.shm.log->tail));
    atomic_store(&w.shm.log->oldest, atomic_load(&w.shm.log->tail));
    world_run(&w, read_all, &bad, NULL);
    free(old);
    model_end(&w, m);
}

static void in_file(const struct world *w, const char *name, long at, const char *bytes, size_t n) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    FILE *f = fopen(path, "r+");
    if (!f) f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void expect_lost(struct world *w, void *arg) {
    struct frame *f;
    page_id page = ((struct model *)arg)->tree.root;
    assert_true(status_is(pool_find(&w->worker.proc, page, &f), ST_DATA_CORRUPTED));
}

/* A backup that was cut off has no page: who wants one from there is refused, and that is all. */
static void backup_is_cut_off([[maybe_unused]] void **state) {
    static const size_t lengths[] = {0, 1, BACKUP_ALIGN - 1, BACKUP_ALIGN, BACKUP_ALIGN + 904};
    static const char spoilt[BACKUP_ALIGN + 904];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct world w;
        struct model *m = model_new(63);
        world_make(&w, 64, "plain");
        world_start(&w);
        world_run(&w, make_tree, m, NULL);
        m->changes_left = 500;
        world_run(&w, change_many, m, NULL);
        world_stop(&w);
        world_crash(&w, 1);
        in_file(&w, "data", (long)(m->tree.root.no * PAGE_BYTES) + 99, spoilt, 900);
        in_file(&w, "doublewrite", 0, spoilt, 100);
        in_file(&w, "doublewrite", DOUBLEWRITE_REGION_BYTES, spoilt, 100);
        in_file(&w, BACKUP_PAGES_FILE, 0, spoilt, lengths[i]);
        struct backup_record r = {.count = 1, .dir = {w.dir}, .appliance_id = 7};
        assert_true(ok(backup_record_write(w.dir, BACKUP_RECORD, &r)));
        world_start(&w);
        atomic_store(&w.shm.log->first, atomic_load(&w.shm.log->tail));
        atomic_store(&w.shm.log->oldest, atomic_load(&w.shm.log->tail));
        world_run(&w, expect_lost, m, NULL);
        model_end(&w, m);
    }
}

/* Nobody asks for the pages: the scrub finds them, and writes them home again. */
static void wait_scrubbed(struct world *w, void *arg) {
    const uint64_t *pages = arg;
    uint64_t scrubbed = world_counter(w, COUNTER_PAGES_SCRUBBED);
    while (world_counter(w, COUNTER_PAGES_SCRUBBED) < scrubbed + 3 * *pages)
        w->worker.proc.env->pause(&w->worker.proc);
}

static void scrubbed([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(67);
    world_make(&w, 64, "sim");
    w.conf.scrub_rate = 20000;
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    world_run(&w, checkpoint, m, NULL);
    uint64_t pages = file_pages(&w);
    char *old = keep_file(&w);
    spoil(&w, pages, &m->seed, old, 0);
    world_run(&w, wait_scrubbed, &pages, NULL);
    assert_true(world_counter(&w, COUNTER_PAGES_REBUILT) > pages / 6); /* a third are spoilt */
    world_run(&w, checkpoint, m, NULL);
    for (uint64_t i = SPACE_FIRST; i < pages; i++) {
        char page[PAGE_BYTES];
        get_page(&w, i, page);
        cipher_show(w.storaged.state, i, page, 1);
        bool in_frame = pool_peek(&w.shm, (page_id){i}); /* its turn comes once it is not */
        if (!in_frame && page_head_c(old + i * PAGE_BYTES)->type == PAGE_TYPE_TREE)
            assert_int_equal(damage_of(w.storaged.state, i, page), DAMAGE_NONE);
    }
    free(old);
    world_run(&w, check_all, m, NULL);
    model_end(&w, m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoilt_while_it_runs),
        cmocka_unit_test(spoilt_when_storaged_dies),
        cmocka_unit_test(spoilt_when_all_die),
        cmocka_unit_test(knowledge_is_spoilt),
        cmocka_unit_test(log_is_gone),
        cmocka_unit_test(backup_is_cut_off),
        cmocka_unit_test(scrubbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
