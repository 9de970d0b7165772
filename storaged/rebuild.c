#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "fmt/apply.h"
#include "storaged.h"

/* A page from an older image and its history (Graefe, Guy, Sauer: Instant Recovery with Write-Ahead
 * Logging, 2nd edition 2016, chapter on single-page repair). Two ways: by the chain, newest to
 * oldest, when the page's newest record is known (its writer died, or home_lsn.c knows what was
 * written home last); forward through the log that is kept, when it is not. */

struct chain_link {
    uint64_t at;
    int role;
};

struct chain {
    struct chain_link *links; /* newest first */
    size_t count, cap;
};

static status chain_add(struct chain *c, uint64_t at, int role) {
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct chain_link *links = realloc(c->links, cap * sizeof *links);
        if (!links) return STATUS(OUT_OF_MEMORY);
        c->links = links;
        c->cap = cap;
    }
    c->links[c->count++] = (struct chain_link){.at = at, .role = role};
    return OK;
}

static int role_of(const struct rec_head *r, uint64_t page_no) {
    for (int i = 0; i < r->npages; i++)
        if (rec_pages_c(r)[i].page == page_no) return i;
    return -1;
}

/* Collects the records from target back to the base image, or to one that needs no base. */
static status chain_walk(struct storaged *s, struct chain *c, uint64_t page_no, uint64_t target,
                         uint64_t base_lsn, char *buf, bool *ret_needs_base) {
    struct log_back back;
    const struct rec_head *r;
    log_back_begin(&back, buf);
    *ret_needs_base = true;
    for (uint64_t at = target; at != base_lsn;) {
        if (at < base_lsn) return STATUS(DATA_CORRUPTED);
        TRY(log_back_read(s->p, &back, (lsn){at}, &r));
        int role = role_of(r, page_no);
        if (role < 0) return at == target ? STATUS(NOT_FOUND) : STATUS(DATA_CORRUPTED);
        TRY(chain_add(c, at, role));
        uint64_t prev = rec_pages_c(r)[role].prev_lsn;
        if (rec_pages_c(r)[role].flags & REC_PAGE_INIT || prev == 0) {
            *ret_needs_base = false;
            return OK;
        }
        if (prev >= at) return STATUS(DATA_CORRUPTED);
        at = prev;
    }
    return OK;
}

/* Applies the collected records, oldest first. Those that lie close together are read at once. */
static status chain_apply(struct storaged *s, const struct chain *c, char *buf, void *page) {
    struct log_scan scan;
    lsn end = log_complete(s->shm->log);
    log_scan_begin(&scan, LSN_NONE, buf);
    for (size_t i = c->count; i > 0; i--) {
        const struct rec_head *r;
        lsn at = {c->links[i - 1].at};
        if (at.at < scan.base.at || at.at >= scan.base.at + scan.bytes)
            log_scan_begin(&scan, at, buf);
        scan.next = at;
        TRY(log_scan_next(s->p, &scan, end, &r, &at));
        TRY(apply(r, at, c->links[i - 1].role, page));
    }
    return OK;
}

status rebuild_chain(struct storaged *s, uint64_t page_no, lsn target, const void *base,
                     void *page) {
    struct chain chain = {0};
    bool needs_base;
    status st = STATUS(OUT_OF_MEMORY);
    char *buf = malloc(LOG_SCAN_BYTES);
    if (!buf) return st;
    TRY_OUT(st,
            chain_walk(s, &chain, page_no, target.at, page_head_c(base)->lsn, buf, &needs_base));
    if (needs_base)
        memcpy(page, base, PAGE_BYTES);
    else
        memset(page, 0, PAGE_BYTES);
    st = chain_apply(s, &chain, buf, page);
out:
    free(chain.links);
    free(buf);
    return st;
}

/* One record of the page on the way forward. *have: page is an image of it as of its LSN. */
static status forward_step(const struct rec_head *r, lsn at, int role, void *page, bool *have) {
    const struct rec_page *rp = &rec_pages_c(r)[role];
    if (*have && at.at <= page_head_c(page)->lsn) return OK;
    if (rp->flags & REC_PAGE_INIT || (!*have && rp->prev_lsn == 0)) {
        memset(page, 0, PAGE_BYTES);
        *have = true;
    } else if (!*have) {
        return OK; /* not yet on firm ground */
    } else if (rp->prev_lsn != page_head_c(page)->lsn) {
        *have = false; /* the image was older than the log that is kept */
        return OK;
    }
    return apply(r, at, role, page);
}

