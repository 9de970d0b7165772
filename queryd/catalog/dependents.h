/* dependents.h: who needs what is to be dropped, and how that is told. */
#ifndef CATALOG_DEPENDENTS_H
#define CATALOG_DEPENDENTS_H

#include "catalog/define_internal.h"

/* One DROP: what it has taken with it so far, for the notice at its end. */
struct cascade {
    struct sql_env *env;
    bool cascade;
    oid relation;              /* what is dropped: its own parts are no dependents */
    const struct list *others; /* (oid) what the statement drops besides */
};

struct dependent {
    oid class_oid;
    oid object;
    const char *text;
    const char *on; /* "type t": what it depends on, where that is not the dropped object itself */
    oid row;        /* what depends, as pg_depend has it */
    int32_t part;
};

/* Appends (struct dependent *, in env->eval.arena) those that are not in the list yet of an object
 * (part 0: all of it) or of one column of a relation, in the order in which PostgreSQL tells them.
 */
status dependents_find(struct cascade *c, oid class_oid, oid object, int32_t part,
                       struct list **ret_dependents);
/* Likewise functions that take or give rows of the relation. */
status dependents_find_by_row_type(struct cascade *c, oid relation, struct list **ret_dependents);
/* 2BP01 for `what`: they, and all that needs them in turn, are the detail. */
status dependents_refuse(struct cascade *c, const struct list *dependents, const char *what);

#endif
