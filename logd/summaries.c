/* summaries.c: the summary of the segment that is being written, and the files of those that are
 * full (summary.h). Nothing depends on a file: whatever fails here costs recovery some reading. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "logd.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define SCAN_WINDOW_BYTES ((size_t)4 * REC_BYTES_MAX)

static void file_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]) {
    snprintf(ret_name, SEGMENT_NAME_BYTES, "%016" PRIx64 ".sum", number);
}

static uint32_t head_crc(struct summary_head h) {
    h.crc = 0;
    return crc32c(0, &h, sizeof h);
}

static size_t body_bytes(const struct summary_head *h) {
    return h->txns * sizeof(struct summary_txn) + h->pages * sizeof(struct log_page);
}

static size_t blocks(size_t bytes) {
    return (bytes + DISK_ALIGN - 1) / DISK_ALIGN * DISK_ALIGN;
}

static status one_io(struct logd *l, struct disk_io io) {
    struct logd_io req = {.io = io};
    struct logd_io *list[1] = {&req};
    return logd_await(l, list, 1);
}

/* ---- reading --------------------------------------------------------------------------------- */

status summary_scan(struct logd *l, uint64_t at, uint64_t limit, struct summary *s) {
    char *window = scratch_new(l, SCAN_WINDOW_BYTES);
    uint64_t base = at, end = segments_end(&l->segments);
    if (l->serving && atomic_load(&l->shared->durable) < end)
        end = atomic_load(&l->shared->durable);
    size_t have = 0;
    status st = window ? OK : STATUS(OUT_OF_MEMORY);
    while (ok(st) && at < limit) {
        if (base + have - at < REC_BYTES_MAX && base + have < end) {
            base = at;
            have = end - at < SCAN_WINDOW_BYTES ? end - at : SCAN_WINDOW_BYTES;
            TRY_OUT(st, read_bytes(l, base, have, window));
        }
        const struct rec_head *r = (const struct rec_head *)(window + (at - base));
        if (!ok(rec_valid(r, base + have - at)) || rec_crc(r, (lsn){at}) != r->crc) break;
        TRY_OUT(st, summary_note(s, r, at));
        at += r->len;
    }
out:
    scratch_free(window);
    return st;
}

static status read_head(struct logd *l, struct disk_file *file, uint64_t number,
                        struct summary_head *ret_head) {
    void *block = scratch_new(l, SUMMARY_HEAD_BYTES);
    if (!block) return STATUS(OUT_OF_MEMORY);
    status st = one_io(
        l,
        (struct disk_io){.op = DISK_READ, .file = file, .buf = block, .len = SUMMARY_HEAD_BYTES});
    memcpy(ret_head, block, sizeof *ret_head);
    scratch_free(block);
    TRY(st);
    const struct summary_head *h = ret_head;
    bool good =
        h->magic == SUMMARY_MAGIC && h->crc == head_crc(*h) && h->format == SUMMARY_FORMAT &&
        h->number == number && h->appliance_id == l->segments.appliance_id &&
        segment_of(&l->segments, h->from) == number && segment_of(&l->segments, h->to) > number;
    return good ? OK : STATUS(DATA_CORRUPTED);
}

/* What the file says, if all of it is as it was written. */
static status take_body(const struct summary_head *h, const char *body, struct summary *s) {
    if (crc32c(0, body, body_bytes(h)) != h->body_crc) return STATUS(DATA_CORRUPTED);
    for (uint64_t i = 0; i < h->txns; i++, body += sizeof(struct summary_txn))
        TRY(summary_add_txn(s, (const struct summary_txn *)body));
    for (uint64_t i = 0; i < h->pages; i++, body += sizeof(struct log_page)) {
        const struct log_page *p = (const struct log_page *)body;
        TRY(summary_add_page(s, p->page, p->newest));
    }
    if (h->next > s->next) s->next = h->next;
    if (h->last_commit > s->last_commit) s->last_commit = h->last_commit;
    if (h->from < s->from) s->from = h->from;
    s->to = h->to;
    return OK;
}

