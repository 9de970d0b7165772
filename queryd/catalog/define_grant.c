/* define_grant.c: GRANT and REVOKE of privileges on objects. */
#include "catalog/define_internal.h"

/* ---- what is granted to whom ----------------------------------------------------------------- */

static status grantees_of(struct sql_env *env, struct grant *g) {
    const struct ast_grant *s = g->s;
    g->grantees = arena_array(env->eval.arena, (size_t)list_n(s->grantees) + 1, sizeof(oid));
    if (!g->grantees) return no_memory(env);
    LIST_EACH(const char *, name, s->grantees) {
        oid role;
        TRY(role_written(env, name, true, &role));
        g->grantees[g->ngrantees++] = role;
    }
    return OK;
}

static status right_named(struct sql_env *env, const char *name, uint32_t *ret) {
    *ret = acl_right_named(name, strlen(name));
    if (*ret) return OK;
    return error_set(env->eval.error, ST_SYNTAX_ERROR, "unrecognized privilege type \"%s\"", name);
}

status define_read_grant(struct sql_env *env, const struct ast_grant *s, uint32_t possible,
                         const char *objects, struct grant *ret) {
    *ret = (struct grant){.s = s,
                          .revoke = s->revoke,
                          .option = s->grant_option,
                          .cascade = s->cascade,
                          .all = list_n(s->privileges) == 0};
    TRY(grantees_of(env, ret));
    LIST_EACH(struct ast_privilege *, p, s->privileges) {
        uint32_t right;
        if (p->columns) {
            if (s->type != OBJECT_TABLE)
                return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                                 "column privileges are only valid for relations");
            continue;
        }
        TRY(right_named(env, p->name, &right));
        if (right & ~possible)
            return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                             "invalid privilege type %s for %s", acl_right_word(right), objects);
        ret->rights |= right;
    }
    if (ret->all) ret->rights = possible;
    return OK;
}

status define_apply_grant(struct sql_env *env, const struct grant *g, const struct acl *list,
                          uint32_t rights, oid grantor, oid owner, struct acl **ret) {
    struct acl *made = acl_copy(env->eval.arena, list, 0);
    if (!made) return no_memory(env);
    for (uint32_t i = 0; i < g->ngrantees; i++) {
        struct acl_item item = {g->grantees[i], grantor, 0};
        if (!g->revoke && g->option && item.grantee == ACL_PUBLIC)
            return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                             "grant options can only be granted to roles");
        bool rights_too = !g->revoke || !g->option;
        bool options_too = g->revoke || g->option;
        item.bits = (rights_too ? rights : 0) | (options_too ? ACL_OPTION(rights) : 0);
        TRY(acl_update(&env->eval, made, &item, g->revoke ? ACL_REMOVE : ACL_ADD, owner, g->cascade,
                       &made));
    }
    *ret = made;
    return OK;
}

/* ---- on behalf of whom ----------------------------------------------------------------------- */

static unsigned count_bits(uint32_t x) {
    return (unsigned)__builtin_popcount(x);
}

/* The owner if the user acts as him; else the role of his that may pass on the most. */
static status choose_grantor(struct sql_env *env, const struct acl *list, oid owner,
                             uint32_t rights, oid *ret_grantor, uint32_t *ret_options) {
    const oid *roles;
    uint32_t n;
    bool as_owner;
    oid user = env->settings->user_oid;
    TRY(role_has_privileges(env, user, owner, &as_owner));
    *ret_grantor = as_owner ? owner : user;
    *ret_options = as_owner ? rights : 0;
    if (as_owner) return OK;
    TRY(role_inherited(env, user, &roles, &n));
    for (uint32_t r = 0; r < n; r++) {
        uint32_t options = 0;
        for (uint32_t i = 0; i < list->n; i++)
            if (list->items[i].grantee == roles[r]) options |= acl_options(&list->items[i]);
        options &= rights;
        if (count_bits(options) <= count_bits(*ret_options)) continue;
        *ret_grantor = roles[r];
        *ret_options = options;
        if (options == rights) break;
    }
    return OK;
}

