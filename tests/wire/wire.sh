#!/bin/bash
# The protocol spoken to a fresh appliance: by hand, by libpq, and roughly. None of it may kill a process.
. "$(dirname "$0")/../cluster/lib.sh"
here=$(dirname "$0")
[ -x "$BUILD/bin/queryd" ] || exit 77
fresh
start
"$BUILD/tests/wire_cases" "$PORT" "$here/cases.txt" || fail "cases"
if [ -x "$BUILD/tests/wire_libpq" ]; then
    "$BUILD/tests/wire_libpq" "host=127.0.0.1 port=$PORT user=postgres dbname=postgres" || fail "libpq"
fi
"$BUILD/tests/wire_rough" "$PORT" || fail "rough treatment"
restarts=$("$AXL" status --json -D "$DIR" |
    python3 -c 'import json, sys; print(sum(p["restarts"] for p in json.load(sys.stdin)["processes"]))')
[ "$restarts" = 0 ] || fail "$restarts processes have died"
stop_now
