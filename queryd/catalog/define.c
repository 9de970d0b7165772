/* define.c: which definition a statement is; the small ones. */
#include "catalog/define_function.h"

#include "msg/msg.h"

/* ---- schemas --------------------------------------------------------------------------------- */

static struct ast_range_var *name_of_element(struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE: return ast_as_create_table(n)->relation;
    case NODE_CREATE_VIEW: return ast_as_create_view(n)->relation;
    case NODE_CREATE_INDEX: return ast_as_create_index(n)->relation;
    case NODE_SEQUENCE: return ast_as_sequence(n)->relation;
    default: return NULL;
    }
}

/* What is made comes before what needs it, whatever the order it was written in. */
static int order_of_element(const struct node *n) {
    return n->kind == NODE_SEQUENCE       ? 0
           : n->kind == NODE_CREATE_TABLE ? 1
           : n->kind == NODE_CREATE_VIEW  ? 2
           : n->kind == NODE_CREATE_INDEX ? 3
                                          : 4;
}

static status dispatch(struct sql_env *env, struct node *n, const char **tag);

static status create_element(struct sql_env *env, struct node *n, const char *schema) {
    struct ast_range_var *name = name_of_element(n);
    const char *tag;
    if (!name) return define_unsupported(env, "this element of CREATE SCHEMA");
    if (name->schema && strcmp(name->schema, schema))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_DEFINITION,
                         "CREATE specifies a schema (%s) different from the one being created (%s)",
                         name->schema, schema);
    name->schema = (char *)schema;
    catalog_changed(env);
    return dispatch(env, n, &tag);
}

/* The names in them are looked up in the new schema first. */
static status create_elements(struct sql_env *env, const struct ast_create_schema *s,
                              const char *schema) {
    struct sql_settings settings = *env->settings, *before = env->settings;
    status st = OK;
    if (!list_n(s->elements)) return OK;
    settings.search_path = arena_printf(env->eval.arena, "\"%s\", %s", schema, before->search_path);
    if (!settings.search_path) return no_memory(env);
    env->settings = &settings;
    for (int order = 0; order <= 4; order++) {
        LIST_EACH(struct node *, n, s->elements) {
            if (ok(st) && order_of_element(n) == order) st = create_element(env, n, schema);
        }
    }
    env->settings = before;
    return st;
}

status define_create_schema(struct sql_env *env, struct ast_create_schema *s) {
    const char *name = s->name ? s->name : s->owner;
    oid owner = env->settings->user_oid, id;
    if (s->owner && *s->owner == ROLE_SPECIAL && !s->name) name = env->settings->user;
    if (s->owner && *s->owner != ROLE_SPECIAL) {
        status st = role_oid(env, s->owner, &owner);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist",
                             s->owner);
        TRY(st);
    }
    if (!strncmp(name, "pg_", 3)) {
        status st =
            error_set(env->eval.error, ST_RESERVED_NAME, "unacceptable schema name \"%s\"", name);
        error_detail(env->eval.error, "The prefix \"pg_\" is reserved for system schemas.");
        return st;
    }
    status st = catalog_schema(env, name, &id);
    if (ok(st)) {
        if (!s->if_not_exists)
            return error_set(env->eval.error, ST_DUPLICATE_SCHEMA, "schema \"%s\" already exists",
                             name);
        define_notice(env, "42P06", "schema \"%s\" already exists, skipping", name);
        return OK;
    }
    if (!status_is(st, ST_NOT_FOUND)) return st;
    struct catalog_row row;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_namespace);
    row_set_oid(&row, COL_pg_namespace_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_namespace_nspname, name));
    row_set_oid(&row, COL_pg_namespace_nspowner, owner);
    TRY(catalog_row_insert(env, CAT_pg_namespace, &row));
    return create_elements(env, s, name);
}

/* ---- roles ----------------------------------------------------------------------------------- */

static bool option_bool(const struct ast_def_elem *o) {
    if (!o->value || o->value->kind != NODE_LITERAL) return true;
    const struct ast_literal *l = (const struct ast_literal *)o->value;
    return l->kind == LITERAL_STRING ? strcmp(l->text, "false") != 0 : l->integer != 0;
}

