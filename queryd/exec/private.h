/* private.h: what a statement has besides its public face. */
#ifndef EXEC_PRIVATE_H
#define EXEC_PRIVATE_H

#include "exec/internal.h"

struct statement_private {
    struct statement statement;  /* first: private_of casts */
    struct plan_statement *plan; /* NULL: a definition */
    struct node *node;           /* of a definition, in the statement's arena */
    const char *tag;
    bool changes;                          /* the tag counts changed rows */
    bool uncounted;                        /* the tag has no count */
    const struct explain_options *explain; /* NULL: it is carried out */
    uint64_t planning_ns;
};

static inline struct statement_private *private_of(struct statement *s) {
    return (struct statement_private *)s;
}

#endif
