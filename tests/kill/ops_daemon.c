/* ops_daemon.c: what storaged does with frames. */
#include <string.h>

#include "base/check.h"
#include "msg/msg.h"
#include "storaged.h"
#include "world.h"

static struct storaged *storaged(struct world *w) {
    return daemon_storaged(w)->state;
}

/* A leaf that is clean, and one that is dirty. */
static struct frame *some_leaf(struct world *w, bool dirty) {
    for (uint32_t i = 0; i < w->live.sizes.frames; i++) {
        struct frame *f = &w->live.frames[i];
        const struct page_head *h = frame_bytes(&w->live, f);
        if (atomic_load(&f->state) == FRAME_READY && h->type == PAGE_TYPE_TREE && h->level == 0 &&
            !!atomic_load(&f->rec_lsn) == dirty)
            return f;
    }
    CHECK(false);
}

static void turn(struct world *w) {
    CHECK(daemon_turn(daemon_storaged(w), 0));
    CHECK(daemon_turn(daemon_logd(w), 0));
}

static struct msg request(uint16_t op, uint64_t arg) {
    return (struct msg){.op = op, .slot = WORKER, .epoch = 1, .arg = {arg}};
}

static void ask(struct world *w, uint16_t op, uint64_t arg) {
    struct msg m = request(op, arg);
    m.epoch = atomic_load(&w->live.control->procs[WORKER].epoch);
    storaged_ops.handle(daemon_storaged(w), &m);
}

static bool answered(struct world *w) {
    return ring_used(&w->live.rings->pair[SLOT_STORAGED][WORKER].complete) > 0;
}

static void build_evict(struct world *w) {
    w->actor.frame = some_leaf(w, false);
}
static status evict(struct world *w, struct actor *a) {
    return frames_evict(storaged(w), a->frame) ? OK : STATUS(AGAIN);
}

/* Evicts a leaf; its page will be asked for. */
static void build_load(struct world *w) {
    struct frame *f = some_leaf(w, false);
    w->actor.index = (uint32_t)atomic_load(&f->page);
    CHECK(frames_evict(storaged(w), f));
}
static status load(struct world *w, struct actor *a) {
    ask(w, MSG_PAGE_LOAD, a->index);
    while (!answered(w)) storaged_ops.step(daemon_storaged(w));
    return OK;
}

static void build_load_free(struct world *w) {
    CHECK(!pool_peek(&w->live, (page_id){PAGES_MAX - 1}));
    w->actor.index = PAGES_MAX - 1;
}

/* All frames hold something, so that one has to be given away first. */
static void build_load_full(struct world *w) {
    struct storaged *s = storaged(w);
    build_load(w);
    for (uint64_t no = PAGES_MAX - 1; s->stock_count > 0; no--) {
        load_prefetch(s, no);
        if (pool_peek(&w->live, (page_id){no})) continue;
        ask(w, MSG_PAGE_LOAD, no);
        struct msg m;
        while (!answered(w)) turn(w);
        CHECK(ring_pop(&w->live.rings->pair[SLOT_STORAGED][WORKER].complete, &m));
    }
}

static void build_write(struct world *w) {
    w->actor.frame = some_leaf(w, true);
    atomic_store(&w->actor.frame->used, 0); /* or it would not go */
    turn(w);                                /* the writers are waiting */
}
static status write_back(struct world *w, struct actor *a) {
    write_want(storaged(w), a->frame, 0);
    while (atomic_load(&a->frame->rec_lsn) || atomic_load(&a->frame->write_lsn)) turn(w);
    return OK;
}
static status write_and_evict(struct world *w, struct actor *a) {
    write_want(storaged(w), a->frame, NOTE_EVICT);
    while (atomic_load(&a->frame->state) != FRAME_FREE) turn(w);
    return OK;
}

static status checkpoint(struct world *w, struct actor *a) {
    (void)a;
    ask(w, MSG_CHECKPOINT, 0);
    while (!answered(w)) turn(w);
    return OK;
}

static status reserve(struct world *w, struct actor *a) {
    (void)a;
    ask(w, MSG_PAGE_RESERVE, 4);
    while (!answered(w)) turn(w);
    return OK;
}

/* Every page there is has been offered: the file must grow. */
static void build_grow(struct world *w) {
    storaged(w)->space_cursor = atomic_load(&w->live.pool->file_pages);
    storaged(w)->space_wrap = false;
}

