#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/control.h"
#include "fmt/page.h"
#include "storaged.h"

/* Images of pages out of the backups that the directory's record names (backup/backup.h), the
 * newest first. They are opened when a page is wanted from there, and again when the record is
 * another one; a backup that has gone away meanwhile is only missed. While the directory is being
 * restored (fetch.c) there is one record, which only this process changes. Chunks that were
 * unpacked are kept for a while, because neighbours are often wanted next. */

#define CHUNKS_KEPT 32
#define POLL_NS 1000000u
#define BUSY_NS 100000u

struct source_file {
    int dirfd;
    struct disk_file *file; /* its pages */
    uint64_t bytes;
    struct backup_index index;
};

struct source_chunk {
    unsigned file;
    uint64_t offset, used;
    bool busy; /* is being read */
    struct backup_head head;
    char *raw; /* NULL: empty place */
};

struct source {
    uint64_t appliance_id; /* whose backups they are */
    ino_t record;          /* which record it was; each is a new file */
    struct timespec record_time;
    unsigned count, users; /* files; coroutines that read in them */
    bool opening;
    struct source_file file[BACKUP_CHAIN_MAX];
    struct source_chunk chunk[CHUNKS_KEPT];
    uint64_t clock;
};

/* ---- opening --------------------------------------------------------------------------------- */

/* Backups of another appliance have its keys, or none. */
static status unpack(struct storaged *s, const void *chunk, struct backup_head *ret_head,
                     void *raw) {
    bool own = s->source->appliance_id == s->shm->control->appliance_id;
    backup_use_keys(own ? s->crypt : s->backup_crypt);
    status st = backup_unpack(chunk, ret_head, raw);
    backup_use_keys(s->crypt);
    return st;
}

static status read_chunk(struct storaged *s, struct source_file *f, uint64_t offset, uint64_t bytes,
                         struct backup_head *ret_head, char *raw) {
    char *chunk = io_buffer(backup_chunk_room());
    size_t length;
    if (!chunk) return STATUS(OUT_OF_MEMORY);
    status st =
        bytes <= backup_chunk_room() && offset + bytes <= f->bytes ? OK : STATUS(DATA_CORRUPTED);
    if (ok(st))
        st = io_run_one(
            s, (struct disk_io){
                   .op = DISK_READ, .file = f->file, .offset = offset, .buf = chunk, .len = bytes});
    if (ok(st)) st = backup_look(chunk, ret_head, &length);
    if (ok(st) && length != bytes) st = STATUS(DATA_CORRUPTED);
    if (ok(st)) st = unpack(s, chunk, ret_head, raw);
    if (ok(st) && ret_head->appliance_id != s->source->appliance_id) st = STATUS(OBJECT_IN_USE);
    free(chunk);
    return st;
}

/* How long the chunk is that begins there. */
static status chunk_length(struct storaged *s, struct source_file *f, uint64_t at,
                           size_t *ret_bytes) {
    struct backup_head h;
    char *block = io_buffer(BACKUP_ALIGN);
    if (!block) return STATUS(OUT_OF_MEMORY);
    status st = io_run_one(
        s, (struct disk_io){
               .op = DISK_READ, .file = f->file, .offset = at, .buf = block, .len = BACKUP_ALIGN});
    if (ok(st)) st = backup_look(block, &h, ret_bytes);
    free(block);
    return st;
}

static status read_index(struct storaged *s, struct source_file *f, char *raw) {
    struct backup_head h;
    if (f->bytes < BACKUP_ALIGN || f->bytes % BACKUP_ALIGN != 0) return STATUS(DATA_CORRUPTED);
    uint64_t end = f->bytes - BACKUP_ALIGN;
    TRY(read_chunk(s, f, end, BACKUP_ALIGN, &h, raw));
    TRY(backup_index_begin(&f->index, &h, raw, f->bytes));
    for (uint64_t at = f->index.begin; at < end;) {
        size_t bytes;
        TRY(chunk_length(s, f, at, &bytes));
        TRY(read_chunk(s, f, at, bytes, &h, raw));
        TRY(backup_index_take(&f->index, &h, raw));
        at += bytes;
    }
    return OK;
}

