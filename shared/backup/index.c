#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/bytes.h"

status backup_index_put(struct backup_index *x, struct backup_place place) {
    if (x->count == x->capacity) {
        size_t capacity = x->capacity ? 2 * x->capacity : 1024;
        struct backup_place *grown = realloc(x->place, capacity * sizeof *grown);
        if (!grown) return STATUS(OUT_OF_MEMORY);
        x->place = grown;
        x->capacity = capacity;
    }
    x->place[x->count++] = place;
    return OK;
}

status backup_index_begin(struct backup_index *x, const struct backup_head *h, const void *raw,
                          uint64_t file_bytes) {
    if (h->kind != BACKUP_END || h->raw_bytes != 8) return STATUS(DATA_CORRUPTED);
    uint64_t begin = load_le64(raw);
    if (begin % BACKUP_ALIGN != 0 || begin >= file_bytes) return STATUS(DATA_CORRUPTED);
    x->begin = begin;
    return OK;
}

static bool place_follows(const struct backup_index *x, struct backup_place p) {
    const struct backup_place *last = x->count ? &x->place[x->count - 1] : NULL;
    if (p.offset % BACKUP_ALIGN != 0 || p.offset >= x->begin) return false;
    return last ? p.page > last->page && p.offset > last->offset : p.offset == 0;
}

status backup_index_take(struct backup_index *x, const struct backup_head *h, const void *raw) {
    if (h->kind != BACKUP_INDEX) return STATUS(DATA_CORRUPTED);
    for (uint32_t i = 0; i < h->count; i++) {
        struct backup_place p;
        memcpy(&p, (const char *)raw + i * sizeof p, sizeof p);
        if (!place_follows(x, p)) return STATUS(DATA_CORRUPTED);
        TRY(backup_index_put(x, p));
    }
    return OK;
}

status backup_index_find(const struct backup_index *x, uint64_t page, uint64_t *ret_offset,
                         uint64_t *ret_bytes) {
    size_t low = 0, high = x->count; /* the first place of a later page lies in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->place[middle].page <= page)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return STATUS(NOT_FOUND);
    uint64_t end = low < x->count ? x->place[low].offset : x->begin;
    *ret_offset = x->place[low - 1].offset;
    *ret_bytes = end - *ret_offset;
    return OK;
}

void backup_index_fini(struct backup_index *x) {
    free(x->place);
    *x = (struct backup_index){0};
}

const void *backup_page(const struct backup_head *h, const void *raw, uint64_t page) {
    if (h->kind != BACKUP_PAGES) return NULL;
    for (uint32_t i = 0; i < h->count; i++)
        if (load_le64((const char *)raw + i * sizeof(uint64_t)) == page)
            return (const char *)raw + h->count * sizeof(uint64_t) + i * (size_t)PAGE_BYTES;
    return NULL;
}

/* ---- from a file, for restoring ---- */

static status read_chunk(int fd, uint64_t at, char *chunk, struct backup_head *ret_head, char *raw,
                         uint64_t *ret_next) {
    size_t bytes;
    if (lseek(fd, (off_t)at, SEEK_SET) < 0) return STATUS(IO_ERROR);
    TRY(backup_read_whole(fd, chunk, BACKUP_ALIGN));
    TRY(backup_look(chunk, ret_head, &bytes));
    TRY(backup_read_whole(fd, chunk + BACKUP_ALIGN, bytes - BACKUP_ALIGN));
    *ret_next = at + bytes;
    return backup_unpack(chunk, ret_head, raw);
}

static status load_from(struct backup_index *x, int fd, char *chunk, char *raw) {
    struct stat st;
    struct backup_head h;
    uint64_t next;
    if (fstat(fd, &st) != 0) return STATUS(IO_ERROR);
    if (st.st_size < BACKUP_ALIGN) return STATUS(DATA_CORRUPTED);
    uint64_t end = (uint64_t)st.st_size - BACKUP_ALIGN;
    TRY(read_chunk(fd, end, chunk, &h, raw, &next));
    TRY(backup_index_begin(x, &h, raw, (uint64_t)st.st_size));
    for (uint64_t at = x->begin; at < end; at = next) {
        TRY(read_chunk(fd, at, chunk, &h, raw, &next));
        TRY(backup_index_take(x, &h, raw));
    }
    return OK;
}

status backup_index_load(struct backup_index *x, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    char *chunk = malloc(backup_chunk_room()), *raw = malloc(BACKUP_RAW_MAX);
    status s = chunk && raw ? load_from(x, fd, chunk, raw) : STATUS(OUT_OF_MEMORY);
    free(chunk);
    free(raw);
    close(fd);
    return s;
}
