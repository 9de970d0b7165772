/* sequence.h: the values of sequences.
 *
 * A sequence is a relation of one row: last_value, log_cnt, is_called. Taking a value rewrites that
 * row outside of any transaction (a system change of its tree, like a split): it is logged at once,
 * seen by everybody at once, and no rollback takes it back. Whoever took a value waits at its
 * commit until the log up to there is durable (txn.changed_outside). ALTER SEQUENCE gives the
 * sequence a new tree, and so is undone with its transaction.
 *
 * What a session remembers of the sequences that it has used is in its slot (struct
 * session_sequences), so that currval outlives the session's worker. */
#ifndef CATALOG_SEQUENCE_H
#define CATALOG_SEQUENCE_H

#include "catalog/catalog.h"

struct sequence_state {
    int64_t last;
    int64_t log_count; /* what PostgreSQL would show: values that its log has fetched ahead */
    bool called;       /* `last` has been given out */
};

/* Does `value` fit the direction: the value after it, false at the end of the range. */
bool sequence_step(const struct sequence_desc *d, int64_t *value);

status sequence_read(struct sql_env *env, const struct relation *r, struct sequence_state *ret);
/* The first row of a sequence whose tree is new. */
status sequence_begin(struct sql_env *env, struct tree t, const struct sequence_state *s);

/* nextval, setval, currval for the session. The relation is found and locked by oid. */
status sequence_next(struct sql_env *env, oid sequence, int64_t *ret);
status sequence_set(struct sql_env *env, oid sequence, int64_t value, bool called);
status sequence_current(struct sql_env *env, oid sequence, int64_t *ret);
/* Whose that is; 0: none. */
oid sequence_last_oid(const struct sql_env *env);
status sequence_last(struct sql_env *env, int64_t *ret);
/* DISCARD SEQUENCES. */
void sequence_forget(struct sql_env *env);

#endif
