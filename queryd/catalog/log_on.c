#include "catalog/log_on.h"

#include <string.h>

#include "catalog/catalog_table.h"
#include "catalog/deparse.h"
#include "catalog/internal.h"

status catalog_role(struct sql_env *env, const char *name, oid *ret_role) {
    return role_oid(env, name, ret_role);
}

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
        .allows_connections = row_bool(&row, COL_pg_database_datallowconn)};
    return OK;
}

status catalog_type_of_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                           int32_t *ret_typmod) {
    return type_from_ast(env, t, ret_type, ret_typmod);
}
