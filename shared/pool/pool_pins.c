#include "base/check.h"
#include "base/coro.h"
#include "pool/pool_internal.h"

/* Pins. Whoever needs several pages at once finds them one after the other and holds none of them
 * meanwhile (I3). When frames are scarce, or the hand of eviction stands where new pages arrive,
 * the first page may be gone when the last has come; two who do so to one another would go on for
 * ever. So who has begun again a few times pins what it finds. Bits and places are written by their
 * own process only, and by its repairer. */

static const void *self_of(const struct proc *p) {
    const struct coro *c = coro_self();
    return c ? (const void *)c : p;
}

bool pool_pins_begin(struct proc *p) {
    if (p->pins.holder) return false;
    p->pins.holder = self_of(p);
    p->pins.next = 0;
    atomic_fetch_or(&p->shm->pool->pinning, (uint64_t)1 << p->owner.slot);
    return true;
}

void pool_pin(struct proc *p, page_id page) {
    if (p->pins.holder != self_of(p)) return;
    struct pool_pins *pins = &p->shm->pool->pins[p->owner.slot];
    for (unsigned i = 0; i < POOL_PINS; i++)
        if (atomic_load_explicit(&pins->page[i], memory_order_relaxed) == page.no) return;
    atomic_store_explicit(&pins->page[p->pins.next], page.no, memory_order_release);
    p->pins.next = (p->pins.next + 1) % POOL_PINS;
}

void pool_pins_clear(struct shm *shm, unsigned slot) {
    atomic_fetch_and(&shm->pool->pinning, ~((uint64_t)1 << slot));
    for (unsigned i = 0; i < POOL_PINS; i++)
        atomic_store_explicit(&shm->pool->pins[slot].page[i], 0, memory_order_release);
}

void pool_pins_end(struct proc *p) {
    CHECK(p->pins.holder == self_of(p));
    pool_pins_clear(p->shm, p->owner.slot);
    p->pins.holder = NULL;
}

bool pool_pinned(const struct shm *shm, uint64_t page) {
    uint64_t slots = atomic_load_explicit(&shm->pool->pinning, memory_order_acquire);
    if (__builtin_expect(slots == 0, 1)) return false;
    uint32_t wanted = atomic_load_explicit(&shm->pool->wanted_frames, memory_order_relaxed);
    unsigned heard = wanted / 4 / POOL_PINS;
    if (heard == 0) heard = 1;
    for (; slots && heard > 0; slots &= slots - 1, heard--) {
        const struct pool_pins *pins = &shm->pool->pins[__builtin_ctzll(slots)];
        for (unsigned i = 0; i < POOL_PINS; i++)
            if (atomic_load_explicit(&pins->page[i], memory_order_acquire) == page) return true;
    }
    return false;
}
