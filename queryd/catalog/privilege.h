/* privilege.h: who may do what with which object.
 *
 * Owners and lists of privileges are read from the catalogs' rows, whatever the object, and kept in
 * the worker's cache; what is returned lives as long as the transaction that asked. All failures
 * have words: 42501 permission denied for table t, must be owner of table t. */
#ifndef CATALOG_PRIVILEGE_H
#define CATALOG_PRIVILEGE_H

#include "catalog/roles.h"
#include "types/acl.h"

struct object_acl {
    struct object_acl *next;
    oid class_oid; /* of the catalog that has its row */
    oid object;
    oid owner;
    oid schema; /* 0: it is in none */
    enum acl_kind kind;
    char subkind; /* relkind, typtype, prokind */
    bool has_acl; /* else the list is the default */
    char name[NAME_BYTES];
    const struct acl *acl;
    uint16_t ncolumns; /* relations: lists of their columns, NULL where there is none */
    const struct acl **columns;
};

/* NOT_FOUND: there is no such object, or its catalog has no owners. */
status privilege_object(struct sql_env *env, oid class_oid, oid object,
                        const struct object_acl **ret);
/* Which of the rights (and grant options, ACL_OPTION) the role has on the object; on its column
 * (1-based) by the column's own list alone. */
status privilege_mask(struct sql_env *env, const struct object_acl *o, oid role, uint32_t rights,
                      uint32_t *ret);
status privilege_column_mask(struct sql_env *env, const struct object_acl *o, int16_t column,
                             oid role, uint32_t rights, uint32_t *ret);
/* The current user must have one of the rights. */
status privilege_check(struct sql_env *env, oid class_oid, oid object, uint32_t rights);
status privilege_check_as(struct sql_env *env, oid class_oid, oid object, oid role,
                          uint32_t rights);
/* The current user must have the privileges of the owner. */
status privilege_check_owner(struct sql_env *env, oid class_oid, oid object);
status privilege_is_owner(struct sql_env *env, oid class_oid, oid object, oid role, bool *ret);

/* The objects' kind as messages call it: "table", "view", "schema" … */
const char *privilege_object_word(const struct object_acl *o);
status privilege_denied(struct sql_env *env, const struct object_acl *o);
status privilege_not_owner(struct sql_env *env, const struct object_acl *o);

/* Where the columns of a catalog are that say who owns a row's object; 0: it has no such column. */
struct privilege_class {
    oid class_oid;
    int catalog;
    int name, schema, owner, acl, subkind; /* COL_… */
    enum acl_kind kind;
    const char *word;
};
const struct privilege_class *privilege_class_of(oid class_oid); /* NULL: none */

#endif
