/* depend.h: the objects that a query or an expression cannot do without: pg_depend's rows.
 *
 * What is looked at was analysed to be printed (print.h). What is built in is left out. */
#ifndef ANALYSE_DEPEND_H
#define ANALYSE_DEPEND_H

#include "analyse/query.h"
#include "catalog/define_hooks.h"

/* *ret: struct object_address *, each once, in env->eval.arena. */
status query_objects(struct sql_env *env, const struct query *q, struct list **ret);
/* Over the columns of r as range table entry 0; NULL: none. */
status expression_objects(struct sql_env *env, const struct expr *e, const struct relation *r,
                          struct list **ret);

#endif
