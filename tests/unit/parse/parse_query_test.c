/* Expressions and queries: precedence and the shape of the tree. */
#include "parse_test.h"

#define TARGET "(select targets=[(target value="
#define END ")])"

static void test_precedence(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 1+2*3", "(op names=+ left=1 right=(op names=* left=2 right=3))"},
        {"SELECT 1-2-3", "(op names=- left=(op names=- left=1 right=2) right=3)"},
        {"SELECT 2^3^4", "(op names=^ left=(op names=^ left=2 right=3) right=4)"},
        {"SELECT -2^2", "(op names=^ left=-2 right=2)"},
        {"SELECT -a::int",
         "(op names=- right=(type_cast arg=a type=(type_name names=pg_catalog.int4)))"},
        {"SELECT a || b + c", "(op names=|| left=a right=(op names=+ left=b right=c))"},
        {"SELECT a < b || c", "(op names=< left=a right=(op names=|| left=b right=c))"},
        {"SELECT NOT a = b", "(bool kind=2 args=[(op names== left=a right=b)])"},
        {"SELECT a AND b OR c AND d OR e",
         "(bool kind=1 args=[(bool args=[a b]) (bool args=[c d]) e])"},
        {"SELECT a AND b AND c", "(bool args=[a b c])"},
        {"SELECT a = b IS NULL", "(null_test arg=(op names== left=a right=b))"},
        {"SELECT a IS NOT NULL AND b ISNULL",
         "(bool args=[(null_test arg=a negated) (null_test arg=b)])"},
        {"SELECT a BETWEEN 1 AND 2 AND c", "(bool args=[(between arg=a low=1 high=2) c])"},
        {"SELECT a NOT BETWEEN SYMMETRIC 1 AND 2",
         "(between arg=a negated symmetric low=1 high=2)"},
        {"SELECT a + b IN (1, 2)", "(in left=(op names=+ left=a right=b) items=[1 2])"},
        {"SELECT a NOT IN (SELECT 1)",
         "(bool kind=2 args=[(sublink kind=3 left=a query=(select targets=[(target value=1)]))])"},
        {"SELECT a LIKE b || c", "(op names=~~ left=a right=(op names=|| left=b right=c))"},
        {"SELECT a NOT ILIKE b ESCAPE c",
         "(op names=!~~* left=a right=(func_call names=pg_catalog.like_escape args=[b c]))"},
        {"SELECT a SIMILAR TO b",
         "(op names=~ left=a right=(func_call names=pg_catalog.similar_to_escape args=[b]))"},
        {"SELECT a AT TIME ZONE b COLLATE c",
         "(func_call names=pg_catalog.timezone args=[(collate arg=b names=c) a])"},
        {"SELECT a IS DISTINCT FROM b AND c", "(bool args=[(distinct left=a right=b) c])"},
        {"SELECT a IS NOT UNKNOWN", "(bool_test arg=a negated kind=2)"},
        {"SELECT a <> ALL (b)", "(op_array names=<> left=a is_all right=b)"},
        {"SELECT a = SOME (SELECT 1)",
         "(sublink kind=3 left=a names== query=(select targets=[(target value=1)]))"},
        {"SELECT a LIKE ANY (b)", "(op_array names=~~ left=a right=b)"},
    };
    CHECK_CASES(cases, TARGET, END);
    static const struct parse_case errors[] = {
        {"SELECT a < b < c", "14 syntax error at or near \"<\""},
        {"SELECT a = b = c", "14 syntax error at or near \"=\""},
        {"SELECT a LIKE b LIKE c", "17 syntax error at or near \"LIKE\""},
        {"SELECT a IS b", "13 syntax error at or near \"b\""},
    };
    CHECK_CASES(errors, "42601 ", "");
}

