/* Images of all pages into a file of a backup (backup/backup.h), while everything goes on.
 *
 * Recovery of the images begins at the redo position that the data file has when the backup begins:
 * every change below it is at home then, so whatever image is taken afterwards, from a frame or
 * from the file, is as new or newer, and the log from there on makes it the page it was at the end.
 * An incremental backup leaves out what has not changed since another one began. A page that does
 * not verify is repaired first, as if somebody had asked for it. */
#include "backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "storaged.h"

#define LATCHED_NS 1000000u /* a page that somebody changes is tried again so soon */
#define ROOM_NS 2000000u
#define FORSAKEN_NS 60000000000u /* so long nobody has said how much was taken */

struct page_backup {
    struct storaged *s;
    struct page_backup_state state;
    uint64_t since; /* pages with an older LSN are left out */
    uint64_t window, taken, taken_ns;
    bool dropped; /* who asked for it has given it up */
    char *dir;
    int dirfd;
    struct disk_file *file;
    uint64_t offset; /* where the next chunk goes */
    uint32_t chunks;
    struct backup_index index;
    unsigned count;
    uint64_t numbers[BACKUP_PAGES_MAX]; /* of the pages that wait to be packed */
    char *raw; /* BACKUP_ALIGN, of whose end the numbers take a part; then pages */
    char *run; /* BACKUP_PAGES_MAX pages as they are at home */
    char *chunk;
};

static status write_chunk(struct page_backup *b, const struct backup_head *what, const void *raw) {
    size_t bytes;
    TRY(backup_pack(what, raw, b->chunk, &bytes));
    TRY(io_run_one(b->s, (struct disk_io){.op = DISK_WRITE,
                                          .file = b->file,
                                          .offset = b->offset,
                                          .buf = b->chunk,
                                          .len = bytes}));
    b->offset += bytes;
    b->state.bytes = b->offset;
    return OK;
}

static bool forsaken(const struct page_backup *b) {
    const struct storaged *s = b->s;
    return b->dropped || s->stopping || s->p->env->mono_ns(s->p) - b->taken_ns > FORSAKEN_NS;
}

/* Whoever takes the file away as it grows is waited for. */
static status wait_for_room(struct page_backup *b) {
    while (!forsaken(b)) {
        if (!b->window || b->offset <= b->taken + b->window) return OK;
        daemon_sleep(b->s->d, ROOM_NS);
    }
    return STATUS(QUERY_CANCELED);
}

static status pack_pages(struct page_backup *b) {
    if (b->count == 0) return OK;
    size_t names = b->count * sizeof *b->numbers;
    char *raw = b->raw + BACKUP_ALIGN - names;
    memcpy(raw, b->numbers, names);
    TRY(backup_index_put(&b->index, (struct backup_place){b->numbers[0], b->offset}));
    struct backup_head h = {.kind = BACKUP_PAGES,
                            .count = b->count,
                            .appliance_id = b->s->shm->control->appliance_id,
                            .raw_bytes = (uint32_t)(names + b->count * (size_t)PAGE_BYTES)};
    b->chunks++;
    b->state.kept += b->count;
    b->count = 0;
    return write_chunk(b, &h, raw);
}

/* The page as it is in a frame. False: it is in none, or somebody is at work there. */
static bool copy_frame(struct storaged *s, uint64_t page, void *to) {
    uint64_t version;
    struct frame *f = table_find(s, page);
    if (!f || atomic_load(&f->state) != FRAME_READY) return false;
    if (!page_read_begin(s->p, f, (page_id){page}, &version)) return false;
    memcpy(to, frame_bytes(s->shm, f), PAGE_BYTES);
    return page_read_valid(s->p, f, version);
}

/* home: its image in the run that has just been read. */
static status image_of(struct page_backup *b, uint64_t page, const void *home, void *to) {
    struct storaged *s = b->s;
    if (copy_frame(s, page, to)) return OK;
    if (!table_find(s, page) && damage_of(s, page, home) == DAMAGE_NONE) {
        memcpy(to, home, PAGE_BYTES);
        return OK;
    }
    while (!s->stopping) {
        struct frame *f;
        TRY(load_page(s, page, false, &f));
        if (copy_frame(s, page, to)) return OK;
        daemon_sleep(s->d, LATCHED_NS);
    }
    return STATUS(QUERY_CANCELED);
}

static status take_page(struct page_backup *b, uint64_t page, const void *home) {
    void *to = b->raw + BACKUP_ALIGN + b->count * (size_t)PAGE_BYTES;
    status st = image_of(b, page, home, to);
    if (!ok(st)) {
        b->state.bad_page = page;
        return st;
    }
    b->state.looked++;
    if (page_is_zero(to) || page_head_c(to)->lsn < b->since) return OK;
    page_seal(to);
    b->numbers[b->count++] = page;
    return b->count == BACKUP_PAGES_MAX ? pack_pages(b) : OK;
}

