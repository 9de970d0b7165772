#!/bin/bash
# Databases: made afresh and as copies, apart from one another, dropped, and found again after deaths and a start.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
fresh
start --workers 2
ask() { psql -XAtq -h 127.0.0.1 -p "$PORT" -U postgres -d "$1" -c "$2" 2>&1; }
is() { # database, statement, answer
    local answer
    answer=$(ask "$1" "$2")
    [ "$answer" = "$3" ] || fail "$1: $2: \"$answer\" instead of \"$3\""
}
is postgres 'create database one' ''
is postgres 'create database one' 'ERROR:  database "one" already exists'
is one 'create table t (a serial primary key, b text unique); create view v as select count(*) from t' ''
is one "insert into t (b) select md5(g::text) from generate_series(1, 3000) g" ''
is postgres 'select count(*) from t' 'ERROR:  relation "t" does not exist
LINE 1: select count(*) from t
                             ^'
is postgres 'create database two template one' ''
is two 'select count(*), min(b) from t' '3000|0004d0b59e19461ff126e3a08a814c33'
is two "insert into t (b) values ('x') returning a" 3001
is two 'select a from t where b = '"'x'" 3001
is one 'select * from v' 3000
is two 'select * from v' 3001
is postgres "select datname from pg_database where not datistemplate order by 1" 'one
postgres
two'

kill_name queryd.0
kill_name queryd.1
is two 'select * from v' 3001
"$AXL" stop --immediate -D "$DIR" >/dev/null || fail "stop"
start --workers 2
is two 'select * from v' 3001
is one 'select count(*) from t' 3000

# A copy's relations have the numbers of the others', and are locked for themselves.
psql -XAtq -h 127.0.0.1 -p "$PORT" -U postgres -d one -c 'begin; lock table t; select pg_sleep(20)' >/dev/null 2>&1 &
held=$!
sleep 0.3
is one "set lock_timeout = '100ms'; select count(*) from t" 'ERROR:  canceling statement due to lock timeout'
is two "set lock_timeout = '5s'; select count(*) from t" 3001
kill $held
wait $held 2>/dev/null

is two 'drop database two' 'ERROR:  cannot drop the currently open database'
is postgres 'drop database template1' 'ERROR:  cannot drop a template database'
psql -XAtq -h 127.0.0.1 -p "$PORT" -U postgres -d two -c 'select pg_sleep(20)' >/dev/null 2>&1 &
held=$!
sleep 0.5
is postgres 'drop database two' 'ERROR:  database "two" is being accessed by other users
DETAIL:  There is 1 other session using the database.'
kill $held
for _ in $(seq 40); do
    [ -z "$(ask postgres 'drop database two')" ] && break
    sleep 0.1
done
is postgres 'drop database one' ''
is postgres 'drop database one' 'ERROR:  database "one" does not exist'
is postgres 'select count(*) from pg_database where not datistemplate' 1
stop_now
