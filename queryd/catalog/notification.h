/* notification.h: NOTIFY's messages on their way to who listens.
 *
 * A notification is a row of axl_notification, written by the transaction that sends it: rolling
 * back takes it back, its commit time is its place in the order, and a death at any instant leaves
 * it sent or not. Rows are deleted once nobody may still want them. */
#ifndef CATALOG_NOTIFICATION_H
#define CATALOG_NOTIFICATION_H

#include "catalog/catalog.h"

#define NOTIFICATION_PAYLOAD_MAX 7999 /* bytes */

struct notification {
    commit_time time;
    uint32_t order; /* among those of one time */
    int32_t sender; /* process number */
    const char *channel, *payload;
};

/* In the session's transaction. */
status notification_add(struct sql_env *env, const char *channel, const char *payload,
                        int32_t sender);
/* Those committed after `after` and until now (*ret_upto), in the order of their commits, each
 * transaction's equal ones once. In the evaluation's arena. */
status notification_read(struct sql_env *env, commit_time after, const struct notification **ret,
                         size_t *ret_n, commit_time *ret_upto);
/* Deletes those committed at `upto` or before; what somebody else is deleting is left to them. In a
 * transaction of its own. */
status notification_clean(struct sql_env *env, commit_time upto);

#endif
