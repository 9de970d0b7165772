/* define_role.c: CREATE, ALTER and DROP of roles. */
#include "catalog/define_internal.h"
#include "catalog/password.h"

/* ---- options --------------------------------------------------------------------------------- */

/* What a statement says of a role; NULL, absent: nothing. */
struct role_options {
    const struct ast_def_elem *password, *connection_limit, *valid_until, *super, *inherit,
        *create_role, *create_db, *login, *replication, *bypass_rls;
    const struct list *add_to, *members, *admins; /* char* */
};

static bool option_on(const struct ast_def_elem *o) {
    const struct ast_literal *l = (const struct ast_literal *)o->value;
    return l->kind == LITERAL_STRING ? strcmp(l->text, "false") != 0 : l->integer != 0;
}

static const struct list *names_of(const struct ast_def_elem *o) {
    return ((const struct ast_name_list *)o->value)->names;
}

static status read_option(struct sql_env *env, const struct ast_def_elem *o,
                          struct role_options *r) {
    const struct {
        const char *name;
        const struct ast_def_elem **to;
    } single[] = {{"password", &r->password},         {"connectionlimit", &r->connection_limit},
                  {"validUntil", &r->valid_until},    {"superuser", &r->super},
                  {"inherit", &r->inherit},           {"createrole", &r->create_role},
                  {"createdb", &r->create_db},        {"canlogin", &r->login},
                  {"isreplication", &r->replication}, {"bypassrls", &r->bypass_rls}};
    const struct {
        const char *name;
        const struct list **to;
    } lists[] = {
        {"addroleto", &r->add_to}, {"rolemembers", &r->members}, {"adminmembers", &r->admins}};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (strcmp(o->name, single[i].name)) continue;
        if (*single[i].to) return define_conflicting(env, o);
        *single[i].to = o;
        return OK;
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(o->name, lists[i].name)) continue;
        if (*lists[i].to) return define_conflicting(env, o);
        *lists[i].to = names_of(o);
        return OK;
    }
    if (strcmp(o->name, "sysid"))
        return error_set(env->eval.error, ST_SYNTAX_ERROR, "unrecognized role option \"%s\"",
                         o->name);
    define_notice(env, "00000", "SYSID can no longer be specified");
    return OK;
}

static status read_options(struct sql_env *env, const struct list *options,
                           struct role_options *r) {
    *r = (struct role_options){0};
    LIST_EACH(struct ast_def_elem *, o, options) TRY(read_option(env, o, r));
    return OK;
}

static void set_flag(struct catalog_row *row, int column, const struct ast_def_elem *o) {
    if (o) row_set_bool(row, column, option_on(o));
}

static status set_password(struct sql_env *env, const char *role, const struct role_options *o,
                           struct catalog_row *row) {
    const char *verifier;
    if (!o->password) return OK;
    row_set_null(row, COL_pg_authid_rolpassword);
    if (!o->password->value) return OK;
    const char *password = ((const struct ast_literal *)o->password->value)->text;
    if (!*password) {
        define_notice(env, "00000", "empty string is not a valid password, clearing password");
        return OK;
    }
    TRY(password_verifier(env, role, password, env->settings->password_md5, &verifier));
    return row_set_text(env->eval.arena, row, COL_pg_authid_rolpassword, verifier);
}

static status apply_options(struct sql_env *env, const char *role, const struct role_options *o,
                            struct catalog_row *row) {
    set_flag(row, COL_pg_authid_rolsuper, o->super);
    set_flag(row, COL_pg_authid_rolinherit, o->inherit);
    set_flag(row, COL_pg_authid_rolcreaterole, o->create_role);
    set_flag(row, COL_pg_authid_rolcreatedb, o->create_db);
    set_flag(row, COL_pg_authid_rolcanlogin, o->login);
    set_flag(row, COL_pg_authid_rolreplication, o->replication);
    set_flag(row, COL_pg_authid_rolbypassrls, o->bypass_rls);
    if (o->connection_limit) {
        int32_t limit = ((const struct ast_literal *)o->connection_limit->value)->integer;
        if (limit < -1)
            return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                             "invalid connection limit: %d", limit);
        row_set_int(row, COL_pg_authid_rolconnlimit, limit);
    }
    if (o->valid_until)
        TRY(row_set_input(&env->eval, row, COL_pg_authid_rolvaliduntil, TIMESTAMPTZOID,
                          ((const struct ast_literal *)o->valid_until->value)->text));
    return set_password(env, role, o, row);
}

