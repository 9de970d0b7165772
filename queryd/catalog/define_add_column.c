/* define_add_column.c: ALTER TABLE … ADD and DROP COLUMN. */
#include "catalog/define_types.h"

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

/* A domain's, where the column has none; NULL: none. */
static status domain_default(struct sql_env *env, const struct attribute *att, struct node **ret) {
    const char *text = type_find(att->type)->default_text;
    if (!text) return OK;
    return parse_expression(env->eval.arena, text, strlen(text), env->eval.error, ret);
}

/* What rows that are there already will read in the new column; NULL: null. */
static status missing_value(struct sql_env *env, const struct attribute *att,
                            struct node *expression, bool empty, const char **ret_text,
                            bool *ret_fill) {
    bool is_volatile = false, null = true;
    datum value;
    *ret_text = NULL;
    *ret_fill = !empty && (att->sequence || att->generated);
    if (empty || *ret_fill) return OK;
    if (!expression) TRY(domain_default(env, att, &expression));
    if (!expression) return type_check_domain(&env->eval, type_find(att->type), (datum){0}, true);
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

status define_add_column(struct sql_env *env, const struct relation *r,
                         const struct ast_alter_cmd *cmd, bool *ret_added) {
    *ret_added = false;
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    TRY(define_refuse_system_name(env, c->name));
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
    TRY(define_refuse_recursion(env, r, att.type));
    TRY(column_expression(env, r, c, &att, &expression));
    TRY(is_empty(env, r, &empty));
    TRY(missing_value(env, &att, expression, empty, &missing, &fill));
    if (att.not_null && !empty && !missing && !fill)
        return error_set(env->eval.error, ST_NOT_NULL_VIOLATION,
                         "column \"%s\" of relation \"%s\" contains null values", att.name,
                         r->name);
    TRY(define_insert_attribute(env, r->oid, &att, missing));
    TRY(define_update_class(env, r->oid, define_add_natts, NULL));
    oid relation = r->oid;
    TRY(define_column_sequence(env, relation, &att));
    if (att.generated) TRY(define_depend_generated(env, relation, att.number));
    *ret_added = true;
    return fill ? fill_column(env, relation, &att) : OK;
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
    row_set_oid(row, COL_pg_attribute_atttypid,
                define_stand_in(row_oid(row, COL_pg_attribute_atttypid)));
    return OK;
}

/* Its type may go away before it does. */
status define_forget_type(struct sql_env *env, oid relation, int16_t number) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(relation), datum_int4(number)};
    return catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 3, NULL);
}

status define_drop_attribute(struct sql_env *env, const struct relation *r,
                             const struct attribute *att) {
    int16_t number = att->number;
    TRY(define_forget_type(env, r->oid, number));
    TRY(define_update_attribute(env, r->oid, number, mark_dropped, &number));
    catalog_changed(env);
    return OK;
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

status define_column_to_drop(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd, struct attribute **ret) {
    TRY(define_refuse_system_column(env, cmd->name, "drop"));
    *ret = define_attribute(r, cmd->name);
    if (*ret || !cmd->missing_ok) return define_need_attribute(env, r, cmd->name, ret);
    define_notice(env, "00000", "column \"%s\" of relation \"%s\" does not exist, skipping",
                  cmd->name, r->name);
    return OK;
}

status define_drop_column(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    TRY(define_column_to_drop(env, r, cmd, &att));
    if (!att) return OK;
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
    TRY(define_drop_default(env, relation, number));
    TRY(define_drop_owned_sequences(env, relation, number));
    datum keys[] = {datum_oid(relation), datum_int2(number)};
    TRY(catalog_rows_delete(env, CAT_pg_statistic, 0, keys, 2, NULL));
    TRY(define_forget_type(env, relation, number));
    return define_update_attribute(env, relation, number, mark_dropped, &number);
}
