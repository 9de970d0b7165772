/* late_key.h: rules of keys that hold at a statement's end or at the commit.
 *
 * A deferrable unique constraint and an exclusion constraint (by =) let a row be written first and
 * look at its key afterwards (struct index_desc, `late`). Who writes counts the entries of the key
 * after its own is there: one is its own; of two writers of a key at least one meets the other. */
#ifndef TABLE_LATE_KEY_H
#define TABLE_LATE_KEY_H

#include "table/table.h"

/* The row's key bytes; *ret_applies false: the rule has nothing to say of it (a null, the
 * predicate). */
status table_late_key(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                      const datum *values, const uint8_t *nulls, struct buf *out,
                      bool *ret_applies);
/* Rows with the key, deleted ones aside: 0, 1, or 2 for more. Rows of running transactions count;
 * wait: those are waited for, with table_wait's errors. */
status table_late_count(struct sql_env *env, const struct index_desc *index, const void *key,
                        size_t len, bool wait, unsigned *ret_n);
/* "(a, b)=(1, x)", in the evaluation's arena. */
status table_describe_key(struct sql_env *env, const struct relation *r,
                          const struct index_desc *index, const datum *values, const uint8_t *nulls,
                          char **ret);
/* 23505 or 23P01 for the key so described. create: the words for rows that were there before. */
status table_late_error(struct sql_env *env, const struct relation *r,
                        const struct index_desc *index, const char *described, bool create);
/* Of all rows; the index has been filled. */
status table_late_check(struct sql_env *env, const struct relation *r,
                        const struct index_desc *index);

#endif
