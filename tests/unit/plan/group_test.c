/* Groups by sorted rows or by a hash table. */
#include "sql_session.h"

static struct sql_session *s;

static int setup(void **) {
    s = sql_session_new(4);
    SQL_IS(s, "CREATE TABLE g (id int PRIMARY KEY, k int, v text)", "");
    SQL_IS(s, "INSERT INTO g SELECT i, i % 5, 'x' || i % 50 FROM generate_series(1, 4000) i", "");
    SQL_IS(s, "ANALYZE g", "");
    return 0;
}

static int teardown(void **) {
    sql_session_free(s);
    return 0;
}

#define PLAN_IS(query, expected) SQL_IS(s, "EXPLAIN (COSTS OFF) " query, expected)

static void test_chosen_by_cost(void **) {
    PLAN_IS("SELECT k, count(*) FROM g GROUP BY k",
            "HashAggregate|  Group Key: k|  ->  Seq Scan on g");
    PLAN_IS("SELECT id, count(*) FROM g GROUP BY id",
            "GroupAggregate|  Group Key: id|  ->  Index Scan using g_pkey on g");
    PLAN_IS("SELECT id FROM g GROUP BY id ORDER BY id DESC",
            "Group|  Group Key: id|  ->  Index Scan Backward using g_pkey on g");
    PLAN_IS("SELECT DISTINCT id FROM g", "Unique|  ->  Index Scan using g_pkey on g");
}

/* Rows are sorted as the groups will be. */
static void test_one_sort(void **) {
    s->settings.planning.avoided = 1 << WAY_HASHAGG;
    PLAN_IS("SELECT k, v, count(*) FROM g GROUP BY k, v ORDER BY v DESC, k",
            "GroupAggregate|  Group Key: k, v|  ->  Sort|        Sort Key: v DESC, k|"
            "        ->  Seq Scan on g");
    PLAN_IS("SELECT DISTINCT k, v FROM g ORDER BY v",
            "Unique|  ->  Sort|        Sort Key: v, k|        ->  Seq Scan on g");
    SQL_IS(s, "SELECT k, count(*), count(DISTINCT v) FROM g GROUP BY k ORDER BY k DESC LIMIT 2",
           "4,800,10|3,800,10");
    s->settings.planning.avoided = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen_by_cost),
        cmocka_unit_test(test_one_sort),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
