/* storaged --restore -D DIR --appliance HEX --from BACKUP [--from BACKUP …] [--online [--rate N]]:
 * the data file from the pages of a full backup and of incremental ones that follow it, in their
 * order. The last one's manifest says where recovery begins. Online: the file is empty, and a note
 * says where its pages are to come from while queries run (fetch.c). */
#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/bytes.h"
#include "base/control.h"
#include "crypt/given.h"
#include "storaged.h"

struct restore {
    const char *dir;
    uint64_t appliance_id;
    struct storaged *s;
    struct crypt *backup_keys; /* NULL: the backups are plain */
    bool online;
    uint64_t rate;  /* online: pages a second in the background; 0: no limit */
    uint64_t pages; /* restored, a page of several backups each time */
    char *image;    /* aligned: one page */
};

static status put_page(struct restore *r, uint64_t page, const char *from) {
    if (page < SPACE_FIRST || page > PAGE_NO_MAX) return STATUS(DATA_CORRUPTED);
    TRY(page_verify(from, (page_id){page}));
    cipher_hide(r->s, page, from, r->image);
    r->pages++;
    struct disk_io io = {.op = DISK_WRITE,
                         .file = r->s->data,
                         .offset = page * PAGE_BYTES,
                         .buf = r->image,
                         .len = PAGE_BYTES};
    return disk_do(r->s->disk, &io);
}

static status put_pages(struct restore *r, const char *backup) {
    char path[1200];
    struct backup_reader *reader;
    struct backup_head h;
    const void *raw;
    status st;
    snprintf(path, sizeof path, "%s/" BACKUP_PAGES_FILE, backup);
    TRY(backup_open(path, &reader));
    while (ok(st = backup_next(reader, &h, &raw))) {
        if (h.kind == BACKUP_INDEX) continue;
        if (h.kind != BACKUP_PAGES) st = STATUS(DATA_CORRUPTED);
        const char *pages = (const char *)raw + h.count * sizeof(uint64_t);
        for (uint32_t i = 0; ok(st) && i < h.count; i++)
            st = put_page(r, load_le64((const char *)raw + i * sizeof(uint64_t)),
                          pages + i * (size_t)PAGE_BYTES);
        if (!ok(st)) break;
    }
    backup_close(reader);
    return status_is(st, ST_END) ? OK : st;
}

static status read_begin(const char *backup, struct file_page *ret) {
    char path[1200];
    json_error_t error;
    json_int_t redo, undo, purge, next, commit, pages;
    const char *id = NULL;
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, backup);
    json_t *j = json_load_file(path, 0, &error);
    int rc = json_unpack(j, "{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "appliance", &id, "redo_lsn",
                         &redo, "undo_lsn", &undo, "purge_lsn", &purge, "next_txid", &next,
                         "last_commit", &commit, "file_pages", &pages);
    uint64_t of = id ? strtoull(id, NULL, 16) : 0;
    json_decref(j);
    if (!j || rc != 0 || redo <= 0 || undo < 0 || purge < 0 || next < 0 || commit < 0 ||
        pages <= SPACE_FIRST || (uint64_t)pages > PAGE_NO_MAX)
        return STATUS(DATA_CORRUPTED);
    *ret = (struct file_page){.appliance_id = of,
                              .redo_lsn = (uint64_t)redo,
                              .undo_lsn = (uint64_t)undo,
                              .purge_lsn = (uint64_t)purge,
                              .next_txid = (uint64_t)next,
                              .last_commit = (uint64_t)commit,
                              .pages = (uint64_t)pages};
    return OK;
}

