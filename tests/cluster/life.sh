#!/bin/bash
# The life of an appliance on the command line: what axl says and does, and its exit statuses.
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
export AXL_STAND_IN=idle
fresh
[ "$(stat -c %a "$DIR")" = 700 ] || fail "the directory's mode"
"$AXL" init -D "$DIR" 2>/dev/null && fail "a second init was not refused"
"$AXL" status -D "$DIR" >/dev/null; [ $? = 2 ] || fail "down is not told by 2"

# what is chosen once is told so, and is what was chosen
words=$("$AXL" start -D "$DIR" --set log_segment_size=1MB 2>&1) && fail "the log's files were to be smaller"
[[ $words == *"axl init --set log_segment_size=1MB"* ]] || fail "words about what is chosen once: $words"
(fresh --set log_segment_size=1MB
    [ "$(stat -c %s "$DIR/log/"* | sort -u)" = $((1 << 20)) ] || fail "the size of the log's files"
    rm -rf "$DIR") || exit 1

# wrong settings: line, name, range; nothing is started
echo 'port = 99999' >> "$DIR/axolotl.conf"
words=$("$AXL" start -D "$DIR" 2>&1) && fail "started with a wrong setting"
line=$(wc -l < "$DIR/axolotl.conf")
case $words in
    *"axolotl.conf:$line:"*port*"1 … 65535"*) ;;
    *) fail "words about a wrong setting: $words" ;;
esac
sed -i '$d' "$DIR/axolotl.conf"
echo 'max_connections = 50' >> "$DIR/axolotl.conf"

start --workers 2 --pool 16MB
wait_ready queryd.1 # one worker is enough to serve
"$AXL" status -D "$DIR" >/dev/null || fail "healthy is not told by 0"
"$AXL" start --programs "$BIN" -D "$DIR" | grep -q 'running already' || fail "a second start"
config=$("$AXL" config -D "$DIR")
echo "$config" | grep -qE "^port +$PORT +command line" || fail "config: port"
echo "$config" | grep -qE "^shared_buffers +16MB +command line" || fail "config: pool"
echo "$config" | grep -qE "^max_connections +50 +.*axolotl.conf:$line\$" || fail "config: file"
echo "$config" | grep -qE "^lock_timeout .* default" || fail "config: default"
"$AXL" status --json -D "$DIR" | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["health"] == "healthy" and d["port"] == int(sys.argv[1]), d
assert [p["name"] for p in d["processes"]] == ["supervisor", "storaged", "logd", "txnd", "queryd.0", "queryd.1", "guardian"]
for p in d["processes"]:
    assert p["state"] == "ready" and p["pid"] > 0 and p["epoch"] == 1 and p["restarts"] == 0, p
    assert p["last_exit"] is None and p["uptime_s"] >= 0 and 0 <= p["heartbeat_age_ms"] < 5000, p
assert d["pool"]["frames"] == 2048 and d["durable_lsn"] > 0 and d["active_transactions"] == 0, d
' "$PORT" || fail "status --json"
[ "$(cat /proc/$(pid_of queryd.0)/oom_score_adj)" -gt "$(cat /proc/$(pid_of storaged)/oom_score_adj)" ] ||
    fail "a worker is not the first that the kernel takes"
"$AXL" checkpoint -D "$DIR" | grep -q complete || fail "checkpoint"

# status is quick, also while everything is stopped (which is soon seen as a hang)
pids=$(for n in storaged logd txnd queryd.0; do pid_of $n; done)
kill -STOP $pids
begin=$(date +%s%N)
"$AXL" status -D "$DIR" >/dev/null
took=$((($(date +%s%N) - begin) / 1000000))
for n in storaged logd txnd queryd.0; do wait_ready $n; done
[ $took -lt 200 ] || fail "status took $took ms"

"$AXL" restart queryd.1 -D "$DIR" >/dev/null || fail "restart queryd.1"
[ "$(field queryd.1 epoch)" = 2 ] && [ "$(field queryd.1 restarts)" = 1 ] || fail "queryd.1's epoch"
"$AXL" restart nobody -D "$DIR" 2>/dev/null && fail "restart of nobody"
"$AXL" logs -n 1000 -D "$DIR" supervisor | grep -q 'serves on port' || fail "logs"

stop_now
"$AXL" status -D "$DIR" >/dev/null; [ $? = 2 ] || fail "stopped is not told by 2"
ls /dev/shm/axolotl."$(cat "$DIR/appliance")".* 2>/dev/null && fail "regions are left behind"
"$AXL" stop -D "$DIR" >/dev/null || fail "a second stop"

# another supervisor follows one that dies or hangs, and adopts the rest; so does another guardian
start --workers 2 --pool 16MB
daemons() { for n in storaged logd txnd queryd.0 queryd.1; do pid_of $n; done; }
left=$(daemons)
followed() { # name restarts
    for _ in $(seq 100); do
        [ "$(field "$1" restarts)" = "$2" ] && [ "$(field "$1" state)" = ready ] && break
        sleep 0.05
    done
    [ "$(field "$1" restarts)" = "$2" ] || fail "$1 was not followed by another"
    [ "$(daemons)" = "$left" ] || fail "the rest was not adopted"
}
kill_name supervisor
followed supervisor 1
kill -STOP "$(pid_of supervisor)"
followed supervisor 2
kill_name guardian
followed guardian 1
kill_name supervisor
followed supervisor 3

# without both the rest goes on and is told as degraded; start finds and adopts it
kill_keepers
sleep 0.3
"$AXL" status -D "$DIR" >/dev/null; [ $? = 1 ] || fail "degraded is not told by 1"
start --workers 2 --pool 16MB
followed supervisor 4
"$AXL" status -D "$DIR" >/dev/null || fail "healthy again"

# what dies together with the supervisor is repaired by the next one
kill -9 "$(pid_of supervisor)" "$(pid_of txnd)" "$(pid_of queryd.1)"
wait_ready txnd
wait_ready queryd.1
"$AXL" status -D "$DIR" >/dev/null || fail "healthy again"
"$AXL" stop --immediate -D "$DIR" >/dev/null || fail "stop --immediate"
start
stop_now
echo "life: passed"
