/* routine_cache.h: between routine.c, which reads pg_proc's rows, and cache.c, which keeps them. */
#ifndef CATALOG_ROUTINE_CACHE_H
#define CATALOG_ROUTINE_CACHE_H

#include "catalog/catalog_table.h"
#include "catalog/routine.h"

/* One row of pg_proc put together in the arena. */
status routine_load(struct sql_env *env, const struct catalog_row *row, struct arena *a,
                    struct routine **ret_routine);

#endif
