/* define_owner.c: OWNER TO of everything; REASSIGN OWNED and DROP OWNED. */
#include "catalog/define_internal.h"
#include "types/resolution.h"

/* ---- another owner --------------------------------------------------------------------------- */

struct new_owner {
    const struct privilege_class *c;
    oid old, fresh;
};

static status change_list(struct sql_env *env, struct catalog_row *row, int column,
                          const struct new_owner *n) {
    struct acl *list;
    datum value;
    if (!column || row_is_null(row, column)) return OK;
    TRY(acl_of_array(&env->eval, row->values[column - 1].v, env->eval.arena, &list));
    TRY(acl_new_owner(&env->eval, list, n->old, n->fresh, &list));
    TRY(acl_to_array(&env->eval, list, &value));
    row_set(row, column, value);
    return OK;
}

static status set_owner(struct sql_env *env, struct catalog_row *row, void *arg) {
    struct new_owner *n = arg;
    n->old = row_oid(row, n->c->owner);
    TRY(change_list(env, row, n->c->acl, n));
    row_set_oid(row, n->c->owner, n->fresh);
    return OK;
}

static status update(struct sql_env *env, oid class_oid, oid object, oid owner, oid *ret_old) {
    struct new_owner n = {privilege_class_of(class_oid), 0, owner};
    TRY(define_update_row(env, class_oid, object, set_owner, &n));
    if (ret_old) *ret_old = n.old;
    return OK;
}

static status set_column_list(struct sql_env *env, struct catalog_row *row, void *arg) {
    return change_list(env, row, COL_pg_attribute_attacl, arg);
}

static status update_type(struct sql_env *env, oid type, oid owner) {
    struct catalog_row row;
    status st = type ? catalog_row_get_oid(env, CAT_pg_type, type, env->eval.arena, &row)
                     : STATUS(NOT_FOUND);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(update(env, OID_pg_type, type, owner, NULL));
    oid array = row_oid(&row, COL_pg_type_typarray);
    return array ? update(env, OID_pg_type, array, owner, NULL) : OK;
}

static status update_columns(struct sql_env *env, const struct relation *r, struct new_owner *n) {
    const struct object_acl *o;
    TRY(privilege_object(env, OID_pg_class, r->oid, &o));
    for (uint16_t i = 0; i < o->ncolumns; i++)
        if (o->columns[i])
            TRY(define_update_attribute(env, r->oid, (int16_t)(i + 1), set_column_list, n));
    return OK;
}

/* With all that belongs to it: indexes, row type, sequences of its columns. */
static status update_relation(struct sql_env *env, oid relation, oid owner) {
    const struct relation *r;
    struct list *owned = NULL;
    struct new_owner n = {NULL, 0, owner};
    TRY(catalog_relation(env, relation, &r));
    TRY(update_columns(env, r, &(struct new_owner){NULL, r->owner, owner}));
    TRY(update(env, OID_pg_class, relation, owner, &n.old));
    TRY(update_type(env, r->row_type, owner));
    if (r->primary) TRY(update(env, OID_pg_class, r->primary->oid, owner, NULL));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(update(env, OID_pg_class, r->indexes[i].oid, owner, NULL));
    if (!strchr("rv", r->kind)) return OK;
    TRY(define_owned_sequences(env, relation, 0, &owned));
    LIST_EACH(void *, sequence, owned)
    TRY(update_relation(env, (oid)(uintptr_t)sequence, owner));
    return OK;
}

/* A composite type's relation goes with it. */
static status update_any_type(struct sql_env *env, oid type, oid owner) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_type, type, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_type_typrelid);
    if (relation && row_char(&row, COL_pg_type_typtype) == 'c')
        TRY(update(env, OID_pg_class, relation, owner, NULL));
    return update_type(env, type, owner);
}

status define_set_owner(struct sql_env *env, oid class_oid, oid object, oid owner) {
    status st = class_oid == OID_pg_class  ? update_relation(env, object, owner)
                : class_oid == OID_pg_type ? update_any_type(env, object, owner)
                                           : update(env, class_oid, object, owner, NULL);
    catalog_changed(env);
    return st;
}

static status must_be_member(struct sql_env *env, oid role) {
    const struct role *r;
    bool member;
    TRY(role_is_member(env, env->settings->user_oid, role, &member));
    if (member) return OK;
    TRY(role_get(env, role, &r));
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"",
                     r->name);
}

