#!/bin/bash
# TPC-B while storaged, logd and txnd are killed in turn: no client loses its connection, no transaction
# fails, the sums are equal, status shows the restarts.
#
#   tpcb_daemons.sh BUILD [SECONDS] [CLIENTS] [PAUSE] [SCALE]       (the campaign: 60 64 3 10)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
SECS=${2:-12} CLIENTS=${3:-16} PAUSE=${4:-2} SCALE=${5:-2}
fresh
start
tpcb_init "$SCALE"
"$PGBENCH" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECS" >"$DIR/run.log" 2>&1 &
bench=$!
deaths=0
while kill -0 $bench 2>/dev/null; do
    for name in storaged logd txnd; do
        sleep "$PAUSE"
        kill -0 $bench 2>/dev/null || break
        kill_name $name
        deaths=$((deaths + 1))
        wait_ready $name
    done
done
wait $bench || fail "pgbench: $(tail -5 "$DIR/run.log")"
tpcb_errors "$DIR/run.log" && fail "clients were disturbed"
grep -E '^(tps|number of transactions actually)' "$DIR/run.log"
tpcb_check
restarts=0
for name in storaged logd txnd; do restarts=$((restarts + $(field $name restarts))); done
[ "$restarts" -ge "$deaths" ] || fail "status shows $restarts restarts of $deaths deaths"
echo "$deaths deaths, $restarts restarts"
