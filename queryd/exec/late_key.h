/* late_key.h: unique constraints that may be deferred, and exclusion constraints, while rows are
 * written (table/late_key.h). What meets another row with its key becomes an event of ri.h; an
 * exclusion constraint that is not deferrable is decided at once. */
#ifndef EXEC_LATE_KEY_H
#define EXEC_LATE_KEY_H

#include "exec/ri.h"
#include "plan/plan.h"

/* Is ON CONFLICT about this index? Without any named it is about all. */
static inline bool plan_arbitrates(const struct plan_change *p, const struct index_desc *index) {
    for (uint16_t i = 0; i < p->narbiters; i++)
        if (p->arbiters[i] == index->oid) return true;
    return p->narbiters == 0;
}

/* Has it any such constraint? */
bool late_keys(const struct relation *r);
/* NULL: it is not there. */
const struct index_desc *late_index(const struct relation *r, oid index);
/* A row has been written; old NULL: it is new. */
status late_written(struct sql_env *env, const struct relation *r, const datum *old,
                    const uint8_t *old_nulls, const datum *fresh, const uint8_t *fresh_nulls);
/* The event is due. */
status late_handle(struct sql_env *env, const struct relation *r, const struct late_event *e);
/* ON CONFLICT, before the row is written: *ret_conflict: an exclusion constraint that it is about
 * objects. 55000 for one that is deferrable. */
status late_arbiters(struct sql_env *env, const struct relation *r, const struct plan_change *p,
                     const datum *values, const uint8_t *nulls, bool *ret_conflict);

#endif
