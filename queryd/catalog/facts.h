/* facts.h: small facts that catalog rows of different origin share. */
#ifndef CATALOG_FACTS_H
#define CATALOG_FACTS_H

#include "catalog/internal.h"

/* The type's default btree operator class; 0: it has no order. */
oid default_opclass(oid type);
/* text_pattern_ops and its kin: by bytes, whatever the collation. */
bool opclass_is_pattern(oid opclass);
/* A pg_type row: of a relation's row type (element 0), or of its array type. */
status row_type_row(struct arena *a, struct catalog_row *r, oid type, oid schema, const char *name,
                    oid element, oid array, oid relation, oid owner);

#endif
