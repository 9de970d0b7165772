#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"

#define PATH_BYTES 1200
#define TITLE "backups of appliance "

/* The first line is TITLE, the id in hexadecimal digits, file, chunk and rate; each other one is a
 * directory. */

void backup_record_fini(struct backup_record *r) {
    for (unsigned i = 0; i < r->count; i++) free(r->dir[i]);
    r->count = 0;
}

static status read_lines(FILE *f, struct backup_record *r) {
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, f);
    bool good = n > 0 && sscanf(line, TITLE "%" SCNx64 " %" SCNu32 " %" SCNu64 " %" SCNu64,
                                &r->appliance_id, &r->file, &r->chunk, &r->rate) == 4;
    while (good && (n = getline(&line, &room, f)) > 0) {
        if (line[n - 1] == '\n') line[n - 1] = '\0';
        good = r->count < BACKUP_CHAIN_MAX && line[0] == '/' && (r->dir[r->count] = strdup(line));
        r->count += good;
    }
    free(line);
    return good && r->count > 0 ? OK : STATUS(DATA_CORRUPTED);
}

status backup_record_read(const char *data_dir, const char *name, struct backup_record *ret) {
    char path[PATH_BYTES];
    struct backup_record r = {0};
    snprintf(path, sizeof path, "%s/%s", data_dir, name);
    FILE *f = fopen(path, "re");
    if (!f) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    status s = read_lines(f, &r);
    fclose(f);
    if (ok(s))
        *ret = r;
    else
        backup_record_fini(&r);
    return s;
}

static bool put_lines(const char *path, const struct backup_record *r) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) return false;
    fprintf(f, TITLE "%016" PRIx64 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", r->appliance_id,
            r->file, r->chunk, r->rate);
    for (unsigned i = 0; i < r->count; i++) fprintf(f, "%s\n", r->dir[i]);
    bool good = fflush(f) == 0 && fsync(fd) == 0;
    return fclose(f) == 0 && good;
}

status backup_record_write(const char *data_dir, const char *name, const struct backup_record *r) {
    char path[PATH_BYTES], temporary[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/%s", data_dir, name);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int dir = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good =
        dir >= 0 && put_lines(temporary, r) && rename(temporary, path) == 0 && fsync(dir) == 0;
    if (dir >= 0) close(dir);
    return good ? OK : STATUS(IO_ERROR);
}

status backup_record_restored(const char *data_dir) {
    int dir = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good =
        dir >= 0 && renameat(dir, BACKUP_RESTORING, dir, BACKUP_RECORD) == 0 && fsync(dir) == 0;
    if (dir >= 0) close(dir);
    return good ? OK : STATUS(IO_ERROR);
}
