#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/probe.h"
#include "storaged.h"

/* The pool's size while everything runs. The regions have room for `sizes.frames`; the pool is to
 * have the first `wanted_frames` of them, and has memory for the first `ready_frames`:
 *
 *   larger    frames get their memory when they are needed (frames.c), as after a start
 *   smaller   frames behind the new end are emptied, from the last one down, by
 *             POOL_PIECE_FRAMES; a piece that is empty gives its memory back
 *
 * A page behind the end that nobody uses and that is as at home is evicted. Any other one moves to
 * a free frame before the end, dirty or not, and takes its place in the order of eviction along: so
 * the hand decides what a smaller pool keeps, and a page that is changed all the time holds up
 * nothing. Frames behind the end are never taken. All of this stands in shared memory: a successor
 * goes on with it. */

#define MOVES_A_STEP 64

/* Memory from frame `from` to `end` goes back to the system. Who has found one of them a moment ago
 * reads zeroes, and then that it holds no page. */
static void give_back(struct storaged *s, uint32_t from, uint32_t end) {
    if (from == end || madvise(frame_bytes(s->shm, &s->shm->frames[from]),
                               (size_t)(end - from) * PAGE_BYTES, MADV_REMOVE) == 0)
        return;
    storaged_say("memory of the buffer pool cannot be given back: %s", strerror(errno));
}

/* Free frames that may be taken are those before the end, no more and no fewer. */
static void renew_stock(struct storaged *s, uint32_t before, uint32_t now) {
    uint32_t ready = atomic_load(&s->shm->pool->ready_frames), kept = 0;
    for (uint32_t i = 0; i < s->stock_count; i++)
        if (s->stock[i] < now) s->stock[kept++] = s->stock[i];
    s->stock_count = kept;
    for (uint32_t i = before; i < now && i < ready; i++) {
        struct frame *f = &s->shm->frames[i];
        if (atomic_load(&f->state) == FRAME_FREE) frames_put(s, f);
    }
}

status pool_resize(struct storaged *s, uint64_t bytes) {
    uint64_t n = bytes / PAGE_BYTES;
    if (n < POOL_FRAMES_MIN || n > s->shm->sizes.frames) return STATUS(INVALID);
    uint32_t before = atomic_load(&s->shm->pool->wanted_frames), now = (uint32_t)n;
    PROBE(axolotl_storaged, pool_resize, before, now);
    atomic_store(&s->shm->pool->wanted_frames, now);
    s->pool_bounded = false;
    frames_set_target(s);
    renew_stock(s, before, now);
    return OK;
}

/* Moves the page of f, both latched. Until f is free the copy does not count, from then on it does:
 * a successor finds the page once, whatever store was the last. */
static void move(struct storaged *s, struct frame *f, struct frame *to) {
    memcpy(frame_bytes(s->shm, to), frame_bytes(s->shm, f), PAGE_BYTES);
    atomic_store(&to->rec_lsn, atomic_load(&f->rec_lsn));
    atomic_store(&to->write_lsn, 0);
    atomic_store(&to->rebuild_lsn, 0);
    atomic_store(&to->changes, atomic_load(&f->changes));
    atomic_store(&to->used, atomic_load(&f->used));
    atomic_store(&to->page, atomic_load(&f->page));
    atomic_store(&to->state, FRAME_MOVED);
    atomic_store(&f->state, FRAME_FREE);
    atomic_store(&f->rec_lsn, 0);
    table_remove(s, f);
    table_insert(s, to);
    atomic_store(&to->state, FRAME_READY);
    atomic_store(&f->page, 0);
    frames_follow(s, to, f);
}

/* Who waits for a frame comes first. */
static bool move_away(struct storaged *s, struct frame *f) {
    if (s->stock_count <= s->stock_target / 2 || !latch_try(&f->latch, s->p->owner)) return false;
    bool whole = atomic_load(&f->state) == FRAME_READY && !atomic_load(&f->write_lsn);
    struct frame *to = whole ? frames_take(s) : NULL;
    if (!to) {
        page_unlatch_unchanged(f);
        return false;
    }
    move(s, f, to);
    latch_unlock(&to->latch);
    latch_unlock(&f->latch);
    return true;
}

/* True: the frame holds nothing any more. */
static bool empty_frame(struct storaged *s, struct frame *f) {
    switch (atomic_load(&f->state)) {
    case FRAME_LOADING: return false;
    case FRAME_BROKEN: load_broken(s, f); return false;
    case FRAME_REDO:
        if (atomic_load(&f->rec_lsn)) write_want(s, f, 0);
        return frames_evict(s, f);
    default: break;
    }
    const struct frame_note *note = frame_note(s, f);
    if (note->load || note->flags & NOTE_CHECKPOINT || atomic_load(&f->write_lsn)) return false;
    bool idle = atomic_load(&f->used) == FRAME_UNUSED && !atomic_load(&f->rec_lsn);
    return (idle && frames_evict(s, f)) || move_away(s, f);
}

bool pool_shrinks(const struct storaged *s) {
    const struct pool_shared *pool = s->shm->pool;
    return atomic_load(&pool->ready_frames) > atomic_load(&pool->wanted_frames);
}

bool pool_shrink(struct storaged *s) {
    struct pool_shared *pool = s->shm->pool;
    uint32_t ready = atomic_load(&pool->ready_frames), wanted = atomic_load(&pool->wanted_frames);
    if (ready <= wanted || !s->serving) return false;
    uint32_t from = (ready - 1) / POOL_PIECE_FRAMES * POOL_PIECE_FRAMES;
    if (from < wanted) from = wanted;
    unsigned left = 0, emptied = 0;
    for (uint32_t i = ready; i > from && emptied < MOVES_A_STEP; i--) {
        struct frame *f = &s->shm->frames[i - 1];
        if (atomic_load(&f->state) == FRAME_FREE) continue;
        if (empty_frame(s, f))
            emptied++;
        else
            left++;
    }
    if (left || emptied == MOVES_A_STEP) return emptied > 0;
    /* Whoever goes on after us gives back all that is behind ready_frames. */
    atomic_store(&pool->ready_frames, from);
    give_back(s, from, ready);
    uint64_t huge = atomic_load(&pool->huge_bytes), left_bytes = (uint64_t)from * PAGE_BYTES;
    if (huge > left_bytes) atomic_store(&pool->huge_bytes, left_bytes);
    return true;
}

/* The move under way when storaged died, if there was one. */
static void end_move(struct storaged *s, uint32_t to) {
    struct frame *frames = s->shm->frames;
    uint32_t ready = atomic_load(&s->shm->pool->ready_frames);
    for (uint32_t i = 0; i < ready; i++) {
        if (i == to || atomic_load(&frames[i].page) != atomic_load(&frames[to].page)) continue;
        uint32_t state = atomic_load(&frames[i].state);
        if (state != FRAME_READY && state != FRAME_BROKEN) continue;
        atomic_store(&frames[to].rec_lsn, 0);
        atomic_store(&frames[to].state, FRAME_FREE);
        return;
    }
    atomic_store(&frames[to].state, FRAME_READY);
}

void pool_size_adopt(struct storaged *s) {
    uint32_t ready = atomic_load(&s->shm->pool->ready_frames);
    for (uint32_t i = 0; i < ready; i++)
        if (atomic_load(&s->shm->frames[i].state) == FRAME_MOVED) end_move(s, i);
    give_back(s, ready, s->shm->sizes.frames);
}
