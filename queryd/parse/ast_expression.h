/* ast_expression.h: syntax nodes of values, names and expressions. Included by ast.h. */
#ifndef PARSE_AST_EXPRESSION_H
#define PARSE_AST_EXPRESSION_H

/* ---- values and names ------------------------------------------------------------------------ */

enum ast_literal_kind {
    LITERAL_NULL,
    LITERAL_BOOL,    /* integer is 0 or 1 */
    LITERAL_INTEGER, /* digits that fit int4: integer holds the value, text the digits */
    LITERAL_NUMERIC, /* any other number: text as written (may be int8, analysis decides) */
    LITERAL_STRING,  /* text, unescaped; the type is unknown until analysis */
    LITERAL_BITS,    /* B'01': text is the digits with a leading 'b' */
    LITERAL_HEX      /* X'1F': text is the digits with a leading 'x' */
};

/* A sign directly before a number is part of the number: -5 is the literal -5. */
struct ast_literal {
    struct node node;
    enum ast_literal_kind kind;
    int32_t integer;
    uint32_t length; /* bytes of text */
    char *text;      /* ends in NUL */
};

struct ast_param { /* $n */
    struct node node;
    int32_t number;
};

struct ast_column_ref { /* a, t.a, s.t.a, d.s.t.a, and with star: *, t.*, s.t.* */
    struct node node;
    struct list *names; /* char*; empty only for a bare * */
    bool star;
};

struct ast_type_name {
    struct node node;
    struct list *names;   /* char*; SQL's own spellings give [pg_catalog, int4] and the like */
    struct list *typmods; /* expressions; for interval [mask] or [mask, precision] as literals,
                             INTERVAL_… below */
    int32_t array_ndims;  /* number of [] (their bounds mean nothing) */
    bool setof;
    bool pct_type; /* name%TYPE */
};

/* Field masks of interval types, PostgreSQL's typmod bits. */
#define INTERVAL_MASK_MONTH (1 << 1)
#define INTERVAL_MASK_YEAR (1 << 2)
#define INTERVAL_MASK_DAY (1 << 3)
#define INTERVAL_MASK_HOUR (1 << 10)
#define INTERVAL_MASK_MINUTE (1 << 11)
#define INTERVAL_MASK_SECOND (1 << 12)
#define INTERVAL_MASK_FULL 0x7FFF

/* ---- expressions ----------------------------------------------------------------------------- */

struct ast_type_cast { /* x::t, CAST(x AS t), t 'literal' */
    struct node node;
    struct node *arg;
    struct ast_type_name *type;
};

struct ast_collate {
    struct node node;
    struct node *arg;
    struct list *names; /* char* */
};

enum ast_op_syntax {
    OP_PLAIN,
    OP_LIKE,   /* ~~ or !~~, right perhaps a call of pg_catalog.like_escape */
    OP_ILIKE,  /* ~~* or !~~* */
    OP_SIMILAR /* ~ or !~, right a call of pg_catalog.similar_to_escape */
};

struct ast_op { /* a + b, - a, a OPERATOR(s.+) b; names of one element where not qualified */
    struct node node;
    enum ast_op_syntax syntax;
    struct list *names; /* char*; != is spelled <> */
    struct node *left;  /* NULL: prefix operator */
    struct node *right;
};

struct ast_op_array { /* a op ANY (array), a op ALL (array); with a subquery: ast_sublink */
    struct node node;
    struct list *names;
    struct node *left;
    struct node *right;
    bool is_all;
};

enum ast_bool_kind { BOOL_AND, BOOL_OR, BOOL_NOT };

struct ast_bool { /* AND and OR take two arguments or more: a chain of one kind is one node */
    struct node node;
    enum ast_bool_kind kind;
    struct list *args;
    bool closed; /* stands in the parentheses of a kept text, which end the chain */
};

struct ast_distinct { /* IS [NOT] DISTINCT FROM */
    struct node node;
    struct node *left;
    struct node *right;
    bool negated;
};

struct ast_null_test { /* IS [NOT] NULL */
    struct node node;
    struct node *arg;
    bool negated;
};

enum ast_bool_test_kind { TEST_TRUE, TEST_FALSE, TEST_UNKNOWN };

struct ast_bool_test { /* IS [NOT] TRUE, FALSE, UNKNOWN */
    struct node node;
    enum ast_bool_test_kind kind;
    struct node *arg;
    bool negated;
};

