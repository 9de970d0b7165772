/* define_comment.c: COMMENT ON. */
#include "catalog/collation.h"
#include "catalog/define_function.h"
#include "catalog/define_operator.h"

static status put_comment(struct sql_env *env, struct object_address on, const char *text) {
    datum keys[] = {datum_oid(on.object), datum_oid(on.class_oid), datum_int4(on.part)};
    bool shared = on.class_oid == OID_pg_database || on.class_oid == OID_pg_authid ||
                  on.class_oid == OID_pg_tablespace;
    enum catalog_number n = shared ? CAT_pg_shdescription : CAT_pg_description;
    TRY(catalog_rows_delete(env, n, 0, keys, shared ? 2 : 3, NULL));
    if (!text || !*text) return OK;
    struct catalog_row row;
    catalog_row_init(&row, n);
    row_set_oid(&row, 1, on.object);
    row_set_oid(&row, 2, on.class_oid);
    if (!shared) row_set_int(&row, COL_pg_description_objsubid, on.part);
    TRY(row_set_text(env->eval.arena, &row,
                     shared ? COL_pg_shdescription_description : COL_pg_description_description,
                     text));
    return catalog_row_insert(env, n, &row);
}

/* The kind that COMMENT ON names; a column may be one of any. */
static status right_kind(struct sql_env *env, const struct relation *r, enum ast_object_type type) {
    static const struct {
        enum ast_object_type type;
        char kind;
        const char *words;
    } kinds[] = {{OBJECT_TABLE, 'r', "a table"},
                 {OBJECT_VIEW, 'v', "a view"},
                 {OBJECT_INDEX, 'i', "an index"},
                 {OBJECT_SEQUENCE, 'S', "a sequence"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type && kinds[i].kind != r->kind)
            return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not %s", r->name,
                             kinds[i].words);
    return OK;
}

/* The relation that all names but the last `parts` give. */
static status relation_of(struct sql_env *env, const struct list *names, int32_t parts,
                          const struct relation **ret) {
    int32_t n = list_n(names) - parts;
    return catalog_relation_lock(env, n > 1 ? list_at(names, n - 2) : NULL, list_at(names, n - 1),
                                 MODE_SHARE_UPDATE_EXCLUSIVE, -1, ret);
}

static status comment_on_relation(struct sql_env *env, enum ast_object_type type,
                                  const struct list *names, struct object_address *ret_on) {
    const struct relation *r;
    TRY(relation_of(env, names, 0, &r));
    TRY(right_kind(env, r, type));
    *ret_on = (struct object_address){OID_pg_class, r->oid, 0};
    return OK;
}

static status comment_on_column(struct sql_env *env, const struct list *names,
                                struct object_address *ret_on) {
    const struct relation *r;
    struct attribute *att;
    if (list_n(names) < 2)
        return error_set(env->eval.error, ST_SYNTAX_ERROR, "column name must be qualified");
    TRY(relation_of(env, names, 1, &r));
    if (r->kind == 'i' || r->kind == 'S') {
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                              "cannot set comment on relation \"%s\"", r->name);
        error_detail(env->eval.error, "This operation is not supported for %s.",
                     r->kind == 'i' ? "indexes" : "sequences");
        return st;
    }
    TRY(define_need_attribute(env, r, list_at(names, list_n(names) - 1), &att));
    *ret_on = (struct object_address){OID_pg_class, r->oid, att->number};
    return OK;
}

static status comment_on_constraint(struct sql_env *env, const struct list *names,
                                    struct object_address *ret_on) {
    const struct relation *r;
    struct catalog_row row;
    const char *name = list_at(names, list_n(names) - 1);
    TRY(relation_of(env, names, 1, &r));
    status st = define_constraint_row(env, r, name, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "constraint \"%s\" for table \"%s\" does not exist", name, r->name);
    TRY(st);
    *ret_on = (struct object_address){OID_pg_constraint, row_oid(&row, COL_pg_constraint_oid), 0};
    return OK;
}

static status comment_on_type(struct sql_env *env, struct ast_type_name *n,
                              struct object_address *ret_on) {
    oid type;
    int32_t typmod;
    TRY(type_from_ast(env, n, &type, &typmod));
    *ret_on = (struct object_address){OID_pg_type, type, 0};
    return OK;
}