struct target { /* a list that is changed: of an object or of one of its columns */
    const struct object_acl *object;
    const char *column; /* NULL: the whole object */
    int16_t number;
    uint32_t whole; /* all rights of its kind */
};

/* Whoever has any right at all is told, not refused. */
static status refuse(struct sql_env *env, const struct target *t, oid grantor) {
    uint32_t has, all = t->whole | ACL_OPTION(t->whole);
    TRY(privilege_mask(env, t->object, grantor, all, &has));
    if (!has && t->column)
        TRY(privilege_column_mask(env, t->object, t->number, grantor, all, &has));
    if (has) return OK;
    if (!t->column) return privilege_denied(env, t->object);
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                     "permission denied for column \"%s\" of relation \"%s\"", t->column,
                     t->object->name);
}

static void tell(struct sql_env *env, const struct target *t, const struct grant *g, bool none) {
    const char *code = g->revoke ? "01006" : "01007";
    const char *what =
        none ? (g->revoke ? "no privileges could be revoked" : "no privileges were granted")
             : (g->revoke ? "not all privileges could be revoked"
                          : "not all privileges were granted");
    if (t->column)
        define_warning(env, code, "%s for column \"%s\" of relation \"%s\"", what, t->column,
                       t->object->name);
    else
        define_warning(env, code, "%s for \"%s\"", what, t->object->name);
}

static status grantable(struct sql_env *env, const struct target *t, const struct grant *g,
                        uint32_t rights, oid grantor, uint32_t options, uint32_t *ret) {
    if (!options) TRY(refuse(env, t, grantor));
    *ret = rights & options;
    if (!*ret)
        tell(env, t, g, true);
    else if (!g->all && *ret != rights)
        tell(env, t, g, false);
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct new_list {
    int column;
    datum value;
    bool null;
};

static status set_list(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct new_list *l = arg;
    if (l->null)
        row_set_null(row, l->column);
    else
        row_set(row, l->column, l->value);
    return OK;
}

static status store(struct sql_env *env, const struct target *t, const struct acl *list) {
    const struct object_acl *o = t->object;
    struct new_list l = {.column = t->column ? COL_pg_attribute_attacl
                                             : privilege_class_of(o->class_oid)->acl,
                         .null = t->column && !list->n};
    TRY(acl_to_array(&env->eval, list, &l.value));
    if (t->column) return define_update_attribute(env, o->object, t->number, set_list, &l);
    return define_update_row(env, o->class_oid, o->object, set_list, &l);
}

static status change(struct sql_env *env, const struct target *t, const struct grant *g,
                     const struct acl *list, uint32_t rights) {
    oid grantor;
    uint32_t options;
    struct acl *changed;
    const struct acl *seen = list;
    if (t->column) { /* the table's grant options count for its columns */
        const struct acl *table = t->object->acl;
        struct acl *merged = acl_copy(env->eval.arena, table, list->n);
        if (!merged) return no_memory(env);
        memcpy(merged->items + merged->n, list->items, list->n * sizeof *list->items);
        merged->n += list->n;
        seen = merged;
    }
    TRY(choose_grantor(env, seen, t->object->owner, rights, &grantor, &options));
    TRY(grantable(env, t, g, rights, grantor, options, &rights));
    TRY(define_apply_grant(env, g, list, rights, grantor, t->object->owner, &changed));
    if (rights == 0 && acl_equal(list, changed)) return OK;
    return store(env, t, changed);
}

/* ---- relations ------------------------------------------------------------------------------- */

static const struct acl no_list;

static const struct acl *column_list(const struct object_acl *o, int16_t number) {
    const struct acl *list = o->columns[number - 1];
    return list ? list : &no_list;
}

static status change_column(struct sql_env *env, const struct grant *g, const struct relation *r,
                            const struct object_acl *o, int16_t number, uint32_t rights) {
    struct target t = {o, r->atts[number - 1].name, number, ACL_ALL_COLUMN};
    return change(env, &t, g, column_list(o, number), rights);
}

/* SELECT (a, b): the rights that each column gets. */
static status column_rights(struct sql_env *env, const struct grant *g, const struct relation *r,
                            uint32_t *rights) {
    LIST_EACH(struct ast_privilege *, p, g->s->privileges) {
        uint32_t right = ACL_ALL_COLUMN;
        if (!p->columns) continue;
        if (p->name) TRY(right_named(env, p->name, &right));
        if (right & ~(uint32_t)ACL_ALL_COLUMN)
            return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                             "invalid privilege type %s for column", acl_right_word(right));
        LIST_EACH(const char *, name, p->columns) {
            struct attribute *att;
            TRY(define_need_attribute(env, r, name, &att));
            rights[att->number - 1] |= right;
        }
    }
    return OK;
}

