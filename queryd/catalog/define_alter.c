/* define_alter.c: ALTER TABLE, RENAME, OWNER TO, SET SCHEMA, TRUNCATE. */
#include "catalog/define_function.h"

static status is_empty(struct sql_env *env, const struct relation *r, bool *ret_empty) {
    struct sql_env now;
    struct table_scan scan;
    struct tree_entry e;
    TRY(define_env_now(env, &now));
    TRY(table_scan_begin(&now, &scan, env->eval.arena, r, NULL, (struct table_bound){0},
                         (struct table_bound){0}, false));
    status st = table_scan_next(&scan, &e);
    table_scan_end(&scan);
    *ret_empty = status_is(st, ST_END);
    return *ret_empty ? OK : st;
}

/* ---- ADD COLUMN ------------------------------------------------------------------------------ */

static status add_natts(struct sql_env *, struct catalog_row *row, void *) {
    row_set_int(row, COL_pg_class_relnatts, row_int2(row, COL_pg_class_relnatts) + 1);
    return OK;
}

/* What rows that are there already will read in the new column; NULL: null. */
static status missing_value(struct sql_env *env, const struct attribute *att,
                            struct node *expression, bool empty, const char **ret_text,
                            bool *ret_fill) {
    bool is_volatile = false, null = true;
    datum value;
    *ret_text = NULL;
    *ret_fill = !empty && (att->sequence || att->generated);
    if (!expression || empty || *ret_fill) return OK;
    if (!define_hooks) return define_unsupported(env, "a default for rows that exist");
    TRY(define_hooks->expression_value(env, expression, att->name, att->type, att->typmod,
                                       &is_volatile, &value, &null));
    *ret_fill = is_volatile;
    if (null || is_volatile) return OK;
    char *text;
    size_t len;
    TRY(type_output_string(&env->eval, type_find(att->type), value, &text, &len));
    *ret_text = text;
    return OK;
}

static status add_check(struct sql_env *env, oid relation, const struct ast_constraint *c) {
    const struct relation *r;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    TRY(define_insert_check(env, r, c));
    if (c->not_valid || !define_hooks) return OK;
    const char *name = c->name;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    if (!name) name = r->nchecks ? r->checks[r->nchecks - 1].name : "";
    struct sql_env now;
    TRY(define_env_now(env, &now));
    return define_hooks->check_rows(&now, r, c->expression, name);
}

static status add_key(struct sql_env *env, oid relation, const struct ast_constraint *c,
                      const char *column) {
    const struct relation *r;
    struct index_plan plan;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    TRY(define_plan_constraint(env, r, c, column, &plan));
    return define_index_on_table(env, r, &plan);
}

/* The expression behind the column's values; NULL: none. A generated one may name other columns, so
 * it is looked at with the whole relation. */
static status column_expression(struct sql_env *env, const struct relation *r,
                                struct ast_column_def *c, struct attribute *att,
                                struct node **ret_default) {
    TRY(define_column_value(env, r, c, att));
    LIST_EACH(struct ast_constraint *, k, c->constraints) {
        if (k->kind == CONSTRAINT_PRIMARY_KEY) att->not_null = true;
        if (k->kind == CONSTRAINT_DEFAULT) {
            *ret_default = k->expression;
            TRY(define_default_text(env, att, k->expression, &att->default_text));
        }
        if (k->kind == CONSTRAINT_GENERATED)
            TRY(define_generated_text(env, r, att, k->expression, &att->default_text));
    }
    return OK;
}

/* The rows that are there get the values of the new column. */
static status fill_column(struct sql_env *env, oid relation, const struct attribute *att) {
    const struct relation *r;
    struct sql_env now;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    if (!define_hooks) return define_unsupported(env, "a column with values of its own");
    TRY(define_env_now(env, &now));
    return define_hooks->fill_column(&now, r, att->name);
}

