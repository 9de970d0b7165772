/* define.h: statements that change catalogs, and their kin (TRUNCATE, VACUUM, ANALYZE, CHECKPOINT).
 */
#ifndef CATALOG_DEFINE_H
#define CATALOG_DEFINE_H

#include "catalog/catalog.h"
#include "parse/ast.h"

/* Is this one of the statements that define_execute carries out (or refuses by name)? */
bool define_is_definition(const struct node *stmt);

/* The command tag, static; NULL: it is none, or one that is refused by name. */
const char *define_command(const struct node *stmt);

/* Carries it out in env's transaction. *ret_tag: the command tag, static. Everything it does is
 * rows and records of the transaction: rolling back undoes it. The tree may be changed. Errors are
 * in env->eval.error. */
status define_execute(struct sql_env *env, struct node *stmt, const char **ret_tag);

/* The table of CREATE TABLE AS, empty: the columns of its query. *ret_made: false when IF NOT
 * EXISTS found one. What was read of the catalogs before is stale. */
status define_table_as(struct sql_env *env, struct ast_create_table_as *s, bool *ret_made);
/* Could it be made? *ret_vacant: false when IF NOT EXISTS found one; 42P07. */
status define_table_as_vacant(struct sql_env *env, const struct ast_create_table_as *s,
                              bool *ret_vacant);

/* REINDEX CONCURRENTLY, in either way of writing it. */
bool define_reindex_is_concurrent(const struct ast_reindex *s);

#endif
