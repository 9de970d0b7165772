/* routine_names.h: functions by the text of regproc and regprocedure. */
#ifndef CATALOG_ROUTINE_NAMES_H
#define CATALOG_ROUTINE_NAMES_H

#include "catalog/sql_env.h"

/* schema NULL: along the search path. 42883, 42725. */
status routine_by_name(struct sql_env *env, const char *schema, const char *name, oid *ret);
/* arguments: "(integer, text)", text: the whole, for messages. */
status routine_by_signature(struct sql_env *env, const char *schema, const char *name,
                            const char *arguments, const char *text, oid *ret);
/* NOT_FOUND: no function of a user. */
status routine_reg_print(struct sql_env *env, oid id, bool signature, struct buf *out);

#endif
