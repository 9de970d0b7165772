#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/probe.h"
#include "fmt/apply.h"
#include "storaged.h"

/* Redo, the second of recovery's phases, while queries run (Graefe, Guy, Sauer: Instant Recovery
 * with Write-Ahead Logging, 2nd edition 2016, chapter on instant restart).
 *
 * logd's analysis has told which pages the log changes and the newest record of each. Service
 * begins as soon as they are in a table here. A page that somebody wants goes its chain at once
 * (rebuild.c). All others are brought forward by one pass over the log, since to walk every chain
 * would read the log many times over: each record is applied to those of its pages that do not show
 * it yet. A page on this way is in a frame in state REDO, which nobody else looks at; it may be
 * written home and evicted as it is, an older image like any other.
 *
 * What lies below `position` is in frames or at home for every page, so a checkpoint takes the
 * lower of it and what the frames say; a crash begins again there. A storaged that dies is followed
 * by one that has the table from logd again, and drops what was in state REDO. */

#define WINDOW_BYTES (512u << 10)
#define WINDOW_RECORDS 4096
#define STRETCH_NS 500000u /* of work, between looks at who else wants something */
#define REST_NS 20000000u  /* for others, at most */
#define RETRY_NS 1000000000u
#define SAID_FAILURES 10

struct redo_window {
    char *bytes;
    struct {
        lsn at;
        uint32_t offset;
    } record[WINDOW_RECORDS];
    unsigned count;
    uint64_t begun_ns, asked; /* of the stretch */
    uint64_t records;         /* of all windows */
    unsigned failed;          /* pages that cannot be had any more */
};

/* ---- the table ------------------------------------------------------------------------------- */

static struct log_page *place_of(const struct redo *r, uint64_t page) {
    size_t i = (page * 0x9e3779b97f4a7c15u) >> 20 & (r->size - 1);
    while (r->places[i].page && r->places[i].page != page) i = (i + 1) & (r->size - 1);
    return &r->places[i];
}

lsn redo_target(const struct storaged *s, uint64_t page) {
    if (s->redo.left == 0) return LSN_NONE;
    return (lsn){place_of(&s->redo, page)->newest};
}

void redo_settled(struct storaged *s, uint64_t page) {
    struct redo *r = &s->redo;
    if (r->left == 0) return;
    struct log_page *p = place_of(r, page);
    if (p->newest == 0) return;
    p->newest = 0;
    r->left--;
    atomic_store(&s->shm->control->redo_pages, r->left);
}

static void window_free(struct storaged *s) {
    if (s->redo.window) free(s->redo.window->bytes);
    free(s->redo.window);
    free(s->redo.scan_bytes);
    s->redo.window = NULL;
    s->redo.scan_bytes = NULL;
}

static void table_forget(struct redo *r) {
    free(r->places);
    r->places = NULL;
    r->size = r->left = 0;
}

void redo_fini(struct storaged *s) {
    window_free(s);
    table_forget(&s->redo);
    free(s->redo.fetched);
    s->redo.fetched = NULL;
}

static status table_grow(struct redo *r) {
    struct redo grown = {.size = r->size ? 2 * r->size : 4096};
    grown.places = calloc(grown.size, sizeof *grown.places);
    if (!grown.places) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < r->size; i++)
        if (r->places[i].page) *place_of(&grown, r->places[i].page) = r->places[i];
    free(r->places);
    r->places = grown.places;
    r->size = grown.size;
    return OK;
}

static status table_add(struct redo *r, const struct log_page *pages, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (2 * r->left >= r->size) TRY(table_grow(r));
        struct log_page *p = place_of(r, pages[i].page);
        r->left += p->page == 0;
        *p = pages[i];
    }
    return OK;
}

/* All of it, from one life of logd. */
static status table_fetch(struct storaged *s) {
    struct redo *r = &s->redo;
    uint64_t place = 0, life = 0;
    r->fetched = malloc(LOG_PAGES_MAX * sizeof *r->fetched);
    status st = r->fetched ? OK : STATUS(OUT_OF_MEMORY);
    while (ok(st)) {
        unsigned n;
        uint64_t of;
        TRY_OUT(st, log_pages(s->p, r->position, &place, r->fetched, &n, &of));
        if (life && of != life) {
            table_forget(r);
            place = life = 0;
            continue;
        }
        life = of;
        st = table_add(r, r->fetched, n);
        if (place == 0) break;
    }
out:
    free(r->fetched);
    r->fetched = NULL;
    return st;
}

/* What the frames of a storaged that died while others lived on show already. And the file must
 * have all those pages. */
