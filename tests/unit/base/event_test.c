#include "base/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int make_ring(void **state) {
    *state = aligned_alloc(64, sizeof(struct event_ring));
    if (*state) memset(*state, 0, sizeof(struct event_ring));
    return *state == NULL;
}

static int free_ring(void **state) {
    free(*state);
    return 0;
}

static struct event numbered(uint64_t n) {
    struct event e = {.wall_ns = n, .kind = EVENT_DIED, .slot = 4, .repair_us = n, .service_us = n};
    memset(e.text, 'a' + (int)(n % 26), sizeof e.text - 1);
    return e;
}

static bool is_whole(const struct event *e, uint64_t n) {
    struct event expected = numbered(n);
    return memcmp(e, &expected, sizeof expected) == 0;
}

static void test_order_and_lap(void **state) {
    struct event_ring *r = *state;
    struct event e;
    assert_false(event_get(r, 0, &e));
    assert_int_equal(event_next(r), 0);
    for (uint64_t n = 0; n < EVENT_RING + 10; n++) {
        struct event in = numbered(n);
        assert_int_equal(event_put(r, &in), n);
    }
    assert_int_equal(event_next(r), EVENT_RING + 10);
    assert_int_equal(event_oldest(r), 10);
    for (uint64_t n = 0; n < 10; n++) assert_false(event_get(r, n, &e));
    for (uint64_t n = 10; n < EVENT_RING + 10; n++) {
        assert_true(event_get(r, n, &e));
        assert_true(is_whole(&e, n));
    }
    assert_false(event_get(r, EVENT_RING + 10, &e));
}

/* The writer dies with the entry written and `next` not moved, and amid the entry. */
static void test_writer_killed(void **state) {
    struct event_ring *r = *state;
    struct event e = numbered(0), out;
    event_put(r, &e);
    atomic_store(&r->next, 0);
    e = numbered(1);
    assert_int_equal(event_put(r, &e), 1);
    assert_true(event_get(r, 0, &out) && is_whole(&out, 0));
    assert_true(event_get(r, 1, &out) && is_whole(&out, 1));
    atomic_store(&r->entry[2].number, 0);
    atomic_store(&r->entry[2].word[0], 77);
    assert_false(event_get(r, 2, &out));
    e = numbered(2);
    assert_int_equal(event_put(r, &e), 2);
    assert_true(event_get(r, 2, &out) && is_whole(&out, 2));
}

#define WRITES 200000

static void *write_many(void *arg) {
    for (uint64_t n = 0; n < WRITES; n++) {
        struct event e = numbered(n);
        event_put(arg, &e);
    }
    return NULL;
}

static void test_readers_see_whole_events(void **state) {
    struct event_ring *r = *state;
    pthread_t writer;
    uint64_t seen = 0;
    assert_int_equal(pthread_create(&writer, NULL, write_many, r), 0);
    for (uint64_t next = 0; next < WRITES;) {
        next = event_next(r);
        /* the oldest: it is about to be overwritten */
        for (uint64_t n = event_oldest(r), end = n + 4; n < end; n++) {
            struct event e;
            if (!event_get(r, n, &e)) continue;
            assert_true(is_whole(&e, n));
            seen++;
        }
    }
    pthread_join(writer, NULL);
    assert_true(seen > 0);
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(event_kind_name(EVENT_DIED), "died");
    assert_string_equal(event_kind_name(EVENT_KINDS), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_and_lap, make_ring, free_ring),
        cmocka_unit_test_setup_teardown(test_writer_killed, make_ring, free_ring),
        cmocka_unit_test_setup_teardown(test_readers_see_whole_events, make_ring, free_ring),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
