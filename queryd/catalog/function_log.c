/* function_log.c: positions in the log, as pg_lsn; its segments. */
#include "catalog/function_bodies.h"
#include "catalog/roles.h"

/* The log is complete so far: what comes next is written behind it. */
status fn_current_lsn(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    c->result.u64 = log_complete(env.proc->shm->log).at;
    return OK;
}

status fn_flush_lsn(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    c->result.u64 = atomic_load(&env.proc->shm->log->durable);
    return OK;
}

/* pg_switch_wal: so that the archive gets what has been written. */
status fn_switch_log(struct fn_call *c) {
    struct sql_env env;
    lsn end;
    bool super;
    TRY(function_env(c, &env));
    TRY(role_is_superuser(&env, env.settings->user_oid, &super));
    if (!super)
        return error_set(c->env->error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied for function pg_switch_wal");
    status st = log_switch(env.proc, &end);
    if (!ok(st)) return catalog_error(&env, st);
    c->result.u64 = end.at;
    return OK;
}
