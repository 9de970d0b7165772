/* The same tests over every kind of disk; then what only the simulated one can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/disk.h"
#include "disk/disk_sim.h"

#define IOS 64

struct fixture {
    const char *kind;
    char path[64];
    int dir;
    struct disk *disk;
    struct disk_sim *sim;
    char *buffer; /* IOS blocks */
    struct disk_io io[IOS];
};

static int setup(void **state, const char *kind) {
    struct fixture *f = calloc(1, sizeof *f);
    f->kind = kind;
    strcpy(f->path, "/tmp/axolotl_disk_XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->dir = open(f->path, O_RDONLY | O_DIRECTORY);
    f->sim = disk_sim_new(7, (uint64_t)1 << 24);
    status s = disk_open(kind, 8, -1, &f->disk);
    if (!ok(s)) f->disk = NULL; /* this host denies it */
    assert_true(ok(s) || strcmp(kind, "uring") == 0);
    assert_int_equal(posix_memalign((void **)&f->buffer, DISK_ALIGN, IOS * DISK_ALIGN), 0);
    *state = f;
    return 0;
}

static int setup_uring(void **state) {
    return setup(state, "uring");
}
static int setup_plain(void **state) {
    return setup(state, "plain");
}
static int setup_sim(void **state) {
    return setup(state, "sim");
}

static int teardown(void **state) {
    struct fixture *f = *state;
    disk_close(f->disk);
    disk_sim_free(f->sim);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    assert_int_equal(system(command), 0);
    close(f->dir);
    free(f->buffer);
    free(f);
    return 0;
}

static void must(status s) {
    if (!ok(s)) fail_msg("%s", status_name(s));
}

static struct disk_file *open_file(struct fixture *f, const char *name) {
    struct disk_file *file;
    must(disk_file_open(f->disk, f->dir, name, true, &file));
    return file;
}

static struct disk_io *fill_io(struct fixture *f, unsigned i, enum disk_op op,
                               struct disk_file *file, uint64_t block) {
    f->io[i] = (struct disk_io){.op = op,
                                .file = file,
                                .offset = block * DISK_ALIGN,
                                .buf = f->buffer + i * DISK_ALIGN,
                                .len = DISK_ALIGN,
                                .owner = &f->io[i]};
    return &f->io[i];
}

#define SKIP_IF_DENIED(f)                                                                          \
    if (!(f)->disk) skip()

static void reap_all(struct fixture *f, unsigned n) {
    struct disk_io *done[IOS];
    while (n > 0) {
        int got = disk_reap(f->disk, done, 5, true);
        assert_in_range(got, 1, 5);
        for (int i = 0; i < got; i++) {
            must(done[i]->result);
            assert_ptr_equal(done[i]->owner, done[i]);
        }
        n -= (unsigned)got;
    }
    assert_int_equal(disk_in_flight(f->disk), 0);
}

/* Many more requests than the depth, then all read back. */
static void many_writes_read_back(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    struct disk_file *file = open_file(f, "a");
    for (unsigned i = 0; i < IOS; i++) {
        struct disk_io *io = fill_io(f, i, DISK_WRITE, file, i);
        memset(io->buf, (int)i + 1, DISK_ALIGN);
        io->durable = i % 3 == 0;
        disk_submit(f->disk, io);
    }
    assert_int_equal(disk_in_flight(f->disk), IOS);
    disk_push(f->disk);
    reap_all(f, IOS);
    must(disk_do(f->disk, fill_io(f, 0, DISK_FLUSH, file, 0)));
    uint64_t bytes;
    must(disk_file_size(file, &bytes));
    assert_int_equal(bytes, IOS * DISK_ALIGN);

    memset(f->buffer, 0, IOS * DISK_ALIGN);
    for (unsigned i = 0; i < IOS; i++) disk_submit(f->disk, fill_io(f, i, DISK_READ, file, i));
    disk_push(f->disk);
    reap_all(f, IOS);
    for (unsigned i = 0; i < IOS * DISK_ALIGN; i++)
        assert_int_equal((unsigned char)f->buffer[i], i / DISK_ALIGN + 1);
    disk_file_close(file);
}

static void read_beyond_the_end_is_zero(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    struct disk_file *file = open_file(f, "short");
    memset(f->buffer, 'x', 4 * DISK_ALIGN);
    must(disk_do(f->disk, fill_io(f, 0, DISK_WRITE, file, 0)));
    struct disk_io *io = fill_io(f, 1, DISK_READ, file, 0);
    io->len = 3 * DISK_ALIGN;
    must(disk_do(f->disk, io));
    for (unsigned i = 0; i < 3 * DISK_ALIGN; i++)
        assert_int_equal(f->buffer[DISK_ALIGN + i], i < DISK_ALIGN ? 'x' : 0);
    must(disk_do(f->disk, fill_io(f, 0, DISK_READ, file, 100)));
    assert_int_equal(f->buffer[17], 0);
    disk_file_close(file);
}

/* One read into places that lie apart, up to the end of the file and beyond. */
static void read_into_several_places(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    static const unsigned place[] = {40, 3, 21, 20, 60}, blocks[] = {1, 2, 1, 1, 1};
    struct iovec places[5];
    struct disk_file *file = open_file(f, "a");
    for (unsigned i = 0; i < 5; i++) {
        memset(f->buffer, (int)i + 1, DISK_ALIGN);
        must(disk_do(f->disk, fill_io(f, 0, DISK_WRITE, file, i)));
    }
    memset(f->buffer, 'x', IOS * DISK_ALIGN);
    for (unsigned i = 0; i < 5; i++)
        places[i] = (struct iovec){f->buffer + place[i] * DISK_ALIGN, blocks[i] * DISK_ALIGN};
    struct disk_io *io = fill_io(f, 0, DISK_READ, file, 1);
    io->buf = NULL;
    io->places = places;
    io->place_count = 5;
    io->len = 6 * DISK_ALIGN;
    disk_submit(f->disk, io);
    disk_push(f->disk);
    reap_all(f, 1);
    static const unsigned block[] = {40, 3, 4, 21, 20, 60}; /* of the buffer, in the file's order */
    for (unsigned i = 0; i < 6 * DISK_ALIGN; i++)
        assert_int_equal(f->buffer[block[i / DISK_ALIGN] * DISK_ALIGN + i % DISK_ALIGN],
                         i / DISK_ALIGN < 4 ? i / DISK_ALIGN + 2 : 0);
    assert_int_equal(f->buffer[5 * DISK_ALIGN], 'x');
    assert_int_equal(f->buffer[22 * DISK_ALIGN], 'x');
    disk_file_close(file);
}

static void descriptor_tells_of_completions(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    struct disk_file *file = open_file(f, "a");
    struct pollfd p = {.fd = disk_fd(f->disk), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    memset(f->buffer, 1, DISK_ALIGN);
    disk_submit(f->disk, fill_io(f, 0, DISK_WRITE, file, 0));
    disk_push(f->disk);
    struct disk_io *done;
    int got = 0;
    while (got == 0) {
        assert_int_equal(poll(&p, 1, 5000), 1);
        got = disk_reap(f->disk, &done, 1, false);
    }
    assert_ptr_equal(done, &f->io[0]);
    must(done->result);
    assert_int_equal(poll(&p, 1, 0), 0);
    disk_file_close(file);
}

static void count_name(void *arg, const char *name) {
    if (strcmp(name, "b") == 0) *(int *)arg += 1;
    if (strcmp(name, "a") == 0) *(int *)arg += 100;
}

static void files_are_extended_renamed_removed(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    struct disk_file *file;
    assert_int_equal(disk_file_open(f->disk, f->dir, "a", false, &file).code, ST_NOT_FOUND);
    file = open_file(f, "a");
    must(disk_file_extend(file, 0, 3 << 20));
    uint64_t bytes;
    must(disk_file_size(file, &bytes));
    assert_int_equal(bytes, 3 << 20);
    disk_file_close(file);
    must(disk_file_rename(f->disk, f->dir, "a", "b"));
    must(disk_file_sync_dir(f->disk, f->dir));
    int seen = 0;
    must(disk_dir_each(f->disk, f->dir, count_name, &seen));
    assert_int_equal(seen, 1);
    assert_int_equal(disk_file_rename(f->disk, f->dir, "a", "c").code, ST_NOT_FOUND);
    must(disk_file_remove(f->disk, f->dir, "b"));
    assert_int_equal(disk_file_remove(f->disk, f->dir, "b").code, ST_NOT_FOUND);
}

/* A request in the middle of others by disk_do: nobody's completion is lost. */
static void do_keeps_the_others(void **state) {
    struct fixture *f = *state;
    SKIP_IF_DENIED(f);
    struct disk_file *file = open_file(f, "a");
    memset(f->buffer, 3, IOS * DISK_ALIGN);
    for (unsigned i = 0; i < 20; i++) disk_submit(f->disk, fill_io(f, i, DISK_WRITE, file, i));
    must(disk_do(f->disk, fill_io(f, 30, DISK_WRITE, file, 30)));
    assert_int_equal(disk_in_flight(f->disk), 20);
    reap_all(f, 20);
    disk_file_close(file);
}

/* The reader of the lifeline sees its end only after the writer's death; then all is over. */
static void lifeline_ends_with_the_process(void **state) {
    struct fixture *f = *state;
    if (strcmp(f->kind, "sim") == 0) skip();
    SKIP_IF_DENIED(f);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct disk *d;
        struct disk_file *file;
        if (!ok(disk_open(f->kind, 8, ends[1], &d)) ||
            !ok(disk_file_open(d, f->dir, "l", true, &file)))
            _exit(1);
        for (unsigned i = 0; i < 8; i++) {
            struct disk_io *io = fill_io(f, i, DISK_WRITE, file, i);
            io->durable = true;
            disk_submit(d, io);
        }
        disk_push(d);
        _exit(0);
    }
    close(ends[1]);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    int exit_code;
    assert_int_equal(waitpid(child, &exit_code, 0), child);
    assert_int_equal(exit_code, 0);
    close(ends[0]);
}

static void unknown_kind_is_not_found(void **state) {
    (void)state;
    struct disk *d;
    assert_int_equal(disk_open("punched cards", 8, -1, &d).code, ST_NOT_FOUND);
}

static void write_block(struct fixture *f, struct disk_file *file, uint64_t block, int value,
                        bool durable) {
    struct disk_io *io = fill_io(f, 0, DISK_WRITE, file, block);
    memset(io->buf, value, DISK_ALIGN);
    io->durable = durable;
    must(disk_do(f->disk, io));
}

static const char *read_block(struct fixture *f, struct disk_file *file, uint64_t block) {
    must(disk_do(f->disk, fill_io(f, 1, DISK_READ, file, block)));
    return f->io[1].buf;
}

static void reopen(struct fixture *f) {
    disk_close(f->disk);
    must(disk_open("sim", 8, -1, &f->disk));
}

/* Over many power cuts: what was durable or flushed is there, what was not is seen to be kept, lost
 * and torn. */
static void crash_loses_only_what_was_not_flushed(void **state) {
    struct fixture *f = *state;
    unsigned kept = 0, lost = 0, torn = 0;
    struct disk_file *file = open_file(f, "a");
    must(disk_file_sync_dir(f->disk, f->dir));
    for (int round = 1; round <= 100; round++) {
        write_block(f, file, 0, round, true);
        write_block(f, file, 1, round, false);
        must(disk_do(f->disk, fill_io(f, 2, DISK_FLUSH, file, 0)));
        write_block(f, file, 2, round, false);
        must(disk_do(f->disk, fill_io(f, 2, DISK_FLUSH, file, 0)));
        write_block(f, file, 2, round + 101, false);
        assert_int_equal((unsigned char)read_block(f, file, 2)[0], round + 101);
        disk_sim_crash(f->sim, (uint64_t)round);
        struct disk_io *io = fill_io(f, 3, DISK_READ, file, 0);
        assert_int_equal(disk_do(f->disk, io).code, ST_IO_ERROR);
        disk_file_close(file);
        reopen(f);
        must(disk_file_open(f->disk, f->dir, "a", false, &file));
        assert_int_equal(read_block(f, file, 0)[DISK_ALIGN - 1], round);
        assert_int_equal(read_block(f, file, 1)[DISK_ALIGN - 1], round);
        const char *block = read_block(f, file, 2);
        unsigned new = 0;
        for (unsigned i = 0; i < DISK_ALIGN; i += 512) new += (unsigned char)block[i] != round;
        kept += new == 8;
        lost += new == 0;
        torn += new > 0 && new < 8;
    }
    assert_true(torn > 50);
    assert_int_equal(kept + lost + torn, 100);
    disk_file_close(file);
}

static void crash_forgets_names_not_synced(void **state) {
    struct fixture *f = *state;
    unsigned there = 0;
    for (unsigned round = 0; round < 40; round++) {
        disk_file_close(open_file(f, "n"));
        disk_sim_crash(f->sim, round);
        reopen(f);
        struct disk_file *file;
        if (ok(disk_file_open(f->disk, f->dir, "n", false, &file))) {
            there++;
            disk_file_close(file);
            must(disk_file_remove(f->disk, f->dir, "n"));
            must(disk_file_sync_dir(f->disk, f->dir));
        }
    }
    assert_in_range(there, 5, 35);
}

static void errors_come_when_told(void **state) {
    struct fixture *f = *state;
    struct disk_file *file = open_file(f, "a");
    disk_sim_fail(f->sim, 2, ST_IO_ERROR, false);
    write_block(f, file, 0, 1, true);
    assert_int_equal(disk_do(f->disk, fill_io(f, 0, DISK_WRITE, file, 1)).code, ST_IO_ERROR);
    write_block(f, file, 0, 1, true);
    disk_sim_set_capacity(f->sim, 2 * DISK_ALIGN);
    assert_int_equal(disk_do(f->disk, fill_io(f, 0, DISK_WRITE, file, 9)).code, ST_DISK_FULL);
    assert_int_equal(disk_file_extend(file, 0, 1 << 20).code, ST_DISK_FULL);
    disk_sim_set_capacity(f->sim, 0);
    must(disk_file_extend(file, 0, 1 << 20));
    disk_file_close(file);
}

static void write_and_fail_to_flush(struct fixture *f, struct disk_file *file, int content) {
    write_block(f, file, 0, content, false);
    disk_sim_fail_one(f->sim, DISK_SIM_FLUSHES, 1, ST_IO_ERROR, false);
    assert_int_equal(disk_do(f->disk, fill_io(f, 0, DISK_FLUSH, file, 0)).code, ST_IO_ERROR);
}

/* What a flush that failed was to make stable, no later one does: until it is written again a power
 * cut keeps some of it and loses some. */
static void failed_flush_forgets(void **state) {
    struct fixture *f = *state;
    unsigned lost = 0;
    struct disk_file *file = open_file(f, "a");
    must(disk_file_sync_dir(f->disk, f->dir));
    for (int round = 1; round <= 40; round++) {
        bool again = round % 2;
        write_block(f, file, 0, 100, true);
        write_and_fail_to_flush(f, file, round);
        if (again) write_block(f, file, 0, round, false);
        must(disk_do(f->disk, fill_io(f, 0, DISK_FLUSH, file, 0)));
        disk_sim_crash(f->sim, (uint64_t)round);
        disk_file_close(file);
        reopen(f);
        must(disk_file_open(f->disk, f->dir, "a", false, &file));
        const char *block = read_block(f, file, 0);
        for (unsigned i = 0; i < DISK_ALIGN; i += 512) {
            assert_true(block[i] == round || (!again && block[i] == 100));
            lost += block[i] == 100;
        }
    }
    assert_in_range(lost, 40, 120);
    disk_file_close(file);
}

#define OVER_ALL(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, setup_uring, teardown),                                  \
        cmocka_unit_test_setup_teardown(test, setup_plain, teardown),                              \
        cmocka_unit_test_setup_teardown(test, setup_sim, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        OVER_ALL(many_writes_read_back),
        OVER_ALL(read_beyond_the_end_is_zero),
        OVER_ALL(read_into_several_places),
        OVER_ALL(descriptor_tells_of_completions),
        OVER_ALL(files_are_extended_renamed_removed),
        OVER_ALL(do_keeps_the_others),
        OVER_ALL(lifeline_ends_with_the_process),
        cmocka_unit_test_setup_teardown(unknown_kind_is_not_found, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(crash_loses_only_what_was_not_flushed, setup_sim, teardown),
        cmocka_unit_test_setup_teardown(crash_forgets_names_not_synced, setup_sim, teardown),
        cmocka_unit_test_setup_teardown(errors_come_when_told, setup_sim, teardown),
        cmocka_unit_test_setup_teardown(failed_flush_forgets, setup_sim, teardown),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
