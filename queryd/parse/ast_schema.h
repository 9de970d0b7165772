/* ast_schema.h: syntax nodes of statements about tables and other objects. Included by ast.h. */
#ifndef PARSE_AST_SCHEMA_H
#define PARSE_AST_SCHEMA_H

/* ---- tables and what belongs to them --------------------------------------------------------- */

enum ast_constraint_kind {
    CONSTRAINT_NULL,
    CONSTRAINT_NOT_NULL,
    CONSTRAINT_DEFAULT,
    CONSTRAINT_IDENTITY,
    CONSTRAINT_GENERATED,
    CONSTRAINT_CHECK,
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_EXCLUDE,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_ATTR_DEFERRABLE, /* the four only while parsing: then they are in the flags below */
    CONSTRAINT_ATTR_NOT_DEFERRABLE,
    CONSTRAINT_ATTR_DEFERRED,
    CONSTRAINT_ATTR_IMMEDIATE
};

enum ast_fk_action { FK_NO_ACTION, FK_RESTRICT, FK_CASCADE, FK_SET_NULL, FK_SET_DEFAULT };
enum ast_fk_match { FK_MATCH_SIMPLE, FK_MATCH_FULL, FK_MATCH_PARTIAL };

struct ast_constraint {
    struct node node;
    enum ast_constraint_kind kind;
    char *name;
    struct node *expression; /* CHECK, DEFAULT, GENERATED ALWAYS AS (…) */
    bool identity_always;    /* GENERATED ALWAYS (else BY DEFAULT) AS IDENTITY */
    struct list *keys;       /* char*: PRIMARY KEY, UNIQUE, FOREIGN KEY; empty on a column */
    struct list *including;  /* char* */
    struct list *exclusions; /* ast_exclusion */
    struct list *options; /* ast_def_elem: WITH (…) of an index, sequence options of IDENTITY */
    char *tablespace;
    char *index; /* PRIMARY KEY USING INDEX name */
    char *access_method;
    struct node *where; /* EXCLUDE … WHERE */
    struct ast_range_var *ref_table;
    struct list *ref_columns; /* char* */
    enum ast_fk_match match;
    enum ast_fk_action on_update;
    enum ast_fk_action on_delete;
    struct list *on_delete_columns; /* char*: SET NULL (a, b) */
    bool nulls_not_distinct;
    bool deferrable;
    bool initially_deferred;
    bool not_valid;
    bool no_inherit;
};

struct ast_exclusion { /* element WITH operator */
    struct node node;
    struct ast_index_element *element;
    struct list *names; /* char* */
};

struct ast_column_def {
    struct node node;
    char *name;
    struct ast_type_name *type; /* NULL in a typed table or partition */
    char *compression;
    struct list *collation;   /* char* */
    struct list *constraints; /* ast_constraint */
    struct list *options;     /* ast_def_elem: of foreign tables */
};

enum ast_like_option {
    LIKE_COMMENTS = 1,
    LIKE_COMPRESSION = 2,
    LIKE_CONSTRAINTS = 4,
    LIKE_DEFAULTS = 8,
    LIKE_GENERATED = 16,
    LIKE_IDENTITY = 32,
    LIKE_INDEXES = 64,
    LIKE_STATISTICS = 128,
    LIKE_STORAGE = 256,
    LIKE_ALL = 511
};

struct ast_table_like {
    struct node node;
    struct ast_range_var *relation;
    int32_t options; /* enum ast_like_option, or-ed */
};

struct ast_partition_by {
    struct node node;
    char *strategy;        /* "range", "list", "hash" as written */
    struct list *elements; /* ast_index_element */
};

struct ast_partition_bound {
    struct node node;
    bool is_default;
    struct list *in_values;
    struct list *from_values; /* MINVALUE and MAXVALUE are column_refs of that name */
    struct list *to_values;
    int32_t modulus; /* -1: not HASH */
    int32_t remainder;
};

