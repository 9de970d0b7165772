/* disk_plain.c: disk.h by preadv and pwritev, for hosts that deny io_uring. Requests are executed
 * when they are pushed; an eventfd says that completions wait. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk/disk_kind.h"

struct plain_disk {
    struct disk disk;
    int event;
    int lifeline; /* closed with the process: its requests end before it does */
    struct disk_list finished;
};

static status plain_open([[maybe_unused]] unsigned depth, int lifeline, struct disk **ret_disk) {
    struct plain_disk *d = calloc(1, sizeof *d);
    if (!d) return STATUS(OUT_OF_MEMORY);
    d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->event < 0) {
        free(d);
        return STATUS(IO_ERROR);
    }
    d->lifeline = lifeline;
    *ret_disk = &d->disk;
    return OK;
}

static void plain_close(struct disk *disk) {
    struct plain_disk *d = (struct plain_disk *)disk;
    close(d->event);
    if (d->lifeline >= 0) close(d->lifeline);
    free(d);
}

static int64_t execute(struct disk_io *io) {
    int fd = ((struct disk_posix_file *)io->file)->fd;
    off_t at = (off_t)(io->offset + io->done);
    struct iovec single;
    unsigned count;
    ssize_t n = 0;
    if (io->op == DISK_FLUSH) {
        n = fdatasync(fd);
    } else {
        const struct iovec *v = disk_posix_vector(io, &single, &count);
        n = io->op == DISK_READ ? preadv(fd, v, (int)count, at)
                                : pwritev2(fd, v, (int)count, at, io->durable ? RWF_DSYNC : 0);
    }
    return n < 0 ? -errno : n;
}

static void plain_start(struct disk *disk, struct disk_io *io) {
    struct plain_disk *d = (struct plain_disk *)disk;
    while (disk_posix_progress(io, execute(io), &io->result) == DISK_MORE) {
    }
    disk_list_add(&d->finished, io);
    status_ignore(eventfd_write(d->event, 1) == 0 ? OK : STATUS(FULL)); /* full is readable too */
}

static void plain_push([[maybe_unused]] struct disk *disk) {}

static void plain_collect(struct disk *disk, [[maybe_unused]] bool wait) {
    struct plain_disk *d = (struct plain_disk *)disk;
    eventfd_t count;
    status_ignore(eventfd_read(d->event, &count) == 0 ? OK : STATUS(AGAIN)); /* only to clear it */
    struct disk_io *io;
    while ((io = disk_list_take(&d->finished))) disk_complete(disk, io, io->result);
}

static int plain_fd(const struct disk *disk) {
    return ((const struct plain_disk *)disk)->event;
}

const struct disk_kind disk_kind_plain = {
    .name = "plain",
    .open = plain_open,
    .close = plain_close,
    .start = plain_start,
    .push = plain_push,
    .collect = plain_collect,
    .fd = plain_fd,
    .file_open = disk_posix_open,
    .file_close = disk_posix_close,
    .file_size = disk_posix_size,
    .file_extend = disk_posix_extend,
    .file_rename = disk_posix_rename,
    .file_remove = disk_posix_remove,
    .sync_dir = disk_posix_sync_dir,
    .dir_each = disk_posix_dir_each,
};
