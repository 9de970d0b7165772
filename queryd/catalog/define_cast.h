/* define_cast.h: casts of users. */
#ifndef CATALOG_DEFINE_CAST_H
#define CATALOG_DEFINE_CAST_H

#include "catalog/define_internal.h"
#include "catalog/roles.h"

status define_create_cast(struct sql_env *env, const struct ast_create_cast *s);
/* By its row of pg_cast, which is a user's: 42501, 2BP01. */
status define_drop_cast(struct sql_env *env, const struct catalog_row *row, bool cascade);
/* "cast from integer to t", in the arena. */
status define_cast_text(struct sql_env *env, oid cast, const char **ret);
/* Its rows, whoever needs it. */
status define_forget_cast(struct sql_env *env, oid cast);

#endif