static status add_column(struct sql_env *env, const struct relation *r,
                         const struct ast_alter_cmd *cmd) {
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    if (define_attribute(r, c->name)) {
        if (!cmd->missing_ok)
            return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                             "column \"%s\" of relation \"%s\" already exists", c->name, r->name);
        define_notice(env, "42701", "column \"%s\" of relation \"%s\" already exists, skipping",
                      c->name, r->name);
        return OK;
    }
    if (r->natts >= ROW_ATTRIBUTES_MAX)
        return error_set(env->eval.error, ST_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                         ROW_ATTRIBUTES_MAX);
    struct attribute att = {.name = c->name, .number = (int16_t)(r->natts + 1), .typmod = -1};
    struct node *expression = NULL;
    bool empty, fill;
    const char *missing;
    TRY(define_column_type(env, c, &att));
    TRY(column_expression(env, r, c, &att, &expression));
    TRY(is_empty(env, r, &empty));
    TRY(missing_value(env, &att, expression, empty, &missing, &fill));
    if (att.not_null && !empty && !missing && !fill)
        return error_set(env->eval.error, ST_NOT_NULL_VIOLATION,
                         "column \"%s\" of relation \"%s\" contains null values", att.name,
                         r->name);
    TRY(define_insert_attribute(env, r->oid, &att, missing));
    TRY(define_update_class(env, r->oid, add_natts, NULL));
    oid relation = r->oid;
    TRY(define_column_sequence(env, relation, &att));
    if (fill) TRY(fill_column(env, relation, &att));
    LIST_EACH(struct ast_constraint *, k, c->constraints) {
        if (k->kind == CONSTRAINT_CHECK) TRY(add_check(env, relation, k));
        if (k->kind == CONSTRAINT_UNIQUE || k->kind == CONSTRAINT_PRIMARY_KEY)
            TRY(add_key(env, relation, k, c->name));
        if (k->kind == CONSTRAINT_FOREIGN_KEY)
            TRY(define_foreign_key(env, relation, k, c->name, !k->not_valid));
    }
    return OK;
}

/* ---- DROP COLUMN ----------------------------------------------------------------------------- */

static status mark_dropped(struct sql_env *env, struct catalog_row *row, void *arg) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "........pg.dropped.%d........", *(int16_t *)arg);
    TRY(row_set_name(env->eval.arena, row, COL_pg_attribute_attname, name));
    row_set_bool(row, COL_pg_attribute_attisdropped, true);
    row_set_bool(row, COL_pg_attribute_attnotnull, false);
    row_set_bool(row, COL_pg_attribute_atthasdef, false);
    row_set_bool(row, COL_pg_attribute_atthasmissing, false);
    row_set_null(row, COL_pg_attribute_attmissingval);
    return OK;
}

static bool index_has(const struct index_desc *x, int16_t number) {
    for (unsigned i = 0; i < x->ncolumns; i++)
        if (x->columns[i] == number) return true;
    return false;
}

