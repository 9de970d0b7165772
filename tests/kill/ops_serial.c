/* ops_serial.c: serializable transactions: slots and pairs (txn/serial.h). */
#include "base/check.h"
#include "txn/serial.h"
#include "world.h"

#define SLOTS_SEEN 3
#define KEY "k"

static const struct owner other = {.slot = OTHER_WORKER, .epoch = 1};

static status begin(struct proc *p, struct txn *t) {
    *t = (struct txn){.isolation = ISO_SERIALIZABLE};
    t->snap.time = atomic_load(&p->shm->log->visible);
    TRY(serial_begin(p, t));
    serial_begun(t);
    return OK;
}

/* Somebody else has read the key, and goes on. */
static void build_reader(struct world *w) {
    struct proc p;
    struct txn reader;
    world_row(w, 1, 1);
    world_proc(w, false, OTHER_WORKER, 1, &p);
    CHECK(ok(begin(&p, &reader)));
    CHECK(ok(serial_read_key(&reader, w->tree, KEY, 1)));
    world_add_area(w, "serial", false, w->live.serial, w->copy.serial,
                   offsetof(struct serial_shared, slot) + SLOTS_SEEN * sizeof(struct serial_slot));
}

/* One commits behind the reader, one is rolled back. */
static status live_twice(struct world *w, struct actor *a) {
    struct txn t;
    for (int commits = 1; commits >= 0; commits--) {
        TRY(begin(&a->proc, &t));
        TRY(serial_read_range(&t, w->tree, "a", 1, "c", 1));
        TRY(serial_wrote(&a->proc, &t, w->tree, KEY, 1));
        if (!commits) {
            serial_rolled_back(&a->proc, &t);
        } else {
            TRY(serial_prepare(&a->proc, &t));
            serial_committed(&a->proc, &t, 0);
        }
    }
    return OK;
}

static bool in_set(const _Atomic uint64_t *set, uint32_t i) {
    return atomic_load(&set[i / 64]) >> (i % 64) & 1;
}

/* The reader is as it was; nothing of the dead runs; pairs stand twice, and with nobody who is
 * free. */
static void verify_pairs(struct world *w) {
    const struct serial_shared *shared = w->copy.serial;
    MUST(w, !latch_word_held(atomic_load(&shared->latch.word)));
    for (uint32_t i = 0; i < SLOTS_SEEN; i++) {
        const struct serial_slot *s = &shared->slot[i];
        uint32_t state = atomic_load(&s->word) & 0xff;
        MUST(w, in_set(shared->used, i) == (state != SERIAL_FREE));
        MUST(w, state != SERIAL_PREPARED);
        bool is_reader = atomic_load(&s->owner) == ((uint64_t)other.epoch << 8 | other.slot);
        MUST(w, (state == SERIAL_ACTIVE) == is_reader);
        for (uint32_t k = 0; k < SERIAL_SLOTS; k++) {
            bool out = in_set(s->out, k), in = in_set(s->in, k);
            MUST(w, (!out && !in) || (k < SLOTS_SEEN && state != SERIAL_FREE));
            if (out) MUST(w, in_set(shared->slot[k].in, i));
            if (in) MUST(w, in_set(shared->slot[k].out, i));
        }
    }
}

const struct kill_op ops_serial[] = {
    {.name = "serial transaction",
     .build = build_reader,
     .run = live_twice,
     .verify = verify_pairs},
};
const unsigned ops_serial_count = sizeof ops_serial / sizeof *ops_serial;
