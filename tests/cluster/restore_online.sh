#!/bin/bash
# Restore while queries run: answers are right, and changes are kept, from the first moment on, while everything is killed
# again and again before all pages have come; then the backup is not needed any more, and the file is whole.
# With "encrypted" the data are, and the backup opens by the master key.
#
#   restore_online.sh BUILD [ROWS [encrypted]]
. "$(dirname "$0")/lib.sh"
ROWS=${2:-60000}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_online.XXXXXX")
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$WORK"; (exit $status); at_end' EXIT
sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@"; }

encrypted=${3:-}
if [ "$encrypted" ]; then
    (umask 077; printf '%064d' 5 >"$WORK/key"; printf '%064d' 6 >"$WORK/other")
    DIR=$(mktemp -u "${TMPDIR:-/tmp}/axl_cluster.XXXXXX")
    "$AXL" init -D "$DIR" --encrypt --key-file "$WORK/key" >/dev/null || fail "init of an encrypted one"
else
    fresh
fi
start --workers 2
sql -c "CREATE TABLE words AS SELECT 'salamander' || g AS word FROM generate_series(1, 500) g;
        CREATE TABLE t (id int PRIMARY KEY, n int, v text); CREATE INDEX ON t (n);
        INSERT INTO t SELECT g, g, repeat(md5(g::text), 8) FROM generate_series(1, $ROWS) g" || fail "set-up"
"$AXL" backup "$WORK/full" -D "$DIR" >/dev/null || fail "backup"
sql -c "UPDATE t SET n = -n WHERE id % 7 = 0; DELETE FROM t WHERE id % 11 = 0; CREATE TABLE gone AS SELECT * FROM t WHERE id < 5000" || fail "changes"
"$AXL" backup "$WORK/more" --since "$WORK/full" -D "$DIR" >/dev/null || fail "incremental backup"
slow=(--workers 2 --pool 4MB)
sum() { sql -c "SELECT count(*), sum(n), bool_and(v = repeat(md5(id::text), 8)) FROM t WHERE id <= $ROWS"; }
expected=$(sum)
stop_now
rm -rf "$DIR"

"$AXL" restore "$WORK/full" "$WORK/more" --online --rate 400 -D "$DIR" >/dev/null || fail "restore"
[ -e "$DIR/restoring" ] || fail "there is nothing left to restore"
if [ "$encrypted" ]; then
    "$AXL" restore "$WORK/full" --online --key-file "$WORK/other" -D "$WORK/not" 2>&1 | grep -q 'is not the one' || fail "another key restores"
    [ "$("$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" --set encryption_key_file="$WORK/other" 2>&1 | grep -c 'is not the one')" -gt 0 ] ||
        fail "another key starts it"
fi
"$AXL" verify -D "$DIR" >/dev/null 2>&1
[ $? = 2 ] || fail "verify judges what is not there yet"
start "${slow[@]}"
"$AXL" backup "$WORK/early" -D "$DIR" >/dev/null 2>&1 && [ -e "$DIR/restoring" ] && fail "a backup of what is not there yet"
rm -rf "$WORK/early"
if [ "$encrypted" ]; then
    "$AXL" rotate-key -D "$DIR" 2>&1 | grep -q 'pages still come' || fail "keys are rotated while pages still come"
fi

deaths=0
for i in $(seq 1 6); do
    sql -c "INSERT INTO t VALUES ($ROWS + $i, 0, ''); UPDATE t SET v = v WHERE id % 101 = $i; DROP TABLE IF EXISTS gone;
            CREATE TABLE after$i AS SELECT g FROM generate_series(1, 3000) g" || fail "change $i"
    [ -e "$DIR/restoring" ] && deaths=$((deaths + 1))
    if [ $((i % 2)) = 0 ]; then kill_name storaged && wait_ready storaged; else kill_everything && start "${slow[@]}"; fi
done
[ "$(sql -c "SELECT count(*) FROM t WHERE id > $ROWS")" = 6 ] || fail "changes are lost"
for i in $(seq 1 6); do [ "$(sql -c "SELECT count(*), sum(g) FROM after$i")" = "3000|4501500" ] || fail "table after$i"; done
[ "$(sum)" = "$expected" ] || fail "the table is $(sum), not $expected"
[ $deaths -gt 0 ] || fail "everything had come before the first death"

for i in $(seq 300); do [ -e "$DIR/restoring" ] || break; sleep 0.1; done
[ -e "$DIR/restoring" ] && fail "the restore does not end"
"$AXL" logs -n 1000 -D "$DIR" supervisor | grep -q 'all pages have come from the backup' || fail "no event of the end"
mv "$WORK/full" "$WORK/away"
kill_everything
start "${slow[@]}"
[ "$(sum)" = "$expected" ] || fail "the table is $(sum) without its backup, not $expected"
[ "$(sql -c "SELECT count(*) FROM words WHERE word LIKE 'salamander%'")" = 500 ] || fail "words"
stop_now
if [ "$encrypted" ]; then grep -rlaF salamander "$DIR" "$WORK" && fail "there it is, plain"; fi
"$AXL" verify -D "$DIR" || fail "the restored file is not whole"
exit 0
