#!/bin/bash
# axl backup --prune: what the retention does not need goes, from a directory and at an endpoint, and archived log with it;
# what is left restores to the first moment within it. Ages are made by writing other times into manifests.
#
#   prune.sh BUILD
. "$(dirname "$0")/lib.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_prune.XXXXXX")
COPY=$WORK/copy
trap 'status=$?; [ -d "$COPY" ] && "$AXL" stop --immediate -D "$COPY" >/dev/null 2>&1; rm -rf "$WORK"; (exit $status); at_end' EXIT
sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@"; }
copy_sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $((PORT + 1)) -U postgres "$@"; }
# days BACKUP N: it ended N days ago.
days() {
    python3 - "$WORK/b/$1/backup.json" "$2" <<'P' || fail "no manifest of $1"
import json, sys, time
with open(sys.argv[1]) as f:
    m = json.load(f)
m["ended"] = m["begun"] = int(time.time() - 86400 * float(sys.argv[2]))
with open(sys.argv[1], "w") as f:
    json.dump(m, f)
P
}
there() { [ "$(cd "$WORK/b" && echo *)" = "$1" ] || fail "there are $(cd "$WORK/b" && echo *), not $1"; }
prune() { "$AXL" backup --prune "$WORK/b" -D "$DIR" "$@" >"$WORK/said" || fail "prune $*: $(cat "$WORK/said")"; }
segments() { ls "$WORK/archive" | grep -c 'log$'; }
# Until the archive has one more segment (16 MB).
more_log() {
    local had=$(segments)
    for i in $(seq 40); do
        sql -c "UPDATE t SET n = n + 1, v = (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 60))" || fail "update"
        [ "$(segments)" -gt "$had" ] && return
    done
    fail "no more log is archived"
}

mkdir "$WORK/archive" "$WORK/b"
fresh
printf "archive_directory = '%s'\nlog_keep_size = 0\nretention = 5d\n" "$WORK/archive" >>"$DIR/axolotl.conf"
start --workers 1 --pool 16MB
sql -c "CREATE TABLE t (id int PRIMARY KEY, n int, v text);
        INSERT INTO t SELECT g, 0, '' FROM generate_series(1, 3000) g" || fail "set-up"
"$AXL" backup --prune "$WORK/b" -D "$DIR" 2>&1 | grep -q 'no backup of this' || fail "nothing is pruned without a word"

# a ← b and c ← d, e; f alone.
backup() {
    "$AXL" backup "$WORK/b/$1" ${2:+--since "$WORK/b/$2"} -D "$DIR" >/dev/null || fail "backup $1"
    more_log
}
backup a
backup b a
backup c
backup d c
expected=$(sql -c "SELECT sum(n), count(*) FROM t")
moment=$(sql -c "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
more_log
backup e c
backup f
days a 20; days b 19; days c 10; days d 9; days e 4; days f 1
before=$(segments)

prune --dry-run
grep -q "would remove $WORK/b/a " "$WORK/said" && grep -q "would remove $WORK/b/b " "$WORK/said" || fail "a rehearsal says: $(cat "$WORK/said")"
there "a b c d e f"
[ "$(segments)" -eq "$before" ] || fail "a rehearsal takes log away"
prune --retention 30d
there "a b c d e f"
[ "$(segments)" -eq "$before" ] || fail "log that all backups need is taken away"

# Five days: d is the newest before, c its base; log from d on.
prune
there "c d e f"
after=$(segments)
[ "$after" -lt "$before" ] || fail "no log went: $(cat "$WORK/said")"
prune
there "c d e f"
[ "$(segments)" -eq "$after" ] || fail "a second time takes more"
"$AXL" restore "$WORK/b/c" "$WORK/b/d" --archive "$WORK/archive" --to-time "$moment" -D "$COPY" >/dev/null || fail "restore to the moment behind d"
"$AXL" start --programs "$BIN" -D "$COPY" --port $((PORT + 1)) --pool 16MB --set archive_directory= >/dev/null || fail "start of the copy"
[ "$(copy_sql -c "SELECT sum(n), count(*) FROM t")" = "$expected" ] || fail "the copy is another"
# Another appliance's are not its business.
"$AXL" backup --prune "$WORK/b" --retention 0 -D "$COPY" 2>&1 | grep -q 'no backup of this' || fail "another appliance's backups are pruned"
"$AXL" stop -D "$COPY" >/dev/null
there "c d e f"

# Nothing but the newest; a backup without its manifest, and a file of somebody else, are left alone.
mkdir "$WORK/b/half"; touch "$WORK/b/half/pages" "$WORK/b/e/mine"
prune --retention 0
there "e f half"
[ "$(ls "$WORK/b/e")" = mine ] || fail "what is left in e: $(ls "$WORK/b/e")"
[ "$(segments)" -lt "$after" ] || fail "no more log went"
"$AXL" restore "$WORK/b/f" --archive "$WORK/archive" -D "$WORK/copy2" >/dev/null || fail "restore of the newest"

# While one is made (its stream is not read yet) none goes; a rehearsal may look.
mkfifo "$WORK/fifo"
sleep 60 <>"$WORK/fifo" &
reader=$!
"$AXL" backup --stream --since "$WORK/b/f" -D "$DIR" >"$WORK/fifo" 2>"$WORK/made" &
maker=$!
for i in $(seq 100); do [ -e "$DIR/backup_stream/pages" ] && break; sleep 0.1; done
"$AXL" backup --prune "$WORK/b" --retention 0 -D "$DIR" >"$WORK/said" 2>&1
grep -q 'a backup is being made' "$WORK/said" || fail "pruned beside a backup being made: $(cat "$WORK/said")"
prune --retention 0 --dry-run
cat "$WORK/fifo" >"$WORK/stream" &
wait "$maker" || fail "the backup that was being made: $(cat "$WORK/made")"
kill "$reader" # not before: until cat has opened it the maker would have nobody to write to
prune --retention 0

# A damaged manifest: nobody knows what needs what, so nothing goes.
backup g
echo '{' >"$WORK/b/g/backup.json"
"$AXL" backup --prune "$WORK/b" --retention 0 -D "$DIR" >"$WORK/said" 2>&1 && fail "pruned beside a damaged manifest"
there "e f g half"
exit 0
