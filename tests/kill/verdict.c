/* verdict.c: the repair of a dead worker on the copy, and everything that must hold afterwards.
 *
 * The repair is the supervisor's, in its order; what it leaves to storaged (BROKEN frames) and to
 * txnd (orphans) is done by their own code. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "fmt/apply.h"
#include "session/session.h"
#include "world.h"

static _Alignas(8) char record_buf[REC_BYTES_MAX];

static struct owner dead_owner(const struct world *w) {
    return w->actor.proc.owner;
}

static bool committed(struct shm *shm, uint64_t x) {
    return txn_fate(shm, x, NULL, NULL) == FATE_COMMITTED;
}

/* As in ops/supervisor/repair.c. */
void repair_step(struct world *w, unsigned step) {
    struct owner dead = dead_owner(w);
    switch (step) {
    case 0: log_repair(&w->copy, dead.slot, txn_map_entry); break;
    case 1: pool_repair(&w->copy, dead); break;
    case 2: session_repair(&w->copy, dead, committed); break;
    case 3: serial_repair(&w->copy, dead); break;
    default: txn_repair(&w->copy, dead);
    }
}

void repair_all(struct world *w) {
    for (unsigned step = 0; step < REPAIR_STEPS; step++) repair_step(w, step);
}

static void check_repeatable(struct world *w) {
    for (unsigned i = 0; i < w->areas_count; i++)
        memcpy(w->areas[i].saved, w->areas[i].copy, w->areas[i].bytes);
    repair_all(w);
    for (unsigned i = 0; i < w->areas_count; i++)
        if (memcmp(w->areas[i].saved, w->areas[i].copy, w->areas[i].bytes) != 0)
            world_fail(w, "repeating the repair changes region %s", w->areas[i].name);
}

static void check_latches(struct world *w) {
    const struct shm *shm = &w->copy;
    MUST(w, !latch_word_held(atomic_load(&shm->log->insert.word)));
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        uint64_t word = atomic_load(&shm->frames[i].latch.word);
        if (latch_word_held(word))
            world_fail(w, "frame %u is latched by %u", i, latch_word_owner(word).slot);
    }
}

static void check_process(struct world *w) {
    const struct shm *shm = &w->copy;
    struct owner dead = dead_owner(w);
    const struct log_slot *slot = &shm->log->slots[dead.slot];
    MUST(w, atomic_load(&slot->start) == LOG_IDLE && atomic_load(&slot->change_lsn) == 0);
    MUST(w, atomic_load(&slot->window_busy) == 0);
    for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++)
        MUST(w, atomic_load(&shm->pool->reserve[dead.slot].page[i]) == 0);
}

/* ---- the log and the pages ------------------------------------------------------------------ */

/* Applies the record to the expected pages; keeps dirty_since. */
static void expect_record(struct world *w, const struct rec_head *r, uint64_t at,
                          unsigned char pages[][PAGE_BYTES], uint64_t *dirty_since) {
    for (int role = 0; role < r->npages; role++) {
        const struct rec_page *rp = &rec_pages_c(r)[role];
        MUST(w, rp->page < PAGES_MAX);
        MUST(w, rp->prev_lsn == page_head_c(pages[rp->page])->lsn); /* I5 */
        MUST_OK(w, apply(r, (lsn){at}, role, pages[rp->page]));
        if (!dirty_since[rp->page]) dirty_since[rp->page] = at;
    }
}

/* From the beginning of the log to its tail without a hole, every record valid; what the operation
 * logged is applied to w->expected. */
