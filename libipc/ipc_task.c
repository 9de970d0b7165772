/* ipc_task.c: a daemon's coroutines: making them, waking them, timers. */
#include <stdlib.h>

#include "base/check.h"
#include "base/usage.h"
#include "ipc_loop.h"

struct task *task_self(struct ipc_loop *l) {
    struct coro *c = coro_self();
    struct task *t = c ? coro_data(c) : NULL;
    return t && t->loop == l ? t : NULL;
}

void task_ready(struct ipc_loop *l, struct task *t) {
    t->state = TASK_READY;
    t->next = NULL;
    if (l->ready_last) {
        l->ready_last->next = t;
    } else {
        l->ready_first = t;
    }
    l->ready_last = t;
    l->ready_n++;
}

/* --- timers: a binary heap by due time ------------------------------------------------------ */

static void timer_place(struct ipc_loop *l, size_t i, struct task *t) {
    l->timers[i] = t;
    t->timer = i;
}

static void timer_sift(struct ipc_loop *l, size_t i, struct task *t) {
    while (i > 0 && l->timers[(i - 1) / 2]->due_ns > t->due_ns) {
        timer_place(l, i, l->timers[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->timers_n) break;
        if (child + 1 < l->timers_n && l->timers[child + 1]->due_ns < l->timers[child]->due_ns) {
            child++;
        }
        if (l->timers[child]->due_ns >= t->due_ns) break;
        timer_place(l, i, l->timers[child]);
        i = child;
    }
    timer_place(l, i, t);
}

static void timer_add(struct ipc_loop *l, struct task *t, uint64_t due_ns) {
    if (l->timers_n == l->timers_cap) {
        size_t cap = l->timers_cap ? 2 * l->timers_cap : 64;
        struct task **grown = realloc(l->timers, cap * sizeof(struct task *));
        CHECK(grown); /* a few bytes: without them nothing here could go on */
        l->timers = grown;
        l->timers_cap = cap;
    }
    t->due_ns = due_ns;
    l->timers_n++;
    timer_sift(l, l->timers_n - 1, t);
}

static void timer_remove(struct ipc_loop *l, struct task *t) {
    if (t->timer == NO_TIMER) return;
    size_t i = t->timer;
    t->timer = NO_TIMER;
    struct task *last = l->timers[--l->timers_n];
    if (last != t) timer_sift(l, i, last);
}

uint64_t timers_due_ns(const struct ipc_loop *l) {
    return l->timers_n ? l->timers[0]->due_ns : UINT64_MAX;
}

bool timers_run(struct ipc_loop *l) {
    if (l->timers_n == 0) return false;
    uint64_t now = clock_mono_ns();
    bool any = false;
    while (l->timers_n && l->timers[0]->due_ns <= now) {
        struct task *t = l->timers[0];
        timer_remove(l, t);
        t->timed_out = true;
        task_ready(l, t);
        any = true;
    }
    return any;
}

/* --- coroutines ----------------------------------------------------------------------------- */

static void task_main(void *arg) {
    struct task *t = arg;
    for (;;) {
        coro_set_local(NULL);
        t->fn(t->arg);
        t->state = TASK_IDLE;
        coro_yield();
    }
}

static void task_free(struct ipc_loop *l, struct task *t) {
    timer_remove(l, t);
    if (t->all_prev) {
        t->all_prev->all_next = t->all_next;
    } else {
        l->all = t->all_next;
    }
    if (t->all_next) t->all_next->all_prev = t->all_prev;
    coro_free(t->coro);
    free(t);
}

static struct task **pooled(struct ipc_loop *l, size_t stack_bytes) {
    struct task **at = &l->pool;
    while (*at && (*at)->stack_bytes != stack_bytes) at = &(*at)->next;
    return at;
}

static void pool_put(struct ipc_loop *l, struct task *t) {
    t->next = l->pool;
    l->pool = t;
    l->pooled++;
}

static status task_new(struct ipc_loop *l, size_t stack_bytes, struct task **ret_task) {
    struct task *t = calloc(1, sizeof *t);
    if (!t) return STATUS(OUT_OF_MEMORY);
    status s = coro_new(stack_bytes, task_main, t, &t->coro);
    if (!ok(s)) {
        free(t);
        return s;
    }
    coro_set_data(t->coro, t);
    t->loop = l;
    t->stack_bytes = stack_bytes;
    t->timer = NO_TIMER;
    t->all_next = l->all;
    if (l->all) l->all->all_prev = t;
    l->all = t;
    *ret_task = t;
    return OK;
}

/* A task for it to begin with: from the pool, or a new one. */
static status task_take(struct ipc_loop *l, size_t stack_bytes, struct task **ret_task) {
    struct task **at = pooled(l, stack_bytes);
    if (!*at) return task_new(l, stack_bytes, ret_task);
    *ret_task = *at;
    *at = (*at)->next;
    l->pooled--;
    return OK;
}

static status births_reserve(struct ipc_loop *l) {
    if (l->births_n < l->births_cap) return OK;
    uint32_t cap = l->births_cap ? 2 * l->births_cap : 64;
    struct birth *grown = malloc(cap * sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    for (uint32_t i = 0; i < l->births_n; i++)
        grown[i] = l->births[(l->births_first + i) % l->births_cap];
    free(l->births);
    l->births = grown;
    l->births_first = 0;
    l->births_cap = cap;
    return OK;
}

/* Whoever is told that all is well will begin: a task is there for at least one, and who finds none
 * left tries again in the turns to come. */
status daemon_spawn(struct daemon *d, size_t stack_bytes, void (*fn)(void *arg), void *arg) {
    struct ipc_loop *l = d->loop;
    struct task *t;
    if (stack_bytes == 0) stack_bytes = TASK_STACK_BYTES;
    TRY(births_reserve(l));
    if (!*pooled(l, stack_bytes)) {
        TRY(task_new(l, stack_bytes, &t));
        t->state = TASK_IDLE;
        pool_put(l, t);
    }
    uint32_t at = (l->births_first + l->births_n++) % l->births_cap;
    l->births[at] = (struct birth){fn, arg, stack_bytes, d->proc.trace};
    return OK;
}

bool daemon_begins_more(const struct daemon *d) {
    return d->loop->births_n != 0;
}

static void task_run(struct ipc_loop *l, struct task *t) {
    uint64_t trace = l->d->proc.trace;
    t->state = TASK_RUNNING;
    l->d->proc.trace = t->trace;
    atomic_store_explicit(&l->entry->trace, t->trace, memory_order_relaxed);
    l->d->proc.meter = t->meter;
    if (t->meter) usage_return(&l->d->proc);
    coro_resume(t->coro);
    if (l->d->proc.meter) usage_leave(&l->d->proc);
    t->meter = l->d->proc.meter;
    l->d->proc.meter = NULL;
    t->trace = l->d->proc.trace;
    l->d->proc.trace = trace;
    atomic_store_explicit(&l->entry->trace, trace, memory_order_relaxed);
    if (t->state != TASK_IDLE) return;
    if (l->pooled >= TASKS_POOLED_MAX) {
        task_free(l, t);
    } else {
        coro_trim(t->coro);
        pool_put(l, t);
    }
}

/* The next birth begins; false: not now, there is no memory for its stack. */
static bool begin_next(struct ipc_loop *l) {
    const struct birth *b = &l->births[l->births_first];
    struct task *t;
    if (!ok(task_take(l, b->stack_bytes, &t))) return false;
    t->fn = b->fn;
    t->arg = b->arg;
    t->trace = b->trace;
    t->woken = false;
    l->births_first = (l->births_first + 1) % l->births_cap;
    l->births_n--;
    task_run(l, t);
    return true;
}

/* Those that are there now, one after the other. What they leave to be sent goes out when all have
 * begun, and sooner when one of them has let others run because it has much to do. */
static void births_run(struct ipc_loop *l) {
    struct daemon *d = l->d;
    for (uint32_t n = l->births_n; n && begin_next(l); n--)
        if (l->ready_n && d->ops->send) d->ops->send(d);
    if (d->ops->send) d->ops->send(d);
}

/* Those that are ready now; who becomes ready meanwhile runs in the next turn. */
void tasks_run(struct ipc_loop *l) {
    uint32_t n = l->ready_n;
    for (uint32_t i = 0; i < n; i++) {
        struct task *t = l->ready_first;
        l->ready_first = t->next;
        if (!l->ready_first) l->ready_last = NULL;
        l->ready_n--;
        task_run(l, t);
    }
    if (l->births_n) births_run(l);
}

void tasks_free(struct ipc_loop *l) {
    while (l->all) task_free(l, l->all);
    free(l->timers);
    l->timers = NULL;
    l->timers_n = l->timers_cap = 0;
    l->pool = l->ready_first = l->ready_last = NULL;
    free(l->births);
    l->births = NULL;
    l->pooled = l->ready_n = l->births_n = l->births_cap = 0;
}

void task_yield_as(struct ipc_loop *l, enum task_state state) {
    struct task *t = task_self(l);
    CHECK(t && t->state == TASK_RUNNING);
    if (state == TASK_READY) {
        task_ready(l, t);
    } else {
        t->state = state;
    }
    coro_yield();
}

struct coro *daemon_suspend(struct daemon *d) {
    struct task *t = task_self(d->loop);
    CHECK(t);
    if (!t->woken) task_yield_as(d->loop, TASK_SUSPENDED);
    t->woken = false;
    return t->coro;
}

bool daemon_suspend_for(struct daemon *d, uint64_t ns) {
    struct task *t = task_self(d->loop);
    CHECK(t);
    if (!t->woken) {
        t->timed_out = false;
        timer_add(d->loop, t, clock_mono_ns() + ns);
        task_yield_as(d->loop, TASK_SUSPENDED);
        timer_remove(d->loop, t);
        if (t->timed_out && !t->woken) return false;
    }
    t->woken = false;
    return true;
}

void daemon_wake(struct daemon *d, struct coro *c) {
    struct task *t = coro_data(c);
    CHECK(t && t->loop == d->loop && t->state != TASK_IDLE);
    if (t->state == TASK_SUSPENDED) {
        timer_remove(d->loop, t);
        task_ready(d->loop, t);
    } else {
        t->woken = true;
    }
}

void daemon_sleep(struct daemon *d, uint64_t ns) {
    struct task *t = task_self(d->loop);
    CHECK(t);
    timer_add(d->loop, t, clock_mono_ns() + ns);
    task_yield_as(d->loop, TASK_BLOCKED);
}