static status table_compare(struct storaged *s) {
    uint64_t last = 0;
    uint32_t frames = atomic_load(&s->shm->pool->ready_frames);
    for (uint32_t i = 0; i < frames; i++) {
        const struct frame *f = &s->shm->frames[i];
        uint32_t state = atomic_load(&f->state);
        if (state == FRAME_READY || state == FRAME_BROKEN) redo_settled(s, atomic_load(&f->page));
    }
    for (size_t i = 0; i < s->redo.size; i++)
        if (s->redo.places[i].page > last) last = s->redo.places[i].page;
    atomic_store(&s->shm->control->redo_pages, s->redo.left);
    return last ? space_extend(s, last + 1) : OK;
}

/* ---- the pass -------------------------------------------------------------------------------- */

/* Whether redo has something to do here. */
static bool is_behind(const struct storaged *s, const struct rec_head *r, lsn at) {
    for (int i = 0; i < r->npages; i++)
        if (redo_target(s, rec_pages_c(r)[i].page).at >= at.at) return true;
    return false;
}

/* Others come first: a page that somebody waits for needs this process's window into the log, its
 * time and the disk. The pass goes on when none is on its way, or after a rest that is long beside
 * its stretch of work. */
static void give_way(struct storaged *s, struct redo_window *w) {
    uint64_t now_ns = s->p->env->mono_ns(s->p);
    if (now_ns - w->begun_ns < STRETCH_NS) return;
    uint64_t until = now_ns + REST_NS;
    daemon_sleep(s->d, 0);
    while ((s->rebuilding > 0 || w->asked != s->redo.asked) && s->p->env->mono_ns(s->p) < until) {
        w->asked = s->redo.asked;
        daemon_sleep(s->d, STRETCH_NS);
    }
    w->begun_ns = s->p->env->mono_ns(s->p);
}

static status window_fill(struct storaged *s, struct log_scan *scan, struct redo_window *w) {
    size_t used = 0;
    w->count = 0;
    while (w->count < WINDOW_RECORDS && used + REC_BYTES_MAX <= WINDOW_BYTES) {
        const struct rec_head *r;
        lsn at;
        give_way(s, w);
        status st = log_scan_next(s->p, scan, s->redo.end, &r, &at);
        if (status_is(st, ST_END)) return OK;
        TRY(st);
        if (!is_behind(s, r, at)) continue;
        memcpy(w->bytes + used, r, r->len);
        w->record[w->count].at = at;
        w->record[w->count++].offset = (uint32_t)used;
        used += r->len;
        for (int i = 0; i < r->npages; i++)
            if (redo_target(s, rec_pages_c(r)[i].page).at >= at.at)
                load_prefetch(s, rec_pages_c(r)[i].page);
    }
    return OK;
}

/* A page that cannot be had, now or when the pass is over, keeps its place in the table. */
static void redo_page(struct storaged *s, const struct rec_head *r, lsn at, int role) {
    uint64_t page_no = rec_pages_c(r)[role].page, target = redo_target(s, page_no).at;
    struct frame *f;
    if (target < at.at || !ok(load_page(s, page_no, true, &f))) return;
    void *page = frame_bytes(s->shm, f);
    if (atomic_load(&f->state) != FRAME_REDO || page_head_c(page)->lsn >= at.at) return;
    if (!atomic_load(&f->rec_lsn)) atomic_store(&f->rec_lsn, at.at);
    if (!ok(apply(r, at, role, page))) {
        /* It is not what the log says it was: its chain may tell more. */
        status_ignore(load_page(s, page_no, false, &f));
    } else if (at.at >= target) {
        redo_settled(s, page_no);
        atomic_store(&f->state, FRAME_READY);
    }
}

static status pass(struct storaged *s, struct redo_window *w, struct log_scan *scan) {
    while (scan->next.at < s->redo.end.at && s->redo.left > 0) {
        lsn begin = scan->next;
        TRY(window_fill(s, scan, w));
        s->redo.position = begin;
        w->records += w->count;
        for (unsigned i = 0; i < w->count; i++) {
            const struct rec_head *r = (const struct rec_head *)(w->bytes + w->record[i].offset);
            for (int role = 0; role < r->npages; role++) redo_page(s, r, w->record[i].at, role);
            give_way(s, w);
        }
    }
    return OK;
}

/* What the pass could not bring forward: a last attempt, from its history alone. A page that is
 * lost is never taken for good: it is noted as newer than what lies at home. */
