/* types.h: the types that catalogs define, for the types library. */
#ifndef CATALOG_TYPES_H
#define CATALOG_TYPES_H

#include "types/function.h"

/* From now on type_find knows them in coroutines whose local pointer is their struct sql_env. */
void catalog_types_register(void);
/* own_objects.c: what struct type_source asks about casts, functions and operators. */
const struct cast_info *own_cast_find(oid source, oid target);
const struct function *own_function_find(oid function);
const struct operator_info *own_operator_find(oid op);
status own_operators_named(const struct eval_env *eval, const char *schema, const char *name,
                           struct operator_scope *ret);

#endif
