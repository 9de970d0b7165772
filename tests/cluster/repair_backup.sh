#!/bin/bash
# Damaged pages that the log alone does not bring back: a backup has their images, and the log since then, kept or archived,
# the rest. Without either a statement that meets such a page is refused with XX001, only that.
#
#   repair_backup.sh BUILD
. "$(dirname "$0")/lib.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_repair.XXXXXX")
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$WORK"; (exit $status); at_end' EXIT
sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@"; }
events() { "$AXL" events --json -n 256 -D "$DIR" | grep -c "\"kind\":\"$1\""; }
short_log=(--workers 2 --pool 8MB --set log_size_max=32MB --set log_keep_size=0 --set scrub_rate=0)

# set_up SETTINGS…: a table, and so much log behind it that what made the table is not kept
set_up() {
    fresh --set log_segment_size=1MB
    start "${short_log[@]}" "$@"
    sql -c "CREATE TABLE t (id int PRIMARY KEY, n int, v text);
            INSERT INTO t SELECT g, 0, repeat(md5(g::text), 8) FROM generate_series(1, 20000) g" || fail "set-up"
    let_go
}
# let_go: of all log that is there now
let_go() {
    local now first
    now=$(ls "$DIR/log" | grep seg | tail -1)
    for _ in $(seq 12); do
        more_log
        first=$(ls "$DIR/log" | grep seg | head -1)
        [ "$first" \> "$now" ] && return
    done
    fail "the log of before is still kept: $first, $now"
}
more_log() {
    sql -c "SET client_min_messages = error; DROP TABLE IF EXISTS more; CREATE TABLE more AS SELECT g AS k, ''::text AS pad FROM generate_series(1, 100) g" || fail "more log"
    for i in $(seq 100); do echo "UPDATE more SET pad = repeat('$((i % 10))', 2500);"; done | sql || fail "more log"
    sql -c CHECKPOINT && sql -c CHECKPOINT || fail "checkpoint"
}
# One bit of every third page of t's tree, while nothing runs.
spoil() {
    stop_now
    python3 - "$DIR/data" <<'EOF' || fail "nothing could be spoilt"
import os, struct, sys
file = os.open(sys.argv[1], os.O_RDWR)
pages = {n: os.pread(file, 8192, n * 8192) for n in range(2, os.fstat(file).st_size // 8192)}
tree = [i[24:28] for i in pages.values() if i[4] == 3 and i[5] == 0 and b"c4ca4238a0b923820dcc509a6f75849b" in i]
mine = [n for n, i in pages.items() if tree and i[4] == 3 and i[24:28] == tree[0]]
for n in mine[::3]:
    os.pwrite(file, bytes([pages[n][4000] ^ 8]), n * 8192 + 4000)
sys.exit(len(mine) < 300)
EOF
    start "${short_log[@]}" "$@"
}
rows_are() { # what SUM(n) must be
    local answer
    answer=$(sql -c "SELECT count(*), sum(n), bool_and(v = repeat(md5(id::text), 8)) FROM t") || fail "the table cannot be read"
    [ "$answer" = "20000|$1|t" ] || fail "the table is $answer"
}
repaired() {
    [ "$(events page_rebuilt)" -gt 100 ] || fail "no event of repairs"
    [ "$(events page_lost)" = 0 ] || fail "a page was lost"
}
refused() {
    local words
    words=$(sql -c "SELECT sum(n), sum(length(v)) FROM t" 2>&1) && fail "a damaged page is served"
    case $words in *'invalid page in block '*'of relation "t"'* | *'invalid page in block '*'of relation "t_pkey"'*) ;; *) fail "other words: $words" ;; esac
    sql -c "SELECT sum(k) FROM more" >/dev/null || fail "another table is refused, too"
}

# A backup of what has not changed since: also one with an increment behind it, and one that is gone in the end.
set_up
spoil
refused
drop() { stop_now; rm -rf "$DIR"; }
drop
set_up
"$AXL" backup "$WORK/one" -D "$DIR" >/dev/null || fail "backup"
sql -c "UPDATE t SET n = 1 WHERE id % 100 = 0" || fail "update"
more_log
"$AXL" backup "$WORK/two" --since "$WORK/one" -D "$DIR" >/dev/null || fail "incremental backup"
more_log
spoil
rows_are 200
repaired
stop_now
start "${short_log[@]}"
mv "$WORK/one" "$WORK/away"
spoil
refused
mv "$WORK/away" "$WORK/one"
rows_are 200
drop

# What has changed since the backup, and the log of it only in the archive.
mkdir "$WORK/archive"
set_up --set archive_directory="$WORK/archive"
"$AXL" backup "$WORK/three" -D "$DIR" >/dev/null || fail "backup"
sql -c "UPDATE t SET n = 2 WHERE id % 10 = 0" || fail "update"
let_go
spoil --set archive_directory="$WORK/archive"
rows_are 4000
repaired
drop

# Both once more, of encrypted data, after a data key that is given up: theirs lie beside the backup and the archive.
rm -rf "$WORK/archive" && mkdir "$WORK/archive"
(umask 077 && head -c 32 /dev/urandom >"$WORK/key")
fresh() {
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/axl_cluster.XXXXXX")
    "$AXL" init -D "$DIR" --encrypt --key-file "$WORK/key" "$@" >/dev/null || fail "init"
}
set_up --set archive_directory="$WORK/archive"
"$AXL" backup "$WORK/four" -D "$DIR" >/dev/null || fail "backup"
sql -c "UPDATE t SET n = 2 WHERE id % 10 = 0" || fail "update"
let_go
"$AXL" rotate-key --wait -D "$DIR" >/dev/null || fail "another data key"
stop_now
"$AXL" inspect tree t --json -D "$DIR" | python3 -c 'import json, os, sys
pages = [p["page"] for p in json.load(sys.stdin)["pages"] if "level" in p and p["level"] == 0]
file = os.open(sys.argv[1], os.O_RDWR)
for n in pages[::3]:
    byte = os.pread(file, 1, n * 8192 + 4000)
    os.pwrite(file, bytes([byte[0] ^ 8]), n * 8192 + 4000)
sys.exit(len(pages) < 300)' "$DIR/data" || fail "nothing could be spoilt"
start "${short_log[@]}" --set archive_directory="$WORK/archive"
rows_are 4000
repaired
exit 0
