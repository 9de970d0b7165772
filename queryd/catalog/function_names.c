/* function_names.c: names of objects: regclass and its kin, visibility, the current this and that.
 */
#include "catalog/collation.h"
#include "catalog/function_bodies.h"
#include "catalog/roles.h"
#include "catalog/routine_names.h"
#include "catalog/session_names.h"
#include "catalog/temp.h"
#include "types/array.h"

/* ---- the name service ------------------------------------------------------------------------ */

struct two_names {
    char schema[NAME_BYTES]; /* empty: not qualified */
    char name[NAME_BYTES];
};

/* One identifier, quoted or folded; false when there is none. */
static bool next_identifier(const char **at, char out[NAME_BYTES]) {
    const char *s = *at;
    size_t n = 0;
    if (*s == '"') {
        for (s++; *s && !(*s == '"' && s[1] != '"'); s++) {
            if (*s == '"') s++;
            if (n < NAME_BYTES - 1) out[n++] = *s;
        }
        if (*s != '"') return false;
        s++;
    } else {
        for (; *s && *s != '.' && *s != ' '; s++)
            if (n < NAME_BYTES - 1) out[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
    }
    out[n] = 0;
    *at = s;
    return n > 0;
}

static status split_name(struct error *e, const char *text, struct two_names *ret) {
    const char *at = text;
    memset(ret, 0, sizeof *ret);
    while (*at == ' ') at++;
    bool good = next_identifier(&at, ret->name);
    while (good && *at == '.') {
        memcpy(ret->schema, ret->name, sizeof ret->schema);
        at++;
        good = next_identifier(&at, ret->name);
    }
    while (*at == ' ') at++;
    if (good && !*at) return OK;
    return error_set(e, ST_INVALID_NAME, "invalid name syntax");
}

static status lookup_class(struct sql_env *env, const struct two_names *n, oid *ret) {
    oid found;
    TRY(relation_oid_named(env, *n->schema ? n->schema : NULL, n->name, &found));
    if (!found)
        return error_set(env->eval.error, ST_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist",
                         n->schema, *n->schema ? "." : "", n->name);
    *ret = found;
    return OK;
}

static status lookup_collation(struct sql_env *env, const struct two_names *n, oid *ret) {
    return catalog_collation_named(env, *n->schema ? n->schema : NULL, n->name, ret);
}

static bool service_env(struct session_env *session, struct error *e, struct sql_env *ret) {
    const struct sql_env *env = session->session;
    if (!env || !env->catalog || !env->txn || !env->txn->slot) return false;
    *ret = *env;
    if (e) ret->eval.error = e;
    return true;
}

static status lookup(struct session_env *session, enum reg_kind kind, const char *name,
                     struct error *e, oid *ret) {
    struct sql_env env;
    struct two_names n;
    if (!service_env(session, e, &env)) return STATUS(NOT_FOUND);
    const char *arguments = kind == REG_PROCEDURE ? strchr(name, '(') : NULL;
    if (kind == REG_PROCEDURE && !arguments)
        return error_set(e, ST_INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
    if (arguments) {
        const char *bare = arena_strndup(env.eval.arena, name, (size_t)(arguments - name));
        if (!bare) return no_memory(&env);
        TRY(split_name(e, bare, &n));
        return routine_by_signature(&env, *n.schema ? n.schema : NULL, n.name, arguments, name,
                                    ret);
    }
    TRY(split_name(e, name, &n));
    switch (kind) {
    case REG_PROC: return routine_by_name(&env, *n.schema ? n.schema : NULL, n.name, ret);
    case REG_CLASS: return lookup_class(&env, &n, ret);
    case REG_TYPE: return catalog_type_named(&env, *n.schema ? n.schema : NULL, n.name, ret);
    case REG_NAMESPACE: return catalog_schema(&env, n.name, ret);
    case REG_ROLE: return role_oid(&env, n.name, ret);
    case REG_COLLATION: return lookup_collation(&env, &n, ret);
    default: return STATUS(NOT_FOUND);
    }
}

static status print_named(struct sql_env *env, enum catalog_number n, int column, oid object,
                          struct buf *out) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, n, object, env->eval.arena, &row));
    return print_identifier(out, row_name(&row, column));
}

static status print(struct session_env *session, enum reg_kind kind, oid object, struct buf *out) {
    struct sql_env env;
    struct catalog_row row;
    if (!service_env(session, NULL, &env)) return STATUS(NOT_FOUND);
    switch (kind) {
    case REG_CLASS: return relation_print(&env, object, out);
    case REG_TYPE:
        TRY(catalog_row_get_oid(&env, CAT_pg_type, object, env.eval.arena, &row));
        return type_name_print(&env, object, -1, out);
    case REG_NAMESPACE:
        return print_named(&env, CAT_pg_namespace, COL_pg_namespace_nspname, object, out);
    case REG_PROC:
    case REG_PROCEDURE: return routine_reg_print(&env, object, kind == REG_PROCEDURE, out);
    case REG_ROLE: return print_named(&env, CAT_pg_authid, COL_pg_authid_rolname, object, out);
    case REG_COLLATION:
        return print_named(&env, CAT_pg_collation, COL_pg_collation_collname, object, out);
    default: return STATUS(NOT_FOUND);
    }
}

