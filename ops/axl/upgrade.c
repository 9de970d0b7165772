/* upgrade.c: axl upgrade: asks for it, and tells what happens meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define ASK_MS 5000
#define LOOK_NS 20000000

static void tell(const struct event_ring *ring, uint64_t *at) {
    struct event e;
    for (uint64_t next = event_next(ring); *at < next; (*at)++)
        if (event_get(ring, *at, &e)) printf("%s\n", e.text);
    fflush(stdout);
}

/* What becomes of it stands in shared memory: the supervisor, too, is exchanged. */
static bool follow(struct axl *a, const struct control *c, uint64_t at) {
    uint32_t state;
    do {
        struct timespec t = {.tv_nsec = LOOK_NS};
        nanosleep(&t, NULL);
        state = atomic_load(&c->upgrade.state);
        tell(&c->events, &at);
        if (atomic_load(&c->state) == APPLIANCE_STOPPING) break;
    } while (state == UPGRADE_RUNS || state == UPGRADE_TRIAL);
    if (state == UPGRADE_DONE) return true;
    status_ignore(error_set(&a->e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "%.255s",
                            state == UPGRADE_FAILED
                                ? c->upgrade.words
                                : "the appliance stops")); /* said by the caller */
    return false;
}

int axl_upgrade(struct axl *a) {
    const char *from = NULL;
    char path[4096], region[32];
    struct shm shm;
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
    json_t *request = json_pack("{s:s, s:s}", "op", "upgrade", "from", path);
    bool done = ok(axl_ask(a, "supervisor", request, ASK_MS, NULL)) && follow(a, shm.control, at);
    region_detach_all(&shm);
    return done ? 0 : axl_fail(a);
}
