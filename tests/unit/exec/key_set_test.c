/* Byte strings sorted as keys are, within memory and beyond, against memcmp. */
#include "exec/key_set.h"
#include "sql_session.h"

#define KEYS 40000u
#define KEY_BYTES_MAX 60u

struct key {
    unsigned char bytes[KEY_BYTES_MAX];
    uint32_t len;
};

static struct sql_session *session;
static struct key *keys;

static int setup(void **) {
    session = sql_session_new(4);
    keys = calloc(KEYS, sizeof *keys);
    return keys ? 0 : -1;
}

static int teardown(void **) {
    free(keys);
    sql_session_free(session);
    return 0;
}

static int compare_keys(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    return bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

static uint32_t random_below(uint64_t *state, uint32_t n) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % n;
}

/* Bytes of a few values only: long beginnings in common, keys that are beginnings of others, zeros
 * at their ends, duplicates. */
static void make_keys(uint64_t seed, uint32_t values, uint32_t len_max) {
    static const unsigned char bytes[] = {0, 0x80, 1, 0xff, 'a', 'b', 7, 8};
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i].len = 1 + random_below(&seed, len_max);
        for (uint32_t b = 0; b < keys[i].len; b++)
            keys[i].bytes[b] = bytes[random_below(&seed, values)];
    }
}

static struct key_set *filled(struct execution *x) {
    struct key_set *s;
    assert_true(ok(key_set_new(x, &s)));
    for (uint32_t i = 0; i < KEYS; i++) assert_true(ok(key_set_add(s, keys[i].bytes, keys[i].len)));
    assert_true(ok(key_set_finish(s)));
    return s;
}

/* What the set gives is `keys`, sorted and without duplicates. */
static void assert_gives_keys(struct key_set *s) {
    const unsigned char *bytes;
    uint32_t len;
    qsort(keys, KEYS, sizeof *keys, compare_keys);
    for (uint32_t i = 0; i < KEYS; i++) {
        if (i && compare_keys(&keys[i - 1], &keys[i]) == 0) continue;
        assert_true(ok(key_set_next(s, &bytes, &len)));
        assert_non_null(bytes);
        assert_int_equal(bytes_compare(bytes, len, keys[i].bytes, keys[i].len), 0);
    }
    assert_true(ok(key_set_next(s, &bytes, &len)));
    assert_null(bytes);
}

/* work_mem_bytes 0: so much that everything has room. Returns the number of runs. */
static uint32_t sort_keys(size_t work_mem_bytes) {
    struct execution x = {.env = &session->env, .arena = &session->arena};
    session->settings.work_mem_bytes = work_mem_bytes ? work_mem_bytes : (size_t)64 << 20;
    struct key_set *s = filled(&x);
    uint32_t runs = s->runs.n;
    assert_gives_keys(s);
    key_set_clear(s);
    key_set_free(s);
    tapes_close(&x);
    return runs;
}

static const struct {
    uint32_t values, len_max;
} kinds[] = {{1, 3}, {1, 60}, {2, 9}, {2, 60}, {3, 15}, {8, 8}, {8, 24}};

static void test_in_memory(void **) {
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        make_keys(i, kinds[i].values, kinds[i].len_max);
        assert_int_equal(sort_keys(0), 0);
        assert_int_equal(sort_keys(0), 0); /* in order already */
    }
}

static void test_beyond_memory(void **) {
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        make_keys(i, kinds[i].values, kinds[i].len_max);
        assert_true(sort_keys((size_t)512 << 10) > 1);
    }
}

/* So little memory that runs are merged in several steps. */
static void test_many_runs(void **) {
    make_keys(1, 8, 24);
    assert_int_equal(sort_keys((size_t)16 << 10), FAN_IN_MIN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_beyond_memory),
        cmocka_unit_test(test_many_runs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
