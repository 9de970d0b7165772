/* disk_posix.c: the operating system's files, shared by the uring and plain kinds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk_kind.h"

#define EXTEND_BYTES ((size_t)1 << 20)
#define SECTOR_BYTES 512

status disk_posix_status(int error_number) {
    switch (error_number) {
    case ENOSPC:
    case EDQUOT: return STATUS(DISK_FULL);
    case ENOENT: return STATUS(NOT_FOUND);
    case ENOMEM: return STATUS(OUT_OF_MEMORY);
    default: return STATUS(IO_ERROR);
    }
}

/* Direct I/O, so that what logd and storaged cache is not cached twice; where the file system
 * refuses it, buffered I/O gives the same results. */
status disk_posix_open(struct disk *d, int dirfd, const char *name, bool create,
                       struct disk_file **ret_file) {
    int flags = O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0);
    int fd = openat(dirfd, name, flags | O_DIRECT, 0600);
    if (fd < 0 && errno == EINVAL) fd = openat(dirfd, name, flags, 0600);
    if (fd < 0) return disk_posix_status(errno);
    struct disk_posix_file *f = malloc(sizeof *f);
    if (!f) {
        close(fd);
        return STATUS(OUT_OF_MEMORY);
    }
    *f = (struct disk_posix_file){.file.disk = d, .fd = fd};
    *ret_file = &f->file;
    return OK;
}

void disk_posix_close(struct disk_file *file) {
    struct disk_posix_file *f = (struct disk_posix_file *)file;
    close(f->fd);
    free(f);
}

status disk_posix_size(struct disk_file *file, uint64_t *ret_bytes) {
    struct stat st;
    if (fstat(((struct disk_posix_file *)file)->fd, &st) != 0) return disk_posix_status(errno);
    *ret_bytes = (uint64_t)st.st_size;
    return OK;
}

status disk_posix_extend(struct disk_file *file, uint64_t from, uint64_t bytes) {
    int fd = ((struct disk_posix_file *)file)->fd;
    int error = posix_fallocate(fd, (off_t)from, (off_t)bytes);
    if (error != 0) return disk_posix_status(error);
    void *zeros;
    if (posix_memalign(&zeros, DISK_ALIGN, EXTEND_BYTES) != 0) return STATUS(OUT_OF_MEMORY);
    memset(zeros, 0, EXTEND_BYTES);
    status s = OK;
    for (uint64_t done = 0; done < bytes;) {
        size_t n = bytes - done < EXTEND_BYTES ? (size_t)(bytes - done) : EXTEND_BYTES;
        ssize_t written = pwrite(fd, zeros, n, (off_t)(from + done));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            s = written < 0 ? disk_posix_status(errno) : STATUS(IO_ERROR);
            break;
        }
        done += (uint64_t)written;
    }
    free(zeros);
    if (ok(s) && fdatasync(fd) != 0) s = disk_posix_status(errno);
    return s;
}

status disk_posix_rename([[maybe_unused]] struct disk *d, int dirfd, const char *from,
                         const char *to) {
    return renameat(dirfd, from, dirfd, to) == 0 ? OK : disk_posix_status(errno);
}

status disk_posix_remove([[maybe_unused]] struct disk *d, int dirfd, const char *name) {
    return unlinkat(dirfd, name, 0) == 0 ? OK : disk_posix_status(errno);
}

/* dirfd may be AT_FDCWD or opened with O_PATH, so the directory is opened again. */
static int open_dir(int dirfd) {
    return openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

status disk_posix_sync_dir([[maybe_unused]] struct disk *d, int dirfd) {
    int fd = open_dir(dirfd);
    if (fd < 0) return disk_posix_status(errno);
    status s = fsync(fd) == 0 ? OK : disk_posix_status(errno);
    close(fd);
    return s;
}

status disk_posix_dir_each([[maybe_unused]] struct disk *d, int dirfd,
                           void (*fn)(void *arg, const char *name), void *arg) {
    int fd = open_dir(dirfd);
    if (fd < 0) return disk_posix_status(errno);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return STATUS(OUT_OF_MEMORY);
    }
    struct dirent *e;
    while (errno = 0, (e = readdir(dir))) {
        struct stat st;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            fn(arg, e->d_name);
    }
    status s = errno == 0 ? OK : disk_posix_status(errno);
    closedir(dir);
    return s;
}

const struct iovec *disk_posix_vector(const struct disk_io *io, struct iovec *single,
                                      unsigned *ret_count) {
    if (!io->buf && io->done == 0) {
        *ret_count = io->place_count;
        return io->places;
    }
    single->iov_base = disk_io_at(io, io->done, &single->iov_len);
    *ret_count = 1;
    return single;
}

/* The rest of a read that ends behind the end of its file. */
static void fill_with_zeros(const struct disk_io *io) {
    for (size_t at = io->done, n; at < io->len; at += n) {
        void *place = disk_io_at(io, at, &n);
        memset(place, 0, n);
    }
}

enum disk_progress disk_posix_progress(struct disk_io *io, int64_t transferred,
                                       status *ret_result) {
    if (transferred == -EINTR || transferred == -EAGAIN) return DISK_MORE;
    if (transferred < 0) {
        *ret_result = disk_posix_status((int)-transferred);
        return DISK_COMPLETE;
    }
    *ret_result = OK;
    if (io->op == DISK_FLUSH) return DISK_COMPLETE;
    io->done += (size_t)transferred;
    if (io->done >= io->len) return DISK_COMPLETE;
    if (io->op == DISK_WRITE) {
        if (transferred > 0) return DISK_MORE;
        *ret_result = STATUS(IO_ERROR);
        return DISK_COMPLETE;
    }
    /* A read stops short at the end of the file; in the middle of one only at a whole sector. */
    if (transferred > 0 && io->done % SECTOR_BYTES == 0) return DISK_MORE;
    fill_with_zeros(io);
    return DISK_COMPLETE;
}
