# tpcb.sh: pgbench's TPC-B under deaths. Source it after lib.sh.
#
#   tpcb_init SCALE       pgbench -i
#   tpcb_check            the four sums are equal
#   conninfo              for libpq
export PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=postgres PGPORT=$PORT
PGBENCH=${PGBENCH:-$(command -v pgbench || echo /usr/lib/postgresql/15/bin/pgbench)}

conninfo() { echo "host=127.0.0.1 port=$PORT user=postgres dbname=postgres"; }

sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

tpcb_init() { "$PGBENCH" -i -q -s "$1" >"$DIR/pgbench_init.log" 2>&1 || fail "pgbench -i: $(tail -3 "$DIR/pgbench_init.log")"; }

# Aborts of one transaction are counted by pgbench; anything said of a lost connection is a failure.
tpcb_errors() { grep -E 'aborted|server closed|FATAL|could not|number of failed transactions: [1-9]' "$1"; }

tpcb_check() {
    local sums
    sums=$(sql "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),
                       (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0) FROM pgbench_history)") ||
        fail "sums"
    [ "$(echo "$sums" | tr '|' '\n' | sort -u | wc -l)" = 1 ] || fail "the sums differ: $sums"
    echo "sums equal: $sums"
}
