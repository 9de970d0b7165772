/* segment.h: the log's files, byte by byte.
 *
 * DIR/log/<number, 16 hexadecimal digits>.seg (fmt/files.h).
 * Segment n holds the LSNs from LOG_FIRST + n * payload on. The log is written by blocks of the
 * file; a block holds 4096 bytes of it, or 3840 when it is encrypted. Bytes behind the end of the
 * log are zero or an older log; neither passes for a record, whose CRC is seeded with its LSN (nor
 * does an encrypted sector open elsewhere than at its LSN).
 * "prepare.tmp" is a segment being made, "reseal.tmp" a copy of one, sealed by a newer key. */
#ifndef LOGD_SEGMENT_H
#define LOGD_SEGMENT_H

#include "crypt/sector.h"
#include "disk/disk.h"
#include "fmt/files.h"
#include "fmt/record.h"
#include "fmt/types.h"

#define SEGMENT_TEMPORARY "prepare.tmp"
#define SEGMENT_RESEALED "reseal.tmp"

struct segment {
    struct disk_file *file; /* NULL: not open */
    unsigned users;         /* requests under way: not to be recycled */
};

/* The segments there are, without a gap, also those made ready for later. */
struct segments {
    struct disk *disk;
    int dir;
    struct crypt *crypt; /* NULL: the log is plain */
    uint64_t appliance_id;
    uint64_t bytes; /* of one */
    uint64_t first; /* number of list[0] */
    unsigned count;
    unsigned capacity;
    struct segment *list;
};

/* Of its file in DIR/log: numbers sort as names do. */
void segment_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]);
/* Fills a block of SEGMENT_HEAD_BYTES. */
void segment_head_build(const struct segments *s, uint64_t number, void *block);

/* Bytes of log in a block of a file. */
static inline uint64_t segments_block(const struct segments *s) {
    return s->crypt ? SEGMENT_BLOCK_SEALED : SEGMENT_BLOCK_PLAIN;
}
static inline uint64_t segment_payload(const struct segments *s) {
    return (s->bytes - SEGMENT_HEAD_BYTES) / SEGMENT_BLOCK_BYTES * segments_block(s);
}
/* The LSN that the block of `at` begins with, and, unless it is `at`, the next one. */
static inline uint64_t segments_block_down(const struct segments *s, uint64_t at) {
    return at - (at - LOG_FIRST.at) % segments_block(s);
}
static inline uint64_t segments_block_up(const struct segments *s, uint64_t at) {
    return segments_block_down(s, at + segments_block(s) - 1);
}
/* Bytes of the file for the log [from, to), from a block's beginning. */
static inline size_t segments_file_bytes(const struct segments *s, uint64_t from, uint64_t to) {
    return (to - from + segments_block(s) - 1) / segments_block(s) * SEGMENT_BLOCK_BYTES;
}
static inline uint64_t segment_of(const struct segments *s, uint64_t at) {
    return (at - LOG_FIRST.at) / segment_payload(s);
}
static inline uint64_t segment_start(const struct segments *s, uint64_t number) {
    return LOG_FIRST.at + number * segment_payload(s);
}
/* Of the block that begins with `at`. */
static inline uint64_t segment_offset(const struct segments *s, uint64_t at) {
    uint64_t block = (at - LOG_FIRST.at) % segment_payload(s) / segments_block(s);
    return SEGMENT_HEAD_BYTES + block * SEGMENT_BLOCK_BYTES;
}
/* The LSNs that the segments cover. */
static inline uint64_t segments_begin(const struct segments *s) {
    return segment_start(s, s->first);
}
static inline uint64_t segments_end(const struct segments *s) {
    return segment_start(s, s->first + s->count);
}

/* Looks at the directory: fills in all but disk, dir and appliance_id. Blocks: at start only.
 * DATA_CORRUPTED when a head is spoilt, of another appliance, or a segment is missing between
 * others; NOT_FOUND when there is none. Words in ret_words. */
status segments_load(struct segments *s, char *ret_words, size_t words_bytes);
void segments_close(struct segments *s);

/* The segment, open. NOT_FOUND. */
status segments_get(struct segments *s, uint64_t number, struct segment **ret_segment);
status segments_push(struct segments *s, struct disk_file *file); /* after the last */
struct segment segments_shift(struct segments *s);                /* takes the first out */

/* A new segment's file: zeros, and its head, durable but for its name. Blocks. EXISTS, DISK_FULL.
 */
status segment_make(const struct segments *s, uint64_t number);
/* Makes the directory and the first segments of a new appliance. Blocks. EXISTS. */
status segments_format(struct disk *disk, int dir, uint64_t appliance_id, uint64_t segment_bytes,
                       struct crypt *crypt);

/* The log [base, base + n) from bytes on, as its blocks lie in the file; base is a block's. Bytes
 * of the last block that are not filled become zero, those of `bytes` too (it has room for whole
 * blocks). Of a plain log that is `bytes` itself; of an encrypted one `out`, which has
 * segments_file_bytes. */
char *segments_pack(const struct segments *s, uint64_t base, char *bytes, size_t n, char *out);
/* Blocks read, file_bytes of them, from the LSN base on: the log that they hold, in their place.
 * False: some does not open (zeros stand for it). */
bool segments_unpack(const struct segments *s, uint64_t base, char *blocks, size_t file_bytes);

#endif
