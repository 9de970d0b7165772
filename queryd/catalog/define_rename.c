/* define_rename.c: ALTER … RENAME. */
#include "catalog/define_function.h"
#include "catalog/define_types.h"

/* ---- rows that hold names -------------------------------------------------------------------- */

struct new_name {
    const char *name; /* NULL: kept */
    oid schema;       /* 0: kept */
    int name_column, schema_column;
};

static status update_named(struct sql_env *env, enum catalog_number n, oid index, datum key,
                           const struct new_name *to) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, &key, 1, &s));
    st = catalog_scan_next(&s);
    if (ok(st)) {
        struct catalog_row row = s.row;
        if (to->name) TRY_OUT(st, row_set_name(env->eval.arena, &row, to->name_column, to->name));
        if (to->schema) row_set_oid(&row, to->schema_column, to->schema);
        st = catalog_row_update(&s, &row);
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* The row type and its array follow their relation. */
status define_move_row_type(struct sql_env *env, const struct relation *r, const char *name,
                            oid schema) {
    struct catalog_row row;
    char array_name[NAME_BYTES];
    struct new_name to = {name, schema, COL_pg_type_typname, COL_pg_type_typnamespace};
    if (!r->row_type) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, r->row_type, env->eval.arena, &row));
    oid array = row_oid(&row, COL_pg_type_typarray), where = schema ? schema : r->schema;
    if (name) TRY(define_type_is_free(env, where, name));
    TRY(update_named(env, CAT_pg_type, 0, datum_oid(r->row_type), &to));
    if (name) TRY(define_array_name(env, where, name, array, array_name));
    if (name) to.name = array_name;
    return update_named(env, CAT_pg_type, 0, datum_oid(array), &to);
}

status define_rename_class(struct sql_env *env, oid relation, const char *name) {
    struct new_name to = {name, 0, COL_pg_class_relname, 0};
    return update_named(env, CAT_pg_class, 0, datum_oid(relation), &to);
}

static status rename_constraint_row(struct sql_env *env, oid constraint, const char *name) {
    struct new_name to = {name, 0, COL_pg_constraint_conname, 0};
    if (!constraint) return OK;
    return update_named(env, CAT_pg_constraint, 0, datum_oid(constraint), &to);
}

static status name_is_free(struct sql_env *env, oid schema, const char *name) {
    oid taken;
    TRY(relation_oid(env, schema, name, &taken));
    if (!taken) return OK;
    return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
}

/* ---- columns --------------------------------------------------------------------------------- */

struct renaming {
    const char *from;
    const char *to;
};

static status rename_in_tree(struct node *n, void *arg) {
    const struct renaming *x = arg;
    if (!n) return OK;
    if (n->kind != NODE_COLUMN_REF) return ast_each_child(n, rename_in_tree, arg);
    struct list *names = ast_as_column_ref(n)->names;
    int32_t last = list_n(names) - 1;
    if (last >= 0 && !strcmp(list_at(names, last), x->from)) names->items[last] = (void *)x->to;
    return OK;
}

/* A kept expression with the column's new name. */
static status rename_in_text(struct sql_env *env, struct renaming *x, const char *text, size_t len,
                             struct buf *out) {
    struct node *n;
    TRY(parse_expression(env->eval.arena, text, len, env->eval.error, &n));
    TRY(rename_in_tree(n, x));
    struct deparse d = {.env = env, .out = out};
    return deparse_expression(&d, n, 0);
}

/* Texts with separators between them. */
static status rename_in_texts(struct sql_env *env, struct renaming *x, const char *text,
                              struct buf *out) {
    for (;;) {
        const char *end = strchr(text, STORED_TEXT_SEPARATOR);
        char *one = arena_strndup(env->eval.arena, text, end ? (size_t)(end - text) : strlen(text));
        if (!one) return no_memory(env);
        TRY(rename_in_text(env, x, one, strlen(one), out));
        if (!end) return OK;
        TRY(buf_add(out, &(char){STORED_TEXT_SEPARATOR}, 1));
        text = end + 1;
    }
}

/* A text column of a catalog row, written anew. */
static status rename_in_column(struct sql_env *env, struct renaming *x, struct catalog_row *row,
                               int column) {
    const char *text = row_text(env->eval.arena, row, column);
    struct buf out = {0};
    if (!text) return OK;
    status st = rename_in_texts(env, x, text, &out);
    char *changed = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    TRY(st);
    return changed ? row_set_text(env->eval.arena, row, column, changed) : no_memory(env);
}

/* Checks are text over column names. */
static status rename_in_check(struct sql_env *env, struct catalog_scan *s, struct renaming *x) {
    struct catalog_row row = s->row;
    TRY(rename_in_column(env, x, &row, COL_pg_constraint_conbin));
    return catalog_row_update(s, &row);
}

