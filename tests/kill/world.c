#include "world.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/spin.h"
#include "msg/msg.h"
#include "session/session.h"
#include "storaged.h"
#include "test_keys.h"

#define FAILURES_TOLD 12

FILE *world_told;

void world_keys(struct world *w, const struct shm *shm, enum key_use_of of) {
    uint32_t oldest = atomic_load(&shm->control->key_use[of].oldest);
    test_keys_give(APPLIANCE, oldest == w->keys ? oldest : w->keys > 0, w->keys);
}

void world_copy_file(const char *from, const char *to) {
    static char buf[1 << 20];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(in >= 0 && out >= 0);
    ssize_t n;
    while ((n = read(in, buf, sizeof buf)) > 0) CHECK(write(out, buf, (size_t)n) == n);
    CHECK(n == 0);
    close(in);
    close(out);
}

void world_fail(struct world *w, const char *format, ...) {
    if (w->failures < FAILURES_TOLD) {
        va_list args;
        va_start(args, format);
        fprintf(world_told, "%s: killed after instruction %llu (0x%llx): ", w->op->name,
                (unsigned long long)w->step.instructions, (unsigned long long)w->step.at);
        vfprintf(world_told, format, args);
        fputc('\n', world_told);
        va_end(args);
    }
    siglongjmp(w->catcher ? *w->catcher : w->abandon, 1);
}

/* ---- the daemons' answers ------------------------------------------------------------------- */

static struct frame *frame_of(const struct shm *shm, uint64_t page) {
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        struct frame *f = &shm->frames[i];
        if (atomic_load(&f->state) != FRAME_FREE && atomic_load(&f->page) == page) return f;
    }
    return NULL;
}

/* What storaged/rebuild.c does with a frame whose writer died; the file is w->home. */
void world_rebuild(struct world *w, const struct shm *shm, struct frame *f) {
    static _Alignas(4096) unsigned char page[PAGE_BYTES];
    struct proc p;
    struct storaged s = {.p = &p, .shm = (struct shm *)shm};
    world_proc(w, shm == &w->copy, SLOT_STORAGED, 1, &p);
    uint64_t no = atomic_load(&f->page);
    status st = rebuild_chain(&s, no, (lsn){atomic_load(&f->rebuild_lsn)}, w->home[no], page);
    if (ok(st))
        memcpy(frame_bytes(shm, f), page, PAGE_BYTES);
    else if (!status_is(st, ST_NOT_FOUND))
        world_fail(w, "page %llu cannot be rebuilt: %s", (unsigned long long)no, status_name(st));
    MUST(w, atomic_load(&f->rec_lsn));
    atomic_store(&f->state, FRAME_READY);
}

static struct frame *load(struct world *w, const struct shm *shm, uint64_t page) {
    struct frame *f = frame_of(shm, page);
    if (f && atomic_load(&f->state) == FRAME_BROKEN) world_rebuild(w, shm, f);
    if (f) return f;
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        f = &shm->frames[i];
        if (atomic_load(&f->state) != FRAME_FREE) continue;
        atomic_store(&f->page, page);
        memcpy(frame_bytes(shm, f), w->home[page], PAGE_BYTES);
        _Atomic uint32_t *bucket = &shm->pool->bucket[pool_hash(&shm->sizes, page)];
        atomic_store(&f->next, atomic_load(bucket));
        atomic_store(&f->state, FRAME_READY);
        atomic_store(bucket, i + 1);
        return f;
    }
    world_fail(w, "no frame is left");
}

static bool is_reserved(const struct shm *shm, uint64_t no) {
    for (unsigned slot = 0; slot < PROC_SLOTS; slot++)
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++)
            if ((atomic_load(&shm->pool->reserve[slot].page[i]) & ~POOL_RESERVE_TAKEN) == no)
                return true;
    return false;
}

static status reserve(struct world *w, const struct shm *shm, const struct msg *m) {
    const struct space_page *map = frame_bytes(shm, load(w, shm, SPACE_FIRST));
    struct pool_reserve *r = &shm->pool->reserve[m->slot];
    unsigned have = 0;
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++)
        have += atomic_load(&r->page[i]) && !(atomic_load(&r->page[i]) & POOL_RESERVE_TAKEN);
    uint64_t no = SPACE_FIRST + 1;
    for (unsigned i = 0; i < POOL_RESERVE_PAGES && have < m->arg[0]; i++) {
        if (atomic_load(&r->page[i])) continue;
        while (no < PAGES_MAX && (space_bit(map, no) || is_reserved(shm, no))) no++;
        if (no == PAGES_MAX) return STATUS(DISK_FULL);
        atomic_store(&r->page[i], no);
        have++;
    }
    return OK;
}

