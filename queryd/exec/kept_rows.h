/* kept_rows.h: rows of a cursor, in the order in which they came, for as long as it likes: beyond
 * work_mem in temporary space. */
#ifndef EXEC_KEPT_ROWS_H
#define EXEC_KEPT_ROWS_H

#include "exec/statement.h"

struct type;
struct kept_rows;

/* types belong to the caller; env outlives it. */
status kept_rows_new(struct sql_env *env, uint16_t ncolumns, const struct type *const *types,
                     struct kept_rows **ret);
void kept_rows_free(struct kept_rows *k); /* NULL is allowed */
/* Row i of the batch (of those that count). Errors with words; as those of temporary space. */
status kept_rows_add(struct kept_rows *k, const struct batch *b, uint16_t i);
uint64_t kept_rows_count(const struct kept_rows *k);
/* In memory and in temporary space. */
uint64_t kept_rows_bytes(const struct kept_rows *k);
/* Row i, from 0, into row `at` of these columns; its values live in a. */
status kept_rows_get(struct kept_rows *k, uint64_t i, struct arena *a, struct vec *columns,
                     uint16_t at);
/* Forgets all but the last. */
status kept_rows_cut(struct kept_rows *k);

#endif
