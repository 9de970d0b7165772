/* ipc_daemon.h: the shape that every process has (CRAFT 3, 4).
 *
 * A daemon is a table of functions and a private state. daemon_main does what all have in common:
 * reads the settings, attaches the regions, takes its slot and epoch, opens its control socket, and
 * turns the loop: requests from the rings to `handle`, completions to the coroutines that wait for
 * them, ready file descriptors to their watchers, then `step`; when nothing is left to do it sets
 * its asleep flag, looks once more, and sleeps on its doorbell. Tests call daemon_turn themselves,
 * with several daemons in one process as threads or by turns. */
#ifndef IPC_DAEMON_H
#define IPC_DAEMON_H

#include "base/coro.h"
#include "base/error.h"
#include "base/proc.h"

struct daemon;
struct json_t;

struct daemon_ops {
    const char *name; /* "storaged"; queryd's workers are told apart by their slot */
    /* Births. fresh: the appliance has just begun (recovery included). restart: this process died
     * and shared memory is as it left it. Both may start coroutines and go on later. */
    status (*init_fresh)(struct daemon *d, struct error *e);
    status (*init_restart)(struct daemon *d, struct error *e);
    /* A request. Answer it with daemon_reply(d, m), now or later (copy it then). */
    void (*handle)(struct daemon *d, const struct msg *m);
    /* One turn of the daemon's own work; true: there is more to do at once, do not sleep. */
    bool (*step)(struct daemon *d);
    /* True: step would find something to do. Looks at memory alone; asked again and again while the
     * daemon spins. NULL: requests and completions are all. */
    bool (*looks)(const struct daemon *d);
    /* What coroutines that have begun in this turn left to be sent together. NULL: nothing ever. */
    void (*send)(struct daemon *d);
    /* The supervisor asks for an orderly end: daemon_stopped(d) when done. */
    void (*stop)(struct daemon *d);
    /* Another life is to go on with what this one has (SIGUSR1): daemon_stopped(d) when it can.
     * NULL: there is nothing that a death would lose, and it just stops. */
    void (*hand_over)(struct daemon *d);
    void (*fini)(struct daemon *d);
    /* Questions over the control channel beyond ping, stop and config (control_fn in
     * ipc_control.h); NULL: none. */
    bool (*control)(struct daemon *d, const char *op, const struct json_t *request,
                    struct json_t *reply);
};

struct daemon {
    struct proc proc; /* first: a struct proc * of a daemon leads to it */
    const struct daemon_ops *ops;
    void *state;
    const struct conf *conf;
    const char *data_dir;
    int lifeline;         /* for disk_open; -1: none */
    uint64_t step_due_ns; /* monotonic: step is wanted at this time at the latest; 0: no wish */
    /* Set by step: a descriptor will wake the daemon very soon, and before that it could do nothing
     * for who asks. Its doorbell is not rung meanwhile (UNRUNG_MS_MAX at most). */
    bool bell_unneeded;
    struct ipc_loop *loop; /* private to libipc */
};

/* The whole life of the process; what main returns. Arguments, as the supervisor passes them:
 * -D DIR, --slot N, --epoch N, --lifeline FD and --keys FD (inherited), --restart (born by
 * init_restart), and --set NAME=VALUE for settings of the command line. */
int daemon_main(int argc, char **argv, const struct daemon_ops *ops);
/* Ends the process without the libraries' clean-up: nng's may hang, and the system takes everything
 * back. */
[[gnu::noreturn]] void daemon_exit(int how);

/* For tests and the simulator: the same without a process. shm and conf outlive it. The epoch is
 * the slot's when somebody has prepared the slot (proc_prepare), else the slot's next. */
status daemon_open(struct daemon *d, const struct daemon_ops *ops, struct shm *shm, uint16_t slot,
                   const struct conf *conf, const char *data_dir, bool restart, struct error *e);
/* One turn of the loop; waits at most wait_ms for something to do (-1: as long as it takes). false:
 * stopped. */
bool daemon_turn(struct daemon *d, int wait_ms);
void daemon_close(struct daemon *d);
/* "I am alive", for code that works for seconds without turning the loop. */
void daemon_heartbeat(struct daemon *d);

/* Answers a request: m->code and m->arg are the completion. Dropped when the asker's epoch is over.
 */
void daemon_reply(struct daemon *d, const struct msg *m);
void daemon_ready(struct daemon *d);   /* STARTING → READY */
void daemon_stopped(struct daemon *d); /* the loop ends */
void daemon_hand_over(struct daemon *d);
void daemon_stop(struct daemon *d); /* begins the orderly end, as the supervisor's wish does */

/* A coroutine of this daemon: may use proc.env->call, and ends by returning. Freed by the loop.
 * stack_bytes 0: 256 KiB. It begins in the loop's next turn. proc.trace is kept for each coroutine:
 * a new one begins with its maker's. */
status daemon_spawn(struct daemon *d, size_t stack_bytes, void (*fn)(void *arg), void *arg);
/* Others have been spawned that begin right after the running one: ops->send comes after them. */
bool daemon_begins_more(const struct daemon *d);
/* Suspends the running coroutine until daemon_wake(d, its handle), which is coro_self(); returns
 * the handle. A wake-up that comes while it runs, sleeps or is in env->call is not lost: the next
 * daemon_suspend returns at once. So look at the condition in a loop around it. */
struct coro *daemon_suspend(struct daemon *d);
/* The same for at most ns nanoseconds. True: woken. */
bool daemon_suspend_for(struct daemon *d, uint64_t ns);
void daemon_wake(struct daemon *d, struct coro *c);
/* Suspends the running coroutine for a time. */
void daemon_sleep(struct daemon *d, uint64_t ns);
/* The daemon whose coroutine or function is running in this thread; NULL: none. */
struct daemon *daemon_self(void);

/* fn(arg, events) when fd is ready; events as in epoll(7), EPOLLET allowed. events 0: no longer
 * (before the descriptor is closed). */
status daemon_watch(struct daemon *d, int fd, uint32_t events,
                    void (*fn)(void *arg, uint32_t events), void *arg);

static inline struct daemon *daemon_of(struct proc *p) {
    return (struct daemon *)p;
}

#endif
