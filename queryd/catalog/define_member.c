/* define_member.c: membership in roles: GRANT r TO s, REVOKE r FROM s. */
#include "catalog/define_internal.h"

static status not_admin(struct sql_env *env, const struct membership *m) {
    bool super, granted_is_super, creator, admin;
    oid user = env->settings->user_oid;
    TRY(role_is_superuser(env, user, &super));
    if (super) return OK;
    TRY(role_is_superuser(env, m->role, &granted_is_super));
    if (granted_is_super)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must be superuser to alter superusers");
    TRY(role_may_create_roles(env, &creator));
    TRY(role_is_admin(env, m->grantor, m->role, &admin));
    if (!creator && !admin)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must have admin option on role \"%s\"", m->role_name);
    if (m->grantor != user)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must be superuser to set grantor");
    return OK;
}

static const char *shown(struct sql_env *env, const char *written, oid role) {
    const struct role *r;
    return *written == ROLE_SPECIAL && ok(role_get(env, role, &r)) ? r->name : written;
}

/* The row that is there: open in *s, or END. */
static status find_row(struct sql_env *env, const struct membership *m, struct catalog_scan *s) {
    datum keys[] = {datum_oid(m->role), datum_oid(m->member)};
    TRY(catalog_scan_begin(env, CAT_pg_auth_members, 0, keys, 2, s));
    return catalog_scan_next(s);
}

static status already_there(struct sql_env *env, const struct membership *m,
                            struct catalog_scan *s) {
    struct catalog_row row = s->row;
    if (!m->admin || row_bool(&row, COL_pg_auth_members_admin_option)) {
        define_notice(env, "00000", "role \"%s\" is already a member of role \"%s\"",
                      shown(env, m->member_name, m->member), shown(env, m->role_name, m->role));
        return OK;
    }
    row_set_bool(&row, COL_pg_auth_members_admin_option, true);
    row_set_oid(&row, COL_pg_auth_members_grantor, m->grantor);
    return catalog_row_update(s, &row);
}

static status refuse_circle(struct sql_env *env, const struct membership *m) {
    bool circle;
    if (m->member == ROLE_PG_DATABASE_OWNER)
        return error_set(env->eval.error, ST_INTERNAL_ERROR,
                         "role \"%s\" cannot be a member of any role", m->member_name);
    TRY(role_is_real_member(env, m->role, m->member, &circle));
    if (!circle) return OK;
    return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                     "role \"%s\" is a member of role \"%s\"", shown(env, m->role_name, m->role),
                     shown(env, m->member_name, m->member));
}

status define_add_member(struct sql_env *env, const struct membership *m) {
    struct catalog_scan s = {0};
    struct catalog_row row;
    TRY(not_admin(env, m));
    if (m->role == ROLE_PG_DATABASE_OWNER)
        return error_set(env->eval.error, ST_INTERNAL_ERROR,
                         "role \"%s\" cannot have explicit members", m->role_name);
    TRY(refuse_circle(env, m));
    status st = find_row(env, m, &s);
    if (ok(st)) st = already_there(env, m, &s);
    catalog_scan_end(&s);
    if (!status_is(st, ST_END)) return st;
    catalog_row_init(&row, CAT_pg_auth_members);
    row_set_oid(&row, COL_pg_auth_members_roleid, m->role);
    row_set_oid(&row, COL_pg_auth_members_member, m->member);
    row_set_oid(&row, COL_pg_auth_members_grantor, m->grantor);
    row_set_bool(&row, COL_pg_auth_members_admin_option, m->admin);
    TRY(catalog_row_insert(env, CAT_pg_auth_members, &row));
    catalog_changed(env);
    return OK;
}

status define_drop_member(struct sql_env *env, const struct membership *m) {
    struct catalog_scan s = {0};
    TRY(not_admin(env, m));
    status st = find_row(env, m, &s);
    if (ok(st) && m->admin) {
        struct catalog_row row = s.row;
        row_set_bool(&row, COL_pg_auth_members_admin_option, false);
        st = catalog_row_update(&s, &row);
    } else if (ok(st)) {
        st = catalog_row_delete(&s);
    }
    catalog_scan_end(&s);
    if (status_is(st, ST_END)) {
        define_warning(env, "01000", "role \"%s\" is not a member of role \"%s\"",
                       shown(env, m->member_name, m->member), shown(env, m->role_name, m->role));
        return OK;
    }
    TRY(st);
    catalog_changed(env);
    return OK;
}

static status one_grant(struct sql_env *env, const struct ast_grant_role *s, oid role,
                        const char *role_name, oid grantor) {
    LIST_EACH(const char *, grantee, s->grantees) {
        struct membership m = {role, role_name, 0, grantee, grantor, s->admin_option};
        TRY(role_written(env, grantee, false, &m.member));
        TRY(s->revoke ? define_drop_member(env, &m) : define_add_member(env, &m));
    }
    return OK;
}

status define_grant_role(struct sql_env *env, struct ast_grant_role *s) {
    oid grantor = env->settings->user_oid;
    catalog_changed(env);
    if (s->grantor) TRY(role_written(env, s->grantor, false, &grantor));
    LIST_EACH(const char *, grantee, s->grantees) {
        oid ignored;
        TRY(role_written(env, grantee, false, &ignored));
    }
    LIST_EACH(struct ast_privilege *, p, s->roles) {
        oid role;
        if (!p->name || p->columns)
            return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                             "column names cannot be included in GRANT/REVOKE ROLE");
        TRY(role_need(env, p->name, &role));
        TRY(one_grant(env, s, role, p->name, grantor));
    }
    return OK;
}

/* ALTER GROUP g ADD USER u; DROP USER u. */
status define_alter_group(struct sql_env *env, const struct ast_role *s) {
    oid role;
    TRY(role_written(env, s->name, false, &role));
    TRY(define_may_alter_role(env, role));
    LIST_EACH(const char *, member, s->names) {
        struct membership m = {role, s->name, 0, member, env->settings->user_oid, false};
        TRY(role_written(env, member, false, &m.member));
        TRY(s->drop ? define_drop_member(env, &m) : define_add_member(env, &m));
    }
    return OK;
}