static status open_file(struct storaged *s, const char *dir, struct source_file *f, char *raw) {
    f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dirfd < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    TRY(disk_file_open(s->disk, f->dirfd, BACKUP_PAGES_FILE, false, &f->file));
    TRY(disk_file_size(f->file, &f->bytes));
    return read_index(s, f, raw);
}

static void close_files(struct source *x) {
    for (unsigned i = 0; i < x->count; i++) {
        if (x->file[i].file) disk_file_close(x->file[i].file);
        if (x->file[i].dirfd >= 0) close(x->file[i].dirfd);
        backup_index_fini(&x->file[i].index);
    }
    for (unsigned i = 0; i < CHUNKS_KEPT; i++) {
        free(x->chunk[i].raw);
        x->chunk[i] = (struct source_chunk){0};
    }
    x->count = 0;
    x->record = 0;
}

/* All of a record, or none. */
static status open_all(struct storaged *s, const struct backup_record *r) {
    struct source *x = s->source;
    char *raw = malloc(BACKUP_RAW_MAX);
    status st = raw ? OK : STATUS(OUT_OF_MEMORY);
    x->appliance_id = r->appliance_id;
    for (unsigned i = r->count; i > 0 && ok(st); i--) {
        struct source_file *f = &x->file[x->count++];
        *f = (struct source_file){.dirfd = -1};
        st = open_file(s, r->dir[i - 1], f, raw);
        if (!ok(st))
            storaged_say("the backup in %s cannot be used: %s", r->dir[i - 1], status_name(st));
    }
    free(raw);
    return st;
}

static const char *record_name(const struct storaged *s) {
    return s->fetch.active ? BACKUP_RESTORING : BACKUP_RECORD;
}

static status open_record(struct storaged *s, const struct stat *now) {
    struct source *x = s->source;
    struct backup_record r;
    status st = backup_record_read(s->d->data_dir, record_name(s), &r);
    close_files(x);
    if (ok(st)) {
        st = open_all(s, &r);
        backup_record_fini(&r);
    }
    if (!ok(st)) {
        close_files(x);
        return st;
    }
    x->record = now->st_ino;
    x->record_time = now->st_mtim;
    return OK;
}

static bool is_open(const struct source *x, const struct stat *now) {
    return x->record == now->st_ino && x->record_time.tv_sec == now->st_mtim.tv_sec &&
           x->record_time.tv_nsec == now->st_mtim.tv_nsec;
}

