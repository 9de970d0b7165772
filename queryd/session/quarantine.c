/* Who is to blame when this worker dies: each statement's fingerprint and trace stand in the
 * session's slot before it is parsed any further, where the supervisor finds them. A statement that
 * has ended its worker too often is refused here (base/quarantine.h). */
#include <string.h>

#include "session/session_private.h"
#include "session/worker.h"

/* The slot first: from the entry's trace on, the death is the statement's. */
static void note(struct session *s, uint64_t fingerprint, const char *text, size_t len) {
    struct session_slot *slot = s->slot;
    struct proc *p = s->env.proc;
    if (atomic_load_explicit(&slot->fingerprint, memory_order_relaxed) != fingerprint) {
        size_t n = len < sizeof slot->statement ? len : sizeof slot->statement - 1;
        memcpy(slot->statement, text, n);
        slot->statement[n] = '\0';
        atomic_store_explicit(&slot->fingerprint, fingerprint, memory_order_relaxed);
    }
    atomic_store_explicit(&slot->trace, p->trace, memory_order_relaxed);
    atomic_store_explicit(&p->shm->control->procs[p->owner.slot].trace, p->trace,
                          memory_order_relaxed);
}

status quarantine_enter_known(struct session *s, uint64_t fingerprint, const char *text,
                              size_t len) {
    const struct quarantine *q = &s->env.proc->shm->control->quarantine;
    if (quarantine_refuses(q, fingerprint)) {
        status st = error_set(&s->error, ST_QUERY_CANCELED,
                              "statement is in quarantine: it has ended its worker %u times",
                              QUARANTINE_DEATHS);
        error_hint(&s->error, "To let it run again: axl quarantine release %016llx",
                   (unsigned long long)fingerprint);
        return st;
    }
    note(s, fingerprint, text, len);
    return OK;
}

status quarantine_enter(struct session *s, const char *text, size_t len) {
    return quarantine_enter_known(s, plan_cache_fingerprint(text, len), text, len);
}

void quarantine_exempt(struct session *s) {
    atomic_store_explicit(&s->slot->fingerprint, 0, memory_order_relaxed);
}