/* Room for all pages, without writing it: it reads as zeros. */
static status make_room(const struct restore *r, uint64_t pages) {
    char path[1200];
    snprintf(path, sizeof path, "%s/data", r->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return STATUS(IO_ERROR);
    int error = posix_fallocate(fd, 0, (off_t)(pages * PAGE_BYTES));
    close(fd);
    return error == 0 ? OK : error == ENOSPC ? STATUS(DISK_FULL) : STATUS(IO_ERROR);
}

/* Their indexes are read, so that what is certainly no backup is refused now. */
static status note_backups(struct restore *r, char **backups, int n, uint64_t of,
                           const char **ret_what) {
    char path[1200];
    struct backup_record record = {.appliance_id = of, .rate = r->rate};
    for (int i = 0; i < n; i++) {
        struct backup_index x = {0};
        *ret_what = backups[i];
        snprintf(path, sizeof path, "%s/" BACKUP_PAGES_FILE, backups[i]);
        status st = backup_index_load(&x, path);
        backup_index_fini(&x);
        TRY(st);
        record.dir[record.count++] = backups[i];
    }
    *ret_what = r->dir;
    return backup_record_write(r->dir, BACKUP_RESTORING, &record);
}

static status put_all_pages(struct restore *r, char **backups, int n, const char **ret_what) {
    for (int i = 0; i < n; i++) {
        *ret_what = backups[i];
        TRY(put_pages(r, backups[i]));
    }
    return OK;
}

static status restore(struct restore *r, char **backups, int n, const char **ret_what) {
    struct file_page begin;
    *ret_what = backups[n - 1];
    TRY(read_begin(backups[n - 1], &begin));
    uint64_t of = begin.appliance_id;
    begin.appliance_id = r->appliance_id;
    r->image = io_buffer(PAGE_BYTES);
    if (!r->image) return STATUS(OUT_OF_MEMORY);
    *ret_what = r->dir;
    TRY(storaged_files_make(r->s, r->dir, r->online ? SPACE_FIRST : begin.pages));
    if (r->online) TRY(make_room(r, begin.pages));
    TRY(given_take_backup(&r->backup_keys));
    backup_use_keys(r->backup_keys);
    TRY(r->online ? note_backups(r, backups, n, of, ret_what)
                  : put_all_pages(r, backups, n, ret_what));
    *ret_what = r->dir;
    struct disk_io flush = {.op = DISK_FLUSH, .file = r->s->data};
    TRY(disk_do(r->s->disk, &flush));
    TRY(file_page_write(r->s, &begin)); /* both copies */
    TRY(file_page_write(r->s, &begin));
    return disk_file_sync_dir(r->s->disk, r->s->dirfd);
}

int restore_main(int argc, char **argv) {
    struct restore r = {.s = calloc(1, sizeof *r.s)};
    char *backups[RESTORE_BACKUPS_MAX];
    const char *what = "";
    int n = 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-D") == 0)
            r.dir = argv[++i];
        else if (strcmp(argv[i], "--appliance") == 0)
            r.appliance_id = strtoull(argv[++i], NULL, 16);
        else if (strcmp(argv[i], "--from") == 0 && n < RESTORE_BACKUPS_MAX)
            backups[n++] = argv[++i];
        else if (strcmp(argv[i], "--rate") == 0)
            r.rate = strtoull(argv[++i], NULL, 10);
    }
    for (int i = 1; i < argc; i++) r.online |= strcmp(argv[i], "--online") == 0;
    if (r.s) r.s->dirfd = -1;
    if (!ok(given_read_arguments(argc, argv))) {
        fprintf(stderr, "storaged: the keys cannot be read\n");
        free(r.s);
        return 1;
    }
    if (!r.dir || n == 0 || !r.s) {
        fprintf(stderr, "storaged: --restore needs -D DIR and --from BACKUP\n");
        free(r.s);
        return 2;
    }
    status st = restore(&r, backups, n, &what);
    storaged_files_close(r.s);
    crypt_free(r.backup_keys);
    free(r.image);
    free(r.s);
    if (ok(st)) {
        if (!r.online) printf("%llu pages restored\n", (unsigned long long)r.pages);
        return 0;
    }
    fprintf(stderr, "storaged: the data file could not be restored: %s: %s\n", what,
            status_name(st));
    return 1;
}
