#!/bin/bash
# axl verify and axl inspect: a stopped appliance is whole, also one that died in the middle of a load; each kind of damage is
# found and told, with its page and relation; a running appliance is refused; nothing is written by looking.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || exit 77
fresh
start --workers 2 --pool 16MB
sql() { psql -h 127.0.0.1 -p "$PORT" -U postgres -d postgres -qAt -c "$1"; }
sql "create table a (k int primary key, b text unique, c int);
create index a_c on a (c desc); create index a_part on a (c) where c > 500; create index a_expr on a (lower(b));
create table d (k int primary key deferrable, u int unique deferrable initially deferred);
insert into d select g, g + 1 from generate_series(1, 3000) g; update d set u = u + 1;
create table h (x int, y text); create index h_x on h (x);
insert into a select g, 'B' || g, g % 1000 from generate_series(1, 20000) g;
insert into h select g, repeat('z', g % 3000) from generate_series(1, 2000) g;
insert into h select 0, string_agg(md5(g::text), '') from generate_series(1, 2000) g;
delete from a where k % 7 = 0; update a set c = c + 1 where k % 5 = 0; delete from h where x % 3 = 0" || fail "tables"
sql "create database two template postgres" || fail "database"

"$AXL" verify -D "$DIR" 2>/dev/null
[ $? = 2 ] || fail "a running appliance was judged"
"$AXL" inspect page 100 -D "$DIR" 2>&1 | grep -q 'runs' || fail "a running appliance was looked into"
"$AXL" inspect region control -D "$DIR" --json | python3 -c 'import json, sys
assert json.load(sys.stdin)["control"]["port"] > 0' || fail "a region"
"$AXL" inspect region frames -D "$DIR" | grep -q 'state ready' || fail "frames"