static status role_option(struct sql_env *env, const struct ast_def_elem *o,
                          struct catalog_row *row) {
    static const struct {
        const char *name;
        int column;
    } flags[] = {
        {"superuser", COL_pg_authid_rolsuper},
        {"inherit", COL_pg_authid_rolinherit},
        {"createrole", COL_pg_authid_rolcreaterole},
        {"createdb", COL_pg_authid_rolcreatedb},
        {"canlogin", COL_pg_authid_rolcanlogin},
        {"isreplication", COL_pg_authid_rolreplication},
        {"bypassrls", COL_pg_authid_rolbypassrls},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(o->name, flags[i].name)) continue;
        row_set_bool(row, flags[i].column, option_bool(o));
        return OK;
    }
    const struct ast_literal *l =
        o->value && o->value->kind == NODE_LITERAL ? (struct ast_literal *)o->value : NULL;
    if (!strcmp(o->name, "connectionlimit") && l) {
        row_set_int(row, COL_pg_authid_rolconnlimit, l->integer);
        return OK;
    }
    if (!strcmp(o->name, "password"))
        return define_at(env, &o->node, define_unsupported(env, "a password"));
    return define_at(env, &o->node, define_unsupported(env, "this role option"));
}

static status create_role(struct sql_env *env, const struct ast_role *s) {
    oid id;
    if (!strncmp(s->name, "pg_", 3)) {
        status st =
            error_set(env->eval.error, ST_RESERVED_NAME, "role name \"%s\" is reserved", s->name);
        error_detail(env->eval.error, "Role names starting with \"pg_\" are reserved.");
        return st;
    }
    status st = role_oid(env, s->name, &id);
    if (ok(st))
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT, "role \"%s\" already exists",
                         s->name);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    struct catalog_row row;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_authid);
    row_set_oid(&row, COL_pg_authid_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_authid_rolname, s->name));
    row_set_bool(&row, COL_pg_authid_rolinherit, true);
    row_set_bool(&row, COL_pg_authid_rolcanlogin, s->type == OBJECT_USER);
    row_set_int(&row, COL_pg_authid_rolconnlimit, -1);
    LIST_EACH(struct ast_def_elem *, o, s->options) TRY(role_option(env, o, &row));
    return catalog_row_insert(env, CAT_pg_authid, &row);
}

static status no_role(struct sql_env *env, const char *name) {
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

static status alter_role(struct sql_env *env, const struct ast_role *s) {
    if (!s->name || *s->name == ROLE_SPECIAL) return define_unsupported(env, "ALTER of this role");
    datum key = datum_ptr(catalog_name(env->eval.arena, s->name));
    struct catalog_scan scan;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_authid, OID_pg_authid_rolname_index, &key, 1, &scan));
    st = catalog_scan_next(&scan);
    if (status_is(st, ST_END)) st = no_role(env, s->name);
    if (!ok(st)) goto out;
    struct catalog_row row = scan.row;
    LIST_EACH(struct ast_def_elem *, o, s->options) TRY_OUT(st, role_option(env, o, &row));
    st = catalog_row_update(&scan, &row);
out:
    catalog_scan_end(&scan);
    return st;
}

/* What a role owns keeps it from being dropped. */
static status owns_something(struct sql_env *env, oid role, const char *name) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (row_oid(&s.row, COL_pg_class_relowner) != role) continue;
        st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                       "role \"%s\" cannot be dropped because some objects depend on it", name);
        error_detail(env->eval.error, "owner of table %s", row_name(&s.row, COL_pg_class_relname));
        goto out;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status drop_role(struct sql_env *env, const struct ast_role *s, const char *name) {
    oid id;
    status st = role_oid(env, name, &id);
    if (status_is(st, ST_NOT_FOUND)) {
        if (!s->if_exists) return no_role(env, name);
        define_notice(env, "00000", "role \"%s\" does not exist, skipping", name);
        return OK;
    }
    TRY(st);
    if (id == env->settings->user_oid)
        return error_set(env->eval.error, ST_OBJECT_IN_USE, "current user cannot be dropped");
    if (id < FIRST_USER_OID)
        return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot drop role %s because it is required by the database system", name);
    TRY(owns_something(env, id, name));
    datum key = datum_oid(id);
    TRY(catalog_rows_delete(env, CAT_pg_auth_members, 0, &key, 1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_auth_members, OID_pg_auth_members_member_role_index, &key,
                            1, NULL));
    return catalog_rows_delete(env, CAT_pg_authid, 0, &key, 1, NULL);
}

status define_role(struct sql_env *env, struct ast_role *s) {
    switch (s->action) {
    case ROLE_CREATE: return create_role(env, s);
    case ROLE_ALTER: return alter_role(env, s);
    case ROLE_DROP: LIST_EACH(const char *, name, s->names) TRY(drop_role(env, s, name)); return OK;
    default: return define_unsupported(env, "this form of ALTER ROLE");
    }
}

