#include "ipc_region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "ipc_ring.h"
#include "log/log.h"
#include "pool/frame.h"
#include "session/session.h"
#include "temp/temp.h"
#include "txn/serial.h"

#define REGIONS 12
#define HEAD_BYTES 4096u
#define HUGE_BYTES ((size_t)2 << 20)
#define SMALL_BYTES 4096u
#define FIRST_BYTES ((size_t)64 << 20) /* of the pool, at the start */
#define MAP_ENTRIES ((uint32_t)1 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; others answer EINVAL */
#endif

/* One region as the sizes make it. */
struct spec {
    const char *name;
    size_t bytes;
    enum huge_pages wish;
    bool huge;   /* aligned for huge pages, which are asked for */
    bool twice;  /* mapped twice in a row */
    bool sparse; /* takes memory only where it is written */
    bool later;  /* has memory at its beginning, storaged gets the rest: ready_frames */
    void **place;
    size_t bytes_start; /* of one that may become larger: what it is to have at the start */
    size_t bytes_huge;
    size_t bytes_ready; /* of one that has the rest later; 0: all of that */
};

static size_t page_round(size_t bytes) {
    return (bytes + HEAD_BYTES - 1) & ~(size_t)(HEAD_BYTES - 1);
}

static size_t pool_start(const struct shm_sizes *s) {
    return s->frames_start ? s->frames_start : s->frames;
}

/* The control region comes first: whoever attaches learns the sizes from it. */
static void region_specs(const struct shm_sizes *s, struct shm *m, struct spec out[REGIONS]) {
    struct spec list[REGIONS] = {
        {"control", sizeof(struct control), .place = (void **)&m->control},
        {"pool", s ? pool_shared_bytes(s) : 0, .huge = true, .place = (void **)&m->pool},
        {"frames", s ? (size_t)s->frames * sizeof(struct frame) : 0, .huge = true,
         .place = (void **)&m->frames},
        {"pages", s ? (size_t)s->frames * PAGE_BYTES : 0, .huge = true, .later = true,
         .place = (void **)&m->pages, .bytes_start = s ? pool_start(s) * PAGE_BYTES : 0},
        {"log", sizeof(struct log_shared), .place = (void **)&m->log},
        {"logring", s ? s->ring_bytes : 0, .twice = true, .place = (void **)&m->log_ring},
        {"txn", s ? txn_shared_bytes(s) : 0, .place = (void **)&m->txn},
        {"serial", sizeof(struct serial_shared), .sparse = true, .place = (void **)&m->serial},
        {"temp", sizeof(struct temp_shared), .sparse = true, .place = (void **)&m->temp},
        {"sessions", s ? (size_t)s->sessions * SESSION_BYTES : 0, .sparse = true,
         .place = (void **)&m->sessions},
        {"rings", ipc_rings_bytes(), .sparse = true, .place = (void **)&m->rings},
        {"counters", PROC_SLOTS * sizeof(struct counter_block), .place = (void **)&m->counters},
    };
    for (int i = 0; i < REGIONS; i++) {
        list[i].bytes = page_round(list[i].bytes);
        if (s) list[i].wish = s->huge_pages;
        if (!list[i].later) list[i].bytes_start = list[i].bytes;
    }
    memcpy(out, list, sizeof list);
}

void region_name_of(uint64_t appliance_id, char ret_name[REGION_NAME_BYTES]) {
    snprintf(ret_name, REGION_NAME_BYTES, "axolotl.%016llx", (unsigned long long)appliance_id);
}

static void region_path(const char *name, const char *region, char *ret_path, size_t bytes) {
    snprintf(ret_path, bytes, "/%s.%s", name, region);
}

static uint64_t power_of_two(uint64_t at_least) {
    uint64_t n = 1;
    while (n < at_least) n <<= 1;
    return n;
}

