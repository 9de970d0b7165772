/* roles.c: roles and who is a member of whom. */
#include "catalog/roles.h"

#include "catalog/internal.h"
#include "parse/parse.h"

struct closure {
    oid *roles; /* itself first; NULL: not yet read */
    uint32_t n;
};

struct cached_role {
    struct cached_role *next;
    struct role role;
    struct closure inherits, member_of;
};

/* ---- one role -------------------------------------------------------------------------------- */

static struct cached_role *find(const struct generation *g, oid role) {
    struct cached_role *c = g->roles;
    while (c && c->role.oid != role) c = c->next;
    return c;
}

static void fill(struct role *r, const struct catalog_row *row) {
    *r = (struct role){
        .oid = row_oid(row, COL_pg_authid_oid),
        .super = row_bool(row, COL_pg_authid_rolsuper),
        .inherit = row_bool(row, COL_pg_authid_rolinherit),
        .create_role = row_bool(row, COL_pg_authid_rolcreaterole),
        .create_db = row_bool(row, COL_pg_authid_rolcreatedb),
        .login = row_bool(row, COL_pg_authid_rolcanlogin),
        .replication = row_bool(row, COL_pg_authid_rolreplication),
        .bypass_rls = row_bool(row, COL_pg_authid_rolbypassrls),
        .connection_limit = row_int4(row, COL_pg_authid_rolconnlimit),
    };
    snprintf(r->name, sizeof r->name, "%s", row_name(row, COL_pg_authid_rolname));
}

static status cached(struct sql_env *env, oid role, struct cached_role **ret) {
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    *ret = find(g, role);
    if (*ret) return OK;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_authid, role, env->eval.arena, &row));
    *ret = find(g, role); /* by another session, while this one was suspended */
    if (*ret) return OK;
    struct cached_role *made = arena_zalloc(&g->arena, sizeof *made);
    if (!made) return no_memory(env);
    fill(&made->role, &row);
    made->next = g->roles;
    g->roles = *ret = made;
    return OK;
}

status role_get(struct sql_env *env, oid role, const struct role **ret) {
    struct cached_role *c;
    TRY(cached(env, role, &c));
    *ret = &c->role;
    return OK;
}

status role_named(struct sql_env *env, const char *name, const struct role **ret) {
    oid role;
    TRY(role_oid(env, name, &role));
    return role_get(env, role, ret);
}

status role_missing(struct sql_env *env, const char *name) {
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

status role_need(struct sql_env *env, const char *name, oid *ret_role) {
    status st = role_oid(env, name, ret_role);
    return status_is(st, ST_NOT_FOUND) ? role_missing(env, name) : st;
}

status role_written(struct sql_env *env, const char *written, bool may_be_public, oid *ret_role) {
    if (*written != ROLE_SPECIAL) return role_need(env, written, ret_role);
    const char *word = written + 1;
    if (!strcmp(word, "public")) {
        *ret_role = 0;
        return may_be_public ? OK : role_missing(env, "public");
    }
    *ret_role =
        strcmp(word, "session_user") ? env->settings->user_oid : env->settings->session_user_oid;
    return OK;
}

/* ---- memberships ----------------------------------------------------------------------------- */

static status add_role(struct sql_env *env, struct closure *c, uint32_t *cap, oid role) {
    for (uint32_t i = 0; i < c->n; i++)
        if (c->roles[i] == role) return OK;
    if (c->n == *cap) {
        oid *grown = arena_array(env->eval.arena, *cap * 2, sizeof *grown);
        if (!grown) return no_memory(env);
        memcpy(grown, c->roles, c->n * sizeof *grown);
        c->roles = grown;
        *cap *= 2;
    }
    c->roles[c->n++] = role;
    return OK;
}

static status add_groups_of(struct sql_env *env, oid member, struct closure *c, uint32_t *cap) {
    struct catalog_scan s;
    datum key = datum_oid(member);
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_auth_members, OID_pg_auth_members_member_role_index,
                                   &key, 1, &s));
    while (ok(st = catalog_scan_next(&s)))
        TRY_OUT(st, add_role(env, c, cap, row_oid(&s.row, COL_pg_auth_members_roleid)));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* The owner of the database is a member of pg_database_owner without a row that says so. */
