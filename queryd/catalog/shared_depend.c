/* shared_depend.c: what objects of all databases have to do with roles (pg_shdepend). */
#include "catalog/shared_depend.h"

#include "catalog/privilege.h"

struct uses {
    oid class_oid, object;
    int32_t part;
    oid owner; /* 0: not followed */
    const struct acl *acl;
};

/* ---- what a row says ------------------------------------------------------------------------- */

static bool has_owner_of_its_own(enum catalog_number n, const struct catalog_row *r) {
    if (n == CAT_pg_class) return strchr("rvmSfpc", row_char(r, COL_pg_class_relkind)) != NULL;
    if (n != CAT_pg_type) return true;
    char kind = row_char(r, COL_pg_type_typtype); /* row and array types follow another row */
    bool array = row_oid(r, COL_pg_type_typelem) && row_char(r, COL_pg_type_typcategory) == 'A';
    return kind != 'c' && kind != 'm' && !array;
}

static status read_acl(struct sql_env *env, const struct catalog_row *r, int column,
                       const struct acl **ret) {
    struct acl *list = NULL;
    if (!row_is_null(r, column))
        TRY(acl_of_array(&env->eval, r->values[column - 1].v, env->eval.arena, &list));
    *ret = list;
    return OK;
}

static status uses_of_column(struct sql_env *env, const struct catalog_row *r, struct uses *u) {
    *u = (struct uses){OID_pg_class, row_oid(r, COL_pg_attribute_attrelid),
                       row_int2(r, COL_pg_attribute_attnum), 0, NULL};
    return read_acl(env, r, COL_pg_attribute_attacl, &u->acl);
}

static const struct privilege_class *class_of(enum catalog_number n) {
    return privilege_class_of(catalog_infos[n].oid);
}

/* *u without owner and list: nothing to follow. */
static status uses_of(struct sql_env *env, enum catalog_number n, const struct catalog_row *r,
                      struct uses *u) {
    *u = (struct uses){0};
    if (!r) return OK;
    if (n == CAT_pg_attribute) return uses_of_column(env, r, u);
    if (n == CAT_pg_default_acl) {
        *u = (struct uses){OID_pg_default_acl, row_oid(r, COL_pg_default_acl_oid), 0,
                           row_oid(r, COL_pg_default_acl_defaclrole), NULL};
        return read_acl(env, r, COL_pg_default_acl_defaclacl, &u->acl);
    }
    const struct privilege_class *c = class_of(n);
    if (!c || !has_owner_of_its_own(n, r)) return OK;
    bool composite = n == CAT_pg_class && row_char(r, COL_pg_class_relkind) == 'c';
    *u = (struct uses){composite ? OID_pg_type : c->class_oid,
                       row_oid(r, composite ? COL_pg_class_reltype : 1), 0, row_oid(r, c->owner),
                       NULL};
    return c->acl ? read_acl(env, r, c->acl, &u->acl) : OK;
}

/* ---- rows of pg_shdepend --------------------------------------------------------------------- */

static bool is_followed(oid role) {
    return role >= FIRST_USER_OID; /* the others are never dropped */
}

static oid database_of(const struct sql_env *env, oid class_oid) {
    for (unsigned n = 0; n < CATALOG_COUNT; n++)
        if (catalog_infos[n].oid == class_oid && catalog_infos[n].shared) return 0;
    return env->settings->database_oid;
}

static status add_use(struct sql_env *env, const struct uses *u, oid role, char type) {
    struct catalog_row row;
    if (!is_followed(role)) return OK;
    catalog_row_init(&row, CAT_pg_shdepend);
    row_set_oid(&row, COL_pg_shdepend_dbid, database_of(env, u->class_oid));
    row_set_oid(&row, COL_pg_shdepend_classid, u->class_oid);
    row_set_oid(&row, COL_pg_shdepend_objid, u->object);
    row_set_int(&row, COL_pg_shdepend_objsubid, u->part);
    row_set_oid(&row, COL_pg_shdepend_refclassid, OID_pg_authid);
    row_set_oid(&row, COL_pg_shdepend_refobjid, role);
    row_set_char(&row, COL_pg_shdepend_deptype, type);
    return catalog_row_insert(env, CAT_pg_shdepend, &row);
}

