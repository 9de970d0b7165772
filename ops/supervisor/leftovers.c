#include "leftovers.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/control.h"
#include "ipc_proc.h"

#define END_MS 10000
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

void leftover_end(const struct proc_entry *entry) {
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return;
    /* Looked at again: the number may have been another's before it was opened. */
    if (leftover_alive(entry)) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        struct pollfd gone = {.fd = pidfd, .events = POLLIN};
        (void)poll(&gone, 1, END_MS);
    }
    close(pidfd);
}

static bool signal_one(const struct proc_entry *entry, int signal) {
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    return !is_us(pid) && leftover_alive(entry) && kill(pid, signal) == 0;
}

/* How many live that are not us: all of them are sent SIGKILL. Guardian and supervisor, who start
 * one another and the rest again, are stopped first; and the supervisor dies first, because the
 * kernel lets a stopped process go on that is left an orphan. */
static unsigned kill_all(struct shm *shm) {
    const struct proc_entry *procs = shm->control->procs;
    unsigned n = 0;
    (void)signal_one(&procs[SLOT_GUARDIAN], SIGSTOP);
    (void)signal_one(&procs[SLOT_SUPERVISOR], SIGSTOP);
    for (int slot = SLOT_SUPERVISOR; slot < PROC_SLOTS; slot++)
        n += signal_one(&procs[slot], SIGKILL);
    return n;
}

status leftovers_end(struct shm *shm, struct error *e) {
    struct timespec pause = {.tv_nsec = END_PAUSE_NS};
    for (int i = 0; i < END_TRIES; i++) {
        if (kill_all(shm) == 0) return OK;
        nanosleep(&pause, NULL);
    }
    return error_set(e, ST_IO_ERROR, "processes of the last start cannot be ended");
}
