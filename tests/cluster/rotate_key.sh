#!/bin/bash
# Other keys for encrypted data, while clients work: another master key, after which the one before opens nothing.
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
refused "does not answer" rotate --key-file "$KEYS/two"
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

# A command takes its place, too.
start --workers 1
rotate --key-command "cat $KEYS/three" >/dev/null || fail "by a command"
stop_now
start --workers 1
[ "$(rows)" = "$all_rows" ] || fail "rows by a command: $(rows)"
stop_now

# Backups open by the key of their time.
verify() { "$AXL" backup -D "$DIR" --verify "$KEYS/$1" --key-file "$KEYS/$2"; }
verify before one >/dev/null || fail "the backup from before"
verify after two >/dev/null || fail "the backup from after"
refused "is not the one" verify before two
refused "is not the one" verify after one
rm -rf "$KEYS"
