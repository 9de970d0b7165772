/* load.h: what the files of load.c share with one another and with nobody else. */
#ifndef CATALOG_LOAD_H
#define CATALOG_LOAD_H

#include "catalog/facts.h"
#include "catalog/internal.h"

/* One relation, of the snapshot of env. */
struct loading {
    struct sql_env *env;
    struct arena *arena;
    struct relation *r;
    struct catalog_row class_row;
};

/* load_index.c. Into l->r: its indexes, the primary key's apart; its own constraints; the foreign
 * keys of other tables that refer to it. */
status load_indexes(struct loading *l);
status load_constraints(struct loading *l);
status load_references(struct loading *l);

#endif
