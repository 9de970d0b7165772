-- Commands that need one session: variables, what queries make, cross tables, errors, COPY by the client.
\set ON_ERROR_STOP off
SELECT 3 AS x, 'y' AS w \gset got_
\echo :got_x :got_w
SELECT format('SELECT %s * 2 AS twice', i) FROM generate_series(1, 3) i \gexec
SELECT * FROM (VALUES ('a', 'p', 1), ('a', 'q', 2), ('b', 'p', 3)) t(r, c, v) \crosstabview r c v
SELECT 1 / 0;
\errverbose
SELECT nosuch FROM plain;
\errverbose
\copy (SELECT i, 'row ' || i FROM generate_series(1, 3) i) TO STDOUT (FORMAT csv, HEADER)
\copy plain FROM STDIN (FORMAT csv)
101,one
102,"two, three"
\.
SELECT * FROM plain WHERE a > 100 ORDER BY a;
\copy plain (b) TO STDOUT WITH (DELIMITER '|')
\set AUTOCOMMIT off
DELETE FROM plain WHERE a > 100;
\echo :ROW_COUNT :SQLSTATE
ROLLBACK;
\set AUTOCOMMIT on
\set FETCH_COUNT 2
SELECT generate_series(1, 5) AS by_cursor;
\unset FETCH_COUNT
\x on
SELECT 1 AS a, 2 AS b;
\x off
\pset null NULL
SELECT NULL AS nothing;
\t on
SELECT 'tuples';
\t off
\a
SELECT 1 AS a, 2 AS b;
\lo_list
-- another session sees what this one saw
begin isolation level repeatable read;
select count(*) as before, pg_export_snapshot() as snapshot from shop.customer \gset
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv SNAPSHOT :snapshot
\! psql -X -qAt -d clients_psql -U postgres -c "insert into shop.customer (name, email) values ('Zoe', 'zoe@example.org')"
\! psql -X -qAt -d clients_psql -U postgres -c "begin isolation level repeatable read" -c "set transaction snapshot '$SNAPSHOT'" -c "select count(*) from shop.customer where name = 'Zoe'" -c "insert into shop.customer (name, email) values ('Zoe', 'zoe@example.net') returning name" -c "select count(*) from shop.customer where name = 'Zoe'"
\! psql -X -qAt -d clients_psql -U postgres -c "begin isolation level repeatable read" -c "select count(*) from shop.customer where name = 'Zoe'" -c "set transaction snapshot '$SNAPSHOT'"
\! psql -X -qAt -d clients_psql -U postgres -c "begin isolation level read committed" -c "set transaction snapshot '$SNAPSHOT'"
savepoint s;
select pg_export_snapshot();
rollback;
\! psql -X -qAt -d clients_psql -U postgres -c "begin isolation level repeatable read" -c "set transaction snapshot '$SNAPSHOT'" 2>&1 | sed "s/$SNAPSHOT/(gone)/"
delete from shop.customer where name = 'Zoe';
