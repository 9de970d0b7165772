/* backup.c: axl backup. Asks storaged for the pages and logd for the log, and writes the manifest
 * when both are done: only then is the directory a backup. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axl.h"
#include "backup/backup.h"
#include "base/bytes.h"
#include "fmt/page.h"
#include "ipc_control.h"
#include "ipc_proc.h"
#include "manifest.h"

#define ASK_MS 10000
#define LOOK_MS 50

struct backup {
    struct axl *a;
    char to[AXL_PATH_BYTES];
    struct manifest m;
};

static status ask(struct backup *b, const char *process, json_t *request, json_t **ret_reply) {
    return control_ask(b->a->dir, process, request, ASK_MS, ret_reply, &b->a->e);
}

static status ask_only(struct backup *b, const char *process, const char *op) {
    return ask(b, process, json_pack("{s:s}", "op", op), NULL);
}

/* How far it is: a number of the answer, and whether it is over. */
static status look(struct backup *b, const char *process, const char *key, uint64_t *ret_value,
                   bool *ret_done) {
    json_t *reply;
    TRY(ask(b, process, json_pack("{s:s}", "op", "backup_state"), &reply));
    *ret_value = (uint64_t)json_integer_value(json_object_get(reply, key));
    *ret_done = json_is_true(json_object_get(reply, "done"));
    json_decref(reply);
    return OK;
}

static uint64_t number_of(const json_t *reply, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(reply, key));
}

static status start_pages(struct backup *b) {
    json_t *reply;
    struct manifest *m = &b->m;
    TRY(ask(b, "storaged",
            json_pack("{s:s, s:s, s:I}", "op", "backup", "to", b->to, "since",
                      (json_int_t)m->since_lsn),
            &reply));
    m->redo_lsn = number_of(reply, "redo_lsn");
    m->undo_lsn = number_of(reply, "undo_lsn");
    m->purge_lsn = number_of(reply, "purge_lsn");
    m->next_txid = number_of(reply, "next_txid");
    m->last_commit = number_of(reply, "last_commit");
    m->file_pages = number_of(reply, "file_pages");
    json_decref(reply);
    m->from_lsn = m->redo_lsn;
    if (m->undo_lsn && m->undo_lsn < m->from_lsn) m->from_lsn = m->undo_lsn;
    if (m->purge_lsn && m->purge_lsn < m->from_lsn) m->from_lsn = m->purge_lsn;
    return OK;
}

static status start_log(struct backup *b) {
    return ask(b, "logd",
               json_pack("{s:s, s:s, s:I}", "op", "backup", "to", b->to, "from",
                         (json_int_t)b->m.from_lsn),
               NULL);
}

/* Until it is over; logd is asked all the time, so that it knows of us. */
static status wait_for(struct backup *b, const char *process, const char *key,
                       uint64_t *ret_value) {
    for (bool done = false; !done;) {
        uint64_t at;
        bool log_done;
        TRY(look(b, "logd", "at", &at, &log_done));
        TRY(look(b, process, key, ret_value, &done));
        if (!done) axl_pause_ms(LOOK_MS);
    }
    return OK;
}

static status copy_files(struct backup *b) {
    struct manifest *m = &b->m;
    m->begun = time(NULL);
    TRY(ask_only(b, "logd", "backup_hold"));
    TRY(start_pages(b));
    TRY(start_log(b));
    TRY(wait_for(b, "storaged", "kept", &m->pages));
    TRY(ask_only(b, "logd", "backup_finish"));
    TRY(wait_for(b, "logd", "at", &m->end_lsn));
    m->ended = time(NULL);
    return OK;
}

static status make_target(struct backup *b, const char *to) {
    struct axl *a = b->a;
    if (mkdir(to, 0700) != 0)
        return error_set(&a->e, ST_IO_ERROR, "could not create \"%s\": %s", to, strerror(errno));
    char *real = realpath(to, NULL);
    bool fits = real && strlen(real) < sizeof b->to;
    if (fits) strcpy(b->to, real);
    free(real);
    return fits ? OK : error_set(&a->e, ST_IO_ERROR, "the path of \"%s\" is too long", to);
}