/* The backups that are named now. While somebody reads in others, those are as good. */
static status make_ready(struct storaged *s) {
    struct stat now;
    if (!s->source) s->source = calloc(1, sizeof *s->source);
    struct source *x = s->source;
    if (!x) return STATUS(OUT_OF_MEMORY);
    while (x->opening) daemon_sleep(s->d, POLL_NS);
    if (s->fetch.active && x->record) return OK;
    if (fstatat(s->dirfd, record_name(s), &now, 0) != 0)
        return x->users > 0 ? OK : STATUS(NOT_FOUND);
    if (is_open(x, &now) || x->users > 0) return OK;
    x->opening = true;
    status st = open_record(s, &now);
    x->opening = false;
    return st;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static struct source_chunk *kept_chunk(struct source *x, unsigned file, uint64_t offset) {
    for (unsigned i = 0; i < CHUNKS_KEPT; i++) {
        struct source_chunk *c = &x->chunk[i];
        if (!c->raw || c->file != file || c->offset != offset) continue;
        c->used = ++x->clock;
        return c;
    }
    return NULL;
}

/* The place that was not used the longest. NULL: all are being filled. */
static struct source_chunk *free_place(struct source *x) {
    struct source_chunk *best = NULL;
    for (unsigned i = 0; i < CHUNKS_KEPT; i++) {
        struct source_chunk *c = &x->chunk[i];
        if (!c->busy && (!best || c->used < best->used)) best = c;
    }
    return best;
}

static status fill_place(struct storaged *s, struct source_chunk *c, uint64_t bytes) {
    c->busy = true;
    status st = read_chunk(s, &s->source->file[c->file], c->offset, bytes, &c->head, c->raw);
    c->busy = false;
    if (ok(st)) return OK;
    free(c->raw);
    *c = (struct source_chunk){0};
    return st;
}

/* Good until the next suspension. */
static status get_chunk(struct storaged *s, unsigned file, uint64_t offset, uint64_t bytes,
                        struct source_chunk **ret) {
    struct source *x = s->source;
    for (;;) {
        struct source_chunk *c = kept_chunk(x, file, offset);
        if (c && !c->busy) {
            *ret = c;
            return OK;
        }
        if (c || !(c = free_place(x))) { /* somebody else reads it, or all are at it */
            daemon_sleep(s->d, BUSY_NS);
            continue;
        }
        char *raw = c->raw ? c->raw : malloc(BACKUP_RAW_MAX);
        if (!raw) return STATUS(OUT_OF_MEMORY);
        *c = (struct source_chunk){.file = file, .offset = offset, .used = ++x->clock, .raw = raw};
        TRY(fill_place(s, c, bytes));
    }
}

static status find_in(struct storaged *s, unsigned file, uint64_t page_no, void *page) {
    uint64_t offset, bytes;
    struct source_chunk *c;
    TRY(backup_index_find(&s->source->file[file].index, page_no, &offset, &bytes));
    TRY(get_chunk(s, file, offset, bytes, &c));
    const void *image = backup_page(&c->head, c->raw, page_no);
    if (!image) return STATUS(NOT_FOUND);
    TRY(page_verify(image, (page_id){page_no}));
    memcpy(page, image, PAGE_BYTES);
    return OK;
}

status source_find(struct storaged *s, uint64_t page_no, void *page) {
    TRY(make_ready(s));
    struct source *x = s->source;
    status st = STATUS(NOT_FOUND);
    x->users++;
    for (unsigned i = 0; i < x->count && status_is(st, ST_NOT_FOUND); i++)
        st = find_in(s, i, page_no, page);
    x->users--;
    return st;
}

/* ---- all of them, for fetch.c ---------------------------------------------------------------- */

status source_begin(struct storaged *s, unsigned *ret_file, size_t *ret_chunk, uint64_t *ret_rate) {
    struct backup_record r;
    TRY(make_ready(s));
    TRY(backup_record_read(s->d->data_dir, BACKUP_RESTORING, &r));
    *ret_file = r.file;
    *ret_chunk = r.chunk;
    *ret_rate = r.rate;
    backup_record_fini(&r);
    return OK;
}

unsigned source_files(const struct storaged *s) {
    return s->source ? s->source->count : 0;
}

size_t source_chunks(const struct storaged *s, unsigned file) {
    return s->source->file[file].index.count;
}

status source_pages(struct storaged *s, unsigned file, size_t chunk, uint64_t *ret_numbers,
                    char *ret_images, unsigned *ret_count) {
    const struct backup_index *x = &s->source->file[file].index;
    uint64_t offset, bytes;
    struct source_chunk *c;
    TRY(backup_index_find(x, x->place[chunk].page, &offset, &bytes));
    TRY(get_chunk(s, file, offset, bytes, &c));
    if (c->head.kind != BACKUP_PAGES) return STATUS(DATA_CORRUPTED);
    size_t names = c->head.count * sizeof *ret_numbers;
    memcpy(ret_numbers, c->raw, names);
    memcpy(ret_images, c->raw + names, c->head.count * (size_t)PAGE_BYTES);
    for (unsigned i = 0; i < c->head.count; i++) {
        uint64_t page = ret_numbers[i];
        if (page < SPACE_FIRST || page > PAGE_NO_MAX) return STATUS(DATA_CORRUPTED);
        TRY(page_verify(ret_images + i * (size_t)PAGE_BYTES, (page_id){page}));
    }
    *ret_count = c->head.count;
    return OK;
}

status source_note(struct storaged *s, unsigned file, size_t chunk) {
    struct backup_record r;
    TRY(backup_record_read(s->d->data_dir, BACKUP_RESTORING, &r));
    r.file = file;
    r.chunk = chunk;
    status st = backup_record_write(s->d->data_dir, BACKUP_RESTORING, &r);
    backup_record_fini(&r);
    return st;
}

void source_fini(struct storaged *s) {
    if (s->source) close_files(s->source);
    free(s->source);
    s->source = NULL;
}
