/* define_depend.c: what depends on what is dropped: views, defaults, constraints, indexes. */
#include "catalog/define_cast.h"
#include "catalog/define_function.h"
#include "catalog/define_operator.h"
#include "catalog/define_types.h"

/* One DROP: what it has taken with it so far, for the notice at its end. */
struct cascade {
    struct sql_env *env;
    bool cascade;
    oid relation;              /* what is dropped: its own parts are no dependents */
    const struct list *others; /* (oid) what the statement drops besides */
};

struct dependent {
    oid class_oid;
    oid object;
    const char *text;
    const char *on; /* "type t": what it depends on, where that is not the dropped object itself */
    oid row;        /* what depends, as pg_depend has it */
    int32_t part;
};

static const char *kind_word(char kind) {
    switch (kind) {
    case 'v': return "view";
    case 'i': return "index";
    case 'S': return "sequence";
    case 'c': return "type";
    default: return "table";
    }
}

status define_relation_text(struct sql_env *env, oid relation, char kind, const char **ret) {
    struct buf out = {0};
    status st = relation_print(env, relation, &out);
    if (ok(st))
        *ret = arena_printf(env->eval.arena, "%s %.*s", kind_word(kind), (int)out.len, out.data);
    buf_free(&out);
    return ok(st) && !*ret ? no_memory(env) : st;
}

/* ---- who depends ----------------------------------------------------------------------------- */

static status view_text(struct cascade *c, oid rule, struct dependent *ret) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_rewrite, rule, env->eval.arena, &row));
    *ret = (struct dependent){OID_pg_class, row_oid(&row, COL_pg_rewrite_ev_class), NULL};
    if (list_has_oid(c->others, ret->object)) return STATUS(NOT_FOUND);
    return define_relation_text(env, ret->object, 'v', &ret->text);
}

static status default_text(struct cascade *c, oid id, struct dependent *ret) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    const struct relation *r;
    const char *table;
    TRY(catalog_row_get_oid(env, CAT_pg_attrdef, id, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_attrdef_adrelid);
    if (relation == c->relation || list_has_oid(c->others, relation)) return STATUS(NOT_FOUND);
    TRY(catalog_relation(env, relation, &r));
    TRY(define_relation_text(env, relation, r->kind, &table));
    int16_t number = row_int2(&row, COL_pg_attrdef_adnum);
    const struct attribute *att = &r->atts[number - 1];
    *ret = (struct dependent){OID_pg_attrdef, id, NULL};
    ret->text = arena_printf(env->eval.arena, "%scolumn %s of %s",
                             att->generated ? "" : "default value for ", att->name, table);
    return ret->text ? OK : no_memory(env);
}

static status constraint_text(struct cascade *c, oid id, bool whole, struct dependent *ret) {
    struct sql_env *env = c->env;
    struct catalog_row row;
    const char *table;
    TRY(catalog_row_get_oid(env, CAT_pg_constraint, id, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_constraint_conrelid);
    *ret = (struct dependent){OID_pg_constraint, id, NULL};
    if (!relation) {
        ret->text = arena_printf(env->eval.arena, "constraint %s",
                                 row_name(&row, COL_pg_constraint_conname));
        return ret->text ? OK : no_memory(env);
    }
    if ((relation == c->relation && whole) || list_has_oid(c->others, relation))
        return STATUS(NOT_FOUND);
    TRY(define_relation_text(env, relation, 'r', &table));
    ret->text = arena_printf(env->eval.arena, "constraint %s on %s",
                             row_name(&row, COL_pg_constraint_conname), table);
    return ret->text ? OK : no_memory(env);
}

/* A function whose body names it. */
static status function_text(struct cascade *c, oid id, struct dependent *ret) {
    const struct routine *r;
    TRY(catalog_routine(c->env, id, &r));
    *ret = (struct dependent){OID_pg_proc, id, NULL};
    ret->text = arena_printf(c->env->eval.arena, "function %s", routine_text(c->env, r));
    return ret->text ? OK : no_memory(c->env);
}

/* An index whose keys or predicate name it. */
static status index_text(struct cascade *c, oid id, struct dependent *ret) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(c->env, CAT_pg_index, id, c->env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_index_indrelid);
    if (relation == c->relation || list_has_oid(c->others, relation)) return STATUS(NOT_FOUND);
    *ret = (struct dependent){OID_pg_index, id, NULL};
    return define_relation_text(c->env, id, 'i', &ret->text);
}

