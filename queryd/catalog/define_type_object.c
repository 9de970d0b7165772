/* define_type_object.c: types as objects of the catalogs: rows, names, owners, schemas. */
#include "catalog/define_types.h"

#define ARRAY_SUBSCRIPT 6179
#define ARRAY_ANALYZE 3816

/* ---- rows ------------------------------------------------------------------------------------ */

/* As kept, and as people read it. */
status define_set_type_default(struct sql_env *env, struct catalog_row *row, const char *text) {
    struct arena *a = env->eval.arena;
    struct buf out = {0};
    status st = print_stored(env, NULL, text, strlen(text), false, &out);
    const char *shown = ok(st) ? arena_strndup(a, out.data, out.len) : NULL;
    buf_free(&out);
    TRY(st);
    if (!shown) return no_memory(env);
    TRY(row_set_text(a, row, COL_pg_type_typdefaultbin, text));
    return row_set_text(a, row, COL_pg_type_typdefault, shown);
}

status define_insert_type(struct sql_env *env, const struct type_facts *f) {
    struct arena *a = env->eval.arena;
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_type);
    row_set_oid(&row, COL_pg_type_oid, f->oid);
    TRY(row_set_name(a, &row, COL_pg_type_typname, f->name));
    row_set_oid(&row, COL_pg_type_typnamespace, f->schema);
    row_set_oid(&row, COL_pg_type_typowner, f->owner);
    row_set_int(&row, COL_pg_type_typlen, f->len);
    row_set_bool(&row, COL_pg_type_typbyval, f->byval);
    row_set_char(&row, COL_pg_type_typtype, f->kind);
    row_set_char(&row, COL_pg_type_typcategory, f->category);
    row_set_bool(&row, COL_pg_type_typispreferred, f->preferred);
    row_set_bool(&row, COL_pg_type_typisdefined, true);
    row_set_char(&row, COL_pg_type_typdelim, f->delimiter);
    row_set_oid(&row, COL_pg_type_typrelid, f->relation);
    row_set_oid(&row, COL_pg_type_typelem, f->element);
    row_set_oid(&row, COL_pg_type_typarray, f->array);
    if (f->element && f->kind == 'b') {
        row_set_oid(&row, COL_pg_type_typsubscript, ARRAY_SUBSCRIPT);
        row_set_oid(&row, COL_pg_type_typanalyze, ARRAY_ANALYZE);
    }
    row_set_oid(&row, COL_pg_type_typinput, f->in);
    row_set_oid(&row, COL_pg_type_typoutput, f->out);
    row_set_oid(&row, COL_pg_type_typreceive, f->receive);
    row_set_oid(&row, COL_pg_type_typsend, f->send);
    row_set_char(&row, COL_pg_type_typalign, f->align);
    row_set_char(&row, COL_pg_type_typstorage, f->storage);
    row_set_bool(&row, COL_pg_type_typnotnull, f->not_null);
    row_set_oid(&row, COL_pg_type_typbasetype, f->base);
    row_set_int(&row, COL_pg_type_typtypmod, f->typmod);
    row_set_oid(&row, COL_pg_type_typcollation, f->collation);
    if (f->default_text) TRY(define_set_type_default(env, &row, f->default_text));
    return catalog_row_insert(env, CAT_pg_type, &row);
}

static status type_named_in(struct sql_env *env, oid schema, const char *name, oid *ret) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(schema)};
    struct catalog_row row;
    *ret = 0;
    status st = catalog_row_get(env, CAT_pg_type, OID_pg_type_typname_nsp_index, keys, 2,
                                env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    *ret = row_oid(&row, COL_pg_type_oid);
    return OK;
}

status define_insert_array_type(struct sql_env *env, const struct type_facts *f) {
    char name[NAME_BYTES];
    TRY(define_array_name(env, f->schema, f->name, 0, name));
    struct type_facts array = {.oid = f->array,
                               .schema = f->schema,
                               .owner = f->owner,
                               .name = name,
                               .kind = 'b',
                               .category = 'A',
                               .align = f->align == 'd' ? 'd' : 'i',
                               .storage = 'x',
                               .len = -1,
                               .delimiter = f->delimiter,
                               .element = f->oid,
                               .collation = f->collation,
                               .typmod = -1,
                               .in = 750,
                               .out = 751,
                               .receive = 2400,
                               .send = 2401};
    TRY(define_insert_type(env, &array));
    return define_depend(env, (struct object_address){OID_pg_type, array.oid, 0},
                         (struct object_address){OID_pg_type, f->oid, 0}, 'i');
}

