/* analyse.h: from syntax to meaning.
 *
 * Names become columns and relations (which are locked), operators and functions are chosen by the
 * rules of types/resolution.h, types are made to fit. Errors have PostgreSQL's SQLSTATE, words and
 * position, in env->eval.error. Everything made lives in the given arena, which must outlive all
 * use (a prepared statement's own). */
#ifndef ANALYSE_ANALYSE_H
#define ANALYSE_ANALYSE_H

#include "analyse/query.h"

/* SELECT, VALUES, INSERT, UPDATE, DELETE. param_types as declared by the client (0: infer);
 * NULL: there are no parameters. */
status analyse_statement(struct sql_env *env, struct arena *a, struct node *stmt,
                         const oid *param_types, uint16_t nparams, struct analysed **ret);

/* How an expression by itself may look: where it stands decides what it may name. */
enum analyse_use {
    USE_DEFAULT,
    USE_PARAMETER, /* the default of a function's parameter */
    USE_CHECK,
    USE_GENERATED,
    USE_INDEX,
    USE_PREDICATE,
    USE_CONVERSION, /* a column's own value, as another type */
    USE_TRANSFORM,  /* … USING an expression */
    USE_COPY_WHERE
};

/* One expression over the columns of r (range table entry 0; NULL: none). want_type 0: any; else
 * it is assigned to a column of that type and name. */
status analyse_expression(struct sql_env *env, struct arena *a, const struct relation *r,
                          struct node *expression, enum analyse_use use, const char *column,
                          oid want_type, int32_t want_typmod, struct expr **ret);
/* The default of an attribute as an expression of its type; NULL when it has none. */
status analyse_default(struct sql_env *env, struct arena *a, const struct attribute *att,
                       struct expr **ret);
/* The values of the generated columns of r over range table entry 0; *ret_atts: which they are
 * (0-based). */
status analyse_generated(struct sql_env *env, struct arena *a, const struct relation *r,
                         uint16_t *ret_n, uint16_t **ret_atts, struct expr ***ret_exprs);
/* The CHECK constraints of r over range table entry 0. */
status analyse_checks(struct sql_env *env, struct arena *a, const struct relation *r,
                      uint16_t *ret_n, struct change_check **ret_checks);
/* To be printed (print.h): views, functions' bodies and defaults are not put in place. */
status analyse_query_for_text(struct sql_env *env, struct arena *a, struct node *query,
                              struct query **ret);
status analyse_expression_for_text(struct sql_env *env, struct arena *a, const struct relation *r,
                                   struct node *expression, enum analyse_use use, oid want_type,
                                   int32_t want_typmod, struct expr **ret);
/* Why rows cannot be changed through a view of this query, in words; *ret NULL: they can. */
status analyse_view_obstacle(struct sql_env *env, struct arena *a, struct node *query,
                             const char **ret);
/* What may be done to r's rows, through the views that it consists of: change_event bits. column 0:
 * to any column, else to this one. */
status analyse_relation_events(struct sql_env *env, struct arena *a, const struct relation *r,
                               int16_t column, int32_t *ret_events);
/* The expressions and the predicate of an index of r. */
status analyse_index(struct sql_env *env, struct arena *a, const struct relation *r,
                     const struct index_desc *index, struct index_meaning *ret);
/* Those of all its indexes; *ret NULL: none has any. */
status analyse_indexes(struct sql_env *env, struct arena *a, const struct relation *r,
                       struct index_meaning **ret);

#endif
