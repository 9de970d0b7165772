#!/bin/bash
# While pgbench runs, other programs take the place of those that run, and give way again: no error.
# Programs of which one is broken, or has other formats, change nothing.
. "$(dirname "$0")/lib.sh"
command -v pgbench >/dev/null || exit 77
seconds=${2:-8}
fresh
other=$DIR.other
broken=$DIR.broken
strange=$DIR.strange
for folder in "$other" "$broken" "$strange"; do
    mkdir "$folder"
    cp "$BIN"/{supervisor,storaged,logd,txnd,queryd,axl} "$folder"
    [ -x "$BIN/guardian" ] && cp "$BIN/guardian" "$folder"
done
# says what is right, and ends at once
printf '#!/bin/sh\n[ "$1" = --version ] && exec "%s/txnd" --version\nexit 3\n' "$BIN" > "$broken/txnd"
printf '#!/bin/sh\n"%s/logd" --version | sed "s/log [0-9]*/log 99/"\n' "$BIN" > "$strange/logd"

# Where each process's program lies.
runs_from() {
    for name in storaged logd txnd queryd.0 queryd.1; do
        [ "$(readlink "/proc/$(pid_of $name)/exe")" = "$1/${name%.*}" ] || fail "$name: not from $1"
    done
}
upgrade() { "$AXL" upgrade --from "$1" -D "$DIR" > "$DIR/upgrade.out" 2>&1; }

start --workers 2 --pool 64MB
export PGHOST=127.0.0.1 PGPORT=$PORT PGUSER=postgres PGDATABASE=postgres
pgbench -i -s 1 -q >/dev/null 2>&1 || fail "pgbench -i"
programs=$(readlink "/proc/$(pid_of queryd.0)/exe")
programs=${programs%/*}
pgbench -n -c 8 -j 2 -T "$seconds" -M prepared > "$DIR/pgbench.out" 2>&1 &
bench=$!
sleep 1
upgrade "$other" || fail "upgrade: $(cat "$DIR/upgrade.out")"
runs_from "$other"
upgrade "$programs" || fail "back: $(cat "$DIR/upgrade.out")"
runs_from "$programs"

upgrade "$strange" && fail "other formats were taken"
grep -q 'log format 99' "$DIR/upgrade.out" || fail "not told: $(cat "$DIR/upgrade.out")"
upgrade "$broken" && fail "a broken program was taken"
grep -q 'txnd does not get well' "$DIR/upgrade.out" || fail "not told: $(cat "$DIR/upgrade.out")"
runs_from "$programs"
"$AXL" status -D "$DIR" >/dev/null || fail "not healthy after going back"
wait $bench || fail "pgbench: $(cat "$DIR/pgbench.out")"
# only a guardian keeps connections over the death of their worker
if [ -x "$BIN/guardian" ]; then
    grep -q 'number of failed transactions: 0 ' "$DIR/pgbench.out" ||
        fail "errors: $(cat "$DIR/pgbench.out")"
    grep -q 'aborted' "$DIR/pgbench.out" && fail "$(cat "$DIR/pgbench.out")"
fi
kill_name queryd.0
sleep 0.3
wait_ready queryd.0
runs_from "$programs"
[ "$(psql -qAt -c 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts')" = t ] ||
    fail "sums differ"
"$AXL" events --json -n 200 -D "$DIR" | python3 -c '
import json, sys
kinds = [json.loads(line)["kind"] for line in sys.stdin]
assert kinds.count("upgrade_done") == 2 and kinds.count("upgrade_back") == 1, kinds
assert kinds.count("upgrade_begun") == 3, kinds
' || fail "events"
rm -rf "$other" "$broken" "$strange"
echo "upgrade: passed, $(grep '^number of transactions' "$DIR/pgbench.out" | head -1)"