void world_flush(struct world *w, const struct shm *shm) {
    _Alignas(8) char buf[REC_BYTES_MAX];
    const struct rec_head *r = (const struct rec_head *)buf;
    struct log_shared *l = shm->log;
    uint64_t complete = log_complete(l).at;
    for (uint64_t at = atomic_load(&l->durable); at < complete; at += r->len) {
        MUST_OK(w, log_read_ring(shm, (lsn){at}, buf));
        if (r->type != REC_COMMIT) continue;
        struct rec_commit c;
        memcpy(&c, rec_payload_c(r), sizeof c);
        atomic_store(&l->visible, c.time);
    }
    if (atomic_load(&l->durable) < complete) atomic_store(&l->durable, complete);
}

static status answer(struct world *w, const struct shm *shm, uint16_t to, struct msg *m) {
    switch (m->op) {
    case MSG_PAGE_LOAD:
        if (m->arg[0] >= PAGES_MAX) return STATUS(INVALID);
        m->arg[0] = (uint64_t)(load(w, shm, m->arg[0]) - shm->frames);
        return OK;
    case MSG_PAGE_RESERVE: return reserve(w, shm, m);
    case MSG_LOG_FLUSH:
    case MSG_LOG_SPACE: world_flush(w, shm); return OK;
    case MSG_TXN_WAIT: return txn_ref_alive(shm, m->arg[1]) ? STATUS(LOCK_NOT_AVAILABLE) : OK;
    default: world_fail(w, "request %u to process %u", m->op, to);
    }
}

void world_between(struct world *w) {
    struct mailbox *b = w->box;
    if (atomic_load(&b->state) != 1) return;
    b->m.slot = b->slot;
    if (w->waits && b->to == SLOT_TXND) {
        if (waits_answer(w, b->slot, &b->m)) atomic_store(&b->state, 2);
        return;
    }
    b->m.code = answer(w, &w->live, b->to, &b->m).code;
    atomic_store(&b->state, 2);
}

static status call_here(struct proc *p, uint16_t to, struct msg *m) {
    struct world *w = p->env_data;
    m->slot = p->owner.slot;
    status s = answer(w, p->shm, to, m);
    m->code = s.code;
    return s;
}

static status call_from_stepped(struct proc *p, uint16_t to, struct msg *m) {
    struct mailbox *b = ((struct world *)p->env_data)->box;
    b->to = to;
    b->slot = p->owner.slot;
    b->m = *m;
    atomic_store(&b->state, 1);
    while (atomic_load(&b->state) != 2) spin_pause();
    *m = b->m;
    atomic_store(&b->state, 0);
    return (status){m->code};
}

static void post(struct proc *p, uint16_t to, const struct msg *m) {
    struct world *w = p->env_data;
    if (w->waits && to == SLOT_TXND) waits_post(w, p->shm, m);
}

/* Into the ring, as libipc does. */
static void post_from_stepped(struct proc *p, uint16_t to, const struct msg *m) {
    if (to != SLOT_TXND) return;
    struct ipc_rings *r = p->shm->rings;
    CHECK(ring_push(&r->pair[to][p->owner.slot].submit, m));
    atomic_fetch_or(&r->inbox[to].requests, (uint64_t)1 << p->owner.slot);
}

static void yield([[maybe_unused]] struct proc *p) {
    if (coro_self()) sched_yield(); /* order.c's: the other worker waits */
}

static uint64_t clock_ns(struct proc *p) {
    return ((struct world *)p->env_data)->clock += 1000;
}

/* ---- memory --------------------------------------------------------------------------------- */

static const struct shm_sizes sizes = {.frames = 24,
                                       .page_buckets = 32,
                                       .workers = 4,
                                       .sessions = 4,
                                       .txns = 16,
                                       .map_entries = 256,
                                       .ring_bytes = RING_BYTES};

