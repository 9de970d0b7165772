#!/bin/bash
# psql's backslash commands over schema.sql: each answer as PostgreSQL 15 gives it (psql/expected.txt), then those of one
# session (psql/session.sql). psql.sh PORT --record writes both from the server at PORT, which should be a PostgreSQL 15.
here=$(dirname "$0")
ask() { psql -X -h 127.0.0.1 -p "$port" -U postgres -d clients_psql "$@"; }
port=$1
work=${TMP_CLIENT:-/tmp}
psql -X -q -h 127.0.0.1 -p "$port" -U postgres -d postgres -c 'CREATE DATABASE clients_psql' || exit 1
ask -q -v ON_ERROR_STOP=1 -f "$here/schema.sql" || exit 1
while IFS= read -r command; do
    echo "=== $command"
    ask -P pager=off -c "$command" 2>&1
done <"$here/psql/commands.txt" >"$work/psql.txt"
# where in its sources an error was raised is PostgreSQL's own
ask -P pager=off <"$here/psql/session.sql" 2>&1 | sed '/^LOCATION:/d' >"$work/psql_session.txt"
if [ "${2:-}" = --record ]; then
    mv "$work/psql.txt" "$here/psql/expected.txt"
    mv "$work/psql_session.txt" "$here/psql/expected_session.txt"
    exit 0
fi
diff -u "$here/psql/expected.txt" "$work/psql.txt" && diff -u "$here/psql/expected_session.txt" "$work/psql_session.txt"
