/* Several indexes for one relation, and one index for many scattered rows: keys first, then rows.
 */
#include "sql_session.h"

static struct sql_session *s;

static int setup(void **) {
    s = sql_session_new(4);
    SQL_IS(s, "CREATE TABLE m (id int PRIMARY KEY, a int, b int, c int)", "");
    SQL_IS(
        s,
        "INSERT INTO m SELECT g, g * 79 % 1000, g * 47 % 500, g FROM generate_series(1, 20000) g",
        "");
    SQL_IS(s, "CREATE INDEX m_a ON m (a)", "");
    SQL_IS(s, "CREATE INDEX m_b ON m (b)", "");
    SQL_IS(s, "ANALYZE m", "");
    return 0;
}

static int teardown(void **) {
    sql_session_free(s);
    return 0;
}

#define PLAN_IS(query, expected) SQL_IS(s, "EXPLAIN (COSTS OFF) " query, expected)

static void test_or(void **) {
    PLAN_IS("SELECT * FROM m WHERE a = 5 OR b = 7",
            "Bitmap Heap Scan on m|  Recheck Cond: ((a = 5) OR (b = 7))|  ->  BitmapOr|"
            "        ->  Bitmap Index Scan on m_a|              Index Cond: (a = 5)|"
            "        ->  Bitmap Index Scan on m_b|              Index Cond: (b = 7)");
    /* an arm without an index spoils it */
    PLAN_IS("SELECT * FROM m WHERE a = 5 OR c = 7", "Seq Scan on m|  Filter: ((a = 5) OR (c = 7))");
    PLAN_IS("SELECT * FROM m WHERE (a = 5 OR b = 7) AND c > 0",
            "Bitmap Heap Scan on m|  Recheck Cond: ((a = 5) OR (b = 7))|  Filter: (c > 0)|"
            "  ->  BitmapOr|"
            "        ->  Bitmap Index Scan on m_a|              Index Cond: (a = 5)|"
            "        ->  Bitmap Index Scan on m_b|              Index Cond: (b = 7)");
}

static void test_one_index(void **) {
    /* few rows: looked up one after the other */
    PLAN_IS("SELECT * FROM m WHERE a = 5", "Index Scan using m_a on m|  Index Cond: (a = 5)");
    PLAN_IS("SELECT * FROM m WHERE a < 50",
            "Bitmap Heap Scan on m|  Recheck Cond: (a < 50)|"
            "  ->  Bitmap Index Scan on m_a|        Index Cond: (a < 50)");
    /* nearly all: read all */
    PLAN_IS("SELECT * FROM m WHERE a < 900", "Seq Scan on m|  Filter: (a < 900)");
}

/* A second index pays where rows are wide: fewer leaves are read. */
static void test_and(void **) {
    SQL_IS(s, "CREATE TABLE w (id int PRIMARY KEY, a int, b int, c text)", "");
    SQL_IS(s,
           "INSERT INTO w SELECT g, g * 79 % 1000, g * 47 % 500, repeat('x', 600) "
           "FROM generate_series(1, 8000) g",
           "");
    SQL_IS(s, "CREATE INDEX w_a ON w (a)", "");
    SQL_IS(s, "CREATE INDEX w_b ON w (b)", "");
    SQL_IS(s, "ANALYZE w", "");
    PLAN_IS("SELECT * FROM w WHERE a < 100 AND b < 50",
            "Bitmap Heap Scan on w|  Recheck Cond: ((a < 100) AND (b < 50))|  ->  BitmapAnd|"
            "        ->  Bitmap Index Scan on w_a|              Index Cond: (a < 100)|"
            "        ->  Bitmap Index Scan on w_b|              Index Cond: (b < 50)");
    SQL_IS(s, "SELECT count(*) FROM w WHERE a < 100 AND b < 50", "120");
}

/* Rows come in the order of the primary key. */
static void test_order(void **) {
    PLAN_IS("SELECT * FROM m WHERE a = 5 OR b = 7 ORDER BY id",
            "Bitmap Heap Scan on m|  Recheck Cond: ((a = 5) OR (b = 7))|  ->  BitmapOr|"
            "        ->  Bitmap Index Scan on m_a|              Index Cond: (a = 5)|"
            "        ->  Bitmap Index Scan on m_b|              Index Cond: (b = 7)");
    SQL_IS(s, "SELECT id FROM m WHERE a = 5 OR b = 7 ORDER BY id LIMIT 3", "181|595|681");
}

static void test_avoided(void **) {
    s->settings.planning.avoided = 1 << WAY_BITMAPSCAN;
    PLAN_IS("SELECT * FROM m WHERE a = 5 OR b = 7", "Seq Scan on m|  Filter: ((a = 5) OR (b = 7))");
    s->settings.planning.avoided = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_or),    cmocka_unit_test(test_one_index), cmocka_unit_test(test_and),
        cmocka_unit_test(test_order), cmocka_unit_test(test_avoided),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
