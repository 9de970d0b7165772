/* define_drop_schema.c: DROP SCHEMA: what is in it goes in the order in which it was made. */
#include <stdlib.h>

#include "catalog/define_function.h"
#include "catalog/define_types.h"

struct member {
    oid class_oid;
    oid object;
};

struct members {
    struct member *at;
    uint32_t n, room;
};

/* ---- what is in it --------------------------------------------------------------------------- */

static status add(struct sql_env *env, struct members *m, oid class_oid, oid object) {
    if (m->n == m->room) {
        uint32_t room = m->room ? 2 * m->room : 64;
        struct member *at = arena_array(env->eval.arena, room, sizeof *at);
        if (!at) return STATUS(OUT_OF_MEMORY);
        if (m->n) memcpy(at, m->at, m->n * sizeof *at);
        m->at = at;
        m->room = room;
    }
    m->at[m->n++] = (struct member){class_oid, object};
    return OK;
}

/* Indexes go with their tables, the types of tables likewise. */
static bool is_member(const struct catalog_row *row, oid class_oid) {
    if (class_oid == OID_pg_class) return row_char(row, COL_pg_class_relkind) != 'i';
    if (class_oid != OID_pg_type) return true;
    char kind = row_char(row, COL_pg_type_typtype);
    return kind == 'e' || kind == 'd';
}

static status add_all(struct sql_env *env, oid schema, enum catalog_number n, int oid_column,
                      int schema_column, struct members *m) {
    struct catalog_scan s;
    oid class_oid = catalog_infos[n].oid;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_oid(&s.row, schema_column) == schema && is_member(&s.row, class_oid))
            TRY_OUT(st, add(env, m, class_oid, row_oid(&s.row, oid_column)));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* A sequence goes with the column that owns it. */
static status leave_owned(struct sql_env *env, struct members *m) {
    struct list *owned = NULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->at[i].class_oid == OID_pg_class)
            TRY(define_owned_sequences(env, m->at[i].object, 0, &owned));
    for (uint32_t i = 0; i < m->n; i++)
        if (!list_has_oid(owned, m->at[i].object)) m->at[kept++] = m->at[i];
    m->n = kept;
    return OK;
}

static int by_age(const void *a, const void *b) {
    oid x = ((const struct member *)a)->object, y = ((const struct member *)b)->object;
    return (x > y) - (x < y);
}

static status members_of(struct sql_env *env, oid schema, struct members *ret) {
    *ret = (struct members){0};
    TRY(add_all(env, schema, CAT_pg_class, COL_pg_class_oid, COL_pg_class_relnamespace, ret));
    TRY(add_all(env, schema, CAT_pg_proc, COL_pg_proc_oid, COL_pg_proc_pronamespace, ret));
    TRY(add_all(env, schema, CAT_pg_collation, COL_pg_collation_oid, COL_pg_collation_collnamespace,
                ret));
    TRY(add_all(env, schema, CAT_pg_type, COL_pg_type_oid, COL_pg_type_typnamespace, ret));
    TRY(leave_owned(env, ret));
    if (ret->n) qsort(ret->at, ret->n, sizeof *ret->at, by_age);
    return OK;
}

/* "table t". NOT_FOUND: it went with another one. */
static status text_of(struct sql_env *env, const struct member *m, const char **ret) {
    if (m->class_oid == OID_pg_class) {
        const struct relation *r;
        TRY(catalog_relation(env, m->object, &r));
        return define_relation_text(env, m->object, r->kind, ret);
    }
    if (m->class_oid == OID_pg_type)
        return type_find(m->object) ? define_type_text(env, m->object, ret) : STATUS(NOT_FOUND);
    if (m->class_oid == OID_pg_collation) return define_collation_text(env, m->object, ret);
    const struct routine *r;
    TRY(catalog_routine(env, m->object, &r));
    *ret = arena_printf(env->eval.arena, "function %s", routine_text(env, r));
    return *ret ? OK : no_memory(env);
}

/* ---- taking it away -------------------------------------------------------------------------- */

