#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "base/probe.h"
#include "storaged.h"

/* A page's way into a frame:
 *
 *   absent ── frames_take, LOADING, in the table ──→ read under way ── verified ──→ READY
 *                                                        ├ not restored yet ─ fetch.c ─→ again
 *                                                        ├ behind, for redo ─→ REDO
 *                                                        └ bad, behind ─→ rebuild.c ──→ READY
 *   BROKEN ── load_broken ── and REDO ── wanted ─────────────────────────→ rebuild.c ──→ READY
 *
 * When rebuild.c fails the frame is FREE again, BROKEN or REDO still. Whoever wants the page
 * meanwhile joins the load's waiters. */

status load_init(struct storaged *s) {
    for (unsigned i = 0; i < LOADS_MAX; i++) {
        s->loads[i].s = s;
        s->loads[i].next = s->free_loads;
        s->free_loads = &s->loads[i];
    }
    s->pending.end = &s->pending.first;
    s->space_requests.end = &s->space_requests.first;
    s->checkpoint_requests.end = &s->checkpoint_requests.first;
    return OK;
}

/* Waiters come from slabs, which are given back with storaged: one may stand in a queue, with a
 * load, or in the hands of a coroutine that ends in the middle. */
#define WAITER_SLAB 64
struct waiter_slab {
    struct waiter_slab *next;
    struct waiter waiters[WAITER_SLAB];
};

void load_fini(struct storaged *s) {
    while (s->waiter_slabs) {
        struct waiter_slab *next = s->waiter_slabs->next;
        free(s->waiter_slabs);
        s->waiter_slabs = next;
    }
}

void waiter_push(struct waiter_queue *q, struct waiter *w) {
    w->next = NULL;
    *q->end = w;
    q->end = &w->next;
}

struct waiter *waiter_pop(struct waiter_queue *q) {
    struct waiter *w = q->first;
    if (!w) return NULL;
    q->first = w->next;
    if (!q->first) q->end = &q->first;
    return w;
}

void waiter_drop(struct storaged *s, struct waiter *w) {
    w->next = s->free_waiters;
    s->free_waiters = w;
}

static struct waiter *waiter_take(struct storaged *s) {
    if (!s->free_waiters) {
        struct waiter_slab *slab = malloc(sizeof *slab);
        if (!slab) return NULL;
        slab->next = s->waiter_slabs;
        s->waiter_slabs = slab;
        for (unsigned i = 0; i < WAITER_SLAB; i++) waiter_drop(s, &slab->waiters[i]);
    }
    struct waiter *w = s->free_waiters;
    s->free_waiters = w->next;
    return w;
}

struct waiter *waiter_for_msg(struct storaged *s, const struct msg *m) {
    struct waiter *w = waiter_take(s);
    if (!w) {
        struct msg answer = *m;
        answer.code = ST_OUT_OF_MEMORY;
        daemon_reply(s->d, &answer);
        return NULL;
    }
    *w = (struct waiter){.page = m->arg[0], .m = *m};
    return w;
}

void waiter_finish(struct storaged *s, struct waiter *w, status result, struct frame *f) {
    if (w->coro) {
        w->result = result;
        w->frame = f;
        w->done = true;
        w->next = s->finished;
        s->finished = w;
        daemon_wake(s->d, w->coro);
        return;
    }
    w->m.code = result.code;
    if (f) w->m.arg[0] = frame_index(s, f);
    FAULT(s->p, STORAGED_LOADED);
    daemon_reply(s->d, &w->m);
    waiter_drop(s, w);
}

static struct load *load_take(struct storaged *s, struct frame *f, uint64_t page) {
    struct load *l = s->free_loads;
    CHECK(l);
    s->free_loads = l->next;
    l->frame = frame_index(s, f);
    l->page = page;
    l->waiters = NULL;
    uint32_t state = atomic_load(&f->state);
    l->broken = state == FRAME_BROKEN;
    l->kept = l->broken || state == FRAME_REDO;
    l->damage = state == FRAME_REDO ? DAMAGE_REDO : DAMAGE_NONE;
    l->begun_ns = s->p->env->mono_ns(s->p);
    frame_note(s, f)->load = l;
    return l;
}

