/* ipc_call.c: requests and completions, both sides.
 *
 * A client stamps each request with the daemon's epoch that it saw in `served`. A new life of the
 * daemon empties its request rings, then writes its epoch there and wakes everybody; it ignores
 * requests stamped with another epoch. The client, when it sees the word change, takes the
 * completions that the dead life still gave and sends all the other requests again. So each life
 * of a daemon sees each request once, and no ring ever holds more than what is under way. */
#include <sched.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "ipc_loop.h"

#define IN_FLIGHT_MAX (RING_ENTRIES - 1)
#define TELL_EVERY 4         /* requests, of those that are awake */
#define REQUESTS_A_CLIENT 32 /* taken in a turn before the next client has its chance */

static struct ipc_loop *loop_of(struct proc *p) {
    return p->env_data;
}

static struct ipc_ring *submit_ring(struct ipc_loop *l, uint16_t server, uint16_t client) {
    return &l->shm->rings->pair[server][client].submit;
}

static struct ipc_ring *complete_ring(struct ipc_loop *l, uint16_t server, uint16_t client) {
    return &l->shm->rings->pair[server][client].complete;
}

/* --- doorbells ------------------------------------------------------------------------------- */

/* What has been published in this phase is announced once for each receiver. */
void bells_ring(struct ipc_loop *l) {
    uint64_t receivers = l->asked | l->answered;
    for (; receivers; receivers &= receivers - 1) {
        uint16_t slot = (uint16_t)__builtin_ctzll(receivers);
        uint64_t bit = (uint64_t)1 << slot;
        struct ipc_inbox *inbox = &l->shm->rings->inbox[slot];
        if (l->answered & bit) atomic_fetch_or(&inbox->completions, (uint64_t)1 << l->slot);
        if (l->asked & bit) atomic_fetch_or(&inbox->requests, (uint64_t)1 << l->slot);
        if (bell_ring(l->shm, slot)) {
            counter_add(&l->d->proc, COUNTER_DOORBELLS, 1);
            PROBE(axolotl_ipc, doorbell, slot);
        }
    }
    l->served |= l->answered;
    l->asked = l->answered = 0;
    l->untold = 0;
}

/* In the middle of a phase: who is awake can begin with the first requests while the others are
 * being made. A sleeper is woken at the end, once for all of them. */
static void requests_tell(struct ipc_loop *l) {
    if (++l->untold < TELL_EVERY) return;
    l->untold = 0;
    for (uint64_t servers = l->asked; servers; servers &= servers - 1) {
        uint16_t slot = (uint16_t)__builtin_ctzll(servers);
        if (atomic_load(&l->shm->control->procs[slot].asleep)) continue;
        atomic_fetch_or(&l->shm->rings->inbox[slot].requests, (uint64_t)1 << l->slot);
    }
}

/* --- the asking side ------------------------------------------------------------------------- */

static struct call *call_at(struct ipc_loop *l, uint32_t index) {
    return &l->calls[index];
}

static status call_new(struct ipc_loop *l, uint32_t *ret_index) {
    if (l->calls_free == NO_CALL) {
        uint32_t n = l->calls_n ? 2 * l->calls_n : 64;
        struct call *grown = realloc(l->calls, n * sizeof *grown);
        if (!grown) return STATUS(OUT_OF_MEMORY);
        l->calls = grown;
        for (uint32_t i = l->calls_n; i < n; i++) {
            grown[i] = (struct call){.next = i + 1 < n ? i + 1 : NO_CALL};
        }
        l->calls_free = l->calls_n;
        l->calls_n = n;
    }
    uint32_t index = l->calls_free;
    struct call *c = call_at(l, index);
    l->calls_free = c->next;
    *c = (struct call){.used = true, .generation = c->generation + 1, .next = NO_CALL};
    *ret_index = index;
    return OK;
}

static void call_free(struct ipc_loop *l, uint32_t index) {
    struct call *c = call_at(l, index);
    c->used = false;
    c->next = l->calls_free;
    l->calls_free = index;
}

static void unsent_add(struct ipc_loop *l, struct server *s, uint32_t index) {
    call_at(l, index)->next = NO_CALL;
    if (s->last_unsent != NO_CALL) {
        call_at(l, s->last_unsent)->next = index;
    } else {
        s->first_unsent = index;
    }
    s->last_unsent = index;
}

