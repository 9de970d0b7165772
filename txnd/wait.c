/* Waits: first come, first served, and no circles.
 *
 * A transaction waits for at most one other, so a deadlock is a chain of waits that leads back to
 * its beginning: following the chain when a wait is added finds it at once, and the one that would
 * close the circle is refused. Unless one of the circle waits for another only because that came
 * first in the queue (a soft edge): then the one that is farthest along the chain goes before it.
 *
 * When the holder of a row ends, the first who waited for that row is let go, and the others for
 * the same row queue behind it: it will very likely be the next holder. Should it wait for
 * something else itself, those queued behind it are let go to look again, so that a queue never
 * makes a circle that the rows do not. The same when it has had time to take the row: who finds the
 * row taken waits for its holder, and nobody waits for one who did not want it in the end. */
#include <stdlib.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/probe.h"
#include "txnd.h"

static uint32_t index_of(txn_ref ref) {
    return ref & 0xffff;
}

status waits_init(struct txnd *t) {
    uint32_t n = t->d->proc.shm->sizes.txns;
    t->waits.waiter = calloc(n, sizeof *t->waits.waiter);
    t->waits.list = calloc(n, sizeof *t->waits.list);
    return t->waits.waiter && t->waits.list ? OK : STATUS(OUT_OF_MEMORY);
}

/* Does the transaction still stand in the way of somebody who wants this row (0: relation)? */
static bool blocks(struct shm *shm, txn_ref ref, uint64_t row) {
    if (!txn_ref_alive(shm, ref)) return false;
    if (row == 0) return true;
    txid x = atomic_load(&txn_slot_at(shm, index_of(ref))->x);
    return x == 0 || txn_fate(shm, x, NULL, NULL) == FATE_RUNNING;
}

/* How often it has given something back before its end. */
static uint32_t releases_of(struct shm *shm, txn_ref ref) {
    return atomic_load(&txn_slot_at(shm, index_of(ref))->releases);
}

static void list_append(struct waits *w, struct waiter *x) {
    struct wait_list *l = &w->list[index_of(x->target)];
    uint32_t number = index_of(x->self) + 1;
    x->next = 0;
    if (l->last)
        w->waiter[l->last - 1].next = number;
    else
        l->first = number;
    l->last = number;
}

static void list_remove(struct waits *w, struct waiter *x) {
    struct wait_list *l = &w->list[index_of(x->target)];
    uint32_t number = index_of(x->self) + 1, before = 0;
    for (uint32_t i = l->first; i != number; i = w->waiter[i - 1].next) {
        CHECK(i != 0);
        before = i;
    }
    if (before)
        w->waiter[before - 1].next = x->next;
    else
        l->first = x->next;
    if (l->last == number) l->last = before;
}

/* Takes the waiter out and answers it. */
static void let_go(struct txnd *t, struct waiter *x, enum status_code code) {
    list_remove(&t->waits, x);
    x->used = false;
    t->waits.waiting--;
    struct msg reply = x->m;
    reply.code = (uint16_t)code;
    PROBE(axolotl_txnd, granted, x->self, x->target, x->row, code);
    daemon_reply(t->d, &reply);
}

static bool is_soft(const struct msg *m) {
    return m->flags & MSG_FLAG_SOFT;
}

static bool is_own_session(const struct shm *shm, txn_ref ref, txn_ref self) {
    const struct txn_slot *s = txn_slot_at(shm, index_of(ref));
    return txn_slot_state(s) == TXN_SESSION &&
           (uint32_t)atomic_load(&s->session) ==
               (uint32_t)atomic_load(&txn_slot_at(shm, index_of(self))->session);
}

/* Locks of a session wait for nothing, but its transaction may. */
static const struct waiter *waiter_behind(const struct shm *shm, const struct waits *w,
                                          txn_ref ref) {
    const struct txn_slot *held = txn_slot_at(shm, index_of(ref));
    if (txn_slot_state(held) != TXN_SESSION) return &w->waiter[index_of(ref)];
    uint32_t session = (uint32_t)atomic_load(&held->session);
    for (uint32_t i = 0; i < shm->sizes.txns; i++)
        if (w->waiter[i].used && (uint32_t)atomic_load(&txn_slot_at(shm, i)->session) == session)
            return &w->waiter[i];
    return &w->waiter[index_of(ref)];
}

/* *ret_soft: the last of the circle's other waiters that may go before the one it waits for. */
static bool closes_circle(const struct shm *shm, struct waits *w, txn_ref self, txn_ref target,
                          struct waiter **ret_soft) {
    txn_ref at = target;
    *ret_soft = NULL;
    for (uint32_t steps = 0; steps <= w->waiting; steps++) {
        if (at == self || is_own_session(shm, at, self)) return true;
        struct waiter *x = &w->waiter[waiter_behind(shm, w, at) - w->waiter];
        bool session = txn_slot_state(txn_slot_at(shm, index_of(at))) == TXN_SESSION;
        if (!x->used || (x->self != at && !session)) return false;
        if (is_soft(&x->m)) *ret_soft = x;
        at = x->target;
    }
    return false;
}

static void let_queue_look_again(struct txnd *t, txn_ref head) {
    uint32_t next;
    for (uint32_t i = t->waits.list[index_of(head)].first; i; i = next) {
        struct waiter *x = &t->waits.waiter[i - 1];
        next = x->next;
        if (x->queued) let_go(t, x, ST_OK);
    }
}