struct ast_create_table {
    struct node node;
    struct ast_range_var *relation;
    bool if_not_exists;
    struct list *elements; /* ast_column_def, ast_constraint, ast_table_like */
    struct list *inherits; /* ast_range_var */
    struct ast_type_name *of_type;
    struct ast_range_var *partition_of;
    struct ast_partition_bound *bound;
    struct ast_partition_by *partition_by;
    char *access_method;
    struct list *options; /* ast_def_elem */
    char on_commit;       /* as in ast_into */
    char *tablespace;
};

struct ast_create_table_as { /* and CREATE MATERIALIZED VIEW */
    struct node node;
    struct node *query; /* ast_select or ast_execute */
    struct ast_into *into;
    bool materialized_view;
    bool if_not_exists;
};

struct ast_index_element {
    struct node node;
    char *name; /* a column, or expression */
    struct node *expression;
    struct list *collation; /* char* */
    struct list *opclass;   /* char* */
    struct list *opclass_options;
    enum ast_sort_direction direction;
    enum ast_sort_nulls nulls;
};

struct ast_create_index {
    struct node node;
    char *name; /* NULL: to be chosen */
    struct ast_range_var *relation;
    char *access_method;    /* NULL: btree */
    struct list *elements;  /* ast_index_element */
    struct list *including; /* ast_index_element */
    struct list *options;   /* ast_def_elem */
    char *tablespace;
    struct node *where;
    bool unique;
    bool nulls_not_distinct;
    bool concurrently;
    bool if_not_exists;
};

/* What a statement is about: DROP, COMMENT ON, ALTER … RENAME, GRANT. ast_object_words
 * gives PostgreSQL's words. */
enum ast_object_type {
#define X(NAME, words) OBJECT_##NAME,
#include "parse/objects.def"
#undef X
    OBJECT_TYPE_COUNT
};

/* "MATERIALIZED VIEW" for OBJECT_MATVIEW; static. */
const char *ast_object_words(enum ast_object_type type);

enum ast_alter_kind {
#define X(NAME) ALTER_##NAME,
#include "parse/alters.def"
#undef X
    ALTER_KIND_COUNT
};

struct ast_alter_cmd { /* fields used by a kind: alters.def */
    struct node node;
    enum ast_alter_kind kind;
    char *name;       /* of the column, constraint, trigger, … */
    char *new_owner;  /* role */
    int32_t number;   /* a column by number (SET STATISTICS of an index); -1 */
    struct node *def; /* ast_column_def, ast_constraint, expression, ast_node_list of options, … */
    bool cascade;
    bool missing_ok; /* IF [NOT] EXISTS of this command */
};

struct ast_alter_table { /* and ALTER INDEX, VIEW, SEQUENCE, MATERIALIZED VIEW, TYPE (composite) */
    struct node node;
    enum ast_object_type type;
    struct ast_range_var *relation;
    struct list *commands; /* ast_alter_cmd */
    bool if_exists;
};

struct ast_rename { /* ALTER … RENAME [COLUMN a | CONSTRAINT c] TO b */
    struct node node;
    enum ast_object_type type;          /* what is renamed: OBJECT_COLUMN, OBJECT_TABLE, … */
    enum ast_object_type relation_type; /* what the column belongs to */
    struct ast_range_var *relation;
    struct node *object; /* where it is no relation: ast_name_list, ast_object_args */
    char *name;          /* of the column, constraint, attribute */
    char *new_name;
    bool if_exists;
    bool cascade;
};

struct ast_alter_object { /* ALTER … OWNER TO, SET SCHEMA, [NO] DEPENDS ON EXTENSION */
    struct node node;
    enum ast_object_type type;
    struct node
        *object;     /* ast_range_var, ast_name_list, ast_object_args, ast_type_name, ast_literal */
    char *new_owner; /* one of the three is given */
    char *new_schema;
    char *extension;
    bool if_exists;
    bool remove;
};

struct ast_drop {
    struct node node;
    enum ast_object_type type;
    struct list *objects; /* ast_name_list; ast_type_name of types and domains; ast_object_args of
                             functions, aggregates, operators; a rule, trigger or policy is the
                             ast_name_list of table and then name */
    bool if_exists;
    bool cascade;
    bool concurrently;
};

