#!/bin/bash
# Rounds of killing everything under TPC-B and starting again: the sums are equal each time, and what
# clients were told is committed is there.
#
#   tpcb_crash.sh BUILD [ROUNDS] [CLIENTS] [SCALE]       (the campaign: 50 16 5)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
ROUNDS=${2:-3} CLIENTS=${3:-8} SCALE=${4:-1}
ACKED=$BUILD/tests/acked
fresh
start
tpcb_init "$SCALE"
for round in $(seq "$ROUNDS"); do
    "$PGBENCH" -n -M prepared -c "$CLIENTS" -j 2 -T 600 >"$DIR/run.log" 2>&1 &
    bench=$!
    "$ACKED" run "$(conninfo)" 4 "$DIR/acked.txt" 2>/dev/null &
    acked=$!
    sleep "1.$((RANDOM % 10))"
    kill_everything
    wait $bench $acked 2>/dev/null
    start
    tpcb_check
    "$ACKED" check "$(conninfo)" "$DIR/acked.txt" || fail "round $round: commits were lost"
done
echo "$ROUNDS rounds"
