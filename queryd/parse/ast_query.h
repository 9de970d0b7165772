/* ast_query.h: syntax nodes of queries and of statements that change rows. Included by ast.h. */
#ifndef PARSE_AST_QUERY_H
#define PARSE_AST_QUERY_H

/* ---- queries --------------------------------------------------------------------------------- */

struct ast_with;
struct ast_range_var;

struct ast_target { /* an output column; in XMLFOREST too */
    struct node node;
    char *name;         /* NULL: to be derived from value */
    struct node *value; /* ast_column_ref with star, or ast_indirection ending in .*, expand */
};

enum ast_set_op { SETOP_NONE, SETOP_UNION, SETOP_INTERSECT, SETOP_EXCEPT };

struct ast_into { /* SELECT INTO, CREATE TABLE AS, CREATE MATERIALIZED VIEW */
    struct node node;
    struct ast_range_var *relation;
    struct list *columns; /* char* */
    char *access_method;
    struct list *options; /* ast_def_elem */
    char on_commit;       /* 0, 'p'reserve, 'd'elete, 'D'rop */
    char *tablespace;
    bool no_data;
};

/* One of three: a plain SELECT (targets …), VALUES (values != NULL), or a set operation
 * (set_op != SETOP_NONE: left and right, no targets). WITH, ORDER BY, LIMIT and FOR belong to all
 * three. TABLE t is SELECT * FROM t. */
struct ast_select {
    struct node node;
    struct ast_with *with;
    bool distinct;            /* SELECT DISTINCT */
    struct list *distinct_on; /* expressions of DISTINCT ON; distinct is true then too */
    struct list *targets;     /* ast_target */
    struct ast_into *into;
    struct list *from; /* range nodes, joined by comma */
    struct node *where;
    struct list *group_by; /* expressions and ast_grouping_set */
    bool group_distinct;
    struct node *having;
    struct list *windows;  /* ast_window_def with name */
    struct list *values;   /* struct list* of expressions, one a row */
    struct list *order_by; /* ast_sort_by */
    struct node *limit;    /* NULL: none, or ALL (a NULL literal says LIMIT ALL) */
    struct node *offset;
    bool with_ties;
    struct list *locking; /* ast_locking */
    enum ast_set_op set_op;
    bool all;
    struct ast_select *left;
    struct ast_select *right;
};

struct ast_alias {
    struct node node;
    char *name;
    struct list *columns; /* char* */
};

struct ast_sample { /* TABLESAMPLE method (args) REPEATABLE (seed) */
    struct node node;
    struct list *method; /* char* */
    struct list *args;
    struct node *repeatable;
};

enum ast_persistence { PERSIST_PERMANENT, PERSIST_UNLOGGED, PERSIST_TEMP };

struct ast_range_var { /* a table by name */
    struct node node;
    char *catalog;
    char *schema;
    char *name;
    bool only;
    enum ast_persistence persistence; /* where one is created */
    struct ast_alias *alias;
    struct node *as_of; /* AS OF SYSTEM TIME expression */
    struct ast_sample *sample;
};

struct ast_range_subquery {
    struct node node;
    bool lateral;
    struct node *query; /* ast_select */
    struct ast_alias *alias;
};

struct ast_range_function_item {
    struct node node;
    struct node *call;    /* any expression that looks like a call */
    struct list *columns; /* ast_column_def: AS (a int, b text) */
};

struct ast_range_function { /* f(…), ROWS FROM (f(…), g(…)) */
    struct node node;
    bool lateral;
    bool ordinality;
    bool rows_from;
    struct list *functions; /* ast_range_function_item */
    struct ast_alias *alias;
    struct list *columns; /* ast_column_def, where the one function's alias gave them */
};

struct ast_range_xml { /* XMLTABLE: kept so that analysis can refuse it */
    struct node node;
    struct ast_alias *alias;
};

enum ast_join_type { JOIN_INNER, JOIN_LEFT, JOIN_FULL, JOIN_RIGHT };

struct ast_join { /* CROSS JOIN is JOIN_INNER without a condition */
    struct node node;
    enum ast_join_type type;
    bool natural;
    struct node *left;
    struct node *right;
    struct list *using_columns; /* char* */
    struct ast_alias *using_alias;
    struct node *on;
    struct ast_alias *alias;
};

enum ast_sort_direction { SORT_DEFAULT, SORT_ASC, SORT_DESC, SORT_USING };
enum ast_sort_nulls { SORT_NULLS_DEFAULT, SORT_NULLS_FIRST, SORT_NULLS_LAST };

struct ast_sort_by {
    struct node node;
    struct node *value;
    enum ast_sort_direction direction;
    enum ast_sort_nulls nulls;
    struct list *using_names; /* char*: ORDER BY x USING operator */
};

enum ast_frame_mode { FRAME_RANGE, FRAME_ROWS, FRAME_GROUPS };
enum ast_frame_bound {
    BOUND_UNBOUNDED_PRECEDING,
    BOUND_OFFSET_PRECEDING,
    BOUND_CURRENT_ROW,
    BOUND_OFFSET_FOLLOWING,
    BOUND_UNBOUNDED_FOLLOWING
};
enum ast_frame_exclude { EXCLUDE_NO_OTHERS, EXCLUDE_CURRENT_ROW, EXCLUDE_GROUP, EXCLUDE_TIES };

struct ast_window_def {
    struct node node;
    char *name; /* WINDOW name AS (…); OVER name */
    char *base; /* (base …): the window this one is derived from */
    struct list *partition_by;
    struct list *order_by; /* ast_sort_by */
    bool between;          /* both bounds of the frame were written */
    bool frame_given;      /* else RANGE UNBOUNDED PRECEDING, which the fields below say */
    enum ast_frame_mode mode;
    enum ast_frame_bound start;
    enum ast_frame_bound end;
    struct node *start_offset;
    struct node *end_offset;
    enum ast_frame_exclude exclude;
};

