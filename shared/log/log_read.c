/* log_read.c: records back, from the ring without asking anybody, else from logd. */
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "log/log_internal.h"
#include "msg/msg.h"
#include "pool/frame.h" /* only for where the window lies in shared memory */

#define READ_TRIES 4

_Static_assert(LOG_SCAN_BYTES == LOG_WINDOW_BYTES, "a scan takes over one window");

/* The bytes may be overwritten while they are copied; the caller finds out afterwards. Word by word
 * and not by memcpy, so that ThreadSanitizer can be told that this race is meant. */
__attribute__((noinline, no_sanitize("thread"))) static void copy_racing(void *to, const void *from,
                                                                         size_t bytes) {
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word =
            __atomic_load_n((const uint64_t *)((const char *)from + i), __ATOMIC_RELAXED);
        memcpy((char *)to + i, &word, sizeof word);
    }
}

/* After a copy of what lies from `at` on: was it still there? Pairs with the fence of log_insert.c:
 * who saw a byte of a newer record sees the tail behind it. */
static bool still_there(const struct shm *shm, uint64_t at) {
    atomic_thread_fence(memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&shm->log->tail, memory_order_relaxed);
    return tail - at <= shm->sizes.ring_bytes;
}

status log_read_ring(const struct shm *shm, lsn at, void *buf) {
    const struct log_shared *l = shm->log;
    uint64_t tail = atomic_load_explicit(&l->tail, memory_order_acquire);
    if (at.at >= tail || at.at % 8 != 0) return STATUS(INVALID);
    if (tail - at.at > shm->sizes.ring_bytes ||
        at.at < atomic_load_explicit(&l->first, memory_order_relaxed))
        return STATUS(NOT_FOUND);
    struct rec_head head;
    if (tail - at.at < sizeof head) return STATUS(INVALID);
    copy_racing(&head, log_ring_at(shm, at.at), sizeof head);
    if (!still_there(shm, at.at)) return STATUS(NOT_FOUND);
    if (head.len < sizeof head || head.len > REC_BYTES_MAX || head.len % 8 != 0 ||
        head.len > tail - at.at)
        return STATUS(INVALID);
    copy_racing(buf, log_ring_at(shm, at.at), head.len);
    if (!still_there(shm, at.at)) return STATUS(NOT_FOUND);
    return rec_valid(buf, head.len);
}

/* Of whole records that verify, in a window's copy. */
static uint32_t bytes_verified(const char *buf, uint64_t bytes, uint64_t base) {
    uint32_t good = 0;
    while (bytes - good >= sizeof(struct rec_head)) {
        const struct rec_head *r = (const struct rec_head *)(buf + good);
        if (!ok(rec_valid(r, bytes - good)) || rec_crc(r, (lsn){base + good}) != r->crc) break;
        good += r->len;
    }
    return good;
}

#define WINDOW_TAKEN 1u
#define WINDOW_WAITER 2u /* times the coroutines that wait */

/* One coroutine of the process at a time has its window; all run in one thread. */
static void window_take(struct proc *p) {
    _Atomic uint64_t *word = &log_own_slot(p)->window_busy;
    uint64_t now = atomic_load_explicit(word, memory_order_relaxed);
    if (now) {
        atomic_store_explicit(word, now + WINDOW_WAITER, memory_order_relaxed);
        do p->env->pause(p);
        while ((now = atomic_load_explicit(word, memory_order_relaxed)) & WINDOW_TAKEN);
        now -= WINDOW_WAITER;
    }
    atomic_store_explicit(word, now | WINDOW_TAKEN, memory_order_relaxed);
}

/* Who waits is let go first: one that reads on and on would never leave it to another. */
static void window_give(struct proc *p) {
    _Atomic uint64_t *word = &log_own_slot(p)->window_busy;
    uint64_t left = atomic_load_explicit(word, memory_order_relaxed) & ~(uint64_t)WINDOW_TAKEN;
    atomic_store_explicit(word, left, memory_order_relaxed);
    if (left) p->env->pause(p);
}

/* One coroutine of the process at a time: they share its window. What comes back is checked, since
 * an answer that was meant for this slot's life before could still be written there. */
static status read_run(struct proc *p, lsn at, bool before, char *buf, size_t buf_bytes,
                       lsn *ret_base, uint32_t *ret_bytes) {
    const char *window = p->shm->pool->log_window[p->owner.slot];
    const struct log_shared *l = p->shm->log;
    if (at.at < atomic_load_explicit(&l->oldest, memory_order_acquire) &&
        !atomic_load_explicit(&l->archived, memory_order_relaxed))
        return STATUS(STALE);
    window_take(p);
    status s = STATUS(DATA_CORRUPTED);
    for (unsigned i = 0; i < READ_TRIES; i++) {
        PROBE(axolotl_log, read_begin, at.at, p->trace);
        struct msg m = {.op = MSG_LOG_READ, .trace = p->trace, .arg = {at.at, before}};
        s = p->env->call(p, SLOT_LOGD, &m);
        PROBE(axolotl_log, read_done, at.at, s.code, p->trace);
        if (!ok(s)) break;
        s = STATUS(DATA_CORRUPTED);
        uint64_t bytes = m.arg[0] < buf_bytes ? m.arg[0] : buf_bytes;
        if (bytes > LOG_WINDOW_BYTES) break;
        lsn base = before && m.arg[1] > 1 ? (lsn){m.arg[1]} : at; /* 1: it was not looked at */
        memcpy(buf, window, bytes);
        uint32_t good = bytes_verified(buf, bytes, base.at);
        if (at.at < base.at || good <= at.at - base.at) continue;
        *ret_base = base;
        *ret_bytes = good;
        s = OK;
        break;
    }
    window_give(p);
    counter_add(p, COUNTER_LOG_READS, 1);
    return s;
}

