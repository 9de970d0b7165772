#!/bin/bash
# Statements nested far beyond what a coroutine's stack holds: an error of their own, and the worker lives.
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || { echo "psql is missing"; exit 77; }
fresh
start --workers 1

LEVELS=20000
repeat() { printf "%.0s$1" $(seq $LEVELS); }

# refused WORDS BEFORE INNERMOST AFTER: the parts around stand LEVELS times.
refused() {
    local answer
    answer=$(echo "SELECT $(repeat "$2")$3$(repeat "$4");" |
        psql -X -q -At -v VERBOSITY=sqlstate -h 127.0.0.1 -p "$PORT" -U postgres -d postgres 2>&1)
    [[ $answer == *54001* ]] || fail "$1: ${answer:0:200}"
}
refused brackets '(' 1 ')'
refused calls 'abs(' 1 ')'
refused NOT 'NOT ' true ''
refused CASE 'CASE WHEN true THEN ' 1 ' END'
refused 'a chain' '1+' 1 ''
refused 'scalar subqueries' '(SELECT ' 1 ')'
refused EXISTS 'EXISTS (SELECT 1 WHERE ' true ')'
refused 'subqueries in FROM' '* FROM (SELECT ' '1' ') x'
refused 'a UNION' '1 UNION SELECT ' 1 ''
refused 'nested WITH' '1 FROM (WITH a AS (SELECT ' 1 ') SELECT * FROM a) x'
refused 'recursion of brackets in WHERE' '1 WHERE (1 IN (SELECT ' 1 '))'

[ "$(field queryd.0 restarts)" = 0 ] || fail "the worker has died"
exit 0
