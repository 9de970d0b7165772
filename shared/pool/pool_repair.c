#include "base/probe.h"
#include "log/log.h"
#include "pool/pool_internal.h"

/* Whether the record that the dead process was applying may have left this page half changed. */
static bool may_be_torn(const struct frame *f, const void *bytes, uint64_t change_lsn,
                        const struct rec_head *record) {
    if (change_lsn == 0) return false;
    if (page_head_c(bytes)->lsn >= change_lsn) return false; /* apply sets the LSN last */
    if (!record) return true; /* no longer in the ring: storaged reads it from the files */
    for (unsigned i = 0; i < record->npages; i++)
        if (rec_pages_c(record)[i].page == atomic_load(&f->page)) return true;
    return false; /* latched for something else, or the record became a filler */
}

unsigned pool_repair(struct shm *shm, struct owner who) {
    static _Thread_local _Alignas(8) char buf[REC_BYTES_MAX];
    struct log_slot *slot = &shm->log->slots[who.slot];
    uint64_t change_lsn = atomic_load(&slot->change_lsn);
    const struct rec_head *record = NULL;
    if (change_lsn && ok(log_read_ring(shm, (lsn){change_lsn}, buf)))
        record = (const struct rec_head *)buf;
    unsigned found = 0;
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        struct frame *f = &shm->frames[i];
        if (!latch_word_owned_by(atomic_load_explicit(&f->latch.word, memory_order_acquire), who))
            continue;
        found++;
        if (atomic_load(&f->state) == FRAME_READY &&
            may_be_torn(f, frame_bytes(shm, f), change_lsn, record)) {
            atomic_store(&f->rebuild_lsn, change_lsn);
            atomic_store(&f->state, FRAME_BROKEN);
        }
        latch_unlock(&f->latch);
    }
    /* Only now: a repair that is killed above finds the rest by the same words. */
    atomic_store(&slot->change_lsn, 0);
    struct pool_reserve *r = &shm->pool->reserve[who.slot];
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) atomic_store(&r->page[i], 0);
    pool_pins_clear(shm, who.slot);
    PROBE(axolotl_pool, repair, who.slot, who.epoch, found);
    return found;
}
