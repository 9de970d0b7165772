#!/bin/bash
# Backups while sessions write: what is restored is a moment between the beginning and the end of the backup, also from
# an incremental one; the archived log leads on to a later moment; what is damaged or does not fit is refused.
#
#   backup.sh BUILD [ROWS]
. "$(dirname "$0")/lib.sh"
ROWS=${2:-20000}
OTHER_PORT=$((PORT + 1))
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_backup.XXXXXX")
COPY=$WORK/copy
mkdir "$WORK/archive"
sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@"; }
copy_sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$OTHER_PORT" -U postgres "$@"; }
tidy() {
    umount -l "$WORK/small" 2>/dev/null
    [ -d "$COPY" ] && "$AXL" stop --immediate -D "$COPY" >/dev/null 2>&1
    rm -rf "$WORK"
}
trap 'status=$?; tidy; (exit $status); at_end' EXIT

fresh --set log_segment_size=1MB
start --set archive_directory="$WORK/archive"
sql -c "CREATE TABLE t (id bigint PRIMARY KEY, v text); CREATE INDEX ON t (v);
        INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, $ROWS) g" || fail "set-up"

# Each transaction adds ten rows and changes ten: both or neither are in every copy.
writer() {
    for i in $(seq 1 100000); do
        sql -c "BEGIN; INSERT INTO t SELECT 1000000 + $i * 10 + g, 'new' FROM generate_series(0, 9) g;
                UPDATE t SET v = 'changed' WHERE id BETWEEN $i * 10 AND $i * 10 + 9; COMMIT" || exit 0
        echo "$i" >"$WORK/acked.tmp" && mv "$WORK/acked.tmp" "$WORK/acked"
    done
}
acked() { cat "$WORK/acked" 2>/dev/null || echo 0; }
writer & WRITER=$!
until [ "$(acked)" -ge 3 ]; do sleep 0.05; done

# restored AT_LEAST BACKUPS…: starts the copy; its transactions are whole, and no acknowledged one is missing
restored() {
    local least=$1 answer
    shift
    "$AXL" restore "$@" -D "$COPY" >/dev/null || fail "restore $*"
    "$AXL" start --programs "$BIN" -D "$COPY" --port "$OTHER_PORT" --set archive_directory= >/dev/null || fail "start of the copy"
    answer=$(copy_sql -c "SELECT count(*) FILTER (WHERE id >= 1000000) = count(*) FILTER (WHERE v = 'changed'),
                                 count(*) FILTER (WHERE id >= 1000000) / 10 >= $least,
                                 count(*) FILTER (WHERE id < 1000000) = $ROWS FROM t") || fail "query of the copy"
    [ "$answer" = "t|t|t" ] || fail "the copy of $*: $answer, $least were acknowledged before"
    answer=$(copy_sql -c "SET enable_seqscan = off" -c "SELECT count(*) = (SELECT count(*) FROM t WHERE v || '' = 'changed') FROM t WHERE v = 'changed'")
    [ "$answer" = t ] || fail "the copy's index: $answer"
}
drop_copy() { "$AXL" stop -D "$COPY" >/dev/null || fail "stop of the copy"; rm -rf "$COPY"; }

# says WORDS COMMAND …: it fails, and says so
says() {
    local words=$1 out
    shift
    out=$("$@" 2>&1) && fail "$* succeeds, instead of: $words"
    case $out in *"$words"*) ;; *) fail "$* says: $out; not: $words" ;; esac
}

# What fails leaves nothing, and nobody waits for it: neither a place that is taken nor one that is given up in the middle.
mkdir "$WORK/there"
says 'File exists' "$AXL" backup "$WORK/there" -D "$DIR"
mkfifo "$WORK/slow"
"$AXL" backup --stream -D "$DIR" >"$WORK/slow" 2>"$WORK/interrupted" & STREAM=$!
sleep 30 <"$WORK/slow" & READER=$!
for i in $(seq 100); do [ -s "$DIR/backup_stream/pages" ] && break; sleep 0.05; done
kill -INT $STREAM
wait $STREAM && fail "an interrupted backup succeeds"
kill $READER
wait $READER 2>/dev/null
grep -q interrupted "$WORK/interrupted" || fail "an interrupted backup says $(cat "$WORK/interrupted")"

# One that is killed is taken over from, too, while it still copies: nobody takes its stream away.
"$AXL" backup --stream -D "$DIR" >"$WORK/slow" 2>/dev/null & STREAM=$!
sleep 30 <"$WORK/slow" & READER=$!
for i in $(seq 100); do [ -s "$DIR/backup_stream/pages" ] && break; sleep 0.05; done
says 'a backup is being made or removed' "$AXL" backup "$WORK/second" -D "$DIR"
kill -9 $STREAM
kill $READER
wait $STREAM $READER 2>/dev/null
[ -e "$WORK/second" ] && fail "a backup that was refused leaves a directory"