struct ast_object_args { /* f(int, text), agg(*), operator (int, int), casts */
    struct node node;
    struct list *names;  /* char* */
    struct list *args;   /* ast_type_name, or NULL items for NONE */
    bool args_given;     /* f without parentheses: any */
    char *access_method; /* of operator classes and families */
};

struct ast_create_view {
    struct node node;
    struct ast_range_var *relation;
    struct list *columns; /* char* */
    struct node *query;
    bool replace;
    struct list *options; /* ast_def_elem */
    int32_t check_option; /* 0 none, 1 LOCAL, 2 CASCADED */
};

struct ast_refresh {
    struct node node;
    struct ast_range_var *relation;
    bool concurrently;
    bool no_data;
};

struct ast_sequence { /* CREATE SEQUENCE, ALTER SEQUENCE */
    struct node node;
    bool alter;
    struct ast_range_var *relation;
    struct list *options; /* ast_def_elem: as, cache, cycle, increment, maxvalue, minvalue (value
                             NULL: NO …), owned_by, sequence_name, start, restart */
    bool if_exists;       /* IF EXISTS, IF NOT EXISTS */
};

struct ast_create_schema {
    struct node node;
    char *name;            /* NULL: that of the role */
    char *owner;           /* role */
    struct list *elements; /* statements */
    bool if_not_exists;
};

struct ast_database { /* CREATE, ALTER (options or SET or RESET), DROP DATABASE */
    struct node node;
    enum { DATABASE_CREATE, DATABASE_ALTER, DATABASE_SET, DATABASE_DROP } action;
    char *name;
    struct list *options; /* ast_def_elem */
    struct ast_set_variable *set;
    bool if_exists;
};

/* Roles by name: "public", "current_user", "current_role" and "session_user" written without
 * quotes are names with a leading '\1' byte, so that no quoted name equals them. */
#define ROLE_SPECIAL '\1'

struct ast_role { /* CREATE, ALTER, SET or RESET of, DROP ROLE, USER, GROUP */
    struct node node;
    enum { ROLE_CREATE, ROLE_ALTER, ROLE_ALTER_GROUP, ROLE_SET, ROLE_DROP } action;
    enum ast_object_type type; /* OBJECT_ROLE, OBJECT_USER, OBJECT_GROUP, as written */
    char *name;                /* NULL: ALTER ROLE ALL SET */
    struct list *names;        /* char*: DROP; members of ALTER GROUP */
    struct list *options;      /* ast_def_elem: superuser, createdb, password, … */
    char *database;            /* IN DATABASE */
    struct ast_set_variable *set;
    bool drop; /* ALTER GROUP … DROP USER */
    bool if_exists;
};

struct ast_owned { /* DROP OWNED BY, REASSIGN OWNED BY … TO */
    struct node node;
    struct list *roles; /* char* */
    char *new_owner;    /* NULL: DROP */
    bool cascade;
};

enum ast_type_kind { TYPE_SHELL, TYPE_COMPOSITE, TYPE_ENUM, TYPE_RANGE, TYPE_BASE };

struct ast_create_type {
    struct node node;
    enum ast_type_kind kind;
    struct list *names;   /* char* */
    struct list *columns; /* ast_column_def, of a composite type */
    struct list *labels;  /* char*, of an enum */
    struct list *options; /* ast_def_elem, of range and base types */
};

struct ast_alter_enum {
    struct node node;
    struct list *names; /* char* */
    char *old_label;    /* RENAME VALUE */
    char *label;
    char *neighbour; /* BEFORE, AFTER */
    bool after;
    bool if_not_exists;
};

struct ast_create_collation {
    struct node node;
    struct list *names;   /* char* */
    struct list *options; /* ast_def_elem; FROM is an option too */
    bool if_not_exists;
};

struct ast_create_cast {
    struct node node;
    struct ast_type_name *source, *target;
    struct ast_object_args *function; /* NULL: WITH INOUT, or WITHOUT FUNCTION */
    bool inout;
    char context; /* pg_cast.castcontext: e i a */
};

