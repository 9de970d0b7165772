/* Sorted input is used: an index's order, a subquery's, a window's; what is left to sort is sorted
 * in the groups that are there already. */
#include "sql_session.h"

static struct sql_session *s;

static int setup(void **) {
    s = sql_session_new(4);
    SQL_IS(s, "CREATE TABLE o (id int PRIMARY KEY, a int NOT NULL, b int, t text)", "");
    SQL_IS(s, "INSERT INTO o SELECT g, g % 40, g % 7, 'x' || g FROM generate_series(1, 4000) g",
           "");
    SQL_IS(s, "CREATE INDEX o_ab ON o (a, b DESC)", "");
    SQL_IS(s, "CREATE INDEX o_lower ON o (lower(t))", "");
    SQL_IS(s, "ANALYZE o", "");
    return 0;
}

static int teardown(void **) {
    sql_session_free(s);
    return 0;
}

#define PLAN_IS(query, expected) SQL_IS(s, "EXPLAIN (COSTS OFF) " query, expected)

static void test_index_order(void **) {
    PLAN_IS("SELECT * FROM o ORDER BY id", "Index Scan using o_pkey on o");
    PLAN_IS("SELECT * FROM o ORDER BY id DESC", "Index Scan Backward using o_pkey on o");
    PLAN_IS("SELECT * FROM o ORDER BY a, b DESC LIMIT 3", "Limit|  ->  Index Scan using o_ab on o");
    PLAN_IS("SELECT * FROM o ORDER BY a DESC, b LIMIT 3",
            "Limit|  ->  Index Scan Backward using o_ab on o");
    PLAN_IS("SELECT * FROM o ORDER BY lower(t) LIMIT 3",
            "Limit|  ->  Index Scan using o_lower on o");
    /* what is bound to one value, and what is asked twice, does not matter */
    PLAN_IS("SELECT * FROM o WHERE a = 3 ORDER BY b DESC",
            "Index Scan using o_ab on o|  Index Cond: (a = 3)");
    PLAN_IS("SELECT * FROM o WHERE a = 3 ORDER BY b DESC, a, b",
            "Index Scan using o_ab on o|  Index Cond: (a = 3)");
    /* entries end in the row's key */
    PLAN_IS("SELECT * FROM o WHERE a = 3 ORDER BY b DESC, id",
            "Index Scan using o_ab on o|  Index Cond: (a = 3)");
}

static void test_incremental(void **) {
    PLAN_IS("SELECT * FROM o ORDER BY a, t LIMIT 3",
            "Limit|  ->  Incremental Sort|        Sort Key: a, t|        Presorted Key: a|"
            "        ->  Index Scan using o_ab on o");
    /* b's nulls are elsewhere */
    PLAN_IS("SELECT * FROM o ORDER BY a, b DESC NULLS LAST LIMIT 3",
            "Limit|  ->  Incremental Sort|        Sort Key: a, b DESC NULLS LAST|"
            "        Presorted Key: a|        ->  Index Scan using o_ab on o");
    PLAN_IS("SELECT * FROM (SELECT a, t FROM o ORDER BY a OFFSET 0) x ORDER BY a, t",
            "Incremental Sort|  Sort Key: a, t|  Presorted Key: a|  ->  Limit|"
            "        ->  Sort|              Sort Key: a|              ->  Seq Scan on o");
    s->settings.planning.avoided = 1 << WAY_INCREMENTAL_SORT;
    PLAN_IS("SELECT * FROM o ORDER BY a, t LIMIT 3",
            "Limit|  ->  Sort|        Sort Key: a, t|        ->  Seq Scan on o");
    s->settings.planning.avoided = 0;
}

static void test_used_above(void **) {
    PLAN_IS("SELECT id, sum(b) OVER (ORDER BY id) FROM o ORDER BY id",
            "WindowAgg|  ->  Index Scan using o_pkey on o");
    PLAN_IS("SELECT DISTINCT ON (id) id, a FROM o ORDER BY id",
            "Unique|  ->  Index Scan using o_pkey on o");
    PLAN_IS("SELECT id, generate_series(1, 2) FROM o ORDER BY id",
            "ProjectSet|  ->  Index Scan using o_pkey on o");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_order),
        cmocka_unit_test(test_incremental),
        cmocka_unit_test(test_used_above),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
