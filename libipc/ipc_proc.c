#include "ipc_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"
#include "base/spin.h"

#define STAT_BYTES 1024

static const char *const daemon_names[SLOT_QUERYD] = {"supervisor", "storaged", "logd", "txnd"};

void proc_slot_name(uint16_t slot, char *ret_name) {
    if (slot == SLOT_GUARDIAN) {
        snprintf(ret_name, PROC_NAME_BYTES, "guardian");
    } else if (slot < SLOT_QUERYD) {
        snprintf(ret_name, PROC_NAME_BYTES, "%s", daemon_names[slot]);
    } else {
        snprintf(ret_name, PROC_NAME_BYTES, "queryd.%u", slot - SLOT_QUERYD);
    }
}

uint16_t proc_slot_of(const char *name) {
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        char its[PROC_NAME_BYTES];
        proc_slot_name(slot, its);
        if (strcmp(its, name) == 0) return slot;
    }
    return PROC_SLOTS;
}

const char *proc_state_name(uint32_t state) {
    static const char *const names[] = {"empty", "starting", "ready", "stopping", "dead", "failed"};
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

uint32_t proc_prepare(struct shm *shm, uint16_t slot) {
    CHECK(slot < PROC_SLOTS);
    struct proc_entry *entry = &shm->control->procs[slot];
    uint32_t epoch = atomic_load(&entry->epoch) + 1;
    if ((epoch & 0xffff) == 0) epoch++;
    proc_slot_name(slot, entry->name);
    atomic_store(&entry->pid, 0);
    atomic_store(&entry->birth, 0); /* the last life's must not speak for the next one's pid */
    atomic_store(&entry->asleep, 0);
    atomic_store(&entry->trace, 0);
    for (int to = 0; to < 4; to++) atomic_store(&entry->awaits[to], 0);
    atomic_store(&entry->heartbeat_ns, clock_mono_ns());
    atomic_store(&entry->started_ns, clock_mono_ns());
    /* From the epoch, which leaves out a value in 65536: however often this is repeated, a life is
     * counted once. */
    atomic_store(&entry->restarts, epoch - 1 - (epoch >> 16));
    atomic_store(&entry->epoch, epoch);
    atomic_store(&entry->state, PROC_STARTING);
    return epoch;
}

static int as_waitpid(const siginfo_t *child) {
    if (child->si_code == CLD_EXITED) return (child->si_status & 0xff) << 8;
    return child->si_status | (child->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* Noted first, and only then forgotten by the kernel: whoever dies in between leaves it to be
 * reaped once more. */
bool proc_reap(struct proc_entry *entry, pid_t pid, int *ret_how) {
    siginfo_t child = {0};
    int rc;
    do rc = waitid(P_PID, (id_t)pid, &child, WEXITED | WNOHANG | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 || child.si_pid != pid) return false;
    *ret_how = as_waitpid(&child);
    if (entry) proc_note_exit(entry, *ret_how);
    (void)waitpid(pid, NULL, WNOHANG); /* it has ended: this neither waits nor fails */
    return true;
}

void proc_note_exit(struct proc_entry *entry, int how) {
    atomic_store(&entry->last_exit, how);
    atomic_store(&entry->exit_epoch, atomic_load(&entry->epoch));
}

struct owner proc_owner(uint16_t slot, uint32_t epoch) {
    return (struct owner){.slot = slot, .epoch = (uint16_t)epoch};
}

/* Behind the second field of /proc/PID/stat, the program's name in parentheses, which may itself
 * contain any of them; NULL: there is no such process. */
static const char *read_stat(pid_t pid, char text[STAT_BYTES]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    ssize_t n = read(fd, text, STAT_BYTES - 1);
    close(fd);
    if (n <= 0) return NULL;
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    return at && at[1] != '\0' ? at : NULL;
}

uint64_t proc_birth(pid_t pid) {
    char text[STAT_BYTES];
    const char *at = read_stat(pid, text);
    if (!at || at[2] == 'Z' || at[2] == 'X') return 0;
    for (int field = 2; field < 22 && at; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

pid_t proc_parent(pid_t pid) {
    char text[STAT_BYTES];
    const char *at = read_stat(pid, text);
    return at && at[2] != '\0' ? (pid_t)strtol(at + 3, NULL, 10) : 0;
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void) {
    return clock_ns(CLOCK_REALTIME);
}

status appliance_id_read(const char *dir, uint64_t *ret_id, struct error *e) {
    char path[4096];
    snprintf(path, sizeof path, "%s/" APPLIANCE_FILE_NAME, dir);
    FILE *f = fopen(path, "re");
    if (!f) {
        return error_set(e, errno == ENOENT ? ST_NOT_FOUND : ST_IO_ERROR,
                         "\"%s\" is not an appliance's directory: %s: %s", dir, path,
                         strerror(errno));
    }
    unsigned long long id = 0;
    int n = fscanf(f, "%16llx", &id);
    fclose(f);
    if (n != 1 || id == 0) return error_set(e, ST_INVALID, "%s: no valid appliance id", path);
    *ret_id = id;
    return OK;
}

status appliance_id_write(const char *dir, uint64_t id, struct error *e) {
    char path[4096], text[32];
    snprintf(path, sizeof path, "%s/" APPLIANCE_FILE_NAME, dir);
    int n = snprintf(text, sizeof text, "%016llx\n", (unsigned long long)id);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    bool written = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    close(fd);
    return written ? OK : error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}
