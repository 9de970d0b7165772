/* world_txnd.c: who waits for whom: a real txnd beside the stepped worker.
 *
 * On the live regions it answers what the stepped worker asks, and other workers wait there, too,
 * or hold what the worker wants; when the worker has waited for a while, the operation's event
 * happens. On the copy txnd either lives on (a new one that is given its notes), or has died as
 * well and is born again, and the living send their requests once more. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/conf.h"
#include "msg/msg.h"
#include "txnd.h"
#include "world.h"

#define OTHERS_MAX 3
#define EVENT_AFTER 25 /* instructions that the worker waits */
#define RING_SEEN_BYTES (offsetof(struct ipc_ring, entry) + 8 * sizeof(struct msg))
#define TAG_STEPPED 77

struct waits_stage {
    struct conf conf;
    struct daemon live, copy;
    struct actor other[OTHERS_MAX];
    struct msg asked[OTHERS_MAX]; /* op 0: it does not wait */
    bool pending;                 /* the stepped worker's request is with txnd */
    unsigned waited;
    void (*event)(struct world *w);
};

static uint16_t slot_of(unsigned i) {
    return (uint16_t)(OTHER_WORKER + i);
}

static void watch_ring(struct world *w, struct ipc_ring *live, struct ipc_ring *copy) {
    world_add_area(w, "ring of messages", false, live, copy, RING_SEEN_BYTES);
}

void waits_open(struct world *w, void (*event)(struct world *w)) {
    struct waits_stage *g = w->waits = calloc(1, sizeof *g);
    struct ipc_rings *l = w->live.rings, *c = w->copy.rings;
    struct error e = {0};
    CHECK(g);
    conf_init(&g->conf);
    g->event = event;
    CHECK(ok(daemon_open(&g->live, &txnd_ops, &w->live, SLOT_TXND, &g->conf, "/", true, &e)));
    for (uint16_t slot = WORKER; slot < WORKER + 3; slot++) {
        watch_ring(w, &l->pair[SLOT_TXND][slot].submit, &c->pair[SLOT_TXND][slot].submit);
        watch_ring(w, &l->pair[SLOT_TXND][slot].complete, &c->pair[SLOT_TXND][slot].complete);
    }
    world_add_area(w, "inbox", false, l->inbox, c->inbox, sizeof l->inbox);
}

struct daemon *waits_txnd(struct world *w) {
    return &w->waits->live;
}

struct actor *waits_other(struct world *w, unsigned i) {
    struct actor *a = &w->waits->other[i];
    if (!a->proc.shm) world_proc(w, false, slot_of(i % 2), 1, &a->proc);
    return a;
}

void waits_ask(struct world *w, unsigned i, txn_ref target, uint64_t row) {
    struct actor *a = waits_other(w, i);
    struct msg *m = &w->waits->asked[i];
    *m = (struct msg){.op = MSG_TXN_WAIT,
                      .slot = a->proc.owner.slot,
                      .epoch = a->proc.epoch,
                      .tag = i,
                      .arg = {txn_slot_ref(&w->live, a->txn.index), target, row, 0}};
    txnd_ops.handle(&w->waits->live, m);
}

void waits_post(struct world *w, const struct shm *shm, const struct msg *m) {
    struct daemon *d = shm == &w->live ? &w->waits->live : &w->waits->copy;
    if (d->loop && !w->waits_mute) txnd_ops.handle(d, m);
}

/* Whose answer it is. */
static void take_answers(struct world *w, struct shm *shm, struct msg *ret_stepped) {
    for (uint16_t slot = WORKER; slot < WORKER + 3; slot++) {
        struct msg m;
        while (ring_pop(&shm->rings->pair[SLOT_TXND][slot].complete, &m)) {
            if (m.tag == TAG_STEPPED)
                *ret_stepped = m;
            else
                w->waits->asked[m.tag].op = 0;
        }
    }
}