/* ---- CHECKPOINT ------------------------------------------------------------------------------ */

static status checkpoint(struct sql_env *env) {
    struct msg m = {.op = MSG_CHECKPOINT, .trace = env->proc->trace};
    return env->proc->env->call(env->proc, SLOT_STORAGED, &m);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static const char *drop_tag(enum ast_object_type type) {
    switch (type) {
    case OBJECT_TABLE: return "DROP TABLE";
    case OBJECT_VIEW: return "DROP VIEW";
    case OBJECT_INDEX: return "DROP INDEX";
    case OBJECT_SCHEMA: return "DROP SCHEMA";
    case OBJECT_SEQUENCE: return "DROP SEQUENCE";
    case OBJECT_FUNCTION: return "DROP FUNCTION";
    case OBJECT_PROCEDURE: return "DROP PROCEDURE";
    case OBJECT_ROUTINE: return "DROP ROUTINE";
    case OBJECT_TYPE: return "DROP TYPE";
    case OBJECT_DOMAIN: return "DROP DOMAIN";
    default: return "DROP";
    }
}

static const char *alter_tag(enum ast_object_type type) {
    switch (type) {
    case OBJECT_VIEW: return "ALTER VIEW";
    case OBJECT_INDEX: return "ALTER INDEX";
    case OBJECT_SEQUENCE: return "ALTER SEQUENCE";
    case OBJECT_SCHEMA: return "ALTER SCHEMA";
    case OBJECT_FUNCTION: return "ALTER FUNCTION";
    case OBJECT_PROCEDURE: return "ALTER PROCEDURE";
    case OBJECT_ROUTINE: return "ALTER ROUTINE";
    case OBJECT_ATTRIBUTE:
    case OBJECT_TYPE: return "ALTER TYPE";
    case OBJECT_DOMAIN_CONSTRAINT:
    case OBJECT_DOMAIN: return "ALTER DOMAIN";
    default: return "ALTER TABLE";
    }
}

static const char *role_tag(const struct ast_role *s) {
    return s->action == ROLE_CREATE ? "CREATE ROLE"
           : s->action == ROLE_DROP ? "DROP ROLE"
                                    : "ALTER ROLE";
}

static const char *database_tag(const struct ast_database *s) {
    return s->action == DATABASE_CREATE ? "CREATE DATABASE"
           : s->action == DATABASE_DROP ? "DROP DATABASE"
                                        : "ALTER DATABASE";
}

/* Statements that are refused by name; NULL: not one of them. */
static const char *refused(const struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE_AS: return "CREATE TABLE AS";
    case NODE_REFRESH: return "REFRESH MATERIALIZED VIEW";
    case NODE_OWNED: return "DROP OWNED or REASSIGN OWNED";
    case NODE_GRANT: return ((struct ast_grant *)n)->revoke ? "REVOKE" : "GRANT";
    case NODE_GRANT_ROLE: return ((struct ast_grant_role *)n)->revoke ? "REVOKE" : "GRANT";
    case NODE_DO: return "DO";
    case NODE_EXTENSION: return "CREATE EXTENSION";
    case NODE_ALTER_SYSTEM: return "ALTER SYSTEM";
    case NODE_UNSUPPORTED: return ((struct ast_unsupported *)n)->command;
    default: return NULL;
    }
}

static bool carried_out(const struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE:
    case NODE_CREATE_INDEX:
    case NODE_CREATE_VIEW:
    case NODE_SEQUENCE:
    case NODE_CREATE_FUNCTION:
    case NODE_ALTER_FUNCTION:
    case NODE_CREATE_SCHEMA:
    case NODE_ALTER_TABLE:
    case NODE_RENAME:
    case NODE_ALTER_OBJECT:
    case NODE_DROP:
    case NODE_TRUNCATE:
    case NODE_COMMENT:
    case NODE_CREATE_TYPE:
    case NODE_ALTER_ENUM:
    case NODE_CREATE_DOMAIN:
    case NODE_ALTER_DOMAIN:
    case NODE_ROLE:
    case NODE_DATABASE:
    case NODE_VACUUM:
    case NODE_REINDEX:
    case NODE_CLUSTER:
    case NODE_CHECKPOINT: return true;
    default: return false;
    }
}

bool define_is_definition(const struct node *stmt) {
    return carried_out(stmt) || refused(stmt);
}

/* What changes catalogs makes what the session has read of them stale, before and after. */
static status changing(struct sql_env *env, status st) {
    if (env->txn->catalog_changed) catalog_rolled_back(env);
    return st;
}