static status constraints_of_column(struct sql_env *env, const struct relation *r, int16_t number,
                                    struct list **ret_names) {
    datum key = datum_oid(r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint,
                                   OID_pg_constraint_conrelid_contypid_conname_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        int64_t columns[64];
        size_t n;
        TRY_OUT(st, row_numbers(&s.env.eval, &s.row, COL_pg_constraint_conkey, INT2ARRAYOID,
                                columns, 64, &n));
        for (size_t i = 0; i < n; i++) {
            if (columns[i] != number) continue;
            char *name = arena_strdup(env->eval.arena, row_name(&s.row, COL_pg_constraint_conname));
            TRY_OUT(st, name ? list_append(env->eval.arena, ret_names, name) : no_memory(env));
            break;
        }
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status drop_default(struct sql_env *env, oid relation, int16_t number) {
    datum keys[] = {datum_oid(relation), datum_int2(number)};
    struct catalog_row row;
    status st = catalog_row_get(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, keys, 2,
                                env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(define_forget(env, OID_pg_attrdef, row_oid(&row, COL_pg_attrdef_oid)));
    return catalog_rows_delete(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, keys, 2,
                               NULL);
}

static status drop_column(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd) {
    struct attribute *att = define_attribute(r, cmd->name);
    if (!att && cmd->missing_ok) {
        define_notice(env, "00000", "column \"%s\" of relation \"%s\" does not exist, skipping",
                      cmd->name, r->name);
        return OK;
    }
    TRY(define_need_attribute(env, r, cmd->name, &att));
    int16_t number = att->number;
    oid relation = r->oid;
    char *what = arena_printf(env->eval.arena, "column %s of table %s", cmd->name, r->name);
    if (!what) return no_memory(env);
    TRY(define_drop_dependents(env, r, number, what, cmd->cascade, NULL));
    struct list *names = NULL;
    TRY(constraints_of_column(env, r, number, &names));
    LIST_EACH(const char *, name, names) {
        catalog_changed(env);
        TRY(catalog_relation(env, relation, &r));
        TRY(define_drop_constraint(env, r, name, false, cmd->cascade));
    }
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    struct list *indexes = NULL;
    TRY(define_column_indexes(env, r, number, &indexes));
    LIST_EACH(void *, index, indexes) TRY(define_drop_index(env, r, (oid)(uintptr_t)index));
    TRY(drop_default(env, relation, number));
    TRY(define_drop_owned_sequences(env, relation, number));
    datum keys[] = {datum_oid(relation), datum_int2(number)};
    TRY(catalog_rows_delete(env, CAT_pg_statistic, 0, keys, 2, NULL));
    return define_update_attribute(env, relation, number, mark_dropped, &number);
}

/* ---- columns --------------------------------------------------------------------------------- */

static status set_flag(struct sql_env *, struct catalog_row *row, void *arg) {
    const int *column_and_value = arg;
    row_set_bool(row, column_and_value[0], column_and_value[1]);
    return OK;
}

static status set_default(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    const char *text = NULL;
    TRY(define_need_attribute(env, r, cmd->name, &att));
    if (att->identity || att->generated) {
        status st =
            error_set(env->eval.error, ST_SYNTAX_ERROR,
                      att->identity ? "column \"%s\" of relation \"%s\" is an identity column"
                                    : "column \"%s\" of relation \"%s\" is a generated column",
                      att->name, r->name);
        if (att->identity && !cmd->def)
            error_hint(env->eval.error,
                       "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.");
        if (att->generated && !cmd->def)
            error_hint(env->eval.error,
                       "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.");
        return st;
    }
    if (cmd->def) TRY(define_default_text(env, att, cmd->def, &text));
    TRY(drop_default(env, r->oid, att->number));
    if (text) TRY(define_insert_default(env, r->oid, att->number, text));
    int flag[] = {COL_pg_attribute_atthasdef, text != NULL};
    return define_update_attribute(env, r->oid, att->number, set_flag, flag);
}

static status set_not_null(struct sql_env *env, const struct relation *r, const char *name,
                           bool not_null) {
    struct attribute *att;
    TRY(define_need_attribute(env, r, name, &att));
    if (att->not_null == not_null) return OK;
    if (!not_null && att->identity)
        return error_set(env->eval.error, ST_SYNTAX_ERROR,
                         "column \"%s\" of relation \"%s\" is an identity column", name, r->name);
    for (unsigned i = 0; !not_null && r->primary && i < r->primary->nkeys; i++)
        if (r->primary->columns[i] == att->number)
            return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                             "column \"%s\" is in a primary key", name);
    if (not_null) TRY(define_check_no_nulls(env, r, &att->number, 1));
    int flag[] = {COL_pg_attribute_attnotnull, not_null};
    return define_update_attribute(env, r->oid, att->number, set_flag, flag);
}

static status set_statistics(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_int(row, COL_pg_attribute_attstattarget, *(int32_t *)arg);
    return OK;
}

static status set_type(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct attribute *att = arg;
    const struct type *t = type_find(att->type);
    row_set_oid(row, COL_pg_attribute_atttypid, att->type);
    row_set_int(row, COL_pg_attribute_atttypmod, att->typmod);
    row_set_int(row, COL_pg_attribute_attlen, t->len);
    row_set_bool(row, COL_pg_attribute_attbyval, t->byval);
    row_set_char(row, COL_pg_attribute_attalign, t->align);
    row_set_char(row, COL_pg_attribute_attstorage, t->storage);
    row_set_oid(row, COL_pg_attribute_attcollation, att->collation);
    return OK;
}

/* Only where the stored bytes stay as they are: character types that become wider, numeric without
 * its modifier, or a table without rows (and without an index over the column). */
static bool keeps_bytes(const struct attribute *from, const struct attribute *to) {
    bool text = (from->type == VARCHAROID || from->type == TEXTOID) &&
                (to->type == VARCHAROID || to->type == TEXTOID);
    if (text)
        return to->typmod < 0 ||
               (from->type == VARCHAROID && from->typmod >= 0 && from->typmod <= to->typmod);
    return from->type == to->type && (to->typmod < 0 || to->typmod == from->typmod);
}

static status alter_type(struct sql_env *env, const struct relation *r,
                         const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    TRY(define_need_attribute(env, r, cmd->name, &att));
    struct attribute to = *att;
    c->name = cmd->name;
    TRY(define_column_type(env, c, &to));
    bool empty;
    TRY(is_empty(env, r, &empty));
    bool indexed = r->primary && index_has(r->primary, att->number);
    for (unsigned i = 0; i < r->nindexes; i++) indexed |= index_has(&r->indexes[i], att->number);
    if (!keeps_bytes(att, &to) && (!empty || indexed || att->default_text))
        return define_unsupported(env, "ALTER COLUMN TYPE that changes stored values");
    TRY(define_refuse_views(env, r, att->number, "the type of a column used by a view"));
    return define_update_attribute(env, r->oid, att->number, set_type, &to);
}

/* ---- the statement --------------------------------------------------------------------------- */

static status set_owner(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_class_relowner, *(oid *)arg);
    return OK;
}

static status need_role(struct sql_env *env, const char *name, oid *ret_role) {
    if (*name == ROLE_SPECIAL) {
        *ret_role = env->settings->user_oid;
        return OK;
    }
    status st = role_oid(env, name, ret_role);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

static status change_owner(struct sql_env *env, const struct relation *r, const char *name) {
    oid role;
    TRY(need_role(env, name, &role));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_owner, &role));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_owner, &role));
    return define_update_class(env, r->oid, set_owner, &role);
}

