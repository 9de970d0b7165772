/* parse.h: SQL text into syntax trees. */
#ifndef PARSE_PARSE_H
#define PARSE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/status.h"
#include "parse/ast.h"

/* Parses a text of any number of statements. *ret_statements is a list of struct raw_stmt *, NULL
 * when there is none (empty statements are skipped). The tree and all its strings live in the
 * arena; text is not needed afterwards. Fails with SYNTAX_ERROR and PostgreSQL's words and position
 * (in characters, 1-based), with STATEMENT_TOO_COMPLEX when nested too deep, OUT_OF_MEMORY when the
 * arena refuses, and a few others that PostgreSQL's grammar raises (22P02-like escapes, 0A000). */
status parse_sql(struct arena *a, const char *text, size_t len, struct error *e,
                 struct list **ret_statements);

/* Texts are read with standard_conforming_strings on. What is written for off is the same once
 * '…' with a backslash is E'…': *ret_text, in the arena. Its positions lie behind those of text by
 * the letters put in. Fails as the scanner does, and for U&'…'. */
status parse_mark_escapes(struct arena *a, const char *text, size_t len, struct error *e,
                          const char **ret_text);

/* The query of a view, as a catalog keeps it. In kept texts parentheses say where a chain of AND or
 * OR ends: `((a AND b) AND c)` is no chain of three. DATA_CORRUPTED when it is no one statement. */
status parse_kept_query(struct arena *a, const char *text, size_t len, struct error *e,
                        struct node **ret_query);

/* One expression by itself as a catalog keeps it, for instance a default. */
status parse_expression(struct arena *a, const char *text, size_t len, struct error *e,
                        struct node **ret_expression);

/* One type name by itself: 'numeric(10,2)', for regtype and the like. */
status parse_type_name(struct arena *a, const char *text, size_t len, struct error *e,
                       struct ast_type_name **ret_type);

/* Character position (1-based) of a byte offset in UTF-8 text; 0 for a negative offset. What
 * error_at takes: error_at(e, parse_position(text, len, node->location)). */
int32_t parse_position(const char *text, size_t len, int32_t location);

#endif
