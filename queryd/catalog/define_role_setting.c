/* define_role_setting.c: ALTER ROLE and ALTER DATABASE … SET: pg_db_role_setting. */
#include "catalog/define_internal.h"
#include "types/array.h"

static bool is_setting(const struct varlena *item, const char *name) {
    size_t len = strlen(name);
    return item->len > len && item->data[len] == '=' && !strncasecmp(item->data, name, len);
}

/* The array of "name=value" with one of them changed (value NULL: left out); NULL: it is empty. */
static status change_list(struct sql_env *env, const struct catalog_row *row, const char *name,
                          const char *value, datum *ret, bool *ret_empty) {
    struct array_parts parts = {0};
    if (row && !row_is_null(row, COL_pg_db_role_setting_setconfig))
        TRY(array_split(&env->eval, row->values[COL_pg_db_role_setting_setconfig - 1].v, &parts));
    datum *values = arena_array(env->eval.arena, parts.n + 1, sizeof *values);
    if (!values) return no_memory(env);
    uint32_t n = 0;
    bool replaced = false;
    const char *text = value ? arena_printf(env->eval.arena, "%s=%s", name, value) : NULL;
    struct varlena *item = text ? varlena_from(env->eval.arena, text, strlen(text)) : NULL;
    if (value && !item) return no_memory(env);
    for (uint32_t i = 0; i < parts.n; i++) {
        bool it = is_setting(parts.values[i].v, name);
        if (it && !item) continue;
        values[n++] = it ? datum_ptr(item) : parts.values[i];
        replaced |= it;
    }
    if (item && !replaced) values[n++] = datum_ptr(item);
    *ret_empty = n == 0;
    return n ? array_build_1d(&env->eval, TEXTOID, values, NULL, n, ret) : OK;
}

static status put(struct sql_env *env, oid database, oid role, const char *name,
                  const char *value) {
    datum keys[] = {datum_oid(database), datum_oid(role)}, list;
    struct catalog_scan s;
    bool empty;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_db_role_setting, 0, keys, 2, &s));
    st = catalog_scan_next(&s);
    bool there = ok(st);
    if (!there && !status_is(st, ST_END)) goto out;
    struct catalog_row row;
    if (there)
        row = s.row;
    else
        catalog_row_init(&row, CAT_pg_db_role_setting);
    TRY_OUT(st, change_list(env, there ? &row : NULL, name, value, &list, &empty));
    if (empty) {
        st = there ? catalog_row_delete(&s) : OK;
        goto out;
    }
    row_set_oid(&row, COL_pg_db_role_setting_setdatabase, database);
    row_set_oid(&row, COL_pg_db_role_setting_setrole, role);
    row_set(&row, COL_pg_db_role_setting_setconfig, list);
    st = there ? catalog_row_update(&s, &row)
               : catalog_row_insert(env, CAT_pg_db_role_setting, &row);
out:
    catalog_scan_end(&s);
    return st;
}

status define_setting(struct sql_env *env, oid database, oid role,
                      const struct ast_set_variable *set) {
    const char *name, *value = NULL;
    if (set->kind == SET_RESET_ALL) {
        datum keys[] = {datum_oid(database), datum_oid(role)};
        return catalog_rows_delete(env, CAT_pg_db_role_setting, 0, keys, 2, NULL);
    }
    if (!env->setting_text) return define_unsupported(env, "SET outside of a session");
    TRY(env->setting_text(env, set, &name, &value));
    return put(env, database, role, name, value);
}

static status may_set(struct sql_env *env, oid role) {
    bool super, other_super, creator;
    TRY(role_is_superuser(env, env->settings->user_oid, &super));
    if (super) return OK;
    if (!role)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must be superuser to alter settings globally");
    TRY(role_is_superuser(env, role, &other_super));
    if (other_super)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "must be superuser to alter superusers");
    TRY(role_may_create_roles(env, &creator));
    if (creator || role == env->settings->user_oid) return OK;
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "permission denied");
}

status define_role_setting(struct sql_env *env, const struct ast_role *s) {
    struct database_found found = {0};
    oid role = 0;
    if (s->name) TRY(role_written(env, s->name, false, &role));
    if (s->name && *s->name != ROLE_SPECIAL && !strncmp(s->name, "pg_", 3)) {
        status st =
            error_set(env->eval.error, ST_RESERVED_NAME, "role name \"%s\" is reserved", s->name);
        error_detail(env->eval.error, "Cannot alter reserved roles.");
        return st;
    }
    TRY(may_set(env, role));
    if (s->database) {
        status st = catalog_database_find(env, s->database, &found);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_INVALID_CATALOG_NAME,
                             "database \"%s\" does not exist", s->database);
        TRY(st);
    }
    return define_setting(env, found.oid, role, s->set);
}
