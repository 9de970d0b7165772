#include "temp/temp.h"

#include <string.h>

#include "base/check.h"
#include "msg/msg.h"

/* A window of ours; another coroutine gives one back when all are taken. */
static unsigned window_take(struct proc *p) {
    struct temp_windows *w = &p->shm->temp->windows[p->owner.slot];
    if (atomic_load_explicit(&w->epoch, memory_order_relaxed) != p->epoch) {
        atomic_store_explicit(&w->used, 0, memory_order_relaxed);
        atomic_store_explicit(&w->epoch, p->epoch, memory_order_relaxed);
    }
    for (;;) {
        uint32_t used = atomic_load_explicit(&w->used, memory_order_relaxed);
        if (used != (1u << TEMP_WINDOWS) - 1) {
            unsigned window = (unsigned)__builtin_ctz(~used);
            atomic_store_explicit(&w->used, used | 1u << window, memory_order_relaxed);
            return window;
        }
        p->env->pause(p);
    }
}

static void window_put(struct proc *p, unsigned window) {
    struct temp_windows *w = &p->shm->temp->windows[p->owner.slot];
    uint32_t used = atomic_load_explicit(&w->used, memory_order_relaxed);
    atomic_store_explicit(&w->used, used & ~(1u << window), memory_order_relaxed);
}

static char *content_of(struct proc *p, unsigned window) {
    return (char *)temp_window(p->shm->temp, p->owner.slot, window) + TEMP_HEAD_BYTES;
}

status temp_write(struct proc *p, const void *content, size_t bytes, uint64_t *ret_handle) {
    CHECK(bytes <= TEMP_CONTENT_BYTES);
    unsigned window = window_take(p);
    memcpy(content_of(p, window), content, bytes);
    struct msg m = {.op = MSG_TEMP_WRITE, .arg = {window, bytes}};
    status s = p->env->call(p, SLOT_STORAGED, &m);
    window_put(p, window);
    if (ok(s)) *ret_handle = m.arg[0];
    return s;
}

status temp_read(struct proc *p, uint64_t handle, void *content, size_t *ret_bytes) {
    unsigned window = window_take(p);
    struct msg m = {.op = MSG_TEMP_READ, .arg = {window, handle}};
    status s = p->env->call(p, SLOT_STORAGED, &m);
    if (ok(s) && m.arg[0] > TEMP_CONTENT_BYTES) s = STATUS(DATA_CORRUPTED);
    if (ok(s)) {
        memcpy(content, content_of(p, window), m.arg[0]);
        *ret_bytes = m.arg[0];
    }
    window_put(p, window);
    return s;
}

void temp_free(struct proc *p, const uint64_t *handles, size_t n) {
    while (n > 0) {
        size_t some = n < TEMP_FREE_MAX ? n : TEMP_FREE_MAX;
        unsigned window = window_take(p);
        memcpy(content_of(p, window), handles, some * sizeof *handles);
        struct msg m = {.op = MSG_TEMP_FREE, .arg = {window, some}};
        /* What is not given back now is taken back at the end of this process's life. */
        status_ignore(p->env->call(p, SLOT_STORAGED, &m));
        window_put(p, window);
        handles += some;
        n -= some;
    }
}
