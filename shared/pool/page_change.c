#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "fmt/apply.h"
#include "log/log.h"
#include "pool/frame.h"

/* Places of pages that r has put into use are empty again. Their bits are set by now, so storaged,
 * which looks at the places first and at the bits afterwards, never sees such a page as free. */
static void release_reserved(struct proc *p, const struct rec_head *r) {
    struct pool_reserve *reserve = &p->shm->pool->reserve[p->owner.slot];
    const struct rec_page *pages = rec_pages_c(r);
    for (unsigned i = 0; i < r->npages; i++) {
        if (!(pages[i].flags & REC_PAGE_INIT)) continue;
        for (unsigned j = 0; j < POOL_RESERVE_PAGES; j++) {
            uint64_t word = atomic_load_explicit(&reserve->page[j], memory_order_relaxed);
            if ((word & ~POOL_RESERVE_TAKEN) == pages[i].page && word)
                atomic_store_explicit(&reserve->page[j], 0, memory_order_release);
        }
    }
}

/* Killed at any instruction, by what has been done (I2):
 *   rec_lsn set            the page counts as dirty and is written once more than needed;
 *   record reserved        log_repair makes a filler of it; the page is as before;
 *   record published       change_lsn names it: a page that does not show it yet may be half
 *                          changed, so pool_repair marks it BROKEN and storaged rebuilds it;
 *   page shows its LSN     apply sets that last: the page is as after;
 *   change_lsn cleared     every page of the record shows it. */
lsn page_change(struct proc *p, struct rec_head *record, struct frame *const frames[]) {
    struct rec_page *pages = rec_pages(record);
    uint64_t tail = atomic_load_explicit(&p->shm->log->tail, memory_order_acquire);
    bool allocates = false;
    for (unsigned i = 0; i < record->npages; i++) {
        struct frame *f = frames[i];
        CHECK_SLOW(latch_word_owned_by(atomic_load_explicit(&f->latch.word, memory_order_relaxed),
                                       p->owner));
        CHECK(atomic_load_explicit(&f->page, memory_order_relaxed) == pages[i].page);
        pages[i].prev_lsn = page_head_c(frame_bytes(p->shm, f))->lsn;
        allocates |= pages[i].flags & REC_PAGE_INIT;
        /* Rule 3. The log's tail moves (release) after this store: whoever saw the tail beyond our
         * record sees rec_lsn too. */
        if (!atomic_load_explicit(&f->rec_lsn, memory_order_relaxed)) {
            atomic_store_explicit(&f->rec_lsn, tail, memory_order_release);
            counter_add(p, COUNTER_PAGES_DIRTIED, 1);
        }
        uint32_t changes = atomic_load_explicit(&f->changes, memory_order_relaxed);
        atomic_store_explicit(&f->changes, changes + 1, memory_order_relaxed);
    }
    lsn at = log_insert(p, record);
    FAULT(p, LOG_PUBLISHED);
    for (unsigned i = 0; i < record->npages; i++) {
        status s = apply(record, at, (int)i, frame_bytes(p->shm, frames[i]));
        CHECK(ok(s));
        FAULT(p, PAGE_APPLIED);
    }
    log_change_done(p);
    if (__builtin_expect(allocates, 0)) release_reserved(p, record);
    return at;
}
