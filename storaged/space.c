#include <stdlib.h>
#include <string.h>

#include "base/probe.h"
#include "storaged.h"

/* Which pages are free is said by the space maps, which are pages like others: their bits change by
 * the records that allocate and free. What is only reserved, for a process that is about to write
 * such a record, stands in shared memory and is forgotten with it. So nothing leaks: after a crash
 * a page is in use exactly if the log or its map says so. */

#define EXTEND_PAGES_MIN 64
#define EXTEND_PAGES_MAX 256
#define RESERVE_AHEAD 8             /* a process that asks for one page is given some, */
#define RESERVE_QUIET_NS 100000000u /* and twice as many each time it comes again so soon */
#define MAP_BYTES (SPACE_BITS / 8)

static bool is_free(const uint8_t *bits, uint64_t i) {
    return !(bits[i / 8] >> (i % 8) & 1);
}

static void set_bit(uint8_t *bits, uint64_t i) {
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

bool space_known_free(struct storaged *s, uint64_t page) {
    uint64_t map = space_page_of((page_id){page}).no;
    if (!s->serving || page == map) return false;
    struct frame *f = table_find(s, map);
    uint64_t version;
    if (!f || latch_word_held(atomic_load(&f->latch.word)) ||
        !page_read_begin(s->p, f, (page_id){map}, &version))
        return false;
    const struct space_page *sp = frame_bytes(s->shm, f);
    bool free = is_free(sp->bits, page % SPACE_BITS);
    return page_read_valid(s->p, f, version) && free;
}

status space_extend(struct storaged *s, uint64_t pages) {
    uint64_t have = atomic_load(&s->shm->pool->file_pages);
    if (pages <= have) return OK;
    TRY(disk_file_extend(s->data, have * PAGE_BYTES, (pages - have) * PAGE_BYTES));
    atomic_store(&s->shm->pool->file_pages, pages);
    PROBE(axolotl_storaged, file_extend, have, pages);
    return OK;
}

static status extend_by_chunk(struct storaged *s) {
    uint64_t have = atomic_load(&s->shm->pool->file_pages);
    uint64_t more = have / 8;
    if (more < EXTEND_PAGES_MIN) more = EXTEND_PAGES_MIN;
    if (more > EXTEND_PAGES_MAX) more = EXTEND_PAGES_MAX;
    status st = space_extend(s, have + more);
    if (!ok(st)) st = space_extend(s, have + RESERVE_AHEAD); /* the last of a full disk */
    if (ok(st)) s->space_wrap = true;
    return st;
}

/* What is in use or reserved in map number m, as bits. The reservations are read before the map: a
 * page goes out of the reservation only after its bit is set (pool, rule 5), by a release to which
 * the acquiring loads here answer. */
static status used_bits(struct storaged *s, uint64_t m, uint8_t *bits) {
    page_id map = {SPACE_FIRST + m * SPACE_BITS};
    for (;;) {
        struct frame *f;
        uint64_t version;
        TRY(load_page(s, map.no, false, &f));
        uint8_t reserved[MAP_BYTES] = {0};
        for (unsigned slot = 0; slot < PROC_SLOTS; slot++) {
            struct pool_reserve *r = &s->shm->pool->reserve[slot];
            for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
                uint64_t page =
                    atomic_load_explicit(&r->page[i], memory_order_acquire) & ~POOL_RESERVE_TAKEN;
                if (page && page / SPACE_BITS == m) set_bit(reserved, page % SPACE_BITS);
            }
        }
        if (latch_word_held(atomic_load(&f->latch.word)) ||
            !page_read_begin(s->p, f, map, &version)) {
            daemon_sleep(s->d, 20000); /* latched just now */
            continue;
        }
        memcpy(bits, ((const struct space_page *)frame_bytes(s->shm, f))->bits, MAP_BYTES);
        if (!page_read_valid(s->p, f, version)) continue;
        for (unsigned i = 0; i < MAP_BYTES; i++) bits[i] |= reserved[i];
        /* A map that was never written is all zero. */
        set_bit(bits, SPACE_FIRST);
        if (m == 0) bits[0] |= 3;
        return OK;
    }
}

