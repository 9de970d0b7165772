# lib.sh: what the tests of a whole appliance share. Source it with the build folder as $1.
#
#   fresh [OPTION…]  a new appliance in $DIR (nothing started), removed at the end of the script
#   start [args]     axl start; stop_now ends it
#   field NAME KEY   a field of a process from axl status --json
#   pid_of NAME      its pid
#   kill_name NAME   SIGKILL to it, by its pid in the status
#   kill_keepers     SIGKILL to guardian and supervisor at once
#   kill_everything  SIGKILL to all at once; returns when they are gone
#   wait_ready NAME  until it is ready again (20 s)
#   fail WORDS       ends the test, with the processes' log files
set -u
BUILD=$1
BIN=${BIN:-$BUILD/bin}
AXL=$BIN/axl
DIR=
# Not one of those of which the kernel takes the ports of outgoing connections (tests/harness/ports.py).
PORT=${PORT:-$((10000 + $$ % 20000))}

fail() {
    echo "FAILED: $*" >&2
    if [ -n "$DIR" ]; then "$AXL" status -D "$DIR" >&2; "$AXL" logs -n 30 -D "$DIR" >&2; fi
    exit 1
}

at_end() {
    status=$?
    trap - EXIT
    if [ -n "$DIR" ]; then
        # What passed ends in order (and so writes its counts in a coverage build).
        [ $status -eq 0 ] && "$AXL" stop -D "$DIR" >/dev/null 2>&1 ||
            "$AXL" stop --immediate -D "$DIR" >/dev/null 2>&1
        [ $status -eq 0 ] && rm -rf "$DIR"
        [ $status -ne 0 ] && echo "the appliance's directory is left in $DIR" >&2
    fi
    exit $status
}
trap at_end EXIT

fresh() {
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/axl_cluster.XXXXXX")
    rmdir "$DIR"
    "$AXL" init -D "$DIR" "$@" >/dev/null || fail "init"
}

start() { "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" "$@" >/dev/null || fail "start"; }
stop_now() { "$AXL" stop -D "$DIR" >/dev/null || fail "stop"; }

field() {
    "$AXL" status --json -D "$DIR" |
        python3 -c 'import json, sys
d = json.load(sys.stdin)
p = [p for p in d["processes"] if p["name"] == sys.argv[1]]
print(p[0][sys.argv[2]] if p else "")' "$1" "$2"
}
pid_of() { field "$1" pid; }
kill_name() { kill -9 "$(pid_of "$1")" || fail "no process $1 to kill"; }

# Both at once: neither has the time to bring the other back.
kill_keepers() {
    local guardian supervisor
    guardian=$(pid_of guardian) supervisor=$(pid_of supervisor)
    kill -STOP "$guardian" "$supervisor" && kill -9 "$supervisor" "$guardian" || fail "no guardian and supervisor to kill"
}

# Everything at once: stopped first, the guardian before all others, so that nobody sees them die; but the
# guardian dies last, because the kernel lets stopped orphans go on.
kill_everything() {
    local pids
    pids=$("$AXL" status --json -D "$DIR" | python3 -c '
import json, sys
print(*[p["pid"] for p in json.load(sys.stdin)["processes"] if p["pid"]])')
    kill -STOP ${pids##* } $pids && kill -9 $pids || fail "nothing to kill"
    wait_gone $pids
}

# Until none of these processes runs: who starts the appliance while one is still dying finds its memory, and
# goes on with that.
wait_gone() {
    local pid state
    for pid; do
        for _ in $(seq 2000); do
            state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
            case $state in '' | Z* | X*) continue 2 ;; esac
            sleep 0.005
        done
        fail "process $pid does not die"
    done
}

wait_ready() {
    for _ in $(seq 400); do
        [ "$(field "$1" state)" = ready ] && return 0
        sleep 0.05
    done
    fail "$1 is not ready again"
}

wait_verdict() {
    grep -q '^good ' "$DIR/stand_in.verdict" || fail "verdict: $(cat "$DIR/stand_in.verdict")"
}