static void test_expressions(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT $1", "$1"},
        {"SELECT s.t.a", "s.t.a"},
        {"SELECT t.*", "t.*"},
        {"SELECT (t).*", "(indirection arg=t steps=[(field)])"},
        {"SELECT a[1].b", "(indirection arg=a steps=[(subscript high=1) (field name=\"b\")])"},
        {"SELECT a[:2]", "(indirection arg=a steps=[(subscript slice high=2)])"},
        {"SELECT (1, 2)", "(row args=[1 2])"},
        {"SELECT (1)", "1"},
        {"SELECT ROW()", "(row explicit_row)"},
        {"SELECT ARRAY[[1], [2]]", "(array elements=[(array elements=[1]) (array elements=[2])])"},
        {"SELECT ARRAY(VALUES (1))", "(sublink kind=2 query=(select values=[[1]]))"},
        {"SELECT EXISTS (SELECT)", "(sublink query=(select))"},
        {"SELECT ((SELECT 1))", "(sublink kind=1 query=(select targets=[(target value=1)]))"},
        {"SELECT CASE a WHEN 1 THEN 2 ELSE 3 END",
         "(case arg=a whens=[(case_when condition=1 result=2)] otherwise=3)"},
        {"SELECT CAST(a AS numeric(10, 2)[])",
         "(type_cast arg=a type=(type_name names=pg_catalog.numeric typmods=[10 2] "
         "array_ndims=1))"},
        {"SELECT COALESCE(a, b)", "(coalesce args=[a b])"},
        {"SELECT NULLIF(a, b)", "(nullif left=a right=b)"},
        {"SELECT GREATEST(a, b)", "(min_max args=[a b])"},
        {"SELECT LEAST(a, b)", "(min_max least args=[a b])"},
        {"SELECT CURRENT_TIMESTAMP(3)", "(sql_value kind=2 precision=3)"},
        {"SELECT EXTRACT(year FROM a)", "(func_call names=pg_catalog.extract args=['year' a])"},
        {"SELECT POSITION(a IN b)", "(func_call names=pg_catalog.position args=[b a])"},
        {"SELECT SUBSTRING(a FROM 2 FOR 3)", "(func_call names=pg_catalog.substring args=[a 2 3])"},
        {"SELECT SUBSTRING(a, 2)", "(func_call names=substring args=[a 2])"},
        {"SELECT TRIM(LEADING 'x' FROM a)", "(func_call names=pg_catalog.ltrim args=[a 'x'])"},
        {"SELECT OVERLAY(a PLACING b FROM 1)", "(func_call names=pg_catalog.overlay args=[a b 1])"},
        {"SELECT DATE '2020-02-02'", "(type_cast arg='2020-02-02' type=(type_name names=date))"},
        {"SELECT INTERVAL '1' DAY TO SECOND(2)",
         "(type_cast arg='1' type=(type_name names=pg_catalog.interval typmods=[7176 2]))"},
        {"SELECT INTERVAL(3) '1'",
         "(type_cast arg='1' type=(type_name names=pg_catalog.interval typmods=[32767 3]))"},
        {"SELECT double precision '1'",
         "(type_cast arg='1' type=(type_name names=pg_catalog.float8))"},
        {"SELECT count(*)", "(func_call names=count star)"},
        {"SELECT f(DISTINCT a ORDER BY b DESC NULLS LAST)",
         "(func_call names=f distinct args=[a] order_by=[(sort_by value=b direction=2 nulls=2)])"},
        {"SELECT f(1, VARIADIC b)", "(func_call names=f args=[1 b] variadic)"},
        {"SELECT f(a => 1, b := 2)",
         "(func_call names=f args=[(named_arg name=\"a\" arg=1) (named_arg name=\"b\" arg=2)])"},
        {"SELECT f(a) FILTER (WHERE b)", "(func_call names=f args=[a] filter=b)"},
        {"SELECT p(1) WITHIN GROUP (ORDER BY a)",
         "(func_call names=p args=[1] within_group order_by=[(sort_by value=a)])"},
        {"SELECT f() OVER w", "(func_call names=f over=(window_def name=\"w\"))"},
        {"SELECT f() OVER (w PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND UNBOUNDED "
         "FOLLOWING EXCLUDE TIES)",
         "(func_call names=f over=(window_def base=\"w\" partition_by=[a] order_by=[(sort_by "
         "value=b)] "
         "frame_given between mode=1 start=1 start_offset=1 end=4 exclude=3))"},
        {"SELECT GROUPING(a)", "(grouping_func args=[a])"},
        {"SELECT (a, b) OVERLAPS (c, d)", "(func_call names=pg_catalog.overlaps args=[a b c d])"},
    };
    CHECK_CASES(cases, TARGET, END);
}

