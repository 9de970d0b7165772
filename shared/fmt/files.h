/* files.h: the heads of the files beside the data file, byte by byte: for those who write them
 * (logd, storaged) and for tools that look at what a stopped appliance has left.
 *
 * log/<number, 16 hexadecimal digits>.seg, a segment of the log, all of one size:
 *     0      4096   struct segment_head, rest zero
 *     4096   …      log
 * Segment n holds the LSNs from LOG_FIRST + n * payload on; payload is what its blocks hold: of a
 * plain log 4096 bytes each; of an encrypted one (SEGMENT_SEALED in the head's format) 8 sectors of
 * 480 bytes and their tail (crypt/sector.h, position: LSN), 3840.
 *
 * doublewrite: DOUBLEWRITE_REGIONS regions, each:
 *     0      4096   struct doublewrite_head, rest zero
 *     4096   …      `count` pages, sealed
 *
 * page_lsns: the newest LSN written home, by page:
 *     0      4096   struct lsns_head, rest zero
 *     4096   …      struct lsn_sector, 63 pages each */
#ifndef FMT_FILES_H
#define FMT_FILES_H

#include "fmt/page.h"
#include "fmt/record.h"

#define SEGMENT_MAGIC 0x474553474f4c5841u /* "AXLOGSEG" */
#define SEGMENT_FORMAT LOG_FORMAT
#define SEGMENT_SEALED 0x80000000u /* in `format` */
#define SEGMENT_HEAD_BYTES 4096
#define SEGMENT_BLOCK_BYTES 4096
#define SEGMENT_BLOCK_SECTORS 8
#define SEGMENT_BLOCK_PLAIN 4096  /* bytes of log in a block of a plain log */
#define SEGMENT_BLOCK_SEALED 3840 /* of an encrypted one */
#define SEGMENT_BYTES_MIN ((uint64_t)1 << 20)
#define SEGMENT_NAME_BYTES 24
struct segment_head {
    uint64_t magic;
    uint32_t format;
    uint32_t crc; /* CRC-32C of this struct with this field 0 */
    uint64_t appliance_id;
    uint64_t number;
    uint64_t bytes; /* of the file */
};
_Static_assert(sizeof(struct segment_head) == 40, "format");
uint32_t segment_head_crc(struct segment_head h);
/* Verdict on a head read. */
status segment_head_verify(const void *block);

#define DOUBLEWRITE_MAGIC 0x4c42554f444c5841u /* "AXLDOUBL" */
#define DOUBLEWRITE_REGIONS 2
#define DOUBLEWRITE_PAGES 64 /* of a region */
#define DOUBLEWRITE_HEAD_BYTES 4096
#define DOUBLEWRITE_REGION_BYTES (DOUBLEWRITE_HEAD_BYTES + DOUBLEWRITE_PAGES * PAGE_BYTES)
struct doublewrite_head {
    uint32_t crc; /* CRC-32C of the head (4096 bytes) with this field 0 */
    uint32_t count;
    uint64_t magic;
    uint64_t sequence; /* of the file page when the batch was written */
    uint64_t unused;
    uint64_t page[DOUBLEWRITE_PAGES]; /* their numbers */
};
_Static_assert(sizeof(struct doublewrite_head) <= DOUBLEWRITE_HEAD_BYTES, "format");
uint32_t doublewrite_head_crc(const void *head); /* DOUBLEWRITE_HEAD_BYTES */
/* The newest whole copy of the page in all regions (DOUBLEWRITE_REGIONS *
 * DOUBLEWRITE_REGION_BYTES), which `sequence` of the file page says still counts. NULL: none. */
const void *doublewrite_copy(const void *regions, uint64_t sequence, page_id page);

#define LSNS_MAGIC 0x534e534c4c4f5841u /* "AXOLLSNS" */
#define LSNS_FORMAT 1
#define LSNS_HEAD_BYTES 4096
#define LSN_SECTOR_PAGES 63
#define LSN_EXACT ((uint64_t)1 << 63) /* in an entry: at home it is this, not newer */
struct lsns_head {
    uint64_t magic;
    uint32_t format;
    uint32_t crc; /* CRC-32C of this struct with this field 0 */
    uint64_t appliance_id;
    uint64_t exact_from; /* redo_lsn of the checkpoint that wrote it */
};
uint32_t lsns_head_crc(struct lsns_head h);
struct lsn_sector {
    uint32_t crc; /* CRC-32C of the sector with this field 0, seeded with its number */
    uint32_t unused;
    uint64_t entry[LSN_SECTOR_PAGES];
};
_Static_assert(sizeof(struct lsn_sector) == 512, "what a disk writes whole");
uint32_t lsn_sector_crc(const struct lsn_sector *x, uint64_t number);

#endif
