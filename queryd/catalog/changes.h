/* changes.h: how many rows of each table this worker has changed since the table was analysed, so
 * that statistics are renewed by themselves when they have become old: after 50 rows and a tenth of
 * the table, as PostgreSQL's autovacuum does, and not again for a minute, or for a hundred times
 * what it took. */
#ifndef CATALOG_CHANGES_H
#define CATALOG_CHANGES_H

#include "catalog/catalog.h"

/* One row was added, changed or removed, by this transaction. */
void catalog_note_change(struct catalog *c, const struct relation *r, txid by);
/* From when on (monotonic) a table may be analysed, 0: it has not been yet; UINT64_MAX: none has
 * changed enough. One that mostly a transaction has changed which still runs waits for its end. */
uint64_t catalog_analyze_due_ns(const struct catalog *c);
/* A table whose time has come, and whose count begins anew; 0: none. */
oid catalog_take_analyze(struct catalog *c, uint64_t now_ns);
/* It was analysed by itself until now, for so long: it is left alone for a while. */
void catalog_rest_from_analyze(struct catalog *c, oid table, uint64_t now_ns, uint64_t took_ns);
/* Somebody analysed it. */
void catalog_forget_changes(struct catalog *c, oid table);

/* define_analyze.c: ANALYZE of one table in a transaction of its own; LOCK_NOT_AVAILABLE when
 * somebody else has it locked. Nothing is written, and no plan becomes old, when the statistics say
 * what they said. env: a transaction that has begun, with a snapshot. */
status catalog_analyze(struct sql_env *env, oid table);

#endif
