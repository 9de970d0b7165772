/* ops_shared.c: rings, the log, latches, reservations, session slots. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "session/session.h"
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

/* ---- sessions ------------------------------------------------------------------------------- */

static void build_sessions(struct world *w) {
    struct owner me = {.slot = WORKER, .epoch = 1}, other = {.slot = OTHER_WORKER, .epoch = 1};
    CHECK(session_slot_take(&w->live, me) == 0);
    CHECK(session_slot_take(&w->live, other) == 1);
    for (uint32_t i = 0; i < w->live.sizes.sessions; i++)
        world_add_area(w, "session", false, session_slot_at(&w->live, i),
                       session_slot_at(&w->copy, i), sizeof(struct session_slot));
}

static status session_take(struct world *w, struct actor *a) {
    (void)w;
    a->index = session_slot_take(a->proc.shm, a->proc.owner);
    return a->index == SESSION_NONE ? STATUS(TOO_MANY_CONNECTIONS) : OK;
}

static status session_free(struct world *w, struct actor *a) {
    (void)w;
    session_slot_free(a->proc.shm, a->index);
    return OK;
}

static bool nothing_committed([[maybe_unused]] struct shm *shm, [[maybe_unused]] uint64_t x) {
    return false;
}

/* After the repair the dead worker's sessions (one from before, perhaps the operation's) wait for
 * another worker; all other slots can be taken. */
static void verify_sessions(struct world *w) {
    struct shm *shm = &w->copy;
    struct owner dead = {.slot = WORKER, .epoch = 1}, next_life = {.slot = WORKER, .epoch = 2};
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) waiting += session_waits(shm, i);
    MUST(w, waiting >= 1 && waiting <= 2);
    MUST(w, session_repair(shm, dead, nothing_committed) == 0);
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        if (!session_waits(shm, i)) continue;
        MUST(w, i != 1 && waiting > 0);
        session_slot_free(shm, i);
        waiting--;
    }
    MUST(w, waiting == 0);
    uint32_t taken[8];
    uint32_t n = 0;
    for (; n < 8; n++) {
        taken[n] = session_slot_take(shm, next_life);
        if (taken[n] == SESSION_NONE) break;
        MUST(w, taken[n] != 1);
    }
    if (n != shm->sizes.sessions - 1) world_fail(w, "%u session slots can be taken", n);
    while (n > 0) session_slot_free(shm, taken[--n]);
    struct owner other = {.slot = OTHER_WORKER, .epoch = 1};
    MUST(w, session_repair(shm, other, nothing_committed) == 1);
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
    {"session slot take", build_sessions, NULL, session_take, verify_sessions},
    {"session slot free", build_sessions, session_take, session_free, verify_sessions},
};
const unsigned ops_shared_count = sizeof ops_shared / sizeof *ops_shared;
