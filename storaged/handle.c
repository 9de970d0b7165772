#include "storaged.h"

#define TICK_NS 100000000u       /* checkpoints are looked at so often */
#define STALLED_TICK_NS 1000000u /* no frame could be had: tried again so soon */

static void handle(struct daemon *d, const struct msg *m) {
    struct storaged *s = d->state;
    switch (m->op) {
    case MSG_PAGE_LOAD: load_request(s, m); return;
    case MSG_PAGE_PREFETCH:
        if (s->serving) load_prefetch(s, m->arg[0]);
        return;
    case MSG_PAGE_RESERVE: space_request(s, m); return;
    case MSG_CHECKPOINT: checkpoint_request(s, m); return;
    case MSG_TEMP_WRITE: temp_write_request(s, m); return;
    case MSG_TEMP_READ: temp_read_request(s, m); return;
    case MSG_TEMP_FREE: temp_free_request(s, m); return;
    default: {
        struct msg answer = *m;
        answer.code = ST_INVALID;
        daemon_reply(d, &answer);
    }
    }
}

static bool step(struct daemon *d) {
    struct storaged *s = d->state;
    load_prefetched(s);
    bool more = io_reap(s);
    more |= frames_refill(s);
    more |= pool_shrink(s);
    if (s->pending.first) more |= load_pump(s);
    io_push(s);
    uint64_t now_ns = s->p->env->mono_ns(s->p);
    if (now_ns >= s->tick_ns) {
        s->tick_ns = now_ns + TICK_NS;
        checkpoint_tick(s, now_ns);
        temp_tick(s);
    }
    bool stalled = s->evict_stalled || s->pending.first || pool_shrinks(s);
    uint64_t due_ns = stalled ? now_ns + STALLED_TICK_NS : s->tick_ns;
    d->step_due_ns = due_ns < s->tick_ns ? due_ns : s->tick_ns;
    return more;
}

static bool looks(const struct daemon *d) {
    const struct storaged *s = d->state;
    return disk_completed(s->disk);
}

static void stop(struct daemon *d) {
    checkpoint_stop(d->state);
}

const struct daemon_ops storaged_ops = {
    .name = "storaged",
    .init_fresh = storaged_init_fresh,
    .init_restart = storaged_init_restart,
    .handle = handle,
    .step = step,
    .looks = looks,
    .stop = stop,
    .fini = storaged_fini,
};
