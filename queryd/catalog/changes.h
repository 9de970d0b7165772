/* changes.h: how many rows of each table this worker has changed since the table was analysed, so
 * that statistics are renewed by themselves when they have become old: after 50 rows and a tenth of
 * the table, as PostgreSQL's autovacuum does. */
#ifndef CATALOG_CHANGES_H
#define CATALOG_CHANGES_H

#include "catalog/catalog.h"

/* One row was added, changed or removed, by this transaction. */
void catalog_note_change(struct catalog *c, const struct relation *r, txid by);
/* Tables wait to be analysed; one that mostly a transaction has changed which still runs waits for
 * its end. */
bool catalog_wants_analyze(const struct catalog *c);
/* The next of them, whose count begins anew; 0: none. */
oid catalog_take_analyze(struct catalog *c);
/* Somebody analysed it. */
void catalog_forget_changes(struct catalog *c, oid table);

/* define_analyze.c: ANALYZE of one table in a transaction of its own; not when somebody else has it
 * locked. env: a transaction that has begun, with a snapshot. */
status catalog_analyze(struct sql_env *env, oid table);

#endif
