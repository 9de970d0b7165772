#include "fake_env.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "msg/msg.h"
#include "temp/temp.h"
#include "txn/serial.h"

#define TXN_REGION_BYTES ((size_t)64 << 20)
#define LOG_FILE_BYTES ((size_t)16 << 30)
#define TEMP_FILE_BYTES ((size_t)1 << 30)

static const struct owner storaged = {.slot = SLOT_STORAGED, .epoch = 1};

static void *map_memory(size_t bytes) {
    void *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    CHECK(m != MAP_FAILED);
    return m;
}

/* The log ring, twice in a row. */
static char *map_ring(size_t bytes) {
    int fd = memfd_create("ring", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    char *m = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED);
    for (int i = 0; i < 2; i++)
        CHECK(mmap(m + (size_t)i * bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                   0) != MAP_FAILED);
    close(fd);
    return m;
}

static uint64_t next_random(struct fake_env *f) {
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

/* storaged: the caller holds the mutex in everything that follows. */

static void bucket_remove(struct fake_env *f, uint32_t index) {
    struct frame *frame = &f->shm.frames[index];
    uint64_t page = atomic_load(&frame->page);
    _Atomic uint32_t *link = &f->shm.pool->bucket[pool_hash(&f->shm.sizes, page)];
    while (atomic_load(link) != index + 1) link = &f->shm.frames[atomic_load(link) - 1].next;
    atomic_store(link, atomic_load(&frame->next));
}

/* A frame for another page, latched. */
static uint32_t take_frame(struct fake_env *f) {
    if (f->frames_used < f->shm.sizes.frames) {
        uint32_t index = f->frames_used++;
        latch_lock(&f->shm.frames[index].latch, storaged);
        return index;
    }
    for (;;) {
        uint32_t index = (uint32_t)(next_random(f) % f->shm.sizes.frames);
        struct frame *frame = &f->shm.frames[index];
        if (!latch_try(&frame->latch, storaged)) continue;
        memcpy(f->file + atomic_load(&frame->page) * PAGE_BYTES, frame_bytes(&f->shm, frame),
               PAGE_BYTES);
        bucket_remove(f, index);
        atomic_store(&frame->state, FRAME_FREE);
        f->evictions++;
        return index;
    }
}

static struct frame *load_page(struct fake_env *f, page_id page) {
    struct frame *frame = pool_peek(&f->shm, page);
    if (frame) return frame;
    uint32_t index = take_frame(f);
    frame = &f->shm.frames[index];
    atomic_store(&frame->page, page.no);
    atomic_store(&frame->rec_lsn, 0);
    memcpy(frame_bytes(&f->shm, frame), f->file + page.no * PAGE_BYTES, PAGE_BYTES);
    _Atomic uint32_t *bucket = &f->shm.pool->bucket[pool_hash(&f->shm.sizes, page.no)];
    atomic_store(&frame->next, atomic_load(bucket));
    atomic_store(&frame->state, FRAME_READY);
    atomic_store(bucket, index + 1);
    latch_unlock(&frame->latch);
    return frame;
}

static bool is_reserved(const struct fake_env *f, uint64_t no) {
    for (unsigned slot = 0; slot < PROC_SLOTS; slot++)
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++)
            if ((atomic_load(&f->shm.pool->reserve[slot].page[i]) & ~POOL_RESERVE_TAKEN) == no)
                return true;
    return false;
}

static bool is_used(struct fake_env *f, uint64_t no) {
    page_id map = space_page_of((page_id){no});
    struct frame *frame = load_page(f, map);
    latch_lock(&frame->latch, storaged);
    const struct space_page *s = frame_bytes(&f->shm, frame);
    bool used = s->head.type == PAGE_TYPE_NONE ? no == map.no : space_bit(s, no - s->first);
    page_unlatch_unchanged(frame);
    return used;
}

/* A free page; 0: none. */
static uint64_t allocate(struct fake_env *f) {
    uint64_t limit = f->disk_pages ? f->disk_pages : f->pages_max;
    for (uint64_t n = 0; n < limit; n++) {
        if (f->next_page >= limit) f->next_page = SPACE_FIRST + 1;
        uint64_t no = f->next_page++;
        if (!is_reserved(f, no) && !is_used(f, no)) return no;
    }
    return 0;
}

static status reserve_pages(struct fake_env *f, struct msg *m) {
    struct pool_reserve *r = &f->shm.pool->reserve[m->slot];
    for (unsigned i = 0, have = 0; i < POOL_RESERVE_PAGES && have < m->arg[0]; i++) {
        uint64_t word = atomic_load(&r->page[i]);
        if (word) {
            have += !(word & POOL_RESERVE_TAKEN);
            continue;
        }
        uint64_t no = allocate(f);
        if (!no) return STATUS(DISK_FULL);
        atomic_store(&r->page[i], no);
        have++;
    }
    return OK;
}

/* logd */

