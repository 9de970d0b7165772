/* archive.c: axl archive: segments of the archive's directory sent to an S3 endpoint, oldest first,
 * once or on and on, and before them the wrapped keys that open them, when they are encrypted. A
 * segment that has been sent is removed here, but for the newest ones, which damaged pages may
 * need. An endpoint that does not answer holds up nobody but us: logd goes on archiving
 * into the directory. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "axl.h"
#include "backup/archive_keys.h"
#include "backup/backup.h"
#include "ipc_proc.h"
#include "s3.h"
#include "s3_backup.h"

#define KEYS_NAME_BYTES 14 /* of keys: 8 digits, ".keys" */
#define WHOSE "archive.id"
#define LOOK_MS 1000
#define RETRY_MS 2000
#define KEEP 16
#define TOLD_FILES 64 /* so many that wait, each time, are worth a word */

struct sender {
    struct axl *a;
    struct s3 *s3;
    const char *url, *dir;
    char sent[ARCHIVE_NAME_BYTES];          /* the newest one that is there */
    uint64_t keys_ns[ARCHIVE_KEYS_MAX + 1]; /* when the keys that are there were written */
    long keep;
    size_t told;
};

bool archive_is_segment(const char *name) {
    return strlen(name) == ARCHIVE_NAME_BYTES - 1 && strspn(name, "0123456789abcdef") == 16 &&
           strcmp(name + 16, ".log") == 0;
}

static int of_segments(const struct dirent *d) {
    return archive_is_segment(d->d_name);
}

/* 0: the name is none of keys. */
static unsigned keys_number(const char *name) {
    unsigned long number = strspn(name, "0123456789abcdef") == 8 ? strtoul(name, NULL, 16) : 0;
    return strlen(name) == KEYS_NAME_BYTES - 1 && strcmp(name + 8, ".keys") == 0 &&
                   number <= ARCHIVE_KEYS_MAX
               ? (unsigned)number
               : 0;
}

static int of_keys(const struct dirent *d) {
    return keys_number(d->d_name) != 0;
}

/* ---- sending ---- */

static status read_all(const char *path, char **ret_bytes, size_t *ret_n, struct error *e) {
    struct stat st;
    FILE *f = fopen(path, "re");
    char *bytes = f && fstat(fileno(f), &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    size_t n = bytes ? fread(bytes, 1, (size_t)st.st_size, f) : 0;
    bool good = bytes && n == (size_t)st.st_size;
    int why = errno;
    if (f) fclose(f);
    if (!good) {
        free(bytes);
        return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(why));
    }
    *ret_bytes = bytes;
    *ret_n = n;
    return OK;
}

static status send_one(struct sender *s, const char *name) {
    char path[AXL_PATH_BYTES + 32], *bytes;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    TRY(read_all(path, &bytes, &n, &s->a->e));
    status st = s3_put(s->s3, name, bytes, n, &s->a->e);
    free(bytes);
    return st;
}

static status send_keys_of(struct sender *s, const char *name) {
    char path[AXL_PATH_BYTES + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    if (stat(path, &st) != 0)
        return error_set(&s->a->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    uint64_t *sent = &s->keys_ns[keys_number(name)];
    uint64_t ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    if (*sent == ns) return OK;
    TRY(send_one(s, name));
    *sent = ns;
    return OK;
}

/* Those that were exchanged since, again. */
static status send_keys(struct sender *s) {
    struct dirent **names;
    int n = scandir(s->dir, &names, of_keys, alphasort);
    if (n < 0) return error_set(&s->a->e, ST_IO_ERROR, "%s: %s", s->dir, strerror(errno));
    status st = OK;
    for (int i = 0; i < n; i++) {
        if (ok(st)) st = send_keys_of(s, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return st;
}

static void remove_sent(const struct sender *s, struct dirent **names, int n) {
    for (int i = 0; i + s->keep < n && strcmp(names[i]->d_name, s->sent) <= 0; i++) {
        char path[AXL_PATH_BYTES + 300];
        snprintf(path, sizeof path, "%s/%s", s->dir, names[i]->d_name);
        unlink(path); /* another time, else */
    }
}

/* Said again whenever there are twice as many. */
static void tell_waiting(struct sender *s, size_t waiting) {
    if (waiting < TOLD_FILES) s->told = 0;
    if (waiting < TOLD_FILES || waiting < 2 * s->told) return;
    fprintf(stderr, "axl: %zu segments wait in %s to be archived in %s\n", waiting, s->dir, s->url);
    s->told = waiting;
}

static status send_all(struct sender *s, unsigned *ret_sent) {
    struct dirent **names;
    *ret_sent = 0;
    TRY(send_keys(s));
    int n = scandir(s->dir, &names, of_segments, alphasort);
    if (n < 0) return error_set(&s->a->e, ST_IO_ERROR, "%s: %s", s->dir, strerror(errno));
    status st = OK;
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i]->d_name, s->sent) <= 0) continue;
        tell_waiting(s, (size_t)(n - i));
        st = send_one(s, names[i]->d_name);
        if (!ok(st)) break;
        memcpy(s->sent, names[i]->d_name, ARCHIVE_NAME_BYTES);
        ++*ret_sent;
    }
    remove_sent(s, names, n);
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    return st;
}

static status take_newest(void *arg, const char *name) {
    struct sender *s = arg;
    if (archive_is_segment(name) && strcmp(name, s->sent) > 0) strcpy(s->sent, name);
    return OK;
}

