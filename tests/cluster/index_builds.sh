#!/bin/bash
# Indexes are made, dropped and built anew beside writers while workers and daemons die (index_builds.py); in the end axl verify compares
# them with the table.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || exit 77
fresh
start --workers 2 --pool 32MB --set unix_socket_directories="$DIR"
timeout 150 python3 "$(dirname "$0")/index_builds.py" "$DIR" "$PORT" "$AXL" "${SECONDS_OF_LOAD:-10}" || fail "index_builds.py"
stop_now
"$AXL" verify --json -D "$DIR" >"$DIR/verdict" || { cat "$DIR/verdict"; fail "not whole"; }
python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
assert v["whole"] and not v["skipped"], v' "$DIR/verdict" || fail "verify"