/* Out of the table and free again: its page could not be had. */
static void drop_frame(struct storaged *s, struct frame *f) {
    latch_lock(&f->latch, s->p->owner); /* only held by somebody who is about to see LOADING */
    atomic_store(&f->state, FRAME_FREE);
    table_remove(s, f);
    atomic_store(&f->page, 0);
    latch_unlock(&f->latch);
    frames_put(s, f);
}

/* The page is in its frame, as new as it must be for those who wait. */
static void settle_frame(struct storaged *s, struct load *l, struct frame *f,
                         enum frame_state state) {
    if (l->broken) return; /* it is READY already */
    atomic_store(&f->state, state);
    if (!l->kept) frames_admit(s, f);
}

static void finish(struct storaged *s, struct load *l, status result, enum frame_state state) {
    struct frame *f = &s->shm->frames[l->frame];
    struct waiter *w = l->waiters;
    frame_note(s, f)->load = NULL;
    if (ok(result)) {
        settle_frame(s, l, f, state);
    } else if (!l->kept) {
        drop_frame(s, f);
        f = NULL;
    }
    PROBE(axolotl_storaged, page_read_done, l->page, l->frame, result.code,
          s->p->env->mono_ns(s->p) - l->begun_ns);
    l->waiters = NULL;
    l->next = s->free_loads;
    s->free_loads = l;
    while (w) {
        struct waiter *next = w->next;
        waiter_finish(s, w, result, ok(result) ? f : NULL);
        w = next;
    }
}

void load_finish(struct storaged *s, struct load *l, status result) {
    finish(s, l, result, FRAME_READY);
}

static void begin_rebuild(struct storaged *s, struct load *l) {
    status spawned = daemon_spawn(s->d, 0, rebuild_load, l);
    if (!ok(spawned)) load_finish(s, l, spawned);
}

/* Only redo waits for it, or nobody does. */
static bool older_will_do(const struct load *l) {
    for (const struct waiter *w = l->waiters; w; w = w->next)
        if (!w->older) return false;
    return true;
}

static void judge(struct storaged *s, struct load *l, const void *page) {
    uint64_t target = redo_target(s, l->page).at;
    l->damage = damage_of(s, l->page, page);
    if (!l->damage) home_lsn_seen(s, l->page, page_head_c(page)->lsn);
    if (target == 0 || (l->damage && l->damage != DAMAGE_OLD)) return;
    if (page_head_c(page)->lsn < target)
        l->damage = DAMAGE_REDO;
    else if (!l->damage)
        redo_settled(s, l->page);
}

static void begin_fetch(struct storaged *s, struct load *l) {
    status spawned = daemon_spawn(s->d, 0, fetch_load, l);
    if (!ok(spawned)) load_finish(s, l, spawned);
}

static void page_came(struct storaged *s, struct load *l, status result) {
    counter_add(s->p, COUNTER_PAGE_READS, 1);
    if (!ok(result)) {
        l->damage = DAMAGE_UNREADABLE;
        begin_rebuild(s, l);
    } else if (fetch_wants(s, l->page, frame_bytes(s->shm, &s->shm->frames[l->frame]))) {
        begin_fetch(s, l);
    } else {
        load_judge(s, l);
    }
}

static void read_done(struct storaged *s, struct io_req *req) {
    page_came(s, req->arg, req->io.result);
}

void load_judge(struct storaged *s, struct load *l) {
    judge(s, l, frame_bytes(s->shm, &s->shm->frames[l->frame]));
    if (l->damage == DAMAGE_REDO && older_will_do(l))
        finish(s, l, OK, FRAME_REDO);
    else if (l->damage)
        begin_rebuild(s, l);
    else
        load_finish(s, l, OK);
}

static void begin_read(struct storaged *s, struct load *l) {
    PROBE(axolotl_storaged, page_read_begin, l->page, l->frame);
    l->req = (struct io_req){.io = {.op = DISK_READ,
                                    .file = s->data,
                                    .offset = l->page * PAGE_BYTES,
                                    .buf = frame_bytes(s->shm, &s->shm->frames[l->frame]),
                                    .len = PAGE_BYTES},
                             .done = read_done,
                             .arg = l};
    io_submit(s, &l->req);
}

/* What fails as a whole says nothing of each of its pages. */
static void run_done(struct storaged *s, struct io_req *req) {
    status result = req->io.result;
    for (struct load *l = req->arg, *beside; l; l = beside) {
        beside = l->beside;
        if (ok(result))
            page_came(s, l, result);
        else
            begin_read(s, l);
    }
}

