/* Keys: for random pairs of every type that can be a key, the sign of memcmp is the sign of the
 * comparison, in both directions, alone and followed by another column; and the length of a column
 * is found again. */
#include "harness.h"

#include <math.h>

#include "types/key.h"

static int sign(int x) {
    return (x > 0) - (x < 0);
}

static int compare_bytes(const struct buf *a, const struct buf *b) {
    return bytes_compare(a->data, a->len, b->data, b->len);
}

/* Networks within one another, and hosts of both families; devices. */
static void random_address(oid type, uint64_t x, int value, char *out, size_t size) {
    int n = (int)(x >> 8 & 3);
    if (type == CIDROID)
        snprintf(out, size, "%d.%d/16", n, (int)(x >> 16 & 255));
    else if (type != INETOID)
        snprintf(out, size, "%02x:00:00:%02x:00:%02x", n * 85, (unsigned)(x >> 16 & 3),
                 (unsigned)value);
    else if (x & 1)
        snprintf(out, size, "%d.%d.%d.%d/%d", n, (int)(x >> 16 & 1) * 128, (int)(x >> 17 & 1),
                 (int)(x >> 18 & 3), (int)(x >> 24 & 31) + (int)(x >> 30 & 1));
    else
        snprintf(out, size, "%x:%x::%x/%d", n, (unsigned)(x >> 16 & 0x8001), (unsigned)(value & 3),
                 (int)(x >> 40 & 127));
}

/* Texts that are near one another, so that ties and prefixes come up. */
static void random_text(uint64_t *r, oid type, char *out, size_t size) {
    uint64_t x = test_random(r);
    int n = (int)(x >> 8 & 3);
    long long value = (long long)(test_random(r) >> (test_random(r) % 64));
    if (x & 1) value = -value;
    switch (type) {
    case BOOLOID: snprintf(out, size, "%s", x & 1 ? "t" : "f"); break;
    case INT2OID: snprintf(out, size, "%d", (int)(int16_t)value); break;
    case INT4OID: snprintf(out, size, "%d", (int)value); break;
    case INT8OID: snprintf(out, size, "%lld", value); break;
    case OIDOID: snprintf(out, size, "%u", (unsigned)value); break;
    case FLOAT4OID:
    case FLOAT8OID: {
        static const char *const special[] = {"0", "-0", "NaN", "Infinity", "-Infinity", "1"};
        if (x % 5 == 0)
            snprintf(out, size, "%s", special[x / 5 % 6]);
        else
            snprintf(out, size, "%.9fe%d", (double)value / 1e18, (int)(x % 60) - 30);
        break;
    }
    case NUMERICOID: {
        static const char *const special[] = {"0",    "0.00", "NaN", "Infinity", "-Infinity",
                                              "1.50", "1.5",  "100", "-0.010"};
        if (x % 5 == 0)
            snprintf(out, size, "%s", special[x / 5 % 9]);
        else
            snprintf(out, size, "%llde%d", value >> (x % 60), (int)(x >> 20 & 31) - 16);
        break;
    }
    case DATEOID:
        snprintf(out, size, "%d-%02d-%02d", 1900 + n * 50, 1 + (int)(x % 12),
                 1 + (int)(x >> 16 & 15));
        break;
    case TIMEOID:
        snprintf(out, size, "%02d:%02d:%02d.%d", (int)(x % 24), n, n * 3, (int)(x >> 20 & 1023));
        break;
    case TIMETZOID:
        snprintf(out, size, "%02d:00%+03d", (int)(x % 24), (int)(x >> 20 & 15) - 7);
        break;
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        snprintf(out, size, "%d-0%d-01 00:00:0%d.%d", 1990 + n * 20, n + 1, n, (int)(x >> 20 & 15));
        break;
    case INTERVALOID:
        snprintf(out, size, "%d mons %d days %d secs", n - 1, (int)(x >> 16 & 63) - 30,
                 (int)(x >> 24 & 1023) - 512);
        break;
    case UUIDOID:
        snprintf(out, size, "%08x-0000-0000-0000-%012x", (unsigned)(x & 3), (unsigned)value);
        break;
    case INETOID:
    case CIDROID:
    case MACADDROID:
    case MACADDR8OID: random_address(type, x, (int)(value & 0xFF), out, size); break;
    case MONEYOID: snprintf(out, size, "%d.%02d", (int)value >> 8, n); break;
    case BYTEAOID: {
        size_t len = x >> 16 & 7;
        strcpy(out, "\\x");
        for (size_t i = 0; i < len; i++)
            sprintf(out + 2 + i * 2, "%s",
                    test_random(r) & 2   ? "00"
                    : test_random(r) & 1 ? "ff"
                                         : "01");
        break;
    }
    case INT4ARRAYOID: {
        char *p = out;
        p += sprintf(p, "{");
        for (int i = 0; i < n; i++)
            p += sprintf(p, "%s%s", i ? "," : "",
                         test_random(r) & 7 ? (test_random(r) & 1 ? "5" : "-6") : "NULL");
        sprintf(p, "}");
        break;
    }
    case TEXTARRAYOID: {
        char *p = out;
        p += sprintf(p, "{");
        for (int i = 0; i < n; i++)
            p += sprintf(p, "%s%s", i ? "," : "", test_random(r) & 1 ? "a" : "ab");
        sprintf(p, "}");
        break;
    }
    case OIDVECTOROID:
        snprintf(out, size, "%s", n == 0 ? "" : n == 1 ? "7" : n == 2 ? "1 2" : "3 1");
        break;
    default: { /* text, varchar, bpchar, name */
        size_t len = x >> 16 & 7;
        for (size_t i = 0; i < len; i++) out[i] = "ab \x7F"[test_random(r) & 3];
        out[len] = '\0';
    }
    }
}

