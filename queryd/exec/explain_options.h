/* explain_options.h: what stands in EXPLAIN's brackets. */
#ifndef EXEC_EXPLAIN_OPTIONS_H
#define EXEC_EXPLAIN_OPTIONS_H

#include "catalog/sql_env.h"
#include "parse/ast.h"
#include "plan/explain.h"

/* 42601, 22023 as PostgreSQL's. */
status explain_options_read(struct sql_env *env, const struct list *options,
                            struct explain_options *ret);

#endif
