/* status.c: axl status: read from shared memory, whoever is dead. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_version.h"
#include "leftovers.h"
#include "log/log.h"
#include "pool/frame.h"
#include "session/session.h"
#include "txn/txn.h"

enum health { HEALTHY, DEGRADED, DOWN };
static const char *const health_names[] = {"healthy", "degraded", "down"};

#define EVENTS_IN_STATUS 10
#define EVENTS_FOR_PEOPLE 5
#define FRAMES_LOOKED_AT_MAX (1u << 18)

static const char *appliance_state_name(uint32_t state) {
    static const char *const names[] = {"starting", "recovering", "serving", "stopping"};
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

/* What a person should read: a table that nobody keeps any more says READY for ever. */
static const char *state_now(const struct proc_entry *entry, bool alive) {
    uint32_t state = atomic_load(&entry->state);
    bool should_live = state == PROC_STARTING || state == PROC_READY || state == PROC_STOPPING;
    return should_live && !alive ? "dead" : proc_state_name(state);
}

static json_t *process_as_json(const struct proc_entry *entry, uint32_t sessions, uint64_t now) {
    bool alive = leftover_alive(entry);
    uint64_t started = atomic_load(&entry->started_ns), beat = atomic_load(&entry->heartbeat_ns);
    return json_pack("{s:s#, s:i, s:s, s:I, s:I, s:o, s:f, s:I, s:I}", "name", entry->name,
                     (int)strnlen(entry->name, PROC_NAME_BYTES), "pid",
                     alive ? (int)atomic_load(&entry->pid) : 0, "state", state_now(entry, alive),
                     "epoch", (json_int_t)atomic_load(&entry->epoch), "restarts",
                     (json_int_t)atomic_load(&entry->restarts), "last_exit",
                     exit_as_json(atomic_load(&entry->last_exit)), "uptime_s",
                     alive && now > started ? (double)(now - started) / 1e9 : 0.0,
                     "heartbeat_age_ms",
                     alive && now > beat ? (json_int_t)((now - beat) / 1000000) : (json_int_t)0,
                     "sessions", (json_int_t)sessions);
}

/* A pool too large to look through in time is looked at in steps, and the figures scaled. */
static json_t *pool_as_json(const struct shm *shm) {
    uint32_t frames = atomic_load(&shm->pool->wanted_frames);
    uint32_t step = shm->sizes.frames / FRAMES_LOOKED_AT_MAX + 1;
    uint64_t used = 0, dirty = 0;
    for (uint32_t i = 0; i < shm->sizes.frames; i += step) {
        const struct frame *f = &shm->frames[i];
        used += atomic_load_explicit(&f->state, memory_order_relaxed) != FRAME_FREE;
        dirty += atomic_load_explicit(&f->rec_lsn, memory_order_relaxed) != 0;
    }
    static const char *const huge[] = {"try", "off", "on"}; /* enum huge_pages */
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "frames", (json_int_t)frames,
                     "frames_max", (json_int_t)shm->sizes.frames, "used", (json_int_t)(used * step),
                     "dirty", (json_int_t)(dirty * step), "page_bytes", (json_int_t)PAGE_BYTES,
                     "file_pages", (json_int_t)atomic_load(&shm->pool->file_pages), "huge_pages",
                     huge[shm->sizes.huge_pages], "huge_bytes",
                     (json_int_t)atomic_load(&shm->pool->huge_bytes));
}

static json_t *log_as_json(const struct shm *shm) {
    const struct log_shared *l = shm->log;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tail", (json_int_t)atomic_load(&l->tail),
        "durable", (json_int_t)atomic_load(&l->durable), "oldest",
        (json_int_t)atomic_load(&l->oldest), "visible", (json_int_t)atomic_load(&l->visible),
        "redo", (json_int_t)atomic_load(&shm->control->redo_lsn), "redo_pages",
        (json_int_t)atomic_load(&shm->control->redo_pages), "ring_bytes",
        (json_int_t)shm->sizes.ring_bytes, "failed", (json_int_t)atomic_load(&l->failed));
}

static json_int_t active_transactions(const struct shm *shm) {
    json_int_t n = 0;
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        uint64_t word = atomic_load_explicit(&txn_slot_at(shm, i)->word, memory_order_relaxed);
        n += (word & 0xff) != TXN_FREE;
    }
    return n;
}

static json_t *processes_as_json(const struct shm *shm, bool *ret_all_ready, unsigned *ret_alive) {
    json_t *list = json_array();
    uint64_t now = clock_mono_ns();
    uint32_t sessions[PROC_SLOTS];
    session_count(shm, sessions);
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        if (slot >= SLOT_QUERYD + shm->sizes.workers && slot != SLOT_GUARDIAN) continue;
        const struct proc_entry *entry = &shm->control->procs[slot];
        bool alive = leftover_alive(entry);
        *ret_alive += alive;
        if (!alive || atomic_load(&entry->state) != PROC_READY) *ret_all_ready = false;
        json_array_append_new(list, process_as_json(entry, sessions[slot], now));
    }
    return list;
}

