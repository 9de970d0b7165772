#!/bin/bash
# Files of an appliance that died are damaged, cut off or lost: it starts with nothing missing, or it stays down and says why,
# soon; axl verify finds what is in the way.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
sql() { timeout 30 psql -X -qAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres "$@" 2>&1; }
fresh
GOOD=$DIR.good
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$GOOD"; (exit $status); at_end' EXIT
settings=(--workers 1 --pool 16MB --set checkpoint_interval=1h)
start "${settings[@]}"
sql -c "CREATE TABLE t (id bigint PRIMARY KEY, v text)" || fail "set-up"
"$AXL" checkpoint -D "$DIR" >/dev/null
for i in $(seq 8); do sql -c "INSERT INTO t SELECT $i * 1000 + g, repeat(md5(g::text), 20) FROM generate_series(0, 999) g" || fail "rows"; done
kill_everything
cp -a "$DIR" "$GOOD"
again() { "$AXL" stop --immediate -D "$DIR" >/dev/null; rm -rf "$DIR"; cp -a "$GOOD" "$DIR"; }

# stays_down WHAT WORDS [VERDICT]: the start says so within half a minute, and nothing is left running; axl verify says VERDICT
stays_down() {
    local said
    said=$("$AXL" verify -D "$DIR" 2>&1) && fail "$1: verify finds nothing"
    case $said in *"${3-}"*) ;; *) fail "$1: verify says $said" ;; esac
    said=$(timeout 30 "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" "${settings[@]}" 2>&1)
    case $? in 0) fail "$1: it starts" ;; 124) fail "$1: half a minute without a word" ;; esac
    case $said in *"$2"*) ;; *) fail "$1: it says $said" ;; esac
    "$AXL" status -D "$DIR" >/dev/null
    [ $? = 2 ] || fail "$1: something runs on"
    again
}
segment() { printf '%s/log/%016x.seg' "$DIR" "$1"; }

again
rm "$(segment 0)"
stays_down "the log's beginning is lost" "segment 0000000000000000.seg, with LSN" "what the last checkpoint needs is not there"
truncate -s 100000 "$(segment 0)"
stays_down "a segment is cut off" "log segment 0000000000000000.seg: its head or its length" "the head or the length of segment 0000000000000000.seg"
rm "$(segment 1)"
stays_down "a segment is lost" "log segment 0000000000000002.seg: the segment before it is missing" "segments before 0000000000000002.seg are missing"
rm "$DIR/data"
stays_down "the data file is lost" "the file \"data\" is missing" "data file"
for at in 100 8292; do printf '\377\377' | dd of="$DIR/data" bs=1 seek=$at conv=notrunc 2>/dev/null; done
stays_down "both file pages are damaged" "pages 0 and 1 of the file \"data\" are both damaged" "pages 0 and 1 are both damaged"

for damage in "rm" "truncate -s 8192"; do
    $damage "$DIR/doublewrite"
    stays_down "$damage doublewrite after a crash" "ignore_missing_doublewrite" "the file doublewrite is missing or cut off"
done

# has_all WORDS: it runs, and every row is there
has_all() { [ "$(sql -c "SELECT count(*), bool_and(v = repeat(md5((id % 1000)::text), 20)) FROM t")" = "8000|t" ] || fail "rows $1"; }

# With what can be done without, everything is there.
rm "$DIR/page_lsns"
start "${settings[@]}"
has_all "without page_lsns"

# No page is torn after an orderly stop, so what would mend one is made anew; after a crash only if that is wished for,
# and then a torn page is made again from the log.
stop_now
rm "$DIR/doublewrite"
"$AXL" verify -D "$DIR" >/dev/null || fail "verify misses what an orderly stop needs no more"
start "${settings[@]}"
has_all "without doublewrite after a stop"
[ -s "$DIR/doublewrite" ] || fail "doublewrite is not made anew"
again
rm "$DIR/doublewrite"
torn=$("$AXL" inspect tree t --json -D "$DIR" | python3 -c 'import json, sys
print([p["page"] for p in json.load(sys.stdin)["pages"] if p["level"] == 0][0])')
printf '\377\377' | dd of="$DIR/data" bs=1 seek=$((torn * 8192 + 5000)) conv=notrunc 2>/dev/null
start "${settings[@]}" --set ignore_missing_doublewrite=on
has_all "without doublewrite, with a torn page"
again

# Who we are is not to be made up anew beside the data.
printf 'nothing\n' >"$DIR/appliance"
for file in damaged lost; do
    said=$("$AXL" start --programs "$BIN" -D "$DIR" 2>&1) && fail "it starts with a $file appliance file"
    case $said in *"axl init"*) fail "with a $file appliance file it says: $said" ;; esac
    rm -f "$DIR/appliance"
done
again

for what in checkpoint "fault off" "backup $DIR.backup" "quarantine release 1" pool "rotate-key"; do
    said=$("$AXL" $what -D "$DIR" 2>&1) && fail "axl $what with nothing running"
    case $said in *"does not run"*) ;; *) fail "axl $what says: $said" ;; esac
done
[ -e "$DIR.backup" ] && fail "a backup of what does not run leaves a directory"
"$AXL" verify nonsense -D "$DIR" >/dev/null 2>&1
[ $? = 2 ] || fail "a wrong argument is a verdict"
for what in "inspect page abc" "inspect page 12x" "inspect log abc" "logs -n abc" "events -n abc" "fault commit_durable kill --after 1x"; do
    "$AXL" $what -D "$DIR" 2>&1 | grep -q 'is not a number' || fail "axl $what: $("$AXL" $what -D "$DIR" 2>&1 | head -3)"
done