status define_update_type(struct sql_env *env, oid type,
                          status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                          void *arg) {
    datum key = datum_oid(type);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_type, 0, &key, 1, &s));
    st = catalog_scan_next(&s);
    if (status_is(st, ST_END))
        st = error_set(env->eval.error, ST_INTERNAL_ERROR, "cache lookup failed for type %u", type);
    if (!ok(st)) goto out;
    struct catalog_row row = s.row;
    TRY_OUT(st, fn(env, &row, arg));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- names ----------------------------------------------------------------------------------- */

status define_type_is_free(struct sql_env *env, oid schema, const char *name) {
    oid taken;
    TRY(define_move_array_type(env, schema, name));
    TRY(type_named_in(env, schema, name, &taken));
    if (!taken) return OK;
    return error_set(env->eval.error, ST_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
}

status define_place_type(struct sql_env *env, const struct list *names, oid *ret_schema,
                         const char **ret_name) {
    int32_t n = list_n(names);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL, *schema_name;
    *ret_name = list_at(names, n - 1);
    if (schema && !strcmp(schema, "pg_temp")) {
        struct ast_range_var place = {.schema = (char *)schema, .name = (char *)*ret_name};
        struct relation r = {0};
        TRY(define_place(env, &place, &r));
        *ret_schema = r.schema;
    } else {
        TRY(schema_for_creation(env, schema, ret_schema));
    }
    TRY(schema_name_of(env, *ret_schema, env->eval.arena, &schema_name));
    TRY(define_refuse_catalog_schema(env, *ret_schema, schema_name, *ret_name));
    return define_type_is_free(env, *ret_schema, *ret_name);
}

status define_type_text(struct sql_env *env, oid type, const char **ret) {
    *ret = arena_printf(env->eval.arena, "type %s", type_format_name(env->eval.arena, type));
    return *ret ? OK : no_memory(env);
}

status define_lock_type_oid(struct sql_env *env, oid type, enum relation_mode mode) {
    return txn_lock_relation(env->proc, env->txn, type, mode, false,
                             env->settings->lock_timeout_ms);
}

static status no_such_type(struct sql_env *env, const char *schema, const char *name) {
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "type \"%s%s%s\" does not exist",
                     schema ? schema : "", schema ? "." : "", name);
}

status define_lock_type(struct sql_env *env, const struct list *names, char kind,
                        const struct type **ret_type) {
    int32_t n = list_n(names);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL, *name = list_at(names, n - 1);
    oid type, again;
    TRY(catalog_type_named(env, schema, name, &type));
    if (kind == 'd' && !(type_find(type) && type_find(type)->kind == 'd'))
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "%s is not a domain",
                         type_format_name(env->eval.arena, type));
    if (type < FIRST_USER_OID)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE, "must be owner of type %s",
                         name);
    TRY(define_lock_type_oid(env, type, MODE_ACCESS_EXCLUSIVE));
    catalog_changed(env);
    TRY(catalog_type_named(env, schema, name, &again));
    const struct type *t = again == type ? type_find(type) : NULL;
    if (!t) return no_such_type(env, schema, name);
    TRY(privilege_check_owner(env, OID_pg_type, type));
    *ret_type = t;
    return OK;
}

/* ---- owner, name, schema --------------------------------------------------------------------- */

struct type_change {
    const char *name; /* NULL: kept */
    oid schema;       /* 0: kept */
    oid owner;        /* 0: kept */
};

static status change_row(struct sql_env *env, struct catalog_row *row, void *arg) {
    const struct type_change *c = arg;
    if (c->name) TRY(row_set_name(env->eval.arena, row, COL_pg_type_typname, c->name));
    if (c->schema) row_set_oid(row, COL_pg_type_typnamespace, c->schema);
    if (c->owner) row_set_oid(row, COL_pg_type_typowner, c->owner);
    return OK;
}

