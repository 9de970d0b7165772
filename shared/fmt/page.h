/* page.h: what every page of the data file has in common, and the pages that are not trees.
 *
 *     offset bytes
 *     0      4     crc      CRC-32C of the page with this field 0; storaged fills it at the write
 *     4      1     type     enum page_type
 *     5      1     level    trees: 0 leaf
 *     6      2     version  PAGE_FORMAT
 *     8      8     page     its own number: a misdirected write shows
 *     16     8     lsn      of the last record applied
 *     24     4     tree     the relation's OID, for people and for the checker
 *     28     4     flags
 *     32           the type's own head and content
 *     8160   32    tail of its encryption (crypt/crypt.h): nonce, tag, key number; zero: plain
 *
 * In an encrypted file all that stands before the tail is sealed; in memory a page is plain and its
 * tail zero. An all-zero page is valid and means "never written". */
#ifndef FMT_PAGE_H
#define FMT_PAGE_H

#include <stddef.h>

#include "base/status.h"
#include "fmt/types.h"

#define PAGE_FORMAT 1
#define DATA_FORMAT 5 /* of what pages hold: rows, keys, catalogs */
#define PAGE_TAIL_BYTES 32
#define PAGE_CONTENT_END (PAGE_BYTES - PAGE_TAIL_BYTES)

enum page_type {
    PAGE_TYPE_NONE = 0,
    PAGE_TYPE_FILE = 1,  /* page 0 */
    PAGE_TYPE_SPACE = 2, /* space map */
    PAGE_TYPE_TREE = 3,
};

struct page_head {
    uint32_t crc;
    uint8_t type;
    uint8_t level;
    uint16_t version;
    uint64_t page;
    uint64_t lsn;
    uint32_t tree;
    uint32_t flags;
};
_Static_assert(sizeof(struct page_head) == 32, "format");

/* Page 0. Written only by storaged, at the end of a checkpoint, twice in a row in pages 0 and 1 (so
 * that a torn write of one leaves the other). */
#define FILE_MAGIC 0x314c544f4c4f5841u /* "AXOLOTL1" */
struct file_page {
    struct page_head head;
    uint64_t magic;
    uint32_t format;
    uint32_t page_bytes;
    uint64_t appliance_id;
    uint64_t sequence; /* the higher of the two copies counts */
    uint64_t redo_lsn; /* as in struct rec_checkpoint, whose copy this is */
    uint64_t undo_lsn;
    uint64_t purge_lsn;
    uint64_t next_txid;
    uint64_t last_commit;
    uint64_t checkpoint_lsn; /* of the CHECKPOINT record */
    uint64_t clean;          /* 1: stopped in order, nothing to recover */
    uint64_t pages;          /* the file's length, in pages, then */
};

/* Space map: bit i set: page number first + i is in use. Map number m is page SPACE_FIRST + m *
 * SPACE_BITS and speaks of the SPACE_BITS pages from m * SPACE_BITS on; it marks itself (and pages
 * 0, 1) as in use. */
#define SPACE_FIRST 2
#define SPACE_BITS ((PAGE_CONTENT_END - 64) * 8)
struct space_page {
    struct page_head head;
    uint64_t first;
    uint8_t unused[24];
    uint8_t bits[PAGE_CONTENT_END - 64];
};
_Static_assert(offsetof(struct space_page, bits) == 64, "format");
_Static_assert(sizeof(struct space_page) == PAGE_CONTENT_END, "format");

static inline page_id space_page_of(page_id p) {
    return (page_id){SPACE_FIRST + p.no / SPACE_BITS * SPACE_BITS};
}

/* An empty space map as page `id` (one for which space_page_of(id) is id); its LSN is 0. */
void space_page_format(void *page, page_id id);
static inline bool space_bit(const struct space_page *s, uint64_t bit) {
    return s->bits[bit / 8] >> bit % 8 & 1;
}
static inline void space_bit_set(struct space_page *s, uint64_t bit, bool used) {
    if (used)
        s->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    else
        s->bits[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

/* Seals a page for writing; and the verdict on a page read: DATA_CORRUPTED when checksum, number or
 * version are not right. An all-zero page passes. */
void page_seal(void *page);
bool page_is_zero(const void *page);
status page_verify(const void *page, page_id expected);

static inline struct page_head *page_head(void *page) {
    return page;
}
static inline const struct page_head *page_head_c(const void *page) {
    return page;
}

#endif
