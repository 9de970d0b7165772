#!/bin/bash
# The worker dies while a program feeds a COPY, or is fed by one (copy_program.py).
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || exit 77
fresh
start --workers 1 --set unix_socket_directories="$DIR"
python3 "$(dirname "$0")/copy_program.py" "$DIR" "$PORT" "$AXL" || fail "copy_program.py"
stop_now
