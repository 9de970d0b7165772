/* options.h: storage parameters of relations: pg_class.reloptions. */
#ifndef CATALOG_OPTIONS_H
#define CATALOG_OPTIONS_H

#include "catalog/define_internal.h"

/* The array of texts for (ast_def_elem) options of a relation of this kind, "{a=1,b=on}", in the
 * arena; NULL: none. before: what was there. reset: the options go. 22023. */
status options_text(struct sql_env *env, char relkind, const struct list *options,
                    const char *before, bool reset, const char **ret_text);
/* ALTER … SET (…), RESET (…). */
status define_set_options(struct sql_env *env, const struct relation *r, const struct list *options,
                          bool reset);
/* Those of CREATE, after the relation's row is there. */
status define_first_options(struct sql_env *env, oid relation, char relkind,
                            const struct list *options);
/* ALTER COLUMN … SET (…), RESET (…). */
status define_set_column_options(struct sql_env *env, const struct relation *r,
                                 const struct ast_alter_cmd *cmd, bool reset);
/* What a column's option n_distinct says, where it says something, as pg_statistic.stadistinct. */
status define_column_distinct(struct sql_env *env, const struct relation *r, int16_t column,
                              float *ret);

#endif