void region_sizes(const struct conf *c, struct shm_sizes *ret_sizes) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t pool_max =
        c->shared_buffers > c->shared_buffers_max ? c->shared_buffers : c->shared_buffers_max;
    struct shm_sizes s = {
        .frames = (uint32_t)(pool_max / PAGE_BYTES),
        .frames_start = (uint32_t)(c->shared_buffers / PAGE_BYTES),
        .workers = (uint32_t)(c->workers       ? c->workers
                              : processors > 0 ? processors
                                               : 1),
        .sessions = (uint32_t)c->max_connections,
        .map_entries = MAP_ENTRIES,
        .huge_pages = strcmp(c->huge_pages, "off") == 0  ? HUGE_OFF
                      : strcmp(c->huge_pages, "on") == 0 ? HUGE_ON
                                                         : HUGE_TRY,
        .ring_bytes = power_of_two(c->log_ring_size),
    };
    if (s.workers > WORKERS_MAX) s.workers = WORKERS_MAX;
    s.page_buckets = (uint32_t)power_of_two(s.frames);
    /* A worker's share holds twice its fair part of the sessions: they need not be spread evenly.
     */
    uint32_t share = 2 * s.sessions / s.workers + 64;
    if (share > s.sessions + 16) share = s.sessions + 16;
    s.txns = share * s.workers;
    *ret_sizes = s;
}

