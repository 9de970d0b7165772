#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "storaged.h"

/* The double-write file: one region for each writer, at its index * DOUBLEWRITE_REGION_BYTES:
 *
 *     offset bytes
 *     0      4     crc        CRC-32C of the head (4096 bytes) with this field 0
 *     4      4     count      pages
 *     8      8     magic
 *     16     8     sequence   of the file page when the batch was written
 *     24     8     unused
 *     32     8*64  page       their numbers
 *     4096         the pages, sealed
 *
 * A batch is durable here before any of its pages is written home, and the region is used again
 * only after they are durable at home: of a page torn at home there is a whole copy here. A copy of
 * a batch from before the last checkpoint but one is of no use: the page has been home since. */

#define DOUBLEWRITE_MAGIC 0x4c42554f444c5841u /* "AXLDOUBL" */
struct doublewrite_head {
    uint32_t crc;
    uint32_t count;
    uint64_t magic;
    uint64_t sequence;
    uint64_t unused;
    uint64_t page[BATCH_PAGES];
};
_Static_assert(sizeof(struct doublewrite_head) <= DOUBLEWRITE_HEAD_BYTES, "format");

static uint32_t head_crc(const char *head) {
    static const uint32_t zero = 0;
    uint32_t crc = crc32c(0, &zero, sizeof zero);
    return crc32c(crc, head + sizeof zero, DOUBLEWRITE_HEAD_BYTES - sizeof zero);
}

void doublewrite_seal(struct storaged *s, char *buf, unsigned count) {
    struct doublewrite_head *h = (struct doublewrite_head *)buf;
    *h = (struct doublewrite_head){
        .count = count, .magic = DOUBLEWRITE_MAGIC, .sequence = s->file.sequence};
    for (unsigned i = 0; i < count; i++)
        h->page[i] = page_head_c(buf + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES)->page;
    h->crc = head_crc(buf);
}

static bool head_counts(const struct storaged *s, const char *region) {
    const struct doublewrite_head *h = (const struct doublewrite_head *)region;
    return h->magic == DOUBLEWRITE_MAGIC && h->count <= BATCH_PAGES && h->crc == head_crc(region) &&
           h->sequence + 1 >= s->file.sequence;
}

/* The i-th copy of a region, if it is whole. (A newer batch may have been torn over it.) */
static const char *copy_at(const char *region, unsigned i) {
    const struct doublewrite_head *h = (const struct doublewrite_head *)region;
    const char *copy = region + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES;
    bool whole =
        page_head_c(copy)->page == h->page[i] && ok(page_verify(copy, (page_id){h->page[i]}));
    return whole ? copy : NULL;
}

static status read_regions(struct storaged *s, char **ret_buf) {
    size_t bytes = (size_t)WRITERS * DOUBLEWRITE_REGION_BYTES;
    char *buf = io_buffer(bytes);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    status st = io_run_one(
        s, (struct disk_io){.op = DISK_READ, .file = s->doublewrite, .buf = buf, .len = bytes});
    if (!ok(st))
        free(buf);
    else
        *ret_buf = buf;
    return st;
}

static const char *newest_copy(const struct storaged *s, const char *regions, uint64_t page_no) {
    const char *best = NULL;
    for (unsigned w = 0; w < WRITERS; w++) {
        const char *region = regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (!head_counts(s, region)) continue;
        for (unsigned i = 0; i < h->count; i++) {
            const char *copy = h->page[i] == page_no ? copy_at(region, i) : NULL;
            if (copy && (!best || page_head_c(copy)->lsn > page_head_c(best)->lsn)) best = copy;
        }
    }
    return best;
}

status doublewrite_find(struct storaged *s, uint64_t page_no, void *page) {
    char *regions;
    TRY(read_regions(s, &regions));
    const char *copy = newest_copy(s, regions, page_no);
    if (copy) memcpy(page, copy, PAGE_BYTES);
    free(regions);
    return copy ? OK : STATUS(NOT_FOUND);
}

static status mend(struct storaged *s, const char *regions, uint64_t page_no, char *buf,
                   unsigned *pages) {
    struct disk_io io = {.op = DISK_READ,
                         .file = s->data,
                         .offset = page_no * PAGE_BYTES,
                         .buf = buf,
                         .len = PAGE_BYTES};
    TRY(io_run_one(s, io));
    if (ok(page_verify(buf, (page_id){page_no}))) return OK;
    const char *copy = newest_copy(s, regions, page_no);
    if (!copy) return OK;
    memcpy(buf, copy, PAGE_BYTES);
    io.op = DISK_WRITE;
    io.durable = true;
    ++*pages;
    return io_run_one(s, io);
}

status doublewrite_recover(struct storaged *s, unsigned *ret_pages) {
    char *regions;
    TRY(read_regions(s, &regions));
    unsigned pages = 0;
    char *buf = io_buffer(PAGE_BYTES);
    status st = buf ? OK : STATUS(OUT_OF_MEMORY);
    for (unsigned w = 0; w < WRITERS && ok(st); w++) {
        const char *region = regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (!head_counts(s, region)) continue;
        for (unsigned i = 0; i < h->count && ok(st); i++)
            if (copy_at(region, i)) st = mend(s, regions, h->page[i], buf, &pages);
    }
    free(buf);
    free(regions);
    if (ok(st)) *ret_pages = pages;
    return st;
}
