/* temp.c: temporary relations. */
#include "catalog/temp.h"

#include "catalog/define_internal.h"
#include "session/session.h"

static bool is_used(const struct sql_env *env) {
    return env->temp && (env->temp->used || env->temp->pending);
}

static void schema_name(const struct sql_env *env, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "pg_temp_%u", env->temp_number);
}

status temp_schema(struct sql_env *env, oid *ret_schema) {
    char name[NAME_BYTES];
    if (!is_used(env)) return STATUS(NOT_FOUND);
    schema_name(env, name);
    return catalog_schema(env, name, ret_schema);
}

static status make_schema(struct sql_env *env, const char *name, oid *ret_schema) {
    struct catalog_row row;
    TRY(new_oid(env, ret_schema));
    catalog_row_init(&row, CAT_pg_namespace);
    row_set_oid(&row, COL_pg_namespace_oid, *ret_schema);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_namespace_nspname, name));
    row_set_oid(&row, COL_pg_namespace_nspowner, ROLE_POSTGRES);
    TRY(catalog_row_insert(env, CAT_pg_namespace, &row));
    catalog_changed(env);
    return OK;
}

static status may_have_temporary(struct sql_env *env) {
    const struct object_acl *database;
    uint32_t may;
    bool super;
    TRY(role_is_superuser(env, env->settings->user_oid, &super));
    if (super) return OK;
    TRY(privilege_object(env, OID_pg_database, env->settings->database_oid, &database));
    TRY(privilege_mask(env, database, env->settings->user_oid, ACL_TEMPORARY, &may));
    if (may) return OK;
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                     "permission denied to create temporary tables in database \"%s\"",
                     database->name);
}

status temp_schema_for_creation(struct sql_env *env, oid *ret_schema) {
    char name[NAME_BYTES];
    if (!env->temp) return define_unsupported(env, "a temporary relation outside of a session");
    TRY(may_have_temporary(env));
    schema_name(env, name);
    bool was_used = is_used(env);
    env->temp->pending = true;
    status st = catalog_schema(env, name, ret_schema);
    if (status_is(st, ST_NOT_FOUND)) return make_schema(env, name, ret_schema);
    TRY(st);
    return was_used ? OK : define_drop_schema_contents(env, *ret_schema);
}

status temp_drop_all(struct sql_env *env) {
    oid schema;
    status st = temp_schema(env, &schema);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    env->temp->n = 0;
    return define_drop_schema_contents(env, schema);
}

/* ---- ON COMMIT ------------------------------------------------------------------------------- */

status temp_note_on_commit(struct sql_env *env, oid table, char on_commit) {
    struct session_temp *t = env->temp;
    if (on_commit != 'd' && on_commit != 'D') return OK;
    if (t->n == SESSION_TEMP_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "a session has at most %d temporary tables with ON COMMIT",
                         SESSION_TEMP_MAX);
    t->on_commit[t->n].drop = on_commit == 'D';
    t->on_commit[t->n].table = table;
    t->n++;
    return OK;
}

static status delete_rows(struct sql_env *env, const struct relation *r) {
    struct sql_env now = *env;
    struct table_scan scan;
    struct tree_entry e;
    struct arena *a = env->eval.arena;
    datum *values = arena_array(a, r->natts + 1u, sizeof *values);
    uint8_t *nulls = arena_array(a, r->natts + 1u, 1);
    if (!values || !nulls) return no_memory(env);
    now.snapshot = catalog_snapshot(env);
    TRY(table_scan_begin(&now, &scan, a, r, NULL, (struct table_bound){0}, (struct table_bound){0},
                         false));
    status st;
    while (ok(st = table_scan_next(&scan, &e))) {
        struct arena_mark mark = arena_mark(a);
        TRY_OUT(st, table_deform(&now, r, &e, r->natts, NULL, values, nulls, a));
        TRY_OUT(st, table_delete(&now, r, e.key, e.key_len, e.lsn, values, nulls));
        arena_rewind(a, mark);
        TRY_OUT(st, sql_env_breathe(env));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    table_scan_end(&scan);
    return st;
}

static status drop_table(struct sql_env *env, const struct relation *r) {
    const char *what;
    TRY(define_relation_text(env, r->oid, r->kind, &what));
    struct sql_env quiet = *env;
    quiet.cascades = NULL;
    TRY(define_drop_dependents(&quiet, r, 0, what, true, NULL));
    return define_drop_relation(env, r);
}

status temp_before_commit(struct sql_env *env) {
    struct session_temp *t = env->temp;
    uint32_t kept = 0;
    if (!t || !t->n || !env->txn->slot || !env->txn->writer.x) return OK;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct relation *r;
        bool drop = t->on_commit[i].drop;
        status st = catalog_relation(env, t->on_commit[i].table, &r);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        TRY(drop ? drop_table(env, r) : delete_rows(env, r));
        if (!drop) t->on_commit[kept++] = t->on_commit[i];
    }
    t->n = kept;
    return OK;
}

void temp_transaction_ended(struct sql_env *env, bool committed) {
    struct session_temp *t = env->temp;
    if (!t) return;
    if (committed && t->pending) t->used = true;
    t->pending = false;
}
