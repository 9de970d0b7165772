/* print.h: typed queries and expressions back into SQL, in PostgreSQL's spelling (its ruleutils.c).
 *
 * What is printed was analysed to be printed (analyse_query_for_text and its kin): views
 * are not put in place, defaults not filled in. Names are those of now: relations, columns, types
 * and functions are looked up by their oids. */
#ifndef ANALYSE_PRINT_H
#define ANALYSE_PRINT_H

#include "analyse/query.h"
#include "catalog/define_hooks.h"

/* names: of the output columns, NULL: the query's own. The text is appended to out. */
status print_query(struct sql_env *env, const struct query *q, const struct print_style *style,
                   const struct relation *names, struct buf *out);
/* Over the columns of r as range table entry 0 (NULL: none), named without qualification. */
status print_expression(struct sql_env *env, const struct expr *e, const struct relation *r,
                        const struct print_style *style, struct buf *out);

#endif
