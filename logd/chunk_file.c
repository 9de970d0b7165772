#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup/backup.h"
#include "logd.h"

status chunk_file_open(struct logd *l, const char *dir, const char *name, struct chunk_file *ret) {
    *ret = (struct chunk_file){.l = l, .dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (ret->dir < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    if (posix_memalign((void **)&ret->chunk, DISK_ALIGN, backup_chunk_room()) != 0)
        ret->chunk = NULL;
    ret->raw = malloc(BACKUP_RAW_MAX);
    status s = ret->raw && ret->chunk ? OK : STATUS(OUT_OF_MEMORY);
    if (ok(s)) s = disk_file_open(l->disk, ret->dir, name, true, &ret->file);
    if (!ok(s)) chunk_file_close(ret);
    return s;
}

void chunk_file_close(struct chunk_file *f) {
    if (f->file) disk_file_close(f->file);
    if (f->dir >= 0) close(f->dir);
    free(f->raw);
    free(f->chunk);
    *f = (struct chunk_file){.dir = -1};
}

static status request(struct chunk_file *f, struct disk_io io) {
    struct logd_io r = {.io = io};
    struct logd_io *list[] = {&r};
    r.io.file = f->file;
    return logd_await(f->l, list, 1);
}

static status put(struct chunk_file *f, struct backup_head h) {
    size_t bytes;
    h.appliance_id = f->l->segments.appliance_id;
    TRY(backup_pack(&h, f->raw, f->chunk, &bytes));
    TRY(request(
        f, (struct disk_io){.op = DISK_WRITE, .offset = f->offset, .buf = f->chunk, .len = bytes}));
    f->offset += bytes;
    return OK;
}

status chunk_file_log(struct chunk_file *f, uint64_t from, uint64_t end, uint64_t *ret_at) {
    uint64_t n = end - from < BACKUP_RAW_MAX ? end - from : BACKUP_RAW_MAX;
    TRY(read_bytes(f->l, from, n, f->raw));
    TRY(put(f, (struct backup_head){.kind = BACKUP_LOG, .at = from, .raw_bytes = (uint32_t)n}));
    f->chunks++;
    *ret_at = from + n;
    return OK;
}

status chunk_file_end(struct chunk_file *f, uint64_t at) {
    TRY(put(f, (struct backup_head){.kind = BACKUP_END, .count = f->chunks, .at = at}));
    TRY(request(f, (struct disk_io){.op = DISK_FLUSH}));
    return disk_file_sync_dir(f->l->disk, f->dir);
}
