#include "temp/temp.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/crc32c.h"
#include "crypt/crypt.h"
#include "storaged.h"

/* Temporary space: blocks of a file that nothing survives but this process.
 *
 *   free ── WRITE: owner set ──→ written ── READ … ── FREE, or the owner's life is over ──→ free
 *
 * Content goes through buffers of ours: a window may find a new owner while the disk is still at
 * work for the dead one. The file is removed when nothing in it has been in use for a while. */

#define TEMP_FILE "temp"
#define IDLE_TICKS_MAX 20 /* until an empty file is removed */

/* ---- blocks ---- */

static struct temp_block *block_at(struct storaged *s, uint32_t block) {
    return &s->shm->temp->blocks[block];
}

static uint16_t slot_of(uint64_t owner) {
    return (uint16_t)(owner >> 32);
}

static void block_free(struct storaged *s, uint32_t block) {
    struct temp_block *b = block_at(s, block);
    s->temp.of[slot_of(atomic_load(&b->owner)) % PROC_SLOTS]--;
    atomic_store(&b->owner, 0);
    s->temp.used--;
    if (block < s->temp.cursor) s->temp.cursor = block;
}

static bool block_find(struct storaged *s, uint32_t *ret) {
    struct temp_space *t = &s->temp;
    while (t->cursor < t->end && atomic_load(&block_at(s, t->cursor)->owner)) t->cursor++;
    if (t->cursor == TEMP_BLOCKS_MAX) return false;
    if (t->cursor == t->end) t->end++;
    *ret = t->cursor++;
    return true;
}

/* The block of a handle that this message's sender owns. */
static bool block_of(struct storaged *s, const struct msg *m, uint64_t handle, uint32_t *ret) {
    uint32_t block = temp_block_of(handle);
    struct temp_block *b = block_at(s, block);
    if (atomic_load(&b->owner) != ((uint64_t)m->slot << 32 | m->epoch) ||
        atomic_load(&b->serial) != temp_serial_of(handle))
        return false;
    *ret = block;
    return true;
}

/* A new block for the request, or the one that it was given by a life of ours that died. */
static status block_new(struct storaged *s, const struct msg *m, uint64_t *ret_handle) {
    struct temp_request *r = &s->shm->temp->requests[m->slot][m->arg[0]];
    uint32_t block;
    uint64_t handle = atomic_load(&r->handle);
    if (atomic_load(&r->tag) == m->tag && atomic_load(&r->epoch) == m->epoch &&
        block_of(s, m, handle, &block)) {
        *ret_handle = handle;
        return OK;
    }
    if (!block_find(s, &block)) return STATUS(DISK_FULL);
    handle = temp_handle(++s->temp.serial, block);
    atomic_store(&r->tag, 0);
    atomic_store(&r->epoch, m->epoch);
    atomic_store(&r->handle, handle);
    atomic_store(&r->tag, m->tag);
    atomic_store(&block_at(s, block)->serial, s->temp.serial);
    atomic_store(&block_at(s, block)->owner, (uint64_t)m->slot << 32 | m->epoch);
    s->temp.of[m->slot]++;
    s->temp.used++;
    *ret_handle = handle;
    return OK;
}

/* ---- bytes ---- */

static uint32_t content_crc(const char *buf, uint32_t bytes) {
    return crc32c(0, buf + sizeof(uint32_t), TEMP_HEAD_BYTES - sizeof(uint32_t) + bytes);
}

static void seal(struct storaged *s, char *buf, uint32_t bytes, uint64_t handle) {
    struct temp_head *h = (struct temp_head *)buf;
    char *content = buf + TEMP_HEAD_BYTES;
    *h = (struct temp_head){.bytes = bytes, .handle = handle};
    if (s->crypt) {
        struct crypt_tail tail;
        crypt_seal(s->crypt, CRYPT_TEMP, handle, content, content, bytes, &tail);
        memcpy(h->tail, &tail, sizeof tail);
    }
    h->crc = content_crc(buf, bytes);
}

static status verify(struct storaged *s, char *buf, uint64_t handle) {
    const struct temp_head *h = (const struct temp_head *)buf;
    char *content = buf + TEMP_HEAD_BYTES;
    bool whole = h->bytes <= TEMP_CONTENT_BYTES && h->handle == handle &&
                 h->crc == content_crc(buf, h->bytes);
    if (!whole) return STATUS(DATA_CORRUPTED);
    if (!s->crypt) return OK;
    struct crypt_tail tail;
    memcpy(&tail, h->tail, sizeof tail);
    return crypt_open(s->crypt, CRYPT_TEMP, handle, content, content, h->bytes, &tail);
}