status rebuild_forward(struct storaged *s, uint64_t page_no, const void *base, void *page) {
    uint64_t oldest = atomic_load(&s->shm->log->oldest);
    bool have = base;
    if (base)
        memcpy(page, base, PAGE_BYTES);
    else
        memset(page, 0, PAGE_BYTES);
    uint64_t base_lsn = page_head_c(page)->lsn;
    if (have && base_lsn && atomic_load(&s->shm->log->archived)) oldest = base_lsn;
    uint64_t from = have && base_lsn > oldest ? base_lsn : oldest;
    bool proven = have && base_lsn >= oldest; /* that nothing is missing at the end */
    struct log_scan scan;
    char *buf = malloc(LOG_SCAN_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    log_scan_begin(&scan, (lsn){from}, buf);
    lsn end = log_complete(s->shm->log);
    status st;
    const struct rec_head *r;
    lsn at;
    while (ok(st = log_scan_next(s->p, &scan, end, &r, &at))) {
        int role = role_of(r, page_no);
        if (role < 0) continue;
        TRY_OUT(st, forward_step(r, at, role, page, &have));
        proven = true;
    }
    if (status_is(st, ST_END)) st = have && proven ? OK : STATUS(DATA_CORRUPTED);
out:
    free(buf);
    return st;
}

enum damage damage_of(const struct storaged *s, uint64_t page_no, const void *page) {
    const struct page_head *h = page_head_c(page);
    if (!ok(page_verify(page, (page_id){page_no}))) {
        bool other = h->page != page_no && ok(page_verify(page, (page_id){h->page}));
        return other ? DAMAGE_OTHER_PAGE : DAMAGE_CHECKSUM;
    }
    return h->lsn < home_lsn(s, page_no, NULL) ? DAMAGE_OLD : DAMAGE_NONE;
}

/* Nobody has the page: what lies at its place does not matter. */
static bool is_free(struct storaged *s, uint64_t page_no) {
    uint64_t map = space_page_of((page_id){page_no}).no;
    struct frame *f;
    return s->serving && map != page_no && ok(load_page(s, map, false, &f)) &&
           space_known_free(s, page_no);
}

/* An older image of the page: what lies at home, when it is only old, or the newer one of the
 * double-write file. All zero: there is none. *ret_any: there is one. */
static void find_base(struct storaged *s, const struct load *l, char *base, bool *ret_any) {
    const char *home = frame_bytes(s->shm, &s->shm->frames[l->frame]);
    bool whole = l->damage == DAMAGE_OLD || l->damage == DAMAGE_REDO;
    *ret_any = l->damage != DAMAGE_REDO && ok(doublewrite_find(s, l->page, base));
    if (!whole) return;
    if (*ret_any && page_head_c(base)->lsn > page_head_c(home)->lsn) return;
    memcpy(base, home, PAGE_BYTES);
    *ret_any = true;
}

/* newest: of the page's records; exact: there is none behind it. any: base is an image of the page.
 */
static status bring_forward(struct storaged *s, uint64_t page_no, uint64_t newest, bool exact,
                            const void *base, bool any, void *page) {
    if (any && page_head_c(base)->lsn >= newest && exact) {
        memcpy(page, base, PAGE_BYTES);
        return OK;
    }
    return exact ? rebuild_chain(s, page_no, (lsn){newest}, base, page)
                 : rebuild_forward(s, page_no, any ? base : NULL, page);
}

/* A page whose image at home is bad. */
static status rescue(struct storaged *s, struct load *l, char *base, char *page) {
    struct frame *f = &s->shm->frames[l->frame];
    bool exact, any;
    uint64_t newest = home_lsn(s, l->page, &exact), target = redo_target(s, l->page).at;
    if (target) { /* nothing newer is in the log */
        newest = target;
        exact = true;
    }
    if (l->damage != DAMAGE_REDO && is_free(s, l->page)) {
        memset(frame_bytes(s->shm, f), 0, PAGE_BYTES);
        redo_settled(s, l->page);
        return OK;
    }
    find_base(s, l, base, &any);
    status st = bring_forward(s, l->page, newest, exact, base, any, page);
    if (!ok(st) && ok(source_find(s, l->page, base)))
        st = bring_forward(s, l->page, newest, exact, base, true, page);
    TRY(st);
    memcpy(frame_bytes(s->shm, f), page, PAGE_BYTES);
    /* Dirty, so that it is written home again. */
    if (!atomic_load(&f->rec_lsn))
        atomic_store(&f->rec_lsn, atomic_load(&s->shm->control->redo_lsn));
    redo_settled(s, l->page);
    return OK;
}

static status read_home(struct storaged *s, uint64_t page_no, void *page) {
    TRY(io_run_one(s, (struct disk_io){.op = DISK_READ,
                                       .file = s->data,
                                       .offset = page_no * PAGE_BYTES,
                                       .buf = page,
                                       .len = PAGE_BYTES}));
    if (fetch_wants(s, page_no, page)) return fetch_page(s, page_no, page);
    return page_verify(page, (page_id){page_no});
}

static void put_rebuilt(struct storaged *s, struct frame *f, const void *page) {
    while (!latch_try(&f->latch, s->p->owner)) daemon_sleep(s->d, 100000);
    if (page) memcpy(frame_bytes(s->shm, f), page, PAGE_BYTES);
    if (!atomic_load(&f->rec_lsn))
        atomic_store(&f->rec_lsn, atomic_load(&s->shm->control->redo_lsn));
    atomic_store(&f->state, FRAME_READY);
    latch_unlock(&f->latch);
}

/* From the image at home, or the one in the double-write file, or in a backup. NOT_FOUND: the
 * record never came to be. */
static status rebuild_to(struct storaged *s, uint64_t page_no, lsn target, char *base, char *page) {
    status st = read_home(s, page_no, base);
    if (!ok(st)) st = doublewrite_find(s, page_no, base);
    st = ok(st) ? rebuild_chain(s, page_no, target, base, page) : STATUS(DATA_CORRUPTED);
    if (ok(st) || status_is(st, ST_NOT_FOUND)) return st;
    if (!ok(source_find(s, page_no, base))) return st;
    return rebuild_chain(s, page_no, target, base, page);
}

/* A page in a frame whose writer died. A write of it that is under way took its image before. */
static status rebuild_broken(struct storaged *s, struct load *l, char *base, char *page) {
    struct frame *f = &s->shm->frames[l->frame];
    while (atomic_load(&f->write_lsn)) daemon_sleep(s->d, 200000);
    lsn target = {atomic_load(&f->rebuild_lsn)};
    status st = rebuild_to(s, l->page, target, base, page);
    if (status_is(st, ST_NOT_FOUND)) {
        put_rebuilt(s, f, NULL); /* the record never came to be: the page is as before */
        return OK;
    }
    if (!ok(st)) TRY(rebuild_forward(s, l->page, NULL, page));
    put_rebuilt(s, f, page);
    return OK;
}

static const char *damage_words(const struct load *l) {
    if (l->broken) return "was being changed when its writer died";
    switch (l->damage) {
    case DAMAGE_UNREADABLE: return "cannot be read from the data file";
    case DAMAGE_OTHER_PAGE: return "is another page in the data file";
    case DAMAGE_REDO: return "is behind the log";
    case DAMAGE_OLD: return "is older in the data file than it was written";
    default: return "is damaged in the data file";
    }
}

/* What was found and what became of it: on stderr, in the ring of events, and as a counter. */
static void tell(struct storaged *s, const struct load *l, status st) {
    const void *page = frame_bytes(s->shm, &s->shm->frames[l->frame]);
    struct event e = {.kind = ok(st) ? EVENT_PAGE_REBUILT : EVENT_PAGE_LOST,
                      .slot = SLOT_STORAGED,
                      .epoch = s->p->epoch,
                      .pages = 1};
    char whose[40] = "";
    if (ok(st) && page_head_c(page)->tree)
        snprintf(whose, sizeof whose, " (of tree %u)", page_head_c(page)->tree);
    snprintf(e.text, sizeof e.text, "page %llu%s %s: %s", (unsigned long long)l->page, whose,
             damage_words(l), ok(st) ? "rebuilt" : "it cannot be rebuilt");
    storaged_say("%s (%s)", e.text, status_name(st));
    counter_add(s->p, ok(st) ? COUNTER_PAGES_REBUILT : COUNTER_PAGES_LOST, 1);
    event_put(&s->shm->control->page_events, &e);
}

void rebuild_load(void *load) {
    struct load *l = load;
    struct storaged *s = l->s;
    bool broken = l->broken;
    PROBE(axolotl_storaged, rebuild_begin, l->page, broken, l->damage);
    s->rebuilding++;
    char *buf = io_buffer(2 * PAGE_BYTES);
    status st = STATUS(OUT_OF_MEMORY);
    if (buf)
        st = broken ? rebuild_broken(s, l, buf, buf + PAGE_BYTES)
                    : rescue(s, l, buf, buf + PAGE_BYTES);
    free(buf);
    bool damaged = l->damage != DAMAGE_REDO;
    if (damaged || !ok(st)) tell(s, l, st);
    PROBE(axolotl_storaged, rebuild_done, l->page, st.code);
    s->rebuilding--;
    if (!ok(st) && !status_is(st, ST_OUT_OF_MEMORY)) st = STATUS(DATA_CORRUPTED);
    struct frame *f = &s->shm->frames[l->frame];
    load_finish(s, l, st);
    if (ok(st) && damaged && atomic_load(&f->rec_lsn)) write_want(s, f, 0);
}
