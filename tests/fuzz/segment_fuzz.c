/* Any bytes as the head of a segment of the log. */
#include "base/crc32c.h"
#include "input.h"
#include "segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct segment_head h = {0};
    size_t n;
    bool sealed = input8(&in) & 1;
    void *bytes = input_take(&in, sizeof h, &n);
    unsigned char *block = calloc(1, SEGMENT_HEAD_BYTES);
    MUST(block);
    memcpy(&h, bytes, n);
    if (sealed) {
        h.crc = 0;
        h.crc = crc32c(0, &h, sizeof h);
    }
    memcpy(block, &h, sizeof h);
    if (ok(segment_head_verify(block))) {
        MUST(h.magic == SEGMENT_MAGIC && h.bytes >= SEGMENT_BYTES_MIN);
        block[16] ^= 1;
        MUST(!ok(segment_head_verify(block)));
    }
    free(block);
    free(bytes);
    return 0;
}
