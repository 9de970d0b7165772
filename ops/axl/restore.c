/* restore.c: axl restore: a directory from a full backup, the incremental ones behind it, and the
 * archived log. It becomes an appliance of its own, with an id of its own: it may run beside the
 * one that the backup is of. storaged makes the data file, logd the log. A backup that comes as a
 * stream is received whole, beside them, before anything is made of it. Online: the appliance can
 * be started at once, and takes its pages from the backups while it runs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axl.h"
#include "backup/archive_keys.h"
#include "keys.h"
#include "manifest.h"
#include "s3_backup.h"
#include "stream.h"

#define BACKUPS_MAX 64
#define RECEIVED "received"

struct restore {
    struct axl *a;
    const char *backups[BACKUPS_MAX];
    struct manifest m[BACKUPS_MAX]; /* theirs */
    struct axl_keys keys;
    int n;
    bool online;
    const char *rate;              /* NULL: no limit */
    char *real[BACKUPS_MAX];       /* their whole paths */
    char *places[BACKUPS_MAX + 1]; /* what was received, and the archive; NULL: was not */
    const char *archive, *to_lsn, *to_time;
    uint64_t time_ns; /* of to_time */
    char
        received[AXL_PATH_BYTES + 32]; /* where what came from elsewhere lies; empty: nothing did */
};

/* A full one, then each of what changed since one before it began. */
static status check_chain(struct restore *r) {
    struct manifest *m = r->m;
    struct error *e = &r->a->e;
    for (int i = 0; i < r->n; i++) {
        TRY(manifest_read(r->backups[i], &m[i], e));
        TRY(version_check_line(m[i].version, r->backups[i], e));
        bool follows = i == 0 && m[i].since_lsn == 0;
        for (int k = 0; k < i; k++) follows |= m[i].since_lsn == m[k].redo_lsn;
        if (i == 0 && !follows)
            return error_set(e, ST_INVALID_PARAMETER_VALUE,
                             "\"%s\" holds only what has changed since another backup: name that "
                             "one first",
                             r->backups[i]);
        if (!follows || m[i].appliance_id != m[0].appliance_id || m[i].redo_lsn < m[0].redo_lsn)
            return error_set(e, ST_INVALID_PARAMETER_VALUE,
                             "\"%s\" does not follow the backups named before it", r->backups[i]);
    }
    return OK;
}

/* "2026-11-29 10:00:00.5+01:00", "…Z"; without a zone it is this machine's. */
static status read_time(struct restore *r, const char *text) {
    struct tm tm = {.tm_isdst = -1};
    uint64_t fraction = 0;
    char *p = strptime(text, "%Y-%m-%d", &tm);
    if (p && (*p == ' ' || *p == 'T')) p = strptime(p + 1, "%H:%M:%S", &tm);
    if (p && *p == '.') {
        uint64_t unit = 100000000;
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10) fraction += unit * (uint64_t)(*p - '0');
    }
    bool zoned = p && *p;
    if (zoned) p = strptime(p, "%z", &tm);
    long offset = tm.tm_gmtoff;
    int day = tm.tm_mday;
    time_t seconds = !p || *p ? -1 : zoned ? timegm(&tm) - offset : mktime(&tm);
    if (seconds < 0 || tm.tm_mday != day) /* the 31st of February becomes a day in March */
        return error_set(&r->a->e, ST_INVALID_PARAMETER_VALUE, "\"%s\" is not a time", text);
    r->time_ns = (uint64_t)seconds * 1000000000u + fraction;
    return OK;
}

