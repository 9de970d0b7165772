/* plan.h: how a query is carried out: a tree of operators, each giving batches of rows.
 *
 * A plan is made once, kept with its statement and shared by every execution; it refers to
 * relations by oid and to nothing in catalog memory. An operator's output is a list of columns;
 * expressions over it are programs whose inputs are those columns by position. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "analyse/query.h"
#include "plan/program.h"

enum plan_kind {
#define X(NAME, words) PLAN_##NAME,
#include "plan/operators.def"
#undef X
    PLAN_KIND_COUNT
};

enum plan_join { PLAN_INNER, PLAN_LEFT, PLAN_RIGHT, PLAN_FULL, PLAN_SEMI, PLAN_ANTI };

/* Execution parameters that an operator sets before it (re)starts another one. */
struct outer_set;

struct plan_outer {
    uint16_t n;
    uint16_t *ids;
    struct program *values; /* n outputs */
};

/* How a key column's value is made from a value of another type. */
enum key_convert { KEY_SAME, KEY_INTEGER, KEY_TID };

struct plan_key {
    oid type;                    /* of the column */
    const struct type *compared; /* how, in the index */
    oid from;                    /* of the value */
    uint8_t convert;
    bool descending, nulls_first;
    bool is_null; /* the column has no value: IS NULL */
};

/* Scan of a relation's rows, perhaps through an index, perhaps bounded by key columns. */
struct plan_scan {
    uint16_t relation; /* index in struct plan_statement.relations */
    oid index;         /* 0: the rows in the order of their own key */
    bool backward;
    bool point;      /* every column of a unique key is given: at most one row (per list item) */
    bool is_row_key; /* the index is the rows' own key */
    bool tid;        /* … as a tid (catalog/row_tid.h): there is one key, ctid */
    bool index_only; /* all columns are in the index's entries: the rows are not looked at */
    uint16_t nequal; /* leading key columns with one value */
    uint16_t list;   /* > 0: the last of them has that many values (duplicates allowed) */
    bool array;      /* … or the elements of one array */
    const struct type *array_element;
    bool has_low, has_high, low_exclusive, high_exclusive;
    struct plan_key *keys;  /* nequal, then one for the range */
    struct program *values; /* nequal (the last: list of them), then low, then high; no inputs */
    int16_t *atts;          /* output columns: attribute numbers, ATT_… */
    uint16_t wanted;        /* attributes to take out of a row: 1 … wanted */
    bool only_keys;         /* no attribute wanted at all */
    const struct varlena *row_key; /* CURRENT OF: the one row with this key; NULL: not so */
    bool key_source; /* its one column is the key of each row that it finds (bitmap index scan) */
    bool bitmap;     /* rows by the keys that `left` gives, in the order of these */
    struct program *recheck, *rest; /* bitmap: what the keys were found by, and the other
                                       conditions, for EXPLAIN; the filter has both */
};

struct plan_sample {
    struct program *values; /* the percentage, then the seed where repeatable; no inputs */
    bool system, repeatable;
};

struct plan_values {
    uint32_t nrows;
    struct program **rows;
};

struct plan_function {
    uint16_t n;
    struct plan_function_call {
        struct program *args; /* SET: outputs are the arguments; else the one value */
        struct fn_site *site; /* NULL: not a set, one row */
        const struct type *type;
        uint16_t ncolumns;
        bool composite;
    } * calls;
    bool ordinality;
};

struct plan_nest {
    enum plan_join join;
    struct plan_outer outer;   /* over the left columns, for the right side */
    struct program *condition; /* over left and right columns; NULL: none */
};

struct plan_hash_join {
    enum plan_join join;
    uint16_t nkeys;
    struct program *left_keys, *right_keys;
    const struct type **key_types; /* of the right side's keys */
    struct program *condition;     /* beyond the keys */
};

/* Both sides come sorted by their keys: ascending but where descending says so, equal keys side by
 * side. Rows with a null among them may stand anywhere. */
struct plan_merge_join {
    enum plan_join join;
    uint16_t nkeys;
    struct program *left_keys, *right_keys;
    const struct type **key_types; /* as which both are compared */
    bool *descending;
    struct program *condition; /* beyond the keys */
};

struct plan_aggregate {
    const struct aggregate *aggregate; /* NULL: an ordered-set aggregate */
    const struct ordered_set *ordered; /* args are the direct ones, order keys the aggregated */
    struct fn_site *site;
    uint16_t first_arg; /* among the outputs of `values` */
    uint16_t nargs, norder;
    bool distinct, has_filter; /* order keys and filter follow the arguments */
    const struct sort_key *order;
    const struct type **arg_types; /* nargs + norder */
};

