/* The pool from the side of its users: readers and writers while pages move, reservations, repair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "ipc_region.h"
#include "log/log.h"
#include "msg/msg.h"
#include "pool/frame.h"

#define FRAMES 32
#define PAGES 48 /* more than frames */

static struct shm shm;

static void make(void) {
    struct shm_sizes sizes = {.frames = FRAMES,
                              .page_buckets = 16, /* chains */
                              .workers = 8,
                              .sessions = 4,
                              .txns = 16,
                              .map_entries = 64,
                              .ring_bytes = 8u << 20};
    struct error e = {0};
    assert_true(ok(region_create_all(NULL, &sizes, &shm, &e)));
    log_shared_init(shm.log, LOG_FIRST, 0);
}

/* --- a storaged of a few lines -----------------------------------------------------------------
 */

static char disk[PAGES + 1][PAGE_BYTES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct owner mover = {.slot = SLOT_STORAGED, .epoch = 1};
static uint32_t hand;

static _Atomic uint32_t *chain_of(uint64_t page) {
    return &shm.pool->bucket[pool_hash(&shm.sizes, page)];
}

static void unchain(struct frame *f) {
    _Atomic uint32_t *link = chain_of(atomic_load(&f->page));
    while (atomic_load(link) != (uint32_t)(f - shm.frames) + 1)
        link = &shm.frames[atomic_load(link) - 1].next;
    atomic_store(link, atomic_load(&f->next));
    atomic_store(&f->next, 0);
}

static void chain(struct frame *f) {
    atomic_store(&f->next, atomic_load(chain_of(atomic_load(&f->page))));
    atomic_store(chain_of(atomic_load(&f->page)), (uint32_t)(f - shm.frames) + 1);
}

/* Puts the page into some frame, throwing another page out. */
static uint32_t bring(uint64_t page) {
    for (;;) {
        struct frame *f = &shm.frames[hand++ % FRAMES];
        if (!latch_try(&f->latch, mover)) continue;
        if (atomic_load(&f->state) == FRAME_READY) {
            atomic_store(&f->state, FRAME_FREE);
            unchain(f);
            memcpy(disk[atomic_load(&f->page)], frame_bytes(&shm, f), PAGE_BYTES);
        }
        memcpy(frame_bytes(&shm, f), disk[page], PAGE_BYTES);
        atomic_store(&f->page, page);
        chain(f);
        atomic_store(&f->state, FRAME_READY);
        latch_unlock(&f->latch);
        return (uint32_t)(f - shm.frames);
    }
}

static struct frame *in_memory(uint64_t page) {
    for (uint32_t i = 0; i < FRAMES; i++)
        if (atomic_load(&shm.frames[i].page) == page &&
            atomic_load(&shm.frames[i].state) == FRAME_READY)
            return &shm.frames[i];
    return NULL;
}

static status call([[maybe_unused]] struct proc *p, uint16_t to, struct msg *m) {
    assert_int_equal(to, SLOT_STORAGED);
    if (m->op == MSG_PAGE_RESERVE) return STATUS(DISK_FULL);
    assert_int_equal(m->op, MSG_PAGE_LOAD);
    pthread_mutex_lock(&mutex);
    struct frame *f = in_memory(m->arg[0]);
    m->arg[0] = f ? (uint64_t)(f - shm.frames) : bring(m->arg[0]);
    pthread_mutex_unlock(&mutex);
    return OK;
}

static void do_pause([[maybe_unused]] struct proc *p) {}

static const struct env env = {.call = call, .pause = do_pause};

static struct proc proc_at(uint16_t slot) {
    return (struct proc){.owner = {.slot = slot, .epoch = 3},
                         .epoch = 3,
                         .shm = &shm,
                         .env = &env,
                         .counters = &shm.counters[slot]};
}

/* --- readers and writers ------------------------------------------------------------------------
 */

#define ROUNDS 20000
#define WORDS (PAGE_BYTES / 8)

/* A page is its number in word 0 and one count in all other words. */
static bool whole(const uint64_t *words, uint64_t page) {
    if (words[0] != page) return false;
    for (unsigned i = 2; i < WORDS; i++)
        if (words[i] != words[1]) return false;
    return true;
}

static _Atomic uint64_t changes[PAGES + 1];

static void *worker(void *arg) {
    struct proc p = proc_at((uint16_t)(uintptr_t)arg);
    uint64_t seed = p.owner.slot, bad = 0;
    static _Thread_local uint64_t copy[WORDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t page = 1 + (seed >> 33) % PAGES;
        struct frame *f;
        if (seed >> 60 != 0) {
            bad += !ok(page_copy(&p, (page_id){page}, copy)) || !whole(copy, page);
            continue;
        }
        do {
            if (!ok(pool_find(&p, (page_id){page}, &f))) bad++;
        } while (!ok(page_latch(&p, f, (page_id){page})));
        uint64_t *words = frame_bytes(&shm, f);
        bad += !whole(words, page);
        for (unsigned j = 1; j < WORDS; j++) words[j]++;
        atomic_fetch_add(&changes[page], 1);
        page_unlatch(f);
    }
    return (void *)(uintptr_t)bad;
}

static void threads([[maybe_unused]] void **state) {
    make();
    for (uint64_t page = 1; page <= PAGES; page++) {
        memset(disk[page], 0, PAGE_BYTES);
        memcpy(disk[page], &page, sizeof page);
        atomic_store(&changes[page], 0);
    }
    pthread_t t[4];
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, worker, (void *)(SLOT_QUERYD + i)), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_int_equal((uintptr_t)bad, 0);
    }
    struct proc p = proc_at(SLOT_QUERYD);
    static uint64_t copy[WORDS];
    for (uint64_t page = 1; page <= PAGES; page++) {
        assert_true(ok(page_copy(&p, (page_id){page}, copy)));
        assert_true(whole(copy, page));
        assert_int_equal(copy[1], atomic_load(&changes[page]));
    }
    uint64_t hits = 0, misses = 0;
    for (unsigned slot = SLOT_QUERYD; slot < SLOT_QUERYD + 4; slot++) {
        hits += atomic_load(&shm.counters[slot].value[COUNTER_PAGE_HITS]);
        misses += atomic_load(&shm.counters[slot].value[COUNTER_PAGE_MISSES]);
    }
    assert_true(hits > ROUNDS && misses > 1000);
    region_detach_all(&shm);
}