static void reply_now(struct txnd *t, const struct msg *m, enum status_code code) {
    struct msg reply = *m;
    reply.code = (uint16_t)code;
    daemon_reply(t->d, &reply);
}

void waits_add(struct txnd *t, const struct msg *m) {
    struct shm *shm = t->d->proc.shm;
    txn_ref self = m->arg[0], target = m->arg[1];
    uint64_t row = m->arg[2];
    uint32_t timeout_ms = (uint32_t)m->arg[3];
    if (!txn_ref_alive(shm, self) || index_of(target) >= shm->sizes.txns) {
        reply_now(t, m, ST_INVALID);
        return;
    }
    struct waiter *x = &t->waits.waiter[index_of(self)];
    if (x->used) let_go(t, x, ST_STALE); /* an older request of the same slot: nobody listens */
    let_queue_look_again(t, self);
    /* Note that somebody waits, then look: slot_close ends the life first and looks afterwards. */
    atomic_store(&txn_slot_at(shm, index_of(target))->waited_for, 1);
    bool released = releases_of(shm, target) != m->arg[3] >> 32;
    if (released || !blocks(shm, target, row)) {
        reply_now(t, m, ST_OK);
        return;
    }
    struct waiter *soft;
    bool circle = closes_circle(shm, &t->waits, self, target, &soft);
    if (circle && !soft) {
        if (!is_soft(m)) {
            counter_add(&t->d->proc, COUNTER_DEADLOCKS, 1);
            PROBE(axolotl_txnd, deadlock, self, target, row);
        }
        reply_now(t, m, is_soft(m) ? ST_AGAIN : ST_DEADLOCK_DETECTED);
        return;
    }
    if (circle) let_go(t, soft, ST_AGAIN);
    uint64_t now = t->d->proc.env->mono_ns(&t->d->proc);
    *x = (struct waiter){.used = true,
                         .m = *m,
                         .self = self,
                         .target = target,
                         .row = row,
                         .deadline_ns = timeout_ms ? now + timeout_ms * 1000000ull : 0};
    t->waits.waiting++;
    list_append(&t->waits, x);
    if (x->deadline_ns && x->deadline_ns < t->next_tick_ns) t->next_tick_ns = x->deadline_ns;
    PROBE(axolotl_txnd, waits, self, target, row);
}

void waits_cancel(struct txnd *t, txn_ref self) {
    if (index_of(self) >= t->d->proc.shm->sizes.txns) return;
    struct waiter *x = &t->waits.waiter[index_of(self)];
    if (x->used && x->self == self) let_go(t, x, ST_QUERY_CANCELED);
}

/* Who was let go first for a row while one ending is dealt with. */
struct round {
    uint64_t row;
    txn_ref head;
};

static txn_ref head_for(const struct round *rounds, unsigned n, uint64_t row) {
    for (unsigned i = 0; i < n; i++)
        if (rounds[i].row == row) return rounds[i].head;
    return 0;
}

void waits_ended(struct txnd *t, txn_ref ref) {
    struct shm *shm = t->d->proc.shm;
    if (index_of(ref) >= shm->sizes.txns) return;
    struct round rounds[64];
    uint64_t now = t->d->proc.env->mono_ns(&t->d->proc);
    unsigned n = 0;
    uint32_t next;
    for (uint32_t i = t->waits.list[index_of(ref)].first; i; i = next) {
        struct waiter *x = &t->waits.waiter[i - 1];
        next = x->next;
        if (x->target != ref || blocks(shm, ref, x->row)) continue;
        txn_ref head = x->row ? head_for(rounds, n, x->row) : 0;
        if (!head || n == sizeof rounds / sizeof *rounds) {
            if (x->row && n < sizeof rounds / sizeof *rounds)
                rounds[n++] = (struct round){x->row, x->self};
            let_go(t, x, ST_OK);
            continue;
        }
        list_remove(&t->waits, x);
        x->target = head;
        x->queued = true;
        x->queued_ns = now;
        list_append(&t->waits, x);
        atomic_store(&txn_slot_at(shm, index_of(head))->waited_for, 1);
    }
}

void waits_released(struct txnd *t, txn_ref ref) {
    if (index_of(ref) >= t->d->proc.shm->sizes.txns) return;
    uint32_t next;
    for (uint32_t i = t->waits.list[index_of(ref)].first; i; i = next) {
        struct waiter *x = &t->waits.waiter[i - 1];
        next = x->next;
        if (x->target == ref && !x->queued) let_go(t, x, ST_OK);
    }
}

void waits_sweep(struct txnd *t) {
    if (!t->waits.waiting) return;
    struct shm *shm = t->d->proc.shm;
    uint64_t now = t->d->proc.env->mono_ns(&t->d->proc);
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct waiter *x = &t->waits.waiter[i];
        if (!x->used) continue;
        enum txn_state state = txn_slot_state(txn_slot_at(shm, i));
        if (!txn_ref_alive(shm, x->self) || state == TXN_ORPHAN)
            let_go(t, x, ST_STALE);
        else if (x->deadline_ns && now >= x->deadline_ns)
            let_go(t, x, ST_LOCK_NOT_AVAILABLE);
        else if (!x->queued && releases_of(shm, x->target) != x->m.arg[3] >> 32)
            let_go(t, x, ST_OK);
        else if (!blocks(shm, x->target, x->row))
            waits_ended(t, x->target);
        else if (x->queued && now >= x->queued_ns + QUEUED_NS)
            let_queue_look_again(t, x->target);
    }
}
