#!/bin/bash
# storaged, logd, txnd and a worker are killed in turn under load: a new one takes over, nothing that
# was acknowledged is lost, and the worker that lives never sees an error.
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-5}
export AXL_STAND_IN=load
fresh
start --workers 2 --pool 16MB
kills=0
for round in $(seq "$ROUNDS"); do
    for name in logd txnd storaged queryd.1; do
        before=$(stat -c %s "$DIR/stand_in.acked.4" 2>/dev/null || echo 0)
        kill_name $name
        kills=$((kills + 1))
        sleep 0.3
        wait_ready $name
        for _ in $(seq 100); do
            now=$(stat -c %s "$DIR/stand_in.acked.4")
            [ "$now" -gt "$before" ] && break
            sleep 0.1
        done
        [ "$now" -gt "$before" ] || fail "no commits after the death of $name"
    done
done
[ "$(field queryd.0 restarts)" = 0 ] || fail "the worker that nobody killed died"
for name in logd txnd storaged queryd.1; do
    [ "$(field $name restarts)" = "$ROUNDS" ] || fail "restarts of $name: $(field $name restarts)"
done
stop_now
export AXL_STAND_IN=idle
start --workers 1 --pool 16MB
wait_verdict
echo "kill_daemons: passed, $kills kills; $(cat "$DIR/stand_in.verdict")"
