/* Log that only the archive has: pages whose images are old, and old versions, reach back further
 * than the segments that are kept. One archived segment at a time is open, and is read by one
 * coroutine at a time; where its chunks lie is learned from their heads as far as it is needed. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "logd.h"

#define POLL_NS 500000u

static void close_segment(struct archive_reader *r) {
    if (r->file) disk_file_close(r->file);
    if (r->dir >= 0) close(r->dir);
    r->file = NULL;
    r->dir = -1;
    r->known = 0;
    r->raw_bytes = 0;
}

static status open_segment(struct logd *l, uint64_t number) {
    struct archive_reader *r = &l->archive.reader;
    char name[SEGMENT_NAME_BYTES];
    if (r->file && r->number == number) return OK;
    close_segment(r);
    archive_name(number, name);
    r->dir = open(l->archive.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->dir < 0) return STATUS(NOT_FOUND);
    TRY(disk_file_open(l->disk, r->dir, name, false, &r->file));
    r->number = number;
    return OK;
}

static status read_file(struct logd *l, uint64_t offset, size_t bytes) {
    struct archive_reader *r = &l->archive.reader;
    struct logd_io io = {
        .io = {.op = DISK_READ, .file = r->file, .offset = offset, .buf = r->chunk, .len = bytes}};
    struct logd_io *list[] = {&io};
    return logd_await(l, list, 1);
}

/* Notes where the next chunk lies, and what it holds. */
static status learn(struct logd *l) {
    struct archive_reader *r = &l->archive.reader;
    const struct archive_place *last = r->known ? &r->place[r->known - 1] : NULL;
    struct backup_head h;
    size_t bytes;
    uint64_t offset = last ? last->offset + last->bytes : 0;
    if (r->known == r->places) return STATUS(DATA_CORRUPTED);
    TRY(read_file(l, offset, BACKUP_ALIGN));
    TRY(backup_look(r->chunk, &h, &bytes));
    if (h.appliance_id != l->segments.appliance_id) return STATUS(OBJECT_IN_USE);
    if (h.kind != BACKUP_LOG || (last && h.at != last->end)) return STATUS(DATA_CORRUPTED);
    r->place[r->known++] = (struct archive_place){
        .at = h.at, .end = h.at + h.raw_bytes, .offset = offset, .bytes = (uint32_t)bytes};
    return OK;
}

/* The chunk that holds `at`, unpacked. */
static status get_chunk(struct logd *l, uint64_t at) {
    struct archive_reader *r = &l->archive.reader;
    struct backup_head h;
    unsigned i = 0;
    if (r->raw_bytes && at >= r->raw_at && at < r->raw_at + r->raw_bytes) return OK;
    r->raw_bytes = 0;
    for (;; i++) {
        if (i == r->known) TRY(learn(l));
        if (at < r->place[i].at) return STATUS(DATA_CORRUPTED);
        if (at < r->place[i].end) break;
    }
    TRY(read_file(l, r->place[i].offset, r->place[i].bytes));
    TRY(backup_unpack(r->chunk, &h, r->raw));
    if (h.at != r->place[i].at || h.at + h.raw_bytes != r->place[i].end)
        return STATUS(DATA_CORRUPTED); /* it has been exchanged meanwhile */
    r->raw_at = h.at;
    r->raw_bytes = h.raw_bytes;
    return OK;
}

static status make_room(struct logd *l) {
    struct archive_reader *r = &l->archive.reader;
    if (r->raw) return OK;
    r->dir = -1;
    r->places = (unsigned)(segment_payload(&l->segments) / BACKUP_RAW_MAX + 2);
    r->place = malloc(r->places * sizeof *r->place);
    if (posix_memalign((void **)&r->chunk, DISK_ALIGN, backup_chunk_room()) != 0) r->chunk = NULL;
    if (r->place && r->chunk) r->raw = malloc(BACKUP_RAW_MAX);
    if (r->raw) return OK;
    archive_read_fini(l);
    return STATUS(OUT_OF_MEMORY);
}

static status read_pieces(struct logd *l, uint64_t from, uint64_t to, char *buf) {
    struct archive_reader *r = &l->archive.reader;
    TRY(make_room(l));
    TRY(open_segment(l, segment_of(&l->segments, from)));
    while (from < to) {
        TRY(get_chunk(l, from));
        uint64_t end = r->raw_at + r->raw_bytes;
        size_t n = (size_t)((end < to ? end : to) - from);
        memcpy(buf, r->raw + (from - r->raw_at), n);
        buf += n;
        from += n;
    }
    return OK;
}

status archive_read(struct logd *l, uint64_t from, uint64_t to, char *buf) {
    struct archive_reader *r = &l->archive.reader;
    if (!l->archive.path) return STATUS(STALE);
    while (r->busy) {
        if (l->stopping) return STATUS(QUERY_CANCELED);
        daemon_sleep(l->d, POLL_NS);
    }
    r->busy = true;
    status s = read_pieces(l, from, to, buf);
    r->busy = false;
    if (ok(s)) return OK;
    close_segment(r); /* another time it may be whole */
    if (!status_is(s, ST_NOT_FOUND) && !status_is(s, ST_QUERY_CANCELED))
        fprintf(stderr, "logd: log segment %016" PRIx64 " in \"%s\" cannot be read: %s\n",
                segment_of(&l->segments, from), l->archive.path, status_name(s));
    return STATUS(STALE);
}

void archive_read_fini(struct logd *l) {
    struct archive_reader *r = &l->archive.reader;
    if (r->raw) close_segment(r);
    free(r->place);
    free(r->chunk);
    free(r->raw);
    *r = (struct archive_reader){.dir = -1};
}