static status add_constraint(struct sql_env *env, const struct relation *r,
                             struct ast_constraint *c) {
    switch (c->kind) {
    case CONSTRAINT_CHECK: return add_check(env, r->oid, c);
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_UNIQUE: return add_key(env, r->oid, c, NULL);
    case CONSTRAINT_FOREIGN_KEY: return define_foreign_key(env, r->oid, c, NULL, !c->not_valid);
    default: return define_unsupported(env, "this constraint");
    }
}

static status alter_one(struct sql_env *env, const struct relation *r, struct ast_alter_cmd *cmd) {
    struct attribute *att;
    switch (cmd->kind) {
    case ALTER_ADD_COLUMN: return add_column(env, r, cmd);
    case ALTER_DROP_COLUMN: return drop_column(env, r, cmd);
    case ALTER_COLUMN_DEFAULT: return set_default(env, r, cmd);
    case ALTER_ADD_IDENTITY:
    case ALTER_SET_IDENTITY:
    case ALTER_DROP_IDENTITY:
    case ALTER_SET_EXPRESSION_DROP: return define_alter_identity(env, r, cmd);
    case ALTER_SET_NOT_NULL: return set_not_null(env, r, cmd->name, true);
    case ALTER_DROP_NOT_NULL: return set_not_null(env, r, cmd->name, false);
    case ALTER_COLUMN_TYPE: return alter_type(env, r, cmd);
    case ALTER_ADD_CONSTRAINT: return add_constraint(env, r, ast_as_constraint(cmd->def));
    case ALTER_DROP_CONSTRAINT:
        return define_drop_constraint(env, r, cmd->name, cmd->missing_ok, cmd->cascade);
    case ALTER_VALIDATE_CONSTRAINT: return define_validate_constraint(env, r, cmd->name);
    case ALTER_OWNER: return change_owner(env, r, cmd->new_owner);
    case ALTER_SET_STATISTICS: {
        if (!cmd->name || cmd->def->kind != NODE_LITERAL) break;
        TRY(define_need_attribute(env, r, cmd->name, &att));
        int32_t target = ast_as_literal(cmd->def)->integer;
        return define_update_attribute(env, r->oid, att->number, set_statistics, &target);
    }
    case ALTER_SET_OPTIONS: /* fillfactor and the like: hints that trees do not need */
    case ALTER_RESET_OPTIONS:
    case ALTER_SET_STORAGE:
    case ALTER_SET_LOGGED:
    case ALTER_SET_WITHOUT_CLUSTER:
    case ALTER_SET_WITHOUT_OIDS: return OK;
    default: break;
    }
    return define_unsupported(env, "this form of ALTER TABLE");
}