void verdict_log(struct world *w, uint64_t *ret_dirty_since) {
    const struct shm *shm = &w->copy;
    const struct rec_head *r = (const struct rec_head *)record_buf;
    uint64_t tail = atomic_load(&shm->log->tail), at;
    MUST(w, tail - w->tail0 <= WINDOW_BYTES);
    MUST(w, log_complete(shm->log).at == tail);
    memcpy(w->expected, w->start, sizeof w->expected);
    memcpy(ret_dirty_since, w->dirty_since, sizeof w->dirty_since);
    w->committed = false;
    for (at = LOG_BEGIN; at < tail; at += r->len) {
        status s = log_read_ring(shm, (lsn){at}, record_buf);
        if (!ok(s))
            world_fail(w, "no record at %llu (tail %llu, operation's first %llu): %s",
                       (unsigned long long)at, (unsigned long long)tail,
                       (unsigned long long)w->tail0, status_name(s));
        if (at < w->tail0) continue;
        expect_record(w, r, at, w->expected, ret_dirty_since);
        if (r->type != REC_COMMIT || r->txid == w->other_txid) continue;
        struct rec_commit c;
        memcpy(&c, rec_payload_c(r), sizeof c);
        commit_time time;
        MUST(w, txn_fate(&w->copy, r->txid, &time, NULL) == FATE_COMMITTED && time == c.time);
        MUST(w, atomic_load(&shm->log->last_commit) >= c.time);
        w->committed = true;
    }
    MUST(w, at == tail);
}

static void check_pages(struct world *w) {
    const struct shm *shm = &w->copy;
    uint64_t dirty_since[PAGES_MAX];
    bool seen[PAGES_MAX] = {0};
    verdict_log(w, dirty_since);
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        struct frame *f = &shm->frames[i];
        if (atomic_load(&f->state) == FRAME_BROKEN) world_rebuild(w, shm, f);
        if (atomic_load(&f->state) == FRAME_FREE) continue;
        MUST(w, atomic_load(&f->state) == FRAME_READY);
        uint64_t no = atomic_load(&f->page), rec_lsn = atomic_load(&f->rec_lsn);
        MUST(w, no < PAGES_MAX && !seen[no]);
        seen[no] = true;
        MUST(w, pool_peek(shm, (page_id){no}) == f);
        if (memcmp(frame_bytes(shm, f), w->expected[no], PAGE_BYTES) != 0)
            world_fail(w, "page %llu (LSN %llu) is neither before nor after (LSN %llu)",
                       (unsigned long long)no,
                       (unsigned long long)page_head_c(frame_bytes(shm, f))->lsn,
                       (unsigned long long)page_head_c(w->expected[no])->lsn);
        if (dirty_since[no]) /* frame.h, rule 3: a checkpoint must know */
            MUST(w, rec_lsn != 0 && rec_lsn <= dirty_since[no]);
    }
    for (unsigned no = 0; no < PAGES_MAX; no++)
        if (!seen[no] && dirty_since[no]) world_fail(w, "page %u has lost its frame", no);
}

/* ---- transactions --------------------------------------------------------------------------- */

static void check_slots(struct world *w) {
    struct shm *shm = &w->copy;
    uint64_t next = atomic_load(&shm->txn->next_txid);
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) == TXN_FREE) continue;
        struct owner dead = dead_owner(w);
        bool of_dead = atomic_load(&s->owner) == ((uint64_t)dead.epoch << 8 | dead.slot);
        MUST(w, txn_slot_state(s) == TXN_ORPHAN || !of_dead);
        txid x = atomic_load(&s->x);
        txn_ref ref;
        if (x && x < next && txn_fate(shm, x, NULL, &ref) == FATE_RUNNING)
            MUST(w, ref == txn_slot_ref(shm, i));
    }
    /* An id that runs has its slot. */
    for (txid x = 1; x < next; x++) {
        txn_ref ref;
        if (txn_fate(shm, x, NULL, &ref) != FATE_RUNNING) continue;
        MUST(w, txn_ref_alive(shm, ref));
        MUST(w, atomic_load(&txn_slot_at(shm, ref & 0xffff)->x) == x);
    }
}

static bool no_session_lives(const struct shm *, uint64_t) {
    return false;
}

