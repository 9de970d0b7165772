/* define_move.c: OWNER TO, SET SCHEMA. */
#include "catalog/define_function.h"
#include "catalog/define_operator.h"

static status change_owner(struct sql_env *env, oid class_oid, oid object, const char *name) {
    oid role;
    TRY(role_written(env, name, false, &role));
    TRY(define_check_new_owner(env, class_oid, object, role));
    return define_set_owner(env, class_oid, object, role);
}

/* The table whose column owns the sequence; 0: none. */
static status owning_table(struct sql_env *env, oid sequence, oid *ret_table) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(sequence)};
    struct catalog_scan s;
    status st;
    *ret_table = 0;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (strchr("ai", row_char(&s.row, COL_pg_depend_deptype)))
            *ret_table = row_oid(&s.row, COL_pg_depend_refobjid);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status say_linked(struct sql_env *env, const struct relation *sequence, oid table,
                         status st) {
    const struct relation *of;
    TRY(catalog_relation(env, table, &of));
    error_detail(env->eval.error, "Sequence \"%s\" is linked to table \"%s\".", sequence->name,
                 of->name);
    return st;
}

/* An index or the sequence of a column goes with its table. */
status define_change_owner(struct sql_env *env, const struct relation *r, const char *name) {
    oid table = 0;
    if (r->kind == 'i') {
        define_warning(env, "42809", "cannot change owner of index \"%s\"", r->name);
        return OK;
    }
    oid owner;
    TRY(role_written(env, name, false, &owner));
    if (r->kind == 'S' && owner != r->owner) TRY(owning_table(env, r->oid, &table));
    if (!table) return change_owner(env, OID_pg_class, r->oid, name);
    return say_linked(env, r, table,
                      error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                                "cannot change owner of sequence \"%s\"", r->name));
}

/* An index or the sequence of a column goes with its table. */
static status may_move(struct sql_env *env, const struct relation *r) {
    oid table = 0;
    if (r->kind == 'i') {
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                              "cannot change schema of index \"%s\"", r->name);
        error_hint(env->eval.error, "Change the schema of the table instead.");
        return st;
    }
    if (r->kind == 'S') TRY(owning_table(env, r->oid, &table));
    if (!table) return OK;
    return say_linked(env, r, table,
                      error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                                "cannot move an owned sequence into another schema"));
}

static status set_schema(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_class_relnamespace, *(oid *)arg);
    return OK;
}

/* None can be installed, so what is to depend on one hears that it is not there. */
status define_need_extension(struct sql_env *env, const char *name) {
    struct catalog_row row;
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    status st = catalog_row_get(env, CAT_pg_extension, OID_pg_extension_name_index, keys, 1,
                                env->eval.arena, &row);
    if (ok(st)) return define_unsupported(env, "DEPENDS ON EXTENSION");
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "extension \"%s\" does not exist", name);
}

status define_alter_object(struct sql_env *env, struct ast_alter_object *s) {
    if ((s->type == OBJECT_TYPE || s->type == OBJECT_DOMAIN) && !s->extension)
        return define_alter_type_object(env, s);
    if (s->type == OBJECT_OPERATOR && !s->extension) return define_move_operator(env, s);
    if (s->new_owner && s->object->kind != NODE_RANGE_VAR) {
        struct object_address a;
        TRY(define_find_object(env, s->type, s->object, &a));
        TRY(privilege_check_owner(env, a.class_oid, a.object));
        return change_owner(env, a.class_oid, a.object, s->new_owner);
    }
    if (s->type == OBJECT_COLLATION && !s->extension) return define_move_collation(env, s);
    if (s->type == OBJECT_FUNCTION || s->type == OBJECT_PROCEDURE || s->type == OBJECT_ROUTINE ||
        s->type == OBJECT_AGGREGATE)
        return define_move_function(env, s);
    if (s->object->kind != NODE_RANGE_VAR) return define_unsupported(env, "this form of ALTER");
    const struct relation *r;
    const struct ast_range_var *name = ast_as_range_var(s->object);
    status st =
        define_lock(env, name, MODE_ACCESS_EXCLUSIVE, define_kinds_of(s->type), s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "relation \"%s\" does not exist, skipping", name->name);
        return OK;
    }
    TRY(st);
    if (s->extension) return define_need_extension(env, s->extension);
    if (s->new_owner) return define_change_owner(env, r, s->new_owner);
    TRY(may_move(env, r));
    oid schema, taken;
    TRY(schema_for_creation(env, s->new_schema, &schema));
    TRY(define_refuse_catalog_schema(env, schema, s->new_schema, r->name));
    TRY(relation_oid(env, schema, r->name, &taken));
    if (taken)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE,
                         "relation \"%s\" already exists in schema \"%s\"", r->name, s->new_schema);
    struct list *kept = NULL;
    TRY(define_keep_texts(env, OID_pg_class, r->oid, &kept));
    if (r->row_type) TRY(define_keep_type(env, r->row_type, &kept));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_schema, &schema));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_schema, &schema));
    struct list *owned = NULL;
    if (strchr("rv", r->kind)) TRY(define_owned_sequences(env, r->oid, 0, &owned));
    LIST_EACH(void *, sequence, owned)
    TRY(define_update_class(env, (oid)(uintptr_t)sequence, set_schema, &schema));
    TRY(define_move_row_type(env, r, NULL, schema));
    TRY(define_update_class(env, r->oid, set_schema, &schema));
    return define_rewrite_texts(env, kept);
}
