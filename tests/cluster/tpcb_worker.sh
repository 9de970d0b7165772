#!/bin/bash
# A worker dies under TPC-B: its clients lose their connections, all others go on, its transactions are
# undone, the sums are equal.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
ROUNDS=${2:-4}
fresh
start --workers 2
tpcb_init 1
for round in $(seq "$ROUNDS"); do
    "$PGBENCH" -n -M prepared -c 8 -j 2 -T 4 >"$DIR/run.log" 2>&1 &
    bench=$!
    sleep 1.5
    kill_name "queryd.$((round % 2))"
    wait_ready "queryd.$((round % 2))"
    wait $bench
    grep -q '^tps' "$DIR/run.log" || fail "no client went on: $(tail -3 "$DIR/run.log")"
    tpcb_check
done
