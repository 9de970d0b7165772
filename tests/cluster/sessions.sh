#!/bin/bash
# What one session does to another, and the death of a worker to a held cursor (sessions.py); no process dies otherwise.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || exit 77
fresh
start --workers 1 --set unix_socket_directories="$DIR"
python3 "$(dirname "$0")/sessions.py" "$DIR" "$PORT" "kill -9 $(pid_of queryd.0)" || fail "sessions.py"
[ "$(field queryd.0 restarts)" = 1 ] || fail "another death"
stop_now
