/* build.h: what the grammar's actions call. Nothing here returns a failure: an action that cannot
 * go on jumps back into parse_sql (parse_fail), which owns nothing but the arena and Lemon's stack.
 */
#ifndef PARSE_BUILD_H
#define PARSE_BUILD_H

#include <setjmp.h>

#include "parse/ast.h"
#include "parse/scan.h"

struct parser {
    struct arena *arena;
    struct error *error;
    struct scanner scanner;
    struct lexeme current; /* the grammar's lookahead */
    jmp_buf fail;
    struct list *statements; /* raw_stmt */
    bool kept;               /* the text is a catalog's: see parse_kept_query */
    struct node *result;     /* of the modes that parse one expression or type */
};

/* A name of several parts and where it stands. */
struct qname {
    struct list *names;
    int32_t location;
};

/* A query in parentheses and where the first of them stands. */
struct located {
    struct node *node;
    int32_t location;
};

/* MAKE(op, location, .left = x): a node of the kind with those fields. */
enum {
#define X(NAME, type, fields) MAKE_##type = NODE_##NAME,
#include "parse/nodes.def"
#undef X
};
#define MAKE(type, at, ...)                                                                        \
    ((struct node *)parse_copy(p, &(struct ast_##type){.node = {MAKE_##type, (at)}, __VA_ARGS__},  \
                               sizeof(struct ast_##type)))

/* A pointer where a more exact type is wanted; the grammar's rules say which it is. */
#define P(pointer) ((void *)(pointer))

_Noreturn void parse_fail(struct parser *p);
_Noreturn void parse_fail_at(struct parser *p, enum status_code code, int32_t location,
                             const char *message);
_Noreturn void parse_fail_hint(struct parser *p, enum status_code code, int32_t location,
                               const char *message, const char *hint);
/* At the lookahead, or at the token that begins at location. */
_Noreturn void parse_syntax_error(struct parser *p);
_Noreturn void parse_syntax_error_at(struct parser *p, int32_t location);

void *parse_alloc(struct parser *p, size_t bytes);
void *parse_copy(struct parser *p, const void *node, size_t bytes);
char *parse_join(struct parser *p, const char *a, const char *middle, const char *b);

struct list *list_none(struct parser *p); /* empty, and not NULL */
struct list *list1(struct parser *p, const void *item);
struct list *list2(struct parser *p, const void *a, const void *b);
struct list *list_add(struct parser *p, struct list *l, const void *item);
struct list *list_concat(struct parser *p, struct list *a, struct list *b);

struct node *make_string(struct parser *p, const char *text, int32_t location);
struct node *make_token_literal(struct parser *p, enum ast_literal_kind kind, struct token t);
struct node *make_integer(struct parser *p, int32_t value, int32_t location);
struct node *make_bool(struct parser *p, bool value, int32_t location);
struct node *make_null(struct parser *p, int32_t location);
int32_t token_integer(struct token t);
struct node *make_param(struct parser *p, struct token t);

struct node *make_op(struct parser *p, int32_t location, const char *name, struct node *left,
                     struct node *right);
struct node *make_named_op(struct parser *p, struct qname name, struct node *left,
                           struct node *right);
struct node *make_and_or(struct parser *p, enum ast_bool_kind kind, int32_t location,
                         struct node *left, struct node *right);
struct node *make_not(struct parser *p, int32_t location, struct node *arg);
struct node *make_minus(struct parser *p, int32_t location, struct node *arg);
struct node *make_like(struct parser *p, enum ast_op_syntax syntax, bool negated, int32_t location,
                       struct node *left, struct node *pattern, struct node *escape);
struct node *make_in(struct parser *p, bool negated, int32_t location, struct node *left,
                     struct node *in);
/* A call of pg_catalog.name. */
struct node *make_system_call(struct parser *p, int32_t location, const char *name,
                              struct list *args);
struct node *make_call(struct parser *p, struct qname name, struct list *args,
                       struct list *order_by);
struct node *finish_call(struct parser *p, struct node *call, struct list *within,
                         int32_t within_at, struct node *filter, struct node *over);
struct node *make_overlaps(struct parser *p, struct node *left, int32_t location,
                           struct node *right);
struct node *make_column_ref(struct parser *p, struct token first, struct list *steps);
struct node *make_indirection(struct parser *p, struct node *arg, struct list *steps);
struct node *make_window_frame(struct parser *p, enum ast_frame_mode mode, int32_t location,
                               struct node *start, struct node *end,
                               enum ast_frame_exclude exclude);

struct qname qname1(struct parser *p, struct token t);
/* first.a.b: the steps must be names. */
struct qname qname_steps(struct parser *p, struct token first, struct list *steps);
struct node *make_range_var(struct parser *p, struct qname name);
struct node *make_system_type(struct parser *p, int32_t location, const char *name,
                              struct list *typmods);
struct node *make_type(struct parser *p, struct qname name, struct list *typmods);
struct node *make_float_type(struct parser *p, int32_t location, struct token precision);
struct node *set_ndims(struct node *type, int ndims, bool setof);
struct node *make_def(struct parser *p, int32_t location, const char *name, struct node *value);
struct node *make_names(struct parser *p, struct qname name);
char *make_special_role(struct parser *p, const char *name);

struct node *make_set_op(struct parser *p, enum ast_set_op op, bool all, int32_t location,
                         struct node *left, struct node *right);
/* Adds what stands around a select; fails where it is there already. */
struct node *finish_select(struct parser *p, struct node *select, struct node *with,
                           struct list *order_by, struct list *locking, struct node *limit);
/* WITH RECURSIVE view (columns) AS (query) SELECT columns FROM view */
struct node *make_recursive_query(struct parser *p, struct node *view, struct list *columns,
                                  struct node *query);
/* What stands in FROM in parentheses must have a name. */
void check_alias(struct parser *p, struct located query, const struct node *alias);
struct node *merge_limit(struct parser *p, struct node *a, struct node *b);
struct node *make_set_multi(struct parser *p, struct list *targets, struct node *value);
/* Moves COLLATE out of a column's constraints and the deferrable marks into what they qualify. */
struct list *finish_column_constraints(struct parser *p, struct list *constraints,
                                       struct list **ret_collation);
/* Bits of ConstraintAttributeSpec. */
enum {
    ATTRIBUTE_DEFERRABLE = 1,
    ATTRIBUTE_NOT_DEFERRABLE = 2,
    ATTRIBUTE_DEFERRED = 4,
    ATTRIBUTE_IMMEDIATE = 8,
    ATTRIBUTE_NOT_VALID = 16,
    ATTRIBUTE_NO_INHERIT = 32
};
int add_attribute(struct parser *p, int bits, int bit, int32_t location);
struct node *apply_attributes(struct parser *p, struct node *constraint, int bits);
void check_attach(struct parser *p, enum ast_object_type type, const struct list *commands);
void add_statement(struct parser *p, struct node *stmt, int32_t after);
/* func(a int): the function's name and the types of its input parameters. */
struct node *make_function_args(struct parser *p, struct qname name, struct list *params);

/* Lemon's generated entry points, and its stack's memory. */
void *parse_stack_resize(void *stack, size_t bytes);

#endif
