#include "disk/disk_sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "disk/disk_kind.h"

#define SECTOR ((uint64_t)512)
#define DELAY_TURNS 64 /* of a request that takes long, at most */
#define NAMES_MAX 256
#define NAME_BYTES 64

/* One file's content. A sector is dirty while its two states may differ. */
struct sim_content {
    unsigned references; /* directory states and open files */
    uint64_t bytes;
    uint64_t stable_bytes;
    uint64_t room;
    unsigned char *now;
    unsigned char *stable;
    unsigned char *dirty; /* a byte a sector */
};

struct sim_name {
    char name[NAME_BYTES];
    struct sim_content *content;
};

/* The directory as it was at one moment; a list of them since the last sync. */
struct sim_directory {
    struct sim_directory *later;
    unsigned count;
    struct sim_name names[NAMES_MAX];
};

struct disk_sim {
    uint64_t random;
    uint64_t capacity;
    uint64_t used;
    uint64_t requests;
    uint64_t fail_at; /* number of the request; 0: none */
    status fail_with;
    bool fail_sticky;
    uint64_t counts[DISK_SIM_CLASSES];
    struct {
        enum disk_sim_class class;
        uint64_t at; /* its count; 0: none */
        status with;
        bool part;
    } fail_one;
    struct disk_sim_lies lies;
    uint64_t lies_told;
    uint64_t power; /* counts power cuts: a disk of another number is dead */
    struct sim_directory *stable_directory;
    struct sim_directory *directory; /* the newest */
    struct sim_disk *disks;
};

struct sim_disk {
    struct disk disk;
    struct disk_sim *machine;
    uint64_t power;
    int event;
    struct disk_list under_way;
    unsigned under_way_count;
    struct sim_disk *next;
};

struct sim_file {
    struct disk_file file;
    struct sim_content *content;
};

static struct disk_sim *current;
extern const struct disk_kind disk_kind_sim;

static uint64_t sim_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *must(void *p) {
    CHECK(p);
    return p;
}

static void content_put(struct sim_content *c) {
    if (--c->references > 0) return;
    free(c->now);
    free(c->stable);
    free(c->dirty);
    free(c);
}

static void content_room(struct sim_content *c, uint64_t bytes) {
    if (bytes <= c->room) return;
    uint64_t room = c->room ? c->room : 65536;
    while (room < bytes) room *= 2;
    c->now = must(realloc(c->now, room));
    c->stable = must(realloc(c->stable, room));
    c->dirty = must(realloc(c->dirty, room / SECTOR));
    memset(c->now + c->room, 0, room - c->room);
    memset(c->stable + c->room, 0, room - c->room);
    memset(c->dirty + c->room / SECTOR, 0, (room - c->room) / SECTOR);
    c->room = room;
}

static status content_grow(struct disk_sim *s, struct sim_content *c, uint64_t bytes) {
    if (bytes <= c->bytes) return OK;
    if (s->capacity && s->used + (bytes - c->bytes) > s->capacity) return STATUS(DISK_FULL);
    s->used += bytes - c->bytes;
    content_room(c, bytes);
    c->bytes = bytes;
    return OK;
}

static void content_flush(struct sim_content *c) {
    for (uint64_t i = 0; i < c->room / SECTOR; i++) {
        if (!c->dirty[i]) continue;
        memcpy(c->stable + i * SECTOR, c->now + i * SECTOR, SECTOR);
        c->dirty[i] = 0;
    }
    c->stable_bytes = c->bytes;
}

static void directory_free(struct sim_directory *d) {
    for (unsigned i = 0; i < d->count; i++) content_put(d->names[i].content);
    free(d);
}

static struct sim_directory *directory_copy(const struct sim_directory *d) {
    struct sim_directory *copy = must(malloc(sizeof *copy));
    *copy = *d;
    copy->later = NULL;
    for (unsigned i = 0; i < copy->count; i++) copy->names[i].content->references++;
    return copy;
}

/* A new newest state, to be changed by the caller. */
static struct sim_directory *directory_change(struct disk_sim *s) {
    s->directory->later = directory_copy(s->directory);
    s->directory = s->directory->later;
    return s->directory;
}

