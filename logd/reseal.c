/* reseal.c: a new data key seals what is written from now on (shared/crypt). Segments that older
 * keys have sealed are sealed anew, so that those can be given up: a copy, complete and durable,
 * takes the segment's name. The segment that the log goes on in comes first, before anything is
 * written; those before it in the background. Within a segment a sector's key is never older than
 * that of the sector before. Segments made ready for later hold nothing that opens where it lies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/probe.h"
#include "logd.h"

#define PAUSE_NS 1000000u /* after each chunk: commits come first */
#define USERS_NS 500000u
#define RETRY_NS 1000000000u

static struct key_use *use_of(struct logd *l) {
    return &l->d->proc.shm->control->key_use[KEY_USE_LOG];
}

bool log_reseal_wanted(const struct logd *l) {
    const struct crypt *c = l->segments.crypt;
    return c && crypt_oldest(c) < crypt_current(c);
}

void log_reseal_begin(struct logd *l) {
    struct crypt *c = l->segments.crypt;
    if (!c) return;
    atomic_store(&use_of(l)->oldest, log_reseal_wanted(l) ? 0 : crypt_current(c));
    atomic_store(&use_of(l)->seals, crypt_current(c));
}

static status do_io(struct logd *l, struct disk_io io) {
    struct logd_io one = {.io = io};
    struct logd_io *list[] = {&one};
    return logd_await(l, list, 1);
}

/* While its users keep it, it is there; its place in the list may change. */
static struct segment *segment_at(struct logd *l, uint64_t number) {
    return &l->segments.list[number - l->segments.first];
}

/* ---- one segment ----------------------------------------------------------------------------- */

static status is_old(struct logd *l, uint64_t number, char *buf, bool *ret_old) {
    struct crypt_tail tail;
    TRY(do_io(l, (struct disk_io){.op = DISK_READ,
                                  .file = segment_at(l, number)->file,
                                  .offset = SEGMENT_HEAD_BYTES,
                                  .buf = buf,
                                  .len = DISK_ALIGN}));
    memcpy(&tail, buf + SECTOR_CONTENT_BYTES, sizeof tail);
    *ret_old = tail.key != crypt_current(l->segments.crypt);
    return OK;
}

/* [offset, offset + len) of the segment's file, sealed anew, into the copy. */
static status copy_part(struct logd *l, uint64_t number, uint64_t offset, size_t len, char *buf) {
    const struct segments *g = &l->segments;
    uint64_t block = (offset - SEGMENT_HEAD_BYTES) / SEGMENT_BLOCK_BYTES;
    uint64_t base = segment_start(g, number) + block * segments_block(g);
    size_t bytes = len / SEGMENT_BLOCK_BYTES * segments_block(g);
    struct disk_io io = {.op = DISK_READ,
                         .file = segment_at(l, number)->file,
                         .offset = offset,
                         .buf = buf,
                         .len = len};
    TRY(do_io(l, io));
    (void)segments_unpack(g, base, buf, len); /* what does not open is zero, here and there */
    io.buf = segments_pack(g, base, buf, bytes, buf + CHUNK_BYTES);
    io.op = DISK_WRITE;
    io.file = l->reseal.file;
    return do_io(l, io);
}

static status copy_head(struct logd *l, uint64_t number, char *buf) {
    struct disk_io io = {.op = DISK_READ,
                         .file = segment_at(l, number)->file,
                         .buf = buf,
                         .len = SEGMENT_HEAD_BYTES};
    TRY(do_io(l, io));
    io.op = DISK_WRITE;
    io.file = l->reseal.file;
    return do_io(l, io);
}

static status copy_all(struct logd *l, uint64_t number, char *buf) {
    TRY(copy_head(l, number, buf));
    uint64_t end =
        (l->segments.bytes - SEGMENT_HEAD_BYTES) / SEGMENT_BLOCK_BYTES * SEGMENT_BLOCK_BYTES +
        SEGMENT_HEAD_BYTES;
    for (uint64_t at = SEGMENT_HEAD_BYTES; at < end; at += CHUNK_BYTES) {
        size_t len = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        TRY(copy_part(l, number, at, len, buf));
        if (l->stopping) return STATUS(QUERY_CANCELED);
        if (l->serving) daemon_sleep(l->d, PAUSE_NS);
    }
    return do_io(l, (struct disk_io){.op = DISK_FLUSH, .file = l->reseal.file});
}

/* The copy takes the segment's place; who reads the old file now has the same there. */
static status take_place(struct logd *l, uint64_t number) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    TRY(disk_file_rename(l->disk, l->dir, SEGMENT_RESEALED, name));
    TRY(disk_file_sync_dir(l->disk, l->dir));
    while (segment_at(l, number)->users > 1) daemon_sleep(l->d, USERS_NS);
    disk_file_close(segment_at(l, number)->file);
    segment_at(l, number)->file = l->reseal.file;
    l->reseal.file = NULL;
    return OK;
}

static status seal_anew(struct logd *l, uint64_t number, char *buf) {
    bool old;
    TRY(is_old(l, number, buf, &old));
    if (!old) return OK;
    TRY(disk_file_open(l->disk, l->dir, SEGMENT_RESEALED, true, &l->reseal.file));
    status st = copy_all(l, number, buf);
    if (ok(st)) st = take_place(l, number);
    log_reseal_fini(l);
    if (!ok(st)) /* or it is removed at the next start */
        status_ignore(disk_file_remove(l->disk, l->dir, SEGMENT_RESEALED));
    return st;
}

/* Nothing, when nobody has the segment any more. */
static status seal_segment(struct logd *l, uint64_t number) {
    struct segment *segment;
    if (number < l->segments.first) return OK;
    TRY(segments_get(&l->segments, number, &segment));
    char *buf = scratch_new(l, 2 * CHUNK_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    segment->users++;
    status st = seal_anew(l, number, buf);
    segment_at(l, number)->users--;
    scratch_free(buf);
    return st;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void reseal_run(void *logd) {
    struct logd *l = logd;
    for (uint64_t n = l->segments.first; n < l->reseal.until && !l->stopping;) {
        if (n < l->segments.first) n = l->segments.first;
        atomic_store(&use_of(l)->looked, n);
        status st = seal_segment(l, n);
        if (ok(st)) {
            n++;
        } else if (!l->stopping) {
            fprintf(stderr, "logd: a log segment could not be sealed by the new key: %s\n",
                    status_name(st));
            daemon_sleep(l->d, RETRY_NS);
        }
    }
    if (!l->stopping) atomic_store(&use_of(l)->oldest, crypt_current(l->segments.crypt));
}

status log_reseal_before(struct logd *l, uint64_t at) {
    uint64_t number = segment_of(&l->segments, at);
    l->reseal.until = number;
    if (!log_reseal_wanted(l)) return OK;
    if (at > segment_start(&l->segments, number)) TRY(seal_segment(l, number));
    return daemon_spawn(l->d, 0, reseal_run, l);
}

void log_reseal_fini(struct logd *l) {
    if (l->reseal.file) disk_file_close(l->reseal.file);
    l->reseal.file = NULL;
}