static json_t *appliance_as_json(const struct axl *a, const struct shm *shm,
                                 enum health *ret_health) {
    const struct control *c = shm->control;
    bool all_ready = true;
    unsigned alive = 0;
    json_t *processes = processes_as_json(shm, &all_ready, &alive);
    uint32_t state = atomic_load(&c->state);
    *ret_health = alive == 0 ? DOWN : all_ready && state == APPLIANCE_SERVING ? HEALTHY : DEGRADED;
    uint64_t now = clock_wall_ns();
    double up = now > c->started_wall_ns ? (double)(now - c->started_wall_ns) / 1e9 : 0;
    char id[32];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)c->appliance_id);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:I, s:o, s:o, s:I, s:I, s:o, s:o}", "health",
                     health_names[*ret_health], "state",
                     alive ? appliance_state_name(state) : "down", "appliance", id, "data_dir",
                     a->dir, "port", (json_int_t)c->port, "uptime_s", up, "workers",
                     (json_int_t)shm->sizes.workers, "pool", pool_as_json(shm), "log",
                     log_as_json(shm), "durable_lsn", (json_int_t)atomic_load(&shm->log->durable),
                     "active_transactions", active_transactions(shm), "processes", processes,
                     "events", events_as_json(&c->events, EVENTS_IN_STATUS));
}

static json_int_t number(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name) {
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

static void print_events(const json_t *events) {
    size_t n = json_array_size(events);
    printf("\n");
    for (size_t i = n > EVENTS_FOR_PEOPLE ? n - EVENTS_FOR_PEOPLE : 0; i < n; i++) {
        const json_t *e = json_array_get(events, i);
        printf("%s  %s\n", text(e, "time"), text(e, "text"));
    }
}

static void print_for_people(const json_t *all) {
    const json_t *pool = json_object_get(all, "pool"), *log = json_object_get(all, "log");
    printf("%s (%s)  port %lld  %s  up %.0f s\n", text(all, "health"), text(all, "state"),
           number(all, "port"), text(all, "data_dir"),
           json_real_value(json_object_get(all, "uptime_s")));
    printf("pool %lld MB (huge pages: %s, %lld MB), %lld %% used, %lld pages dirty; file %lld MB\n",
           number(pool, "frames") * PAGE_BYTES >> 20, text(pool, "huge_pages"),
           number(pool, "huge_bytes") >> 20,
           number(pool, "used") * 100 / (number(pool, "frames") ? number(pool, "frames") : 1),
           number(pool, "dirty"), number(pool, "file_pages") * PAGE_BYTES >> 20);
    printf("log durable to %lld, %lld bytes to go, %lld MB kept; %lld transactions active\n\n",
           number(log, "durable"), number(log, "tail") - number(log, "durable"),
           (number(log, "tail") - number(log, "oldest")) >> 20, number(all, "active_transactions"));
    printf("%-12s %8s %-9s %6s %9s %-10s %9s %8s %8s\n", "process", "pid", "state", "epoch",
           "restarts", "last exit", "uptime", "beat", "sessions");
    size_t i;
    const json_t *p;
    json_array_foreach(json_object_get(all, "processes"), i, p) {
        printf("%-12s %8lld %-9s %6lld %9lld %-10s %7.0f s %5lld ms", text(p, "name"),
               number(p, "pid"), text(p, "state"), number(p, "epoch"), number(p, "restarts"),
               text(p, "last_exit"), json_real_value(json_object_get(p, "uptime_s")),
               number(p, "heartbeat_age_ms"));
        /* The supervisor's are those without a worker. */
        if (number(p, "sessions")) printf(" %8lld", number(p, "sessions"));
        printf("\n");
    }
    print_events(json_object_get(all, "events"));
}

/* Nothing runs; if nothing of this version could, that is the reason to tell. */
static void say_version(struct axl *a) {
    struct error other = {0};
    uint64_t id;
    if (ok(appliance_id_read(a->dir, &id, &other)) && !ok(version_check_data(a->dir, &other)))
        a->e = other;
}

static int status_down(struct axl *a, bool json) {
    if (json) {
        json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "health", "down", "state", "down",
                                "data_dir", a->dir, "why", a->e.message, "processes");
        json_dumpf(all, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(all);
    } else {
        printf("down: %s\n", a->e.message);
        if (a->e.hint[0]) printf("      %s\n", a->e.hint);
    }
    return DOWN;
}

int axl_status(struct axl *a) {
    bool json = axl_option(a, "--json", NULL);
    struct shm shm;
    char region[32];
    enum health health = DOWN;
    if (!axl_done(a)) return axl_fail(a);
    status s = axl_attach(a, &shm, region);
    if (status_is(s, ST_NOT_FOUND)) say_version(a);
    if (!ok(s)) return status_down(a, json);
    json_t *all = appliance_as_json(a, &shm, &health);
    if (json) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
    } else {
        print_for_people(all);
    }
    json_decref(all);
    region_detach_all(&shm);
    return health;
}