/* `keep` becomes the stable state; older ones go, younger ones stay. */
static void directory_settle(struct disk_sim *s, struct sim_directory *keep) {
    while (s->stable_directory != keep) {
        struct sim_directory *old = s->stable_directory;
        s->stable_directory = old->later;
        directory_free(old);
    }
}

static struct sim_name *find_name(struct sim_directory *d, const char *name) {
    for (unsigned i = 0; i < d->count; i++) {
        if (strcmp(d->names[i].name, name) == 0) return &d->names[i];
    }
    return NULL;
}

static void remove_name(struct sim_directory *d, const char *name) {
    struct sim_name *n = find_name(d, name);
    content_put(n->content);
    *n = d->names[--d->count];
}

struct disk_sim *disk_sim_new(uint64_t seed, uint64_t capacity_bytes) {
    struct disk_sim *s = must(calloc(1, sizeof *s));
    s->random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    if (!s->random) s->random = 1;
    s->capacity = capacity_bytes;
    s->directory = s->stable_directory = must(calloc(1, sizeof *s->directory));
    disk_kind_add(&disk_kind_sim);
    current = s;
    return s;
}

void disk_sim_free(struct disk_sim *s) {
    CHECK(!s->disks);
    directory_settle(s, s->directory);
    directory_free(s->directory);
    if (current == s) current = NULL;
    free(s);
}

/* Part of a write under way: each sector as it was or as it will be. */
static void write_part(struct disk_sim *s, struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    for (uint64_t at = 0; at < io->len; at += SECTOR) {
        if (sim_random(&s->random) & 1) continue;
        if (!ok(content_grow(s, c, io->offset + at + SECTOR))) return;
        memcpy(c->now + io->offset + at, (char *)io->buf + at, SECTOR);
        c->dirty[(io->offset + at) / SECTOR] = 1;
    }
}

static void content_crash(struct disk_sim *s, struct sim_content *c) {
    if (c->room == 0) return;
    bool keep_length = sim_random(&s->random) & 1;
    for (uint64_t i = 0; i < c->room / SECTOR; i++) {
        if (!c->dirty[i]) continue;
        if (sim_random(&s->random) & 1)
            memcpy(c->stable + i * SECTOR, c->now + i * SECTOR, SECTOR);
        else
            memcpy(c->now + i * SECTOR, c->stable + i * SECTOR, SECTOR);
        c->dirty[i] = 0;
    }
    uint64_t bytes = keep_length ? c->bytes : c->stable_bytes;
    memset(c->now + bytes, 0, c->room - bytes);
    memset(c->stable + bytes, 0, c->room - bytes);
    c->bytes = c->stable_bytes = bytes;
}

void disk_sim_crash(struct disk_sim *s, uint64_t seed) {
    s->random ^= seed * 0xd1342543de82ef95u;
    if (!s->random) s->random = 1;
    for (struct sim_disk *d = s->disks; d; d = d->next) {
        for (struct disk_io *io = d->under_way.first; io; io = io->next) {
            if (io->op == DISK_WRITE) write_part(s, io);
        }
    }
    unsigned states = 1;
    for (struct sim_directory *d = s->stable_directory; d != s->directory; d = d->later) states++;
    struct sim_directory *survivor = s->stable_directory;
    for (unsigned n = (unsigned)(sim_random(&s->random) % states); n > 0; n--)
        survivor = survivor->later;
    struct sim_directory *after = directory_copy(survivor);
    directory_settle(s, s->directory);
    directory_free(s->directory);
    s->directory = s->stable_directory = after;
    s->used = 0;
    for (unsigned i = 0; i < after->count; i++) {
        content_crash(s, after->names[i].content);
        s->used += after->names[i].content->bytes;
    }
    s->power++;
}

void disk_sim_fail(struct disk_sim *s, uint64_t nth, enum status_code code, bool sticky) {
    s->fail_at = nth ? s->requests + nth : 0;
    s->fail_with = (status){(uint16_t)code};
    s->fail_sticky = sticky;
}