/* Into the ring; false: no room now. */
static bool call_push(struct ipc_loop *l, uint16_t to, struct call *c) {
    struct server *s = &l->servers[to];
    if (!c->post && s->in_flight >= IN_FLIGHT_MAX) return false;
    c->m.to_epoch = s->epoch;
    if (!ring_push(submit_ring(l, to, l->slot), &c->m)) return false;
    if (!c->post) s->in_flight++;
    c->sent = true;
    l->asked |= (uint64_t)1 << to;
    requests_tell(l);
    return true;
}

static void unsent_flush(struct ipc_loop *l, uint16_t to) {
    struct server *s = &l->servers[to];
    while (s->first_unsent != NO_CALL) {
        uint32_t index = s->first_unsent;
        struct call *c = call_at(l, index);
        if (!call_push(l, to, c)) return;
        s->first_unsent = c->next;
        if (s->first_unsent == NO_CALL) s->last_unsent = NO_CALL;
        if (c->post) call_free(l, index);
    }
}

static void completion_take(struct ipc_loop *l, uint16_t from, const struct msg *m) {
    uint32_t index = (uint32_t)m->tag;
    if (m->epoch != l->d->proc.epoch || index >= l->calls_n) return;
    struct call *c = call_at(l, index);
    /* Late and second answers end here. */
    if (!c->used || c->done || c->post || !c->sent || c->to != from ||
        c->generation != (uint32_t)(m->tag >> 32)) {
        return;
    }
    c->m = *m;
    c->done = true;
    l->servers[from].in_flight--;
    if (c->task && c->task->state == TASK_BLOCKED) task_ready(l, c->task);
}

static bool completions_take(struct ipc_loop *l, uint16_t from) {
    struct ipc_ring *ring = complete_ring(l, from, l->slot);
    struct msg m;
    bool any = false;
    for (unsigned n = 0; n < RING_ENTRIES && ring_pop(ring, &m); n++) {
        completion_take(l, from, &m);
        any = true;
    }
    return any;
}

/* The daemon has begun a new life: everything that the old one has not answered is sent again. */
static void server_follow(struct ipc_loop *l, uint16_t to, uint32_t epoch) {
    struct server *s = &l->servers[to];
    completions_take(l, to);
    s->epoch = epoch;
    s->in_flight = 0;
    for (uint32_t i = 0; i < l->calls_n; i++) {
        struct call *c = call_at(l, i);
        if (!c->used || c->done || c->post || !c->sent || c->to != to) continue;
        c->sent = false;
        unsent_add(l, s, i);
    }
    unsent_flush(l, to);
}

bool calls_turn(struct ipc_loop *l) {
    bool any = false;
    struct ipc_inbox *inbox = &l->shm->rings->inbox[l->slot];
    if (atomic_load_explicit(&inbox->completions, memory_order_relaxed)) {
        uint64_t bits = atomic_exchange(&inbox->completions, 0) & ((1u << RING_SERVERS) - 1);
        for (; bits; bits &= bits - 1) {
            uint16_t from = (uint16_t)__builtin_ctzll(bits);
            any |= completions_take(l, from);
        }
    }
    for (uint16_t to = 1; to < RING_SERVERS; to++) {
        uint32_t epoch = atomic_load_explicit(&l->shm->rings->served[to], memory_order_acquire);
        if (epoch != l->servers[to].epoch) {
            server_follow(l, to, epoch);
            any = true;
        }
        if (l->servers[to].first_unsent != NO_CALL) unsent_flush(l, to);
    }
    bells_flush(l);
    return any;
}

/* The daemon is not started again by itself: nobody will ever answer. */
void calls_give_up(struct ipc_loop *l, uint16_t to) {
    struct server *s = &l->servers[to];
    for (uint32_t i = 0; i < l->calls_n; i++) {
        struct call *c = call_at(l, i);
        if (!c->used || c->done || c->to != to) continue;
        if (c->post) {
            call_free(l, i);
            continue;
        }
        c->m.code = ST_DEAD;
        c->done = true;
        if (c->task && c->task->state == TASK_BLOCKED) task_ready(l, c->task);
    }
    s->in_flight = 0;
    s->first_unsent = s->last_unsent = NO_CALL;
}

