#include "backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "crypt/crypt.h"

#define LEVEL 1 /* a daemon packs between its requests */
/* Before the frame of an encrypted chunk. */
#define SEALED_BYTES (sizeof(struct crypt_tail) + sizeof(struct backup_head))

static struct crypt *keys;

void backup_use_keys(struct crypt *c) {
    keys = c;
}

static size_t whole_blocks(size_t bytes) {
    return (bytes + BACKUP_ALIGN - 1) / BACKUP_ALIGN * BACKUP_ALIGN;
}

size_t backup_chunk_room(void) {
    return whole_blocks(sizeof(struct backup_head) + SEALED_BYTES +
                        ZSTD_compressBound(BACKUP_RAW_MAX));
}

static uint32_t chunk_crc(struct backup_head h, const void *packed) {
    h.crc = 0;
    return crc32c(crc32c(0, &h, sizeof h), packed, h.packed_bytes);
}

static bool is_to_be_sealed(const struct backup_head *h) {
    return keys && (h->kind == BACKUP_PAGES || h->kind == BACKUP_LOG);
}

/* packed: room for the tail and the head, then the frame. */
static void seal_packed(const struct backup_head *h, char *packed) {
    struct crypt_tail tail;
    char *content = packed + sizeof tail;
    memcpy(content, h, sizeof *h);
    crypt_seal(keys, CRYPT_CHUNK, h->at, content, content, h->packed_bytes - sizeof tail, &tail);
    memcpy(packed, &tail, sizeof tail);
}

status backup_pack(const struct backup_head *what, const void *raw, void *chunk,
                   size_t *ret_bytes) {
    struct backup_head h = *what;
    char *packed = (char *)chunk + sizeof h;
    size_t room = backup_chunk_room(), before = is_to_be_sealed(&h) ? SEALED_BYTES : 0;
    size_t n = ZSTD_compress(packed + before, room - sizeof h - before, raw, h.raw_bytes, LEVEL);
    if (ZSTD_isError(n)) return STATUS(OUT_OF_MEMORY);
    n += before;
    h.magic = BACKUP_MAGIC;
    h.format = BACKUP_FORMAT;
    h.packed_bytes = (uint32_t)n;
    h.sealed = before > 0;
    h.crc = 0;
    if (before) seal_packed(&h, packed);
    h.crc = chunk_crc(h, packed);
    memcpy(chunk, &h, sizeof h);
    *ret_bytes = whole_blocks(sizeof h + n);
    memset(packed + n, 0, *ret_bytes - sizeof h - n);
    return OK;
}

status backup_look(const void *chunk, struct backup_head *ret_head, size_t *ret_bytes) {
    memcpy(ret_head, chunk, sizeof *ret_head);
    const struct backup_head *h = ret_head;
    if (h->magic != BACKUP_MAGIC || h->format != BACKUP_FORMAT || h->raw_bytes > BACKUP_RAW_MAX ||
        h->packed_bytes > backup_chunk_room() - sizeof *h)
        return STATUS(DATA_CORRUPTED);
    *ret_bytes = whole_blocks(sizeof *h + h->packed_bytes);
    return OK;
}

static bool all_zero(const char *from, const char *end) {
    while (from < end && *from == 0) from++;
    return from == end;
}

/* The frame of an encrypted chunk into `frame`, which has backup_chunk_room(). */
static status open_packed(const struct backup_head *h, const char *packed, char *frame,
                          size_t *ret_bytes) {
    struct crypt_tail tail;
    struct backup_head inside, outside = *h;
    if (h->packed_bytes < SEALED_BYTES) return STATUS(DATA_CORRUPTED);
    size_t n = h->packed_bytes - sizeof tail;
    memcpy(&tail, packed, sizeof tail);
    TRY(crypt_open(keys, CRYPT_CHUNK, h->at, packed + sizeof tail, frame, n, &tail));
    memcpy(&inside, frame, sizeof inside);
    outside.crc = 0;
    if (memcmp(&inside, &outside, sizeof inside) != 0) return STATUS(DATA_CORRUPTED);
    *ret_bytes = n;
    return OK;
}