bool waits_answer(struct world *w, uint16_t slot, struct msg *m) {
    struct waits_stage *g = w->waits;
    struct msg answer = {.op = 0};
    if (!g->pending) {
        m->slot = slot;
        m->epoch = w->actor.proc.epoch;
        m->tag = TAG_STEPPED;
        g->pending = true;
        g->waited = 0;
        txnd_ops.handle(&g->live, m);
    } else if (++g->waited == EVENT_AFTER && g->event) {
        g->event(w);
    }
    take_answers(w, &w->live, &answer);
    if (!answer.op) return false;
    *m = answer;
    g->pending = false;
    return true;
}

/* ---- after ----------------------------------------------------------------------------------- */

/* The copy's txnd as one that has lived through it. */
static void take_notes_over(struct world *w) {
    const struct txnd *from = w->waits->live.state;
    struct txnd *to = w->waits->copy.state;
    uint32_t n = w->copy.sizes.txns;
    memcpy(to->waits.waiter, from->waits.waiter, n * sizeof *to->waits.waiter);
    memcpy(to->waits.list, from->waits.list, n * sizeof *to->waits.list);
    to->waits.waiting = from->waits.waiting;
}

static void settle(struct world *w) {
    struct waits_stage *g = w->waits;
    struct msg of_dead;
    world_flush(w, &w->copy); /* logd has lived on */
    for (unsigned tick = 0; tick < 3; tick++) {
        ((struct txnd *)g->copy.state)->next_tick_ns = 0;
        for (unsigned turn = 0; turn < 4; turn++) CHECK(daemon_turn(&g->copy, 0));
    }
    take_answers(w, &w->copy, &of_dead);
}

static bool on_copy(struct world *w, unsigned i, struct actor *ret_actor) {
    const struct actor *live = &w->waits->other[i];
    if (!live->proc.shm) return false;
    *ret_actor = *live;
    world_proc(w, true, live->proc.owner.slot, live->proc.epoch, &ret_actor->proc);
    struct txn_slot *slot = txn_slot_at(&w->copy, live->txn.index);
    ret_actor->txn.slot = slot;
    ret_actor->txn.writer.shared_last = &slot->last_lsn;
    return txn_slot_state(slot) == TXN_ACTIVE &&
           atomic_load(&slot->owner) ==
               ((uint64_t)ret_actor->proc.owner.epoch << 8 | ret_actor->proc.owner.slot);
}

/* Those who do not wait end, until nobody is left. */
static void end_others(struct world *w) {
    struct waits_stage *g = w->waits;
    for (unsigned round = 0; round <= OTHERS_MAX; round++) {
        unsigned left = 0;
        for (unsigned i = 0; i < OTHERS_MAX; i++) {
            struct actor a;
            if (!on_copy(w, i, &a)) continue;
            left++;
            if (g->asked[i].op) continue;
            MUST_OK(w, txn_rollback(&a.proc, &a.txn));
            settle(w);
        }
        if (left == 0) return;
    }
    world_fail(w, "somebody waits for ever");
}

void waits_verdict(struct world *w) {
    struct waits_stage *g = w->waits;
    struct msg asked[OTHERS_MAX], of_dead;
    struct error e = {0};
    bool lives_on = !w->op->by_txnd && w->tried % 2;
    memcpy(asked, g->asked, sizeof asked);
    if (g->copy.loop) daemon_close(&g->copy); /* of a trial that failed */
    MUST_OK(w, daemon_open(&g->copy, &txnd_ops, &w->copy, SLOT_TXND, &g->conf, "/", true, &e));
    take_answers(w, &w->copy, &of_dead);
    if (lives_on) take_notes_over(w);
    for (unsigned i = 0; i < OTHERS_MAX && !lives_on; i++)
        if (g->asked[i].op) txnd_ops.handle(&g->copy, &g->asked[i]);
    settle(w);
    for (uint32_t i = 0; i < w->copy.sizes.txns; i++)
        MUST(w, txn_slot_state(txn_slot_at(&w->copy, i)) != TXN_ORPHAN);
    end_others(w);
    MUST(w, ((struct txnd *)g->copy.state)->waits.waiting == 0);
    daemon_close(&g->copy);
    memcpy(g->asked, asked, sizeof asked);
}

void waits_close(struct world *w) {
    struct waits_stage *g = w->waits;
    if (!g) return;
    if (g->copy.loop) daemon_close(&g->copy);
    if (g->live.loop) daemon_close(&g->live);
    free(g);
}
