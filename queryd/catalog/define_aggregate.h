/* define_aggregate.h: what the files of CREATE AGGREGATE share with one another and with nobody
 * else. */
#ifndef CATALOG_DEFINE_AGGREGATE_H
#define CATALOG_DEFINE_AGGREGATE_H

#include "catalog/define_function.h"

enum option {
    OPTION_SFUNC,
    OPTION_STYPE,
    OPTION_INITCOND,
    OPTION_FINALFUNC,
    OPTION_COMBINEFUNC,
    OPTION_SERIALFUNC,
    OPTION_DESERIALFUNC,
    OPTION_MSFUNC,
    OPTION_MINVFUNC,
    OPTION_MFINALFUNC,
    OPTION_FINALFUNC_EXTRA,
    OPTION_MFINALFUNC_EXTRA,
    OPTION_FINALFUNC_MODIFY,
    OPTION_MFINALFUNC_MODIFY,
    OPTION_SORTOP,
    OPTION_BASETYPE,
    OPTION_HYPOTHETICAL,
    OPTION_SSPACE,
    OPTION_MSTYPE,
    OPTION_MSSPACE,
    OPTION_MINITCOND,
    OPTION_PARALLEL,
    OPTION_COUNT
};

/* An aggregate under definition. */
struct aggregate_draft {
    struct sql_env *env;
    const struct ast_create_aggregate *stmt;
    struct routine_draft *routine;
    const struct ast_def_elem *options[OPTION_COUNT]; /* NULL: not given */
    oid state, mstate;
    oid functions[OPTION_COUNT]; /* of the options that name one */
    oid sort_operator;
    bool strict; /* the transition function is */
};

#define INVALID(env, ...) error_set((env)->eval.error, ST_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)
#define MISMATCH(env, ...) error_set((env)->eval.error, ST_DATATYPE_MISMATCH, __VA_ARGS__)

/* define_aggregate_option.c. Unknown ones are warned of. */
void aggregate_read_options(struct aggregate_draft *g);
/* The names of a type or function; NULL: the option is something else. */
const struct list *option_names_of(const struct ast_def_elem *o);
/* A string, a number, or the word that a type's name stands for; NULL: none (o may be NULL). */
const char *option_text(const struct ast_def_elem *o);
/* Each has PostgreSQL's default when it was not given; 42601. */
status option_flag(struct aggregate_draft *g, enum option option, bool *ret);
status option_modify(struct aggregate_draft *g, enum option option, char *ret); /* r s w */
status option_parallel(struct aggregate_draft *g, char *ret);                   /* s r u */
int64_t option_number(const struct ast_def_elem *o);

/* define_aggregate_function.c. Into the draft; 42883, 42804, 42P13 and what the function's
 * privileges say, in PostgreSQL's words. */
status aggregate_take_transition(struct aggregate_draft *g);
status aggregate_take_final(struct aggregate_draft *g, enum option option, enum option extra,
                            oid state, oid *ret_result);
status aggregate_take_moving(struct aggregate_draft *g);
status aggregate_take_combine(struct aggregate_draft *g);
status aggregate_take_sort_operator(struct aggregate_draft *g);

#endif
