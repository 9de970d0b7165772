/* define_type_drop.c: DROP TYPE, DROP DOMAIN; what uses a type, and what is dropped with it. */
#include "base/coro.h"
#include "catalog/define_types.h"

#define STACK_MARGIN_BYTES (24 * 1024)

/* ---- who uses a type ------------------------------------------------------------------------- */

/* One row of pg_depend about a type. */
struct dependant {
    oid class_oid, object;
    int32_t part;
    char kind; /* deptype */
};

/* As PostgreSQL tells them: the oldest first, the last column of a table before its first. */
static int by_age(const void *a, const void *b) {
    const struct dependant *x = *(struct dependant *const *)a, *y = *(struct dependant *const *)b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    return (x->part < y->part) - (x->part > y->part);
}

static status read_dependants(struct sql_env *env, oid type, struct list **ret) {
    datum keys[] = {datum_oid(OID_pg_type), datum_oid(type)};
    struct catalog_scan s;
    status st;
    if (coro_stack_left() < STACK_MARGIN_BYTES)
        return error_set(env->eval.error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct dependant *d = arena_alloc(env->eval.arena, sizeof *d);
        TRY_OUT(st, d ? OK : no_memory(env));
        *d = (struct dependant){
            row_oid(&s.row, COL_pg_depend_classid), row_oid(&s.row, COL_pg_depend_objid),
            row_int4(&s.row, COL_pg_depend_objsubid), row_char(&s.row, COL_pg_depend_deptype)};
        TRY_OUT(st, list_append(env->eval.arena, ret, d));
    }
    if (status_is(st, ST_END)) st = OK;
    if (list_n(*ret) > 1) qsort((*ret)->items, (size_t)list_n(*ret), sizeof(void *), by_age);
out:
    catalog_scan_end(&s);
    return st;
}

static status column_of(struct sql_env *env, const struct dependant *d,
                        const struct relation **ret_relation, const struct attribute **ret_att) {
    *ret_att = NULL;
    if (d->class_oid != OID_pg_class || d->part < 1) return OK;
    TRY(catalog_relation(env, d->object, ret_relation));
    if (d->part <= (*ret_relation)->natts && !(*ret_relation)->atts[d->part - 1].dropped)
        *ret_att = &(*ret_relation)->atts[d->part - 1];
    return OK;
}

status define_each_use(struct sql_env *env, oid type, bool inside, type_use_fn *fn, void *arg) {
    struct list *found = NULL;
    const struct type *t = type_find(type);
    TRY(read_dependants(env, type, &found));
    LIST_EACH(const struct dependant *, d, found) {
        const struct relation *r;
        const struct attribute *att;
        TRY(column_of(env, d, &r, &att));
        if (att && (r->kind == 'r' || r->kind == 'm')) {
            struct type_use use = {r, att, !inside};
            TRY(fn(env, &use, arg));
        } else if (att && r->kind == 'c') {
            TRY(define_each_use(env, r->row_type, false, fn, arg));
        } else if (d->class_oid == OID_pg_type) {
            /* Its array, or a domain over it. */
            bool domain = d->kind == 'n' && t && t->kind == 'd';
            TRY(define_each_use(env, d->object, inside && domain, fn, arg));
        }
    }
    /* A table's columns are fields of its row type. */
    return OK;
}

struct refusal {
    const char *what, *name;
};

static status refuse_use(struct sql_env *env, const struct type_use *use, void *arg) {
    const struct refusal *r = arg;
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "cannot alter %s \"%s\" because column \"%s.%s\" uses %s", r->what, r->name,
                     use->relation->name, use->attribute->name,
                     !strcmp(r->what, "table") ? "its row type" : "it");
}

status define_refuse_uses(struct sql_env *env, oid type, const char *what, const char *name) {
    struct refusal r = {what, name};
    return type ? define_each_use(env, type, true, refuse_use, &r) : OK;
}

/* ---- what is dropped with it ----------------------------------------------------------------- */

struct type_cascade {
    struct sql_env *env;
    bool cascade;
    const struct list *others; /* (oid) relations that are dropped besides */
    struct buf refusals;       /* the detail, where there is no cascade */
};

