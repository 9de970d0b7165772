/* collation.h: collations that catalogs describe. */
#ifndef CATALOG_COLLATION_H
#define CATALOG_COLLATION_H

#include "catalog/catalog.h"
#include "types/collator.h"

#define COLLATION_FIRST_ICU 12342 /* und-x-icu; the others behind it */

/* By its (qualified) name, of those for the database's encoding. 42704 with words. */
status catalog_collation_named(struct sql_env *env, const char *schema, const char *name,
                               oid *ret_collation);
/* NOT_FOUND. */
status collation_in_schema(struct sql_env *env, oid schema, const char *name, oid *ret_collation);
/* What it compares by; NULL: bytes. Whoever uses a collation has found it by name or in a row that
 * depends on it, and its locale could be opened when it was made: so it cannot fail but for want
 * of memory, of which the process dies. */
const struct collator *catalog_collator(oid collation);
/* Of a database: what its texts are compared by where nothing else is said. */
struct database_locale {
    char provider;                    /* 'c' or 'i' */
    const char *collate, *ctype;      /* of libc */
    const char *icu_locale, *version; /* NULL: none */
};
/* In env->eval.arena. NOT_FOUND. */
status database_locale(struct sql_env *env, oid database, struct database_locale *ret);
/* Of the database whose pg_class has this root; NULL: bytes. */
status database_collator(struct sql_env *env, page_id root, const struct collator **ret);
/* Its name as SQL, qualified when the search path would not find it. */
status collation_print(struct sql_env *env, oid collation, struct buf *out);
/* Its bare name, in the arena. NOT_FOUND. */
status catalog_collation_name(struct sql_env *env, oid collation, struct arena *a,
                              const char **ret_name);

#endif