static bool mentioned_before(const struct acl *list, uint32_t at, oid role) {
    for (uint32_t i = 0; i <= at; i++) {
        if (list->items[i].grantee == role && i < at) return true;
        if (list->items[i].grantor == role && i < at) return true;
    }
    return false;
}

static status add_uses(struct sql_env *env, const struct uses *u, oid owner) {
    if (u->owner) TRY(add_use(env, u, u->owner, 'o'));
    for (uint32_t i = 0; u->acl && i < u->acl->n; i++) {
        const struct acl_item *item = &u->acl->items[i];
        oid roles[] = {item->grantee, item->grantor};
        for (int k = 0; k < 2; k++) {
            if (!roles[k] || roles[k] == owner || mentioned_before(u->acl, i, roles[k])) continue;
            if (k == 1 && roles[1] == roles[0]) continue;
            TRY(add_use(env, u, roles[k], 'a'));
        }
    }
    return OK;
}

static bool matters(const struct uses *u) {
    bool any = u->owner && is_followed(u->owner);
    for (uint32_t i = 0; u->acl && i < u->acl->n; i++)
        any |= is_followed(u->acl->items[i].grantee) || is_followed(u->acl->items[i].grantor);
    return any;
}

static bool same(const struct uses *a, const struct uses *b) {
    if (a->owner != b->owner || !a->acl != !b->acl) return false;
    return !a->acl || acl_equal(a->acl, b->acl);
}

static bool is_ours(const struct sql_env *env, enum catalog_number n) {
    return env->settings->database_oid && !env->catalog->being_made &&
           (n == CAT_pg_attribute || n == CAT_pg_default_acl || class_of(n));
}

status shared_depend_changed(struct sql_env *env, enum catalog_number n,
                             const struct catalog_row *old, const struct catalog_row *fresh) {
    struct uses before, after;
    if (!is_ours(env, n)) return OK;
    TRY(uses_of(env, n, old, &before));
    TRY(uses_of(env, n, fresh, &after));
    if (same(&before, &after)) return OK;
    if (matters(&before)) {
        datum keys[] = {datum_oid(database_of(env, before.class_oid)), datum_oid(before.class_oid),
                        datum_oid(before.object), datum_int4(before.part)};
        TRY(catalog_rows_delete(env, CAT_pg_shdepend, OID_pg_shdepend_depender_index, keys, 4,
                                NULL));
    }
    if (!matters(&after)) return OK;
    oid owner = after.owner;
    if (n == CAT_pg_attribute) {
        struct catalog_row table;
        status st = catalog_row_get_oid(env, CAT_pg_class, after.object, env->eval.arena, &table);
        if (ok(st)) owner = row_oid(&table, COL_pg_class_relowner);
        if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    }
    return add_uses(env, &after, owner);
}

/* ---- whole databases ------------------------------------------------------------------------- */

