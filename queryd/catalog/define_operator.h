/* define_operator.h: operators of users. */
#ifndef CATALOG_DEFINE_OPERATOR_H
#define CATALOG_DEFINE_OPERATOR_H

#include "catalog/define_internal.h"
#include "catalog/routine.h"

status define_create_operator(struct sql_env *env, const struct ast_create_operator *s);
status define_alter_operator(struct sql_env *env, const struct ast_alter_operator *s);
/* OWNER TO, SET SCHEMA. */
status define_move_operator(struct sql_env *env, const struct ast_alter_object *s);
/* The user's operator with these operands (0: none) that the names mean; 0: there is none. */
status define_operator_find(struct sql_env *env, const struct list *names, const oid operands[2],
                            oid *ret);
/* The same, or a built-in one; 42883. */
status define_operator_named(struct sql_env *env, const struct ast_object_args *o, oid *ret);
/* 42501, 2BP01. */
status define_drop_operator(struct sql_env *env, oid op, bool cascade);
/* "operator +(t,t)", in the arena. */
status define_operator_text(struct sql_env *env, oid op, const char **ret);
/* Its rows, whoever needs it, and what others say of it. */
status define_forget_operator(struct sql_env *env, oid op);

#endif
