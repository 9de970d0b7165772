/* stop.c: the end of the appliance: workers first, the log last. */
#include <signal.h>
#include <unistd.h>

#include "ipc_proc.h"
#include "ipc_region.h"
#include "supervisor.h"

#define MS 1000000ull
#define LOOK_NS (2 * MS)

/* From now on it has no next life. Until then a daemon that dies is started again, for those who
 * end before it may wait for its answers. */
static void end_one(struct kept *k, int signal) {
    k->ending = true;
    if (k->keeper && !k->ended) daemon_wake(&k->s->d, k->keeper); /* out of a pause */
    keep_kill(k, signal);
}

/* Sends the signal to the slots [from, to) and waits until they are gone; after the deadline with
 * SIGKILL. */
static void end_slots(struct supervisor *s, uint16_t from, uint16_t to, int signal,
                      uint64_t deadline_ns) {
    for (uint16_t slot = from; slot < to; slot++) end_one(&s->kept[slot], signal);
    bool forced = signal == SIGKILL;
    for (;;) {
        bool gone = true;
        for (uint16_t slot = from; slot < to; slot++) {
            struct kept *k = &s->kept[slot];
            if (!k->ended) {
                gone = false;
                if (!forced && clock_mono_ns() > deadline_ns) {
                    event("%s does not end: killed", k->name);
                    keep_kill(k, SIGKILL);
                }
            }
        }
        if (gone) return;
        if (clock_mono_ns() > deadline_ns) forced = true;
        daemon_sleep(&s->d, LOOK_NS);
    }
}

static void stop_run(void *arg) {
    struct supervisor *s = arg;
    int signal = s->immediate ? SIGKILL : SIGTERM;
    uint64_t deadline_ns = clock_mono_ns() + s->conf.stop_timeout * MS;
    if (s->immediate) {
        end_slots(s, SLOT_STORAGED, s->slots, signal, deadline_ns);
    } else {
        end_slots(s, SLOT_QUERYD, s->slots, signal, deadline_ns);
        end_slots(s, SLOT_TXND, SLOT_TXND + 1, signal, deadline_ns);
        /* storaged's last checkpoint needs the log. */
        end_slots(s, SLOT_STORAGED, SLOT_STORAGED + 1, signal, deadline_ns);
        end_slots(s, SLOT_LOGD, SLOT_LOGD + 1, signal, deadline_ns);
    }
    listeners_close(s);
    event_as(&(struct event){.kind = EVENT_STOPPED}, "%s",
             s->started_again ? "begins again"
             : s->immediate   ? "stopped at once"
                              : "stopped");
    daemon_stopped(&s->d);
}

void supervisor_stop(struct supervisor *s, bool immediate) {
    if (s->stopping && (s->immediate || !immediate)) return;
    bool first = !s->stopping;
    s->stopping = true;
    s->immediate = immediate;
    atomic_store(&s->shm.control->state, APPLIANCE_STOPPING);
    if (!s->started_again) guardian_end(s);
    event_as(&(struct event){.kind = EVENT_STOPPING}, "stops%s", immediate ? " at once" : "");
    if (!first) {
        /* An orderly stop is under way: it goes on, with dead processes. */
        for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++)
            end_one(&s->kept[slot], SIGKILL);
        return;
    }
    if (!ok(daemon_spawn(&s->d, 0, stop_run, s))) daemon_stopped(&s->d);
}
