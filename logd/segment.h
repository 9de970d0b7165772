/* segment.h: the log's files, byte by byte.
 *
 * DIR/log/<number, 16 hexadecimal digits>.seg (fmt/files.h).
 * Segment n holds the LSNs from LOG_FIRST + n * payload on, payload = segment bytes - 4096. Both
 * are multiples of 4096, so blocks of the log are blocks of the file. Bytes behind the end of the
 * log are zero or an older log; neither passes for a record, whose CRC is seeded with its LSN.
 * "prepare.tmp" is a segment being made. */
#ifndef LOGD_SEGMENT_H
#define LOGD_SEGMENT_H

#include "disk/disk.h"
#include "fmt/files.h"
#include "fmt/record.h"
#include "fmt/types.h"

#define SEGMENT_TEMPORARY "prepare.tmp"

struct segment {
    struct disk_file *file; /* NULL: not open */
    unsigned users;         /* requests under way: not to be recycled */
};

/* The segments there are, without a gap, also those made ready for later. */
struct segments {
    struct disk *disk;
    int dir;
    uint64_t appliance_id;
    uint64_t bytes; /* of one */
    uint64_t first; /* number of list[0] */
    unsigned count;
    unsigned capacity;
    struct segment *list;
};

void segment_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]);
/* Fills a block of SEGMENT_HEAD_BYTES. */
void segment_head_build(const struct segments *s, uint64_t number, void *block);

static inline uint64_t segment_payload(const struct segments *s) {
    return s->bytes - SEGMENT_HEAD_BYTES;
}
static inline uint64_t segment_of(const struct segments *s, uint64_t at) {
    return (at - LOG_FIRST.at) / segment_payload(s);
}
static inline uint64_t segment_start(const struct segments *s, uint64_t number) {
    return LOG_FIRST.at + number * segment_payload(s);
}
static inline uint64_t segment_offset(const struct segments *s, uint64_t at) {
    return SEGMENT_HEAD_BYTES + (at - LOG_FIRST.at) % segment_payload(s);
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
status segments_format(struct disk *disk, int dir, uint64_t appliance_id, uint64_t segment_bytes);

#endif