static status change_class(struct sql_env *env, struct catalog_row *row, void *arg) {
    const struct type_change *c = arg;
    if (c->name) TRY(row_set_name(env->eval.arena, row, COL_pg_class_relname, c->name));
    if (c->schema) row_set_oid(row, COL_pg_class_relnamespace, c->schema);
    if (c->owner) row_set_oid(row, COL_pg_class_relowner, c->owner);
    return OK;
}

/* The type, its array, and what pg_class has of it. */
static status change_type(struct sql_env *env, const struct type *t, struct type_change *c) {
    TRY(define_update_type(env, t->oid, change_row, c));
    if (t->kind == 'c') TRY(define_update_class(env, t->relation, change_class, c));
    if (!t->array) return OK;
    struct type_change array = *c;
    char name[NAME_BYTES];
    if (c->name) {
        struct catalog_row row;
        TRY(catalog_row_get_oid(env, CAT_pg_type, t->oid, env->eval.arena, &row));
        TRY(define_array_name(env, row_oid(&row, COL_pg_type_typnamespace), c->name, t->array,
                              name));
        array.name = name;
    }
    return define_update_type(env, t->array, change_row, &array);
}

static status refuse_table_type(struct sql_env *env, const struct type *t, const char *what) {
    const struct relation *r;
    if (t->kind == 'b') {
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "cannot alter array type %s",
                              type_format_name(env->eval.arena, t->oid));
        error_hint(env->eval.error,
                   "You can alter type %s, which will alter the array type as well.",
                   type_format_name(env->eval.arena, t->element));
        return st;
    }
    if (t->kind != 'c') return OK;
    TRY(catalog_relation(env, t->relation, &r));
    if (r->kind == 'c') return OK;
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "%s is a table's row type",
                          type_format_name(env->eval.arena, t->oid));
    error_hint(env->eval.error, "Use ALTER TABLE%s instead.", what);
    return st;
}

status define_rename_type(struct sql_env *env, const struct ast_rename *s) {
    const struct type *t;
    TRY(define_lock_type(env, ast_as_name_list(s->object)->names,
                         s->type == OBJECT_DOMAIN ? 'd' : 0, &t));
    TRY(refuse_table_type(env, t, ""));
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_type, t->oid, env->eval.arena, &row));
    TRY(define_type_is_free(env, row_oid(&row, COL_pg_type_typnamespace), s->new_name));
    struct type_change c = {.name = s->new_name};
    struct list *kept = NULL;
    TRY(define_keep_type(env, t->oid, &kept));
    TRY(change_type(env, t, &c));
    return define_rewrite_texts(env, kept);
}

status define_alter_type_object(struct sql_env *env, const struct ast_alter_object *s) {
    const struct type *t;
    const struct list *names = s->object->kind == NODE_TYPE_NAME
                                   ? ((struct ast_type_name *)s->object)->names
                                   : ast_as_name_list(s->object)->names;
    struct type_change c = {0};
    TRY(define_lock_type(env, names, s->type == OBJECT_DOMAIN ? 'd' : 0, &t));
    TRY(refuse_table_type(env, t, ""));
    if (s->new_owner) {
        TRY(role_written(env, s->new_owner, false, &c.owner));
        TRY(define_check_new_owner(env, OID_pg_type, t->oid, c.owner));
    } else if (s->new_schema) {
        const char *name = t->name;
        TRY(schema_for_creation(env, s->new_schema, &c.schema));
        oid taken;
        struct catalog_row row;
        TRY(catalog_row_get_oid(env, CAT_pg_type, t->oid, env->eval.arena, &row));
        if (row_oid(&row, COL_pg_type_typnamespace) == c.schema) return OK;
        TRY(type_named_in(env, c.schema, name, &taken));
        if (taken)
            return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                             "type \"%s\" already exists in schema \"%s\"", name, s->new_schema);
    } else {
        return define_unsupported(env, "this form of ALTER TYPE");
    }
    struct list *kept = NULL;
    if (c.schema) TRY(define_keep_type(env, t->oid, &kept));
    TRY(change_type(env, t, &c));
    return define_rewrite_texts(env, kept);
}
