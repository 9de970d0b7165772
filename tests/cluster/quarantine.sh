#!/bin/bash
# A statement that ends its worker three times is refused, others go on, and a release lets it run
# again. The events tell the story: death, blame, repair, service.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
fresh
start --workers 2 --pool 16MB --set fault_points=on
sql() { psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt -c "$1" 2>&1; }
sql 'create table t (a int primary key, b int); insert into t values (1, 2)' >/dev/null || fail "create"

"$AXL" fault nowhere abort -D "$DIR" 2>/dev/null && fail "a strange fault point was taken"
for i in 1 2 3; do
    "$AXL" fault statement abort -D "$DIR" || fail "arm"
    sql "select b from t where a = $i" >/dev/null # its session may survive that, or not
    for _ in $(seq 100); do
        [ "$("$AXL" events --json -n 200 -D "$DIR" | grep -c '"kind":"service"')" -ge "$i" ] && break
        sleep 0.1
    done
done
sql 'select b from t where a = 77' | grep -q 'in quarantine: it has ended its worker 3 times' ||
    fail "not refused"
[ "$(sql 'select b + 1 from t where a = 1')" = 3 ] || fail "another statement"
[ "$(sql 'begin; select b from t; commit')" = 2 ] || fail "a transaction"
# the same text, prepared, is another statement: it has literals of its own
[ "$(psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt <<< 'prepare p as select b from t where a = $1; execute p(1);')" = 2 ] ||
    fail "a prepared statement"
fingerprint=$("$AXL" quarantine list --json -D "$DIR" | python3 -c 'import json, sys
q = json.load(sys.stdin)
assert len(q) == 1 and q[0]["refused"] and q[0]["deaths"] == 3 and "from t where" in q[0]["statement"], q
print(q[0]["fingerprint"])') || fail "list"
"$AXL" quarantine release 1234 -D "$DIR" 2>/dev/null && fail "released what is not there"
"$AXL" quarantine release "$fingerprint" -D "$DIR" >/dev/null || fail "release"
[ "$(sql 'select b from t where a = 1')" = 2 ] || fail "after the release"

# killed from outside: nobody is to blame
"$AXL" fault statement kill -D "$DIR"
sql "select b from t where a = 1" >/dev/null
kill_name storaged
sleep 0.5
wait_ready storaged
"$AXL" events --json -n 200 -D "$DIR" | python3 -c '
import json, sys
events = [json.loads(line) for line in sys.stdin]
assert [e["number"] for e in events] == list(range(len(events))), "numbers"
kinds = [e["kind"] for e in events]
assert kinds[:2] == ["started", "serving"], kinds
died = [e for e in events if e["kind"] == "died"]
assert [e["exit"] for e in died] == ["signal 6"] * 3 + ["signal 9"] * 2, died
for d in died:
    after = [e for e in events if e["number"] > d["number"] and e["process"] == d["process"]]
    repaired = next(e for e in after if e["kind"] == "repaired")
    service = next(e for e in after if e["kind"] == "service")
    assert repaired["epoch"] == d["epoch"] and service["epoch"] == d["epoch"] + 1
    assert service["number"] > repaired["number"] and service["service_us"] > 0
    assert d["process"] == "storaged" or repaired["sessions"] >= 1, repaired
assert kinds.count("blamed") == 2 and kinds.count("quarantined") == 1 and kinds.count("released") == 1, kinds
assert died[2]["number"] < kinds.index("quarantined") < kinds.index("released")
' || fail "the events"
"$AXL" status --json -D "$DIR" | python3 -c 'import json, sys
assert len(json.load(sys.stdin)["events"]) == 10' || fail "events in the status"
"$AXL" status -D "$DIR" | grep -q 'storaged (epoch 2) is ready' || fail "events for people"
# who follows sees the end
"$AXL" events --follow -n 0 -D "$DIR" > "$DIR/followed" &
follower=$!
sleep 0.3
stop_now
wait $follower
grep -q 'stopped$' "$DIR/followed" || fail "follow: $(cat "$DIR/followed")"
start --workers 1 --pool 16MB
"$AXL" fault statement kill -D "$DIR" 2>/dev/null && fail "fault points without the setting"
echo "quarantine: passed, statement $fingerprint"
