/* log_repair.c: after the death of a process that was inserting (states: log_insert.c). Each step
 * leads to a state further down that list, so a repair that is itself killed can begin again. */
#include <string.h>

#include "base/check.h"
#include "base/probe.h"
#include "log/log_internal.h"

#define LOAD(word) atomic_load_explicit(word, memory_order_acquire)
#define STORE_AFTER(word, value) atomic_store_explicit(word, value, memory_order_release)

enum verdict { NOTHING, NOT_RESERVED, FILLED, COMMITTED };

/* States 1 to 3. */
static enum verdict repair_latch(struct log_shared *l, struct log_slot *slot) {
    enum verdict verdict = NOTHING;
    uint64_t start = LOAD(&slot->start);
    uint64_t tail = LOAD(&l->tail);
    if (start == tail) {
        STORE_AFTER(&slot->change_lsn, 0);
        STORE_AFTER(&slot->last_lsn, 0); /* another's record may come to lie there */
        STORE_AFTER(&slot->start, LOG_IDLE);
        verdict = NOT_RESERVED;
    } else if (start != LOG_IDLE) {
        CHECK(start + LOAD(&slot->len) == tail);
        uint64_t time = LOAD(&slot->time);
        if (LOAD(&slot->is_commit) && LOAD(&l->last_commit) < time)
            STORE_AFTER(&l->last_commit, time);
    }
    latch_unlock(&l->insert);
    return verdict;
}

/* State 4. */
static enum verdict repair_record(struct shm *shm, struct log_slot *slot,
                                  _Atomic uint64_t *(*map_entry)(struct shm *, txid)) {
    uint64_t start = LOAD(&slot->start);
    uint32_t len = LOAD(&slot->len);
    char *to = log_ring_at(shm, start);
    enum verdict verdict = FILLED;
    STORE_AFTER(&slot->change_lsn, 0); /* its pages are as before: it did not come to apply() */
    if (LOAD(&slot->is_commit)) {
        txid x = LOAD(&slot->txid);
        _Atomic uint64_t *map = map_entry(shm, x);
        CHECK(map && len == LOG_COMMIT_BYTES);
        if (LOAD(map) == LOAD(&slot->time)) {
            log_commit_build(to, x, LOAD(&slot->txn_prev), LOAD(&slot->time));
            verdict = COMMITTED;
        }
    }
    if (verdict == FILLED) {
        memset(to, 0, len);
        *(struct rec_head *)to = (struct rec_head){.len = len, .type = REC_FILLER};
        STORE_AFTER(&slot->is_commit, 0);
    }
    STORE_AFTER(&slot->start, LOG_IDLE);
    return verdict;
}

bool log_repair(struct shm *shm, uint16_t who, _Atomic uint64_t *(*map_entry)(struct shm *, txid)) {
    struct log_shared *l = shm->log;
    struct log_slot *slot = &l->slots[who];
    uint64_t word = LOAD(&l->insert.word);
    enum verdict verdict = NOTHING;
    uint64_t start = LOAD(&slot->start);
    if (latch_word_held(word) && latch_word_owner(word).slot == who)
        verdict = repair_latch(l, slot);
    if (LOAD(&slot->start) != LOG_IDLE) verdict = repair_record(shm, slot, map_entry);
    STORE_AFTER(&slot->window_busy, 0);
    PROBE(axolotl_log, repair, who, start, verdict);
    return verdict == FILLED;
}