static const oid keyed[] = {
    BOOLOID,    INT2OID,  INT4OID,      INT8OID,      OIDOID,       FLOAT4OID,      FLOAT8OID,
    NUMERICOID, DATEOID,  TIMEOID,      TIMETZOID,    TIMESTAMPOID, TIMESTAMPTZOID, INTERVALOID,
    UUIDOID,    BYTEAOID, INT4ARRAYOID, TEXTARRAYOID, OIDVECTOROID, TEXTOID,        VARCHAROID,
    BPCHAROID,  NAMEOID,  INETOID,      CIDROID,      MACADDROID,   MACADDR8OID,    MONEYOID};

static void check_pair(const struct type *t, datum a, datum b, bool descending) {
    struct buf x = {0}, y = {0};
    int order = sign(type_compare(t, a, b));
    assert_true(ok(type_key_encode(t, a, false, descending, false, &x)));
    assert_true(ok(type_key_encode(t, b, false, descending, false, &y)));
    int got = sign(compare_bytes(&x, &y));
    assert_int_equal(got, descending ? -order : order);
    if (order == 0 && t->family->hash) assert_true(type_hash(t, a) == type_hash(t, b));
    size_t len = x.len, found;
    /* a second column decides only ties, and the first one's length is still found */
    assert_true(ok(type_key_encode(type_find(INT4OID), datum_int4(1), false, false, false, &x)));
    assert_true(ok(type_key_encode(type_find(INT4OID), datum_int4(2), false, false, false, &y)));
    got = sign(compare_bytes(&x, &y));
    assert_int_equal(got, order == 0 ? -1 : descending ? -order : order);
    assert_true(ok(type_key_column_len(t, descending, x.data, x.len, &found)));
    assert_int_equal(found, len);
    buf_free(&x);
    buf_free(&y);
}

static void test_order(void **) {
    struct harness h;
    uint64_t r = 0x9E3779B97F4A7C15u;
    char text[2][256];
    harness_open(&h);
    for (size_t i = 0; i < sizeof keyed / sizeof *keyed; i++) {
        const struct type *t = type_find(keyed[i]);
        assert_non_null(t);
        for (int round = 0; round < 1500; round++) {
            harness_reset(&h);
            random_text(&r, t->oid, text[0], sizeof text[0]);
            random_text(&r, t->oid, text[1], sizeof text[1]);
            datum a = value_of(&h, t->oid, text[0]), b = value_of(&h, t->oid, text[1]);
            check_pair(t, a, b, false);
            check_pair(t, a, b, true);
            check_pair(t, a, a, round & 1);
        }
    }
    harness_close(&h);
}

static void test_nulls(void **) {
    struct harness h;
    harness_open(&h);
    for (int descending = 0; descending < 2; descending++) {
        struct buf first = {0}, last = {0}, value = {0};
        assert_true(
            ok(type_key_encode(type_find(TEXTOID), datum_int8(0), true, descending, true, &first)));
        assert_true(
            ok(type_key_encode(type_find(TEXTOID), datum_int8(0), true, descending, false, &last)));
        assert_true(ok(type_key_encode(type_find(TEXTOID), value_of(&h, TEXTOID, "\x7F\x7F"), false,
                                       descending, false, &value)));
        assert_true(compare_bytes(&first, &value) < 0);
        assert_true(compare_bytes(&last, &value) > 0);
        size_t len;
        assert_true(
            ok(type_key_column_len(type_find(TEXTOID), descending, first.data, first.len, &len)));
        assert_int_equal(len, 1);
        buf_free(&first);
        buf_free(&last);
        buf_free(&value);
    }
    harness_close(&h);
}

/* Bytes that are no key give a status, whatever they are. */
static void test_foreign_bytes(void **) {
    struct harness h;
    uint64_t r = 77;
    uint8_t bytes[40];
    size_t len;
    harness_open(&h);
    for (int round = 0; round < 20000; round++) {
        size_t n = test_random(&r) % sizeof bytes;
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(test_random(&r) >> 24);
        if (n) bytes[0] = KEY_MARK_VALUE;
        oid type = keyed[round % (sizeof keyed / sizeof *keyed)];
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, bytes, n);
        if (ok(type_key_column_len(type_find(type), round & 1, exact, n, &len)))
            assert_true(len <= n);
        free(exact);
    }
    harness_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_nulls),
                                       cmocka_unit_test(test_foreign_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
