/* index_row.h: what rows are in indexes over expressions and in partial ones (table/table.h:
 * table_hooks). */
#ifndef EXEC_INDEX_ROW_H
#define EXEC_INDEX_ROW_H

#include "table/table.h"

/* The key values of a row; *ret_included false: the index has no entry for it. Programs are kept in
 * env->index_rows until the transaction ends, results are in env->eval.arena. */
status index_row(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                 const datum *values, const uint8_t *nulls, datum *ret_values, uint8_t *ret_nulls,
                 bool *ret_included);

#endif
