/* dependents.c: who needs what is to be dropped: views, defaults, constraints, indexes. */
#include "catalog/dependents.h"

#include "catalog/define_cast.h"
#include "catalog/define_operator.h"
#include "catalog/define_types.h"

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

status dependents_find(struct cascade *c, oid class_oid, oid object, int32_t part,
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

status dependents_find_by_row_type(struct cascade *c, oid relation, struct list **ret_dependents) {
    const struct relation *r;
    int32_t before = list_n(*ret_dependents);
    status st = catalog_relation(c->env, relation, &r);
    if (status_is(st, ST_NOT_FOUND) || (ok(st) && !r->row_type)) return OK;
    TRY(st);
    TRY(dependents_find(c, OID_pg_type, r->row_type, 0, ret_dependents));
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
        TRY(dependents_find(c, d->class_oid, d->object, 0, &further));
        TRY(tell(c, further, d->text, told, out));
    }
    return OK;
}

status dependents_refuse(struct cascade *c, const struct list *dependents, const char *what) {
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
