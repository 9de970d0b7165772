/* function_log.c: positions in the log, as pg_lsn. */
#include "catalog/function_bodies.h"

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
