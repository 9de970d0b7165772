/* define_default_acl.c: ALTER DEFAULT PRIVILEGES: what objects made later begin with. */
#include "catalog/define_internal.h"

static const struct kind {
    enum ast_object_type type;
    char objects; /* pg_default_acl.defaclobjtype */
    enum acl_kind kind;
    const char *words;
} kinds[] = {
    {OBJECT_TABLE, 'r', ACL_KIND_RELATION, "relation"},
    {OBJECT_SEQUENCE, 'S', ACL_KIND_SEQUENCE, "sequence"},
    {OBJECT_FUNCTION, 'f', ACL_KIND_FUNCTION, "function"},
    {OBJECT_PROCEDURE, 'f', ACL_KIND_FUNCTION, "procedure"},
    {OBJECT_ROUTINE, 'f', ACL_KIND_FUNCTION, "routine"},
    {OBJECT_TYPE, 'T', ACL_KIND_TYPE, "type"},
    {OBJECT_SCHEMA, 'n', ACL_KIND_SCHEMA, "schema"},
};

struct defaults {
    const struct kind *kind;
    oid role, schema;
};

/* The row that is there, open in *s; its list, or what holds without one. */
static status old_list(struct sql_env *env, const struct defaults *d, struct catalog_scan *s,
                       bool *ret_there, struct acl **ret_usual, struct acl **ret) {
    datum keys[] = {datum_oid(d->role), datum_oid(d->schema), datum_char(d->kind->objects)};
    *ret_usual = d->schema ? arena_zalloc(env->eval.arena, sizeof **ret_usual)
                           : acl_default(env->eval.arena, d->kind->kind, d->role);
    if (!*ret_usual) return no_memory(env);
    TRY(catalog_scan_begin(env, CAT_pg_default_acl, OID_pg_default_acl_role_nsp_obj_index, keys, 3,
                           s));
    status st = catalog_scan_next(s);
    *ret_there = ok(st);
    *ret = *ret_usual;
    if (status_is(st, ST_END)) return OK;
    TRY(st);
    return acl_of_array(&env->eval, s->row.values[COL_pg_default_acl_defaclacl - 1].v,
                        env->eval.arena, ret);
}

static status insert_row(struct sql_env *env, const struct defaults *d, datum list) {
    struct catalog_row row;
    oid id;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_default_acl);
    row_set_oid(&row, COL_pg_default_acl_oid, id);
    row_set_oid(&row, COL_pg_default_acl_defaclrole, d->role);
    row_set_oid(&row, COL_pg_default_acl_defaclnamespace, d->schema);
    row_set_char(&row, COL_pg_default_acl_defaclobjtype, d->kind->objects);
    row_set(&row, COL_pg_default_acl_defaclacl, list);
    TRY(catalog_row_insert(env, CAT_pg_default_acl, &row));
    if (!d->schema) return OK;
    return define_depend(env, (struct object_address){OID_pg_default_acl, id, 0},
                         (struct object_address){OID_pg_namespace, d->schema, 0}, 'a');
}

static status store(struct sql_env *env, const struct defaults *d, struct catalog_scan *s,
                    bool there, struct acl *usual, struct acl *list) {
    datum value;
    acl_sort(usual);
    acl_sort(list);
    if (acl_equal(usual, list)) {
        if (!there) return OK;
        TRY(define_forget(env, OID_pg_default_acl, row_oid(&s->row, COL_pg_default_acl_oid)));
        return catalog_row_delete(s);
    }
    TRY(acl_to_array(&env->eval, list, &value));
    if (!there) return insert_row(env, d, value);
    struct catalog_row row = s->row;
    row_set(&row, COL_pg_default_acl_defaclacl, value);
    return catalog_row_update(s, &row);
}

static status change(struct sql_env *env, const struct grant *g, const struct defaults *d) {
    struct catalog_scan s = {0};
    struct acl *usual, *old, *list;
    bool there;
    status st = old_list(env, d, &s, &there, &usual, &old);
    if (ok(st)) st = define_apply_grant(env, g, old, g->rights, d->role, d->role, &list);
    if (ok(st)) st = store(env, d, &s, there, usual, list);
    catalog_scan_end(&s);
    return st;
}

/* DROP OWNED: the role disappears from somebody's defaults. */
status define_revoke_default(struct sql_env *env, oid default_acl, oid role) {
    struct catalog_row row;
    struct catalog_scan s = {0};
    struct acl *usual, *list;
    bool there;
    TRY(catalog_row_get_oid(env, CAT_pg_default_acl, default_acl, env->eval.arena, &row));
    struct defaults d = {.kind = kinds,
                         .role = row_oid(&row, COL_pg_default_acl_defaclrole),
                         .schema = row_oid(&row, COL_pg_default_acl_defaclnamespace)};
    while (d.kind->objects != row_char(&row, COL_pg_default_acl_defaclobjtype)) d.kind++;
    status st = old_list(env, &d, &s, &there, &usual, &list);
    if (ok(st)) st = define_without_role(env, list, role, d.role, &list);
    if (ok(st)) st = store(env, &d, &s, there, usual, list);
    catalog_scan_end(&s);
    return st;
}

static status may_speak_for(struct sql_env *env, oid role) {
    const struct role *r;
    bool may;
    TRY(role_is_member(env, env->settings->user_oid, role, &may));
    if (may) return OK;
    TRY(role_get(env, role, &r));
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"",
                     r->name);
}

static status for_role(struct sql_env *env, const struct grant *g, struct defaults *d,
                       const struct list *schemas) {
    TRY(may_speak_for(env, d->role));
    d->schema = 0;
    if (!schemas) return change(env, g, d);
    LIST_EACH(const char *, name, schemas) {
        status st = catalog_schema(env, name, &d->schema);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME,
                             "schema \"%s\" does not exist", name);
        TRY(st);
        TRY(change(env, g, d));
    }
    return OK;
}

static status read_lists(struct sql_env *env, const struct ast_grant *s,
                         const struct list **schemas, const struct list **roles) {
    LIST_EACH(struct ast_def_elem *, o, s->options) {
        const struct list **to = !strcmp(o->name, "schemas") ? schemas : roles;
        if (*to) return define_conflicting(env, o);
        *to = ((const struct ast_name_list *)o->value)->names;
    }
    return OK;
}

status define_default_privileges(struct sql_env *env, const struct ast_grant *s) {
    const struct list *schemas = NULL, *roles = NULL;
    struct grant g;
    struct defaults d = {.kind = kinds, .role = env->settings->user_oid};
    TRY(read_lists(env, s, &schemas, &roles));
    while (d.kind->type != s->type) d.kind++;
    TRY(define_read_grant(env, s, acl_kind_rights(d.kind->kind), d.kind->words, &g));
    if (schemas && s->type == OBJECT_SCHEMA)
        return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                         "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS");
    if (!roles) return for_role(env, &g, &d, schemas);
    LIST_EACH(const char *, name, roles) {
        TRY(role_written(env, name, false, &d.role));
        TRY(for_role(env, &g, &d, schemas));
    }
    return OK;
}
