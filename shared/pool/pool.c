#include "base/check.h"
#include "base/counter.h"
#include "base/probe.h"
#include "msg/msg.h"
#include "pool/pool_internal.h"

/* A chain this long means that storaged is rebuilding the page table just now: asking it is right.
 */
#define CHAIN_STEPS_MAX 256

size_t pool_shared_bytes(const struct shm_sizes *s) {
    return sizeof(struct pool_shared) + (size_t)s->page_buckets * sizeof(uint32_t);
}

/* Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): neighbouring pages, which is
 * how trees grow, fall into different buckets. */
uint32_t pool_hash(const struct shm_sizes *s, uint64_t page_no) {
    return (uint32_t)(page_no * 0x9e3779b97f4a7c15u >> 32) & (s->page_buckets - 1);
}

struct frame *pool_peek(const struct shm *shm, page_id page) {
    const struct pool_shared *pool = shm->pool;
    uint32_t next =
        atomic_load_explicit(&pool->bucket[pool_hash(&shm->sizes, page.no)], memory_order_acquire);
    for (unsigned steps = 0; next && steps < CHAIN_STEPS_MAX; steps++) {
        if (next > shm->sizes.frames) return NULL;
        struct frame *f = &shm->frames[next - 1];
        /* Nearly always it is this one: the page's lines come while the descriptor does. */
        const char *bytes = frame_bytes(shm, f);
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + PAGE_CONTENT_END - 1);
        if (atomic_load_explicit(&f->page, memory_order_acquire) == page.no)
            return atomic_load_explicit(&f->state, memory_order_acquire) == FRAME_READY ? f : NULL;
        next = atomic_load_explicit(&f->next, memory_order_acquire);
    }
    return NULL;
}

void pool_prefetch(const struct shm *shm, page_id page, page_id later) {
    const struct pool_shared *pool = shm->pool;
    __builtin_prefetch(&pool->bucket[pool_hash(&shm->sizes, later.no)]);
    uint32_t next =
        atomic_load_explicit(&pool->bucket[pool_hash(&shm->sizes, page.no)], memory_order_relaxed);
    if (next && next <= shm->sizes.frames) __builtin_prefetch(&shm->frames[next - 1]);
}

static void mark_used(struct frame *f) {
    /* Written only when it is another: a hot page's line stays shared between the processors. */
    uint32_t used = atomic_load_explicit(&f->used, memory_order_relaxed);
    if (__builtin_expect(used == FRAME_USED, 1)) return;
    uint32_t now = used == FRAME_AHEAD ? FRAME_UNUSED : FRAME_USED;
    atomic_store_explicit(&f->used, now, memory_order_relaxed);
}

[[gnu::noinline]] static status find_through_storaged(struct proc *p, page_id page,
                                                      struct frame **ret_frame) {
    if (page.no == 0 || page.no > PAGE_NO_MAX) return STATUS(INVALID);
    counter_add(p, COUNTER_PAGE_MISSES, 1);
    PROBE(axolotl_pool, miss_begin, page.no, p->trace);
    struct msg m = {.op = MSG_PAGE_LOAD, .arg = {page.no}};
    status s = p->env->call(p, SLOT_STORAGED, &m);
    PROBE(axolotl_pool, miss_done, page.no, p->trace, s.code);
    if (!ok(s))
        p->bad_page = (struct proc_bad_page){.page = page.no, .trace = p->trace, .code = s.code};
    TRY(s);
    CHECK(m.arg[0] < p->shm->sizes.frames);
    /* Not marked as used: a scan's pages, which nobody asks for twice, leave the pool first. */
    *ret_frame = &p->shm->frames[m.arg[0]];
    return OK;
}

status pool_find(struct proc *p, page_id page, struct frame **ret_frame) {
    if (__builtin_expect(p->pins.holder != NULL, 0)) pool_pin(p, page);
    struct frame *f = pool_peek(p->shm, page);
    if (__builtin_expect(!f, 0)) return find_through_storaged(p, page, ret_frame);
    mark_used(f);
    counter_add(p, COUNTER_PAGE_HITS, 1);
    *ret_frame = f;
    return OK;
}

static unsigned count_reserved(const struct pool_reserve *r) {
    unsigned n = 0;
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
        uint64_t word = atomic_load_explicit(&r->page[i], memory_order_acquire);
        n += word && !(word & POOL_RESERVE_TAKEN);
    }
    return n;
}

status pool_reserve(struct proc *p, unsigned n) {
    CHECK(n <= POOL_RESERVE_PAGES);
    struct pool_reserve *r = &p->shm->pool->reserve[p->owner.slot];
    while (count_reserved(r) < n) {
        /* Places of taken pages cannot be filled: ask for what there is room for at least. */
        struct msg m = {.op = MSG_PAGE_RESERVE, .arg = {n}};
        TRY(p->env->call(p, SLOT_STORAGED, &m));
        if (count_reserved(r) >= n) break;
        p->env->pause(p);
    }
    return OK;
}

page_id pool_take(struct proc *p) {
    struct pool_reserve *r = &p->shm->pool->reserve[p->owner.slot];
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
        uint64_t word = atomic_load_explicit(&r->page[i], memory_order_acquire);
        if (!word || word & POOL_RESERVE_TAKEN) continue;
        atomic_store_explicit(&r->page[i], word | POOL_RESERVE_TAKEN, memory_order_release);
        return (page_id){word};
    }
    return PAGE_NONE;
}

void pool_give_back(struct proc *p, page_id page) {
    struct pool_reserve *r = &p->shm->pool->reserve[p->owner.slot];
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
        uint64_t word = atomic_load_explicit(&r->page[i], memory_order_relaxed);
        if (word != (page.no | POOL_RESERVE_TAKEN)) continue;
        atomic_store_explicit(&r->page[i], page.no, memory_order_release);
        return;
    }
}