static void begin_run(struct storaged *s, struct load *const *loads, unsigned n) {
    struct load *first = loads[0];
    for (unsigned i = 0; i < n; i++) {
        PROBE(axolotl_storaged, page_read_begin, loads[i]->page, loads[i]->frame);
        loads[i]->beside = i + 1 < n ? loads[i + 1] : NULL;
        first->places[i] =
            (struct iovec){frame_bytes(s->shm, &s->shm->frames[loads[i]->frame]), PAGE_BYTES};
    }
    first->req = (struct io_req){.io = {.op = DISK_READ,
                                        .file = s->data,
                                        .offset = first->page * PAGE_BYTES,
                                        .places = first->places,
                                        .place_count = n,
                                        .len = (size_t)n * PAGE_BYTES},
                                 .done = run_done,
                                 .arg = first};
    io_submit(s, &first->req);
}

void load_prefetched(struct storaged *s) {
    unsigned n = s->run_pages;
    s->run_pages = 0;
    if (n == 1)
        begin_read(s, s->run[0]);
    else if (n > 1)
        begin_run(s, s->run, n);
}

/* A scan goes through the file forward, or backward. */
static void join_run(struct storaged *s, struct load *l) {
    unsigned n = s->run_pages;
    bool behind = n > 0 && s->run[n - 1]->page + 1 == l->page;
    bool before = n > 0 && l->page + 1 == s->run[0]->page;
    if (n == RUN_PAGES || (!behind && !before)) {
        load_prefetched(s);
        n = 0;
    }
    if (before && n > 0) memmove(s->run + 1, s->run, n * sizeof *s->run);
    s->run[before && n > 0 ? 0 : n] = l;
    s->run_pages = n + 1;
}

/* Gives the page a frame and begins to fill it. NULL: no frame, or too many loads, now. */
static struct load *begin(struct storaged *s, uint64_t page) {
    if (!s->free_loads) return NULL;
    struct frame *f = frames_take(s);
    if (!f) return NULL;
    atomic_store(&f->state, FRAME_LOADING);
    atomic_store(&f->rec_lsn, 0);
    atomic_store(&f->write_lsn, 0);
    atomic_store(&f->rebuild_lsn, 0);
    atomic_store(&f->changes, 0);
    atomic_store(&f->used, 0);
    atomic_store(&f->page, page);
    table_insert(s, f);
    latch_unlock(&f->latch);
    return load_take(s, f, page);
}

static bool at_home(const struct load *l) {
    for (const struct waiter *w = l->waiters; w; w = w->next)
        if (w->at_home) return true;
    return false;
}

/* A free page needs no read, unless redo has still to bring it forward: what lies at home is from
 * before it was freed, and would be taken for the page later. */
static void fill(struct storaged *s, struct load *l) {
    bool free = space_known_free(s, l->page) && redo_target(s, l->page).at == 0;
    if (free && !at_home(l)) {
        memset(frame_bytes(s->shm, &s->shm->frames[l->frame]), 0, PAGE_BYTES);
        load_finish(s, l, OK);
    } else if (l->waiters) {
        begin_read(s, l);
    } else {
        join_run(s, l);
    }
}

void load_broken(struct storaged *s, struct frame *f) {
    if (frame_note(s, f)->load || !s->free_loads) return;
    begin_rebuild(s, load_take(s, f, atomic_load(&f->page)));
}

void load_restart(struct storaged *s, struct frame *f) {
    CHECK(s->free_loads);
    begin_read(s, load_take(s, f, atomic_load(&f->page)));
}

static bool page_exists(const struct storaged *s, uint64_t page) {
    if (page < SPACE_FIRST || page > PAGE_NO_MAX) return false;
    return !s->serving || page < atomic_load(&s->shm->pool->file_pages) ||
           page == space_page_of((page_id){page}).no;
}

/* Nobody has asked for it yet, or the first one does. */
static void note_wish(struct storaged *s, const struct load *l, const struct waiter *w,
                      bool begun) {
    struct frame *f = &s->shm->frames[l->frame];
    if (w)
        atomic_store(&f->used, FRAME_UNUSED);
    else if (begun)
        atomic_store(&f->used, FRAME_AHEAD);
}

