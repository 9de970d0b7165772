#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup/backup.h"
#include "base/crc32c.h"

#define RAW_BYTES 3000

static char raw[BACKUP_RAW_MAX], back[BACKUP_RAW_MAX];
static char *chunk;
static char path[] = "/tmp/axl_backup_test.XXXXXX";

static int setup(void **) {
    chunk = malloc(backup_chunk_room());
    for (size_t i = 0; i < sizeof raw; i++) raw[i] = (char)(i * i >> 3);
    int fd = mkstemp(path);
    if (!chunk || fd < 0) return -1;
    close(fd);
    return 0;
}

static int teardown(void **) {
    free(chunk);
    return unlink(path);
}

static void test_round_trip(void **) {
    static const uint32_t sizes[] = {0, 1, 4096, BACKUP_RAW_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct backup_head h = {.kind = BACKUP_LOG, .at = 4096, .raw_bytes = sizes[i]}, got;
        size_t bytes;
        assert_true(ok(backup_pack(&h, raw, chunk, &bytes)));
        assert_int_equal(bytes % BACKUP_ALIGN, 0);
        assert_true(ok(backup_unpack(chunk, &got, back)));
        assert_int_equal(got.at, 4096);
        assert_int_equal(got.raw_bytes, sizes[i]);
        assert_memory_equal(back, raw, sizes[i]);
    }
}

