#!/bin/sh
# Every script of tests/sql against a real appliance, each over a connection of its own.
. "$(dirname "$0")/lib.sh"
RUNNER=$(find "$BUILD" -name sql_runner -type f | head -1)
[ -n "$RUNNER" ] || { echo "sql_runner is not built"; exit 77; }
fresh
start --workers 1
for script in "$(dirname "$0")"/../sql/scripts/*.test "$(dirname "$0")"/../sql/session/*.test; do
    "$RUNNER" "host=127.0.0.1 port=$PORT user=postgres dbname=postgres" "$script" ||
        fail "$(basename "$script")"
done
psql -X -q -h 127.0.0.1 -p "$PORT" -U postgres -d postgres \
    -c "create database icu locale_provider icu icu_locale 'de' template template0" || fail "no database"
for script in "$(dirname "$0")"/../sql/icu/*.test; do
    "$RUNNER" "host=127.0.0.1 port=$PORT user=postgres dbname=icu" "$script" ||
        fail "$(basename "$script")"
done
exit 0
