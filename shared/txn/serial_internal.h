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

/* serial.c: sets of slots (SERIAL_SLOTS bits; next: the first from there on, SERIAL_SLOTS when
 * there is none); a slot's end. Under the latch, or in the name of its dead holder. */
void serial_set_bit(_Atomic uint64_t *set, uint32_t i, bool on);
uint32_t serial_next_bit(const _Atomic uint64_t *set, uint32_t from);
void serial_free(struct serial_shared *shared, struct serial_slot *s);
void serial_set_committed(struct serial_shared *shared, struct serial_slot *s, commit_time time);

#endif
