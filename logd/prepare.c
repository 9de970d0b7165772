/* prepare.c: segments are made ready ahead of the log, so that a write always overwrites.
 *
 * An old one whose log nobody needs is given a new head, then its new name; a new one is filled
 * with zeros as "prepare.tmp", flushed, then named. So a segment's name appears only when all of it
 * is durable. Requests go through the same disk as the log's writes, one at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/probe.h"
#include "conf/conf.h"
#include "logd.h"

#define AHEAD_NEW 2      /* so many are made */
#define AHEAD_RECYCLED 8 /* so many are kept when they become free; more are removed */
#define ZERO_BYTES ((uint64_t)256 << 10)
#define RETRY_NS 100000000u

static void prepare_next(struct logd *l);

status prepare_init(struct logd *l) {
    struct prepare *p = &l->prepare;
    atomic_store(&l->shared->full, ST_OK); /* a life before may have died on a full disk */
    if (posix_memalign((void **)&p->buf, DISK_ALIGN, ZERO_BYTES) != 0) return STATUS(OUT_OF_MEMORY);
    return OK;
}

void prepare_fini(struct logd *l) {
    if (l->prepare.state != PREPARE_IDLE) disk_file_close(l->prepare.file);
    free(l->prepare.buf);
}

/* Two segments are made ahead: what is in the ring, and the commits to come, have room in the one
 * that is there when the second cannot be made. So no commit is refused that is in the log. */
static void say_failure(struct logd *l, status s) {
    struct prepare *p = &l->prepare;
    p->failure = s;
    p->retry_ns = l->d->proc.env->mono_ns(&l->d->proc) + RETRY_NS;
    atomic_store(&l->shared->full, s.code);
}

static void prepare_failed(struct logd *l, status s) {
    struct prepare *p = &l->prepare;
    PROBE(axolotl_logd, prepare_failed, p->number, s.code);
    disk_file_close(p->file);
    /* Gone already, or found and removed at the next start. */
    status_ignore(disk_file_remove(l->disk, l->dir, p->name));
    p->file = NULL;
    p->state = PREPARE_IDLE;
    say_failure(l, s);
}

static void prepare_done(struct logd *l, struct logd_io *io) {
    struct prepare *p = &l->prepare;
    if (!ok(io->io.result)) {
        prepare_failed(l, io->io.result);
        return;
    }
    switch (p->state) {
    case PREPARE_ZERO:
        p->zeroed += io->io.len;
        if (p->zeroed == l->segments.bytes) p->state = PREPARE_HEAD;
        break;
    case PREPARE_HEAD: p->state = PREPARE_FLUSH; break;
    case PREPARE_FLUSH:
    case PREPARE_IDLE: break;
    }
    prepare_next(l);
}

/* Everything of it is durable: gives it its name. */
static status prepare_name(struct logd *l) {
    struct prepare *p = &l->prepare;
    char name[SEGMENT_NAME_BYTES];
    CHECK(p->number == l->segments.first + l->segments.count);
    segment_name(p->number, name);
    TRY(disk_file_rename(l->disk, l->dir, p->name, name));
    strcpy(p->name, name);
    TRY(disk_file_sync_dir(l->disk, l->dir));
    return segments_push(&l->segments, p->file);
}

static void flush_done(struct logd *l, struct logd_io *io) {
    struct prepare *p = &l->prepare;
    status s = io->io.result;
    if (ok(s)) s = prepare_name(l);
    if (!ok(s)) {
        prepare_failed(l, s);
        return;
    }
    PROBE(axolotl_logd, segment_ready, p->number);
    p->file = NULL;
    p->failure = OK;
    atomic_store(&l->shared->full, ST_OK);
    p->state = PREPARE_IDLE;
}

