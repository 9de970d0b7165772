/* build.h: filling an index from the rows of its table. */
#ifndef TABLE_BUILD_H
#define TABLE_BUILD_H

#include "table/table.h"

/* Byte strings in order, beyond memory too: the executor's (struct table_hooks). */
struct table_sort;

/* Fills an index that the transaction has just made from the rows that env's snapshot sees, under a
 * lock that keeps writers out. UNIQUE_VIOLATION "could not create unique index …" with its detail.
 */
status table_build_index(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index);

/* The same while others write: all of them know of the index (index_desc.valid is false) and keep
 * their own rows' entries. env's transaction holds the snapshot, which is newer than the last
 * change by somebody who did not know, until this is over. Entries written here are everybody's:
 * nobody may look into the index with an older snapshot. What failed leaves the index as it is. */
status table_build_beside_writers(struct sql_env *env, const struct relation *r,
                                  const struct index_desc *index);

/* Takes a row's entry out of an index that may not have it yet: whoever builds it will not add it
 * then. */
status table_leave_unbuilt(struct sql_env *env, const struct index_desc *index,
                           const struct buf *key, const struct buf *value);

#endif
