/* Foreign texts and bytes into every type: an error with its words, or a value that can be used.
 * And every table of facts against itself. */
#include "harness.h"

#include "types/ordered_set.h"

static const char *const seeds[] = {"1",
                                    "-12.5e3",
                                    "NaN",
                                    "infinity",
                                    "true",
                                    "2020-01-05 10:11:12.5+02",
                                    "January 8, 1999 BC",
                                    "1 year 2 mons -3 days 04:05:06.7 ago",
                                    "P1Y2M3DT4H5M6S",
                                    "{1,NULL,{2,\"a\\\"b\"}}",
                                    "[2:3]={a,b}",
                                    "\\x00ff",
                                    "a\\001b",
                                    "{\"a\": [1, 2.5e-3, null, \"\\u00e9\"]}",
                                    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                    "(1,2)",
                                    "1 2 3",
                                    "character varying(10)[]",
                                    "10:11 PM PST8PDT",
                                    "\xC3\xA4\xF0\x9F\x98\x80"};

static void use(struct harness *h, const struct type *t, datum value) {
    struct buf text = {0}, key = {0};
    status_ignore(type_output(&h->env, t, value, &text)); /* pseudo-types cannot be displayed */
    if (t->family->compare) assert_int_equal(type_compare(t, value, value), 0);
    if (t->family->hash) type_hash(t, value);
    if (t->family->key) status_ignore(t->family->key(t, value, &key));
    buf_free(&text);
    buf_free(&key);
}

static void test_mutated(void **) {
    struct harness h;
    uint64_t r = 12345;
    size_t accepted = 0;
    harness_open(&h);
    for (int round = 0; round < 60000; round++) {
        const struct type *t = type_at(test_random(&r) % type_count());
        const char *seed = seeds[test_random(&r) % (sizeof seeds / sizeof *seeds)];
        char bytes[128];
        size_t len = strlen(seed);
        memcpy(bytes, seed, len);
        for (uint64_t i = test_random(&r) % 4; i > 0 && len; i--) {
            size_t at = test_random(&r) % len;
            switch (test_random(&r) % 4) {
            case 0: bytes[at] = (char)(test_random(&r) >> 20); break;
            case 1: bytes[at] = "0123456789-+:.,{}\"\\ eT"[test_random(&r) % 22]; break;
            case 2: len = at; break;
            default:
                if (len < 100) {
                    memmove(bytes + at + 1, bytes + at, len - at);
                    len++;
                }
            }
        }
        char *exact = malloc(len ? len : 1);
        memcpy(exact, bytes, len);
        datum value;
        harness_reset(&h);
        status s = round & 1 ? type_input(&h.env, t, -1, exact, len, &value)
                             : type_receive(&h.env, t, -1, exact, len, &value);
        free(exact);
        if (ok(s)) {
            accepted++;
            use(&h, t, value);
        } else {
            assert_true(h.error.status.code == s.code && h.error.message[0]);
        }
    }
    assert_true(accepted > 2000);
    harness_close(&h);
}

/* Binary forms of real values, then damaged. */
static void test_damaged_binary(void **) {
    struct harness h;
    uint64_t r = 4242;
    harness_open(&h);
    for (int round = 0; round < 40000; round++) {
        const struct type *t = type_at(test_random(&r) % type_count());
        const char *seed = seeds[test_random(&r) % (sizeof seeds / sizeof *seeds)];
        struct buf b = {0};
        datum value;
        harness_reset(&h);
        if (!ok(type_input(&h.env, t, -1, seed, strlen(seed), &value)) ||
            !ok(type_send(&h.env, t, value, &b))) {
            buf_free(&b);
            continue;
        }
        for (uint64_t i = test_random(&r) % 3; i > 0 && b.len; i--)
            b.data[test_random(&r) % b.len] = (char)(test_random(&r) >> 20);
        size_t len = test_random(&r) % 4 ? b.len : test_random(&r) % (b.len + 1);
        char *exact = malloc(len ? len : 1);
        if (len) memcpy(exact, b.data, len);
        error_clear(&h.error);
        if (ok(type_receive(&h.env, t, -1, exact, len, &value))) use(&h, t, value);
        free(exact);
        buf_free(&b);
    }
    harness_close(&h);
}

/* Every text that fails every arena limit gives 53200 and nothing worse. */
static void test_exhausted(void **) {
    struct harness h;
    harness_open(&h);
    char *big = malloc(300000);
    memset(big, '7', 300000);
    arena_free(&h.arena);
    arena_init(&h.arena, 20000);
    static const oid types[] = {TEXTOID, NUMERICOID, BYTEAOID, BPCHAROID};
    for (size_t i = 0; i < 4; i++) {
        datum value;
        harness_reset(&h);
        size_t len = types[i] == NUMERICOID ? 100000 : 300000;
        status s = type_input(&h.env, type_find(types[i]), -1, big, len, &value);
        assert_true(status_is(s, ST_OUT_OF_MEMORY));
        assert_string_equal(status_sqlstate(h.error.status), "53200");
    }
    free(big);
    harness_close(&h);
}

static void test_tables(void **) {
    struct harness h;
    harness_open(&h);
    for (size_t i = 0; i < type_count(); i++) {
        const struct type *t = type_at(i);
        assert_ptr_equal(type_find(t->oid), t);
        assert_ptr_equal(type_find_by_name(t->name), t);
        if (t->array) assert_int_equal(type_find(t->array)->element, t->oid);
        assert_non_null(function_find(t->in_function));
        assert_non_null(function_find(t->out_function));
    }
    for (size_t i = 0; i < function_count(); i++) {
        const struct function *f = function_at(i);
        size_t first, n = function_find_by_name(f->name, &first), found = 0;
        for (size_t k = 0; k < n; k++) found += function_by_name_at(first + k) == f;
        assert_int_equal(found, 1);
        assert_non_null(type_find(f->result));
        for (size_t k = 0; k < f->nargs; k++) assert_non_null(type_find(f->args[k]));
        if (f->kind == 'a') assert_non_null(aggregate_find(f->oid) || ordered_set_find(f->oid));
    }
    for (size_t i = 0; i < operator_count(); i++) {
        const struct operator_info *o = operator_at(i);
        const struct function *f = function_find(o->function);
        assert_non_null(f);
        assert_non_null(f->scalar);
        assert_int_equal(f->result, o->result);
        assert_int_equal(f->nargs, o->left ? 2 : 1);
        if (o->commutator) assert_int_equal(operator_find(o->commutator)->commutator, o->oid);
        if (o->negator) assert_int_equal(operator_find(o->negator)->negator, o->oid);
        if (o->btree_strategy)
            assert_ptr_equal(operator_find_btree(o->left, o->right, o->btree_strategy), o);
    }
    for (size_t i = 0; i < cast_count(); i++) {
        const struct cast_info *c = cast_at(i);
        assert_ptr_equal(cast_find(c->source, c->target), c);
        if (c->function) assert_non_null(function_find(c->function)->scalar);
    }
    harness_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables), cmocka_unit_test(test_mutated),
        cmocka_unit_test(test_damaged_binary), cmocka_unit_test(test_exhausted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
