/* latch.h: a short, physical, exclusive latch that records its owner (invariant I1).
 *
 * The 64-bit word, from the top:
 *     32 bits version   changes with every unlock: optimistic readers compare it
 *     16 bits epoch     of the owner, 0 while free
 *      8 bits slot      of the owner in the process table, 0 while free
 *      8 bits flags     LATCH_HELD
 * A free latch is only a version. Because the word names its owner, what a dead process held can be
 * found by looking, and freed by the one process that repairs it; nobody else ever breaks a latch.
 */
#ifndef BASE_LATCH_H
#define BASE_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LATCH_HELD 1u

struct latch {
    _Atomic uint64_t word;
};

struct owner {
    uint16_t slot;  /* in the process table, below 256 */
    uint16_t epoch; /* of that slot, low 16 bits, never 0 while alive */
};

static inline bool latch_word_held(uint64_t word) {
    return word & LATCH_HELD;
}

static inline uint64_t latch_word_for(uint64_t free_word, struct owner o) {
    return (free_word & 0xffffffff00000000u) | (uint64_t)o.epoch << 16 | (uint64_t)o.slot << 8 |
           LATCH_HELD;
}

/* Of a word that is held; of a free one slot and epoch are 0. */
static inline struct owner latch_word_owner(uint64_t word) {
    return (struct owner){.slot = (word >> 8) & 0xff, .epoch = (word >> 16) & 0xffff};
}

static inline bool latch_word_owned_by(uint64_t word, struct owner o) {
    return latch_word_held(word) && ((word >> 8) & 0xff) == o.slot &&
           ((word >> 16) & 0xffff) == o.epoch;
}

/* From the free word that the caller saw to held by o; false when it is held or has changed.
 *
 * The fence is for optimistic readers: nobody sees what the holder writes and still the free word.
 * Acquiring alone orders the load of the word, not the store of it, before those writes (Boehm: Can
 * Seqlocks Get Along With Programming Language Memory Models?, 2012, section 4). On x86-64 it costs
 * nothing. */
static inline bool latch_try_from(struct latch *l, uint64_t seen, struct owner o) {
    if (latch_word_held(seen) ||
        !atomic_compare_exchange_strong_explicit(&l->word, &seen, latch_word_for(seen, o),
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
#ifndef __SANITIZE_THREAD__ /* there readers take the latch (page_read_begin) */
    atomic_thread_fence(memory_order_release);
#endif
    return true;
}

/* False: somebody holds it, or has taken it meanwhile. */
static inline bool latch_try(struct latch *l, struct owner o) {
    return latch_try_from(l, atomic_load_explicit(&l->word, memory_order_relaxed), o);
}

/* Spins, then yields the processor between tries. The holder never sleeps while it holds (I3); a
 * dead holder's latch is freed by its repairer. */
void latch_lock(struct latch *l, struct owner o);

/* Frees the latch and makes a new version. Only by its holder, or by the repairer of a dead one. */
static inline void latch_unlock(struct latch *l) {
    uint64_t word = atomic_load_explicit(&l->word, memory_order_relaxed);
    atomic_store_explicit(&l->word, ((word >> 32) + 1) << 32, memory_order_release);
}

#endif
