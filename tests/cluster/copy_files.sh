#!/bin/bash
# COPY from and to files of the server (copy_files.py).
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || exit 77
fresh
start --workers 1 --set unix_socket_directories="$DIR"
mkdir "$DIR/files"
python3 "$(dirname "$0")/copy_files.py" "$DIR" "$PORT" "$DIR/files" || fail "copy_files.py"
[ "$(field queryd.0 restarts)" = 0 ] || fail "a worker died"
stop_now
