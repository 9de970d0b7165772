/* spawn.c: making processes, and the pipes that tell when one is entirely gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fault.h"
#include "base/probe.h"
#include "crypt/given.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "supervisor.h"

#define LOG_FILE_BYTES_MAX (64 << 20)

/* --- lifelines: a FIFO, so that the next supervisor can look at it as well ---------------------
 */

status lifeline_make(struct kept *k, struct error *e) {
    char path[CONTROL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/run/%s.lifeline", k->s->dir, k->name);
    if (mkfifo(path, 0600) != 0 && errno != EEXIST) {
        return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    }
    k->lifeline = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (k->lifeline < 0) return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    return OK;
}

static int lifeline_write_end(const struct kept *k) {
    char path[CONTROL_PATH_BYTES + 64];
    if (k->lifeline < 0) return -1;
    snprintf(path, sizeof path, "%s/run/%s.lifeline", k->s->dir, k->name);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

bool lifeline_held(const struct kept *k) {
    char byte;
    return k->lifeline >= 0 && read(k->lifeline, &byte, 1) < 0 && errno == EAGAIN;
}

/* --- processes ---------------------------------------------------------------------------------
 */

static int log_file_open(const struct supervisor *s, const char *name) {
    char path[CONTROL_PATH_BYTES + 64], old[CONTROL_PATH_BYTES + 80];
    snprintf(path, sizeof path, "%s/log-files/%s.log", s->dir, name);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > LOG_FILE_BYTES_MAX) {
        snprintf(old, sizeof old, "%s.old", path);
        rename(path, old);
    }
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void spawn_log_open(const struct supervisor *s) {
    int fd = log_file_open(s, "supervisor");
    if (fd < 0) return; /* stderr stays what it was */
    dup2(fd, STDERR_FILENO);
    close(fd);
}

struct launch {
    char program[CONTROL_PATH_BYTES + 32], slot[16], epoch[16], lifeline[16], keys[16];
    char *argv[18 + 2 * CONF_COUNT];
};

/* What one life inherits and no other process: -1 is nothing. */
struct own_files {
    int log, lifeline, keys;
};

static void launch_arguments(struct launch *a, const struct kept *k, uint32_t epoch,
                             const struct own_files *own, bool restart) {
    const struct supervisor *s = k->s;
    snprintf(a->program, sizeof a->program, "%s/%s", k->programs,
             k->slot >= SLOT_QUERYD ? "queryd" : k->name);
    snprintf(a->slot, sizeof a->slot, "%u", k->slot);
    snprintf(a->epoch, sizeof a->epoch, "%u", epoch);
    snprintf(a->lifeline, sizeof a->lifeline, "%d", own->lifeline);
    snprintf(a->keys, sizeof a->keys, "%d", own->keys);
    int n = 0;
    const char *fixed[] = {a->program, "-D", s->dir, "--slot", a->slot, "--epoch", a->epoch};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) a->argv[n++] = (char *)fixed[i];
    if (own->lifeline >= 0) {
        a->argv[n++] = "--lifeline";
        a->argv[n++] = a->lifeline;
    }
    if (own->keys >= 0) {
        a->argv[n++] = GIVEN_OPTION;
        a->argv[n++] = a->keys;
    }
    if (restart) a->argv[n++] = "--restart";
    for (int i = 0; i < s->nsettings; i++) {
        a->argv[n++] = "--set";
        a->argv[n++] = (char *)s->settings[i];
    }
    a->argv[n] = NULL;
}

/* Under the same number: -1 is nothing. */
static void give(struct child *c, int fd) {
    child_give(c, fd, fd);
}

static void give_listeners(struct child *c, const struct control *control) {
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++) give(c, control->listener[i] - 1);
}

/* Both ends of its channel: it is how a supervisor without a guardian gets them back. */
static void give_channel(struct child *c, const struct control *control, int worker) {
    give(c, control->channel[worker] - 1);
    give(c, control->channel_guardian[worker] - 1);
}

static int launch(const struct supervisor *s, struct launch *a, const struct own_files *own,
                  uint16_t slot, pid_t *ret_pid) {
    struct child c;
    child_init(&c);
    child_give(&c, own->log, STDOUT_FILENO);
    child_give(&c, own->log, STDERR_FILENO);
    for (uint16_t other = 0; other < s->slots; other++) give(&c, bell_fd(s->shm.rings, other));
    if (slot >= SLOT_QUERYD) {
        give_listeners(&c, s->shm.control);
        give_channel(&c, s->shm.control, slot - SLOT_QUERYD);
    }
    give(&c, own->lifeline);
    give(&c, own->keys);
    return child_start(&c, a->program, a->argv, ret_pid);
}

/* When memory runs out the kernel takes a worker, whose sessions go on elsewhere, before a daemon.
 */
#define WORKER_OOM_SCORE 500

static void offer_to_oom_killer(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (dprintf(fd, "%d", WORKER_OOM_SCORE) < 0) event("%s: %s", path, strerror(errno));
    close(fd);
}

status spawn_process(struct kept *k, bool restart, struct error *e) {
    struct supervisor *s = k->s;
    struct proc_entry *entry = &s->shm.control->procs[k->slot];
    struct launch a;
    struct own_files own;
    TRY(keys_for(s, k->slot, &own.keys, e));
    uint32_t epoch = proc_prepare(&s->shm, k->slot);
    own.lifeline = lifeline_write_end(k);
    own.log = log_file_open(s, k->name);
    pid_t pid = 0;
    launch_arguments(&a, k, epoch, &own, restart);
    int rc = launch(s, &a, &own, k->slot, &pid);
    if (own.log >= 0) close(own.log);
    if (own.lifeline >= 0) close(own.lifeline);
    if (own.keys >= 0) close(own.keys);
    if (rc != 0) {
        atomic_store(&entry->state, PROC_DEAD);
        return error_set(e, ST_IO_ERROR, "could not start %s: %s", a.program, strerror(rc));
    }
    k->pid = pid;
    k->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    FAULT(&s->d.proc, SPAWNED);
    /* The pid last: with it the life begins (ipc_main.c). */
    atomic_store(&entry->birth, proc_birth(pid));
    atomic_store(&entry->pid, (uint32_t)pid);
    if (k->slot >= SLOT_QUERYD) offer_to_oom_killer(pid);
    PROBE(axolotl_supervisor, process_started, k->slot, epoch, pid);
    if (k->pidfd < 0) {
        kill(pid, SIGKILL);
        return error_set(e, ST_IO_ERROR, "no pidfd for %s: %s", k->name, strerror(errno));
    }
    return OK;
}
