#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "ipc_region.h"
#include "ipc_ring.h"
#include "pool/frame.h"
#include "session/session.h"
#include "txn/txn.h"

static const struct shm_sizes sizes = {.frames = 64,
                                       .page_buckets = 64,
                                       .workers = 2,
                                       .sessions = 16,
                                       .txns = 32,
                                       .map_entries = 1024,
                                       .ring_bytes = 1 << 20};
static char name[REGION_NAME_BYTES];

static int unused_name([[maybe_unused]] void **state) {
    region_name_of(0x7e57000000000000u + (uint64_t)getpid(), name);
    return 0;
}

static int remove_regions([[maybe_unused]] void **state) {
    region_remove_all(name);
    return 0;
}

/* What lies in memory stays when it becomes huge pages, for those too who have it mapped already;
 * where nothing can be had, that is said. */
static void memory_keeps_content([[maybe_unused]] void **state) {
    struct shm_sizes large = sizes;
    large.frames = large.page_buckets = 1024;
    size_t bytes = 1024 * PAGE_BYTES;
    struct shm a, b;
    struct error e = {0};
    assert_true(ok(region_create_all(name, &large, &a, &e)));
    assert_true(ok(region_attach_all(name, &b, &e)));
    for (size_t i = 0; i < bytes; i += 512) b.pages[i] = (char)(i >> 9);
    bool huge;
    assert_true(region_get_memory(HUGE_TRY, a.pages, bytes, &huge));
    assert_true(region_get_memory(HUGE_OFF, a.pages, bytes, &huge));
    assert_false(huge);
    for (size_t i = 0; i < bytes; i += 512) assert_int_equal(b.pages[i], (char)(i >> 9));
    a.pages[bytes - 1] = 'x';
    assert_int_equal(b.pages[bytes - 1], 'x');
    region_detach_all(&a);
    assert_false(region_get_memory(HUGE_TRY, b.frames, (size_t)1 << 46, &huge));
    region_detach_all(&b);
}

/* What one process writes in any region, another mapping of it shows, to the last byte. */
static void create_and_attach([[maybe_unused]] void **state) {
    struct shm a, b;
    struct error e = {0};
    assert_true(ok(region_create_all(name, &sizes, &a, &e)));
    assert_true(ok(region_attach_all(name, &b, &e)));
    assert_memory_equal(&a.sizes, &b.sizes, sizeof sizes);
    struct {
        char *one, *two;
        size_t bytes;
    } regions[] = {
        {(char *)a.control, (char *)b.control, sizeof(struct control)},
        {(char *)a.pool, (char *)b.pool, pool_shared_bytes(&sizes)},
        {(char *)a.frames, (char *)b.frames, 64 * sizeof(struct frame)},
        {a.pages, b.pages, 64 * PAGE_BYTES},
        {(char *)a.log, (char *)b.log, sizeof(struct log_shared)},
        {a.log_ring, b.log_ring, 2 << 20},
        {(char *)a.txn, (char *)b.txn, txn_shared_bytes(&sizes)},
        {a.sessions, b.sessions, 16 * SESSION_BYTES},
        {(char *)a.rings, (char *)b.rings, ipc_rings_bytes()},
    };
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        char *last = regions[i].one + regions[i].bytes - 1;
        char before = *last;
        *last = (char)(before + 1);
        assert_int_equal(regions[i].two[regions[i].bytes - 1], (char)(before + 1));
        *last = before;
    }
    region_detach_all(&b);
    region_detach_all(&a);
}

static void log_ring_is_mapped_twice([[maybe_unused]] void **state) {
    struct shm m;
    struct error e = {0};
    assert_true(ok(region_create_all(NULL, &sizes, &m, &e)));
    memcpy(m.log_ring + sizes.ring_bytes - 3, "abcdef", 6);
    assert_memory_equal(m.log_ring, "def", 3);
    assert_memory_equal(m.log_ring + 2 * sizes.ring_bytes - 3, "abc", 3);
    region_detach_all(&m);
}

static void refusals([[maybe_unused]] void **state) {
    struct shm m;
    struct error e = {0};
    region_remove_all(name);
    assert_true(status_is(region_attach_all(name, &m, &e), ST_NOT_FOUND));
    error_clear(&e);
    assert_true(ok(region_create_all(name, &sizes, &m, &e)));
    region_detach_all(&m);
    static const char *const regions[] = {"control", "pages", "txn", "rings"};
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        char path[96];
        snprintf(path, sizeof path, "/%s.%s", name, regions[i]);
        int fd = shm_open(path, O_RDWR, 0);
        assert_true(fd >= 0);
        struct region_head head, wrong;
        assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
        wrong = head;
        wrong.version++;
        assert_int_equal(pwrite(fd, &wrong, sizeof wrong, 0), sizeof wrong);
        assert_true(status_is(region_attach_all(name, &m, &e), ST_INVALID));
        error_clear(&e);
        wrong = head;
        wrong.bytes += 4096;
        assert_int_equal(pwrite(fd, &wrong, sizeof wrong, 0), sizeof wrong);
        assert_true(status_is(region_attach_all(name, &m, &e), ST_INVALID));
        error_clear(&e);
        assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
        /* A file cut short must not become a SIGBUS. */
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(ftruncate(fd, 4096), 0);
        assert_true(status_is(region_attach_all(name, &m, &e), ST_INVALID));
        error_clear(&e);
        assert_int_equal(ftruncate(fd, st.st_size), 0);
        close(fd);
    }
    struct shm_sizes impossible = sizes;
    impossible.page_buckets = 63;
    assert_true(
        status_is(region_create_all(NULL, &impossible, &m, &e), ST_INVALID_PARAMETER_VALUE));
}

static void sizes_of_settings([[maybe_unused]] void **state) {
    struct conf c;
    struct error e = {0};
    conf_init(&c);
    for (int workers = 0; workers <= 60; workers++) {
        for (int connections = 1; connections <= 100000; connections *= 10) {
            c.workers = workers;
            c.max_connections = connections;
            struct shm_sizes s;
            region_sizes(&c, &s);
            assert_true(region_sizes_valid(&s));
            assert_true(s.txns >= s.sessions);
            assert_true(s.page_buckets >= s.frames);
        }
    }
    assert_true(ok(conf_set(&c, "log_ring_size", "65MB", &e)));
    struct shm_sizes s;
    region_sizes(&c, &s);
    assert_int_equal(s.ring_bytes, 128 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_and_attach),        cmocka_unit_test(memory_keeps_content),
        cmocka_unit_test(log_ring_is_mapped_twice), cmocka_unit_test(refusals),
        cmocka_unit_test(sizes_of_settings),
    };
    return cmocka_run_group_tests(tests, unused_name, remove_regions);
}
