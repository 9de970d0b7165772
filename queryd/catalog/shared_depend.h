/* shared_depend.h: what objects of all databases have to do with roles (pg_shdepend).
 *
 * It follows the rows: whoever inserts, updates or deletes a catalog row that names an owner or a
 * list of privileges changes pg_shdepend by that, and nobody writes it otherwise. New objects get
 * their privileges of ALTER DEFAULT PRIVILEGES in the same place. Only catalog_table.c calls the
 * first three. */
#ifndef CATALOG_SHARED_DEPEND_H
#define CATALOG_SHARED_DEPEND_H

#include "catalog/internal.h"

/* Before the row goes in: its default privileges. */
status shared_depend_privileges(struct sql_env *env, enum catalog_number n, struct catalog_row *r);
/* old NULL: inserted; fresh NULL: deleted. */
status shared_depend_changed(struct sql_env *env, enum catalog_number n,
                             const struct catalog_row *old, const struct catalog_row *fresh);
/* A database made as a copy of another, or dropped. */
status shared_depend_copy(struct sql_env *env, oid from_database, oid to_database);
status shared_depend_drop_database(struct sql_env *env, oid database);

/* One thing that a role has to do with. */
struct role_use {
    oid database; /* 0: a shared object */
    oid class_oid, object;
    int32_t part;
    char type; /* 'o' owner, 'a' privileges */
};
/* All of them, by oid, in the arena. */
status shared_depend_of_role(struct sql_env *env, oid role, struct role_use **ret, size_t *ret_n);

void shared_depend_sort(struct role_use *uses, size_t n);

/* The list that pg_default_acl gives to what the owner creates; NULL: none, the default holds. */
struct acl;
status default_privileges(struct sql_env *env, char objects, oid owner, oid schema,
                          struct acl **ret);

#endif
