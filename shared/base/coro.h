/* coro.h: stackful coroutines on one thread.
 *
 * A session, an undo or a purge reads like blocking code and runs as a coroutine of its process's
 * one thread: coro_yield returns to whoever resumed it, coro_resume goes on where it yielded.
 * Stacks come from mmap with a guard page below, so an overflow is a fault and not a corruption. */
#ifndef BASE_CORO_H
#define BASE_CORO_H

#include <stddef.h>

#include "base/status.h"

struct coro;

/* A coroutine that will run fn(arg) at its first resume. stack_bytes is rounded up to whole pages.
 */
status coro_new(size_t stack_bytes, void (*fn)(void *arg), void *arg, struct coro **ret_coro);
/* Only for one that has ended, or that will never be resumed again. */
void coro_free(struct coro *c);

/* Runs c until it yields or ends. Must not be called for the coroutine that is running. */
void coro_resume(struct coro *c);
/* Back to the resumer. Only inside a coroutine. */
void coro_yield(void);
bool coro_ended(const struct coro *c);

/* A pointer of whoever made the coroutine, for its own use; NULL at first. */
void coro_set_data(struct coro *c, void *data);
void *coro_data(const struct coro *c);

/* A pointer of whoever runs now, for those below it that are not told; NULL at the first resume,
 * and on the thread's own stack until it is set there. */
void coro_set_local(void *local);
void *coro_local(void);

/* The running coroutine of this thread; NULL on the thread's own stack. */
struct coro *coro_self(void);
/* Gives memory that deep recursion has touched back to the system. c is not running. */
void coro_trim(struct coro *c);
/* Bytes left on the running stack: recursive descent (parser, planner, expressions) refuses with
 * 54001 below a margin. On the thread's own stack, what getrlimit allows. */
size_t coro_stack_left(void);

#endif