/* A domain whose default calls it. */
static status domain_text(struct cascade *c, oid id, struct dependent *ret) {
    *ret = (struct dependent){OID_pg_type, id, NULL};
    return define_type_text(c->env, id, &ret->text);
}

static status cast_text(struct cascade *c, oid id, struct dependent *ret) {
    *ret = (struct dependent){OID_pg_cast, id, NULL};
    return define_cast_text(c->env, id, &ret->text);
}

static status operator_text(struct cascade *c, oid id, struct dependent *ret) {
    *ret = (struct dependent){OID_pg_operator, id, NULL};
    return define_operator_text(c->env, id, &ret->text);
}

/* NOT_FOUND: it goes anyway. */
static status describe(struct cascade *c, const struct catalog_row *row, bool whole,
                       struct dependent *ret) {
    oid class_oid = row_oid(row, COL_pg_depend_classid), id = row_oid(row, COL_pg_depend_objid);
    bool normal = row_char(row, COL_pg_depend_deptype) == 'n';
    if (class_oid == OID_pg_rewrite) return view_text(c, id, ret);
    if (class_oid == OID_pg_cast) return cast_text(c, id, ret);
    if (class_oid == OID_pg_operator) return operator_text(c, id, ret);
    if (class_oid == OID_pg_proc && normal) return function_text(c, id, ret);
    if (class_oid == OID_pg_attrdef && normal) return default_text(c, id, ret);
    if (class_oid == OID_pg_class && normal && !row_int4(row, COL_pg_depend_objsubid))
        return index_text(c, id, ret);
    if (class_oid == OID_pg_type && normal && row_oid(row, COL_pg_depend_refclassid) == OID_pg_proc)
        return domain_text(c, id, ret);
    if (class_oid == OID_pg_constraint && normal) return constraint_text(c, id, whole, ret);
    return STATUS(NOT_FOUND);
}

static bool is_known(const struct list *dependents, const struct dependent *d) {
    LIST_EACH(const struct dependent *, k, dependents)
    if (k->class_oid == d->class_oid && k->object == d->object) return true;
    return false;
}

static int by_age(const void *a, const void *b) {
    const struct dependent *x = *(struct dependent *const *)a, *y = *(struct dependent *const *)b;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (x->part < y->part) - (x->part > y->part);
}

/* As PostgreSQL tells them: the oldest first, the last column of a table before its first. */
static void sort(struct list *dependents, int32_t from) {
    int32_t n = list_n(dependents) - from;
    if (n > 1) qsort(dependents->items + from, (size_t)n, sizeof *dependents->items, by_age);
}

/* Of an object (part 0: all of it) or of one column of a relation. */
static status find(struct cascade *c, oid class_oid, oid object, int32_t part,
                   struct list **ret_dependents) {
    struct arena *a = c->env->eval.arena;
    datum keys[] = {datum_oid(class_oid), datum_oid(object), datum_int4(part)};
    int32_t before = list_n(*ret_dependents);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(c->env, CAT_pg_depend, OID_pg_depend_reference_index, keys,
                                   part ? 3 : 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct dependent found;
        st = describe(c, &s.row, part == 0, &found);
        if (status_is(st, ST_NOT_FOUND)) continue;
        if (!ok(st)) goto out;
        /* a view's own rule depends on the view */
        if (found.class_oid == class_oid && found.object == object) continue;
        if (is_known(*ret_dependents, &found)) continue;
        found.row = row_oid(&s.row, COL_pg_depend_objid);
        found.part = row_int4(&s.row, COL_pg_depend_objsubid);
        struct dependent *kept = arena_memdup(a, &found, sizeof found);
        TRY_OUT(st, kept ? list_append(a, ret_dependents, kept) : no_memory(c->env));
    }
    if (status_is(st, ST_END)) st = OK;
    sort(*ret_dependents, before);
out:
    catalog_scan_end(&s);
    return st;
}

