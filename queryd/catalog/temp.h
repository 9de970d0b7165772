/* temp.h: temporary relations.
 *
 * They are relations like any other, in a schema of the session's own, pg_temp_N (N: the session's
 * number), which comes first in the search path once the session has made one. The session's end
 * drops them; what a session left that had no orderly end goes when the next one of that number
 * begins to use the schema. A session that is given to another worker keeps them. */
#ifndef CATALOG_TEMP_H
#define CATALOG_TEMP_H

#include "catalog/sql_env.h"

/* The session's temporary schema; NOT_FOUND without words while it has none. */
status temp_schema(struct sql_env *env, oid *ret_schema);
/* The same, made or emptied when the session has not used it yet. */
status temp_schema_for_creation(struct sql_env *env, oid *ret_schema);
/* Notes what a commit does to a temporary table: 'd'elete rows, 'D'rop it. */
status temp_note_on_commit(struct sql_env *env, oid table, char on_commit);
/* Before a transaction commits: ON COMMIT DELETE ROWS and DROP. */
status temp_before_commit(struct sql_env *env);
/* The transaction has ended. */
void temp_transaction_ended(struct sql_env *env, bool committed);
/* DISCARD TEMP, and the session's end: in the running transaction. */
status temp_drop_all(struct sql_env *env);

#endif