static status unpack(const struct backup_head *h, const char *packed, void *raw, size_t *ret_n) {
    if (h->sealed == 0) {
        if (is_to_be_sealed(h)) return STATUS(DATA_CORRUPTED);
        *ret_n = ZSTD_decompress(raw, BACKUP_RAW_MAX, packed, h->packed_bytes);
        return OK;
    }
    if (!keys) return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    char *frame = malloc(backup_chunk_room());
    size_t n = 0;
    status st = frame ? open_packed(h, packed, frame, &n) : STATUS(OUT_OF_MEMORY);
    if (ok(st)) *ret_n = ZSTD_decompress(raw, BACKUP_RAW_MAX, frame + sizeof *h, n - sizeof *h);
    free(frame);
    return st;
}

status backup_unpack(const void *chunk, struct backup_head *ret_head, void *raw) {
    size_t bytes;
    TRY(backup_look(chunk, ret_head, &bytes));
    const struct backup_head *h = ret_head;
    const char *packed = (const char *)chunk + sizeof *h;
    if (chunk_crc(*h, packed) != h->crc) return STATUS(DATA_CORRUPTED);
    if (!all_zero(packed + h->packed_bytes, (const char *)chunk + bytes))
        return STATUS(DATA_CORRUPTED);
    size_t n;
    TRY(unpack(h, packed, raw, &n));
    bool fits = !ZSTD_isError(n) && n == h->raw_bytes;
    if (h->kind == BACKUP_PAGES)
        fits = fits && n == h->count * (size_t)(PAGE_BYTES + 8);
    else if (h->kind == BACKUP_INDEX)
        fits = fits && n == h->count * sizeof(struct backup_place);
    else if (h->kind < BACKUP_LOG || h->kind > BACKUP_INDEX)
        fits = false;
    return fits ? OK : STATUS(DATA_CORRUPTED);
}

struct backup_reader {
    int fd;
    uint32_t chunks;
    uint64_t next_at; /* of a log: where the next chunk begins; 0: there was none */
    bool ended;
    char *chunk, *raw;
};

status backup_open(const char *path, struct backup_reader **ret) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    struct backup_reader *r = calloc(1, sizeof *r);
    if (r) r->chunk = malloc(backup_chunk_room());
    if (r) r->raw = malloc(BACKUP_RAW_MAX);
    if (!r || !r->chunk || !r->raw) {
        close(fd);
        if (r) r->fd = -1;
        backup_close(r);
        return STATUS(OUT_OF_MEMORY);
    }
    r->fd = fd;
    *ret = r;
    return OK;
}

void backup_close(struct backup_reader *r) {
    if (!r) return;
    if (r->fd >= 0) close(r->fd);
    free(r->chunk);
    free(r->raw);
    free(r);
}

status backup_read_whole(int fd, void *to, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, (char *)to + done, n - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return STATUS(IO_ERROR);
        if (got == 0) return STATUS(DATA_CORRUPTED);
        done += (size_t)got;
    }
    return OK;
}

/* A log's chunks follow one another; the end knows what came before it. */
static bool follows(const struct backup_reader *r, const struct backup_head *h) {
    if (h->kind == BACKUP_END) return h->count == r->chunks && (!r->next_at || h->at == r->next_at);
    return h->kind == BACKUP_PAGES || h->kind == BACKUP_INDEX ||
           (h->kind == BACKUP_LOG && (!r->next_at || h->at == r->next_at));
}

status backup_next(struct backup_reader *r, struct backup_head *ret_head, const void **ret_raw) {
    size_t bytes;
    if (r->ended) return STATUS(END);
    TRY(backup_read_whole(r->fd, r->chunk, BACKUP_ALIGN));
    TRY(backup_look(r->chunk, ret_head, &bytes));
    TRY(backup_read_whole(r->fd, r->chunk + BACKUP_ALIGN, bytes - BACKUP_ALIGN));
    TRY(backup_unpack(r->chunk, ret_head, r->raw));
    if (!follows(r, ret_head)) return STATUS(DATA_CORRUPTED);
    if (ret_head->kind == BACKUP_END) {
        r->ended = true;
        return STATUS(END);
    }
    r->chunks++;
    if (ret_head->kind == BACKUP_LOG) r->next_at = ret_head->at + ret_head->raw_bytes;
    *ret_raw = r->raw;
    return OK;
}