void disk_sim_fail_one(struct disk_sim *s, enum disk_sim_class class, uint64_t nth,
                       enum status_code code, bool part) {
    s->fail_one.class = class;
    s->fail_one.at = nth ? s->counts[class] + nth : 0;
    s->fail_one.with = (status){(uint16_t)code};
    s->fail_one.part = part;
}

uint64_t disk_sim_count(const struct disk_sim *s, enum disk_sim_class class) {
    return s->counts[class];
}

/* Counts one more of the class; true: it is the one that fails. */
static bool fails_now(struct disk_sim *s, enum disk_sim_class class) {
    return ++s->counts[class] == s->fail_one.at && s->fail_one.class == class;
}

void disk_sim_set_capacity(struct disk_sim *s, uint64_t capacity_bytes) {
    s->capacity = capacity_bytes;
}

void disk_sim_flip(struct disk_sim *s, const char *name, uint64_t byte, unsigned bit) {
    struct sim_name *n = find_name(s->directory, name);
    CHECK(n && byte < n->content->bytes);
    n->content->now[byte] ^= (unsigned char)(1u << bit);
    n->content->stable[byte] ^= (unsigned char)(1u << bit);
}

void disk_sim_get(const struct disk_sim *s, const char *name, uint64_t byte, void *buf, size_t n) {
    const struct sim_name *found = find_name(s->directory, name);
    CHECK(found && byte + n <= found->content->bytes);
    memcpy(buf, found->content->now + byte, n);
}

void disk_sim_put(struct disk_sim *s, const char *name, uint64_t byte, const void *buf, size_t n) {
    struct sim_name *found = find_name(s->directory, name);
    CHECK(found && byte + n <= found->content->bytes);
    memcpy(found->content->now + byte, buf, n);
    memcpy(found->content->stable + byte, buf, n);
}

void disk_sim_lie(struct disk_sim *s, const struct disk_sim_lies *lies) {
    s->lies = lies ? *lies : (struct disk_sim_lies){0};
    CHECK(!lies || (lies->unit > 0 && lies->unit % SECTOR == 0));
}

uint64_t disk_sim_lies_told(const struct disk_sim *s) {
    return s->lies_told;
}

uint64_t disk_sim_requests(const struct disk_sim *s) {
    return s->requests;
}

static status sim_open([[maybe_unused]] unsigned depth, int lifeline, struct disk **ret_disk) {
    CHECK(current);
    struct sim_disk *d = must(calloc(1, sizeof *d));
    d->machine = current;
    d->power = current->power;
    d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(d->event >= 0);
    if (lifeline >= 0) close(lifeline);
    d->next = current->disks;
    current->disks = d;
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
    struct sim_name *n = find_name(s->directory, s->lies.file);
    return n && n->content == ((struct sim_file *)io->file)->content;
}

static void put_bytes(struct sim_content *c, uint64_t at, const char *from, size_t n,
                      bool durable) {
    memcpy(c->now + at, from, n);
    memset(c->dirty + at / SECTOR, durable ? 0 : 1, n / SECTOR);
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
        ((char *)io->buf)[at + sim_random(&s->random) % s->lies.unit] ^=
            (char)(1u << sim_random(&s->random) % 8);
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
    TRY(content_grow(s, c, io->offset + io->len));
    if (io->len % (s->lies.unit ? s->lies.unit : SECTOR) == 0 && lied_about(s, io)) {
        write_lying(s, io);
        if (io->durable) c->stable_bytes = c->bytes;
        return OK;
    }
    memcpy(c->now + io->offset, io->buf, io->len);
    memset(c->dirty + io->offset / SECTOR, 1, io->len / SECTOR);
    if (!io->durable) return OK;
    memcpy(c->stable + io->offset, io->buf, io->len);
    memset(c->dirty + io->offset / SECTOR, 0, io->len / SECTOR);
    c->stable_bytes = c->bytes;
    return OK;
}

static status sim_read(const struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    uint64_t have = io->offset >= c->bytes ? 0 : c->bytes - io->offset;
    size_t n = have < io->len ? (size_t)have : io->len;
    if (n > 0) memcpy(io->buf, c->now + io->offset, n);
    memset((char *)io->buf + n, 0, io->len - n);
    return OK;
}

