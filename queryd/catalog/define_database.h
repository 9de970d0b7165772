/* define_database.h: what CREATE and ALTER DATABASE are told. */
#ifndef CATALOG_DEFINE_DATABASE_H
#define CATALOG_DEFINE_DATABASE_H

#include "catalog/collation.h"
#include "catalog/define_internal.h"
#include "types/encoding.h"

struct database_options {
    const char *template, *owner;
    enum encoding encoding;        /* ENCODING_NONE: the template's */
    struct database_locale locale; /* NULL, 0: likewise */
    int connection_limit;
    bool is_template, allows_connections;
    bool has_limit, has_is_template, has_allows; /* they were given */
};

/* Of CREATE, and of ALTER. Errors as PostgreSQL's. */
status database_options_read(struct sql_env *env, const struct list *options,
                             struct database_options *ret);
status database_options_read_alter(struct sql_env *env, const struct list *options,
                                   struct database_options *ret);
/* Completes the locale by the template's and looks whether it can be had; free: the template has
 * nothing that is ordered by its own. */
status database_options_check(struct sql_env *env, oid template, bool free,
                              struct database_options *o);

#endif