struct plan_agg {
    uint16_t ngroup;
    const struct type **group_types;
    struct program *values; /* the group's columns, then every aggregate's inputs */
    uint16_t naggs;
    struct plan_aggregate *aggs;
    uint16_t nsets;  /* grouping sets; 0: one that has all columns */
    bool *in_set;    /* nsets × ngroup: the set groups by that column, else it is null */
    uint16_t nasked; /* GROUPING: columns behind those of the aggregates */
    const struct expr **asked;
};

struct plan_sort_column {
    uint16_t column;
    bool descending, nulls_first;
    const struct type *type;
};

struct plan_sort {
    uint16_t n;
    uint16_t presorted; /* INCREMENTAL_SORT: so many columns the input is sorted by already */
    struct plan_sort_column *columns;
    bool bounded; /* only the first limit + offset rows are asked for: as of the operator above */
    struct program *limit, *offset;
};

struct plan_limit {
    struct program *limit, *offset; /* one output, int8; NULL: none */
    uint16_t nties; /* WITH TIES: rows equal to the last one in these columns follow it */
    uint16_t *ties;
};

struct plan_unique { /* input sorted by these columns: keeps the first row of each value */
    uint16_t n;
    uint16_t *columns;
};

struct plan_setop {
    enum setop_kind kind;
    bool all;
};

struct plan_window_call {
    const struct function *function;
    const struct aggregate *aggregate; /* NULL: a window function proper */
    struct fn_site *site;
    uint16_t first_arg, nargs; /* columns of the input */
    bool has_filter;
    const struct type *type;
};

/* Input sorted by partition and order; output: the input's columns and one per call. */
struct plan_window {
    uint16_t npartition;
    uint16_t *partition;
    uint16_t norder;
    struct plan_sort_column *order;
    const struct window *frame;
    struct program *start_offset, *end_offset;     /* no inputs */
    struct fn_site *start_in_range, *end_in_range; /* RANGE with offsets */
    uint16_t ncalls;
    struct plan_window_call *calls;
};

struct plan_set_project { /* targets with set-returning functions */
    uint16_t nsets;
    struct plan_function_call *sets;
    struct program *targets; /* inputs: the input's columns, then one per set */
};

/* System columns of one relation, side by side. */
struct plan_system {
    uint16_t n;
    int16_t atts[6]; /* ATT_… */
};

struct plan_change {
    uint16_t relation;
    uint16_t natts;
    uint16_t address; /* UPDATE, DELETE: column of the row's address; columns 0 … natts - 1 are the
                         row's attributes */
    struct program *recheck; /* UPDATE, DELETE: the WHERE over the input, NULL: none */
    struct program *values;  /* INSERT: over the input; UPDATE: over the input; natts outputs */
    struct program *checks;  /* over natts columns; NULL: none */
    uint16_t nchecks;
    const char **check_names;
    bool *check_of_view;       /* the name is that of a view with CHECK OPTION */
    struct program *generated; /* over natts columns: values of generated_atts; NULL: none */
    uint16_t ngenerated;
    uint16_t *generated_atts;
    bool has_conflict, conflict_update;
    uint16_t narbiters; /* unique indexes that ON CONFLICT is about; 0: all */
    oid *arbiters;
    struct program *conflict_where;  /* inputs: the row there, then the row excluded */
    struct program *conflict_values; /* likewise, natts outputs */
    struct program *returning;       /* over natts columns, tableoid, then (UPDATE, DELETE) the
                                        input's other columns, then system columns */
    uint16_t nreturning;
    struct plan_system found;    /* UPDATE, DELETE: the last columns of the input; ON CONFLICT:
                                    those of the row there, between it and the row excluded */
    struct plan_system returned; /* of the row that RETURNING shows */
};

struct plan_lock { /* SELECT … FOR UPDATE: locks rows, again looks at those that changed */
    uint16_t n;
    struct plan_lock_rel {
        uint16_t relation;
        uint16_t address; /* column */
        uint16_t natts;
        uint16_t *columns;  /* where attribute i + 1 lies in the input, UINT16_MAX: nowhere */
        uint16_t system[7]; /* the same of the system column -i */
        enum ast_lock_strength strength;
        enum ast_lock_wait wait;
    } * rels;
    struct program *recheck;
};