status define_alter_table(struct sql_env *env, struct ast_alter_table *s) {
    const struct relation *r;
    const char *kinds = s->type == OBJECT_VIEW       ? "v"
                        : s->type == OBJECT_INDEX    ? "i"
                        : s->type == OBJECT_SEQUENCE ? "S"
                                                     : "r";
    if (s->type != OBJECT_TABLE && s->type != OBJECT_VIEW && s->type != OBJECT_INDEX &&
        s->type != OBJECT_SEQUENCE)
        return define_unsupported(env, "this kind of ALTER");
    status st = define_lock(env, s->relation, MODE_ACCESS_EXCLUSIVE, kinds, s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "relation \"%s\" does not exist, skipping", s->relation->name);
        return OK;
    }
    TRY(st);
    oid relation = r->oid;
    LIST_EACH(struct ast_alter_cmd *, cmd, s->commands) {
        if (r->kind != 'r' && cmd->kind != ALTER_OWNER && cmd->kind != ALTER_SET_OPTIONS &&
            cmd->kind != ALTER_RESET_OPTIONS)
            return define_unsupported(env, "this form of ALTER");
        TRY(alter_one(env, r, cmd));
        catalog_changed(env);
        TRY(catalog_relation(env, relation, &r));
    }
    return OK;
}

/* ---- TRUNCATE -------------------------------------------------------------------------------- */

static bool has(const struct list *tables, oid table) {
    LIST_EACH(void *, t, tables) if ((oid)(uintptr_t)t == table) return true;
    return false;
}

/* Tables that refer to those of the list: they go as well, or must be in it. */
static status referring_tables(struct sql_env *env, struct list **tables, bool cascade) {
    for (int32_t i = 0; i < list_n(*tables); i++) {
        const struct relation *r, *other;
        TRY(catalog_relation(env, (oid)(uintptr_t)list_at(*tables, i), &r));
        for (uint16_t k = 0; k < r->nreferences; k++) {
            oid table = r->references[k].table;
            if (has(*tables, table)) continue;
            TRY(txn_lock_relation(env->proc, env->txn, table, MODE_ACCESS_EXCLUSIVE, false,
                                  env->settings->lock_timeout_ms));
            TRY(catalog_relation(env, table, &other));
            if (!cascade) {
                status st =
                    error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                              "cannot truncate a table referenced in a foreign key constraint");
                error_detail(env->eval.error, "Table \"%s\" references \"%s\".", other->name,
                             r->name);
                error_hint(env->eval.error,
                           "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.",
                           other->name);
                return st;
            }
            define_notice(env, "00000", "truncate cascades to table \"%s\"", other->name);
            TRY(list_append(env->eval.arena, tables, (void *)(uintptr_t)table));
        }
    }
    return OK;
}

