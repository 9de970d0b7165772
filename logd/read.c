/* read.c: old log back from the files, in chunks, the recent ones kept. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "logd.h"
#include "pool/frame.h" /* where the askers' windows lie */

#define NOT_SERVING_NS 1000000u
#define READ_AGAIN_NS 200000u
#define READ_AGAIN_MAX 20

/* Up to where the files may be read. */
static uint64_t readable(const struct logd *l) {
    if (!l->serving) return segments_end(&l->segments);
    return atomic_load_explicit(&l->shared->durable, memory_order_relaxed);
}

/* From where on they may be read, at best. */
static uint64_t readable_from(const struct logd *l) {
    return l->archive.path ? LOG_FIRST.at : segments_begin(&l->segments);
}

static struct chunk *find_chunk(struct logd *l, uint64_t number, uint64_t need_from,
                                uint64_t need_to) {
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct chunk *c = &l->chunks[i];
        if (c->number == number && c->valid_from <= need_from && c->valid_to >= need_to) return c;
    }
    return NULL;
}

/* The longest unused one. There is one: every process has one read under way at most. */
static struct chunk *victim(struct logd *l) {
    struct chunk *best = NULL;
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct chunk *c = &l->chunks[i];
        if (c->pins == 0 && (!best || c->used < best->used)) best = c;
    }
    return best;
}

/* Chunks begin with blocks. */
static uint64_t chunk_bytes(const struct logd *l) {
    return CHUNK_BLOCKS * segments_block(&l->segments);
}
static uint64_t chunk_of(const struct logd *l, uint64_t at) {
    return (at - LOG_FIRST.at) / chunk_bytes(l);
}
static uint64_t chunk_start(const struct logd *l, uint64_t number) {
    return LOG_FIRST.at + number * chunk_bytes(l);
}

/* [from, to) of the files into buf, as it lies there; one or two segments. */
static status read_files(struct logd *l, uint64_t from, uint64_t to, char *buf) {
    struct logd_io ios[2];
    struct logd_io *list[2] = {&ios[0], &ios[1]};
    uint64_t numbers[2];
    unsigned n = 0;
    status s = OK;
    while (from < to && ok(s)) {
        CHECK(n < 2);
        struct segment *segment;
        uint64_t number = segment_of(&l->segments, from);
        uint64_t part_end = least(to, segment_start(&l->segments, number + 1));
        s = segments_get(&l->segments, number, &segment);
        if (!ok(s)) break;
        segment->users++;
        size_t blocks = segments_file_bytes(&l->segments, from, part_end);
        ios[n] = (struct logd_io){.io = {.op = DISK_READ,
                                         .file = segment->file,
                                         .offset = segment_offset(&l->segments, from),
                                         .buf = buf,
                                         .len = blocks}};
        numbers[n++] = number;
        buf += blocks;
        from = part_end;
    }
    status awaited = n ? logd_await(l, list, n) : OK;
    for (unsigned i = 0; i < n; i++) l->segments.list[numbers[i] - l->segments.first].users--;
    if (status_is(s, ST_NOT_FOUND)) return STATUS(STALE);
    return ok(s) ? awaited : s;
}

/* The same, as log. Of an encrypted log a sector that is being written at this moment may be had
 * half old, half new, which does not open: it is read again. What is really spoilt stays so, and is
 * no record. */
static status read_log(struct logd *l, uint64_t from, uint64_t to, char *buf) {
    for (unsigned tries = 0;; tries++) {
        bool may_be_written = l->serving && to > l->flush.stage[1 - l->flush.filling].base;
        TRY(read_files(l, from, to, buf));
        size_t bytes = segments_file_bytes(&l->segments, from, to);
        if (segments_unpack(&l->segments, from, buf, bytes)) return OK;
        if (!may_be_written || tries == READ_AGAIN_MAX) return OK;
        daemon_sleep(l->d, READ_AGAIN_NS);
    }
}

/* What a chunk takes of the segment in the archive that need_from lies in. */
static status read_archived(struct logd *l, struct chunk *c, uint64_t need_from, uint64_t *ret_from,
                            uint64_t *ret_to) {
    uint64_t start = chunk_start(l, c->number), number = segment_of(&l->segments, need_from);
    uint64_t begin = segment_start(&l->segments, number);
    uint64_t from = begin > start ? begin : start;
    uint64_t to = least(start + chunk_bytes(l), segment_start(&l->segments, number + 1));
    TRY(archive_read(l, from, to, c->buf + (from - start)));
    *ret_from = from;
    *ret_to = to;
    return OK;
}

/* Of all segments that are kept. */
static status read_kept(struct logd *l, struct chunk *c, uint64_t *ret_from, uint64_t *ret_to) {
    uint64_t start = chunk_start(l, c->number);
    uint64_t from = start > segments_begin(&l->segments) ? start : segments_begin(&l->segments);
    uint64_t to = least(start + chunk_bytes(l), readable(l));
    PROBE(axolotl_logd, chunk_read, from, to);
    TRY(read_log(l, from, to, c->buf));
    if (from > start) memmove(c->buf + (from - start), c->buf, to - from);
    *ret_from = from;
    *ret_to = to;
    return OK;
}

/* A pinned chunk that is valid from need_from to need_to, both in kept segments or in one that only
 * the archive has. */