static void time_text(uint64_t time_ns, char ret_text[40]) {
    time_t seconds = (time_t)(time_ns / 1000000000u);
    struct tm tm;
    size_t n = strftime(ret_text, 40, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    snprintf(ret_text + n, 40 - n, ".%09uZ", (unsigned)(time_ns % 1000000000u));
}

/* What is asked for must be able to come true: pages show all that was committed when their backup
 * began. */
static status check_time(const struct restore *r) {
    const struct manifest *last = &r->m[r->n - 1];
    char text[40];
    if (!r->to_time || r->time_ns >= last->last_commit) return OK;
    time_text(last->last_commit, text);
    status st = error_set(&r->a->e, ST_INVALID_PARAMETER_VALUE,
                          "\"%s\" is of a later moment: it has commits up to %s",
                          r->backups[r->n - 1], text);
    error_hint(&r->a->e, "Take an older backup, and the archived log since (--archive).");
    return st;
}

static status check_options(struct restore *r) {
    struct axl *a = r->a;
    if (r->to_lsn && r->to_time)
        return error_set(&a->e, ST_INVALID_PARAMETER_VALUE,
                         "--to-lsn and --to-time are two places to stop at: name one");
    if (r->rate && !r->online)
        return error_set(&a->e, ST_INVALID_PARAMETER_VALUE, "--rate is of use with --online only");
    return r->to_time ? read_time(r, r->to_time) : OK;
}

static status find_real(struct restore *r) {
    for (int i = 0; i < r->n; i++)
        if (!(r->real[i] = realpath(r->backups[i], NULL)))
            return error_set(&r->a->e, ST_NOT_FOUND, "%s: %s", r->backups[i], strerror(errno));
    return OK;
}

/* ---- keys ---- */

struct key_files {
    struct key_file *list;
    char (*names)[64];
    size_t count;
};

static const char *name_of(void *files, size_t i) {
    return ((struct key_files *)files)->names[i];
}

static void take_file(struct key_files *f, const struct key_file *k, const char *name) {
    f->list[f->count] = *k;
    snprintf(f->names[f->count++], sizeof *f->names, "%s", name);
}

/* Those of the backups, and those that logd has put beside the archived log. */
static void take_files(struct restore *r, struct key_files *f) {
    struct key_file k;
    for (int i = 0; i < r->n; i++)
        if (r->m[i].encrypted) take_file(f, &r->m[i].keys, "the backup");
    for (uint32_t i = 1; r->archive && i <= ARCHIVE_KEYS_MAX; i++)
        if (ok(backup_archive_keys_read(r->archive, i, &k))) take_file(f, &k, "the archive");
}

static status open_backups(struct restore *r) {
    size_t room = BACKUPS_MAX + ARCHIVE_KEYS_MAX;
    struct key_files f = {.list = malloc(room * sizeof *f.list), .names = malloc(room * 64)};
    status st = f.list && f.names ? OK : STATUS(OUT_OF_MEMORY);
    if (!ok(st)) st = error_set(&r->a->e, st.code, "out of memory");
    if (ok(st)) take_files(r, &f);
    if (ok(st) && f.count > 0) {
        r->keys.encrypt = true; /* what was encrypted stays so */
        st = axl_keys_source(r->a, &r->keys, r->a->dir);
        if (ok(st)) st = axl_keys_of_backups(r->a, &r->keys, f.list, f.count, name_of, &f);
    }
    free(f.list);
    free(f.names);
    return st;
}

/* ---- the two that make files ---- */

static status restore_pages(struct restore *r, char id[32]) {
    char *argv[BACKUPS_MAX * 2 + 11];
    int n = 0;
    argv[n++] = (char *)"--restore";
    argv[n++] = (char *)"-D";
    argv[n++] = r->a->dir;
    argv[n++] = (char *)"--appliance";
    argv[n++] = id;
    for (int i = 0; i < r->n; i++) {
        argv[n++] = (char *)"--from";
        argv[n++] = r->real[i];
    }
    if (r->online) argv[n++] = (char *)"--online";
    if (r->rate) {
        argv[n++] = (char *)"--rate";
        argv[n++] = (char *)r->rate;
    }
    argv[n] = NULL;
    return axl_keys_run(r->a, &r->keys, "storaged", argv);
}

static status restore_log(struct restore *r) {
    char *argv[16], time_ns[24];
    int n = 0;
    snprintf(time_ns, sizeof time_ns, "%" PRIu64, r->time_ns);
    const char *options[][2] = {{"-D", r->a->dir},
                                {"--from", r->backups[r->n - 1]},
                                {"--archive", r->archive},
                                {"--to-lsn", r->to_lsn},
                                {"--to-time", r->to_time ? time_ns : NULL}};
    argv[n++] = (char *)"--restore";
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!options[i][1]) continue;
        argv[n++] = (char *)options[i][0];
        argv[n++] = (char *)options[i][1];
    }
    argv[n] = NULL;
    return axl_keys_run(r->a, &r->keys, "logd", argv);
}

