/* Settings: values, units, bounds, errors as PostgreSQL 15 gives them; what a transaction's end
 * brings back; what the client is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ipc_region.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/type.h"

static struct {
    struct shm shm;
    struct conf conf;
    struct daemon d;
    struct worker worker;
    struct session *s;
    int client;
} f;

static const struct daemon_ops ops = {.name = "queryd"};

static int setup(void **state) {
    (void)state;
    struct shm_sizes sizes = {.frames = 16,
                              .page_buckets = 16,
                              .workers = 1,
                              .sessions = 2,
                              .txns = 16,
                              .map_entries = 128,
                              .ring_bytes = 8 << 20};
    struct error e = {0};
    int pair[2];
    memset(&f, 0, sizeof f);
    if (!ok(region_create_all(NULL, &sizes, &f.shm, &e))) return -1;
    conf_init(&f.conf);
    if (!ok(daemon_open(&f.d, &ops, &f.shm, SLOT_QUERYD, &f.conf, "/tmp", false, &e))) return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return -1;
    f.worker.d = &f.d;
    f.client = pair[0];
    return ok(session_new(&f.worker, pair[1], &f.s)) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    session_free(f.s);
    close(f.client);
    daemon_close(&f.d);
    region_detach_all(&f.shm);
    return 0;
}

static void set(const char *name, const char *value, bool local) {
    error_clear(&f.s->error);
    if (!ok(setting_set(f.s, name, value, local)))
        fail_msg("SET %s = %s: %s", name, value, f.s->error.message);
}

static const char *show(const char *name) {
    enum setting v = setting_find(f.s, name);
    assert_int_not_equal(v, SETTING_NONE);
    return setting_show(f.s, v);
}

static void values_are_shown_as_postgresql_shows_them(void **state) {
    (void)state;
    static const struct {
        const char *name, *value, *shown;
    } cases[] = {
        {"work_mem", "1 GB", "1GB"},
        {"work_mem", "64", "64kB"},
        {"work_mem", "1024kB ", "1MB"},
        {"work_mem", "1.5MB", "1536kB"},
        {"work_mem", "010MB", "8MB"},
        {"work_mem", "0x40", "64kB"},
        {"WORK_MEM", "65536B", "64kB"},
        {"lock_timeout", "1.5s", "1500ms"},
        {"lock_timeout", "500us", "0"},
        {"lock_timeout", "1500us", "2ms"},
        {"lock_timeout", "0", "0"},
        {"lock_timeout", "2147483647", "2147483647ms"},
        {"lock_timeout", "1.0001d", "1d"},
        {"lock_timeout", "-0.5", "0"},
        {"statement_timeout", "90min", "90min"},
        {"statement_timeout", "120min", "2h"},
        {"extra_float_digits", "1.6", "2"},
        {"extra_float_digits", "1e0", "1"},
        {"extra_float_digits", " -15", "-15"},
        {"extra_float_digits", "3 ", "3"},
        {"random_page_cost", "1.50", "1.5"},
        {"random_page_cost", "4", "4"},
        {"enable_sort", "of", "off"},
        {"enable_sort", "TRU", "on"},
        {"enable_sort", "1", "on"},
        {"enable_sort", "n", "off"},
        {"client_min_messages", "WARNING", "warning"},
        {"client_min_messages", "debug", "debug2"},
        {"client_min_messages", "info", "info"},
        {"synchronous_commit", "0", "off"},
        {"synchronous_commit", "yes", "on"},
        {"synchronous_commit", "Remote_Apply", "remote_apply"},
        {"default_transaction_isolation", "Repeatable Read", "repeatable read"},
        {"search_path", "\"a b\", c", "\"a b\", c"},
        {"client_encoding", "utf-8", "UTF8"},
        {"datestyle", "iso, dmy", "ISO, DMY"},
        {"DateStyle", "European", "ISO, DMY"},
        {"time zone", "europe/berlin", "Europe/Berlin"},
        {"TimeZone", "UTC", "UTC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set(cases[i].name, cases[i].value, false);
        if (strcmp(show(cases[i].name), cases[i].shown) != 0)
            fail_msg("%s = '%s' is shown as %s", cases[i].name, cases[i].value,
                     show(cases[i].name));
    }
}

static void errors_are_postgresqls(void **state) {
    (void)state;
#define TIME_UNITS                                                                                 \
    "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
#define INVALID(name, value) "invalid value for parameter \"" name "\": \"" value "\""
    static const struct {
        const char *name, *value, *sqlstate, *message, *more;
    } cases[] = {
        {"lock_timeout", "-1", "22023",
         "-1 ms is outside the valid range for parameter \"lock_timeout\" (0 .. 2147483647)", ""},
        {"lock_timeout", "1x", "22023", INVALID("lock_timeout", "1x"), TIME_UNITS},
        {"lock_timeout", "1 MS", "22023", INVALID("lock_timeout", "1 MS"), TIME_UNITS},
        {"lock_timeout", "99999999999", "22023", INVALID("lock_timeout", "99999999999"),
         "Value exceeds integer range."},
        {"lock_timeout", "nan", "22023", INVALID("lock_timeout", "nan"), ""},
        {"work_mem", "1kB", "22023",
         "1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)", ""},
        {"work_mem", "", "22023", INVALID("work_mem", ""), ""},
        {"work_mem", " 5 MB x", "22023", INVALID("work_mem", " 5 MB x"),
         "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."},
        {"extra_float_digits", "4", "22023",
         "4 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 3)", ""},
        {"extra_float_digits", "a", "22023", INVALID("extra_float_digits", "a"), ""},
        {"extra_float_digits", "1 ms", "22023", INVALID("extra_float_digits", "1 ms"), ""},
        {"random_page_cost", "a", "22023", INVALID("random_page_cost", "a"), ""},
        {"random_page_cost", "nan", "22023", INVALID("random_page_cost", "nan"), ""},
        {"random_page_cost", "1e400", "22023", INVALID("random_page_cost", "1e400"), ""},
        {"random_page_cost", "-1", "22023",
         "-1 is outside the valid range for parameter \"random_page_cost\" (0 .. 1.79769e+308)",
         ""},
        {"enable_sort", "maybe", "22023", "parameter \"enable_sort\" requires a Boolean value", ""},
        {"enable_sort", "o", "22023", "parameter \"enable_sort\" requires a Boolean value", ""},
        {"client_min_messages", "foo", "22023", INVALID("client_min_messages", "foo"),
         "Available values: debug5, debug4, debug3, debug2, debug1, log, notice, warning, error."},
        {"synchronous_commit", "foo", "22023", INVALID("synchronous_commit", "foo"),
         "Available values: local, remote_write, remote_apply, on, off."},
        {"TimeZone", "nowhere", "22023", INVALID("TimeZone", "nowhere"), ""},
        {"datestyle", "x", "22023", INVALID("DateStyle", "x"), "Unrecognized key word: \"x\"."},
        {"client_encoding", "foo", "22023", INVALID("client_encoding", "foo"), ""},
        {"server_version", "1", "55P02", "parameter \"server_version\" cannot be changed", ""},
        {"port", "1", "55P02", "parameter \"port\" cannot be changed without restarting the server",
         ""},
        {"fsync", "off", "55P02", "parameter \"fsync\" cannot be changed now", ""},
        {"foo", "1", "42704", "unrecognized configuration parameter \"foo\"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error *e = &f.s->error;
        for (int at_start = 0; at_start < 2; at_start++) {
            error_clear(e);
            status st = at_start ? setting_set_start_client(f.s, cases[i].name, cases[i].value)
                                 : setting_set(f.s, cases[i].name, cases[i].value, false);
            if (ok(st)) fail_msg("%s = '%s' was taken", cases[i].name, cases[i].value);
            assert_string_equal(status_sqlstate(st), cases[i].sqlstate);
            assert_string_equal(e->message, cases[i].message);
            assert_string_equal(e->hint[0] ? e->hint : e->detail, cases[i].more);
        }
    }
    assert_string_equal(show("lock_timeout"), "0");
    assert_string_equal(show("server_version"), "15.0");
}

static void the_stages_below_see_the_values(void **state) {
    (void)state;
    const struct sql_settings *q = &f.s->settings;
    set("work_mem", "2MB", false);
    set("lock_timeout", "3s", false);
    set("statement_timeout", "1min", false);
    set("enable_hashjoin", "off", false);
    set("search_path", "x", false);
    set("application_name", "test", false);
    assert_int_equal(q->work_mem_bytes, 2 << 20);
    assert_int_equal(q->lock_timeout_ms, 3000);
    assert_int_equal(q->statement_timeout_ms, 60000);
    assert_int_equal(q->planning.avoided, 1 << WAY_HASHJOIN);
    assert_string_equal(q->search_path, "x");
    assert_string_equal(q->application_name, "test");
    settings_rollback(f.s, 0);
    assert_int_equal(q->work_mem_bytes, f.conf.work_mem);
    assert_int_equal(q->lock_timeout_ms, f.conf.lock_timeout);
    assert_int_equal(q->planning.avoided, 0);
    assert_string_equal(q->search_path, "\"$user\", public");
}

static void the_end_of_a_transaction_decides(void **state) {
    (void)state;
    struct setting_values *values = &f.s->setting_values;
    set("work_mem", "1MB", false);
    settings_commit(f.s);
    set("work_mem", "2MB", false);
    set("work_mem", "3MB", true);
    assert_string_equal(show("work_mem"), "3MB");
    settings_commit(f.s); /* SET LOCAL goes, SET stays */
    assert_string_equal(show("work_mem"), "2MB");
    set("work_mem", "4MB", true);
    set("work_mem", "5MB", false);
    settings_commit(f.s); /* SET came after SET LOCAL */
    assert_string_equal(show("work_mem"), "5MB");
    set("work_mem", "6MB", true);
    set("work_mem", "7MB", true);
    settings_commit(f.s);
    assert_string_equal(show("work_mem"), "5MB");
    set("work_mem", "8MB", false);
    uint32_t savepoint = values->nsaved;
    set("work_mem", "9MB", false);
    set("lock_timeout", "1s", true);
    settings_rollback(f.s, savepoint);
    assert_string_equal(show("work_mem"), "8MB");
    assert_string_equal(show("lock_timeout"), "0");
    settings_rollback(f.s, 0);
    assert_string_equal(show("work_mem"), "5MB");
    set("work_mem", NULL, false); /* RESET, which can be rolled back, too */
    assert_int_equal(f.s->settings.work_mem_bytes, f.conf.work_mem);
    settings_rollback(f.s, 0);
    assert_string_equal(show("work_mem"), "5MB");
    set("lock_timeout", "1s", false);
    settings_reset_all(f.s);
    settings_commit(f.s);
    assert_string_equal(show("lock_timeout"), "0");
    assert_int_equal(f.s->settings.work_mem_bytes, f.conf.work_mem);
    assert_int_equal(values->nsaved, 0);
}

