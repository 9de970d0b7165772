#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "base/probe.h"
#include "storaged.h"
#include "txn/txn.h"

/* Write-back. A frame waits in one queue, wherever the wish came from; each writer takes a batch:
 *
 *   copy under the latch, rec_lsn → write_lsn   a change made from now on is dirt of its own
 *   wait until the log is durable up to it      (frame.h, rule 4)
 *   copies into the double-write area, durable  a torn write at home can be mended
 *   pages home, flush                           the copies may be overwritten from now on
 *   write_lsn = 0
 *
 * A batch whose writing fails is tried again, whole, from its copies: nothing is taken as written
 * because a later flush succeeds. */

#define RETRY_NS 100000000u
#define LATCHED_RETRY_NS 500000u
/* While nobody waits for it a batch is made, and goes home, by so many pages at a time: in between
 * the processor is others'. */
#define PIECE_PAGES 8
#define PIECE_PAUSE_NS 500000u

static char *batch_page(const struct writer *w, unsigned i) {
    return w->buf + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES;
}

static char *out_page(const struct writer *w, unsigned i) {
    return w->out + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES;
}

static void queue_push(struct storaged *s, uint32_t frame) {
    uint32_t n = s->shm->sizes.frames;
    CHECK(s->write_count < n);
    s->write_queue[(s->write_first + s->write_count++) % n] = frame;
}

static uint32_t queue_pop(struct storaged *s) {
    uint32_t frame = s->write_queue[s->write_first];
    s->write_first = (s->write_first + 1) % s->shm->sizes.frames;
    s->write_count--;
    return frame;
}

void write_want(struct storaged *s, struct frame *f, uint8_t note_flag) {
    struct frame_note *note = frame_note(s, f);
    note->flags |= note_flag;
    if (note->flags & NOTE_WRITE) return;
    note->flags |= NOTE_WRITE;
    queue_push(s, frame_index(s, f));
    for (unsigned i = 0; i < WRITERS; i++) {
        if (!s->writers[i].idle) continue;
        s->writers[i].idle = false;
        daemon_wake(s->d, s->writers[i].coro);
        return;
    }
}

/* The frame is written, or there was nothing to write. */
static void settle(struct storaged *s, uint32_t index) {
    struct frame_note *note = &s->notes[index];
    struct frame *f = &s->shm->frames[index];
    uint8_t flags = note->flags;
    note->flags &= NOTE_LISTED;
    if (flags & NOTE_CHECKPOINT) checkpoint_settled(s);
    if (flags & NOTE_EVICT && flags & NOTE_LISTED && !atomic_load(&f->used))
        (void)frames_evict(s, f);
}

static int by_page(const void *a, const void *b, void *shm) {
    const struct frame *frames = ((const struct shm *)shm)->frames;
    uint64_t x = atomic_load(&frames[*(const uint32_t *)a].page);
    uint64_t y = atomic_load(&frames[*(const uint32_t *)b].page);
    return x < y ? -1 : x > y;
}

/* Below which position the log must be durable before this page is written: the end of its newest
 * record lies before the tail, and at most a greatest record after its beginning. */
static uint64_t durable_needed(const struct storaged *s, uint64_t page_lsn) {
    if (page_lsn == 0) return 0;
    uint64_t tail = atomic_load(&s->shm->log->tail);
    uint64_t end = page_lsn + REC_BYTES_MAX;
    return end < tail ? end : tail;
}

enum taken { TAKEN, NOTHING, BUSY };

static enum taken take_page(struct storaged *s, struct frame *f, char *copy) {
    if (atomic_load(&f->write_lsn) || fetch_holds(s, atomic_load(&f->page))) return BUSY;
    if (!atomic_load(&f->rec_lsn)) return NOTHING;
    if (!latch_try(&f->latch, s->p->owner)) return BUSY;
    uint32_t state = atomic_load(&f->state); /* of a page behind the log an older image goes home */
    bool take = (state == FRAME_READY || state == FRAME_REDO) && atomic_load(&f->rec_lsn);
    if (take) {
        memcpy(copy, frame_bytes(s->shm, f), PAGE_BYTES);
        atomic_store(&f->write_lsn, atomic_load(&f->rec_lsn));
        atomic_store(&f->rec_lsn, 0);
        atomic_store(&f->changes, 0);
    }
    page_unlatch_unchanged(f);
    return take ? TAKEN : NOTHING;
}

/* Nobody waits for frames, nor for a checkpoint. */
static bool has_time(const struct storaged *s) {
    return !s->pending.first && s->stock_count >= s->stock_target / 2 && !checkpoint_hurried(s);
}

/* Fills w's batch from the queue, in page order. Latched frames go back to its end. */
static void collect(struct storaged *s, struct writer *w, uint64_t *ret_durable) {
    uint32_t want[BATCH_PAGES];
    unsigned n = 0;
    while (n < BATCH_PAGES && s->write_count > 0) want[n++] = queue_pop(s);
    qsort_r(want, n, sizeof *want, by_page, s->shm);
    w->count = 0;
    *ret_durable = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i && i % PIECE_PAGES == 0 && has_time(s)) daemon_sleep(s->d, PIECE_PAUSE_NS);
        struct frame *f = &s->shm->frames[want[i]];
        char *copy = batch_page(w, w->count);
        switch (take_page(s, f, copy)) {
        case BUSY: queue_push(s, want[i]); continue;
        case NOTHING: settle(s, want[i]); continue;
        case TAKEN: break;
        }
        /* From here on a new wish for the frame is a new entry: NOTE_WRITE stays until settled. */
        uint64_t needed = durable_needed(s, page_head_c(copy)->lsn);
        tree_resolve_stamps(s->p, copy, txn_is_running);
        if (needed > *ret_durable) *ret_durable = needed;
        page_head(copy)->page = atomic_load(&f->page);
        page_seal(copy);
        w->frame[w->count++] = want[i];
    }
}