static void finish_rest(struct storaged *s, struct redo_window *w) {
    for (size_t i = 0; i < s->redo.size && s->redo.left > 0; i++) {
        uint64_t page = s->redo.places[i].page, newest = s->redo.places[i].newest;
        struct frame *f;
        if (newest == 0) continue;
        status st = load_page(s, page, false, &f);
        if (ok(st)) continue;
        home_lsn_put(s, page, newest);
        redo_settled(s, page);
        if (w->failed++ < SAID_FAILURES)
            storaged_say("page %llu cannot be brought forward to %llu: %s",
                         (unsigned long long)page, (unsigned long long)newest, status_name(st));
    }
}

static status window_new(struct storaged *s, struct redo_window **ret) {
    *ret = s->redo.window = calloc(1, sizeof **ret);
    s->redo.scan_bytes = malloc(LOG_SCAN_BYTES);
    if (*ret) (*ret)->bytes = malloc(WINDOW_BYTES);
    if (*ret && (*ret)->bytes && s->redo.scan_bytes) return OK;
    window_free(s);
    return STATUS(OUT_OF_MEMORY);
}

static status redo(struct storaged *s) {
    lsn from = s->redo.position;
    size_t pages = s->redo.left;
    struct log_scan scan;
    struct redo_window *w;
    TRY(window_new(s, &w));
    log_scan_begin(&scan, from, s->redo.scan_bytes);
    w->begun_ns = s->p->env->mono_ns(s->p);
    status st = pass(s, w, &scan);
    if (status_is(st, ST_DATA_CORRUPTED)) st = OK; /* some chains may pass the spoilt record by */
    if (ok(st)) finish_rest(s, w);
    if (ok(st) && pages > 0)
        storaged_say("redo from %llu to %llu: %zu pages, %llu records, %u failures",
                     (unsigned long long)from.at, (unsigned long long)s->redo.end.at, pages,
                     (unsigned long long)w->records, w->failed);
    window_free(s);
    return st;
}

/* ---- its place in recovery ------------------------------------------------------------------- */

/* logd waits for it. */
static status tell_redo_lsn(struct storaged *s) {
    struct control *control = s->shm->control;
    uint64_t newest = 0;
    if (s->options.ignore_log_damage && !s->file.clean) TRY(home_lsn_newest(s, &newest));
    atomic_store(&control->newest_home, newest);
    atomic_store(&control->redo_lsn, s->file.redo_lsn);
    return OK;
}

static status begin(struct storaged *s) {
    struct control *control = s->shm->control;
    uint64_t end;
    if (!atomic_load(&control->redo_lsn)) TRY(tell_redo_lsn(s));
    while ((end = atomic_load(&control->recovered_lsn)) == 0) daemon_sleep(s->d, 500000);
    s->redo.position = (lsn){atomic_load(&control->redo_lsn)};
    s->redo.end = (lsn){end};
    PROBE(axolotl_storaged, redo_begin, s->redo.position.at, end);
    if (end < s->redo.position.at) return STATUS(DATA_CORRUPTED);
    TRY(table_fetch(s));
    TRY(table_compare(s));
    struct file_page next = s->file;
    next.clean = 0;
    next.pages = atomic_load(&s->shm->pool->file_pages);
    return s->file.clean ? file_page_write(s, &next) : OK;
}

/* A device that had an error, or no room, may be better the next time. */
static status begin_at_last(struct storaged *s) {
    status st, said = OK;
    while (status_is(st = begin(s), ST_IO_ERROR) || status_is(st, ST_DISK_FULL)) {
        if (st.code != said.code)
            storaged_say("recovery cannot begin, trying again: %s", status_name(st));
        said = st;
        redo_fini(s);
        daemon_sleep(s->d, RETRY_NS);
    }
    return st;
}

static void complete(struct storaged *s) {
    redo_fini(s);
    s->redo.complete = true;
    s->checkpoint_due_ns = s->p->env->mono_ns(s->p) + s->options.checkpoint_interval_ns;
    atomic_store(&s->shm->control->redo_complete, 1);
}

void redo_run(void *storaged) {
    struct storaged *s = storaged;
    status st = begin_at_last(s);
    if (!ok(st)) {
        PROBE(axolotl_storaged, redo_done, 0, st.code);
        storaged_say("recovery failed: %s", status_name(st));
        s->failed = true;
        return;
    }
    s->serving = true;
    atomic_store(&s->shm->control->redo_done, 1);
    daemon_ready(s->d);
    space_serve(s);
    while (!ok(st = redo(s))) {
        storaged_say("redo is interrupted: %s", status_name(st));
        daemon_sleep(s->d, RETRY_NS); /* meanwhile pages are brought forward when wanted */
    }
    PROBE(axolotl_storaged, redo_done, s->redo.end.at, st.code);
    complete(s);
}