/* --- single steps -------------------------------------------------------------------------------
 */

static void versions([[maybe_unused]] void **state) {
    make();
    struct proc p = proc_at(SLOT_QUERYD), other = proc_at(SLOT_QUERYD + 1);
    page_id page = {5};
    struct frame *f;
    uint64_t v, v2;
    assert_null(pool_peek(&shm, page));
    assert_true(ok(pool_find(&p, page, &f)));
    assert_ptr_equal(pool_peek(&shm, page), f);
    assert_false(page_read_begin(&p, f, (page_id){6}, &v));
    assert_true(page_read_begin(&p, f, page, &v));
    assert_true(page_read_valid(&p, f, v));
    /* A latch without a change leaves the version, one with a change does not. */
    assert_true(ok(page_latch(&other, f, page)));
    assert_true(status_is(page_latch_from(&p, f, page, v), ST_AGAIN));
    page_unlatch_unchanged(f);
    assert_true(page_read_valid(&p, f, v));
    assert_true(ok(page_latch_from(&other, f, page, v)));
    assert_false(page_read_valid(&p, f, v));
    page_unlatch(f);
    assert_false(page_read_valid(&p, f, v));
    assert_true(page_read_begin(&p, f, page, &v2));
    assert_true(v2 != v);
    assert_true(page_read_valid(&p, f, v2));
    /* Latched for long: the reader and the writer are sent away. */
    assert_true(ok(page_latch(&other, f, page)));
    assert_false(page_read_begin(&p, f, page, &v));
    assert_true(status_is(page_latch(&p, f, page), ST_AGAIN));
    page_unlatch(f);
    /* Not READY: not found, not latched. */
    atomic_store(&f->state, FRAME_BROKEN);
    assert_null(pool_peek(&shm, page));
    assert_false(page_read_begin(&p, f, page, &v));
    assert_true(status_is(page_latch(&p, f, page), ST_AGAIN));
    assert_false(latch_word_held(atomic_load(&f->latch.word)));
    struct frame *none;
    assert_true(status_is(pool_find(&p, (page_id){0}, &none), ST_INVALID));
    assert_true(status_is(pool_find(&p, (page_id){PAGE_NO_MAX + 1}, &none), ST_INVALID));
    region_detach_all(&shm);
}

static void reservation([[maybe_unused]] void **state) {
    make();
    struct proc p = proc_at(SLOT_QUERYD);
    struct pool_reserve *r = &shm.pool->reserve[SLOT_QUERYD];
    assert_true(status_is(pool_reserve(&p, 1), ST_DISK_FULL));
    assert_int_equal(pool_take(&p).no, 0);
    atomic_store(&r->page[3], 100);
    atomic_store(&r->page[9], 101);
    assert_true(ok(pool_reserve(&p, 2)));
    page_id a = pool_take(&p), b = pool_take(&p);
    assert_true(a.no == 100 && b.no == 101);
    assert_int_equal(pool_take(&p).no, 0);
    assert_true(status_is(pool_reserve(&p, 1), ST_DISK_FULL));
    /* Taken pages keep their places: nobody else is given them. */
    assert_int_equal(atomic_load(&r->page[3]), 100 | POOL_RESERVE_TAKEN);
    pool_give_back(&p, a);
    pool_give_back(&p, (page_id){55});
    assert_true(ok(pool_reserve(&p, 1)));
    assert_int_equal(pool_take(&p).no, 100);
    region_detach_all(&shm);
}

