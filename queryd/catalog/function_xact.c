/* function_xact.c: what SQL asks of transactions: the own one's id, what became of another, whom
 * the running statement sees. */
#include "catalog/function_bodies.h"
#include "txn/version.h"
#include "types/snapshot.h"

status fn_current_xact_id(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    TRY(txn_need_id(env.proc, env.txn));
    c->result = (datum){.u64 = env.txn->writer.x};
    return OK;
}

status fn_xact_id_if_assigned(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    if (!env.txn->writer.x) return return_null(c);
    c->result = (datum){.u64 = env.txn->writer.x};
    return OK;
}

/* How many ids have been given since that one. */
status fn_xid_age(struct fn_call *c) {
    struct sql_env env;
    uint32_t xid = c->args[0].u32;
    TRY(function_env(c, &env));
    uint64_t now = env.txn->writer.x;
    if (!now) now = atomic_load(&env.proc->shm->txn->next_txid);
    c->result = datum_int4(xid < TXID_FIRST ? INT32_MAX : (int32_t)((uint32_t)now - xid));
    return OK;
}

/* Rows are never held under an id of several holders: the first of them has not been given. */
status fn_mxid_age(struct fn_call *c) {
    uint32_t multixact = c->args[0].u32;
    c->result = datum_int4(multixact ? (int32_t)(1 - multixact) : INT32_MAX);
    return OK;
}

/* ---- what became of one ---------------------------------------------------------------------- */

/* NULL: it is not known any more. */
static const char *fate_name(struct shm *shm, txid x) {
    commit_time time = 0;
    if (x < TXID_FIRST) return x ? "committed" : NULL;
    enum txn_fate fate = txn_fate(shm, x, &time, NULL);
    if (x < atomic_load(&shm->txn->map_base)) return NULL;
    switch (fate) {
    case FATE_RUNNING: break;
    case FATE_COMMITTED:
        if (time <= atomic_load(&shm->log->visible)) return "committed";
        break;
    case FATE_ROLLED_BACK: return "aborted";
    }
    return "in progress";
}

status fn_xact_status(struct fn_call *c) {
    struct sql_env env;
    txid x = c->args[0].u64;
    TRY(function_env(c, &env));
    if (x >= atomic_load(&env.proc->shm->txn->next_txid))
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "transaction ID %llu is in the future", (unsigned long long)x);
    const char *name = fate_name(env.proc->shm, x);
    return name ? return_text(c, name) : return_null(c);
}

/* ---- whom the statement sees ----------------------------------------------------------------- */

/* For eval_work: looking at one word of the commit map. */
#define MAP_WORD_NS 2

/* Behind the newest transaction that had ended. */
static status find_xmax(const struct sql_env *env, txid *ret) {
    struct shm *shm = env->proc->shm;
    txid x = atomic_load(&shm->txn->next_txid);
    while (x > atomic_load(&shm->txn->map_base) && !txn_ended_by(shm, x - 1, env->snapshot.time)) {
        x--;
        TRY(eval_work(&env->eval, MAP_WORD_NS));
    }
    *ret = x;
    return OK;
}

static status add_txid(struct buf *b, txid x) {
    return buf_add(b, (const char *)&x, sizeof x);
}

/* The payload of snapshot.h. The own id is not in between: what it has done is seen. */
static status add_snapshot(const struct sql_env *env, struct buf *out) {
    struct shm *shm = env->proc->shm;
    txid own = env->txn->writer.x, base = atomic_load(&shm->txn->map_base), xmin, xmax;
    TRY(find_xmax(env, &xmax));
    xmin = own && own < xmax ? own : xmax;
    TRY(add_txid(out, xmin));
    TRY(add_txid(out, xmax));
    for (txid x = base; x < xmax; x++) {
        TRY(eval_work(&env->eval, MAP_WORD_NS));
        if (x == own || txn_ended_by(shm, x, env->snapshot.time)) continue;
        if (x < xmin) xmin = x;
        TRY(add_txid(out, x));
    }
    memcpy(out->data, &xmin, sizeof xmin);
    return OK;
}

status fn_current_snapshot(struct fn_call *c) {
    struct sql_env env;
    struct buf b = {0};
    TRY(function_env(c, &env));
    return return_buf(c, add_snapshot(&env, &b), &b);
}
