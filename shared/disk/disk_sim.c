/* What the simulated machine keeps on its disk: contents, names, what a power cut leaves. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "disk/disk_sim_state.h"

struct disk_sim *sim_current;

uint64_t sim_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void *sim_must(void *p) {
    CHECK(p);
    return p;
}

void sim_content_put(struct sim_content *c) {
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
    c->now = sim_must(realloc(c->now, room));
    c->stable = sim_must(realloc(c->stable, room));
    c->dirty = sim_must(realloc(c->dirty, room / SECTOR));
    memset(c->now + c->room, 0, room - c->room);
    memset(c->stable + c->room, 0, room - c->room);
    memset(c->dirty + c->room / SECTOR, 0, (room - c->room) / SECTOR);
    c->room = room;
}

status sim_content_grow(struct disk_sim *s, struct sim_content *c, uint64_t bytes) {
    if (bytes <= c->bytes) return OK;
    if (s->capacity && s->used + (bytes - c->bytes) > s->capacity) return STATUS(DISK_FULL);
    s->used += bytes - c->bytes;
    content_room(c, bytes);
    c->bytes = bytes;
    return OK;
}

void sim_content_flush(struct sim_content *c) {
    for (uint64_t i = 0; i < c->room / SECTOR; i++) {
        if (c->dirty[i] != SECTOR_DIRTY) continue;
        memcpy(c->stable + i * SECTOR, c->now + i * SECTOR, SECTOR);
        c->dirty[i] = SECTOR_STABLE;
    }
    c->stable_bytes = c->bytes;
}

void sim_directory_free(struct sim_directory *d) {
    for (unsigned i = 0; i < d->count; i++) sim_content_put(d->names[i].content);
    free(d);
}

struct sim_directory *sim_directory_copy(const struct sim_directory *d) {
    struct sim_directory *copy = sim_must(malloc(sizeof *copy));
    *copy = *d;
    copy->later = NULL;
    for (unsigned i = 0; i < copy->count; i++) copy->names[i].content->references++;
    return copy;
}

struct sim_directory *sim_directory_change(struct disk_sim *s) {
    s->directory->later = sim_directory_copy(s->directory);
    s->directory = s->directory->later;
    return s->directory;
}

void sim_directory_settle(struct disk_sim *s, struct sim_directory *keep) {
    while (s->stable_directory != keep) {
        struct sim_directory *old = s->stable_directory;
        s->stable_directory = old->later;
        sim_directory_free(old);
    }
}

struct sim_name *sim_find_name(struct sim_directory *d, const char *name) {
    for (unsigned i = 0; i < d->count; i++) {
        if (strcmp(d->names[i].name, name) == 0) return &d->names[i];
    }
    return NULL;
}

void sim_remove_name(struct sim_directory *d, const char *name) {
    struct sim_name *n = sim_find_name(d, name);
    sim_content_put(n->content);
    *n = d->names[--d->count];
}

struct disk_sim *disk_sim_new(uint64_t seed, uint64_t capacity_bytes) {
    struct disk_sim *s = sim_must(calloc(1, sizeof *s));
    s->random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    if (!s->random) s->random = 1;
    s->capacity = capacity_bytes;
    s->directory = s->stable_directory = sim_must(calloc(1, sizeof *s->directory));
    disk_kind_add(&disk_kind_sim);
    sim_current = s;
    return s;
}

void disk_sim_free(struct disk_sim *s) {
    CHECK(!s->disks);
    sim_directory_settle(s, s->directory);
    sim_directory_free(s->directory);
    if (sim_current == s) sim_current = NULL;
    free(s);
}

void sim_write_part(struct disk_sim *s, struct disk_io *io) {
    struct sim_content *c = ((struct sim_file *)io->file)->content;
    for (uint64_t at = 0; at < io->len; at += SECTOR) {
        if (sim_random(&s->random) & 1) continue;
        if (!ok(sim_content_grow(s, c, io->offset + at + SECTOR))) return;
        memcpy(c->now + io->offset + at, (char *)io->buf + at, SECTOR);
        c->dirty[(io->offset + at) / SECTOR] = SECTOR_DIRTY;
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
        c->dirty[i] = SECTOR_STABLE;
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
            if (io->op == DISK_WRITE) sim_write_part(s, io);
        }
    }
    unsigned states = 1;
    for (struct sim_directory *d = s->stable_directory; d != s->directory; d = d->later) states++;
    struct sim_directory *survivor = s->stable_directory;
    for (unsigned n = (unsigned)(sim_random(&s->random) % states); n > 0; n--)
        survivor = survivor->later;
    struct sim_directory *after = sim_directory_copy(survivor);
    sim_directory_settle(s, s->directory);
    sim_directory_free(s->directory);
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

bool sim_fails_now(struct disk_sim *s, enum disk_sim_class class) {
    return ++s->counts[class] == s->fail_one.at && s->fail_one.class == class;
}

void disk_sim_set_capacity(struct disk_sim *s, uint64_t capacity_bytes) {
    s->capacity = capacity_bytes;
}

void disk_sim_flip(struct disk_sim *s, const char *name, uint64_t byte, unsigned bit) {
    struct sim_name *n = sim_find_name(s->directory, name);
    CHECK(n && byte < n->content->bytes);
    n->content->now[byte] ^= (unsigned char)(1u << bit);
    n->content->stable[byte] ^= (unsigned char)(1u << bit);
}

void disk_sim_get(const struct disk_sim *s, const char *name, uint64_t byte, void *buf, size_t n) {
    const struct sim_name *found = sim_find_name(s->directory, name);
    CHECK(found && byte + n <= found->content->bytes);
    memcpy(buf, found->content->now + byte, n);
}

void disk_sim_put(struct disk_sim *s, const char *name, uint64_t byte, const void *buf, size_t n) {
    struct sim_name *found = sim_find_name(s->directory, name);
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
