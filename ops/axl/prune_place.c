/* prune_place.c: see prune.h. A place is a backup, or a directory or prefix with some right below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "prune.h"
#include "s3_backup.h"

/* ---- the list ---- */

static void free_one(struct prune_backup *b) {
    free(b->at);
    free(b->real);
}

void prune_list_fini(struct prune_list *l) {
    for (size_t i = 0; i < l->count; i++) free_one(&l->backup[i]);
    free(l->backup);
    *l = (struct prune_list){0};
}

static bool is_there(const struct prune_list *l, const struct prune_backup *b) {
    for (size_t i = 0; i < l->count; i++) {
        const struct prune_backup *other = &l->backup[i];
        bool same = b->real && other->real ? strcmp(b->real, other->real) == 0
                                           : strcmp(b->at, other->at) == 0;
        if (same) return true;
    }
    return false;
}

/* Once, however often it is named. */
static status add(struct prune_list *l, const char *at, const struct manifest *m, struct error *e) {
    struct prune_backup b = {.at = strdup(at), .m = *m};
    struct prune_backup *grown = realloc(l->backup, (l->count + 1) * sizeof *grown);
    if (grown) l->backup = grown;
    if (!s3_is_url(at)) b.real = realpath(at, NULL);
    bool good = grown && b.at && (b.real || s3_is_url(at));
    if (good && !is_there(l, &b)) {
        l->backup[l->count++] = b;
        return OK;
    }
    free_one(&b);
    return good ? OK : error_set(e, ST_OUT_OF_MEMORY, "out of memory");
}

/* ---- a directory ---- */

static status add_directory(struct prune_list *l, const char *dir, uint64_t id, struct error *e) {
    struct manifest m;
    TRY(manifest_read(dir, &m, e));
    return m.appliance_id == id ? add(l, dir, &m, e) : OK;
}

static bool has_manifest(const char *dir) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, dir);
    return access(path, F_OK) == 0;
}

static status find_below(struct prune_list *l, const char *place, uint64_t id, struct error *e) {
    struct dirent **names;
    int n = scandir(place, &names, NULL, alphasort);
    if (n < 0) return error_set(e, ST_IO_ERROR, "%s: %s", place, strerror(errno));
    status st = OK;
    for (int i = 0; i < n; i++) {
        char dir[AXL_PATH_BYTES + 300];
        snprintf(dir, sizeof dir, "%s/%s", place, names[i]->d_name);
        bool maybe = names[i]->d_name[0] != '.' && has_manifest(dir);
        if (ok(st) && maybe) st = add_directory(l, dir, id, e);
        free(names[i]);
    }
    free(names);
    return st;
}

static status remove_directory(const char *dir, struct error *e) {
    const char *const names[] = {BACKUP_MANIFEST, BACKUP_PAGES_FILE, BACKUP_LOG_FILE,
                                 CONF_FILE_NAME};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0;
    for (size_t i = 0; good && i < sizeof names / sizeof *names; i++) {
        good = unlinkat(fd, names[i], 0) == 0 || errno == ENOENT;
        if (good && i == 0) good = fsync(fd) == 0;
    }
    if (good) good = rmdir(dir) == 0 || errno == ENOTEMPTY || errno == EEXIST; /* others' files */
    int why = errno;
    if (fd >= 0) close(fd);
    return good ? OK : error_set(e, ST_IO_ERROR, "%s: %s", dir, strerror(why));
}

/* ---- an endpoint ---- */

struct names {
    char **name;
    size_t count;
};

static status take_name(void *arg, const char *name) {
    struct names *all = arg;
    char **grown = realloc(all->name, (all->count + 1) * sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    all->name = grown;
    if (!(all->name[all->count] = strdup(name))) return STATUS(OUT_OF_MEMORY);
    all->count++;
    return OK;
}

static void free_names(struct names *all) {
    for (size_t i = 0; i < all->count; i++) free(all->name[i]);
    free(all->name);
}

static bool is_manifest(const char *name) {
    const char *slash = strrchr(name, '/');
    return strcmp(slash ? slash + 1 : name, S3_MANIFEST) == 0;
}

/* name: of a manifest, behind the place's prefix. */
static status add_object(struct prune_list *l, struct s3 *s3, const char *place, const char *name,
                         uint64_t id, struct error *e) {
    char at[AXL_PATH_BYTES];
    struct manifest m;
    const char *text;
    size_t n, trim = strlen(place), below = strlen(name) - strlen(S3_MANIFEST);
    while (trim > 0 && place[trim - 1] == '/') trim--;
    if (below > 0) below--; /* the slash */
    snprintf(at, sizeof at, "%.*s%s%.*s", (int)trim, place, below ? "/" : "", (int)below, name);
    TRY(s3_get(s3, name, &text, &n, e));
    TRY(manifest_parse(text, &m, e));
    return m.appliance_id == id ? add(l, at, &m, e) : OK;
}

static status find_objects(struct prune_list *l, const char *place, uint64_t id, struct error *e) {
    struct s3 *s3;
    struct names all = {0};
    TRY(s3_open(place, &s3, e));
    status st = s3_list(s3, take_name, &all, e);
    for (size_t i = 0; ok(st) && i < all.count; i++)
        if (is_manifest(all.name[i])) st = add_object(l, s3, place, all.name[i], id, e);
    free_names(&all);
    s3_close(s3);
    return st;
}

static status remove_objects(const char *at, struct error *e) {
    struct s3 *s3;
    struct names all = {0};
    TRY(s3_open(at, &s3, e));
    status st = s3_remove(s3, S3_MANIFEST, e);
    if (ok(st)) st = s3_list(s3, take_name, &all, e);
    for (size_t i = 0; ok(st) && i < all.count; i++)
        if (strncmp(all.name[i], S3_PART, strlen(S3_PART)) == 0) st = s3_remove(s3, all.name[i], e);
    free_names(&all);
    s3_close(s3);
    return st;
}

/* ---- either ---- */

status prune_find(struct prune_list *l, const char *place, uint64_t id, struct error *e) {
    if (s3_is_url(place)) return find_objects(l, place, id, e);
    return has_manifest(place) ? add_directory(l, place, id, e) : find_below(l, place, id, e);
}

status prune_remove(const struct prune_backup *b, struct error *e) {
    return s3_is_url(b->at) ? remove_objects(b->at, e) : remove_directory(b->at, e);
}
