/* index_sort.h: the sort of index builds (struct table_hooks). */
#ifndef EXEC_INDEX_SORT_H
#define EXEC_INDEX_SORT_H

#include "table/table.h"

status index_sort_new(struct sql_env *env, struct table_sort **ret);
status index_sort_add(struct table_sort *s, const void *bytes, size_t len);
status index_sort_finish(struct table_sort *s);
status index_sort_next(struct table_sort *s, const unsigned char **ret, uint32_t *ret_len);
void index_sort_free(struct table_sort *s);

#endif