static status load_from(struct logd *l, struct disk_file *file, uint64_t number,
                        struct summary *s) {
    struct summary_head h;
    uint64_t bytes;
    TRY(disk_file_size(file, &bytes));
    TRY(read_head(l, file, number, &h));
    if (h.txns > bytes || h.pages > bytes || SUMMARY_HEAD_BYTES + body_bytes(&h) > bytes)
        return STATUS(DATA_CORRUPTED);
    void *body = scratch_new(l, blocks(body_bytes(&h)));
    if (!body) return STATUS(OUT_OF_MEMORY);
    status st = OK;
    if (body_bytes(&h) > 0)
        st = one_io(l, (struct disk_io){.op = DISK_READ,
                                        .file = file,
                                        .offset = SUMMARY_HEAD_BYTES,
                                        .buf = body,
                                        .len = blocks(body_bytes(&h))});
    if (ok(st)) st = take_body(&h, body, s);
    scratch_free(body);
    return st;
}

status summary_load(struct logd *l, uint64_t number, struct summary *s) {
    char name[SEGMENT_NAME_BYTES];
    struct disk_file *file;
    file_name(number, name);
    TRY(disk_file_open(l->disk, l->dir, name, false, &file));
    status st = load_from(l, file, number, s);
    disk_file_close(file);
    return st;
}

