/* The simulated disk as an implementation of disk.h: requests, their failures and lies. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "disk/disk_sim_state.h"

#define DELAY_TURNS 64 /* of a request that takes long, at most */

static status sim_open([[maybe_unused]] unsigned depth, int lifeline, struct disk **ret_disk) {
    CHECK(sim_current);
    struct sim_disk *d = sim_must(calloc(1, sizeof *d));
    d->machine = sim_current;
    d->power = sim_current->power;
    d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(d->event >= 0);
    if (lifeline >= 0) close(lifeline);
    d->next = sim_current->disks;
    sim_current->disks = d;
    *ret_disk = &d->disk;
    return OK;
}

static void sim_close(struct disk *disk) {
    struct sim_disk *d = (struct sim_disk *)disk;
    struct sim_disk **at = &d->machine->disks;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    close(d->event);
    free(d);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static bool once_in(struct disk_sim *s, uint32_t n) {
    return n > 0 && sim_random(&s->random) % n == 0;
}

/* The lies are told of this file. */
static bool lied_about(struct disk_sim *s, const struct disk_io *io) {
    if (s->lies.unit == 0) return false;
    struct sim_name *n = sim_find_name(s->directory, s->lies.file);
    return n && n->content == ((struct sim_file *)io->file)->content;
}

static void put_bytes(struct sim_content *c, uint64_t at, const char *from, size_t n,
                      bool durable) {
    memcpy(c->now + at, from, n);
    memset(c->dirty + at / SECTOR, durable ? SECTOR_STABLE : SECTOR_DIRTY, n / SECTOR);
    if (durable) memcpy(c->stable + at, from, n);
}

/* One unit, as the device likes it. */
static void write_unit(struct disk_sim *s, struct sim_content *c, uint64_t at, const char *from,
                       bool durable) {
    const struct disk_sim_lies *l = &s->lies;
    uint64_t units = c->bytes / l->unit;
    size_t n = l->unit;
    s->lies_told++; /* taken back at the end */
    if (once_in(s, l->lost)) return;
    if (once_in(s, l->misdirected) && units > l->first) {
        at = (l->first + sim_random(&s->random) % (units - l->first)) * l->unit;
    } else if (once_in(s, l->torn)) {
        n = (size_t)(sim_random(&s->random) % (l->unit / SECTOR)) * SECTOR;
    } else if (once_in(s, l->flipped)) {
        put_bytes(c, at, from, n, durable);
        uint64_t byte = at + sim_random(&s->random) % n;
        unsigned char bit = (unsigned char)(1u << sim_random(&s->random) % 8);
        c->now[byte] ^= bit;
        if (durable) c->stable[byte] ^= bit;
        return;
    } else {
        s->lies_told--;
    }
    put_bytes(c, at, from, n, durable);
}

static void write_lying(struct disk_sim *s, const struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    for (uint64_t at = 0; at < io->len; at += s->lies.unit) {
        const char *from = (const char *)io->buf + at;
        if ((io->offset + at) / s->lies.unit < s->lies.first)
            put_bytes(c, io->offset + at, from, s->lies.unit, io->durable);
        else
            write_unit(s, c, io->offset + at, from, io->durable);
    }
}

static void misread(struct disk_sim *s, const struct disk_io *io) {
    for (uint64_t at = 0; at < io->len; at += s->lies.unit) {
        if ((io->offset + at) / s->lies.unit < s->lies.first || !once_in(s, s->lies.misread))
            continue;
        size_t n;
        char *unit = disk_io_at(io, at, &n);
        CHECK(n >= s->lies.unit);
        unit[sim_random(&s->random) % s->lies.unit] ^= (char)(1u << sim_random(&s->random) % 8);
        s->lies_told++;
    }
}

/* ---------------------------------------------------------------------------------------------- */

static void sim_start(struct disk *disk, struct disk_io *io) {
    struct sim_disk *d = (struct sim_disk *)disk;
    io->done = once_in(d->machine, d->machine->lies.delayed)
                   ? 1 + sim_random(&d->machine->random) % DELAY_TURNS
                   : 0;
    disk_list_add(&d->under_way, io);
    d->under_way_count++;
    CHECK(eventfd_write(d->event, 1) == 0);
}

static void sim_push([[maybe_unused]] struct disk *disk) {}

static status sim_write(struct disk_sim *s, struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    TRY(sim_content_grow(s, c, io->offset + io->len));
    if (io->len % (s->lies.unit ? s->lies.unit : SECTOR) == 0 && lied_about(s, io)) {
        write_lying(s, io);
        if (io->durable) c->stable_bytes = c->bytes;
        return OK;
    }
    memcpy(c->now + io->offset, io->buf, io->len);
    memset(c->dirty + io->offset / SECTOR, SECTOR_DIRTY, io->len / SECTOR);
    if (!io->durable) return OK;
    memcpy(c->stable + io->offset, io->buf, io->len);
    memset(c->dirty + io->offset / SECTOR, SECTOR_STABLE, io->len / SECTOR);
    c->stable_bytes = c->bytes;
    return OK;
}

static status sim_read(const struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    uint64_t have = io->offset >= c->bytes ? 0 : c->bytes - io->offset;
    for (size_t at = 0, n; at < io->len; at += n) {
        char *place = disk_io_at(io, at, &n);
        size_t there = have <= at ? 0 : have - at < n ? (size_t)(have - at) : n;
        if (there > 0) memcpy(place, c->now + io->offset + at, there);
        memset(place + there, 0, n - there);
    }
    return OK;
}

/* As a system does that has thrown away what it could not write. */
static void forget_writes(struct sim_content *c) {
    for (uint64_t i = 0; i < c->room / SECTOR; i++)
        if (c->dirty[i] == SECTOR_DIRTY) c->dirty[i] = SECTOR_FORGOTTEN;
}

/* The error of disk_sim_fail_one, if this request is the one. */
static bool fails_as_chosen(struct disk_sim *s, struct disk_io *io) {
    bool fails = sim_fails_now(s, DISK_SIM_REQUESTS);
    if (io->op == DISK_WRITE) fails |= sim_fails_now(s, DISK_SIM_WRITES);
    if (io->op == DISK_FLUSH) fails |= sim_fails_now(s, DISK_SIM_FLUSHES);
    if (!fails) return false;
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    if (io->op == DISK_WRITE && s->fail_one.part) sim_write_part(s, io);
    if (io->op == DISK_FLUSH) forget_writes(c);
    return true;
}

static status call_fails(struct disk *disk) {
    struct sim_disk *d = (struct sim_disk *)disk;
    return sim_fails_now(d->machine, DISK_SIM_CALLS) ? d->machine->fail_one.with : OK;
}

static status sim_execute(struct sim_disk *d, struct disk_io *io) {
    struct disk_sim *s = d->machine;
    if (d->power != s->power) return STATUS(IO_ERROR);
    s->requests++;
    if (fails_as_chosen(s, io)) return s->fail_one.with;
    if (s->fail_at && (s->requests == s->fail_at || (s->fail_sticky && s->requests > s->fail_at))) {
        if (io->op == DISK_WRITE) sim_write_part(s, io);
        return s->fail_with;
    }
    switch (io->op) {
    case DISK_READ:
        TRY(sim_read(io));
        if (lied_about(s, io)) misread(s, io);
        return OK;
    case DISK_WRITE: return sim_write(s, io);
    case DISK_FLUSH: sim_content_flush(((struct sim_file *)io->file)->content); return OK;
    }
    return STATUS(INVALID);
}

/* Completes some of what is under way, in an order of its own. */
static void sim_collect(struct disk *disk, bool wait) {
    struct sim_disk *d = (struct sim_disk *)disk;
    struct disk_list others = {0};
    struct disk_io *io;
    unsigned left = d->under_way_count;
    if (left == 0) return;
    unsigned chosen = (unsigned)(sim_random(&d->machine->random) % left);
    for (unsigned i = 0; i < left; i++) {
        io = disk_list_take(&d->under_way);
        bool now = (wait && i == chosen) || sim_random(&d->machine->random) % 2 == 0;
        if (io->done > 0 && !(wait && i == chosen)) {
            io->done--;
            now = false;
        }
        if (!now) {
            disk_list_add(&others, io);
            continue;
        }
        d->under_way_count--;
        disk_complete(disk, io, sim_execute(d, io));
    }
    d->under_way = others;
    if (d->under_way_count == 0) {
        eventfd_t count;
        CHECK(eventfd_read(d->event, &count) == 0);
    }
}

static int sim_fd(const struct disk *disk) {
    return ((const struct sim_disk *)disk)->event;
}

static status sim_alive(const struct disk *disk) {
    const struct sim_disk *d = (const struct sim_disk *)disk;
    return d->power == d->machine->power ? OK : STATUS(IO_ERROR);
}

static status sim_file_open(struct disk *disk, [[maybe_unused]] int dirfd, const char *name,
                            bool create, struct disk_file **ret_file) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    CHECK(strlen(name) < NAME_BYTES);
    struct sim_name *n = sim_find_name(s->directory, name);
    if (!n) {
        if (!create) return STATUS(NOT_FOUND);
        struct sim_directory *d = sim_directory_change(s);
        CHECK(d->count < NAMES_MAX);
        n = &d->names[d->count++];
        *n = (struct sim_name){.content = sim_must(calloc(1, sizeof(struct sim_content)))};
        n->content->references = 1;
        strcpy(n->name, name);
    }
    struct sim_file *f = sim_must(calloc(1, sizeof *f));
    f->content = n->content;
    f->content->references++;
    *ret_file = &f->file;
    return OK;
}

