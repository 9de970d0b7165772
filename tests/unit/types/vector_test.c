/* Functions that have a form for batches: it gives for every row what the form for one row gives,
 * nulls and selections included. */
#include "harness.h"

#define ROWS 200

static datum random_value(struct harness *h, uint64_t *r, oid type) {
    static const char *const texts[] = {"", "a", "ab", "b%", "_", "%b"};
    static const char *const numerics[] = {"0", "1.50", "-3", "NaN", "12345678901234567890.1"};
    uint64_t x = test_random(r);
    int64_t small = (int64_t)(x % 7) - 3;
    switch (type) {
    case BOOLOID: return datum_bool(x & 1);
    case INT2OID: return datum_int2((int16_t)(x & 64 ? small : (int64_t)(x >> 16)));
    case INT4OID: return datum_int4((int32_t)(x & 64 ? small : (int64_t)(x >> 16)));
    case OIDOID:
    case XIDOID:
    case CIDOID: return datum_oid((oid)(x & 64 ? x % 3 : x >> 16));
    case FLOAT4OID: return datum_float4((float)small / 2);
    case FLOAT8OID: return datum_float8((double)small / 2);
    case TEXTOID:
    case BPCHAROID: return value_of(h, type, texts[x % 6]);
    case BYTEAOID: return value_of(h, type, x & 1 ? "a" : "%");
    case NUMERICOID: return value_of(h, type, numerics[x % 5]);
    case DATEOID: return datum_int4((int32_t)small);
    default: return datum_int8(small);
    }
}

static void check(struct harness *h, const struct function *f, uint64_t *r) {
    static datum values[2][ROWS], results[ROWS];
    static uint8_t nulls[2][ROWS], result_nulls[ROWS];
    struct vec columns[2] = {{values[0], nulls[0]}, {values[1], nulls[1]}};
    const struct vec *args[2] = {&columns[0], &columns[1]};
    struct vec result = {results, result_nulls};
    uint16_t sel[ROWS], n = 0;
    for (uint16_t i = 0; i < ROWS; i++) {
        for (int k = 0; k < 2; k++) {
            nulls[k][i] = test_random(r) % 6 == 0;
            values[k][i] =
                nulls[k][i] ? (datum){.u64 = 0xDEADBEEF} : random_value(h, r, f->args[k]);
        }
        if (test_random(r) & 1) sel[n++] = i;
    }
    struct fn_site site = {
        .function = f, .result_type = f->result, .arg_types = f->args, .nargs = 2};
    struct fn_call c = {.env = &h->env, .site = &site};
    bool use_sel = test_random(r) & 1;
    memset(result_nulls, 0xAA, sizeof result_nulls);
    status s = function_call_vec(&c, args, &result, use_sel ? sel : NULL, use_sel ? n : ROWS);
    bool any_failed = false;
    for (uint16_t k = 0; k < (use_sel ? n : ROWS); k++) {
        uint16_t i = use_sel ? sel[k] : k;
        datum row[2] = {values[0][i], values[1][i]}, one;
        uint8_t row_nulls[2] = {nulls[0][i], nulls[1][i]};
        bool is_null;
        error_clear(&h->error);
        status t =
            function_call_simple(&h->env, f, f->args, row, row_nulls, 2, f->result, &one, &is_null);
        any_failed |= !ok(t);
        if (!ok(s) || !ok(t)) continue;
        assert_int_equal(is_null, result_nulls[i]);
        if (is_null) continue;
        assert_string_equal(text_of(h, f->result, one), text_of(h, f->result, results[i]));
    }
    assert_int_equal(ok(s), !any_failed);
    for (uint16_t i = 0; use_sel && i < ROWS; i++) { /* rows not selected stay as they were */
        bool selected = false;
        for (uint16_t k = 0; k < n; k++) selected |= sel[k] == i;
        if (!selected) assert_int_equal(result_nulls[i], 0xAA);
    }
}

static void test_both_forms(void **) {
    struct harness h;
    uint64_t r = 31337;
    size_t tested = 0;
    harness_open(&h);
    for (size_t i = 0; i < function_count(); i++) {
        const struct function *f = function_at(i);
        if (!f->vector || f->nargs != 2) continue;
        for (int round = 0; round < 4; round++) {
            harness_reset(&h);
            check(&h, f, &r);
        }
        tested++;
    }
    assert_true(tested > 200);
    harness_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