/* What has a name of its own, without a schema. */
static const struct global_kind {
    enum ast_object_type type;
    enum catalog_number catalog;
    oid class_oid, index;
    const char *words;
    enum status_code missing;
} globals[] = {
    {OBJECT_DATABASE, CAT_pg_database, OID_pg_database, OID_pg_database_datname_index, "database",
     ST_INVALID_CATALOG_NAME},
    {OBJECT_TABLESPACE, CAT_pg_tablespace, OID_pg_tablespace, OID_pg_tablespace_spcname_index,
     "tablespace", ST_UNDEFINED_OBJECT},
    {OBJECT_LANGUAGE, CAT_pg_language, OID_pg_language, OID_pg_language_name_index, "language",
     ST_UNDEFINED_OBJECT},
    {OBJECT_EXTENSION, CAT_pg_extension, OID_pg_extension, OID_pg_extension_name_index, "extension",
     ST_UNDEFINED_OBJECT},
    {OBJECT_ACCESS_METHOD, CAT_pg_am, OID_pg_am, OID_pg_am_name_index, "access method",
     ST_UNDEFINED_OBJECT},
};

/* A dump of a database that had another name is no reason to stop. *ret_on stays without class. */
static status comment_on_global(struct sql_env *env, enum ast_object_type type, const char *name,
                                struct object_address *ret_on) {
    const struct global_kind *k = globals;
    const char *key = catalog_name(env->eval.arena, name);
    struct catalog_row row;
    if (!key) return no_memory(env);
    while (k->type != type) k++;
    datum keys[] = {datum_ptr(key)};
    status st = catalog_row_get(env, k->catalog, k->index, keys, 1, env->eval.arena, &row);
    *ret_on = (struct object_address){0};
    if (status_is(st, ST_NOT_FOUND) && type == OBJECT_DATABASE) {
        if (env->notice)
            env->notice(env, "WARNING", "3D000",
                        arena_printf(env->eval.arena, "database \"%s\" does not exist", name),
                        NULL);
        return OK;
    }
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, k->missing, "%s \"%s\" does not exist", k->words, name);
    TRY(st);
    *ret_on = (struct object_address){k->class_oid, row_oid(&row, 1), 0};
    return OK;
}

static status comment_on_named(struct sql_env *env, enum ast_object_type type, const char *name,
                               struct object_address *ret_on) {
    status st;
    oid id;
    if (type == OBJECT_SCHEMA) {
        st = catalog_schema(env, name, &id);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME,
                             "schema \"%s\" does not exist", name);
        *ret_on = (struct object_address){OID_pg_namespace, id, 0};
        return st;
    }
    if (type == OBJECT_ROLE) {
        st = role_oid(env, name, &id);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist",
                             name);
        *ret_on = (struct object_address){OID_pg_authid, id, 0};
        return st;
    }
    return comment_on_global(env, type, name, ret_on);
}

static status comment_on_domain_constraint(struct sql_env *env, const struct list *names,
                                           struct object_address *ret_on) {
    int32_t n = list_n(names);
    const char *name = list_at(names, n - 1), *key = catalog_name(env->eval.arena, name);
    oid domain;
    struct catalog_row row;
    if (!key) return no_memory(env);
    TRY(catalog_type_named(env, n > 2 ? list_at(names, n - 3) : NULL, list_at(names, n - 2),
                           &domain));
    const char *words = type_format_name(env->eval.arena, domain);
    const struct type *t = type_find(domain);
    if (!t || !t->base)
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a domain", words);
    datum keys[] = {datum_oid(0), datum_oid(domain), datum_ptr(key)};
    status st =
        catalog_row_get(env, CAT_pg_constraint, OID_pg_constraint_conrelid_contypid_conname_index,
                        keys, 3, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "constraint \"%s\" for domain %s does not exist", name, words);
    TRY(st);
    *ret_on = (struct object_address){OID_pg_constraint, row_oid(&row, COL_pg_constraint_oid), 0};
    return OK;
}

static status comment_on_cast(struct sql_env *env, const struct ast_object_args *c,
                              struct object_address *ret_on) {
    oid types[2];
    int32_t typmod;
    struct catalog_row row;
    for (int i = 0; i < 2; i++) TRY(type_from_ast(env, list_at(c->args, i), &types[i], &typmod));
    datum keys[] = {datum_oid(types[0]), datum_oid(types[1])};
    status st = catalog_row_get(env, CAT_pg_cast, OID_pg_cast_source_target_index, keys, 2,
                                env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "cast from type %s to type %s does not exist",
                         type_format_name(env->eval.arena, types[0]),
                         type_format_name(env->eval.arena, types[1]));
    TRY(st);
    *ret_on = (struct object_address){OID_pg_cast, row_oid(&row, COL_pg_cast_oid), 0};
    return OK;
}

