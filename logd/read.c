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

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Up to where the files may be read. */
static uint64_t readable(const struct logd *l) {
    if (!l->serving) return segments_end(&l->segments);
    return atomic_load_explicit(&l->shared->durable, memory_order_relaxed);
}

static struct chunk *find_chunk(struct logd *l, uint64_t number, uint64_t need_to) {
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct chunk *c = &l->chunks[i];
        if (c->number == number && c->valid_to >= need_to) return c;
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

/* A pinned chunk that is valid up to need_to. */
static status get_chunk(struct logd *l, uint64_t number, uint64_t need_to,
                        struct chunk **ret_chunk) {
    struct chunk *c = find_chunk(l, number, need_to);
    if (!c) {
        c = victim(l);
        if (!c) return STATUS(OUT_OF_MEMORY);
        if (!c->buf && posix_memalign((void **)&c->buf, DISK_ALIGN, CHUNK_BYTES) != 0)
            return STATUS(OUT_OF_MEMORY);
        uint64_t start = chunk_start(l, number);
        uint64_t from = start > segments_begin(&l->segments) ? start : segments_begin(&l->segments);
        uint64_t to = least(start + chunk_bytes(l), readable(l));
        c->number = number;
        c->valid_to = 0;
        c->pins++;
        PROBE(axolotl_logd, chunk_read, from, to);
        status s = read_log(l, from, to, c->buf);
        c->pins--;
        TRY(s);
        if (from > start) memmove(c->buf + (from - start), c->buf, to - from);
        c->valid_to = to;
    }
    c->used = ++l->chunk_clock;
    c->pins++;
    *ret_chunk = c;
    return OK;
}

status read_bytes(struct logd *l, uint64_t at, size_t bytes, void *buf) {
    uint64_t end = at + bytes;
    char *to = buf;
    if (end > readable(l)) return STATUS(INVALID);
    while (at < end) {
        if (at < segments_begin(&l->segments)) return STATUS(STALE);
        struct chunk *c;
        uint64_t number = chunk_of(l, at), start = chunk_start(l, number);
        uint64_t part_end = least(end, start + chunk_bytes(l));
        TRY(get_chunk(l, number, part_end, &c));
        memcpy(to, c->buf + (at - start), part_end - at);
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

/* How much of what lies before a record comes with it. */
static uint64_t bytes_before(const struct logd *l, uint64_t at) {
    return least(at - segments_begin(&l->segments), LOG_WINDOW_BYTES - REC_BYTES_MAX);
}

/* *ret_from, *ret_bytes: what is for the asker, in buf. */
static status read_for(struct reading *r, size_t *ret_from, size_t *ret_bytes) {
    struct logd *l = r->logd;
    uint64_t at = r->m.arg[0];
    while (!l->serving) daemon_sleep(l->d, NOT_SERVING_NS);
    if (at < LOG_FIRST.at || at < segments_begin(&l->segments)) return STATUS(STALE);
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
