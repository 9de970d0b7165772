#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/crc32c.h"

/* ---- arenas ---------------------------------------------------------------------------------- */

/* Whatever the sizes: pieces are aligned, keep their bytes and never overlap. */
static void arena_pieces_are_apart([[maybe_unused]] void **state) {
    struct arena a;
    arena_init(&a, 0);
    static unsigned char *piece[600];
    static size_t bytes[600];
    srandom(7);
    for (int i = 0; i < 600; i++) {
        bytes[i] = (size_t)random() % (i % 50 == 0 ? 200000 : 300);
        piece[i] = arena_alloc(&a, bytes[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % ARENA_ALIGNMENT, 0);
        memset(piece[i], i % 251, bytes[i]);
    }
    for (int i = 0; i < 600; i++)
        for (size_t at = 0; at < bytes[i]; at++) assert_int_equal(piece[i][at], i % 251);
    arena_free(&a);
}

static void arena_takes_nothing_and_refuses_everything([[maybe_unused]] void **state) {
    struct arena a;
    arena_init(&a, 0);
    assert_non_null(arena_alloc(&a, 0)); /* of an arena without a chunk, too */
    volatile size_t most = SIZE_MAX;     /* volatile: the compiler knows it, and refuses itself */
    assert_null(arena_alloc(&a, most));
    assert_null(arena_alloc(&a, most - 8));
    assert_null(arena_array(&a, most / 4, 8));
    assert_non_null(arena_alloc(&a, 16)); /* a refusal leaves it as it was */
    arena_free(&a);
}

/* What was given back by a rewind or a reset counts no more against the limit. */
static void arena_keeps_its_limit([[maybe_unused]] void **state) {
    struct arena a;
    arena_init(&a, 64 << 10);
    assert_non_null(arena_alloc(&a, 100));
    struct arena_mark mark = arena_mark(&a);
    size_t given = 0;
    while (arena_alloc(&a, 1000)) given += 1000;
    assert_in_range(given, 20 << 10, 64 << 10);
    assert_in_range(a.used, given, 64 << 10);
    arena_rewind(&a, mark);
    size_t again = 0;
    while (arena_alloc(&a, 1000)) again += 1000;
    assert_int_equal(again, given);
    arena_reset(&a);
    assert_in_range(a.used, 1, 8 << 10);
    assert_null(arena_alloc(&a, 64 << 10));
    assert_non_null(arena_alloc(&a, 16 << 10));
    arena_free(&a);
    assert_int_equal(a.used, 0);
}

static void arena_zeroes_used_memory([[maybe_unused]] void **state) {
    struct arena a;
    arena_init(&a, 0);
    memset(arena_alloc(&a, 3000), 0xff, 3000);
    arena_reset(&a);
    unsigned char *p = arena_zalloc(&a, 3000);
    for (int i = 0; i < 3000; i++) assert_int_equal(p[i], 0);
    arena_free(&a);
}

/* Great chunks, and blocks of others, go bit by bit. */
static void arena_gives_great_ones_back_slowly([[maybe_unused]] void **state) {
    struct arena a;
    struct buf b = {0};
    arena_init(&a, 0);
    arena_free_later(true);
    memset(arena_alloc(&a, 30 << 20), 1, 30 << 20);
    assert_true(ok(buf_reserve(&b, 10 << 20)));
    memset(b.data, 2, 10 << 20);
    arena_free(&a);
    buf_free(&b);
    unsigned turns = 0;
    while (arena_free_some()) turns++;
#if defined(__SANITIZE_ADDRESS__)
    assert_int_equal(turns, 0);
#else
    assert_in_range(turns, 8, 16);
#endif
    arena_free_later(false);
    assert_false(arena_free_some());
}

static void arena_prints([[maybe_unused]] void **state) {
    struct arena a;
    arena_init(&a, 0);
    char *long_text = arena_printf(&a, "%05d|%s|%5000d", 42, "x", 7);
    assert_int_equal(strlen(long_text), 5 + 1 + 1 + 1 + 5000);
    assert_memory_equal(long_text, "00042|x|  ", 10);
    assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
    arena_free(&a);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static void buf_grows([[maybe_unused]] void **state) {
    struct buf b = {0};
    for (int i = 0; i < 1000; i++) assert_true(ok(buf_printf(&b, "%d,", i)));
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(b.data, "0,1,2,", 6);
    assert_memory_equal(b.data + b.len - 8, "998,999,", 8);
    size_t len = b.len;
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 100).code, ST_PROGRAM_LIMIT_EXCEEDED);
    assert_int_equal(buf_reserve(&b, BUF_MAX - len + 1).code, ST_PROGRAM_LIMIT_EXCEEDED);
    assert_int_equal(b.len, len);
    buf_free(&b);
    assert_null(b.data);
}

/* Borrowed memory is used while it suffices, is never freed, and what was there moves along. */
static void buf_outgrows_what_it_borrowed([[maybe_unused]] void **state) {
    char room[16];
    struct buf b;
    buf_borrow(&b, room, sizeof room);
    assert_true(ok(buf_add(&b, "0123456789abcdef", 16)));
    assert_ptr_equal(b.data, room);
    assert_true(ok(buf_add(&b, "g", 1)));
    assert_ptr_not_equal(b.data, room);
    assert_int_equal(b.len, 17);
    assert_memory_equal(b.data, "0123456789abcdefg", 17);
    assert_memory_equal(room, "0123456789abcdef", 16);
    buf_free(&b);

    buf_borrow(&b, room, sizeof room);
    assert_true(ok(buf_add_str(&b, "xyz")));
    buf_free(&b); /* leaves the room alone */
    assert_memory_equal(room, "xyz3", 4);
    assert_true(ok(buf_add_str(&b, "on the heap")));
    assert_ptr_not_equal(b.data, room);
    buf_free(&b);
}

/* Bit by bit. */
static uint32_t crc_slow(uint32_t crc, const unsigned char *p, size_t n) {
    for (crc = ~crc; n; p++, n--) {
        crc ^= *p;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* Each length has its own mixture of long and short stretches. */
static void crc_of_every_length([[maybe_unused]] void **state) {
    static unsigned char bytes[3 * 3 * 1024 + 5 * 3 * 128 + 9];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((random = random * 1103515245 + 12345) >> 16);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    for (size_t n = 0; n <= sizeof bytes; n += n < 1200 ? 1 : 61) {
        const unsigned char *p = bytes + n % 7;
        size_t len = n < sizeof bytes - 7 ? n : sizeof bytes - 7;
        assert_int_equal(crc32c(0x12345678, p, len), crc_slow(0x12345678, p, len));
        assert_int_equal(crc32c(crc32c(0, p, len / 3), p + len / 3, len - len / 3),
                         crc_slow(0, p, len));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_of_every_length),
        cmocka_unit_test(arena_pieces_are_apart),
        cmocka_unit_test(arena_takes_nothing_and_refuses_everything),
        cmocka_unit_test(arena_keeps_its_limit),
        cmocka_unit_test(arena_zeroes_used_memory),
        cmocka_unit_test(arena_gives_great_ones_back_slowly),
        cmocka_unit_test(arena_prints),
        cmocka_unit_test(buf_grows),
        cmocka_unit_test(buf_outgrows_what_it_borrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
