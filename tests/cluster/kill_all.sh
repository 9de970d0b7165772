#!/bin/bash
# Everything is killed at once under load, and started again: each time all that was acknowledged is
# there, and nothing is there by halves.
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-10}
export AXL_STAND_IN=load
fresh
for round in $(seq "$ROUNDS"); do
    start --workers 2 --pool 4MB
    [ "$round" -gt 1 ] && wait_verdict
    sleep "0.$((RANDOM % 9 + 1))"
    kill_everything
done
start --workers 1 --pool 4MB
wait_verdict
echo "kill_all: passed, $ROUNDS rounds; $(cat "$DIR/stand_in.verdict")"