/* A place for what comes from elsewhere, within DIR/received. */
static status make_place(struct restore *r, const char *name, char **ret_dir) {
    char *dir = NULL;
    snprintf(r->received, sizeof r->received, "%s/" RECEIVED, r->a->dir);
    bool made = (mkdir(r->received, 0700) == 0 || errno == EEXIST) &&
                asprintf(&dir, "%s/%s", r->received, name) > 0 && mkdir(dir, 0700) == 0;
    if (!made) return error_set(&r->a->e, ST_IO_ERROR, "%s: %s", r->received, strerror(errno));
    *ret_dir = dir;
    return OK;
}

/* The backups that come as streams, or lie at an S3 endpoint. */
static status receive(struct restore *r) {
    for (int i = 0; i < r->n; i++) {
        const char *from = r->backups[i];
        char name[16];
        bool stream = strcmp(from, "-") == 0;
        if (!stream && !s3_is_url(from)) continue;
        snprintf(name, sizeof name, "%d", i);
        TRY(make_place(r, name, &r->places[i]));
        r->backups[i] = r->places[i];
        TRY(stream ? stream_receive(STDIN_FILENO, r->places[i], &r->a->e)
                   : s3_receive(from, r->places[i], &r->a->e));
    }
    return OK;
}

/* As far back as the last backup's log does not reach. */
static status receive_archive(struct restore *r) {
    struct manifest m;
    const char *from = r->archive;
    if (!s3_is_url(from)) return OK;
    TRY(make_place(r, "archive", &r->places[BACKUPS_MAX]));
    r->archive = r->places[BACKUPS_MAX];
    TRY(manifest_read(r->backups[r->n - 1], &m, &r->a->e));
    return s3_fetch_archive(from, m.end_lsn, r->archive, &r->a->e);
}

static void free_names(struct restore *r) {
    for (int i = 0; i < r->n; i++) free(r->real[i]);
    for (int i = 0; i <= BACKUPS_MAX; i++) free(r->places[i]);
}

static status fill(struct restore *r) {
    uint64_t id;
    char hex[32];
    TRY(receive(r));
    TRY(check_chain(r));
    TRY(check_time(r));
    TRY(receive_archive(r));
    TRY(find_real(r));
    TRY(axl_copy_settings(r->a, r->backups[r->n - 1], r->a->dir));
    TRY(axl_new_id(r->a, &id));
    TRY(open_backups(r));
    TRY(axl_keys_make(r->a, &r->keys, id));
    snprintf(hex, sizeof hex, "%016" PRIx64, id);
    TRY(restore_pages(r, hex));
    return restore_log(r);
}

int axl_restore(struct axl *a) {
    static struct restore r;
    bool made = false;
    r.a = a;
    if (!ok(axl_keys_options(a, &r.keys))) return axl_fail(a);
    (void)axl_option(a, "--archive", &r.archive);
    r.online = axl_option(a, "--online", NULL);
    (void)axl_option(a, "--rate", &r.rate);
    (void)axl_option(a, "--to-lsn", &r.to_lsn);
    (void)axl_number(a, r.rate, 0);
    (void)axl_number(a, r.to_lsn, 0);
    (void)axl_option(a, "--to-time", &r.to_time);
    while (r.n < BACKUPS_MAX && (r.backups[r.n] = axl_argument(a))) r.n++;
    if (r.n < BACKUPS_MAX && axl_option(a, "-", NULL)) r.backups[r.n++] = "-"; /* the last one */
    if (!axl_done(a)) return axl_fail(a);
    if (r.n == 0) {
        fprintf(stderr, "axl: restore from which backup?\n");
        return 2;
    }
    if (r.online && r.keys.nold > 0) {
        fprintf(stderr, "axl: --old-key-file is not for --online: the appliance opens the backup "
                        "by its own master key\n");
        return 2;
    }
    if (!ok(check_options(&r))) return axl_fail(a);
    if (!ok(axl_make_directory(a, &made))) return axl_fail(a);
    status s = fill(&r);
    axl_keys_close(&r.keys);
    free_names(&r);
    if (!ok(s)) {
        axl_empty_directory(a->dir, made);
        return axl_fail(a);
    }
    if (r.received[0] && !r.online) axl_empty_directory(r.received, true);
    printf("The appliance is restored in %s\nStart it: axl start -D %s\n", a->dir, a->dir);
    if (r.online) printf("It needs its backup until axl events says that all pages have come.\n");
    return 0;
}
