/* What scripts cannot show: parameters, sessions beside one another, COPY in pieces, cancel. */
#include "sql_session.h"

static struct sql_session *a, *b;

static int setup(void **) {
    a = sql_session_new(4);
    b = sql_session_new(5);
    return 0;
}

static int teardown(void **) {
    sql_session_free(a);
    sql_session_free(b);
    return 0;
}

static void test_parameters(void **) {
    SQL_IS(a, "CREATE TABLE p (id int PRIMARY KEY, t text, n numeric)", "");
    SQL_IS(a, "INSERT INTO p VALUES (1, 'one', 1.5), (2, 'two', NULL), (3, NULL, 3)", "");
    assert_string_equal(sql_prepared(a, "SELECT t FROM p WHERE id = $1", 1, "2"), "two");
    assert_string_equal(sql_prepared(a, "SELECT t FROM p WHERE id = $1", 1, "\\N"), "");
    assert_string_equal(sql_prepared(a, "SELECT id FROM p WHERE t = $1", 1, "one"), "1");
    assert_string_equal(sql_prepared(a, "SELECT id FROM p WHERE n > $1 ORDER BY id", 1, "1"),
                        "1|3");
    assert_string_equal(sql_prepared(a, "SELECT $1::int + $2", 2, "4", "5"), "9");
    assert_string_equal(sql_prepared(a, "SELECT $1", 1, "x"), "x");
    assert_string_equal(
        sql_prepared(a, "SELECT id FROM p WHERE id = ANY ($1) ORDER BY id", 1, "{3,1,NULL,3}"),
        "1|3");
    assert_string_equal(
        sql_prepared(a, "SELECT id FROM p WHERE id IN ($1, $2) ORDER BY id", 2, "2", "2"), "2");
    assert_string_equal(
        sql_prepared(a, "SELECT id FROM p ORDER BY id LIMIT $1 OFFSET $2", 2, "1", "1"), "2");
    assert_string_equal(
        sql_prepared(a, "INSERT INTO p VALUES ($1, $2, $3) RETURNING n * 2", 3, "4", "four", "2.5"),
        "5.0");
    assert_string_equal(sql_prepared(a, "UPDATE p SET n = n + $1 WHERE id = $2", 2, "1", "4"), "");
    assert_int_equal(a->count, 1);
    SQL_IS(a, "SELECT n FROM p WHERE id = 4", "3.5");
    assert_string_equal(sql_prepared(a, "SELECT $1::text IS NULL", 1, "x"), "f");
    assert_string_equal(sql_prepared(a, "SELECT 1 WHERE $1", 1, "t"), "1");
    SQL_IS(a, "DROP TABLE p", "");
}

/* What another session does in the middle of a statement of a: at its first pause. */
static const char *meanwhile;

static void act_meanwhile(struct proc *) {
    const char *sql = meanwhile;
    struct script_result r = {0};
    meanwhile = NULL;
    if (!sql) return;
    sql_execute(b, sql, &r);
    assert_false(r.failed);
    script_result_clear(&r);
}