/* So are the values of generated columns, and what computed indexes hold. */
static status rename_in_rows(struct sql_env *env, enum catalog_number n, oid index, oid relation,
                             const int columns[2], struct renaming *x) {
    datum key = datum_oid(relation);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row = s.row;
        for (int i = 0; i < 2 && columns[i]; i++)
            TRY_OUT(st, rename_in_column(env, x, &row, columns[i]));
        TRY_OUT(st, catalog_row_update(&s, &row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status rename_in_expressions(struct sql_env *env, const struct relation *r,
                                    struct renaming *x) {
    static const int of_default[2] = {COL_pg_attrdef_adbin};
    static const int of_index[2] = {COL_pg_index_indexprs, COL_pg_index_indpred};
    bool generated = false, computed = false;
    for (uint16_t i = 0; i < r->natts; i++) generated |= r->atts[i].generated != 0;
    for (uint16_t i = 0; i < r->nindexes; i++) computed |= r->indexes[i].computed;
    if (generated)
        TRY(rename_in_rows(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, r->oid,
                           of_default, x));
    if (!computed) return OK;
    return rename_in_rows(env, CAT_pg_index, OID_pg_index_indrelid_index, r->oid, of_index, x);
}

static status rename_in_checks(struct sql_env *env, const struct relation *r, struct renaming *x) {
    datum key = datum_oid(r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint,
                                   OID_pg_constraint_conrelid_contypid_conname_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_char(&s.row, COL_pg_constraint_contype) == 'c')
            TRY_OUT(st, rename_in_check(env, &s, x));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status set_name(struct sql_env *env, struct catalog_row *row, void *arg) {
    return row_set_name(env->eval.arena, row, COL_pg_attribute_attname, arg);
}

/* Index columns carry the names of the table's. */
static status rename_in_index(struct sql_env *env, const struct index_desc *x, int16_t number,
                              const char *name) {
    for (unsigned i = 0; i < x->ncolumns; i++)
        if (x->columns[i] == number)
            TRY(define_update_attribute(env, x->oid, (int16_t)(i + 1), set_name, (void *)name));
    return OK;
}

/* A view's own text names its columns. */
static status rewrite_own(struct sql_env *env, const struct relation *view) {
    struct list *kept = NULL;
    TRY(define_keep_view(env, view->oid, &kept));
    return define_rewrite_texts(env, kept);
}

static status rename_column(struct sql_env *env, const struct relation *r, const char *from,
                            const char *to) {
    if (r->kind == 'S') {
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                              "cannot rename columns of relation \"%s\"", r->name);
        error_detail(env->eval.error, "This operation is not supported for sequences.");
        return st;
    }
    TRY(define_refuse_system_column(env, from, "rename"));
    struct attribute *att = define_attribute(r, from);
    if (!att)
        return error_set(env->eval.error, ST_UNDEFINED_COLUMN, "column \"%s\" does not exist",
                         from);
    if (r->kind == 'r') TRY(define_refuse_system_name(env, to));
    if (define_attribute(r, to))
        return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                         "column \"%s\" of relation \"%s\" already exists", to, r->name);
    struct list *views = NULL;
    TRY(define_keep_texts(env, OID_pg_class, r->oid, &views));
    TRY(define_update_attribute(env, r->oid, att->number, set_name, (void *)to));
    TRY(define_rewrite_texts(env, views));
    if (r->kind == 'v') return rewrite_own(env, r);
    if (r->kind != 'r') return OK;
    struct renaming x = {from, to};
    TRY(rename_in_checks(env, r, &x));
    TRY(rename_in_expressions(env, r, &x));
    if (r->primary) TRY(rename_in_index(env, r->primary, att->number, to));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(rename_in_index(env, &r->indexes[i], att->number, to));
    return OK;
}

/* ---- relations, constraints, schemas --------------------------------------------------------- */

static oid constraint_of_index(struct sql_env *env, oid index, status *ret_status) {
    struct catalog_row row;
    const struct relation *table;
    *ret_status = catalog_row_get_oid(env, CAT_pg_index, index, env->eval.arena, &row);
    if (!ok(*ret_status)) return 0;
    *ret_status = catalog_relation(env, row_oid(&row, COL_pg_index_indrelid), &table);
    if (!ok(*ret_status)) return 0;
    if (table->primary && table->primary->oid == index) return table->primary->constraint;
    for (unsigned i = 0; i < table->nindexes; i++)
        if (table->indexes[i].oid == index) return table->indexes[i].constraint;
    return 0;
}

static status rename_relation(struct sql_env *env, const struct relation *r, const char *to) {
    TRY(name_is_free(env, r->schema, to));
    struct list *kept = NULL;
    TRY(define_keep_texts(env, OID_pg_class, r->oid, &kept));
    if (r->row_type) TRY(define_keep_type(env, r->row_type, &kept));
    TRY(define_rename_class(env, r->oid, to));
    if (r->kind != 'i') {
        TRY(define_move_row_type(env, r, to, 0));
        return define_rewrite_texts(env, kept);
    }
    status st;
    oid constraint = constraint_of_index(env, r->oid, &st);
    TRY(st);
    return rename_constraint_row(env, constraint, to);
}

static status rename_constraint(struct sql_env *env, const struct relation *r, const char *from,
                                const char *to) {
    struct catalog_row row;
    status st = define_constraint_row(env, r, from, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "constraint \"%s\" for table \"%s\" does not exist", from, r->name);
    TRY(st);
    oid index = row_oid(&row, COL_pg_constraint_conindid);
    if (index) TRY(name_is_free(env, r->schema, to));
    if (index) TRY(define_rename_class(env, index, to));
    return rename_constraint_row(env, row_oid(&row, COL_pg_constraint_oid), to);
}

/* Kept texts hold schema names: what names anything in the schema. */
static status keep_members(struct sql_env *env, oid class_oid, enum catalog_number catalog,
                           const int columns[2], oid schema, struct list **kept) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, catalog, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_oid(&s.row, columns[1]) == schema)
            TRY_OUT(st, define_keep_texts(env, class_oid, row_oid(&s.row, columns[0]), kept));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status keep_schema(struct sql_env *env, oid schema, struct list **kept) {
    static const int class[] = {COL_pg_class_oid, COL_pg_class_relnamespace};
    static const int type[] = {COL_pg_type_oid, COL_pg_type_typnamespace};
    static const int proc[] = {COL_pg_proc_oid, COL_pg_proc_pronamespace};
    TRY(keep_members(env, OID_pg_class, CAT_pg_class, class, schema, kept));
    TRY(keep_members(env, OID_pg_type, CAT_pg_type, type, schema, kept));
    return keep_members(env, OID_pg_proc, CAT_pg_proc, proc, schema, kept);
}

static status rename_schema(struct sql_env *env, const char *from, const char *to) {
    oid schema, taken;
    status st = catalog_schema(env, from, &schema);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         from);
    TRY(st);
    if (ok(catalog_schema(env, to, &taken)))
        return error_set(env->eval.error, ST_DUPLICATE_SCHEMA, "schema \"%s\" already exists", to);
    TRY(privilege_check_owner(env, OID_pg_namespace, schema));
    TRY(privilege_check(env, OID_pg_database, env->settings->database_oid, ACL_CREATE));
    if (!strncmp(to, "pg_", 3)) {
        st = error_set(env->eval.error, ST_RESERVED_NAME, "unacceptable schema name \"%s\"", to);
        error_detail(env->eval.error, "The prefix \"pg_\" is reserved for system schemas.");
        return st;
    }
    if (schema < FIRST_USER_OID) return define_unsupported(env, "renaming a schema of the system");
    struct list *kept = NULL;
    TRY(keep_schema(env, schema, &kept));
    struct new_name name = {to, 0, COL_pg_namespace_nspname, 0};
    TRY(update_named(env, CAT_pg_namespace, 0, datum_oid(schema), &name));
    return define_rewrite_texts(env, kept);
}