static void sim_file_close(struct disk_file *file) {
    sim_content_put(((struct sim_file *)file)->content);
    free(file);
}

static status sim_file_size(struct disk_file *f, uint64_t *ret_bytes) {
    TRY(sim_alive(f->disk));
    *ret_bytes = ((struct sim_file *)f)->content->bytes;
    return OK;
}

static status sim_file_extend(struct disk_file *f, uint64_t from, uint64_t bytes) {
    struct sim_content *c = ((struct sim_file *)f)->content;
    TRY(sim_alive(f->disk));
    TRY(call_fails(f->disk));
    TRY(sim_content_grow(((struct sim_disk *)f->disk)->machine, c, from + bytes));
    memset(c->now + from, 0, bytes);
    memset(c->stable + from, 0, bytes);
    memset(c->dirty + from / SECTOR, SECTOR_STABLE, bytes / SECTOR);
    c->stable_bytes = c->bytes;
    return OK;
}

static void forget_file(struct disk_sim *s, struct sim_directory *d, const char *name) {
    s->used -= sim_find_name(d, name)->content->bytes;
    sim_remove_name(d, name);
}

static status sim_file_rename(struct disk *disk, [[maybe_unused]] int dirfd, const char *from,
                              const char *to) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    CHECK(strlen(to) < NAME_BYTES);
    if (!sim_find_name(s->directory, from)) return STATUS(NOT_FOUND);
    struct sim_directory *d = sim_directory_change(s);
    if (sim_find_name(d, to)) forget_file(s, d, to);
    strcpy(sim_find_name(d, from)->name, to);
    return OK;
}

