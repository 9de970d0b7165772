#include "storaged.h"

/* The page table has one writer, this process, and readers without latches in all others. A chain
 * is changed by single stores; a reader that follows a frame while it moves to another chain ends
 * up in that chain and misses its page, which is allowed: it asks us. */

static _Atomic uint32_t *bucket_of(const struct storaged *s, uint64_t page) {
    return &s->shm->pool->bucket[pool_hash(&s->shm->sizes, page)];
}

struct frame *table_find(const struct storaged *s, uint64_t page) {
    uint32_t next = atomic_load_explicit(bucket_of(s, page), memory_order_relaxed);
    while (next) {
        struct frame *f = &s->shm->frames[next - 1];
        if (atomic_load_explicit(&f->page, memory_order_relaxed) == page) return f;
        next = atomic_load_explicit(&f->next, memory_order_relaxed);
    }
    return NULL;
}

void table_insert(struct storaged *s, struct frame *f) {
    _Atomic uint32_t *bucket = bucket_of(s, atomic_load(&f->page));
    atomic_store_explicit(&f->next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(bucket, frame_index(s, f) + 1, memory_order_release);
}

void table_remove(struct storaged *s, struct frame *f) {
    uint32_t self = frame_index(s, f) + 1;
    _Atomic uint32_t *link = bucket_of(s, atomic_load(&f->page));
    uint32_t next;
    while ((next = atomic_load_explicit(link, memory_order_relaxed)) && next != self)
        link = &s->shm->frames[next - 1].next;
    if (next)
        atomic_store_explicit(link, atomic_load_explicit(&f->next, memory_order_relaxed),
                              memory_order_release);
    atomic_store_explicit(&f->next, 0, memory_order_release);
}

/* A frame behind the ready ones is in no chain, and costs more to touch than to know that. */
void table_rebuild(struct storaged *s) {
    uint32_t frames = atomic_load(&s->shm->pool->ready_frames);
    for (uint32_t i = 0; i < s->shm->sizes.page_buckets; i++)
        atomic_store_explicit(&s->shm->pool->bucket[i], 0, memory_order_relaxed);
    for (uint32_t i = 0; i < frames; i++)
        atomic_store_explicit(&s->shm->frames[i].next, 0, memory_order_release);
    for (uint32_t i = 0; i < frames; i++) {
        struct frame *f = &s->shm->frames[i];
        if (atomic_load(&f->state) != FRAME_FREE) table_insert(s, f);
    }
}
