/* prune_log.c: see prune.h. A segment ends where the next one begins, which its first chunk says;
 * the newest one so is never taken away. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "backup/backup.h"
#include "prune.h"
#include "s3.h"

struct log_prune {
    const char *dir; /* NULL: at an endpoint */
    struct s3 *s3;
    char (*name)[ARCHIVE_NAME_BYTES];
    size_t count;
    struct error *e;
};

static status take_name(void *arg, const char *name) {
    struct log_prune *p = arg;
    if (!archive_is_segment(name)) return OK;
    char(*grown)[ARCHIVE_NAME_BYTES] = realloc(p->name, (p->count + 1) * sizeof *grown);
    if (!grown) return error_set(p->e, ST_OUT_OF_MEMORY, "out of memory");
    p->name = grown;
    memcpy(p->name[p->count++], name, ARCHIVE_NAME_BYTES);
    return OK;
}

static status find_names(struct log_prune *p) {
    struct dirent **names;
    if (!p->dir) return s3_list(p->s3, take_name, p, p->e);
    int n = scandir(p->dir, &names, NULL, alphasort);
    if (n < 0) return error_set(p->e, ST_IO_ERROR, "%s: %s", p->dir, strerror(errno));
    status st = OK;
    for (int i = 0; i < n; i++) {
        if (ok(st)) st = take_name(p, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return st;
}

static status read_first(const struct log_prune *p, const char *name, char first[BACKUP_ALIGN]) {
    char path[AXL_PATH_BYTES + 32];
    const char *bytes;
    size_t n;
    if (p->dir) {
        snprintf(path, sizeof path, "%s/%s", p->dir, name);
        FILE *f = fopen(path, "re");
        bool good = f && fread(first, 1, BACKUP_ALIGN, f) == BACKUP_ALIGN;
        if (f) fclose(f);
        return good ? OK : error_set(p->e, ST_IO_ERROR, "%s cannot be read", path);
    }
    status st = s3_get_first(p->s3, name, BACKUP_ALIGN, &bytes, &n, p->e);
    if (ok(st) && n >= BACKUP_ALIGN) memcpy(first, bytes, BACKUP_ALIGN);
    if (ok(st) && n >= BACKUP_ALIGN) return OK;
    return p->e->message[0] ? st : error_set(p->e, ST_DATA_CORRUPTED, "%s is too short", name);
}

static status look(const struct log_prune *p, const char *name, struct backup_head *ret) {
    char first[BACKUP_ALIGN];
    size_t bytes;
    TRY(read_first(p, name, first));
    status st = backup_look(first, ret, &bytes);
    if (ok(st) && ret->kind == BACKUP_LOG) return OK;
    return error_set(p->e, ST_DATA_CORRUPTED, "the archived segment %s is damaged", name);
}

static status remove_one(const struct log_prune *p, const char *name) {
    char path[AXL_PATH_BYTES + 32];
    if (!p->dir) return s3_remove(p->s3, name, p->e);
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    return unlink(path) == 0 || errno == ENOENT
               ? OK
               : error_set(p->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}

static status prune(const struct log_prune *p, uint64_t id, uint64_t floor, bool dry,
                    unsigned *ret_count) {
    struct backup_head h, next;
    if (p->count > 0) TRY(look(p, p->name[0], &h));
    for (size_t i = 0; i + 1 < p->count; i++, h = next) {
        TRY(look(p, p->name[i + 1], &next));
        if (h.appliance_id != id || next.appliance_id != id || next.at > floor) break;
        if (!dry) TRY(remove_one(p, p->name[i]));
        ++*ret_count;
    }
    return OK;
}

status prune_log(const char *archive, uint64_t id, uint64_t floor, bool dry, unsigned *ret_count,
                 struct error *e) {
    struct log_prune p = {.dir = s3_is_url(archive) ? NULL : archive, .e = e};
    *ret_count = 0;
    if (!p.dir) TRY(s3_open(archive, &p.s3, e));
    status st = find_names(&p);
    if (ok(st)) st = prune(&p, id, floor, dry, ret_count);
    free(p.name);
    s3_close(p.s3);
    return st;
}
