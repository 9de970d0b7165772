/* disk.h: the block-device interface: all file access of storaged and logd goes through it.
 *
 * Requests are asynchronous: submit, then reap completions; disk_fd becomes readable when there are
 * some. Implementations: io_uring, plain preadv/pwritev (where a host denies io_uring), and the
 * simulated disk of the tests (disk_sim.h), which loses, tears and reorders what was not flushed.
 * All three pass the same tests. Buffers, offsets and lengths are multiples of DISK_ALIGN (direct
 * I/O). */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/status.h"

#define DISK_ALIGN 4096

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH };

struct disk_file;

struct disk_io {
    enum disk_op op;
    struct disk_file *file;
    uint64_t offset;
    void *buf;
    /* A read may go to several places instead, one after the other (buf is NULL then). They are
     * the caller's, as long as the request. It completes, or fails, as a whole. */
    const struct iovec *places;
    unsigned place_count;
    size_t len;    /* of all places */
    bool durable;  /* a write: complete only when it is on stable storage (O_DSYNC semantics) */
    void *owner;   /* the caller's */
    status result; /* completion; short reads beyond the end of the file are zero-filled, OK */
    struct disk_io *next; /* the implementation's while under way */
    size_t done;          /* likewise */
};

struct disk;

/* kind "uring", "plain" or another that was added (disk_kind.h); NOT_FOUND for a strange one,
 * IO_ERROR where the system denies it (a caller denied "uring" takes "plain"). depth: requests
 * under way at most (more wait inside). `lifeline` is the write end of a pipe that is registered
 * with the ring and closed by it when the kernel has let go of every request (a new process waits
 * for end-of-file there before it reuses buffers); -1: none.
 */
status disk_open(const char *kind, unsigned depth, int lifeline, struct disk **ret_disk);
void disk_close(struct disk *d); /* waits for what is under way */

/* Paths are relative to dirfd. Creates with mode 0600. File and directory entry are made durable by
 * disk_file_sync_dir. */
status disk_file_open(struct disk *d, int dirfd, const char *name, bool create,
                      struct disk_file **ret_file);
void disk_file_close(struct disk_file *f);
status disk_file_size(struct disk_file *f, uint64_t *ret_bytes);
/* Preallocates and zero-fills [from, from+bytes), synchronously and durably. DISK_FULL. Writing
 * beyond the end also lengthens a file. */
status disk_file_extend(struct disk_file *f, uint64_t from, uint64_t bytes);
status disk_file_rename(struct disk *d, int dirfd, const char *from, const char *to);
status disk_file_remove(struct disk *d, int dirfd, const char *name);
status disk_file_sync_dir(struct disk *d, int dirfd);
/* Calls fn for the name of each regular file of the directory, in no order. */
status disk_dir_each(struct disk *d, int dirfd, void (*fn)(void *arg, const char *name), void *arg);

/* Queues io (the caller keeps it alive until reaped); disk_push hands the queue to the system.
 * Requests under way at one time complete in any order, and a DISK_FLUSH speaks only of the writes
 * of its file that had been reaped when it was submitted. */
void disk_submit(struct disk *d, struct disk_io *io);
void disk_push(struct disk *d);
/* Where the byte `at` of the request lies in memory; *ret_len: so many lie there side by side. */
void *disk_io_at(const struct disk_io *io, size_t at, size_t *ret_len);
/* Completed requests, at most n; waits for at least one when `wait` and any is under way. */
int disk_reap(struct disk *d, struct disk_io **ret_ios, int n, bool wait);
/* disk_reap would return some, as far as looking at memory can tell. */
bool disk_completed(const struct disk *d);
/* Readable when disk_reap would return some; belongs to d. */
int disk_fd(const struct disk *d);
/* Submitted and not yet reaped. */
unsigned disk_in_flight(const struct disk *d);

/* One request, start to end, blocking this thread: for start-up code. Others that complete
 * meanwhile are kept for the next disk_reap, but disk_fd may not tell of them. */
status disk_do(struct disk *d, struct disk_io *io);

#endif
