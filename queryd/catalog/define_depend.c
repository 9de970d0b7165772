/* define_depend.c: what needs that which is dropped goes along, or keeps it from being dropped. */
#include "catalog/define_cast.h"
#include "catalog/define_function.h"
#include "catalog/define_operator.h"
#include "catalog/define_types.h"
#include "catalog/dependents.h"

static status drop_dependents(struct cascade *c, oid class_oid, oid object, int32_t part,
                              const char *what);

static status lock(struct sql_env *env, oid relation) {
    return txn_lock_relation(env->proc, env->txn, relation, MODE_ACCESS_EXCLUSIVE, false,
                             env->settings->lock_timeout_ms);
}

static status drop_view(struct cascade *c, const struct dependent *d) {
    const struct relation *v;
    TRY(lock(c->env, d->object));
    status st = catalog_relation(c->env, d->object, &v);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* dropped by an earlier one */
    TRY(st);
    TRY(define_cascades_to(c->env, d->text));
    TRY(drop_dependents(c, OID_pg_class, v->oid, 0, d->text));
    return define_drop_relation(c->env, v);
}

static status forget_default(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_attribute_atthasdef, false);
    return OK;
}

/* A generated column is nothing without its value. */
static status drop_generated(struct sql_env *env, const struct relation *r, int16_t number) {
    struct ast_alter_cmd cmd = {.name = (char *)r->atts[number - 1].name, .cascade = true};
    catalog_changed(env);
    TRY(catalog_relation(env, r->oid, &r));
    return define_drop_column(env, r, &cmd);
}

static status drop_default(struct cascade *c, const struct dependent *d) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    status st = catalog_row_get_oid(env, CAT_pg_attrdef, d->object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, d->text));
    oid relation = row_oid(&row, COL_pg_attrdef_adrelid);
    int16_t number = row_int2(&row, COL_pg_attrdef_adnum);
    const struct relation *r;
    TRY(lock(env, relation));
    TRY(catalog_relation(env, relation, &r));
    if (r->atts[number - 1].generated) return drop_generated(env, r, number);
    datum key = datum_oid(d->object);
    TRY(define_forget(env, OID_pg_attrdef, d->object));
    TRY(catalog_rows_delete(env, CAT_pg_attrdef, 0, &key, 1, NULL));
    TRY(define_update_attribute(env, relation, number, forget_default, NULL));
    catalog_changed(env);
    return OK;
}

static status drop_constraint(struct cascade *c, const struct dependent *d) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    status st = catalog_row_get_oid(env, CAT_pg_constraint, d->object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, d->text));
    oid relation = row_oid(&row, COL_pg_constraint_conrelid);
    if (relation) TRY(lock(env, relation));
    datum key = datum_oid(d->object);
    TRY(define_forget(env, OID_pg_constraint, d->object));
    TRY(catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL));
    catalog_changed(env);
    return OK;
}

static status drop_index(struct cascade *c, const struct dependent *d) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    const struct relation *r;
    status st = catalog_row_get_oid(env, CAT_pg_index, d->object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, d->text));
    TRY(lock(env, row_oid(&row, COL_pg_index_indrelid)));
    TRY(catalog_relation(env, row_oid(&row, COL_pg_index_indrelid), &r));
    TRY(define_drop_index(env, r, d->object));
    catalog_changed(env);
    return OK;
}

static status drop_function(struct cascade *c, const struct dependent *d) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    status st = catalog_row_get_oid(env, CAT_pg_proc, d->object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, d->text));
    TRY(drop_dependents(c, OID_pg_proc, d->object, 0, d->text));
    return define_drop_routine(env, d->object);
}

/* A cast or an operator. */
static status drop_own(struct cascade *c, const struct dependent *d) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    bool cast = d->class_oid == OID_pg_cast;
    status st = catalog_row_get_oid(env, cast ? CAT_pg_cast : CAT_pg_operator, d->object,
                                    env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_cascades_to(env, d->text));
    TRY(drop_dependents(c, d->class_oid, d->object, 0, d->text));
    return cast ? define_forget_cast(env, d->object) : define_forget_operator(env, d->object);
}

static status drop_domain(struct cascade *c, const struct dependent *d) {
    if (!type_find(d->object)) return OK;
    TRY(define_cascades_to(c->env, d->text));
    TRY(define_drop_type_dependents(c->env, d->object, d->text, true, c->others));
    return define_drop_type(c->env, d->object);
}

static status drop_dependents(struct cascade *c, oid class_oid, oid object, int32_t part,
                              const char *what) {
    struct list *dependents = NULL;
    if (class_oid == OID_pg_class && !part)
        TRY(dependents_find_by_row_type(c, object, &dependents));
    TRY(dependents_find(c, class_oid, object, part, &dependents));
    if (!list_n(dependents)) return OK;
    if (!c->cascade) return dependents_refuse(c, dependents, what);
    LIST_EACH(const struct dependent *, d, dependents) {
        if (d->class_oid == OID_pg_class) TRY(drop_view(c, d));
        if (d->class_oid == OID_pg_attrdef) TRY(drop_default(c, d));
        if (d->class_oid == OID_pg_constraint) TRY(drop_constraint(c, d));
        if (d->class_oid == OID_pg_index) TRY(drop_index(c, d));
        if (d->class_oid == OID_pg_proc) TRY(drop_function(c, d));
        if (d->class_oid == OID_pg_cast || d->class_oid == OID_pg_operator) TRY(drop_own(c, d));
        if (d->class_oid == OID_pg_type) TRY(drop_domain(c, d));
    }
    return OK;
}

