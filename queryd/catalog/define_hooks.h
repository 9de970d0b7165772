/* define_hooks.h: what definitions need from the stages that understand expressions.
 *
 * Catalog code keeps expressions and queries as text and must not know analysis or execution;
 * those register here, once at process start, what they can tell about them. Errors are in
 * env->eval.error, positions refer to env->text. Results live in env->eval.arena. */
#ifndef CATALOG_DEFINE_HOOKS_H
#define CATALOG_DEFINE_HOOKS_H

#include "catalog/routine.h"
#include "parse/ast.h"

enum expression_use {
    EXPRESSION_DEFAULT,   /* no columns, no subqueries, no aggregates; assigned to the column */
    EXPRESSION_CHECK,     /* boolean over the relation's columns */
    EXPRESSION_GENERATED, /* over the columns, immutable; assigned to the column */
    EXPRESSION_INDEX,     /* over the columns, immutable */
    EXPRESSION_PREDICATE, /* boolean over the columns, immutable */
    EXPRESSION_PARAMETER, /* a routine's default: no columns, no subqueries; type 0: as it is */
    EXPRESSION_ANY        /* kept, and so allowed already */
};

struct define_column {
    const char *name;
    oid type;
    int32_t typmod;
    oid collation;
};

/* A column that gets another type: ALTER COLUMN … TYPE. */
struct define_transform {
    int16_t number;
    const char *name;
    oid type;
    int32_t typmod;
    struct node *expression; /* over the table's columns as they were */
    bool is_using;           /* written as USING; else the column itself */
};

/* How an expression or a query is printed. */
struct print_style {
    bool parens; /* only those parentheses that must be */
    bool lines;  /* clauses on lines of their own */
    bool
        stored; /* to be kept: all names with their schemas, relations that constants mean by oid */
    int32_t wrap; /* with lines: items of a list go to a new line beyond this width; -1: never */
};

struct object_address {
    oid class_oid; /* of the catalog */
    oid object;
    int32_t part; /* column number; 0: the whole */
};

/* A query or an expression analysed, to be printed later, perhaps when things have got other
 * names. */
struct kept_query;
struct kept_expression;

struct define_hooks {
    /* Refuses an expression that the use does not allow. r gives the columns that may be named:
     * name, natts and atts are enough (the relation need not exist yet); NULL: none. column: the
     * name of the column concerned, for messages. want_type 0: any type; want_typmod -1: none.
     * *ret_type (may be NULL): the expression's own type. */
    status (*expression_check)(struct sql_env *env, const struct relation *r,
                               struct node *expression, enum expression_use use, const char *column,
                               oid want_type, int32_t want_typmod, oid *ret_type);
    /* Likewise what an index is to be made on; its collation 0: it has none, or two. */
    status (*index_expression)(struct sql_env *env, const struct relation *r,
                               struct node *expression, oid *ret_type, oid *ret_collation);
    /* The value of an expression without columns, assigned to the type: ADD COLUMN … DEFAULT.
     * *ret_volatile: it differs from row to row; then there is no value. */
    status (*expression_value)(struct sql_env *env, struct node *expression, const char *column,
                               oid type, int32_t typmod, bool *ret_volatile, datum *ret_value,
                               bool *ret_is_null);
    /* Looks at every visible row: CHECK_VIOLATION `check constraint "c" of relation "t" is
     * violated by some row`. */
    status (*check_rows)(struct sql_env *env, const struct relation *r, struct node *expression,
                         const char *constraint);
    /* A value about to become one of a domain: 23502, 23514. */
    status (*check_domain)(struct sql_env *env, const struct type *domain, datum value,
                           bool is_null);
    /* Every row of a table with a foreign key: 23503. */
    status (*check_references)(struct sql_env *env, const struct relation *r,
                               const struct foreign_key *k);
    /* Every row of a table gets the column's default (serial, identity, volatile) or generated
     * value. */
    status (*fill_column)(struct sql_env *env, const struct relation *r, const char *column);
    /* Every row of `from` is put into the new trees of `to`, with other values in n columns. 42804
     * when a value has no assignment to the new type. */
    status (*transform_rows)(struct sql_env *env, const struct relation *from,
                             const struct relation *to, const struct define_transform *columns,
                             uint16_t n);
    /* Why rows cannot be changed through a view of this query, in words; *ret NULL: they can. */
    status (*view_obstacle)(struct sql_env *env, struct node *query, const char **ret);
    /* What may be done to a relation, through its views where it is one: CHANGE_… bits. column 0:
     * to any of its columns. */
    status (*relation_events)(struct sql_env *env, const struct relation *r, int16_t column,
                              int32_t *ret_events);
    /* The output columns of a query: CREATE VIEW. Refuses parameters. */
    status (*query_columns)(struct sql_env *env, struct node *query, uint16_t *ret_n,
                            struct define_column **ret_columns);
    /* Analyses a query to be printed; columns and text as above. */
    status (*query_keep)(struct sql_env *env, struct node *query, struct kept_query **ret);
    /* Appends it as SQL. names: a relation whose columns name those of the query; NULL: none. */
    status (*query_print)(struct sql_env *env, const struct kept_query *q,
                          const struct print_style *style, const struct relation *names,
                          struct buf *out);
    /* Likewise an expression over the columns of r (NULL: none). want 0: any type. */
    status (*expression_keep)(struct sql_env *env, const struct relation *r,
                              struct node *expression, enum expression_use use, oid want,
                              int32_t want_typmod, struct kept_expression **ret);
    status (*expression_print)(struct sql_env *env, const struct kept_expression *e,
                               const struct print_style *style, struct buf *out);
    /* What they cannot do without, but for what is built in: struct object_address *, each once. */
    status (*query_objects)(struct sql_env *env, const struct kept_query *q, struct list **ret);
    status (*expression_objects)(struct sql_env *env, const struct kept_expression *e,
                                 struct list **ret);
    /* Refuses a body that does not fit the routine. */
    status (*routine_check)(struct sql_env *env, const struct routine *r);
    /* The body of every routine's struct function. */
    fn_scalar *routine_call;
};

/* NULL until registered. */
extern const struct define_hooks *define_hooks;

#endif
