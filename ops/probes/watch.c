#include "watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "leftovers.h"

#define UPROBE_TYPE "/sys/bus/event_source/devices/uprobe/type"

/* What libbpf said last: the only place where it tells why. */
static char last_words[512];

static int keep_words(enum libbpf_print_level level, const char *format, va_list args) {
    if (level != LIBBPF_DEBUG) vsnprintf(last_words, sizeof last_words, format, args);
    return 0;
}

status watch_possible(struct error *e) {
    libbpf_set_print(keep_words);
    if (access(UPROBE_TYPE, R_OK) != 0) {
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "this kernel has no probes in programs (" UPROBE_TYPE ": %s)",
                         strerror(errno));
    }
    return OK;
}

static void let_go(struct watched *one) {
    for (unsigned i = 0; i < WATCH_POINTS_MAX; i++) {
        if (one->link[i]) bpf_link__destroy(one->link[i]);
    }
    *one = (struct watched){0};
}

static status refused(const struct watch_point *point, const struct proc_entry *entry, int failure,
                      struct error *e) {
    if (failure == ENOENT) {
        return error_set(e, ST_NOT_FOUND, "the program of %.16s has no probe %s:%s", entry->name,
                         point->provider, point->name);
    }
    return error_set(e,
                     failure == EPERM || failure == EACCES ? ST_INSUFFICIENT_PRIVILEGE : ST_INVALID,
                     "cannot attach to %s:%s of %.16s: %s %.200s", point->provider, point->name,
                     entry->name, strerror(failure), last_words);
}

static status attach(struct watch *w, const struct proc_entry *entry, bool logd,
                     struct watched *one, struct error *e) {
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    char program[64];
    snprintf(program, sizeof program, "/proc/%d/exe", (int)pid);
    for (unsigned i = 0; i < w->points_n; i++) {
        const struct watch_point *point = &w->points[i];
        if (point->logd != logd) continue;
        last_words[0] = '\0';
        one->link[i] = bpf_program__attach_usdt(point->program, pid, program, point->provider,
                                                point->name, NULL);
        if (one->link[i]) continue;
        int failure = errno;
        /* It may have died meanwhile: that is no failure of ours. */
        return leftover_alive(entry) ? refused(point, entry, failure, e) : STATUS(DEAD);
    }
    return OK;
}

status watch_follow(struct watch *w, struct error *e) {
    for (uint16_t slot = SLOT_LOGD; slot < SLOT_GUARDIAN; slot++) {
        if (slot == SLOT_TXND) continue;
        const struct proc_entry *entry = &w->shm->control->procs[slot];
        struct watched *one = &w->processes[slot];
        uint32_t epoch = atomic_load(&entry->epoch), state = atomic_load(&entry->state);
        if (one->epoch && (one->epoch != epoch || !leftover_alive(entry))) let_go(one);
        /* Not before it is ready: until then the pid may still be on its way to its program. */
        if (one->epoch || state != PROC_READY || !leftover_alive(entry)) continue;
        status s = attach(w, entry, slot == SLOT_LOGD, one, e);
        if (!ok(s)) let_go(one);
        if (status_is(s, ST_DEAD)) continue;
        TRY(s);
        one->epoch = epoch;
    }
    return OK;
}

void watch_end(struct watch *w) {
    for (unsigned i = 0; i < PROC_SLOTS; i++) let_go(&w->processes[i]);
}

unsigned watch_count(const struct watch *w) {
    unsigned n = 0;
    for (unsigned i = 0; i < PROC_SLOTS; i++) n += w->processes[i].epoch != 0;
    return n;
}
