#include "leftovers.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/control.h"
#include "ipc_proc.h"

#define END_TRIES 1000
#define END_PAUSE_NS 10000000

bool leftover_alive(const struct proc_entry *entry) {
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    uint64_t birth = atomic_load(&entry->birth);
    if (pid <= 0) return false;
    uint64_t now = proc_birth(pid);
    /* A process that died before its birth was noted is judged by its pid alone. */
    return now != 0 && (birth == 0 || birth == now);
}

unsigned leftovers_count(const struct shm *shm) {
    unsigned n = 0;
    for (int slot = SLOT_STORAGED; slot < SLOT_GUARDIAN; slot++)
        n += leftover_alive(&shm->control->procs[slot]);
    return n;
}

/* This process, or the guardian that has started it. */
static bool is_us(pid_t pid) {
    return pid == getpid() || pid == getppid();
}

status leftovers_end(struct shm *shm, struct error *e) {
    /* The guardian before the supervisor, which it would start again. */
    for (int slot = PROC_SLOTS - 1; slot >= 0; slot--) {
        struct proc_entry *entry = &shm->control->procs[slot];
        pid_t pid = (pid_t)atomic_load(&entry->pid);
        if (!is_us(pid) && leftover_alive(entry)) kill(pid, SIGKILL);
    }
    struct timespec pause = {.tv_nsec = END_PAUSE_NS};
    for (int i = 0; i < END_TRIES; i++) {
        unsigned n = 0;
        for (int slot = 0; slot < PROC_SLOTS; slot++) {
            struct proc_entry *entry = &shm->control->procs[slot];
            n += !is_us((pid_t)atomic_load(&entry->pid)) && leftover_alive(entry);
        }
        if (n == 0) return OK;
        nanosleep(&pause, NULL);
    }
    return error_set(e, ST_IO_ERROR, "processes of the last start cannot be ended");
}
