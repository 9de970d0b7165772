#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup/archive_keys.h"
#include "crypt/given.h"
#include "crypt/key_file.h"
#include "crypt/keyring.h"
#include "crypt/master.h"

static char dir[64];
static const unsigned char master[CRYPT_KEY_BYTES] = "an operator's key, of thirty-two";
static const unsigned char other[CRYPT_KEY_BYTES] = "another key, of thirty-two bytes";

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int begin(void **state) {
    (void)state;
    strcpy(dir, "/tmp/axl-keys-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    unlink(path_of(KEY_FILE_NAME));
    unlink(path_of("master"));
    return rmdir(dir);
}

static void write_file(const char *name, const void *bytes, size_t n, mode_t mode) {
    unlink(path_of(name));
    int fd = open(path_of(name), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void flip(const char *name, off_t at) {
    unsigned char byte;
    int fd = open(path_of(name), O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* ---- the key file ---------------------------------------------------------------------------- */

static void test_file(void **state) {
    (void)state;
    struct key_file k, read;
    struct crypt_keys keys, again;
    assert_int_equal(key_file_read(dir, &read).code, ST_NOT_FOUND);
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_write(dir, &k)));
    assert_true(ok(key_file_read(dir, &read)));
    assert_true(ok(key_file_unwrap(&k, master, &keys, NULL)));
    assert_true(ok(key_file_unwrap(&read, master, &again, NULL)));
    assert_memory_equal(&keys, &again, sizeof keys);
    assert_int_equal(keys.database, 77);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.current, 1);
    assert_int_equal(key_file_unwrap(&k, other, &keys, NULL).code, ST_INVALID);
    struct stat st;
    assert_int_equal(stat(path_of(KEY_FILE_NAME), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_null(memmem(&k, sizeof k, keys.key[0].bytes, CRYPT_KEY_BYTES));
    static char text[KEY_FILE_TEXT_BYTES];
    key_file_to_text(&read, text);
    assert_true(ok(key_file_from_text(text, &k)));
    assert_memory_equal(&k, &read, sizeof k);
    text[100] ^= 1;
    assert_int_equal(key_file_from_text(text, &k).code, ST_DATA_CORRUPTED);
}

/* Whatever is spoilt in one image is made good from the other; in both, it is noticed. */
static void test_file_damage(void **state) {
    (void)state;
    struct key_file k, read;
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_write(dir, &k)));
    for (off_t at = 0; at < KEY_FILE_IMAGE_BYTES; at += 37) {
        flip(KEY_FILE_NAME, at);
        assert_true(ok(key_file_read(dir, &read)));
        flip(KEY_FILE_NAME, KEY_FILE_IMAGE_BYTES + (at * 5) % KEY_FILE_IMAGE_BYTES);
        assert_int_equal(key_file_read(dir, &read).code, ST_DATA_CORRUPTED);
        flip(KEY_FILE_NAME, KEY_FILE_IMAGE_BYTES + (at * 5) % KEY_FILE_IMAGE_BYTES);
        flip(KEY_FILE_NAME, at);
    }
    assert_int_equal(truncate(path_of(KEY_FILE_NAME), 0), 0);
    assert_int_equal(key_file_read(dir, &read).code, ST_DATA_CORRUPTED);
}

static void test_data_keys(void **state) {
    (void)state;
    struct key_file k;
    struct crypt_keys first, both;
    unsigned char bytes[64] = "sealed by the first key", out[64];
    struct crypt_tail tail;
    struct crypt *c;
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_unwrap(&k, master, &first, NULL)));
    assert_true(ok(crypt_new(&first, &c)));
    crypt_seal(c, CRYPT_PAGE, 1, bytes, bytes, sizeof bytes, &tail);
    crypt_free(c);
    assert_int_equal(key_file_add(&k, other).code, ST_INVALID);
    assert_true(ok(key_file_add(&k, master)));
    assert_true(ok(key_file_unwrap(&k, master, &both, NULL)));
    assert_int_equal(both.count, 2);
    assert_int_equal(both.current, 2);
    assert_int_equal(both.oldest, 1);
    assert_memory_equal(&both.key[0], &first.key[0], sizeof first.key[0]);
    assert_memory_not_equal(both.key[1].bytes, first.key[0].bytes, CRYPT_KEY_BYTES);
    assert_true(ok(crypt_new(&both, &c)));
    assert_true(ok(crypt_open(c, CRYPT_PAGE, 1, bytes, out, sizeof out, &tail)));
    crypt_free(c);
    key_file_drop_old(&k);
    assert_true(ok(key_file_unwrap(&k, master, &both, NULL)));
    assert_int_equal(both.count, 1);
    assert_int_equal(both.oldest, 2);
    assert_int_equal(both.key[0].number, 2);
    assert_true(ok(crypt_new(&both, &c)));
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 1, bytes, out, sizeof out, &tail)));
    crypt_free(c);
    while (k.count < KEY_FILE_KEYS_MAX) assert_true(ok(key_file_add(&k, master)));
    assert_int_equal(key_file_add(&k, master).code, ST_FULL);
    while (k.current < CRYPT_KEYS_MAX) {
        key_file_drop_old(&k);
        assert_true(ok(key_file_add(&k, master)));
    }
    key_file_drop_old(&k);
    assert_int_equal(key_file_add(&k, master).code, ST_FULL);
}