static void finish_orphans(struct world *w) {
    struct shm *shm = &w->copy;
    struct proc txnd;
    txn_ref session;
    world_proc(w, true, SLOT_TXND, 2, &txnd);
    for (uint32_t i = 0; i < shm->sizes.txns; i++)
        if (txn_slot_state(txn_slot_at(shm, i)) == TXN_ORPHAN)
            MUST_OK(w, txn_finish_orphan(&txnd, i));
        else
            txn_end_session(&txnd, i, no_session_lives, &session);
    txn_forget_strong(shm);
    txn_reclaim_blocks(shm);
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        struct txn_slot *s = txn_slot_at(shm, i);
        MUST(w, txn_slot_state(s) == TXN_FREE);
        MUST(w, !atomic_load(&s->x) && !atomic_load(&s->first_lsn) && !atomic_load(&s->last_lsn));
        MUST(w, !atomic_load(&s->snapshot) && !atomic_load(&s->keep_lsn));
        for (int k = 0; k < TXN_LOCKS_INLINE; k++) MUST(w, atomic_load(&s->lock[k].held) == 0);
        for (int k = 0; k < TXN_LOCK_BLOCKS_MAX; k++) MUST(w, atomic_load(&s->block[k]) == 0);
        MUST(w, atomic_load(&txn_lock_block_at(shm, i)->owner) == 0);
        for (int k = 0; k < TXN_BLOCK_LOCKS; k++)
            MUST(w, atomic_load(&txn_lock_block_at(shm, i)->lock[k].held) == 0);
    }
    for (int slot = 0; slot < PROC_SLOTS; slot++)
        for (int h = 0; h < TXN_STRONG_HASHES; h++)
            MUST(w, atomic_load(&shm->txn->strong[slot][h]) == 0);
    for (int slot = 0; slot < PROC_SLOTS; slot++)
        for (int h = 0; h < TXN_ROW_HASHES; h++)
            MUST(w, atomic_load(&shm->txn->key_shared[slot][h]) == 0 &&
                        atomic_load(&shm->txn->row_shared[slot][h]) == 0);
    for (txid x = 1; x < atomic_load(&shm->txn->next_txid); x++)
        MUST(w, txn_fate(shm, x, NULL, NULL) != FATE_RUNNING);
}

/* ---- trees ---------------------------------------------------------------------------------- */

static void visit(void *arg, page_id page) {
    bool *visited = arg;
    if (page.no < PAGES_MAX) visited[page.no] = true;
}

static void check_tree(struct world *w, struct proc *p, struct tree t, bool *visited) {
    struct tree_report report = {0};
    if (t.id && !ok(tree_check(p, t, visit, visited, &report)))
        world_fail(w, "tree %u: %s", t.id, report.words);
}

/* Every page in use belongs to a tree, and nothing else is in use. */
void verdict_space(struct world *w, struct proc *p, struct tree made) {
    bool visited[PAGES_MAX] = {[0] = true, [1] = true, [SPACE_FIRST] = true};
    unsigned char map[PAGE_BYTES];
    check_tree(w, p, w->tree, visited);
    check_tree(w, p, w->second, visited);
    check_tree(w, p, made, visited);
    MUST_OK(w, page_copy(p, (page_id){SPACE_FIRST}, map));
    if (page_is_zero(map)) space_page_format(map, (page_id){SPACE_FIRST});
    for (unsigned no = 0; no < PAGES_MAX; no++)
        if (space_bit((const struct space_page *)map, no) != visited[no])
            world_fail(w, "page %u: %s", no, visited[no] ? "in a tree and free" : "lost");
}

unsigned row_of(struct world *w, const struct tree_entry *e) {
    unsigned row = ROWS_MAX;
    char key[16] = {0};
    MUST(w, e->key_len > w->key_pad && e->key_len - w->key_pad < sizeof key);
    memcpy(key, e->key + w->key_pad, e->key_len - w->key_pad);
    MUST(w, sscanf(key, "row%u", &row) == 1 && row < ROWS_MAX);
    return row;
}

