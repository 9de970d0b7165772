#!/bin/bash
# pg_dump of schema.sql, in both formats; what it wrote makes a database whose dump is the same. Where
# PostgreSQL 15 is installed and a user of its name is there, the dump also goes into it and back.
here=$(dirname "$0")
work=$TMP_CLIENT
fail() {
    echo "$*" >&2
    exit 1
}
new() { psql -X -q -d postgres -c "CREATE DATABASE $1" || fail "CREATE DATABASE $1"; }
# The version of the server and psql's keys differ from run to run.
dump() { pg_dump -d "$1" | grep -vE '^-- Dumped from|^\\(un)?restrict '; }
load() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" >/dev/null; }

new clients_a
load clients_a <"$here/schema.sql" || fail "schema.sql"
dump clients_a >"$work/a.sql" || fail "pg_dump"
grep -q '^COPY shop.customer' "$work/a.sql" || fail "the dump has no rows"

new clients_b
load clients_b <"$work/a.sql" || fail "restoring the plain dump"
dump clients_b >"$work/b.sql"
diff -u "$work/a.sql" "$work/b.sql" || fail "the dump of what was restored is another one"

new clients_c
pg_dump -Fc -d clients_a -f "$work/a.dump" || fail "pg_dump -Fc"
pg_restore --exit-on-error -d clients_c "$work/a.dump" || fail "pg_restore"
dump clients_c >"$work/c.sql"
diff -u "$work/a.sql" "$work/c.sql" || fail "the dump of what pg_restore restored is another one"
new clients_j
pg_dump -Fd -j 2 -d clients_a -f "$work/a.dir" || fail "pg_dump -j 2"
pg_restore --exit-on-error -j 2 -d clients_j "$work/a.dir" || fail "pg_restore -j 2"
dump clients_j >"$work/j.sql"
diff -u "$work/a.sql" "$work/j.sql" || fail "the dump of what pg_restore -j 2 restored is another one"
pg_restore -l "$work/a.dump" | grep -q 'VIEW shop order_total postgres' || fail "pg_restore -l"

new clients_d
pg_dump --inserts --schema-only -d clients_a | load clients_d || fail "restoring --schema-only"
pg_dump --column-inserts --data-only -d clients_a >"$work/data.sql" || fail "--data-only"
{ echo 'SET session_replication_role = replica;'; cat "$work/data.sql"; } | load clients_d ||
    fail "restoring --column-inserts"
pg_dumpall --globals-only >"$work/globals.sql" || fail "pg_dumpall --globals-only"

bin=/usr/lib/postgresql/15/bin
[ -x $bin/initdb ] && id postgres >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || exit 0
pg=$work/pg
chmod 711 "$work"
mkdir "$pg" && chown postgres "$pg"
as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
as_postgres $bin/initdb -D "$pg/data" -A trust -N -E UTF8 --locale=C >"$work/initdb.log" 2>&1 || fail "initdb"
as_postgres $bin/pg_ctl -D "$pg/data" -w -l "$pg/log" -o "-k $pg -p 5432 -F -c listen_addresses=" start >/dev/null ||
    fail "PostgreSQL does not start"
trap 'as_postgres $bin/pg_ctl -D "$pg/data" -m immediate stop >/dev/null' EXIT
theirs() { PGHOST=$pg PGPORT=5432 "$@"; }
theirs load postgres <"$work/a.sql" || fail "restoring into PostgreSQL"
theirs dump postgres >"$work/theirs.sql"
grep -E '^(COPY|[0-9]|Anna|A1)' "$work/a.sql" >"$work/a.rows"
grep -E '^(COPY|[0-9]|Anna|A1)' "$work/theirs.sql" >"$work/theirs.rows"
diff -u "$work/a.rows" "$work/theirs.rows" || fail "PostgreSQL has other rows than we"
new clients_e
load clients_e <"$work/theirs.sql" || fail "restoring PostgreSQL's dump"
dump clients_e >"$work/e.sql"
grep -E '^(COPY|[0-9]|Anna|A1)' "$work/e.sql" | diff -u "$work/a.rows" - || fail "other rows after PostgreSQL"
