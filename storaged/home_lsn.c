#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "storaged.h"

/* The newest LSN written home, by page: what Graefe and Kuno (Definition, Detection, and Recovery
 * of Single-Page Failures, 2012) call the page recovery index. A page that comes back from the
 * device older than that is a write that was lost; a page that comes back damaged is made again by
 * the chain that ends there. File "page_lsns":
 *
 * An entry is the page's LSN; bit 63 is set when it is the LSN at home exactly, clear when the page
 * may be newer there. All of it is in memory, too (1/1024 of the data). It goes into the file at
 * each checkpoint, before the file page that makes the checkpoint count: a page that was changed
 * later has its records in the log from redo_lsn on. So a sector that is old, or could not be
 * written, costs knowledge and never a wrong verdict: `exact_from` in the head tells a file that
 * lags behind the checkpoints (its entries are not exact then).
 *
 * A storaged that follows a dead one while others live on lacks what that one wrote home since its
 * last checkpoint, and has it from the log (catch_up); until then it takes nothing for exact. */

#define BLOCK_SECTORS 8
#define BLOCK_PAGES (LSN_SECTOR_PAGES * BLOCK_SECTORS)
#define POLL_NS 1000000u
#define RUN_BLOCKS 64    /* read or written at once */
#define NEWEST_PAGES 128 /* likewise, of the data file */
#define EXACT LSN_EXACT

struct lsn_block {
    struct lsn_sector sector[BLOCK_SECTORS];
    bool changed; /* since it was last written; not in the file */
};
#define BLOCK_BYTES (BLOCK_SECTORS * sizeof(struct lsn_sector))

static uint64_t *entry_of(const struct home_lsns *h, uint64_t page) {
    uint64_t block = page / BLOCK_PAGES, at = page % BLOCK_PAGES;
    if (block >= h->count || !h->blocks[block]) return NULL;
    return &h->blocks[block]->sector[at / LSN_SECTOR_PAGES].entry[at % LSN_SECTOR_PAGES];
}

static struct lsn_block *make_block(struct home_lsns *h, uint64_t block) {
    if (block >= h->count) {
        uint64_t count = h->count ? 2 * h->count : 64;
        while (count <= block) count *= 2;
        struct lsn_block **blocks = realloc(h->blocks, count * sizeof(struct lsn_block *));
        if (!blocks) return NULL;
        memset(blocks + h->count, 0, (count - h->count) * sizeof *blocks);
        h->blocks = blocks;
        h->count = count;
    }
    if (!h->blocks[block]) h->blocks[block] = calloc(1, sizeof(struct lsn_block));
    return h->blocks[block];
}

uint64_t home_lsn(const struct storaged *s, uint64_t page, bool *ret_exact) {
    const uint64_t *entry = entry_of(&s->homes, page);
    /* No entry: nothing was written there since there are such files. */
    if (ret_exact) *ret_exact = s->homes.trusted && entry && *entry & EXACT;
    return entry ? *entry & ~EXACT : 0;
}

static void put(struct storaged *s, uint64_t page, uint64_t entry) {
    struct lsn_block *b = make_block(&s->homes, page / BLOCK_PAGES);
    if (!b) return; /* nothing is known of these pages, then */
    *entry_of(&s->homes, page) = entry;
    b->changed = true;
}

void home_lsn_put(struct storaged *s, uint64_t page, uint64_t at) {
    put(s, page, at | EXACT);
}

/* After a crash a page may be newer at home than the file says, and redo finds nothing to do for
 * it: nobody writes it, and its records leave the log that redo would take. While pages come from a
 * backup one without an entry may be there by the pass alone, which knows it by that (fetch.c). */
void home_lsn_seen(struct storaged *s, uint64_t page, uint64_t at) {
    const uint64_t *entry = entry_of(&s->homes, page);
    bool by_pass = s->fetch.active && (!entry || *entry == 0);
    if (at > 0 && !by_pass && (!entry || *entry != (at | EXACT))) put(s, page, at | EXACT);
}