/* ---- names ----------------------------------------------------------------------------------- */

static status reserved_name(struct sql_env *env, const char *name) {
    if (strncmp(name, "pg_", 3)) return OK;
    status st = error_set(env->eval.error, ST_RESERVED_NAME, "role name \"%s\" is reserved", name);
    error_detail(env->eval.error, "Role names starting with \"pg_\" are reserved.");
    return st;
}

/* CURRENT_USER and its kin name roles that are there, not new ones. */
static status plain_name(struct sql_env *env, const char *name) {
    if (*name != ROLE_SPECIAL) return OK;
    if (!strcmp(name + 1, "public"))
        return error_set(env->eval.error, ST_RESERVED_NAME, "role name \"%s\" is reserved",
                         name + 1);
    return error_set(env->eval.error, ST_RESERVED_NAME, "%s cannot be used as a role name here",
                     !strcmp(name + 1, "session_user")   ? "SESSION_USER"
                     : !strcmp(name + 1, "current_role") ? "CURRENT_ROLE"
                                                         : "CURRENT_USER");
}

static status denied(struct sql_env *env, const char *words) {
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "%s", words);
}

static status current_user_is(struct sql_env *env, bool *ret_super, bool *ret_creator) {
    TRY(role_is_superuser(env, env->settings->user_oid, ret_super));
    return role_may_create_roles(env, ret_creator);
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static status may_create(struct sql_env *env, const struct role_options *o) {
    bool super, creator;
    TRY(current_user_is(env, &super, &creator));
    if (o->super && option_on(o->super))
        return super ? OK : denied(env, "must be superuser to create superusers");
    if (o->replication && option_on(o->replication))
        return super ? OK : denied(env, "must be superuser to create replication users");
    if (o->bypass_rls && option_on(o->bypass_rls))
        return super ? OK : denied(env, "must be superuser to create bypassrls users");
    return creator ? OK : denied(env, "permission denied to create role");
}

static status name_is_free(struct sql_env *env, const char *name) {
    oid taken;
    status st = role_oid(env, name, &taken);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return error_set(env->eval.error, ST_DUPLICATE_OBJECT, "role \"%s\" already exists", name);
}

static status new_members(struct sql_env *env, const char *name, oid role,
                          const struct role_options *o) {
    LIST_EACH(const char *, group, o->add_to) {
        oid id;
        TRY(role_written(env, group, false, &id));
        struct membership m = {id, group, role, name, env->settings->user_oid, false};
        TRY(define_add_member(env, &m));
    }
    for (int admin = 1; admin >= 0; admin--)
        LIST_EACH(const char *, member, admin ? o->admins : o->members) {
            oid id;
            TRY(role_written(env, member, false, &id));
            struct membership m = {role, name, id, member, env->settings->user_oid, admin};
            TRY(define_add_member(env, &m));
        }
    return OK;
}

static status create_role(struct sql_env *env, const struct ast_role *s) {
    struct role_options o;
    struct catalog_row row;
    oid id;
    TRY(plain_name(env, s->name));
    TRY(read_options(env, s->options, &o));
    TRY(may_create(env, &o));
    TRY(reserved_name(env, s->name));
    TRY(name_is_free(env, s->name));
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_authid);
    row_set_oid(&row, COL_pg_authid_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_authid_rolname, s->name));
    row_set_bool(&row, COL_pg_authid_rolinherit, true);
    row_set_bool(&row, COL_pg_authid_rolcanlogin, s->type == OBJECT_USER);
    row_set_int(&row, COL_pg_authid_rolconnlimit, -1);
    TRY(apply_options(env, s->name, &o, &row));
    TRY(catalog_row_insert(env, CAT_pg_authid, &row));
    catalog_changed(env);
    return new_members(env, s->name, id, &o);
}

/* ---- ALTER ----------------------------------------------------------------------------------- */

static bool changes_more_than_password(const struct role_options *o) {
    return o->inherit || o->create_role || o->create_db || o->login || o->connection_limit ||
           o->members || o->valid_until || !o->password;
}

