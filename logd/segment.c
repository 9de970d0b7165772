#include "segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define OPEN_MAX 48
#define FORMAT_SEGMENTS 2

void segment_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]) {
    snprintf(ret_name, SEGMENT_NAME_BYTES, "%016llx.seg", (unsigned long long)number);
}

void segment_head_build(const struct segments *s, uint64_t number, void *block) {
    struct segment_head h = {.magic = SEGMENT_MAGIC,
                             .format = SEGMENT_FORMAT | (s->crypt ? SEGMENT_SEALED : 0),
                             .appliance_id = s->appliance_id,
                             .number = number,
                             .bytes = s->bytes};
    h.crc = segment_head_crc(h);
    memset(block, 0, SEGMENT_HEAD_BYTES);
    memcpy(block, &h, sizeof h);
}

struct listing {
    uint64_t *numbers;
    unsigned count, capacity;
    bool out_of_memory;
};

static void list_name(void *arg, const char *name) {
    struct listing *l = arg;
    char *end;
    char canonical[SEGMENT_NAME_BYTES];
    uint64_t number = strtoull(name, &end, 16);
    segment_name(number, canonical);
    if (strcmp(canonical, name) != 0) return;
    if (l->count == l->capacity) {
        unsigned capacity = l->capacity ? 2 * l->capacity : 64;
        uint64_t *grown = realloc(l->numbers, capacity * sizeof *grown);
        if (!grown) {
            l->out_of_memory = true;
            return;
        }
        l->numbers = grown;
        l->capacity = capacity;
    }
    l->numbers[l->count++] = number;
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static status read_head(struct segments *s, struct disk_file *file, void *block) {
    struct disk_io io = {
        .op = DISK_READ, .file = file, .buf = block, .len = SEGMENT_HEAD_BYTES, .offset = 0};
    return disk_do(s->disk, &io);
}

/* *ret_stranger: its head has another number: recycling was interrupted before its new name. */
static status check_segment(struct segments *s, uint64_t number, struct disk_file *file,
                            void *block, bool *ret_stranger) {
    uint64_t bytes;
    struct segment_head h;
    TRY(read_head(s, file, block));
    TRY(segment_head_verify(block));
    memcpy(&h, block, sizeof h);
    TRY(disk_file_size(file, &bytes));
    if (h.appliance_id != s->appliance_id || h.bytes != bytes) return STATUS(DATA_CORRUPTED);
    if ((h.format & SEGMENT_SEALED) != (s->crypt ? SEGMENT_SEALED : 0))
        return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    *ret_stranger = h.number != number;
    if (*ret_stranger) return OK;
    if (s->bytes && s->bytes != h.bytes) return STATUS(DATA_CORRUPTED);
    s->bytes = h.bytes;
    return OK;
}

static status load_one(struct segments *s, uint64_t number, void *block) {
    char name[SEGMENT_NAME_BYTES];
    struct disk_file *file;
    bool stranger;
    segment_name(number, name);
    TRY(disk_file_open(s->disk, s->dir, name, false, &file));
    status checked = check_segment(s, number, file, block, &stranger);
    disk_file_close(file);
    TRY(checked);
    if (stranger) return disk_file_remove(s->disk, s->dir, name);
    if (s->count && number != s->first + s->count) return STATUS(STALE);
    if (!s->count) s->first = number;
    return segments_push(s, NULL);
}

static void say_why(const struct segments *s, uint64_t number, status st, char *ret_words,
                    size_t words_bytes) {
    const char *words = status_name(st);
    char name[SEGMENT_NAME_BYTES];
    if (status_is(st, ST_OBJECT_NOT_IN_PREREQUISITE_STATE))
        words = s->crypt ? "it is not encrypted" : "it is encrypted, and no key is given";
    if (status_is(st, ST_STALE)) words = "the segment before it is missing";
    if (status_is(st, ST_DATA_CORRUPTED)) words = "its head or its length is not what it should be";
    segment_name(number, name);
    snprintf(ret_words, words_bytes, "log segment %s: %s", name, words);
}

static status remove_temporary(struct segments *s, const char *name) {
    status st = disk_file_remove(s->disk, s->dir, name);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

status segments_load(struct segments *s, char *ret_words, size_t words_bytes) {
    struct listing l = {0};
    void *block = NULL;
    s->count = 0;
    s->bytes = 0;
    status result = disk_dir_each(s->disk, s->dir, list_name, &l);
    if (ok(result) &&
        (l.out_of_memory || posix_memalign(&block, DISK_ALIGN, SEGMENT_HEAD_BYTES) != 0))
        result = STATUS(OUT_OF_MEMORY);
    if (ok(result) && l.count) qsort(l.numbers, l.count, sizeof *l.numbers, compare_numbers);
    for (unsigned i = 0; ok(result) && i < l.count; i++) {
        result = load_one(s, l.numbers[i], block);
        if (!ok(result)) say_why(s, l.numbers[i], result, ret_words, words_bytes);
    }
    if (ok(result) && s->count == 0) {
        snprintf(ret_words, words_bytes, "there are no log segments");
        result = STATUS(NOT_FOUND);
    }
    free(l.numbers);
    free(block);
    if (!ok(result)) return result;
    TRY(remove_temporary(s, SEGMENT_TEMPORARY));
    TRY(remove_temporary(s, SEGMENT_RESEALED));
    return disk_file_sync_dir(s->disk, s->dir); /* strangers that were removed stay so */
}

void segments_close(struct segments *s) {
    for (unsigned i = 0; i < s->count; i++) disk_file_close(s->list[i].file);
    free(s->list);
    s->list = NULL;
    s->count = s->capacity = 0;
}

/* Descriptors are few: the oldest open ones that nobody uses are closed when there are many. */
static void close_idle(struct segments *s) {
    unsigned open = 0;
    for (unsigned i = 0; i < s->count; i++) open += s->list[i].file != NULL;
    for (unsigned i = 0; i < s->count && open > OPEN_MAX; i++) {
        if (!s->list[i].file || s->list[i].users) continue;
        disk_file_close(s->list[i].file);
        s->list[i].file = NULL;
        open--;
    }
}

status segments_get(struct segments *s, uint64_t number, struct segment **ret_segment) {
    if (number < s->first || number >= s->first + s->count) return STATUS(NOT_FOUND);
    struct segment *segment = &s->list[number - s->first];
    if (!segment->file) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(number, name);
        close_idle(s);
        TRY(disk_file_open(s->disk, s->dir, name, false, &segment->file));
    }
    *ret_segment = segment;
    return OK;
}

status segments_push(struct segments *s, struct disk_file *file) {
    if (s->count == s->capacity) {
        unsigned capacity = s->capacity ? 2 * s->capacity : 64;
        struct segment *grown = realloc(s->list, capacity * sizeof *grown);
        if (!grown) return STATUS(OUT_OF_MEMORY);
        s->list = grown;
        s->capacity = capacity;
    }
    s->list[s->count++] = (struct segment){.file = file};
    return OK;
}

struct segment segments_shift(struct segments *s) {
    CHECK(s->count > 0 && s->list[0].users == 0);
    struct segment first = s->list[0];
    memmove(s->list, s->list + 1, --s->count * sizeof *s->list);
    s->first++;
    return first;
}

static status format_one(const struct segments *s, uint64_t number, void *block) {
    char name[SEGMENT_NAME_BYTES];
    struct disk_file *file;
    segment_name(number, name);
    TRY(disk_file_open(s->disk, s->dir, name, true, &file));
    uint64_t bytes;
    status result = disk_file_size(file, &bytes);
    if (ok(result) && bytes > 0) result = STATUS(EXISTS);
    if (ok(result)) result = disk_file_extend(file, 0, s->bytes);
    if (ok(result)) {
        segment_head_build(s, number, block);
        struct disk_io io = {.op = DISK_WRITE,
                             .file = file,
                             .buf = block,
                             .len = SEGMENT_HEAD_BYTES,
                             .durable = true};
        result = disk_do(s->disk, &io);
    }
    disk_file_close(file);
    return result;
}

status segment_make(const struct segments *s, uint64_t number) {
    void *block;
    if (posix_memalign(&block, DISK_ALIGN, SEGMENT_HEAD_BYTES) != 0) return STATUS(OUT_OF_MEMORY);
    status result = format_one(s, number, block);
    free(block);
    return result;
}

status segments_format(struct disk *disk, int dir, uint64_t appliance_id, uint64_t segment_bytes,
                       struct crypt *crypt) {
    struct segments s = {.disk = disk,
                         .dir = dir,
                         .crypt = crypt,
                         .appliance_id = appliance_id,
                         .bytes = segment_bytes};
    CHECK(segment_bytes >= SEGMENT_BYTES_MIN && segment_bytes % DISK_ALIGN == 0);
    for (uint64_t n = 0; n < FORMAT_SEGMENTS; n++) TRY(segment_make(&s, n));
    return disk_file_sync_dir(disk, dir);
}

char *segments_pack(const struct segments *s, uint64_t base, char *bytes, size_t n, char *out) {
    size_t file_bytes = segments_file_bytes(s, base, base + n);
    size_t whole = segments_block_up(s, base + n) - base;
    memset(bytes + n, 0, whole - n);
    if (!s->crypt) return bytes;
    size_t sealed = sectors_for(n) * SECTOR_BYTES;
    sectors_seal(s->crypt, CRYPT_LOG, base, bytes, n, out);
    memset(out + sealed, 0, file_bytes - sealed);
    return out;
}

bool segments_unpack(const struct segments *s, uint64_t base, char *blocks, size_t file_bytes) {
    return !s->crypt ||
           sectors_open(s->crypt, CRYPT_LOG, base, blocks, file_bytes / SECTOR_BYTES) == 0;
}
