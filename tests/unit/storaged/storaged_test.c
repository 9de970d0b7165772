/* storaged with real trees on top: whatever dies, the trees hold what the log says, and no page is
 * lost or used twice. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/counter.h"
#include "world.h"

#define KEYS 12000
#define VALUE_BYTES 150
#define TREE_ID 77

/* --- the model: every change in order, with the log position behind it ----------------------- */

struct change {
    uint32_t key;
    uint32_t version; /* 0: deleted */
    uint64_t end;     /* durable at or beyond it: the change counts */
};

struct model {
    struct tree tree;
    struct change *changes;
    size_t count, cap;
    uint32_t version[KEYS]; /* now */
    uint32_t next_version;
    uint64_t seed;
    uint64_t changes_left;
    unsigned random_checkpoints;
};

static void note(struct world *w, struct model *m, uint32_t key, uint32_t version) {
    if (m->count == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 1024;
        m->changes = realloc(m->changes, m->cap * sizeof *m->changes);
        assert_non_null(m->changes);
    }
    m->changes[m->count++] = (struct change){key, version, atomic_load(&w->shm.log->tail)};
    m->version[key] = version;
}

/* What is left after a crash: the changes that were durable. */
static void model_crash(struct world *w, struct model *m) {
    uint64_t durable = atomic_load(&w->shm.log->durable);
    memset(m->version, 0, sizeof m->version);
    size_t kept = 0;
    while (kept < m->count && m->changes[kept].end <= durable) {
        m->version[m->changes[kept].key] = m->changes[kept].version;
        kept++;
    }
    m->count = kept;
}

static void key_of(uint32_t key, unsigned char *ret_bytes) {
    store_be32(ret_bytes, key * 2654435761u); /* spread over the tree */
    store_be32(ret_bytes + 4, key);
}

static void value_of(uint32_t key, uint32_t version, unsigned char *ret_bytes) {
    uint64_t s = (uint64_t)key << 32 | version;
    for (unsigned i = 0; i < VALUE_BYTES; i++) ret_bytes[i] = (unsigned char)rnd(&s);
}

static bool never_running([[maybe_unused]] struct proc *p, [[maybe_unused]] txid x,
                          commit_time *ret_time) {
    *ret_time = 0;
    return false;
}

static void change_one(struct world *w, struct model *m) {
    struct proc *p = &w->worker.proc;
    struct tree_writer writer = {0};
    uint32_t key = (uint32_t)(rnd(&m->seed) % KEYS);
    unsigned char k[8], v[VALUE_BYTES], buf[TREE_ENTRY_BYTES_MAX];
    key_of(key, k);
    uint32_t version = ++m->next_version;
    value_of(key, version, v);
    if (m->version[key] == 0) {
        struct tree_found found;
        status s = tree_insert(p, &writer, m->tree, k, 8, v, VALUE_BYTES, never_running, &found);
        assert_true(ok(s));
        note(w, m, key, version);
        return;
    }
    struct tree_entry e;
    assert_true(ok(tree_get(p, m->tree, k, 8, buf, &e)));
    if (rnd(&m->seed) % 8 == 0) {
        assert_true(ok(tree_delete(p, &writer, m->tree, k, 8, e.lsn, never_running, NULL)));
        note(w, m, key, 0);
        return;
    }
    assert_true(
        ok(tree_update(p, &writer, m->tree, k, 8, e.lsn, v, VALUE_BYTES, never_running, NULL)));
    note(w, m, key, version);
}

static void make_tree(struct world *w, void *arg) {
    struct model *m = arg;
    struct tree_writer writer = {0};
    assert_true(ok(tree_create(&w->worker.proc, &writer, TREE_ID, &m->tree)));
    assert_true(ok(log_wait_durable(&w->worker.proc, (lsn){atomic_load(&w->shm.log->tail)})));
}

static void change_many(struct world *w, void *arg) {
    struct model *m = arg;
    while (m->changes_left > 0) {
        m->changes_left--;
        change_one(w, m);
        if (m->random_checkpoints && rnd(&m->seed) % 2000 == 0) {
            struct msg c = {.op = MSG_CHECKPOINT};
            assert_true(ok(w->worker.proc.env->call(&w->worker.proc, SLOT_STORAGED, &c)));
        }
        if (rnd(&m->seed) % 50 == 0) w->worker.proc.env->pause(&w->worker.proc);
    }
}

static void count_page(void *arg, page_id page) {
    unsigned char *seen = arg;
    assert_int_equal(seen[page.no], 0); /* no page twice */
    seen[page.no] = 1;
}

/* Every key has the version it should have; the tree is sound; and the space maps say that exactly
 * the tree's pages, the map and the two file pages are in use. */