/* A worker died while it changed the page: half of it is gone. */
static void build_rebuild(struct world *w) {
    struct frame *f = some_leaf(w, true);
    struct page_head *h = frame_bytes(&w->live, f);
    atomic_store(&f->rebuild_lsn, h->lsn);
    atomic_store(&f->state, FRAME_BROKEN);
    memset((char *)h + sizeof *h, 0xee, PAGE_BYTES / 2);
    h->lsn--;
    w->actor.index = (uint32_t)atomic_load(&f->page);
}
static status rebuild(struct world *w, struct actor *a) {
    ask(w, MSG_PAGE_LOAD, a->index);
    while (!answered(w)) turn(w);
    return OK;
}

/* It died with a page being read, one being written and one that is broken; and the life after it
 * dies as well. */
static void build_begin(struct world *w) {
    build_rebuild(w);
    struct frame *written = some_leaf(w, true);
    atomic_store(&written->write_lsn, atomic_load(&written->rec_lsn));
    atomic_store(&written->rec_lsn, 0);
    for (uint32_t i = 0; i < w->live.sizes.frames; i++) {
        struct frame *f = &w->live.frames[i];
        if (atomic_load(&f->state) != FRAME_FREE) continue;
        atomic_store(&f->page, PAGES_MAX - 1);
        atomic_store(&f->state, FRAME_LOADING);
        break;
    }
    w->actor.proc.owner.epoch++;
    w->actor.proc.epoch++;
}
static status begin(struct world *w, struct actor *a) {
    (void)a;
    static struct daemon next;
    storaged_begins(w, &next);
    return OK;
}

/* ... and has a new data key: until all is sealed by that. */
static status begin_with_new_key(struct world *w, struct actor *a) {
    (void)a;
    static struct daemon next;
    const struct key_use *use = &w->live.control->key_use[KEY_USE_PAGES];
    storaged_begins(w, &next);
    while (atomic_load(&use->oldest) != w->keys) {
        CHECK(daemon_turn(&next, 0));
        CHECK(daemon_turn(daemon_logd(w), 0));
    }
    return OK;
}

const struct kill_op ops_daemon[] = {
    {"frame evict", build_evict, NULL, evict, NULL, .stage = &stage_storaged},
    {"frame load", build_load, NULL, load, NULL, .stage = &stage_storaged},
    {"frame load of a free page", build_load_free, NULL, load, NULL, .stage = &stage_storaged},
    {"frame load, no frame free", build_load_full, NULL, rebuild, NULL, .stage = &stage_storaged},
    {"frame write-back", build_write, NULL, write_back, NULL, .stage = &stage_storaged},
    {"frame write-back and evict", build_write, NULL, write_and_evict, NULL,
     .stage = &stage_storaged},
    {"frame rebuild", build_rebuild, NULL, rebuild, NULL, .stage = &stage_storaged},
    {"checkpoint", build_write, NULL, checkpoint, NULL, .stage = &stage_storaged},
    {"page reservation by storaged", build_write, NULL, reserve, NULL, .stage = &stage_storaged},
    {"page reservation, the file grows", build_grow, NULL, reserve, NULL, .stage = &stage_storaged,
     .slow = true},
    {"storaged begins again", build_begin, NULL, begin, NULL, .stage = &stage_storaged,
     .slow = true},
    {"encrypted frame load", build_load, NULL, load, NULL, .stage = &stage_storaged, .keys = 1},
    {"encrypted frame write-back and evict", build_write, NULL, write_and_evict, NULL,
     .stage = &stage_storaged, .keys = 1},
    {"encrypted frame rebuild", build_rebuild, NULL, rebuild, NULL, .stage = &stage_storaged,
     .keys = 1},
    {"encrypted checkpoint", build_write, NULL, checkpoint, NULL, .stage = &stage_storaged,
     .keys = 1},
    {"encrypted page reservation, the file grows", build_grow, NULL, reserve, NULL,
     .stage = &stage_storaged, .slow = true, .keys = 1},
    {"encrypted storaged begins again", build_begin, NULL, begin, NULL, .stage = &stage_storaged,
     .slow = true, .keys = 1},
    {"storaged begins with a new key", build_begin, NULL, begin_with_new_key, NULL,
     .stage = &stage_storaged, .slow = true, .keys = 2},
};
const unsigned ops_daemon_count = sizeof ops_daemon / sizeof *ops_daemon;
