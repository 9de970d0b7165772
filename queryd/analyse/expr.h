/* expr.h: typed expressions.
 *
 * Analysis makes them from the syntax tree: every name is resolved, every operator and function is
 * chosen, every coercion is written out. A node has all its child expressions in `args`, whatever
 * its kind, so that walking and rebuilding need to know nothing else. Trees may share parts and are
 * never changed once built: whoever rewrites makes new nodes (expr_map). They live in a statement's
 * arena. */
#ifndef ANALYSE_EXPR_H
#define ANALYSE_EXPR_H

#include "base/arena.h"
#include "types/resolution.h"

struct query;
struct plan_sublink;

enum expr_kind {
#define X(NAME, words) EXPR_##NAME,
#include "analyse/expr.def"
#undef X
    EXPR_KIND_COUNT
};

enum expr_bool { EXPR_AND, EXPR_OR, EXPR_NOT };
enum expr_test { EXPR_IS_TRUE, EXPR_IS_FALSE, EXPR_IS_UNKNOWN };
enum sublink_kind { SUB_EXISTS, SUB_SCALAR, SUB_ARRAY, SUB_ANY, SUB_ALL };

/* Columns that no table declares (system_column.c). */
enum {
    ATT_CTID = -1,
    ATT_XMIN = -2,
    ATT_CMIN = -3,
    ATT_XMAX = -4,
    ATT_CMAX = -5,
    ATT_TABLEOID = -6,
    ATT_SYSTEM_LAST = ATT_TABLEOID,
};
#define ATT_ADDRESS (-100) /* bytea: the row's version (8 bytes, little-endian LSN) and its key */

struct expr {
    uint8_t kind; /* enum expr_kind */
    bool negated; /* NULL_TEST, BOOL_TEST, DISTINCT: IS NOT …; MIN_MAX: LEAST */
    uint16_t nargs;
    struct expr **args;
    oid type;
    int32_t typmod;      /* -1: none */
    oid collation;       /* 0: none, or none could be derived */
    oid input_collation; /* what its function compares by; 0: likewise */
    int32_t location;
    union {
        struct { /* CONST */
            datum value;
            bool is_null;
        } constant;
        uint16_t param;     /* PARAM: 0-based */
        struct {            /* VAR */
            uint16_t level; /* 0: the query it stands in, 1: the one around it … */
            uint16_t rte;
            int16_t att; /* 1-based, or ATT_… */
        } var;
        struct { /* CALL, NULLIF, DISTINCT, IN_LIST, ARRAY_OP: what is called */
            const struct function *function;
            const struct operator_info *op;   /* NULL: written as a function */
            bool variadic;                    /* the last argument was marked VARIADIC */
            bool is_all;                      /* ARRAY_OP: ALL; IN_LIST: NOT IN */
            bool sql_syntax;                  /* written with words: EXTRACT(f FROM x) */
            uint8_t sql_value;                /* for printing: 1 + enum ast_value_func; 0: none */
            const struct record_shape *shape; /* column definitions behind it; NULL: none */
        } call;
        uint8_t boolean; /* BOOL: enum expr_bool */
        uint8_t test;    /* BOOL_TEST: enum expr_test */
        struct {         /* CASE: args [test] then pairs, then the else */
            bool has_test;
            bool whole_row; /* WHEN its row is there THEN args[1], the ROW of an entry's columns */
        } cases;
        struct { /* CAST */
            struct cast_result path;
            bool is_explicit;
            bool apply_typmod;
            bool is_collate; /* COLLATE: `collation` is what was written */
        } cast;
        struct { /* AGGREGATE and WINDOW: args, then order keys, then the filter */
            const struct function *function;
            const struct aggregate *aggregate; /* NULL: a window function */
            const struct own_aggregate *own;   /* NULL: it is no user's */
            uint16_t nplain;                   /* arguments */
            uint16_t norder;
            const struct sort_key *order; /* norder; target is the index among the order args */
            bool has_filter;
            bool distinct;
            bool star;
            bool within_group; /* plain args are the direct ones, order keys the aggregated */
            uint16_t window;   /* WINDOW: index in query->windows */
        } agg;
        struct { /* GROUPING: which of query->group, `level` queries further out */
            uint16_t level;
            uint16_t n;
            const uint16_t *columns; /* NULL: not settled yet, args are the expressions */
        } grouping;
        struct {          /* SUBLINK: args[0] the test of ANY and ALL, if any */
            uint8_t kind; /* enum sublink_kind */
            uint16_t
                shared; /* all with the same number here are one: it runs once; 0: it is alone */
            struct query *query;
        } sublink;
        struct plan_sublink *subplan; /* SUBPLAN: after planning; args: values of its parameters */
        struct {
            uint16_t column;  /* SLOT: input column; SUBLINK_COLUMN; OUTER: execution parameter;
                                 FIELD, SET_FIELD: 0-based field of a record */
            const char *name; /* FIELD: the field's, where the type does not tell it; or NULL */
        };
        struct {
            uint16_t ndims; /* SUBSCRIPT, SET_ELEMENT (its value stands behind the array): args:
                             * array, then per dimension an index, or low and high. SET_ELEMENT of a
                             * jsonb (element 0): then the path; ndims 1: into an array
                             */
            bool slice;
            oid element;
            uint8_t have_low, have_high; /* bit per dimension: bound given (slices) */
        } subscript;
        struct { /* ARRAY */
            oid element;
            bool nested; /* elements are arrays themselves */
        } array;
        struct {                      /* ROW */
            const char *const *names; /* nargs, or NULL */
        } row;
    };
};