/* A record that names pages, as far as the repair looks at it. */
static lsn insert_naming(struct proc *p, uint64_t page) {
    _Alignas(8) char bytes[256] = {0};
    struct rec_head *r = (struct rec_head *)bytes;
    r->type = REC_ENTRY_DELETE;
    r->npages = 1;
    r->len = (sizeof *r + sizeof(struct rec_page) + sizeof(struct rec_entry) + 8 + 7) / 8 * 8;
    struct rec_page *rp = rec_pages(r);
    rp->page = page;
    rp->offset = (uint16_t)((char *)rec_payload(r) - bytes);
    rp->len = sizeof(struct rec_entry) + 8;
    struct rec_entry e = {.root = page, .key_len = 8, .new_flags = ENTRY_DELETED};
    memcpy(rec_payload(r), &e, sizeof e);
    assert_true(ok(rec_valid(bytes, r->len)));
    assert_true(ok(log_room(p)));
    return log_insert(p, r);
}

static void repair([[maybe_unused]] void **state) {
    make();
    struct proc p = proc_at(SLOT_QUERYD), other = proc_at(SLOT_QUERYD + 1);
    struct owner who = p.owner;
    struct frame *f, *g, *h;
    assert_true(ok(pool_find(&p, (page_id){5}, &f)));
    assert_true(ok(pool_find(&p, (page_id){6}, &g)));
    assert_true(ok(pool_find(&p, (page_id){7}, &h)));
    atomic_store(&shm.pool->reserve[who.slot].page[4], 99 | POOL_RESERVE_TAKEN);
    assert_int_equal(pool_repair(&shm, who), 0);
    assert_int_equal(atomic_load(&shm.pool->reserve[who.slot].page[4]), 0);

    /* Latched, nothing in the log: free. Another's latch stays. */
    assert_true(ok(page_latch(&p, f, (page_id){5})));
    assert_true(ok(page_latch(&other, g, (page_id){6})));
    assert_int_equal(pool_repair(&shm, who), 1);
    assert_int_equal(atomic_load(&f->state), FRAME_READY);
    assert_false(latch_word_held(atomic_load(&f->latch.word)));
    assert_true(latch_word_owned_by(atomic_load(&g->latch.word), other.owner));
    page_unlatch(g);

    /* Published and not applied: the page that it names is broken, another one it latched is not.
     */
    assert_true(ok(page_latch(&p, f, (page_id){5})));
    assert_true(ok(page_latch(&p, g, (page_id){6})));
    lsn at = insert_naming(&p, 5);
    assert_int_equal(pool_repair(&shm, who), 2);
    assert_int_equal(atomic_load(&f->state), FRAME_BROKEN);
    assert_int_equal(atomic_load(&f->rebuild_lsn), at.at);
    assert_int_equal(atomic_load(&g->state), FRAME_READY);
    assert_int_equal(atomic_load(&shm.log->slots[who.slot].change_lsn), 0);
    assert_int_equal(pool_repair(&shm, who), 0);

    /* Applied: whole. */
    assert_true(ok(page_latch(&p, h, (page_id){7})));
    at = insert_naming(&p, 7);
    page_head(frame_bytes(&shm, h))->lsn = at.at;
    assert_int_equal(pool_repair(&shm, who), 1);
    assert_int_equal(atomic_load(&h->state), FRAME_READY);

    /* Done, and then something else latched: whole. */
    assert_true(ok(page_latch(&p, g, (page_id){6})));
    (void)insert_naming(&p, 6);
    log_change_done(&p);
    assert_int_equal(pool_repair(&shm, who), 1);
    assert_int_equal(atomic_load(&g->state), FRAME_READY);

    /* The record is no longer in the ring: storaged will look. */
    assert_true(ok(page_latch(&p, g, (page_id){6})));
    at = insert_naming(&p, 7);
    atomic_store(&shm.log->first, at.at + 8);
    assert_int_equal(pool_repair(&shm, who), 1);
    assert_int_equal(atomic_load(&g->state), FRAME_BROKEN);
    region_detach_all(&shm);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads),
        cmocka_unit_test(versions),
        cmocka_unit_test(reservation),
        cmocka_unit_test(repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