static status take(struct type_cascade *c, const char *text, const char *on, bool *ret_go) {
    *ret_go = c->cascade;
    if (c->cascade) return define_cascades_to(c->env, text);
    return buf_printf(&c->refusals, "%s%s depends on %s", c->refusals.len ? "\n" : "", text, on);
}

static status drop_dependants(struct type_cascade *c, oid type, const char *what);

static status drop_user_column(struct type_cascade *c, const struct dependant *d,
                               const char *what) {
    struct sql_env *env = c->env;
    const struct relation *r;
    const struct attribute *att;
    const char *owner;
    bool go;
    status st = column_of(env, d, &r, &att);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* dropped by an earlier one */
    TRY(st);
    if (!att || r->kind == 'i' || list_has_oid(c->others, r->oid)) return OK;
    if (r->kind == 'c')
        owner = arena_printf(env->eval.arena, "composite type %s",
                             type_format_name(env->eval.arena, r->row_type));
    else
        TRY(define_relation_text(env, r->oid, r->kind, &owner));
    const char *text = arena_printf(env->eval.arena, "column %s of %s", att->name, owner);
    if (!text || !owner) return no_memory(env);
    TRY(take(c, text, what, &go));
    if (!go) return OK;
    TRY(define_lock_type_oid(env, r->oid, MODE_ACCESS_EXCLUSIVE));
    catalog_changed(env);
    st = column_of(env, d, &r, &att);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (!att) return OK;
    if (r->kind == 'c') return define_drop_attribute(env, r, att);
    struct ast_alter_cmd cmd = {.name = (char *)att->name, .cascade = true};
    return define_drop_column(env, r, &cmd);
}

static status drop_user_type(struct type_cascade *c, const struct dependant *d, const char *what) {
    struct sql_env *env = c->env;
    const char *text;
    bool go;
    if (!type_find(d->object)) return OK;
    TRY(define_type_text(env, d->object, &text));
    if (d->kind == 'i') return drop_dependants(c, d->object, text); /* its array */
    TRY(take(c, text, what, &go));
    TRY(drop_dependants(c, d->object, text));
    return go ? define_drop_type(env, d->object) : OK;
}

static status drop_dependants(struct type_cascade *c, oid type, const char *what) {
    struct list *found = NULL;
    TRY(read_dependants(c->env, type, &found));
    LIST_EACH(const struct dependant *, d, found) {
        if (d->class_oid == OID_pg_class && d->part > 0) TRY(drop_user_column(c, d, what));
        if (d->class_oid == OID_pg_type) TRY(drop_user_type(c, d, what));
    }
    return OK;
}