static void flush_log(struct fake_env *f) {
    struct log_shared *l = f->shm.log;
    uint64_t durable = atomic_load(&l->durable), complete = log_complete(l).at;
    CHECK(complete <= f->log_bytes_max);
    memcpy(f->log_file + durable, f->shm.log_ring + durable % f->shm.sizes.ring_bytes,
           complete - durable);
    commit_time visible = atomic_load(&l->visible);
    for (uint64_t at = durable; at < complete;) {
        struct rec_head *r = (struct rec_head *)(f->log_file + at);
        CHECK(ok(rec_valid(r, complete - at)));
        r->crc = rec_crc(r, (lsn){at});
        if (r->type == REC_COMMIT) visible = ((const struct rec_commit *)rec_payload_c(r))->time;
        at += r->len;
    }
    atomic_store(&l->durable, complete);
    atomic_store(&l->visible, visible);
}

static status read_log(struct fake_env *f, struct msg *m) {
    flush_log(f);
    uint64_t at = m->arg[0], end = atomic_load(&f->shm.log->durable);
    if (at < LOG_FIRST.at || at >= end) return STATUS(STALE);
    uint64_t n = end - at < LOG_WINDOW_BYTES ? end - at : LOG_WINDOW_BYTES;
    memcpy(f->shm.pool->log_window[m->slot], f->log_file + at, n);
    m->arg[0] = n;
    return OK;
}

/* txnd */

static bool txn_ended(const struct fake_env *f, txn_ref ref) {
    const struct txn_slot *slots = (const void *)f->shm.txn->memory;
    uint64_t word = atomic_load(&slots[ref & 0xffff].word);
    return word >> 8 != ref >> 16 || (word & 0xff) == TXN_FREE;
}

static status wait_txn(struct fake_env *f, const struct msg *m) {
    uint64_t waits = (m->arg[3] ? m->arg[3] : 5000) * 10;
    for (uint64_t n = 0; n < waits; n++) {
        if (txn_ended(f, m->arg[1])) return OK;
        usleep(100);
    }
    return STATUS(LOCK_NOT_AVAILABLE);
}

/* Handles are positions in the file, which only grows; a block's length stands before it. */
static status write_temp(struct fake_env *f, struct msg *m) {
    const char *window = temp_window(f->shm.temp, m->slot, (unsigned)m->arg[0]);
    uint64_t bytes = m->arg[1], at = f->temp_bytes;
    if (at + sizeof bytes + bytes > TEMP_FILE_BYTES) return STATUS(DISK_FULL);
    memcpy(f->temp_file + at, &bytes, sizeof bytes);
    memcpy(f->temp_file + at + sizeof bytes, window + TEMP_HEAD_BYTES, bytes);
    f->temp_bytes += sizeof bytes + bytes;
    m->arg[0] = at;
    return OK;
}

static status read_temp(struct fake_env *f, struct msg *m) {
    char *window = temp_window(f->shm.temp, m->slot, (unsigned)m->arg[0]);
    uint64_t bytes;
    memcpy(&bytes, f->temp_file + m->arg[1], sizeof bytes);
    memcpy(window + TEMP_HEAD_BYTES, f->temp_file + m->arg[1] + sizeof bytes, bytes);
    m->arg[0] = bytes;
    return OK;
}

static status fake_call(struct proc *p, uint16_t to, struct msg *m) {
    struct fake_env *f = p->env_data;
    status s = STATUS(INVALID);
    m->slot = p->owner.slot;
    m->epoch = p->epoch;
    if (to == SLOT_TXND) {
        if (f->txn_call)
            s = f->txn_call(f, p, m);
        else if (m->op == MSG_TXN_WAIT)
            s = wait_txn(f, m);
    } else {
        pthread_mutex_lock(&f->mutex);
        switch (m->op) {
        case MSG_PAGE_LOAD:
            if (m->arg[0] >= f->pages_max) {
                s = STATUS(DATA_CORRUPTED);
                break;
            }
            m->arg[0] = (uint64_t)(load_page(f, (page_id){m->arg[0]}) - f->shm.frames);
            s = OK;
            break;
        case MSG_PAGE_RESERVE: s = reserve_pages(f, m); break;
        case MSG_LOG_FLUSH:
        case MSG_LOG_SPACE:
            flush_log(f);
            s = OK;
            break;
        case MSG_LOG_READ: s = read_log(f, m); break;
        case MSG_TEMP_WRITE: s = write_temp(f, m); break;
        case MSG_TEMP_READ: s = read_temp(f, m); break;
        case MSG_TEMP_FREE: s = OK; break; /* nothing is used again */
        default: break;
        }
        pthread_mutex_unlock(&f->mutex);
    }
    m->code = s.code;
    return s;
}

static void fake_post(struct proc *p, uint16_t to, const struct msg *m) {
    struct fake_env *f = p->env_data;
    if (to == SLOT_TXND && f->txn_call) {
        struct msg copy = *m;
        copy.slot = p->owner.slot;
        status_ignore(f->txn_call(f, p, &copy)); /* a post has no answer */
    } else if (m->op == MSG_PAGE_PREFETCH) {
        CHECK(m->arg[0] < f->pages_max);
        pthread_mutex_lock(&f->mutex);
        load_page(f, (page_id){m->arg[0]});
        pthread_mutex_unlock(&f->mutex);
    }
}

