/* private.h: what a statement has besides its public face. */
#ifndef EXEC_PRIVATE_H
#define EXEC_PRIVATE_H

#include "base/usage.h"
#include "exec/internal.h"

struct statement_private {
    struct statement statement;  /* first: private_of casts */
    struct plan_statement *plan; /* NULL: a definition */
    struct node *node;           /* of a definition, also an explained one; in the arena */
    const char *tag;
    bool changes;                          /* the tag counts changed rows */
    bool uncounted;                        /* the tag has no count */
    const datum *known_values;             /* of parameters, while it is planned for them; NULL: */
    const uint8_t *known_nulls;            /* for all */
    const struct explain_options *explain; /* NULL: it is carried out */
    bool fills_table;                      /* of EXPLAIN: the table of CREATE TABLE AS, … */
    bool without_rows;                     /* … which stays empty */
    uint64_t planning_ns;
    struct usage planning; /* when EXPLAIN asks for buffers */
    uint16_t npermissions; /* who runs it must have these */
    struct permission **permissions;
    uint16_t nfunctions;
    oid *functions;
    oid permitted;          /* he had, as long as the plan is good; 0: nobody yet */
    bool may_keep;          /* its operators serve one execution after another */
    struct execution *kept; /* waits for the next one; NULL: none does */
};

/* 42501 unless the current user may do all of it. Asked at every execution, answered once for a
 * user and a plan: whatever changes privileges makes plans stale. */
status permission_check(struct sql_env *env, struct statement_private *p);
/* One relation's part of it. */
struct permission;
status permission_check_one(struct sql_env *env, const struct permission *p);

/* kept.c: an execution whose operators stay open between two executions of its plan. */
bool kept_is_possible(const struct plan_statement *p);
/* One that lives in an arena of its own, with the limit of env's: the one that waits, or a new one
 * without operators (x->root NULL). NULL: no memory. */
struct execution *kept_take(struct sql_env *env, struct statement_private *p);
/* Its operators are open now, or have been: as after opening. */
status kept_begin(struct execution *x);
/* The execution is over: it waits for the next one, or is freed. */
void kept_end(struct execution *x);
/* The plan is to be freed. */
void kept_forget(struct statement_private *p);

/* The next batch of the root, after the WITH queries that change rows; x->current. */
status execution_next_batch(struct execution *x);

/* An INSERT whose execution is EXPLAIN ANALYZE of its source, with env->params as parameters. o
 * outlives it. */
status statement_prepare_explained(struct sql_env *env, const struct raw_stmt *raw,
                                   const struct explain_options *o, bool without_rows,
                                   struct statement **ret_statement);

static inline struct statement_private *private_of(struct statement *s) {
    return (struct statement_private *)s;
}

#endif
