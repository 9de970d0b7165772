#include <stdlib.h>

#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "storaged.h"
#include "txn/txn.h"

/* A checkpoint shortens recovery: it has dirty pages written and says from where redo must begin.
 *
 *   every frame dirty now is given to the writers, in page order, at a pace
 *   T = the log's tail; then the frames: redo_lsn = min(T, every rec_lsn and write_lsn left)
 *   CHECKPOINT record, durable; file page, durable; control.redo_lsn
 *
 * The tail is read before the frames: a change that the scan missed (frame.h, rule 3) lies at or
 * behind it. */

#define FEED_FRAMES 128    /* given to the writers and not yet settled, at most */
#define BREATH_FRAMES 4096 /* looked at in one turn */
#define DIGIT_BITS 11      /* of a page number, when frames are sorted */
#define DIGITS (1u << DIGIT_BITS)
#define RETRY_NS 1000000000u /* after a failure */
#define STOP_ROUNDS_MAX 20
#define CHAIN_MAX 1000 /* changes of a page since it was home */
#define CHAIN_PARTS 8
#define PACE_SHARE 2 /* one in so many parts of the interval is spent writing */

struct dirty_frame {
    uint64_t page;
    uint32_t frame;
};

/* Whoever goes through all frames lets others have a turn in between. */
static void breathe(struct storaged *s, uint32_t i) {
    if (i % BREATH_FRAMES == BREATH_FRAMES - 1) daemon_sleep(s->d, 0);
}

/* By a digit of the page number at a time, the lowest first. The list becomes the sorted one;
 * `other` has room for as many. */
static void sort_by_page(struct storaged *s, struct dirty_frame **list, struct dirty_frame *other,
                         uint32_t n, uint64_t page_max) {
    for (unsigned shift = 0; shift < 64 && page_max >> shift; shift += DIGIT_BITS) {
        uint32_t begin[DIGITS + 1] = {0};
        struct dirty_frame *from = *list;
        for (uint32_t i = 0; i < n; i++, breathe(s, i))
            begin[(from[i].page >> shift) % DIGITS + 1]++;
        for (unsigned d = 0; d < DIGITS; d++) begin[d + 1] += begin[d];
        for (uint32_t i = 0; i < n; i++, breathe(s, i))
            other[begin[(from[i].page >> shift) % DIGITS]++] = from[i];
        *list = other;
        other = from;
    }
}

void checkpoint_settled(struct storaged *s) {
    if (--s->checkpoint_left == 0 || s->checkpoint_left == FEED_FRAMES / 2)
        daemon_wake(s->d, s->checkpoint_coro);
}

static void wait_settled(struct storaged *s, uint32_t left_max) {
    while (s->checkpoint_left > left_max) daemon_suspend(s->d);
}

bool checkpoint_hurried(const struct storaged *s) {
    uint64_t tail = atomic_load(&s->shm->log->tail);
    return s->stopping || s->checkpoint_asked || s->checkpoint_requests.first ||
           tail - atomic_load(&s->shm->control->redo_lsn) > s->options.checkpoint_log_bytes;
}

/* Every dirty frame through the writers. */
static status write_dirty(struct storaged *s, uint32_t *ret_written) {
    uint32_t n = 0, frames = atomic_load(&s->shm->pool->ready_frames);
    uint64_t page_max = 0;
    struct dirty_frame *list = s->checkpoint_list = malloc(2 * frames * sizeof *list);
    if (!list) return STATUS(OUT_OF_MEMORY);
    for (uint32_t i = 0; i < frames; i++, breathe(s, i)) {
        struct frame *f = &s->shm->frames[i];
        if (atomic_load(&f->state) == FRAME_BROKEN) load_broken(s, f);
        if (atomic_load(&f->rec_lsn) || atomic_load(&f->write_lsn))
            list[n++] = (struct dirty_frame){.page = atomic_load(&f->page), .frame = i};
        if (n && list[n - 1].page > page_max) page_max = list[n - 1].page;
    }
    sort_by_page(s, &list, list + frames, n, page_max);
    uint64_t chunks = n / (FEED_FRAMES / 2) + 1;
    uint64_t pause_ns = s->options.checkpoint_interval_ns / PACE_SHARE / chunks;
    for (uint32_t i = 0; i < n; i++) {
        s->checkpoint_left++;
        struct frame *f = &s->shm->frames[list[i].frame];
        write_want(s, f, NOTE_CHECKPOINT);
        if (s->checkpoint_left < FEED_FRAMES) continue;
        wait_settled(s, FEED_FRAMES / 2);
        uint64_t until = s->p->env->mono_ns(s->p) + pause_ns;
        while (!checkpoint_hurried(s) && s->p->env->mono_ns(s->p) < until)
            daemon_sleep(s->d, 20000000);
    }
    wait_settled(s, 0);
    free(s->checkpoint_list);
    s->checkpoint_list = NULL;
    *ret_written = n;
    return OK;
}

