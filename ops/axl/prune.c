/* prune.c: axl backup --prune. What is to be kept is found before anything is touched; then backups
 * go, the newest first, so that none loses what it is an increment to, and archived log after them,
 * the oldest first, so that it has no hole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/backup.h"
#include "ipc_proc.h"
#include "prune.h"

struct prune {
    struct axl *a;
    struct prune_list list;
    const char *archive; /* NULL or empty: there is none */
    bool dry;
    struct conf conf;
    uint64_t appliance_id;
    unsigned backups, segments; /* that went */
};

static status read_settings(struct prune *p, const char *retention) {
    struct axl *a = p->a;
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    conf_init(&p->conf);
    TRY(conf_load(&p->conf, path, &a->e));
    if (retention) TRY(conf_set(&p->conf, "retention", retention, &a->e));
    if (!p->archive) p->archive = p->conf.archive_directory;
    return appliance_id_read(a->dir, &p->appliance_id, &a->e);
}

/* Where storaged finds images of damaged pages: the newest one stays, with its log, and so does
 * what nobody has named. */
static status add_recorded(struct prune *p) {
    struct backup_record r;
    size_t named = p->list.count;
    status st = backup_record_read(p->a->dir, BACKUP_RECORD, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    if (!ok(st))
        return error_set(&p->a->e, st.code, "%s/" BACKUP_RECORD " cannot be read: %s", p->a->dir,
                         status_name(st));
    for (unsigned i = 0; i < r.count && r.appliance_id == p->appliance_id; i++) {
        st = prune_find(&p->list, r.dir[i], p->appliance_id, &p->a->e);
        if (!ok(st)) error_clear(&p->a->e); /* it is gone, and so holds nothing up */
    }
    const char *newest = r.dir[r.count - 1];
    for (size_t i = 0; i < p->list.count; i++) {
        struct prune_backup *b = &p->list.backup[i];
        b->stays = i >= named || (b->real && strcmp(b->real, newest) == 0);
    }
    backup_record_fini(&r);
    return OK;
}

static int by_age(const void *a, const void *b) {
    const struct prune_backup *x = a, *y = b;
    if (x->m.redo_lsn != y->m.redo_lsn) return x->m.redo_lsn < y->m.redo_lsn ? -1 : 1;
    return (x->m.ended > y->m.ended) - (x->m.ended < y->m.ended);
}

static void say(const struct prune *p, const struct prune_backup *b) {
    char when[40];
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&b->m.ended, &tm));
    const char *what = b->keep ? "keeps" : p->dry ? "would remove" : "removes";
    const char *why = !b->whole                 ? "  (what it is an increment to is missing)"
                      : b->keep && !b->leads_on ? "  (others are increments to it)"
                                                : "";
    printf("%s %s of %s%s\n", what, b->at, when, why);
}

static status prune_backups(struct prune *p) {
    qsort(p->list.backup, p->list.count, sizeof *p->list.backup, by_age);
    for (size_t i = p->list.count; i > 0; i--) {
        const struct prune_backup *b = &p->list.backup[i - 1];
        say(p, b);
        if (b->keep) continue;
        if (!p->dry) TRY(prune_remove(b, &p->a->e));
        p->backups++;
    }
    return OK;
}

static status run(struct prune *p, const char *retention) {
    TRY(read_settings(p, retention));
    if (!p->dry) TRY(axl_hold_backups(p->a));
    for (const char *place; (place = axl_argument(p->a));)
        TRY(prune_find(&p->list, place, p->appliance_id, &p->a->e));
    if (!axl_done(p->a)) return p->a->e.status;
    TRY(add_recorded(p));
    if (p->list.count == 0)
        return error_set(&p->a->e, ST_NOT_FOUND, "there is no backup of this appliance");
    prune_choose(&p->list, time(NULL) - (time_t)(p->conf.retention / 1000));
    TRY(prune_backups(p));
    if (!*p->archive) return OK;
    return prune_log(p->archive, p->appliance_id, prune_log_floor(&p->list), p->dry, &p->segments,
                     &p->a->e);
}

int axl_backup_prune(struct axl *a) {
    static struct prune p;
    const char *retention = NULL;
    p.a = a;
    (void)axl_option(a, "--archive", &p.archive);
    (void)axl_option(a, "--retention", &retention);
    p.dry = axl_option(a, "--dry-run", NULL);
    status st = ok(a->e.status) ? run(&p, retention) : a->e.status;
    prune_list_fini(&p.list);
    if (!ok(st)) return axl_fail(a);
    printf("%u backups and %u archived segments %s.\n", p.backups, p.segments,
           p.dry ? "would go" : "are gone");
    return 0;
}