static status truncate_one(struct sql_env *env, oid table, bool restart) {
    const struct relation *r;
    struct relation target;
    struct list *owned = NULL;
    TRY(catalog_relation(env, table, &r));
    TRY(define_new_trees(env, r, &target));
    TRY(define_drop_trees(env, r));
    catalog_changed(env);
    if (!restart) return OK;
    TRY(define_owned_sequences(env, table, 0, &owned));
    LIST_EACH(void *, sequence, owned)
    TRY(define_sequence_restart(env, (oid)(uintptr_t)sequence));
    return OK;
}

status define_truncate(struct sql_env *env, struct ast_truncate *s) {
    struct list *tables = NULL;
    LIST_EACH(struct ast_range_var *, name, s->relations) {
        const struct relation *r;
        TRY(define_lock(env, name, MODE_ACCESS_EXCLUSIVE, "r", false, &r));
        if (!has(tables, r->oid))
            TRY(list_append(env->eval.arena, &tables, (void *)(uintptr_t)r->oid));
    }
    TRY(referring_tables(env, &tables, s->cascade));
    LIST_EACH(void *, t, tables)
    TRY(truncate_one(env, (oid)(uintptr_t)t, s->restart_identity));
    return OK;
}

/* ---- OWNER TO, SET SCHEMA -------------------------------------------------------------------- */

static status set_schema(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_class_relnamespace, *(oid *)arg);
    return OK;
}

static status schema_owner(struct sql_env *env, const char *schema_name, const char *owner) {
    oid schema, role;
    status st = catalog_schema(env, schema_name, &schema);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         schema_name);
    TRY(st);
    TRY(need_role(env, owner, &role));
    datum key = datum_oid(schema);
    struct catalog_scan s;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_namespace, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    row_set_oid(&row, COL_pg_namespace_nspowner, role);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

status define_alter_object(struct sql_env *env, struct ast_alter_object *s) {
    if (s->type == OBJECT_SCHEMA && s->new_owner)
        return schema_owner(env, ast_as_literal(s->object)->text, s->new_owner);
    if (s->type == OBJECT_FUNCTION || s->type == OBJECT_PROCEDURE || s->type == OBJECT_ROUTINE)
        return define_move_function(env, s);
    if (s->object->kind != NODE_RANGE_VAR || s->extension)
        return define_unsupported(env, "this form of ALTER");
    const struct relation *r;
    status st = define_lock(env, ast_as_range_var(s->object), MODE_ACCESS_EXCLUSIVE, "rviS",
                            s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (s->new_owner) return change_owner(env, r, s->new_owner);
    if (r->kind != 'r' && r->kind != 'S')
        return define_unsupported(env, "SET SCHEMA of a view or index");
    oid schema, taken;
    TRY(schema_for_creation(env, s->new_schema, &schema));
    TRY(define_refuse_catalog_schema(env, schema, s->new_schema, r->name));
    TRY(relation_oid(env, schema, r->name, &taken));
    if (taken)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE,
                         "relation \"%s\" already exists in schema \"%s\"", r->name, s->new_schema);
    char *what = arena_printf(env->eval.arena, "table %s from its schema", r->name);
    if (!what) return no_memory(env);
    TRY(define_refuse_views(env, r, 0, what));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_schema, &schema));
    for (unsigned i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_schema, &schema));
    TRY(define_move_row_type(env, r, NULL, schema));
    return define_update_class(env, r->oid, set_schema, &schema);
}