/* Functions that take or give rows of the relation. */
static status find_by_row_type(struct cascade *c, oid relation, struct list **ret_dependents) {
    const struct relation *r;
    int32_t before = list_n(*ret_dependents);
    status st = catalog_relation(c->env, relation, &r);
    if (status_is(st, ST_NOT_FOUND) || (ok(st) && !r->row_type)) return OK;
    TRY(st);
    TRY(find(c, OID_pg_type, r->row_type, 0, ret_dependents));
    for (int32_t i = before; i < list_n(*ret_dependents); i++) {
        struct dependent *d = list_at(*ret_dependents, i);
        d->on = arena_printf(c->env->eval.arena, "type %s", r->name);
        if (!d->on) return no_memory(c->env);
    }
    return OK;
}

/* "view v depends on table t", and what depends on v in turn. */
static status tell(struct cascade *c, const struct list *dependents, const char *what,
                   struct list **told, struct buf *out) {
    LIST_EACH(struct dependent *, d, dependents) {
        struct list *further = NULL;
        if (is_known(*told, d)) continue;
        TRY(list_append(c->env->eval.arena, told, d));
        TRY(buf_printf(out, "%s%s depends on %s", out->len ? "\n" : "", d->text,
                       d->on ? d->on : what));
        if (d->class_oid == OID_pg_attrdef || d->class_oid == OID_pg_index) continue;
        TRY(find(c, d->class_oid, d->object, 0, &further));
        TRY(tell(c, further, d->text, told, out));
    }
    return OK;
}

static status refuse(struct cascade *c, const struct list *dependents, const char *what) {
    struct sql_env *env = c->env;
    struct list *told = NULL;
    struct buf out = {0};
    status built = tell(c, dependents, what, &told, &out);
    status st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop %s because other objects depend on it", what);
    if (ok(built)) error_detail(env->eval.error, "%.*s", (int)out.len, out.data);
    buf_free(&out);
    error_hint(env->eval.error, DEFINE_CASCADE_HINT);
    return st;
}

/* "view v depends on …": that v goes has been told. */
static bool is_told(const char *details, const char *line, size_t len) {
    static const char words[] = " depends on ";
    const char *end = memmem(line, len, words, sizeof words - 1);
    size_t subject = end ? (size_t)(end - line) + sizeof words - 1 : len;
    for (const char *at = details; at && *at;) {
        if (!strncmp(at, line, subject)) return true;
        at += strcspn(at, "\n");
        at += *at != 0;
    }
    return false;
}

/* Several objects of one DROP, each of which others need. */
status define_gather_refusal(struct sql_env *env, status st, const char **details) {
    struct error *e = env->eval.error;
    if (!status_is(st, ST_DEPENDENT_OBJECTS_STILL_EXIST) || strcmp(e->hint, DEFINE_CASCADE_HINT))
        return st;
    struct buf out = {0};
    status built = OK;
    for (const char *line = e->detail; ok(built) && *line;) {
        size_t len = strcspn(line, "\n");
        if (!is_told(*details, line, len))
            built = buf_printf(&out, "%s%.*s", out.len ? "\n" : "", (int)len, line);
        line += len + (line[len] != 0);
    }
    if (ok(built) && *details) built = buf_printf(&out, "%s%s", out.len ? "\n" : "", *details);
    *details = ok(built) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    if (!*details) return no_memory(env);
    error_clear(e);
    return OK;
}

status define_refuse_gathered(struct sql_env *env, const char *details) {
    if (!details) return OK;
    status st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop desired object(s) because other objects depend on them");
    error_detail(env->eval.error, "%s", details);
    error_hint(env->eval.error, DEFINE_CASCADE_HINT);
    return st;
}

/* ---- taking them along ----------------------------------------------------------------------- */

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
    if (class_oid == OID_pg_class && !part) TRY(find_by_row_type(c, object, &dependents));
    TRY(find(c, class_oid, object, part, &dependents));
    if (!list_n(dependents)) return OK;
    if (!c->cascade) return refuse(c, dependents, what);
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
    TRY(find(&c, OID_pg_class, r->oid, part, &dependents));
    LIST_EACH(struct dependent *, d, dependents)
    if (d->class_oid == OID_pg_class) TRY(list_append(env->eval.arena, &views, d));
    return list_n(views) ? refuse(&c, views, what) : OK;
}

status define_refuse_type_change(struct sql_env *env, const struct relation *r,
                                 const struct attribute *att) {
    struct cascade c = {.env = env, .relation = r->oid};
    struct list *dependents = NULL;
    TRY(find(&c, OID_pg_class, r->oid, att->number, &dependents));
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