static status may_alter(struct sql_env *env, const struct role *r, const struct role_options *o) {
    bool super, creator;
    TRY(current_user_is(env, &super, &creator));
    if (super) return OK;
    if (r->super || o->super)
        return denied(env, "must be superuser to alter superuser roles or change superuser "
                           "attribute");
    if (r->replication || o->replication)
        return denied(env, "must be superuser to alter replication roles or change replication "
                           "attribute");
    if (o->bypass_rls) return denied(env, "must be superuser to change bypassrls attribute");
    if (creator || (!changes_more_than_password(o) && r->oid == env->settings->user_oid)) return OK;
    return denied(env, "permission denied");
}

status define_may_alter_role(struct sql_env *env, oid role) {
    const struct role *r;
    struct role_options only_members = {.members = &(struct list){0}};
    TRY(role_get(env, role, &r));
    return may_alter(env, r, &only_members);
}

/* pg_authid's row of the role is open in *s and copied in *row. */
static status open_row(struct sql_env *env, oid role, struct catalog_scan *s,
                       struct catalog_row *row) {
    datum key = datum_oid(role);
    TRY(catalog_scan_begin(env, CAT_pg_authid, 0, &key, 1, s));
    TRY(catalog_scan_next(s));
    *row = s->row;
    return OK;
}

static status alter_role(struct sql_env *env, const struct ast_role *s) {
    struct role_options o;
    const struct role *r;
    oid id;
    TRY(read_options(env, s->options, &o));
    TRY(role_written(env, s->name, false, &id));
    TRY(role_get(env, id, &r));
    if (!strncmp(r->name, "pg_", 3)) {
        status st =
            error_set(env->eval.error, ST_RESERVED_NAME, "role name \"%s\" is reserved", r->name);
        error_detail(env->eval.error, "Cannot alter reserved roles.");
        return st;
    }
    TRY(may_alter(env, r, &o));
    struct catalog_scan scan = {0};
    struct catalog_row row;
    status st = open_row(env, id, &scan, &row);
    if (ok(st)) st = apply_options(env, r->name, &o, &row);
    if (ok(st)) st = catalog_row_update(&scan, &row);
    catalog_scan_end(&scan);
    TRY(st);
    LIST_EACH(const char *, member, o.members) {
        oid member_id;
        TRY(role_written(env, member, false, &member_id));
        struct membership m = {id, r->name, member_id, member, env->settings->user_oid, false};
        TRY(define_add_member(env, &m));
    }
    return OK;
}

status define_rename_role(struct sql_env *env, const char *from, const char *to) {
    const struct role *r;
    bool super, creator;
    status st = role_named(env, from, &r);
    if (status_is(st, ST_NOT_FOUND)) return role_missing(env, from);
    TRY(st);
    if (r->oid == env->settings->session_user_oid)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "session user cannot be renamed");
    if (r->oid == env->settings->user_oid)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "current user cannot be renamed");
    TRY(plain_name(env, to));
    TRY(reserved_name(env, from));
    TRY(reserved_name(env, to));
    TRY(name_is_free(env, to));
    TRY(current_user_is(env, &super, &creator));
    if (r->super && !super) return denied(env, "must be superuser to rename superusers");
    if (!creator) return denied(env, "permission denied to rename role");
    struct catalog_scan scan = {0};
    struct catalog_row row;
    st = open_row(env, r->oid, &scan, &row);
    if (ok(st)) st = row_set_name(env->eval.arena, &row, COL_pg_authid_rolname, to);
    const char *password =
        ok(st) ? row_text(env->eval.arena, &row, COL_pg_authid_rolpassword) : NULL;
    if (password && password_is_md5(password)) {
        row_set_null(&row, COL_pg_authid_rolpassword);
        define_notice(env, "00000", "MD5 password cleared because of role rename");
    }
    if (ok(st)) st = catalog_row_update(&scan, &row);
    catalog_scan_end(&scan);
    return st;
}

/* ---- DROP ------------------------------------------------------------------------------------ */