static status take_run(struct page_backup *b, uint64_t first, uint64_t end) {
    unsigned n = end - first < BACKUP_PAGES_MAX ? (unsigned)(end - first) : BACKUP_PAGES_MAX;
    status read = io_run_one(b->s, (struct disk_io){.op = DISK_READ,
                                                    .file = b->s->data,
                                                    .offset = first * PAGE_BYTES,
                                                    .buf = b->run,
                                                    .len = n * (size_t)PAGE_BYTES});
    /* Of what cannot be read, each page is asked for alone: ones do not verify. */
    if (!ok(read)) memset(b->run, 0xFF, n * (size_t)PAGE_BYTES);
    for (unsigned i = 0; i < n; i++) TRY(take_page(b, first + i, b->run + i * (size_t)PAGE_BYTES));
    return OK;
}

/* The index, and the end that says where it is. */
static status finish(struct page_backup *b) {
    uint64_t id = b->s->shm->control->appliance_id, begin = b->offset;
    for (size_t at = 0, n; at < b->index.count; at += n) {
        n = b->index.count - at < BACKUP_PLACES_MAX ? b->index.count - at : BACKUP_PLACES_MAX;
        struct backup_head h = {.kind = BACKUP_INDEX,
                                .count = (uint32_t)n,
                                .appliance_id = id,
                                .raw_bytes = (uint32_t)(n * sizeof(struct backup_place))};
        TRY(write_chunk(b, &h, b->index.place + at));
        b->chunks++;
    }
    struct backup_head end = {
        .kind = BACKUP_END, .count = b->chunks, .appliance_id = id, .raw_bytes = sizeof begin};
    return write_chunk(b, &end, &begin);
}

static status run(struct page_backup *b) {
    struct storaged *s = b->s;
    for (uint64_t page = SPACE_FIRST; page < b->state.pages; page += BACKUP_PAGES_MAX) {
        TRY(wait_for_room(b));
        TRY(take_run(b, page, b->state.pages));
    }
    TRY(pack_pages(b));
    TRY(finish(b));
    TRY(io_run_one(s, (struct disk_io){.op = DISK_FLUSH, .file = b->file}));
    return disk_file_sync_dir(s->disk, b->dirfd);
}

static void give_back(struct page_backup *b) {
    if (b->file) disk_file_close(b->file);
    if (b->dirfd >= 0) close(b->dirfd);
    backup_index_fini(&b->index);
    free(b->raw);
    free(b->run);
    free(b->chunk);
    b->raw = b->run = b->chunk = NULL;
    b->file = NULL;
    b->dirfd = -1;
}

static void backup_task(void *arg) {
    struct page_backup *b = arg;
    b->state.result = run(b);
    b->state.running = false;
    give_back(b);
}

static void backup_free(struct page_backup *b) {
    if (!b) return;
    give_back(b);
    free(b->dir);
    free(b);
}

static status prepare(struct page_backup *b, const char *dir) {
    b->state.dir = b->dir = strdup(dir);
    b->raw = io_buffer(BACKUP_ALIGN + BACKUP_PAGES_MAX * (size_t)PAGE_BYTES);
    b->run = io_buffer(BACKUP_PAGES_MAX * (size_t)PAGE_BYTES);
    b->chunk = io_buffer(backup_chunk_room());
    if (!b->dir || !b->raw || !b->run || !b->chunk) return STATUS(OUT_OF_MEMORY);
    b->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->dirfd < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    return disk_file_open(b->s->disk, b->dirfd, BACKUP_PAGES_FILE, true, &b->file);
}

status backup_start(struct storaged *s, const char *dir, uint64_t since, uint64_t window) {
    if (!s->serving || s->stopping) return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    if (s->fetch.active) return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    if (s->backup && s->backup->state.running) return STATUS(OBJECT_IN_USE);
    struct page_backup *b = calloc(1, sizeof *b);
    if (!b) return STATUS(OUT_OF_MEMORY);
    *b = (struct page_backup){.s = s,
                              .since = since,
                              .window = window,
                              .taken_ns = s->p->env->mono_ns(s->p),
                              .dirfd = -1};
    b->state = (struct page_backup_state){
        .running = true, .begin = s->file, .pages = atomic_load(&s->shm->pool->file_pages)};
    status st = prepare(b, dir);
    if (ok(st)) st = daemon_spawn(s->d, 0, backup_task, b);
    if (!ok(st)) {
        backup_free(b);
        return st;
    }
    backup_free(s->backup);
    s->backup = b;
    return OK;
}

void backup_taken(struct storaged *s, uint64_t bytes) {
    if (!s->backup) return;
    s->backup->taken = bytes;
    s->backup->taken_ns = s->p->env->mono_ns(s->p);
}

void backup_drop(struct storaged *s) {
    if (s->backup) s->backup->dropped = true;
}

const struct page_backup_state *backup_state(const struct storaged *s) {
    return s->backup ? &s->backup->state : NULL;
}

void backup_fini(struct storaged *s) {
    backup_free(s->backup);
    s->backup = NULL;
}