struct sort_key {
    uint16_t target; /* index in query->targets, or as said where used */
    bool descending;
    bool nulls_first;
    const char *using; /* an operator of its own, with which it is printed; NULL: none */
};

/* All failures: OUT_OF_MEMORY without words, or what the callback returned. */
struct expr *expr_new(struct arena *a, enum expr_kind kind, oid type, int32_t location);
/* With room for nargs arguments. */
struct expr *expr_new_n(struct arena *a, enum expr_kind kind, oid type, int32_t location,
                        uint16_t nargs);
struct expr *expr_const(struct arena *a, oid type, datum value, bool is_null, int32_t location);
struct expr *expr_bool_const(struct arena *a, bool value);
/* The number of a system column, 0: the name is none's; its name (of ATT_ADDRESS too); a reference
 * to it. */
int16_t system_column_att(const char *name);
const char *system_column_name(int16_t att);
struct expr *system_column_var(struct arena *a, uint16_t rte, int16_t att, int32_t location);
struct expr *expr_var(struct arena *a, uint16_t rte, int16_t att, oid type, int32_t typmod,
                      oid collation, int32_t location);
/* a AND b; either may be NULL: then the other. NULL when the arena refuses. */
struct expr *expr_and(struct arena *a, struct expr *x, struct expr *y);

/* The same meaning, whatever the locations. */
bool expr_equal(const struct expr *a, const struct expr *b);

/* Calls visit for e and everything below; visit sets *ret_descend to false to skip what is below
 * (true on entry). Sublinks' queries are not entered; queries.h has that. */
typedef status expr_visit(struct expr *e, void *arg, bool *ret_descend);
status expr_walk(struct expr *e, expr_visit *visit, void *arg);

/* A rebuilt tree: replace gives a replacement in *ret (then nothing below is looked at) or leaves
 * it NULL. Nodes without a changed child are shared with the old tree. */
typedef status expr_replace(struct expr *e, void *arg, struct expr **ret);
status expr_map(struct arena *a, struct expr *e, expr_replace *replace, void *arg,
                struct expr **ret);

/* What the expression stands for may change within a statement, or between statements. */
char expr_volatility(const struct expr *e); /* i, s, v */
/* Nothing but constants and calls: no column, parameter, subquery, aggregate. */
bool expr_is_constant_shape(const struct expr *e);
/* The expression below relabelling casts. */
struct expr *expr_strip_relabel(struct expr *e);
bool expr_returns_set(const struct expr *e); /* itself, not below */
bool expr_contains_kind(struct expr *e, enum expr_kind kind);
bool expr_contains_set(struct expr *e);
/* How its values compare: its type by its collation. */
const struct type *expr_value_type(const struct expr *e);
/* How the operator or function compares values of the type. */
const struct type *expr_input_type(const struct expr *e, oid type);
/* Whether what it calls equal are the same bytes, as far as the collation goes. */
bool expr_equals_bytes(const struct expr *e);

#endif
