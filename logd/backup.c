/* The log of a backup: from where recovery of its pages begins to where the log ends when the last
 * page has been taken, copied while it grows. What is not copied yet is kept. */
#include "backup/backup.h"

#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "logd.h"

#define LOOK_NS 2000000u
/* Whoever makes a backup asks how far it is; when nobody does any more, nothing is kept for it. */
#define FORSAKEN_NS 60000000000u

struct log_backup {
    struct logd *l;
    struct log_backup_state state;
    uint64_t asked_ns;
    bool dropped;           /* who asked for it has given it up */
    uint64_t window, taken; /* bytes of the file: at most, and from its beginning */
    uint64_t finish_at;     /* the log up to here belongs to it; 0: not known yet */
    char *dir;
    struct chunk_file out;
};

static void backup_free(struct log_backup *b) {
    if (!b) return;
    chunk_file_close(&b->out);
    free(b->dir);
    free(b);
}

static bool forsaken(const struct log_backup *b) {
    struct proc *p = &b->l->d->proc;
    return b->dropped || b->l->stopping || p->env->mono_ns(p) - b->asked_ns > FORSAKEN_NS;
}

static bool has_room(const struct log_backup *b) {
    return !b->window || b->out.offset <= b->taken + b->window;
}

static status copy(struct log_backup *b) {
    struct logd *l = b->l;
    while (!b->finish_at || b->state.at < b->finish_at) {
        uint64_t durable = atomic_load(&l->shared->durable);
        if (forsaken(b)) return STATUS(QUERY_CANCELED);
        if (durable <= b->state.at || !has_room(b)) {
            daemon_sleep(l->d, LOOK_NS);
            continue;
        }
        uint64_t end = b->finish_at && b->finish_at < durable ? b->finish_at : durable;
        TRY(chunk_file_log(&b->out, b->state.at, end, &b->state.at));
        b->state.bytes = b->out.offset;
    }
    TRY(chunk_file_end(&b->out, b->state.at));
    b->state.bytes = b->out.offset;
    return OK;
}

static void copying_task(void *arg) {
    struct log_backup *b = arg;
    b->state.result = copy(b);
    chunk_file_close(&b->out);
    b->state.running = b->state.copying = false;
}

status log_backup_hold(struct logd *l) {
    struct proc *p = &l->d->proc;
    if (!l->serving || l->stopping) return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    const struct log_backup *last = l->backup;
    if (last && (last->state.copying || (last->state.running && !forsaken(last))))
        return STATUS(OBJECT_IN_USE);
    struct log_backup *b = calloc(1, sizeof *b);
    if (!b) return STATUS(OUT_OF_MEMORY);
    *b = (struct log_backup){.l = l, .asked_ns = p->env->mono_ns(p), .out = {.dir = -1}};
    b->state = (struct log_backup_state){.running = true, .at = segments_begin(&l->segments)};
    backup_free(l->backup);
    l->backup = b;
    return OK;
}

status log_backup_start(struct logd *l, const char *dir, uint64_t from, uint64_t window) {
    struct log_backup *b = l->backup;
    if (!b || !b->state.running || b->state.copying)
        return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    if (from < b->state.at || from % 8 != 0) return STATUS(INVALID);
    b->state.at = from;
    b->window = window;
    b->state.dir = b->dir = strdup(dir);
    status st = b->dir ? chunk_file_open(l, dir, BACKUP_LOG_FILE, &b->out) : STATUS(OUT_OF_MEMORY);
    b->state.copying = ok(st);
    if (ok(st)) st = daemon_spawn(l->d, 0, copying_task, b);
    if (!ok(st)) {
        chunk_file_close(&b->out);
        b->state.copying = b->state.running = false;
        b->state.result = st;
    }
    return st;
}

void log_backup_finish(struct logd *l) {
    if (l->backup && !l->backup->finish_at)
        l->backup->finish_at =
            atomic_load(&l->shared->tail); /* pages may show what is not durable */
}

void log_backup_drop(struct logd *l) {
    struct log_backup *b = l->backup;
    if (!b || !b->state.running) return;
    b->dropped = true;
    if (b->state.copying) return; /* it ends itself */
    b->state.running = false;
    b->state.result = STATUS(QUERY_CANCELED);
}

const struct log_backup_state *log_backup_state(struct logd *l, uint64_t taken) {
    struct proc *p = &l->d->proc;
    if (!l->backup) return NULL;
    l->backup->asked_ns = p->env->mono_ns(p);
    l->backup->taken = taken;
    return &l->backup->state;
}

uint64_t log_backup_keeps(const struct logd *l) {
    const struct log_backup *b = l->backup;
    return b && b->state.running && !forsaken(b) ? b->state.at : UINT64_MAX;
}

void log_backup_fini(struct logd *l) {
    backup_free(l->backup);
    l->backup = NULL;
}
