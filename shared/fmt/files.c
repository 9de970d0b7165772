#include "fmt/files.h"

#include <string.h>

#include "base/crc32c.h"

uint32_t segment_head_crc(struct segment_head h) {
    h.crc = 0;
    return crc32c(0, &h, sizeof h);
}

status segment_head_verify(const void *block) {
    struct segment_head h;
    memcpy(&h, block, sizeof h);
    bool good = h.magic == SEGMENT_MAGIC && h.crc == segment_head_crc(h) &&
                (h.format & ~SEGMENT_SEALED) == SEGMENT_FORMAT && h.bytes >= SEGMENT_BYTES_MIN &&
                h.bytes % SEGMENT_HEAD_BYTES == 0;
    return good ? OK : STATUS(DATA_CORRUPTED);
}

uint32_t doublewrite_head_crc(const void *head) {
    static const uint32_t zero = 0;
    uint32_t crc = crc32c(0, &zero, sizeof zero);
    return crc32c(crc, (const char *)head + sizeof zero, DOUBLEWRITE_HEAD_BYTES - sizeof zero);
}

/* A copy of a batch from before the last checkpoint but one is of no use: the page has been home
 * since. */
static bool region_counts(const struct doublewrite_head *h, uint64_t sequence) {
    return h->magic == DOUBLEWRITE_MAGIC && h->count <= DOUBLEWRITE_PAGES &&
           h->crc == doublewrite_head_crc(h) && h->sequence + 1 >= sequence;
}

const void *doublewrite_copy(const void *regions, uint64_t sequence, page_id page) {
    const void *best = NULL;
    for (unsigned w = 0; w < DOUBLEWRITE_REGIONS; w++) {
        const char *region = (const char *)regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (!region_counts(h, sequence)) continue;
        for (unsigned i = 0; i < h->count; i++) {
            const void *copy = region + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES;
            /* A newer batch may have been torn over it. */
            bool whole = h->page[i] == page.no && page_head_c(copy)->page == page.no &&
                         ok(page_verify(copy, page));
            if (whole && (!best || page_head_c(copy)->lsn > page_head_c(best)->lsn)) best = copy;
        }
    }
    return best;
}

uint32_t lsns_head_crc(struct lsns_head h) {
    h.crc = 0;
    return crc32c(0, &h, sizeof h);
}

uint32_t lsn_sector_crc(const struct lsn_sector *x, uint64_t number) {
    struct lsn_sector copy = *x;
    copy.crc = 0;
    return crc32c(crc32c(0, &number, sizeof number), &copy, sizeof copy);
}
