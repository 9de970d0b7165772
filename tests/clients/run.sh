#!/bin/bash
# run.sh BUILD CLIENT: the client's program against a fresh appliance. A client is a script of this
# folder, CLIENT.sh or CLIENT_client.py, that gets the port and ends with a status other than 0 when an answer is
# wrong; 77: what it needs is not installed. No process may have died meanwhile.
. "$(dirname "$0")/../cluster/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
client=$2
unset PGOPTIONS PGDATABASE PGSERVICE
export PGHOST=127.0.0.1 PGUSER=postgres TMP_CLIENT
[ -x "$BIN/queryd" ] || exit 77
fresh
start
PGPORT=$PORT
export PGPORT
TMP_CLIENT=$(mktemp -d)
if [ -f "$here/${client}_client.py" ]; then
    python=/usr/bin/python3 # Debian's, for which its packages are
    "$python" "$here/${client}_client.py" "$PORT"
else
    bash "$here/$client.sh" "$PORT"
fi
status=$?
rm -rf "$TMP_CLIENT"
[ $status = 77 ] && { "$AXL" stop --immediate -D "$DIR" >/dev/null; rm -rf "$DIR"; DIR=; exit 77; }
[ $status = 0 ] || fail "$client"
restarts=$("$AXL" status --json -D "$DIR" |
    python3 -c 'import json, sys; print(sum(p["restarts"] for p in json.load(sys.stdin)["processes"]))')
[ "$restarts" = 0 ] || fail "$restarts processes have died"
stop_now