static status call_send(struct ipc_loop *l, uint16_t to, const struct msg *m, bool post,
                        uint32_t *ret_index) {
    CHECK(to > 0 && to < RING_SERVERS && to != l->slot);
    uint32_t index;
    TRY(call_new(l, &index));
    struct call *c = call_at(l, index);
    c->m = *m;
    c->m.slot = l->slot;
    c->m.epoch = l->d->proc.epoch;
    c->m.tag = (uint64_t)c->generation << 32 | index;
    c->m.trace = l->d->proc.trace;
    c->to = to;
    c->post = post;
    struct server *s = &l->servers[to];
    bool pushed = s->first_unsent == NO_CALL && call_push(l, to, c);
    if (!pushed) unsent_add(l, s, index);
    if (pushed && post) call_free(l, index);
    counter_add(&l->d->proc, COUNTER_CALLS, 1);
    *ret_index = index;
    return OK;
}

/* For who looks from outside: so many wait for that daemon. */
static void note_awaits(struct ipc_loop *l, uint16_t to, int change) {
    _Atomic uint16_t *n = &l->entry->awaits[to];
    atomic_store_explicit(n, (uint16_t)(atomic_load_explicit(n, memory_order_relaxed) + change),
                          memory_order_relaxed);
}

static status env_call(struct proc *p, uint16_t to, struct msg *m) {
    struct ipc_loop *l = loop_of(p);
    uint32_t index;
    uint64_t begin = clock_mono_ns();
    PROBE(axolotl_ipc, call_begin, to, m->op, p->trace);
    TRY(call_send(l, to, m, false, &index));
    struct task *t = task_self(l);
    call_at(l, index)->task = t;
    if (!t) bells_flush(l);
    note_awaits(l, to, 1);
    while (!call_at(l, index)->done) {
        if (t) {
            task_yield_as(l, TASK_BLOCKED);
        } else {
            loop_wait_completion(l);
        }
    }
    note_awaits(l, to, -1);
    uint64_t tag = m->tag;
    *m = call_at(l, index)->m;
    m->tag = tag;
    call_free(l, index);
    PROBE(axolotl_ipc, call_done, to, m->op, p->trace, (clock_mono_ns() - begin) / 1000);
    return (status){m->code < ST_COUNT ? m->code : (uint16_t)ST_INVALID};
}

/* A post waits for room like a request; without memory for that it is dropped. */
static void env_post(struct proc *p, uint16_t to, const struct msg *m) {
    struct ipc_loop *l = loop_of(p);
    struct msg copy = *m;
    copy.flags |= MSG_FLAG_POST;
    uint32_t index;
    status_ignore(call_send(l, to, &copy, true, &index)); /* says the comment above */
    if (!task_self(l)) bells_flush(l);
}

static void env_pause(struct proc *p) {
    struct ipc_loop *l = loop_of(p);
    if (task_self(l)) {
        task_yield_as(l, TASK_READY);
    } else {
        bells_flush(l);
        daemon_heartbeat(l->d);
        sched_yield();
    }
}

static uint64_t env_wall_ns([[maybe_unused]] struct proc *p) {
    return clock_wall_ns();
}

static uint64_t env_mono_ns([[maybe_unused]] struct proc *p) {
    return clock_mono_ns();
}

const struct env ipc_env = {.wall_ns = env_wall_ns,
                            .mono_ns = env_mono_ns,
                            .call = env_call,
                            .post = env_post,
                            .pause = env_pause};

void calls_open(struct ipc_loop *l) {
    l->calls_free = NO_CALL;
    for (uint16_t to = 0; to < RING_SERVERS; to++) {
        /* What the last life of this slot was still to be told is nobody's business now. */
        ring_repair(complete_ring(l, to, l->slot));
        l->servers[to] = (struct server){.epoch = atomic_load(&l->shm->rings->served[to]),
                                         .first_unsent = NO_CALL,
                                         .last_unsent = NO_CALL};
    }
    atomic_store(&l->shm->rings->inbox[l->slot].completions, 0);
}

void calls_free(struct ipc_loop *l) {
    free(l->calls);
    l->calls = NULL;
    l->calls_n = 0;
    l->calls_free = NO_CALL;
}

/* --- the answering side ---------------------------------------------------------------------- */

