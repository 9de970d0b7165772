#!/bin/bash
# TPC-B while the buffer pool becomes smaller and larger, and storaged dies in the middle of it: no client is
# disturbed, the sums are equal, and the memory of a smaller pool has gone back.
#
#   pool_size.sh BUILD [SECONDS] [CLIENTS] [SCALE]       (the campaign: 300 32 10)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpcb.sh"
SECS=${2:-12} CLIENTS=${3:-8} SCALE=${4:-4}
SMALL=8 LARGE=96 MB=1048576

# What the pages take of the system's memory, in MB. The name of the regions begins with the appliance's id.
memory_mb() {
    local file
    file=$(grep -ho '/dev/shm/axolotl\.[0-9a-f]*\.pages' "/proc/$(pid_of storaged)/maps" | head -1)
    [ -n "$file" ] || fail "storaged has no pages"
    echo $(($(stat -c %b "$file") * 512 / MB))
}

pool() { "$AXL" pool -D "$DIR" "$@" || fail "axl pool $*"; }

frames() { "$AXL" status --json -D "$DIR" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pool"]["frames"])'; }

fresh
printf 'shared_buffers = 32MB\nshared_buffers_max = %dMB\n' $LARGE >>"$DIR/axolotl.conf"
start
[ "$(memory_mb)" -le 36 ] || fail "room to grow takes memory: $(memory_mb) MB"
"$AXL" pool -D "$DIR" $((LARGE + 1))MB >/dev/null 2>&1 && fail "a pool larger than its maximum"
tpcb_init "$SCALE"
"$PGBENCH" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECS" >"$DIR/run.log" 2>&1 &
bench=$!
round=0
while kill -0 $bench 2>/dev/null; do
    round=$((round + 1))
    pool ${LARGE}MB >/dev/null
    [ "$(frames)" = $((LARGE * 128)) ] || fail "the pool has $(frames) pages"
    sql "SELECT count(abalance) FROM pgbench_accounts" >/dev/null # fills it
    [ "$(memory_mb)" -gt $((SMALL + 8)) ] || fail "the pool stays at $(memory_mb) MB"
    if [ $((round % 2)) = 0 ]; then
        "$AXL" pool -D "$DIR" ${SMALL}MB >/dev/null 2>&1 &
        asked=$!
        kill_name storaged
        wait $asked
        wait_ready storaged
    fi
    pool ${SMALL}MB >/dev/null
    [ "$(memory_mb)" -le $((SMALL + 4)) ] || fail "a pool of $SMALL MB has $(memory_mb) MB"
done
pool
[ "$(sql 'SHOW shared_buffers')" = ${SMALL}MB ] || fail "shared_buffers is $(sql 'SHOW shared_buffers')"
wait $bench || fail "pgbench: $(tail -5 "$DIR/run.log")"
tpcb_errors "$DIR/run.log" && fail "clients were disturbed"
grep -E '^(tps|number of transactions actually)' "$DIR/run.log"
tpcb_check
echo "$round times smaller and larger"

[ "$(sql 'SHOW huge_pages')" = try ] || fail "huge_pages is $(sql 'SHOW huge_pages')"
stop_now
echo 'huge_pages = off' >>"$DIR/axolotl.conf"
start
[ "$(sql 'SHOW huge_pages')" = off ] || fail "huge_pages stays $(sql 'SHOW huge_pages')"
"$AXL" status -D "$DIR" | grep -q 'huge pages: off, 0 MB' || fail "huge pages that nobody wants"
