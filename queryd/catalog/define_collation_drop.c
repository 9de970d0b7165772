/* define_collation_drop.c: DROP COLLATION. What has a collation is read from the catalogs' own
 * columns; what names one in an expression depends on it. */
#include "catalog/collation.h"
#include "catalog/define_types.h"

/* A column, a view, a domain, an index. */
struct user {
    oid class_oid, object;
    int16_t part;
    const char *text;
};

struct users {
    struct sql_env *env;
    struct list *found; /* struct user */
};

static status add_user(struct users *u, oid class_oid, oid object, int16_t part, const char *text) {
    struct user x = {class_oid, object, part, text}, *kept;
    if (!text) return no_memory(u->env);
    LIST_EACH(const struct user *, k, u->found)
    if (k->class_oid == class_oid && k->object == object && k->part == part) return OK;
    kept = arena_memdup(u->env->eval.arena, &x, sizeof x);
    return kept ? list_append(u->env->eval.arena, &u->found, kept) : no_memory(u->env);
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
    if (r->kind == 'v') return add_user(u, OID_pg_class, relation, 0, owner);
    return add_user(u, OID_pg_class, relation, row_int2(row, COL_pg_attribute_attnum),
                    arena_printf(u->env->eval.arena, "column %s of %s%s",
                                 row_name(row, COL_pg_attribute_attname),
                                 r->kind == 'c' ? "composite " : "", owner));
}

static status add_type(struct users *u, const struct catalog_row *row) {
    oid type = row_oid(row, COL_pg_type_oid);
    const char *text;
    if (row_char(row, COL_pg_type_typtype) != 'd') return OK;
    TRY(define_type_text(u->env, type, &text));
    return add_user(u, OID_pg_type, type, 0, text);
}

static status add_index(struct users *u, const struct catalog_row *row, oid collation) {
    int64_t numbers[INDEX_COLUMNS_MAX];
    size_t n;
    struct sql_env *env = u->env;
    oid index = row_oid(row, COL_pg_index_indexrelid);
    const char *text;
    TRY(row_numbers(&env->eval, row, COL_pg_index_indcollation, OIDVECTOROID, numbers,
                    INDEX_COLUMNS_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        if ((oid)numbers[i] != collation) continue;
        TRY(define_relation_text(env, index, 'i', &text));
        return add_user(u, OID_pg_index, index, 0, text);
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

status define_collation_text(struct sql_env *env, oid collation, const char **ret) {
    struct buf name = {0};
    status st = collation_print(env, collation, &name);
    *ret = ok(st) ? arena_printf(env->eval.arena, "collation %.*s", (int)name.len, name.data) : "";
    buf_free(&name);
    return *ret ? st : no_memory(env);
}

/* ---- CASCADE --------------------------------------------------------------------------------- */

static status drop_relation_part(struct sql_env *env, const struct user *x) {
    const struct relation *r;
    TRY(define_lock_type_oid(env, x->object, MODE_ACCESS_EXCLUSIVE));
    catalog_changed(env);
    status st = catalog_relation(env, x->object, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* it went with another */
    TRY(st);
    if (x->part && r->atts[x->part - 1].dropped) return OK;
    TRY(define_cascades_to(env, x->text));
    if (!x->part) {
        TRY(define_drop_dependents(env, r, 0, x->text, true, NULL));
        return define_drop_relation(env, r);
    }
    if (r->kind == 'c') return define_drop_attribute(env, r, &r->atts[x->part - 1]);
    struct ast_alter_cmd cmd = {.name = (char *)r->atts[x->part - 1].name, .cascade = true};
    return define_drop_column(env, r, &cmd);
}

static status drop_index(struct sql_env *env, const struct user *x) {
    struct catalog_row row;
    const struct relation *r;
    status st = catalog_row_get_oid(env, CAT_pg_index, x->object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    oid table = row_oid(&row, COL_pg_index_indrelid);
    TRY(define_lock_type_oid(env, table, MODE_ACCESS_EXCLUSIVE));
    TRY(define_cascades_to(env, x->text));
    catalog_changed(env);
    TRY(catalog_relation(env, table, &r));
    return define_drop_index(env, r, x->object);
}

static status drop_user(struct sql_env *env, const struct user *x) {
    if (x->class_oid == OID_pg_class) return drop_relation_part(env, x);
    if (x->class_oid == OID_pg_index) return drop_index(env, x);
    if (!type_find(x->object)) return OK;
    TRY(define_cascades_to(env, x->text));
    TRY(define_drop_type_dependents(env, x->object, x->text, true, NULL));
    return define_drop_type(env, x->object);
}

/* ---- RESTRICT -------------------------------------------------------------------------------- */

static status refuse(struct users *u, const char *text, const char *details) {
    struct error *e = u->env->eval.error;
    struct buf words = {0};
    status built = OK;
    LIST_EACH(const struct user *, x, u->found)
    if (ok(built))
        built = buf_printf(&words, "%s%s depends on %s", words.len ? "\n" : "", x->text, text);
    status st = error_set(e, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop %s because other objects depend on it", text);
    if (ok(built) && words.len) error_detail(e, "%.*s", (int)words.len, words.data);
    if (!words.len) error_detail(e, "%s", details);
    buf_free(&words);
    error_hint(e, DEFINE_CASCADE_HINT);
    return st;
}

static status drop_users(struct sql_env *env, oid collation, const char *text, bool cascade) {
    struct users u = {.env = env};
    const char *details = NULL;
    TRY(add_from(&u, CAT_pg_attribute, collation));
    TRY(add_from(&u, CAT_pg_type, collation));
    TRY(add_from(&u, CAT_pg_index, collation));
    if (cascade) {
        LIST_EACH(const struct user *, x, u.found) {
            TRY(drop_user(env, x));
            catalog_changed(env);
        }
    }
    status st = define_drop_object_dependents(env, OID_pg_collation, collation, text, cascade);
    TRY(define_gather_refusal(env, st, &details));
    return !cascade && (list_n(u.found) || details) ? refuse(&u, text, details) : OK;
}

status define_drop_collation(struct sql_env *env, oid collation, const char *text, bool cascade) {
    datum key = datum_oid(collation);
    TRY(drop_users(env, collation, text, cascade));
    TRY(define_forget(env, OID_pg_collation, collation));
    return catalog_rows_delete(env, CAT_pg_collation, OID_pg_collation_oid_index, &key, 1, NULL);
}

/* ---- the statement --------------------------------------------------------------------------- */

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
