/* sessions.c: sessions without a worker are given to one (shared/session/session.h). */
#include <stdlib.h>

#include "base/counter.h"
#include "base/probe.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "session/session.h"
#include "supervisor.h"

#define HAND_AGAIN_NS 200000000u

static const struct session_slot *slot_of(const struct supervisor *s, uint32_t index) {
    return session_slot_at(&s->shm, index);
}

/* The ready worker with the fewest sessions; PROC_SLOTS: none is ready. */
static uint16_t choose(const struct supervisor *s, const uint32_t counts[PROC_SLOTS]) {
    uint16_t best = PROC_SLOTS;
    for (uint16_t slot = SLOT_QUERYD; slot < s->slots; slot++) {
        if (atomic_load(&s->shm.control->procs[slot].state) != PROC_READY) continue;
        if (best == PROC_SLOTS || counts[slot] < counts[best]) best = slot;
    }
    return best;
}

static struct owner life_of(const struct supervisor *s, uint16_t slot) {
    return proc_owner(slot, atomic_load(&s->shm.control->procs[slot].epoch));
}

static void hand(struct supervisor *s, uint32_t index, uint16_t worker) {
    s->handed_ns[index] = clock_mono_ns();
    PROBE(axolotl_supervisor, session_given, index, worker);
    guardian_hand(s, index, atomic_load(&slot_of(s, index)->generation), worker);
}

/* What was asked of a guardian or a channel that was not there is asked again. */
static void look_after_given(struct supervisor *s, uint32_t index, uint64_t now) {
    uint16_t worker = atomic_load(&slot_of(s, index)->owner) & 0xff;
    if (worker < SLOT_QUERYD || worker >= s->slots || now - s->handed_ns[index] < HAND_AGAIN_NS)
        return;
    if (session_given(&s->shm, index, life_of(s, worker))) hand(s, index, worker);
}

bool sessions_place(struct supervisor *s) {
    uint32_t counts[PROC_SLOTS];
    bool counted = false, open = false;
    uint64_t now = clock_mono_ns();
    for (uint32_t i = 0; i < s->shm.sizes.sessions; i++) {
        uint32_t state = atomic_load_explicit(&slot_of(s, i)->state, memory_order_relaxed);
        if (state == SESSION_GIVEN) {
            open = true;
            look_after_given(s, i, now);
        }
        if (!session_waits(&s->shm, i)) continue;
        open = true;
        if (!counted) session_count(&s->shm, counts);
        counted = true;
        uint16_t worker = choose(s, counts);
        if (worker == PROC_SLOTS) break; /* a worker that becomes ready wakes us */
        counts[worker]++;
        session_give(&s->shm, i, life_of(s, worker));
        hand(s, i, worker);
    }
    return open;
}

/* The workers count for themselves; what they let go is placed as it comes. */
void sessions_spread(struct supervisor *s) {
    atomic_fetch_add(&s->shm.control->worker_births, 1);
    for (uint16_t slot = SLOT_QUERYD; slot < s->slots; slot++) bell_ring(&s->shm, slot);
}

/* Nobody has its socket any more: the connection is gone, and so is the session. */
void sessions_lost(struct supervisor *s, uint32_t index, uint32_t generation) {
    if (index >= s->shm.sizes.sessions) return;
    const struct session_slot *slot = slot_of(s, index);
    uint16_t worker = atomic_load(&slot->owner) & 0xff;
    if (atomic_load(&slot->generation) != generation || worker < SLOT_QUERYD || worker >= s->slots)
        return;
    if (session_withdraw(&s->shm, index, life_of(s, worker)))
        event("session %u: its socket is lost", index);
}