static void test_clauses(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT FROM t", "(select from=[(range_var name=\"t\")])"},
        {"TABLE s.t",
         "(select targets=[(target value=*)] from=[(range_var schema=\"s\" name=\"t\")])"},
        {"VALUES (1, 2), (3, DEFAULT)", "(select values=[[1 2][3 (default)]])"},
        {"SELECT DISTINCT ON (a) b",
         "(select distinct distinct_on=[a] targets=[(target value=b)])"},
        {"SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 3 ORDER BY 1 LIMIT 5",
         "(select set_op=1 left=(select targets=[(target value=1)]) right=(select set_op=2 all "
         "left=(select targets=[(target value=2)]) right=(select targets=[(target value=3)])) "
         "order_by=[(sort_by value=1)] limit=5)"},
        {"SELECT a FROM t WHERE b GROUP BY a, ROLLUP (b, (c, d)), () HAVING e",
         "(select targets=[(target value=a)] from=[(range_var name=\"t\")] where=b group_by=[a "
         "(grouping_set kind=1 content=[b (row args=[c d])]) (grouping_set)] having=e)"},
        {"SELECT FETCH_ FROM t OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY",
         "(select targets=[(target value=fetch_)] from=[(range_var name=\"t\")] limit=2 offset=1)"},
        {"SELECT FROM t ORDER BY a FETCH NEXT ROW WITH TIES",
         "(select from=[(range_var name=\"t\")] order_by=[(sort_by value=a)] limit=1 with_ties)"},
        {"SELECT FROM t FOR NO KEY UPDATE OF t SKIP LOCKED",
         "(select from=[(range_var name=\"t\")] locking=[(locking strength=2 "
         "relations=[(range_var name=\"t\")] wait=1)])"},
        {"SELECT FROM t WINDOW w AS (ORDER BY a)",
         "(select from=[(range_var name=\"t\")] windows=[(window_def name=\"w\" order_by=[(sort_by "
         "value=a)] end=2)])"},
        {"WITH RECURSIVE r(n) AS MATERIALIZED (SELECT 1) SELECT FROM r",
         "(select with=(with recursive ctes=[(cte name=\"r\" columns=n materialize=1 "
         "query=(select targets=[(target value=1)]))]) from=[(range_var name=\"r\")])"},
        {"WITH d AS (DELETE FROM t RETURNING *) SELECT FROM d",
         "(select with=(with ctes=[(cte name=\"d\" query=(delete relation=(range_var name=\"t\") "
         "returning=[(target value=*)]))]) from=[(range_var name=\"d\")])"},
    };
    CHECK_CASES(cases, "", "");
}

static void test_from(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"a, b AS x", "(range_var name=\"a\") (range_var name=\"b\" alias=(alias name=\"x\"))"},
        {"ONLY a TABLESAMPLE system (5) REPEATABLE (1)",
         "(range_var name=\"a\" only sample=(sample method=system args=[5] repeatable=1))"},
        {"a AS OF SYSTEM TIME '-1 min'", "(range_var name=\"a\" as_of='-1 min')"},
        {"a x AS OF SYSTEM TIME now() - interval '1 h'",
         "(range_var name=\"a\" alias=(alias name=\"x\") as_of=(op names=- left=(func_call "
         "names=now) "
         "right=(type_cast arg='1 h' type=(type_name names=pg_catalog.interval))))"},
        {"a AS of", "(range_var name=\"a\" alias=(alias name=\"of\"))"},
        {"a JOIN b ON c LEFT JOIN d USING (e)",
         "(join type=1 left=(join left=(range_var name=\"a\") right=(range_var name=\"b\") on=c) "
         "right=(range_var name=\"d\") using_columns=e)"},
        {"a NATURAL FULL OUTER JOIN (b CROSS JOIN c) AS j",
         "(join type=2 natural left=(range_var name=\"a\") right=(join left=(range_var name=\"b\") "
         "right=(range_var name=\"c\") alias=(alias name=\"j\")))"},
        {"(SELECT 1) AS s(a), LATERAL (SELECT 2) z",
         "(range_subquery query=(select targets=[(target value=1)]) alias=(alias name=\"s\" "
         "columns=a)) "
         "(range_subquery lateral query=(select targets=[(target value=2)]) alias=(alias "
         "name=\"z\"))"},
        {"f(1) WITH ORDINALITY AS g(a, n)",
         "(range_function functions=[(range_function_item call=(func_call names=f args=[1]))] "
         "ordinality alias=(alias name=\"g\" columns=a.n))"},
        {"ROWS FROM (f(), g() AS (a int))",
         "(range_function rows_from functions=[(range_function_item call=(func_call names=f)) "
         "(range_function_item call=(func_call names=g) columns=[(column_def name=\"a\" "
         "type=(type_name names=pg_catalog.int4))])])"},
        {"f() AS t(a int)",
         "(range_function functions=[(range_function_item call=(func_call names=f))] "
         "alias=(alias name=\"t\") columns=[(column_def name=\"a\" type=(type_name "
         "names=pg_catalog.int4))])"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "SELECT FROM %s", cases[i].text);
        struct parse_case one = {text, cases[i].expected};
        check_cases(&one, 1, "(select from=[", "])");
    }
}

