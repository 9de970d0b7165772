/* ops_shared.c: rings, the log, latches, reservations. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "world.h"

/* ---- rings ---------------------------------------------------------------------------------- */

#define RING_BEFORE 5u /* messages in it already, around the end of the array */

static struct msg message(uint64_t n) {
    struct msg m = {.op = (uint16_t)(100 + n), .tag = n * 0x0101010101010101u, .trace = ~n};
    for (int i = 0; i < 4; i++) m.arg[i] = n * 1000 + (uint64_t)i;
    return m;
}

static struct ipc_ring *ring(const struct shm *shm) {
    return &shm->rings->pair[SLOT_STORAGED][WORKER].submit;
}

static void build_ring(struct world *w) {
    struct ipc_ring *r = ring(&w->live);
    struct msg m = message(0);
    for (unsigned i = 0; i < RING_ENTRIES - 3; i++) CHECK(ring_push(r, &m) && ring_pop(r, &m));
    for (unsigned i = 0; i < RING_BEFORE; i++) {
        m = message(i);
        CHECK(ring_push(r, &m));
    }
    world_add_area(w, "ring of messages", false, r, ring(&w->copy), sizeof *r);
}

static status push(struct world *w, struct actor *a) {
    (void)w;
    struct msg m = message(RING_BEFORE);
    return ring_push(ring(a->proc.shm), &m) ? OK : STATUS(FULL);
}

static status pop(struct world *w, struct actor *a) {
    (void)w;
    struct msg m;
    return ring_pop(ring(a->proc.shm), &m) ? OK : STATUS(END);
}

/* The messages from `first` to `end` - 1 are there, in order; then the other side puts the ring
 * into order for its next owner. */
static void take_all(struct world *w, unsigned first, unsigned end) {
    struct ipc_ring *r = ring(&w->copy), copy = *r;
    MUST(w, ring_valid(r) && ring_used(r) == end - first);
    for (unsigned i = first; i < end; i++) {
        struct msg m, expected = message(i);
        MUST(w, ring_pop(&copy, &m) && memcmp(&m, &expected, sizeof m) == 0);
    }
    struct msg m;
    MUST(w, !ring_pop(&copy, &m));
}

static void verify_push(struct world *w) {
    unsigned used = ring_used(ring(&w->copy));
    take_all(w, 0, used == RING_BEFORE ? RING_BEFORE : RING_BEFORE + 1);
    if (w->tried % 2) ring_repair(ring(&w->copy)); /* as the consumer of a dead producer may */
}

static void verify_pop(struct world *w) {
    unsigned used = ring_used(ring(&w->copy));
    take_all(w, used == RING_BEFORE ? 0 : 1, RING_BEFORE);
}

/* ---- log ------------------------------------------------------------------------------------ */

#define RECORD_BYTES 1024u

static struct rec_head *record(void) {
    static _Alignas(8) char buf[RECORD_BYTES];
    struct rec_head *r = (struct rec_head *)buf;
    memset(buf, 0x5a, sizeof buf);
    *r = (struct rec_head){.len = RECORD_BYTES, .type = REC_TREE_DROP, .tree = 4711};
    return r;
}

static void build_log(struct world *w) {
    world_row(w, 1, 1);
}
static void build_log_at_end(struct world *w) {
    world_row(w, 1, 1);
    world_log_to_end(w, 512);
}

static status insert_record(struct world *w, struct actor *a) {
    (void)w;
    TRY(log_room(&a->proc));
    log_insert(&a->proc, record());
    return OK;
}

/* Nothing, a filler of the same length, or the record as it is. */
static void verify_insert_record(struct world *w) {
    _Alignas(8) char buf[REC_BYTES_MAX];
    const struct rec_head *r = (const struct rec_head *)buf;
    if (atomic_load(&w->copy.log->tail) == w->tail0 || w->other_txid) return;
    MUST_OK(w, log_read_ring(&w->copy, (lsn){w->tail0}, buf));
    MUST(w, r->len == RECORD_BYTES && atomic_load(&w->copy.log->tail) == w->tail0 + r->len);
    MUST(w, r->type == REC_FILLER || memcmp(buf, record(), RECORD_BYTES) == 0);
}

/* ---- latches and reservations ---------------------------------------------------------------- */

static status latch(struct world *w, struct actor *a) {
    struct frame *f;
    TRY(pool_find(&a->proc, w->tree.root, &f));
    TRY(page_latch(&a->proc, f, w->tree.root));
    page_unlatch(f);
    return OK;
}

static status latch_from(struct world *w, struct actor *a) {
    struct frame *f;
    uint64_t version;
    TRY(pool_find(&a->proc, w->tree.root, &f));
    if (!page_read_begin(&a->proc, f, w->tree.root, &version)) return STATUS(AGAIN);
    TRY(page_latch_from(&a->proc, f, w->tree.root, version));
    page_unlatch_unchanged(f);
    return OK;
}

static status reserve(struct world *w, struct actor *a) {
    (void)w;
    TRY(pool_reserve(&a->proc, 3));
    page_id one = pool_take(&a->proc), two = pool_take(&a->proc);
    if (!one.no || !two.no) return STATUS(DISK_FULL);
    pool_give_back(&a->proc, one);
    return OK;
}

const struct kill_op ops_shared[] = {
    {"ring push", build_ring, NULL, push, verify_push},
    {"ring pop", build_ring, NULL, pop, verify_pop},
    {"log insert", build_log, NULL, insert_record, verify_insert_record, .record = REC_TREE_DROP},
    {"log insert across the ring's end", build_log_at_end, NULL, insert_record,
     verify_insert_record, .record = REC_TREE_DROP},
    {"frame latch", build_log, NULL, latch, NULL},
    {"frame latch, nothing changed", build_log, NULL, latch_from, NULL},
    {"page reservation", build_log, NULL, reserve, NULL},
};
const unsigned ops_shared_count = sizeof ops_shared / sizeof *ops_shared;
