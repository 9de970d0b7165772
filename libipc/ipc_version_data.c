/* ipc_version_data.c: the version of what lies in files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fmt/files.h"
#include "ipc_version.h"

#define PATH_BYTES 4096

status version_write_data(const char *dir, struct error *e) {
    char path[PATH_BYTES], line[VERSION_LINE_BYTES];
    struct version own = version_own("data");
    version_print(&own, line);
    snprintf(path, sizeof path, "%s/" VERSION_FILE_NAME, dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dprintf(fd, "%s\n", line) > 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0) close(fd);
    return good ? OK : error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(why));
}

static status refuse(const char *what, const char *number, const char *format, uint32_t its,
                     uint32_t ours, struct error *e) {
    struct version own = version_own("");
    status st = error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                          "\"%s\" was made by %s%s with %s format %u; this is version %s with %s "
                          "format %u",
                          what, *number ? "version " : "an older version", number, format, its,
                          own.number, format, ours);
    error_hint(e, "Use the programs that made it, and take a dump from there to this version.");
    return st;
}

static status compare(const struct version *v, const char *what, struct error *e) {
    struct version own = version_own("");
    if (v->page != own.page) return refuse(what, v->number, "page", v->page, own.page, e);
    if (v->log != own.log) return refuse(what, v->number, "log", v->log, own.log, e);
    if (v->data != own.data) return refuse(what, v->number, "data", v->data, own.data, e);
    return OK;
}

status version_check_line(const char *line, const char *what, struct error *e) {
    struct version v;
    if (!*line) return OK;
    if (!ok(version_parse(line, &v)))
        return error_set(e, ST_DATA_CORRUPTED, "\"%s\" says no version that is known: %s", what,
                         line);
    return compare(&v, what, e);
}

static int of_segments(const struct dirent *d) {
    const char *dot = strchr(d->d_name, '.');
    return dot && strcmp(dot, ".seg") == 0;
}

/* 0: there is no log to tell. */
static uint32_t log_format(const char *dir) {
    char path[PATH_BYTES];
    struct dirent **names;
    struct segment_head h = {0};
    snprintf(path, sizeof path, "%s/log", dir);
    int n = scandir(path, &names, of_segments, alphasort);
    if (n > 0) snprintf(path, sizeof path, "%s/log/%s", dir, names[0]->d_name);
    FILE *f = n > 0 ? fopen(path, "re") : NULL;
    bool good = f && fread(&h, sizeof h, 1, f) == 1 && h.magic == SEGMENT_MAGIC;
    if (f) fclose(f);
    for (int i = 0; i < n; i++) free(names[i]);
    if (n >= 0) free(names);
    return good ? h.format & ~SEGMENT_SEALED : 0;
}

status version_check_data(const char *dir, struct error *e) {
    char path[PATH_BYTES], line[VERSION_LINE_BYTES] = "";
    snprintf(path, sizeof path, "%s/" VERSION_FILE_NAME, dir);
    FILE *f = fopen(path, "re");
    if (f) {
        bool read = fgets(line, sizeof line, f);
        fclose(f);
        return version_check_line(read ? line : "nothing", dir, e);
    }
    uint32_t log = log_format(dir);
    return log == 0 || log == LOG_FORMAT ? OK : refuse(dir, "", "log", log, LOG_FORMAT, e);
}
