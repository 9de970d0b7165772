#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"

#define PATH_BYTES 1200

static json_t *as_json(const struct manifest *m) {
    char id[24];
    snprintf(id, sizeof id, "%016" PRIx64, m->appliance_id);
    json_t *j = json_pack(
        "{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "format",
        BACKUP_FORMAT, "appliance", id, "since_lsn", (json_int_t)m->since_lsn, "redo_lsn",
        (json_int_t)m->redo_lsn, "undo_lsn", (json_int_t)m->undo_lsn, "purge_lsn",
        (json_int_t)m->purge_lsn, "next_txid", (json_int_t)m->next_txid, "last_commit",
        (json_int_t)m->last_commit, "file_pages", (json_int_t)m->file_pages, "pages",
        (json_int_t)m->pages, "from_lsn", (json_int_t)m->from_lsn, "end_lsn",
        (json_int_t)m->end_lsn, "begun", (json_int_t)m->begun, "ended", (json_int_t)m->ended);
    if (j && m->version[0]) json_object_set_new(j, "version", json_string(m->version));
    if (j && m->encrypted) {
        static char text[KEY_FILE_TEXT_BYTES];
        key_file_to_text(&m->keys, text);
        json_object_set_new(j, "keys", json_string(text));
    }
    return j;
}

/* False: they are spoilt. */
static bool keys_from(const json_t *j, struct manifest *m) {
    const char *text = json_string_value(json_object_get(j, "keys"));
    m->encrypted = text != NULL;
    return !text || ok(key_file_from_text(text, &m->keys));
}

static void version_from(const json_t *j, struct manifest *m) {
    const char *text = json_string_value(json_object_get(j, "version"));
    snprintf(m->version, sizeof m->version, "%s", text ? text : "");
}

static bool write_durably(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    size_t n = strlen(text);
    bool good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    close(fd);
    return good;
}

static bool sync_directory(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return good;
}

char *manifest_text(const struct manifest *m) {
    json_t *j = as_json(m);
    char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
    json_decref(j);
    return text;
}

status manifest_put(const char *dir, const char *text, struct error *e) {
    char path[PATH_BYTES], temporary[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, dir);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    bool good =
        write_durably(temporary, text) && rename(temporary, path) == 0 && sync_directory(dir);
    return good ? OK : error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}

status manifest_write(const char *dir, const struct manifest *m, struct error *e) {
    char *text = manifest_text(m);
    if (!text) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    status s = manifest_put(dir, text, e);
    free(text);
    return s;
}

static bool take(json_t *j, struct manifest *ret) {
    const char *id;
    int format;
    json_int_t n[12];
    int rc = json_unpack(
        j, "{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "format",
        &format, "appliance", &id, "since_lsn", &n[0], "redo_lsn", &n[1], "undo_lsn", &n[2],
        "purge_lsn", &n[3], "next_txid", &n[4], "last_commit", &n[5], "file_pages", &n[6], "pages",
        &n[7], "from_lsn", &n[8], "end_lsn", &n[9], "begun", &n[10], "ended", &n[11]);
    bool good = rc == 0 && format == BACKUP_FORMAT;
    if (good)
        *ret = (struct manifest){.appliance_id = strtoull(id, NULL, 16),
                                 .since_lsn = (uint64_t)n[0],
                                 .redo_lsn = (uint64_t)n[1],
                                 .undo_lsn = (uint64_t)n[2],
                                 .purge_lsn = (uint64_t)n[3],
                                 .next_txid = (uint64_t)n[4],
                                 .last_commit = (uint64_t)n[5],
                                 .file_pages = (uint64_t)n[6],
                                 .pages = (uint64_t)n[7],
                                 .from_lsn = (uint64_t)n[8],
                                 .end_lsn = (uint64_t)n[9],
                                 .begun = n[10],
                                 .ended = n[11]};
    if (good) version_from(j, ret);
    return good && keys_from(j, ret);
}

status manifest_read(const char *dir, struct manifest *ret, struct error *e) {
    char path[PATH_BYTES];
    json_error_t error;
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, dir);
    json_t *j = json_load_file(path, 0, &error);
    if (!j)
        return error_set(e, ST_NOT_FOUND, "\"%s\" is not a backup, or not a complete one: %s", dir,
                         error.text);
    bool good = take(j, ret);
    json_decref(j);
    return good ? OK : error_set(e, ST_DATA_CORRUPTED, "%s is damaged, or of another format", path);
}

status manifest_parse(const char *text, struct manifest *ret, struct error *e) {
    json_t *j = json_loads(text, 0, NULL);
    bool good = j && take(j, ret);
    json_decref(j);
    return good ? OK : error_set(e, ST_DATA_CORRUPTED, "the manifest of the backup is damaged");
}
