/* Lifting literals: what is taken, what must stay, and that the key means the same. */
#include "parse_test.h"

#include "parse/fingerprint.h"

static char *lift_text(struct arena *a, const char *text) {
    bool liftable = false;
    struct parse_lifted l;
    struct buf out = {0};
    assert_true(ok(parse_lift_literals(a, text, strlen(text), &liftable, &l)));
    if (!liftable) return strdup("no");
    assert_int_equal(strlen(l.key), l.key_length);
    assert_true(ok(buf_add_str(&out, l.key)));
    for (int i = 0; i < l.n; i++) {
        assert_int_equal(strlen(l.literals[i].text), l.literals[i].length);
        assert_true(ok(buf_printf(&out, " %s", l.literals[i].text)));
    }
    assert_true(ok(buf_add(&out, "", 1)));
    /* The key parses. */
    char *tree = parse_text(l.key);
    assert_int_equal(tree[0], '(');
    free(tree);
    return out.data;
}

static void check_lifts(const struct parse_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct arena a;
        arena_init(&a, 0);
        char *got = lift_text(&a, cases[i].text);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("%s\n  gave     %s\n  expected %s", cases[i].text, got, cases[i].expected);
        free(got);
        arena_free(&a);
    }
}

static void test_taken(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT b FROM t WHERE a = 5;", "select b from t where a = $1 /*i*/ 5"},
        {"select  B\nfrom T where A=-5", "select b from t where a = $1 /*i*/ -5"},
        {"SELECT b FROM t WHERE a = 5000000000", "select b from t where a = $1 /*b*/ 5000000000"},
        {"SELECT b FROM t WHERE a = -2147483648", "select b from t where a = $1 /*i*/ -2147483648"},
        {"SELECT b FROM t WHERE a = 1.5", "select b from t where a = $1 /*n*/ 1.5"},
        {"SELECT b FROM t WHERE a = 'x''y'", "select b from t where a = $1 /*s*/ x'y"},
        {"SELECT b FROM t WHERE 5 < a AND c > 'z'",
         "select b from t where $1 < a and c > $2 /*is*/ 5 z"},
        {"SELECT b FROM t WHERE a IN (1, 'x', -3)",
         "select b from t where a in ( $1 , $2 , $3 ) /*isi*/ 1 x -3"},
        {"SELECT b FROM t WHERE a BETWEEN 1 AND 10 AND c = 3 LIMIT 7 OFFSET 8",
         "select b from t where a between $1 and $2 and c = $3 limit $4 offset $5 /*iiiii*/ 1 10 3 "
         "7 8"},
        {"INSERT INTO t (a, b) VALUES (1, 'x'), (2, DEFAULT)",
         "insert into t ( a , b ) values ( $1 , $2 ) , ( $3 , default ) /*isi*/ 1 x 2"},
        {"UPDATE t SET a = a + 1, b = 'x' WHERE c = 2",
         "update t set a = a + $1 , b = $2 where c = $3 /*isi*/ 1 x 2"},
        {"DELETE FROM t WHERE a = 1", "delete from t where a = $1 /*i*/ 1"},
        {"SELECT b FROM t JOIN u ON t.a = 5 WHERE \"T\" = 1",
         "select b from t join u on t . a = $1 where \"T\" = $2 /*ii*/ 5 1"},
        {"SELECT (SELECT c FROM u WHERE d = 1) FROM t",
         "select ( select c from u where d = $1 ) from t /*i*/ 1"},
    };
    check_lifts(cases, sizeof cases / sizeof cases[0]);
}

static void test_kept(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 1, a + 1, 'x' FROM t GROUP BY 2, a + 1 HAVING sum(b) > 3 ORDER BY 1",
         "select 1 , a + 1 , 'x' from t group by 2 , a + 1 having sum ( b ) > 3 order by 1"},
        {"SELECT b FROM t WHERE a = date '2020-01-01'",
         "select b from t where a = date '2020-01-01'"},
        {"SELECT b FROM t WHERE a > now() - interval '1' day",
         "select b from t where a > now ( ) - interval '1' day"},
        {"SELECT b FROM t WHERE a = 5::smallint", "select b from t where a = 5 :: smallint"},
        {"SELECT b FROM t WHERE a = CAST(c AS numeric(10,2))",
         "select b from t where a = cast ( c as numeric ( 10 , 2 ) )"},
        {"SELECT b FROM t WHERE a = 'x' COLLATE \"C\"",
         "select b from t where a = 'x' collate \"C\""},
        {"SELECT b FROM t WHERE f(1, 'x')", "select b from t where f ( 1 , 'x' )"},
        {"SELECT b FROM t WHERE a = N'x'", "select b from t where a = nchar 'x'"},
        {"SELECT b FROM t AS OF SYSTEM TIME '-10s'", "select b from t as of system time '-10s'"},
        {"SELECT b FROM t WHERE a LIKE 'x%'", "select b from t where a like 'x%'"},
        {"SELECT b FROM f(5) WHERE a IS NOT NULL", "select b from f ( 5 ) where a is not null"},
        {"UPDATE t SET a[1] = b RETURNING a + 1", "update t set a [ 1 ] = b returning a + 1"},
    };
    check_lifts(cases, sizeof cases / sizeof cases[0]);
}

static void test_refused(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 1; SELECT 2", "no"}, {"BEGIN", "no"},
        {"SELECT $1", "no"},          {"SELECT a INTO b FROM c", "no"},
        {"VALUES (1)", "no"},         {"", "no"},
        {"SELECT 'x", "no"},          {"WITH a AS (SELECT 1) SELECT 2", "no"},
        {"SELECT )", "no"},           {"EXPLAIN SELECT 1", "no"},
    };
    check_lifts(cases, sizeof cases / sizeof cases[0]);
}

static void test_many(void **state) {
    (void)state;
    struct arena a;
    struct buf text = {0};
    arena_init(&a, 0);
    assert_true(ok(buf_add_str(&text, "SELECT b FROM t WHERE a IN (0")));
    for (int i = 1; i <= PARSE_LIFT_MAX; i++) {
        if (i == PARSE_LIFT_MAX - 1) {
            assert_true(ok(buf_add(&text, ")", 2)));
            text.len -= 2;
            char *got = lift_text(&a, text.data);
            assert_string_not_equal(got, "no");
            free(got);
        }
        assert_true(ok(buf_printf(&text, ", %d", i)));
    }
    assert_true(ok(buf_add(&text, ")", 2)));
    char *got = lift_text(&a, text.data);
    assert_string_equal(got, "no");
    free(got);
    buf_free(&text);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
