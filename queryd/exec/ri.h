/* ri.h: foreign keys at work (referential integrity).
 *
 * A new reference is looked up at once: found, its key is locked until the transaction ends, and
 * nothing remains to be done. What is not found, and every key that goes or changes while others
 * refer to the table, is an event: looked at when the statement is done, or at the commit for
 * constraints that are deferred. Cascades are statements of their own under a snapshot of now;
 * their events come behind those that are there. */
#ifndef EXEC_RI_H
#define EXEC_RI_H

#include "catalog/catalog.h"
#include "parse/ast.h"

/* Around every change of a row. before: key locks; fresh NULL: the row goes. */
status ri_before(struct sql_env *env, const struct relation *r, const datum *old,
                 const uint8_t *old_nulls, const datum *fresh, const uint8_t *fresh_nulls);
status ri_inserted(struct sql_env *env, const struct relation *r, const datum *values,
                   const uint8_t *nulls);
status ri_changed(struct sql_env *env, const struct relation *r, const datum *old,
                  const uint8_t *old_nulls, const datum *fresh, const uint8_t *fresh_nulls);
/* A key that another row has, of a constraint that is deferrable (late_key.h). */
struct late_event {
    oid index;
    const void *key;
    size_t len;
    const char *described;
};
/* Memory of the event is the transaction's. */
status ri_add_late(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                   const struct late_event *late);
/* At a statement's end, unless it is one of a foreign key's own: what is not deferred. */
status ri_run(struct sql_env *env);
/* A statement failed: its events go. */
void ri_failed(struct sql_env *env);
/* Before the commit: the deferred ones. */
status ri_before_commit(struct sql_env *env);
/* Rolled back to a savepoint. */
void ri_rolled_back(struct sql_env *env, struct txn_mark mark);
status ri_set_constraints(struct sql_env *env, const struct ast_set_constraints *s);
/* ALTER TABLE … ADD FOREIGN KEY, VALIDATE: struct define_hooks. */
status ri_check_references(struct sql_env *env, const struct relation *r,
                           const struct foreign_key *k);

/* ALTER TABLE … ADD COLUMN: UPDATE t SET column = DEFAULT. */
status ri_fill_column(struct sql_env *env, const struct relation *r, const char *column);

#endif