/* READ COMMITTED: who finds a row changed looks at its newest version. */
static void test_look_again(void **) {
    void (*pause)(struct proc *) = sql_appliance()->env.pause;
    sql_appliance()->env.pause = act_meanwhile;
    SQL_IS(a, "CREATE TABLE r (id int PRIMARY KEY, v int, tag text)", "");
    SQL_IS(
        a,
        "CREATE TABLE w (id int PRIMARY KEY, f int); INSERT INTO w VALUES (1, 2), (2, 3), (3, 4)",
        "");
    SQL_IS(a, "INSERT INTO r VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 40, 'd')", "");
    a->env.turn_ends_ns = 1;
    meanwhile = "UPDATE r SET v = 5 WHERE id = 2; UPDATE r SET v = 100 WHERE id = 3; DELETE FROM r "
                "WHERE id = 4; INSERT INTO r VALUES (9, 90, 'new')";
    SQL_IS(a, "UPDATE r SET v = v * 2 WHERE v >= 20 RETURNING id, v", "3,200");
    assert_null(meanwhile);
    SQL_IS(a, "SELECT id, v FROM r ORDER BY id", "1,10|2,5|3,200|9,90");

    a->env.turn_ends_ns = 1;
    meanwhile =
        "UPDATE r SET v = v + 1 WHERE id = 1; UPDATE r SET id = 22 WHERE id = 2; UPDATE w SET "
        "f = 1000";
    SQL_IS(a, "UPDATE r SET v = v * f FROM w WHERE w.id = r.id AND r.id < 4 RETURNING r.id, v, f",
           "1,22,2|3,800,4");
    assert_null(meanwhile);

    a->env.turn_ends_ns = 1;
    meanwhile = "UPDATE r SET tag = 'kept' WHERE id = 3";
    SQL_IS(a, "DELETE FROM r WHERE tag <> 'kept' RETURNING id", "1|9|22");

    a->env.turn_ends_ns = 1;
    meanwhile = "UPDATE r SET v = 1 WHERE id = 3";
    SQL_IS(a, "SELECT id, v FROM r WHERE v < 1000 FOR UPDATE", "3,1");
    a->env.turn_ends_ns = 1;
    meanwhile = "UPDATE r SET v = 2000 WHERE id = 3";
    SQL_IS(a, "SELECT id, v FROM r WHERE v < 1000 FOR UPDATE", "");
    sql_appliance()->env.pause = pause;
    a->env.turn_ends_ns = 0;
    SQL_IS(a, "DROP TABLE r, w", "");
}

static void test_repeatable_read(void **) {
    SQL_IS(a, "CREATE TABLE r (id int PRIMARY KEY, v int, tag text); CREATE INDEX r_v ON r (v)",
           "");
    SQL_IS(a, "INSERT INTO r VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')", "");
    SQL_IS(a, "BEGIN ISOLATION LEVEL REPEATABLE READ", "");
    SQL_IS(a, "SELECT sum(v) FROM r", "60");
    SQL_IS(b, "UPDATE r SET v = v + 1 WHERE id = 1", "");
    SQL_IS(a, "SELECT v FROM r WHERE id = 1", "10");
    SQL_IS(a, "UPDATE r SET v = 0 WHERE id = 1",
           "40001 could not serialize access due to concurrent update");
    SQL_IS(a, "ROLLBACK", "");
    SQL_IS(a, "SELECT v FROM r ORDER BY id", "11|20|30");
    SQL_IS(a, "DROP TABLE r", "");
}

/* ON CONFLICT meets a row, or a version, that a fixed snapshot does not see. */
static void test_conflict_not_seen(void **) {
    static const char refused[] = "40001 could not serialize access due to concurrent update";
    static const char *const upserts[] = {
        "INSERT INTO r VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET v = r.v + 100",
        "INSERT INTO r VALUES (2, 0) ON CONFLICT (id) DO UPDATE SET v = r.v + 100",
        "INSERT INTO r VALUES (2, 0) ON CONFLICT (id) DO NOTHING",
    };
    for (size_t i = 0; i < sizeof upserts / sizeof *upserts; i++) {
        SQL_IS(a, "CREATE TABLE r (id int PRIMARY KEY, v int); INSERT INTO r VALUES (1, 10)", "");
        SQL_IS(a, "BEGIN ISOLATION LEVEL REPEATABLE READ", "");
        SQL_IS(a, "SELECT v FROM r", "10");
        SQL_IS(b, "UPDATE r SET v = 11 WHERE id = 1; INSERT INTO r VALUES (2, 20)", "");
        SQL_IS(a, upserts[i], refused);
        SQL_IS(a, "ROLLBACK; SELECT v FROM r ORDER BY id", "11|20");
        SQL_IS(a, "BEGIN ISOLATION LEVEL REPEATABLE READ", "");
        SQL_IS(a, "INSERT INTO r VALUES (3, 30); UPDATE r SET v = 31 WHERE id = 3", "");
        SQL_IS(a, "INSERT INTO r VALUES (3, 0) ON CONFLICT (id) DO UPDATE SET v = r.v + 1", "");
        SQL_IS(a, "SELECT v FROM r ORDER BY id", "11|20|32");
        SQL_IS(a, "COMMIT; DROP TABLE r", "");
    }
}

