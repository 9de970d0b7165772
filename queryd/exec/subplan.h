/* subplan.h: what subplan.c asks of subplan_groups.c. */
#ifndef EXEC_SUBPLAN_H
#define EXEC_SUBPLAN_H

#include "exec/internal.h"

struct subplan_groups;

status subplan_groups_open(struct execution *x, const struct plan_sublink *p,
                           struct subplan_groups **ret);
void subplan_groups_close(struct subplan_groups *); /* NULL is allowed */
/* Makes them; *ret false: they are not to be had. QUERY_CANCELED. */
status subplan_groups_ready(struct subplan_groups *, bool *ret);
/* The group of the outer values in x->outer; *ret NULL: no row has them. Its first value is the
 * answer; it lives as long as the groups. */
status subplan_groups_find(struct subplan_groups *, struct stored_row **ret);
const uint8_t *subplan_groups_nulls(const struct subplan_groups *, struct stored_row *);

#endif
