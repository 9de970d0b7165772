/* damage.c: a log that has been spoilt in the middle looks as if it ended there. A write that was
 * under way when everything died leaves such ends, too, but reaches no further than
 * LOG_WRITE_REACH: records of these LSNs behind that were durable, and so was all before them. */
#include <string.h>

#include "fmt/record_find.h"
#include "logd.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define OVERLAP_BYTES (2 * (size_t)REC_BYTES_MAX) /* of pieces: rec_find wants two records */

/* From the start of a record that the write before did not complete. */
_Static_assert(REC_BYTES_MAX + STAGE_BYTES + DISK_ALIGN <= LOG_WRITE_REACH, "a write's reach");

status log_damage_find(struct logd *l, uint64_t end, uint64_t *ret_at) {
    uint64_t at = end + LOG_WRITE_REACH, last = segments_end(&l->segments);
    uint64_t to = least(at + LOG_LOOK_BYTES, last);
    *ret_at = 0;
    if (at >= to) return OK;
    char *buf = scratch_new(l, PIECE_BYTES + OVERLAP_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    for (; at < to && *ret_at == 0; at += PIECE_BYTES) {
        size_t n = (size_t)least(PIECE_BYTES + OVERLAP_BYTES, last - at);
        if (!ok(read_bytes(l, at, n, buf))) continue; /* unreadable: no record */
        size_t found = rec_find(buf, n, (lsn){at});
        if (found < n) *ret_at = at + found;
    }
    scratch_free(buf);
    return OK;
}

static status clear(struct logd *l, uint64_t from, uint64_t to, char *zeros) {
    struct segment *segment;
    TRY(segments_get(&l->segments, segment_of(&l->segments, from), &segment));
    struct logd_io io = {.io = {.op = DISK_WRITE,
                                .file = segment->file,
                                .offset = segment_offset(&l->segments, from),
                                .buf = zeros,
                                .len = segments_file_bytes(&l->segments, from, to),
                                .durable = true}};
    struct logd_io *list[] = {&io};
    return logd_await(l, list, 1);
}

status log_damage_clear(struct logd *l, uint64_t end) {
    uint64_t block = segments_block(&l->segments), last = segments_end(&l->segments);
    uint64_t piece = PIECE_BYTES / SEGMENT_BLOCK_BYTES * block;
    char *zeros = scratch_new(l, PIECE_BYTES);
    if (!zeros) return STATUS(OUT_OF_MEMORY);
    memset(zeros, 0, PIECE_BYTES);
    status s = OK;
    for (uint64_t at = segments_block_up(&l->segments, end), to; ok(s) && at < last; at = to) {
        uint64_t number = segment_of(&l->segments, at);
        to = least(at + piece, segment_start(&l->segments, number + 1));
        s = clear(l, at, to, zeros);
    }
    scratch_free(zeros);
    return s;
}
