/* init.c: from the settings to running processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"
#include "leftovers.h"
#include "supervisor.h"

#define LOCK_TRIES 200
#define LOCK_PAUSE_US 10000

static status make_folder(const struct supervisor *s, const char *name, struct error *e) {
    char path[CONTROL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return error_set(e, ST_IO_ERROR, "could not create \"%s\": %s", path, strerror(errno));
    }
    return OK;
}

/* One supervisor a directory: the lock goes with the process that holds it. One that was just
 * killed may hold it a moment longer, while the system takes its memory back. */
static status take_lock(const struct supervisor *s, struct error *e) {
    int fd;
    status st = leftover_lock(s->dir, "supervisor", &fd);
    for (int tries = 0; status_is(st, ST_OBJECT_IN_USE) && tries < LOCK_TRIES; tries++) {
        usleep(LOCK_PAUSE_US);
        st = leftover_lock(s->dir, "supervisor", &fd);
    }
    if (status_is(st, ST_OBJECT_IN_USE))
        return error_set(e, st.code, "the appliance in \"%s\" is running already", s->dir);
    return ok(st) ? OK
                  : error_set(e, st.code, "%s/run/supervisor.lock: %s", s->dir, strerror(errno));
}

/* A guardian is the only one in its directory: a supervisor that still lives has lost its own, and
 * hangs, or it would have started another. It holds the lock. */
static void fence_last(struct supervisor *s) {
    struct shm old;
    struct error none = {0};
    if (s->guardian < 0 || !ok(region_attach_all(s->region, &old, &none))) return;
    adopt_fence(&old);
    region_detach_all(&old);
}

/* Regions that we cannot read: are those who can at work there? Their tables say nothing to us;
 * what can be seen of them is that storaged's and logd's lifelines are held. */
static status refuse_strangers(struct supervisor *s, const char *why, struct error *e) {
    bool held = false;
    int tries = 0;
    for (uint16_t slot = SLOT_STORAGED; slot <= SLOT_LOGD; slot++) {
        struct kept *k = &s->kept[slot];
        kept_init(s, slot);
        TRY(lifeline_make(k, e));
        /* One that has just died has I/O under way for a moment. */
        for (; tries < LOCK_TRIES && lifeline_held(k); tries++) usleep(LOCK_PAUSE_US);
        held |= lifeline_held(k);
        close(k->lifeline);
    }
    if (!held) return OK;
    return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     "processes of a version with another layout of shared memory are at work in "
                     "\"%s\": end them with \"axl stop\" of that version (%s)",
                     s->dir, why);
}

/* What an earlier start left: an appliance that goes on, or else processes without a supervisor,
 * and memory that a recovery from the files replaces. */
static status see_to_leftovers(struct supervisor *s, struct error *e) {
    struct shm old;
    struct error none = {0};
    status st = region_attach_all(s->region, &old, &none);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    if (status_is(st, ST_INVALID)) return refuse_strangers(s, none.message, e);
    if (!ok(st)) return error_set(e, st.code, "%s", none.message);
    if (adopt(s, &old)) {
        s->adopted = true;
        return OK;
    }
    unsigned n = leftovers_count(&old);
    if (n > 0) event("ends %u processes that have outlived their supervisor", n);
    st = leftovers_end(&old, e);
    region_detach_all(&old);
    return st;
}

static void raise_limit(int resource) {
    struct rlimit l;
    if (getrlimit(resource, &l) != 0 || l.rlim_cur == l.rlim_max) return;
    l.rlim_cur = l.rlim_max;
    /* A wish: whoever needs more says so itself. */
    (void)setrlimit(resource, &l);
}

static status make_bells(struct supervisor *s, struct error *e) {
    for (uint16_t slot = 0; slot < s->slots; slot++) {
        if (!ok(bell_make(s->shm.rings, slot, INHERITED_FD_MIN))) {
            return error_set(e, ST_IO_ERROR, "could not make doorbells: %s", strerror(errno));
        }
    }
    return OK;
}

