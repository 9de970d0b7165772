#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "storaged.h"

/* Many requests go to the device, and many completions are dealt with, piece by piece, each piece
 * longer than the one before: the device begins with the first while the others are being queued,
 * and who waits for the first page goes on, and asks for its next one, while the others are looked
 * at. So a worker, storaged and the device have something to do at the same time, and a wake-up
 * still serves many. */
#define PIECE_FIRST 4u
#define PIECES_LONGER 4u
#define PIECE_MAX (PIECE_FIRST << PIECES_LONGER)

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

static unsigned one_more(unsigned pieces) {
    return pieces < PIECES_LONGER ? pieces + 1 : pieces;
}

void io_submit(struct storaged *s, struct io_req *req) {
    req->io.owner = req;
    cipher_check_write(s, &req->io);
    disk_submit(s->disk, &req->io);
    if (req->io.op != DISK_READ || ++s->unpushed < PIECE_FIRST << s->pushed) return;
    disk_push(s->disk);
    s->pushed = one_more(s->pushed);
    s->unpushed = 0;
}

void io_push(struct storaged *s) {
    disk_push(s->disk);
    s->pushed = s->unpushed = 0;
}

bool io_reap(struct storaged *s) {
    struct disk_io *ios[PIECE_MAX];
    unsigned piece = PIECE_FIRST << s->reaped;
    unsigned n = (unsigned)disk_reap(s->disk, ios, (int)piece, false);
    for (unsigned i = 0; i < n; i++) {
        struct io_req *req = ios[i]->owner;
        if (!req->as_is) cipher_read_done(s, &req->io);
        bool data_flush = req->io.op == DISK_FLUSH && req->io.file == s->data;
        if (data_flush && !ok(req->io.result)) s->data_flushes_failed++;
        req->done(s, req);
    }
    s->reaped = n < piece ? 0 : one_more(s->reaped);
    return n > 0;
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

status io_flush_data(struct storaged *s, uint64_t failed) {
    TRY(io_run_one(s, (struct disk_io){.op = DISK_FLUSH, .file = s->data}));
    return s->data_flushes_failed == failed ? OK : STATUS(IO_ERROR);
}
