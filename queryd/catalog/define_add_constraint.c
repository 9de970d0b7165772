/* define_add_constraint.c: ALTER TABLE … ADD and ALTER CONSTRAINT. */
#include <string.h>

#include "catalog/define_internal.h"

static status add_check(struct sql_env *env, oid relation, const struct ast_constraint *c) {
    const struct relation *r;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
    const char *name;
    TRY(define_insert_check(env, r, c, &name));
    if (c->not_valid || !define_hooks) return OK;
    catalog_changed(env);
    TRY(catalog_relation(env, relation, &r));
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

/* ---- USING INDEX ----------------------------------------------------------------------------- */

static status unfit(struct sql_env *env, status st) {
    error_detail(env->eval.error,
                 "Cannot create a primary key or unique constraint using such an index.");
    return st;
}

static status check_fitness(struct sql_env *env, const struct index_desc *x) {
    struct error *e = env->eval.error;
    if (x->constraint)
        return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "index \"%s\" is already associated with a constraint", x->name);
    if (!x->valid)
        return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "index \"%s\" is not valid",
                         x->name);
    if (!x->unique)
        return unfit(env,
                     error_set(e, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a unique index", x->name));
    if (x->predicate_text)
        return unfit(env, error_set(e, ST_WRONG_OBJECT_TYPE, "\"%s\" is a partial index", x->name));
    if (x->computed)
        return unfit(
            env, error_set(e, ST_WRONG_OBJECT_TYPE, "index \"%s\" contains expressions", x->name));
    for (uint16_t k = 0; k < x->nkeys; k++)
        if (x->descending[k] || x->nulls_first[k] || x->classes[k] != default_opclass(x->types[k]))
            return unfit(env, error_set(e, ST_WRONG_OBJECT_TYPE,
                                        "index \"%s\" column number %d does not have default "
                                        "sorting behavior",
                                        x->name, k + 1));
    return OK;
}

static status find_index(struct sql_env *env, const struct relation *r, const char *name,
                         const struct index_desc **ret) {
    oid found;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (!strcmp(r->indexes[i].name, name)) {
            *ret = &r->indexes[i];
            return check_fitness(env, *ret);
        }
    TRY(relation_oid(env, r->schema, name, &found));
    if (!found)
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "index \"%s\" does not exist", name);
    if (r->primary && r->primary->oid == found)
        return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "index \"%s\" is already associated with a constraint", name);
    return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     "index \"%s\" does not belong to table \"%s\"", name, r->name);
}

/* The index of a primary key is the table's own tree, that of a deferrable key has other entries:
 * the one named gives its columns and goes. */
static status become_another(struct sql_env *env, const struct relation *r,
                             const struct ast_constraint *c, const struct index_desc *x) {
    oid relation = r->oid;
    struct index_plan *plan = arena_zalloc(env->eval.arena, sizeof *plan);
    if (!plan) return no_memory(env);
    *plan = (struct index_plan){.name = c->name ? c->name : x->name,
                                .unique = true,
                                .primary = c->kind == CONSTRAINT_PRIMARY_KEY,
                                .nulls_not_distinct = x->nulls_not_distinct,
                                .constraint = true,
                                .deferrable = c->deferrable || c->initially_deferred,
                                .deferred = c->initially_deferred};
    for (uint16_t k = 0; k < x->ncolumns; k++)
        TRY(define_index_add(env, r, plan, r->atts[x->columns[k] - 1].name, k < x->nkeys,
                             &c->node));
    if (plan->primary && r->primary)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "multiple primary keys for table \"%s\" are not allowed", r->name);
    TRY(define_drop_index(env, r, x->oid));
    TRY(catalog_relation(env, relation, &r));
    return define_index_on_table(env, r, plan);
}

static status become_unique(struct sql_env *env, const struct relation *r, const char *name,
                            const struct index_desc *x) {
    struct constraint_facts f = {.name = name,
                                 .type = 'u',
                                 .index = x->oid,
                                 .columns = x->columns,
                                 .ncolumns = x->nkeys,
                                 .validated = true};
    struct object_address index = {OID_pg_class, x->oid, 0};
    oid constraint;
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(x->oid)};
    TRY(catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, NULL));
    TRY(define_insert_constraint(env, r, &f, &constraint));
    TRY(define_depend(env, index, (struct object_address){OID_pg_constraint, constraint, 0}, 'i'));
    if (!strcmp(name, x->name)) return OK;
    return define_rename_class(env, x->oid, name);
}

static status add_using_index(struct sql_env *env, const struct relation *r,
                              const struct ast_constraint *c) {
    const struct index_desc *x;
    const char *name = c->name ? c->name : c->index;
    TRY(define_at(env, &c->node, find_index(env, r, c->index, &x)));
    if (c->name) TRY(define_constraint_name_is_free(env, r, c->name));
    if (strcmp(name, x->name))
        define_notice(env, "00000",
                      "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"%s\" to \"%s\"",
                      x->name, name);
    if (c->kind == CONSTRAINT_PRIMARY_KEY || c->deferrable || c->initially_deferred)
        return become_another(env, r, c, x);
    return become_unique(env, r, name, x);
}

/* ---- ADD, ALTER ------------------------------------------------------------------------------ */

status define_add_constraint(struct sql_env *env, oid table, const struct ast_constraint *c,
                             const char *column) {
    const struct relation *r;
    catalog_changed(env);
    TRY(catalog_relation(env, table, &r));
    switch (c->kind) {
    case CONSTRAINT_CHECK: return add_check(env, table, c);
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_UNIQUE:
    case CONSTRAINT_EXCLUDE:
        return c->index ? add_using_index(env, r, c) : add_key(env, table, c, column);
    case CONSTRAINT_FOREIGN_KEY: return define_foreign_key(env, table, c, column, !c->not_valid);
    default: return define_unsupported(env, "this constraint");
    }
}

status define_find_constraint(struct sql_env *env, const struct relation *r, const char *name,
                              struct catalog_scan *ret_scan) {
    memset(ret_scan, 0, sizeof *ret_scan);
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_oid(r->oid), datum_oid(0), datum_ptr(key)};
    TRY(catalog_scan_begin(env, CAT_pg_constraint,
                           OID_pg_constraint_conrelid_contypid_conname_index, keys, 3, ret_scan));
    status st = catalog_scan_next(ret_scan);
    if (!status_is(st, ST_END)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "constraint \"%s\" of relation \"%s\" does not exist", name, r->name);
}

/* When it is looked at: of foreign keys only. */
status define_alter_constraint(struct sql_env *env, const struct relation *r,
                               const struct ast_constraint *c) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, define_find_constraint(env, r, c->name, &s));
    struct catalog_row row = s.row;
    if (row_char(&row, COL_pg_constraint_contype) != 'f') {
        st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                       "constraint \"%s\" of relation \"%s\" is not a foreign key constraint",
                       c->name, r->name);
        goto out;
    }
    row_set_bool(&row, COL_pg_constraint_condeferrable, c->deferrable || c->initially_deferred);
    row_set_bool(&row, COL_pg_constraint_condeferred, c->initially_deferred);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}
