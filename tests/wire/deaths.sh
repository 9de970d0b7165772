#!/bin/bash
# What clients hear when their worker dies or hands over, over TCP and over a Unix socket, with one worker
# (they wait for its next life) and with two.
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
esac
WORDS
chmod +x "$DIR/command"
for workers in 1 2; do
    start --workers $workers --set "unix_socket_directories=$DIR/sockets" --set restart_deaths_max=1000
    for address in "$PORT" "$DIR/sockets/.s.PGSQL.$PORT"; do
        "$BUILD/tests/wire_deaths" "$address" "$here/deaths.txt" "$DIR/command" ||
            fail "$workers workers, $address"
    done
    stop_now
done
