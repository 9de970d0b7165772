/* judge.c: a worker that crashes again and again over the same statement: whose was it?
 *
 * A worker notes in its table entry the trace of the coroutine that it runs, and in each session's
 * slot the trace and the fingerprint of the statement: where the two traces are equal, that
 * statement ran when the process ended. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc_proc.h"
#include "session/session.h"
#include "supervisor.h"

/* Ends that a statement may have caused: what a processor, the kernel or the program itself objects
 * to; and our own SIGKILL for an endless loop. Another SIGKILL comes from outside. */
static bool is_crash(const struct kept *k, int how) {
    if (!WIFSIGNALED(how)) return false;
    switch (WTERMSIG(how)) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGTRAP:
    case SIGSYS: return true;
    case SIGKILL: return k->looped;
    default: return false;
    }
}

static const struct session_slot *who_ran(const struct supervisor *s, struct owner dead,
                                          uint64_t trace) {
    for (uint32_t i = 0; trace && i < s->shm.sizes.sessions; i++) {
        const struct session_slot *slot = session_slot_at(&s->shm, i);
        if (atomic_load(&slot->owner) == ((uint64_t)dead.epoch << 8 | dead.slot) &&
            atomic_load(&slot->trace) == trace)
            return slot;
    }
    return NULL;
}

static void condemn(struct supervisor *s, uint16_t slot, uint32_t epoch,
                    const struct session_slot *ran) {
    char text[QUARANTINE_TEXT_BYTES];
    uint64_t fingerprint = atomic_load(&ran->fingerprint);
    if (!fingerprint) return;
    memcpy(text, ran->statement, sizeof text);
    text[sizeof text - 1] = '\0';
    uint32_t deaths = quarantine_note(&s->shm.control->quarantine, fingerprint, slot, epoch,
                                      clock_wall_ns(), text);
    struct event e = {.kind = deaths == QUARANTINE_DEATHS ? EVENT_QUARANTINED : EVENT_BLAMED,
                      .slot = slot,
                      .epoch = epoch};
    event_as(&e, "statement %016llx has ended its worker %u times%s: %s",
             (unsigned long long)fingerprint, deaths,
             deaths == QUARANTINE_DEATHS ? " and is in quarantine now" : "", text);
}

void quarantine_judge(struct supervisor *s, uint16_t slot, uint32_t epoch) {
    const struct proc_entry *entry = &s->shm.control->procs[slot];
    struct kept *k = &s->kept[slot];
    bool crash = slot >= SLOT_QUERYD && is_crash(k, atomic_load(&entry->last_exit));
    k->looped = false;
    if (!crash) return;
    const struct session_slot *ran =
        who_ran(s, proc_owner(slot, epoch), atomic_load(&entry->trace));
    if (ran) condemn(s, slot, epoch, ran);
}
