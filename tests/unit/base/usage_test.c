#include "base/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct proc process;

static int setup(void **) {
    process.counters = aligned_alloc(64, sizeof *process.counters);
    if (process.counters) memset(process.counters, 0, sizeof *process.counters);
    return process.counters == NULL;
}

static int teardown(void **) {
    free(process.counters);
    return 0;
}

/* As a loop does: the meter of whose turn it is. */
static void change_turns(struct usage_meter *to) {
    if (process.meter) usage_leave(&process);
    process.meter = to;
    if (process.meter) usage_return(&process);
}

static void test_turns(void **) {
    struct usage_meter a, b;
    struct usage used;
    counter_add(&process, COUNTER_PAGE_HITS, 1000); /* before anybody is metered */
    usage_begin(&process, &a);
    counter_add(&process, COUNTER_PAGE_HITS, 1);
    change_turns(NULL);
    counter_add(&process, COUNTER_PAGE_HITS, 20); /* of one that is not metered */
    usage_begin(&process, &b);
    counter_add(&process, COUNTER_PAGE_MISSES, 300);
    change_turns(&a);
    counter_add(&process, COUNTER_PAGE_HITS, 4);
    counter_add(&process, COUNTER_LOG_BYTES, 50);
    usage_read(&process, &used);
    assert_int_equal(used.n[USAGE_PAGE_HITS], 5);
    assert_int_equal(used.n[USAGE_PAGE_READS], 0);
    assert_int_equal(used.n[USAGE_LOG_BYTES], 50);
    change_turns(&b);
    usage_read(&process, &used);
    assert_int_equal(used.n[USAGE_PAGE_HITS], 0);
    assert_int_equal(used.n[USAGE_PAGE_READS], 300);
    assert_int_equal(used.n[USAGE_LOG_BYTES], 0);
    usage_end(&process);
    change_turns(&a);
    usage_end(&process);
    assert_null(process.meter);
}

static void test_stretches(void **) {
    struct usage_meter m;
    struct usage sum = {0}, from, to;
    usage_begin(&process, &m);
    for (unsigned i = 1; i < 4; i++) {
        usage_read(&process, &from);
        counter_add(&process, COUNTER_PAGES_DIRTIED, i);
        usage_read(&process, &to);
        usage_add(&sum, &from, &to);
        counter_add(&process, COUNTER_PAGES_DIRTIED, 100);
    }
    usage_end(&process);
    assert_int_equal(sum.n[USAGE_PAGES_DIRTIED], 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_stretches),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