static void prepare_next(struct logd *l) {
    struct prepare *p = &l->prepare;
    uint64_t left = l->segments.bytes - p->zeroed;
    p->io = (struct logd_io){.io = {.op = DISK_WRITE, .file = p->file, .buf = p->buf},
                             .done = prepare_done};
    switch (p->state) {
    case PREPARE_ZERO:
        p->io.io.offset = p->zeroed;
        p->io.io.len = left < ZERO_BYTES ? left : ZERO_BYTES;
        break;
    case PREPARE_HEAD:
        segment_head_build(&l->segments, p->number, p->buf);
        p->io.io.len = SEGMENT_HEAD_BYTES;
        p->io.io.durable = true;
        break;
    case PREPARE_FLUSH:
        p->io.io.op = DISK_FLUSH;
        p->io.done = flush_done;
        break;
    case PREPARE_IDLE: CHECK(false);
    }
    logd_submit(l, &p->io);
}

static void prepare_new(struct logd *l) {
    struct prepare *p = &l->prepare;
    p->number = l->segments.first + l->segments.count;
    strcpy(p->name, SEGMENT_TEMPORARY);
    status s = disk_file_open(l->disk, l->dir, p->name, true, &p->file);
    if (!ok(s)) {
        say_failure(l, s);
        return;
    }
    memset(p->buf, 0, ZERO_BYTES);
    p->zeroed = 0;
    p->state = PREPARE_ZERO;
    prepare_next(l);
}

/* The first segment, when nobody needs its log and nobody is reading it. */
static bool first_is_free(const struct logd *l) {
    const struct segments *s = &l->segments;
    uint64_t keep = atomic_load_explicit(&l->shared->keep, memory_order_acquire);
    uint64_t durable = atomic_load_explicit(&l->shared->durable, memory_order_relaxed);
    uint64_t more = l->d->conf->log_keep_size; /* for pages that must be made again */
    uint64_t repair = durable > more ? durable - more : 0;
    uint64_t needed = least(least(keep, repair), least(log_backup_keeps(l), archive_keeps(l)));
    return s->count > 1 && segment_start(s, s->first + 1) <= needed && s->list[0].users == 0 &&
           segment_start(s, s->first + 1) <= l->flush.stage[l->flush.filling].base;
}

/* `oldest` moves before the file is touched: whoever asks from now on is told that it is gone. */
static void take_first(struct logd *l, bool recycle) {
    struct prepare *p = &l->prepare;
    struct segment *segment;
    uint64_t number = l->segments.first;
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    if (recycle && !ok(segments_get(&l->segments, number, &segment))) recycle = false;
    /* A name that came back by a power cut, below a segment that lost its own, would be a gap. */
    if (recycle && p->removed) {
        if (!ok(disk_file_sync_dir(l->disk, l->dir))) return;
        p->removed = false;
    }
    atomic_store_explicit(&l->shared->oldest, segment_start(&l->segments, number + 1),
                          memory_order_release);
    struct segment first = segments_shift(&l->segments);
    summary_remove(l, number);
    PROBE(axolotl_logd, segment_free, number, recycle);
    if (!recycle) {
        disk_file_close(first.file);
        /* One that stays is below the others' numbers, and is found again at the next start. */
        status_ignore(disk_file_remove(l->disk, l->dir, name));
        p->removed = true;
        return;
    }
    p->file = first.file;
    p->number = l->segments.first + l->segments.count;
    strcpy(p->name, name);
    p->zeroed = l->segments.bytes;
    p->state = PREPARE_HEAD;
    prepare_next(l);
}

bool prepare_turn(struct logd *l) {
    struct prepare *p = &l->prepare;
    if (p->state != PREPARE_IDLE || l->stopping) return false;
    uint64_t current = segment_of(&l->segments, l->flush.written);
    uint64_t last = l->segments.first + l->segments.count - 1;
    uint64_t ahead = last > current ? last - current : 0;
    if (first_is_free(l)) {
        take_first(l, ahead < AHEAD_RECYCLED);
        return true;
    }
    if (ahead >= AHEAD_NEW) return false;
    if (!ok(p->failure) && l->d->proc.env->mono_ns(&l->d->proc) < p->retry_ns) return false;
    prepare_new(l);
    return true;
}
