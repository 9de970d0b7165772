/* Runs the scripts of tests/sql/scripts over the fake appliance: their expected results are
 * PostgreSQL's. With arguments: runs those scripts and describes what fails. */
#include <dirent.h>
#include <locale.h>

#include "sql_session.h"

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned run_script(const char *path) {
    struct sql_session *s = sql_session_new(4);
    struct script_run run = {.execute = sql_execute, .arg = s, .report = stderr};
    if (!script_run_file(&run, path)) fail_msg("%s: cannot be read", path);
    assert_true(run.records > 0);
    sql_session_free(s);
    return run.failures;
}

static void test_scripts(void **) {
    char *names[256];
    size_t n = 0;
    unsigned failures = 0;
    DIR *d = opendir(SCRIPTS);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) && n < 256;) {
        size_t len = strlen(e->d_name);
        if (len > 5 && strcmp(e->d_name + len - 5, ".test") == 0) {
            names[n] = malloc(strlen(SCRIPTS) + len + 2);
            assert_non_null(names[n]);
            sprintf(names[n++], "%s/%s", SCRIPTS, e->d_name);
        }
    }
    closedir(d);
    assert_true(n > 0);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        failures += run_script(names[i]);
        free(names[i]);
    }
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "C.UTF-8"); /* as a worker does */
    unsigned failures = 0;
    for (int i = 1; i < argc; i++) failures += run_script(argv[i]);
    if (argc > 1) return failures != 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scripts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
