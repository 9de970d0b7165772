#!/bin/bash
# Those that keep the others, in bad company: one guardian and one supervisor a directory whoever hangs, a life
# begins only when it is known, start and stop work whatever state both are in, strangers are left alone.
BIN=$1/tests/stand_in
. "$(dirname "$0")/lib.sh"
export AXL_STAND_IN=idle
fresh
start --workers 2 --pool 16MB --set fault_points=on
rest() { for n in storaged logd txnd queryd.0 queryd.1; do pid_of $n; done; }
left=$(rest)
unchanged() { [ "$(rest)" = "$left" ] || fail "$1: the rest was not left as it was"; }
healthy() {
    for _ in $(seq 200); do
        "$AXL" status -D "$DIR" >/dev/null && return
        sleep 0.05
    done
    fail "$1: not healthy"
}

# how a process ended that is no child of the supervisor that sees it
kill_name supervisor
healthy "another supervisor"
kill -SEGV "$(pid_of queryd.0)"
for _ in $(seq 100); do [ "$(field queryd.0 restarts)" = 1 ] && break; sleep 0.05; done
[ "$(field queryd.0 last_exit)" = "signal 11" ] || fail "last exit of an adopted process: $(field queryd.0 last_exit)"
healthy "queryd.0 again"
left=$(rest)

# a second guardian has no business here
keepers="$(pid_of guardian) $(pid_of supervisor)"
"$BIN/guardian" -D "$DIR" --programs "$BIN" 2>"$DIR/words" && fail "two guardians"
grep -q 'another guardian' "$DIR/words" || fail "a second guardian says: $(cat "$DIR/words")"
[ "$(pid_of guardian) $(pid_of supervisor)" = "$keepers" ] || fail "a second guardian disturbs the first"
unchanged "a second guardian"

# both stopped: nobody sees to them but start
kill -STOP $keepers
start --set fault_points=on
healthy "both stopped"
unchanged "both stopped"
for pid in $keepers; do
    grep -qE '^State:.[RSDT]' "/proc/$pid/status" 2>/dev/null && fail "a keeper that hung still lives: $pid of $keepers"
done

# the guardian dead, the supervisor stopped
supervisor=$(pid_of supervisor)
kill -STOP "$supervisor"
kill -9 "$(pid_of guardian)"
start --set fault_points=on
healthy "guardian dead, supervisor stopped"
unchanged "guardian dead, supervisor stopped"

# a supervisor dies between making a process and noting it: one life goes on, not two
supervisor=$(pid_of supervisor)
"$AXL" fault spawned kill -D "$DIR" || fail "arm"
kill_name queryd.1
for _ in $(seq 100); do [ "$(pid_of supervisor)" != "$supervisor" ] && break; sleep 0.05; done
[ "$(pid_of supervisor)" != "$supervisor" ] || fail "the fault point was not reached"
healthy "a birth cut short"
sleep 0.2
[ "$(pgrep -fc -- "-D $DIR --slot 5 ")" = 1 ] || fail "lives of queryd.1: $(pgrep -fa -- "-D $DIR --slot 5 ")"

# regions of another layout, with others at work there: refused, and nothing is touched
left=$(rest)
region=$(echo /dev/shm/axolotl."$(cat "$DIR/appliance")".control)
layout() { printf '\x'"$(printf %02x "$1")" | dd of="$region" bs=1 seek=8 conv=notrunc status=none; }
version=$(od -An -tu1 -j8 -N1 "$region" | tr -d ' ')
kill_keepers
layout 250
"$AXL" start -D "$DIR" --programs "$BIN" >"$DIR/words" 2>&1 && fail "started over another layout"
grep -q 'another layout' "$DIR/words" || fail "words about another layout: $(cat "$DIR/words")"
layout "$version"
unchanged "another layout"
start
healthy "the layout is ours again"
unchanged "the layout is ours again"

# an appliance that has not come to serve begins from its files, also where the guardian holds its listeners
supervisor=$(pid_of supervisor)
kill -STOP "$supervisor"
printf '\0' | dd of="$region" bs=1 seek=$((4096 + 8)) conv=notrunc status=none # control.state: starting
kill -9 "$supervisor" 2>/dev/null
for _ in $(seq 200); do [ "$(pid_of storaged)" != "${left%%$'\n'*}" ] && break; sleep 0.05; done
healthy "from the files"
[ "$(field storaged epoch)" = 1 ] || fail "an appliance that had not come to serve was adopted"

# an orderly stop does not wait for a daemon that has just died
stop_now
AXL_STAND_IN=load start
for _ in 1 2 3; do
    sleep 0.5
    kill -9 "$(pid_of logd)" "$(pid_of storaged)" "$(pid_of txnd)"
    begin=$SECONDS
    stop_now
    [ $((SECONDS - begin)) -lt 10 ] || fail "stop took $((SECONDS - begin)) s"
    AXL_STAND_IN=load start
done

# a guardian that has just begun: its supervisor is stopped before it could tell where the regions are
python3 - "$BIN/guardian" "$DIR" <<'END' || fail "a supervisor that stopped before it had begun stays"
import os, signal, socket, subprocess, sys, tempfile, time
ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
stopped = subprocess.Popen(["sleep", "60"])
stopped.send_signal(signal.SIGSTOP)
guardian = subprocess.Popen([sys.argv[1], "-D", tempfile.mkdtemp(dir=sys.argv[2]), "--channel", str(its.fileno()),
                             "--supervisor", str(stopped.pid)], pass_fds=[its.fileno()], stderr=subprocess.DEVNULL)
try:
    stopped.wait(5)
finally:
    for p in (stopped, guardian):
        p.kill()
END

# keepers come before others where the system lets them
nice_of() { awk '{ print $19 }' "/proc/$(pid_of "$1")/stat"; }
if [ "$(id -u)" = 0 ]; then
    own=$(awk '{ print $19 }' /proc/self/stat)
    for name in guardian supervisor; do [ "$(nice_of $name)" -lt "$own" ] || fail "$name: nice $(nice_of $name)"; done
    for name in storaged queryd.0; do [ "$(nice_of $name)" = "$own" ] || fail "$name: nice $(nice_of $name)"; done
fi

# stop ends everything, whoever hangs
left=$(rest)
kill -STOP "$(pid_of guardian)" "$(pid_of supervisor)"
"$AXL" stop --immediate -D "$DIR" >/dev/null || fail "stop, both stopped"
pgrep -fa -- "-D $DIR " && fail "not all have ended"
ls "$region" 2>/dev/null && fail "regions are left behind"

# ... also a guardian whose supervisors cannot come to work, so that neither stands in the table
start
healthy "started again"
programs=$DIR.programs
mkdir "$programs"
cp -P "$BIN"/* "$programs"/
stop_now
"$AXL" start -D "$DIR" --port "$PORT" --programs "$programs" >/dev/null || fail "start"
printf '#!/bin/sh\nexit 3\n' >"$programs/supervisor.new"
chmod +x "$programs/supervisor.new"
mv "$programs/supervisor.new" "$programs/supervisor"
kill_name supervisor
sleep 0.5
"$AXL" stop --immediate -D "$DIR" >/dev/null || fail "stop, no supervisor comes to work"
pgrep -fa -- "-D $DIR " && fail "not all have ended"
rm -rf "$programs"

pgrep -fa -- "-D $DIR " && fail "not all have ended"
echo "keepers: passed"
