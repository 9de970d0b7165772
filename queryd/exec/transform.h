/* transform.h: ALTER COLUMN … TYPE (catalog/define_hooks.h). */
#ifndef EXEC_TRANSFORM_H
#define EXEC_TRANSFORM_H

#include "catalog/define_hooks.h"

status transform_rows(struct sql_env *env, const struct relation *from, const struct relation *to,
                      const struct define_transform *columns, uint16_t n);

#endif