status define_check_new_owner(struct sql_env *env, oid class_oid, oid object, oid owner) {
    const struct object_acl *o;
    const struct role *user;
    TRY(role_get(env, env->settings->user_oid, &user));
    if (user->super) return OK;
    TRY(privilege_object(env, class_oid, object, &o));
    if (o->owner == owner) return OK;
    TRY(privilege_check_owner(env, class_oid, object));
    TRY(must_be_member(env, owner));
    if (class_oid == OID_pg_namespace)
        return privilege_check(env, OID_pg_database, env->settings->database_oid, ACL_CREATE);
    if (class_oid == OID_pg_database && !user->create_db)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied to change owner of database");
    /* the new owner could have made it where it is */
    return o->schema ? privilege_check_as(env, OID_pg_namespace, o->schema, owner, ACL_CREATE) : OK;
}

/* ---- REASSIGN OWNED -------------------------------------------------------------------------- */

static bool is_here(const struct sql_env *env, const struct role_use *u) {
    return !u->database || u->database == env->settings->database_oid;
}

static status reassign(struct sql_env *env, oid from, oid to) {
    struct role_use *uses;
    size_t n;
    TRY(shared_depend_of_role(env, from, &uses, &n));
    for (size_t i = 0; i < n; i++) {
        const struct object_acl *o;
        if (uses[i].type != 'o' || !is_here(env, &uses[i])) continue;
        if (uses[i].class_oid == OID_pg_default_acl) continue; /* they stay with the role */
        status st = privilege_object(env, uses[i].class_oid, uses[i].object, &o);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        if (o->owner == from) /* not yet with what it belongs to */
            TRY(define_set_owner(env, uses[i].class_oid, uses[i].object, to));
    }
    return OK;
}

/* ---- DROP OWNED ------------------------------------------------------------------------------ */

static status name_list(struct sql_env *env, oid schema, const char *name, struct list **ret) {
    const char *schema_name;
    *ret = NULL;
    if (schema) {
        TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
        TRY(list_append(env->eval.arena, ret, (void *)schema_name));
    }
    return list_append(env->eval.arena, ret, (void *)name);
}

static status type_item(struct sql_env *env, oid type, struct node **ret) {
    const struct object_acl *o;
    struct ast_type_name *t = arena_zalloc(env->eval.arena, sizeof *t);
    if (!t) return no_memory(env);
    TRY(privilege_object(env, OID_pg_type, type, &o));
    t->node = (struct node){.kind = NODE_TYPE_NAME, .location = -1};
    *ret = &t->node;
    return name_list(env, o->schema, o->name, &t->names);
}

static status function_item(struct sql_env *env, const struct object_acl *o, struct node **ret) {
    struct catalog_row row;
    int64_t types[FUNCTION_ARGS_MAX];
    size_t n;
    struct ast_object_args *f = arena_zalloc(env->eval.arena, sizeof *f);
    if (!f) return no_memory(env);
    TRY(catalog_row_get_oid(env, CAT_pg_proc, o->object, env->eval.arena, &row));
    TRY(row_numbers(&env->eval, &row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                    FUNCTION_ARGS_MAX, &n));
    f->node = (struct node){.kind = NODE_OBJECT_ARGS, .location = -1};
    f->args_given = true;
    for (size_t i = 0; i < n; i++) {
        struct node *type;
        TRY(type_item(env, (oid)types[i], &type));
        TRY(list_append(env->eval.arena, &f->args, type));
    }
    *ret = &f->node;
    return name_list(env, o->schema, o->name, &f->names);
}

static enum ast_object_type type_of_object(const struct object_acl *o) {
    if (o->class_oid == OID_pg_namespace) return OBJECT_SCHEMA;
    if (o->class_oid == OID_pg_type) return o->subkind == 'd' ? OBJECT_DOMAIN : OBJECT_TYPE;
    if (o->class_oid == OID_pg_proc)
        return o->subkind == 'p'   ? OBJECT_PROCEDURE
               : o->subkind == 'a' ? OBJECT_AGGREGATE
                                   : OBJECT_FUNCTION;
    switch (o->subkind) {
    case 'v': return OBJECT_VIEW;
    case 'S': return OBJECT_SEQUENCE;
    case 'm': return OBJECT_MATVIEW;
    default: return OBJECT_TABLE;
    }
}