static status get_chunk(struct logd *l, uint64_t number, uint64_t need_from, uint64_t need_to,
                        struct chunk **ret_chunk) {
    struct chunk *c = find_chunk(l, number, need_from, need_to);
    if (!c) {
        c = victim(l);
        if (!c) return STATUS(OUT_OF_MEMORY);
        if (!c->buf && posix_memalign((void **)&c->buf, DISK_ALIGN, CHUNK_BYTES) != 0)
            return STATUS(OUT_OF_MEMORY);
        uint64_t from, to;
        c->number = number;
        c->valid_to = 0;
        c->pins++;
        status s = need_from < segments_begin(&l->segments)
                       ? read_archived(l, c, need_from, &from, &to)
                       : read_kept(l, c, &from, &to);
        c->pins--;
        TRY(s);
        c->valid_from = from;
        c->valid_to = to;
    }
    c->used = ++l->chunk_clock;
    c->pins++;
    *ret_chunk = c;
    return OK;
}

/* Where a piece that begins at `at` ends at the latest. */
static uint64_t piece_end(const struct logd *l, uint64_t at) {
    uint64_t end = chunk_start(l, chunk_of(l, at)) + chunk_bytes(l);
    if (at >= segments_begin(&l->segments)) return end;
    return least(end, segment_start(&l->segments, segment_of(&l->segments, at) + 1));
}

status read_bytes(struct logd *l, uint64_t at, size_t bytes, void *buf) {
    uint64_t end = at + bytes;
    char *to = buf;
    if (end > readable(l)) return STATUS(INVALID);
    while (at < end) {
        uint64_t begin = segments_begin(&l->segments);
        if (at < readable_from(l)) return STATUS(STALE);
        struct chunk *c;
        uint64_t number = chunk_of(l, at), part_end = least(end, piece_end(l, at));
        status s = get_chunk(l, number, at, part_end, &c);
        if (status_is(s, ST_STALE) && at >= begin && at < segments_begin(&l->segments))
            continue; /* it has gone to the archive meanwhile */
        TRY(s);
        memcpy(to, c->buf + (at - chunk_start(l, number)), part_end - at);
        c->pins--;
        to += part_end - at;
        at = part_end;
    }
    return OK;
}

void read_forget(struct logd *l) {
    for (unsigned i = 0; i < CHUNKS; i++) l->chunks[i].valid_to = 0;
}

void read_fini(struct logd *l) {
    for (unsigned i = 0; i < CHUNKS; i++) free(l->chunks[i].buf);
}

struct reading {
    struct logd *logd;
    struct msg m;
    uint64_t start; /* LSN of buf's beginning */
    _Alignas(8) char buf[LOG_WINDOW_BYTES];
};

/* Bytes of whole records from offset `from` on, of log that begins at `start`. */
static size_t whole_records(const struct reading *r, uint64_t start, size_t from, size_t bytes) {
    size_t at = from;
    while (bytes - at >= sizeof(struct rec_head)) {
        const struct rec_head *h = (const struct rec_head *)(r->buf + at);
        if (!ok(rec_valid(h, bytes - at)) || rec_crc(h, (lsn){start + at}) != h->crc) break;
        at += h->len;
    }
    return at - from;
}

/* How much of what lies before a record comes with it; of its own segment only, when that is in the
 * archive. */
static uint64_t bytes_before(const struct logd *l, uint64_t at) {
    uint64_t begin = segments_begin(&l->segments);
    if (at < begin) begin = segment_start(&l->segments, segment_of(&l->segments, at));
    return least(at - begin, LOG_WINDOW_BYTES - REC_BYTES_MAX);
}

/* *ret_from, *ret_bytes: what is for the asker, in buf. */
static status read_for(struct reading *r, size_t *ret_from, size_t *ret_bytes) {
    struct logd *l = r->logd;
    uint64_t at = r->m.arg[0];
    while (!l->serving) daemon_sleep(l->d, NOT_SERVING_NS);
    if (at < LOG_FIRST.at || at < readable_from(l)) return STATUS(STALE);
    if (at % 8 != 0 || at >= readable(l)) return STATUS(INVALID);
    uint64_t start = r->start = r->m.arg[1] ? at - bytes_before(l, at) : at;
    uint64_t end = least(start == at ? at + LOG_WINDOW_BYTES : at + REC_BYTES_MAX, readable(l));
    TRY(read_bytes(l, start, end - start, r->buf));
    *ret_from = log_run_before(r->buf, end - start, (lsn){start}, (lsn){at});
    *ret_bytes = whole_records(r, start, *ret_from, end - start);
    return *ret_bytes > at - start - *ret_from ? OK : STATUS(DATA_CORRUPTED);
}

static void read_task(void *arg) {
    struct reading *r = arg;
    struct logd *l = r->logd;
    struct shm *shm = l->d->proc.shm;
    size_t from = 0, bytes = 0;
    status s = read_for(r, &from, &bytes);
    PROBE(axolotl_logd, read, r->m.arg[0], bytes, s.code, r->m.trace);
    /* The window of a new life of that slot is not ours to write. */
    if (atomic_load(&shm->control->procs[r->m.slot].epoch) == r->m.epoch) {
        if (ok(s)) memcpy(shm->pool->log_window[r->m.slot], r->buf + from, bytes);
        r->m.code = s.code;
        if (r->m.arg[1]) r->m.arg[1] = r->start + from;
        r->m.arg[0] = bytes;
        daemon_reply(l->d, &r->m);
    }
    counter_add(&l->d->proc, COUNTER_LOG_READS, 1);
    free(r);
}

void read_answer(struct logd *l, const struct msg *m) {
    struct reading *r = malloc(sizeof *r);
    status s = r ? OK : STATUS(OUT_OF_MEMORY);
    if (r) {
        r->logd = l;
        r->m = *m;
        s = daemon_spawn(l->d, 0, read_task, r);
    }
    if (ok(s)) return;
    free(r);
    struct msg answer = *m;
    answer.code = s.code;
    daemon_reply(l->d, &answer);
}