/* Where the first record begins that begins in the segment. NOT_FOUND: not known. */
static status first_record(struct logd *l, uint64_t number, uint64_t *ret_at) {
    char name[SEGMENT_NAME_BYTES];
    struct disk_file *file;
    struct summary_head h;
    if (number == 0) {
        *ret_at = LOG_FIRST.at;
        return OK;
    }
    file_name(number - 1, name);
    TRY(disk_file_open(l->disk, l->dir, name, false, &file));
    status st = read_head(l, file, number - 1, &h);
    disk_file_close(file);
    TRY(st);
    *ret_at = h.to;
    return OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A body on its way to the file, a block after the other. */
struct body {
    struct logd *l;
    char *block; /* BLOCK_BYTES */
    size_t used;
    uint64_t offset;
    uint32_t crc;
};

static status body_flush(struct body *b) {
    size_t len = blocks(b->used);
    if (len == 0) return OK;
    memset(b->block + b->used, 0, len - b->used);
    TRY(one_io(b->l, (struct disk_io){.op = DISK_WRITE,
                                      .file = b->l->summaries.file,
                                      .offset = b->offset,
                                      .buf = b->block,
                                      .len = len}));
    b->offset += len;
    b->used = 0;
    return OK;
}

static status body_put(struct body *b, const void *entry, size_t bytes) {
    memcpy(b->block + b->used, entry, bytes);
    b->crc = crc32c(b->crc, entry, bytes);
    b->used += bytes;
    return b->used == BLOCK_BYTES ? body_flush(b) : OK;
}
_Static_assert(BLOCK_BYTES % sizeof(struct summary_txn) == 0, "entries do not cross blocks");

static status put_entries(struct body *b, const struct summary *s, struct summary_head *h) {
    for (size_t i = 0; i < s->txn_places; i++) {
        if (!s->txns[i].x || summary_txn_is_over(&s->txns[i])) continue;
        TRY(body_put(b, &s->txns[i], sizeof s->txns[i]));
        h->txns++;
    }
    for (size_t i = 0; i < s->page_places; i++) {
        if (!s->pages[i].page) continue;
        TRY(body_put(b, &s->pages[i], sizeof s->pages[i]));
        h->pages++;
    }
    return body_flush(b);
}

/* The head comes last: without it, or with another body than its CRC says, the file counts for
 * nothing. */
static status write_file(struct logd *l) {
    struct summaries *m = &l->summaries;
    const struct summary *s = &m->closed;
    struct body b = {.l = l, .block = m->block, .offset = SUMMARY_HEAD_BYTES};
    struct summary_head h = {.magic = SUMMARY_MAGIC,
                             .format = SUMMARY_FORMAT,
                             .appliance_id = l->segments.appliance_id,
                             .number = m->closed_number,
                             .from = s->from,
                             .to = s->to,
                             .next = s->next,
                             .last_commit = s->last_commit};
    TRY(put_entries(&b, s, &h));
    TRY(one_io(l, (struct disk_io){.op = DISK_FLUSH, .file = m->file}));
    h.body_crc = b.crc;
    h.crc = head_crc(h);
    memset(m->block, 0, SUMMARY_HEAD_BYTES);
    memcpy(m->block, &h, sizeof h);
    return one_io(l, (struct disk_io){.op = DISK_WRITE,
                                      .file = m->file,
                                      .buf = m->block,
                                      .len = SUMMARY_HEAD_BYTES,
                                      .durable = true});
}

/* What the segment held before this life of logd began. */
static status catch_up(struct logd *l) {
    struct summaries *m = &l->summaries;
    if (m->closed_whole) return OK;
    uint64_t begin, until = m->closed.from;
    TRY(first_record(l, m->closed_number, &begin));
    TRY(summary_scan(l, begin, until, &m->closed));
    return m->closed.from == begin ? OK : STATUS(DATA_CORRUPTED);
}

static status write_closed(struct logd *l) {
    struct summaries *m = &l->summaries;
    char name[SEGMENT_NAME_BYTES];
    TRY(catch_up(l));
    if (m->closed_number < l->segments.first) return STATUS(STALE);
    file_name(m->closed_number, name);
    TRY(disk_file_open(l->disk, l->dir, name, true, &m->file));
    status st = write_file(l);
    disk_file_close(m->file);
    m->file = NULL;
    if (!ok(st)) status_ignore(disk_file_remove(l->disk, l->dir, name)); /* it counts for nothing */
    return st;
}

static void write_task(void *arg) {
    struct logd *l = arg;
    struct summaries *m = &l->summaries;
    status st = write_closed(l);
    PROBE(axolotl_logd, summary, m->closed_number, m->closed.page_count, st.code);
    summary_free(&m->closed);
    m->has_closed = m->writing = false;
}

bool summaries_turn(struct logd *l) {
    struct summaries *m = &l->summaries;
    if (!m->has_closed || m->writing || l->stopping) return false;
    if (atomic_load_explicit(&l->shared->durable, memory_order_relaxed) < m->closed.to)
        return false;
    if (!m->block && posix_memalign((void **)&m->block, DISK_ALIGN, BLOCK_BYTES) != 0) return false;
    m->writing = true;
    if (!ok(daemon_spawn(l->d, 0, write_task, l))) m->writing = false;
    return m->writing;
}

/* The segment is full. While the one before is still being written this one goes without. */
static void close_live(struct logd *l) {
    struct summaries *m = &l->summaries;
    if (m->has_closed || !m->live_good) {
        summary_free(&m->live);
        return;
    }
    m->closed = m->live;
    m->closed_number = m->live_number;
    m->closed_whole = m->live_whole;
    m->has_closed = true;
}

void summaries_begin(struct logd *l, struct summary live, uint64_t at, bool whole) {
    struct summaries *m = &l->summaries;
    if (live.to == 0) summary_begin(&live, at);
    m->live = live;
    m->live_number = segment_of(&l->segments, at);
    m->live_whole = whole;
    m->live_good = true;
}

void summaries_note(struct logd *l, const struct rec_head *r, uint64_t at) {
    struct summaries *m = &l->summaries;
    if (segment_of(&l->segments, at) != m->live_number) {
        close_live(l);
        summaries_begin(l, (struct summary){0}, at, true);
    }
    if (m->live_good && !ok(summary_note(&m->live, r, at))) m->live_good = false;
}

void summaries_fini(struct logd *l) {
    struct summaries *m = &l->summaries;
    if (m->file) disk_file_close(m->file);
    summary_free(&m->live);
    summary_free(&m->closed);
    free(m->block);
}

/* ---- the directory --------------------------------------------------------------------------- */

void summary_remove(struct logd *l, uint64_t number) {
    char name[SEGMENT_NAME_BYTES];
    file_name(number, name);
    /* One that stays is found again at the next start. */
    status_ignore(disk_file_remove(l->disk, l->dir, name));
}

struct strangers {
    struct logd *l;
    uint64_t numbers[64];
    unsigned count;
};

static void look_at_name(void *arg, const char *name) {
    struct strangers *s = arg;
    char *end, canonical[SEGMENT_NAME_BYTES];
    uint64_t number = strtoull(name, &end, 16);
    const struct segments *g = &s->l->segments;
    file_name(number, canonical);
    if (strcmp(canonical, name) != 0 || s->count == 64) return;
    if (number < g->first || number >= g->first + g->count) s->numbers[s->count++] = number;
}

void summaries_tidy(struct logd *l) {
    struct strangers s = {.l = l};
    status_ignore(disk_dir_each(l->disk, l->dir, look_at_name, &s)); /* they take space, no more */
    for (unsigned i = 0; i < s.count; i++) summary_remove(l, s.numbers[i]);
}