struct plan_cte {
    uint16_t id;
    bool union_all; /* RECURSIVE */
    uint16_t round; /* RECURSIVE: the execution parameter that changes with each round */
};

/* Rows come sorted by these values, each key among equals of the keys before. */
struct order_key {
    struct expr *expr; /* in the query's terms */
    bool descending, nulls_first;
    bool constant; /* the same value in all rows: sorted by it, whatever the place and direction */
    bool never_null; /* so nulls_first says nothing */
};

struct plan {
    enum plan_kind kind;
    uint16_t ncolumns;
    const struct type **types;
    double rows, cost;
    double startup;    /* of the cost: before the first row comes */
    bool depends;      /* its rows depend on execution parameters: a restart must compute anew */
    uint16_t capacity; /* rows of a batch */
    bool one_by_one;   /* capacity is 1, and there may be many batches */
    struct plan *left, *right;
    struct program *filter;   /* rows that do not pass are left out; NULL: none */
    struct outer_set *outers; /* while planning: execution parameters that it reads */
    struct expr **out;        /* while planning: what each column is, in the query's terms */
    uint16_t norder;          /* while planning: how the rows come sorted */
    struct order_key *order;
    const struct query *query; /* for EXPLAIN: whose terms `out` is in */
    const char *name;          /* for EXPLAIN: relation or alias */
    const char *index_name;
    union {
        struct plan_scan scan;
        struct plan_sample sample;
        struct plan_values values;
        struct plan_function function;
        struct program *project;
        struct program *gate; /* no inputs */
        struct plan_nest nest;
        struct plan_hash_join hash;
        struct plan_merge_join merge;
        struct plan_agg agg;
        struct plan_sort sort;
        struct plan_limit limit;
        struct plan_unique unique;
        struct plan_setop setop;
        struct plan_window window;
        struct plan_set_project set_project;
        struct plan_change change;
        struct plan_lock lock;
        struct plan_cte cte;
        struct plan_cte recursive; /* left: first part, right: the part that names it */
    };
};

/* A subquery in an expression. Its EXPR_SUBPLAN has the parameters' values as args. */
struct plan_sublink {
    enum sublink_kind kind;
    struct plan *plan;
    uint16_t index; /* in struct plan_statement.sublinks */
    uint16_t nouter;
    uint16_t *outer_ids;
    struct program *test; /* ANY, ALL: over the subplan's columns */
    bool shared;          /* several expressions of a program may want the answer */
    bool memo;            /* the answer depends on the outer values alone: it may be remembered */
    /* SCALAR: the answers for all outer values, as rows of answer and keys, looked up by its
     * `left`; NULL: there is no such way */
    struct plan_sublink *groups;
    bool hashed;           /* ANY: column `= left` may be looked up */
    struct program *left;  /* hashed: the value looked for (of groups: the keys); no inputs */
    struct program *right; /* hashed: over the subplan's columns */
    const struct type *hash_type;
    const struct type *type; /* of the result */
};

/* A whole statement's plan. */
struct plan_statement {
    struct plan *root;
    uint16_t nrelations;
    struct analysed_relation *relations;
    commit_time since; /* what it uses is of use to snapshots from then on */
    bool past;         /* its snapshot is too old for something; another may give a better plan */
    bool literals_matter;  /* constants instead of parameters may give a better plan */
    struct error *failure; /* of a call of constants: whoever begins it fails with it; NULL: none */
    uint16_t nouter;       /* execution parameters */
    uint16_t nsublinks;
    struct plan_sublink **sublinks;
    uint16_t nctes;
    struct plan_statement_cte {
        struct plan *plan; /* NULL: inlined or never used */
        bool changes_rows; /* carried out even if nobody asks */
        uint16_t round;    /* while planning: the parameter that stands for a recursion's round */
        bool in_place;     /* while planning: the plan depends on rows outside, so it stands where
                              it is named */
        uint16_t nouters;  /* execution parameters that its rows depend on: it is read in several */
        uint16_t *outers;  /* places, and computed anew when one of them has been set */
        const char *name;  /* for EXPLAIN */
    } * ctes;
};

/* Plans an analysed statement into its arena. */
status plan_statement(struct sql_env *env, struct arena *a, const struct analysed *s,
                      struct plan_statement **ret);
/* An expression over the columns of a relation alone, for defaults and checks: inputs are its
 * attributes, then its oid. */
status plan_expression(struct sql_env *env, struct arena *a, uint16_t natts, struct expr **exprs,
                       uint16_t n, struct program **ret, struct plan_statement **ret_statement);

#endif
