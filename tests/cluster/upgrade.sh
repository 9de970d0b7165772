#!/bin/bash
# While pgbench runs, other programs take the place of those that run, and give way again: no error,
# no lost connection. Programs of which one is broken, or has other formats, change nothing.
. "$(dirname "$0")/lib.sh"
command -v pgbench >/dev/null || exit 77
programs=${2:-supervisor} # broken ones
fresh
other=$DIR.other
broken=$DIR.broken
all="guardian supervisor storaged logd txnd queryd"
copy() { # a folder of programs
    local program
    rm -rf "$1"
    mkdir "$1"
    for program in $all; do cp "$BIN/$program" "$1"; done
}
runs_from() { # where each process's program lies
    for name in supervisor guardian storaged logd txnd queryd.0 queryd.1; do
        [ "$(readlink "/proc/$(pid_of $name)/exe")" = "$1/${name%.*}" ] ||
            fail "$name: $(readlink "/proc/$(pid_of $name)/exe"), not from $1"
    done
}
upgrade() { "$AXL" upgrade --from "$1" -D "$DIR" > "$DIR/upgrade.out" 2>&1; }
spread() { # eight clients on two workers, whoever came last
    for _ in $(seq 60); do
        [ "$(field queryd.0 sessions)" -ge 3 ] && [ "$(field queryd.1 sessions)" -ge 3 ] && return 0
        sleep 0.05
    done
    fail "one worker has $(field queryd.0 sessions) sessions, the other $(field queryd.1 sessions)"
}
told() { grep -q "$1" "$DIR/upgrade.out" || fail "not told \"$1\": $(cat "$DIR/upgrade.out")"; }

start --workers 2 --pool 64MB
export PGHOST=127.0.0.1 PGPORT=$PORT PGUSER=postgres PGDATABASE=postgres
pgbench -i -s 1 -q >/dev/null 2>&1 || fail "pgbench -i"
first=$(readlink "/proc/$(pid_of queryd.0)/exe")
first=${first%/*}
guardian=$(pid_of guardian)
# longer than all of this can take: its alarm is sent to it when all is done
pgbench -n -c 8 -j 2 -T 600 -M prepared > "$DIR/pgbench.out" 2>&1 &
bench=$!
sleep 1
copy "$other"
upgrade "$other" || fail "upgrade: $(cat "$DIR/upgrade.out")"
runs_from "$other"
spread
[ "$(pid_of guardian)" = "$guardian" ] || fail "the guardian is another process"
# a supervisor that dies now comes back from there
kill_name supervisor
sleep 0.3
wait_ready supervisor
runs_from "$other"
upgrade "$first" || fail "back: $(cat "$DIR/upgrade.out")"
runs_from "$first"
spread

# a supervisor that dies in the middle leaves all with the programs that ran
supervisor=$(pid_of supervisor)
upgrade "$other" &
asked=$!
until pgrep -f "^$other/queryd " >/dev/null; do sleep 0.01; done
kill -9 "$supervisor"
wait $asked && fail "an upgrade whose supervisor died is told as done"
told "the supervisor died in the middle of it"
runs_from "$first"

copy "$broken"
printf '#!/bin/sh\n"%s/logd" --version | sed "s/log [0-9]*/log 99/"\n' "$BIN" > "$broken/logd"
upgrade "$broken" && fail "other formats were taken"
told 'log format 99'
for program in $programs; do
    copy "$broken"
    # says what is right, and ends at once
    printf '#!/bin/sh\n[ "$1" = --version ] && exec "%s/%s" --version\nexit 3\n' "$BIN" "$program" \
        > "$broken/$program"
    upgrade "$broken" && fail "a broken $program was taken"
    told "$program.* does not get well"
    runs_from "$first"
    "$AXL" status -D "$DIR" >/dev/null || fail "not healthy after going back from a broken $program"
done
kill -ALRM $bench || fail "pgbench has ended: $(cat "$DIR/pgbench.out")"
wait $bench || fail "pgbench: $(cat "$DIR/pgbench.out")"
grep -q 'number of failed transactions: 0 ' "$DIR/pgbench.out" ||
    fail "errors: $(cat "$DIR/pgbench.out")"
grep -q 'aborted' "$DIR/pgbench.out" && fail "$(cat "$DIR/pgbench.out")"

kill_name queryd.0
sleep 0.3
wait_ready queryd.0
runs_from "$first"
[ "$(psql -qAt -c 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts')" = t ] ||
    fail "sums differ"
"$AXL" events --json -n 256 -D "$DIR" | python3 -c '
import json, sys
kinds = [json.loads(line)["kind"] for line in sys.stdin]
assert kinds.count("upgrade_done") == 2, kinds
assert kinds.count("upgrade_back") == len(sys.argv), kinds
' $programs || fail "events"
rm -rf "$other" "$broken"
echo "upgrade: passed, $(grep '^number of transactions' "$DIR/pgbench.out" | head -1)"
