/* adopt.c: a supervisor that finds an appliance which has outlived the one before.
 *
 * Fence, regain, adopt: the last supervisor is made sure to be dead; the descriptors that stand in
 * the regions are inherited from the guardian, or else copied from the living; then every process
 * that lives is watched as if this supervisor had started it, and whatever the others left is
 * repaired by their keepers (keep.c). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc_guard.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"
#include "leftovers.h"
#include "supervisor.h"

void adopt_fence(struct shm *old) {
    struct proc_entry *entry = &old->control->procs[SLOT_SUPERVISOR];
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    if (pid == getpid() || !leftover_alive(entry)) return;
    event("the last supervisor (%d) still lives: killed", (int)pid);
    leftover_end(entry);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static bool open_here(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* From a process that has it under the same number. */
static bool copy_from(const struct proc_entry *entry, int fd) {
    if (!leftover_alive(entry)) return false;
    int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)atomic_load(&entry->pid), 0);
    if (pidfd < 0) return false;
    int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    close(pidfd);
    if (copy < 0) return false;
    bool placed = copy == fd || dup3(copy, fd, O_CLOEXEC) == fd;
    if (copy != fd) close(copy);
    return placed;
}

static bool regain(const struct shm *shm, int fd) {
    if (fd < 0) return true;
    if (open_here(fd)) return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
    for (int slot = PROC_SLOTS - 1; slot > SLOT_SUPERVISOR; slot--)
        if (copy_from(&shm->control->procs[slot], fd)) return true;
    return false;
}

/* Each channel is held by its own worker alone, besides the guardian: without both it is made anew.
 */
static void regain_channel(struct control *c, const struct shm *shm, int worker) {
    if (!c->channel[worker]) return;
    if (regain(shm, c->channel[worker] - 1) && regain(shm, c->channel_guardian[worker] - 1)) return;
    c->channel[worker] = c->channel_guardian[worker] = 0;
}

static bool regain_all(struct shm *shm) {
    struct control *c = shm->control;
    for (int slot = 0; slot < PROC_SLOTS; slot++)
        if (!regain(shm, bell_fd(shm->rings, (uint16_t)slot))) return false;
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++)
        if (!regain(shm, c->listener[i] - 1)) return false;
    for (int i = 0; i < WORKERS_MAX; i++) regain_channel(c, shm, i);
    atomic_store(&shm->rings->bells_pid, (uint32_t)getpid());
    return true;
}

/* ---- processes ------------------------------------------------------------------------------- */

static void adopt_process(struct kept *k) {
    struct proc_entry *entry = &k->s->shm.control->procs[k->slot];
    uint32_t state = atomic_load(&entry->state);
    if (state == PROC_EMPTY && atomic_load(&entry->epoch) == 0) return;
    k->inherited = true;
    if (!leftover_alive(entry)) return; /* its keeper repairs what it left */
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    k->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (k->pidfd >= 0) k->pid = pid;
}

static unsigned adopt_processes(struct supervisor *s) {
    unsigned living = 0;
    for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++) {
        adopt_process(&s->kept[slot]);
        living += s->kept[slot].pid != 0;
    }
    return living;
}

/* Our guardian has held the descriptors of this appliance: then it goes on even if nobody else has
 * lived through. */
static bool guardian_was_there(const struct shm *shm) {
    const struct proc_entry *entry = &shm->control->procs[SLOT_GUARDIAN];
    return leftover_alive(entry) && (pid_t)atomic_load(&entry->pid) == getppid();
}

/* An appliance in the middle of recovery, or of its end, has nothing that goes on. */
static bool can_go_on(const struct shm *shm) {
    return atomic_load(&shm->control->state) == APPLIANCE_SERVING &&
           (leftovers_count(shm) > 0 || guardian_was_there(shm));
}

bool adopt(struct supervisor *s, struct shm *old) {
    if (!can_go_on(old) || !regain_all(old)) return false;
    s->shm = *old;
    events_open(s);
    /* New lives come from where their neighbours come from, also after an upgrade. */
    snprintf(s->programs, sizeof s->programs, "%s", upgrade_programs(s));
    s->slots = (uint16_t)(SLOT_QUERYD + old->sizes.workers);
    for (uint16_t slot = 0; slot < s->slots; slot++) kept_init(s, slot);
    unsigned living = adopt_processes(s);
    event_as(&(struct event){.kind = EVENT_ADOPTED},
             "a new supervisor adopts %u of %u processes of appliance %016llx", living,
             s->slots - 1u, (unsigned long long)old->control->appliance_id);
    return true;
}
