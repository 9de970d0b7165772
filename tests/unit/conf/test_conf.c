#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"

static char path[64];

static void write_file(const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_path([[maybe_unused]] void **state) {
    strcpy(path, "/tmp/axl_conf_XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_path([[maybe_unused]] void **state) {
    return unlink(path);
}

static void defaults([[maybe_unused]] void **state) {
    struct conf c;
    conf_init(&c);
    assert_int_equal(c.port, 5454);
    assert_int_equal(c.shared_buffers, 128 << 20);
    assert_int_equal(c.checkpoint_interval, 300000);
    assert_true(c.synchronous_commit);
    assert_string_equal(c.io_method, "uring");
    assert_string_equal(c.listen_addresses, "127.0.0.1");
    char source[CONF_TEXT_BYTES];
    conf_source(&c, CONF_ID_port, source);
    assert_string_equal(source, "default");
}

static void file_over_default_and_command_line_over_file([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    conf_init(&c);
    write_file("# a comment\n"
               "port = 6000\n"
               "shared_buffers = 1GB   # the pool\n"
               "Checkpoint_Interval = 90s\n"
               "listen_addresses = \"127.0.0.1,::1\"\n"
               "unix_socket_directories = /run/axolotl\n"
               "synchronous_commit = off\n"
               "io_method = plain\n");
    assert_true(ok(conf_load(&c, path, &e)));
    assert_int_equal(c.port, 6000);
    assert_int_equal(c.shared_buffers, 1ull << 30);
    assert_int_equal(c.checkpoint_interval, 90000);
    assert_string_equal(c.listen_addresses, "127.0.0.1,::1");
    assert_string_equal(c.unix_socket_directories, "/run/axolotl");
    assert_false(c.synchronous_commit);
    assert_string_equal(c.io_method, "plain");
    char text[CONF_TEXT_BYTES], want[CONF_TEXT_BYTES];
    conf_source(&c, CONF_ID_shared_buffers, text);
    snprintf(want, sizeof want, "%s:3", path);
    assert_string_equal(text, want);
    assert_true(ok(conf_set(&c, "port", "7000", &e)));
    assert_int_equal(c.port, 7000);
    conf_source(&c, CONF_ID_port, text);
    assert_string_equal(text, "command line");
}

static void wrong_settings([[maybe_unused]] void **state) {
    static const struct {
        const char *text;
        int line;
        const char *words;
    } cases[] = {
        {"port = 6000\nport = 70000\n", 2,
         "invalid value for \"port\": \"70000\" (allowed: 1 … 65535)"},
        {"\n\nshared_buffers = 12 parsecs\n", 3, NULL},
        {"shared_buffers = 12parsecs\n", 1, "(allowed: 1MB … 1TB)"},
        {"shared_buffers = 1kB\n", 1, "(allowed: 1MB … 1TB)"},
        {"checkpoint_interval = 99999999999999999999\n", 1, "checkpoint_interval"},
        {"checkpoint_interval = 9999999999999999d\n", 1, "checkpoint_interval"},
        {"io_method = magic\n", 1, "(allowed: uring plain)"},
        {"io_method = urin\n", 1, "io_method"},
        {"synchronous_commit = maybe\n", 1, "on, off"},
        {"colour = green\n", 1, "colour"},
        {"port\n", 1, NULL},
        {"port = \"6000\n", 1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf c, before;
        struct error e = {0};
        conf_init(&c);
        before = c;
        write_file(cases[i].text);
        status s = conf_load(&c, path, &e);
        assert_true(status_is(s, ST_CONFIG_FILE_ERROR));
        char place[96];
        snprintf(place, sizeof place, "%s:%d:", path, cases[i].line);
        if (cases[i].words) {
            assert_non_null(strstr(e.message, place));
            assert_non_null(strstr(e.message, cases[i].words));
        } else {
            assert_non_null(strstr(e.message, path));
        }
        assert_memory_equal(&c, &before, sizeof c);
    }
}

static void wrong_command_line([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    conf_init(&c);
    assert_true(status_is(conf_set(&c, "port", "0", &e), ST_INVALID_PARAMETER_VALUE));
    assert_int_equal(c.port, 5454);
    error_clear(&e);
    assert_true(status_is(conf_set(&c, "colour", "0", &e), ST_UNDEFINED_OBJECT));
    error_clear(&e);
    assert_true(status_is(conf_load(&c, "/nonexistent/x", &e), ST_NOT_FOUND));
}

/* What is shown can be read back, for every setting. */
static void shown_values_round_trip([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    conf_init(&c);
    assert_true(ok(conf_set(&c, "shared_buffers", "1537 kB", &e)));
    char text[CONF_TEXT_BYTES];
    conf_show(&c, CONF_ID_shared_buffers, text);
    assert_string_equal(text, "1537kB");
    conf_show(&c, CONF_ID_checkpoint_interval, text);
    assert_string_equal(text, "5min");
    for (int i = 0; i < CONF_COUNT; i++) {
        struct conf other;
        const struct conf_setting *s = conf_setting((enum conf_id)i);
        conf_init(&other);
        conf_show(&c, (enum conf_id)i, text);
        assert_true(ok(conf_set(&other, s->name, text, &e)));
        char again[CONF_TEXT_BYTES];
        conf_show(&other, (enum conf_id)i, again);
        assert_string_equal(text, again);
    }
}

/* The file that init writes changes nothing, and still does not with every # before a setting taken
 * away. */
static void template_is_valid([[maybe_unused]] void **state) {
    FILE *f = fopen(path, "w");
    struct conf c, defaults_only;
    struct error e = {0};
    conf_init(&c);
    conf_write_file(f, &c);
    fclose(f);
    assert_true(ok(conf_load(&c, path, &e)));

    char *text = NULL, *out = NULL;
    size_t n, out_n;
    FILE *memory = open_memstream(&out, &out_n), *in = fopen(path, "r");
    while (getline(&text, &n, in) > 0) {
        fputs(text[0] == '#' && text[1] != ' ' ? text + 1 : text, memory);
    }
    fclose(in);
    fclose(memory);
    write_file(out);
    free(text);
    free(out);
    conf_init(&c);
    conf_init(&defaults_only);
    status s = conf_load(&c, path, &e);
    if (!ok(s)) print_error("%s\n", e.message);
    assert_true(ok(s));
    for (int i = 0; i < CONF_COUNT; i++) {
        char one[CONF_TEXT_BYTES], two[CONF_TEXT_BYTES];
        conf_show(&c, (enum conf_id)i, one);
        conf_show(&defaults_only, (enum conf_id)i, two);
        assert_string_equal(one, two);
        assert_int_equal(c.origin[i].from, CONF_FROM_FILE);
    }
}

static void what_is_given_stands_in_the_file([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    char text[CONF_TEXT_BYTES];
    conf_init(&c);
    assert_true(ok(conf_set_text(&c, "log_segment_size=32MB", true, &e)));
    assert_true(ok(conf_set_text(&c, "encryption_key_command=echo \"a\\b\"", true, &e)));
    FILE *f = fopen(path, "w");
    conf_write_file(f, &c);
    fclose(f);
    conf_init(&c);
    assert_true(ok(conf_load(&c, path, &e)));
    assert_int_equal(c.log_segment_size, 32 << 20);
    assert_string_equal(c.encryption_key_command, "echo \"a\\b\"");
    conf_source(&c, CONF_ID_log_size_max, text);
    assert_string_equal(text, "default");
}

static void some_are_chosen_once([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    conf_init(&c);
    status s = conf_set_text(&c, "log_segment_size=32MB", false, &e);
    assert_true(status_is(s, ST_INVALID_PARAMETER_VALUE));
    assert_non_null(strstr(e.message, "axl init --set log_segment_size=32MB"));
    assert_int_equal(c.log_segment_size, 16 << 20);
    error_clear(&e);
    assert_true(ok(conf_set_text(&c, "log_size_max=2GB", false, &e)));
    s = conf_set_text(&c, "log_size_max", false, &e);
    assert_true(status_is(s, ST_INVALID_PARAMETER_VALUE));
    error_clear(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(file_over_default_and_command_line_over_file),
        cmocka_unit_test(wrong_settings),
        cmocka_unit_test(wrong_command_line),
        cmocka_unit_test(shown_values_round_trip),
        cmocka_unit_test(template_is_valid),
        cmocka_unit_test(what_is_given_stands_in_the_file),
        cmocka_unit_test(some_are_chosen_once),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