static void test_query_errors(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT FROM (SELECT 1)", "42601 13 subquery in FROM must have an alias"},
        {"SELECT FROM (VALUES (1))", "42601 13 VALUES in FROM must have an alias"},
        {"(SELECT 1 ORDER BY 1) ORDER BY 2", "42601 32 multiple ORDER BY clauses not allowed"},
        {"(SELECT 1 LIMIT 1) LIMIT 2", "42601 26 multiple LIMIT clauses not allowed"},
        {"SELECT 1 LIMIT 1, 2", "42601 10 LIMIT #,# syntax is not supported"},
        {"SELECT 1 FETCH FIRST ROW WITH TIES",
         "42601 0 WITH TIES cannot be specified without ORDER BY clause"},
        {"SELECT a.*.b", "42601 13 improper use of \"*\" at end of input"},
        {"SELECT FROM a.b.c.d",
         "42601 13 improper qualified name (too many dotted names): a.b.c.d"},
        {"SELECT f() OVER (ROWS UNBOUNDED FOLLOWING)",
         "42P20 23 frame start cannot be UNBOUNDED FOLLOWING"},
        {"SELECT p() WITHIN GROUP (ORDER BY a) FROM t GROUP",
         "42601 50 syntax error at end of input"},
        {"SELECT a::float(54)", "22023 17 precision for type float must be less than 54 bits"},
        {"INSERT INTO t VALUES (1,)", "42601 25 syntax error at or near \")\""},
        {"SELEC 1", "42601 1 syntax error at or near \"SELEC\""},
        {"SELECT * FORM t", "42601 10 syntax error at or near \"FORM\""},
        {"UPDATE t SET WHERE a", "42601 14 syntax error at or near \"WHERE\""},
        {"CREATE TABLE t (a int,)", "42601 23 syntax error at or near \")\""},
    };
    CHECK_CASES(cases, "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),   cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_clauses),      cmocka_unit_test(test_from),
        cmocka_unit_test(test_query_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