static status change_columns(struct sql_env *env, const struct grant *g, const struct relation *r,
                             const struct object_acl *o, uint32_t table_rights) {
    uint32_t *rights = arena_array(env->eval.arena, r->natts + 1u, sizeof *rights);
    if (!rights) return no_memory(env);
    TRY(column_rights(env, g, r, rights));
    for (uint16_t i = 0; i < r->natts; i++) {
        /* what is revoked on the table is revoked on each of its columns */
        if (g->revoke && o->columns[i]) rights[i] |= table_rights & ACL_ALL_COLUMN;
        if (rights[i] && !r->atts[i].dropped)
            TRY(change_column(env, g, r, o, (int16_t)(i + 1), rights[i]));
    }
    return OK;
}

static bool names_columns_only(const struct ast_grant *s) {
    bool only = list_n(s->privileges) > 0;
    LIST_EACH(struct ast_privilege *, p, s->privileges) only &= p->columns != NULL;
    return only;
}

static status wrong_kind(struct sql_env *env, const struct relation *r, const char *what) {
    return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is %s", r->name, what);
}

/* GRANT … ON TABLE of a sequence is an old way to say ON SEQUENCE. */
static status rights_on(struct sql_env *env, const struct grant *g, const struct relation *r,
                        uint32_t *rights) {
    *rights = g->rights;
    if (r->kind == 'S') {
        uint32_t all = acl_kind_rights(ACL_KIND_SEQUENCE);
        if (g->all)
            *rights = all;
        else if (*rights & ~all)
            define_warning(env, "0LP01",
                           "sequence \"%s\" only supports USAGE, SELECT, and UPDATE privileges",
                           r->name);
        *rights &= all;
        return OK;
    }
    if (g->all) *rights = ACL_ALL_RELATION;
    if (!(*rights & ACL_USAGE)) return OK;
    return error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                     "invalid privilege type %s for %s", "USAGE", "table");
}

static status grant_on_relation(struct sql_env *env, const struct grant *g, oid relation) {
    const struct relation *r;
    const struct object_acl *o;
    uint32_t rights;
    TRY(catalog_relation(env, relation, &r));
    if (r->kind == 'i' || r->kind == 'I') return wrong_kind(env, r, "an index");
    if (r->kind == 'c') return wrong_kind(env, r, "a composite type");
    if (g->s->type == OBJECT_SEQUENCE && r->kind != 'S')
        return wrong_kind(env, r, "not a sequence");
    TRY(privilege_object(env, OID_pg_class, relation, &o));
    TRY(rights_on(env, g, r, &rights));
    struct target t = {o, NULL, 0, acl_kind_rights(o->kind)};
    if (!names_columns_only(g->s)) TRY(change(env, &t, g, o->acl, rights));
    if (r->kind != 'S') TRY(change_columns(env, g, r, o, names_columns_only(g->s) ? 0 : rights));
    catalog_changed(env);
    return OK;
}

/* ---- other objects --------------------------------------------------------------------------- */

