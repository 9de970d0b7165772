/* acl.h: access control lists: who may do what with an object, and who said so.
 *
 * A value of type aclitem is one struct acl_item; catalogs keep a list of them as aclitem[]
 * (relacl, nspacl …), null where nothing was ever granted or revoked: then acl_default holds. */
#ifndef TYPES_ACL_H
#define TYPES_ACL_H

#include "types/context.h"
#include "types/datum.h"

/* PostgreSQL's bits. */
enum acl_right {
    ACL_INSERT = 1 << 0,
    ACL_SELECT = 1 << 1,
    ACL_UPDATE = 1 << 2,
    ACL_DELETE = 1 << 3,
    ACL_TRUNCATE = 1 << 4,
    ACL_REFERENCES = 1 << 5,
    ACL_TRIGGER = 1 << 6,
    ACL_EXECUTE = 1 << 7,
    ACL_USAGE = 1 << 8,
    ACL_CREATE = 1 << 9,
    ACL_TEMPORARY = 1 << 10,
    ACL_CONNECT = 1 << 11,
    ACL_SET = 1 << 12,
    ACL_ALTER_SYSTEM = 1 << 13,
};
#define ACL_RIGHTS 14
#define ACL_ALL ((1u << ACL_RIGHTS) - 1)
#define ACL_ALL_RELATION                                                                           \
    (ACL_INSERT | ACL_SELECT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_REFERENCES |           \
     ACL_TRIGGER)
#define ACL_ALL_COLUMN (ACL_INSERT | ACL_SELECT | ACL_UPDATE | ACL_REFERENCES)
#define ACL_PUBLIC 0u /* as a grantee: everybody */

/* 12 bytes, as PostgreSQL's type has. */
struct acl_item {
    oid grantee; /* ACL_PUBLIC: everybody */
    oid grantor;
    uint32_t bits; /* rights, and 16 bits further up which of them may be passed on */
};
#define ACL_OPTION(rights) ((uint32_t)(rights) << 16)
static inline uint32_t acl_rights(const struct acl_item *i) {
    return i->bits & 0xffff;
}
static inline uint32_t acl_options(const struct acl_item *i) {
    return i->bits >> 16;
}

struct acl {
    uint32_t n;
    struct acl_item items[];
};

/* The kinds of object with privileges, by the letters of acldefault and pg_default_acl. */
enum acl_kind {
    ACL_KIND_COLUMN = 'c',
    ACL_KIND_RELATION = 'r',
    ACL_KIND_SEQUENCE = 's',
    ACL_KIND_DATABASE = 'd',
    ACL_KIND_FUNCTION = 'f',
    ACL_KIND_LANGUAGE = 'l',
    ACL_KIND_LARGE_OBJECT = 'L',
    ACL_KIND_SCHEMA = 'n',
    ACL_KIND_PARAMETER = 'p',
    ACL_KIND_TABLESPACE = 't',
    ACL_KIND_FDW = 'F',
    ACL_KIND_SERVER = 'S',
    ACL_KIND_TYPE = 'T',
};

/* All rights that objects of a kind have; 0: no such kind. */
uint32_t acl_kind_rights(enum acl_kind kind);
/* What holds while nothing was said. Lists are made in the arena; NULL: no memory. */
struct acl *acl_default(struct arena *a, enum acl_kind kind, oid owner);
struct acl *acl_copy(struct arena *a, const struct acl *list, uint32_t room_for_more);

enum acl_change { ACL_ADD, ACL_REMOVE, ACL_REPLACE };
/* The list with one item applied; a revoked grant option takes with it what was granted by means of
 * it, when cascade, else 2BP01. 0LP01 for a circle of grant options. */
status acl_update(const struct eval_env *env, const struct acl *list, const struct acl_item *item,
                  enum acl_change change, oid owner, bool cascade, struct acl **ret);
/* The list for another owner: what the old one held or gave is the new one's. */
status acl_new_owner(const struct eval_env *env, const struct acl *list, oid old, oid new_owner,
                     struct acl **ret);
bool acl_equal(const struct acl *a, const struct acl *b);
void acl_sort(struct acl *list);

/* To and from the array in a catalog row. */
status acl_of_array(const struct eval_env *env, const struct varlena *array, struct arena *a,
                    struct acl **ret);
status acl_to_array(const struct eval_env *env, const struct acl *list, datum *ret);

/* "SELECT"; NULL: not one bit of a right. And back, in any case of letters; 0: none. */
const char *acl_right_word(uint32_t right);
uint32_t acl_right_named(const char *word, size_t len);

#endif
