#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "crypt/crypt.h"
#include "storaged.h"

/* A new data key seals whatever is written from now on (shared/crypt). What older ones have sealed
 * is sealed anew here, so that they can be given up:
 *
 *   doublewrite   at the start, once it has mended what was torn: emptied
 *
 *   pages         read as they lie in the file; one of an older key is loaded as if somebody wanted
 *                 it, made dirty, and goes home by the writers, until a pass finds none
 *
 *   pages 0, 1    by the next two checkpoints
 *
 *   temp          by waiting: its blocks are not kept for long
 *
 * A page that cannot be had is damaged, whatever its key is: that has been told. */

#define STRETCH_PAGES 64
#define STRETCH_NS 20000000u /* after one that has pages of older keys */
#define LOOKED_NS 5000000u   /* after others */
#define QUEUE_MAX 256        /* pages that wait to be written: more are not added */
#define LOOK_NS 50000000u

static struct key_use *use_of(struct storaged *s) {
    return &s->shm->control->key_use[KEY_USE_PAGES];
}

bool reseal_wanted(const struct storaged *s) {
    return s->crypt && crypt_oldest(s->crypt) < crypt_current(s->crypt);
}

void reseal_begin(struct storaged *s) {
    if (!s->crypt) return;
    atomic_store(&use_of(s)->oldest, reseal_wanted(s) ? 0 : crypt_current(s->crypt));
    atomic_store(&use_of(s)->seals, crypt_current(s->crypt));
}

static status read_as_is(struct storaged *s, uint64_t at, uint64_t n, char *buf) {
    struct io_req req = {.as_is = true,
                         .io = {.op = DISK_READ,
                                .file = s->data,
                                .offset = at * PAGE_BYTES,
                                .buf = buf,
                                .len = n * PAGE_BYTES}};
    return io_run(s, &req, 1);
}

static bool is_old(const struct storaged *s, const char *page) {
    uint32_t key = cipher_key(page);
    return key != 0 && key != crypt_current(s->crypt);
}

/* Dirty, whatever it holds, so that it goes home. */
static void make_dirty(struct storaged *s, struct frame *f, uint64_t page) {
    while (!latch_try(&f->latch, s->p->owner)) daemon_sleep(s->d, 100000);
    bool there = atomic_load(&f->page) == page && atomic_load(&f->state) == FRAME_READY;
    if (there && !atomic_load(&f->rec_lsn) && !atomic_load(&f->write_lsn))
        atomic_store(&f->rec_lsn, atomic_load(&s->shm->log->tail));
    page_unlatch_unchanged(f);
    if (there) write_want(s, f, 0);
}

/* False: there is nothing at its place that any key could open. */
static bool seal_anew(struct storaged *s, uint64_t page) {
    struct frame *f;
    status st = load_page_at_home(s, page, &f);
    if (ok(st)) make_dirty(s, f, page);
    return !status_is(st, ST_DATA_CORRUPTED);
}

/* *ret_found: pages of older keys that were found. */
static status pass(struct storaged *s, char *buf, uint64_t *ret_found) {
    uint64_t found = 0, n;
    for (uint64_t at = SPACE_FIRST; at < atomic_load(&s->shm->pool->file_pages); at += n) {
        uint64_t left = atomic_load(&s->shm->pool->file_pages) - at;
        n = left < STRETCH_PAGES ? left : STRETCH_PAGES;
        TRY(read_as_is(s, at, n, buf));
        uint64_t before = found;
        for (uint64_t i = 0; i < n; i++) {
            if (is_old(s, buf + i * PAGE_BYTES)) found += seal_anew(s, at + i);
        }
        atomic_store(&use_of(s)->looked, at + n);
        do {
            daemon_sleep(s->d, found > before ? STRETCH_NS : LOOKED_NS);
            if (s->stopping) return STATUS(QUERY_CANCELED);
        } while (s->write_count > QUEUE_MAX);
    }
    *ret_found = found;
    return OK;
}

static status seal_pages(struct storaged *s, char *buf) {
    uint64_t failed = s->data_flushes_failed;
    for (uint64_t found = 1; found > 0;) {
        TRY(pass(s, buf, &found));
        if (found > 0) daemon_sleep(s->d, LOOK_NS);
    }
    /* What was read may have come from the device's memory. */
    return io_flush_data(s, failed);
}

static status seal_file_pages(struct storaged *s, char *buf) {
    TRY(read_as_is(s, 0, 2, buf));
    while (is_old(s, buf) || is_old(s, buf + PAGE_BYTES)) {
        if (s->stopping) return STATUS(QUERY_CANCELED);
        TRY(checkpoint_make(s));
        TRY(read_as_is(s, 0, 2, buf));
    }
    return OK;
}

static status wait_for_temp(struct storaged *s) {
    while (temp_has_older(s)) {
        if (s->stopping) return STATUS(QUERY_CANCELED);
        daemon_sleep(s->d, LOOK_NS);
    }
    return OK;
}

static status seal_all(struct storaged *s) {
    TRY(seal_pages(s, s->reseal_buf));
    TRY(seal_file_pages(s, s->reseal_buf));
    return wait_for_temp(s);
}

static void reseal_run(void *storaged) {
    struct storaged *s = storaged;
    while (!s->serving || !s->redo.complete || s->fetch.active) {
        if (s->stopping) return;
        daemon_sleep(s->d, LOOK_NS);
    }
    status st = seal_all(s);
    while (!ok(st) && !s->stopping) {
        storaged_say("pages could not be sealed by the new key, trying again: %s", status_name(st));
        daemon_sleep(s->d, 1000000000u);
        st = seal_all(s);
    }
    if (ok(st)) atomic_store(&use_of(s)->oldest, crypt_current(s->crypt));
}

status reseal_init(struct storaged *s) {
    if (!reseal_wanted(s)) return OK;
    s->reseal_buf = io_buffer(STRETCH_PAGES * PAGE_BYTES);
    if (!s->reseal_buf) return STATUS(OUT_OF_MEMORY);
    return daemon_spawn(s->d, 0, reseal_run, s);
}

void reseal_fini(struct storaged *s) {
    free(s->reseal_buf);
}
