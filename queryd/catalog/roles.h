/* roles.h: roles and who is a member of whom, from the worker's cache.
 *
 * What is returned lives as long as the transaction that asked (cache rule 4). */
#ifndef CATALOG_ROLES_H
#define CATALOG_ROLES_H

#include "catalog/catalog.h"

#define ROLE_PG_DATABASE_OWNER 6171
#define ROLE_PG_READ_ALL_DATA 6181
#define ROLE_PG_WRITE_ALL_DATA 6182
#define ROLE_PG_READ_ALL_SETTINGS 3374
#define ROLE_PG_CHECKPOINT 4544
#define ROLE_PG_READ_SERVER_FILES 4569
#define ROLE_PG_WRITE_SERVER_FILES 4570
#define ROLE_PG_EXECUTE_SERVER_PROGRAM 4571

struct role {
    oid oid;
    char name[NAME_BYTES];
    bool super, inherit, create_role, create_db, login, replication, bypass_rls;
    int32_t connection_limit; /* -1: none */
};

/* NOT_FOUND without words. */
status role_get(struct sql_env *env, oid role, const struct role **ret);
status role_named(struct sql_env *env, const char *name, const struct role **ret);
/* The same with words: 42704. */
status role_need(struct sql_env *env, const char *name, oid *ret_role);
/* A role as the grammar gives it: a name, CURRENT_USER and its kin (ROLE_SPECIAL), or PUBLIC, which
 * is 0 where may_be_public, else refused with 42704. */
status role_written(struct sql_env *env, const char *written, bool may_be_public, oid *ret_role);

status role_is_superuser(struct sql_env *env, oid role, bool *ret);
/* The current user is, or has the attribute (superusers have them all). */
status role_may_create_roles(struct sql_env *env, bool *ret);
/* Has the privileges of: is, inherits from, or is a superuser. */
status role_has_privileges(struct sql_env *env, oid member, oid of, bool *ret);
/* May become: member directly or not, whatever is inherited, or a superuser. */
status role_is_member(struct sql_env *env, oid member, oid of, bool *ret);
/* The same without the superusers' right. */
status role_is_real_member(struct sql_env *env, oid member, oid of, bool *ret);
/* May grant membership in it: has it WITH ADMIN OPTION, or is a superuser. */
status role_is_admin(struct sql_env *env, oid member, oid of, bool *ret);
/* All roles whose privileges it has, itself first. */
status role_inherited(struct sql_env *env, oid role, const oid **ret, uint32_t *ret_n);

/* role "x" does not exist */
status role_missing(struct sql_env *env, const char *name);

#endif
