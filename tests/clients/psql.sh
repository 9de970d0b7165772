#!/bin/bash
# psql's backslash commands over schema.sql: each answer as PostgreSQL 15 gives it (psql/expected.txt).
# psql.sh PORT --record writes that file from the server at PORT, which should be a PostgreSQL 15.
here=$(dirname "$0")
ask() { psql -X -h 127.0.0.1 -p "$port" -U postgres -d clients_psql "$@"; }
port=$1
psql -X -q -h 127.0.0.1 -p "$port" -U postgres -d postgres -c 'CREATE DATABASE clients_psql' || exit 1
ask -q -v ON_ERROR_STOP=1 -f "$here/schema.sql" || exit 1
while IFS= read -r command; do
    echo "=== $command"
    ask -P pager=off -c "$command" 2>&1
done <"$here/psql/commands.txt" >"${TMP_CLIENT:-/tmp}/psql.txt"
if [ "${2:-}" = --record ]; then
    mv "${TMP_CLIENT:-/tmp}/psql.txt" "$here/psql/expected.txt"
    exit 0
fi
diff -u "$here/psql/expected.txt" "$TMP_CLIENT/psql.txt"