/* A changed bit shows wherever it is, also in the zeros that fill the last block. */
static void test_every_bit(void **) {
    struct backup_head h = {.kind = BACKUP_LOG, .at = 4096, .raw_bytes = RAW_BYTES}, got;
    size_t bytes;
    assert_true(ok(backup_pack(&h, raw, chunk, &bytes)));
    assert_true(ok(backup_look(chunk, &got, &bytes)));
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        chunk[bit / 8] ^= (char)(1 << bit % 8);
        if (!status_is(backup_unpack(chunk, &got, back), ST_DATA_CORRUPTED))
            fail_msg("bit %zu is not missed", bit);
        chunk[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void put(FILE *f, struct backup_head h) {
    size_t bytes;
    assert_true(ok(backup_pack(&h, raw, chunk, &bytes)));
    assert_int_equal(fwrite(chunk, 1, bytes, f), bytes);
}

/* Two chunks of a log from 4096 on, the second `gap` bytes too late, and an end for `count` of
 * them. */
static void write_log(uint64_t gap, uint32_t count) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    put(f, (struct backup_head){.kind = BACKUP_LOG, .at = 4096, .raw_bytes = RAW_BYTES});
    uint64_t second = 4096 + RAW_BYTES + gap;
    put(f, (struct backup_head){.kind = BACKUP_LOG, .at = second, .raw_bytes = RAW_BYTES});
    put(f, (struct backup_head){.kind = BACKUP_END, .count = count, .at = second + RAW_BYTES});
    assert_int_equal(fclose(f), 0);
}

static status read_all(uint64_t *ret_bytes) {
    struct backup_reader *r;
    struct backup_head h;
    const void *bytes;
    status s;
    *ret_bytes = 0;
    assert_true(ok(backup_open(path, &r)));
    while (ok(s = backup_next(r, &h, &bytes))) *ret_bytes += h.raw_bytes;
    backup_close(r);
    return s;
}

static void test_files(void **) {
    uint64_t bytes;
    write_log(0, 2);
    assert_true(status_is(read_all(&bytes), ST_END));
    assert_int_equal(bytes, 2 * RAW_BYTES);
    write_log(8, 2); /* something is missing in the middle */
    assert_true(status_is(read_all(&bytes), ST_DATA_CORRUPTED));
    write_log(0, 3); /* … or before the end */
    assert_true(status_is(read_all(&bytes), ST_DATA_CORRUPTED));
    write_log(0, 2);
    for (long size = 3 * BACKUP_ALIGN - 1; size >= 0; size -= BACKUP_ALIGN / 2) {
        assert_int_equal(truncate(path, size), 0);
        assert_true(status_is(read_all(&bytes), ST_DATA_CORRUPTED));
    }
}

/* ---- index, record ---- */

#define PLACES 1000

static void take_places(struct backup_index *x, struct backup_place *places, uint32_t n,
                        bool good) {
    struct backup_head h = {.kind = BACKUP_INDEX, .count = n};
    assert_int_equal(ok(backup_index_take(x, &h, places)), good);
}

static void test_index(void **) {
    static struct backup_place places[PLACES];
    struct backup_index x = {.begin = PLACES * (uint64_t)BACKUP_ALIGN};
    uint64_t offset, bytes;
    for (uint64_t i = 0; i < PLACES; i++)
        places[i] = (struct backup_place){.page = 10 + i * 16, .offset = i * BACKUP_ALIGN};
    take_places(&x, places, PLACES / 2, true);
    take_places(&x, places, 1, false); /* not in order */
    take_places(&x, places + PLACES / 2, PLACES / 2, true);
    assert_true(status_is(backup_index_find(&x, 9, &offset, &bytes), ST_NOT_FOUND));
    for (uint64_t i = 0; i < PLACES; i++) {
        assert_true(ok(backup_index_find(&x, 10 + i * 16 + i % 16, &offset, &bytes)));
        assert_int_equal(offset, i * BACKUP_ALIGN);
        assert_int_equal(bytes, BACKUP_ALIGN);
    }
    struct backup_place behind = {.page = 1 << 20, .offset = x.begin};
    take_places(&x, &behind, 1, false);
    backup_index_fini(&x);
}

static void test_record(void **) {
    char dir[] = "/tmp/axl_backup_test.XXXXXX", file[64];
    struct backup_record r = {.appliance_id = 0xabcdef0123456789,
                              .count = 2,
                              .file = 1,
                              .chunk = 7,
                              .rate = 9},
                         got;
    assert_non_null(mkdtemp(dir));
    assert_true(status_is(backup_record_read(dir, BACKUP_RESTORING, &got), ST_NOT_FOUND));
    r.dir[0] = strdup("/a/full one");
    r.dir[1] = strdup("/b");
    assert_true(ok(backup_record_write(dir, BACKUP_RESTORING, &r)));
    assert_true(ok(backup_record_read(dir, BACKUP_RESTORING, &got)));
    assert_int_equal(got.appliance_id, r.appliance_id);
    assert_int_equal(got.count, 2);
    assert_true(got.file == 1 && got.chunk == 7 && got.rate == 9);
    assert_string_equal(got.dir[0], "/a/full one");
    assert_string_equal(got.dir[1], "/b");
    backup_record_fini(&got);
    backup_record_fini(&r);
    assert_true(ok(backup_record_restored(dir)));
    snprintf(file, sizeof file, "%s/" BACKUP_RECORD, dir);
    assert_int_equal(truncate(file, 30), 0);
    assert_true(status_is(backup_record_read(dir, BACKUP_RECORD, &got), ST_DATA_CORRUPTED));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- streams ---- */

#define STREAM_BYTES_MAX (16 * BACKUP_ALIGN)

static size_t add_piece(char *stream, size_t at, struct backup_head h, uint32_t *sum) {
    size_t bytes;
    h.raw_bytes = RAW_BYTES;
    if (h.kind == BACKUP_MANIFEST_TEXT) h.at = *sum;
    assert_true(ok(backup_pack(&h, raw, chunk, &bytes)));
    memcpy(stream + at, chunk, bytes);
    *sum = crc32c(*sum, chunk, bytes);
    return at + bytes;
}

static size_t make_stream(char *stream, uint32_t count) {
    uint32_t sum = 0;
    size_t n = add_piece(stream, 0, (struct backup_head){.kind = BACKUP_SETTINGS}, &sum);
    n = add_piece(stream, n, (struct backup_head){.kind = BACKUP_LOG, .at = 4096}, &sum);
    struct backup_head last = {.kind = BACKUP_MANIFEST_TEXT, .count = count};
    return add_piece(stream, n, last, &sum);
}

static status read_stream(const char *stream, size_t n, unsigned *ret_pieces) {
    struct backup_stream *s;
    struct backup_piece p;
    status st;
    FILE *f = fopen(path, "w+b");
    assert_non_null(f);
    assert_int_equal(fwrite(stream, 1, n, f), n);
    assert_int_equal(fflush(f), 0);
    rewind(f);
    assert_true(ok(backup_stream_open(fileno(f), &s)));
    for (*ret_pieces = 0; ok(st = backup_stream_next(s, &p)); ++*ret_pieces) continue;
    backup_stream_close(s);
    fclose(f);
    return st;
}

static void test_streams(void **) {
    static char stream[STREAM_BYTES_MAX + 1], other[STREAM_BYTES_MAX + 1];
    unsigned pieces;
    size_t n = make_stream(stream, 2);
    assert_true(status_is(read_stream(stream, n, &pieces), ST_END));
    assert_int_equal(pieces, 3);
    for (size_t cut = 0; cut < n; cut += BACKUP_ALIGN / 2)
        assert_true(status_is(read_stream(stream, cut, &pieces), ST_DATA_CORRUPTED));
    assert_true(status_is(read_stream(stream, n + 1, &pieces), ST_DATA_CORRUPTED));
    for (size_t at = 0; at < n; at += 61) {
        memcpy(other, stream, n);
        other[at] ^= 4;
        assert_true(status_is(read_stream(other, n, &pieces), ST_DATA_CORRUPTED));
    }
    n = make_stream(stream, 3);
    assert_true(status_is(read_stream(stream, n, &pieces), ST_DATA_CORRUPTED));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_index),
        cmocka_unit_test(test_record),     cmocka_unit_test(test_streams)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