static status create_type(struct sql_env *env, const struct ast_create_type *s) {
    switch (s->kind) {
    case TYPE_ENUM: return define_create_enum(env, s);
    case TYPE_COMPOSITE: return define_create_composite(env, s);
    case TYPE_RANGE: return define_unsupported(env, "CREATE TYPE AS RANGE");
    default: return define_unsupported(env, "CREATE TYPE of a base type");
    }
}

static status dispatch(struct sql_env *env, struct node *n, const char **tag) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE:
        *tag = "CREATE TABLE";
        return define_create_table(env, ast_as_create_table(n));
    case NODE_CREATE_INDEX:
        *tag = "CREATE INDEX";
        return define_create_index(env, ast_as_create_index(n));
    case NODE_CREATE_VIEW:
        *tag = "CREATE VIEW";
        return define_create_view(env, ast_as_create_view(n));
    case NODE_SEQUENCE:
        *tag = ast_as_sequence(n)->alter ? "ALTER SEQUENCE" : "CREATE SEQUENCE";
        return define_sequence(env, ast_as_sequence(n));
    case NODE_CREATE_FUNCTION:
        *tag = ast_as_create_function(n)->procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
        return define_create_function(env, ast_as_create_function(n));
    case NODE_ALTER_FUNCTION:
        *tag = alter_tag(ast_as_alter_function(n)->type);
        return define_alter_function(env, ast_as_alter_function(n));
    case NODE_CREATE_SCHEMA:
        *tag = "CREATE SCHEMA";
        return define_create_schema(env, ast_as_create_schema(n));
    case NODE_ALTER_TABLE:
        *tag = alter_tag(ast_as_alter_table(n)->type);
        return define_alter_table(env, ast_as_alter_table(n));
    case NODE_RENAME:
        *tag = alter_tag(ast_as_rename(n)->type);
        return define_rename(env, ast_as_rename(n));
    case NODE_ALTER_OBJECT:
        *tag = alter_tag(ast_as_alter_object(n)->type);
        return define_alter_object(env, ast_as_alter_object(n));
    case NODE_DROP: *tag = drop_tag(ast_as_drop(n)->type); return define_drop(env, ast_as_drop(n));
    case NODE_CREATE_TYPE: *tag = "CREATE TYPE"; return create_type(env, ast_as_create_type(n));
    case NODE_ALTER_ENUM: *tag = "ALTER TYPE"; return define_alter_enum(env, ast_as_alter_enum(n));
    case NODE_CREATE_DOMAIN:
        *tag = "CREATE DOMAIN";
        return define_create_domain(env, ast_as_create_domain(n));
    case NODE_ALTER_DOMAIN:
        *tag = "ALTER DOMAIN";
        return define_alter_domain(env, ast_as_alter_domain(n));
    case NODE_TRUNCATE: *tag = "TRUNCATE TABLE"; return define_truncate(env, ast_as_truncate(n));
    case NODE_COMMENT: *tag = "COMMENT"; return define_comment(env, ast_as_comment(n));
    case NODE_ROLE: *tag = role_tag(ast_as_role(n)); return define_role(env, ast_as_role(n));
    case NODE_DATABASE:
        *tag = database_tag(ast_as_database(n));
        return define_database(env, ast_as_database(n));
    case NODE_VACUUM:
        *tag = ast_as_vacuum(n)->analyze_only ? "ANALYZE" : "VACUUM";
        return define_vacuum(env, ast_as_vacuum(n));
    case NODE_REINDEX: *tag = "REINDEX"; return define_reindex(env, ast_as_reindex(n));
    case NODE_CLUSTER: *tag = "CLUSTER"; return define_cluster(env, ast_as_cluster(n));
    case NODE_CHECKPOINT: *tag = "CHECKPOINT"; return checkpoint(env);
    default: break;
    }
    const char *what = refused(n);
    return define_unsupported(env, what ? what : "this statement");
}

static bool leaves_catalogs_alone(const struct node *n) {
    return n->kind == NODE_VACUUM || n->kind == NODE_CHECKPOINT || !carried_out(n);
}

status define_execute(struct sql_env *env, struct node *stmt, const char **ret_tag) {
    const char *tag = "";
    status st = changing(env, dispatch(env, stmt, &tag));
    if (!ok(st)) return error_from_status(env->eval.error, st);
    if (!leaves_catalogs_alone(stmt)) catalog_changed(env);
    *ret_tag = tag;
    return OK;
}
