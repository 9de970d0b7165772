/* offline_log.c: the log's segments, read only. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/sector.h"
#include "fmt/record_find.h"
#include "offline.h"

/* Bytes of log in a block of a segment, and in a whole segment. */
static uint64_t block_payload(const struct offline_log *l) {
    return l->crypt ? SEGMENT_BLOCK_SEALED : SEGMENT_BLOCK_PLAIN;
}
static uint64_t payload(const struct offline_log *l) {
    return (l->bytes - SEGMENT_HEAD_BYTES) / SEGMENT_BLOCK_BYTES * block_payload(l);
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The numbers of all files that are called like a segment, in order. */
static status list_segments(struct offline_log *l) {
    DIR *d = fdopendir(dup(l->dir));
    if (!d) return STATUS(IO_ERROR);
    status st = OK;
    unsigned capacity = 0;
    for (struct dirent *e; ok(st) && (e = readdir(d));) {
        unsigned long long number;
        int end = 0;
        if (sscanf(e->d_name, "%16llx.seg%n", &number, &end) != 1 || e->d_name[end] || end != 20)
            continue;
        if (l->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            uint64_t *grown = realloc(l->numbers, capacity * sizeof *grown);
            if (!grown)
                st = STATUS(OUT_OF_MEMORY);
            else
                l->numbers = grown;
        }
        if (ok(st)) l->numbers[l->count++] = number;
    }
    closedir(d);
    if (l->count) qsort(l->numbers, l->count, sizeof *l->numbers, by_number);
    return st;
}

static bool head_good(const struct offline *o, int file, uint64_t number, uint64_t *ret_bytes) {
    _Alignas(8) char block[SEGMENT_HEAD_BYTES];
    struct segment_head h;
    struct stat st;
    if (pread(file, block, sizeof block, 0) != sizeof block || !ok(segment_head_verify(block)))
        return false;
    memcpy(&h, block, sizeof h);
    *ret_bytes = h.bytes;
    bool sealed = h.format & SEGMENT_SEALED;
    return fstat(file, &st) == 0 && (uint64_t)st.st_size == h.bytes && h.number == number &&
           h.appliance_id == o->appliance_id && sealed == (o->crypt != NULL);
}

/* What follows a gap counts, what lies before it does not. */
static void open_segments(struct offline *o) {
    struct offline_log *l = &o->log;
    unsigned kept = 0;
    for (unsigned i = 0; i < l->count; i++) {
        char name[SEGMENT_NAME_BYTES];
        uint64_t bytes = 0;
        snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)l->numbers[i]);
        int file = openat(l->dir, name, O_RDONLY | O_CLOEXEC);
        bool good = file >= 0 && head_good(o, file, l->numbers[i], &bytes) &&
                    (l->bytes == 0 || l->bytes == bytes);
        if (!good) {
            snprintf(l->spoilt, sizeof l->spoilt, "the head or the length of segment %s is damaged",
                     name);
            if (file >= 0) close(file);
            continue;
        }
        if (kept && l->numbers[i] != l->numbers[kept - 1] + 1) {
            snprintf(l->spoilt, sizeof l->spoilt, "segments before %s are missing", name);
            while (kept) close(l->files[--kept]);
        }
        l->bytes = bytes;
        l->numbers[kept] = l->numbers[i];
        l->files[kept++] = file;
    }
    l->count = kept;
}

status offline_log_open(struct axl *a, struct offline *o) {
    struct offline_log *l = &o->log;
    char path[AXL_PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/log", a->dir);
    l->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir < 0) {
        snprintf(l->spoilt, sizeof l->spoilt, "there is no directory of the log");
        return OK;
    }
    TRY(list_segments(l));
    l->crypt = o->crypt;
    if (l->crypt && !(l->opened = malloc(sizeof *l->opened))) return STATUS(OUT_OF_MEMORY);
    if (l->opened) l->opened->file = -1;
    l->files = calloc(l->count + 1u, sizeof *l->files);
    if (!l->files) return STATUS(OUT_OF_MEMORY);
    open_segments(o);
    if (l->count == 0) return OK;
    l->begin = LOG_FIRST.at + l->numbers[0] * payload(l);
    l->end = LOG_FIRST.at + (l->numbers[l->count - 1] + 1) * payload(l);
    return OK;
}

