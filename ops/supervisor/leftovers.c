#include "leftovers.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

static void end_and_wait(int pidfd) {
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    (void)poll(&gone, 1, END_MS);
}

void leftover_end(const struct proc_entry *entry) {
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return;
    /* Looked at again: the number may have been another's before it was opened. */
    if (leftover_alive(entry)) end_and_wait(pidfd);
    close(pidfd);
}

/* --- locks ----------------------------------------------------------------------------------- */

static int open_lock(const char *dir, const char *name, int flags) {
    char path[CONTROL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/run/%s.lock", dir, name);
    return open(path, O_RDWR | O_CLOEXEC | flags, 0600);
}

status leftover_lock(const char *dir, const char *name, int *ret_fd) {
    int fd = open_lock(dir, name, O_CREAT);
    if (fd < 0) return STATUS(IO_ERROR);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return STATUS(OBJECT_IN_USE);
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        close(fd);
        return STATUS(IO_ERROR);
    }
    *ret_fd = fd;
    return OK;
}

bool leftover_end_holder(const char *dir, const char *name) {
    char text[16] = "";
    int fd = open_lock(dir, name, 0);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    pid_t pid = held && read(fd, text, sizeof text - 1) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    /* Still held: so the pid was still the holder's when it was opened. */
    if (pidfd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) end_and_wait(pidfd);
    if (pidfd >= 0) close(pidfd);
    if (fd >= 0) close(fd);
    return held;
}

/* --- all of them ----------------------------------------------------------------------------- */

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
