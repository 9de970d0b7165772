/* upgrade.c: axl upgrade: asks for it, and tells what happens meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_control.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define ASK_MS 5000
#define LOOK_NS 20000000
#define SILENCE_NS 60000000000u /* of the supervisor: it may itself be exchanged meanwhile */

static void tell(const struct event_ring *ring, uint64_t *at) {
    struct event e;
    for (uint64_t next = event_next(ring); *at < next; (*at)++)
        if (event_get(ring, *at, &e)) printf("%s\n", e.text);
    fflush(stdout);
}

static status look(struct axl *a, json_int_t job, bool *ret_done) {
    json_t *reply = NULL;
    TRY(control_ask(a->dir, "supervisor", json_pack("{s:s, s:I}", "op", "job", "job", job), ASK_MS,
                    &reply, &a->e));
    *ret_done = json_is_true(json_object_get(reply, "done"));
    json_decref(reply);
    return OK;
}

static status follow(struct axl *a, const struct event_ring *ring, json_int_t job, uint64_t at) {
    uint64_t heard_ns = clock_mono_ns();
    for (bool done = false; !done;) {
        struct timespec t = {.tv_nsec = LOOK_NS};
        nanosleep(&t, NULL);
        status st = look(a, job, &done);
        tell(ring, &at);
        if (ok(st)) {
            heard_ns = clock_mono_ns();
        } else if (!status_is(st, ST_DEAD) || clock_mono_ns() - heard_ns > SILENCE_NS) {
            return st;
        } else {
            error_clear(&a->e);
        }
    }
    return OK;
}

static status begin(struct axl *a, const char *from, json_int_t *ret_job) {
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s, s:s}", "op", "upgrade", "from", from);
    TRY(control_ask(a->dir, "supervisor", request, ASK_MS, &reply, &a->e));
    *ret_job = json_integer_value(json_object_get(reply, "job"));
    json_decref(reply);
    return OK;
}

int axl_upgrade(struct axl *a) {
    const char *from = NULL;
    char path[4096], region[32];
    struct shm shm;
    json_int_t job;
    (void)axl_option(a, "--from", &from);
    if (!axl_done(a)) return axl_fail(a);
    if (!from) {
        fprintf(stderr, "axl: upgrade --from the folder of the other programs\n");
        return 2;
    }
    if (!realpath(from, path)) {
        fprintf(stderr, "axl: %s: %s\n", from, strerror(errno));
        return 1;
    }
    if (!ok(axl_attach(a, &shm, region))) return axl_fail(a);
    uint64_t at = event_next(&shm.control->events);
    status st = begin(a, path, &job);
    if (ok(st)) st = follow(a, &shm.control->events, job, at);
    region_detach_all(&shm);
    return ok(st) ? 0 : axl_fail(a);
}
