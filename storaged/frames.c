#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/probe.h"
#include "ipc_region.h"
#include "storaged.h"

/* Eviction by SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, NSDI 2024): a
 * queue in order of arrival and a hand that goes from old to new. A used page stays where it is and
 * loses its mark, an unused one goes. A page that a scan reads once never gets a mark, read ahead
 * or not, so a scan does not push out what is used. Dirty pages are sent to the writers, and go
 * when they come back clean and still unused. */

#define STOCK_MIN 8
#define STOCK_MAX 512
#define STRETCH_FRAMES 512      /* looked at in one turn */
#define EVICT_WRITES_QUEUED 256 /* no more pages are sent to the writers than this */

status frames_init(struct storaged *s) {
    uint32_t n = s->shm->sizes.frames;
    s->notes = calloc(n, sizeof *s->notes);
    s->stock = calloc(n, sizeof *s->stock);
    if (!s->notes || !s->stock) return STATUS(OUT_OF_MEMORY);
    frames_set_target(s);
    return OK;
}

void frames_set_target(struct storaged *s) {
    uint32_t n = atomic_load(&s->shm->pool->wanted_frames);
    s->stock_target = n / 32 < STOCK_MIN ? STOCK_MIN : n / 32 > STOCK_MAX ? STOCK_MAX : n / 32;
}

void frames_fini(struct storaged *s) {
    free(s->notes);
    free(s->stock);
    s->notes = NULL;
    s->stock = NULL;
}

void frames_put(struct storaged *s, struct frame *f) {
    uint32_t index = frame_index(s, f);
    if (index >= atomic_load(&s->shm->pool->wanted_frames)) return; /* it stays empty */
    CHECK(s->stock_count < s->shm->sizes.frames);
    s->stock[s->stock_count++] = index;
}

/* The next frames get their memory. A pool that cannot have all of it is smaller. */
static bool frames_more(struct storaged *s) {
    struct pool_shared *pool = s->shm->pool;
    uint32_t ready = atomic_load(&pool->ready_frames), wanted = atomic_load(&pool->wanted_frames);
    if (ready >= wanted || s->pool_bounded) return false;
    uint32_t n = POOL_PIECE_FRAMES - ready % POOL_PIECE_FRAMES;
    if (n > wanted - ready) n = wanted - ready;
    bool huge;
    if (!region_get_memory(s->shm->sizes.huge_pages, frame_bytes(s->shm, &s->shm->frames[ready]),
                           (size_t)n * PAGE_BYTES, &huge)) {
        s->pool_bounded = true;
        storaged_say("the buffer pool stays at %u of %u pages: %s", ready, wanted, strerror(errno));
        return false;
    }
    for (uint32_t i = ready + n; i > ready; i--) frames_put(s, &s->shm->frames[i - 1]);
    atomic_store(&pool->ready_frames, ready + n);
    if (huge) atomic_fetch_add(&pool->huge_bytes, (uint64_t)n * PAGE_BYTES);
    return true;
}

struct frame *frames_take(struct storaged *s) {
    for (uint32_t i = s->stock_count; i > 0; i--) {
        struct frame *f = &s->shm->frames[s->stock[i - 1]];
        /* Somebody may have latched it for the page that it held and is about to find out. */
        if (!latch_try(&f->latch, s->p->owner)) continue;
        s->stock[i - 1] = s->stock[--s->stock_count];
        return f;
    }
    return NULL;
}

void frames_admit(struct storaged *s, struct frame *f) {
    uint32_t self = frame_index(s, f) + 1;
    struct frame_note *note = frame_note(s, f);
    CHECK(!(note->flags & NOTE_LISTED));
    note->flags |= NOTE_LISTED;
    note->newer = 0;
    note->older = s->newest;
    if (s->newest) s->notes[s->newest - 1].newer = self;
    s->newest = self;
    if (!s->oldest) s->oldest = self;
}

