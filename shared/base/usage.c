#include "base/usage.h"

#include <stddef.h>

#include "base/check.h"

static void counted(const struct proc *p, struct usage *ret) {
    static const enum counter counters[USAGE_COUNT] = {
        [USAGE_PAGE_HITS] = COUNTER_PAGE_HITS,         [USAGE_PAGE_READS] = COUNTER_PAGE_MISSES,
        [USAGE_PAGES_DIRTIED] = COUNTER_PAGES_DIRTIED, [USAGE_TEMP_READS] = COUNTER_TEMP_BLOCKS_GOT,
        [USAGE_TEMP_WRITES] = COUNTER_TEMP_BLOCKS_PUT, [USAGE_LOG_RECORDS] = COUNTER_LOG_RECORDS,
        [USAGE_LOG_BYTES] = COUNTER_LOG_BYTES,
    };
    for (unsigned i = 0; i < USAGE_COUNT; i++)
        ret->n[i] = atomic_load_explicit(&p->counters->value[counters[i]], memory_order_relaxed);
}

void usage_begin(struct proc *p, struct usage_meter *m) {
    CHECK(!p->meter);
    p->meter = m;
    counted(p, &m->others);
}

void usage_end(struct proc *p) {
    p->meter = NULL;
}

void usage_read(const struct proc *p, struct usage *ret) {
    CHECK(p->meter);
    counted(p, ret);
    for (unsigned i = 0; i < USAGE_COUNT; i++) ret->n[i] -= p->meter->others.n[i];
}

void usage_add(struct usage *sum, const struct usage *from, const struct usage *to) {
    for (unsigned i = 0; i < USAGE_COUNT; i++) sum->n[i] += to->n[i] - from->n[i];
}

void usage_leave(const struct proc *p) {
    counted(p, &p->meter->left_at);
}

void usage_return(const struct proc *p) {
    struct usage now;
    counted(p, &now);
    usage_add(&p->meter->others, &p->meter->left_at, &now);
}