void offline_log_close(struct offline_log *l) {
    for (unsigned i = 0; i < l->count; i++) close(l->files[i]);
    if (l->dir >= 0) close(l->dir);
    free(l->files);
    free(l->numbers);
    free(l->opened);
}

/* Block `block` of the file, whose log begins at `position`, into l->opened. */
static status open_block(const struct offline_log *l, int file, uint64_t block, uint64_t position) {
    struct offline_block *b = l->opened;
    if (b->file == file && b->block == block) return OK;
    b->file = -1;
    off_t offset = (off_t)(SEGMENT_HEAD_BYTES + block * SEGMENT_BLOCK_BYTES);
    if (pread(file, b->bytes, sizeof b->bytes, offset) != sizeof b->bytes) return STATUS(IO_ERROR);
    (void)sectors_open(l->crypt, CRYPT_LOG, position, b->bytes, SEGMENT_BLOCK_SECTORS);
    b->file = file;
    b->block = block;
    return OK;
}

/* At most n bytes at `at`, which lies `offset` bytes of log behind the segment's first; what there
 * is of its block, when it is encrypted. */
static status read_part(const struct offline_log *l, int file, uint64_t at, uint64_t offset,
                        char *to, size_t n) {
    if (!l->crypt) {
        bool whole = pread(file, to, n, (off_t)(SEGMENT_HEAD_BYTES + offset)) == (ssize_t)n;
        return whole ? OK : STATUS(IO_ERROR);
    }
    uint64_t within = offset % block_payload(l);
    TRY(open_block(l, file, offset / block_payload(l), at - within));
    memcpy(to, l->opened->bytes + within, n);
    return OK;
}

static status read_bytes(const struct offline_log *l, uint64_t at, char *to, size_t n) {
    while (n > 0) {
        if (at < l->begin || at >= l->end) return STATUS(NOT_FOUND);
        uint64_t segment = (at - LOG_FIRST.at) / payload(l);
        uint64_t offset = (at - LOG_FIRST.at) % payload(l), room = payload(l) - offset;
        if (l->crypt) room = block_payload(l) - offset % block_payload(l);
        size_t part = room < n ? room : n;
        TRY(read_part(l, l->files[segment - l->numbers[0]], at, offset, to, part));
        at += part;
        to += part;
        n -= part;
    }
    return OK;
}

status offline_record(const struct offline_log *l, uint64_t at, void *buf) {
    struct rec_head *r = buf;
    if (l->count == 0 || at % 8 != 0) return STATUS(NOT_FOUND);
    TRY(read_bytes(l, at, buf, sizeof *r));
    if (r->len < sizeof *r || r->len > REC_BYTES_MAX || r->len % 8 != 0) return STATUS(NOT_FOUND);
    TRY(read_bytes(l, at + sizeof *r, (char *)buf + sizeof *r, r->len - sizeof *r));
    bool good = ok(rec_valid(r, r->len)) && rec_crc(r, (lsn){at}) == r->crc;
    return good ? OK : STATUS(NOT_FOUND);
}

uint64_t offline_log_behind(const struct offline_log *l, uint64_t end) {
    char *buf = malloc(LOG_LOOK_BYTES);
    uint64_t at = end + LOG_WRITE_REACH, found = 0;
    if (buf && at < l->end) {
        size_t n = l->end - at < LOG_LOOK_BYTES ? (size_t)(l->end - at) : LOG_LOOK_BYTES;
        size_t offset = ok(read_bytes(l, at, buf, n)) ? rec_find(buf, n, (lsn){at}) : n;
        if (offset < n) found = at + offset;
    }
    free(buf);
    return found;
}
