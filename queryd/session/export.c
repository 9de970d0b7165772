/* pg_export_snapshot and SET TRANSACTION SNAPSHOT: several sessions that see the same, as pg_dump
 * -j wants it. */
#include <inttypes.h>
#include <stdio.h>

#include "session/session_private.h"
#include "txn/export.h"
#include "types/function.h"

/* Slot, life of the slot, time, database; of the letters that PostgreSQL's identifiers have. */
#define IDENTIFIER "%08" PRIX32 "-%016" PRIX64 "-%016" PRIX64 "-%08" PRIX32
#define IDENTIFIER_READ "%8" SCNx32 "-%16" SCNx64 "-%16" SCNx64 "-%8" SCNx32 "%n"

status session_export_snapshot(struct fn_call *c) {
    struct sql_env *env = c->env->session->session;
    struct session *s = env->session;
    struct snapshot_export e;
    char text[64];
    if (s->savepoints)
        return error_set(c->env->error, ST_ACTIVE_SQL_TRANSACTION,
                         "cannot export a snapshot from a subtransaction");
    if (s->txn.isolation == ISO_READ_COMMITTED)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "exporting a snapshot of a READ COMMITTED transaction is not supported");
    txn_snapshot_export(s->env.proc, &s->txn, &e);
    int n = snprintf(text, sizeof text, IDENTIFIER, e.index, e.ref, e.time, s->txn.database);
    c->result.v = varlena_from(c->env->arena, text, (size_t)n);
    return c->result.v ? OK : STATUS(OUT_OF_MEMORY);
}

static status invalid(struct session *s, const char *id) {
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "invalid snapshot identifier: \"%s\"",
                     id);
}

static status may_import(struct session *s) {
    if (s->savepoints || (s->txn.slot && (s->txn.queried || s->txn.have_snapshot)))
        return error_set(&s->error, ST_ACTIVE_SQL_TRANSACTION,
                         "SET TRANSACTION SNAPSHOT must be called before any query");
    if (s->isolation < LEVEL_REPEATABLE_READ)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "a snapshot-importing transaction must have isolation level SERIALIZABLE "
                         "or REPEATABLE READ");
    if (s->isolation == LEVEL_SERIALIZABLE)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "a SERIALIZABLE transaction that imports a snapshot is not supported");
    return OK;
}

status session_import_snapshot(struct session *s, const char *id) {
    struct snapshot_export e;
    uint32_t database;
    int end = 0;
    TRY(may_import(s));
    if (sscanf(id, IDENTIFIER_READ, &e.index, &e.ref, &e.time, &database, &end) != 4 || id[end])
        return invalid(s, id);
    TRY(block_ensure_txn(s));
    if (database != s->txn.database)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "cannot import a snapshot from a different database");
    status st = txn_snapshot_import(s->env.proc, &s->txn, &e);
    return status_is(st, ST_NOT_FOUND) ? invalid(s, id) : st;
}
