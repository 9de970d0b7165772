/* The daemon's table of functions: births, requests, turns. */
#include "txnd.h"

#include <stdlib.h>

#include "base/control.h"
#include "msg/msg.h"
#include "session/session.h"
#include "txn/txn_recover.h"

static status begin(struct daemon *d, struct error *e) {
    struct txnd *t = calloc(1, sizeof *t);
    if (!t) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    d->state = t;
    t->d = d;
    t->purge.buf = malloc(LOG_SCAN_BYTES);
    status s = t->purge.buf ? waits_init(t) : STATUS(OUT_OF_MEMORY);
    if (ok(s)) s = undo_init(t);
    if (ok(s)) s = daemon_spawn(d, 0, purge_main, t);
    if (!ok(s)) return error_from_status(e, s);
    daemon_ready(d);
    return OK;
}

static status txnd_init_fresh(struct daemon *d, struct error *e) {
    return begin(d, e);
}

/* Waits are sent again by those who wait; everything else stands in shared memory. */
static status txnd_init_restart(struct daemon *d, struct error *e) {
    return begin(d, e);
}

static void txnd_handle(struct daemon *d, const struct msg *m) {
    struct txnd *t = d->state;
    switch (m->op) {
    case MSG_TXN_WAIT: waits_add(t, m); break;
    case MSG_TXN_WAIT_CANCEL: waits_cancel(t, m->arg[0]); break;
    case MSG_TXN_ENDED: waits_ended(t, m->arg[0]); break;
    case MSG_TXN_RELEASED: waits_released(t, m->arg[0]); break;
    case MSG_TXN_ORPHAN: undo_wake(t); break;
    case MSG_TXN_HELP: {
        struct msg reply = *m;
        const struct txn_shared *shared = d->proc.shm->txn;
        horizon_move(t);
        uint64_t used = atomic_load(&shared->next_txid) - atomic_load(&shared->map_base);
        bool full = used >= d->proc.shm->sizes.map_entries - PROC_SLOTS;
        reply.code = full ? ST_SNAPSHOT_TOO_OLD : ST_OK;
        daemon_reply(d, &reply);
        break;
    }
    default: {
        struct msg reply = *m;
        reply.code = ST_FEATURE_NOT_SUPPORTED;
        daemon_reply(d, &reply);
    }
    }
}

static bool session_lives(const struct shm *shm, uint64_t session) {
    uint32_t index = (uint32_t)session;
    if (index >= shm->sizes.sessions) return false;
    const struct session_slot *s = session_slot_at(shm, index);
    return atomic_load(&s->owner) != 0 && atomic_load(&s->generation) == session >> 32;
}

static void end_sessions(struct txnd *t) {
    txn_ref ref;
    for (uint32_t i = 0; i < t->d->proc.shm->sizes.txns; i++)
        if (txn_end_session(&t->d->proc, i, session_lives, &ref)) waits_ended(t, ref);
}

static bool txnd_step(struct daemon *d) {
    struct txnd *t = d->state;
    uint64_t now = d->proc.env->mono_ns(&d->proc);
    if (now >= t->next_tick_ns) {
        waits_sweep(t);
        bool busy = horizon_move(t);
        end_sessions(t);
        txn_forget_strong(d->proc.shm);
        txn_reclaim_blocks(d->proc.shm);
        undo_wake(t);
        if (t->purger) daemon_wake(d, t->purger);
        t->next_tick_ns = now + (busy || t->waits.waiting ? TICK_NS : IDLE_TICK_NS);
    }
    d->step_due_ns = t->next_tick_ns;
    return false;
}

/* Nothing to bring home: undo and purge go on from the log at the next start. */
static void txnd_stop(struct daemon *d) {
    daemon_stopped(d);
}

static void txnd_fini(struct daemon *d) {
    struct txnd *t = d->state;
    free(t->waits.waiter);
    free(t->waits.list);
    free(t->purge.drops);
    free(t->purge.buf);
    undo_fini(t);
    free(t);
}

const struct daemon_ops txnd_ops = {
    .name = "txnd",
    .init_fresh = txnd_init_fresh,
    .init_restart = txnd_init_restart,
    .handle = txnd_handle,
    .step = txnd_step,
    .stop = txnd_stop,
    .fini = txnd_fini,
};
