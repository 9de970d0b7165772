/* types.h: the types that catalogs define, for the types library. */
#ifndef CATALOG_TYPES_H
#define CATALOG_TYPES_H

/* From now on type_find knows them in coroutines whose local pointer is their struct sql_env. */
void catalog_types_register(void);

#endif
