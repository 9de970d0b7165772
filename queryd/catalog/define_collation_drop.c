/* define_collation_drop.c: DROP COLLATION. Who uses a collation is read from the catalogs' own
 * columns; what uses it is not dropped with it. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"

struct users {
    struct sql_env *env;
    const char *text; /* collation x */
    struct buf words; /* the detail */
};

static status add_user(struct users *u, const char *what) {
    if (!what) return no_memory(u->env);
    return buf_printf(&u->words, "%s%s depends on %s", u->words.len ? "\n" : "", what, u->text);
}

static status add_column(struct users *u, const struct catalog_row *row) {
    const struct relation *r;
    const char *owner;
    oid relation = row_oid(row, COL_pg_attribute_attrelid);
    status st = catalog_relation(u->env, relation, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* an index: of its table's column, or below */
    TRY(st);
    if (r->kind == 'i') return OK;
    TRY(define_relation_text(u->env, relation, r->kind, &owner));
    return add_user(u, arena_printf(u->env->eval.arena, "column %s of %s",
                                    row_name(row, COL_pg_attribute_attname), owner));
}

static status add_type(struct users *u, const struct catalog_row *row) {
    oid type = row_oid(row, COL_pg_type_oid);
    if (row_char(row, COL_pg_type_typtype) != 'd') return OK;
    return add_user(
        u, arena_printf(u->env->eval.arena, "type %s", type_format_name(u->env->eval.arena, type)));
}

static status add_index(struct users *u, const struct catalog_row *row, oid collation) {
    int64_t numbers[INDEX_COLUMNS_MAX];
    size_t n;
    struct catalog_row index;
    struct sql_env *env = u->env;
    TRY(row_numbers(&env->eval, row, COL_pg_index_indcollation, OIDVECTOROID, numbers,
                    INDEX_COLUMNS_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        if ((oid)numbers[i] != collation) continue;
        TRY(catalog_row_get_oid(env, CAT_pg_class, row_oid(row, COL_pg_index_indexrelid),
                                env->eval.arena, &index));
        return add_user(
            u, arena_printf(env->eval.arena, "index %s", row_name(&index, COL_pg_class_relname)));
    }
    return OK;
}

static status add_from(struct users *u, enum catalog_number catalog, oid collation) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(u->env, catalog, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (catalog == CAT_pg_attribute) {
            if (row_oid(&s.row, COL_pg_attribute_attcollation) == collation &&
                !row_bool(&s.row, COL_pg_attribute_attisdropped))
                TRY_OUT(st, add_column(u, &s.row));
        } else if (catalog == CAT_pg_type) {
            if (row_oid(&s.row, COL_pg_type_typcollation) == collation)
                TRY_OUT(st, add_type(u, &s.row));
        } else {
            TRY_OUT(st, add_index(u, &s.row, collation));
        }
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status refuse(struct users *u, bool cascade) {
    struct error *e = u->env->eval.error;
    if (cascade)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "DROP COLLATION CASCADE of a collation that is used is not supported");
    status st = error_set(e, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop %s because other objects depend on it", u->text);
    error_detail(e, "%.*s", (int)u->words.len, u->words.data);
    error_hint(e, DEFINE_CASCADE_HINT);
    return st;
}

status define_collation_text(struct sql_env *env, oid collation, const char **ret) {
    struct buf name = {0};
    status st = collation_print(env, collation, &name);
    *ret = ok(st) ? arena_printf(env->eval.arena, "collation %.*s", (int)name.len, name.data) : "";
    buf_free(&name);
    return *ret ? st : no_memory(env);
}

static status refuse_used(struct sql_env *env, oid collation, const char *text, bool cascade) {
    struct users u = {.env = env, .text = text};
    status st = add_from(&u, CAT_pg_attribute, collation);
    if (ok(st)) st = add_from(&u, CAT_pg_type, collation);
    if (ok(st)) st = add_from(&u, CAT_pg_index, collation);
    if (ok(st) && u.words.len) st = refuse(&u, cascade);
    buf_free(&u.words);
    return st;
}

status define_drop_collation(struct sql_env *env, oid collation, const char *text, bool cascade) {
    datum key = datum_oid(collation);
    TRY(refuse_used(env, collation, text, cascade));
    TRY(define_forget(env, OID_pg_collation, collation));
    return catalog_rows_delete(env, CAT_pg_collation, OID_pg_collation_oid_index, &key, 1, NULL);
}

static status drop_one(struct sql_env *env, const struct ast_drop *s, const struct list *names) {
    int32_t n = list_n(names);
    const char *name = list_at(names, n - 1);
    const char *text;
    oid id;
    status st = catalog_collation_named(env, n > 1 ? list_at(names, n - 2) : NULL, name, &id);
    bool missing = status_is(st, ST_UNDEFINED_OBJECT) || status_is(st, ST_INVALID_SCHEMA_NAME);
    if (missing && s->if_exists) {
        error_clear(env->eval.error);
        define_notice(env, "00000", "collation \"%s\" does not exist, skipping", name);
        return OK;
    }
    TRY(st);
    TRY(privilege_check_owner(env, OID_pg_collation, id));
    TRY(define_collation_text(env, id, &text));
    if (id < FIRST_USER_OID)
        return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot drop %s because it is required by the database system", text);
    return define_drop_collation(env, id, text, s->cascade);
}

status define_drop_collations(struct sql_env *env, const struct ast_drop *s) {
    LIST_EACH(struct node *, n, s->objects)
    TRY(drop_one(env, s, ((const struct ast_name_list *)n)->names));
    return OK;
}
