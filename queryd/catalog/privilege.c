/* privilege.c: who may do what with which object. */
#include "catalog/privilege.h"

#include "catalog/internal.h"
#include "catalog/temp.h"

static const struct privilege_class classes[] = {
    {OID_pg_class, CAT_pg_class, COL_pg_class_relname, COL_pg_class_relnamespace,
     COL_pg_class_relowner, COL_pg_class_relacl, COL_pg_class_relkind, ACL_KIND_RELATION, "table"},
    {OID_pg_namespace, CAT_pg_namespace, COL_pg_namespace_nspname, 0, COL_pg_namespace_nspowner,
     COL_pg_namespace_nspacl, 0, ACL_KIND_SCHEMA, "schema"},
    {OID_pg_proc, CAT_pg_proc, COL_pg_proc_proname, COL_pg_proc_pronamespace, COL_pg_proc_proowner,
     COL_pg_proc_proacl, COL_pg_proc_prokind, ACL_KIND_FUNCTION, "function"},
    {OID_pg_type, CAT_pg_type, COL_pg_type_typname, COL_pg_type_typnamespace, COL_pg_type_typowner,
     COL_pg_type_typacl, COL_pg_type_typtype, ACL_KIND_TYPE, "type"},
    {OID_pg_database, CAT_pg_database, COL_pg_database_datname, 0, COL_pg_database_datdba,
     COL_pg_database_datacl, 0, ACL_KIND_DATABASE, "database"},
    {OID_pg_language, CAT_pg_language, COL_pg_language_lanname, 0, COL_pg_language_lanowner,
     COL_pg_language_lanacl, 0, ACL_KIND_LANGUAGE, "language"},
    {OID_pg_tablespace, CAT_pg_tablespace, COL_pg_tablespace_spcname, 0, COL_pg_tablespace_spcowner,
     COL_pg_tablespace_spcacl, 0, ACL_KIND_TABLESPACE, "tablespace"},
    {OID_pg_collation, CAT_pg_collation, COL_pg_collation_collname, COL_pg_collation_collnamespace,
     COL_pg_collation_collowner, 0, 0, 0, "collation"},
    {OID_pg_operator, CAT_pg_operator, COL_pg_operator_oprname, COL_pg_operator_oprnamespace,
     COL_pg_operator_oprowner, 0, 0, 0, "operator"},
    {OID_pg_opclass, CAT_pg_opclass, COL_pg_opclass_opcname, COL_pg_opclass_opcnamespace,
     COL_pg_opclass_opcowner, 0, 0, 0, "operator class"},
    {OID_pg_opfamily, CAT_pg_opfamily, COL_pg_opfamily_opfname, COL_pg_opfamily_opfnamespace,
     COL_pg_opfamily_opfowner, 0, 0, 0, "operator family"},
    {OID_pg_conversion, CAT_pg_conversion, COL_pg_conversion_conname,
     COL_pg_conversion_connamespace, COL_pg_conversion_conowner, 0, 0, 0, "conversion"},
    {OID_pg_statistic_ext, CAT_pg_statistic_ext, COL_pg_statistic_ext_stxname,
     COL_pg_statistic_ext_stxnamespace, COL_pg_statistic_ext_stxowner, 0, 0, 0,
     "statistics object"},
};

const struct privilege_class *privilege_class_of(oid class_oid) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].class_oid == class_oid) return &classes[i];
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct object_acl *find(const struct generation *g, oid class_oid, oid object) {
    struct object_acl *o = g->objects[object % 64];
    while (o && (o->object != object || o->class_oid != class_oid)) o = o->next;
    return o;
}

static status read_list(struct sql_env *env, struct arena *a, const struct catalog_row *row,
                        int column, struct acl **ret) {
    *ret = NULL;
    if (!column || row_is_null(row, column)) return OK;
    return acl_of_array(&env->eval, row->values[column - 1].v, a, ret);
}