static void test_uncommitted(void **) {
    SQL_IS(a, "CREATE TABLE u (id int PRIMARY KEY, v int)", "");
    SQL_IS(a, "INSERT INTO u SELECT x, x FROM generate_series(1, 100) x", "");
    SQL_IS(a, "BEGIN", "");
    SQL_IS(a, "DELETE FROM u WHERE id > 50", "");
    assert_int_equal(a->count, 50);
    SQL_IS(a, "SELECT count(*) FROM u", "50");
    SQL_IS(b, "SELECT count(*) FROM u", "100");
    SQL_IS(a, "INSERT INTO u VALUES (1, 1)",
           "23505 duplicate key value violates unique constraint \"u_pkey\"");
    SQL_IS(a, "SELECT count(*) FROM u", "50");
    SQL_IS(a, "COMMIT", "");
    SQL_IS(b, "SELECT count(*), max(id) FROM u", "50,50");
    SQL_IS(b, "UPDATE u SET id = id + 1000", "");
    SQL_IS(b, "SELECT count(*), min(id) FROM u", "50,1001");
    SQL_IS(a, "DROP TABLE u", "");
}

static void test_cancel(void **) {
    atomic_store(&a->cancel, true);
    SQL_IS(a, "SELECT count(*) FROM generate_series(1, 100000000) x",
           "57014 canceling statement due to user request");
    atomic_store(&a->cancel, false);
    a->env.deadline_ns = 1;
    SQL_IS(a, "SELECT count(*) FROM generate_series(1, 100000000) x",
           "57014 canceling statement due to statement timeout");
    a->env.deadline_ns = 0;
    SQL_IS(a, "SELECT count(*) FROM generate_series(1, 1000) x", "1000");
}

static void test_copy_in(void **) {
    SQL_IS(a, "CREATE TABLE c (a int, b text DEFAULT 'dflt', d numeric(5,2) CHECK (d < 100))", "");
    static const char data[] = "1\tone\t1.5\n2\t\\N\t2\n3\ttab\\there\\nline\\\\\t\\N\n\\.\n";
    for (size_t piece = 1; piece < sizeof data + 3; piece += 3) {
        SQL_IS(a, "TRUNCATE c", "");
        assert_string_equal(sql_copy_in(a, "COPY c FROM STDIN", data, sizeof data - 1, piece), "3");
        SQL_IS(a, "SELECT * FROM c ORDER BY a", "1,one,1.50|2,NULL,2.00|3,tab\there\nline\\,NULL");
    }
    static const char csv[] =
        "a,b\n10,\"x \"\"quoted\"\", y\"\n11,\"two\nlines\"\n12,\n13,\"\"\r\n";
    for (size_t piece = 1; piece < sizeof csv + 3; piece += 2) {
        SQL_IS(a, "TRUNCATE c", "");
        assert_string_equal(sql_copy_in(a, "COPY c (a, b) FROM STDIN (FORMAT csv, HEADER)", csv,
                                        sizeof csv - 1, piece),
                            "4");
        SQL_IS(a, "SELECT a, b FROM c ORDER BY a", "10,x \"quoted\", y|11,two\nlines|12,NULL|13,");
    }
    assert_string_equal(sql_copy_in(a, "COPY c (a) FROM STDIN WHERE a > 5", "4\n7\n", 4, 100), "1");
    SQL_IS(a, "SELECT b FROM c WHERE a = 7", "dflt");
    assert_string_equal(sql_copy_in(a, "COPY c FROM STDIN", "1\tx\n", 4, 100),
                        "22P04 missing data for column \"d\" (COPY c, line 1: \"1\tx\")");
    assert_string_equal(
        sql_copy_in(a, "COPY c FROM STDIN", "1\tx\t1\ty\n", 8, 100),
        "22P04 extra data after last expected column (COPY c, line 1: \"1\tx\t1\ty\")");
    assert_string_equal(
        sql_copy_in(a, "COPY c FROM STDIN", "1\tx\t1\nq\tx\t1\n", 12, 100),
        "22P02 invalid input syntax for type integer: \"q\" (COPY c, line 2, column "
        "a: \"q\")");
    assert_string_equal(sql_copy_in(a, "COPY c FROM STDIN", "1\tx\t100\n", 8, 100),
                        "23514 new row for relation \"c\" violates check constraint \"c_d_check\" "
                        "(COPY c, line 1: \"1\tx\t100\")");
    SQL_IS(a, "DROP TABLE c", "");
}