static status refuse_object(struct sql_env *env, const struct object_acl *o) {
    struct catalog_row row;
    if (o->class_oid == OID_pg_language) {
        TRY(catalog_row_get_oid(env, CAT_pg_language, o->object, env->eval.arena, &row));
        if (row_bool(&row, COL_pg_language_lanpltrusted)) return OK;
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                              "language \"%s\" is not trusted", o->name);
        error_detail(env->eval.error, "GRANT and REVOKE are not allowed on untrusted languages, "
                                      "because only superusers can use untrusted languages.");
        return st;
    }
    if (o->class_oid != OID_pg_type) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, o->object, env->eval.arena, &row));
    if (!row_oid(&row, COL_pg_type_typelem) || row_char(&row, COL_pg_type_typcategory) != 'A')
        return OK;
    status st = error_set(env->eval.error, ST_INVALID_GRANT_OPERATION,
                          "cannot set privileges of array types");
    error_hint(env->eval.error, "Set the privileges of the element type instead.");
    return st;
}

static status grant_on_object(struct sql_env *env, const struct grant *g, oid class_oid,
                              oid object) {
    const struct object_acl *o;
    if (class_oid == OID_pg_class) return grant_on_relation(env, g, object);
    TRY(privilege_object(env, class_oid, object, &o));
    TRY(refuse_object(env, o));
    struct target t = {o, NULL, 0, acl_kind_rights(o->kind)};
    TRY(change(env, &t, g, o->acl, g->rights));
    catalog_changed(env);
    return OK;
}

/* ---- the statement --------------------------------------------------------------------------- */

static const struct {
    enum ast_object_type type;
    enum acl_kind kind;
    const char *words;
} kinds[] = {
    {OBJECT_TABLE, ACL_KIND_RELATION, "relation"},
    {OBJECT_SEQUENCE, ACL_KIND_SEQUENCE, "sequence"},
    {OBJECT_DATABASE, ACL_KIND_DATABASE, "database"},
    {OBJECT_FUNCTION, ACL_KIND_FUNCTION, "function"},
    {OBJECT_PROCEDURE, ACL_KIND_FUNCTION, "procedure"},
    {OBJECT_ROUTINE, ACL_KIND_FUNCTION, "routine"},
    {OBJECT_LANGUAGE, ACL_KIND_LANGUAGE, "language"},
    {OBJECT_SCHEMA, ACL_KIND_SCHEMA, "schema"},
    {OBJECT_TABLESPACE, ACL_KIND_TABLESPACE, "tablespace"},
    {OBJECT_TYPE, ACL_KIND_TYPE, "type"},
    {OBJECT_DOMAIN, ACL_KIND_TYPE, "domain"},
};

static status in_schema(struct sql_env *env, const struct grant *g, oid schema, oid class_oid,
                        enum catalog_number n) {
    struct catalog_scan s;
    struct list *found = NULL;
    const struct privilege_class *c = privilege_class_of(class_oid);
    const char *wanted = g->s->type == OBJECT_SEQUENCE    ? "S"
                         : class_oid == OID_pg_class      ? "rvmfp"
                         : g->s->type == OBJECT_FUNCTION  ? "faw"
                         : g->s->type == OBJECT_PROCEDURE ? "p"
                                                          : "fawp";
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (row_oid(&s.row, c->schema) != schema || !strchr(wanted, row_char(&s.row, c->subkind)))
            continue;
        uintptr_t object = row_oid(&s.row, 1);
        TRY_OUT(st, list_append(env->eval.arena, &found, (void *)object));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    LIST_EACH(void *, object, found)
    TRY(grant_on_object(env, g, class_oid, (oid)(uintptr_t)object));
    return OK;
}

