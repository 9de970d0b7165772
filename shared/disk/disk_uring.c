/* disk_uring.c: disk.h by io_uring. The ring's own descriptor is what polls readable. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "disk/disk_kind.h"

struct uring_disk {
    struct disk disk;
    struct io_uring ring;
};

/* The lifeline becomes a registered file of the ring, which the kernel drops when it has finished
 * the ring's last request, also after this process was killed; our own descriptor would be dropped
 * too early, so it is closed here. */
static status register_lifeline(struct io_uring *ring, int lifeline) {
    if (lifeline < 0) return OK;
    if (io_uring_register_files(ring, &lifeline, 1) != 0) return STATUS(IO_ERROR);
    close(lifeline);
    return OK;
}

static status uring_open(unsigned depth, int lifeline, struct disk **ret_disk) {
    struct uring_disk *d = calloc(1, sizeof *d);
    if (!d) return STATUS(OUT_OF_MEMORY);
    struct io_uring_params params = {.flags = IORING_SETUP_CLAMP};
    if (io_uring_queue_init_params(depth, &d->ring, &params) != 0) {
        free(d);
        return STATUS(IO_ERROR);
    }
    status s = params.sq_entries >= depth ? OK : STATUS(IO_ERROR);
    if (ok(s)) s = register_lifeline(&d->ring, lifeline);
    if (!ok(s)) {
        io_uring_queue_exit(&d->ring);
        free(d);
        return s;
    }
    *ret_disk = &d->disk;
    return OK;
}

static void uring_close(struct disk *disk) {
    struct uring_disk *d = (struct uring_disk *)disk;
    io_uring_queue_exit(&d->ring);
    free(d);
}

static void prepare(struct io_uring_sqe *sqe, const struct disk_io *io) {
    int fd = ((struct disk_posix_file *)io->file)->fd;
    uint64_t at = io->offset + io->done;
    if (io->op == DISK_FLUSH) {
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
        return;
    }
    struct iovec single;
    unsigned count;
    const struct iovec *v = disk_posix_vector(io, &single, &count);
    if (count > 1)
        io_uring_prep_readv(sqe, fd, v, count, at);
    else if (io->op == DISK_READ)
        io_uring_prep_read(sqe, fd, v->iov_base, (unsigned)v->iov_len, at);
    else
        io_uring_prep_write(sqe, fd, v->iov_base, (unsigned)v->iov_len, at);
    if (io->op == DISK_WRITE && io->durable) sqe->rw_flags = RWF_DSYNC;
}

static void uring_start(struct disk *disk, struct disk_io *io) {
    struct uring_disk *d = (struct uring_disk *)disk;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&d->ring);
    if (!sqe) { /* a continued request beside a full queue of new ones */
        io_uring_submit(&d->ring);
        sqe = io_uring_get_sqe(&d->ring);
    }
    CHECK(sqe);
    prepare(sqe, io);
    io_uring_sqe_set_data(sqe, io);
}

/* EAGAIN and EBUSY leave the entries in the queue: the next push or collect hands them over. */
static void uring_push(struct disk *disk) {
    struct uring_disk *d = (struct uring_disk *)disk;
    if (io_uring_sq_ready(&d->ring) > 0) io_uring_submit(&d->ring);
}

static bool uring_take(struct uring_disk *d, struct io_uring_cqe *cqe) {
    struct disk_io *io = io_uring_cqe_get_data(cqe);
    int transferred = cqe->res;
    io_uring_cqe_seen(&d->ring, cqe);
    status result;
    if (disk_posix_progress(io, transferred, &result) == DISK_COMPLETE) {
        disk_complete(&d->disk, io, result);
        return true;
    }
    uring_start(&d->disk, io);
    uring_push(&d->disk);
    return false;
}

static void uring_collect(struct disk *disk, bool wait) {
    struct uring_disk *d = (struct uring_disk *)disk;
    struct io_uring_cqe *cqe;
    uring_push(disk);
    bool any = false;
    for (;;) {
        if (io_uring_peek_cqe(&d->ring, &cqe) == 0) {
            any |= uring_take(d, cqe);
        } else if (wait && !any) {
            int rc = io_uring_submit_and_wait(&d->ring, 1);
            CHECK(rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY);
        } else {
            return;
        }
    }
}

static bool uring_completed(const struct disk *disk) {
    return io_uring_cq_ready(&((const struct uring_disk *)disk)->ring) > 0;
}

static int uring_fd(const struct disk *disk) {
    return ((const struct uring_disk *)disk)->ring.ring_fd;
}

const struct disk_kind disk_kind_uring = {
    .name = "uring",
    .open = uring_open,
    .close = uring_close,
    .start = uring_start,
    .push = uring_push,
    .collect = uring_collect,
    .completed = uring_completed,
    .fd = uring_fd,
    .file_open = disk_posix_open,
    .file_close = disk_posix_close,
    .file_size = disk_posix_size,
    .file_extend = disk_posix_extend,
    .file_rename = disk_posix_rename,
    .file_remove = disk_posix_remove,
    .sync_dir = disk_posix_sync_dir,
    .dir_each = disk_posix_dir_each,
};
