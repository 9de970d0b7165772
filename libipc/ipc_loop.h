/* ipc_loop.h: what libipc keeps for one daemon. Private to libipc. */
#ifndef IPC_LOOP_H
#define IPC_LOOP_H

#include "ipc_daemon.h"
#include "ipc_proc.h"
#include "ipc_ring.h"

#define TASK_STACK_BYTES ((size_t)256 << 10)
#define TASKS_POOLED_MAX 64
#define NO_CALL UINT32_MAX
#define NO_TIMER SIZE_MAX

/* A coroutine.  READY → RUNNING → SUSPENDED (daemon_wake makes it READY)
 *                            └──→ BLOCKED   (its call's completion or its timer makes it READY)
 *                            └──→ IDLE      (its function has returned: to be used again) */
enum task_state { TASK_READY, TASK_RUNNING, TASK_SUSPENDED, TASK_BLOCKED, TASK_IDLE };

struct task {
    struct coro *coro;
    struct ipc_loop *loop;
    void (*fn)(void *arg);
    void *arg;
    size_t stack_bytes;
    enum task_state state;
    bool woken;     /* a wake-up came while it was not SUSPENDED */
    bool timed_out; /* what ended its last sleep */
    uint64_t trace;
    struct usage_meter *meter; /* while it is not running */
    uint64_t due_ns;           /* of its timer */
    size_t timer;              /* its place in the heap; NO_TIMER */
    struct task *next;         /* in the ready queue, or in the pool */
    struct task *all_next, *all_prev;
};

/* One that has not begun yet: it needs no stack until then, and may get one that is still warm. */
struct birth {
    void (*fn)(void *arg);
    void *arg;
    size_t stack_bytes;
    uint64_t trace;
};

/* A request under way, or (post) a message that waits for room in the ring. */
struct call {
    struct msg m;
    uint16_t to;
    bool used, sent, done, post;
    uint32_t generation;
    uint32_t next;     /* of the same daemon's unsent, or of the free ones */
    struct task *task; /* NULL: start-up code waits for it */
    uint64_t begin_ns;
};

/* A daemon as its client sees it. */
struct server {
    uint32_t epoch; /* the life that the requests under way were sent to */
    uint32_t in_flight;
    uint32_t first_unsent, last_unsent; /* calls that found no room */
};

/* A client as the daemon sees it: completions that found no room. */
struct late {
    struct msg *items;
    uint32_t n, cap;
};

struct watcher {
    void (*fn)(void *arg, uint32_t events);
    void *arg;
    uint32_t events;
};

struct ipc_loop {
    struct daemon *d;
    struct shm *shm;
    struct proc_entry *entry;
    uint16_t slot;
    bool serves; /* has request rings */
    bool stopped, stopping;
    int epoll;
    int beat; /* a timer among its descriptors */
    struct task *ready_first, *ready_last, *pool, *all;
    uint32_t ready_n, pooled;
    struct birth *births; /* a ring */
    uint32_t births_first, births_n, births_cap;
    struct task **timers; /* heap, the soonest first */
    size_t timers_n, timers_cap;
    struct call *calls;
    uint32_t calls_n, calls_free;
    struct server servers[RING_SERVERS];
    uint64_t requests_left; /* clients whose rings still hold something */
    uint64_t late_clients;  /* clients with late completions */
    struct late late[PROC_SLOTS];
    uint64_t asked, answered; /* slots to be told, and woken if asleep, at the end of this phase */
    uint64_t served;          /* answered since the last sleep */
    uint32_t untold;          /* requests since those that are awake were last told */
    uint16_t next_client;     /* round robin */
    struct watcher *watchers; /* by descriptor */
    int watchers_n;
    uint32_t turns_unpolled;
    int spin_credit;
    uint64_t spin_ns_max;
    uint64_t checked_ns; /* when the process table was last looked at */
};

/* ipc_task.c */
struct task *task_self(struct ipc_loop *l);
void task_ready(struct ipc_loop *l, struct task *t);
void task_yield_as(struct ipc_loop *l, enum task_state state);
static inline bool tasks_wait(const struct ipc_loop *l) {
    return l->ready_n || l->births_n;
}
void tasks_run(struct ipc_loop *l);
bool timers_run(struct ipc_loop *l);
uint64_t timers_due_ns(const struct ipc_loop *l); /* UINT64_MAX: none */
void tasks_free(struct ipc_loop *l);

/* ipc_call.c */
extern const struct env ipc_env;
void calls_open(struct ipc_loop *l);
bool calls_turn(struct ipc_loop *l); /* completions, epochs, unsent */
void calls_give_up(struct ipc_loop *l, uint16_t to);
void calls_free(struct ipc_loop *l);
void serve_open(struct ipc_loop *l);
bool serve_turn(struct ipc_loop *l);
void serve_free(struct ipc_loop *l);
void bells_ring(struct ipc_loop *l);
static inline void bells_flush(struct ipc_loop *l) {
    if (l->asked | l->answered) bells_ring(l);
}

/* ipc_daemon.c */
status loop_open(struct daemon *d, const struct daemon_ops *ops, struct shm *shm, uint16_t slot,
                 const struct conf *conf, const char *data_dir, int lifeline, bool restart,
                 struct error *e);
bool loop_has_work(const struct ipc_loop *l);
void loop_wait_completion(struct ipc_loop *l);

#endif
