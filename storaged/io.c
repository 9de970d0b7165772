#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "storaged.h"

struct io_group {
    unsigned left;
    struct coro *coro;
    status first;
};

void *io_buffer(size_t bytes) {
    void *buf;
    if (posix_memalign(&buf, DISK_ALIGN, bytes) != 0) return NULL;
    memset(buf, 0, bytes);
    return buf;
}

void io_submit(struct storaged *s, struct io_req *req) {
    req->io.owner = req;
    cipher_check_write(s, &req->io);
    disk_submit(s->disk, &req->io);
}

bool io_reap(struct storaged *s) {
    struct disk_io *ios[64];
    bool any = false;
    for (;;) {
        int n = disk_reap(s->disk, ios, 64, false);
        for (int i = 0; i < n; i++) {
            struct io_req *req = ios[i]->owner;
            if (!req->as_is) cipher_read_done(s, &req->io);
            req->done(s, req);
        }
        any |= n > 0;
        if (n < 64) return any;
    }
}

static void group_done(struct storaged *s, struct io_req *req) {
    struct io_group *g = req->arg;
    if (ok(g->first)) g->first = req->io.result;
    if (--g->left == 0) daemon_wake(s->d, g->coro);
}

status io_run(struct storaged *s, struct io_req *reqs, unsigned n) {
    if (n == 0) return OK;
    struct io_group g = {.left = n, .coro = coro_self(), .first = OK};
    CHECK(g.coro);
    for (unsigned i = 0; i < n; i++) {
        reqs[i].done = group_done;
        reqs[i].arg = &g;
        io_submit(s, &reqs[i]);
    }
    disk_push(s->disk);
    while (g.left > 0) daemon_suspend(s->d);
    return g.first;
}

status io_run_one(struct storaged *s, struct disk_io io) {
    if (!coro_self()) {
        cipher_check_write(s, &io);
        TRY(disk_do(s->disk, &io));
        cipher_read_done(s, &io);
        return OK;
    }
    struct io_req req = {.io = io};
    return io_run(s, &req, 1);
}