/* Free pages of map m from the cursor on, at most n. */
static unsigned free_bits(struct storaged *s, uint64_t m, const uint8_t *bits, uint64_t *ret_pages,
                          unsigned n) {
    uint64_t file_pages = atomic_load(&s->shm->pool->file_pages);
    uint64_t first = m * SPACE_BITS;
    uint64_t end = file_pages - first < SPACE_BITS ? file_pages - first : SPACE_BITS;
    unsigned found = 0;
    for (uint64_t i = s->space_cursor - first; i < end && found < n; i++) {
        if (i % 8 == 0 && bits[i / 8] == 0xff) {
            i += 7;
            continue;
        }
        if (!is_free(bits, i)) continue;
        ret_pages[found++] = first + i;
        s->space_cursor = first + i + 1;
    }
    if (found < n) s->space_cursor = first + end;
    return found;
}

static status find_free(struct storaged *s, uint64_t *ret_pages, unsigned n, unsigned *ret_found) {
    uint8_t bits[MAP_BYTES];
    for (;;) {
        if (s->space_cursor >= atomic_load(&s->shm->pool->file_pages)) {
            if (s->space_wrap) {
                s->space_wrap = false;
                s->space_cursor = 0;
            } else {
                TRY(extend_by_chunk(s));
            }
        }
        uint64_t m = s->space_cursor / SPACE_BITS;
        TRY(used_bits(s, m, bits));
        unsigned found = free_bits(s, m, bits, ret_pages, n);
        if (found == 0) continue;
        *ret_found = found;
        return OK;
    }
}

/* How many pages a process is given that asks for some. */
static unsigned pages_ahead(struct storaged *s, unsigned slot) {
    struct reserve_pace *pace = &s->reserve_pace[slot];
    uint64_t now_ns = s->p->env->mono_ns(s->p);
    bool again = now_ns - pace->asked_ns < RESERVE_QUIET_NS;
    pace->asked_ns = now_ns;
    pace->pages = again ? 2 * pace->pages : RESERVE_AHEAD;
    if (pace->pages > POOL_RESERVE_PAGES) pace->pages = POOL_RESERVE_PAGES;
    return pace->pages;
}

/* Their frames come along: who takes the pages does not ask again for each of them. */
static void give(struct storaged *s, struct pool_reserve *r, const uint64_t *pages, unsigned n) {
    for (unsigned i = 0, next = 0; i < POOL_RESERVE_PAGES && next < n; i++) {
        if (atomic_load(&r->page[i])) continue;
        if (space_known_free(s, pages[next])) load_prefetch(s, pages[next]);
        atomic_store(&r->page[i], pages[next++]);
    }
}

static status fill_reserve(struct storaged *s, unsigned slot, unsigned count) {
    struct pool_reserve *r = &s->shm->pool->reserve[slot];
    unsigned ahead = pages_ahead(s, slot);
    for (;;) {
        unsigned have = 0, empty = 0;
        for (unsigned i = 0; i < POOL_RESERVE_PAGES; i++) {
            uint64_t word = atomic_load(&r->page[i]);
            empty += word == 0;
            have += word && !(word & POOL_RESERVE_TAKEN);
        }
        if (have >= count) return OK;
        if (have + empty < count) return STATUS(FULL);
        unsigned n = count - have;
        if (n < ahead) n = ahead;
        if (n > empty) n = empty;
        uint64_t pages[POOL_RESERVE_PAGES];
        unsigned found;
        TRY(find_free(s, pages, n, &found));
        give(s, r, pages, found);
    }
}

static void space_run(void *arg) {
    struct storaged *s = arg;
    struct waiter *w;
    while ((w = waiter_pop(&s->space_requests))) {
        unsigned count =
            w->m.arg[0] < POOL_RESERVE_PAGES ? (unsigned)w->m.arg[0] : POOL_RESERVE_PAGES;
        status st = fill_reserve(s, w->m.slot % PROC_SLOTS, count);
        PROBE(axolotl_storaged, reserve, w->m.slot, count, st.code);
        waiter_finish(s, w, st, NULL);
    }
    s->space_running = false;
}

void space_request(struct storaged *s, const struct msg *m) {
    struct waiter *w = waiter_for_msg(s, m);
    if (!w) return;
    waiter_push(&s->space_requests, w);
    space_serve(s);
}

void space_serve(struct storaged *s) {
    if (s->space_running || !s->serving || !s->space_requests.first) return;
    s->space_running = true;
    status st = daemon_spawn(s->d, 0, space_run, s);
    if (ok(st)) return;
    s->space_running = false;
    struct waiter *w;
    while ((w = waiter_pop(&s->space_requests))) waiter_finish(s, w, st, NULL);
}
