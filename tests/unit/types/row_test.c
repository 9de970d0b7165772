/* Rows: what is formed is deformed again; rows of older descriptors; bytes that are no row. */
#include "harness.h"

#include "types/array.h"
#include "types/record.h"
#include "types/row.h"

static const struct {
    oid type;
    const char *texts[3];
} columns[] = {
    {INT4OID, {"0", "-2147483648", "7"}},
    {INT8OID, {"9223372036854775807", "-1", "0"}},
    {TEXTOID, {"", "abc", "äöü"}},
    {INT2OID, {"-32768", "1", "0"}},
    {BOOLOID, {"t", "f", "t"}},
    {FLOAT8OID, {"1.5", "NaN", "-Infinity"}},
    {FLOAT4OID, {"-0.1", "3e38", "0"}},
    {NUMERICOID, {"0.00", "-12345678901234567890.5", "NaN"}},
    {BPCHAROID, {"x   ", "", "y"}},
    {NAMEOID, {"pg_class", "", "x"}},
    {OIDOID, {"4294967295", "0", "16384"}},
    {TIMESTAMPOID, {"2020-01-01 10:00:00", "infinity", "epoch"}},
    {DATEOID, {"2020-01-01", "-infinity", "4000-12-31"}},
    {INTERVALOID, {"1 mon -2 days", "0", "00:00:01"}},
    {TIMETZOID, {"10:00:00+02", "00:00:00-11", "23:59:59+00"}},
    {UUIDOID,
     {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000",
      "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
    {CHAROID, {"a", "", "z"}},
    {INETOID, {"10.1.2.3/8", "::1", "0.0.0.0/0"}},
    {MACADDROID, {"08:00:2b:01:02:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}},
    {MACADDR8OID, {"08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"}},
    {MONEYOID, {"-92233720368547758.08", "$1.00", "0"}},
    {CIDROID, {"10.0.0.0/8", "2001:db8::/32", "::/0"}},
    {TIDOID, {"(1,2)", "(0,0)", "(4294967295,65535)"}},
    {INT4ARRAYOID, {"{1,NULL,3}", "{}", "{{1,2},{3,4}}"}},
    {TEXTARRAYOID, {"{a,\"b c\"}", "{NULL}", "{}"}},
    {OIDVECTOROID, {"1 2 3", "", "5"}},
    {UNKNOWNOID, {"lit", "", "x"}}};
#define N (sizeof columns / sizeof *columns)

static struct row_desc *descriptor(struct harness *h, size_t n) {
    oid types[N];
    struct row_desc *d;
    for (size_t i = 0; i < n; i++) types[i] = columns[i].type;
    assert_true(ok(row_desc_new(&h->arena, types, (uint16_t)n, &d)));
    return d;
}

static void fill(struct harness *h, uint64_t *r, datum *values, uint8_t *nulls) {
    for (size_t i = 0; i < N; i++) {
        uint64_t x = test_random(r) >> 20;
        nulls[i] = x % 5 == 0;
        values[i].u64 = 0;
        if (!nulls[i]) values[i] = value_of(h, columns[i].type, columns[i].texts[x / 5 % 3]);
    }
}

static void same_values(struct harness *h, size_t n, const datum *a, const uint8_t *a_nulls,
                        const datum *b, const uint8_t *b_nulls) {
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a_nulls[i], b_nulls[i]);
        if (a_nulls[i]) continue;
        const struct type *t = type_find(columns[i].type);
        if (t->byval) assert_true(a[i].u64 == b[i].u64);
        assert_string_equal(text_of(h, t->oid, a[i]), text_of(h, t->oid, b[i]));
    }
}

static void test_round_trip(void **) {
    struct harness h;
    uint64_t r = 5;
    harness_open(&h);
    for (int round = 0; round < 500; round++) {
        datum values[N], back[N];
        uint8_t nulls[N], back_nulls[N];
        struct buf row = {0};
        harness_reset(&h);
        struct row_desc *d = descriptor(&h, N);
        fill(&h, &r, values, nulls);
        assert_true(ok(row_form_within(d, values, nulls, row_bytes_max(d, values, nulls),
                                       (uint32_t)round % 3, &row)));
        /* at every alignment, and only as many attributes as wanted */
        char *copy = malloc(row.len + 8);
        size_t shift = (size_t)round % 8, wanted = 1 + (size_t)round % N;
        memcpy(copy + shift, row.data, row.len);
        assert_true(ok(row_deform(d, copy + shift, row.len, N, back, back_nulls, &h.arena)));
        same_values(&h, N, values, nulls, back, back_nulls);
        memset(back, 0xAA, sizeof back);
        assert_true(
            ok(row_deform(d, copy + shift, row.len, (uint16_t)wanted, back, back_nulls, &h.arena)));
        same_values(&h, wanted, values, nulls, back, back_nulls);
        free(copy);
        buf_free(&row);
    }
    harness_close(&h);
}

/* A row written when the table had three columns, read when it has five. */
static void test_missing(void **) {
    struct harness h;
    datum values[3], back[5];
    uint8_t nulls[3] = {0, 1, 0}, back_nulls[5];
    struct buf row = {0};
    oid types[5] = {INT4OID, INT8OID, TEXTOID, INT4OID, TEXTOID};
    struct row_desc *before, *after;
    harness_open(&h);
    values[0] = datum_int4(-5);
    values[2] = value_of(&h, TEXTOID, "old");
    assert_true(ok(row_desc_new(&h.arena, types, 3, &before)));
    assert_true(ok(row_desc_new(&h.arena, types, 5, &after)));
    row_desc_set_missing(after, 3, datum_int4(42));
    assert_true(ok(row_form(before, values, nulls, &row)));
    assert_true(ok(row_deform(after, row.data, row.len, 5, back, back_nulls, &h.arena)));
    assert_int_equal(back[0].i32, -5);
    assert_true(back_nulls[1] && !back_nulls[3] && back_nulls[4]);
    assert_int_equal(back[3].i32, 42);
    /* the other way round it is corrupt */
    row.len = 0;
    datum five[5] = {values[0], values[0], values[2], values[0], values[2]};
    uint8_t none[5] = {0};
    assert_true(ok(row_form(after, five, none, &row)));
    assert_true(status_is(row_deform(before, row.data, row.len, 3, back, back_nulls, &h.arena),
                          ST_DATA_CORRUPTED));
    buf_free(&row);
    harness_close(&h);
}

/* Changed, cut and lengthened rows: either they are refused or their values can be printed,
 * compared and hashed. The bytes lie in an exact allocation, so that the sanitizer sees any step
 * beyond. */
static void test_foreign_bytes(void **) {
    struct harness h;
    uint64_t r = 99;
    size_t refused = 0;
    harness_open(&h);
    for (int round = 0; round < 20000; round++) {
        datum values[N], back[N];
        uint8_t nulls[N], back_nulls[N];
        struct buf row = {0};
        harness_reset(&h);
        struct row_desc *d = descriptor(&h, N);
        fill(&h, &r, values, nulls);
        assert_true(ok(row_form_within(d, values, nulls, row_bytes_max(d, values, nulls),
                                       (uint32_t)round % 2, &row)));
        size_t len = row.len;
        if (round % 3 == 0) len = test_random(&r) % (row.len + 1);
        uint8_t *bytes = malloc(len ? len : 1);
        memcpy(bytes, row.data, len);
        for (int i = 0; i < round % 4 && len; i++)
            bytes[test_random(&r) % len] = (uint8_t)(test_random(&r) >> 30);
        status s = row_deform(d, bytes, len, N, back, back_nulls, &h.arena);
        free(bytes);
        buf_free(&row);
        assert_true(ok(s) || status_is(s, ST_DATA_CORRUPTED));
        refused += !ok(s);
        for (size_t i = 0; ok(s) && i < N; i++) {
            const struct type *t = type_find(columns[i].type);
            struct buf text = {0};
            if (back_nulls[i]) continue;
            status_ignore(type_output(&h.env, t, back[i], &text)); /* may be beyond the calendar */
            if (t->family->compare) assert_int_equal(type_compare(t, back[i], back[i]), 0);
            if (t->family->hash) type_hash(t, back[i]);
            buf_free(&text);
        }
    }
    assert_true(refused > 5000);
    harness_close(&h);
}

/* Some values are kept elsewhere: the row tells which, and nothing else of it changes. */
static void test_references(void **) {
    struct harness h;
    uint64_t r = 7;
    size_t referred = 0;
    harness_open(&h);
    for (int round = 0; round < 500; round++) {
        datum values[N], back[N];
        uint8_t nulls[N], back_nulls[N];
        struct row_reference references[N] = {0}, got[N];
        struct buf row = {0};
        harness_reset(&h);
        struct row_desc *d = descriptor(&h, N);
        fill(&h, &r, values, nulls);
        for (uint16_t i = 0; i < N; i++)
            if (!nulls[i] && row_may_refer(d, i) && test_random(&r) >> 20 & 1)
                references[i] = (struct row_reference){test_random(&r) | 1, values[i].v->len};
        assert_true(ok(row_form_references(d, values, nulls, references, 0, &row)));
        assert_true(row_has_references(row.data, row.len));
        assert_true(status_is(row_deform(d, row.data, row.len, N, back, back_nulls, &h.arena),
                              ST_DATA_CORRUPTED));
        assert_true(
            ok(row_deform_references(d, row.data, row.len, N, back, back_nulls, got, &h.arena)));
        for (size_t i = 0; i < N; i++) {
            assert_true(got[i].number == references[i].number && got[i].len == references[i].len);
            if (!got[i].number) continue;
            assert_null(back[i].p);
            back[i] = values[i];
            referred++;
        }
        same_values(&h, N, values, nulls, back, back_nulls);
        buf_free(&row);
    }
    assert_true(referred > 500);
    harness_close(&h);
}

/* Changed and cut ones, in an exact allocation: refused, or references of a possible length. */
static void test_foreign_references(void **) {
    struct harness h;
    uint64_t r = 17;
    size_t refused = 0;
    harness_open(&h);
    for (int round = 0; round < 20000; round++) {
        datum values[N], back[N];
        uint8_t nulls[N], back_nulls[N];
        struct row_reference references[N] = {0}, got[N];
        struct buf row = {0};
        harness_reset(&h);
        struct row_desc *d = descriptor(&h, N);
        fill(&h, &r, values, nulls);
        for (uint16_t i = 0; i < N; i++)
            if (!nulls[i] && row_may_refer(d, i))
                references[i] = (struct row_reference){i + 1u, values[i].v->len};
        assert_true(
            ok(row_form_references(d, values, nulls, references, (uint32_t)round % 2, &row)));
        size_t len = round % 3 ? row.len : test_random(&r) % (row.len + 1);
        uint8_t *bytes = malloc(len ? len : 1);
        memcpy(bytes, row.data, len);
        for (int i = 0; i < round % 4 && len; i++)
            bytes[test_random(&r) % len] = (uint8_t)(test_random(&r) >> 30);
        status s = row_deform_references(d, bytes, len, N, back, back_nulls, got, &h.arena);
        free(bytes);
        buf_free(&row);
        assert_true(ok(s) || status_is(s, ST_DATA_CORRUPTED));
        refused += !ok(s);
        for (size_t i = 0; ok(s) && i < N; i++)
            assert_true(!got[i].number || got[i].len <= VARLENA_MAX);
    }
    assert_true(refused > 3000);
    harness_close(&h);
}

/* The layout that row.h promises, byte by byte. */
static void test_layout(void **) {
    struct harness h;
    oid types[4] = {INT4OID, TEXTOID, INT2OID, BOOLOID};
    uint8_t nulls[4] = {0, 0, 1, 0};
    struct row_desc *d;
    struct buf row = {0};
    static const uint8_t expected[] = {4, 0, 0x11, 0x04, 0x04, 3, 2, 1, 2, 'h', 'i', 1};
    static const uint8_t named[] = {4, 0, 0x15, 1, 2, 3, 4, 0x04, 0x04, 3, 2, 1, 2, 'h', 'i', 1};
    harness_open(&h);
    datum values[4] = {datum_int4(0x01020304), value_of(&h, TEXTOID, "hi"), datum_int2(0),
                       datum_bool(true)};
    assert_true(ok(row_desc_new(&h.arena, types, 4, &d)));
    assert_true(ok(row_form(d, values, nulls, &row)));
    assert_int_equal(row.len, sizeof expected);
    assert_memory_equal(row.data, expected, sizeof expected);
    assert_int_equal(row_writer(row.data, row.len), 0);
    /* with its writer */
    row.len = 0;
    size_t most = row_bytes_max(d, values, nulls);
    assert_true(ok(row_form_within(d, values, nulls, most, 0x04030201, &row)));
    assert_int_equal(row.len, sizeof named);
    assert_true(row.len <= most);
    assert_memory_equal(row.data, named, sizeof named);
    assert_int_equal(row_writer(row.data, row.len), 0x04030201);
    buf_free(&row);
    harness_close(&h);
}

/* A row as a value: its bytes, itself inside of an array, and what is no row. */
static void test_record(void **) {
    struct harness h;
    harness_open(&h);
    static const uint8_t expected[] = {0xC9, 8, 0, 0, 2, 0, 1, 1, 23, 0, 0, 0,
                                       25,   0, 0, 0, 2, 0, 0, 0, 7,  0, 0, 0};
    datum fields[2] = {datum_int4(7), {0}}, value, array, element;
    oid types[2] = {INT4OID, TEXTOID};
    uint8_t nulls[2] = {0, 1}, none = 0;
    struct record r = {RECORDOID, 2, types, NULL, fields, nulls}, back;
    assert_true(ok(record_build(&h.env, &r, &value)));
    assert_int_equal(value.v->len, sizeof expected);
    assert_memory_equal(value.v->data, expected, sizeof expected);
    assert_true(ok(array_build_1d(&h.env, RECORDOID, &value, &none, 1, &array)));
    bool is_null;
    assert_true(ok(array_get(&h.env, array.v, &(int32_t){1}, 1, &element, &is_null)));
    assert_true(ok(record_split(&h.env, element.v, &back)));
    assert_int_equal(back.n, 2);
    assert_int_equal(back.values[0].i32, 7);
    assert_true(!back.nulls[0] && back.nulls[1]);
    for (uint32_t len = 0; len < sizeof expected; len++) {
        struct varlena *cut = varlena_from(&h.arena, expected, len);
        assert_int_equal(record_split(&h.env, cut, &back).code, ST_DATA_CORRUPTED);
    }
    harness_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout),
                                       cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_missing),
                                       cmocka_unit_test(test_foreign_bytes),
                                       cmocka_unit_test(test_record),
                                       cmocka_unit_test(test_references),
                                       cmocka_unit_test(test_foreign_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