/* Neighbours go home in one write. */
static unsigned home_requests(struct storaged *s, struct writer *w) {
    unsigned n = 0;
    for (unsigned i = 0; i < w->count; i++) {
        uint64_t offset = page_head_c(batch_page(w, i))->page * PAGE_BYTES;
        if (n > 0 && w->req[n - 1].io.offset + w->req[n - 1].io.len == offset) {
            w->req[n - 1].io.len += PAGE_BYTES;
            continue;
        }
        w->req[n++] = (struct io_req){.io = {.op = DISK_WRITE,
                                             .file = s->data,
                                             .offset = offset,
                                             .buf = out_page(w, i),
                                             .len = PAGE_BYTES}};
    }
    return n;
}

static status write_home(struct storaged *s, struct writer *w) {
    uint64_t failed = s->data_flushes_failed;
    unsigned n = home_requests(s, w);
    for (unsigned i = 0, m; i < n; i += m) {
        m = has_time(s) && n - i > PIECE_PAGES ? PIECE_PAGES : n - i;
        TRY(io_run(s, w->req + i, m));
    }
    return io_flush_data(s, failed);
}

/* The last page of the batch. A frame may have come to hold another page after its place in the
 * order was found. */
static uint64_t last_page(const struct writer *w) {
    uint64_t last = 0;
    for (unsigned i = 0; i < w->count; i++) {
        uint64_t page = page_head_c(batch_page(w, i))->page;
        if (page > last) last = page;
    }
    return last;
}

/* The batch as it goes into files. */
static void hide_batch(struct storaged *s, struct writer *w) {
    if (w->out == w->buf) return;
    memcpy(w->out, w->buf, DOUBLEWRITE_HEAD_BYTES);
    for (unsigned i = 0; i < w->count; i++)
        cipher_hide(s, page_head_c(batch_page(w, i))->page, batch_page(w, i), out_page(w, i));
}

static status write_out(struct storaged *s, struct writer *w, uint64_t durable_lsn) {
    if (durable_lsn) TRY(log_wait_durable(s->p, (lsn){durable_lsn}));
    TRY(space_extend(s, last_page(w) + 1));
    doublewrite_seal(s, w->buf, w->count);
    hide_batch(s, w);
    TRY(io_run_one(s,
                   (struct disk_io){.op = DISK_WRITE,
                                    .file = s->doublewrite,
                                    .offset = w->index * (uint64_t)DOUBLEWRITE_REGION_BYTES,
                                    .buf = w->out,
                                    .len = DOUBLEWRITE_HEAD_BYTES + (size_t)w->count * PAGE_BYTES,
                                    .durable = true}));
    FAULT(s->p, STORAGED_DOUBLE);
    return write_home(s, w);
}

static void finish_batch(struct storaged *s, struct writer *w) {
    FAULT(s->p, STORAGED_HOME);
    for (unsigned i = 0; i < w->count; i++) {
        struct frame *f = &s->shm->frames[w->frame[i]];
        const struct page_head *written = page_head_c(batch_page(w, i));
        home_lsn_put(s, written->page, written->lsn);
        atomic_store(&f->write_lsn, 0);
        settle(s, w->frame[i]);
    }
    counter_add(s->p, COUNTER_PAGE_WRITES, w->count);
}

static void writer_run(void *arg) {
    struct writer *w = arg;
    struct storaged *s = w->s;
    w->coro = coro_self();
    for (;;) {
        while (s->write_count == 0) {
            w->idle = true;
            while (w->idle) daemon_suspend(s->d);
        }
        uint64_t durable;
        collect(s, w, &durable);
        if (w->count == 0) {
            if (s->write_count > 0) daemon_sleep(s->d, LATCHED_RETRY_NS);
            continue;
        }
        uint64_t begun_ns = s->p->env->mono_ns(s->p);
        PROBE(axolotl_storaged, page_write_begin, w->index, w->count, durable);
        status st;
        bool said = false;
        while (!ok(st = write_out(s, w, durable))) {
            if (!said) storaged_say("writing pages failed, trying again: %s", status_name(st));
            said = true;
            daemon_sleep(s->d, RETRY_NS);
        }
        PROBE(axolotl_storaged, page_write_done, w->index, w->count,
              s->p->env->mono_ns(s->p) - begun_ns);
        finish_batch(s, w);
    }
}

status write_init(struct storaged *s) {
    s->write_queue = calloc(s->shm->sizes.frames, sizeof *s->write_queue);
    if (!s->write_queue) return STATUS(OUT_OF_MEMORY);
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *w = &s->writers[i];
        *w = (struct writer){.s = s, .index = i, .buf = io_buffer(DOUBLEWRITE_REGION_BYTES)};
        w->out = s->crypt ? io_buffer(DOUBLEWRITE_REGION_BYTES) : w->buf;
        if (!w->buf || !w->out) return STATUS(OUT_OF_MEMORY);
        TRY(daemon_spawn(s->d, 0, writer_run, w));
    }
    return OK;
}

void write_fini(struct storaged *s) {
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *w = &s->writers[i];
        if (w->out != w->buf) free(w->out);
        free(w->buf);
    }
    free(s->write_queue);
}