/* Joins, begins or answers. False: nothing can be begun now. w NULL: nobody waits. */
static bool want(struct storaged *s, uint64_t page, struct waiter *w) {
    struct frame *f = table_find(s, page);
    uint32_t state = f ? atomic_load(&f->state) : FRAME_FREE;
    bool older = state == FRAME_REDO && (!w || w->older) && !frame_note(s, f)->load;
    if (f && (state == FRAME_READY || older)) {
        if (w) waiter_finish(s, w, OK, f);
        return true;
    }
    if (!f || state == FRAME_BROKEN || state == FRAME_REDO) {
        if (!page_exists(s, page)) {
            if (w) waiter_finish(s, w, STATUS(INVALID), NULL);
            return true;
        }
        if (f && !frame_note(s, f)->load && !s->free_loads) return false;
    }
    if (!f && fetch_holds(s, page)) return false;
    struct load *l = f ? frame_note(s, f)->load : begin(s, page);
    bool rebuild = f && !l;
    if (l) note_wish(s, l, w, !f);
    if (rebuild) l = load_take(s, f, page);
    if (!l) return false;
    if (w) {
        w->next = l->waiters;
        l->waiters = w;
    }
    /* Only with the waiter in place: both may be over at once. */
    if (rebuild)
        begin_rebuild(s, l);
    else if (!f)
        fill(s, l);
    return true;
}

void load_request(struct storaged *s, const struct msg *m) {
    struct waiter *w = waiter_for_msg(s, m);
    if (!w) return;
    PROBE(axolotl_storaged, page_miss, m->arg[0], m->slot, m->trace);
    s->redo.asked++;
    if (!s->serving || s->pending.first || !want(s, w->page, w)) waiter_push(&s->pending, w);
}

void load_prefetch(struct storaged *s, uint64_t page) {
    /* Never takes the last frames: somebody may wait for them. */
    if (s->pending.first || s->stock_count <= s->stock_target / 2) return;
    (void)want(s, page, NULL);
}

bool load_pump(struct storaged *s) {
    bool begun = false;
    struct waiter_queue kept = {.end = &kept.first};
    struct waiter *w;
    while ((w = waiter_pop(&s->pending))) {
        bool later = !s->serving && !w->coro;
        if (!later && want(s, w->page, w)) {
            begun = true;
            continue;
        }
        waiter_push(&kept, w);
        if (!later) break;
    }
    if (kept.first) { /* before what has not been looked at */
        *kept.end = s->pending.first;
        if (!s->pending.first) s->pending.end = kept.end;
        s->pending.first = kept.first;
    }
    return begun;
}

struct waiter *waiter_for_coro(struct storaged *s, uint64_t page) {
    struct waiter *w = waiter_take(s);
    if (w) *w = (struct waiter){.page = page, .coro = coro_self()};
    CHECK(!w || w->coro);
    return w;
}

status waiter_await(struct storaged *s, struct waiter *w, struct frame **ret_frame) {
    while (!w->done) daemon_suspend(s->d);
    struct waiter **at = &s->finished;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    status result = w->result;
    if (ok(result) && ret_frame) *ret_frame = w->frame;
    waiter_drop(s, w);
    return result;
}

/* Suspends until the page has come, or cannot. */
static status wait_for(struct storaged *s, uint64_t page, bool older, bool home,
                       struct frame **ret_frame) {
    struct waiter *w = waiter_for_coro(s, page);
    if (!w) return STATUS(OUT_OF_MEMORY);
    w->older = older;
    w->at_home = home;
    if (!want(s, page, w)) waiter_push(&s->pending, w);
    return waiter_await(s, w, ret_frame);
}

static bool will_do(const struct storaged *s, const struct frame *f, uint64_t page, bool older) {
    if (!f || atomic_load(&f->page) != page) return false;
    uint32_t state = atomic_load(&f->state);
    return state == FRAME_READY || (older && state == FRAME_REDO && !frame_note(s, f)->load);
}

status load_page(struct storaged *s, uint64_t page, bool older, struct frame **ret_frame) {
    struct frame *f = table_find(s, page);
    while (!will_do(s, f, page, older)) TRY(wait_for(s, page, older, false, &f));
    *ret_frame = f;
    return OK;
}

status load_page_at_home(struct storaged *s, uint64_t page, struct frame **ret_frame) {
    struct frame *f = table_find(s, page);
    while (!will_do(s, f, page, false)) TRY(wait_for(s, page, false, true, &f));
    *ret_frame = f;
    return OK;
}
