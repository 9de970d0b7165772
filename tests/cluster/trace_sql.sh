#!/bin/bash
# axl trace commit and real clients: of every kind of statement that commits, the number seen is the number
# made; reading and rolling back are not commits.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
[ -x "$BIN/axl_trace_commit" ] || { echo "skipped: axl trace is not built (clang, bpftool, libbpf)"; exit 77; }
fresh
start --workers 2
sql 'CREATE TABLE t (a int PRIMARY KEY, b int)' || fail "create"
sql 'INSERT INTO t VALUES (0, 0)' || fail "insert"

work() {
    local i
    {
        for i in $(seq 1 150); do echo "INSERT INTO t VALUES ($i, 0);"; done
        for i in $(seq 1 50); do echo "BEGIN; UPDATE t SET b = b + 1 WHERE a = $i; UPDATE t SET b = b + 1 WHERE a = 0; COMMIT;"; done
        for i in $(seq 1 20); do echo "BEGIN; DELETE FROM t WHERE a = $i; ROLLBACK;"; done
        for i in $(seq 1 100); do echo "SELECT b FROM t WHERE a = $i;"; done
    } >"$DIR/work.sql"
    psql -Xq -v ON_ERROR_STOP=1 -f "$DIR/work.sql" >/dev/null || fail "psql"
    # the extended protocol, by two clients: each transaction commits once
    echo 'UPDATE t SET b = b + 1 WHERE a = :client_id + 1;' >"$DIR/bench.sql"
    "$PGBENCH" -n -M prepared -f "$DIR/bench.sql" -c 2 -t 100 >"$DIR/bench.log" 2>&1 || fail "pgbench: $(cat "$DIR/bench.log")"
}

"$AXL" trace commit -D "$DIR" --json >"$DIR/trace.json" 2>"$DIR/trace.err" &
tracer=$!
for _ in $(seq 200); do
    grep -q '^watching' "$DIR/trace.err" && break
    kill -0 $tracer 2>/dev/null || break
    sleep 0.05
done
if ! kill -0 $tracer 2>/dev/null; then
    wait $tracer
    [ $? = 77 ] || fail "axl trace commit: $(cat "$DIR/trace.err")"
    echo "skipped: $(cat "$DIR/trace.err")"
    exit 77
fi
work
sleep 0.2
kill -INT $tracer
wait $tracer || fail "axl trace commit: $(cat "$DIR/trace.err")"
python3 - "$DIR/trace.json" <<'END' || fail "$(cat "$DIR/trace.json")"
import json, sys
t = json.load(open(sys.argv[1]))
p = t["phases"]
MADE = 150 + 50 + 200
assert t["commits"] == t["commits_counted"] == MADE, f"{t['commits']} seen, {t['commits_counted']} counted, {MADE} made"
assert p["commit"]["count"] == p["log_insert"]["count"] == MADE, "phases"
assert p["flush"]["count"] + t["commits_not_waited"] == MADE and t["commits_not_waited"] < MADE / 10, "flushes"
assert t["commits_failed"] == 0, "failed"
assert p["statement"]["count"] >= 150 + 4 * 50 + 3 * 20 + 100 + 200, "statements"
END
echo "trace_sql: passed"
