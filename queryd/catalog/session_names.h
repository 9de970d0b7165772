/* session_names.h: names.c's smaller services for this folder. */
#ifndef CATALOG_SESSION_NAMES_H
#define CATALOG_SESSION_NAMES_H

#include "catalog/internal.h"

status schema_is_in_path(struct sql_env *env, oid schema, bool *ret_in_path);
/* Where CREATE puts an object: the named schema, or the first of the search path. 3F000. */
status schema_for_creation(struct sql_env *env, const char *name, oid *ret_schema);

#endif