mkdir "$WORK/small"
if mount -t tmpfs -o size=128k tmpfs "$WORK/small" 2>/dev/null; then
    says "no room for the backup in \"$WORK/small/b\"" "$AXL" backup "$WORK/small/b" -D "$DIR"
    [ -e "$WORK/small/b" ] && fail "a backup that had no room leaves a directory"
    umount "$WORK/small"
else
    echo "nothing can be mounted here: a full disk is not tried"
fi

before=$(acked)
"$AXL" backup "$WORK/full" -D "$DIR" >/dev/null || fail "backup"
"$AXL" backup --verify "$WORK/full" -D "$DIR" >/dev/null || fail "verify"
restored "$before" "$WORK/full"
copy_sql -c "INSERT INTO t VALUES (-1, 'mine')" || fail "the copy does not take changes"
drop_copy

# One stream, which is restored as it comes or made a directory of; one that is cut off or altered is not.
before=$(acked)
"$AXL" backup --stream -D "$DIR" 2>/dev/null | (sleep 0.2; cat) >"$WORK/stream" || fail "stream"
[ -e "$DIR/backup_stream" ] && fail "the stream's files are left"
cat "$WORK/stream" | restored "$before" -
[ -e "$COPY/received" ] && fail "what was received is left"
drop_copy
"$AXL" backup --receive "$WORK/received" -D "$DIR" <"$WORK/stream" >/dev/null || fail "receive"
"$AXL" backup --verify "$WORK/received" -D "$DIR" >/dev/null || fail "verify of what was received"
size=$(stat -c %s "$WORK/stream")
for cut in 0 4096 $((size / 2)) $((size - 4096)) $((size - 1)); do
    head -c "$cut" "$WORK/stream" | "$AXL" restore - -D "$COPY" >/dev/null 2>&1 && fail "a stream cut off at $cut of $size is restored"
    [ -e "$COPY" ] && fail "a stream cut off at $cut leaves a directory"
done
for at in 100 4095 $((size / 2)) $((size - 1)); do
    cp "$WORK/stream" "$WORK/altered"
    byte=$(od -An -tu1 -j "$at" -N 1 "$WORK/stream")
    printf "\\$(printf %o $((255 - byte)))" | dd of="$WORK/altered" bs=1 seek="$at" conv=notrunc 2>/dev/null
    "$AXL" restore - -D "$COPY" <"$WORK/altered" >/dev/null 2>&1 && fail "a stream altered at $at is restored"
done
(cat "$WORK/stream"; printf x) | "$AXL" restore - -D "$COPY" >/dev/null 2>&1 && fail "a stream with something behind it is restored"

sleep 0.3
before=$(acked)
"$AXL" backup "$WORK/more" --since "$WORK/full" -D "$DIR" >/dev/null || fail "incremental backup"
[ "$(stat -c %s "$WORK/more/pages")" -lt "$(stat -c %s "$WORK/full/pages")" ] || fail "the incremental backup is as large"
restored "$before" "$WORK/full" "$WORK/more"
drop_copy
"$AXL" restore "$WORK/more" -D "$COPY" >/dev/null 2>&1 && fail "an incremental backup alone is restored"
[ -e "$COPY" ] && fail "a refused restore leaves a directory"

