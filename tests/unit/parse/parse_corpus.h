/* Statements of many kinds, as clients and tools send them: what the limits' tests start from. */
#ifndef PARSE_CORPUS_H
#define PARSE_CORPUS_H

static const char *const parse_corpus[] = {
    "SELECT abalance FROM pgbench_accounts WHERE aid = 17",
    "UPDATE pgbench_accounts SET abalance = abalance + -5 WHERE aid = $1",
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, "
    "CURRENT_TIMESTAMP)",
    "create table pgbench_tellers(tid int not null,bid int,tbalance int,filler char(84)) with "
    "(fillfactor=100)",
    "alter table pgbench_branches add primary key (bid)",
    "copy pgbench_accounts from stdin with (freeze on)",
    "vacuum analyze pgbench_branches",
    "SELECT n.nspname AS \"Schema\", c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN "
    "'view' END, pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c LEFT JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','') AND "
    "n.nspname !~ '^pg_toast' AND c.relname OPERATOR(pg_catalog.~) '^(t)$' COLLATE "
    "pg_catalog.default "
    "ORDER BY 1,2",
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT "
    "pg_catalog.pg_get_expr("
    "d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND "
    "a.atthasdef), a.attidentity FROM pg_catalog.pg_attribute a WHERE a.attrelid = '16384' AND "
    "a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    "SET statement_timeout = 0; SET client_encoding = 'UTF8'; SELECT "
    "pg_catalog.set_config('search_path', "
    "'', false)",
    "BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH ALL c; COMMIT",
    "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM t WHERE n < 100) SELECT sum(n) "
    "FROM t",
    "SELECT sum(x) OVER (PARTITION BY y ORDER BY z ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM "
    "t "
    "WINDOW w AS (ORDER BY a NULLS FIRST)",
    "SELECT E'\\u00e9\\x41', U&'\\0041', $q$a$b$q$, B'01', X'ff', 1.5e3, (ARRAY[1,2])[1:2], "
    "(a).b.*",
    "SELECT * FROM a NATURAL JOIN b, LATERAL f(a.x) WITH ORDINALITY AS g(y, n) FOR UPDATE SKIP "
    "LOCKED",
    "INSERT INTO t SELECT * FROM u ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *",
    "CREATE TABLE s.t (a bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text COLLATE \"C\" "
    "CHECK (b "
    "<> ''), c int REFERENCES u ON DELETE CASCADE, UNIQUE (b) INCLUDE (c))",
    "ALTER TABLE t ADD COLUMN c int DEFAULT 0, ALTER b TYPE text USING b::text, DROP CONSTRAINT k "
    "CASCADE",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING btree (lower(a) DESC) WHERE b IS "
    "NULL",
    "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO PUBLIC",
    "CREATE OR REPLACE VIEW v AS SELECT DISTINCT ON (a) a, b FROM t GROUP BY GROUPING SETS ((a), "
    "CUBE (b))",
    "EXPLAIN (ANALYZE, BUFFERS) SELECT 1 LIMIT 10 OFFSET 5",
    "CREATE FUNCTION f(a int, OUT b text) RETURNS SETOF record LANGUAGE sql AS $$ SELECT 1 $$",
    "SELECT * FROM t AS OF SYSTEM TIME '-10s' WHERE a BETWEEN SYMMETRIC 1 AND 2 OR b NOT LIKE 'x' "
    "ESCAPE '!'",
    "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
};

#define PARSE_CORPUS_COUNT (sizeof parse_corpus / sizeof parse_corpus[0])

#endif
