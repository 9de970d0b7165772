/* names.c: schemas, the search path, roles and types by name. */
#include "catalog/internal.h"
#include "catalog/temp.h"

#include "catalog/privilege.h"
#include "catalog/session_names.h"
#include "parse/keyword.h"
#include "types/later.h"

/* ---- the search path ------------------------------------------------------------------------- */

/* The next element of a search_path setting, unquoted and folded; false at its end. */
static bool next_element(const char **at, char name[NAME_BYTES]) {
    const char *s = *at;
    while (*s == ' ' || *s == ',' || *s == '\t') s++;
    if (!*s) return false;
    size_t n = 0;
    if (*s == '"') {
        for (s++; *s && !(*s == '"' && s[1] != '"'); s++) {
            if (*s == '"') s++;
            if (n < NAME_BYTES - 1) name[n++] = *s;
        }
        if (*s) s++;
    } else {
        for (; *s && *s != ',' && *s != ' '; s++)
            if (n < NAME_BYTES - 1) name[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
    }
    name[n] = 0;
    *at = s;
    return true;
}

static bool contains(const oid *schemas, size_t n, oid schema) {
    for (size_t i = 0; i < n; i++)
        if (schemas[i] == schema) return true;
    return false;
}

/* Schemas that the user may not look into are as good as none. */
static status may_use_schema(struct sql_env *env, oid schema, bool *ret) {
    const struct object_acl *o;
    uint32_t has = 0;
    TRY(role_is_superuser(env, env->settings->user_oid, ret));
    if (*ret) return OK;
    status st = privilege_object(env, OID_pg_namespace, schema, &o);
    if (ok(st)) st = privilege_mask(env, o, env->settings->user_oid, ACL_USAGE, &has);
    *ret = has != 0;
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

status usable_schema(struct sql_env *env, const char *name, oid *ret_schema) {
    TRY(catalog_schema(env, name, ret_schema));
    if (*ret_schema == SCHEMA_PG_CATALOG) return OK;
    return privilege_check(env, OID_pg_namespace, *ret_schema, ACL_USAGE);
}

status search_path(struct sql_env *env, oid *ret_schemas, size_t *ret_n, oid *ret_creation) {
    size_t n = 0;
    oid creation = 0;
    char name[NAME_BYTES];
    const char *at = env->settings->search_path ? env->settings->search_path : "";
    oid found[SEARCH_PATH_MAX], temp = 0;
    status has_temp = temp_schema(env, &temp);
    if (!ok(has_temp) && !status_is(has_temp, ST_NOT_FOUND)) return has_temp;
    while (n < SEARCH_PATH_MAX - 2 && next_element(&at, name)) {
        oid schema;
        const char *wanted = strcmp(name, "$user") ? name : env->settings->user;
        if (!wanted) continue;
        status st = catalog_schema(env, wanted, &schema);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        if (contains(found, n, schema)) continue;
        bool may;
        TRY(may_use_schema(env, schema, &may));
        if (!may) continue;
        if (!creation) creation = schema;
        found[n++] = schema;
    }
    size_t out = 0;
    if (temp && !contains(found, n, temp)) ret_schemas[out++] = temp; /* before everything else */
    if (!contains(found, n, SCHEMA_PG_CATALOG)) ret_schemas[out++] = SCHEMA_PG_CATALOG;
    for (size_t i = 0; i < n; i++) ret_schemas[out++] = found[i];
    *ret_n = out;
    *ret_creation = creation;
    return OK;
}

status schemas_named(struct sql_env *env, const char *schema, oid *ret_schemas, size_t *ret_n) {
    oid creation;
    if (!schema) return search_path(env, ret_schemas, ret_n, &creation);
    *ret_n = 1;
    status st = usable_schema(env, schema, ret_schemas);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                     schema);
}

status relation_oid_named(struct sql_env *env, const char *schema, const char *name,
                          oid *ret_relation) {
    oid schemas[SEARCH_PATH_MAX], creation;
    size_t n = 1;
    *ret_relation = 0;
    if (schema) {
        status st = usable_schema(env, schema, &schemas[0]);
        if (status_is(st, ST_NOT_FOUND)) return OK;
        TRY(st);
    } else {
        TRY(search_path(env, schemas, &n, &creation));
    }
    for (size_t i = 0; i < n; i++) {
        oid found;
        TRY(relation_oid(env, schemas[i], name, &found));
        if (!found) continue;
        *ret_relation = found;
        return OK;
    }
    return OK;
}

status relation_is_visible(struct sql_env *env, oid schema, const char *name, oid relation,
                           bool *ret_visible) {
    oid schemas[SEARCH_PATH_MAX], creation, found;
    size_t n;
    TRY(search_path(env, schemas, &n, &creation));
    *ret_visible = false;
    if (!contains(schemas, n, schema)) return OK;
    TRY(relation_oid_named(env, NULL, name, &found));
    *ret_visible = found == relation;
    return OK;
}

status schema_is_in_path(struct sql_env *env, oid schema, bool *ret_in_path) {
    oid schemas[SEARCH_PATH_MAX], creation;
    size_t n;
    TRY(search_path(env, schemas, &n, &creation));
    *ret_in_path = contains(schemas, n, schema);
    return OK;
}

status schema_for_creation(struct sql_env *env, const char *name, oid *ret_schema) {
    if (name) {
        status st = catalog_schema(env, name, ret_schema);
        if (ok(st)) return privilege_check(env, OID_pg_namespace, *ret_schema, ACL_CREATE);
        if (!status_is(st, ST_NOT_FOUND)) return st;
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         name);
    }
    oid schemas[SEARCH_PATH_MAX], creation;
    size_t n;
    TRY(search_path(env, schemas, &n, &creation));
    if (!creation)
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME,
                         "no schema has been selected to create in");
    *ret_schema = creation;
    return privilege_check(env, OID_pg_namespace, creation, ACL_CREATE);
}

