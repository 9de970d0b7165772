#!/bin/bash
# bad_disk.sh BUILD [FLIPS [MISPLACED [MODE …]]]: bits of the data file flip (60), writes go elsewhere or are lost (12), while
# clients work. MODE repaired: the log reaches back to the beginning, and everything is repaired unseen; refused: it does not,
# and statements that meet a page that is lost are refused with XX001, only those; backup: it does not, but there is a backup
# and the archive, and everything is repaired. All, when none is given.
. "$(dirname "$0")/lib.sh"
FLIPS=${2:-60} MISPLACED=${3:-12}
shift $(($# < 3 ? $# : 3))

events() { "$AXL" events --json -n 256 -D "$DIR" | grep -c "\"kind\":\"$1\""; }
spoil() { # mode, settings
    local mode=$1
    shift
    fresh --set log_segment_size=1MB
    start --workers 2 --pool 4MB "$@"
    python3 "$(dirname "$0")/bad_disk.py" "$DIR" /tmp "$PORT" "$FLIPS" "$MISPLACED" "$mode" || fail "$mode"
}

for mode in ${*:-repaired refused backup}; do
    case $mode in
    repaired)
        spoil repaired --set log_size_max=4GB --set log_keep_size=4GB
        [ "$(events page_rebuilt)" -gt 0 ] || fail "no event of a repair"
        [ "$(events page_lost)" = 0 ] || fail "a page was lost"
        ;;
    refused)
        spoil refused --set log_size_max=32MB --set log_keep_size=0
        [ "$(events page_lost)" -gt 0 ] || fail "no event of a page that is lost"
        ;;
    backup)
        WORK=$(mktemp -d "${TMPDIR:-/tmp}/axl_bad_disk.XXXXXX")
        mkdir "$WORK/archive"
        export AXL BACKUP=$WORK/backup
        spoil backup --set log_size_max=32MB --set log_keep_size=0 --set archive_directory="$WORK/archive"
        [ "$(events page_rebuilt)" -gt 0 ] || fail "no event of a repair"
        [ "$(events page_lost)" = 0 ] || fail "a page was lost"
        rm -rf "$WORK"
        ;;
    *) fail "what is $mode?" ;;
    esac
    "$AXL" stop -D "$DIR" >/dev/null || fail "stop"
    rm -rf "$DIR"
done
