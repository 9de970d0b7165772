#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ipc_version.h"

static void test_line(void **state) {
    (void)state;
    char line[VERSION_LINE_BYTES];
    struct version own = version_own("logd"), read;
    version_print(&own, line);
    assert_true(ok(version_parse(line, &read)));
    assert_memory_equal(&own, &read, sizeof own);
    strcat(line, "\n");
    assert_true(ok(version_parse(line, &read)));
    static const char *const strange[] = {"", "logd 0.1.0", "axolotl logd 0.1.0 layout x",
                                          "axolotl logd 0.1.0 layout 3 page 1 log 1",
                                          "axolotl logd 0.1.0 layout 3 page 1 log 1 data 1 more"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_true(status_is(version_parse(strange[i], &read), ST_INVALID));
}

static status check(const struct version *own, const struct version *other, const char *word) {
    struct error e = {0};
    status st = version_check(own, other, &e);
    if (word) assert_non_null(strstr(e.message, word));
    return st;
}

static void test_check(void **state) {
    (void)state;
    struct version own = version_own("logd"), other = own;
    strcpy(other.number, "0.2.0"); /* that alone is what an upgrade is for */
    assert_true(ok(check(&own, &other, NULL)));
    other.layout++;
    assert_false(ok(check(&own, &other, "layout")));
    other = own;
    other.page++;
    assert_false(ok(check(&own, &other, "page format")));
    other = own;
    other.log++;
    assert_false(ok(check(&own, &other, "log format")));
    other = own;
    other.data++;
    assert_false(ok(check(&own, &other, "data format")));
    other = version_own("txnd");
    assert_false(ok(check(&own, &other, "txnd")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_line), cmocka_unit_test(test_check)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
