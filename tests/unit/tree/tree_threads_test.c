/* Threads as processes: they change and scan one tree at once, with a pool so small that pages come
 * and go beneath them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/check.h"
#include "fake_env.h"
#include "tree/tree.h"

#define THREADS 4
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 20000
#else
#define ROUNDS 40000
#endif

static bool never_running(struct proc *p, txid x, commit_time *ret_time) {
    (void)p;
    *ret_time = x;
    return false;
}

struct worker {
    struct fake_env *env;
    struct tree t;
    unsigned me;
    uint64_t random;
    pthread_t thread;
    uint64_t live;          /* entries left that are this worker's */
    unsigned char *present; /* by number */
};

static unsigned worker_rnd(struct worker *w, unsigned n) {
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 33) % n;
}

/* Keys of all workers lie side by side: number, then the worker. */
static size_t make_key(unsigned char *key, unsigned number, unsigned me) {
    store_be32(key, number);
    key[4] = (unsigned char)me;
    return 5;
}

static void check_value(const struct tree_entry *e) {
    CHECK(e->key_len == 5 && e->value_len >= 5);
    CHECK(memcmp(e->value, e->key, 5) == 0);
    for (unsigned i = 5; i < e->value_len; i++) CHECK(e->value[i] == e->value[e->value_len - 1]);
}

static size_t make_value(struct worker *w, unsigned char *value, const unsigned char *key) {
    size_t len = 5 + worker_rnd(w, 200);
    memcpy(value, key, 5);
    memset(value + 5, (int)worker_rnd(w, 256), len - 5);
    return len;
}

/* A stretch of entries: in order, each whole. */
static void scan(struct worker *w, struct proc *p, struct arena *a) {
    struct tree_cursor c;
    struct tree_entry e;
    unsigned char key[5], before[5];
    size_t len = make_key(key, worker_rnd(w, ROUNDS), 0);
    bool backward = worker_rnd(w, 2);
    struct arena_mark mark = arena_mark(a);
    CHECK(ok(tree_cursor_init(&c, a, w->t)));
    CHECK(ok(tree_cursor_seek(p, &c, key, len, backward, false)));
    memcpy(before, key, 5);
    for (unsigned n = 0; n < 300; n++) {
        status s = tree_cursor_next(p, &c, &e);
        if (status_is(s, ST_END)) break;
        CHECK(ok(s));
        check_value(&e);
        int order = memcmp(e.key, before, 5);
        CHECK(n == 0 ? (backward ? order <= 0 : order >= 0) : (backward ? order < 0 : order > 0));
        memcpy(before, e.key, 5);
    }
    arena_rewind(a, mark);
}

static void *work(void *arg) {
    struct worker *w = arg;
    struct proc p;
    struct arena a;
    struct tree_writer tw = {.x = w->me + 1};
    struct tree_entry e;
    unsigned char key[5], value[256], buf[TREE_ENTRY_BYTES_MAX];
    fake_env_proc(w->env, (uint16_t)(SLOT_QUERYD + w->me), &p);
    arena_init(&a, 0);
    for (unsigned n = 0; n < ROUNDS; n++) {
        unsigned number = worker_rnd(w, 3) ? n : worker_rnd(w, n + 1);
        size_t key_len = make_key(key, number, w->me);
        size_t len = make_value(w, value, key);
        status s = tree_get(&p, w->t, key, key_len, buf, &e);
        CHECK(s.code == (w->present[number] ? ST_OK : ST_NOT_FOUND));
        if (!w->present[number]) {
            CHECK(ok(tree_insert(&p, &tw, w->t, key, key_len, value, len, never_running, NULL)));
            w->present[number] = 1;
            w->live++;
        } else if (worker_rnd(w, 2)) {
            check_value(&e);
            CHECK(ok(
                tree_update(&p, &tw, w->t, key, key_len, e.lsn, value, len, never_running, NULL)));
        } else {
            CHECK(ok(tree_delete(&p, &tw, w->t, key, key_len, e.lsn, never_running, NULL)));
            CHECK(ok(tree_purge(&p, w->t, key, key_len, tw.last)));
            w->present[number] = 0;
            w->live--;
        }
        /* Now and then a stretch is emptied, so that leaves are joined. */
        if (n % 1000 == 999) {
            for (unsigned i = n - 900; i < n; i++) {
                key_len = make_key(key, i, w->me);
                if (!w->present[i]) continue;
                CHECK(ok(tree_get(&p, w->t, key, key_len, buf, &e)));
                CHECK(ok(tree_delete(&p, &tw, w->t, key, key_len, e.lsn, never_running, NULL)));
                CHECK(ok(tree_purge(&p, w->t, key, key_len, tw.last)));
                w->present[i] = 0;
                w->live--;
            }
        }
        if (n % 40 == 0) scan(w, &p, &a);
    }
    arena_free(&a);
    return NULL;
}

static void run(const struct fake_options *options) {
    struct fake_env *env = fake_env_new(options);
    struct worker workers[THREADS];
    struct proc p;
    struct tree t;
    struct tree_writer tw = {.x = 9};
    struct tree_report report;
    uint64_t live = 0;
    fake_env_proc(env, SLOT_QUERYD + THREADS, &p);
    assert_true(ok(tree_create(&p, &tw, 5, &t)));
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.env = env,
                                     .t = t,
                                     .me = i,
                                     .random = 0x9e3779b97f4a7c15u * (i + 1),
                                     .present = calloc(ROUNDS, 1)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        live += workers[i].live;
    }
    status s = tree_check(&p, t, NULL, NULL, &report);
    if (!ok(s)) print_message("%s\n", report.words);
    assert_true(ok(s));
    assert_int_equal(report.entries, live);
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned n = 0; n < ROUNDS; n++) {
            unsigned char key[5], buf[TREE_ENTRY_BYTES_MAX];
            struct tree_entry e;
            size_t len = make_key(key, n, i);
            s = tree_get(&p, t, key, len, buf, &e);
            assert_int_equal(s.code, workers[i].present[n] ? ST_OK : ST_NOT_FOUND);
        }
        free(workers[i].present);
    }
    assert_true(ok(tree_free(&p, t)));
    fake_env_free(env);
}

static void test_everything_in_memory(void **state) {
    (void)state;
    run(&(struct fake_options){0});
}

static void test_small_pool(void **state) {
    (void)state;
    run(&(struct fake_options){.frames = 64});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_in_memory),
        cmocka_unit_test(test_small_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
