/* define_identity.c: ALTER COLUMN of identity and generated columns. */
#include "catalog/define_internal.h"

static status set_identity(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_char(row, COL_pg_attribute_attidentity, *(char *)arg);
    return OK;
}

static status set_plain(struct sql_env *, struct catalog_row *row, void *) {
    row_set_char(row, COL_pg_attribute_attgenerated, 0);
    row_set_bool(row, COL_pg_attribute_atthasdef, false);
    return OK;
}

static status refuse(struct sql_env *env, const struct relation *r, const struct attribute *att,
                     const char *format) {
    return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, format, att->name,
                     r->name);
}

static status add_identity(struct sql_env *env, const struct relation *r,
                           const struct attribute *att, const struct ast_constraint *k) {
    struct attribute changed = *att;
    const char *name;
    if (!att->not_null)
        return refuse(env, r, att,
                      "column \"%s\" of relation \"%s\" must be declared NOT NULL before identity "
                      "can be added");
    if (att->identity)
        return refuse(env, r, att,
                      "column \"%s\" of relation \"%s\" is already an identity column");
    if (att->default_text)
        return refuse(env, r, att, "column \"%s\" of relation \"%s\" already has a default value");
    changed.identity = k->identity_always ? 'a' : 'd';
    TRY(define_choose_name(env, r->name, att->name, "seq", r->schema, true, 0, &name));
    TRY(define_sequence_for(env, r, name, att->type, k->options, true, &changed.sequence));
    TRY(define_update_attribute(env, r->oid, att->number, set_identity, &changed.identity));
    return define_column_sequence(env, r->oid, &changed);
}

/* SET GENERATED …, SET sequence option …, RESTART. */
static status change_identity(struct sql_env *env, const struct relation *r,
                              const struct attribute *att, const struct list *changes) {
    struct list *options = NULL;
    if (!att->identity)
        return refuse(env, r, att, "column \"%s\" of relation \"%s\" is not an identity column");
    LIST_EACH(struct ast_def_elem *, o, changes) {
        if (strcmp(o->name, "generated")) {
            TRY(list_append(env->eval.arena, &options, o));
            continue;
        }
        char identity = ast_as_literal(o->value)->integer ? 'a' : 'd';
        TRY(define_update_attribute(env, r->oid, att->number, set_identity, &identity));
    }
    if (!list_n(options)) return OK;
    const struct relation *sequence;
    TRY(txn_lock_relation(env->proc, env->txn, att->sequence, MODE_SHARE_ROW_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    TRY(catalog_relation(env, att->sequence, &sequence));
    return define_sequence_alter(env, sequence, options, true);
}

static status drop_identity(struct sql_env *env, const struct relation *r,
                            const struct attribute *att, bool missing_ok) {
    char none = 0;
    if (!att->identity && missing_ok) {
        define_notice(env, "00000",
                      "column \"%s\" of relation \"%s\" is not an identity column, skipping",
                      att->name, r->name);
        return OK;
    }
    if (!att->identity)
        return refuse(env, r, att, "column \"%s\" of relation \"%s\" is not an identity column");
    int16_t number = att->number;
    TRY(define_drop_owned_sequences(env, r->oid, number));
    return define_update_attribute(env, r->oid, number, set_identity, &none);
}

/* The values that are there stay. */
static status drop_expression(struct sql_env *env, const struct relation *r,
                              const struct attribute *att, bool missing_ok) {
    if (!att->generated && missing_ok) {
        define_notice(env, "00000",
                      "column \"%s\" of relation \"%s\" is not a stored generated column, skipping",
                      att->name, r->name);
        return OK;
    }
    if (!att->generated)
        return refuse(env, r, att,
                      "column \"%s\" of relation \"%s\" is not a stored generated column");
    datum keys[] = {datum_oid(r->oid), datum_int2(att->number)};
    struct catalog_row row;
    TRY(catalog_row_get(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, keys, 2,
                        env->eval.arena, &row));
    TRY(define_forget(env, OID_pg_attrdef, row_oid(&row, COL_pg_attrdef_oid)));
    TRY(catalog_rows_delete(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, keys, 2,
                            NULL));
    return define_update_attribute(env, r->oid, att->number, set_plain, NULL);
}

status define_alter_identity(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    TRY(define_need_attribute(env, r, cmd->name, &att));
    switch (cmd->kind) {
    case ALTER_ADD_IDENTITY: return add_identity(env, r, att, ast_as_constraint(cmd->def));
    case ALTER_SET_IDENTITY:
        return change_identity(env, r, att, ((struct ast_node_list *)cmd->def)->items);
    case ALTER_DROP_IDENTITY: return drop_identity(env, r, att, cmd->missing_ok);
    default: return drop_expression(env, r, att, cmd->missing_ok);
    }
}
