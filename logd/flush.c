/* flush.c: from the ring to the files.
 *
 * One write is under way at a time, the next one is gathered meanwhile. A record is copied and gets
 * its checksum once; the block that a write ended in is written again, longer, by the next one. A
 * write ends at a segment's end at the latest; the record that crosses it is complete, and counts
 * as durable, with the write after that. `durable` is always the start of a record, so that another
 * life of logd can go on there. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "base/probe.h"
#include "logd.h"

static uint64_t limit_of(const struct logd *l, uint64_t at) {
    return segment_start(&l->segments, segment_of(&l->segments, at) + 1);
}

static uint64_t write_end(const struct stage *s) {
    return s->end < s->limit ? s->end : s->limit;
}

status flush_init(struct logd *l, uint64_t end, commit_time last_commit, const void *block) {
    struct flush *f = &l->flush;
    for (unsigned i = 0; i < 2; i++) {
        if (!f->stage[i].buf &&
            posix_memalign((void **)&f->stage[i].buf, DISK_ALIGN, STAGE_BYTES) != 0)
            return STATUS(OUT_OF_MEMORY);
    }
    if (l->segments.crypt && !f->out &&
        posix_memalign((void **)&f->out, DISK_ALIGN, STAGE_OUT_BYTES) != 0)
        return STATUS(OUT_OF_MEMORY);
    struct stage *s = &f->stage[0];
    s->base = segments_block_down(&l->segments, end);
    s->limit = limit_of(l, s->base);
    s->end = s->durable_to = end;
    s->visible = last_commit;
    if (end > s->base) memcpy(s->buf, block, end - s->base);
    f->filling = 0;
    f->writing = false;
    f->next = f->written = end;
    f->seen = last_commit;
    return OK;
}

void flush_fini(struct logd *l) {
    for (unsigned i = 0; i < 2; i++) free(l->flush.stage[i].buf);
    free(l->flush.out);
}

/* What comes after `before`'s write: from the block it ended in. */
static void stage_begin(struct logd *l, struct stage *s, const struct stage *before) {
    s->base = segments_block_down(&l->segments, write_end(before));
    s->limit = limit_of(l, s->base);
    s->end = s->durable_to = before->end;
    s->visible = l->flush.seen;
    memcpy(s->buf, before->buf + (s->base - before->base), s->end - s->base);
}

static status stage_add(struct logd *l, struct stage *s, uint64_t complete) {
    struct flush *f = &l->flush;
    const struct shm *shm = l->d->proc.shm;
    const struct rec_head *r =
        (const struct rec_head *)(shm->log_ring + (f->next & (shm->sizes.ring_bytes - 1)));
    if (!ok(rec_valid(r, complete - f->next))) return STATUS(DATA_CORRUPTED);
    struct rec_head *copy = (struct rec_head *)(s->buf + (s->end - s->base));
    memcpy(copy, r, r->len);
    copy->crc = rec_crc(copy, (lsn){f->next});
    if (copy->type == REC_COMMIT) {
        struct rec_commit c;
        memcpy(&c, rec_payload_c(copy), sizeof c);
        if (c.time > f->seen) f->seen = c.time;
    }
    summaries_note(l, copy, f->next);
    s->end += copy->len;
    f->next += copy->len;
    if (s->end <= s->limit) {
        s->durable_to = s->end;
        s->visible = f->seen;
    }
    return OK;
}

static status stage_fill(struct logd *l, struct stage *s, uint64_t complete) {
    while (l->flush.next < complete && s->end - s->base < STAGE_FILL_BYTES && s->end < s->limit)
        TRY(stage_add(l, s, complete));
    return OK;
}

/* Nothing can be said any more about what the files hold behind `written`: no write follows, and
 * every commit that is not yet durable has an unknown outcome. */
static void flush_break(struct logd *l, status failure) {
    l->broken = true;
    atomic_store_explicit(&l->shared->failed, failure.code, memory_order_release);
    PROBE(axolotl_logd, broken, l->flush.written, failure.code);
    logd_answer_failure(l, failure);
}

static void write_done(struct logd *l, struct logd_io *io) {
    struct flush *f = &l->flush;
    struct stage *s = &f->stage[1 - f->filling];
    CHECK(io == &s->io && f->writing);
    f->writing = false;
    uint64_t number = segment_of(&l->segments, s->base);
    l->segments.list[number - l->segments.first].users--;
    if (!ok(io->io.result)) {
        flush_break(l, io->io.result);
        return;
    }
    f->written = write_end(s);
    FAULT(&l->d->proc, LOGD_WRITTEN);
    /* visible first: who hears of a commit finds it visible */
    atomic_store_explicit(&l->shared->visible, s->visible, memory_order_release);
    atomic_store_explicit(&l->shared->durable, s->durable_to, memory_order_release);
    counter_add(&l->d->proc, COUNTER_LOG_FLUSHES, 1);
    PROBE(axolotl_logd, flush_done, s->durable_to,
          (l->d->proc.env->mono_ns(&l->d->proc) - s->begin_ns) / 1000, l->waiter_count);
    logd_answer_durable(l, s->durable_to);
}

/* The segment is not there yet: it is being made, or there is no room for it. */
static void wait_for_segment(struct logd *l) {
    if (ok(l->prepare.failure)) return;
    if (atomic_load(&l->shared->failed) != l->prepare.failure.code)
        atomic_store(&l->shared->failed, l->prepare.failure.code);
    logd_answer_failure(l, l->prepare.failure);
}

static bool stage_write(struct logd *l, struct stage *s) {
    struct flush *f = &l->flush;
    uint64_t end = write_end(s);
    if (end <= f->written) return false;
    struct segment *segment;
    status got = segments_get(&l->segments, segment_of(&l->segments, s->base), &segment);
    if (status_is(got, ST_NOT_FOUND)) {
        wait_for_segment(l);
        return false;
    }
    if (!ok(got)) {
        flush_break(l, got);
        return false;
    }
    if (atomic_load(&l->shared->failed)) atomic_store(&l->shared->failed, ST_OK);
    segment->users++;
    s->begin_ns = l->d->proc.env->mono_ns(&l->d->proc);
    s->io = (struct logd_io){
        .io = {.op = DISK_WRITE,
               .file = segment->file,
               .offset = segment_offset(&l->segments, s->base),
               .buf = segments_pack(&l->segments, s->base, s->buf, end - s->base, f->out),
               .len = segments_file_bytes(&l->segments, s->base, end),
               .durable = true},
        .done = write_done};
    PROBE(axolotl_logd, flush_begin, s->base, end, l->waiter_count);
    f->writing = true;
    f->filling = 1 - f->filling;
    stage_begin(l, &f->stage[f->filling], s);
    FAULT(&l->d->proc, LOGD_WRITE);
    logd_submit(l, &s->io);
    return true;
}

bool flush_turn(struct logd *l) {
    struct flush *f = &l->flush;
    if (l->broken) return false;
    struct stage *s = &f->stage[f->filling];
    status filled = stage_fill(l, s, log_complete(l->shared).at);
    if (!ok(filled)) {
        flush_break(l, filled);
        return false;
    }
    return !f->writing && stage_write(l, s);
}