status home_lsn_newest(struct storaged *s, uint64_t *ret) {
    uint64_t end = atomic_load(&s->shm->pool->file_pages);
    char *buf = io_buffer(NEWEST_PAGES * (size_t)PAGE_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    *ret = 0;
    for (uint64_t at = SPACE_FIRST, n; at < end; at += n) {
        n = end - at < NEWEST_PAGES ? end - at : NEWEST_PAGES;
        status st = io_run_one(s, (struct disk_io){.op = DISK_READ,
                                                   .file = s->data,
                                                   .offset = at * PAGE_BYTES,
                                                   .buf = buf,
                                                   .len = n * PAGE_BYTES});
        for (uint64_t i = 0; ok(st) && i < n; i++) {
            const char *page = buf + i * PAGE_BYTES;
            if (page_is_zero(page) || !ok(page_verify(page, (page_id){at + i}))) continue;
            if (page_head_c(page)->lsn > *ret) *ret = page_head_c(page)->lsn;
        }
    }
    free(buf);
    return OK;
}

/* ---- after the death of a storaged alone ----------------------------------------------------- */

static void note_record(struct storaged *s, const struct rec_page *rp, uint64_t at) {
    const uint64_t *entry = entry_of(&s->homes, rp->page);
    uint64_t known = entry ? *entry : 0;
    struct frame *f = table_find(s, rp->page);
    /* Of a page that is dirty, or that redo has still to bring forward, more than this may be at
     * home, or less; it will be written. */
    bool behind = redo_target(s, rp->page).at;
    if (behind || (f && (atomic_load(&f->rec_lsn) || atomic_load(&f->write_lsn))))
        put(s, rp->page, known & ~EXACT);
    else if (at > (known & ~EXACT))
        put(s, rp->page, at | EXACT);
}

void home_lsn_catch_up(void *storaged) {
    struct storaged *s = storaged;
    struct log_scan scan;
    const struct rec_head *r;
    lsn at, end = log_complete(s->shm->log);
    while (!s->serving) daemon_sleep(s->d, POLL_NS);
    char *buf = malloc(LOG_SCAN_BYTES);
    status st = buf ? OK : STATUS(OUT_OF_MEMORY);
    log_scan_begin(&scan, (lsn){s->homes.exact_from}, buf);
    while (ok(st)) {
        st = log_scan_next(s->p, &scan, end, &r, &at);
        for (unsigned i = 0; ok(st) && i < r->npages; i++)
            note_record(s, &rec_pages_c(r)[i], at.at);
    }
    free(buf);
    s->homes.trusted = status_is(st, ST_END);
    if (!s->homes.trusted)
        storaged_say("what was written home before is not known: %s", status_name(st));
}

/* ---- the file -------------------------------------------------------------------------------- */

static struct disk_io block_io(const struct storaged *s, enum disk_op op, uint64_t block, void *buf,
                               uint64_t blocks) {
    return (struct disk_io){.op = op,
                            .file = s->homes.file,
                            .offset = LSNS_HEAD_BYTES + block * BLOCK_BYTES,
                            .buf = buf,
                            .len = blocks * BLOCK_BYTES};
}

/* Sectors that do not verify say nothing; those that were never written are all zero. */
static status adopt_block(struct home_lsns *h, uint64_t block, const char *bytes) {
    static const struct lsn_sector never;
    if (memcmp(bytes, bytes + sizeof never, BLOCK_BYTES - sizeof never) == 0 &&
        memcmp(bytes, &never, sizeof never) == 0)
        return OK;
    struct lsn_block *b = make_block(h, block);
    if (!b) return STATUS(OUT_OF_MEMORY);
    memcpy(b->sector, bytes, BLOCK_BYTES);
    for (unsigned i = 0; i < BLOCK_SECTORS; i++) {
        struct lsn_sector *x = &b->sector[i];
        if (memcmp(x, &never, sizeof never) == 0) continue;
        if (x->crc != lsn_sector_crc(x, block * BLOCK_SECTORS + i)) {
            *x = never;
            h->spoilt++;
        }
    }
    return OK;
}

static status read_head(struct storaged *s, char *buf) {
    struct lsns_head head;
    TRY(io_run_one(
        s, (struct disk_io){
               .op = DISK_READ, .file = s->homes.file, .buf = buf, .len = LSNS_HEAD_BYTES}));
    memcpy(&head, buf, sizeof head);
    bool good = head.magic == LSNS_MAGIC && head.crc == lsns_head_crc(head) &&
                head.format == LSNS_FORMAT && head.appliance_id == s->file.appliance_id;
    if (!good) return STATUS(NOT_FOUND);
    s->homes.exact_from = head.exact_from;
    return OK;
}

static status read_blocks(struct storaged *s, char *buf) {
    uint64_t bytes;
    TRY(disk_file_size(s->homes.file, &bytes));
    uint64_t blocks = bytes > LSNS_HEAD_BYTES ? (bytes - LSNS_HEAD_BYTES) / BLOCK_BYTES : 0;
    for (uint64_t at = 0; at < blocks; at += RUN_BLOCKS) {
        uint64_t n = blocks - at < RUN_BLOCKS ? blocks - at : RUN_BLOCKS;
        TRY(io_run_one(s, block_io(s, DISK_READ, at, buf, n)));
        for (uint64_t i = 0; i < n; i++) TRY(adopt_block(&s->homes, at + i, buf + i * BLOCK_BYTES));
    }
    return OK;
}

/* Pages have been written home, and checkpoints made, by programs that do not know of this file. */
static void forget_exact(struct storaged *s) {
    for (uint64_t i = 0; i < s->homes.count * BLOCK_PAGES; i++) {
        uint64_t *entry = entry_of(&s->homes, i);
        if (entry) *entry &= ~EXACT;
    }
    s->homes.exact_from = s->file.redo_lsn;
}

status home_lsn_load(struct storaged *s) {
    struct home_lsns *h = &s->homes;
    char *buf = io_buffer(RUN_BLOCKS * BLOCK_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    status st = read_head(s, buf);
    if (ok(st)) st = read_blocks(s, buf);
    free(buf);
    if (status_is(st, ST_OUT_OF_MEMORY)) return st;
    if (!ok(st) && !status_is(st, ST_NOT_FOUND))
        storaged_say("the newest LSNs of pages cannot be read: %s", status_name(st));
    if (h->spoilt) storaged_say("%u sectors of page_lsns are damaged", h->spoilt);
    if (h->exact_from < s->file.redo_lsn) forget_exact(s);
    h->trusted = true;
    return OK;
}

/* Changed blocks from *at on that lie together, into buf; how many. */
static uint64_t gather_run(struct home_lsns *h, uint64_t *at, char *buf) {
    uint64_t n = 0;
    while (*at < h->count && !(h->blocks[*at] && h->blocks[*at]->changed)) ++*at;
    for (; n < RUN_BLOCKS && *at + n < h->count; n++) {
        struct lsn_block *b = h->blocks[*at + n];
        if (!b || !b->changed) break;
        b->changed = false;
        struct lsn_sector *copy = (struct lsn_sector *)(buf + n * BLOCK_BYTES);
        memcpy(copy, b->sector, BLOCK_BYTES);
        for (unsigned i = 0; i < BLOCK_SECTORS; i++)
            copy[i].crc = lsn_sector_crc(&copy[i], (*at + n) * BLOCK_SECTORS + i);
    }
    return n;
}

static status write_blocks(struct storaged *s, char *buf) {
    struct home_lsns *h = &s->homes;
    for (uint64_t at = 0, n; (n = gather_run(h, &at, buf)) > 0; at += n) {
        status st = io_run_one(s, block_io(s, DISK_WRITE, at, buf, n));
        if (ok(st)) continue;
        for (uint64_t i = 0; i < n; i++) h->blocks[at + i]->changed = true;
        return st;
    }
    return OK;
}

static status write_head(struct storaged *s, uint64_t exact_from, char *buf) {
    struct lsns_head head = {.magic = LSNS_MAGIC,
                             .format = LSNS_FORMAT,
                             .appliance_id = s->file.appliance_id,
                             .exact_from = exact_from};
    head.crc = lsns_head_crc(head);
    memset(buf, 0, LSNS_HEAD_BYTES);
    memcpy(buf, &head, sizeof head);
    TRY(io_run_one(s, (struct disk_io){.op = DISK_WRITE,
                                       .file = s->homes.file,
                                       .buf = buf,
                                       .len = LSNS_HEAD_BYTES,
                                       .durable = true}));
    s->homes.exact_from = exact_from;
    return OK;
}

/* A flush that fails may have forgotten whatever was written since the last good one (disk, rule
 * 3): all of it is written again the next time. */
static status flush(struct storaged *s) {
    struct home_lsns *h = &s->homes;
    status st = io_run_one(s, (struct disk_io){.op = DISK_FLUSH, .file = h->file});
    for (uint64_t i = 0; !ok(st) && i < h->count; i++)
        if (h->blocks[i]) h->blocks[i]->changed = true;
    return st;
}

status home_lsn_save(struct storaged *s, uint64_t redo_lsn) {
    char *buf = io_buffer(RUN_BLOCKS * BLOCK_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    status st = write_blocks(s, buf);
    if (ok(st)) st = flush(s);
    if (ok(st) && s->homes.trusted) st = write_head(s, redo_lsn, buf);
    free(buf);
    return st;
}

void home_lsn_fini(struct storaged *s) {
    for (uint64_t i = 0; i < s->homes.count; i++) free(s->homes.blocks[i]);
    free(s->homes.blocks);
    s->homes = (struct home_lsns){.file = s->homes.file};
}
