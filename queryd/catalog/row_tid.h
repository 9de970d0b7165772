/* row_tid.h: ctid. A row has no place of its own here, but a key that it keeps: its hidden row id,
 * or its primary key where that is made of small numbers. Both are put into the 48 bits of a tid,
 * so that a tid leads back to its row: row ids in their order, numbers as their lowest bits. */
#ifndef CATALOG_ROW_TID_H
#define CATALOG_ROW_TID_H

#include "catalog/catalog.h"

/* Rows of the relation have tids, but for keys too great for them. */
bool row_tid_exists(const struct relation *r);

/* The tid of the row with this key. FEATURE_NOT_SUPPORTED without words: it is too great. */
status row_tid_of(const struct relation *r, const void *key, size_t len, datum *ret);

/* Appends the key of the row with this tid. *ret_beyond: -1 or 1 when the tid lies below or above
 * those of all keys (then nothing is appended). */
status row_tid_key(const struct relation *r, datum tid, struct buf *out, int *ret_beyond);

/* What the planner takes for an index of such relations: their rows by tid. */
extern const struct index_desc row_tid_index;

#endif