/* What lies beside backups opens them when the directory needs it no more, and seals nothing. */
static void test_kept(void **state) {
    (void)state;
    struct key_file kept[3], k;
    struct keyring ring;
    struct error e = {0};
    struct master_source source = {.file = path_of("master")};
    const struct keyring_kept all = {.files = kept, .count = 3};
    char file[128];
    snprintf(file, sizeof file, "%s", source.file);
    source.file = file;
    write_file("master", master, sizeof master, 0600);
    assert_true(ok(key_file_make(77, master, &k)));
    kept[0] = k;
    assert_true(ok(key_file_make(78, master, &kept[1]))); /* of other data */
    assert_true(ok(key_file_make(77, other, &kept[2])));  /* by another master key */
    assert_true(ok(key_file_add(&k, master)));
    key_file_drop_old(&k);
    assert_true(ok(key_file_write(dir, &k)));
    assert_true(ok(keyring_open(dir, 77, &source, NULL, &ring, &e)));
    assert_int_equal(ring.keys.count, 1);
    keyring_close(&ring);
    assert_true(ok(keyring_open(dir, 77, &source, &all, &ring, &e)));
    assert_int_equal(ring.keys.count, 2);
    assert_int_equal(ring.keys.current, 2);
    assert_int_equal(ring.keys.oldest, 2);
    assert_int_equal(ring.keys.key[1].number, 1);
    keyring_close(&ring);
}

static void test_archive(void **state) {
    (void)state;
    struct key_file k, read;
    struct crypt_keys keys;
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_write(dir, &k)));
    assert_true(ok(backup_archive_keys_write(dir, dir)));
    assert_true(ok(backup_archive_keys_exchange(dir, 78, master, other))); /* not its data */
    assert_true(ok(backup_archive_keys_read(dir, 1, &read)));
    assert_int_equal(key_file_unwrap(&read, other, &keys, NULL).code, ST_INVALID);
    assert_true(ok(backup_archive_keys_exchange(dir, 77, other, master))); /* not its key */
    assert_true(ok(backup_archive_keys_exchange(dir, 77, master, other)));
    assert_true(ok(backup_archive_keys_read(dir, 1, &read)));
    assert_true(ok(key_file_unwrap(&read, other, &keys, NULL)));
    assert_true(ok(key_file_unwrap(&read, master, &keys, NULL)));
    unlink(path_of("00000001.keys"));
}

/* While the master key is exchanged either opens; afterwards only the new one. */
static void test_exchange(void **state) {
    (void)state;
    static const unsigned char third[CRYPT_KEY_BYTES] = "a third key: it takes the place.";
    struct key_file k;
    struct crypt_keys by_old, by_new;
    unsigned which;
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_add(&k, master)));
    assert_int_equal(key_file_exchange(&k, other, third).code, ST_INVALID);
    assert_true(ok(key_file_exchange(&k, master, other)));
    assert_true(ok(key_file_unwrap(&k, master, &by_old, &which)));
    assert_int_equal(which, 0);
    assert_true(ok(key_file_unwrap(&k, other, &by_new, &which)));
    assert_int_equal(which, 1);
    assert_memory_equal(&by_old, &by_new, sizeof by_old);
    assert_int_equal(key_file_add(&k, master).code, ST_OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_true(ok(key_file_exchange(&k, master, third))); /* another mind */
    assert_int_equal(key_file_unwrap(&k, other, &by_new, NULL).code, ST_INVALID);
    assert_true(ok(key_file_unwrap(&k, third, &by_new, &which)));
    key_file_settle(&k, which);
    assert_int_equal(key_file_unwrap(&k, master, &by_old, NULL).code, ST_INVALID);
    assert_true(ok(key_file_unwrap(&k, third, &by_new, NULL)));
    assert_true(ok(key_file_add(&k, third)));
}

/* ---- the master key -------------------------------------------------------------------------- */

static status from_file(unsigned char key[CRYPT_KEY_BYTES], struct error *e) {
    error_clear(e);
    return master_read(&(struct master_source){.file = path_of("master")}, key, e);
}

