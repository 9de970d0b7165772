/* serial_internal.h: what the files of serializable snapshot isolation share. */
#ifndef TXN_SERIAL_INTERNAL_H
#define TXN_SERIAL_INTERNAL_H

#include "txn/internal.h"
#include "txn/serial.h"

static inline enum serial_state serial_state_of(const struct serial_slot *s) {
    return atomic_load_explicit(&s->word, memory_order_acquire) & 0xff;
}

/* Calls for each slot that is not free: index. */
#define SERIAL_EACH(shared, i)                                                                     \
    for (uint32_t i = serial_next(shared, 0); i < SERIAL_SLOTS; i = serial_next(shared, i + 1))
uint32_t serial_next(const struct serial_shared *shared, uint32_t from);

/* What was read. */
void reads_clear(struct serial_reads *r);
void reads_add_key(struct serial_reads *r, uint64_t root, uint64_t hash);
void reads_add_range(struct serial_reads *r, uint64_t root, const void *low, size_t low_len,
                     const void *high, size_t high_len);
bool reads_cover(const struct serial_reads *r, uint64_t root, uint64_t hash, const void *key,
                 size_t len);
/* All that `from` has, trees as a whole. */
void reads_merge(struct serial_reads *to, const struct serial_reads *from);
uint64_t reads_hash(uint64_t root, const void *key, size_t len);

/* serial_slot.c. All under the latch, or in the name of its dead holder.
 *
 * Sets of slots (SERIAL_SLOTS bits); next: the first from there on, SERIAL_SLOTS: none. */
bool serial_bit(const _Atomic uint64_t *set, uint32_t i);
void serial_set_bit(_Atomic uint64_t *set, uint32_t i, bool on);
uint32_t serial_next_bit(const _Atomic uint64_t *set, uint32_t from);
uint32_t serial_index(const struct serial_shared *shared, const struct serial_slot *s);

/* A new generation begins with SERIAL_ACTIVE. */
void serial_set_state(struct serial_slot *s, enum serial_state state);
/* It is PREPARED or COMMITTED: its turn counts. */
bool serial_has_turn(const struct serial_slot *s);
/* Its commit time, also when it is only about to learn that and others know it already;
 * SERIAL_NEVER: it has none. */
uint64_t serial_time_now(struct shm *shm, const struct serial_slot *s);
/* Did `committed` end before the other one's snapshot was taken, and does that see what it wrote?
 */
bool serial_was_before(const struct serial_slot *committed, const struct serial_slot *other);
/* Of those that it has a pair to, the first that committed: turn and time, SERIAL_NEVER: none. */
void serial_first_out(struct shm *shm, const struct serial_slot *s, uint64_t *ret_turn,
                      uint64_t *ret_time);

void serial_free(struct serial_shared *shared, struct serial_slot *s);
/* Frees the committed slots that nobody running, or yet to begin, is concurrent with. */
void serial_clean_up(struct shm *shm);
/* The oldest committed slot goes into the summary, and is free. */
void serial_summarize(struct shm *shm);
/* Empties the summary once nobody runs who was concurrent with anybody in it. */
void serial_forget_summary(struct shm *shm);

/* serial.c; likewise. */
void serial_set_committed(struct serial_shared *shared, struct serial_slot *s, commit_time time);

#endif
