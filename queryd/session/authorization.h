/* authorization.h: who the session is, and as whom it acts.
 *
 * The client came in as one role (slot->user). SET SESSION AUTHORIZATION makes another the
 * session's user, if the first is a superuser; SET ROLE lets it act as any role that the session's
 * user is a member of. Both are settings, so that a rollback takes them back; their values hold the
 * role's oid and whether it is a superuser before its name ("s16384 alice"), so that nothing need
 * be looked up when a value comes into effect. */
#ifndef SESSION_AUTHORIZATION_H
#define SESSION_AUTHORIZATION_H

#include "session/settings.h"

/* What SHOW shows of such a value. */
const char *authorization_shown(const char *value);
/* SET ROLE, SET SESSION AUTHORIZATION: *ret_value on the heap. 22023, 42501. */
status authorization_check(struct session *s, enum setting v, const char *name, char **ret_value);
/* Makes the session's environment what the two settings say. */
void authorization_apply(struct session *s);
/* Who comes in: may he, and what is his role set to begin with. FATAL errors. */
status authorization_log_on(struct session *s, const char *user, const char *database);
/* Options of ALTER ROLE and ALTER DATABASE … SET, as start values. */
status authorization_start_settings(struct session *s);

#endif