struct ast_between {
    struct node node;
    struct node *arg;
    struct node *low;
    struct node *high;
    bool negated;
    bool symmetric;
};

struct ast_in { /* x [NOT] IN (a, b, …); with a subquery: ast_sublink */
    struct node node;
    struct node *left;
    struct list *items;
    bool negated;
};

enum ast_func_syntax {
    FUNC_CALL, /* f(…) */
    FUNC_SQL   /* a special syntax such as EXTRACT or TRIM: names start with pg_catalog */
};

struct ast_window_def;

struct ast_func_call {
    struct node node;
    enum ast_func_syntax syntax;
    struct list *names;    /* char* */
    struct list *args;     /* expressions; ast_named_arg for name => value, after all others */
    struct list *order_by; /* ast_sort_by; of WITHIN GROUP when within_group */
    struct node *filter;
    struct ast_window_def *over; /* NULL: not a window call */
    bool star;                   /* f(*) */
    bool distinct;
    bool variadic; /* the last argument was marked VARIADIC */
    bool within_group;
};

struct ast_named_arg {
    struct node node;
    char *name;
    struct node *arg;
};

struct ast_case_when {
    struct node node;
    struct node *condition; /* compared with the CASE's arg where that is given */
    struct node *result;
};

struct ast_case {
    struct node node;
    struct node *arg;   /* NULL: searched CASE */
    struct list *whens; /* ast_case_when */
    struct node *otherwise;
};

struct ast_coalesce {
    struct node node;
    struct list *args;
};

struct ast_nullif {
    struct node node;
    struct node *left;
    struct node *right;
};

struct ast_min_max { /* GREATEST, LEAST */
    struct node node;
    bool least;
    struct list *args;
};

enum ast_value_func {
    VALUE_CURRENT_DATE,
    VALUE_CURRENT_TIME,
    VALUE_CURRENT_TIMESTAMP,
    VALUE_LOCALTIME,
    VALUE_LOCALTIMESTAMP,
    VALUE_CURRENT_ROLE,
    VALUE_CURRENT_USER,
    VALUE_SESSION_USER,
    VALUE_USER,
    VALUE_CURRENT_CATALOG,
    VALUE_CURRENT_SCHEMA
};

struct ast_sql_value {
    struct node node;
    enum ast_value_func kind;
    int32_t precision; /* -1: not given */
};

enum ast_sublink_kind {
    SUBLINK_EXISTS,
    SUBLINK_SCALAR,
    SUBLINK_ARRAY, /* ARRAY(SELECT …) */
    SUBLINK_ANY,   /* left op ANY (SELECT …); names NULL: IN. NOT IN is a NOT around it */
    SUBLINK_ALL
};

struct ast_sublink {
    struct node node;
    enum ast_sublink_kind kind;
    struct node *left;
    struct list *names;
    struct node *query;
};

struct ast_array { /* ARRAY[…]; inner brackets are ast_array too */
    struct node node;
    struct list *elements;
};

struct ast_row { /* ROW(…) or (a, b) */
    struct node node;
    struct list *args;
    bool explicit_row;
};

struct ast_indirection { /* (expr)[i].f.* ; a column's own dotted name is ast_column_ref */
    struct node node;
    struct node *arg;
    struct list *steps; /* ast_field or ast_subscript */
};

struct ast_field { /* .name or .* */
    struct node node;
    char *name; /* NULL: .* */
};

struct ast_subscript { /* [i], [low:high] with either bound perhaps absent */
    struct node node;
    bool slice;
    struct node *low;  /* a slice's lower bound */
    struct node *high; /* the index of a plain subscript */
};

struct ast_grouping_func { /* GROUPING(a, b) */
    struct node node;
    struct list *args;
};

struct ast_default { /* DEFAULT in place of a value */
    struct node node;
};

struct ast_current_of {
    struct node node;
    char *cursor;
};

enum ast_xml_kind {
    XML_CONCAT,
    XML_ELEMENT,
    XML_EXISTS,
    XML_FOREST,
    XML_PARSE,
    XML_PI,
    XML_ROOT,
    XML_SERIALIZE,
    XML_IS_DOCUMENT
};

struct ast_xml { /* kept so that analysis can refuse it by name */
    struct node node;
    enum ast_xml_kind kind;
    char *name;
    struct list *named_args; /* ast_target */
    struct list *args;
};

#endif
