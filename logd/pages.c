/* pages.c: which pages the log has changed that recovery found, for storaged, which redoes them. */
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/crc32c.h"
#include "logd.h"
#include "pool/frame.h" /* where the askers' windows lie */

#define POLL_NS 1000000u
#define PAGES_MAX (LOG_WINDOW_BYTES / sizeof(struct log_page))

struct asking {
    struct logd *logd;
    struct msg m;
    struct log_page pages[PAGES_MAX];
};

/* This life of logd has not recovered itself: it finds the pages again. */
static status look(struct logd *l, uint64_t from) {
    struct changed *c = &l->changed;
    while (c->looking) daemon_sleep(l->d, POLL_NS);
    if (c->known) return OK;
    uint64_t end = atomic_load(&l->d->proc.shm->control->recovered_lsn);
    if (from < segments_begin(&l->segments)) return STATUS(STALE);
    c->looking = true;
    bool whole;
    status s = analyse(l, from, end, &whole);
    analyse_fini(l);
    c->looking = false;
    c->known = ok(s);
    if (!ok(s)) summary_free(&c->summary);
    return s;
}

/* Also the next place to look at; 0: that was all. */
static unsigned fill(const struct summary *s, uint64_t from, struct asking *a, uint64_t *ret_next) {
    unsigned n = 0;
    size_t i = a->m.arg[1];
    for (; i < s->page_places && n < PAGES_MAX; i++)
        if (s->pages[i].page && s->pages[i].newest >= from) a->pages[n++] = s->pages[i];
    *ret_next = i < s->page_places ? i : 0;
    return n;
}

static void answer_task(void *arg) {
    struct asking *a = arg;
    struct logd *l = a->logd;
    struct shm *shm = l->d->proc.shm;
    uint64_t from = a->m.arg[0], next = 0;
    unsigned n = 0;
    while (!l->serving) daemon_sleep(l->d, POLL_NS);
    status s = look(l, from);
    if (ok(s)) n = fill(&l->changed.summary, from, a, &next);
    /* The window of a new life of that slot is not ours to write. */
    if (atomic_load(&shm->control->procs[a->m.slot].epoch) == a->m.epoch) {
        memcpy(shm->pool->log_window[a->m.slot], a->pages, n * sizeof *a->pages);
        a->m.code = s.code;
        a->m.arg[0] = n;
        a->m.arg[1] = next;
        a->m.arg[2] = l->d->proc.owner.epoch;
        a->m.arg[3] = crc32c(0, a->pages, n * sizeof *a->pages);
        daemon_reply(l->d, &a->m);
    }
    free(a);
}

void pages_answer(struct logd *l, const struct msg *m) {
    struct asking *a = malloc(sizeof *a);
    status s = a ? OK : STATUS(OUT_OF_MEMORY);
    if (a) {
        a->logd = l;
        a->m = *m;
        s = daemon_spawn(l->d, 0, answer_task, a);
    }
    if (ok(s)) return;
    free(a);
    struct msg answer = *m;
    answer.code = s.code;
    daemon_reply(l->d, &answer);
}

void pages_forget(struct logd *l) {
    struct changed *c = &l->changed;
    if (!c->known ||
        !atomic_load_explicit(&l->d->proc.shm->control->redo_complete, memory_order_relaxed))
        return;
    summary_free(&c->summary);
    c->known = false;
}