status schema_name_of(struct sql_env *env, oid schema, struct arena *a, const char **ret_name) {
    if (schema == SCHEMA_PG_CATALOG || schema == SCHEMA_PUBLIC) {
        *ret_name = schema == SCHEMA_PUBLIC ? "public" : "pg_catalog";
        return OK;
    }
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_namespace, schema, a, &row));
    *ret_name = row_name(&row, COL_pg_namespace_nspname);
    return OK;
}

/* ---- printing names -------------------------------------------------------------------------- */

static bool plain_name(const char *name) {
    if (!((*name >= 'a' && *name <= 'z') || *name == '_')) return false;
    for (const char *s = name; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_')) return false;
    enum keyword_category k = parse_keyword_category(name, strlen(name));
    return k == KEYWORD_NONE || k == KEYWORD_UNRESERVED;
}

status print_identifier(struct buf *out, const char *name) {
    if (plain_name(name)) return buf_add_str(out, name);
    TRY(buf_add(out, "\"", 1));
    for (const char *s = name; *s; s++) {
        if (*s == '"') TRY(buf_add(out, s, 1));
        TRY(buf_add(out, s, 1));
    }
    return buf_add(out, "\"", 1);
}

status print_literal(struct buf *out, const char *text, size_t len) {
    TRY(buf_add(out, "'", 1));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'') TRY(buf_add(out, "'", 1));
        TRY(buf_add(out, text + i, 1));
    }
    return buf_add(out, "'", 1);
}

status relation_print(struct sql_env *env, oid relation, struct buf *out) {
    const struct relation *r;
    bool visible;
    TRY(catalog_relation(env, relation, &r));
    TRY(relation_is_visible(env, r->schema, r->name, r->oid, &visible));
    if (!visible) {
        TRY(print_identifier(out, r->schema_name));
        TRY(buf_add(out, ".", 1));
    }
    return print_identifier(out, r->name);
}

/* ---- roles ----------------------------------------------------------------------------------- */

status role_oid(struct sql_env *env, const char *name, oid *ret_role) {
    struct catalog_row row;
    if (strlen(name) >= NAME_BYTES) return STATUS(NOT_FOUND);
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    TRY(catalog_row_get(env, CAT_pg_authid, OID_pg_authid_rolname_index, keys, 1, env->eval.arena,
                        &row));
    *ret_role = row_oid(&row, COL_pg_authid_oid);
    return OK;
}

status role_name(struct sql_env *env, oid role, struct arena *a, const char **ret_name) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_authid, role, a, &row));
    *ret_name = row_name(&row, COL_pg_authid_rolname);
    return OK;
}

