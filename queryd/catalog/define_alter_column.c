/* define_alter_column.c: ALTER COLUMN, but for its type and identity. */
#include "catalog/define_internal.h"

/* ---- values ---------------------------------------------------------------------------------- */

static status set_flag(struct sql_env *, struct catalog_row *row, void *arg) {
    const int *column_and_value = arg;
    row_set_bool(row, column_and_value[0], column_and_value[1]);
    return OK;
}

status define_drop_default(struct sql_env *env, oid relation, int16_t number) {
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

static status depend_of_value(struct sql_env *env, const struct relation *r,
                              const struct attribute *att) {
    datum keys[] = {datum_oid(r->oid), datum_int2(att->number)};
    struct catalog_row row;
    TRY(catalog_row_get(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, keys, 2,
                        env->eval.arena, &row));
    struct object_address self = {OID_pg_attrdef, row_oid(&row, COL_pg_attrdef_oid), 0};
    return define_depend_text(env, self, r, att->default_text);
}

status define_depend_generated(struct sql_env *env, oid relation, int16_t from) {
    const struct relation *r;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    for (unsigned i = (unsigned)from - 1; i < r->natts; i++)
        if (r->atts[i].generated) TRY(depend_of_value(env, r, &r->atts[i]));
    return OK;
}

status define_set_default(struct sql_env *env, const struct relation *r,
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
    TRY(define_drop_default(env, r->oid, att->number));
    if (text) TRY(define_insert_default(env, r->oid, att, text));
    int flag[] = {COL_pg_attribute_atthasdef, text != NULL};
    return define_update_attribute(env, r->oid, att->number, set_flag, flag);
}

status define_set_not_null(struct sql_env *env, const struct relation *r, const char *name,
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

/* ---- storage, statistics --------------------------------------------------------------------- */

static status set_statistics(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_int(row, COL_pg_attribute_attstattarget, *(int32_t *)arg);
    return OK;
}

/* Of a column by name, or of an index's expression by number. */
static status statistics_column(struct sql_env *env, const struct relation *r,
                                const struct ast_alter_cmd *cmd, int16_t *ret) {
    struct attribute *att;
    if (cmd->name) {
        TRY(define_need_attribute(env, r, cmd->name, &att));
        *ret = att->number;
        return OK;
    }
    if (r->kind != 'i')
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "cannot refer to non-index column by number");
    if (cmd->number < 1 || cmd->number > r->natts)
        return error_set(env->eval.error, ST_UNDEFINED_COLUMN,
                         "column number %d of relation \"%s\" does not exist", cmd->number,
                         r->name);
    *ret = (int16_t)cmd->number;
    return OK;
}

/* Those of an index's own columns are the table's. */
static status computed_column(struct sql_env *env, const struct relation *r, int16_t number) {
    struct catalog_row row;
    int64_t columns[INDEX_COLUMNS_MAX];
    size_t n;
    if (r->kind != 'i') return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_index, r->oid, env->eval.arena, &row));
    TRY(row_numbers(&env->eval, &row, COL_pg_index_indkey, INT2VECTOROID, columns,
                    INDEX_COLUMNS_MAX, &n));
    if ((size_t)number > n || columns[number - 1] == 0) return OK;
    bool key = number <= row_int2(&row, COL_pg_index_indnkeyatts);
    status st = error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                          key ? "cannot alter statistics on non-expression column \"%s\" of index "
                                "\"%s\""
                              : "cannot alter statistics on included column \"%s\" of index \"%s\"",
                          r->atts[number - 1].name, r->name);
    if (key) error_hint(env->eval.error, "Alter statistics on table column instead.");
    return st;
}

#define STATISTICS_MAX 10000

static status change_statistics(struct sql_env *env, const struct relation *r,
                                const struct ast_alter_cmd *cmd) {
    int32_t target = ast_as_literal(cmd->def)->integer;
    int16_t number;
    if (target < -1)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "statistics target %d is too low", target);
    if (target > STATISTICS_MAX) {
        target = STATISTICS_MAX;
        if (env->notice)
            env->notice(env, "WARNING", "22023", "lowering statistics target to 10000", NULL);
    }
    TRY(statistics_column(env, r, cmd, &number));
    TRY(computed_column(env, r, number));
    return define_update_attribute(env, r->oid, number, set_statistics, &target);
}

static status set_storage(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_char(row, COL_pg_attribute_attstorage, *(char *)arg);
    return OK;
}

static status change_storage(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd) {
    static const char *const names[] = {"plain", "external", "extended", "main"};
    struct attribute *att;
    const char *wanted = ast_as_literal(cmd->def)->text;
    char storage = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(names[i], wanted)) storage = "pexm"[i];
    if (!storage)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE, "invalid storage type \"%s\"",
                         wanted);
    TRY(define_need_attribute(env, r, cmd->name, &att));
    const struct type *t = type_find(att->type);
    if (storage != 'p' && t && t->storage == 'p')
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "column data type %s can only have storage PLAIN",
                         type_format_name(env->eval.arena, att->type));
    return define_update_attribute(env, r->oid, att->number, set_storage, &storage);
}

static status set_compression(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_char(row, COL_pg_attribute_attcompression, *(char *)arg);
    return OK;
}

static status change_compression(struct sql_env *env, const struct relation *r,
                                 const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    const char *wanted = ast_as_literal(cmd->def)->text;
    char method = !strcmp(wanted, "pglz") ? 'p' : !strcmp(wanted, "lz4") ? 'l' : 0;
    TRY(define_need_attribute(env, r, cmd->name, &att));
    const struct type *t = type_find(att->type);
    if (t && t->storage == 'p')
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "column data type %s does not support compression",
                         type_format_name(env->eval.arena, att->type));
    if (!method && strcmp(wanted, "default"))
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "invalid compression method \"%s\"", wanted);
    return define_update_attribute(env, r->oid, att->number, set_compression, &method);
}

status define_alter_storage(struct sql_env *env, const struct relation *r,
                            const struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_SET_STATISTICS: return change_statistics(env, r, cmd);
    case ALTER_SET_STORAGE: return change_storage(env, r, cmd);
    default: return change_compression(env, r, cmd);
    }
}
