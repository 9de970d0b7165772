/* define_property.c: what ALTER TABLE says of a relation as a whole: storage parameters,
 * clustering, persistence, replica identity. */
#include "catalog/define_internal.h"
#include "catalog/options.h"

/* ---- flags of indexes ------------------------------------------------------------------------ */

status define_index_flags(struct sql_env *env, oid index, const struct index_flag *flags,
                          unsigned n) {
    datum key = datum_oid(index);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_index, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    for (unsigned i = 0; i < n; i++) row_set_bool(&row, flags[i].column, flags[i].is);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

static status set_index_flag(struct sql_env *env, oid index, int column, bool is) {
    return define_index_flags(env, index, &(struct index_flag){column, is}, 1);
}

/* One index of the table has the flag (0: none). */
static status mark_index(struct sql_env *env, const struct relation *r, int column, oid index) {
    if (r->primary) TRY(set_index_flag(env, r->primary->oid, column, r->primary->oid == index));
    for (uint16_t i = 0; i < r->nindexes; i++)
        TRY(set_index_flag(env, r->indexes[i].oid, column, r->indexes[i].oid == index));
    return OK;
}

static status need_index(struct sql_env *env, const struct relation *r, const char *name,
                         const struct index_desc **ret) {
    oid found;
    for (uint16_t i = 0; i <= r->nindexes; i++) {
        *ret = i ? &r->indexes[i - 1] : r->primary;
        if (*ret && !strcmp((*ret)->name, name)) return OK;
    }
    TRY(relation_oid(env, r->schema, name, &found));
    if (found)
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                         "\"%s\" is not an index for table \"%s\"", name, r->name);
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "index \"%s\" for table \"%s\" does not exist", name, r->name);
}

status define_cluster_on(struct sql_env *env, const struct relation *r, const char *name) {
    const struct index_desc *x;
    TRY(need_index(env, r, name, &x));
    if (x->predicate_text)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "cannot cluster on partial index \"%s\"", name);
    return mark_index(env, r, COL_pg_index_indisclustered, x->oid);
}

/* ---- replica identity ------------------------------------------------------------------------ */

static status set_replident(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_char(row, COL_pg_class_relreplident, *(char *)arg);
    return OK;
}

static status fit_for_identity(struct sql_env *env, const struct relation *r,
                               const struct index_desc *x) {
    struct error *e = env->eval.error;
    if (!x->unique)
        return error_set(e, ST_WRONG_OBJECT_TYPE,
                         "cannot use non-unique index \"%s\" as replica identity", x->name);
    if (x->predicate_text)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "cannot use partial index \"%s\" as replica identity", x->name);
    if (x->computed)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "cannot use expression index \"%s\" as replica identity", x->name);
    for (uint16_t k = 0; k < x->nkeys; k++) {
        const struct attribute *att = &r->atts[x->columns[k] - 1];
        if (!att->not_null)
            return error_set(e, ST_WRONG_OBJECT_TYPE,
                             "index \"%s\" cannot be used as replica identity because column "
                             "\"%s\" is nullable",
                             x->name, att->name);
    }
    return OK;
}

static status replica_identity(struct sql_env *env, const struct relation *r,
                               const struct ast_alter_cmd *cmd) {
    char letter = ast_as_literal(cmd->def)->text[0];
    oid index = 0;
    if (letter == 'i') {
        const struct index_desc *x;
        TRY(need_index(env, r, cmd->name, &x));
        TRY(fit_for_identity(env, r, x));
        index = x->oid;
    }
    TRY(mark_index(env, r, COL_pg_index_indisreplident, index));
    return define_update_class(env, r->oid, set_replident, &letter);
}

/* ---- persistence ----------------------------------------------------------------------------- */

static status set_persistence(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_char(row, COL_pg_class_relpersistence, *(char *)arg);
    return OK;
}

