#include "disk/disk.h"

#include <string.h>

#include "base/check.h"
#include "disk/disk_kind.h"

#define KINDS_MAX 8

static const struct disk_kind *kinds[KINDS_MAX] = {&disk_kind_uring, &disk_kind_plain};
static unsigned kind_count = 2;

void disk_kind_add(const struct disk_kind *kind) {
    for (unsigned i = 0; i < kind_count; i++) {
        if (kinds[i] == kind) return;
    }
    CHECK(kind_count < KINDS_MAX);
    kinds[kind_count++] = kind;
}

void disk_list_add(struct disk_list *l, struct disk_io *io) {
    io->next = NULL;
    if (l->last)
        l->last->next = io;
    else
        l->first = io;
    l->last = io;
}

struct disk_io *disk_list_take(struct disk_list *l) {
    struct disk_io *io = l->first;
    if (!io) return NULL;
    l->first = io->next;
    if (!l->first) l->last = NULL;
    io->next = NULL;
    return io;
}

static void list_remove(struct disk_list *l, struct disk_io *io) {
    struct disk_io *before = NULL;
    for (struct disk_io *i = l->first; i != io; i = i->next) before = i;
    if (before)
        before->next = io->next;
    else
        l->first = io->next;
    if (l->last == io) l->last = before;
    io->next = NULL;
}

status disk_open(const char *kind, unsigned depth, int lifeline, struct disk **ret_disk) {
    CHECK(depth > 0);
    for (unsigned i = 0; i < kind_count; i++) {
        if (strcmp(kinds[i]->name, kind) != 0) continue;
        struct disk *d;
        TRY(kinds[i]->open(depth, lifeline, &d));
        *d = (struct disk){.kind = kinds[i], .depth = depth};
        *ret_disk = d;
        return OK;
    }
    return STATUS(NOT_FOUND);
}

static void start_queued(struct disk *d) {
    while (d->queued.first && d->started < d->depth) {
        d->started++;
        d->kind->start(d, disk_list_take(&d->queued));
    }
    d->kind->push(d);
}

void disk_close(struct disk *d) {
    if (!d) return;
    start_queued(d);
    while (d->started > 0) {
        d->kind->collect(d, true);
        start_queued(d);
    }
    d->kind->close(d);
}

void disk_complete(struct disk *d, struct disk_io *io, status result) {
    CHECK(d->started > 0);
    d->started--;
    io->result = result;
    disk_list_add(&d->ready, io);
}

void *disk_io_at(const struct disk_io *io, size_t at, size_t *ret_len) {
    CHECK(at < io->len);
    if (io->buf) {
        *ret_len = io->len - at;
        return (char *)io->buf + at;
    }
    const struct iovec *place = io->places;
    for (; at >= place->iov_len; place++) at -= place->iov_len;
    *ret_len = place->iov_len - at;
    return (char *)place->iov_base + at;
}

static void check_places(const struct disk_io *io) {
    size_t bytes = 0;
    CHECK(io->op == DISK_READ && io->places);
    for (unsigned i = 0; i < io->place_count; i++) {
        const struct iovec *place = &io->places[i];
        CHECK(((uintptr_t)place->iov_base | place->iov_len) % DISK_ALIGN == 0 && place->iov_len);
        bytes += place->iov_len;
    }
    CHECK(bytes == io->len);
}

void disk_submit(struct disk *d, struct disk_io *io) {
    CHECK(io->file && io->file->disk == d);
    CHECK(io->op == DISK_FLUSH ||
          (((uintptr_t)io->buf | io->len | io->offset) % DISK_ALIGN == 0 && io->len > 0));
    if (io->op != DISK_FLUSH && !io->buf) check_places(io);
    io->done = 0;
    d->in_flight++;
    disk_list_add(&d->queued, io);
}

void disk_push(struct disk *d) {
    start_queued(d);
}

int disk_reap(struct disk *d, struct disk_io **ret_ios, int n, bool wait) {
    if (d->queued.first) start_queued(d);
    if (d->started > 0) d->kind->collect(d, wait && !d->ready.first);
    if (d->queued.first) start_queued(d);
    int count = 0;
    while (count < n && d->ready.first) {
        ret_ios[count++] = disk_list_take(&d->ready);
        d->in_flight--;
    }
    return count;
}

bool disk_completed(const struct disk *d) {
    return d->ready.first || (d->kind->completed && d->kind->completed(d));
}

int disk_fd(const struct disk *d) {
    return d->kind->fd(d);
}

unsigned disk_in_flight(const struct disk *d) {
    return d->in_flight;
}

static bool is_ready(const struct disk *d, const struct disk_io *io) {
    for (const struct disk_io *i = d->ready.first; i; i = i->next) {
        if (i == io) return true;
    }
    return false;
}

status disk_do(struct disk *d, struct disk_io *io) {
    disk_submit(d, io);
    start_queued(d);
    while (!is_ready(d, io)) {
        d->kind->collect(d, true);
        start_queued(d);
    }
    list_remove(&d->ready, io);
    d->in_flight--;
    return io->result;
}

status disk_file_open(struct disk *d, int dirfd, const char *name, bool create,
                      struct disk_file **ret_file) {
    struct disk_file *f;
    TRY(d->kind->file_open(d, dirfd, name, create, &f));
    f->disk = d;
    *ret_file = f;
    return OK;
}

void disk_file_close(struct disk_file *f) {
    if (f) f->disk->kind->file_close(f);
}

status disk_file_size(struct disk_file *f, uint64_t *ret_bytes) {
    return f->disk->kind->file_size(f, ret_bytes);
}

status disk_file_extend(struct disk_file *f, uint64_t from, uint64_t bytes) {
    CHECK((from | bytes) % DISK_ALIGN == 0);
    return f->disk->kind->file_extend(f, from, bytes);
}

status disk_file_rename(struct disk *d, int dirfd, const char *from, const char *to) {
    return d->kind->file_rename(d, dirfd, from, to);
}

status disk_file_remove(struct disk *d, int dirfd, const char *name) {
    return d->kind->file_remove(d, dirfd, name);
}

status disk_file_sync_dir(struct disk *d, int dirfd) {
    return d->kind->sync_dir(d, dirfd);
}

status disk_dir_each(struct disk *d, int dirfd, void (*fn)(void *arg, const char *name),
                     void *arg) {
    return d->kind->dir_each(d, dirfd, fn, arg);
}