static status refuse(struct sql_env *env, const struct members *m, const char *schema) {
    struct buf out = {0};
    status built = OK;
    for (uint32_t i = 0; ok(built) && i < m->n; i++) {
        const char *text;
        built = text_of(env, &m->at[i], &text);
        if (ok(built))
            built = buf_printf(&out, "%s%s depends on schema %s", i ? "\n" : "", text, schema);
    }
    status st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop schema %s because other objects depend on it", schema);
    if (ok(built)) error_detail(env->eval.error, "%.*s", (int)out.len, out.data);
    buf_free(&out);
    error_hint(env->eval.error, DEFINE_CASCADE_HINT);
    return st;
}

static status drop_relation(struct sql_env *env, oid relation, const char *text,
                            const struct list *others) {
    const struct relation *r;
    TRY(catalog_relation(env, relation, &r));
    TRY(define_drop_dependents(env, r, 0, text, true, others));
    return define_drop_relation(env, r);
}

static status lock_member(struct sql_env *env, const struct member *m) {
    if (m->class_oid == OID_pg_class)
        return txn_lock_relation(env->proc, env->txn, m->object, MODE_ACCESS_EXCLUSIVE, false,
                                 env->settings->lock_timeout_ms);
    if (m->class_oid == OID_pg_type)
        TRY(define_lock_type_oid(env, m->object, MODE_ACCESS_EXCLUSIVE));
    catalog_changed(env);
    return OK;
}

static status drop_member(struct sql_env *env, const struct member *m,
                          const struct list *relations) {
    const char *text;
    TRY(lock_member(env, m));
    status st = text_of(env, m, &text);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, text));
    if (m->class_oid == OID_pg_collation) return OK; /* last of all */
    if (m->class_oid == OID_pg_class) return drop_relation(env, m->object, text, relations);
    if (m->class_oid == OID_pg_type) {
        TRY(define_drop_type_dependents(env, m->object, text, true, relations));
        return define_drop_type(env, m->object);
    }
    TRY(define_drop_object_dependents(env, OID_pg_proc, m->object, text, true));
    return define_drop_routine(env, m->object);
}

static status drop_members(struct sql_env *env, const struct members *m) {
    struct list *relations = NULL;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->at[i].class_oid == OID_pg_class)
            TRY(list_append(env->eval.arena, &relations, (void *)(uintptr_t)m->at[i].object));
    for (uint32_t i = 0; i < m->n; i++) TRY(drop_member(env, &m->at[i], relations));
    for (uint32_t i = 0; i < m->n; i++) {
        const char *text;
        if (m->at[i].class_oid != OID_pg_collation) continue;
        TRY(define_collation_text(env, m->at[i].object, &text));
        TRY(define_drop_collation(env, m->at[i].object, text, true));
    }
    return OK;
}

status define_drop_schema_contents(struct sql_env *env, oid schema) {
    struct members members;
    struct sql_env quiet = *env;
    quiet.cascades = NULL;
    TRY(members_of(env, schema, &members));
    return drop_members(&quiet, &members);
}

status define_missing_schema(struct sql_env *env, const struct ast_drop *s, const char *name) {
    if (!s->if_exists)
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         name);
    define_notice(env, "00000", "schema \"%s\" does not exist, skipping", name);
    return OK;
}

status define_drop_schema(struct sql_env *env, const struct ast_drop *s, const char *name) {
    oid schema;
    status st = catalog_schema(env, name, &schema);
    if (status_is(st, ST_NOT_FOUND)) return define_missing_schema(env, s, name);
    TRY(st);
    TRY(privilege_check_owner(env, OID_pg_namespace, schema));
    if (schema < FIRST_USER_OID && schema != SCHEMA_PUBLIC)
        return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot drop schema %s because it is required by the database system",
                         name);
    struct members members;
    TRY(members_of(env, schema, &members));
    if (members.n && !s->cascade) return refuse(env, &members, name);
    TRY(drop_members(env, &members));
    datum key = datum_oid(schema);
    TRY(catalog_rows_delete(env, CAT_pg_namespace, 0, &key, 1, NULL));
    TRY(define_forget(env, OID_pg_namespace, schema));
    catalog_changed(env);
    return OK;
}