enum ast_grouping_kind { GROUPING_EMPTY, GROUPING_ROLLUP, GROUPING_CUBE, GROUPING_SETS };

struct ast_grouping_set { /* (), ROLLUP (…), CUBE (…), GROUPING SETS (…) */
    struct node node;
    enum ast_grouping_kind kind;
    struct list *content; /* expressions (ast_row for (a, b)), nested ast_grouping_set */
};

enum ast_lock_strength {
    LOCK_FOR_KEY_SHARE,
    LOCK_FOR_SHARE,
    LOCK_FOR_NO_KEY_UPDATE,
    LOCK_FOR_UPDATE
};
enum ast_lock_wait { LOCK_WAIT_BLOCK, LOCK_WAIT_SKIP, LOCK_WAIT_ERROR };

struct ast_locking {
    struct node node;
    enum ast_lock_strength strength;
    enum ast_lock_wait wait;
    struct list *relations; /* ast_range_var; empty: all */
};

enum ast_materialize { CTE_DEFAULT, CTE_MATERIALIZED, CTE_NOT_MATERIALIZED };

struct ast_cte {
    struct node node;
    char *name;
    struct list *columns; /* char* */
    enum ast_materialize materialize;
    struct node *query;  /* select, insert, update, delete */
    struct node *search; /* ast_cte_search; NULL: none */
    struct node *cycle;  /* likewise, is_cycle */
};

struct ast_cte_search {
    struct node node;
    bool is_cycle;
    bool breadth_first;
    struct list *columns; /* char* */
    char *mark_column;
    char *path_column;
    struct node *mark_value;
    struct node *mark_default;
};

struct ast_with {
    struct node node;
    bool recursive;
    struct list *ctes; /* ast_cte */
};

/* ---- changing rows --------------------------------------------------------------------------- */

struct ast_column_target { /* a column to write: INSERT's list, UPDATE's SET */
    struct node node;
    char *name;
    struct list *steps; /* ast_field, ast_subscript: col.f, col[1] */
};

struct ast_set { /* SET a = value, or SET (a, b) = value where multi */
    struct node node;
    struct list *targets; /* ast_column_target */
    bool multi;           /* value is a row, or a subquery that gives one */
    struct node *value;   /* may be or contain ast_default */
};

struct ast_infer { /* ON CONFLICT (…) WHERE … or ON CONSTRAINT name */
    struct node node;
    struct list *elements; /* ast_index_element */
    struct node *where;
    char *constraint;
};

struct ast_on_conflict {
    struct node node;
    bool do_update;
    struct ast_infer *infer; /* NULL: any conflict */
    struct list *sets;       /* ast_set */
    struct node *where;
};

enum ast_override { OVERRIDE_NONE, OVERRIDE_USER, OVERRIDE_SYSTEM };

struct ast_insert {
    struct node node;
    struct ast_with *with;
    struct ast_range_var *relation;
    struct list *columns;      /* ast_column_target */
    struct ast_select *source; /* NULL: DEFAULT VALUES */
    enum ast_override override;
    struct ast_on_conflict *on_conflict;
    struct list *returning; /* ast_target */
};

struct ast_update {
    struct node node;
    struct ast_with *with;
    struct ast_range_var *relation;
    struct list *sets;  /* ast_set */
    struct list *from;  /* range nodes */
    struct node *where; /* perhaps ast_current_of */
    struct list *returning;
};

struct ast_delete {
    struct node node;
    struct ast_with *with;
    struct ast_range_var *relation;
    struct list *using_tables; /* range nodes */
    struct node *where;
    struct list *returning;
};

enum ast_merge_action { MERGE_NOTHING, MERGE_INSERT, MERGE_UPDATE, MERGE_DELETE };

struct ast_merge_when {
    struct node node;
    bool matched;
    struct node *condition;
    enum ast_merge_action action;
    struct list *sets;    /* ast_set, of UPDATE */
    struct list *columns; /* ast_column_target, of INSERT */
    struct list *values;  /* of INSERT; empty: DEFAULT VALUES */
    enum ast_override override;
};

struct ast_merge {
    struct node node;
    struct ast_with *with;
    struct ast_range_var *relation;
    struct node *source;
    struct node *on;
    struct list *whens;
};

struct ast_truncate {
    struct node node;
    struct list *relations; /* ast_range_var */
    bool restart_identity;
    bool cascade;
};

/* An option: name, perhaps with a value (ast_literal for words, strings and numbers; ast_type_name,
 * ast_name_list, ast_default, …). What the words mean is the statement's affair. */
struct ast_def_elem {
    struct node node;
    char *space; /* toast. in WITH (toast.x = …) */
    char *name;
    struct node *value;
    char action; /* 0, 's'et, 'a'dd, 'd'rop: ALTER … OPTIONS */
};

struct ast_name_list { /* a name, or names, where a node is asked for */
    struct node node;
    struct list *names; /* char* */
};

struct ast_node_list { /* a list, where a node is asked for */
    struct node node;
    struct list *items; /* nodes */
};

struct ast_copy {
    struct node node;
    struct ast_range_var *relation; /* or query */
    struct list *columns;           /* char* */
    struct node *query;
    bool from;
    bool program;
    char *file;           /* NULL: STDIN or STDOUT */
    struct list *options; /* ast_def_elem: format, delimiter, null, header, quote, escape,
                             force_quote (ast_name_list or star column_ref), freeze, encoding … */
    struct node *where;
};

#endif
