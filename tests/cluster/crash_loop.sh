#!/bin/bash
# A process that dies on its first step is not started for ever: it is left failed, the appliance is
# degraded and says so, and a request brings it back once the cause is gone.
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
export AXL_STAND_IN=idle
fresh
programs=$DIR.programs
mkdir "$programs"
cp -P "$BIN"/* "$programs"/
"$AXL" start -D "$DIR" --port "$PORT" --programs "$programs" --workers 2 --pool 16MB >/dev/null ||
    fail "start"
# from now on a new queryd ends at once
printf '#!/bin/sh\necho no more >&2\nexit 3\n' > "$programs/queryd.new"
chmod +x "$programs/queryd.new"
mv "$programs/queryd.new" "$programs/queryd"
kill_name queryd.1
for _ in $(seq 200); do
    [ "$(field queryd.1 state)" = failed ] && break
    sleep 0.1
done
[ "$(field queryd.1 state)" = failed ] || fail "queryd.1 is $(field queryd.1 state), not failed"
restarts=$(field queryd.1 restarts)
[ "$restarts" -le 6 ] || fail "$restarts restarts"
"$AXL" status -D "$DIR" >/dev/null; [ $? = 1 ] || fail "degraded is not told by 1"
"$AXL" logs -D "$DIR" queryd.1 | grep -q 'no more' || fail "its words are not in the log file"
sleep 1
[ "$(field queryd.1 restarts)" = "$restarts" ] || fail "it goes on dying"
rm "$programs/queryd"
cp -P "$BIN/queryd" "$programs/queryd"
"$AXL" restart queryd.1 -D "$DIR" >/dev/null || fail "restart"
"$AXL" status -D "$DIR" >/dev/null || fail "healthy again"

# a hang is made into a death
stopped=$(pid_of txnd)
"$AXL" stop -D "$DIR" >/dev/null
"$AXL" start -D "$DIR" --port "$PORT" --programs "$programs" --workers 1 --pool 16MB \
    --set heartbeat_timeout=2s >/dev/null || fail "start"
stopped=$(pid_of txnd)
kill -STOP "$stopped"
for _ in $(seq 100); do
    [ "$(field txnd restarts)" = 1 ] && break
    sleep 0.1
done
wait_ready txnd
[ "$(pid_of txnd)" != "$stopped" ] || fail "the hanging process was left"
rm -rf "$programs"
echo "crash_loop: passed, $restarts restarts before it was left"