/* ---- types ----------------------------------------------------------------------------------- */

static status type_in_schema(struct sql_env *env, oid schema, const char *name, oid *ret_type) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(schema)};
    struct catalog_row row;
    TRY(catalog_row_get(env, CAT_pg_type, OID_pg_type_typname_nsp_index, keys, 2, env->eval.arena,
                        &row));
    *ret_type = row_oid(&row, COL_pg_type_oid);
    return OK;
}

static status no_type(struct sql_env *env, const char *schema, const char *name) {
    if (schema)
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "type \"%s.%s\" does not exist",
                         schema, name);
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "type \"%s\" does not exist", name);
}

status catalog_type_named(struct sql_env *env, const char *schema, const char *name,
                          oid *ret_type) {
    oid schemas[SEARCH_PATH_MAX];
    size_t n;
    if (!schema || !strcmp(schema, "pg_catalog")) {
        const struct type *t = type_find_by_name(name);
        if (t) {
            *ret_type = t->oid;
            return OK;
        }
    }
    if (strlen(name) >= NAME_BYTES) return no_type(env, schema, name);
    TRY(schemas_named(env, schema, schemas, &n));
    for (size_t i = 0; i < n; i++) {
        status st = type_in_schema(env, schemas[i], name, ret_type);
        if (!status_is(st, ST_NOT_FOUND)) return st;
    }
    return no_type(env, schema, name);
}

status catalog_type_used(struct sql_env *env, const char *schema, const char *name, oid *ret_type) {
    status st = catalog_type_named(env, schema, name, ret_type);
    bool of_system = !schema || !strcmp(schema, "pg_catalog");
    if (!status_is(st, ST_UNDEFINED_OBJECT) || !of_system || !later_type(name)) return st;
    *env->eval.error = (struct error){0};
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED, "type %s is not supported yet",
                     name);
}

status type_name_print(struct sql_env *env, oid type, int32_t typmod, struct buf *out) {
    const struct type *known = type_find(type);
    if (known && !known->arena) return type_format(type, typmod, out);
    struct catalog_row row;
    status st = catalog_row_get_oid(env, CAT_pg_type, type, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return buf_add_str(out, "???");
    TRY(st);
    oid element = row_oid(&row, COL_pg_type_typelem);
    if (element && row_char(&row, COL_pg_type_typcategory) == 'A') {
        TRY(type_name_print(env, element, typmod, out));
        return buf_add_str(out, "[]");
    }
    bool in_path;
    oid schema = row_oid(&row, COL_pg_type_typnamespace);
    TRY(schema_is_in_path(env, schema, &in_path));
    if (!in_path) {
        const char *schema_name;
        TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
        TRY(print_identifier(out, schema_name));
        TRY(buf_add(out, ".", 1));
    }
    return print_identifier(out, row_name(&row, COL_pg_type_typname));
}

/* ---- oids ------------------------------------------------------------------------------------ */

status new_oid(struct sql_env *env, oid *ret_oid) {
    struct control *control = env->proc->shm->control;
    uint32_t next = atomic_fetch_add_explicit(&control->next_oid, 1, memory_order_relaxed);
    if (next < FIRST_USER_OID)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "object identifiers are exhausted");
    *ret_oid = next;
    return OK;
}

status find_next_oid(struct sql_env *env, oid *ret_next) {
    static const enum catalog_number with_oids[] = {
        CAT_pg_class,  CAT_pg_type,    CAT_pg_attrdef, CAT_pg_constraint, CAT_pg_namespace,
        CAT_pg_authid, CAT_pg_rewrite, CAT_pg_proc,    CAT_pg_enum,       CAT_pg_collation};
    oid next = FIRST_USER_OID;
    for (size_t i = 0; i < sizeof with_oids / sizeof *with_oids; i++) {
        struct catalog_scan s;
        status st = catalog_scan_backward(env, with_oids[i], &s);
        if (ok(st)) st = catalog_scan_next(&s);
        if (ok(st) && row_oid(&s.row, 1) >= next) next = row_oid(&s.row, 1) + 1;
        catalog_scan_end(&s);
        if (!ok(st) && !status_is(st, ST_END)) return st;
    }
    *ret_next = next;
    return OK;
}