void verdict_rows(struct world *w, struct proc *p, const struct model *m) {
    struct model found = {{0}};
    char value[TREE_ENTRY_BYTES_MAX];
    struct arena arena;
    struct tree_cursor c;
    struct tree_entry e;
    status s;
    if (!w->tree.id) return;
    arena_init(&arena, 0);
    MUST_OK(w, tree_cursor_init(&c, &arena, w->tree));
    MUST_OK(w, tree_cursor_seek(p, &c, "", 0, false, false));
    while (ok(s = tree_cursor_next(p, &c, &e))) {
        unsigned row = row_of(w, &e);
        if (e.flags & ENTRY_DELETED) continue;
        if (!m->seed[row]) world_fail(w, "row %u is there", row);
        size_t bytes = row_value(w, row, m->seed[row], value);
        if (bytes != e.value_len || memcmp(value, e.value, bytes) != 0)
            world_fail(w, "row %u has another value", row);
        if (stamp_is_txid(e.stamp))
            MUST(w, txn_fate(p->shm, stamp_txid(e.stamp), NULL, NULL) == FATE_COMMITTED);
        found.seed[row] = m->seed[row];
    }
    arena_free(&arena);
    MUST(w, status_is(s, ST_END));
    for (unsigned row = 0; row < ROWS_MAX; row++)
        if (m->seed[row] != found.seed[row]) world_fail(w, "row %u is lost", row);
}

/* ---- going on ------------------------------------------------------------------------------- */

/* What has been done already cannot be done again: that is no failure. */
static bool done_before(const struct world *w, status s) {
    return w->committed &&
           (status_is(s, ST_EXISTS) || status_is(s, ST_NOT_FOUND) || status_is(s, ST_ROW_CHANGED));
}

/* The dead worker's next life and another worker take turns at doing the operation again. */
static void do_again(struct world *w) {
    struct actor *a = &(struct actor){.made = {.id = 0}};
    bool next_life = w->tried % 2;
    memcpy(a->lsns, w->actor.lsns, sizeof a->lsns);
    if (dead_owner(w).slot < SLOT_QUERYD)
        world_proc(w, true, WORKER, 2, &a->proc);
    else
        world_proc(w, true, next_life ? WORKER : OTHER_WORKER, 2, &a->proc);
    status s = w->op->prepare ? w->op->prepare(w, a) : OK;
    if (ok(s)) s = w->op->run(w, a);
    if (!done_before(w, s)) MUST_OK(w, s);
    if (a->txn.slot) MUST_OK(w, txn_commit(&a->proc, &a->txn, true));
    txn_session_unlock_all(&a->proc, &a->session);
    finish_orphans(w);
    verdict_rows(w, &a->proc, w->op->ends_undone ? &w->before : &w->after);
    struct tree second = w->second;
    if (w->op->frees) w->second.id = 0;
    verdict_space(w, &a->proc, a->made);
    w->second = second;
}

void verdict_begin(struct world *w) {
    for (unsigned i = 0; i < w->areas_count; i++)
        memcpy(w->areas[i].copy, w->areas[i].last, w->areas[i].bytes);
}

/* After the repair, and perhaps again. */
void verdict_after(struct world *w) {
    check_latches(w);
    check_process(w);
    check_slots(w);
    check_pages(w);
    if (w->op->verify) w->op->verify(w);
    finish_orphans(w);
    struct proc p;
    world_proc(w, true, OTHER_WORKER, 2, &p);
    verdict_rows(w, &p, w->committed ? &w->after : &w->before);
    if (!w->op->frees) verdict_space(w, &p, (struct tree){.id = 0});
    do_again(w);
    check_latches(w);
}

void verdict_repair(struct world *w) {
    verdict_begin(w);
    repair_all(w);
    check_repeatable(w);
    check_latches(w);
    check_process(w);
}

void verdict(struct world *w) {
    verdict_repair(w);
    verdict_after(w);
}

/* The pages as they are now, and since when the data file lacks what is in them. */
void verdict_start(struct world *w) {
    const struct shm *shm = &w->live;
    const struct rec_head *r = (const struct rec_head *)record_buf;
    memcpy(w->start, w->home, sizeof w->start);
    for (uint64_t at = w->home_tail; at < w->tail0; at += r->len) {
        MUST_OK(w, log_read_ring(shm, (lsn){at}, record_buf));
        expect_record(w, r, at, w->start, w->dirty_since);
    }
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        const struct frame *f = &shm->frames[i];
        if (atomic_load(&f->state) != FRAME_READY) continue;
        MUST(w, memcmp(frame_bytes(shm, f), w->start[atomic_load(&f->page)], PAGE_BYTES) == 0);
    }
}