static void fake_pause(struct proc *p) {
    (void)p;
    sched_yield();
}

static uint64_t fake_clock(struct proc *p) {
    struct fake_env *f = p->env_data;
    return __atomic_add_fetch(&f->clock, 1000, __ATOMIC_RELAXED);
}

static uint32_t power_of_two(uint32_t n) {
    uint32_t power = 16;
    while (power < n) power *= 2;
    return power;
}

struct fake_env *fake_env_new(const struct fake_options *o) {
    struct fake_env *f = calloc(1, sizeof *f);
    CHECK(f);
    struct shm *shm = &f->shm;
    shm->sizes = (struct shm_sizes){.frames = o->frames ? o->frames : 4096,
                                    .workers = WORKERS_MAX,
                                    .txns = o->txns ? o->txns : 64,
                                    .map_entries = o->map_entries ? o->map_entries : 65536,
                                    .ring_bytes = o->ring_bytes ? o->ring_bytes : 16 << 20};
    shm->sizes.page_buckets = power_of_two(shm->sizes.frames);
    f->pages_max = o->pages_max ? o->pages_max : 65536;
    f->next_page = o->first_page ? o->first_page : SPACE_FIRST + 1;
    f->random = 88172645463325252u;
    f->clock = 1700000000000000000u;
    f->log_bytes_max = LOG_FILE_BYTES;
    f->log_file = map_memory(LOG_FILE_BYTES);
    f->temp_file = map_memory(TEMP_FILE_BYTES);
    f->file = map_memory(f->pages_max * PAGE_BYTES);
    f->env = (struct env){.wall_ns = fake_clock,
                          .mono_ns = fake_clock,
                          .call = fake_call,
                          .post = fake_post,
                          .pause = fake_pause};
    pthread_mutex_init(&f->mutex, NULL);
    shm->control = map_memory(sizeof *shm->control);
    shm->control->sizes = shm->sizes;
    shm->pool = map_memory(pool_shared_bytes(&shm->sizes));
    shm->frames = map_memory(shm->sizes.frames * sizeof(struct frame));
    shm->pages = map_memory((size_t)shm->sizes.frames * PAGE_BYTES);
    shm->log = map_memory(sizeof *shm->log);
    shm->log_ring = map_ring(shm->sizes.ring_bytes);
    shm->txn = map_memory(TXN_REGION_BYTES);
    shm->serial = map_memory(sizeof *shm->serial);
    shm->temp = map_memory(sizeof *shm->temp);
    shm->counters = map_memory(PROC_SLOTS * sizeof(struct counter_block));
    log_shared_init(shm->log, LOG_FIRST, 0);
    atomic_store(&shm->log->segment_bytes, (uint64_t)1 << 20);
    atomic_store(&shm->control->recovered_lsn, LOG_FIRST.at);
    atomic_store(&shm->control->redo_done, 1);
    atomic_store(&shm->control->redo_complete, 1);
    return f;
}

void fake_env_free(struct fake_env *f) {
    struct shm *shm = &f->shm;
    munmap(shm->control, sizeof *shm->control);
    munmap(shm->serial, sizeof *shm->serial);
    munmap(shm->temp, sizeof *shm->temp);
    munmap(shm->pool, pool_shared_bytes(&shm->sizes));
    munmap(shm->frames, shm->sizes.frames * sizeof(struct frame));
    munmap(shm->pages, (size_t)shm->sizes.frames * PAGE_BYTES);
    munmap(shm->log, sizeof *shm->log);
    munmap(shm->log_ring, 2 * shm->sizes.ring_bytes);
    munmap(shm->txn, TXN_REGION_BYTES);
    munmap(shm->counters, PROC_SLOTS * sizeof(struct counter_block));
    munmap(f->log_file, LOG_FILE_BYTES);
    munmap(f->temp_file, TEMP_FILE_BYTES);
    munmap(f->file, f->pages_max * PAGE_BYTES);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

void fake_env_proc(struct fake_env *f, uint16_t slot, struct proc *ret_proc) {
    *ret_proc = (struct proc){.owner = {.slot = slot, .epoch = 1},
                              .epoch = 1,
                              .shm = &f->shm,
                              .env = &f->env,
                              .env_data = f,
                              .counters = &f->shm.counters[slot]};
    atomic_store(&f->shm.control->procs[slot].epoch, 1);
    atomic_store(&f->shm.control->procs[slot].state, PROC_READY);
}

void fake_env_page(struct fake_env *f, page_id page, void *copy) {
    pthread_mutex_lock(&f->mutex);
    memcpy(copy, frame_bytes(&f->shm, load_page(f, page)), PAGE_BYTES);
    pthread_mutex_unlock(&f->mutex);
}

void fake_env_flush(struct fake_env *f) {
    pthread_mutex_lock(&f->mutex);
    flush_log(f);
    pthread_mutex_unlock(&f->mutex);
}
