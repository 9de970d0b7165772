/* The archive: a copy of every segment of the log, made as soon as the log has gone beyond it, in a
 * directory of its own (setting archive_directory). A segment is kept until its copy is durable. A
 * copy has its name only when it is whole. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/archive_keys.h"
#include "backup/backup.h"
#include "conf/conf.h"
#include "logd.h"

#define LOOK_NS 100000000u
#define RETRY_NS 1000000000u
#define TEMPORARY "archive.tmp"

void archive_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]) {
    snprintf(ret_name, SEGMENT_NAME_BYTES, "%016" PRIx64 ".log", number);
}

/* NOT_FOUND; OBJECT_IN_USE: of another appliance's log, which is not to be overwritten. */
static status find_copy(const struct logd *l, uint64_t number) {
    char path[CONF_TEXT_BYTES + SEGMENT_NAME_BYTES + 1], name[SEGMENT_NAME_BYTES];
    struct backup_reader *r;
    struct backup_head h;
    const void *raw;
    archive_name(number, name);
    snprintf(path, sizeof path, "%s/%s", l->archive.path, name);
    TRY(backup_open(path, &r));
    status s = backup_next(r, &h, &raw);
    backup_close(r);
    if (ok(s) && h.appliance_id != l->segments.appliance_id) s = STATUS(OBJECT_IN_USE);
    return s;
}

static status copy(struct logd *l, struct chunk_file *f, uint64_t number) {
    char name[SEGMENT_NAME_BYTES];
    uint64_t at = segment_start(&l->segments, number);
    uint64_t end = segment_start(&l->segments, number + 1);
    while (at < end) {
        if (l->stopping) return STATUS(QUERY_CANCELED);
        TRY(chunk_file_log(f, at, end, &at));
    }
    TRY(chunk_file_end(f, at));
    archive_name(number, name);
    TRY(disk_file_rename(l->disk, f->dir, TEMPORARY, name));
    return disk_file_sync_dir(l->disk, f->dir);
}

static status archive_one(struct logd *l, uint64_t number) {
    struct archive *a = &l->archive;
    int dir = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return STATUS(NOT_FOUND);
    status s = disk_file_remove(l->disk, dir, TEMPORARY); /* of an attempt that failed */
    close(dir);
    if (!ok(s) && !status_is(s, ST_NOT_FOUND)) return s;
    if (l->segments.crypt) TRY(backup_archive_keys_write(a->path, l->d->data_dir));
    TRY(chunk_file_open(l, a->path, TEMPORARY, &a->out));
    s = copy(l, &a->out, number);
    chunk_file_close(&a->out);
    return s;
}

/* Said once, until it has worked again. */
static void told(struct archive *a, uint64_t number, status s) {
    if (a->failure.code == s.code || status_is(s, ST_QUERY_CANCELED)) return;
    if (ok(s))
        fprintf(stderr, "logd: the log is archived again\n");
    else
        fprintf(stderr, "logd: log segment %016" PRIx64 " could not be archived in \"%s\": %s\n",
                number, a->path, status_name(s));
    a->failure = s;
}

static void archive_task(void *arg) {
    struct logd *l = arg;
    struct archive *a = &l->archive;
    while (!l->stopping) {
        uint64_t durable = atomic_load(&l->shared->durable);
        uint64_t next = a->next > l->segments.first ? a->next : l->segments.first;
        if (!l->serving || next >= segment_of(&l->segments, durable)) {
            daemon_sleep(l->d, LOOK_NS);
            continue;
        }
        status s = find_copy(l, next);
        if (status_is(s, ST_NOT_FOUND) || status_is(s, ST_DATA_CORRUPTED)) s = archive_one(l, next);
        told(a, next, s);
        if (ok(s))
            a->next = next + 1;
        else
            daemon_sleep(l->d, RETRY_NS);
    }
}

status archive_begin(struct logd *l) {
    struct archive *a = &l->archive;
    a->out.dir = -1;
    atomic_store(&l->shared->segment_bytes, segment_payload(&l->segments));
    atomic_store(&l->shared->archived, l->d->conf && l->d->conf->archive_directory[0]);
    if (!l->d->conf || !l->d->conf->archive_directory[0]) return OK;
    a->path = l->d->conf->archive_directory;
    return daemon_spawn(l->d, 0, archive_task, l);
}

uint64_t archive_keeps(const struct logd *l) {
    return l->archive.path ? segment_start(&l->segments, l->archive.next) : UINT64_MAX;
}

void archive_fini(struct logd *l) {
    if (l->archive.path) chunk_file_close(&l->archive.out);
    archive_read_fini(l);
}
