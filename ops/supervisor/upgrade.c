/* upgrade.c: other programs take the place of those that run, one process after the other, while
 * clients stay.
 *
 *     asked ──→ checked ──→ workers ──→ txnd, logd, storaged ──→ done
 *        └─ refused ┘          └── one does not get well ──┴──→ back (the last one first)
 *
 * Nothing is touched before every program of the folder has said that its formats are ours. An
 * exchange is a hand-over (workers) or a death (daemons, which are made for it); it has succeeded
 * when the new life has been READY for a while. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc_proc.h"
#include "supervisor.h"

#define MS 1000000ull
#define LOOK_NS (2 * MS)
#define WELL_NS (300 * MS)    /* READY for so long: it has got well */
#define READY_NS (20000 * MS) /* from its start to READY */
#define LATE_NS (3000 * MS)   /* beyond hand_over_timeout */

struct upgrade {
    struct supervisor *s;
    struct job *job;
    char from[CONTROL_PATH_BYTES];
    char before[CONTROL_PATH_BYTES];
    uint16_t done[PROC_SLOTS]; /* exchanged so far, in order; the last one may have failed */
    unsigned n;
    struct error e;
};

/* --- one process -------------------------------------------------------------------------------
 */

void keep_renew(struct kept *k) {
    const struct proc_entry *entry = &k->s->shm.control->procs[k->slot];
    bool hands_over = k->slot >= SLOT_QUERYD && atomic_load(&entry->state) == PROC_READY;
    k->killed = true;
    k->renewed_ns = hands_over ? clock_mono_ns() : 0;
    keep_kill(k, hands_over ? SIGUSR1 : SIGKILL);
}

/* Killed, it loses the transactions that are still open, but no session. */
void keep_end_late(struct supervisor *s) {
    uint64_t limit = s->conf.hand_over_timeout * MS + LATE_NS;
    for (uint16_t slot = SLOT_QUERYD; slot < s->slots; slot++) {
        struct kept *k = &s->kept[slot];
        if (!k->renewed_ns || clock_mono_ns() - k->renewed_ns < limit) continue;
        event("%s has not handed over in time: killed", k->name);
        k->renewed_ns = 0;
        keep_kill(k, SIGKILL);
    }
}

/* The life that comes after `epoch` is there and well. False: it died, or took too long. */
static bool gets_well(struct kept *k, uint32_t epoch) {
    struct supervisor *s = k->s;
    const struct proc_entry *entry = &s->shm.control->procs[k->slot];
    uint32_t life = epoch;
    uint64_t since = clock_mono_ns(), ready_ns = 0;
    while (!s->stopping) {
        daemon_sleep(&s->d, LOOK_NS);
        uint64_t now = clock_mono_ns();
        uint32_t seen = atomic_load(&entry->epoch);
        if (seen == epoch) continue; /* the old one still ends: keep_end_late sees to that */
        if (life == epoch) {
            life = seen;
            since = now;
        }
        uint32_t state = atomic_load(&entry->state);
        if (seen != life || state == PROC_DEAD || state == PROC_FAILED) return false;
        if (state == PROC_READY && !ready_ns) ready_ns = now;
        if (ready_ns && now - ready_ns > WELL_NS) return true;
        if (!ready_ns && now - since > READY_NS) return false;
    }
    return false;
}

/* Its next life comes from the folder, whatever its present one is doing. */
static bool exchange(struct kept *k, const char *programs) {
    struct supervisor *s = k->s;
    uint32_t epoch = atomic_load(&s->shm.control->procs[k->slot].epoch);
    k->programs = programs;
    k->deaths = 0;
    if (k->pid) {
        keep_renew(k);
    } else {
        k->wanted = k->given_up;
        daemon_wake(&s->d, k->keeper); /* out of a pause */
    }
    return gets_well(k, epoch);
}

/* --- all of them -------------------------------------------------------------------------------
 */

static status check_programs(struct upgrade *u) {
    static const char *const names[] = {"supervisor", "storaged", "logd", "txnd", "queryd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct version own = version_own(names[i]), other;
        TRY(version_ask(u->s, u->from, names[i], &other, &u->e));
        TRY(version_check(&own, &other, &u->e));
    }
    return OK;
}

static bool step(struct upgrade *u, uint16_t slot) {
    struct kept *k = &u->s->kept[slot];
    u->done[u->n++] = slot;
    if (!exchange(k, u->from)) {
        status_ignore(error_set(&u->e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                                "%s does not get well with the programs of %s", k->name,
                                u->from)); /* told by the caller */
        return false;
    }
    event_as(&(struct event){.kind = EVENT_UPGRADE_STEP,
                             .slot = slot,
                             .epoch = atomic_load(&u->s->shm.control->procs[slot].epoch)},
             "%s runs from %s", k->name, u->from);
    return true;
}

static bool exchange_all(struct upgrade *u) {
    for (uint16_t slot = SLOT_QUERYD; slot < u->s->slots; slot++)
        if (!step(u, slot)) return false;
    return step(u, SLOT_TXND) && step(u, SLOT_LOGD) && step(u, SLOT_STORAGED);
}

static void go_back(struct upgrade *u) {
    struct supervisor *s = u->s;
    event_as(&(struct event){.kind = EVENT_UPGRADE_BACK, .slot = u->done[u->n - 1]},
             "%s: back to %s", u->e.message, u->before);
    while (u->n > 0 && !s->stopping) {
        struct kept *k = &s->kept[u->done[--u->n]];
        if (!exchange(k, s->programs)) event("%s does not get well on the way back", k->name);
    }
}

static void succeed(struct upgrade *u) {
    struct supervisor *s = u->s;
    strcpy(s->programs, u->from);
    strcpy(s->shm.control->programs, u->from);
    for (uint16_t slot = 0; slot < s->slots; slot++) s->kept[slot].programs = s->programs;
    event_as(&(struct event){.kind = EVENT_UPGRADE_DONE}, "upgraded: everything runs from %s",
             s->programs);
}

static void upgrade_run(void *arg) {
    struct upgrade *u = arg;
    status st = check_programs(u);
    if (ok(st)) {
        event_as(&(struct event){.kind = EVENT_UPGRADE_BEGUN}, "upgrade to the programs of %s",
                 u->from);
        if (exchange_all(u)) {
            succeed(u);
        } else {
            go_back(u);
            st = STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
        }
    } else {
        event("upgrade refused: %s", u->e.message);
    }
    if (!ok(st)) snprintf(u->job->words, sizeof u->job->words, "%.255s", u->e.message);
    u->job->outcome = st;
    u->job->done = true;
    u->s->upgrade = NULL;
    free(u);
}

const char *upgrade_start(struct supervisor *s, const char *from, struct job *j) {
    if (s->upgrade) return "an upgrade is under way already";
    if (s->stopping || atomic_load(&s->shm.control->state) != APPLIANCE_SERVING)
        return "the appliance does not serve";
    if (from[0] != '/' || strlen(from) >= CONTROL_PATH_BYTES) return "an absolute path is wanted";
    struct upgrade *u = calloc(1, sizeof *u);
    if (!u) return "out of memory";
    u->s = s;
    u->job = j;
    strcpy(u->from, from);
    strcpy(u->before, s->programs);
    if (!ok(daemon_spawn(&s->d, 0, upgrade_run, u))) {
        free(u);
        return "out of memory";
    }
    s->upgrade = u;
    return NULL;
}