void serve_open(struct ipc_loop *l) {
    if (!l->serves) return;
    for (uint16_t client = 0; client < PROC_SLOTS; client++) {
        ring_repair(submit_ring(l, l->slot, client));
    }
    atomic_store(&l->shm->rings->inbox[l->slot].requests, 0);
    atomic_store(&l->shm->rings->served[l->slot], l->d->proc.epoch);
    for (uint16_t client = 0; client < PROC_SLOTS; client++) {
        if (client != l->slot) (void)bell_ring(l->shm, client);
    }
}

static bool request_is_current(const struct ipc_loop *l, const struct msg *m) {
    if (m->flags & MSG_FLAG_POST) return true;
    return m->to_epoch == l->d->proc.epoch &&
           m->epoch ==
               atomic_load_explicit(&l->shm->control->procs[m->slot].epoch, memory_order_relaxed);
}

static bool requests_take(struct ipc_loop *l, uint16_t client) {
    struct ipc_ring *ring = submit_ring(l, l->slot, client);
    struct msg m;
    unsigned n = 0;
    while (n < REQUESTS_A_CLIENT && ring_pop(ring, &m)) {
        n++;
        m.slot = client; /* whose ring it is, whatever the message says */
        if (!request_is_current(l, &m)) continue;
        counter_add(&l->d->proc, COUNTER_REQUESTS, 1);
        l->d->proc.trace = m.trace;
        l->d->ops->handle(l->d, &m);
    }
    l->d->proc.trace = 0;
    if (n < REQUESTS_A_CLIENT) l->requests_left &= ~((uint64_t)1 << client);
    return n > 0;
}

static bool complete_push(struct ipc_loop *l, const struct msg *m) {
    if (!ring_push(complete_ring(l, l->slot, m->slot), m)) return false;
    l->answered |= (uint64_t)1 << m->slot;
    return true;
}

static void late_flush(struct ipc_loop *l) {
    for (uint64_t bits = l->late_clients; bits; bits &= bits - 1) {
        uint16_t client = (uint16_t)__builtin_ctzll(bits);
        struct late *late = &l->late[client];
        uint32_t done = 0;
        while (done < late->n && complete_push(l, &late->items[done])) done++;
        late->n -= done;
        for (uint32_t i = 0; i < late->n; i++) late->items[i] = late->items[i + done];
        if (late->n == 0) l->late_clients &= ~((uint64_t)1 << client);
    }
}

bool serve_turn(struct ipc_loop *l) {
    if (!l->serves) return false;
    if (l->late_clients) late_flush(l);
    struct ipc_inbox *inbox = &l->shm->rings->inbox[l->slot];
    if (atomic_load_explicit(&inbox->requests, memory_order_relaxed)) {
        l->requests_left |= atomic_exchange(&inbox->requests, 0);
    }
    bool any = false;
    uint64_t bits = l->requests_left;
    /* From next_client on and around, so that nobody is always first. */
    uint64_t upper = bits & ~(((uint64_t)1 << l->next_client) - 1);
    for (int half = 0; half < 2; half++) {
        for (uint64_t b = half ? bits & ~upper : upper; b; b &= b - 1) {
            any |= requests_take(l, (uint16_t)__builtin_ctzll(b));
        }
    }
    l->next_client = (uint16_t)((l->next_client + 1) % PROC_SLOTS);
    bells_flush(l);
    return any;
}

void daemon_reply(struct daemon *d, const struct msg *m) {
    struct ipc_loop *l = d->loop;
    CHECK(m->slot < PROC_SLOTS);
    if ((m->flags & MSG_FLAG_POST) ||
        m->epoch !=
            atomic_load_explicit(&l->shm->control->procs[m->slot].epoch, memory_order_relaxed)) {
        return;
    }
    struct late *late = &l->late[m->slot];
    if (late->n == 0 && complete_push(l, m)) return;
    if (late->n == late->cap) {
        uint32_t cap = late->cap ? 2 * late->cap : RING_ENTRIES;
        struct msg *grown = realloc(late->items, cap * sizeof *grown);
        CHECK(grown); /* an answer cannot be dropped: its asker would wait for ever */
        late->items = grown;
        late->cap = cap;
    }
    late->items[late->n++] = *m;
    l->late_clients |= (uint64_t)1 << m->slot;
}

void serve_free(struct ipc_loop *l) {
    for (int i = 0; i < PROC_SLOTS; i++) {
        free(l->late[i].items);
        l->late[i] = (struct late){0};
    }
    l->late_clients = 0;
}