static status used_elsewhere(struct sql_env *env, const struct role_use *uses, size_t n, size_t at,
                             struct buf *out) {
    unsigned count = 0;
    struct catalog_row row;
    oid database = uses[at].database;
    for (size_t i = 0; i < at; i++)
        if (uses[i].database == database) return OK; /* counted already */
    for (size_t i = at; i < n; i++) count += uses[i].database == database;
    status st = catalog_row_get_oid(env, CAT_pg_database, database, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return buf_printf(out, "%s%u object%s in database %s", out->len ? "\n" : "", count,
                      count == 1 ? "" : "s", row_name(&row, COL_pg_database_datname));
}

#define DETAIL_LINES_MAX 100

static status describe_uses(struct sql_env *env, const struct role_use *uses, size_t n,
                            struct buf *out) {
    size_t shown = 0;
    for (size_t i = 0; i < n; i++) {
        const struct role_use *u = &uses[i];
        const char *text;
        if (u->database && u->database != env->settings->database_oid) continue;
        if (shown++ >= DETAIL_LINES_MAX) continue;
        TRY(define_object_text(env, u->class_oid, u->object, u->part, &text));
        TRY(buf_printf(out, "%s%s %s", out->len ? "\n" : "",
                       u->type == 'o' ? "owner of" : "privileges for", text));
    }
    for (size_t i = 0; i < n; i++)
        if (uses[i].database && uses[i].database != env->settings->database_oid)
            TRY(used_elsewhere(env, uses, n, i, out));
    if (shown <= DETAIL_LINES_MAX) return OK;
    size_t more = shown - DETAIL_LINES_MAX;
    return buf_printf(out, "\nand %zu other object%s (see server log for list)", more,
                      more == 1 ? "" : "s");
}

/* What a role owns or was granted keeps it from being dropped, wherever it is. */
static status refuse_used(struct sql_env *env, oid role, const char *name) {
    struct role_use *uses;
    size_t n;
    TRY(shared_depend_of_role(env, role, &uses, &n));
    if (!n) return OK;
    struct buf text = {0};
    status st = describe_uses(env, uses, n, &text);
    if (ok(st)) {
        st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                       "role \"%s\" cannot be dropped because some objects depend on it", name);
        error_detail(env->eval.error, "%.*s", (int)text.len, text.data);
    }
    buf_free(&text);
    return st;
}

static status may_drop(struct sql_env *env, const struct role *r, const char *name) {
    bool super;
    if (r->oid == env->settings->user_oid)
        return error_set(env->eval.error, ST_OBJECT_IN_USE, "current user cannot be dropped");
    if (r->oid == env->settings->session_user_oid)
        return error_set(env->eval.error, ST_OBJECT_IN_USE, "session user cannot be dropped");
    TRY(role_is_superuser(env, env->settings->user_oid, &super));
    if (r->super && !super) return denied(env, "must be superuser to drop superusers");
    if (r->oid < FIRST_USER_OID)
        return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot drop role %s because it is required by the database system", name);
    return OK;
}

static status forget_role(struct sql_env *env, oid role) {
    datum key = datum_oid(role), comment[] = {datum_oid(role), datum_oid(OID_pg_authid)};
    struct catalog_scan s;
    status st;
    TRY(catalog_rows_delete(env, CAT_pg_auth_members, 0, &key, 1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_auth_members, OID_pg_auth_members_member_role_index, &key,
                            1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_shdescription, 0, comment, 2, NULL));
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_db_role_setting, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_oid(&s.row, COL_pg_db_role_setting_setrole) == role)
            TRY_OUT(st, catalog_row_delete(&s));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    return catalog_rows_delete(env, CAT_pg_authid, 0, &key, 1, NULL);
}

static status drop_role(struct sql_env *env, const struct ast_role *s, const char *name) {
    const struct role *r;
    if (*name == ROLE_SPECIAL)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "cannot use special role specifier in DROP ROLE");
    status st = role_named(env, name, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        if (!s->if_exists) return role_missing(env, name);
        define_notice(env, "00000", "role \"%s\" does not exist, skipping", name);
        return OK;
    }
    TRY(st);
    TRY(may_drop(env, r, name));
    TRY(refuse_used(env, r->oid, name));
    TRY(forget_role(env, r->oid));
    catalog_changed(env);
    return OK;
}

static status drop_roles(struct sql_env *env, const struct ast_role *s) {
    bool creator;
    TRY(role_may_create_roles(env, &creator));
    if (!creator) return denied(env, "permission denied to drop role");
    LIST_EACH(const char *, name, s->names) TRY(drop_role(env, s, name));
    return OK;
}

status define_role(struct sql_env *env, struct ast_role *s) {
    catalog_changed(env);
    switch (s->action) {
    case ROLE_CREATE: return create_role(env, s);
    case ROLE_ALTER: return alter_role(env, s);
    case ROLE_ALTER_GROUP: return define_alter_group(env, s);
    case ROLE_SET: return define_role_setting(env, s);
    case ROLE_DROP: return drop_roles(env, s);
    }
    return OK;
}
