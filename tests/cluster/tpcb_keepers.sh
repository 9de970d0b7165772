#!/bin/bash
# TPC-B while those that keep the others die, hang, or both do at once: no client is disturbed, the rest is
# adopted as it is, what died meanwhile is repaired, and whatever is stopped is soon seen as hung.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
ROUNDS=${2:-1} CLIENTS=${3:-8}
SEEN_MS_MAX=${SEEN_MS_MAX:-1000} # of a stopped process; about 50 where nobody else wants the processors
fresh
start --workers 2
tpcb_init 1

now_ms() { echo $(($(date +%s%N) / 1000000)); }
lives() { for n in "$@"; do echo "$n=$(pid_of "$n")"; done; }
# Does something to processes, waits until each is ready in a new life, says after how many milliseconds.
again() { # signal name...
    local signal=$1 name before pids=() begin
    shift
    before=$(lives "$@")
    for name in "$@"; do pids+=("$(echo "$before" | sed -n "s/^$name=//p")"); done
    begin=$(now_ms)
    kill -"$signal" "${pids[@]}" || fail "no process to send $signal to: $before"
    for name in "$@"; do
        for _ in $(seq 1000); do
            read -r pid state <<<"$("$AXL" status -D "$DIR" | awk -v n="$name" '$1 == n {print $2, $3}')"
            [ "$state" = ready ] && ! grep -q "^$name=$pid\$" <<<"$before" && break
            sleep 0.01
        done
        [ "$state" = ready ] && ! grep -q "^$name=$pid\$" <<<"$before" || fail "$signal: $name is not followed by another"
    done
    took=$(($(now_ms) - begin))
    echo "$signal $*: ready after $took ms"
}
adopted() { [ "$(lives "${rest[@]}")" = "$1" ] || fail "the rest was not left as it was: $1, now $(lives "${rest[@]}")"; }

"$PGBENCH" -n -M prepared -c "$CLIENTS" -j 2 -T 3600 >"$DIR/run.log" 2>&1 &
bench=$!
sleep 1
rest=(storaged logd txnd queryd.0 queryd.1)
for _ in $(seq "$ROUNDS"); do
    before=$(lives "${rest[@]}")
    again KILL supervisor
    again STOP supervisor
    again KILL guardian
    again STOP guardian
    again KILL supervisor
    adopted "$before"

    # both at once: what lives goes on, and start finds it
    restarts=$(field supervisor restarts)
    kill_keepers
    sleep 0.5
    begin=$(now_ms)
    "$AXL" start -D "$DIR" --programs "$BIN" >/dev/null || fail "start"
    echo "start adopts after $(($(now_ms) - begin)) ms"
    adopted "$before"
    [ "$(field supervisor restarts)" -gt "$restarts" ] || fail "restarts begin anew"

    # what dies together with the supervisor is repaired by the next one
    again KILL supervisor queryd.1
    again KILL supervisor queryd.0 txnd
    again KILL supervisor storaged logd
    again KILL supervisor "${rest[@]}" # everything but the guardian: what is in memory goes on
    for name in "${rest[@]}"; do
        again STOP "$name"
        [ "$took" -lt "$SEEN_MS_MAX" ] || fail "that $name is stopped was seen after $took ms"
    done
done
kill -0 $bench || fail "pgbench has ended too early: $(tail -5 "$DIR/run.log")"
kill $bench
wait $bench 2>/dev/null
tpcb_errors "$DIR/run.log" && fail "clients were disturbed: $(cat "$DIR/run.log")"
tpcb_check
"$AXL" status -D "$DIR"
