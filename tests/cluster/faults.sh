#!/bin/bash
# Every fault point is reached, and a process that dies there leaves everything right: each
# transaction has changed one balance by one and left one row of history, or done neither.
. "$(dirname "$0")/lib.sh"
command -v pgbench >/dev/null || exit 77
rounds=${2:-1}
fresh
start --workers 2 --pool 1MB --set fault_points=on --set checkpoint_interval=1s
export PGHOST=127.0.0.1 PGPORT=$PORT PGUSER=postgres PGDATABASE=postgres
pgbench -i -s 1 -q >/dev/null 2>&1 || fail "pgbench -i"
cat > "$DIR/load.sql" <<'SQL'
\set a random(1, 100000)
begin;
update pgbench_accounts set abalance = abalance + 1 where aid = :a;
savepoint x;
insert into pgbench_history values (1, 1, :a, 1, now(), 'x');
rollback to x;
insert into pgbench_history values (1, 1, :a, 1, now(), 'x');
commit;
SQL
deaths() { "$AXL" events --json -n 256 -D "$DIR" | grep '"kind":"died"' | tail -1; }

# Points of the supervisor need another test, and a session is taken up only after a death.
points=$("$AXL" fault -D "$DIR" | awk '$1 !~ /^(take_up|repair|repaired|spawned)$/ {print $1}')
[ "$(echo "$points" | wc -w)" -ge 16 ] || fail "points: $points"
for round in $(seq "$rounds"); do
    for point in $points; do
        before=$(deaths)
        "$AXL" fault "$point" kill --after $((RANDOM % 8)) -D "$DIR" || fail "arm $point"
        for _ in $(seq 100); do
            pgbench -n -c 2 -T 1 -f "$DIR/load.sql" >/dev/null 2>&1 & bench=$!
            for _ in $(seq 20); do
                [ "$(deaths)" != "$before" ] && break
                sleep 0.05
            done
            kill $bench 2>/dev/null
            wait $bench 2>/dev/null
            [ "$(deaths)" != "$before" ] && break
        done
        [ "$(deaths)" != "$before" ] || fail "$point was never reached"
        for _ in $(seq 200); do
            "$AXL" status -D "$DIR" >/dev/null && break
            sleep 0.05
        done
        sums=$(psql -qAt -c 'select sum(abalance) = (select count(*) from pgbench_history) from pgbench_accounts' 2>&1)
        [ "$sums" = t ] || fail "after $point: $sums"
    done
done
echo "faults: passed, $(echo "$points" | wc -w) points, $(psql -qAt -c 'select count(*) from pgbench_history') transactions"
