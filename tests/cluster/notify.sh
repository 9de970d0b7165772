#!/bin/sh
# Who listens goes on listening when its worker dies, and hears what was sent meanwhile.
. "$(dirname "$0")/lib.sh"
fresh
start --workers 2
sql() { psql -X -q -At -h 127.0.0.1 -p "$PORT" -U postgres -d postgres "$@"; }
mkfifo "$DIR/listener" || fail "mkfifo"
sql <"$DIR/listener" >"$DIR/heard" 2>&1 &
exec 9>"$DIR/listener"
echo "LISTEN death; SELECT 'listening';" >&9
for _ in $(seq 200); do
    grep -q listening "$DIR/heard" && break
    sleep 0.05
done
sent=0
for round in 1 2 3 4; do
    kill_name "queryd.$((round % 2))"
    for _ in 1 2 3; do
        sent=$((sent + 1))
        sql -c "NOTIFY death, 'message $sent'" 2>"$DIR/refused" || {
            sql -c "NOTIFY death, 'message $sent'" || fail "NOTIFY: $(cat "$DIR/refused")"
        }
    done
    wait_ready "queryd.$((round % 2))"
    echo "SELECT 'round $round';" >&9
done
echo "SELECT 'end';" >&9
exec 9>&-
wait
for n in $(seq $sent); do
    grep -q "payload \"message $n\"" "$DIR/heard" || fail "message $n was not heard: $(cat "$DIR/heard")"
done
grep -q ERROR "$DIR/heard" && fail "the listener was told of an error: $(cat "$DIR/heard")"
order=$(grep -o 'message [0-9]*' "$DIR/heard" | awk '{ print $2 }' | uniq)
[ "$order" = "$(seq $sent)" ] || fail "in this order: $order"
exit 0