sums() { (cd "$DIR" && md5sum data doublewrite page_lsns log/*.seg); }
whole() { # words
    "$AXL" verify --json -D "$DIR" >"$DIR/verdict" || { cat "$DIR/verdict"; fail "$1: not whole"; }
    python3 - "$DIR/verdict" "$2" <<'END' || fail "$1"
import json, sys
v = json.load(open(sys.argv[1]))
assert v["whole"] and not v["problems"], v
assert v["stopped_in_order"] == (sys.argv[2] == "stopped"), v["stopped_in_order"]
assert v["trees"] > 100 and v["entries"] > 60000 and v["indexes"] > 50, v
assert not v["skipped"] or sys.argv[2] == "dead", v["skipped"]
END
}
stop_now
before=$(sums)
whole "a stop" stopped
[ "$before" = "$(sums)" ] || fail "looking has written"

start
(for i in $(seq 40); do
    sql "insert into a select g, 'C' || g, g % 1000 from generate_series($i * 1000 + 100000, $i * 1000 + 100999) g" 2>/dev/null
    sql "update a set c = c - 1 where k % 11 = $i % 11" 2>/dev/null
done) &
load=$!
sleep 1.5
kill_everything
wait $load
whole "a death" dead
start
for _ in $(seq 600); do # a stop before would leave the rest of redo to the next start
    "$AXL" inspect region control -D "$DIR" | grep -q 'redo_pages 0' && break
    sleep 0.1
done
sleep 0.5
stop_now
whole "a start after a death" stopped

# each damage is found; then it is taken back
page_of() { # of a relation, the last leaf
    "$AXL" inspect tree "$1" --json -D "$DIR" | python3 -c 'import json, sys
t = json.load(sys.stdin)
assert t["verdict"] == "good" and t["entries"] > 0, t["verdict"]
print([p["page"] for p in t["pages"] if p["level"] == 0][-1])'
}
damaged() { # what, page, relation, words
    "$AXL" verify --json -D "$DIR" >"$DIR/verdict"
    [ $? = 1 ] || fail "$1 was not found"
    python3 - "$DIR/verdict" "$2" "$3" "$4" <<'END' || fail "$1: $(cat "$DIR/verdict")"
import json, sys
v = json.load(open(sys.argv[1]))
page, relation, words = int(sys.argv[2]), sys.argv[3], sys.argv[4]
assert not v["whole"]
assert any(words in p["what"] and (not page or p.get("page") == page) and (not relation or p.get("relation") == relation)
           for p in v["problems"]), v["problems"]
END
    cp "$DIR/data.good" "$DIR/data"
}
edit() { # page, python that changes `page` (bytearray) or reads others by at(n); reseals when `seal` is set
    python3 - "$DIR/data" "$1" "$2" <<'END' || fail "edit"
import struct, sys
def crc32c(data):
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
        table.append(c)
    c = 0xffffffff
    for b in data:
        c = table[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xffffffff
f = open(sys.argv[1], "r+b")
def at(n):
    f.seek(n * 8192)
    return bytearray(f.read(8192))
n = int(sys.argv[2])
page, seal = at(n), False
scope = dict(page=page, at=at, struct=struct, seal=False)
exec(sys.argv[3], scope)
page = scope["page"]
if scope["seal"]:
    page[0:4] = bytes(4)
    page[0:4] = struct.pack("<I", crc32c(page))
f.seek(n * 8192)
f.write(page)
END
}
cp "$DIR/data" "$DIR/data.good"
leaf=$(page_of a) other=$(page_of h_x)
edit "$leaf" 'page[5000] ^= 4'
"$AXL" inspect page "$leaf" -D "$DIR" | grep -q 'verdict: has a wrong checksum' || fail "inspect page"
damaged "a flipped bit" "$leaf" "" "wrong checksum"
edit "$leaf" "page = at($other)"
damaged "a misdirected write" "$leaf" "" "is page $other"
edit "$leaf" 'page[16:24] = struct.pack("<Q", struct.unpack_from("<Q", page, 16)[0] - 64); seal = True'
damaged "a lost write" "$leaf" "" "a write was lost"
# two slots change places: the order is broken
edit "$leaf" 'page[64:72], page[72:80] = page[72:80], page[64:72]; seal = True'
damaged "a broken order" "$leaf" "a" "not a valid node"
# an entry less in an index: count, the first slot, garbage
edit "$other" 'n = struct.unpack_from("<H", page, 32)[0]
page[64:64 + 8 * (n - 1)] = page[72:64 + 8 * n]
page[64 + 8 * (n - 1):64 + 8 * n] = bytes(8)
at_, key = struct.unpack_from("<HH", at(int('"$other"')), 64)
value = struct.unpack_from("<H", page, at_ + 16)[0]
struct.pack_into("<H", page, 32, n - 1)
struct.pack_into("<H", page, 36, struct.unpack_from("<H", page, 36)[0] + 20 + key + value)
seal = True'
damaged "a lost entry" 0 h_x "rows of table \"h\" have no entry"
# the map forgets a page; and has one too many
edit 2 "page[64 + $leaf // 8] &= ~(1 << $leaf % 8) & 255; seal = True"
damaged "a page in use that is free" "$leaf" "" "free by the space map"
free=$(python3 - "$DIR/data" <<'END'
import sys
d = open(sys.argv[1], "rb").read()
m = d[2 * 8192 + 64:3 * 8192]
print(next(i for i in range(len(d) // 8192 - 1, 0, -1) if not m[i // 8] >> i % 8 & 1))
END
)
edit 2 "page[64 + $free // 8] |= 1 << $free % 8; seal = True"
damaged "a lost page" "$free" "" "in no tree"

"$AXL" inspect log -D "$DIR" --json | python3 -c 'import json, sys
r = [json.loads(line) for line in sys.stdin]
assert len(r) > 50 and all(a["lsn"] + a["bytes"] == b["lsn"] for a, b in zip(r, r[1:])), r[:3]' || fail "inspect log"
"$AXL" inspect page 2 -D "$DIR" | grep -q 'type: space map' || fail "inspect a map"
"$AXL" inspect tree nowhere -D "$DIR" 2>&1 | grep -q 'no relation "nowhere"' || fail "a strange tree"
"$AXL" inspect page 12x -D "$DIR" 2>&1 | grep -q '"12x" is not a number' || fail "a strange page"
"$AXL" inspect log 4096 -1 -D "$DIR" 2>&1 | grep -q 'unknown argument "-1"' || fail "a strange LSN"
whole "the end" stopped
