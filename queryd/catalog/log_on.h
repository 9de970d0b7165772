/* log_on.h: what a session needs of the catalogs before and beside its statements. */
#ifndef CATALOG_LOG_ON_H
#define CATALOG_LOG_ON_H

#include "catalog/catalog.h"
#include "fmt/types.h"
#include "parse/ast.h"

/* NOT_FOUND without words. */
status catalog_role(struct sql_env *env, const char *name, oid *ret_role);
struct database_found {
    oid oid;
    page_id root; /* of its pg_class */
    bool is_template, allows_connections;
};
status catalog_database_find(struct sql_env *env, const char *name, struct database_found *ret);
/* The type that a type name means, with its modifier. 42704 with words and position. */
status catalog_type_of_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                           int32_t *ret_typmod);

#endif
