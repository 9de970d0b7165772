/* second.c: the supervisor dies in the repair, at every instruction, and the next one repeats it.
 *
 * The repair runs in this process with the processor's trap flag set, which interrupts it after
 * each instruction. Where it has changed the copy a second death is tried: the repair is run from
 * its beginning, and must come to what an undisturbed one comes to. Where it comes to something
 * else, everything that must hold after a repair must hold there. Then the copy is put back, and
 * the interrupted repair goes on. */
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "world.h"

static struct world *world_now;

static size_t watched_bytes(const struct world *w, const struct area *a) {
    if (!a->bulk) return a->bytes;
    if (strcmp(a->name, "ring") != 0) return 0;
    uint64_t used = atomic_load(&w->copy.log->tail) - w->tail0;
    return used < a->bytes ? used : a->bytes;
}

/* The bytes of a filler are many points that are much alike. */
static bool changed(struct world *w) {
    bool bulk = false;
    for (unsigned i = 0; i < w->areas_count; i++) {
        const struct area *a = &w->areas[i];
        if (memcmp(a->seen, a->copy, watched_bytes(w, a)) == 0) continue;
        if (!a->bulk) return true;
        bulk = true;
    }
    return bulk && ++w->second_bulk % w->every == 0;
}

static bool as_repaired(const struct world *w) {
    for (unsigned i = 0; i < w->areas_count; i++)
        if (memcmp(w->areas[i].repaired, w->areas[i].copy, w->areas[i].bytes) != 0) return false;
    return true;
}

static void keep(struct world *w, bool whole) {
    for (unsigned i = 0; i < w->areas_count; i++) {
        struct area *a = &w->areas[i];
        memcpy(a->seen, a->copy, whole ? a->bytes : watched_bytes(w, a));
    }
}

static void put_back(struct world *w) {
    for (unsigned i = 0; i < w->areas_count; i++)
        memcpy(w->areas[i].copy, w->areas[i].seen, w->areas[i].bytes);
}

static void dies_again(struct world *w) {
    keep(w, false);
    w->second_deaths++;
    repair_all(w);
    if (!as_repaired(w)) {
        w->second_other++;
        verdict_after(w);
    }
    put_back(w);
}

#ifdef __x86_64__

static void on_trap([[maybe_unused]] int number) {
    if (changed(world_now)) dies_again(world_now);
}

#define TRAP_FLAG(change)                                                                          \
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t" change "\n\tpopfq\n\t"                 \
                     "lea 128(%%rsp), %%rsp" ::                                                    \
                         : "memory", "cc")

static void repair_stepped(struct world *w) {
    world_now = w;
    CHECK(signal(SIGTRAP, on_trap) != SIG_ERR);
    TRAP_FLAG("orq $0x100, (%%rsp)");
    repair_all(w);
    TRAP_FLAG("andq $~0x100, (%%rsp)");
    world_now = NULL;
}

#else

/* Without a trap flag: a death after each step. */
static void repair_stepped(struct world *w) {
    for (unsigned step = 0; step < REPAIR_STEPS; step++) {
        repair_step(w, step);
        if (changed(w)) dies_again(w);
    }
}

#endif

void second_verdict(struct world *w) {
    verdict_begin(w);
    repair_all(w);
    for (unsigned i = 0; i < w->areas_count; i++)
        memcpy(w->areas[i].repaired, w->areas[i].copy, w->areas[i].bytes);
    verdict_begin(w);
    keep(w, true);
    repair_stepped(w);
    MUST(w, as_repaired(w));
}
