/* define.c: which definition a statement is; the small ones. */
#include "catalog/define_cast.h"
#include "catalog/define_function.h"
#include "catalog/define_operator.h"

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

static status dispatch(struct sql_env *env, struct node *n);

static status create_element(struct sql_env *env, struct node *n, const char *schema) {
    struct ast_range_var *name = name_of_element(n);
    if (!name) return define_unsupported(env, "this element of CREATE SCHEMA");
    if (name->schema && strcmp(name->schema, schema))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_DEFINITION,
                         "CREATE specifies a schema (%s) different from the one being created (%s)",
                         name->schema, schema);
    name->schema = (char *)schema;
    catalog_changed(env);
    return dispatch(env, n);
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

/* CREATE on the database; for another role only who may act as it. */
static status may_create_schema(struct sql_env *env, oid owner) {
    const struct role *r;
    bool member;
    TRY(privilege_check(env, OID_pg_database, env->settings->database_oid, ACL_CREATE));
    TRY(role_is_member(env, env->settings->user_oid, owner, &member));
    if (member) return OK;
    TRY(role_get(env, owner, &r));
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"",
                     r->name);
}

status define_create_schema(struct sql_env *env, struct ast_create_schema *s) {
    const char *name = s->name;
    oid owner = env->settings->user_oid, id;
    if (s->owner) TRY(role_written(env, s->owner, false, &owner));
    if (!name) {
        const struct role *r;
        TRY(role_get(env, owner, &r));
        name = r->name;
    }
    TRY(may_create_schema(env, owner));
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

/* ---- CHECKPOINT ------------------------------------------------------------------------------ */

static status checkpoint(struct sql_env *env) {
    bool may;
    TRY(role_has_privileges(env, env->settings->user_oid, ROLE_PG_CHECKPOINT, &may));
    if (!may)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT");
    struct msg m = {.op = MSG_CHECKPOINT, .trace = env->proc->trace};
    return env->proc->env->call(env->proc, SLOT_STORAGED, &m);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

/* Statements that are refused by name; NULL: not one of them. */
static const char *refused(const struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE_AS: return "CREATE TABLE AS";
    case NODE_REFRESH: return "REFRESH MATERIALIZED VIEW";
    case NODE_DO: return "DO";
    case NODE_EXTENSION: return "CREATE EXTENSION";
    case NODE_ALTER_SYSTEM: return "ALTER SYSTEM";
    case NODE_UNSUPPORTED: return ((struct ast_unsupported *)n)->command;
    default: return NULL;
    }
}

bool define_is_definition(const struct node *stmt) {
    return define_command(stmt) || refused(stmt);
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

static status dispatch(struct sql_env *env, struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE: return define_create_table(env, ast_as_create_table(n));
    case NODE_CREATE_INDEX: return define_create_index(env, ast_as_create_index(n));
    case NODE_CREATE_VIEW: return define_create_view(env, ast_as_create_view(n));
    case NODE_SEQUENCE: return define_sequence(env, ast_as_sequence(n));
    case NODE_CREATE_FUNCTION: return define_create_function(env, ast_as_create_function(n));
    case NODE_ALTER_FUNCTION: return define_alter_function(env, ast_as_alter_function(n));
    case NODE_CREATE_SCHEMA: return define_create_schema(env, ast_as_create_schema(n));
    case NODE_ALTER_TABLE: return define_alter_table(env, ast_as_alter_table(n));
    case NODE_RENAME: return define_rename(env, ast_as_rename(n));
    case NODE_ALTER_OBJECT: return define_alter_object(env, ast_as_alter_object(n));
    case NODE_DROP: return define_drop(env, ast_as_drop(n));
    case NODE_CREATE_TYPE: return create_type(env, ast_as_create_type(n));
    case NODE_ALTER_ENUM: return define_alter_enum(env, ast_as_alter_enum(n));
    case NODE_CREATE_CAST: return define_create_cast(env, ast_as_create_cast(n));
    case NODE_CREATE_OPERATOR: return define_create_operator(env, ast_as_create_operator(n));
    case NODE_ALTER_OPERATOR: return define_alter_operator(env, ast_as_alter_operator(n));
    case NODE_CREATE_AGGREGATE: return define_create_aggregate(env, ast_as_create_aggregate(n));
    case NODE_CREATE_COLLATION: return define_create_collation(env, ast_as_create_collation(n));
    case NODE_REFRESH_COLLATION: return define_refresh_collation(env, ast_as_refresh_collation(n));
    case NODE_CREATE_DOMAIN: return define_create_domain(env, ast_as_create_domain(n));
    case NODE_ALTER_DOMAIN: return define_alter_domain(env, ast_as_alter_domain(n));
    case NODE_TRUNCATE: return define_truncate(env, ast_as_truncate(n));
    case NODE_COMMENT: return define_comment(env, ast_as_comment(n));
    case NODE_ROLE: return define_role(env, ast_as_role(n));
    case NODE_GRANT: return define_grant(env, ast_as_grant(n));
    case NODE_GRANT_ROLE: return define_grant_role(env, ast_as_grant_role(n));
    case NODE_OWNED: return define_owned(env, ast_as_owned(n));
    case NODE_DATABASE: return define_database(env, ast_as_database(n));
    case NODE_VACUUM: return define_vacuum(env, ast_as_vacuum(n));
    case NODE_REINDEX: return define_reindex(env, ast_as_reindex(n));
    case NODE_CLUSTER: return define_cluster(env, ast_as_cluster(n));
    case NODE_CHECKPOINT: return checkpoint(env);
    default: break;
    }
    const char *what = refused(n);
    return define_unsupported(env, what ? what : "this statement");
}

static bool leaves_catalogs_alone(const struct node *n) {
    return n->kind == NODE_VACUUM || n->kind == NODE_CHECKPOINT || !define_command(n);
}

status define_execute(struct sql_env *env, struct node *stmt, const char **ret_tag) {
    struct list *cascades = NULL;
    env->cascades = &cascades;
    status st = changing(env, dispatch(env, stmt));
    if (ok(st)) define_tell_cascades(env);
    env->cascades = NULL;
    if (!ok(st)) return catalog_error(env, st);
    if (!leaves_catalogs_alone(stmt)) catalog_changed(env);
    *ret_tag = define_command(stmt);
    return OK;
}
