#!/bin/bash
# pg_stat_progress_create_index while indexes are built, and after a worker's death in the middle (index_progress.py).
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || exit 77
fresh
start --workers 1 --set unix_socket_directories="$DIR"
python3 "$(dirname "$0")/index_progress.py" "$DIR" "$PORT" "kill -9 $(pid_of queryd.0)" || fail "index_progress.py"
[ "$(field queryd.0 restarts)" = 1 ] || fail "another death"
stop_now