static bool is_power_of_two(uint64_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

bool region_sizes_valid(const struct shm_sizes *s) {
    return s->frames > 0 && s->frames <= 1u << 28 && s->frames_start <= s->frames &&
           s->huge_pages <= HUGE_ON && is_power_of_two(s->page_buckets) && s->workers > 0 &&
           s->workers <= WORKERS_MAX && s->sessions > 0 && s->sessions <= 1u << 20 && s->txns > 0 &&
           s->txns <= 1u << 24 && is_power_of_two(s->map_entries) &&
           is_power_of_two(s->ring_bytes) && s->ring_bytes >= HEAD_BYTES &&
           s->ring_bytes <= (uint64_t)1 << 40;
}

uint64_t region_bytes(const struct shm_sizes *sizes) {
    struct shm m;
    struct spec specs[REGIONS];
    region_specs(sizes, &m, specs);
    uint64_t sum = 0;
    for (int i = 0; i < REGIONS; i++) sum += specs[i].sparse ? 0 : specs[i].bytes_start;
    return sum;
}

/* --- mapping ------------------------------------------------------------------------------- */

static status map_spec(const struct spec *s, int fd, off_t offset) {
    size_t total = s->twice ? 2 * s->bytes : s->bytes;
    size_t slack = s->huge ? HUGE_BYTES : 0;
    char *space =
        mmap(NULL, total + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) return STATUS(OUT_OF_MEMORY);
    char *at = space;
    if (slack) {
        at = (char *)(((uintptr_t)space + slack - 1) & ~(uintptr_t)(slack - 1));
        if (at > space) munmap(space, (size_t)(at - space));
        if (space + slack > at) munmap(at + total, (size_t)(space + slack - at));
    }
    for (size_t done = 0; done < total; done += s->bytes) {
        if (mmap(at + done, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset) ==
            MAP_FAILED) {
            munmap(at, total);
            return STATUS(OUT_OF_MEMORY);
        }
    }
    /* Wishes: where the kernel declines, small pages serve as well. */
    if (s->huge) (void)madvise(at, total, s->wish == HUGE_OFF ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    (void)madvise(at, total, MADV_DONTDUMP);
    *s->place = at;
    return OK;
}

static void unmap_spec(const struct spec *s) {
    if (*s->place) munmap(*s->place, s->twice ? 2 * s->bytes : s->bytes);
    *s->place = NULL;
}

void region_detach_all(struct shm *shm) {
    if (shm->rings) bells_close(shm->rings);
    struct spec specs[REGIONS];
    region_specs(&shm->sizes, shm, specs);
    for (int i = 0; i < REGIONS; i++) unmap_spec(&specs[i]);
}

static uint32_t content_offset(const struct spec *s) {
    return s->huge ? HUGE_BYTES : HEAD_BYTES;
}

static bool room_for(const struct spec *s, int fd) {
    struct statvfs v;
    return fstatvfs(fd, &v) != 0 || v.f_blocks == 0 ||
           (uint64_t)v.f_bavail * v.f_frsize >= s->bytes_start;
}

/* Huge pages for the bytes, most of which have no memory yet. The kernel makes one of what is
 * there, and clears the rest: with a single small page there is next to nothing to copy, with all
 * of them it took tens of times as long. */
static bool collapse(char *at, size_t bytes) {
    size_t first = (HUGE_BYTES - ((uintptr_t)at & (HUGE_BYTES - 1))) & (HUGE_BYTES - 1);
    for (size_t i = first; i + HUGE_BYTES <= bytes; i += HUGE_BYTES)
        if (madvise(at + i, SMALL_BYTES, MADV_POPULATE_WRITE) != 0) return false;
    return madvise(at, bytes, MADV_COLLAPSE) == 0;
}

/* Whoever looks for a row looks at pages all over the pool: with small pages most looks walk the
 * page table, too, which in a virtual machine is two. Huge ones are asked for outright, which is
 * heard also where the system's settings give shared memory none by themselves. */
bool region_get_memory(enum huge_pages wish, void *at, size_t bytes, bool *ret_huge) {
    bool asks = wish != HUGE_OFF && bytes >= HUGE_BYTES;
    *ret_huge = asks && collapse(at, bytes);
    if (asks && wish == HUGE_ON && !*ret_huge) return false;
    return madvise(at, bytes, MADV_POPULATE_WRITE) == 0;
}

/* Descriptors and the page table may lie in small pages whatever is wished for the pool. */
static bool get_memory(struct spec *s, size_t bytes) {
    enum huge_pages wish = s->later || s->wish == HUGE_OFF ? s->wish : HUGE_TRY;
    bool huge;
    if (!region_get_memory(wish, *s->place, bytes, &huge)) return false;
    s->bytes_huge = huge ? bytes : 0;
    return true;
}

/* Memory for the region now, so that nobody meets SIGBUS later. To have the kernel clear a large
 * buffer pool takes a second for each gigabyte or two: that has its beginning, a start is not held
 * up by it. */
static status populate(struct spec *s, int fd, off_t offset) {
    if (s->sparse) return OK;
    if (s->later && s->bytes_start > FIRST_BYTES && room_for(s, fd) && get_memory(s, FIRST_BYTES)) {
        s->bytes_ready = FIRST_BYTES;
        return OK;
    }
    if (s->huge && get_memory(s, s->bytes_start)) return OK;
    if (s->later && s->wish == HUGE_ON) return STATUS(OUT_OF_MEMORY);
    if (fallocate(fd, 0, offset, (off_t)s->bytes_start) == 0 || errno == EOPNOTSUPP) return OK;
    return errno == ENOSPC || errno == ENOMEM ? STATUS(DISK_FULL) : STATUS(IO_ERROR);
}

static status create_one(const char *name, struct spec *s, struct error *e) {
    char path[96];
    region_path(name ? name : "axolotl", s->name, path, sizeof path);
    int fd = name ? shm_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                  : memfd_create(s->name, MFD_CLOEXEC);
    if (fd < 0) {
        return error_set(e, ST_IO_ERROR, "could not create shared memory \"%s\": %s", path,
                         strerror(errno));
    }
    struct region_head head = {.magic = REGION_MAGIC,
                               .version = REGION_LAYOUT_VERSION,
                               .offset = content_offset(s),
                               .bytes = s->bytes};
    snprintf(head.name, sizeof head.name, "%s", name ? name : "");
    snprintf(head.region, sizeof head.region, "%s", s->name);
    status st = STATUS(IO_ERROR);
    if (ftruncate(fd, (off_t)(head.offset + s->bytes)) == 0 &&
        pwrite(fd, &head, sizeof head, 0) == (ssize_t)sizeof head) {
        st = map_spec(s, fd, head.offset);
        if (ok(st)) st = populate(s, fd, head.offset);
    }
    close(fd);
    if (!ok(st)) {
        status_ignore(error_set(e, st.code, "could not make %zu bytes of shared memory \"%s\": %s",
                                s->bytes, path, strerror(errno))); /* st goes on */
    }
    return st;
}

static void init_content(struct shm *m) {
    atomic_store(&m->control->state, APPLIANCE_STARTING);
    m->control->sizes = m->sizes;
    log_shared_init(m->log, LOG_FIRST, 0);
    txn_shared_init(m, TXID_FIRST);
}

status region_create_all(const char *name, const struct shm_sizes *sizes, struct shm *ret_shm,
                         struct error *e) {
    if (!region_sizes_valid(sizes)) {
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "impossible sizes of shared memory");
    }
    if (name) region_remove_all(name);
    struct shm m = {.sizes = *sizes};
    struct spec specs[REGIONS];
    region_specs(sizes, &m, specs);
    /* The control region last: it is where others begin, and without it there is nothing. */
    for (int i = REGIONS - 1; i >= 0; i--) {
        status s = create_one(name, &specs[i], e);
        if (!ok(s)) {
            region_detach_all(&m);
            if (name) region_remove_all(name);
            return s;
        }
    }
    init_content(&m);
    atomic_store(&m.pool->wanted_frames, (uint32_t)pool_start(sizes));
    for (int i = 0; i < REGIONS; i++) {
        if (!specs[i].later) continue;
        size_t bytes = specs[i].bytes_ready ? specs[i].bytes_ready : specs[i].bytes_start;
        atomic_store(&m.pool->ready_frames, (uint32_t)(bytes / PAGE_BYTES));
        atomic_store(&m.pool->huge_bytes, specs[i].bytes_huge);
    }
    *ret_shm = m;
    return OK;
}

void region_remove_all(const char *name) {
    struct shm m;
    struct spec specs[REGIONS];
    region_specs(NULL, &m, specs);
    for (int i = 0; i < REGIONS; i++) {
        char path[96];
        region_path(name, specs[i].name, path, sizeof path);
        shm_unlink(path);
    }
}

static status refuse_head(const char *path, const struct region_head *h, status st,
                          struct error *e) {
    if (h->magic == REGION_MAGIC && h->version != REGION_LAYOUT_VERSION) {
        st = error_set(e, ST_INVALID,
                       "shared memory \"%s\" is of another layout: it has version %u of it, this "
                       "program (%s) version %u",
                       path, h->version, AXOLOTL_VERSION, REGION_LAYOUT_VERSION);
        error_hint(e, "Use the programs of the version that made it.");
        return st;
    }
    return error_set(e, st.code, "shared memory \"%s\" is not of this version's layout", path);
}

static status attach_one(const char *name, const struct spec *s, struct error *e) {
    char path[96];
    region_path(name, s->name, path, sizeof path);
    int fd = shm_open(path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(e, errno == ENOENT ? ST_NOT_FOUND : ST_IO_ERROR,
                         "could not open shared memory \"%s\": %s", path, strerror(errno));
    }
    struct region_head head = {0};
    struct stat st;
    status result = STATUS(INVALID);
    if (pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head && head.magic == REGION_MAGIC &&
        head.version == REGION_LAYOUT_VERSION && head.bytes == s->bytes &&
        head.offset == content_offset(s) &&
        strncmp(head.region, s->name, sizeof head.region) == 0 && fstat(fd, &st) == 0 &&
        (uint64_t)st.st_size >= head.offset + head.bytes) {
        result = map_spec(s, fd, head.offset);
    }
    close(fd);
    return ok(result) ? OK : refuse_head(path, &head, result, e);
}

status region_attach_all(const char *name, struct shm *ret_shm, struct error *e) {
    struct shm m = {0};
    struct spec specs[REGIONS];
    region_specs(NULL, &m, specs);
    TRY(attach_one(name, &specs[0], e));
    m.sizes = m.control->sizes;
    if (!region_sizes_valid(&m.sizes)) {
        unmap_spec(&specs[0]);
        return error_set(e, ST_INVALID, "shared memory \"%s\" has no valid sizes", name);
    }
    region_specs(&m.sizes, &m, specs);
    for (int i = 1; i < REGIONS; i++) {
        status s = attach_one(name, &specs[i], e);
        if (!ok(s)) {
            region_detach_all(&m);
            return s;
        }
    }
    *ret_shm = m;
    return OK;
}
