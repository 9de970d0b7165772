#include <stdlib.h>

#include "base/check.h"
#include "base/probe.h"
#include "logd.h"
#include "msg/msg.h"

static void answer(struct logd *l, struct msg *m, status s) {
    m->code = s.code;
    daemon_reply(l->d, m);
}

static void add_waiter(struct logd *l, uint64_t at, struct msg *m) {
    if (l->waiter_count == l->waiter_capacity) {
        unsigned capacity = l->waiter_capacity ? 2 * l->waiter_capacity : 256;
        struct waiter *grown = realloc(l->waiters, capacity * sizeof *grown);
        if (!grown) {
            answer(l, m, STATUS(OUT_OF_MEMORY));
            return;
        }
        l->waiters = grown;
        l->waiter_capacity = capacity;
    }
    l->waiters[l->waiter_count++] = (struct waiter){.at = at, .m = *m};
}

static void wait_durable(struct logd *l, uint64_t at, struct msg *m) {
    struct log_shared *s = l->shared;
    if (l->serving) {
        if (atomic_load_explicit(&s->durable, memory_order_relaxed) >= at) {
            answer(l, m, OK);
            return;
        }
        status failed = {(uint16_t)atomic_load_explicit(&s->failed, memory_order_relaxed)};
        if (ok(failed) && at > atomic_load_explicit(&s->tail, memory_order_acquire))
            failed = STATUS(INVALID);
        if (!ok(failed)) {
            answer(l, m, failed);
            return;
        }
    }
    add_waiter(l, at, m);
}

/* Room in the ring up to an LSN is there when the log is durable up to a ring's length before. */
static uint64_t room_means_durable(const struct logd *l, uint64_t upto) {
    uint64_t ring = l->d->proc.shm->sizes.ring_bytes;
    return upto > ring ? upto - ring : 0;
}

void logd_handle(struct daemon *d, const struct msg *request) {
    struct logd *l = logd_of(d);
    struct msg m = *request;
    switch (m.op) {
    case MSG_LOG_FLUSH: wait_durable(l, m.arg[0], &m); break;
    case MSG_LOG_SPACE: wait_durable(l, room_means_durable(l, m.arg[0]), &m); break;
    case MSG_LOG_READ: read_answer(l, &m); break;
    case MSG_LOG_PAGES: pages_answer(l, &m); break;
    default: answer(l, &m, STATUS(INVALID)); break;
    }
}

void logd_answer_durable(struct logd *l, uint64_t durable) {
    unsigned left = 0;
    for (unsigned i = 0; i < l->waiter_count; i++) {
        struct waiter *w = &l->waiters[i];
        if (w->at <= durable)
            answer(l, &w->m, OK);
        else
            l->waiters[left++] = *w;
    }
    l->waiter_count = left;
}

void logd_answer_failure(struct logd *l, status failure) {
    for (unsigned i = 0; i < l->waiter_count; i++) answer(l, &l->waiters[i].m, failure);
    l->waiter_count = 0;
}
