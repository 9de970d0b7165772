/* password.h: passwords as pg_authid keeps them. */
#ifndef CATALOG_PASSWORD_H
#define CATALOG_PASSWORD_H

#include "catalog/sql_env.h"

/* The verifier of a password (SCRAM-SHA-256, RFC 5802; md5 for old clients), in the arena; what is
 * a verifier already stays as it is. */
status password_verifier(struct sql_env *env, const char *role, const char *password, bool md5,
                         const char **ret);
bool password_is_md5(const char *verifier);

#endif