static void check_all(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    unsigned char k[8], v[VALUE_BYTES], buf[TREE_ENTRY_BYTES_MAX];
    for (uint32_t key = 0; key < KEYS; key++) {
        struct tree_entry e;
        key_of(key, k);
        status s = tree_get(p, m->tree, k, 8, buf, &e);
        if (m->version[key] == 0) {
            assert_true(status_is(s, ST_NOT_FOUND) || (ok(s) && e.flags & ENTRY_DELETED));
            continue;
        }
        assert_true(ok(s));
        assert_false(e.flags & ENTRY_DELETED);
        value_of(key, m->version[key], v);
        assert_int_equal(e.value_len, VALUE_BYTES);
        assert_memory_equal(e.value, v, VALUE_BYTES);
    }
    uint64_t file_pages = atomic_load(&w->shm.pool->file_pages);
    unsigned char *seen = calloc(file_pages, 1);
    seen[0] = seen[1] = seen[2] = 1;
    struct tree_report report = {0};
    status s = tree_check(p, m->tree, count_page, seen, &report);
    if (!ok(s)) print_error("%s\n", report.words);
    assert_true(ok(s));
    struct space_page *map = malloc(PAGE_BYTES);
    assert_true(ok(page_copy(p, (page_id){SPACE_FIRST}, map)));
    for (uint64_t i = 0; i < file_pages; i++) assert_int_equal(space_bit(map, i), seen[i]);
    free(map);
    free(seen);
}

static struct model *model_new(uint64_t seed) {
    struct model *m = calloc(1, sizeof *m);
    m->seed = seed;
    return m;
}

static void model_free(struct model *m) {
    free(m->changes);
    free(m);
}

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
    world_stop(&w);
    model_free(m);
    world_free(&w);
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
    struct model *m = model_new(11);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
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
    world_stop(&w);
    model_free(m);
    world_free(&w);
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
    struct model *m = model_new(17);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->random_checkpoints = 1;
    m->changes_left = 15000;
    kills = 0;
    world_run(&w, change_many, m, kill_sometimes);
    world_run(&w, check_all, m, kill_sometimes);
    assert_true(kills > 5);
    world_stop(&w);
    model_free(m);
    world_free(&w);
}

static void flip_home(struct world *w, uint64_t page) {
    disk_sim_flip(w->sim, "data", page * PAGE_BYTES + 4000, 3);
}

/* Every page at home is damaged while nothing runs: the double-write file or the log bring back all
 * of them. Without either, the error is said. */
static void damaged_pages([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(23);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->changes_left = 6000;
    world_run(&w, change_many, m, NULL);
    uint64_t pages = atomic_load(&w.shm.pool->file_pages);
    world_stop(&w);
    world_crash(&w, 1);
    for (uint64_t i = 2; i < pages; i++) flip_home(&w, i);
    world_start(&w);
    world_run(&w, check_all, m, NULL);
    world_stop(&w);
    model_free(m);
    world_free(&w);
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
    struct model *m = model_new(29);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->changes_left = 3000;
    world_run(&w, change_many, m, NULL);
    world_stop(&w);
    world_crash(&w, 1);
    flip_home(&w, m->tree.root.no);
    for (uint64_t i = 0; i < WRITERS; i++) /* heads of the double-write regions */
        disk_sim_flip(w.sim, "doublewrite", i * DOUBLEWRITE_REGION_BYTES + 100, 1);
    world_start(&w);
    atomic_store(&w.shm.log->oldest, atomic_load(&w.shm.log->tail));
    world_run(&w, expect_corrupted, m, NULL);
    world_stop(&w);
    model_free(m);
    world_free(&w);
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
    struct model *m = model_new(31);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
    m->changes_left = 5000;
    world_run(&w, change_many, m, NULL);
    world_run(&w, dead_writer, m, NULL);
    world_run(&w, check_all, m, NULL);
    world_stop(&w);
    model_free(m);
    world_free(&w);
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
    world_stop(&w);
    model_free(m);
    world_free(&w);
}

/* Errors of the device are answered, and passing ones are survived. */
static void read_errors(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    unsigned failed = 0;
    for (uint64_t page = 3; page < 150; page++) {
        struct frame *f;
        if (pool_peek(&w->shm, (page_id){page})) continue;
        disk_sim_fail(w->sim, 1, ST_IO_ERROR, false);
        status s = pool_find(p, (page_id){page}, &f);
        disk_sim_fail(w->sim, 0, ST_OK, false);
        assert_true(ok(s) || status_is(s, ST_IO_ERROR));
        failed += !ok(s);
        assert_true(ok(pool_find(p, (page_id){page}, &f)));
    }
    assert_true(failed > 20);
    check_all(w, m);
}

static void device_errors([[maybe_unused]] void **state) {
    struct world w;
    struct model *m = model_new(41);
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, make_tree, m, NULL);
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
    world_stop(&w);
    model_free(m);
    world_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greater_than_the_pool_sim),
        cmocka_unit_test(greater_than_the_pool_plain),
        cmocka_unit_test(greater_than_the_pool_uring),
        cmocka_unit_test(crashes),
        cmocka_unit_test(storaged_dies),
        cmocka_unit_test(damaged_pages),
        cmocka_unit_test(damaged_for_good),
        cmocka_unit_test(writer_dies),
        cmocka_unit_test(disk_full),
        cmocka_unit_test(device_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