/* ---- requests ---- */

static bool is_current(struct storaged *s, const struct msg *m) {
    return atomic_load(&s->shm->control->procs[m->slot].epoch) == m->epoch;
}

static void answer(struct storaged *s, const struct msg *m, status result, uint64_t arg) {
    struct msg a = *m;
    a.code = result.code;
    a.arg[0] = arg;
    daemon_reply(s->d, &a);
}

static void start(struct storaged *s, struct temp_job *j);

/* The job is free, unless somebody waits for one. */
static void job_end(struct storaged *s, struct temp_job *j, status result, uint64_t arg) {
    answer(s, &j->m, result, arg);
    s->temp.under_way--;
    struct waiter *w = waiter_pop(&s->temp.waiting);
    if (w) {
        j->m = w->m;
        waiter_drop(s, w);
        start(s, j);
        return;
    }
    j->m.slot = 0;
    j->next = s->temp.free_jobs;
    s->temp.free_jobs = j;
}

static void job_done(struct storaged *s, struct io_req *req) {
    struct temp_job *j = req->arg;
    status result = req->io.result;
    if (j->m.op == MSG_TEMP_WRITE) {
        if (!ok(result)) block_free(s, temp_block_of(j->handle));
        job_end(s, j, result, j->handle);
        return;
    }
    if (ok(result)) result = verify(s, j->buf, j->handle);
    uint32_t bytes = ((const struct temp_head *)j->buf)->bytes;
    if (ok(result) && is_current(s, &j->m))
        memcpy((char *)temp_window(s->shm->temp, j->m.slot, (unsigned)j->m.arg[0]) +
                   TEMP_HEAD_BYTES,
               j->buf + TEMP_HEAD_BYTES, bytes);
    job_end(s, j, result, bytes);
}

static status prepare_write(struct storaged *s, struct temp_job *j) {
    uint32_t bytes = (uint32_t)j->m.arg[1];
    TRY(block_new(s, &j->m, &j->handle));
    memcpy(j->buf + TEMP_HEAD_BYTES,
           (char *)temp_window(s->shm->temp, j->m.slot, (unsigned)j->m.arg[0]) + TEMP_HEAD_BYTES,
           bytes);
    seal(s, j->buf, bytes, j->handle);
    size_t len = (TEMP_HEAD_BYTES + bytes + DISK_ALIGN - 1) / DISK_ALIGN * DISK_ALIGN;
    j->req.io = (struct disk_io){.op = DISK_WRITE, .len = len};
    counter_add(s->p, COUNTER_TEMP_WRITES, 1);
    return OK;
}

static status prepare_read(struct storaged *s, struct temp_job *j) {
    uint32_t block;
    j->handle = j->m.arg[1];
    if (!block_of(s, &j->m, j->handle, &block)) return STATUS(NOT_FOUND);
    j->req.io = (struct disk_io){.op = DISK_READ, .len = TEMP_BLOCK_BYTES};
    counter_add(s->p, COUNTER_TEMP_READS, 1);
    return OK;
}

static status prepare(struct storaged *s, struct temp_job *j) {
    if (!is_current(s, &j->m)) return STATUS(INVALID); /* nobody would give the block back */
    if (!j->buf) j->buf = io_buffer(TEMP_BLOCK_BYTES);
    if (!j->buf) return STATUS(OUT_OF_MEMORY);
    if (!s->temp.file) TRY(disk_file_open(s->disk, s->dirfd, TEMP_FILE, true, &s->temp.file));
    return j->m.op == MSG_TEMP_WRITE ? prepare_write(s, j) : prepare_read(s, j);
}

static void start(struct storaged *s, struct temp_job *j) {
    s->temp.under_way++;
    status st = prepare(s, j);
    if (!ok(st)) {
        job_end(s, j, st, 0);
        return;
    }
    j->req.io.file = s->temp.file;
    j->req.io.buf = j->buf;
    j->req.io.offset = (uint64_t)temp_block_of(j->handle) * TEMP_BLOCK_BYTES;
    j->req.done = job_done;
    j->req.arg = j;
    io_submit(s, &j->req);
}

static void request(struct storaged *s, const struct msg *m) {
    struct temp_job *j = s->temp.free_jobs;
    if (j) {
        s->temp.free_jobs = j->next;
        j->m = *m;
        start(s, j);
        return;
    }
    struct waiter *w = waiter_for_msg(s, m);
    if (w) waiter_push(&s->temp.waiting, w);
}

