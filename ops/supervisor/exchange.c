/* exchange.c: one process gives way to its next life, perhaps of another program. */
#include <signal.h>
#include <unistd.h>

#include "ipc_proc.h"
#include "supervisor.h"

#define MS 1000000ull
#define LOOK_NS (2 * MS)
#define WELL_NS (300 * MS)    /* READY for so long: it has got well */
#define READY_NS (20000 * MS) /* from its start to READY */
#define LATE_NS (3000 * MS)   /* beyond hand_over_timeout */
#define RENEW_NS (5000 * MS)  /* until the guardian has begun anew */

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

/* The life that comes after `epoch` is there within begin_ns, and well. False: it died, or took too
 * long. */
static bool gets_well(struct supervisor *s, uint16_t slot, uint32_t epoch, uint64_t begin_ns) {
    const struct proc_entry *entry = &s->shm.control->procs[slot];
    uint32_t life = epoch;
    uint64_t since = clock_mono_ns(), ready_ns = 0;
    while (!s->stopping) {
        daemon_sleep(&s->d, LOOK_NS);
        uint64_t now = clock_mono_ns();
        uint32_t seen = atomic_load(&entry->epoch), state = atomic_load(&entry->state);
        if (seen == epoch) {
            if (now - since > begin_ns) return false;
            continue;
        }
        if (life == epoch) {
            life = seen;
            since = now;
        }
        if (seen != life || state == PROC_DEAD || state == PROC_FAILED) return false;
        if (state == PROC_READY && !ready_ns) ready_ns = now;
        if (ready_ns && now - ready_ns > WELL_NS) return true;
        if (!ready_ns && now - since > READY_NS) return false;
    }
    return false;
}

bool exchange_process(struct kept *k, const char *programs) {
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
    /* The old one may take its time to end: keep_end_late sees to that. */
    return gets_well(s, k->slot, epoch, UINT64_MAX);
}

/* It stays the same process. When it dies of it, another one is begun from our own folder. */
bool exchange_guardian(struct supervisor *s, const char *programs) {
    const struct proc_entry *entry = &s->shm.control->procs[SLOT_GUARDIAN];
    uint32_t epoch = atomic_load(&entry->epoch), pid = atomic_load(&entry->pid);
    guardian_renew(s, programs);
    return gets_well(s, SLOT_GUARDIAN, epoch, RENEW_NS) && atomic_load(&entry->pid) == pid;
}

bool exchange_all_well(struct supervisor *s) {
    uint64_t begin = clock_mono_ns(), ready_ns = begin;
    while (!s->stopping) {
        daemon_sleep(&s->d, LOOK_NS);
        uint64_t now = clock_mono_ns();
        for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++)
            if (atomic_load(&s->shm.control->procs[slot].state) != PROC_READY) ready_ns = now;
        if (now - ready_ns > WELL_NS) return true;
        if (now - begin > READY_NS) return false;
    }
    return false;
}