/* Values come to the length and the scale of their columns while they are read. */
static void test_copy_in_lengths(void **) {
    static const char data[] = "17\tab\txyz  \t123\n"
                               "1.005\täö\täöüß  \t-15\n"
                               "-0.125\ta\\tb\\\\\t\\\\x\\173\tNaN\n"
                               "\\N\t\\N\t\\N\t\\N\n"
                               "  2.50  \t     \ta b \t4\n";
    SQL_IS(a, "CREATE TABLE cl (n numeric(6,2), c char(5), v varchar(4), m numeric(4,-1))", "");
    for (size_t piece = 1; piece <= sizeof data; piece += 7) {
        SQL_IS(a, "TRUNCATE cl", "");
        assert_string_equal(sql_copy_in(a, "COPY cl FROM STDIN", data, sizeof data - 1, piece),
                            "5");
        SQL_IS(a, "SELECT n, replace(c, ' ', '_') || octet_length(c), '[' || v || ']', m FROM cl",
               "17.00,ab5,[xyz ],120|1.01,äö7,[äöüß],-20|-0.13,a\tb\\5,[\\x{],NaN|"
               "NULL,NULL,NULL,NULL|2.50,5,[a b ],0");
    }
    assert_string_equal(sql_copy_in(a, "COPY cl FROM STDIN", "10000\ta\tb\t1\n", 12, 100),
                        "22003 numeric field overflow (COPY cl, line 1, column n: \"10000\")");
    assert_string_equal(
        sql_copy_in(a, "COPY cl FROM STDIN", "1\tabcdef\tb\t1\n", 13, 100),
        "22001 value too long for type character(5) (COPY cl, line 1, column c: \"abcdef\")");
    assert_string_equal(
        sql_copy_in(a, "COPY cl FROM STDIN", "1\ta\tbcdef\t1\n", 12, 100),
        "22001 value too long for type character varying(4) (COPY cl, line 1, column v: "
        "\"bcdef\")");
}

static void test_copy_out(void **) {
    SQL_IS(a,
           "CREATE TABLE o (a int, b text); INSERT INTO o VALUES (1, E'x\\ty\\\\'), (2, NULL), "
           "(3, 'p,\"q\"'), (4, '')",
           "");
    assert_string_equal(sql_copy_out(a, "COPY o TO STDOUT"),
                        "1\tx\\ty\\\\\n2\t\\N\n3\tp,\"q\"\n4\t\n");
    assert_string_equal(sql_copy_out(a, "COPY o TO STDOUT (FORMAT csv, HEADER)"),
                        "a,b\n1,x\ty\\\n2,\n3,\"p,\"\"q\"\"\"\n4,\"\"\n");
    assert_string_equal(sql_copy_out(a, "COPY (SELECT b, a FROM o WHERE a > 2 ORDER BY a DESC) TO "
                                        "STDOUT WITH DELIMITER ';'"),
                        ";4\np,\"q\";3\n");
    assert_string_equal(
        sql_copy_out(a, "COPY o (b) TO STDOUT (FORMAT csv, FORCE_QUOTE *, NULL 'nil')"),
        "\"x\ty\\\"\nnil\n\"p,\"\"q\"\"\"\n\"\"\n");
    assert_string_equal(sql_copy_out(a, "COPY o TO 'x'"),
                        "42602 relative path not allowed for COPY to file ()");
    assert_string_equal(sql_copy_out(a, "COPY o (nope) TO STDOUT"),
                        "42703 column \"nope\" of relation \"o\" does not exist ()");
    SQL_IS(a, "DROP TABLE o", "");
}

