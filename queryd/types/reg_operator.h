/* reg_operator.h: the text of regoper and regoperator. */
#ifndef TYPES_REG_OPERATOR_H
#define TYPES_REG_OPERATOR_H

#include "types/context.h"

/* By the name alone; 42883, 42725. */
status reg_operator_find_name(const struct eval_env *env, const char *text, oid *ret);
/* name(left,right), NONE for no operand; 42883, 42P02, 54023. */
status reg_operator_find(const struct eval_env *env, const char *text, oid *ret);
/* NOT_FOUND: no such operator. */
status reg_operator_print(oid id, bool with_operands, struct buf *out);

#endif