/* The place is this appliance's from the first time on. */
static status check_place(struct sender *s) {
    struct error *e = &s->a->e;
    uint64_t id;
    char mine[24];
    const char *theirs;
    size_t n;
    TRY(appliance_id_read(s->a->dir, &id, e));
    snprintf(mine, sizeof mine, "%016" PRIx64, id);
    status st = s3_get(s->s3, WHOSE, &theirs, &n, e);
    if (status_is(st, ST_NOT_FOUND))
        st = s3_put(s->s3, WHOSE, mine, strlen(mine), e);
    else if (ok(st) && (n != strlen(mine) || memcmp(theirs, mine, n) != 0))
        st = error_set(e, ST_OBJECT_IN_USE, "\"%s\" is the archive of another appliance", s->url);
    return ok(st) ? s3_list(s->s3, take_newest, s, e) : st;
}

/* Failures are said once, until it has worked again. */
static int follow(struct sender *s) {
    bool placed = false, failed = false;
    for (;;) {
        unsigned sent = 0;
        status st = placed ? OK : check_place(s);
        if (status_is(st, ST_OBJECT_IN_USE)) return axl_fail(s->a);
        placed |= ok(st);
        if (ok(st)) st = send_all(s, &sent);
        if (!ok(st) && !failed) (void)axl_fail(s->a);
        if (ok(st) && failed) fprintf(stderr, "axl: the log is archived in %s again\n", s->url);
        failed = !ok(st);
        error_clear(&s->a->e);
        axl_pause_ms(ok(st) ? LOOK_MS : RETRY_MS);
    }
}

static int once(struct sender *s) {
    unsigned sent;
    if (!ok(check_place(s)) || !ok(send_all(s, &sent))) return axl_fail(s->a);
    printf("%u segments sent to %s\n", sent, s->url);
    return 0;
}

static const char *archive_directory(struct axl *a) {
    static struct conf conf;
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    conf_init(&conf);
    return ok(conf_load(&conf, path, &a->e)) ? conf.archive_directory : "";
}

int axl_archive(struct axl *a) {
    struct sender s = {.a = a, .keep = KEEP};
    const char *keep = NULL;
    (void)axl_option(a, "--to", &s.url);
    (void)axl_option(a, "--from", &s.dir);
    if (axl_option(a, "--keep", &keep)) s.keep = atol(keep);
    bool on = axl_option(a, "--follow", NULL);
    if (!axl_done(a)) return axl_fail(a);
    if (!s.dir) s.dir = archive_directory(a);
    if (!ok(a->e.status)) return axl_fail(a);
    if (!s3_is_url(s.url) || !*s.dir || s.keep < 0) {
        fprintf(stderr, "axl: archive --to s3://BUCKET/PREFIX, from the setting archive_directory "
                        "or --from DIR\n");
        return 2;
    }
    if (!ok(s3_open(s.url, &s.s3, &a->e))) return axl_fail(a);
    int result = on ? follow(&s) : once(&s);
    s3_close(s.s3);
    return result;
}

/* ---- and back ---- */

struct name_list {
    char (*name)[ARCHIVE_NAME_BYTES];
    size_t count;
};

static status take_name(void *arg, const char *name) {
    struct name_list *l = arg;
    if (!archive_is_segment(name) && !keys_number(name)) return OK;
    char(*grown)[ARCHIVE_NAME_BYTES] = realloc(l->name, (l->count + 1) * sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    l->name = grown;
    strcpy(l->name[l->count++], name);
    return OK;
}

static status put_file(const char *dir, const char *name, const char *bytes, size_t n,
                       struct error *e) {
    char path[AXL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wxe");
    bool good = f && fwrite(bytes, 1, n, f) == n;
    if (f) good = fclose(f) == 0 && good;
    return good ? OK : error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}

static status fetch_keys(struct s3 *s3, const char *name, const char *dir, struct error *e) {
    const char *bytes;
    size_t n;
    TRY(s3_get(s3, name, &bytes, &n, e));
    return put_file(dir, name, bytes, n, e);
}

static status fetch_one(struct s3 *s3, const char *name, const char *dir, uint64_t *ret_at,
                        struct error *e) {
    const char *bytes;
    struct backup_head h;
    size_t n, length;
    TRY(s3_get(s3, name, &bytes, &n, e));
    if (n < BACKUP_ALIGN || !ok(backup_look(bytes, &h, &length)) || h.kind != BACKUP_LOG)
        return error_set(e, ST_DATA_CORRUPTED, "the archived segment %s is damaged", name);
    *ret_at = h.at;
    return put_file(dir, name, bytes, n, e);
}

/* All keys, and the newest segments back to the one with the LSN. */
static status fetch_list(struct s3 *s3, const struct name_list *list, uint64_t at, const char *dir,
                         struct error *e) {
    uint64_t first = UINT64_MAX;
    for (size_t i = list->count; i > 0; i--) {
        const char *name = list->name[i - 1];
        status st = OK;
        if (keys_number(name))
            st = fetch_keys(s3, name, dir, e);
        else if (first > at)
            st = fetch_one(s3, name, dir, &first, e);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(e, ST_NOT_FOUND, "the archived %s is gone", name);
        TRY(st);
    }
    return OK;
}

status s3_fetch_archive(const char *url, uint64_t at, const char *dir, struct error *e) {
    struct s3 *s3;
    struct name_list list = {0};
    TRY(s3_open(url, &s3, e));
    status st = s3_list(s3, take_name, &list, e);
    if (ok(st)) st = fetch_list(s3, &list, at, dir, e);
    free(list.name);
    s3_close(s3);
    return st;
}
