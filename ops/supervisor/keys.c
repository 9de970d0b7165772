/* keys.c: the keys of encrypted data (shared/crypt): read at the start, given to storaged and logd
 * at their births. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup/archive_keys.h"
#include "backup/backup.h"
#include "crypt/given.h"
#include "supervisor.h"

/* Lives are taken so many at a time: a process is started again even when the disk is full. */
#define LIVES_AT_ONCE 256

struct master_source keys_source(const struct supervisor *s) {
    return (struct master_source){.file = s->conf.encryption_key_file,
                                  .command = s->conf.encryption_key_command};
}

static status take_lives(struct supervisor *s) {
    uint32_t first;
    TRY(keyring_take_lives(s->dir, &s->keys, LIVES_AT_ONCE, &first));
    s->next_life = first;
    s->lives_end = first + LIVES_AT_ONCE;
    return OK;
}

/* The directory has been opened by the new one of two master keys: the old one has had its day. */
static void settle(struct supervisor *s) {
    if (s->keys.file.masters == 1 || s->keys.which == 0) return;
    key_file_settle(&s->keys.file, s->keys.which);
    event_as(&(struct event){.kind = EVENT_MASTER_KEY},
             "the master key has been exchanged: the one before opens the data no longer");
}

/* ---- keys that lie beside backups and the archive -------------------------------------------- */

#define KEPT_MAX (BACKUP_CHAIN_MAX + ARCHIVE_KEYS_MAX)

/* What storaged repairs pages from, and logd reads old log from, may be sealed by data keys that
 * the directory needs no more. The newest first: there is room for so many only. */
static void take_archived(const struct supervisor *s, struct key_file *files, size_t *n) {
    const char *archive = s->conf.archive_directory;
    for (uint32_t i = ARCHIVE_KEYS_MAX; *archive && i > 0; i--)
        *n += ok(backup_archive_keys_read(archive, i, &files[*n]));
}

static bool keys_of_backup(const char *dir, struct key_file *ret) {
    char path[CONTROL_PATH_BYTES * 2];
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, dir);
    json_t *j = json_load_file(path, 0, NULL);
    const char *text = json_string_value(json_object_get(j, "keys"));
    bool good = text && ok(key_file_from_text(text, ret));
    json_decref(j);
    return good;
}

static void take_of_backups(const struct supervisor *s, struct key_file *files, size_t *n) {
    struct backup_record r = {0};
    if (ok(backup_record_read(s->dir, BACKUP_RECORD, &r)))
        for (unsigned i = r.count; i > 0; i--) *n += keys_of_backup(r.dir[i - 1], &files[*n]);
    backup_record_fini(&r);
}

/* ---- keys of the backups that pages still come from, or may be taken from ----------------------
 */

static const char *backup_of(void *record, size_t i) {
    return ((struct backup_record *)record)->dir[i];
}

static status collect(struct supervisor *s, struct backup_record *r, struct key_file *files,
                      struct error *e) {
    struct master_source source = keys_source(s);
    size_t n = 0;
    for (unsigned i = 0; i < r->count; i++) n += keys_of_backup(r->dir[i], &files[n]);
    if (n == 0) return OK; /* they are plain */
    return keyring_collect(files, n, &source, 1, backup_of, r, &s->backup_keys, e);
}

/* A restored appliance's backups are another's, with keys of their own. As long as it needs them to
 * be whole, it cannot do without. */
static status open_restored(struct supervisor *s, struct error *e) {
    struct backup_record r = {0};
    struct error none = {0};
    bool needed = ok(backup_record_read(s->dir, BACKUP_RESTORING, &r));
    bool there = needed || ok(backup_record_read(s->dir, BACKUP_RECORD, &r));
    if (!there) return OK;
    struct key_file *files = malloc(BACKUP_CHAIN_MAX * sizeof *files);
    status st = files ? OK : error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    if (files && r.appliance_id != s->appliance_id) st = collect(s, &r, files, needed ? e : &none);
    free(files);
    backup_record_fini(&r);
    return needed || !files ? st : OK;
}

static status open_all(struct supervisor *s, struct error *e) {
    struct master_source source = keys_source(s);
    struct key_file *files = malloc(KEPT_MAX * sizeof *files);
    struct keyring_kept kept = {.files = files};
    if (!files) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    take_of_backups(s, files, &kept.count);
    take_archived(s, files, &kept.count);
    status st = keyring_open(s->dir, s->appliance_id, &source, &kept, &s->keys, e);
    free(files);
    return st;
}

status keys_open(struct supervisor *s, struct error *e) {
    TRY(open_all(s, e));
    if (!s->keys.encrypted) return OK;
    settle(s);
    TRY(open_restored(s, e));
    status st = take_lives(s);
    return ok(st) ? OK
                  : error_set(e, st.code, "\"%s/" KEY_FILE_NAME "\" cannot be written: %s", s->dir,
                              status_name(st));
}

static bool has_keys(const struct supervisor *s, uint16_t slot) {
    return s->keys.encrypted && (slot == SLOT_STORAGED || slot == SLOT_LOGD);
}

status keys_for(struct supervisor *s, uint16_t slot, int *ret_fd, struct error *e) {
    status st = OK;
    *ret_fd = -1;
    if (!has_keys(s, slot)) return OK;
    if (s->next_life == s->lives_end) st = take_lives(s);
    if (ok(st)) {
        s->keys.keys.life = s->next_life++;
        st = given_make(&s->keys.keys, s->backup_keys.count ? &s->backup_keys : NULL, ret_fd);
    }
    return ok(st) ? OK : error_set(e, st.code, "no keys for its next life: %s", status_name(st));
}
