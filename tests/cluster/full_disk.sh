#!/bin/bash
# The disk is full: writers get 53100 and leave nothing behind, readers go on, no process ends, what was committed is
# there; once there is room again writers go on by themselves. First the disk of the data, then that of the log; then
# everything dies on a full disk, and starts on it. The disks are memory of a given size (77 where nothing can be mounted).
#
#   full_disk.sh BUILD [ROUNDS]
. "$(dirname "$0")/lib.sh"
ROUNDS=${2:-1}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_full_disk.XXXXXX")
mkdir "$WORK/data" "$WORK/log"
sql() { timeout 30 psql -X -qAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -h 127.0.0.1 -p "$PORT" -U postgres "$@" 2>&1; }
tidy() {
    umount -l "$WORK/data" "$WORK/log" 2>/dev/null
    rm -rf "$WORK"
}
trap 'status=$?; (exit $status); (at_end); status=$?; DIR=; tidy; exit $status' EXIT
command -v psql >/dev/null || exit 77
mount -t tmpfs -o size=160m tmpfs "$WORK/data" 2>/dev/null && mount -t tmpfs -o size=160m tmpfs "$WORK/log" 2>/dev/null ||
    { echo "nothing can be mounted here"; exit 77; }

DIR=$WORK/data/a
"$AXL" init -D "$DIR" --set log_segment_size=1MB >/dev/null || fail "init"
mv "$DIR/log/"* "$WORK/log" && rmdir "$DIR/log" && ln -s "$WORK/log" "$DIR/log" || fail "the log's place"
settings=(--workers 2 --pool 4MB --set log_size_max=32MB --set checkpoint_interval=1s)
start "${settings[@]}"
sql -c "CREATE TABLE t (id bigint PRIMARY KEY, v text); CREATE TABLE told (n bigint PRIMARY KEY)" || fail "set-up"

# fill DISK LEAVE: all but so many kilobytes of it is somebody else's; free DISK gives it back
fill() { fallocate -l $(($(df -k --output=avail "$1" | tail -1) - $2))K "$1/balloon" || fail "no balloon on $1"; }
free() { rm "$1/balloon"; }
next=0 # rows that were committed: ids below
put() { sql -c "INSERT INTO t SELECT g, repeat(md5(g::text), 30) FROM generate_series($next, $next + 499) g"; }
lives() { for p in storaged logd txnd queryd.0 queryd.1; do pid_of $p; done | tr '\n' ' '; }
right() {
    local is
    is=$(sql -c "SELECT count(*), coalesce(max(id), -1) + 1, bool_and(v = repeat(md5(id::text), 30)) FROM t")
    [ "$is" = "$next|$next|t" ] || fail "$1: $is, not $next rows"
}
# put_until_full WORDS: rows are added until they are refused, rightly
put_until_full() {
    local said
    for _ in $(seq 600); do
        said=$(put) || break
        next=$((next + 500))
    done
    [[ $said == *"ERROR:  53100:"* ]] || fail "$1: a writer was told: ${said:-nothing, $next rows}"
}
# full WORDS: nobody can write, one after the other and many at once, and everybody can read
full() {
    local said
    for _ in 1 2 3; do
        said=$(put) && next=$((next + 500)) && continue # a checkpoint may have given pages back
        [[ $said == *"ERROR:  53100:"* ]] || fail "$1: a later writer was told: $said"
        right "$1"
    done
}
# room_again WORDS: within ten seconds
room_again() {
    for _ in $(seq 100); do
        put >/dev/null && { next=$((next + 500)); right "$1"; return; }
        sleep 0.1
    done
    fail "$1: there is room, and a writer is told: $(put)"
}

before=$(lives)
for round in $(seq "$ROUNDS"); do
    fill "$WORK/data" 3000
    put_until_full "the data's disk"
    full "the data's disk"
    free "$WORK/data"
    room_again "the data's disk"

    fill "$WORK/log" 1500
    put_until_full "the log's disk"
    full "the log's disk"
    free "$WORK/log"
    room_again "the log's disk"
    [ "$(lives)" = "$before" ] || fail "a process has ended"

    fill "$WORK/data" 0
    fill "$WORK/log" 0
    put_until_full "both disks"
    kill_everything
    start "${settings[@]}"
    right "started on full disks"
    put_until_full "started on full disks"
    free "$WORK/data"
    free "$WORK/log"
    room_again "started on full disks"
    before=$(lives)
done
stop_now
"$AXL" verify -D "$DIR" >/dev/null || fail "verify"
start "${settings[@]}"
right "in the end"
echo "full_disk: passed, $next rows"