static status refuse_mixture(struct sql_env *env, const struct relation *r, oid other_oid,
                             char wanted) {
    const struct relation *other;
    if (other_oid == r->oid) return OK;
    TRY(catalog_relation(env, other_oid, &other));
    if (other->persistence == wanted) return OK;
    return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                     wanted == 'p'
                         ? "could not change table \"%s\" to logged because it references "
                           "unlogged table \"%s\""
                         : "could not change table \"%s\" to unlogged because it references "
                           "logged table \"%s\"",
                     r->name, other->name);
}

static status change_persistence(struct sql_env *env, const struct relation *r, char wanted) {
    if (r->persistence == 't')
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "cannot change logged status of table \"%s\" because it is temporary",
                         r->name);
    if (r->persistence == wanted) return OK;
    if (wanted == 'p')
        for (uint16_t i = 0; i < r->nkeys; i++)
            TRY(refuse_mixture(env, r, r->keys[i].refers, wanted));
    else
        for (uint16_t i = 0; i < r->nreferences; i++)
            TRY(refuse_mixture(env, r, r->references[i].table, wanted));
    if (r->primary) TRY(define_update_class(env, r->primary->oid, set_persistence, &wanted));
    for (uint16_t i = 0; i < r->nindexes; i++)
        TRY(define_update_class(env, r->indexes[i].oid, set_persistence, &wanted));
    return define_update_class(env, r->oid, set_persistence, &wanted);
}

/* ---- the command ----------------------------------------------------------------------------- */

static status need_named(struct sql_env *env, const char *name, const char *only,
                         const char *format) {
    if (!strcmp(name, only)) return OK;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "%s \"%s\" does not exist", format,
                     name);
}

/* Nobody can make a trigger or a rule; those of foreign keys have no names here. */
static status no_such(struct sql_env *env, const struct relation *r, const char *what,
                      const char *name) {
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist",
                     what, name, *what == 't' ? "table" : "relation", r->name);
}

static status disable_all_triggers(struct sql_env *env, const struct relation *r) {
    if (!r->nkeys && !r->nreferences) return OK;
    return define_unsupported(env, "DISABLE TRIGGER ALL of a table with foreign keys");
}

static status alter_attached(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_ENABLE_TRIGGER:
    case ALTER_ENABLE_ALWAYS_TRIGGER:
    case ALTER_ENABLE_REPLICA_TRIGGER:
    case ALTER_DISABLE_TRIGGER: return no_such(env, r, "trigger", cmd->name);
    case ALTER_ENABLE_RULE:
    case ALTER_ENABLE_ALWAYS_RULE:
    case ALTER_ENABLE_REPLICA_RULE:
    case ALTER_DISABLE_RULE: return no_such(env, r, "rule", cmd->name);
    case ALTER_DISABLE_TRIGGER_ALL: return disable_all_triggers(env, r);
    case ALTER_ENABLE_TRIGGER_ALL:
    case ALTER_ENABLE_TRIGGER_USER:
    case ALTER_DISABLE_TRIGGER_USER:
    case ALTER_DISABLE_ROW_SECURITY:
    case ALTER_NO_FORCE_ROW_SECURITY: return OK;
    default: return define_unsupported(env, "this form of ALTER TABLE");
    }
}

status define_alter_property(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_SET_OPTIONS:
        return define_set_options(env, r, ((struct ast_node_list *)cmd->def)->items, false);
    case ALTER_RESET_OPTIONS:
        return define_set_options(env, r, ((struct ast_node_list *)cmd->def)->items, true);
    case ALTER_CLUSTER_ON: return define_cluster_on(env, r, cmd->name);
    case ALTER_SET_WITHOUT_CLUSTER: return mark_index(env, r, COL_pg_index_indisclustered, 0);
    case ALTER_SET_LOGGED: return change_persistence(env, r, 'p');
    case ALTER_SET_UNLOGGED: return change_persistence(env, r, 'u');
    case ALTER_REPLICA_IDENTITY: return replica_identity(env, r, cmd);
    case ALTER_SET_TABLESPACE: return need_named(env, cmd->name, "pg_default", "tablespace");
    case ALTER_SET_ACCESS_METHOD: return need_named(env, cmd->name, "heap", "access method");
    case ALTER_SET_WITHOUT_OIDS: return OK;
    default: return alter_attached(env, r, cmd);
    }
}
