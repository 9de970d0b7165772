/* ipc_hang.h: does a process hang, or is it merely slow?
 *
 * Every process moves its heartbeat in each turn of its loop, and sleeps for 250 ms at
 * most. What the kernel says of it tells the two apart: a stopped process is hung at once; one that
 * has computed for long since its last turn is in an endless loop, while one that waits for a
 * processor has not computed; one that waits for something else than its loop's descriptors is
 * blocked; one that waits for a disk gets the benefit of the doubt. */
#ifndef IPC_HANG_H
#define IPC_HANG_H

#include <sys/types.h>

#include "base/proc.h"

#define HANG_BLOCKED_MS 750  /* silence of a process that sleeps: three of the loop's sleeps */
#define HANG_BLOCKED_LOOKS 3 /* ... in so many looks one after the other */

/* How long is too long, in milliseconds. */
struct hang_limits {
    uint64_t loop_ms;    /* processor time since the last turn: setting loop_timeout */
    uint64_t silence_ms; /* for who is slow for other reasons: setting heartbeat_timeout */
};
#define HANG_LIMITS_DEFAULT ((struct hang_limits){.loop_ms = 5000, .silence_ms = 10000})

enum hang { HANG_NONE, HANG_STOPPED, HANG_LOOPS, HANG_BLOCKED, HANG_SILENT };

/* What has been seen of one process; all zero at first. */
struct hang_watch {
    uint64_t beat_ns;     /* its heartbeat, when last it moved */
    uint64_t beat_cpu_ms; /* the processor time that it had used then */
    uint64_t looked_ns;   /* monotonic */
    unsigned blocked_looks;
};

/* The verdict alone. state: as in /proc/PID/stat; cpu_ms since, and silence_ms, the last heartbeat.
 */
enum hang hang_verdict(char state, uint64_t cpu_ms, uint64_t silence_ms, struct hang_limits limits);
/* Looks at the process of a table entry. A process that is not READY has other things to do than
 * turn its loop: of it only that it is stopped, and the silence, count. When the caller itself was
 * held up, everybody gets another chance. */
enum hang hang_look(struct hang_watch *w, const struct proc_entry *entry,
                    struct hang_limits limits);
/* Of a process that no table entry tells of yet. */
bool hang_is_stopped(pid_t pid);
const char *hang_words(enum hang h);

#endif
