/* ri_words.h: 23503 of foreign keys, with its detail. values: of the key, as columns of the
 * referring (no_key) or the referenced (still_referenced) table. */
#ifndef EXEC_RI_WORDS_H
#define EXEC_RI_WORDS_H

#include "catalog/catalog.h"

status ri_no_key(struct sql_env *env, const struct relation *r, const struct relation *to,
                 const struct foreign_key *k, const datum *values);
status ri_mixed_nulls(struct sql_env *env, const struct relation *r, const struct foreign_key *k);
status ri_still_referenced(struct sql_env *env, const struct relation *to, const struct relation *r,
                           const struct foreign_key *k, const datum *values);

#endif