status log_read(struct proc *p, lsn at, void *buf) {
    status s = log_read_ring(p->shm, at, buf);
    if (!status_is(s, ST_NOT_FOUND)) return s;
    uint32_t bytes;
    lsn base;
    return read_run(p, at, false, buf, REC_BYTES_MAX, &base, &bytes);
}

void log_scan_begin(struct log_scan *s, lsn from, char *buf) {
    *s = (struct log_scan){.next = from, .base = from, .buf = buf};
}

/* Fills buf from s->next on. */
static status scan_fill(struct proc *p, struct log_scan *s) {
    s->base = s->next;
    s->bytes = 0;
    status ring = log_read_ring(p->shm, s->next, s->buf);
    if (ok(ring)) {
        s->bytes = ((const struct rec_head *)s->buf)->len;
        return OK;
    }
    if (!status_is(ring, ST_NOT_FOUND)) return STATUS(DATA_CORRUPTED);
    return read_run(p, s->next, false, s->buf, LOG_SCAN_BYTES, &s->base, &s->bytes);
}

status log_scan_next(struct proc *p, struct log_scan *s, lsn limit, const struct rec_head **ret_rec,
                     lsn *ret_at) {
    if (s->next.at >= limit.at) return STATUS(END);
    if (s->next.at >= s->base.at + s->bytes) TRY(scan_fill(p, s));
    const struct rec_head *r = (const struct rec_head *)(s->buf + (s->next.at - s->base.at));
    *ret_rec = r;
    *ret_at = s->next;
    s->next.at += r->len;
    return OK;
}

/* ---- pages ------------------------------------------------------------------------------------
 */

_Static_assert(LOG_PAGES_MAX * sizeof(struct log_page) == LOG_WINDOW_BYTES, "one window");

/* As read_run: the window is one coroutine's at a time, and an answer meant for the life before
 * is found out. */
status log_pages(struct proc *p, lsn from, uint64_t *place, struct log_page *ret_pages,
                 unsigned *ret_count, uint64_t *ret_of) {
    window_take(p);
    status s = STATUS(DATA_CORRUPTED);
    for (unsigned i = 0; i < READ_TRIES; i++) {
        struct msg m = {.op = MSG_LOG_PAGES, .trace = p->trace, .arg = {from.at, *place}};
        s = p->env->call(p, SLOT_LOGD, &m);
        if (!ok(s)) break;
        s = STATUS(DATA_CORRUPTED);
        if (m.arg[0] > LOG_PAGES_MAX) continue;
        memcpy(ret_pages, p->shm->pool->log_window[p->owner.slot], m.arg[0] * sizeof *ret_pages);
        if (crc32c(0, ret_pages, m.arg[0] * sizeof *ret_pages) != m.arg[3]) continue;
        *ret_count = (unsigned)m.arg[0];
        *place = m.arg[1];
        *ret_of = m.arg[2];
        s = OK;
        break;
    }
    window_give(p);
    return s;
}

/* ---- backwards ------------------------------------------------------------------------------- */

static bool is_record(const char *bytes, size_t n, uint64_t at) {
    const struct rec_head *r = (const struct rec_head *)bytes;
    return n >= sizeof *r && ok(rec_valid(r, n)) && rec_crc(r, (lsn){at}) == r->crc;
}

/* A CRC that fits by chance is found out: its records pass over the one that must be met. */
size_t log_run_before(const char *bytes, size_t n, lsn start, lsn at) {
    size_t target = at.at - start.at;
    for (size_t from = 0; from < target; from += 8) {
        size_t to = from;
        while (to < target && is_record(bytes + to, n - to, start.at + to))
            to += ((const struct rec_head *)(bytes + to))->len;
        if (to == target) return from;
    }
    return target;
}

void log_back_begin(struct log_back *b, char *buf) {
    *b = (struct log_back){.buf = buf};
}

/* The record at `at`, as the ring has it or with those before it from logd, into the buffer. */
static status back_fill(struct proc *p, struct log_back *b, lsn at) {
    b->base = at;
    b->bytes = 0;
    b->sealed = false;
    status ring = log_read_ring(p->shm, at, b->buf);
    if (ok(ring)) b->bytes = ((const struct rec_head *)b->buf)->len;
    if (!status_is(ring, ST_NOT_FOUND)) return ring;
    b->sealed = true;
    return read_run(p, at, true, b->buf, LOG_SCAN_BYTES, &b->base, &b->bytes);
}

/* Pointers of a chain are not to be trusted: what lies in the buffer from there on may be the
 * middle of a record that looks like one. */
status log_back_read(struct proc *p, struct log_back *b, lsn at, const struct rec_head **ret_rec) {
    bool there = at.at >= b->base.at && at.at - b->base.at < b->bytes;
    if (!there || (!b->sealed && at.at != b->base.at)) TRY(back_fill(p, b, at));
    uint64_t offset = at.at - b->base.at;
    if (b->sealed && !is_record(b->buf + offset, b->bytes - offset, at.at))
        return STATUS(DATA_CORRUPTED);
    *ret_rec = (const struct rec_head *)(b->buf + offset);
    return OK;
}