static status refuse(struct type_cascade *c, const char *what) {
    struct error *e = c->env->eval.error;
    status st = error_set(e, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop %s because other objects depend on it", what);
    error_detail(e, "%.*s", (int)c->refusals.len, c->refusals.data);
    error_hint(e, DEFINE_CASCADE_HINT);
    return st;
}

status define_drop_type_dependents(struct sql_env *env, oid type, const char *what, bool cascade,
                                   const struct list *others) {
    struct type_cascade c = {.env = env, .cascade = cascade, .others = others};
    const char *type_text;
    if (!type) return OK;
    TRY(define_type_text(env, type, &type_text));
    if (cascade) TRY(define_drop_type_texts(env, type, type_text, true, others));
    status st = drop_dependants(&c, type, type_text);
    if (ok(st) && c.refusals.len) st = refuse(&c, what);
    buf_free(&c.refusals);
    TRY(st);
    return cascade ? OK : define_drop_type_texts(env, type, what, false, others);
}

/* ---- one type -------------------------------------------------------------------------------- */

static status drop_type_rows(struct sql_env *env, oid type) {
    datum key = datum_oid(type);
    TRY(define_forget(env, OID_pg_type, type));
    return catalog_rows_delete(env, CAT_pg_type, 0, &key, 1, NULL);
}

static status drop_conditions(struct sql_env *env, oid domain) {
    datum key = datum_oid(domain);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint, OID_pg_constraint_contypid_index, &key,
                                   1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        TRY_OUT(st, define_forget(env, OID_pg_constraint, row_oid(&s.row, COL_pg_constraint_oid)));
        TRY_OUT(st, catalog_row_delete(&s));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status define_drop_type(struct sql_env *env, oid type) {
    const struct type *t = type_find(type);
    const struct relation *r;
    if (!t) return OK;
    oid array = t->array;
    datum key = datum_oid(type);
    if (t->kind == 'c') {
        TRY(catalog_relation(env, t->relation, &r));
        return define_drop_relation(env, r);
    }
    if (t->kind == 'e')
        TRY(catalog_rows_delete(env, CAT_pg_enum, OID_pg_enum_typid_sortorder_index, &key, 1,
                                NULL));
    if (t->kind == 'd') TRY(drop_conditions(env, type));
    if (array) TRY(drop_type_rows(env, array));
    TRY(drop_type_rows(env, type));
    catalog_changed(env);
    return OK;
}

oid define_stand_in(oid type) {
    const struct type *t = type_below(type_find(type));
    if (!t || !t->arena) return t ? t->oid : BYTEAOID;
    return t->kind == 'e' ? INT8OID : BYTEAOID;
}

/* ---- DROP TYPE, DROP DOMAIN ------------------------------------------------------------------ */

/* False: there is none, which is all right. */
static status find_dropped(struct sql_env *env, const struct ast_drop *s,
                           const struct ast_type_name *n, bool *ret_found) {
    int32_t count = list_n(n->names);
    const char *schema = count > 1 ? list_at(n->names, count - 2) : NULL;
    const char *name = list_at(n->names, count - 1);
    oid type;
    status st = catalog_type_named(env, schema, name, &type);
    *ret_found = ok(st);
    if (ok(st) || !s->if_exists) return st;
    if (!status_is(st, ST_UNDEFINED_OBJECT) && !status_is(st, ST_INVALID_SCHEMA_NAME)) return st;
    error_clear(env->eval.error);
    if (status_is(st, ST_INVALID_SCHEMA_NAME))
        define_notice(env, "00000", "schema \"%s\" does not exist, skipping", schema);
    else
        define_notice(env, "00000", "type \"%s%s%s\" does not exist, skipping",
                      schema ? schema : "", schema ? "." : "", name);
    return OK;
}

static status refuse_part(struct sql_env *env, const struct type *t) {
    const struct relation *r;
    const char *what, *of;
    if (t->kind == 'b') {
        TRY(define_type_text(env, t->element, &of));
    } else if (t->kind == 'c') {
        TRY(catalog_relation(env, t->relation, &r));
        if (r->kind == 'c') return OK;
        TRY(define_relation_text(env, r->oid, r->kind, &of));
    } else {
        return OK;
    }
    TRY(define_type_text(env, t->oid, &what));
    status st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                          "cannot drop %s because %s requires it", what, of);
    error_hint(env->eval.error, "You can drop %s instead.", of);
    return st;
}

status define_drop_types(struct sql_env *env, const struct ast_drop *s) {
    const char *details = NULL;
    LIST_EACH(const struct node *, n, s->objects) {
        const struct type *t;
        const char *what;
        bool found;
        if (n->kind != NODE_TYPE_NAME) return define_unsupported(env, "this form of DROP");
        const struct ast_type_name *name = (const struct ast_type_name *)n;
        TRY(find_dropped(env, s, name, &found));
        if (!found) continue;
        TRY(define_lock_type(env, name->names, s->type == OBJECT_DOMAIN ? 'd' : 0, &t));
        TRY(refuse_part(env, t));
        TRY(define_type_text(env, t->oid, &what));
        oid type = t->oid;
        status st = define_drop_type_dependents(env, type, what, s->cascade, NULL);
        if (ok(st)) st = define_drop_type(env, type);
        TRY(list_n(s->objects) > 1 ? define_gather_refusal(env, st, &details) : st);
    }
    return define_refuse_gathered(env, details);
}