static status grant_in_schemas(struct sql_env *env, const struct grant *g) {
    bool relations = g->s->type == OBJECT_TABLE || g->s->type == OBJECT_SEQUENCE;
    LIST_EACH(struct ast_name_list *, names, g->s->objects)
    LIST_EACH(const char *, name, names->names) {
        oid schema;
        status st = catalog_schema(env, name, &schema);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME,
                             "schema \"%s\" does not exist", name);
        TRY(st);
        TRY(privilege_check(env, OID_pg_namespace, schema, ACL_USAGE));
        TRY(relations ? in_schema(env, g, schema, OID_pg_class, CAT_pg_class)
                      : in_schema(env, g, schema, OID_pg_proc, CAT_pg_proc));
    }
    return OK;
}

static status find(struct sql_env *env, const struct ast_grant *s, struct node *object,
                   struct object_address *ret) {
    if (object->kind != NODE_RANGE_VAR) return define_find_object(env, s->type, object, ret);
    struct ast_range_var *v = ast_as_range_var(object);
    *ret = (struct object_address){.class_oid = OID_pg_class};
    TRY(relation_oid_named(env, v->schema, v->name, &ret->object));
    if (ret->object) return OK;
    return error_set(env->eval.error, ST_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist",
                     v->schema ? v->schema : "", v->schema ? "." : "", v->name);
}

status define_grant(struct sql_env *env, struct ast_grant *s) {
    struct grant g;
    size_t k = 0;
    oid grantor = env->settings->user_oid;
    catalog_changed(env);
    if (s->target == GRANT_DEFAULTS) return define_default_privileges(env, s);
    while (k < sizeof kinds / sizeof *kinds && kinds[k].type != s->type) k++;
    if (k == sizeof kinds / sizeof *kinds)
        return define_unsupported(env, "GRANT on this kind of object");
    if (s->grantor) TRY(role_written(env, s->grantor, false, &grantor));
    if (grantor != env->settings->user_oid)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED, "grantor must be current user");
    uint32_t possible = acl_kind_rights(kinds[k].kind);
    if (s->type == OBJECT_TABLE && s->target == GRANT_OBJECTS)
        possible |= acl_kind_rights(ACL_KIND_SEQUENCE);
    TRY(define_read_grant(env, s, possible, kinds[k].words, &g));
    if (s->target == GRANT_ALL_IN_SCHEMA) return grant_in_schemas(env, &g);
    LIST_EACH(struct node *, object, s->objects) {
        struct object_address a;
        TRY(find(env, s, object, &a));
        TRY(grant_on_object(env, &g, a.class_oid, a.object));
    }
    return OK;
}

/* ---- DROP OWNED ------------------------------------------------------------------------------ */

/* Whatever the role holds or gave in a list goes; what was passed on by it too. */
status define_without_role(struct sql_env *env, const struct acl *list, oid role, oid owner,
                           struct acl **ret) {
    struct acl *made = acl_copy(env->eval.arena, list, 0);
    if (!made) return no_memory(env);
    for (uint32_t i = 0; i < made->n;) {
        struct acl_item item = made->items[i++];
        if (item.grantee != role && item.grantor != role) continue;
        TRY(acl_update(&env->eval, made, &item, ACL_REMOVE, owner, true, &made));
        i = 0;
    }
    *ret = made;
    return OK;
}

status define_revoke_role(struct sql_env *env, const struct role_use *use, oid role) {
    const struct object_acl *o;
    struct acl *list;
    if (use->class_oid == OID_pg_default_acl) return define_revoke_default(env, use->object, role);
    status st = privilege_object(env, use->class_oid, use->object, &o);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    struct target t = {o, NULL, 0, 0};
    TRY(define_without_role(env, o->acl, role, o->owner, &list));
    TRY(store(env, &t, list));
    catalog_changed(env);
    if (!use->part || use->part > o->ncolumns) return OK;
    t = (struct target){o, o->name, (int16_t)use->part, 0};
    TRY(define_without_role(env, column_list(o, t.number), role, o->owner, &list));
    TRY(store(env, &t, list));
    catalog_changed(env);
    return OK;
}