void kept_init(struct supervisor *s, uint16_t slot) {
    struct kept *k = &s->kept[slot];
    *k = (struct kept){.s = s, .slot = slot, .pidfd = -1, .lifeline = -1, .programs = s->programs};
    proc_slot_name(slot, k->name);
}

static status make_lifelines(struct supervisor *s, struct error *e) {
    for (uint16_t slot = SLOT_STORAGED; slot <= SLOT_LOGD; slot++) {
        struct kept *k = &s->kept[slot];
        TRY(lifeline_make(k, e));
        for (int i = 0; !s->adopted && lifeline_held(k); i++) {
            if (i == 500) event("%s: I/O of its last life is still under way", k->name);
            usleep(2000);
        }
    }
    return OK;
}

/* An appliance that begins from its files. */
static status make_regions(struct supervisor *s, struct error *e) {
    struct shm_sizes sizes;
    region_sizes(&s->conf, &sizes);
    s->slots = (uint16_t)(SLOT_QUERYD + sizes.workers);
    for (uint16_t slot = 0; slot < s->slots; slot++) kept_init(s, slot);
    TRY(make_lifelines(s, e));
    guardian_forgets(s);
    TRY(region_create_all(s->region, &sizes, &s->shm, e));
    events_open(s);
    struct control *c = s->shm.control;
    c->appliance_id = s->appliance_id;
    c->port = (uint32_t)s->conf.port;
    c->started_wall_ns = clock_wall_ns();
    snprintf(c->data_dir, sizeof c->data_dir, "%s", s->dir);
    snprintf(c->programs, sizeof c->programs, "%s", s->programs);
    TRY(make_bells(s, e));
    return listeners_open(s, e);
}

status supervisor_prepare(struct supervisor *s, bool foreground, struct error *e) {
    char path[CONTROL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, s->dir);
    TRY(conf_load(&s->conf, path, e));
    /* axl start has judged them; where an older one was more lenient, this is no time to refuse. */
    for (int i = 0; i < s->nsettings; i++) TRY(conf_set_text(&s->conf, s->settings[i], true, e));
    TRY(appliance_id_read(s->dir, &s->appliance_id, e));
    TRY(version_check_data(s->dir, e));
    region_name_of(s->appliance_id, s->region);
    TRY(make_folder(s, "run", e));
    TRY(make_folder(s, "log-files", e));
    if (!foreground) spawn_log_open(s);
    fence_last(s);
    TRY(take_lock(s, e));
    TRY(keys_open(s, e));
    raise_limit(RLIMIT_NOFILE);
    raise_limit(RLIMIT_MEMLOCK);
    TRY(see_to_leftovers(s, e));
    TRY(s->adopted ? make_lifelines(s, e) : make_regions(s, e));
    s->handed_ns = calloc(s->shm.sizes.sessions, sizeof *s->handed_ns);
    if (!s->handed_ns) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    TRY(channels_make(s, e));
    guardian_keeps(s);
    return OK;
}

/* The loop turns: everything is started at once, each waits for what it needs from the others. */
void supervisor_begin(struct supervisor *s) {
    struct proc_entry *own = &s->shm.control->procs[SLOT_SUPERVISOR];
    atomic_store(&own->birth, proc_birth(getpid()));
    if (!ok(guardian_begin(s))) s->guardian_due_ns = clock_mono_ns() + GUARDIAN_RETRY_NS;
    status_ignore(daemon_spawn(&s->d, 0, keep_watch_heartbeats, s)); /* as below */
    if (s->keys.encrypted)
        status_ignore(daemon_spawn(&s->d, 0, rotate_watch, s)); /* else: at the next start */
    for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++) {
        if (ok(daemon_spawn(&s->d, 0, keep_run, &s->kept[slot]))) continue;
        event("out of memory");
        supervisor_stop(s, true);
        return;
    }
    daemon_ready(&s->d);
    if (s->adopted) {
        upgrade_adopted(s);
        return;
    }
    event_as(&(struct event){.kind = EVENT_STARTED}, "starts %u processes of appliance %016llx",
             s->slots - 1, (unsigned long long)s->appliance_id);
}