static void test_master_file(void **state) {
    (void)state;
    unsigned char key[CRYPT_KEY_BYTES];
    struct error e = {0};
    char hex[2 * CRYPT_KEY_BYTES + 2];
    write_file("master", master, sizeof master, 0600);
    assert_true(ok(from_file(key, &e)));
    assert_memory_equal(key, master, sizeof key);
    for (unsigned i = 0; i < CRYPT_KEY_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", master[i]);
    strcpy(hex + 64, "\n");
    write_file("master", hex, 65, 0400);
    assert_true(ok(from_file(key, &e)));
    assert_memory_equal(key, master, sizeof key);
    const char *base64 = " YW4gb3BlcmF0b3IncyBrZXksIG9mIHRoaXJ0eS10d28=\n\n";
    write_file("master", base64, strlen(base64), 0600);
    assert_true(ok(from_file(key, &e)));
    assert_memory_equal(key, master, sizeof key);
}

static void test_master_file_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "", "short", "zz00000000000000000000000000000000000000000000000000000000000000",
        "YW4gb3BlcmF0b3IncyBrZXksIG9mIHRoaXJ0eS10d2==",
        "YW4gb3BlcmF0b3IncyBrZXksIG9mIHRoaXJ0eS10d29v"};
    unsigned char key[CRYPT_KEY_BYTES];
    struct error e = {0};
    unlink(path_of("master"));
    assert_int_equal(from_file(key, &e).code, ST_IO_ERROR);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_file("master", wrong[i], strlen(wrong[i]), 0600);
        assert_int_equal(from_file(key, &e).code, ST_INVALID_PARAMETER_VALUE);
        if (wrong[i][0]) assert_null(strstr(e.message, wrong[i]));
    }
    static const mode_t modes[] = {0604, 0640, 0660, 0622};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file("master", master, sizeof master, modes[i]);
        assert_int_equal(from_file(key, &e).code, ST_INVALID_PARAMETER_VALUE);
        assert_non_null(strstr(e.message, "by others"));
    }
    error_clear(&e);
    assert_false(ok(master_read(&(struct master_source){.file = dir}, key, &e)));
    error_clear(&e);
    assert_false(ok(master_read(&(struct master_source){.file = dir, .command = "x"}, key, &e)));
    error_clear(&e);
    assert_false(ok(master_read(&(struct master_source){0}, key, &e)));
}

static uint64_t waited_ns;
static void wait_not(void *arg, uint64_t ns) {
    (void)arg;
    waited_ns += ns;
    usleep(20);
}

static void test_master_command(void **state) {
    (void)state;
    unsigned char key[CRYPT_KEY_BYTES];
    struct error e = {0};
    struct master_source s = {.command = "printf %s \"an operator's key, of thirty-two\"",
                              .wait = wait_not};
    assert_true(ok(master_read(&s, key, &e)));
    assert_memory_equal(key, master, sizeof key);
    s.command = "echo an operator; exit 3";
    assert_int_equal(master_read(&s, key, &e).code, ST_IO_ERROR);
    assert_non_null(strstr(e.message, "status 3"));
    error_clear(&e);
    s.command = "kill -9 $$";
    assert_int_equal(master_read(&s, key, &e).code, ST_IO_ERROR);
    error_clear(&e);
    s.command = "sleep 1000"; /* time is the test's here */
    waited_ns = 0;
    assert_int_equal(master_read(&s, key, &e).code, ST_IO_ERROR);
    assert_non_null(strstr(e.message, "was killed"));
    assert_true(waited_ns >= MASTER_COMMAND_MS * (uint64_t)1000000 / 2);
}

/* ---- what a child is given ------------------------------------------------------------------- */

static void test_given(void **state) {
    (void)state;
    struct key_file k;
    struct crypt_keys keys;
    struct crypt *c;
    char number[16];
    int fd;
    assert_true(ok(given_take(&c)));
    assert_null(c);
    assert_true(ok(key_file_make(77, master, &k)));
    assert_true(ok(key_file_unwrap(&k, master, &keys, NULL)));
    struct crypt_keys backup = keys;
    backup.database = 78;
    assert_true(ok(given_make(&keys, &backup, &fd)));
    int copy = dup(fd);
    snprintf(number, sizeof number, "%d", fd);
    char *argv[] = {(char *)"storaged", (char *)GIVEN_OPTION, number, NULL};
    assert_true(ok(given_read_arguments(3, argv)));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    struct crypt_keys left, zero = {0};
    assert_int_equal(pread(copy, &left, sizeof left, 0), sizeof left);
    assert_memory_equal(&left, &zero, sizeof left);
    close(copy);
    assert_true(ok(given_take(&c)));
    assert_int_equal(crypt_current(c), 1);
    crypt_free(c);
    assert_true(ok(given_take_backup(&c)));
    assert_non_null(c);
    crypt_free(c);
    given_forget();
    assert_true(ok(given_take_backup(&c)));
    assert_null(c);
    assert_true(ok(given_take(&c)));
    assert_null(c);
    assert_int_equal(given_read(open("/dev/null", O_RDWR)).code, ST_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),           cmocka_unit_test(test_file_damage),
        cmocka_unit_test(test_data_keys),      cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_master_file),    cmocka_unit_test(test_master_file_refused),
        cmocka_unit_test(test_master_command), cmocka_unit_test(test_given),
        cmocka_unit_test(test_kept),           cmocka_unit_test(test_archive),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
