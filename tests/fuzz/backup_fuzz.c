/* Any bytes as a chunk of a backup, or packed into one: what was packed comes back, a wrong bit is
 * seen, and nothing is read behind what there is. */
#include "backup/backup.h"
#include "base/crc32c.h"
#include "input.h"

static struct backup_head head_of(struct input *in) {
    size_t n;
    struct backup_head h = {0};
    void *bytes = input_take(in, sizeof h, &n);
    memcpy(&h, bytes, n);
    free(bytes);
    return h;
}

static void fuzz_packed(struct input *in, char *chunk, char *raw) {
    struct backup_head h = head_of(in), got;
    uint32_t at = h.crc;
    size_t bytes, n;
    void *from = input_take(in, BACKUP_RAW_MAX, &n);
    h.raw_bytes = (uint32_t)n;
    if (ok(backup_pack(&h, from, chunk, &bytes)) && ok(backup_unpack(chunk, &got, raw))) {
        MUST(got.kind == h.kind && got.at == h.at && got.count == h.count && got.raw_bytes == n);
        MUST(memcmp(raw, from, n) == 0);
        chunk[at % bytes] ^= (char)(1 << (h.at & 7));
        MUST(!ok(backup_unpack(chunk, &got, raw)));
    }
    free(from);
}

/* sealed: its checksum is right, so that what lies behind is looked at. */
static void fuzz_chunk(struct input *in, bool sealed, char *chunk, char *raw) {
    struct backup_head h = head_of(in), got;
    size_t bytes, n, room = backup_chunk_room();
    memset(chunk, 0, room);
    void *packed = input_take(in, room - sizeof h, &n);
    memcpy(chunk + sizeof h, packed, n);
    if (sealed) {
        h.magic = BACKUP_MAGIC;
        h.format = BACKUP_FORMAT;
        h.packed_bytes = (uint32_t)n;
        h.crc = 0;
        h.crc = crc32c(crc32c(0, &h, sizeof h), packed, n);
    }
    memcpy(chunk, &h, sizeof h);
    if (ok(backup_look(chunk, &got, &bytes))) {
        MUST(bytes % BACKUP_ALIGN == 0 && bytes <= room);
        if (ok(backup_unpack(chunk, &got, raw))) MUST(got.raw_bytes <= BACKUP_RAW_MAX);
    }
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    uint8_t how = input8(&in);
    char *chunk = malloc(backup_chunk_room()), *raw = malloc(BACKUP_RAW_MAX);
    MUST(chunk && raw);
    if (how & 2)
        fuzz_packed(&in, chunk, raw);
    else
        fuzz_chunk(&in, how & 1, chunk, raw);
    free(raw);
    free(chunk);
    return 0;
}