/* Binary data out of one table is the same rows in another, however it is cut. */
static void test_copy_binary(void **) {
    SQL_IS(a,
           "CREATE TABLE x1 (a int, b text, n numeric, t timestamp); "
           "INSERT INTO x1 SELECT x, 'r' || x, x * 1.25, '2020-01-01'::timestamp + x * "
           "interval '1 hour' FROM generate_series(1, 50) x; INSERT INTO x1 DEFAULT VALUES; "
           "CREATE TABLE x2 (a int, b text, n numeric, t timestamp)",
           "");
    struct list *statements = NULL;
    struct copy *c;
    struct buf out = {0};
    const char *sql = "COPY x1 TO STDOUT (FORMAT binary)";
    arena_reset(&a->arena);
    assert_true(ok(txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, 1)));
    assert_true(ok(txn_snapshot(&a->proc, &a->txn, &a->env.snapshot)));
    a->env.text = sql;
    a->env.text_len = strlen(sql);
    assert_true(ok(parse_sql(&a->arena, sql, strlen(sql), &a->error, &statements)));
    struct raw_stmt *raw = list_at(statements, 0);
    assert_true(ok(copy_begin(&a->env, (struct ast_copy *)raw->stmt, &c)));
    assert_true(copy_is_binary(c));
    while (ok(copy_out_row(c, &out))) continue;
    copy_end(c);
    assert_true(ok(txn_commit(&a->proc, &a->txn, true)));
    for (size_t piece = 7; piece <= out.len; piece = piece * 3 + 1) {
        SQL_IS(a, "TRUNCATE x2", "");
        assert_string_equal(
            sql_copy_in(a, "COPY x2 FROM STDIN (FORMAT binary)", out.data, out.len, piece), "51");
        SQL_IS(a, "SELECT count(*) FROM (SELECT * FROM x1 EXCEPT SELECT * FROM x2) d", "0");
    }
    out.data[0] = 'X';
    assert_string_equal(
        sql_copy_in(a, "COPY x2 FROM STDIN (FORMAT binary)", out.data, out.len, 100),
        "22P04 COPY file signature not recognized (COPY x2, line 0)");
    buf_free(&out);
    SQL_IS(a, "DROP TABLE x1, x2", "");
}

static void test_error_positions(void **) {
    static const struct {
        const char *sql, *message;
        int position;
    } cases[] = {
        {"SELECT a.b FROM pg_class c", "missing FROM-clause entry for table \"a\"", 8},
        {"SELECT x FROM pg_class", "column \"x\" does not exist", 8},
        {"SELECT c.x FROM pg_class c", "column c.x does not exist", 8},
        {"SELECT 1 FROM nope", "relation \"nope\" does not exist", 15},
        {"SELECT 1 + 'a'::text", "operator does not exist: integer + text", 10},
        {"SELECT f(1)", "function f(integer) does not exist", 8},
        {"SELECT 'é', 'a'::nope", "type \"nope\" does not exist", 18},
        {"SELECT CASE WHEN 1 THEN 2 END",
         "argument of CASE/WHEN must be type boolean, not type "
         "integer",
         18},
        {"SELECT relname, count(*) FROM pg_class",
         "column \"pg_class.relname\" must appear in the GROUP BY clause or be used in an "
         "aggregate "
         "function",
         8},
        {"SELECT 1 UNION SELECT 'a'", "invalid input syntax for type integer: \"a\"", 23},
        {"SELECT oid FROM pg_class ORDER BY 5", "ORDER BY position 5 is not in select list", 35},
        {"SELECT '1' + 'x'::int", "invalid input syntax for type integer: \"x\"", 14},
        {"SELECT $1 + $2", "operator is not unique: unknown + unknown", 11},
        {"SELECT lower(1, 2)", "function lower(integer, integer) does not exist", 8},
        {"INSERT INTO pg_class (oid) VALUES (1)",
         "permission denied: \"pg_class\" is a system catalog", 0},
        {"SELECT 1 WHERE EXISTS (SELECT 1, (SELECT 1, 2))", "subquery must return only one column",
         34},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script_result r = {0};
        sql_execute(a, cases[i].sql, &r);
        assert_true(r.failed);
        assert_string_equal(r.message, cases[i].message);
        if (a->error.position != cases[i].position)
            fail_msg("%s: position %d, expected %d", cases[i].sql, a->error.position,
                     cases[i].position);
        script_result_clear(&r);
    }
}

