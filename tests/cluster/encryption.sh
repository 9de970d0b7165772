#!/bin/bash
# Encryption at rest: nothing that users have stored lies plain in any file; a key that is wrong, missing, or open to
# others is refused with words, and nothing is touched; after a crash everything is there; what was tampered with is never served.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
KEYS=$(mktemp -d "${TMPDIR:-/tmp}/axl_keys.XXXXXX")
WORD=Wombats-are-marsupials
new_key() { (umask 077 && head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$KEYS/$1"); }
new_key one
new_key two
sql() { psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt -c "$1"; }
# Every file, also those that are only open (temporary space is never named by others).
no_word() {
    grep -rlaF "$WORD" "$DIR" --exclude-dir=log-files && fail "$1: there it is, plain"
}
rows() { sql "select count(*), min(s), max(s) from secret"; }
all_rows="8000|$WORD-1|$WORD-999"

DIR=$(mktemp -d "${TMPDIR:-/tmp}/axl_cluster.XXXXXX")
"$AXL" init -D "$DIR" --encrypt --key-file "$KEYS/one" >/dev/null || fail "init"
start --workers 1 --pool 8MB --set work_mem=64kB
sql "create table secret (i int primary key, s text); create index on secret (s);
insert into secret select g, '$WORD-' || g from generate_series(1, 8000) g;
create table long (s text); insert into long select repeat('$WORD', 5000);" || fail "rows"
(echo "begin; declare c cursor for select * from secret a order by s || 'x'; fetch 1 from c;"; sleep 1.5; echo "commit;") |
    psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt >/dev/null &
sleep 0.7
[ -s "$DIR/temp" ] || fail "nothing in temporary space"
no_word "temporary space in use"
wait $!
[ "$(rows)" = "$all_rows" ] || fail "rows: $(rows)"
"$AXL" checkpoint -D "$DIR" >/dev/null
no_word "after a checkpoint"

# ---- deaths ----
for name in storaged logd; do kill_name $name; wait_ready $name; done
sql "update secret set s = s where i % 2 = 0" || fail "after deaths"
kill_everything
start --workers 1 --pool 8MB
[ "$(rows)" = "$all_rows" ] || fail "rows after a crash: $(rows)"
no_word "after a crash"
stop_now

# ---- refusals ----
sums() { (cd "$DIR" && md5sum data doublewrite page_lsns keys log/*.seg appliance); }
before=$(sums)
refused() { # words, then settings
    local words=$1 said
    shift
    said=$(timeout 20 "$AXL" start --programs "$BIN" -D "$DIR" --port "$PORT" "$@" 2>&1) && fail "started: $words"
    echo "$said" | grep -q "$words" || fail "it did not say \"$words\" but: $said"
    [ "$(sums)" = "$before" ] || fail "$words: files have changed"
}
refused "is not the one that the data in .* are encrypted with" --set "encryption_key_file=$KEYS/two"
refused "are encrypted, and no key is set" --set encryption_key_file=
refused "No such file" --set "encryption_key_file=$KEYS/none"
refused "has ended with status 3" --set encryption_key_file= --set "encryption_key_command=exit 3"
refused "does not hold an encryption key" --set "encryption_key_file=$DIR/appliance"
refused "not both" --set "encryption_key_command=cat $KEYS/one"
chmod 640 "$KEYS/one"
[ "$(id -u)" = 0 ] || refused "by others"
chmod 644 "$KEYS/one"
refused "can be read or written by others"
chmod 600 "$KEYS/one"
mv "$DIR/keys" "$KEYS/keys" && before=$(sums 2>/dev/null)
sums() { (cd "$DIR" && md5sum data doublewrite page_lsns keys log/*.seg appliance) 2>/dev/null; }
refused 'its file "keys" is lost'
refused 'its file "keys" is lost' --set encryption_key_file=
mv "$KEYS/keys" "$DIR/keys"
printf 'x' | dd of="$DIR/keys" bs=1 seek=300 conv=notrunc status=none # one of its two images

# ---- a command, and whose data are not encrypted ----
start --workers 1 --set encryption_key_file= --set "encryption_key_command=cat $KEYS/one"
[ "$(rows)" = "$all_rows" ] || fail "rows by a command: $(rows)"
tr '\0' '\n' </proc/"$(pid_of storaged)"/environ | grep -qF "$(cat "$KEYS/one")" && fail "the key is in the environment"
stop_now
plain=$DIR.plain
"$AXL" init -D "$plain" >/dev/null || fail "init plain"
timeout 20 "$AXL" start --programs "$BIN" -D "$plain" --port "$PORT" --set "encryption_key_file=$KEYS/one" 2>&1 |
    grep -q "are not encrypted" || fail "a key for plain data was taken"
rm -rf "$plain"

# ---- backups and the archive: sealed, whole, and restored by the key alone ----
mkdir "$KEYS/archive"
start --workers 1 --pool 8MB --set "archive_directory=$KEYS/archive"
"$AXL" backup -D "$DIR" "$KEYS/full" >/dev/null || fail "backup"
sql "create table more (i int, s text); insert into more select g, '$WORD-' || repeat(md5(g::text), 40) from generate_series(1, 14000) g"
"$AXL" backup -D "$DIR" "$KEYS/increment" --since "$KEYS/full" >/dev/null || fail "increment"
"$AXL" backup -D "$DIR" --stream 2>/dev/null >"$KEYS/stream" || fail "stream"
for _ in $(seq 100); do ls "$KEYS"/archive/*.log >/dev/null 2>&1 && break; sleep 0.05; done
ls "$KEYS"/archive/*.log "$KEYS"/archive/*.keys >/dev/null || fail "nothing in the archive"
stop_now
grep -rlaF "$WORD" "$KEYS" && fail "a backup or the archive: there it is, plain"
"$AXL" backup -D "$DIR" --verify "$KEYS/increment" >/dev/null || fail "verify"

# ---- what a stopped, or dead, appliance has left, looked at with the key ----
whole() { "$AXL" verify -D "$DIR" --json >"$KEYS/verdict" 2>&1 || { cat "$KEYS/verdict"; fail "$1: not whole"; }; }
not_judged() { # words, then options
    local words=$1
    shift
    for what in verify "inspect page 100" "inspect log" "inspect tree secret"; do
        said=$("$AXL" $what -D "$DIR" "$@" 2>&1) && fail "axl $what: without the key"
        echo "$said" | grep -q "$words" || fail "axl $what did not say \"$words\" but: $said"
    done
}
whole "after a stop"
python3 - "$KEYS/verdict" <<'END' || fail "the verdict"
import json, sys
v = json.load(open(sys.argv[1]))
assert v["whole"] and v["stopped_in_order"] and v["trees"] > 100 and v["entries"] > 20000 and v["indexes"] > 50, v
END
not_judged "is not the one that the data in .* are encrypted with" --key-file "$KEYS/two"
not_judged "No such file" --key-file "$KEYS/none"
not_judged "ended with status 3" --key-command "exit 3"
leaf=$("$AXL" inspect tree secret -D "$DIR" --json | python3 -c 'import json, sys
t = json.load(sys.stdin)
assert t["verdict"] == "good" and t["entries"] == 8000, t
print([p["page"] for p in t["pages"] if p["level"] == 0][0])') || fail "axl inspect tree"
"$AXL" inspect page "$leaf" -D "$DIR" | grep -q "$(echo -n "${WORD:0:8}" | od -An -vtx1 | tr -d ' \n')" || fail "axl inspect page shows no row"
"$AXL" inspect log -D "$DIR" --key-command "cat $KEYS/one" | grep -q "type TREE_CREATE" || fail "axl inspect log"
"$AXL" inspect page 2 -D "$DIR" --json | grep -q '"sealed_by_key": 1' || fail "axl inspect page"
start --workers 1 --pool 8MB
sql "update more set i = i + 1 where i % 3 = 0"
kill_everything
whole "after a death" && grep -q '"redone": 0' "$KEYS/verdict" && fail "nothing was taken from the log"
"$AXL" backup -D "$DIR" --verify "$KEYS/increment" --key-file "$KEYS/two" 2>&1 | grep -q "is not the one" || fail "verified by a wrong key"
restored=$KEYS/restored
"$AXL" restore -D "$restored" "$KEYS/full" --key-file "$KEYS/two" >/dev/null 2>&1 && fail "restored by a wrong key"
"$AXL" restore -D "$restored" "$KEYS/full" --archive "$KEYS/archive" >/dev/null || fail "restore"
(DIR=$restored start --workers 1 && [ "$(rows)" = "$all_rows" ] && DIR=$restored stop_now) || fail "rows of the restored"
grep -rlaF "$WORD" "$restored" && fail "restored: there it is, plain"
rm -rf "$restored"
"$AXL" restore -D "$restored" - <"$KEYS/stream" >/dev/null || fail "restore from a stream"
rm -rf "$restored"

# ---- tampering: a byte of what is sealed, of its nonce, its tag, its key's number; another page; nothing ----
python3 - "$DIR/data" <<'END' || fail "spoiling"
import os, sys
f = open(sys.argv[1], "r+b")
page, pages = 8192, os.path.getsize(sys.argv[1]) // 8192
places = [3000, 8163, 8175, 8189]
for no in range(200, pages - 1, 2):
    f.seek(no * page)
    old, other = f.read(page), f.read(page)
    if not any(old[8188:]): continue
    how = no // 2 % 6
    if how < 4:
        i = places[how]
        new = old[:i] + bytes([old[i] ^ 4]) + old[i + 1:]
    else: new = other if how == 4 else bytes(page)
    f.seek(no * page); f.write(new)
END
"$AXL" verify -D "$DIR" >"$KEYS/verdict" 2>&1 && fail "what was tampered with is whole"
grep -q "is not what was sealed there" "$KEYS/verdict" || fail "axl verify does not tell it: $(head "$KEYS/verdict")"
start --workers 1 --pool 8MB
[ "$(rows 2>&1)" = "$all_rows" ] || fail "what was tampered with is not repaired: $(rows 2>&1)"
"$AXL" events -D "$DIR" | grep -q 'is damaged in the data file: rebuilt' || fail "no page was rebuilt"
stop_now
rm -rf "$KEYS"
