/* authorization.c: who the session is, and as whom it acts. */
#include "session/authorization.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/log_on.h"
#include "catalog/roles.h"
#include "session/session_private.h"
#include "types/acl.h"

#define NO_ROLE "none"

const char *authorization_shown(const char *value) {
    const char *blank = strchr(value, ' ');
    return blank ? blank + 1 : value;
}

static char *value_of(const struct role *r) {
    char text[NAME_BYTES + 24];
    snprintf(text, sizeof text, "%c%u %s", r->super ? 's' : 'u', r->oid, r->name);
    return strdup(text);
}

static oid oid_of(const char *value) {
    return (oid)strtoul(value + 1, NULL, 10);
}

static const char *raw(const struct session *s, enum setting v) {
    const struct setting_values *values = &s->setting_values;
    const char *start = values->start[v] ? values->start[v] : "";
    return values->value[v] ? values->value[v] : start;
}

static bool is_role(const char *value) {
    return strchr(value, ' ') != NULL;
}

static status may_become(struct session *s, enum setting v, const struct role *r) {
    bool may = true;
    if (v == SETTING_role) {
        TRY(role_is_member(&s->env, s->settings.session_user_oid, r->oid, &may));
        if (may) return OK;
        return error_set(&s->error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied to set role \"%s\"", r->name);
    }
    if (r->oid == s->slot->user_oid) return OK;
    TRY(role_is_superuser(&s->env, s->slot->user_oid, &may));
    if (may) return OK;
    return error_set(&s->error, ST_INSUFFICIENT_PRIVILEGE,
                     "permission denied to set session authorization");
}

status authorization_check(struct session *s, enum setting v, const char *name, char **ret_value) {
    const struct role *r;
    if (v == SETTING_role && strcmp(name, NO_ROLE) == 0) return *ret_value = strdup(name), OK;
    TRY(block_ensure_txn(s));
    status st = role_named(&s->env, name, &r);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "role \"%s\" does not exist", name);
    TRY(st);
    TRY(may_become(s, v, r));
    *ret_value = value_of(r);
    return OK;
}

void authorization_apply(struct session *s) {
    struct sql_settings *q = &s->settings;
    const char *session = raw(s, SETTING_session_authorization), *role = raw(s, SETTING_role);
    if (!is_role(session)) return; /* nobody is logged on */
    q->session_user = authorization_shown(session);
    q->session_user_oid = oid_of(session);
    const char *acting = is_role(role) ? role : session;
    q->user = authorization_shown(acting);
    q->user_oid = oid_of(acting);
    setting_set_internal(s, SETTING_is_superuser, *acting == 's' ? "on" : "off");
}

/* ---- coming in ------------------------------------------------------------------------------- */

static status may_connect(struct session *s, const struct role *r, const char *database,
                          struct database_found *ret) {
    status st = catalog_database_find(&s->env, database, ret);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(&s->error, ST_INVALID_CATALOG_NAME, "database \"%s\" does not exist",
                         database);
    TRY(st);
    s->settings.database_oid = s->txn.database = ret->oid;
    if (!ret->allows_connections)
        return error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "database \"%s\" is not currently accepting connections", database);
    if (r->super) return OK;
    st = catalog_database_may_connect(&s->env, ret->oid, r->oid);
    if (status_is(st, ST_INSUFFICIENT_PRIVILEGE))
        error_detail(&s->error, "User does not have CONNECT privilege.");
    return st;
}

/* Sessions of a role or in a database beyond their limit; superusers are never too many. */
static unsigned sessions_of(struct session *s, oid role, oid database) {
    const struct shm *shm = s->env.proc->shm;
    unsigned n = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        const struct session_slot *other = session_slot_at(shm, i);
        if (i == s->index || atomic_load(&other->state) == SESSION_FREE) continue;
        n += role ? other->user_oid == role : other->database_oid == database;
    }
    return n + 1;
}

static status check_limits(struct session *s, const struct role *r,
                           const struct database_found *d) {
    if (r->super) return OK;
    if (d->connection_limit >= 0 && sessions_of(s, 0, d->oid) > (unsigned)d->connection_limit)
        return error_set(&s->error, ST_TOO_MANY_CONNECTIONS,
                         "too many connections for database \"%s\"", s->settings.database);
    if (r->connection_limit >= 0 && sessions_of(s, r->oid, 0) > (unsigned)r->connection_limit)
        return error_set(&s->error, ST_TOO_MANY_CONNECTIONS, "too many connections for role \"%s\"",
                         r->name);
    return OK;
}

static status look_up(struct session *s, const char *user, const char *database) {
    const struct role *r;
    struct database_found found = {0};
    status st = role_named(&s->env, user, &r);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(&s->error, ST_INVALID_AUTHORIZATION_SPECIFICATION,
                         "role \"%s\" does not exist", user);
    TRY(st);
    if (!r->login)
        return error_set(&s->error, ST_INVALID_AUTHORIZATION_SPECIFICATION,
                         "role \"%s\" is not permitted to log in", user);
    s->settings.user_oid = s->settings.session_user_oid = r->oid;
    TRY(may_connect(s, r, database, &found));
    TRY(check_limits(s, r, &found));
    s->slot->user_oid = r->oid;
    s->slot->database_oid = found.oid;
    s->slot->database_root = found.root.no;
    char *value = value_of(r);
    if (!value) return STATUS(OUT_OF_MEMORY);
    setting_start_given(s, SETTING_session_authorization, value);
    return OK;
}

status authorization_log_on(struct session *s, const char *user, const char *database) {
    snprintf(s->slot->user, sizeof s->slot->user, "%s", user);
    snprintf(s->slot->database, sizeof s->slot->database, "%s", database);
    s->settings.user = s->settings.session_user = s->slot->user;
    s->settings.database = s->slot->database;
    TRY(block_statement_begin(s));
    status st = look_up(s, user, database);
    if (ok(st)) st = authorization_start_settings(s);
    status finished = block_finish_implicit(s, NULL);
    TRY(st);
    return finished;
}

/* ---- ALTER ROLE, ALTER DATABASE … SET -------------------------------------------------------- */

static status take_setting(void *arg, const char *name, const char *value) {
    struct session *s = arg;
    enum setting v = setting_find(s, name);
    if (v == SETTING_NONE || setting_is_given(s, v)) return OK;
    status st = setting_set_start_client(s, name, value);
    if (ok(st) || status_is(st, ST_OUT_OF_MEMORY)) return st;
    error_clear(&s->error); /* what has become wrong keeps nobody out */
    return OK;
}

status authorization_start_settings(struct session *s) {
    return catalog_role_settings(&s->env, s->slot->database_oid, s->slot->user_oid, take_setting,
                                 s);
}