/* What must be redone after a crash now. Also tells whether anything is dirty. */
static uint64_t redo_begin(struct storaged *s, bool *ret_dirty) {
    uint64_t redo = atomic_load(&s->shm->log->tail);
    *ret_dirty = !s->redo.complete;
    if (!s->redo.complete && s->redo.position.at < redo) redo = s->redo.position.at;
    uint32_t frames = atomic_load(&s->shm->pool->ready_frames);
    for (uint32_t i = 0; i < frames; i++) {
        struct frame *f = &s->shm->frames[i];
        uint64_t writing = atomic_load(&f->write_lsn), rec = atomic_load(&f->rec_lsn);
        *ret_dirty |= writing || rec;
        if (writing && writing < redo) redo = writing;
        if (rec && rec < redo) redo = rec;
    }
    uint64_t before = atomic_load(&s->shm->control->redo_lsn);
    return redo > before ? redo : before;
}

static uint64_t greater(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void gather(struct storaged *s, struct rec_checkpoint *c, bool *ret_dirty) {
    struct control *control = s->shm->control;
    struct txn_shared *txn = s->shm->txn;
    /* Before the tail: a transaction that begins now logs its first record behind it. */
    c->undo_lsn = greater(atomic_load(&txn->oldest_active_lsn), atomic_load(&control->undo_lsn));
    c->purge_lsn = greater(atomic_load(&txn->purge_lsn), atomic_load(&control->purge_lsn));
    c->redo_lsn = redo_begin(s, ret_dirty);
    c->next_txid = atomic_load(&txn->next_txid);
    c->last_commit = atomic_load(&s->shm->log->last_commit);
}

static status insert_record(struct storaged *s, const struct rec_checkpoint *c, lsn *ret_at) {
    struct {
        struct rec_head head;
        struct rec_checkpoint body;
    } r = {.head = {.len = sizeof r, .type = REC_CHECKPOINT}, .body = *c};
    TRY(log_room(s->p));
    lsn at = log_insert(s->p, &r.head);
    TRY(log_wait_durable(s->p, (lsn){at.at + sizeof r}));
    *ret_at = at;
    return OK;
}

static status publish(struct storaged *s, const struct rec_checkpoint *c, lsn at, bool clean) {
    struct control *control = s->shm->control;
    struct file_page next = s->file;
    next.redo_lsn = c->redo_lsn;
    next.undo_lsn = c->undo_lsn;
    next.purge_lsn = c->purge_lsn;
    next.next_txid = c->next_txid;
    next.last_commit = c->last_commit;
    next.checkpoint_lsn = at.at;
    next.clean = clean;
    next.pages = atomic_load(&s->shm->pool->file_pages);
    status saved = home_lsn_save(s, c->redo_lsn);
    if (!ok(saved)) /* less is known after a crash, and what is known stays true */
        storaged_say("the newest LSNs of pages could not be written: %s", status_name(saved));
    TRY(file_page_write(s, &next));
    /* Only now may logd forget what lies below. */
    atomic_store(&control->undo_lsn, c->undo_lsn);
    atomic_store(&control->purge_lsn, c->purge_lsn);
    atomic_store(&control->redo_lsn, c->redo_lsn);
    return OK;
}

static status make(struct storaged *s, bool *ret_dirty) {
    uint32_t written = 0;
    uint64_t begun_ns = s->p->env->mono_ns(s->p);
    PROBE(axolotl_storaged, checkpoint_begin, atomic_load(&s->shm->control->redo_lsn));
    struct rec_checkpoint c = {0};
    lsn at = LSN_NONE;
    status st;
    TRY_OUT(st, write_dirty(s, &written));
    gather(s, &c, ret_dirty);
    TRY_OUT(st, insert_record(s, &c, &at));
    TRY_OUT(st, publish(s, &c, at, false));
    counter_add(s->p, COUNTER_CHECKPOINTS, 1);
out:
    PROBE(axolotl_storaged, checkpoint_done, c.redo_lsn, written,
          s->p->env->mono_ns(s->p) - begun_ns, st.code);
    return st;
}

/* The orderly end: nothing is dirty any more, and the file says so. */
static void finish(struct storaged *s) {
    bool dirty = true;
    status st = OK;
    if (!s->redo.complete) /* it goes on at the next start */
        st = make(s, &dirty);
    else
        for (unsigned i = 0; i < STOP_ROUNDS_MAX && dirty && ok(st); i++) st = make(s, &dirty);
    if (ok(st) && !dirty) {
        /* Redo begins behind the last CHECKPOINT record, where the log ends. */
        struct rec_checkpoint c;
        gather(s, &c, &dirty);
        if (!dirty) st = publish(s, &c, (lsn){s->file.checkpoint_lsn}, true);
    }
    if (!ok(st)) storaged_say("the last checkpoint failed: %s", status_name(st));
    daemon_stopped(s->d);
}

void checkpoint_fini(struct storaged *s) {
    free(s->checkpoint_list);
}

static void checkpoint_run(void *arg) {
    struct storaged *s = arg;
    s->checkpoint_coro = coro_self();
    do {
        struct waiter_queue *asked = &s->checkpoint_answers;
        *asked = s->checkpoint_requests;
        if (!asked->first) asked->end = &asked->first;
        s->checkpoint_requests = (struct waiter_queue){.end = NULL};
        s->checkpoint_requests.end = &s->checkpoint_requests.first;
        s->checkpoint_asked = asked->first;
        bool dirty;
        status st = make(s, &dirty);
        s->checkpoint_asked = false;
        struct waiter *w;
        while ((w = waiter_pop(asked))) {
            w->m.arg[0] = atomic_load(&s->shm->control->redo_lsn);
            waiter_finish(s, w, st, NULL);
        }
        if (!ok(st)) storaged_say("a checkpoint failed: %s", status_name(st));
        s->checkpoint_due_ns =
            s->p->env->mono_ns(s->p) + (ok(st) ? s->options.checkpoint_interval_ns : RETRY_NS);
    } while (s->checkpoint_requests.first && !s->stopping);
    if (s->stopping) finish(s);
    s->checkpoint_running = false;
}

static void begin(struct storaged *s) {
    if (s->checkpoint_running) return;
    s->checkpoint_running = true;
    status st = daemon_spawn(s->d, 0, checkpoint_run, s);
    if (ok(st)) return;
    s->checkpoint_running = false;
    s->checkpoint_due_ns = s->p->env->mono_ns(s->p) + RETRY_NS;
    if (s->stopping) daemon_stopped(s->d);
}

void checkpoint_request(struct storaged *s, const struct msg *m) {
    struct waiter *w = waiter_for_msg(s, m);
    if (!w) return;
    waiter_push(&s->checkpoint_requests, w);
    if (s->serving) begin(s);
}

status checkpoint_make(struct storaged *s) {
    struct waiter *w = waiter_for_coro(s, 0);
    if (!w) return STATUS(OUT_OF_MEMORY);
    waiter_push(&s->checkpoint_requests, w);
    begin(s);
    return waiter_await(s, w, NULL);
}

/* A page that is changed all the time goes home now and then: who wants it after a crash waits
 * while all of its records since are read. A part of the frames each time. */
static void write_long_chains(struct storaged *s) {
    uint32_t frames = atomic_load(&s->shm->pool->ready_frames), n = frames / CHAIN_PARTS + 1;
    for (; n > 0; n--) {
        if (++s->chain_hand >= frames) s->chain_hand = 0;
        struct frame *f = &s->shm->frames[s->chain_hand];
        if (atomic_load_explicit(&f->changes, memory_order_relaxed) > CHAIN_MAX)
            write_want(s, f, 0);
    }
}

void checkpoint_tick(struct storaged *s, uint64_t now_ns) {
    if (!s->serving || s->stopping) return;
    write_long_chains(s);
    if (s->checkpoint_running) return;
    /* While redo goes on it is redo that holds redo_lsn back. */
    bool due = s->redo.complete && (now_ns >= s->checkpoint_due_ns || checkpoint_hurried(s));
    if (due || s->checkpoint_requests.first) begin(s);
}

void checkpoint_stop(struct storaged *s) {
    s->stopping = true;
    if (s->serving)
        begin(s);
    else
        daemon_stopped(s->d); /* recovery goes on at the next start */
}