/* What DROP would name; types and functions by type names and arguments. */
static status drop_item(struct sql_env *env, const struct object_acl *o, struct node **ret) {
    if (o->class_oid == OID_pg_type) return type_item(env, o->object, ret);
    if (o->class_oid == OID_pg_proc) return function_item(env, o, ret);
    struct ast_name_list *names = arena_zalloc(env->eval.arena, sizeof *names);
    if (!names) return no_memory(env);
    names->node = (struct node){.kind = NODE_NAME_LIST, .location = -1};
    *ret = &names->node;
    return name_list(env, o->schema, o->name, &names->names);
}

static status drop_one(struct sql_env *env, const struct role_use *u, bool cascade) {
    struct ast_drop drop = {.node = {.kind = NODE_DROP, .location = -1}, .cascade = cascade};
    const struct object_acl *o;
    struct node *item;
    if (u->class_oid == OID_pg_default_acl) {
        datum key = datum_oid(u->object);
        TRY(define_forget(env, OID_pg_default_acl, u->object));
        return catalog_rows_delete(env, CAT_pg_default_acl, 0, &key, 1, NULL);
    }
    status st = privilege_object(env, u->class_oid, u->object, &o);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* it went with another */
    TRY(st);
    drop.type = type_of_object(o);
    TRY(drop_item(env, o, &item));
    TRY(list_append(env->eval.arena, &drop.objects, item));
    TRY(define_drop(env, &drop));
    catalog_changed(env);
    return OK;
}

static status revoke_all(struct sql_env *env, oid role) {
    struct role_use *uses;
    size_t n;
    TRY(shared_depend_of_role(env, role, &uses, &n));
    for (size_t i = 0; i < n; i++)
        if (uses[i].type == 'a' && is_here(env, &uses[i]))
            TRY(define_revoke_role(env, &uses[i], role));
    return OK;
}

/* What these roles own; the youngest goes first: it depends on the older. */
static status drop_all(struct sql_env *env, const oid *roles, size_t nroles, bool cascade) {
    struct role_use *uses[2] = {NULL, NULL};
    size_t n = 0;
    for (size_t r = 0; r < nroles; r++) {
        size_t more;
        TRY(shared_depend_of_role(env, roles[r], &uses[1], &more));
        struct role_use *both = arena_array(env->eval.arena, n + more + 1, sizeof *both);
        if (!both) return no_memory(env);
        if (n) memcpy(both, uses[0], n * sizeof *both);
        if (more) memcpy(both + n, uses[1], more * sizeof *both);
        uses[0] = both;
        n += more;
    }
    shared_depend_sort(uses[0], n);
    for (size_t i = n; i-- > 0;)
        if (uses[0][i].type == 'o' && uses[0][i].database && is_here(env, &uses[0][i]))
            TRY(drop_one(env, &uses[0][i], cascade));
    return OK;
}

/* ---- the statement --------------------------------------------------------------------------- */

static status may_dispose_of(struct sql_env *env, const char *written, oid role, bool reassign) {
    const struct role *r;
    bool has;
    TRY(role_has_privileges(env, env->settings->user_oid, role, &has));
    if (!has)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied to %s objects", reassign ? "reassign" : "drop");
    if (role >= FIRST_USER_OID) return OK;
    TRY(role_get(env, role, &r));
    return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                     reassign ? "cannot reassign ownership of objects owned by role %s because "
                                "they are required by the database system"
                              : "cannot drop objects owned by role %s because they are required "
                                "by the database system",
                     *written == ROLE_SPECIAL ? r->name : written);
}

status define_owned(struct sql_env *env, struct ast_owned *s) {
    oid to = 0, *roles = arena_array(env->eval.arena, (size_t)list_n(s->roles) + 1, sizeof *roles);
    size_t n = 0;
    if (!roles) return no_memory(env);
    catalog_changed(env);
    LIST_EACH(const char *, name, s->roles) {
        TRY(role_written(env, name, false, &roles[n]));
        TRY(may_dispose_of(env, name, roles[n++], s->new_owner != NULL));
    }
    if (s->new_owner) {
        TRY(role_written(env, s->new_owner, false, &to));
        TRY(must_be_member(env, to));
    }
    for (size_t i = 0; i < n; i++)
        TRY(s->new_owner ? reassign(env, roles[i], to) : revoke_all(env, roles[i]));
    return s->new_owner ? OK : drop_all(env, roles, n, s->cascade);
}