/* Deep and long statements end in an error, not in a fault. */
static void test_deep(void **) {
    size_t n = 20000;
    char *sql = malloc(n * 4 + 64), *at = sql;
    assert_non_null(sql);
    at += sprintf(at, "SELECT ");
    for (size_t i = 0; i < n; i++) *at++ = '(';
    *at++ = '1';
    for (size_t i = 0; i < n; i++) *at++ = ')';
    *at = 0;
    const char *got = sql_rows(a, sql);
    assert_true(strcmp(got, "1") == 0 || strncmp(got, "54001", 5) == 0);
    at = sql + sprintf(sql, "SELECT 1");
    for (size_t i = 0; i < n; i++) at += sprintf(at, "+1");
    got = sql_rows(a, sql);
    assert_true(strcmp(got, "20001") == 0 || strncmp(got, "54001", 5) == 0);
    free(sql);
}

static unsigned long number_behind(const char *text, const char *word) {
    const char *at = strstr(text, word);
    return at ? strtoul(at + strlen(word), NULL, 10) : 0;
}

/* BUFFERS and WAL of EXPLAIN are what was counted. */
/* What memory says of the next hidden row id is only a guess: a row that has the id already is not
 * touched, one by one or by whole leaves. */
static void test_row_ids_are_guessed(void **) {
    struct control *control = a->proc.shm->control;
    const uint64_t next = ((uint64_t)1 << 48) - 1;
    SQL_IS(a, "CREATE TABLE guessed (a int)", "");
    SQL_IS(a, "INSERT INTO guessed SELECT g FROM generate_series(1, 300) g", "");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ROW_ID_WORDS; i++) {
            uint64_t word = atomic_load(&control->row_ids[i]);
            atomic_store(&control->row_ids[i], round ? 0 : (word & ~next) | 7);
        }
        SQL_IS(a, "INSERT INTO guessed VALUES (1000), (1001)", "");
        SQL_IS(a, "INSERT INTO guessed SELECT g FROM generate_series(2000, 2299) g", "");
    }
    SQL_IS(a, "SELECT count(*), count(DISTINCT ctid), sum(a), max(ctid) FROM guessed",
           "904,904,1338852,(0,904)");
    SQL_IS(a, "DROP TABLE guessed", "");
}

static void test_usage_is_told(void **) {
    static const char reads[] = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) "
                                "SELECT count(*) FROM usage";
    SQL_IS(a, "CREATE TABLE usage (id int PRIMARY KEY, t text)", "");
    SQL_IS(a, "INSERT INTO usage SELECT g, repeat('x', 500) FROM generate_series(1, 500) g", "");
    unsigned long pages = number_behind(sql_rows(a, reads), "shared hit=");
    assert_in_range(pages, 500 / 16, 500);
    assert_int_equal(number_behind(sql_rows(a, reads), "shared hit="), pages);
    const char *insert = sql_rows(a, "EXPLAIN (ANALYZE, WAL, BUFFERS) INSERT INTO usage SELECT 1000"
                                     " + g, 'y' FROM generate_series(1, 7) g");
    assert_int_equal(number_behind(insert, "WAL: records="), 7);
    assert_true(number_behind(insert, " bytes=") > 7 * 20);
    assert_true(number_behind(insert, "Buffers: shared hit=") > 0);
    SQL_IS(a, "DROP TABLE usage", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_look_again),
        cmocka_unit_test(test_repeatable_read),
        cmocka_unit_test(test_conflict_not_seen),
        cmocka_unit_test(test_uncommitted),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_copy_in),
        cmocka_unit_test(test_copy_in_lengths),
        cmocka_unit_test(test_copy_out),
        cmocka_unit_test(test_copy_binary),
        cmocka_unit_test(test_error_positions),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_row_ids_are_guessed),
        cmocka_unit_test(test_usage_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