static status database_owner(struct sql_env *env, oid *ret_owner) {
    struct catalog_row row;
    *ret_owner = 0;
    if (!env->settings->database_oid) return OK;
    status st = catalog_row_get_oid(env, CAT_pg_database, env->settings->database_oid,
                                    env->eval.arena, &row);
    if (ok(st)) *ret_owner = row_oid(&row, COL_pg_database_datdba);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

#define CLOSURE_ROOM 8

static status read_closure(struct sql_env *env, oid role, bool inherited, struct closure *ret) {
    uint32_t cap = CLOSURE_ROOM;
    oid owner;
    struct closure c = {.roles = arena_array(env->eval.arena, cap, sizeof *c.roles)};
    if (!c.roles) return no_memory(env);
    TRY(database_owner(env, &owner));
    TRY(add_role(env, &c, &cap, role));
    for (uint32_t i = 0; i < c.n; i++) {
        const struct role *r;
        oid at = c.roles[i];
        status st = role_get(env, at, &r);
        if (status_is(st, ST_NOT_FOUND)) continue; /* dropped meanwhile */
        TRY(st);
        if (inherited && !r->inherit) continue;
        TRY(add_groups_of(env, at, &c, &cap));
        if (at == owner) TRY(add_role(env, &c, &cap, ROLE_PG_DATABASE_OWNER));
    }
    *ret = c;
    return OK;
}

static status closure_of(struct sql_env *env, oid role, bool inherited,
                         const struct closure **ret) {
    struct cached_role *r;
    struct closure c;
    TRY(cached(env, role, &r));
    struct closure *kept = inherited ? &r->inherits : &r->member_of;
    *ret = kept;
    if (kept->roles) return OK;
    TRY(read_closure(env, role, inherited, &c));
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    c.roles = arena_memdup(&g->arena, c.roles, c.n * sizeof *c.roles);
    if (!c.roles) return no_memory(env);
    *kept = c;
    return OK;
}

status role_inherited(struct sql_env *env, oid role, const oid **ret, uint32_t *ret_n) {
    const struct closure *c;
    TRY(closure_of(env, role, true, &c));
    *ret = c->roles;
    *ret_n = c->n;
    return OK;
}

static status in_closure(struct sql_env *env, oid member, oid of, bool inherited, bool *ret) {
    const struct closure *c;
    *ret = member == of;
    if (*ret) return OK;
    status st = closure_of(env, member, inherited, &c);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    for (uint32_t i = 0; i < c->n; i++) *ret |= c->roles[i] == of;
    return OK;
}

status role_is_superuser(struct sql_env *env, oid role, bool *ret) {
    const struct role *r;
    status st = role_get(env, role, &r);
    *ret = ok(st) ? r->super : role == ROLE_POSTGRES; /* while catalogs are made */
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

status role_may_create_roles(struct sql_env *env, bool *ret) {
    const struct role *r;
    status st = role_get(env, env->settings->user_oid, &r);
    *ret = ok(st) && (r->super || r->create_role);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

status role_has_privileges(struct sql_env *env, oid member, oid of, bool *ret) {
    TRY(role_is_superuser(env, member, ret));
    return *ret ? OK : in_closure(env, member, of, true, ret);
}

status role_is_member(struct sql_env *env, oid member, oid of, bool *ret) {
    TRY(role_is_superuser(env, member, ret));
    return *ret ? OK : in_closure(env, member, of, false, ret);
}

status role_is_real_member(struct sql_env *env, oid member, oid of, bool *ret) {
    return in_closure(env, member, of, false, ret);
}

/* PostgreSQL 15: an ADMIN OPTION that the member, or any role it is a member of, has. */
status role_is_admin(struct sql_env *env, oid member, oid of, bool *ret) {
    TRY(role_is_superuser(env, member, ret));
    if (*ret || member == of) return OK;
    struct catalog_scan s;
    datum key = datum_oid(of);
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_auth_members, 0, &key, 1, &s));
    while (!*ret && ok(st = catalog_scan_next(&s)))
        if (row_bool(&s.row, COL_pg_auth_members_admin_option))
            TRY_OUT(st, in_closure(env, member, row_oid(&s.row, COL_pg_auth_members_member), false,
                                   ret));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}