static status read_columns(struct sql_env *env, struct arena *a, struct object_acl *o) {
    datum key = datum_oid(o->object);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_attribute, 0, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct acl *list;
        int16_t number = row_int2(&s.row, COL_pg_attribute_attnum);
        TRY_OUT(st, read_list(env, a, &s.row, COL_pg_attribute_attacl, &list));
        if (list && number > 0 && number <= o->ncolumns) o->columns[number - 1] = list;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status fill(struct sql_env *env, struct arena *a, const struct privilege_class *c,
                   const struct catalog_row *row, struct object_acl *o) {
    struct acl *list;
    o->owner = row_oid(row, c->owner);
    o->schema = c->schema ? row_oid(row, c->schema) : 0;
    o->subkind = c->subkind ? row_char(row, c->subkind) : 0;
    o->kind = c->class_oid == OID_pg_class && o->subkind == 'S' ? ACL_KIND_SEQUENCE : c->kind;
    snprintf(o->name, sizeof o->name, "%s", row_name(row, c->name));
    TRY(read_list(env, a, row, c->acl, &list));
    o->has_acl = list != NULL;
    o->acl = list ? list : acl_default(a, o->kind, o->owner);
    if (!o->acl) return no_memory(env);
    if (c->class_oid != OID_pg_class) return OK;
    o->ncolumns = (uint16_t)row_int2(row, COL_pg_class_relnatts);
    o->columns = arena_array(a, o->ncolumns + 1u, sizeof *o->columns);
    if (!o->columns) return no_memory(env);
    return read_columns(env, a, o);
}

status privilege_object(struct sql_env *env, oid class_oid, oid object,
                        const struct object_acl **ret) {
    const struct privilege_class *c = privilege_class_of(class_oid);
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    if (!c) return STATUS(NOT_FOUND);
    *ret = find(g, class_oid, object);
    if (*ret) return OK;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, (enum catalog_number)c->catalog, object, env->eval.arena, &row));
    struct object_acl *made = arena_zalloc(&g->arena, sizeof *made);
    if (!made) return no_memory(env);
    made->class_oid = class_oid;
    made->object = object;
    TRY(fill(env, &g->arena, c, &row, made));
    made->next = g->objects[object % 64];
    g->objects[object % 64] = made;
    *ret = made;
    return OK;
}

/* ---- what a list gives a role ---------------------------------------------------------------- */

/* A list's rights for the role: its own and everybody's, then those of roles it inherits from. */
static status mask_of_list(struct sql_env *env, const struct acl *list, oid owner, oid role,
                           uint32_t rights, uint32_t *ret) {
    const oid *roles;
    uint32_t n, found = 0;
    status st = role_inherited(env, role, &roles, &n);
    if (status_is(st, ST_NOT_FOUND))
        roles = &role, n = 1;
    else
        TRY(st);
    for (uint32_t i = 0; i < n; i++)
        if (roles[i] == owner) found |= rights & 0xffff0000u; /* an owner may always grant */
    for (uint32_t k = 0; k < list->n && (found & rights) != rights; k++) {
        const struct acl_item *item = &list->items[k];
        bool mine = item->grantee == ACL_PUBLIC;
        for (uint32_t i = 0; i < n && !mine; i++) mine = roles[i] == item->grantee;
        if (mine) found |= item->bits & rights;
    }
    *ret = found;
    return OK;
}

static status has_role(struct sql_env *env, oid role, oid of, uint32_t rights, uint32_t *mask) {
    bool has;
    TRY(role_has_privileges(env, role, of, &has));
    if (has) *mask |= rights;
    return OK;
}

static bool is_system_table(const struct object_acl *o) {
    return o->object < FIRST_USER_OID && o->subkind != 'v' &&
           (o->schema == SCHEMA_PG_CATALOG || o->schema == SCHEMA_PG_TOAST);
}

#define CHANGES (ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_USAGE)

/* pg_read_all_data and pg_write_all_data. */
static status predefined_rights(struct sql_env *env, const struct object_acl *o, oid role,
                                uint32_t rights, uint32_t *mask) {
    uint32_t missing = rights & ~*mask;
    if (o->class_oid == OID_pg_class) {
        uint32_t writes = missing & (ACL_INSERT | ACL_UPDATE | ACL_DELETE);
        if (missing & ACL_SELECT) TRY(has_role(env, role, ROLE_PG_READ_ALL_DATA, ACL_SELECT, mask));
        if (writes) TRY(has_role(env, role, ROLE_PG_WRITE_ALL_DATA, writes, mask));
    }
    if (o->class_oid == OID_pg_namespace && (missing & ACL_USAGE)) {
        TRY(has_role(env, role, ROLE_PG_READ_ALL_DATA, ACL_USAGE, mask));
        TRY(has_role(env, role, ROLE_PG_WRITE_ALL_DATA, ACL_USAGE, mask));
    }
    return OK;
}

/* Who may have temporary tables may use his schema of them, whoever owns it. */
static status temp_schema_mask(struct sql_env *env, oid role, uint32_t rights, uint32_t *ret) {
    const struct object_acl *database;
    uint32_t may;
    TRY(privilege_object(env, OID_pg_database, env->settings->database_oid, &database));
    TRY(privilege_mask(env, database, role, ACL_TEMPORARY, &may));
    *ret = rights & (may ? ACL_USAGE | ACL_CREATE : ACL_USAGE);
    return OK;
}