# A later moment: between two commits, by the archive.
sql -c "CREATE TABLE moments (words text)" -c "INSERT INTO moments VALUES ('before')" || fail "moments"
moment=$(sql -c "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
sleep 0.1
sql -c "INSERT INTO moments VALUES ('behind'); DELETE FROM t" || fail "behind the moment"
kill "$WRITER" 2>/dev/null
wait "$WRITER" 2>/dev/null
# The archive gets the log that there is once it goes on elsewhere.
sql -c "CREATE ROLE nobody LOGIN"
psql -X -qAt -h 127.0.0.1 -p "$PORT" -U nobody -d postgres -c "SELECT pg_switch_wal()" 2>&1 | grep -q 'permission denied for function pg_switch_wal' ||
    fail "anybody may switch the log"
last=$(ls "$WORK/archive" | tail -1)
sql -c "SELECT pg_switch_wal()" >/dev/null || fail "pg_switch_wal"
for i in $(seq 100); do
    [ "$(ls "$WORK/archive" | tail -1)" != "$last" ] && break
    sleep 0.1
done
[ "$(ls "$WORK/archive" | tail -1)" != "$last" ] || fail "the archive does not get a segment that is full"
"$AXL" restore "$WORK/full" "$WORK/more" --archive "$WORK/archive" --to-time "$moment" -D "$COPY" >/dev/null || fail "restore to a time"
"$AXL" start --programs "$BIN" -D "$COPY" --port "$OTHER_PORT" --set archive_directory= >/dev/null || fail "start of the copy"
[ "$(copy_sql -c 'SELECT words FROM moments')" = before ] || fail "the copy is of another moment: $(copy_sql -c 'TABLE moments' 2>&1)"
[ "$(copy_sql -c "SELECT count(*) FROM t WHERE id < 1000000")" = "$ROWS" ] || fail "the copy shows what was deleted later"
drop_copy

# Places to stop at that make no sense, or that cannot be reached: nothing is made, least of all of another moment.
no_restore() { says "$1" "$AXL" restore "${@:2}" -D "$COPY"; [ -e "$COPY" ] && fail "a refused restore leaves a directory"; }
behind=(--archive "$WORK/archive" --to-time "$moment")
no_restore '"0/16B3740" is not a number' "$WORK/full" --to-lsn 0/16B3740
no_restore 'name one' "$WORK/full" --to-lsn 9999999 --to-time "$moment"
no_restore 'with --online only' "$WORK/full" --rate 100
no_restore '"fast" is not a number' "$WORK/full" --online --rate fast
no_restore 'is of a later moment' "$WORK/full" --to-time '2020-01-01 00:00:00Z'
no_restore 'is not a time' "$WORK/full" --to-time '2026-02-31 00:00:00Z'
no_restore 'before the place to stop at' "$WORK/full" --to-lsn 999999999999
no_restore 'before the place to stop at' "$WORK/full" --to-lsn 18446744073709551615
no_restore 'before the place to stop at' "$WORK/full" --archive "$WORK/archive" --to-time '2100-01-01 00:00:00Z'
no_restore "$WORK/none: No such file" "$WORK/full" --archive "$WORK/none"

# An archive with a gap, one with a damaged segment, and that of another appliance, which was restored from the same backup.
cp -r "$WORK/archive" "$WORK/gap"
middle=$(ls "$WORK/gap" | tail -2 | head -1)
rm "$WORK/gap/$middle"
no_restore "log is missing in the archive before" "$WORK/full" --archive "$WORK/gap" --to-time '2100-01-01 00:00:00Z'
no_restore "--to-lsn" "$WORK/full" --archive "$WORK/gap"
upto=$("$AXL" restore "$WORK/full" --archive "$WORK/gap" -D "$COPY" 2>&1 | sed -n 's/.*later: --to-lsn //p')
"$AXL" restore "$WORK/full" --archive "$WORK/gap" --to-lsn "$upto" -D "$COPY" >/dev/null || fail "log up to the gap cannot be had"
rm -rf "$COPY"
cp "$WORK/archive/$middle" "$WORK/gap/$middle"
printf '\377' | dd of="$WORK/gap/$middle" bs=1 seek=5000 conv=notrunc 2>/dev/null
no_restore "$WORK/gap/$middle is damaged" "$WORK/full" --archive "$WORK/gap"
mkdir "$WORK/other"
"$AXL" restore "$WORK/full" -D "$COPY" >/dev/null || fail "restore"
"$AXL" start --programs "$BIN" -D "$COPY" --port "$OTHER_PORT" --set archive_directory="$WORK/other" >/dev/null || fail "start of the copy"
for i in 1 2; do copy_sql -c "INSERT INTO t SELECT 7000000 + $i * 10000 + g, repeat('y', 200) FROM generate_series(1, 8000) g" || fail "more log of the copy"; done
for i in $(seq 100); do [ "$(ls "$WORK/other" | wc -l)" -ge 2 ] && break; sleep 0.1; done
drop_copy
no_restore 'is the log of another appliance' "$WORK/full" --archive "$WORK/other"

# One byte of the pages, and a log that is cut off.
cp -r "$WORK/full" "$WORK/bad"
printf '\377' | dd of="$WORK/bad/pages" bs=1 seek=5000 conv=notrunc 2>/dev/null
"$AXL" backup --verify "$WORK/bad" -D "$DIR" >/dev/null 2>&1 && fail "a spoilt page passes"
"$AXL" restore "$WORK/bad" -D "$COPY" >/dev/null 2>&1 && fail "a spoilt page is restored"
cp "$WORK/full/pages" "$WORK/bad/pages"
truncate -s -4096 "$WORK/bad/log"
"$AXL" restore "$WORK/bad" -D "$COPY" >/dev/null 2>&1 && fail "a log that is cut off is restored"
exit 0
