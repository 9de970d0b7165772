/* events.c: what happens, told three ways: a line for people, the ring of events for programs, a
 * probe for tracers. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/probe.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "supervisor.h"

static struct event_ring *ring; /* NULL: there is no control region yet */

void events_open(struct supervisor *s) {
    ring = &s->shm.control->events;
}

static void print_line(uint64_t wall_ns, const char *words) {
    time_t seconds = (time_t)(wall_ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    fprintf(stderr, "%04d-%02d-%02d %02d:%02d:%02d.%03u UTC supervisor: %s\n", tm.tm_year + 1900,
            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
            (unsigned)(wall_ns / 1000000 % 1000), words);
}

static void tell(const struct event *facts, const char *words) {
    struct event e = *facts;
    e.wall_ns = clock_wall_ns();
    snprintf(e.text, sizeof e.text, "%s", words);
    print_line(e.wall_ns, words);
    if (ring) event_put(ring, &e);
    PROBE(axolotl_supervisor, event, e.kind, e.slot, e.epoch, e.how, e.repair_us + e.service_us,
          words);
}

void event(const char *format, ...) {
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    tell(&(struct event){.kind = EVENT_NOTE}, words);
}

void event_as(const struct event *facts, const char *format, ...) {
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    tell(facts, words);
}

void events_of_pages(struct supervisor *s) {
    struct control *c = s->shm.control;
    struct event_ring *pages = &c->page_events;
    uint64_t from = atomic_load(&c->page_events_told), next = event_next(pages);
    if (from < event_oldest(pages)) from = event_oldest(pages);
    for (struct event e; from < next; from++) {
        /* Told twice, when a supervisor dies in between, is better than not at all. */
        if (event_get(pages, from, &e)) event_as(&e, "%s", e.text);
        atomic_store(&c->page_events_told, from + 1);
    }
}

void event_died(struct kept *k, uint32_t epoch, int how) {
    struct event e = {.kind = EVENT_DIED, .slot = k->slot, .epoch = epoch, .how = how};
    if (how == PROC_EXIT_UNKNOWN) {
        event_as(&e, "%s (epoch %u) has ended, nobody knows how", k->name, epoch);
    } else if (WIFSIGNALED(how)) {
        event_as(&e, "%s (epoch %u) was ended by signal %d (%s)", k->name, epoch, WTERMSIG(how),
                 strsignal(WTERMSIG(how)));
    } else {
        event_as(&e, "%s (epoch %u) ended with status %d", k->name, epoch, WEXITSTATUS(how));
    }
}

/* Who waits for the daemon, by name; returns how many requests they have under way. */
static uint32_t waiters_of(const struct supervisor *s, uint16_t daemon, char *ret_names,
                           size_t bytes) {
    uint32_t n = 0;
    size_t at = 0;
    ret_names[0] = '\0';
    for (uint16_t slot = SLOT_STORAGED; daemon < RING_SERVERS && slot < s->slots; slot++) {
        const struct kept *k = &s->kept[slot];
        uint32_t waits = atomic_load(&s->shm.control->procs[slot].awaits[daemon]);
        if (!k->pid || !waits) continue;
        n += waits;
        if (at < bytes) at += (size_t)snprintf(ret_names + at, bytes - at, " %s", k->name);
    }
    return n;
}

/* Who waits for a worker are its sessions, as its repair has found them. */
void event_starts_again(struct kept *k) {
    if (k->slot < RING_SERVERS)
        k->waiters = waiters_of(k->s, k->slot, k->waiting, sizeof k->waiting);
}

void event_ready(struct kept *k) {
    if (!k->died_ns) return; /* its first life */
    struct event e = {.kind = EVENT_SERVICE,
                      .slot = k->slot,
                      .epoch = atomic_load(&k->s->shm.control->procs[k->slot].epoch),
                      .waiters = k->waiters,
                      .service_us = (k->ready_ns - k->died_ns) / 1000};
    k->died_ns = 0;
    event_as(&e, "%s (epoch %u) is ready %.1f ms after the death; %u %s waited%s%s", k->name,
             e.epoch, (double)e.service_us / 1000, e.waiters,
             k->slot < RING_SERVERS ? "requests" : "sessions", *k->waiting ? ", of" : "",
             k->waiting);
}