static bool is_routine(enum ast_object_type type) {
    return type == OBJECT_FUNCTION || type == OBJECT_PROCEDURE || type == OBJECT_ROUTINE ||
           type == OBJECT_AGGREGATE;
}

static status comment_on_names(struct sql_env *env, enum ast_object_type type,
                               const struct list *names, struct object_address *ret_on) {
    switch (type) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_INDEX: return comment_on_relation(env, type, names, ret_on);
    case OBJECT_COLUMN: return comment_on_column(env, names, ret_on);
    case OBJECT_TABLE_CONSTRAINT: return comment_on_constraint(env, names, ret_on);
    case OBJECT_COLLATION: {
        int32_t n = list_n(names);
        *ret_on = (struct object_address){.class_oid = OID_pg_collation};
        return catalog_collation_named(env, n > 1 ? list_at(names, n - 2) : NULL,
                                       list_at(names, n - 1), &ret_on->object);
    }
    case OBJECT_DOMAIN_CONSTRAINT: return comment_on_domain_constraint(env, names, ret_on);
    case OBJECT_SCHEMA:
    case OBJECT_ROLE:
    case OBJECT_DATABASE:
    case OBJECT_TABLESPACE:
    case OBJECT_LANGUAGE:
    case OBJECT_EXTENSION:
    case OBJECT_ACCESS_METHOD:
        return comment_on_named(env, type, list_at(names, list_n(names) - 1), ret_on);
    default: return define_unsupported(env, "COMMENT ON this kind of object");
    }
}

/* Who may say something about an object: its owner; about a role who may change it. */
static status may_comment(struct sql_env *env, struct object_address on) {
    bool super, creator, other;
    const struct object_acl *o;
    TRY(role_is_superuser(env, env->settings->user_oid, &super));
    if (super) return OK;
    if (on.class_oid == OID_pg_authid) {
        TRY(role_is_superuser(env, on.object, &other));
        TRY(role_may_create_roles(env, &creator));
        if (other)
            return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be superuser");
        return creator ? OK
                       : error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                                   "must have CREATEROLE privilege");
    }
    if (on.class_oid == OID_pg_constraint) {
        struct catalog_row row;
        TRY(catalog_row_get_oid(env, CAT_pg_constraint, on.object, env->eval.arena, &row));
        oid table = row_oid(&row, COL_pg_constraint_conrelid);
        oid domain = row_oid(&row, COL_pg_constraint_contypid);
        if (table) return privilege_check_owner(env, OID_pg_class, table);
        TRY(privilege_is_owner(env, OID_pg_type, domain, env->settings->user_oid, &other));
        return other ? OK
                     : error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                                 "must be owner of type %s",
                                 type_format_name(env->eval.arena, domain));
    }
    for (size_t i = 1; i < sizeof globals / sizeof *globals; i++)
        if (globals[i].class_oid == on.class_oid)
            return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be owner of %s",
                             globals[i].words);
    if (on.class_oid == OID_pg_cast)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be owner of the cast");
    if (!on.part) return privilege_check_owner(env, on.class_oid, on.object);
    TRY(privilege_is_owner(env, on.class_oid, on.object, env->settings->user_oid, &other));
    if (other) return OK;
    TRY(privilege_object(env, on.class_oid, on.object, &o));
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be owner of relation %s",
                     o->name);
}

status define_comment(struct sql_env *env, struct ast_comment *s) {
    struct object_address on;
    if (s->object->kind == NODE_NAME_LIST)
        TRY(comment_on_names(env, s->type, ast_as_name_list(s->object)->names, &on));
    else if (s->object->kind == NODE_TYPE_NAME)
        TRY(comment_on_type(env, (struct ast_type_name *)s->object, &on));
    else if (is_routine(s->type))
        TRY(define_comment_on_function(env, s->type, (struct ast_object_args *)s->object, &on));
    else if (s->type == OBJECT_CAST)
        TRY(comment_on_cast(env, (struct ast_object_args *)s->object, &on));
    else if (s->type == OBJECT_OPERATOR) {
        on = (struct object_address){.class_oid = OID_pg_operator};
        TRY(define_operator_named(env, (struct ast_object_args *)s->object, &on.object));
    } else
        return define_unsupported(env, "COMMENT ON this kind of object");
    if (!on.class_oid) return OK;
    TRY(may_comment(env, on));
    return put_comment(env, on, s->text);
}
