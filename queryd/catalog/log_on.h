/* log_on.h: what a session needs of the catalogs before and beside its statements. */
#ifndef CATALOG_LOG_ON_H
#define CATALOG_LOG_ON_H

#include "catalog/catalog.h"
#include "fmt/types.h"
#include "parse/ast.h"

struct database_found {
    oid oid;
    page_id root; /* of its pg_class */
    bool is_template, allows_connections;
    int32_t connection_limit; /* -1: none */
};
#define FIRST_DATABASE_OID 5 /* postgres: its catalogs begin at CATALOG_ROOT */
status catalog_database_find(struct sql_env *env, const char *name, struct database_found *ret);
/* Until the transaction ends. LOCK_NOT_AVAILABLE. */
status catalog_database_lock(struct sql_env *env, oid database, enum relation_mode mode,
                             bool nowait);
/* For who works in a database without a session there: locked against being dropped, and found
 * still there; env->snapshot is new. NOT_FOUND, LOCK_NOT_AVAILABLE. */
status catalog_database_hold(struct sql_env *env, page_id root);
/* 42501 permission denied for database "d". */
status catalog_database_may_connect(struct sql_env *env, oid database, oid role);
/* The settings that a role's sessions in a database begin with (pg_db_role_setting), the strongest
 * first: role in database, role, database, everybody. */
typedef status catalog_take_setting(void *arg, const char *name, const char *value);
status catalog_role_settings(struct sql_env *env, oid database, oid role,
                             catalog_take_setting *take, void *arg);
/* 42501 unless the current user has one of the rights (acl.h) on the relation. */
status catalog_may_lock(struct sql_env *env, oid relation, uint32_t rights);
/* The type that a type name means, with its modifier. 42704 with words and position. */
status catalog_type_of_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                           int32_t *ret_typmod);

#endif