static void make_regions(struct shm *shm) {
    struct error e = {0};
    CHECK(ok(region_create_all(NULL, &sizes, shm, &e)));
    log_shared_init(shm->log, (lsn){LOG_BEGIN}, 0);
    atomic_store(&shm->txn->oldest_active_lsn, LOG_BEGIN);
    atomic_store(&shm->control->redo_lsn, LOG_BEGIN);
    atomic_store(&shm->control->recovered_lsn, LOG_BEGIN);
    atomic_store(&shm->control->redo_done, 1);
    atomic_store(&shm->control->redo_complete, 1);
}

void world_make(struct world *w, const struct kill_op *op) {
    memset(w, 0, sizeof *w);
    w->op = op;
    w->clock = 1700000000000000000u;
    w->value_bytes = 700;
    w->box = mmap(NULL, sizeof *w->box, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(w->box != MAP_FAILED);
    make_regions(&w->live);
    make_regions(&w->copy);
    w->env_live = w->env_copy = (struct env){
        .wall_ns = clock_ns, .mono_ns = clock_ns, .call = call_here, .post = post, .pause = yield};
    w->env_stepped = w->env_live;
    w->env_stepped.call = call_from_stepped;
    w->env_stepped.post = post_from_stepped;
    w->home_tail = LOG_BEGIN;
}

void world_free(struct world *w) {
    waits_close(w);
    for (unsigned i = 0; i < w->areas_count; i++) {
        free(w->areas[i].last);
        free(w->areas[i].saved);
        free(w->areas[i].seen);
        free(w->areas[i].repaired);
    }
    region_detach_all(&w->live);
    region_detach_all(&w->copy);
    munmap(w->box, sizeof *w->box);
    free(w->more);
}

void world_proc(struct world *w, bool on_copy, uint16_t slot, uint32_t epoch, struct proc *ret_p) {
    struct shm *shm = on_copy ? &w->copy : &w->live;
    *ret_p = (struct proc){.owner = {.slot = slot, .epoch = (uint16_t)epoch},
                           .epoch = epoch,
                           .shm = shm,
                           .env = on_copy ? &w->env_copy : &w->env_live,
                           .env_data = w,
                           .counters = &shm->counters[slot]};
    atomic_store(&shm->control->procs[slot].epoch, epoch);
    atomic_store(&shm->control->procs[slot].state, PROC_READY);
}

void world_add_area(struct world *w, const char *name, bool bulk, void *live, void *copy,
                    size_t bytes) {
    CHECK(w->areas_count < AREAS_MAX);
    struct area *a = &w->areas[w->areas_count++];
    *a = (struct area){.name = name,
                       .bulk = bulk,
                       .live = live,
                       .copy = copy,
                       .last = malloc(bytes),
                       .saved = malloc(bytes),
                       .seen = malloc(bytes),
                       .repaired = malloc(bytes),
                       .bytes = bytes};
    CHECK(a->last && a->saved && a->seen && a->repaired);
    memcpy(a->last, live, bytes);
}

void world_watch(struct world *w) {
    struct shm *l = &w->live, *c = &w->copy;
    size_t pool_at = offsetof(struct pool_shared, log_window);
    size_t buckets = pool_shared_bytes(&sizes) - offsetof(struct pool_shared, bucket);
    world_add_area(w, "log", false, l->log, c->log, sizeof *l->log);
    world_add_area(w, "frames", false, l->frames, c->frames, sizes.frames * sizeof(struct frame));
    world_add_area(w, "txn", false, l->txn, c->txn, txn_shared_bytes(&sizes));
    world_add_area(w, "control", false, l->control, c->control, sizeof *l->control);
    world_add_area(w, "pool", false, l->pool, c->pool, pool_at);
    world_add_area(w, "table", false, l->pool->bucket, c->pool->bucket, buckets);
    world_add_area(w, "pages", true, l->pages, c->pages, (size_t)sizes.frames * PAGE_BYTES);
    /* The part of the ring before the tail is copied once, the window at every point. */
    w->tail0 = atomic_load(&l->log->tail);
    memcpy(c->log_ring + LOG_BEGIN, l->log_ring + LOG_BEGIN, w->tail0 - LOG_BEGIN);
    uint64_t at = w->tail0 & (RING_BYTES - 1);
    world_add_area(w, "ring", true, l->log_ring + at, c->log_ring + at, WINDOW_BYTES);
}

void world_write_home(struct world *w) {
    world_flush(w, &w->live);
    for (uint32_t i = 0; i < sizes.frames; i++) {
        struct frame *f = &w->live.frames[i];
        if (atomic_load(&f->state) != FRAME_READY) continue;
        memcpy(w->home[atomic_load(&f->page)], frame_bytes(&w->live, f), PAGE_BYTES);
        atomic_store(&f->rec_lsn, 0);
    }
    w->home_tail = atomic_load(&w->live.log->tail);
}

void world_log_to_end(struct world *w, uint64_t left) {
    static _Alignas(8) char buf[REC_BYTES_MAX];
    struct rec_head *r = (struct rec_head *)buf;
    struct proc p;
    world_proc(w, false, OTHER_WORKER, 1, &p);
    for (;;) {
        uint64_t tail = atomic_load(&w->live.log->tail);
        uint64_t room = RING_BYTES - (tail & (RING_BYTES - 1)) - left;
        if (room == 0) break;
        CHECK(room >= sizeof *r && room < 2 * ((uint64_t)512 << 10));
        uint64_t len = room > REC_BYTES_MAX ? REC_BYTES_MAX / 2 : room;
        *r = (struct rec_head){.len = (uint32_t)len, .type = REC_FILLER};
        CHECK(ok(log_room(&p)));
        log_insert(&p, r);
    }
    world_flush(w, &w->live);
}

/* ---- rows ----------------------------------------------------------------------------------- */

size_t row_key(const struct world *w, unsigned row, char *ret_key) {
    memset(ret_key, 'x', w->key_pad);
    return w->key_pad + (size_t)sprintf(ret_key + w->key_pad, "row%04u", row);
}

size_t row_value(const struct world *w, unsigned row, uint32_t seed, char *ret_value) {
    size_t bytes = w->value_bytes + seed % 5 * 8;
    uint32_t x = seed * 2654435761u + row;
    for (size_t i = 0; i < bytes; i++)
        ret_value[i] = (char)(x = x * 1664525u + 1013904223u, x >> 24);
    return bytes;
}

status actor_begin(struct actor *a) {
    TRY(txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, 1));
    return txn_need_id(&a->proc, &a->txn);
}