static bool is_own_temp_schema(struct sql_env *env, const struct object_acl *o) {
    oid temp = 0;
    if (o->class_oid != OID_pg_namespace) return false;
    status st = temp_schema(env, &temp);
    return ok(st) && temp == o->object;
}

/* An array's privileges are its elements'. */
static status element_of(struct sql_env *env, const struct object_acl **o) {
    struct catalog_row row;
    if ((*o)->class_oid != OID_pg_type || (*o)->name[0] != '_') return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, (*o)->object, env->eval.arena, &row));
    oid element = row_oid(&row, COL_pg_type_typelem);
    if (!element || row_char(&row, COL_pg_type_typcategory) != 'A') return OK;
    return privilege_object(env, OID_pg_type, element, o);
}

status privilege_mask(struct sql_env *env, const struct object_acl *o, oid role, uint32_t rights,
                      uint32_t *ret) {
    bool super;
    TRY(role_is_superuser(env, role, &super));
    if (super) {
        *ret = rights;
        return OK;
    }
    if (is_own_temp_schema(env, o)) return temp_schema_mask(env, role, rights, ret);
    if (o->class_oid == OID_pg_class && is_system_table(o)) rights &= ~(uint32_t)CHANGES;
    TRY(element_of(env, &o));
    TRY(mask_of_list(env, o->acl, o->owner, role, rights, ret));
    return predefined_rights(env, o, role, rights, ret);
}

status privilege_column_mask(struct sql_env *env, const struct object_acl *o, int16_t column,
                             oid role, uint32_t rights, uint32_t *ret) {
    *ret = 0;
    if (column < 1 || column > o->ncolumns || !o->columns[column - 1]) return OK;
    return mask_of_list(env, o->columns[column - 1], o->owner, role, rights, ret);
}

/* ---- words ----------------------------------------------------------------------------------- */

const char *privilege_object_word(const struct object_acl *o) {
    if (o->class_oid == OID_pg_class) switch (o->subkind) {
        case 'v': return "view";
        case 'S': return "sequence";
        case 'i':
        case 'I': return "index";
        case 'm': return "materialized view";
        case 'f': return "foreign table";
        default: return "table";
        }
    if (o->class_oid == OID_pg_proc)
        return o->subkind == 'p' ? "procedure" : o->subkind == 'a' ? "aggregate" : "function";
    if (o->class_oid == OID_pg_type && o->subkind == 'd') return "domain";
    return privilege_class_of(o->class_oid)->word;
}

/* Whom a failed look at privileges speaks of as a type is never a domain. */
status privilege_denied(struct sql_env *env, const struct object_acl *o) {
    const char *word = o->class_oid == OID_pg_type ? "type" : privilege_object_word(o);
    TRY(element_of(env, &o));
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "permission denied for %s %s",
                     word, o->name);
}

status privilege_not_owner(struct sql_env *env, const struct object_acl *o) {
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s",
                     privilege_object_word(o), o->name);
}

/* ---- checks ---------------------------------------------------------------------------------- */

status privilege_check_as(struct sql_env *env, oid class_oid, oid object, oid role,
                          uint32_t rights) {
    const struct object_acl *o;
    bool super;
    uint32_t has;
    TRY(role_is_superuser(env, role, &super));
    if (super) return OK;
    status st = privilege_object(env, class_oid, object, &o);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* it is gone: whoever asked finds out */
    TRY(st);
    TRY(privilege_mask(env, o, role, rights, &has));
    return has ? OK : privilege_denied(env, o);
}

status privilege_check(struct sql_env *env, oid class_oid, oid object, uint32_t rights) {
    return privilege_check_as(env, class_oid, object, env->settings->user_oid, rights);
}

status privilege_is_owner(struct sql_env *env, oid class_oid, oid object, oid role, bool *ret) {
    const struct object_acl *o;
    TRY(role_is_superuser(env, role, ret));
    if (*ret) return OK;
    status st = privilege_object(env, class_oid, object, &o);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return role_has_privileges(env, role, o->owner, ret);
}

status privilege_check_owner(struct sql_env *env, oid class_oid, oid object) {
    const struct object_acl *o;
    bool is;
    TRY(privilege_is_owner(env, class_oid, object, env->settings->user_oid, &is));
    if (is) return OK;
    status st = privilege_object(env, class_oid, object, &o);
    return status_is(st, ST_NOT_FOUND) ? OK : ok(st) ? privilege_not_owner(env, o) : st;
}
