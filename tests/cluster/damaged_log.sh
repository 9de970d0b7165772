#!/bin/bash
# A byte of the log is spoilt in the middle of what recovery needs: that is not its end. The start is refused and says where, axl verify
# finds it, and nothing is changed; whoever wants to goes on with what is before it, and nothing of the rest is ever met again. Plain and encrypted.
# Where pages that went home show some of the rest there is no going on.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
sql() { timeout 30 psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@" 2>&1; }
durable() { "$AXL" inspect region log -D "$DIR" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["log"]["durable"])'; }
# In the log's first segment a block of 4096 bytes follows the head, and holds as many bytes of log, or less when it is sealed: near enough.
spoil() { printf '\377\377' | dd of="$DIR/log/0000000000000000.seg" bs=1 seek="$1" conv=notrunc 2>/dev/null; }
begin() { "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" "${settings[@]}" "$@" 2>&1; }

# die POOL: an appliance dies whose log is spoilt 2 MB behind its last checkpoint, and goes on for 4 MB
die() {
    local redo i
    settings=(--workers 1 --pool "$1" --set checkpoint_interval=1h)
    begin >/dev/null || fail "start"
    sql -c "CREATE TABLE t (id bigint PRIMARY KEY, v text)" || fail "set-up"
    "$AXL" checkpoint -D "$DIR" >/dev/null
    redo=$(durable)
    for i in $(seq 0 7); do sql -c "INSERT INTO t SELECT $i * 1000 + g, repeat(md5(g::text), 20) FROM generate_series(0, 999) g" || fail "rows"; done
    kill_everything
    spoil $((redo + (2 << 20)))
}

look() {
    local said rows i
    die 16MB
    cp -a "$DIR/log" "$DIR.log"
    said=$("$AXL" verify -D "$DIR" 2>&1) && fail "verify finds nothing"
    case $said in *"log: it is damaged at "*"records follow from"*) ;; *) fail "verify says $said" ;; esac
    said=$(begin) && fail "it starts"
    case $said in *"the log is damaged at LSN"*"ignore_log_damage"*) ;; *) fail "it says $said" ;; esac
    "$AXL" stop --immediate -D "$DIR" >/dev/null
    diff -r "$DIR/log" "$DIR.log" >/dev/null || fail "a refused start has changed the log"
    rm -rf "$DIR.log"
    begin --set ignore_log_damage=on >/dev/null || fail "the log's end is not taken"
    rows=$(sql -c "SELECT count(*) FROM t WHERE v = repeat(md5((id % 1000)::text), 20)")
    [ "$rows" -gt 0 ] && [ "$rows" -lt 8000 ] && [ $((rows % 1000)) = 0 ] || fail "$rows rows are left"
    for i in 1 2; do # the end is one now
        kill_everything
        begin >/dev/null || fail "start $i afterwards"
        [ "$(sql -c "SELECT count(*) FROM t")" = "$rows" ] || fail "$(sql -c "SELECT count(*) FROM t") rows after start $i, not $rows"
    done
    stop_now
    said=$("$AXL" verify -D "$DIR" 2>&1) || fail "afterwards verify says $said"
}

fresh
look
rm -rf "$DIR"
fresh
die 4MB
said=$(begin --set ignore_log_damage=on) && fail "it starts although pages show what was lost"
case $said in *"pages of the data file show them up to"*) ;; *) fail "it says $said" ;; esac
rm -rf "$DIR"
KEY=$(mktemp "${TMPDIR:-/tmp}/axl_key.XXXXXX")
trap 'status=$?; rm -f "$KEY"; (exit $status); at_end' EXIT
head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$KEY"
fresh --encrypt --key-file "$KEY"
look
