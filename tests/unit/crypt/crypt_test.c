#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypt/crypt.h"

#define DATABASE 0x1122334455667788u
#define BYTES 480

static struct crypt_keys keys_of(uint32_t first, uint32_t count, uint32_t life) {
    struct crypt_keys k = {
        .database = DATABASE, .life = life, .current = first + count - 1, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        k.key[i].number = first + i;
        for (unsigned b = 0; b < CRYPT_KEY_BYTES; b++)
            k.key[i].bytes[b] = (unsigned char)(b + 100 * (first + i - 3));
    }
    return k;
}

static struct crypt *ready(struct crypt_keys keys) {
    struct crypt *c;
    assert_true(ok(crypt_new(&keys, &c)));
    return c;
}

/* Computed from FIPS 197 and SP 800-38D alone, by a program that was checked with test case 16 of
 * McGrew and Viega: key 00…1f, nonce a0…ab, page 42, bytes 0…39. */
static void test_known_answer(void **state) {
    (void)state;
    static const unsigned char sealed[40] =
        "\xe6\x19\x7e\x2e\x41\xce\x04\xb8\x6a\x6c\x8d\xd8\x0b\x77\xce\xd1\x60\xbd\x4b\x03"
        "\x86\xa2\x54\x7b\x84\x17\x3c\x9d\x63\xb6\x6b\x1e\xf2\x57\x65\xdc\x8b\x07\x75\x1a";
    struct crypt_tail tail = {
        .nonce = "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab",
        .tag = "\x4e\xde\xff\x77\x36\x3a\x86\xff\x40\x91\x57\xc5\x6b\xea\xb7\x7c",
        .key = 3};
    unsigned char out[40];
    struct crypt *c = ready(keys_of(3, 1, 1));
    assert_true(ok(crypt_open(c, CRYPT_PAGE, 42, sealed, out, sizeof out, &tail)));
    for (unsigned i = 0; i < sizeof out; i++) assert_int_equal(out[i], i);
    crypt_free(c);
}

static void fill(unsigned char *bytes) {
    for (unsigned i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * 7 + i / 256);
}

static void test_round(void **state) {
    (void)state;
    unsigned char plain[BYTES], sealed[BYTES], back[BYTES];
    struct crypt_tail tail;
    struct crypt *c = ready(keys_of(1, 2, 9));
    fill(plain);
    crypt_seal(c, CRYPT_LOG, 4096, plain, sealed, BYTES, &tail);
    assert_int_equal(tail.key, 2);
    assert_memory_not_equal(plain, sealed, BYTES);
    assert_true(ok(crypt_open(c, CRYPT_LOG, 4096, sealed, back, BYTES, &tail)));
    assert_memory_equal(plain, back, BYTES);
    crypt_seal(c, CRYPT_LOG, 4096, plain, plain, BYTES, &tail); /* in its place */
    assert_true(ok(crypt_open(c, CRYPT_LOG, 4096, plain, plain, BYTES, &tail)));
    assert_memory_equal(plain, back, BYTES);
    crypt_free(c);
}

/* Each byte of the sealed bytes and of the tail, all of its bits. */
static void test_flips(void **state) {
    (void)state;
    struct {
        unsigned char bytes[BYTES];
        struct crypt_tail tail;
    } good, bad;
    unsigned char out[BYTES];
    struct crypt *c = ready(keys_of(1, 1, 9));
    fill(out);
    crypt_seal(c, CRYPT_PAGE, 5, out, good.bytes, BYTES, &good.tail);
    for (size_t i = 0; i < sizeof good; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bad = good;
            ((unsigned char *)&bad)[i] ^= (unsigned char)(1u << bit);
            assert_int_equal(crypt_open(c, CRYPT_PAGE, 5, bad.bytes, out, BYTES, &bad.tail).code,
                             ST_DATA_CORRUPTED);
        }
    }
    assert_true(ok(crypt_open(c, CRYPT_PAGE, 5, good.bytes, out, BYTES, &good.tail)));
    crypt_free(c);
}

/* What is bound to the bytes: kind, position, length, database, key. */
static void test_bound(void **state) {
    (void)state;
    unsigned char plain[BYTES], sealed[BYTES], out[BYTES];
    struct crypt_tail tail;
    struct crypt_keys keys = keys_of(1, 2, 9);
    struct crypt *c = ready(keys);
    fill(plain);
    crypt_seal(c, CRYPT_PAGE, 5, plain, sealed, BYTES, &tail);
    assert_false(ok(crypt_open(c, CRYPT_TEMP, 5, sealed, out, BYTES, &tail)));
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 6, sealed, out, BYTES, &tail)));
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 5, sealed, out, BYTES - 16, &tail)));
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 5, sealed, out, 0, &tail)));
    tail.key = 1;
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 5, sealed, out, BYTES, &tail)));
    tail.key = 2;
    crypt_free(c);
    keys.database++;
    c = ready(keys);
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 5, sealed, out, BYTES, &tail)));
    crypt_free(c);
}

/* Bytes that are not authentic are not handed out. */
static void test_nothing_unauthentic(void **state) {
    (void)state;
    unsigned char bytes[BYTES], zero[BYTES] = {0};
    struct crypt_tail tail;
    struct crypt *c = ready(keys_of(1, 1, 9));
    fill(bytes);
    crypt_seal(c, CRYPT_PAGE, 5, bytes, bytes, BYTES, &tail);
    bytes[BYTES - 1] ^= 1;
    assert_false(ok(crypt_open(c, CRYPT_PAGE, 5, bytes, bytes, BYTES, &tail)));
    assert_memory_equal(bytes, zero, BYTES);
    crypt_free(c);
}

static int by_nonce(const void *a, const void *b) {
    return memcmp(a, b, CRYPT_NONCE_BYTES);
}

/* Also of two lives that follow one another. */
static void test_nonces(void **state) {
    (void)state;
    enum { EACH = 20000 };
    unsigned char(*nonces)[CRYPT_NONCE_BYTES] = malloc(2 * EACH * sizeof *nonces);
    assert_non_null(nonces);
    for (uint32_t life = 0; life < 2; life++) {
        struct crypt *c = ready(keys_of(1, 1, life));
        struct crypt_tail tail;
        unsigned char byte = 0;
        for (unsigned i = 0; i < EACH; i++) {
            crypt_seal(c, CRYPT_PAGE, 5, &byte, &byte, 1, &tail);
            memcpy(nonces[life * EACH + i], tail.nonce, sizeof tail.nonce);
        }
        crypt_free(c);
    }
    qsort(nonces, 2 * EACH, sizeof *nonces, by_nonce);
    for (unsigned i = 1; i < 2 * EACH; i++)
        assert_memory_not_equal(nonces[i - 1], nonces[i], sizeof *nonces);
    free(nonces);
}

static void test_current_missing(void **state) {
    (void)state;
    struct crypt *c;
    struct crypt_keys keys = keys_of(1, 2, 9);
    keys.current = 3;
    assert_int_equal(crypt_new(&keys, &c).code, ST_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_nothing_unauthentic),
        cmocka_unit_test(test_nonces),
        cmocka_unit_test(test_current_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
