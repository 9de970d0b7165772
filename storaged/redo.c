#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/probe.h"
#include "fmt/apply.h"
#include "storaged.h"

/* Redo: from redo_lsn to the end that logd has found, every record is applied to those of its pages
 * that do not show it yet. The log is read a window ahead, and the window's pages are asked for at
 * once, so that the device has many reads to do.
 *
 * No other process looks at pages meanwhile. A storaged that dies in redo is followed by one that
 * empties the frames and begins again. */

#define WINDOW_BYTES (512u << 10)
#define WINDOW_RECORDS 4096

struct window {
    char *bytes;
    struct {
        lsn at;
        uint32_t offset;
    } record[WINDOW_RECORDS];
    unsigned count;
    unsigned failed; /* pages on which a record did not fit */
};

static status window_fill(struct storaged *s, struct log_scan *scan, lsn end, struct window *w) {
    size_t used = 0;
    w->count = 0;
    while (w->count < WINDOW_RECORDS && used + REC_BYTES_MAX <= WINDOW_BYTES) {
        const struct rec_head *r;
        lsn at;
        status st = log_scan_next(s->p, scan, end, &r, &at);
        if (status_is(st, ST_END)) return OK;
        TRY(st);
        if (r->npages == 0) continue;
        memcpy(w->bytes + used, r, r->len);
        w->record[w->count].at = at;
        w->record[w->count++].offset = (uint32_t)used;
        used += r->len;
        for (int i = 0; i < r->npages; i++) load_prefetch(s, rec_pages_c(r)[i].page);
    }
    return OK;
}

/* The page is not what the log says it was. From its history alone it may still be had; if not, it
 * must not be taken for good by anybody. */
static status replace_page(struct storaged *s, uint64_t page_no, struct frame *f) {
    char *page = io_buffer(PAGE_BYTES);
    if (!page) return STATUS(OUT_OF_MEMORY);
    status st = rebuild_forward(s, page_no, NULL, page);
    /* The frame may have been given away meanwhile. */
    struct frame *now = f;
    if (atomic_load(&f->page) != page_no) st = load_page(s, page_no, false, &now);
    if (ok(st)) {
        memcpy(frame_bytes(s->shm, now), page, PAGE_BYTES);
    } else if (atomic_load(&f->page) == page_no) {
        page_head(frame_bytes(s->shm, f))->type = UINT8_MAX;
        page_head(frame_bytes(s->shm, f))->version = UINT16_MAX;
    }
    free(page);
    return st;
}

static void redo_page(struct storaged *s, struct window *w, const struct rec_head *r, lsn at,
                      int role) {
    const struct rec_page *rp = &rec_pages_c(r)[role];
    struct frame *f;
    status st = load_page(s, rp->page, rp->flags & REC_PAGE_INIT, &f);
    if (ok(st)) {
        void *page = frame_bytes(s->shm, f);
        if (page_head_c(page)->lsn >= at.at) return;
        if (!atomic_load(&f->rec_lsn)) atomic_store(&f->rec_lsn, at.at);
        st = apply(r, at, role, page);
        if (!ok(st)) st = replace_page(s, rp->page, f);
    }
    if (ok(st)) return;
    if (w->failed++ == 0)
        storaged_say("redo of the %s at %llu on page %llu failed: %s", rec_type_name(r->type),
                     (unsigned long long)at.at, (unsigned long long)rp->page, status_name(st));
}

static status redo(struct storaged *s, lsn from, lsn end) {
    struct window *w = calloc(1, sizeof *w);
    if (!w) return STATUS(OUT_OF_MEMORY);
    w->bytes = malloc(WINDOW_BYTES);
    char *buf = malloc(LOG_SCAN_BYTES);
    struct log_scan scan;
    log_scan_begin(&scan, from, buf);
    uint64_t records = 0;
    status st = w->bytes && buf ? OK : STATUS(OUT_OF_MEMORY);
    while (ok(st) && scan.next.at < end.at) {
        TRY_OUT(st, window_fill(s, &scan, end, w));
        records += w->count;
        for (unsigned i = 0; i < w->count; i++) {
            const struct rec_head *r = (const struct rec_head *)(w->bytes + w->record[i].offset);
            for (int role = 0; role < r->npages; role++) redo_page(s, w, r, w->record[i].at, role);
        }
    }
out:
    if (ok(st) && records > 0)
        storaged_say("redo from %llu to %llu: %llu records, %u failures",
                     (unsigned long long)from.at, (unsigned long long)end.at,
                     (unsigned long long)records, w->failed);
    free(buf);
    free(w->bytes);
    free(w);
    return st;
}

void redo_run(void *storaged) {
    struct storaged *s = storaged;
    struct control *control = s->shm->control;
    uint64_t end;
    while ((end = atomic_load(&control->recovered_lsn)) == 0) daemon_sleep(s->d, 500000);
    PROBE(axolotl_storaged, redo_begin, s->file.redo_lsn, end);
    status st = STATUS(DATA_CORRUPTED);
    if (end >= s->file.redo_lsn) st = redo(s, (lsn){s->file.redo_lsn}, (lsn){end});
    struct file_page next = s->file;
    next.clean = 0;
    next.pages = atomic_load(&s->shm->pool->file_pages);
    if (ok(st)) st = file_page_write(s, &next);
    PROBE(axolotl_storaged, redo_done, end, st.code);
    if (!ok(st)) {
        storaged_say("recovery failed: %s", status_name(st));
        s->failed = true;
        return;
    }
    s->serving = true;
    s->checkpoint_due_ns = s->p->env->mono_ns(s->p) + s->options.checkpoint_interval_ns;
    atomic_store(&control->redo_done, 1);
    atomic_store(&control->redo_complete, 1);
    daemon_ready(s->d);
    space_serve(s);
}