/* ALTER INDEX … RENAME names any relation. */
static const char *renamed_kinds(enum ast_object_type type) {
    if (type == OBJECT_ATTRIBUTE) return "c";
    return type == OBJECT_INDEX ? "rviS" : define_kinds_of(type);
}

status define_rename(struct sql_env *env, struct ast_rename *s) {
    if (s->type == OBJECT_SCHEMA) {
        const char *from = s->name;
        if (s->object && s->object->kind == NODE_NAME_LIST)
            from = list_at(ast_as_name_list(s->object)->names, 0);
        if (s->object && s->object->kind == NODE_LITERAL) from = ast_as_literal(s->object)->text;
        return rename_schema(env, from, s->new_name);
    }
    if (s->type == OBJECT_FUNCTION || s->type == OBJECT_PROCEDURE || s->type == OBJECT_ROUTINE ||
        s->type == OBJECT_AGGREGATE)
        return define_rename_function(env, s);
    if (s->type == OBJECT_TYPE || s->type == OBJECT_DOMAIN) return define_rename_type(env, s);
    if (s->type == OBJECT_COLLATION) return define_rename_collation(env, s);
    if (s->type == OBJECT_DOMAIN_CONSTRAINT) return define_rename_condition(env, s);
    if (s->type == OBJECT_ROLE || s->type == OBJECT_USER || s->type == OBJECT_GROUP) {
        catalog_changed(env);
        return define_rename_role(env, ast_as_literal(s->object)->text, s->new_name);
    }
    if (s->type == OBJECT_DATABASE)
        return define_rename_database(env, ast_as_literal(s->object)->text, s->new_name);
    if (!s->relation) return define_unsupported(env, "this form of RENAME");
    const struct relation *r;
    status st = define_lock(env, s->relation, MODE_ACCESS_EXCLUSIVE, renamed_kinds(s->type),
                            s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "relation \"%s\" does not exist, skipping", s->relation->name);
        return OK;
    }
    TRY(st);
    switch (s->type) {
    case OBJECT_ATTRIBUTE:
    case OBJECT_COLUMN: return rename_column(env, r, s->name, s->new_name);
    case OBJECT_TABLE_CONSTRAINT: return rename_constraint(env, r, s->name, s->new_name);
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_INDEX: return rename_relation(env, r, s->new_name);
    default: return define_unsupported(env, "this form of RENAME");
    }
}
