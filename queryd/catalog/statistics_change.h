/* statistics_change.h: whether new statistics say something else than those that plans were made
 * with. */
#ifndef CATALOG_STATISTICS_CHANGE_H
#define CATALOG_STATISTICS_CHANGE_H

#include "catalog/catalog.h"
#include "catalog/column_statistics.h"

/* columns: natts, NULL where none are kept. *ret_changed: a tenth of the rows, or more, are
 * elsewhere than the relation's statistics have them, or there were none. OUT_OF_MEMORY. */
status statistics_changed(struct sql_env *env, const struct relation *r, uint64_t rows,
                          struct column_statistics *const *columns, bool *ret_changed);

#endif
