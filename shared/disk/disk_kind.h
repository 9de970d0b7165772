/* disk_kind.h: what an implementation of disk.h provides. For implementations only.
 *
 * disk.c keeps the queue, the limit of depth and the list of what is ready; a kind starts requests
 * and collects their completions. Kinds built in: "uring", "plain"; others are added. */
#ifndef DISK_DISK_KIND_H
#define DISK_DISK_KIND_H

#include "disk/disk.h"

struct disk_list {
    struct disk_io *first;
    struct disk_io *last;
};

void disk_list_add(struct disk_list *l, struct disk_io *io);
struct disk_io *disk_list_take(struct disk_list *l); /* NULL: empty */

struct disk_kind {
    const char *name;
    /* Allocates a disk with the kind's state; disk.c fills in the rest. */
    status (*open)(unsigned depth, int lifeline, struct disk **ret_disk);
    void (*close)(struct disk *d); /* nothing is under way any more */
    /* Takes one request (never more than depth at a time); it may complete at once. */
    void (*start)(struct disk *d, struct disk_io *io);
    void (*push)(struct disk *d);
    /* Calls disk_complete for what is complete; waits for at least one when `wait`. */
    void (*collect)(struct disk *d, bool wait);
    /* Something can be collected: looks at memory alone. NULL: cannot be told. */
    bool (*completed)(const struct disk *d);
    int (*fd)(const struct disk *d);

    status (*file_open)(struct disk *d, int dirfd, const char *name, bool create,
                        struct disk_file **ret_file);
    void (*file_close)(struct disk_file *f);
    status (*file_size)(struct disk_file *f, uint64_t *ret_bytes);
    status (*file_extend)(struct disk_file *f, uint64_t from, uint64_t bytes);
    status (*file_rename)(struct disk *d, int dirfd, const char *from, const char *to);
    status (*file_remove)(struct disk *d, int dirfd, const char *name);
    status (*sync_dir)(struct disk *d, int dirfd);
    status (*dir_each)(struct disk *d, int dirfd, void (*fn)(void *arg, const char *name),
                       void *arg);
};

/* First member of every kind's disk and file. */
struct disk {
    const struct disk_kind *kind;
    unsigned depth;
    unsigned in_flight; /* submitted, not reaped */
    unsigned started;   /* with the kind */
    struct disk_list queued;
    struct disk_list ready;
};

struct disk_file {
    struct disk *disk;
};

/* By the kind, once for each request that it was given to start. */
void disk_complete(struct disk *d, struct disk_io *io, status result);

/* Makes a further kind known to disk_open. `kind` is kept; adding it again changes nothing. */
void disk_kind_add(const struct disk_kind *kind);

extern const struct disk_kind disk_kind_uring;
extern const struct disk_kind disk_kind_plain;

/* Files of the operating system, for the kinds that use them. */
struct disk_posix_file {
    struct disk_file file;
    int fd;
};
status disk_posix_status(int error_number); /* ENOSPC → DISK_FULL, ENOENT → NOT_FOUND, IO_ERROR */
status disk_posix_open(struct disk *d, int dirfd, const char *name, bool create,
                       struct disk_file **ret_file);
void disk_posix_close(struct disk_file *f);
status disk_posix_size(struct disk_file *f, uint64_t *ret_bytes);
status disk_posix_extend(struct disk_file *f, uint64_t from, uint64_t bytes);
status disk_posix_rename(struct disk *d, int dirfd, const char *from, const char *to);
status disk_posix_remove(struct disk *d, int dirfd, const char *name);
status disk_posix_sync_dir(struct disk *d, int dirfd);
status disk_posix_dir_each(struct disk *d, int dirfd, void (*fn)(void *arg, const char *name),
                           void *arg);

/* What is still to be transferred, as one call of the system does it: all places at the beginning,
 * later the rest of one. `single` is the caller's; it holds as long as that. */
const struct iovec *disk_posix_vector(const struct disk_io *io, struct iovec *single,
                                      unsigned *ret_count);
/* What a transferred count (or a negative errno) means for a read or write under way. */
enum disk_progress { DISK_MORE, DISK_COMPLETE };
enum disk_progress disk_posix_progress(struct disk_io *io, int64_t transferred, status *ret_result);

#endif