static status name_to_role(struct session_env *session, const char *name, struct error *e,
                           oid *ret) {
    struct sql_env env;
    if (service_env(session, e, &env)) return role_need(&env, name, ret);
    return error_set(e, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

static status role_to_name(struct session_env *session, oid role, char ret_name[NAME_BYTES]) {
    struct sql_env env;
    const struct role *r;
    if (!service_env(session, NULL, &env)) return STATUS(NOT_FOUND);
    TRY(role_get(&env, role, &r));
    memcpy(ret_name, r->name, NAME_BYTES);
    return OK;
}

const struct name_service catalog_names = {
    .lookup = lookup, .print = print, .role_oid = name_to_role, .role_name = role_to_name};

/* ---- visibility ------------------------------------------------------------------------------ */

static status return_bool(struct fn_call *c, bool x) {
    c->result = datum_bool(x);
    return OK;
}

status fn_table_is_visible(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    bool visible;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    TRY(relation_is_visible(&env, r->schema, r->name, r->oid, &visible));
    return return_bool(c, visible);
}

status fn_type_is_visible(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    bool in_path;
    const struct type *known = type_find(c->args[0].u32);
    if (known && !known->arena) return return_bool(c, true);
    TRY(function_env(c, &env));
    status st = catalog_row_get_oid(&env, CAT_pg_type, c->args[0].u32, env.eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    TRY(schema_is_in_path(&env, row_oid(&row, COL_pg_type_typnamespace), &in_path));
    return return_bool(c, in_path);
}

/* ---- the session's names --------------------------------------------------------------------- */

status fn_userbyid(struct fn_call *c) {
    struct sql_env env;
    const char *name;
    TRY(function_env(c, &env));
    status st = role_name(&env, c->args[0].u32, env.eval.arena, &name);
    if (status_is(st, ST_NOT_FOUND)) {
        name = arena_printf(env.eval.arena, "unknown (OID=%u)", c->args[0].u32);
        return name ? return_name(c, name) : no_memory(&env);
    }
    TRY(st);
    return return_name(c, name);
}

status fn_current_user(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    return return_name(c, env.settings->user);
}

status fn_session_user(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    return return_name(c, env.settings->session_user ? env.settings->session_user : "");
}

status fn_current_database(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    return return_name(c, env.settings->database);
}

status fn_current_query(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    return env.text ? return_bytes(c, env.text, env.text_len) : return_null(c);
}

status fn_current_schema(struct fn_call *c) {
    struct sql_env env;
    oid schemas[SEARCH_PATH_MAX], creation;
    size_t n;
    const char *name;
    TRY(function_env(c, &env));
    TRY(search_path(&env, schemas, &n, &creation));
    if (!creation) return return_null(c);
    TRY(schema_name_of(&env, creation, env.eval.arena, &name));
    return return_name(c, name);
}

status fn_my_temp_schema(struct fn_call *c) {
    struct sql_env env;
    oid schema = 0;
    TRY(function_env(c, &env));
    status st = temp_schema(&env, &schema);
    if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    c->result = datum_oid(ok(st) ? schema : 0);
    return OK;
}

status fn_is_other_temp_schema(struct fn_call *c) {
    struct sql_env env;
    const char *name;
    TRY(fn_my_temp_schema(c));
    bool own = c->result.u32 == c->args[0].u32;
    c->result = datum_bool(false);
    if (own) return OK;
    TRY(function_env(c, &env));
    status st = schema_name_of(&env, c->args[0].u32, env.eval.arena, &name);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    c->result = datum_bool(name && !strncmp(name, "pg_temp_", 8));
    return OK;
}

status fn_current_schemas(struct fn_call *c) {
    struct sql_env env;
    oid schemas[SEARCH_PATH_MAX], creation;
    datum names[SEARCH_PATH_MAX];
    size_t n;
    uint32_t count = 0;
    bool implicit = c->args[0].b;
    TRY(function_env(c, &env));
    TRY(search_path(&env, schemas, &n, &creation));
    for (size_t i = 0; i < n; i++) {
        const char *name;
        if (!implicit && i == 0 && schemas[0] == SCHEMA_PG_CATALOG && creation != schemas[0])
            continue;
        TRY(schema_name_of(&env, schemas[i], env.eval.arena, &name));
        const char *bytes = catalog_name(env.eval.arena, name);
        if (!bytes) return no_memory(&env);
        names[count++] = datum_ptr(bytes);
    }
    return array_build_1d(&env.eval, NAMEOID, names, NULL, count, &c->result);
}
