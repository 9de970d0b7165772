/* ast_session.h: syntax nodes of transactions, settings, cursors and tools. Included by ast.h. */
#ifndef PARSE_AST_SESSION_H
#define PARSE_AST_SESSION_H

/* ---- transactions, sessions, tools ----------------------------------------------------------- */

enum ast_transaction_kind {
    TXN_BEGIN,
    TXN_START,
    TXN_COMMIT,
    TXN_ROLLBACK,
    TXN_SAVEPOINT,
    TXN_RELEASE,
    TXN_ROLLBACK_TO,
    TXN_PREPARE,
    TXN_COMMIT_PREPARED,
    TXN_ROLLBACK_PREPARED
};

struct ast_transaction {
    struct node node;
    enum ast_transaction_kind kind;
    struct list *modes; /* ast_def_elem: transaction_isolation (string literal "read committed" …),
                           transaction_read_only (integer literal 0/1), transaction_deferrable */
    char *name;         /* savepoint, or the name of a prepared transaction */
    bool chain;         /* AND CHAIN */
};

enum ast_set_kind {
    SET_VALUE,
    SET_DEFAULT,      /* SET x TO DEFAULT */
    SET_FROM_CURRENT, /* in CREATE FUNCTION and ALTER ROLE */
    SET_MULTI, /* SET [SESSION CHARACTERISTICS AS] TRANSACTION: name says which, args modes */
    SET_RESET,
    SET_RESET_ALL
};

struct ast_set_variable {
    struct node node;
    enum ast_set_kind kind;
    char *name;        /* "timezone", "a.b"; SET_MULTI: "TRANSACTION", "SESSION CHARACTERISTICS",
                          "TRANSACTION SNAPSHOT" */
    struct list *args; /* ast_literal; ast_type_cast for an INTERVAL time zone; ast_def_elem in
                          SET_MULTI */
    bool local;
};

struct ast_show {
    struct node node;
    char *name; /* "all": SHOW ALL */
};

struct ast_prepare {
    struct node node;
    char *name;
    struct list *types; /* ast_type_name */
    struct node *query;
    int32_t query_at; /* where its text begins: parentheses and all */
};

struct ast_execute {
    struct node node;
    char *name;
    struct list *args;
};

struct ast_deallocate {
    struct node node;
    char *name; /* NULL: ALL */
};

enum ast_cursor_option {
    CURSOR_BINARY = 1,
    CURSOR_SCROLL = 2,
    CURSOR_NO_SCROLL = 4,
    CURSOR_INSENSITIVE = 8,
    CURSOR_ASENSITIVE = 16,
    CURSOR_HOLD = 32
};

struct ast_declare_cursor {
    struct node node;
    char *name;
    int32_t options; /* enum ast_cursor_option, or-ed */
    struct node *query;
};

enum ast_fetch_direction { FETCH_FORWARD, FETCH_BACKWARD, FETCH_ABSOLUTE, FETCH_RELATIVE };

#define FETCH_ALL INT64_MAX

struct ast_fetch {
    struct node node;
    enum ast_fetch_direction direction;
    int64_t count; /* FETCH_ALL: all */
    char *cursor;
    bool move;
};

struct ast_close {
    struct node node;
    char *cursor; /* NULL: ALL */
};

struct ast_explain {
    struct node node;
    struct node *query;
    struct list *options; /* ast_def_elem: analyze, verbose, … */
};

struct ast_vacuum_relation {
    struct node node;
    struct ast_range_var *relation;
    struct list *columns; /* char* */
};

struct ast_vacuum { /* VACUUM and ANALYZE */
    struct node node;
    bool analyze_only;
    struct list *options;   /* ast_def_elem: full, freeze, verbose, analyze, … */
    struct list *relations; /* ast_vacuum_relation; empty: the whole database */
};

struct ast_checkpoint {
    struct node node;
};

enum ast_lock_mode { /* PostgreSQL's numbers */
                     LOCK_ACCESS_SHARE = 1,
                     LOCK_ROW_SHARE,
                     LOCK_ROW_EXCLUSIVE,
                     LOCK_SHARE_UPDATE_EXCLUSIVE,
                     LOCK_SHARE,
                     LOCK_SHARE_ROW_EXCLUSIVE,
                     LOCK_EXCLUSIVE,
                     LOCK_ACCESS_EXCLUSIVE
};

struct ast_lock {
    struct node node;
    struct list *relations;
    enum ast_lock_mode mode;
    bool nowait;
};

struct ast_reindex {
    struct node node;
    enum ast_object_type type; /* OBJECT_INDEX, TABLE, SCHEMA, DATABASE; SYSTEM: OBJECT_SYSTEM */
    struct ast_range_var *relation;
    char *name; /* of a schema or database */
    struct list *options;
};

struct ast_cluster {
    struct node node;
    struct ast_range_var *relation; /* NULL: all */
    char *index;
    struct list *options;
};

enum ast_notify_kind { NOTIFY_NOTIFY, NOTIFY_LISTEN, NOTIFY_UNLISTEN };

struct ast_notify {
    struct node node;
    enum ast_notify_kind kind;
    char *channel; /* NULL: UNLISTEN * */
    char *payload;
};

enum ast_discard_kind { DISCARD_ALL, DISCARD_PLANS, DISCARD_SEQUENCES, DISCARD_TEMP };

struct ast_discard {
    struct node node;
    enum ast_discard_kind kind;
};

struct ast_load {
    struct node node;
    char *file;
};

struct ast_set_constraints {
    struct node node;
    struct list *constraints; /* ast_range_var; empty: ALL */
    bool deferred;
};

struct ast_alter_system {
    struct node node;
    struct ast_set_variable *set;
};

/* A statement that the grammar knows by its first words only: analysis answers 0A000. */
struct ast_unsupported {
    struct node node;
    const char *command; /* "CREATE TRIGGER" */
};

#endif
