/* function_collation.c: the SQL functions that ask of collations. */
#include "catalog/collation.h"
#include "catalog/function_bodies.h"
#include "catalog/session_names.h"

status fn_collation_for(struct fn_call *c) {
    const struct type *t = type_find(c->site->arg_types[0]);
    if (!t || t->oid == UNKNOWNOID) return return_null(c);
    if (!t->collation)
        return error_set(c->env->error, ST_DATATYPE_MISMATCH,
                         "collations are not supported by type %s",
                         type_format_name(c->env->arena, t->oid));
    if (!c->site->collation) return return_null(c);
    struct sql_env env;
    struct buf out = {0};
    TRY(function_env(c, &env));
    status st = collation_print(&env, c->site->collation, &out);
    return return_buf(c, st, &out);
}

static status give(struct fn_call *c, bool x) {
    c->result = datum_bool(x);
    return OK;
}

static status collation_row(struct fn_call *c, struct sql_env *env, struct catalog_row *row) {
    TRY(function_env(c, env));
    return catalog_row_get_oid(env, CAT_pg_collation, c->args[0].u32, env->eval.arena, row);
}

/* pg_collation_actual_version(oid): the rules' version as they are now. */
status fn_collation_version(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    char version[32];
    status st = collation_row(c, &env, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(c->env->error, ST_UNDEFINED_OBJECT, "collation with OID %u does not exist",
                         c->args[0].u32);
    TRY(st);
    const char *locale = row_text(env.eval.arena, &row, COL_pg_collation_colliculocale);
    if (!locale) return return_null(c);
    TRY(collator_version(locale, c->env->error, version));
    return return_text(c, version);
}

/* pg_database_collation_actual_version(oid): order by bytes has no version. */
status fn_database_collation_version(struct fn_call *c) {
    return return_null(c);
}

status fn_collation_is_visible(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    oid found;
    status st = collation_row(c, &env, &row);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    const char *name = row_name(&row, COL_pg_collation_collname);
    bool in_path;
    TRY(schema_is_in_path(&env, row_oid(&row, COL_pg_collation_collnamespace), &in_path));
    if (!in_path) return give(c, false);
    TRY(catalog_collation_named(&env, NULL, name, &found));
    return give(c, found == c->args[0].u32);
}
