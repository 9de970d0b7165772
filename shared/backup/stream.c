#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/crc32c.h"

struct backup_stream {
    int fd;
    uint32_t chunks, sum; /* that came so far; the CRC-32C of their bytes */
    bool ended;
    char *chunk, *raw;
};

status backup_stream_open(int fd, struct backup_stream **ret) {
    struct backup_stream *s = calloc(1, sizeof *s);
    if (s) s->chunk = malloc(backup_chunk_room());
    if (s) s->raw = malloc(BACKUP_RAW_MAX);
    if (!s || !s->chunk || !s->raw) {
        backup_stream_close(s);
        return STATUS(OUT_OF_MEMORY);
    }
    s->fd = fd;
    *ret = s;
    return OK;
}

void backup_stream_close(struct backup_stream *s) {
    if (!s) return;
    free(s->chunk);
    free(s->raw);
    free(s);
}

static status take_manifest(struct backup_stream *s, const struct backup_head *h) {
    char more;
    if (h->count != s->chunks || h->at != s->sum) return STATUS(DATA_CORRUPTED);
    if (read(s->fd, &more, 1) != 0) return STATUS(DATA_CORRUPTED);
    s->ended = true;
    return OK;
}

status backup_stream_next(struct backup_stream *s, struct backup_piece *ret) {
    struct backup_piece p = {.chunk = s->chunk, .raw = s->raw};
    if (s->ended) return STATUS(END);
    TRY(backup_read_whole(s->fd, s->chunk, BACKUP_ALIGN));
    TRY(backup_look(s->chunk, &p.head, &p.bytes));
    TRY(backup_read_whole(s->fd, s->chunk + BACKUP_ALIGN, p.bytes - BACKUP_ALIGN));
    status st = backup_unpack(s->chunk, &p.head, s->raw);
    bool content = p.head.kind == BACKUP_PAGES || p.head.kind == BACKUP_LOG;
    if (content && status_is(st, ST_OBJECT_NOT_IN_PREREQUISITE_STATE))
        p.raw = NULL; /* whoever has the keys looks into it */
    else
        TRY(st);
    if (p.head.kind == BACKUP_MANIFEST_TEXT) TRY(take_manifest(s, &p.head));
    s->sum = crc32c(s->sum, s->chunk, p.bytes);
    s->chunks++;
    *ret = p;
    return OK;
}