static void a_start_value_is_what_reset_goes_back_to(void **state) {
    (void)state;
    assert_true(ok(setting_set_start_client(f.s, "work_mem", "3MB")));
    assert_string_equal(show("work_mem"), "3MB");
    set("work_mem", "4MB", false);
    set("work_mem", NULL, false);
    assert_string_equal(show("work_mem"), "3MB");
}

/* What the client has been sent since the last look, message types and texts. */
static void told(char *ret_text, size_t size) {
    char buf[4096];
    wire_flush(&f.s->wire);
    ssize_t n = recv(f.client, buf, sizeof buf, MSG_DONTWAIT);
    size_t used = 0;
    ret_text[0] = '\0';
    for (ssize_t at = 0; at < n;) {
        const char *name = buf + at + 5, *value = name + strlen(name) + 1;
        used += (size_t)snprintf(ret_text + used, size - used, "%c %s=%s;", buf[at], name, value);
        at += 1 + load_be32(buf + at + 1);
    }
}

static void the_client_is_told_of_some(void **state) {
    (void)state;
    char text[256];
    f.s->started = true;
    set("application_name", "a", false);
    set("work_mem", "1MB", false);
    set("timezone", "europe/berlin", true);
    told(text, sizeof text);
    assert_string_equal(text, "S application_name=a;S TimeZone=Europe/Berlin;");
    settings_rollback(f.s, 0);
    told(text, sizeof text);
    assert_string_equal(text, "S TimeZone=UTC;S application_name=;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    if (!ok(types_init())) return 1;
    const struct CMUnitTest tests[] = {
        TEST(values_are_shown_as_postgresql_shows_them), TEST(errors_are_postgresqls),
        TEST(the_stages_below_see_the_values),           TEST(the_end_of_a_transaction_decides),
        TEST(a_start_value_is_what_reset_goes_back_to),  TEST(the_client_is_told_of_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
