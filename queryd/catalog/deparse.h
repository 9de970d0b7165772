/* deparse.h: syntax trees back into SQL, in PostgreSQL's spelling.
 *
 * Catalogs keep defaults, checks and views as text. The text is made from the syntax tree, not
 * copied from the statement, so that it is whole by itself and reads as PostgreSQL's pg_get_expr
 * would print it: every operator in parentheses, BETWEEN and IN written out, literals with their
 * type where the tree alone says it. */
#ifndef CATALOG_DEPARSE_H
#define CATALOG_DEPARSE_H

#include "catalog/catalog.h"
#include "parse/ast.h"

struct deparse {
    struct sql_env *env;
    struct buf *out;
    const struct relation *columns; /* whose columns are named; NULL: unknown */
    bool hide_schemas;              /* relations that are visible are printed without schema */
    unsigned indent;                /* of the query being printed */
};

/* CURRENT_DATE and its kin. */
const char *deparse_sql_value(unsigned kind);
/* want: the type that a bare string literal will become; 0: unknown. STATEMENT_TOO_COMPLEX when
 * nested too deep, FEATURE_NOT_SUPPORTED for what has no spelling here. */
status deparse_expression(struct deparse *d, struct node *n, oid want);
/* A query as pg_get_viewdef lays it out, without the semicolon. */
status deparse_query(struct deparse *d, struct node *query);
/* A query, or INSERT, UPDATE, DELETE. */
status deparse_statement(struct deparse *d, struct node *statement);
status deparse_with(struct deparse *d, const struct ast_with *w);
status deparse_range(struct deparse *d, struct node *from); /* one item of FROM */
status deparse_range_var(struct deparse *d, const struct ast_range_var *r);
status deparse_name(struct deparse *d, const struct list *names);
status deparse_type(struct deparse *d, const struct ast_type_name *t);
status deparse_list(struct deparse *d, const struct list *l, const char *separator);
status deparse_order_by(struct deparse *d, const struct list *l);
status deparse_window(struct deparse *d, const struct ast_window_def *w);

/* Relations that an expression names as constants of type regclass (also as the bare argument of
 * nextval and its kin) are kept as '123'::regclass: the tree is changed to that. */
status bind_regclass(struct sql_env *env, struct node **n);
/* A kept text with the relations' names as they are now. */
status print_bound(struct sql_env *env, const char *text, size_t len, struct buf *out);

/* The type that a type name means, with its modifier. 42704 with position. */
status type_from_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                     int32_t *ret_typmod);

#endif