struct ast_create_operator {
    struct node node;
    struct list *names;   /* char* */
    struct list *options; /* ast_def_elem */
};

struct ast_alter_operator { /* SET (…) */
    struct node node;
    struct ast_object_args *op;
    struct list *options; /* ast_def_elem */
};

struct ast_create_aggregate {
    struct node node;
    bool replace;
    bool within_group; /* ORDER BY among the arguments */
    bool old_style;    /* the arguments are the option basetype */
    struct list *names;
    struct list *params;  /* ast_func_param */
    struct list *options; /* ast_def_elem */
};

struct ast_refresh_collation { /* ALTER COLLATION … REFRESH VERSION */
    struct node node;
    struct list *names; /* char* */
};

struct ast_create_domain {
    struct node node;
    struct list *names; /* char* */
    struct ast_type_name *type;
    struct list *collation;
    struct list *constraints;
};

struct ast_alter_domain {
    struct node node;
    enum {
        DOMAIN_DEFAULT,
        DOMAIN_DROP_NOT_NULL,
        DOMAIN_SET_NOT_NULL,
        DOMAIN_ADD,
        DOMAIN_DROP,
        DOMAIN_VALIDATE
    } action;
    struct list *names;
    char *name;       /* of the constraint */
    struct node *def; /* default (NULL: dropped), constraint */
    bool cascade;
    bool missing_ok;
};

struct ast_privilege {
    struct node node;
    char *name;           /* NULL: ALL; in GRANT role: the role */
    struct list *columns; /* char* */
};

enum ast_grant_target { GRANT_OBJECTS, GRANT_ALL_IN_SCHEMA, GRANT_DEFAULTS };

struct ast_grant { /* GRANT and REVOKE of privileges; of ALTER DEFAULT PRIVILEGES too */
    struct node node;
    bool revoke;
    enum ast_grant_target target;
    enum ast_object_type type;
    struct list *objects;    /* ast_range_var, ast_name_list, ast_object_args */
    struct list *privileges; /* ast_privilege; empty: ALL */
    struct list *grantees;   /* char* */
    char *grantor;
    bool grant_option;
    bool cascade;
    struct list *options; /* ast_def_elem: schemas, roles of ALTER DEFAULT PRIVILEGES */
};

struct ast_grant_role {
    struct node node;
    bool revoke;
    struct list *roles;    /* ast_privilege */
    struct list *grantees; /* char* */
    char *grantor;
    bool admin_option;
    bool cascade;
};

struct ast_comment { /* COMMENT ON */
    struct node node;
    enum ast_object_type type;
    struct node *object; /* as in ast_drop */
    char *text;          /* NULL: IS NULL */
};

struct ast_func_param {
    struct node node;
    char *name;
    char mode; /* 'd'efault, 'i'n, 'o'ut, 'b' inout, 'v'ariadic, 't'able column */
    struct ast_type_name *type;
    struct node *otherwise; /* DEFAULT */
};

struct ast_create_function {
    struct node node;
    bool procedure;
    bool replace;
    struct list *names;
    struct list *params; /* ast_func_param, table columns last */
    struct ast_type_name *returns;
    struct list *options; /* ast_def_elem: as, language, volatility, strict, … */
    struct list *body;    /* statements of BEGIN ATOMIC (perhaps none), or one RETURN's ast_return;
                             NULL: neither is written */
};

struct ast_return {
    struct node node;
    struct node *value;
};

struct ast_alter_function {
    struct node node;
    enum ast_object_type type;
    struct ast_object_args *function;
    struct list *options;
};

struct ast_do {
    struct node node;
    struct list *args; /* ast_def_elem: as, language */
};

struct ast_call {
    struct node node;
    struct ast_func_call *call;
};

struct ast_extension { /* CREATE or ALTER EXTENSION */
    struct node node;
    bool alter;
    char *name;
    bool if_not_exists;
    struct list *options;
};

#endif
