/* lock.c: one guardian a directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardian.h"
#include "ipc_hang.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "leftovers.h"

#define LOCK_TRIES 200
#define LOCK_PAUSE_US 10000

/* The supervisor makes it, too; we come first. */
static status make_folder(const struct guardian *g) {
    char path[CONTROL_PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/run", g->dir);
    return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : STATUS(IO_ERROR);
}

/* Two looks apart tell who is stopped or silent; whoever held the lock may also just be dying. */
static bool hangs(const struct proc_entry *entry, enum hang *ret) {
    struct hang_watch watch = {0};
    if ((pid_t)atomic_load(&entry->pid) == getpid() || !leftover_alive(entry)) return false;
    *ret = hang_look(&watch, entry, HANG_LIMITS_DEFAULT);
    usleep(LOCK_PAUSE_US);
    if (*ret == HANG_NONE) *ret = hang_look(&watch, entry, HANG_LIMITS_DEFAULT);
    return *ret != HANG_NONE;
}

/* A supervisor that hangs as well goes first: the kernel lets a stopped orphan go on, and that
 * would start another guardian. */
static void end_hanging(struct control *c) {
    enum hang verdict;
    struct proc_entry *guardian = &c->procs[SLOT_GUARDIAN];
    struct proc_entry *supervisor = &c->procs[SLOT_SUPERVISOR];
    if (!hangs(guardian, &verdict)) return;
    say("the guardian before hangs (%s): killed", hang_words(verdict));
    if (hangs(supervisor, &verdict)) leftover_end(supervisor);
    leftover_end(guardian);
}

static void look_at_holder(const struct guardian *g) {
    struct shm shm;
    uint64_t id;
    char region[REGION_NAME_BYTES];
    struct error e = {0};
    if (!ok(appliance_id_read(g->dir, &id, &e))) return;
    region_name_of(id, region);
    if (!ok(region_attach_all(region, &shm, &e))) return;
    end_hanging(shm.control);
    region_detach_all(&shm);
}

status guardian_lock(const struct guardian *g) {
    int fd; /* kept open for life */
    status st = make_folder(g);
    if (ok(st)) st = leftover_lock(g->dir, "guardian", &fd);
    for (int tries = 0; status_is(st, ST_OBJECT_IN_USE) && tries < LOCK_TRIES; tries++) {
        if (tries == 0) look_at_holder(g);
        usleep(LOCK_PAUSE_US);
        st = leftover_lock(g->dir, "guardian", &fd);
    }
    if (status_is(st, ST_OBJECT_IN_USE)) {
        say("another guardian is at work in \"%s\"", g->dir);
    } else if (!ok(st)) {
        say("%s/run/guardian.lock: %s", g->dir, strerror(errno));
    }
    return st;
}