static status sim_file_remove(struct disk *disk, [[maybe_unused]] int dirfd, const char *name) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    if (!sim_find_name(s->directory, name)) return STATUS(NOT_FOUND);
    forget_file(s, sim_directory_change(s), name);
    return OK;
}

static status sim_sync_dir(struct disk *disk, [[maybe_unused]] int dirfd) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    sim_directory_settle(s, s->directory);
    return OK;
}

static status sim_dir_each(struct disk *disk, [[maybe_unused]] int dirfd,
                           void (*fn)(void *arg, const char *name), void *arg) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    struct sim_directory *listing = sim_directory_copy(s->directory);
    for (unsigned i = 0; i < listing->count; i++) fn(arg, listing->names[i].name);
    sim_directory_free(listing);
    return OK;
}

const struct disk_kind disk_kind_sim = {
    .name = "sim",
    .open = sim_open,
    .close = sim_close,
    .start = sim_start,
    .push = sim_push,
    .collect = sim_collect,
    .fd = sim_fd,
    .file_open = sim_file_open,
    .file_close = sim_file_close,
    .file_size = sim_file_size,
    .file_extend = sim_file_extend,
    .file_rename = sim_file_rename,
    .file_remove = sim_file_remove,
    .sync_dir = sim_sync_dir,
    .dir_each = sim_dir_each,
};
