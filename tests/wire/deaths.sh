#!/bin/bash
# What clients hear when their worker dies or hands over: over TCP with one worker (they wait for its next life),
# and over a Unix socket with two.
. "$(dirname "$0")/../cluster/lib.sh"
here=$(dirname "$0")
[ -x "$BUILD/bin/queryd" ] || exit 77
fresh
mkdir "$DIR/sockets"
cat >"$DIR/command" <<WORDS
#!/bin/sh
pids=\$("$AXL" status --json -D "$DIR" | jq '.processes[] | select(.name | startswith("queryd")) | .pid')
case \$1 in
kill) kill -9 \$pids ;;
hand) kill -USR1 \$pids ;;
undo) "$AXL" fault undo kill -D "$DIR" >/dev/null ;;
esac
WORDS
chmod +x "$DIR/command"
try() { # workers address
    start --workers "$1" --set "unix_socket_directories=$DIR/sockets" --set restart_deaths_max=1000 \
        --set fault_points=on
    "$BUILD/tests/wire_deaths" "$2" "$here/deaths.txt" "$DIR/command" || fail "$1 workers, $2"
    stop_now
}
try 1 "$PORT"
try 2 "$DIR/sockets/.s.PGSQL.$PORT"