status define_drop_dependents(struct sql_env *env, const struct relation *r, int32_t part,
                              const char *what, bool cascade, const struct list *others) {
    struct cascade c = {.env = env, .cascade = cascade, .relation = r->oid, .others = others};
    struct list *owned = NULL;
    TRY(drop_dependents(&c, OID_pg_class, r->oid, part, what));
    TRY(define_owned_sequences(env, r->oid, (int16_t)part, &owned));
    LIST_EACH(void *, sequence, owned) {
        const char *text;
        TRY(define_relation_text(env, (oid)(uintptr_t)sequence, 'S', &text));
        TRY(drop_dependents(&c, OID_pg_class, (oid)(uintptr_t)sequence, 0, text));
    }
    if (part) return OK;
    return define_drop_type_dependents(env, r->row_type, what, cascade, others);
}

status define_drop_index_dependents(struct sql_env *env, oid index, const char *what,
                                    bool cascade) {
    struct cascade c = {.env = env, .cascade = cascade};
    return drop_dependents(&c, OID_pg_class, index, 0, what);
}

status define_drop_object_dependents(struct sql_env *env, oid class_oid, oid object,
                                     const char *what, bool cascade) {
    struct cascade c = {.env = env, .cascade = cascade};
    return drop_dependents(&c, class_oid, object, 0, what);
}

/* What names a type or its array without having a column of it. */
status define_drop_type_texts(struct sql_env *env, oid type, const char *what, bool cascade,
                              const struct list *others) {
    struct cascade c = {.env = env, .cascade = cascade, .others = others};
    const struct type *t = type_find(type);
    oid array = t ? t->array : 0;
    TRY(drop_dependents(&c, OID_pg_type, type, 0, what));
    return array ? drop_dependents(&c, OID_pg_type, array, 0, what) : OK;
}

status define_refuse_views(struct sql_env *env, const struct relation *r, int32_t part,
                           const char *what) {
    struct cascade c = {.env = env, .relation = r->oid};
    struct list *dependents = NULL, *views = NULL;
    TRY(dependents_find(&c, OID_pg_class, r->oid, part, &dependents));
    LIST_EACH(struct dependent *, d, dependents)
    if (d->class_oid == OID_pg_class) TRY(list_append(env->eval.arena, &views, d));
    return list_n(views) ? dependents_refuse(&c, views, what) : OK;
}

status define_refuse_type_change(struct sql_env *env, const struct relation *r,
                                 const struct attribute *att) {
    struct cascade c = {.env = env, .relation = r->oid};
    struct list *dependents = NULL;
    TRY(dependents_find(&c, OID_pg_class, r->oid, att->number, &dependents));
    LIST_EACH(struct dependent *, d, dependents) {
        if (d->class_oid != OID_pg_class) continue;
        status st = error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                              "cannot alter type of a column used by a view or rule");
        error_detail(env->eval.error, "rule _RETURN on %s depends on column \"%s\"", d->text,
                     att->name);
        return st;
    }
    return OK;
}

/* ---- sequences ------------------------------------------------------------------------------- */

status define_owned_sequences(struct sql_env *env, oid table, int16_t column,
                              struct list **ret_sequences) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(table), datum_int4(column)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys,
                                   column ? 3 : 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        char type = row_char(&s.row, COL_pg_depend_deptype);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_class || (type != 'a' && type != 'i'))
            continue;
        struct catalog_row row;
        oid id = row_oid(&s.row, COL_pg_depend_objid);
        TRY_OUT(st, catalog_row_get_oid(env, CAT_pg_class, id, env->eval.arena, &row));
        if (row_char(&row, COL_pg_class_relkind) != 'S') continue;
        TRY_OUT(st, list_append(env->eval.arena, ret_sequences, (void *)(uintptr_t)id));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- indexes --------------------------------------------------------------------------------- */

static bool is_index_of(const struct relation *r, oid index) {
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return true;
    return false;
}

status define_column_indexes(struct sql_env *env, const struct relation *r, int16_t column,
                             struct list **ret_indexes) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(r->oid), datum_int4(column)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 3, &s));
    while (ok(st = catalog_scan_next(&s))) {
        oid id = row_oid(&s.row, COL_pg_depend_objid);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_class || !is_index_of(r, id) ||
            list_has_oid(*ret_indexes, id))
            continue;
        TRY_OUT(st, list_append(env->eval.arena, ret_indexes, (void *)(uintptr_t)id));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}
