/* kinds.h: the kinds of client. Each function is the life of one, until the run ends; what it must
 * never see is said at its definition. */
#ifndef CAMPAIGN_KINDS_H
#define CAMPAIGN_KINDS_H

#include "client.h"

void tpcb_client(struct client *c);  /* own: struct history */
void auto_client(struct client *c);  /* own: struct history */
void idle_client(struct client *c);  /* settings and prepared statements that must last */
void open_client(struct client *c);  /* idles in a transaction */
void long_client(struct client *c);  /* snapshots that must not move */
void bulk_client(struct client *c);  /* COPY, both ways */
void ddl_client(struct client *c);   /* CREATE, index, ALTER, DROP */
void fresh_client(struct client *c); /* connects, asks, leaves */

#endif
