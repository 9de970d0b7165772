/* internal.h: what the files of this folder share. */
#ifndef ANALYSE_INTERNAL_H
#define ANALYSE_INTERNAL_H

#include "analyse/analyse.h"
#include "base/check.h"
#include "base/coro.h"
#include "catalog/routine.h"
#include "parse/parse.h"

enum clause {
#define X(NAME, words, aggregates, windows, sets) CLAUSE_##NAME,
#include "analyse/clause.def"
#undef X
};
const char *clause_words(enum clause c);
bool clause_allows_aggregates(enum clause c);
bool clause_allows_windows(enum clause c);
bool clause_allows_sets(enum clause c);

#define STACK_MARGIN_BYTES (24 * 1024)
#define VIEW_DEPTH_MAX 64

/* One statement under analysis. */
struct analyse {
    struct sql_env *env;
    struct arena *arena;
    struct error *error;
    struct eval_env eval; /* constants live in the statement's arena */
    uint16_t nparams, params_cap;
    oid *param_types; /* 0: not yet known */
    bool no_params;
    bool no_columns;                 /* of a default */
    const struct routine_body *body; /* of an SQL function: names and number of parameters; NULL */
    const struct inlining *inlining; /* the functions whose bodies are being put in place */
    bool no_positions; /* text of a view or default: locations mean nothing to the client */
    bool of_cursor;    /* the query that is next is a cursor's */
    bool once;         /* what is made is good for this one execution */
    const struct node *kept_call; /* whose function is not to be put in place */
    enum clause targets_clause;   /* what the outermost query's columns are */
    bool in_call;                 /* CALL's arguments are what is next */
    bool calls;                   /* CALL: a procedure is what may be called */
    bool reads_only;              /* nothing that changes rows or locks them */
    bool for_text; /* to be printed: nothing is put in the place of what was written */
    unsigned view_depth;
    uint16_t nrelations, relations_cap;
    struct analysed_relation *relations;
    uint16_t nctes;
    uint16_t nshared; /* subqueries that several expressions share */
    oid check_as;     /* in a view: whose rights count for what it names */
    uint16_t npermissions, permissions_cap;
    struct permission **permissions;
    uint16_t nfunctions, functions_cap;
    oid *functions;
};

/* What a name before a dot, or a bare column name, may mean. */
struct ns_item {
    const char *name;   /* NULL: only its columns have names */
    const char *schema; /* of a relation without alias: s.t.c */
    int32_t rte;        /* -1: a join */
    uint16_t ncolumns;
    const char **names;
    struct expr **exprs; /* as seen from the query itself; NULL: dropped */
    const struct relation *relation;
    bool name_visible;
    bool columns_visible;
    bool lateral_only; /* for LATERAL items beside it, not yet for anything else */
    uint16_t nadded;   /* the last columns, which no star has */
    bool nullable;     /* an outer join may make up its rows */
    bool changed;      /* the table that UPDATE or DELETE is about */
    bool excluded;     /* the row of ON CONFLICT that was not inserted: it has no system columns */
    bool lateral_bad;  /* inside the nullable side of a RIGHT or FULL join */
};

struct scope {
    struct analyse *a;
    struct scope *parent;
    struct query *query;
    uint16_t nitems, items_cap;
    struct ns_item **items;
    enum clause clause;
    bool lateral;      /* lateral_only items may be used */
    bool in_aggregate; /* between the brackets of an aggregate */
    struct with_rest { /* while one of WITH is analysed: that and those behind it */
        struct ast_cte **ctes;
        int32_t n;
    } future;
    bool keep_unknown; /* the query around it gives undecorated literals their type */
};

