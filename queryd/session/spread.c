/* spread.c: which worker serves whom: a new client goes to the one with the fewest sessions, a
 * worker that has become ready gets its part of those of the others, and one that is asked to hand
 * over gives away all. */
#include <sched.h>

#include "base/control.h"
#include "conf/conf.h"
#include "ipc_ring.h"
#include "session/session_private.h"
#include "session/worker.h"

/* A worker that is wanted but does not run gets this long to take a client. */
#define PASS_NS_MAX 3000000u
/* Who has not come to rest for so long stays. */
#define SHARE_NS_MAX 2000000000u

static uint64_t now_ns(const struct worker *w) {
    return w->d->proc.env->mono_ns(&w->d->proc);
}

static bool is_ready(const struct shm *shm, uint32_t slot) {
    return atomic_load(&shm->control->procs[slot].state) == PROC_READY;
}

/* ---- new clients ----------------------------------------------------------------------------- */

/* false: the others have had their time, they may be stuck. Meanwhile the listener stays ready and
 * is looked at in each turn: the processor is offered to them. */
static bool leave_to_others(struct worker *w) {
    uint64_t now = now_ns(w);
    bool again = w->passing_ns && now - w->passed_ns < PASS_NS_MAX;
    if (!again) w->passing_ns = now;
    w->passed_ns = now;
    if (now - w->passing_ns > PASS_NS_MAX) return false;
    sched_yield();
    return true;
}

bool worker_takes_next(struct worker *w) {
    struct shm *shm = w->d->proc.shm;
    uint32_t counts[PROC_SLOTS];
    session_count(shm, counts);
    for (uint32_t i = SLOT_QUERYD; i < SLOT_QUERYD + shm->sizes.workers; i++)
        if (is_ready(shm, i) && counts[i] < w->nsessions) return !leave_to_others(w);
    w->passing_ns = 0;
    return true;
}

/* ---- another worker has come ----------------------------------------------------------------- */

/* What is above an equal part for each worker that is ready. */
static uint32_t count_surplus(const struct worker *w) {
    struct shm *shm = w->d->proc.shm;
    uint32_t counts[PROC_SLOTS], all = 0, ready = 0;
    session_count(shm, counts);
    for (uint32_t i = SLOT_QUERYD; i < SLOT_QUERYD + shm->sizes.workers; i++) {
        all += counts[i];
        ready += is_ready(shm, i);
    }
    uint32_t part = ready ? (all + ready - 1) / ready : all;
    return w->nsessions > part ? w->nsessions - part : 0;
}

static void look_whether_to_share(struct worker *w) {
    uint32_t births = atomic_load(&w->d->proc.shm->control->worker_births);
    if (births == w->worker_births_seen) return;
    w->worker_births_seen = births;
    notify_worker_died(w);
    w->to_share = count_surplus(w);
    w->share_until_ns = now_ns(w) + SHARE_NS_MAX;
}

/* ---- sessions go ----------------------------------------------------------------------------- */

bool worker_lets_go(const struct worker *w) {
    return w->handing_over || w->to_share;
}

void worker_let_go(struct worker *w, struct session *s) {
    if (w->to_share) w->to_share--;
    session_leave(s);
    bell_ring(w->d->proc.shm, SLOT_SUPERVISOR);
}

/* Who rests goes. Who idles in a block has until the deadline to end it. */
static void hand_over_sessions(struct worker *w) {
    bool late = w->handing_over && now_ns(w) >= w->hand_over_ns;
    for (struct session *s = w->sessions, *next; s && worker_lets_go(w); s = next) {
        next = s->next;
        if (s->running || s->wire.writer) continue;
        if (late && s->txn.slot) block_abandon(s);
        if (session_may_leave(s)) worker_let_go(w, s);
    }
    if (w->handing_over) bell_force(w->d->proc.shm, SLOT_SUPERVISOR);
}

void worker_hand_over(struct daemon *d) {
    struct worker *w = d->state;
    w->handing_over = true;
    w->hand_over_ns = now_ns(w) + d->conf->hand_over_timeout * 1000000ull;
    worker_stop_listening(w);
    d->step_due_ns = 1;
}

void worker_spread(struct worker *w) {
    look_whether_to_share(w);
    if (w->to_share && now_ns(w) > w->share_until_ns) w->to_share = 0;
    if (worker_lets_go(w)) hand_over_sessions(w);
}
