/* expression_api.h: expressions by themselves: what definitions ask of them. */
#ifndef EXEC_EXPRESSION_API_H
#define EXEC_EXPRESSION_API_H

#include "catalog/define_hooks.h"

/* As struct define_hooks says. */
status expression_check(struct sql_env *env, const struct relation *r, struct node *expression,
                        enum expression_use use, const char *column, oid want_type,
                        int32_t want_typmod, oid *ret_type);
status expression_value(struct sql_env *env, struct node *expression, const char *column, oid type,
                        int32_t typmod, bool *ret_volatile, datum *ret_value, bool *ret_is_null);
status expression_check_rows(struct sql_env *env, const struct relation *r, struct node *expression,
                             const char *constraint);
status expression_query_columns(struct sql_env *env, struct node *query, uint16_t *ret_n,
                                struct define_column **ret_columns);

status expression_check_domain(struct sql_env *env, const struct type *domain, datum value,
                               bool is_null);

#endif
