/* bootstrap.h: what the files that fill new catalogs share. */
#ifndef CATALOG_BOOTSTRAP_H
#define CATALOG_BOOTSTRAP_H

#include "catalog/internal.h"

struct boot {
    struct sql_env *env;
    struct relation *catalogs;
    const struct relation *shared; /* of the first database, to share trees with; NULL: it is it */
    struct arena row;              /* of the row being made */
    struct eval_env eval;
};

/* Inserts the row, made in b->row, which is emptied. */
status boot_insert(struct boot *b, enum catalog_number n, const struct catalog_row *r);
/* The privileges that an object of the system begins with, and that dumps leave out: an ACL's text.
 */
status boot_add_privileges(struct boot *b, oid class_oid, oid object, const char *list);
/* Types, functions and aggregates, operators, casts. */
status boot_add_types_library(struct boot *b);
/* Collations of ICU, as initdb finds them. */
status boot_add_collations(struct boot *b);

#endif