status shared_depend_copy(struct sql_env *env, oid from, oid to) {
    datum key = datum_oid(from);
    struct catalog_scan s;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_shdepend, OID_pg_shdepend_depender_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row = s.row;
        row_set_oid(&row, COL_pg_shdepend_dbid, to);
        TRY_OUT(st, catalog_row_insert(env, CAT_pg_shdepend, &row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status shared_depend_drop_database(struct sql_env *env, oid database) {
    datum key = datum_oid(database);
    return catalog_rows_delete(env, CAT_pg_shdepend, OID_pg_shdepend_depender_index, &key, 1, NULL);
}

/* ---- a role's uses --------------------------------------------------------------------------- */

static int compare_uses(const void *a, const void *b) {
    const struct role_use *x = a, *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    if (x->class_oid != y->class_oid) return x->class_oid < y->class_oid ? -1 : 1;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

void shared_depend_sort(struct role_use *uses, size_t n) {
    if (n) qsort(uses, n, sizeof *uses, compare_uses);
}

status shared_depend_of_role(struct sql_env *env, oid role, struct role_use **ret, size_t *ret_n) {
    datum keys[] = {datum_oid(OID_pg_authid), datum_oid(role)};
    struct catalog_scan s;
    struct role_use *uses = NULL;
    size_t n = 0, cap = 0;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_shdepend, OID_pg_shdepend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            struct role_use *grown = arena_array(env->eval.arena, cap, sizeof *grown);
            TRY_OUT(st, grown ? OK : no_memory(env));
            if (n) memcpy(grown, uses, n * sizeof *grown);
            uses = grown;
        }
        uses[n++] = (struct role_use){
            row_oid(&s.row, COL_pg_shdepend_dbid), row_oid(&s.row, COL_pg_shdepend_classid),
            row_oid(&s.row, COL_pg_shdepend_objid), row_int4(&s.row, COL_pg_shdepend_objsubid),
            row_char(&s.row, COL_pg_shdepend_deptype)};
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    shared_depend_sort(uses, n);
    *ret = uses;
    *ret_n = n;
    return OK;
}

/* ---- default privileges ---------------------------------------------------------------------- */

static status default_list(struct sql_env *env, oid role, oid schema, char objects,
                           const struct acl **ret) {
    datum keys[] = {datum_oid(role), datum_oid(schema), datum_char(objects)};
    struct catalog_row row;
    *ret = NULL;
    status st = catalog_row_get(env, CAT_pg_default_acl, OID_pg_default_acl_role_nsp_obj_index,
                                keys, 3, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return read_acl(env, &row, COL_pg_default_acl_defaclacl, ret);
}

static enum acl_kind kind_of_objects(char objects) {
    return objects == 'S' ? ACL_KIND_SEQUENCE : (enum acl_kind)objects;
}

status default_privileges(struct sql_env *env, char objects, oid owner, oid schema,
                          struct acl **ret) {
    const struct acl *global, *local = NULL;
    *ret = NULL;
    TRY(default_list(env, owner, 0, objects, &global));
    if (schema) TRY(default_list(env, owner, schema, objects, &local));
    if (!global && !local) return OK;
    struct acl *usual = acl_default(env->eval.arena, kind_of_objects(objects), owner);
    if (!usual) return no_memory(env);
    struct acl *list = acl_copy(env->eval.arena, global ? global : usual, 0);
    if (!list) return no_memory(env);
    for (uint32_t i = 0; local && i < local->n; i++)
        TRY(acl_update(&env->eval, list, &local->items[i], ACL_ADD, owner, false, &list));
    acl_sort(list);
    acl_sort(usual);
    if (!acl_equal(list, usual)) *ret = list;
    return OK;
}

/* The letter of pg_default_acl for a new row's object; 0: it has none. */
static char objects_of(enum catalog_number n, const struct catalog_row *r) {
    switch (n) {
    case CAT_pg_class: {
        char kind = row_char(r, COL_pg_class_relkind);
        return kind == 'S' ? 'S' : strchr("rvmfp", kind) ? 'r' : 0;
    }
    case CAT_pg_proc: return 'f';
    case CAT_pg_type: return 'T';
    case CAT_pg_namespace: return 'n';
    default: return 0;
    }
}

status shared_depend_privileges(struct sql_env *env, enum catalog_number n, struct catalog_row *r) {
    const struct privilege_class *c = class_of(n);
    struct acl *list;
    if (!c || !c->acl || !is_ours(env, n) || !row_is_null(r, c->acl)) return OK;
    char objects = objects_of(n, r);
    if (!objects || !has_owner_of_its_own(n, r)) return OK;
    oid schema = c->schema ? row_oid(r, c->schema) : 0;
    TRY(default_privileges(env, objects, row_oid(r, c->owner), schema, &list));
    if (!list) return OK;
    datum value;
    TRY(acl_to_array(&env->eval, list, &value));
    row_set(r, c->acl, value);
    return OK;
}
