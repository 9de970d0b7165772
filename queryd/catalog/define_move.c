/* define_move.c: OWNER TO, SET SCHEMA. */
#include "catalog/define_function.h"

static status set_owner(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_class_relowner, *(oid *)arg);
    return OK;
}

status define_role_oid(struct sql_env *env, const char *name, oid *ret_role) {
    if (*name == ROLE_SPECIAL) {
        *ret_role = env->settings->user_oid;
        return OK;
    }
    status st = role_oid(env, name, ret_role);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

status define_change_owner(struct sql_env *env, const struct relation *r, const char *name) {
    oid role;
    TRY(define_role_oid(env, name, &role));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_owner, &role));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_owner, &role));
    return define_update_class(env, r->oid, set_owner, &role);
}

static status set_schema(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_class_relnamespace, *(oid *)arg);
    return OK;
}

static status schema_owner(struct sql_env *env, const char *schema_name, const char *owner) {
    oid schema, role;
    status st = catalog_schema(env, schema_name, &schema);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         schema_name);
    TRY(st);
    TRY(define_role_oid(env, owner, &role));
    datum key = datum_oid(schema);
    struct catalog_scan s;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_namespace, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    row_set_oid(&row, COL_pg_namespace_nspowner, role);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

status define_alter_object(struct sql_env *env, struct ast_alter_object *s) {
    if (s->type == OBJECT_SCHEMA && s->new_owner)
        return schema_owner(env, ast_as_literal(s->object)->text, s->new_owner);
    if (s->type == OBJECT_FUNCTION || s->type == OBJECT_PROCEDURE || s->type == OBJECT_ROUTINE)
        return define_move_function(env, s);
    if ((s->type == OBJECT_TYPE || s->type == OBJECT_DOMAIN) && !s->extension)
        return define_alter_type_object(env, s);
    if (s->object->kind != NODE_RANGE_VAR || s->extension)
        return define_unsupported(env, "this form of ALTER");
    const struct relation *r;
    status st = define_lock(env, ast_as_range_var(s->object), MODE_ACCESS_EXCLUSIVE, "rviS",
                            s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (s->new_owner) return define_change_owner(env, r, s->new_owner);
    if (r->kind == 'i') return define_unsupported(env, "SET SCHEMA of an index");
    oid schema, taken;
    TRY(schema_for_creation(env, s->new_schema, &schema));
    TRY(define_refuse_catalog_schema(env, schema, s->new_schema, r->name));
    TRY(relation_oid(env, schema, r->name, &taken));
    if (taken)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE,
                         "relation \"%s\" already exists in schema \"%s\"", r->name, s->new_schema);
    TRY(define_rename_in_views(env, r, NULL, s->new_schema));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_schema, &schema));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_schema, &schema));
    struct list *owned = NULL;
    if (r->kind == 'r') TRY(define_owned_sequences(env, r->oid, 0, &owned));
    LIST_EACH(void *, sequence, owned)
    TRY(define_update_class(env, (oid)(uintptr_t)sequence, set_schema, &schema));
    TRY(define_move_row_type(env, r, NULL, schema));
    return define_update_class(env, r->oid, set_schema, &schema);
}
