#!/bin/bash
# Other keys for encrypted data, while clients work: another master key, after which the one before opens nothing; new data
# keys, while processes are killed: in the end nothing is sealed by the ones before, and nothing is lost.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
KEYS=$(mktemp -d "${TMPDIR:-/tmp}/axl_keys.XXXXXX")
new_key() { (umask 077 && head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$KEYS/$1"); }
for name in one two three; do new_key $name; done
sql() { psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt -c "$1"; }
rows() { sql "select count(*), sum(length(s)) from secret"; }
all_rows="8000|296000"
rotate() { "$AXL" rotate-key -D "$DIR" "$@" 2>&1; }
refused() { # words, then what is run
    local words=$1 said
    shift
    said=$("$@" 2>&1) && fail "not refused: $words"
    echo "$said" | grep -q "$words" || fail "it did not say \"$words\" but: $said"
}

DIR=$(mktemp -d "${TMPDIR:-/tmp}/axl_cluster.XXXXXX")
"$AXL" init -D "$DIR" --encrypt --key-file "$KEYS/one" >/dev/null || fail "init"
refused "does not run" rotate --key-file "$KEYS/two"
mkdir "$KEYS/archive"
start --workers 1 --pool 8MB --set "archive_directory=$KEYS/archive"
sql "create table secret (i int primary key, s text);
insert into secret select g, 'abcde' || md5(g::text) from generate_series(1, 8000) g" || fail "rows"
"$AXL" backup -D "$DIR" "$KEYS/before" >/dev/null || fail "backup"

# ---- the master key ----
pids="$(pid_of storaged) $(pid_of logd)"
refused "already in use" rotate --key-file "$KEYS/one"
refused "No such file" rotate --key-file "$KEYS/none"
refused "ended with status 3" rotate --key-command "exit 3"
rotate --key-file "$KEYS/two" >/dev/null || fail "another master key"
[ "$pids" = "$(pid_of storaged) $(pid_of logd)" ] || fail "for a master key nobody is started again"
"$AXL" events -D "$DIR" | grep -q "master key has been exchanged" || fail "no event"
grep -q "$KEYS/two" "$DIR/axolotl.conf" || fail "the settings do not name it"
grep -q "$KEYS/one" "$DIR/axolotl.conf" && fail "the settings name the one before"
kill_name supervisor # who comes next reads it from the settings
wait_ready supervisor
[ "$(rows)" = "$all_rows" ] || fail "rows: $(rows)"
kill_name storaged; wait_ready storaged
[ "$(rows)" = "$all_rows" ] || fail "rows after a death: $(rows)"
"$AXL" backup -D "$DIR" "$KEYS/after" >/dev/null || fail "backup"
stop_now
start_by() { timeout 20 "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" --set "encryption_key_file=$KEYS/$1"; }
refused "is not the one that the data in .* are encrypted with" start_by one
start_by two >/dev/null || fail "start by the new key"
refused "named on the command line" rotate --key-file "$KEYS/three"
stop_now

# Cut off before the settings name the new key: either opens the data, until one of them has been taken that is new.
start --workers 1
mkdir "$DIR/axolotl.conf.new"
refused "axolotl.conf" rotate --key-file "$KEYS/three"
rmdir "$DIR/axolotl.conf.new"
refused "has not come to its end" rotate
kill_everything
start --workers 1
[ "$(rows)" = "$all_rows" ] || fail "rows by the old key: $(rows)"
stop_now
start_by three >/dev/null || fail "start by a key that was not yet named"
[ "$(rows)" = "$all_rows" ] || fail "rows by the new key: $(rows)"
stop_now
refused "is not the one that the data in .* are encrypted with" start_by two
start_by three >/dev/null || fail "start by the new key"
stop_now
sed -i "s#$KEYS/two#$KEYS/three#" "$DIR/axolotl.conf"
start --workers 1
rotate --key-file "$KEYS/two" >/dev/null || fail "back"
stop_now

# A command takes its place, too.
start --workers 1
rotate --key-command "cat $KEYS/three" >/dev/null || fail "by a command"
stop_now
start --workers 1
[ "$(rows)" = "$all_rows" ] || fail "rows by a command: $(rows)"
stop_now

# ---- the data key, while clients change rows and processes are killed ----
sealed_by() { # numbers of the keys that have sealed something in data, doublewrite and the log in use
    python3 - "$DIR" <<'END2'
import glob, sys
keys = set()
def take(bytes, step, first=0):
    for at in range(first, len(bytes) - step + 1, step): keys.add(int.from_bytes(bytes[at + step - 4:at + step], "little"))
take(open(sys.argv[1] + "/data", "rb").read(), 8192)
for region in (open(sys.argv[1] + "/doublewrite", "rb").read(),):
    half = len(region) // 2
    for at in (0, half):
        count = int.from_bytes(region[at + 4:at + 8], "little")
        take(region[at:at + 4096 + 8192 * count], 8192, 4096)
for name in glob.glob(sys.argv[1] + "/log/*.seg"): take(open(name, "rb").read(), 512, 4096)
print(*sorted(keys - {0}))
END2
}
keys_in_file() { "$AXL" rotate-key -D "$DIR" --status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"])'; }
start --workers 1 --pool 8MB --set "archive_directory=$KEYS/archive"
sql "create table counted (i int primary key, n int, s text);
insert into counted select g, 0, repeat(md5(g::text), 20) from generate_series(1, 20000) g;
create table gone as select * from counted; drop table gone" || fail "rows"
for client in 1 2; do
    (for n in $(seq 60); do
        echo "update counted set n = n + 1 where i % 100 = $client * 7 + $n % 3;"
    done | psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -q -v ON_ERROR_STOP=1 >"$KEYS/client$client" 2>&1; echo $? >>"$KEYS/client$client") &
done
rotate | grep -q "seals what is written from now on" || fail "a new data key"
[ "$(keys_in_file)" = 2 ] || fail "$(keys_in_file) data keys"
for name in logd storaged supervisor storaged logd; do
    sleep 0.2
    kill_name $name
    wait_ready $name
done
wait
for client in 1 2; do
    [ "$(tail -n 1 "$KEYS/client$client")" = 0 ] || fail "client $client: $(cat "$KEYS/client$client")"
done
counts=$(sql "select sum(n) from counted")
[ "$counts" = $((120 * 200)) ] || fail "changes that are lost, or too many: $counts"
given_up() {
    for _ in $(seq 300); do [ "$(keys_in_file)" = 1 ] && break; sleep 0.1; done
    [ "$(keys_in_file)" = 1 ] || fail "the old key stays: $("$AXL" rotate-key -D "$DIR" --status)"
    "$AXL" events -D "$DIR" | grep -q "data key $1: older ones are given up" || fail "no event of key $1"
}
given_up 2
rotate >/dev/null || fail "once more"
kill_everything # in the middle: it goes on at the next start
[ "$(sealed_by)" = "2 3" ] || fail "sealed in the middle by the keys $(sealed_by)"
start --workers 1 --pool 8MB
[ "$(keys_in_file)" = 2 ] || fail "$(keys_in_file) data keys after a crash"
[ "$(sql "select sum(n) from counted")" = "$counts" ] || fail "changes are lost"
given_up 3
kill_everything
[ "$(sealed_by)" = 3 ] || fail "sealed by the keys $(sealed_by)"
start --workers 1
[ "$(sql "select sum(n) from counted")" = "$counts" ] || fail "changes are lost"
rotate --wait | grep -q "Everything is sealed by the new data key" || fail "waiting for it"
[ "$(rows)" = "$all_rows" ] || fail "rows: $(rows)"
stop_now
"$AXL" verify -D "$DIR" >/dev/null || fail "axl verify"

# Backups open by the key of their time.
verify() { "$AXL" backup -D "$DIR" --verify "$KEYS/$1" --key-file "$KEYS/$2" "${@:3}"; }
verify before one >/dev/null || fail "the backup from before"
verify after two >/dev/null || fail "the backup from after"
refused "is not the one" verify before two
verify before two --old-key-file "$KEYS/one" >/dev/null || fail "the backup from before, by both"
restored=$KEYS/restored
refused "is not the one that the archive" "$AXL" restore -D "$restored" "$KEYS/before" --archive "$KEYS/archive" --key-file "$KEYS/one"
"$AXL" restore -D "$restored" "$KEYS/before" --archive "$KEYS/archive" --key-file "$KEYS/three" --old-key-file "$KEYS/one" >/dev/null || fail "restore"
(DIR=$restored start --workers 1 && [ "$(rows)" = "$all_rows" ] && DIR=$restored stop_now) || fail "rows of the restored: $(rows)"
refused "is not the one" verify after one
rm -rf "$KEYS"
