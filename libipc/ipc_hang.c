#include "ipc_hang.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc_proc.h"

#define MS 1000000ull
#define HELD_UP_NS (500 * MS) /* between two looks */

enum hang hang_verdict(char state, uint64_t cpu_ms, uint64_t silence_ms,
                       struct hang_limits limits) {
    switch (state) {
    case 'T': return HANG_STOPPED;
    case 'S':
        if (silence_ms > HANG_BLOCKED_MS) return HANG_BLOCKED;
        break;
    case 'R':
    case 'D': break;
    default: return HANG_NONE; /* traced, or gone, which others notice */
    }
    if (cpu_ms > limits.loop_ms) return HANG_LOOPS;
    return silence_ms > limits.silence_ms ? HANG_SILENT : HANG_NONE;
}

/* State and processor time (user and system) from /proc/PID/stat; false: no such process. */
static bool read_stat(pid_t pid, char *ret_state, uint64_t *ret_cpu_ms) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return false;
    text[n] = '\0';
    char *at = strrchr(text, ')');
    if (!at || at[1] != ' ') return false;
    *ret_state = at[2];
    for (int field = 2; field < 14 && at; field++) at = strchr(at + 1, ' ');
    if (!at) return false;
    uint64_t user = strtoull(at, &at, 10), system = strtoull(at, NULL, 10);
    *ret_cpu_ms = (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return true;
}

bool hang_is_stopped(pid_t pid) {
    char state;
    uint64_t cpu_ms;
    return read_stat(pid, &state, &cpu_ms) && state == 'T';
}

enum hang hang_look(struct hang_watch *w, const struct proc_entry *entry,
                    struct hang_limits limits) {
    uint64_t now = clock_mono_ns(), beat = atomic_load(&entry->heartbeat_ns), cpu_ms;
    bool held_up = now - w->looked_ns > HELD_UP_NS;
    char state;
    w->looked_ns = now;
    if (!read_stat((pid_t)atomic_load(&entry->pid), &state, &cpu_ms)) return HANG_NONE;
    if (beat != w->beat_ns) {
        w->beat_ns = beat;
        w->beat_cpu_ms = cpu_ms;
        w->blocked_looks = 0;
    }
    uint64_t silence_ms = now > beat ? (now - beat) / MS : 0;
    if (atomic_load(&entry->state) != PROC_READY)
        return state == 'T'                     ? HANG_STOPPED
               : silence_ms > limits.silence_ms ? HANG_SILENT
                                                : HANG_NONE;
    enum hang verdict = hang_verdict(state, cpu_ms - w->beat_cpu_ms, silence_ms, limits);
    if (verdict == HANG_STOPPED) return verdict;
    if (held_up) return HANG_NONE;
    if (verdict == HANG_BLOCKED && ++w->blocked_looks < HANG_BLOCKED_LOOKS) return HANG_NONE;
    return verdict;
}

const char *hang_words(enum hang h) {
    static const char *const words[] = {[HANG_NONE] = "it does not",
                                        [HANG_STOPPED] = "stopped",
                                        [HANG_LOOPS] = "computes without an end",
                                        [HANG_BLOCKED] = "blocked",
                                        [HANG_SILENT] = "silent"};
    return words[h];
}
