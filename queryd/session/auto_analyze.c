/* Tables whose statistics have become old are analysed when a worker has time: each worker looks
 * after what it has changed itself, one table after another, in a coroutine without a session. */
#include <stdlib.h>

#include "base/coro.h"
#include "catalog/changes.h"
#include "catalog/log_on.h"
#include "session/worker.h"
#include "types/context.h"

#define NAP_NS 5000000000u
#define TURN_NS 100000

void worker_task_init(struct worker_task *a, struct worker *w, struct catalog *c) {
    struct proc *p = &w->d->proc;
    arena_init(&a->arena, 0);
    session_env_init(&a->values, p->env->mono_ns(p) | 1);
    a->settings = (struct sql_settings){.user = "postgres",
                                        .user_oid = 10,
                                        .database = "postgres",
                                        .search_path = "pg_catalog",
                                        .statistics_target = 100,
                                        .application_name = ""};
    a->env = (struct sql_env){.proc = p,
                              .txn = &a->txn,
                              .eval = {&a->arena, &a->error, &a->values},
                              .txn_arena = &a->arena,
                              .catalog = c,
                              .settings = &a->settings,
                              .cancel = &w->analysis_cancel,
                              .turn_ends_ns = p->env->mono_ns(p) + TURN_NS,
                              .text = ""};
    a->values.names = &catalog_names;
    a->values.session = &a->env;
    a->values.turn = sql_env_turn;
}

static status analyze_table(struct sql_env *env, oid table) {
    TRY(txn_begin(env->proc, env->txn, ISO_READ_COMMITTED, 0));
    status st = catalog_database_hold(env, catalog_root(env->catalog));
    if (ok(st)) st = catalog_analyze(env, table);
    if (ok(st)) return txn_commit(env->proc, env->txn, true);
    status_ignore(txn_rollback(env->proc, env->txn)); /* the first failure is the one to tell */
    return st;
}

/* The catalog with the table that is due first; NULL: no table has changed enough. */
static struct catalog *waiting_catalog(struct worker *w, uint64_t *ret_due_ns) {
    struct catalog *first = NULL;
    *ret_due_ns = UINT64_MAX;
    if (w->catalog && (*ret_due_ns = catalog_analyze_due_ns(w->catalog)) != UINT64_MAX)
        first = w->catalog;
    for (struct database *d = w->databases; d; d = d->next) {
        uint64_t due_ns = catalog_analyze_due_ns(d->catalog);
        if (due_ns >= *ret_due_ns) continue;
        *ret_due_ns = due_ns;
        first = d->catalog;
    }
    return first;
}

/* Whatever fails is left until the table has changed as much again: it is locked, the disk is full,
 * the worker ends. */
static void analyze_one(struct worker *w, struct worker_task *a, struct catalog *c, oid table) {
    struct proc *p = &w->d->proc;
    uint64_t begun = p->env->mono_ns(p);
    worker_task_init(a, w, c);
    coro_set_local(&a->env); /* types of one's own are looked up by this */
    status_ignore(analyze_table(&a->env, table));
    coro_set_local(NULL);
    arena_free(&a->arena);
    error_clear(&a->error);
    uint64_t now = p->env->mono_ns(p);
    catalog_rest_from_analyze(c, table, now, now - begun);
}

static void analyze_waiting(void *arg) {
    struct worker *w = arg;
    struct proc *p = &w->d->proc;
    struct catalog *c;
    uint64_t due_ns;
    oid table;
    struct worker_task *a = calloc(1, sizeof *a);
    while (a && !atomic_load(&w->analysis_cancel) && (c = waiting_catalog(w, &due_ns)) &&
           (table = catalog_take_analyze(c, p->env->mono_ns(p))))
        analyze_one(w, a, c, table);
    free(a);
    w->analysis_due_ns = p->env->mono_ns(p) + NAP_NS;
    w->analysing = false;
}

bool worker_auto_analyze(struct worker *w) {
    bool ending = w->stopping || w->handing_over;
    if (ending) atomic_store(&w->analysis_cancel, true);
    if (w->analysing) return ending;
    uint64_t due_ns;
    if (ending || !waiting_catalog(w, &due_ns)) return false;
    struct proc *p = &w->d->proc;
    uint64_t now = p->env->mono_ns(p);
    if (w->analysis_due_ns == 0) w->analysis_due_ns = now + NAP_NS;
    if (due_ns < w->analysis_due_ns) due_ns = w->analysis_due_ns;
    if (now < due_ns) {
        if (!w->d->step_due_ns || w->d->step_due_ns > due_ns) w->d->step_due_ns = due_ns;
        return false;
    }
    w->analysing = true;
    if (!ok(daemon_spawn(w->d, 0, analyze_waiting, w))) w->analysing = false;
    return false;
}
