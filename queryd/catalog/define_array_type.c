/* Names of array types: one is made up for each type, and gives way when somebody wants it. */
#include "catalog/define_types.h"

/* *ret_type 0: no type has the name. */
static status type_row_named(struct sql_env *env, oid schema, const char *name,
                             struct catalog_row *row, oid *ret_type) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(schema)};
    *ret_type = 0;
    status st = catalog_row_get(env, CAT_pg_type, OID_pg_type_typname_nsp_index, keys, 2,
                                env->eval.arena, row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    *ret_type = row_oid(row, COL_pg_type_oid);
    return OK;
}

status define_array_name(struct sql_env *env, oid schema, const char *name, oid own,
                         char out[NAME_BYTES]) {
    struct catalog_row row;
    for (size_t n = 1; n < NAME_BYTES - 1; n++) {
        oid taken;
        size_t len = strlen(name);
        if (len > NAME_BYTES - 1 - n) len = NAME_BYTES - 1 - n;
        while (name[len] && ((unsigned char)name[len] & 0xc0) == 0x80) len--;
        memset(out, '_', n);
        memcpy(out + n, name, len);
        out[n + len] = 0;
        TRY(type_row_named(env, schema, out, &row, &taken));
        if (!taken || taken == own) return OK;
    }
    return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                     "could not form array type name for type \"%s\"", name);
}

static status change_name(struct sql_env *env, struct catalog_row *row, void *arg) {
    return row_set_name(env->eval.arena, row, COL_pg_type_typname, arg);
}

/* Made up: the array of its element. */
static status is_made_up(struct sql_env *env, const struct catalog_row *row, oid type, bool *ret) {
    struct catalog_row element;
    oid of = row_oid(row, COL_pg_type_typelem);
    *ret = false;
    if (!of || type < FIRST_USER_OID) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, of, env->eval.arena, &element));
    *ret = row_oid(&element, COL_pg_type_typarray) == type;
    return OK;
}

status define_move_array_type(struct sql_env *env, oid schema, const char *name) {
    struct catalog_row row;
    oid type;
    bool made_up;
    char other[NAME_BYTES];
    TRY(type_row_named(env, schema, name, &row, &type));
    if (!type) return OK;
    TRY(is_made_up(env, &row, type, &made_up));
    if (!made_up) return OK;
    TRY(define_array_name(env, schema, name, 0, other));
    TRY(define_update_type(env, type, change_name, other));
    catalog_changed(env);
    return OK;
}