void temp_write_request(struct storaged *s, const struct msg *m) {
    if (m->arg[0] < TEMP_WINDOWS && m->arg[1] <= TEMP_CONTENT_BYTES)
        request(s, m);
    else
        answer(s, m, STATUS(INVALID), 0);
}

void temp_read_request(struct storaged *s, const struct msg *m) {
    if (m->arg[0] < TEMP_WINDOWS)
        request(s, m);
    else
        answer(s, m, STATUS(INVALID), 0);
}

void temp_free_request(struct storaged *s, const struct msg *m) {
    bool valid = m->arg[0] < TEMP_WINDOWS && m->arg[1] <= TEMP_FREE_MAX;
    const char *content = temp_window(s->shm->temp, m->slot, (unsigned)m->arg[0] % TEMP_WINDOWS);
    for (uint64_t i = 0; valid && i < m->arg[1]; i++) {
        uint64_t handle;
        uint32_t block;
        memcpy(&handle, content + TEMP_HEAD_BYTES + i * sizeof handle, sizeof handle);
        if (block_of(s, m, handle, &block)) block_free(s, block);
    }
    answer(s, m, valid ? OK : STATUS(INVALID), 0);
}

/* ---- the dead, and the file ---- */

static bool is_busy(const struct storaged *s, uint16_t slot) {
    for (unsigned i = 0; i < TEMP_JOBS; i++)
        if (s->temp.jobs[i].m.slot == slot) return true;
    return false;
}

/* What earlier lives of the slot had. */
static void reclaim(struct storaged *s, uint16_t slot) {
    const struct proc_entry *e = &s->shm->control->procs[slot];
    uint32_t state = atomic_load(&e->state);
    bool dead = state == PROC_DEAD || state == PROC_FAILED;
    uint64_t current = (uint64_t)slot << 32 | atomic_load(&e->epoch);
    for (uint32_t i = 0; i < s->temp.end; i++) {
        uint64_t owner = atomic_load(&block_at(s, i)->owner);
        if (owner && slot_of(owner) == slot && (dead || owner != current)) block_free(s, i);
    }
    s->temp.epochs[slot] = (uint32_t)current;
}

static void drop_file(struct storaged *s) {
    struct temp_space *t = &s->temp;
    disk_file_close(t->file);
    t->file = NULL;
    t->end = t->cursor = 0;
    /* What is still there is written over, or removed at the next start. */
    status_ignore(disk_file_remove(s->disk, s->dirfd, TEMP_FILE));
}

bool temp_has_older(const struct storaged *s) {
    for (uint32_t i = 0; i < s->temp.end; i++) {
        const struct temp_block *b = &s->shm->temp->blocks[i];
        if (atomic_load(&b->owner) && atomic_load(&b->serial) <= s->temp.older_serial) return true;
    }
    return false;
}

void temp_tick(struct storaged *s) {
    struct temp_space *t = &s->temp;
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        const struct proc_entry *e = &s->shm->control->procs[slot];
        uint32_t state = atomic_load(&e->state);
        bool over =
            state == PROC_DEAD || state == PROC_FAILED || atomic_load(&e->epoch) != t->epochs[slot];
        if (over && t->of[slot] && !is_busy(s, slot)) reclaim(s, slot);
    }
    if (!t->file || t->used || t->under_way)
        t->idle_ticks = 0;
    else if (++t->idle_ticks > IDLE_TICKS_MAX)
        drop_file(s);
}

/* ---- births and the end ---- */

static void adopt(struct storaged *s) {
    struct temp_space *t = &s->temp;
    for (uint32_t i = 0; i < TEMP_BLOCKS_MAX; i++) {
        struct temp_block *b = block_at(s, i);
        uint64_t serial = atomic_load(&b->serial), owner = atomic_load(&b->owner);
        if (!serial) break; /* blocks are first given in order */
        t->end = i + 1;
        if (serial > t->serial) t->serial = serial;
        if (!owner) continue;
        t->used++;
        t->of[slot_of(owner) % PROC_SLOTS]++;
    }
}

status temp_init(struct storaged *s) {
    struct temp_space *t = &s->temp;
    t->waiting.end = &t->waiting.first;
    for (unsigned i = 0; i < TEMP_JOBS; i++) {
        t->jobs[i].next = t->free_jobs;
        t->free_jobs = &t->jobs[i];
    }
    adopt(s);
    t->older_serial = t->serial;
    if (t->used) return OK;
    t->end = 0;
    status st = disk_file_remove(s->disk, s->dirfd, TEMP_FILE);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

void temp_fini(struct storaged *s) {
    for (unsigned i = 0; i < TEMP_JOBS; i++) free(s->temp.jobs[i].buf);
}
