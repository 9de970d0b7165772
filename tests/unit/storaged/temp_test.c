/* Temporary space: storaged's side of shared/temp. */
#include <stdlib.h>

#include "world.h"

#define TEMP_TEST_BLOCKS 200

struct temp_test {
    uint64_t handles[TEMP_TEST_BLOCKS];
    unsigned n;
};

static void temp_content(unsigned i, char *content) {
    for (unsigned k = 0; k < TEMP_CONTENT_BYTES; k++) content[k] = (char)(i * 31 + k * 7);
}

static void temp_fill(struct world *w, void *arg) {
    struct temp_test *t = arg;
    char *content = malloc(TEMP_CONTENT_BYTES);
    for (t->n = 0; t->n < TEMP_TEST_BLOCKS; t->n++) {
        temp_content(t->n, content);
        size_t bytes = t->n % 3 ? TEMP_CONTENT_BYTES : 100 + t->n;
        if (!ok(temp_write(&w->worker.proc, content, bytes, &t->handles[t->n]))) break;
    }
    free(content);
}

static void temp_check(struct world *w, void *arg) {
    struct temp_test *t = arg;
    char *want = malloc(TEMP_CONTENT_BYTES), *got = malloc(TEMP_CONTENT_BYTES);
    for (unsigned i = 0; i < t->n; i++) {
        size_t bytes;
        temp_content(i, want);
        assert_true(ok(temp_read(&w->worker.proc, t->handles[i], got, &bytes)));
        assert_int_equal(bytes, i % 3 ? TEMP_CONTENT_BYTES : 100 + i);
        assert_memory_equal(got, want, bytes);
    }
    free(want);
    free(got);
}

static void temp_give_back(struct world *w, void *arg) {
    struct temp_test *t = arg;
    char *got = malloc(TEMP_CONTENT_BYTES);
    size_t bytes;
    temp_free(&w->worker.proc, t->handles, t->n);
    temp_free(&w->worker.proc, t->handles, t->n); /* a request that is sent again */
    assert_true(status_is(temp_read(&w->worker.proc, t->handles[0], got, &bytes), ST_NOT_FOUND));
    free(got);
}

static uint32_t temp_used(const struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < TEMP_BLOCKS_MAX; i++) {
        const struct temp_block *b = &w->shm.temp->blocks[i];
        if (!atomic_load(&b->serial)) break;
        n += atomic_load(&b->owner) != 0;
    }
    return n;
}

static void temp_kill(struct world *w) {
    static unsigned turns;
    if (++turns % 40 == 0) world_kill_storaged(w);
}

/* Blocks are what was written, also over deaths of storaged; what is given back is used again. */
static void temp_space(void **state) {
    struct world w;
    struct temp_test t;
    world_make(&w, 64, "sim");
    world_start(&w);
    void (*between)(struct world *) = *state ? temp_kill : NULL;
    for (int round = 0; round < 3; round++) {
        world_run(&w, temp_fill, &t, between);
        assert_int_equal(t.n, TEMP_TEST_BLOCKS);
        world_run(&w, temp_check, &t, between);
        world_run(&w, temp_give_back, &t, NULL);
        assert_int_equal(temp_used(&w), 0);
    }
    world_stop(&w);
    world_free(&w);
}

/* A full disk is told, and nothing stays behind. */
static void temp_disk_full([[maybe_unused]] void **state) {
    struct world w;
    struct temp_test t;
    world_make(&w, 64, "sim");
    world_start(&w);
    disk_sim_set_capacity(w.sim, (uint64_t)6 << 20);
    world_run(&w, temp_fill, &t, NULL);
    assert_true(t.n > 10 && t.n < TEMP_TEST_BLOCKS);
    assert_int_equal(temp_used(&w), t.n);
    world_run(&w, temp_check, &t, NULL);
    world_run(&w, temp_give_back, &t, NULL);
    assert_int_equal(temp_used(&w), 0);
    world_stop(&w);
    world_free(&w);
}

/* A worker that is dead gives everything back. */
static void temp_owner_dies([[maybe_unused]] void **state) {
    struct world w;
    struct temp_test t;
    world_make(&w, 64, "sim");
    world_start(&w);
    world_run(&w, temp_fill, &t, NULL);
    struct proc_entry *e = &w.shm.control->procs[w.worker.proc.owner.slot];
    uint32_t before = atomic_load(&e->state);
    atomic_store(&e->state, PROC_DEAD);
    for (int i = 0; i < 20 && temp_used(&w); i++) {
        struct storaged *s = w.storaged.state;
        temp_tick(s);
    }
    assert_int_equal(temp_used(&w), 0);
    atomic_store(&e->state, before);
    world_stop(&w);
    world_free(&w);
}

int main(void) {
    static bool kills = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temp_space),
        cmocka_unit_test_prestate(temp_space, &kills),
        cmocka_unit_test(temp_disk_full),
        cmocka_unit_test(temp_owner_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