/* The error of disk_sim_fail_one, if this request is the one. */
static bool fails_as_chosen(struct disk_sim *s, struct disk_io *io) {
    bool fails = fails_now(s, DISK_SIM_REQUESTS);
    if (io->op == DISK_WRITE) fails |= fails_now(s, DISK_SIM_WRITES);
    if (io->op == DISK_FLUSH) fails |= fails_now(s, DISK_SIM_FLUSHES);
    if (!fails) return false;
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    if (io->op == DISK_WRITE && s->fail_one.part) write_part(s, io);
    if (io->op == DISK_FLUSH) memset(c->dirty, 0, c->room / SECTOR);
    return true;
}

static status call_fails(struct disk *disk) {
    struct sim_disk *d = (struct sim_disk *)disk;
    return fails_now(d->machine, DISK_SIM_CALLS) ? d->machine->fail_one.with : OK;
}

static status sim_execute(struct sim_disk *d, struct disk_io *io) {
    struct disk_sim *s = d->machine;
    if (d->power != s->power) return STATUS(IO_ERROR);
    s->requests++;
    if (fails_as_chosen(s, io)) return s->fail_one.with;
    if (s->fail_at && (s->requests == s->fail_at || (s->fail_sticky && s->requests > s->fail_at))) {
        if (io->op == DISK_WRITE) write_part(s, io);
        return s->fail_with;
    }
    switch (io->op) {
    case DISK_READ:
        TRY(sim_read(io));
        if (lied_about(s, io)) misread(s, io);
        return OK;
    case DISK_WRITE: return sim_write(s, io);
    case DISK_FLUSH: content_flush(((struct sim_file *)io->file)->content); return OK;
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
    struct sim_name *n = find_name(s->directory, name);
    if (!n) {
        if (!create) return STATUS(NOT_FOUND);
        struct sim_directory *d = directory_change(s);
        CHECK(d->count < NAMES_MAX);
        n = &d->names[d->count++];
        *n = (struct sim_name){.content = must(calloc(1, sizeof(struct sim_content)))};
        n->content->references = 1;
        strcpy(n->name, name);
    }
    struct sim_file *f = must(calloc(1, sizeof *f));
    f->content = n->content;
    f->content->references++;
    *ret_file = &f->file;
    return OK;
}

static void sim_file_close(struct disk_file *file) {
    content_put(((struct sim_file *)file)->content);
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
    TRY(content_grow(((struct sim_disk *)f->disk)->machine, c, from + bytes));
    memset(c->now + from, 0, bytes);
    memset(c->stable + from, 0, bytes);
    memset(c->dirty + from / SECTOR, 0, bytes / SECTOR);
    c->stable_bytes = c->bytes;
    return OK;
}

static void forget_file(struct disk_sim *s, struct sim_directory *d, const char *name) {
    s->used -= find_name(d, name)->content->bytes;
    remove_name(d, name);
}

static status sim_file_rename(struct disk *disk, [[maybe_unused]] int dirfd, const char *from,
                              const char *to) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    CHECK(strlen(to) < NAME_BYTES);
    if (!find_name(s->directory, from)) return STATUS(NOT_FOUND);
    struct sim_directory *d = directory_change(s);
    if (find_name(d, to)) forget_file(s, d, to);
    strcpy(find_name(d, from)->name, to);
    return OK;
}

static status sim_file_remove(struct disk *disk, [[maybe_unused]] int dirfd, const char *name) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    if (!find_name(s->directory, name)) return STATUS(NOT_FOUND);
    forget_file(s, directory_change(s), name);
    return OK;
}

static status sim_sync_dir(struct disk *disk, [[maybe_unused]] int dirfd) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    TRY(call_fails(disk));
    directory_settle(s, s->directory);
    return OK;
}

static status sim_dir_each(struct disk *disk, [[maybe_unused]] int dirfd,
                           void (*fn)(void *arg, const char *name), void *arg) {
    struct disk_sim *s = ((struct sim_disk *)disk)->machine;
    TRY(sim_alive(disk));
    struct sim_directory *listing = directory_copy(s->directory);
    for (unsigned i = 0; i < listing->count; i++) fn(arg, listing->names[i].name);
    directory_free(listing);
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
