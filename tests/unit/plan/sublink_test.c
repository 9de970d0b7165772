/* A correlated aggregate has two ways: a run for each row, and the answers of all groups at once.
 */
#include "sql_session.h"

static struct sql_session *s;

static int setup(void **) {
    s = sql_session_new(4);
    SQL_IS(s, "CREATE TABLE o (k int, v int)", "");
    SQL_IS(s, "CREATE TABLE t (k int, y int)", "");
    SQL_IS(s, "INSERT INTO o SELECT g % 100, g FROM generate_series(1, 1000) g", "");
    SQL_IS(s, "INSERT INTO t SELECT g % 90, g FROM generate_series(1, 1000) g", "");
    SQL_IS(s, "ANALYZE o", "");
    SQL_IS(s, "ANALYZE t", "");
    return 0;
}

static int teardown(void **) {
    sql_session_free(s);
    return 0;
}

#define PLAN_IS(query, expected) SQL_IS(s, "EXPLAIN (COSTS OFF) " query, expected)
#define ONE_BY_ONE                                                                                 \
    "|  SubPlan 1|    ->  Aggregate|          ->  Seq Scan on t|                Filter: (k = $0)"

static void test_two_ways(void **) {
    PLAN_IS(
        "SELECT * FROM o WHERE v < (SELECT max(y) FROM t WHERE t.k = o.k)",
        "Seq Scan on o|  Filter: (v < (alternatives: SubPlan 1 or hashed SubPlan 2))" ONE_BY_ONE
        "|  SubPlan 2|    ->  HashAggregate|          Group Key: k|          ->  Seq Scan on t");
}

/* What depends on the row outside in another way, or is not to be done ahead, has one way. */
static void test_one_way(void **) {
    PLAN_IS("SELECT * FROM o WHERE v < (SELECT max(y) + o.v FROM t WHERE t.k = o.k)",
            "Seq Scan on o|  Filter: (v < (SubPlan 1))" ONE_BY_ONE);
    PLAN_IS("SELECT * FROM o WHERE v < (SELECT max(y) FROM t WHERE t.k = o.k HAVING count(*) > 1)",
            "Seq Scan on o|  Filter: (v < (SubPlan 1))|  SubPlan 1|    ->  Aggregate|"
            "          Filter: (count(*) > 1)|          ->  Seq Scan on t|                Filter: "
            "(k = $0)");
    PLAN_IS("SELECT * FROM o WHERE v < (SELECT max(y) + random() FROM t WHERE t.k = o.k)",
            "Seq Scan on o|  Filter: ((v)::double precision < (SubPlan 1))" ONE_BY_ONE);
}

/* Runs for single rows come first, and few: the groups answer the other rows. */
static void test_goes_over(void **) {
    const char *plan =
        sql_rows(s, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "
                    "SELECT * FROM o WHERE v < (SELECT max(y) FROM t WHERE t.k = o.k)");
    assert_non_null(strstr(plan, "->  HashAggregate (actual rows=90 loops=1)"));
    const char *single = strstr(plan, "->  Aggregate (actual rows=1 loops=");
    assert_non_null(single);
    assert_in_range(atoi(strstr(single, "loops=") + 6), 1, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_ways),
                                       cmocka_unit_test(test_one_way),
                                       cmocka_unit_test(test_goes_over)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
