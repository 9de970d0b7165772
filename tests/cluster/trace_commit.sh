#!/bin/bash
# axl trace commit, attached to an appliance under load: it sees every commit that the stand-in notes,
# through the death of logd and of a worker too, and its phases add up.
TRACE=$1/bin/axl_trace_commit
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
[ -x "$TRACE" ] || { echo "skipped: axl trace is not built (clang, bpftool, libbpf)"; exit 77; }
export AXL_STAND_IN=load
fresh
"$AXL" trace commit -D "$DIR" --seconds 1 --programs "$1/bin" 2>/dev/null && fail "traced what does not run"
start --workers 2 --pool 16MB

acked() { cat "$DIR"/stand_in.acked.* | wc -c | awk '{print int($1 / 22)}'; } # 22: a history key

# One trace of $1 seconds into $DIR/trace.json; sets `made` to the commits noted meanwhile.
trace() {
    local before tracer
    "$AXL" trace commit -D "$DIR" --seconds "$1" --json --programs "${TRACE%/*}" \
        >"$DIR/trace.json" 2>"$DIR/trace.err" &
    tracer=$!
    for _ in $(seq 200); do
        grep -q '^watching' "$DIR/trace.err" && break
        kill -0 $tracer 2>/dev/null || break
        sleep 0.05
    done
    before=$(acked)
    shift
    "$@"
    made=$(($(acked) - before)) # all of it while it watches
    wait $tracer
    local how=$?
    if [ $how = 77 ]; then
        echo "skipped: $(cat "$DIR/trace.err")"
        exit 77
    fi
    [ $how = 0 ] || fail "axl trace commit: $(cat "$DIR/trace.err")"
}

# Nothing lost, nothing invented: at least the commits noted meanwhile, and as many as the counters say
# but for the commits under way (16 sessions) at either end; the phases are those of the whole.
trace 3 sleep 2
[ "$made" -gt 100 ] || fail "only $made commits made"
python3 - "$DIR/trace.json" "$made" <<'END' || fail "$(cat "$DIR/trace.json")"
import json, sys
t, made = json.load(open(sys.argv[1])), int(sys.argv[2])
p = t["phases"]
assert t["processes"] == 3, "processes"
assert t["commits"] >= made, f"saw {t['commits']} of {made}"
assert abs(t["commits"] - t["commits_counted"]) <= 32, "counters"
assert t["commits_failed"] == 0 and t["commits_without_change"] == 0, "failures"
assert t["commits"] - 32 <= p["commit"]["count"] <= t["commits"], "commits without phases"
waited = p["commit"]["count"] - t["commits_not_waited"] - t["commits_of_unseen_write"]
assert t["commits_of_unseen_write"] <= 32, "writes not seen"
for name in ("flush_wait", "flush", "wake_up"):
    assert p[name]["count"] == waited > 100, name
for name, h in p.items():
    assert h["count"] == sum(s["count"] for s in h["histogram"]), name
    assert all(s["from_us"] < s["below_us"] for s in h["histogram"]), name
parts = sum(p[n]["sum_us"] for n in ("log_insert", "flush_wait", "flush", "wake_up", "end"))
whole = p["commit"]["sum_us"]
assert abs(parts - whole) <= 0.02 * whole, f"the phases take {parts} us, the whole {whole}"
assert abs(p["statement"]["count"] - t["commits"]) <= 64 and p["statement"]["mean_us"] > 1, "statements"
assert 0 < p["log_write"]["count"] <= t["commits"] + 100, "writes"
END
first=$made

# Those who die and come again are followed.
deaths() {
    sleep 0.5
    kill_name logd
    kill_name queryd.1
    sleep 1
    wait_ready logd
    wait_ready queryd.1
}
trace 6 deaths
python3 - "$DIR/trace.json" <<'END' || fail "$(cat "$DIR/trace.json")"
import json, sys
t = json.load(open(sys.argv[1]))
assert t["processes"] == 3, "not followed"
# what a new life does in its first 50 ms (and a little for the machine) is not seen
assert t["commits"] > 0.8 * t["commits_counted"] and t["commits"] > 100, "too few after the deaths"
assert t["phases"]["flush"]["count"] > 0.8 * t["commits"], "too few flushes after the deaths"
END
# an interrupt ends it with what it has
"$TRACE" -D "$DIR" >"$DIR/trace.txt" 2>&1 &
tracer=$!
sleep 2
kill -INT $tracer
wait $tracer || fail "interrupted: $(cat "$DIR/trace.txt")"
grep -q '^wake-up' "$DIR/trace.txt" || fail "no table: $(cat "$DIR/trace.txt")"
echo "trace_commit: passed, $first commits noted while it watched"