status row_put(struct world *w, struct actor *a, unsigned row, uint32_t seed) {
    char key[ROW_KEY_BYTES], value[TREE_ENTRY_BYTES_MAX], buf[TREE_ENTRY_BYTES_MAX];
    size_t key_len = row_key(w, row, key), bytes = row_value(w, row, seed, value);
    struct tree_entry e;
    status s = tree_get(&a->proc, w->tree, key, key_len, buf, &e);
    if (ok(s) && !(e.flags & ENTRY_DELETED))
        return tree_update(&a->proc, &a->txn.writer, w->tree, key, key_len, e.lsn, value, bytes,
                           txn_is_running, NULL);
    return tree_insert(&a->proc, &a->txn.writer, w->tree, key, key_len, value, bytes,
                       txn_is_running, NULL);
}

status row_delete(struct world *w, struct actor *a, unsigned row) {
    char key[ROW_KEY_BYTES], buf[TREE_ENTRY_BYTES_MAX];
    size_t key_len = row_key(w, row, key);
    struct tree_entry e;
    TRY(tree_get(&a->proc, w->tree, key, key_len, buf, &e));
    TRY(tree_delete(&a->proc, &a->txn.writer, w->tree, key, key_len, e.lsn, txn_is_running, NULL));
    TRY(tree_get(&a->proc, w->tree, key, key_len, buf, &e));
    a->lsns[row] = e.lsn;
    return OK;
}

void world_row(struct world *w, unsigned row, uint32_t seed) {
    struct actor a = {.lsns = {{0}}};
    world_proc(w, false, OTHER_WORKER, 1, &a.proc);
    CHECK(row < ROWS_MAX);
    CHECK(ok(actor_begin(&a)));
    CHECK(ok(seed ? row_put(w, &a, row, seed) : row_delete(w, &a, row)));
    CHECK(ok(txn_commit(&a.proc, &a.txn, true)));
    if (!seed) w->actor.lsns[row] = a.lsns[row];
    w->before.seed[row] = w->after.seed[row] = seed;
}
