#include "base/quarantine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define HOUR QUARANTINE_WINDOW_NS

static struct quarantine q;

static int clear([[maybe_unused]] void **state) {
    memset(&q, 0, sizeof q);
    return 0;
}

static void test_three_deaths(void **state) {
    (void)state;
    assert_false(quarantine_refuses(&q, 7));
    assert_int_equal(quarantine_note(&q, 7, 4, 1, 100, "select"), 1);
    assert_int_equal(quarantine_note(&q, 7, 5, 1, 200, "select"), 2);
    assert_false(quarantine_refuses(&q, 7));
    assert_int_equal(quarantine_note(&q, 7, 4, 2, 300, "select"), 3);
    assert_true(quarantine_refuses(&q, 7));
    assert_false(quarantine_refuses(&q, 8));
    assert_false(quarantine_refuses(&q, 0));
    struct quarantined found;
    assert_true(quarantine_get(&q, 0, &found));
    assert_int_equal(found.fingerprint, 7);
    assert_int_equal(found.deaths, 3);
    assert_int_equal(found.last_wall_ns, 300);
    assert_string_equal(found.text, "select");
    assert_false(quarantine_get(&q, 1, &found));
}

/* A repair that was killed notes the same death again. */
static void test_a_life_counts_once(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) assert_int_equal(quarantine_note(&q, 7, 4, 1, 100, ""), 1);
    assert_int_equal(quarantine_note(&q, 7, 4, 2, 100, ""), 2);
    assert_int_equal(quarantine_note(&q, 7, 4, 3, 100, ""), 3);
    /* ... also when it was killed before the refused were counted */
    q.refused = 0;
    assert_int_equal(quarantine_note(&q, 7, 4, 3, 100, ""), 3);
    assert_true(quarantine_refuses(&q, 7));
}

static void test_old_deaths_are_forgotten(void **state) {
    (void)state;
    assert_int_equal(quarantine_note(&q, 7, 4, 1, HOUR, ""), 1);
    assert_int_equal(quarantine_note(&q, 7, 4, 2, 2 * HOUR, ""), 2);
    assert_int_equal(quarantine_note(&q, 7, 4, 3, 3 * HOUR + 1, ""), 1);
    assert_int_equal(quarantine_note(&q, 7, 4, 4, 3 * HOUR + 2, ""), 2);
    assert_int_equal(quarantine_note(&q, 7, 4, 5, 3 * HOUR + 3, ""), 3);
    /* one in quarantine stays there */
    assert_int_equal(quarantine_note(&q, 7, 4, 6, 9 * HOUR, ""), 4);
    assert_true(quarantine_refuses(&q, 7));
}

static void test_release(void **state) {
    (void)state;
    for (uint32_t i = 0; i < QUARANTINE_DEATHS; i++) {
        quarantine_note(&q, 7, 4, i + 1, 100, "");
        quarantine_note(&q, 8, 4, i + 1, 100, "");
    }
    assert_true(quarantine_release(&q, 7));
    assert_false(quarantine_release(&q, 7));
    assert_false(quarantine_refuses(&q, 7));
    assert_true(quarantine_refuses(&q, 8));
    assert_int_equal(quarantine_note(&q, 7, 4, 9, 100, ""), 1);
    assert_true(quarantine_release(&q, 8));
    assert_int_equal(q.refused, 0);
}

static void test_full(void **state) {
    (void)state;
    for (uint64_t f = 1; f <= QUARANTINE_ENTRIES; f++)
        assert_int_equal(quarantine_note(&q, f, 4, (uint32_t)f, 1000 + f, ""), 1);
    assert_int_equal(quarantine_note(&q, 500, 4, 500, 2000, ""), 1);
    assert_int_equal(quarantine_note(&q, 1, 4, 501, 2001, ""), 1); /* the oldest had to go */
    /* those in quarantine stay, and when all are nobody new is noted */
    for (uint64_t f = 1; f <= 500; f++)
        for (uint32_t i = 0; i < QUARANTINE_DEATHS; i++)
            (void)quarantine_note(&q, f, 5, (uint32_t)(f * 10 + i), 3000, "");
    assert_int_equal(q.refused, QUARANTINE_ENTRIES);
    assert_int_equal(quarantine_note(&q, 1000, 4, 502, 4000, ""), 0);
}

static void test_long_text(void **state) {
    (void)state;
    char text[4 * QUARANTINE_TEXT_BYTES];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    quarantine_note(&q, 7, 4, 1, 100, text);
    struct quarantined found;
    assert_true(quarantine_get(&q, 0, &found));
    assert_int_equal(strlen(found.text), QUARANTINE_TEXT_BYTES - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_three_deaths, clear),
        cmocka_unit_test_setup(test_a_life_counts_once, clear),
        cmocka_unit_test_setup(test_old_deaths_are_forgotten, clear),
        cmocka_unit_test_setup(test_release, clear),
        cmocka_unit_test_setup(test_full, clear),
        cmocka_unit_test_setup(test_long_text, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
