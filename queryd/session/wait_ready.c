/* Waiting for a descriptor that is not the client's: the worker's other sessions run meanwhile. */
#include <sys/epoll.h>

#include "session/session_private.h"

#define SLICE_NS 20000000u /* a cancel is heard within it */

struct waiter {
    struct daemon *d;
    struct coro *coro;
    bool ready;
};

static void is_ready(void *arg, uint32_t) {
    struct waiter *w = arg;
    w->ready = true;
    daemon_wake(w->d, w->coro);
}

status session_wait_ready(struct sql_env *env, int fd, bool to_write) {
    struct waiter w = {.d = daemon_of(env->proc), .coro = coro_self()};
    status st = daemon_watch(w.d, fd, (to_write ? EPOLLOUT : EPOLLIN) | EPOLLET, is_ready, &w);
    if (!ok(st)) return error_from_status(env->eval.error, st);
    while (ok(st = sql_env_breathe(env)) && !w.ready) daemon_suspend_for(w.d, SLICE_NS);
    status_ignore(daemon_watch(w.d, fd, 0, NULL, NULL)); /* it is watched */
    return st;
}
