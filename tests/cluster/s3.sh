#!/bin/bash
# Backups and the archive at an S3 endpoint: there and back, plain and encrypted; what is not whole is refused; every way in
# which an endpoint fails has its words; one that is dead holds up nobody, and loses no log. The endpoint is s3rver, from
# npm, in BUILD/s3rver (fetched once; no npm or no registry: skipped), behind a gate (s3_gate.py) that checks signatures.
#
#   s3.sh BUILD
. "$(dirname "$0")/lib.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_s3.XXXXXX")
COPY=$WORK/copy
SERVERS=
tidy() {
    for server in $SERVERS; do kill "$server"; done
    [ -d "$COPY" ] && "$AXL" stop --immediate -D "$COPY" >/dev/null 2>&1
    rm -rf "$WORK"
}
trap 'status=$?; tidy 2>/dev/null; (exit $status); at_end' EXIT
sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@"; }
copy_sql() { psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $((PORT + 1)) -U postgres "$@"; }
sum="SELECT count(*), sum(n), bool_and(v = repeat(md5(id::text), 8)) FROM t"
start_archiving() {
    printf "archive_directory = '%s'\n" "$WORK/archive" >>"$DIR/axolotl.conf"
    start --workers 1 --pool 16MB
}
newest() { ls "$WORK/archive" | grep "log$" | tail -1; }
mood() { echo "$1" >"$WORK/mood"; }
# says WORDS COMMAND …: it fails, and says so; and never says the key.
says() {
    local words=$1 out
    shift
    out=$("$@" 2>&1) && fail "$* succeeds, instead of: $words"
    case $out in *LARVA*) fail "the key is in: $out" ;; esac
    case $out in *"$words"*) ;; *) fail "$* says: $out; not: $words" ;; esac
}
wait_port() {
    for i in $(seq 200); do (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.05; done
    fail "nobody listens at port $1: $(cat "$WORK/s3.log")"
}

# ---- the endpoint ----
s3rver=$BUILD/s3rver/node_modules/.bin/s3rver
if ! [ -x "$s3rver" ]; then
    mkdir -p "$BUILD/s3rver"
    timeout 100 npm install --prefix "$BUILD/s3rver" --no-audit --no-fund s3rver@3.7.1 >"$WORK/npm.log" 2>&1 ||
        { echo "SKIP: s3rver cannot be had: $(tail -1 "$WORK/npm.log")"; exit 77; }
fi
mkdir "$WORK/s3" "$WORK/archive"
mood busy
"$s3rver" --silent -d "$WORK/s3" -a 127.0.0.1 -p $((PORT + 3)) --configure-bucket axl >"$WORK/s3.log" 2>&1 &
SERVERS=$!
python3 "$(dirname "$0")/s3_gate.py" $((PORT + 2)) $((PORT + 3)) "$WORK/mood" 2>>"$WORK/s3.log" &
SERVERS="$SERVERS $!"
wait_port $((PORT + 2))
wait_port $((PORT + 3))
export AWS_ENDPOINT_URL=http://127.0.0.1:$((PORT + 2)) AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=LARVA
unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL_S3 AWS_MAX_ATTEMPTS
TO=s3://axl/test

fresh
start_archiving
sql -c "CREATE TABLE t (id int PRIMARY KEY, n int, v text);
        INSERT INTO t SELECT g, 0, repeat(md5(g::text), 8) FROM generate_series(1, 20000) g" || fail "set-up"

# ---- who we are ----
AWS_SECRET_ACCESS_KEY= says 'no key for S3' "$AXL" backup "$TO/full" -D "$DIR"
AWS_SECRET_ACCESS_KEY=other says SignatureDoesNotMatch "$AXL" backup "$TO/full" -D "$DIR"
printf '[default]\naws_access_key_id = S3RVER\naws_secret_access_key=LARVA\n' >"$WORK/keys"
AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_SHARED_CREDENTIALS_FILE=$WORK/keys "$AXL" backup "$TO/full" -D "$DIR" >/dev/null || fail "backup"
says already "$AXL" backup "$TO/full" -D "$DIR"

# ---- how an endpoint fails ----
export AWS_MAX_ATTEMPTS=2
mood broken
says '500 InternalError' "$AXL" backup "$TO/bad" -D "$DIR"
says '500 InternalError' "$AXL" restore "$TO/full" -D "$COPY"
mood refusing
says '403 AccessDenied' "$AXL" backup "$TO/bad" -D "$DIR"
says '403 AccessDenied' "$AXL" archive --to "$TO/log" -D "$DIR"
mood busy
says '404 NoSuchBucket' "$AXL" backup s3://none/bad -D "$DIR"
says '404 NoSuchBucket' "$AXL" restore s3://none/bad -D "$COPY"
says 'no backup' "$AXL" restore "$TO/bad" -D "$COPY"
AWS_ENDPOINT_URL=http://127.0.0.1:1 says "connect to server" "$AXL" backup "$TO/bad" -D "$DIR"
AWS_ENDPOINT_URL=file:///etc says "nsupported" "$AXL" backup "$TO/bad" -D "$DIR"
[ -e "$COPY" ] && fail "a refused restore leaves a directory"
unset AWS_MAX_ATTEMPTS

# ---- whole, or not ----
"$AXL" backup --verify "$TO/full" -D "$DIR" | grep -q 'is whole' || fail "verify"
mood short
AWS_MAX_ATTEMPTS=1 says "partial file" "$AXL" restore "$TO/full" -D "$COPY"
mood busy

# ---- there and back: a full one, one since, and the log of what came later ----
check_restore() {
    rm -rf "$COPY"
    "$AXL" restore "$TO/full" "$TO/more" --archive "$TO/log" --to-time "$moment" -D "$COPY" "$@" >/dev/null || fail "restore"
    "$AXL" start --programs "$BIN" -D "$COPY" --port $((PORT + 1)) --pool 16MB --set archive_directory= >/dev/null || fail "start of the copy"
    [ "$(copy_sql -c "$sum")" = "$expected" ] || fail "the copy is $(copy_sql -c "$sum"), not $expected"
}
more_and_log() {
    sql -c "UPDATE t SET n = 1 WHERE id % 10 = 0" || fail "update"
    "$AXL" backup "$TO/more" --since "$TO/full" -D "$DIR" >/dev/null || fail "incremental backup"
    sql -c "UPDATE t SET n = n + 2 WHERE id % 2 = 0" || fail "update"
    expected=$(sql -c "$sum")
    moment=$(sql -c "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    sleep 0.05
    sql -c "UPDATE t SET n = -1, v = repeat('x', 300)" || fail "behind the moment"
    # Only a commit behind the moment shows that the log reaches it; a segment holds at least so much.
    local segment=$(($("$AXL" status --json -D "$DIR" | python3 -c 'import json, sys; print(json.load(sys.stdin)["durable_lsn"])') / ((16 << 20) / 4096 * 3840 - 4096)))
    for i in $(seq 100); do [ "$(newest)" ] && [ $((16#$(basename "$(newest)" .log))) -ge $segment ] && break; sql -c "UPDATE t SET n = -2" || fail "more log"; done
    "$AXL" archive --to "$TO/log" --keep 2 -D "$DIR" >/dev/null || fail "archive"
}
more_and_log
[ "$(ls "$WORK"/archive/*.log | wc -l)" -le 3 ] || fail "what was sent stays: $(ls "$WORK/archive")"
mood short
check_restore
[ -e "$COPY/received" ] && fail "what was received is left"
mood busy
says 'another appliance' "$AXL" archive --to "$TO/log" --from "$WORK/archive" -D "$COPY"
"$AXL" stop -D "$COPY" >/dev/null

# ---- an endpoint that does not answer: the appliance goes on, all log stays, and the archive goes on afterwards ----
mood broken
AWS_MAX_ATTEMPTS=1 "$AXL" archive --to "$TO/log" --keep 0 --follow -D "$DIR" 2>"$WORK/follow.log" &
ARCHIVE=$!
SERVERS="$SERVERS $ARCHIVE"
before=$(newest)
for i in 1 2 3; do sql -c "UPDATE t SET n = $i" || fail "a broken endpoint holds up a commit"; done
for i in $(seq 100); do grep -q InternalError "$WORK/follow.log" && break; sleep 0.1; done
grep -q InternalError "$WORK/follow.log" || fail "the archive fails without a word: $(cat "$WORK/follow.log")"
[ -e "$WORK/archive/$before" ] || fail "log that was not archived is gone"
mood busy
for i in $(seq 150); do grep -q 'archived.* again' "$WORK/follow.log" && ! [ -e "$WORK/archive/$before" ] && break; sleep 0.1; done
grep -q 'archived.* again' "$WORK/follow.log" || fail "the archive does not go on: $(cat "$WORK/follow.log")"
[ -e "$WORK/archive/$before" ] && fail "what was sent is still here"
kill $ARCHIVE
wait $ARCHIVE 2>/dev/null
python3 - "$WORK/s3/axl/test/log" <<'P' || fail "segments are missing at the endpoint"
import os, sys
n = sorted(int(f[:16], 16) for f in os.listdir(sys.argv[1]) if f.endswith(".log._S3rver_object"))
sys.exit(0 if n and n == list(range(n[0], n[-1] + 1)) else f"not without a gap: {n}")
P

# ---- not whole: a part is cut off, another is missing ----
part=$WORK/s3/axl/test/full/part.00000001._S3rver_object
[ -s "$part" ] || fail "where are the parts?"
rm -rf "$COPY"
truncate -s -4096 "$part"
says 'not a whole backup' "$AXL" restore "$TO/full" -D "$COPY"
says 'is not whole' "$AXL" backup --verify "$TO/full" -D "$DIR"
rm "$part"
says 'not a whole backup' "$AXL" restore "$TO/full" -D "$COPY"
[ -e "$COPY" ] && fail "a refused restore leaves a directory"

# ---- what is needed no longer goes there, too ----
objects() { find "$WORK/s3/axl/test/$1" -name '*_object' 2>/dev/null | wc -l; }
before=$(objects log)
[ "$before" -ge 2 ] || fail "too little log at the endpoint"
prune() { "$AXL" backup --prune "$TO" --archive "$TO/log" --retention 0 -D "$DIR" >"$WORK/said" || fail "prune: $(cat "$WORK/said")"; }
prune
[ "$(objects full)" -gt 0 ] || fail "what an increment needs is gone"
"$AXL" backup "$TO/last" -D "$DIR" >/dev/null || fail "backup"
prune
[ "$(objects full)" -eq 0 ] && [ "$(objects more)" -eq 0 ] || fail "left: $(find "$WORK/s3/axl/test/full" "$WORK/s3/axl/test/more")"
[ "$(objects log)" -lt "$before" ] || fail "no log went: $(cat "$WORK/said")"
"$AXL" restore "$TO/last" --archive "$TO/log" -D "$COPY" >/dev/null || fail "restore of what is left"
rm -rf "$COPY"

# ---- encrypted ones: nothing plain lies there, and the key alone opens them ----
stop_now
rm -rf "$DIR" "$WORK"/archive/* "$WORK/s3/axl/test"
(umask 077; printf "%064d" 7 >"$WORK/master")
"$AXL" init -D "$DIR" --encrypt --key-file "$WORK/master" >/dev/null || fail "init of an encrypted one"
start_archiving
sql -c "CREATE TABLE t (id int PRIMARY KEY, n int, v text);
        INSERT INTO t SELECT g, 0, repeat(md5(g::text), 8) FROM generate_series(1, 5000) g;
        CREATE TABLE w AS SELECT 'salamander' || g AS word FROM generate_series(1, 3000) g" || fail "set-up"
"$AXL" backup "$TO/full" -D "$DIR" >/dev/null || fail "backup of an encrypted one"
more_and_log
[ "$(ls "$WORK/s3/axl/test/log" | grep -c 'keys._S3rver_object$')" -ge 1 ] || fail "no keys at the archive"
grep -rlaF salamander "$WORK/s3" && fail "there it is, plain"
"$AXL" backup --verify "$TO/full" -D "$DIR" | grep -q 'is whole' || fail "verify of an encrypted one"
(umask 077; printf "%064d" 8 >"$WORK/other")
says 'is not the one' "$AXL" backup --verify "$TO/full" -D "$DIR" --key-file "$WORK/other"
"$AXL" stop --immediate -D "$DIR" >/dev/null
rm -rf "$WORK/archive"
check_restore --key-file "$WORK/master"
exit 0
