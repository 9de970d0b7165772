#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/backup.h"
#include "base/control.h"
#include "base/probe.h"
#include "storaged.h"

/* Restore while queries run: a directory that has the log of a backup, and a data file of zeros,
 * whose pages come from the backup as they are wanted, and in the background.
 *
 * The data file itself is the map of what has come: a page that is all zero at home has not, unless
 * the backup has none either. A page that is wanted takes the backup's image in its frame, which is
 * dirty then, and goes the way of any other: it is behind the log, or not, and goes home through
 * the double-write file. The pass writes images straight home, where there is nothing yet, and the
 * file "restoring" says from time to time how far it has come: everything before is durable. So a
 * crash at any moment costs what the pass has done since. A page that it tore does not verify, and
 * is taken from the backup again: nobody else has written it, as page_lsns knows. Up to its first
 * note a pass writes again what one before it may have written: that is there, but perhaps only in
 * the device's memory, after a flush that failed.
 *
 * The pass holds the pages that it is about to write, for the moment that takes: no load of them
 * begins, and no write. It waits until redo has brought forward what the log has changed. */

#define POLL_NS 1000000u
#define REST_NS 2000000u /* for others, when they want something */
#define RETRY_NS 1000000000u
#define SAVE_CHUNKS 256 /* of the pass, between two notes of how far it is */
#define SECOND_NS 1000000000u
#define TRIES 3

bool fetch_holds(const struct storaged *s, uint64_t page) {
    return page >= s->fetch.held_from && page < s->fetch.held_to;
}

bool fetch_wants(const struct storaged *s, uint64_t page_no, const void *page) {
    if (!s->fetch.active) return false;
    return page_is_zero(page) ||
           (home_lsn(s, page_no, NULL) == 0 && !ok(page_verify(page, (page_id){page_no})));
}

status fetch_page(struct storaged *s, uint64_t page_no, void *page) {
    for (unsigned tries = 1;; tries++) {
        status st = source_find(s, page_no, page);
        if (status_is(st, ST_NOT_FOUND) && source_files(s) > 0) {
            memset(page, 0, PAGE_BYTES); /* the backup has none: it was empty */
            return OK;
        }
        bool later = !ok(st) && !status_is(st, ST_DATA_CORRUPTED);
        if (!later || s->stopping || (s->redo.complete && tries == TRIES)) return st;
        if (tries == 1)
            storaged_say("page %llu cannot be had from the backup: %s", (unsigned long long)page_no,
                         status_name(st));
        daemon_sleep(s->d, RETRY_NS); /* redo must have it */
    }
}

void fetch_load(void *load) {
    struct load *l = load;
    struct storaged *s = l->s;
    struct frame *f = &s->shm->frames[l->frame];
    s->rebuilding++;
    status st = fetch_page(s, l->page, frame_bytes(s->shm, f));
    s->rebuilding--;
    if (!ok(st)) {
        load_finish(s, l, st);
        return;
    }
    /* Dirty, so that it comes home. */
    if (!page_is_zero(frame_bytes(s->shm, f)) && !atomic_load(&f->rec_lsn))
        atomic_store(&f->rec_lsn, atomic_load(&s->shm->control->redo_lsn));
    load_judge(s, l);
}

/* ---- the pass -------------------------------------------------------------------------------- */

struct fetch_pass {
    struct storaged *s;
    uint64_t asked;
    uint64_t flushes_failed; /* when it began */
    bool noted;              /* how far it is: there is nothing behind that may be forgotten */
    uint64_t numbers[BACKUP_PAGES_MAX];
    unsigned count;
    char *images; /* of a chunk */
    char *home;   /* what lies at their places */
};

static void pass_free(struct storaged *s) {
    struct fetch_pass *p = s->fetch.pass;
    if (!p) return;
    free(p->images);
    free(p->home);
    free(p);
    s->fetch.pass = NULL;
}

static struct fetch_pass *pass_new(struct storaged *s) {
    struct fetch_pass *p = s->fetch.pass = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->s = s;
    p->flushes_failed = s->data_flushes_failed;
    p->images = io_buffer(BACKUP_PAGES_MAX * (size_t)PAGE_BYTES);
    p->home = io_buffer(BACKUP_PAGES_MAX * (size_t)PAGE_BYTES);
    if (p->images && p->home) return p;
    pass_free(s);
    return NULL;
}

/* Nobody reads or writes these pages at home. */
static bool is_quiet(const struct storaged *s, uint64_t from, uint64_t to) {
    for (uint64_t page = from; page < to; page++) {
        const struct frame *f = table_find(s, page);
        if (f && (atomic_load(&f->state) == FRAME_LOADING || atomic_load(&f->write_lsn)))
            return false;
    }
    return true;
}

static void hold(struct storaged *s, uint64_t from, uint64_t to) {
    while (!is_quiet(s, from, to)) daemon_sleep(s->d, POLL_NS);
    s->fetch.held_from = from;
    s->fetch.held_to = to;
}

static void let_go(struct storaged *s) {
    s->fetch.held_from = s->fetch.held_to = 0;
}

static status run_io(struct fetch_pass *p, enum disk_op op, uint64_t page, char *buf, unsigned n) {
    struct storaged *s = p->s;
    return io_run_one(s, (struct disk_io){.op = op,
                                          .file = s->data,
                                          .offset = page * PAGE_BYTES,
                                          .buf = buf,
                                          .len = n * (size_t)PAGE_BYTES});
}