static void unlist(struct storaged *s, struct frame *f) {
    struct frame_note *note = frame_note(s, f);
    if (!(note->flags & NOTE_LISTED)) return;
    if (s->hand == frame_index(s, f) + 1) s->hand = note->newer;
    if (note->newer)
        s->notes[note->newer - 1].older = note->older;
    else
        s->newest = note->older;
    if (note->older)
        s->notes[note->older - 1].newer = note->newer;
    else
        s->oldest = note->newer;
    note->flags &= (uint8_t)~NOTE_LISTED;
    note->newer = note->older = 0;
}

void frames_follow(struct storaged *s, struct frame *f, const struct frame *before) {
    struct frame_note *to = frame_note(s, f), *from = frame_note(s, before);
    uint32_t self = frame_index(s, f) + 1;
    CHECK(from->flags & NOTE_LISTED && !(to->flags & NOTE_LISTED));
    to->newer = from->newer;
    to->older = from->older;
    *(to->newer ? &s->notes[to->newer - 1].older : &s->newest) = self;
    *(to->older ? &s->notes[to->older - 1].newer : &s->oldest) = self;
    if (s->hand == frame_index(s, before) + 1) s->hand = self;
    to->flags |= NOTE_LISTED;
    from->flags &= (uint8_t)~NOTE_LISTED;
    from->newer = from->older = 0;
}

/* The order of the stores: whatever a successor of ours finds half done, a FREE frame holds
 * nothing. */
bool frames_evict(struct storaged *s, struct frame *f) {
    if (!latch_try(&f->latch, s->p->owner)) return false;
    uint32_t state = atomic_load(&f->state);
    bool whole = state == FRAME_READY || (state == FRAME_REDO && !frame_note(s, f)->load);
    uint64_t page = atomic_load(&f->page);
    if (!whole || atomic_load(&f->rec_lsn) || atomic_load(&f->write_lsn) ||
        pool_pinned(s->shm, page)) {
        page_unlatch_unchanged(f);
        return false;
    }
    atomic_store(&f->state, FRAME_FREE);
    table_remove(s, f);
    atomic_store(&f->page, 0);
    latch_unlock(&f->latch);
    unlist(s, f);
    frames_put(s, f);
    counter_add(s->p, COUNTER_EVICTIONS, 1);
    PROBE(axolotl_storaged, evict, page, frame_index(s, f));
    return true;
}

/* One frame under the hand. True: something has changed by it. */
static bool consider(struct storaged *s, struct frame *f) {
    if (atomic_load_explicit(&f->state, memory_order_relaxed) == FRAME_BROKEN) {
        load_broken(s, f);
        return false;
    }
    if (atomic_load_explicit(&f->used, memory_order_relaxed)) {
        atomic_store_explicit(&f->used, 0, memory_order_relaxed);
        return true;
    }
    if (atomic_load_explicit(&f->write_lsn, memory_order_relaxed)) {
        frame_note(s, f)->flags |= NOTE_EVICT;
        return false;
    }
    if (atomic_load_explicit(&f->rec_lsn, memory_order_relaxed)) {
        if (frame_note(s, f)->flags & NOTE_WRITE) {
            frame_note(s, f)->flags |= NOTE_EVICT;
            return false;
        }
        if (s->write_count >= EVICT_WRITES_QUEUED) return false;
        write_want(s, f, NOTE_EVICT);
        return true;
    }
    return frames_evict(s, f);
}

bool frames_refill(struct storaged *s) {
    bool changed = s->stock_count < s->stock_target && frames_more(s);
    for (unsigned i = 0; i < STRETCH_FRAMES && s->stock_count < s->stock_target; i++) {
        uint32_t at = s->hand ? s->hand : s->oldest;
        if (!at) break;
        s->hand = s->notes[at - 1].newer;
        changed |= consider(s, &s->shm->frames[at - 1]);
    }
    s->evict_stalled = s->stock_count < s->stock_target && !changed;
    return s->stock_count < s->stock_target && changed;
}
