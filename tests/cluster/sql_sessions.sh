#!/bin/sh
# Every script of tests/sql/sessions against a real appliance of two workers.
. "$(dirname "$0")/lib.sh"
RUNNER=$(find "$BUILD" -name sql_sessions -type f | head -1)
[ -n "$RUNNER" ] || { echo "sql_sessions is not built"; exit 77; }
fresh
start --workers 2
for script in "$(dirname "$0")"/../sql/sessions/*.test; do
    "$RUNNER" "host=127.0.0.1 port=$PORT user=postgres dbname=postgres" "$script" || fail "$(basename "$script")"
done
exit 0
