/* counter.h: counters in shared memory, one block a process, written by that process alone (I1). */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/proc.h"

enum counter {
#define X(name, text) COUNTER_##name,
#include "base/counter.def"
#undef X
    COUNTER_COUNT
};

struct counter_block {
    _Alignas(64) _Atomic uint64_t value[128];
};
_Static_assert(COUNTER_COUNT <= 128, "room in the block");

/* Of p's own block: by its thread alone. */
static inline void counter_add(struct proc *p, enum counter c, uint64_t n) {
    _Atomic uint64_t *value = &p->counters->value[c];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* What this process has counted. */
static inline uint64_t counter_own(const struct proc *p, enum counter c) {
    return atomic_load_explicit(&p->counters->value[c], memory_order_relaxed);
}

#endif
