#!/bin/bash
# What lies there was made by another version: start, status, stop and restore say so, name both versions, and touch nothing.
#
#   versions.sh BUILD
. "$(dirname "$0")/lib.sh"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_versions.XXXXXX")
trap 'status=$?; rm -rf "$WORK"; (exit $status); at_end' EXIT
# says EXIT WORDS COMMAND …
says() {
    local status=$1 words=$2 out got
    shift 2
    out=$("$@" 2>&1)
    got=$?
    [ $got -eq "$status" ] || fail "$*: exit status $got: $out"
    case $out in *"$words"*) ;; *) fail "$* says: $out; not: $words" ;; esac
}
fresh
own=$("$BIN/storaged" --version)
format() { echo "$own" | sed "s/.* $1 \([0-9]*\).*/\1/"; }
number=$(echo "$own" | cut -d' ' -f3)
grep -q "^axolotl data $number layout .* page $(format page) log $(format log) data $(format data)$" "$DIR/version" ||
    fail "version: $(cat "$DIR/version")"

# ---- files ----
cp "$DIR/version" "$WORK/version"
echo "axolotl data 0.0.7 layout 3 page $(format page) log $(format log) data 1" >"$DIR/version"
words="made by version 0.0.7 with data format 1; this is version $number with data format $(format data)"
says 1 "$words" "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT"
says 2 "$words" "$AXL" status -D "$DIR"
says 2 "$words" "$AXL" status --json -D "$DIR"
says 0 "does not run" "$AXL" stop -D "$DIR"
says 1 "$words" "$BIN/guardian" -D "$DIR" --programs "$BIN" --foreground
cp "$WORK/version" "$DIR/version"

# A directory from before directories had a version.
rm "$DIR/version"
cp -r "$DIR/log" "$WORK/log"
for f in "$DIR"/log/*.seg; do printf '\x01' | dd of="$f" bs=1 seek=8 conv=notrunc status=none; done
words="made by an older version with log format 1; this is version $number with log format $(format log)"
says 1 "$words" "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT"
says 2 "$words" "$AXL" status -D "$DIR"
rm -rf "$DIR/log"
cp -r "$WORK/log" "$DIR/log"
start --workers 1 --pool 16MB

# ---- shared memory of an appliance that runs ----
region=/dev/shm/axolotl.$(cat "$DIR/appliance").control
layout() { printf '\x'"$(printf %02x "$1")" | dd of="$region" bs=1 seek=8 conv=notrunc status=none; }
layout 250
words="has version 250 of it, this program ($number) version $(format layout)"
says 2 "$words" "$AXL" status -D "$DIR"
says 1 "$words" "$AXL" stop -D "$DIR"
layout "$(format layout)"
[ "$(field queryd.0 state)" = ready ] || fail "it was disturbed"

# ---- a backup ----
"$AXL" backup "$WORK/b" -D "$DIR" >/dev/null || fail "backup"
"$AXL" restore "$WORK/b" -D "$WORK/copy" >/dev/null || fail "restore"
cmp "$WORK/copy/version" "$WORK/version" || fail "the copy's version"
sed -i "s/axolotl backup [^\"]*/axolotl backup 0.0.7 layout 3 page 1 log $(format log) data 1/" "$WORK/b/backup.json"
says 1 "made by version 0.0.7 with data format 1; this is version $number" "$AXL" restore "$WORK/b" -D "$WORK/copy2"
[ -e "$WORK/copy2" ] && fail "a refused restore leaves a directory"
exit 0