/* Gives the failure its position; passes every status through. */
status analyse_at(struct analyse *a, int32_t location, status s);
#define FAIL_AT(a, location, code, ...)                                                            \
    analyse_at((a), (location), error_set((a)->error, ST_##code, __VA_ARGS__))
status analyse_memory(struct analyse *a);
#define NEEDS(a, pointer)                                                                          \
    do {                                                                                           \
        if (!(pointer)) return analyse_memory(a);                                                  \
    } while (0)
#define NEW_N(a, pointer, n)                                                                       \
    do {                                                                                           \
        (pointer) = arena_array((a)->arena, (size_t)(n), sizeof *(pointer));                       \
        if (!(pointer)) return analyse_memory(a);                                                  \
    } while (0)
#define NEW(a, pointer) NEW_N(a, pointer, 1)
/* Room for one more element in an array of n with capacity cap. */
#define GROW(a, array, n, cap)                                                                     \
    do {                                                                                           \
        if ((n) == (cap)) TRY(analyse_grow((a), (void **)&(array), &(cap), sizeof *(array)));      \
    } while (0)
status analyse_grow(struct analyse *a, void **array, uint16_t *cap, size_t size);
status analyse_stack(struct analyse *a);
status not_supported(struct analyse *a, int32_t location, const char *what);
const char *type_words(struct analyse *a, oid type);
/* An array by type; oidvector and int2vector have arrays of themselves and are elements. */
static inline bool is_true_array(const struct type *t) {
    return t && t->element && t->len == -1 && !t->array;
}

void scope_init(struct scope *s, struct analyse *a, struct scope *parent, struct query *q);
status query_new(struct analyse *a, enum query_kind kind, struct query **ret);

/* scope.c: names */
struct scope *scope_at(struct scope *s, unsigned level); /* that many queries further out */
status scope_add(struct scope *s, struct ns_item *item);
status scope_item_of_rte(struct scope *s, uint16_t rte, struct ns_item **ret);
status scope_column(struct scope *s, const char *name, int32_t location, struct expr **ret);
/* NULL when there is no such name to see. */
status scope_find_item(struct scope *s, const char *schema, const char *name, int32_t location,
                       struct ns_item **ret, unsigned *ret_level);
/* missing.c */
status scope_missing_item(struct scope *s, const char *name, int32_t location);
/* table: as it was written; NULL: a bare name */
status scope_missing_column(struct scope *s, const char *table, const char *name, int32_t location);
status scope_item_column(struct scope *s, struct ns_item *item, unsigned level, const char *column,
                         int32_t location, struct expr **ret);
status scope_column_ref(struct scope *s, const struct ast_column_ref *ref, struct expr **ret);
/* A column of an item seen from `level` queries further in. */
status scope_take(struct analyse *a, struct expr *proto, unsigned level, int32_t location,
                  struct expr **ret);
/* whole_row.c */
/* The ROW behind the whole row of what an outer join may not find; else e. */
struct expr *expr_row_below(struct expr *e);
status scope_whole_row(struct scope *s, const struct ns_item *item, unsigned level,
                       int32_t location, struct expr **ret);
struct cte *scope_find_cte(struct scope *s, const char *name, struct scope **ret_where);

/* type_ref.c */
status type_of_name(struct analyse *a, const struct ast_type_name *n, oid *ret_type,
                    int32_t *ret_typmod);
const char *last_name(const struct list *names);
/* [name] or [schema, name]; more parts are refused. */
status split_name(struct analyse *a, const struct list *names, int32_t location,
                  const char **ret_schema, const char **ret_name);
status check_collation(struct analyse *a, const struct list *names, int32_t location, oid *ret);

/* coerce.c. *ret NULL: there is no such coercion in that context. */
status coerce(struct analyse *a, struct expr *e, oid type, int32_t typmod,
              enum cast_context context, struct expr **ret);
/* Brings e to a type that the rules have chosen. */
status coerce_chosen(struct analyse *a, struct expr *e, oid type, struct expr **ret);
status coerce_common(struct analyse *a, struct expr *e, oid type, const char *what,
                     struct expr **ret);
status coerce_to_bool(struct analyse *a, struct expr *e, const char *what, struct expr **ret);
status coerce_assign(struct analyse *a, struct expr *e, const char *column, oid type,
                     int32_t typmod, struct expr **ret);
/* Undecorated literals and untyped parameters become text. */
status coerce_unknown(struct analyse *a, struct expr *e, struct expr **ret);
status common_type(struct analyse *a, struct expr **exprs, size_t n, const char *what,
                   int32_t location, oid *ret);
int32_t common_typmod(struct expr **exprs, size_t n, oid type);
status make_cast(struct analyse *a, struct expr *e, oid type, int32_t typmod, int32_t location,
                 struct expr **ret);

/* expression.c */
status transform_expr(struct scope *s, struct node *n, enum clause clause, struct expr **ret);
status transform(struct scope *s, struct node *n, struct expr **ret); /* within the same clause */
status transform_bool(struct scope *s, struct node *n, enum clause clause, const char *what,
                      struct expr **ret);
status transform_list(struct scope *s, const struct list *l, struct expr ***ret);

/* What a type's modifiers mean. What warns is not kept: each time it is said the client hears it.
 */
status understand_typmod(struct analyse *a, const struct type *t, const int32_t *values, size_t n,
                         int32_t *ret);
/* operator.c */
/* In one schema, or (NULL) along the search path. */
status find_operator(struct analyse *a, const char *schema, const char *name, oid left, oid right,
                     int32_t location, struct operator_choice *ret);
status make_operator(struct analyse *a, const char *name, struct expr *left, struct expr *right,
                     int32_t location, struct expr **ret);
status transform_op(struct scope *s, struct ast_op *n, struct expr **ret);
status transform_op_array(struct scope *s, struct ast_op_array *n, struct expr **ret);
status transform_in(struct scope *s, struct ast_in *n, struct expr **ret);
status transform_between(struct scope *s, struct ast_between *n, struct expr **ret);
status transform_distinct(struct scope *s, struct ast_distinct *n, struct expr **ret);
status transform_nullif(struct scope *s, struct ast_nullif *n, struct expr **ret);
status compare_rows(struct analyse *a, const char *op, struct expr **left, struct expr **right,
                    uint16_t n, int32_t location, struct expr **ret);
status make_not_expr(struct analyse *a, struct expr *e, struct expr **ret);
status make_bool2(struct analyse *a, enum expr_bool kind, struct expr *x, struct expr *y,
                  struct expr **ret);
/* sublink.c */
/* (a, b) op (SELECT x, y): the subquery gives the right row. */
status transform_row_subquery(struct scope *s, struct ast_op *n, const char *name,
                              struct expr **ret);
status transform_sublink(struct scope *s, struct ast_sublink *n, struct expr **ret);
/* The subquery's columns as the fields of one row, *ret_n of them, which is computed once. */
status transform_row_of_subquery(struct scope *s, struct ast_sublink *n, struct expr ***ret,
                                 uint16_t *ret_n);

/* construct.c: CASE, COALESCE, ARRAY, ROW, subscripts … */
status transform_case(struct scope *s, struct ast_case *n, struct expr **ret);
status transform_coalesce(struct scope *s, struct ast_coalesce *n, struct expr **ret);
status transform_min_max(struct scope *s, struct ast_min_max *n, struct expr **ret);
status transform_array(struct scope *s, struct ast_array *n, oid want_element, struct expr **ret);
status transform_row(struct scope *s, struct ast_row *n, struct expr **ret);
/* Its parts, stars written out. */
status transform_row_parts(struct scope *s, struct ast_row *n, struct expr ***ret, uint16_t *ret_n);
status transform_indirection(struct scope *s, struct ast_indirection *n, struct expr **ret);
/* A column to write, or a part of it. */
struct column_part {
    const struct attribute *att;
    const struct list *steps; /* ast_field, ast_subscript */
    int32_t location;
};
/* What is assigned to the part must be of this type. */
status part_type(struct analyse *a, const struct column_part *to, oid *ret_type,
                 int32_t *ret_typmod);
/* Made by assign_part: more parts may be assigned to it. */
bool is_part_assignment(const struct expr *e);
/* The column's new value: base with the part replaced. */
status assign_part(struct scope *s, const struct column_part *to, struct expr *base,
                   struct expr *value, struct expr **ret);
/* base[…] by the steps from … to. */
/* Subscripts of a jsonb as an array of texts; *ret_number: the first is a number. */
status jsonb_steps(struct scope *s, const struct list *steps, int32_t from, int32_t to,
                   int32_t location, bool *ret_number, struct expr **ret);
status subscripts(struct scope *s, struct expr *base, const struct list *steps, int32_t from,
                  int32_t to, struct expr **ret);
/* One field of a value of the composite type t (its own, or below its domain). */
status field_expr(struct analyse *a, struct expr *record, const struct type *t, uint16_t field,
                  int32_t location, struct expr **ret);
int field_number(const struct type *t, const char *name); /* -1: none */
status field_of(struct scope *s, struct expr *record, const char *name, int32_t location,
                struct expr **ret);
/* Field i of a record, which is that column. */
status field_at(struct analyse *a, struct expr *record, const struct rte_column *column, uint16_t i,
                int32_t location, struct expr **ret);

/* call.c */
status transform_call(struct scope *s, struct ast_func_call *n, struct expr **ret);
/* name(t.*) where t.name was written; *ret NULL: no function takes such a row. row: an expression
 * of that type. */
status call_of_row(struct scope *s, const char *name, struct node *row, oid type, int32_t location,
                   struct expr **ret);
status undefined_function(struct analyse *a, int32_t location, const char *name, const oid *types,
                          uint16_t n);
status transform_sql_value(struct scope *s, struct ast_sql_value *n, struct expr **ret);
status call_by_oid(struct analyse *a, oid function, struct expr **args, uint16_t nargs,
                   int32_t location, struct expr **ret);
/* routine.c */
status routine_scope(struct analyse *a, const char *schema, const char *name, int32_t location,
                     struct function_scope *ret_scope);
/* The default of f's parameter i. */
status routine_default(struct analyse *a, const struct function *f, uint16_t i, struct expr **ret);
/* A parameter of the function whose body is analysed; *ret NULL: there is none of that name.
 * qualifier: the function's name, NULL: none was written. */
status routine_param_ref(struct analyse *a, const char *qualifier, const char *name,
                         int32_t location, struct expr **ret);
/* The last statement of a function's body gives the function's result: brings its columns to those
 * types. 42P13. */
status routine_fit_result(struct analyse *a, struct query *q);
/* What e's value has as fields, when e is a row or calls a function whose results have names; 0:
 * that is not known. */
status routine_fields(struct scope *s, const struct expr *e, uint16_t *ret_n,
                      const struct rte_column **ret_columns);
/* inline.c */
/* The body of a simple function in place of its call; *ret NULL: it stays a call. */
status inline_call(struct scope *s, const struct expr *call, struct expr **ret);
/* The body of a function that gives rows, as a subquery; *ret NULL: it stays a call. */
status inline_rows(struct scope *s, const struct expr *call, struct query **ret);
/* aggregate.c */
/* own_aggregate.c: of a call of an aggregate that users made: its functions and its first state. */
status own_aggregate(struct scope *s, struct expr *e, struct expr *const *args, uint16_t nargs);
status make_aggregate(struct scope *s, struct ast_func_call *n,
                      const struct function_choice *choice, struct expr **args, uint16_t nargs,
                      struct expr **ret);
status make_ordered_set(struct scope *s, struct ast_func_call *n, const struct function_choice *c,
                        const char *name, const oid *types, struct expr **args, uint16_t nargs,
                        struct expr **ret);
status make_window(struct scope *s, struct ast_func_call *n, const struct function_choice *choice,
                   struct expr **args, uint16_t nargs, struct expr **ret);
status transform_windows(struct scope *s, const struct list *definitions);
/* The query that an aggregate or GROUPING belongs to: the innermost whose columns it names. */
status aggregate_level(struct scope *s, struct expr *e, const char *what, struct scope **ret_owner,
                       uint16_t *ret_level);

/* permission.c: what the statement's user must be allowed to do */
/* Of a view that is changed through; strict: whichever columns. */
status permission_add_view(struct analyse *a, const struct relation *view, uint32_t rights,
                           bool strict, struct permission **ret);
status permission_add(struct analyse *a, const struct relation *r, uint32_t rights, struct rte *e);
/* A column is read: by the expression that stands for it in the query of s. */
void permission_select(struct scope *s, const struct expr *column);
void permission_column(uint64_t *set, const struct permission *p, int column);
/* The columns that get values. */
void permission_written(uint64_t *set, const struct permission *p, struct expr *const *values,
                        uint16_t natts);
status permission_functions(struct analyse *a, struct query *q);
status permission_function(struct analyse *a, oid function);

/* from.c */
status transform_from(struct scope *s, const struct list *from);
status add_relation_rte(struct scope *s, struct ast_range_var *var, enum relation_mode mode,
                        uint16_t *ret_rte);
status rte_add(struct scope *s, struct rte *r, uint16_t *ret_index);
status rte_item(struct scope *s, uint16_t rte, struct ns_item **ret);
status from_add(struct scope *s, struct from_item *f);
status from_rte(struct analyse *a, uint16_t rte, struct from_item **ret);
status rte_columns_of_query(struct analyse *a, const struct query *q, const struct list *names,
                            const char *what, int32_t location, struct rte *r);
/* Alias column lists rename the first columns. */
status rte_rename_columns(struct analyse *a, struct rte *r, const struct list *names,
                          int32_t location);
/* from_function.c */
status from_function(struct scope *s, struct ast_range_function *n, struct from_item **ret);
status note_relation(struct analyse *a, oid relation, enum relation_mode mode);
/* collate.c */
/* Marks the expression with its collation and those that its functions go by. 42P21. */
status assign_collation(struct analyse *a, struct expr *e);
/* Likewise everything of a query but the queries below it; what it sorts or groups by must have
 * one. */
status assign_query_collations(struct analyse *a, struct query *q);
const char *collation_words(struct analyse *a, oid collation); /* "(null)": it has none */
/* The one that the expressions have together; may_conflict: 0 where that is none. */
status common_collation(struct analyse *a, struct expr **exprs, size_t n, bool may_conflict,
                        oid *ret);
/* words.c: what a query that is to be printed remembers of how it was written */
status words_rte(struct analyse *a, struct rte *e, const struct ast_alias *alias, bool only,
                 bool lateral, bool defines);
/* The entry of a join over the items [first, middle) and [middle, end) of the scope. */
status words_join(struct scope *s, const struct ast_join *j, uint16_t first, uint16_t middle,
                  const struct list *names, struct from_item *f);
/* A column of the join's entry in the place of e. */
status words_join_column(struct scope *s, const struct from_item *f, uint16_t column,
                         struct expr **e);
status words_group(struct scope *s, const struct list *group_by);
/* join.c */
status transform_join(struct scope *s, struct ast_join *j, struct from_item **ret);
status transform_from_item(struct scope *s, struct node *n, struct from_item **ret);
/* cte.c */
status transform_with(struct scope *s, struct ast_with *w);
/* The name is one of WITH that cannot be seen yet. */
bool with_is_future(const struct scope *s, const char *name);
/* recursion.c: q is first UNION again, the query that n names. */
status check_recursion(struct analyse *a, struct ast_cte *n, struct ast_select *q);
/* The queries of WITH RECURSIVE, each behind those that it names; and whether it names itself. */
status order_recursive_with(struct analyse *a, const struct list *ctes, struct ast_cte **ret_order,
                            bool *ret_recursive);
/* search_cycle.c: both sides of n's query q with the columns that SEARCH and CYCLE add, the last
 * c->nadded of each. c has the columns of the query as it is written. */
status add_search_cycle(struct scope *s, const struct ast_cte *n, const struct ast_select *q,
                        struct cte *c, struct ast_select **ret_left, struct ast_select **ret_right);

/* target.c */
status transform_targets(struct scope *s, const struct list *targets, enum clause clause,
                         struct target **ret_targets, uint16_t *ret_n);
const char *output_name(struct node *value);
status target_add(struct scope *s, struct expr *e, const char *name, bool junk, uint16_t *ret);

/* select.c */
status transform_select(struct scope *s, struct ast_select *n);
/* A query of its own, below s (perhaps NULL). */
status analyse_subquery(struct analyse *a, struct scope *parent, struct node *n,
                        struct query **ret);
/* One whose undecorated literals the caller will give a type. */
status analyse_raw_subquery(struct analyse *a, struct scope *parent, struct node *n,
                            struct query **ret);
/* Column i of a subquery seen as entry rte, assigned to a column (name NULL: implicitly). *ret
 * NULL: impossible. */
status subquery_column_as(struct analyse *a, struct query *sub, uint16_t rte, uint16_t i, oid type,
                          int32_t typmod, enum cast_context context, struct expr **ret);
status transform_limit(struct scope *s, struct node *n, enum clause clause, struct expr **ret);
status transform_locking(struct scope *s, const struct list *locking);
status settle_unknown_targets(struct scope *s);
/* sort.c */
status transform_order(struct scope *s, const struct list *order);
status transform_distinct_clause(struct scope *s, struct ast_select *n);
status find_or_add_target(struct scope *s, struct node *n, enum clause clause, uint16_t *ret);
/* All of the key but its target. */
status sort_direction(struct analyse *a, const struct ast_sort_by *by, oid type,
                      struct sort_key *key);
/* group.c */
status group_member(struct scope *s, struct node *n, uint16_t *ret);
/* grouping_sets.c */
status transform_group(struct scope *s, struct ast_select *n);
status transform_grouping(struct scope *s, struct ast_grouping_func *n, struct expr **ret);
status settle_grouping(struct scope *s, struct expr *e);
/* group.c */
status check_grouped(struct scope *s);
/* setop.c */
status transform_values(struct scope *s, struct ast_select *n);
status transform_setop(struct scope *s, struct ast_select *n);
/* Rows of VALUES as an entry, each expression as written. */
status values_rows(struct scope *s, const struct list *rows, enum clause clause, struct rte **ret);

/* modify.c */
/* view_target.c: what a statement changes. */
struct change_target {
    const struct relation *r;    /* the table */
    struct attribute *atts;      /* its attributes, with the defaults of a view before their own */
    const struct relation *view; /* that was named; NULL: the table itself */
    struct ns_item *item;        /* the columns by which the statement knows it */
    struct expr *where;          /* rows that views show; NULL: all */
    uint16_t nchecks;            /* CHECK OPTION of views */
    struct change_check *checks;
    struct permission *needs;      /* of the table */
    struct permission *view_needs; /* of the view; NULL: the table itself is named */
    uint64_t *view_reads;          /* columns of the table that only the view's query reads */
};
/* What the statement reads and writes of the table it does to the view's columns as well. */
void permission_of_view(struct change_target *t);
/* Finds and locks it and makes its range table entry the query's target. 55000. */
status change_target(struct scope *s, struct ast_range_var *var, struct change_target *t);
/* Why a view of this query, analysed as q, cannot be changed through; NULL: it can. */
const char *view_obstacle(const struct ast_select *n, const struct query *q);
/* What may be done to r's rows as far as they concern the columns wanted (by number; all are left
 * as they are): change_event bits. */
status relation_events(struct analyse *a, const struct relation *r, const bool *wanted,
                       int32_t *ret_events);
/* The table's column behind a column of the item; NULL: there is none. */
const struct attribute *change_target_att(const struct change_target *t, uint16_t column);
/* 0A000: the column cannot be given a value. */
status change_target_refuse(struct scope *s, const struct change_target *t, uint16_t column,
                            int32_t location);
status transform_insert(struct scope *s, struct ast_insert *n);
status transform_update(struct scope *s, struct ast_update *n);
status transform_delete(struct scope *s, struct ast_delete *n);
status transform_returning(struct scope *s, const struct list *targets);
status transform_sets(struct scope *s, const struct change_target *t, const struct list *sets,
                      struct expr **ret_values);
status transform_conflict(struct scope *s, const struct change_target *t,
                          struct ast_on_conflict *n);

#endif
