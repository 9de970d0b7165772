/* routine.h: carrying out SQL functions and procedures. */
#ifndef EXEC_ROUTINE_H
#define EXEC_ROUTINE_H

#include "catalog/routine.h"
#include "parse/ast.h"
#include "types/function.h"

/* The body of every routine's struct function. Of one that gives rows, the first call computes them
 * all and keeps them in the call's set_arena. */
status routine_call(struct fn_call *c);
/* Refuses a body that does not fit (CREATE FUNCTION). Polymorphic ones are only parsed. */
status routine_check_body(struct sql_env *env, const struct routine *r);

#endif
