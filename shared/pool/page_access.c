#include <string.h>

#include "base/spin.h"
#include "pool/frame.h"

/* Waits on a latch before the caller is sent away: some microseconds of pauses, then yields of the
 * processor, for a holder that was preempted. A dead holder's latch takes longer than any spin. */
#define LATCH_WAITS_MAX (SPINS_BEFORE_YIELD + 256)
#define COPIES_BEFORE_PINS 8

static bool holds_page(const struct frame *f, page_id page) {
    return atomic_load_explicit(&f->page, memory_order_relaxed) == page.no &&
           atomic_load_explicit(&f->state, memory_order_acquire) == FRAME_READY;
}

static uint64_t word_after_unlock(uint64_t word) {
    return ((word >> 32) + 1) << 32;
}

#ifdef PAGE_TSAN

bool page_read_begin(struct proc *p, struct frame *f, page_id page, uint64_t *ret_version) {
    if (!ok(page_latch(p, f, page))) return false;
    *ret_version = word_after_unlock(atomic_load_explicit(&f->latch.word, memory_order_relaxed));
    return true;
}

bool page_read_valid(struct proc *p, struct frame *f, uint64_t version) {
    uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_acquire);
    if (latch_word_owned_by(word, p->owner) && word_after_unlock(word) == version) {
        latch_unlock(&f->latch);
        return true;
    }
    return word == version;
}

#else

[[gnu::noinline]] static bool wait_unlatched(struct frame *f, uint64_t *ret_word) {
    for (unsigned tries = 0; tries < LATCH_WAITS_MAX; tries++) {
        spin_wait(tries);
        uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_acquire);
        if (latch_word_held(word)) continue;
        *ret_word = word;
        return true;
    }
    return false;
}

/* A sequence lock's reader (Boehm: Can Seqlocks Get Along With Programming Language Memory
 * Models?, 2012): the acquire load here, the acquire fence in page_read_valid. */
bool page_read_begin(struct proc *p, struct frame *f, page_id page, uint64_t *ret_version) {
    (void)p;
    uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_acquire);
    if (__builtin_expect(latch_word_held(word), 0) && !wait_unlatched(f, &word)) return false;
    if (!holds_page(f, page)) return false;
    *ret_version = word;
    return true;
}

bool page_read_valid(struct proc *p, struct frame *f, uint64_t version) {
    (void)p;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&f->latch.word, memory_order_relaxed) == version;
}

#endif

status page_latch(struct proc *p, struct frame *f, page_id page) {
    for (unsigned tries = 0; !latch_try(&f->latch, p->owner); tries++) {
        if (tries == LATCH_WAITS_MAX) return STATUS(AGAIN);
        /* Its page can change only under the latch, but a frame that has become another page's is
         * not worth waiting for. */
        if (atomic_load_explicit(&f->page, memory_order_relaxed) != page.no) return STATUS(AGAIN);
        spin_wait(tries);
    }
    if (holds_page(f, page)) return OK;
    latch_unlock(&f->latch);
    return STATUS(AGAIN);
}

status page_latch_from(struct proc *p, struct frame *f, page_id page, uint64_t version) {
#ifdef PAGE_TSAN
    uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_acquire);
    if (latch_word_owned_by(word, p->owner) && word_after_unlock(word) == version) return OK;
#endif
    if (!latch_try_from(&f->latch, version, p->owner)) return STATUS(AGAIN);
    if (holds_page(f, page)) return OK;
    latch_unlock(&f->latch);
    return STATUS(AGAIN);
}

void page_unlatch(struct frame *f) {
    latch_unlock(&f->latch);
}

uint64_t page_unlatch_to(struct frame *f) {
    uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_relaxed);
    latch_unlock(&f->latch);
    return word_after_unlock(word);
}

void page_unlatch_unchanged(struct frame *f) {
    uint64_t word = atomic_load_explicit(&f->latch.word, memory_order_relaxed);
    atomic_store_explicit(&f->latch.word, word >> 32 << 32, memory_order_release);
}

static status copy_once(struct proc *p, page_id page, void *copy) {
    struct frame *f;
    uint64_t version;
    TRY(pool_find(p, page, &f));
    if (!page_read_begin(p, f, page, &version)) return STATUS(AGAIN);
    memcpy(copy, frame_bytes(p->shm, f), PAGE_BYTES);
    return page_read_valid(p, f, version) ? OK : STATUS(AGAIN);
}

status page_copy(struct proc *p, page_id page, void *copy) {
    bool pins = false;
    status s;
    for (unsigned tries = 0; status_is(s = copy_once(p, page, copy), ST_AGAIN); tries++) {
        if (tries < COPIES_BEFORE_PINS) continue;
        if (!pins) pins = pool_pins_begin(p);
        p->env->pause(p);
    }
    if (pins) pool_pins_end(p);
    return s;
}