static bool is_missing(const struct fetch_pass *p, unsigned i) {
    const char *home = p->home + i * (size_t)PAGE_BYTES;
    return page_is_zero(home) || !ok(page_verify(home, (page_id){p->numbers[i]}));
}

/* An earlier attempt has written it, or a life before, and the flush that failed then, whoever
 * asked for it, may have forgotten that. The writers' pages are durable: they have an entry. */
static bool is_uncertain(const struct fetch_pass *p, unsigned i) {
    const char *home = p->home + i * (size_t)PAGE_BYTES;
    const char *image = p->images + i * (size_t)PAGE_BYTES;
    return !p->noted && home_lsn(p->s, p->numbers[i], NULL) == 0 &&
           page_head_c(home)->lsn == page_head_c(image)->lsn;
}

/* The image is what is to be written, then. */
static bool is_to_be_written(struct fetch_pass *p, unsigned i) {
    if (is_missing(p, i)) return true;
    if (!is_uncertain(p, i)) return false;
    memcpy(p->images + i * (size_t)PAGE_BYTES, p->home + i * (size_t)PAGE_BYTES, PAGE_BYTES);
    return true;
}

/* Images first … end - 1, whose pages are neighbours: those that are not at home yet, durably. */
static status write_missing(struct fetch_pass *p, unsigned first, unsigned end) {
    for (unsigned i = first; i < end;) {
        unsigned n = 0;
        while (i + n < end && is_to_be_written(p, i + n)) n++;
        char *images = p->images + i * (size_t)PAGE_BYTES;
        for (unsigned k = 0; k < n; k++) {
            char *image = images + k * (size_t)PAGE_BYTES;
            cipher_hide(p->s, p->numbers[i + k], image, image);
        }
        if (n > 0) TRY(run_io(p, DISK_WRITE, p->numbers[i], images, n));
        i += n + 1; /* behind them there is one that is at home */
    }
    return OK;
}

static status write_run(struct fetch_pass *p, unsigned first, unsigned end) {
    struct storaged *s = p->s;
    uint64_t page = p->numbers[first];
    hold(s, page, page + (end - first));
    status st = run_io(p, DISK_READ, page, p->home + first * (size_t)PAGE_BYTES, end - first);
    if (ok(st)) st = write_missing(p, first, end);
    let_go(s);
    return st;
}

static status take_chunk(struct fetch_pass *p, unsigned file, size_t chunk) {
    struct storaged *s = p->s;
    TRY(source_pages(s, file, chunk, p->numbers, p->images, &p->count));
    for (unsigned i = 0, n; i < p->count; i += n) {
        n = 1;
        while (i + n < p->count && p->numbers[i + n] == p->numbers[i] + n) n++;
        TRY(write_run(p, i, i + n));
    }
    return OK;
}

/* What has been written so far need not be looked at again. */
static status save(struct fetch_pass *p, unsigned file, size_t chunk) {
    TRY(io_flush_data(p->s, p->flushes_failed));
    TRY(source_note(p->s, file, chunk));
    p->noted = true;
    return OK;
}

static void give_way(struct fetch_pass *p) {
    struct storaged *s = p->s;
    bool wanted = p->asked != s->redo.asked || s->pending.first;
    p->asked = s->redo.asked;
    uint64_t rate = s->fetch.rate;
    uint64_t pace_ns = rate > 0 ? p->count * SECOND_NS / rate : 0;
    daemon_sleep(s->d, wanted && pace_ns < REST_NS ? REST_NS : pace_ns);
}

static status take_all(struct fetch_pass *p) {
    struct storaged *s = p->s;
    unsigned file;
    size_t chunk;
    TRY(source_begin(s, &file, &chunk, &s->fetch.rate));
    for (; file < source_files(s); file++, chunk = 0) {
        for (; chunk < source_chunks(s, file); chunk++) {
            if (s->stopping) return STATUS(QUERY_CANCELED);
            TRY(take_chunk(p, file, chunk));
            if (chunk % SAVE_CHUNKS == SAVE_CHUNKS - 1) TRY(save(p, file, chunk + 1));
            give_way(p);
        }
    }
    return save(p, file, 0);
}

static void complete(struct storaged *s, uint64_t begun_ns) {
    struct event e = {.kind = EVENT_NOTE, .slot = SLOT_STORAGED, .epoch = s->p->epoch};
    s->fetch.active = false;
    snprintf(e.text, sizeof e.text, "all pages have come from the backup, in %.1f s",
             (double)(s->p->env->mono_ns(s->p) - begun_ns) / 1e9);
    storaged_say("%s", e.text);
    event_put(&s->shm->control->page_events, &e);
}

void fetch_run(void *storaged) {
    struct storaged *s = storaged;
    uint64_t begun_ns = s->p->env->mono_ns(s->p);
    bool said = false;
    while (!s->redo.complete && !s->stopping) daemon_sleep(s->d, POLL_NS);
    while (!s->stopping) {
        struct fetch_pass *p = pass_new(s);
        status st = p ? take_all(p) : STATUS(OUT_OF_MEMORY);
        pass_free(s);
        if (ok(st)) st = backup_record_restored(s->d->data_dir);
        if (ok(st)) {
            complete(s, begun_ns);
            return;
        }
        if (!said && !s->stopping) storaged_say("the restore is interrupted: %s", status_name(st));
        said = true;
        daemon_sleep(s->d, RETRY_NS);
    }
}

void fetch_begin(struct storaged *s) {
    struct stat st;
    s->fetch.active = fstatat(s->dirfd, BACKUP_RESTORING, &st, 0) == 0;
}

void fetch_fini(struct storaged *s) {
    pass_free(s);
}
