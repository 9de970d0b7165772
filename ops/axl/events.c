/* events.c: axl events: what happened to the processes, read from shared memory. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define FOLLOW_NS 50000000
#define EVENTS_SHOWN 20

json_t *exit_as_json(int how) {
    char text[32];
    if (how == 0) return json_null();
    if (how == PROC_EXIT_UNKNOWN) return json_string("unknown");
    snprintf(text, sizeof text, WIFSIGNALED(how) ? "signal %d" : "status %d",
             WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    return json_string(text);
}

static void time_text(uint64_t wall_ns, char ret_text[40]) {
    time_t seconds = (time_t)(wall_ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(ret_text, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_text + n, 40 - n, ".%03uZ", (unsigned)(wall_ns / 1000000 % 1000));
}

json_t *event_as_json(uint64_t number, const struct event *e) {
    char name[PROC_NAME_BYTES], when[40];
    proc_slot_name(e->slot < PROC_SLOTS ? e->slot : SLOT_SUPERVISOR, name);
    time_text(e->wall_ns, when);
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
                     "number", (json_int_t)number, "time", when, "kind", event_kind_name(e->kind),
                     "process", name, "epoch", (json_int_t)e->epoch, "exit", exit_as_json(e->how),
                     "pages", (json_int_t)e->pages, "transactions", (json_int_t)e->txns, "sessions",
                     (json_int_t)e->sessions, "log_fillers", (json_int_t)e->fillers, "waiters",
                     (json_int_t)e->waiters, "repair_us", (json_int_t)e->repair_us, "service_us",
                     (json_int_t)e->service_us, "text", e->text);
}

json_t *events_as_json(const struct event_ring *ring, uint64_t last) {
    json_t *list = json_array();
    uint64_t next = event_next(ring), from = event_oldest(ring);
    if (next - from > last) from = next - last;
    for (struct event e; from < next; from++)
        if (event_get(ring, from, &e)) json_array_append_new(list, event_as_json(from, &e));
    return list;
}

static void print_event(uint64_t number, const struct event *e, bool json) {
    if (json) {
        json_t *object = event_as_json(number, e);
        json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
        printf("\n");
    } else {
        char when[40];
        time_text(e->wall_ns, when);
        printf("%s  %s\n", when, e->text);
    }
}

/* Until the appliance has stopped, or for ever. */
static void follow(const struct event_ring *ring, uint64_t from, bool json) {
    for (bool stopped = false; !stopped;) {
        struct event e;
        uint64_t next = event_next(ring);
        if (from < event_oldest(ring)) from = event_oldest(ring);
        for (; from < next; from++) {
            if (!event_get(ring, from, &e)) continue;
            print_event(from, &e, json);
            stopped = e.kind == EVENT_STOPPED;
        }
        fflush(stdout);
        struct timespec t = {.tv_nsec = FOLLOW_NS};
        if (!stopped) nanosleep(&t, NULL);
    }
}

int axl_events(struct axl *a) {
    bool json = axl_option(a, "--json", NULL), follows = axl_option(a, "--follow", NULL);
    const char *value = NULL;
    (void)axl_option(a, "-n", &value);
    uint64_t last = axl_number(a, value, EVENTS_SHOWN);
    struct shm shm;
    char region[32];
    if (!axl_done(a)) return axl_fail(a);
    if (!ok(axl_attach(a, &shm, region))) return axl_fail(a);
    const struct event_ring *ring = &shm.control->events;
    uint64_t next = event_next(ring), from = event_oldest(ring);
    if (next - from > last) from = next - last;
    for (struct event e; from < next; from++)
        if (event_get(ring, from, &e)) print_event(from, &e, json);
    if (follows) follow(ring, next, json);
    region_detach_all(&shm);
    return 0;
}
