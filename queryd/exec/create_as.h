/* create_as.h: CREATE TABLE AS and SELECT INTO. */
#ifndef EXEC_CREATE_AS_H
#define EXEC_CREATE_AS_H

#include "exec/private.h"

/* A SELECT with INTO (its own, or of the leftmost part of a set operation) as CREATE TABLE AS, the
 * tree changed; NULL in *ret: it has none. */
status create_as_of_select(struct sql_env *env, struct arena *a, struct node *n, struct node **ret);
/* Makes the table and fills it. *ret_rows: how many; *ret_tag: "SELECT" when they count. */
status create_table_as(struct sql_env *env, struct ast_create_table_as *s, const char **ret_tag,
                       uint64_t *ret_rows, bool *ret_counts);
/* EXPLAIN of it: *x's lines; with ANALYZE, it is done. */
status create_as_explain(struct execution *x);

#endif
