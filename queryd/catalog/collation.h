/* collation.h: collations that catalogs describe. */
#ifndef CATALOG_COLLATION_H
#define CATALOG_COLLATION_H

#include "catalog/catalog.h"

#define COLLATION_DEFAULT 100
#define COLLATION_C 950
#define COLLATION_POSIX 951

/* By its (qualified) name, of those for the database's encoding. 42704 with words. */
status catalog_collation_named(struct sql_env *env, const char *schema, const char *name,
                               oid *ret_collation);
/* NOT_FOUND. */
status collation_in_schema(struct sql_env *env, oid schema, const char *name, oid *ret_collation);
/* Its name as SQL, qualified when the search path would not find it. */
status collation_print(struct sql_env *env, oid collation, struct buf *out);
/* Its bare name, in the arena. NOT_FOUND. */
status catalog_collation_name(struct sql_env *env, oid collation, struct arena *a,
                              const char **ret_name);

#endif
