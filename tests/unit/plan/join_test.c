/* Which way two sides are joined, and what a join keeps of their order. */
#include "sql_session.h"

static struct sql_session *s;

static int setup(void **) {
    s = sql_session_new(4);
    SQL_IS(s, "CREATE TABLE l (id int PRIMARY KEY, k int NOT NULL, v text)", "");
    SQL_IS(s, "CREATE TABLE r (id int PRIMARY KEY, k int NOT NULL, v text)", "");
    SQL_IS(s, "INSERT INTO l SELECT g, g % 100, 'x' FROM generate_series(1, 3000) g", "");
    SQL_IS(s, "INSERT INTO r SELECT g, g % 100, 'x' FROM generate_series(1, 3000) g", "");
    SQL_IS(s, "ANALYZE l, r", "");
    return 0;
}

static int teardown(void **) {
    sql_session_free(s);
    return 0;
}

#define PLAN_IS(query, expected) SQL_IS(s, "EXPLAIN (COSTS OFF) " query, expected)

static void avoid(uint64_t ways) {
    s->settings.planning.avoided = ways;
}

/* Two tables in the order of their keys need no hash table, and stay in that order. */
static void test_merge_of_keys(void **) {
    PLAN_IS("SELECT * FROM l JOIN r ON l.id = r.id ORDER BY r.id",
            "Merge Join|  Merge Cond: (l.id = r.id)|  ->  Index Scan using l_pkey on l|"
            "  ->  Index Scan using r_pkey on r");
    PLAN_IS("SELECT * FROM l LEFT JOIN r ON l.id = r.id AND l.k < r.k ORDER BY l.id",
            "Merge Left Join|  Merge Cond: (l.id = r.id)|  Join Filter: (l.k < r.k)|"
            "  ->  Index Scan using l_pkey on l|  ->  Index Scan using r_pkey on r");
    PLAN_IS("SELECT * FROM l WHERE EXISTS (SELECT FROM r WHERE l.id = r.id) ORDER BY l.id",
            "Merge Semi Join|  Merge Cond: (l.id = r.id)|  ->  Index Scan using l_pkey on l|"
            "  ->  Index Scan using r_pkey on r");
}

/* A condition among others of the same values is not yet fulfilled where it was not asked. */
static void test_equal_later(void **) {
    avoid(1 << WAY_HASHJOIN | 1 << WAY_NESTLOOP);
    SQL_IS(s,
           "SELECT count(*) FROM l a JOIN l b ON a.k = b.k JOIN r c ON c.id = a.id AND c.id = b.id",
           "3000");
    SQL_IS(
        s,
        "SELECT count(*) FROM l a JOIN r c ON c.id = a.id JOIN l b ON b.id = c.id AND a.id = b.k",
        "99");
    avoid(0);
}

/* Right rows of one key come again for each left row: their order ends with the keys. */
static void test_order_of_right(void **) {
    avoid(1 << WAY_HASHJOIN | 1 << WAY_NESTLOOP);
    SQL_IS(s,
           "SELECT l.id, r.id FROM l RIGHT JOIN r ON l.k = r.k AND l.id < 250 WHERE r.k = 7 "
           "ORDER BY r.k, r.id, l.id LIMIT 4",
           "7,7|107,7|207,7|7,107");
    avoid(0);
}

/* Both columns of a key are given by different tables: with one of them alone more is read. */
static void test_lookup_by_two(void **) {
    SQL_IS(s, "CREATE TABLE pairs (a int, b int, v int, PRIMARY KEY (a, b))", "");
    SQL_IS(s, "INSERT INTO pairs SELECT g / 200, g % 200, g FROM generate_series(0, 39999) g", "");
    SQL_IS(s, "ANALYZE pairs", "");
    PLAN_IS("SELECT pairs.v FROM pairs, l, r WHERE l.id < 4 AND r.id < 4 AND pairs.a = l.k AND "
            "pairs.b = r.k AND l.v = r.v",
            "Nested Loop|  Join Filter: ((pairs.a = l.k) AND (pairs.b = r.k))|  ->  Nested Loop|"
            "        Join Filter: (l.v = r.v)|        ->  Index Scan using l_pkey on l|"
            "              Index Cond: (id < 4)|              Filter: (l.id < 4)|"
            "        ->  Materialize|              ->  Index Scan using r_pkey on r|"
            "                    Index Cond: (id < 4)|                    Filter: (r.id < 4)|"
            "  ->  Index Scan using pairs_pkey on pairs|"
            "        Index Cond: ((a = $0) AND (b = $1))");
    SQL_IS(s,
           "SELECT count(*), sum(pairs.v) FROM pairs, l, r WHERE l.id < 4 AND r.id < 4 AND "
           "pairs.a = l.k AND pairs.b = r.k AND l.v = r.v",
           "9,3618");
}

/* A constant goes through equalities, which then tie nothing any more. */
static void test_equal_values(void **) {
    PLAN_IS("SELECT * FROM l, r WHERE l.id = r.id AND r.id = 7",
            "Nested Loop|  ->  Index Scan using l_pkey on l|        Index Cond: (id = 7)|"
            "  ->  Index Scan using r_pkey on r|        Index Cond: (id = 7)");
    PLAN_IS("SELECT * FROM l LEFT JOIN r ON l.id = r.id WHERE l.id = 7",
            "Nested Loop Left Join|  Join Filter: (l.id = r.id)|"
            "  ->  Index Scan using l_pkey on l|        Index Cond: (id = 7)|"
            "  ->  Index Scan using r_pkey on r|        Index Cond: (id = $0)");
    SQL_IS(s,
           "SELECT count(*), min(a.id), max(c.id) FROM l a JOIN r b ON b.k = a.k JOIN l c ON "
           "c.k = b.k WHERE 7 = c.k AND a.id < 500 AND b.id < 300 AND c.id > 2500",
           "75,7,2907");
    SQL_IS(s, "SELECT count(*) FROM l, r WHERE l.k = r.k AND l.k = 3 AND r.k = 4", "0");
    SQL_IS(s, "SELECT count(*) FROM l, r WHERE l.k = r.k AND l.k = 3 AND r.k = 3", "900");
    SQL_IS(s, "SELECT count(*) FROM l, r WHERE l.k = r.k AND l.k = r.id AND r.id = 104", "0");
    SQL_IS(s, "SELECT count(*) FROM l, r WHERE l.k = r.k AND l.k = r.id AND r.k = 3", "30");
}

static void test_avoided(void **) {
    const char *query = "EXPLAIN (COSTS OFF) SELECT count(*) FROM l JOIN r ON l.k = r.k";
    avoid(1 << WAY_HASHJOIN | 1 << WAY_NESTLOOP);
    assert_non_null(strstr(sql_rows(s, query), "Merge Join"));
    avoid(1 << WAY_MERGEJOIN | 1 << WAY_NESTLOOP);
    assert_non_null(strstr(sql_rows(s, query), "Hash Join"));
    avoid(1 << WAY_MERGEJOIN | 1 << WAY_HASHJOIN);
    assert_non_null(strstr(sql_rows(s, query), "Materialize"));
    avoid(1 << WAY_MERGEJOIN | 1 << WAY_HASHJOIN | 1 << WAY_MATERIAL);
    assert_null(strstr(sql_rows(s, query), "Materialize"));
    avoid(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_of_keys),  cmocka_unit_test(test_equal_later),
        cmocka_unit_test(test_order_of_right), cmocka_unit_test(test_lookup_by_two),
        cmocka_unit_test(test_equal_values),   cmocka_unit_test(test_avoided),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
