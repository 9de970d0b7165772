#include "catalog/log_on.h"

#include <string.h>

#include "catalog/catalog_table.h"
#include "catalog/deparse.h"
#include "catalog/internal.h"
#include "catalog/privilege.h"
#include "types/array.h"

status catalog_database_find(struct sql_env *env, const char *name, struct database_found *ret) {
    struct catalog_row row;
    if (strlen(name) >= NAME_BYTES) return STATUS(NOT_FOUND);
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return STATUS(OUT_OF_MEMORY);
    datum keys[] = {datum_ptr(key)};
    TRY(catalog_row_get(env, CAT_pg_database, OID_pg_database_datname_index, keys, 1,
                        env->eval.arena, &row));
    bool elsewhere = !row_is_null(&row, COL_pg_database_axl_root);
    *ret = (struct database_found){
        .oid = row_oid(&row, COL_pg_database_oid),
        .root = elsewhere ? (page_id){(uint64_t)row_int8(&row, COL_pg_database_axl_root)}
                          : CATALOG_ROOT,
        .is_template = row_bool(&row, COL_pg_database_datistemplate),
        .allows_connections = row_bool(&row, COL_pg_database_datallowconn),
        .connection_limit = row_int4(&row, COL_pg_database_datconnlimit)};
    return OK;
}

/* The templates that are there from the beginning have none: what is made of them is made afresh.
 */
static uint64_t root_of(const struct catalog_row *row) {
    if (!row_is_null(row, COL_pg_database_axl_root))
        return (uint64_t)row_int8(row, COL_pg_database_axl_root);
    return row_oid(row, COL_pg_database_oid) == FIRST_DATABASE_OID ? CATALOG_ROOT.no : 0;
}

/* The one that has these catalogs; NOT_FOUND. */
static status database_with_root(struct sql_env *env, page_id root, oid *ret) {
    struct catalog_scan s;
    status st;
    TRY(txn_snapshot(env->proc, env->txn, &env->snapshot));
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_database, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        *ret = row_oid(&s.row, COL_pg_database_oid);
        if (root_of(&s.row) == root.no) break;
    }
out:
    catalog_scan_end(&s);
    return status_is(st, ST_END) ? STATUS(NOT_FOUND) : st;
}

status catalog_database_lock(struct sql_env *env, oid database, enum relation_mode mode,
                             bool nowait) {
    struct lock_tag tag = {LOCK_OBJECT, OID_pg_database, database};
    return txn_lock(env->proc, env->txn, tag, mode, nowait, env->settings->lock_timeout_ms);
}

status catalog_database_hold(struct sql_env *env, page_id root) {
    oid database, again;
    TRY(database_with_root(env, root, &database));
    TRY(catalog_database_lock(env, database, MODE_ACCESS_SHARE, true));
    env->txn->database = database;
    TRY(database_with_root(env, root, &again));
    return again == database ? OK : STATUS(NOT_FOUND);
}

status catalog_database_may_connect(struct sql_env *env, oid database, oid role) {
    const struct object_acl *o;
    uint32_t has;
    TRY(privilege_object(env, OID_pg_database, database, &o));
    TRY(privilege_mask(env, o, role, ACL_CONNECT, &has));
    if (has) return OK;
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                     "permission denied for database \"%s\"", o->name);
}

/* Items are "name=value". */
static status take_settings(struct sql_env *env, oid database, oid role, catalog_take_setting *take,
                            void *arg) {
    datum keys[] = {datum_oid(database), datum_oid(role)};
    struct catalog_row row;
    struct array_parts parts;
    status st = catalog_row_get(env, CAT_pg_db_role_setting, 0, keys, 2, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND) ||
        (ok(st) && row_is_null(&row, COL_pg_db_role_setting_setconfig)))
        return OK;
    TRY(st);
    TRY(array_split(&env->eval, row.values[COL_pg_db_role_setting_setconfig - 1].v, &parts));
    for (uint32_t i = 0; i < parts.n; i++) {
        char *name =
            arena_strndup(env->eval.arena, parts.values[i].v->data, parts.values[i].v->len);
        char *value = name ? strchr(name, '=') : NULL;
        if (!name) return no_memory(env);
        if (!value) continue;
        *value++ = 0;
        TRY(take(arg, name, value));
    }
    return OK;
}

status catalog_role_settings(struct sql_env *env, oid database, oid role,
                             catalog_take_setting *take, void *arg) {
    TRY(take_settings(env, database, role, take, arg));
    TRY(take_settings(env, 0, role, take, arg));
    TRY(take_settings(env, database, 0, take, arg));
    return take_settings(env, 0, 0, take, arg);
}

status catalog_may_lock(struct sql_env *env, oid relation, uint32_t rights) {
    return privilege_check(env, OID_pg_class, relation, rights);
}

status catalog_type_of_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                           int32_t *ret_typmod) {
    return type_from_ast(env, t, ret_type, ret_typmod);
}