static status read_since(struct backup *b, const char *since) {
    struct manifest before;
    if (!since) return OK;
    TRY(manifest_read(since, &before, &b->a->e));
    if (before.appliance_id != b->m.appliance_id)
        return error_set(&b->a->e, ST_INVALID_PARAMETER_VALUE,
                         "\"%s\" is a backup of another appliance", since);
    b->m.since_lsn = before.redo_lsn;
    return OK;
}

static status make(struct backup *b, const char *to, const char *since) {
    struct axl *a = b->a;
    TRY(appliance_id_read(a->dir, &b->m.appliance_id, &a->e));
    TRY(read_since(b, since));
    TRY(axl_make_checkpoint(a));
    TRY(make_target(b, to));
    TRY(copy_files(b));
    TRY(axl_copy_settings(a, a->dir, b->to));
    return manifest_write(b->to, &b->m, &a->e);
}

/* ---- verifying ---- */

static status verify_pages(const struct backup_head *h, const char *raw, uint64_t *count) {
    const char *page = raw + h->count * sizeof(uint64_t);
    for (uint32_t i = 0; i < h->count; i++, page += PAGE_BYTES)
        TRY(page_verify(page, (page_id){load_le64(raw + i * sizeof(uint64_t))}));
    *count += h->count;
    return OK;
}

static status verify_file(struct axl *a, const char *dir, const char *name, uint64_t *count) {
    char path[AXL_PATH_BYTES + 32];
    struct backup_reader *r;
    struct backup_head h;
    const void *raw;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    status s = backup_open(path, &r);
    if (!ok(s)) return error_set(&a->e, s.code, "%s: %s", path, status_name(s));
    while (ok(s = backup_next(r, &h, &raw))) {
        if (h.kind == BACKUP_PAGES) s = verify_pages(&h, raw, count);
        if (!ok(s)) break;
    }
    backup_close(r);
    if (status_is(s, ST_END)) return OK;
    return error_set(&a->e, s.code, "%s is damaged: %s", path, status_name(s));
}

static int verify(struct axl *a, const char *dir) {
    struct manifest m;
    uint64_t pages = 0;
    status s = manifest_read(dir, &m, &a->e);
    if (ok(s)) s = verify_file(a, dir, BACKUP_PAGES_FILE, &pages);
    if (ok(s)) s = verify_file(a, dir, BACKUP_LOG_FILE, &pages);
    if (ok(s) && pages != m.pages)
        s = error_set(&a->e, ST_DATA_CORRUPTED, "%llu pages of %llu are there",
                      (unsigned long long)pages, (unsigned long long)m.pages);
    if (!ok(s)) return axl_fail(a);
    printf("The backup in %s is whole: %llu pages.\n", dir, (unsigned long long)pages);
    return 0;
}

int axl_backup(struct axl *a) {
    const char *since = NULL, *check = NULL;
    struct backup b = {.a = a};
    (void)axl_option(a, "--since", &since);
    (void)axl_option(a, "--verify", &check);
    const char *to = check ? NULL : axl_argument(a);
    if (!axl_done(a)) return axl_fail(a);
    if (check) return verify(a, check);
    if (!to) {
        fprintf(stderr, "axl: backup to which directory?\n");
        return 2;
    }
    if (!ok(make(&b, to, since))) return axl_fail(a);
    printf("Backup complete in %s: %llu pages of %llu, log from LSN %llu to %llu.\n", b.to,
           (unsigned long long)b.m.pages, (unsigned long long)b.m.file_pages,
           (unsigned long long)b.m.from_lsn, (unsigned long long)b.m.end_lsn);
    return 0;
}
