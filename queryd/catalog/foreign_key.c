/* foreign_key.c: FOREIGN KEY constraints: what they refer to, their rows. */
#include "catalog/define_internal.h"
#include "types/function.h"
#include "types/resolution.h"

/* ---- columns --------------------------------------------------------------------------------- */

static status add_columns(struct sql_env *env, const struct relation *r, const struct list *names,
                          int16_t *columns, uint16_t *ret_n) {
    uint16_t n = 0;
    LIST_EACH(const char *, name, names) {
        const struct attribute *att = define_attribute(r, name);
        if (!att)
            return error_set(env->eval.error, ST_UNDEFINED_COLUMN,
                             "column \"%s\" referenced in foreign key constraint does not exist",
                             name);
        if (n == INDEX_COLUMNS_MAX)
            return error_set(env->eval.error, ST_TOO_MANY_COLUMNS,
                             "cannot have more than %d keys in a foreign key", INDEX_COLUMNS_MAX);
        columns[n++] = att->number;
    }
    *ret_n = n;
    return OK;
}

static bool covers(const struct index_desc *x, const struct foreign_key *k) {
    if ((!x->unique && !x->late) || x->exclusion || !x->valid || x->predicate_text ||
        x->nkeys != k->n)
        return false;
    for (uint16_t i = 0; i < x->nkeys; i++) {
        bool found = false;
        for (uint16_t c = 0; c < k->n; c++) found |= k->ref_columns[c] == x->columns[i];
        if (!found) return false;
    }
    return true;
}

static status refuse_deferrable(struct sql_env *env, const struct relation *to, const char *what) {
    return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     "cannot use a deferrable %s for referenced table \"%s\"", what, to->name);
}

static status referenced_columns(struct sql_env *env, const struct ast_constraint *c,
                                 const struct relation *to, struct foreign_key *k) {
    struct error *e = env->eval.error;
    uint16_t nref;
    if (!list_n(c->ref_columns)) {
        for (uint16_t i = 0; i < to->nindexes; i++)
            if (to->indexes[i].late_primary) return refuse_deferrable(env, to, "primary key");
        if (!to->primary)
            return error_set(e, ST_UNDEFINED_OBJECT,
                             "there is no primary key for referenced table \"%s\"", to->name);
        memcpy(k->ref_columns, to->primary->columns, to->primary->nkeys * sizeof(int16_t));
        nref = to->primary->nkeys;
    } else {
        TRY(add_columns(env, to, c->ref_columns, k->ref_columns, &nref));
    }
    for (uint16_t i = 0; i < nref; i++)
        for (uint16_t j = 0; j < i; j++)
            if (k->ref_columns[i] == k->ref_columns[j])
                return error_set(e, ST_INVALID_FOREIGN_KEY,
                                 "foreign key referenced-columns list must not contain duplicates");
    uint16_t n = k->n;
    k->n = nref;
    if (to->primary && covers(to->primary, k)) k->index = to->primary->oid;
    bool deferrable = false;
    for (uint16_t i = 0; i < to->nindexes && !k->index; i++) {
        if (!covers(&to->indexes[i], k)) continue;
        if (to->indexes[i].late)
            deferrable = true;
        else
            k->index = to->indexes[i].oid;
    }
    if (!k->index && deferrable) return refuse_deferrable(env, to, "unique constraint");
    k->n = n;
    if (!k->index)
        return error_set(e, ST_INVALID_FOREIGN_KEY,
                         "there is no unique constraint matching given keys for referenced table "
                         "\"%s\"",
                         to->name);
    if (n != nref)
        return error_set(e, ST_INVALID_FOREIGN_KEY,
                         "number of referencing and referenced columns for foreign key disagree");
    return OK;
}

/* By an operator, or once the referencing value has become one of the referenced type. What all
 * enums, all arrays or all rows share compares those of one type only. */
static bool comparable(oid ref, oid own) {
    const struct type *to = type_below(type_find(ref)), *from = type_below(type_find(own));
    if (to->kind == 'e' || to->kind == 'c' || to->category == 'A') return to->oid == from->oid;
    return operator_find_btree(ref, own, 3) || (ref == CIDROID && own == INETOID) ||
           resolve_cast(own, ref, CAST_IMPLICIT).path != CAST_NONE;
}

status define_check_key_types(struct sql_env *env, const struct relation *r,
                              const struct relation *to, const struct foreign_key *k) {
    for (uint16_t i = 0; i < k->n; i++) {
        const struct attribute *own = &r->atts[k->columns[i] - 1];
        const struct attribute *ref = &to->atts[k->ref_columns[i] - 1];
        if (comparable(ref->type, own->type)) continue;
        status st = error_set(env->eval.error, ST_DATATYPE_MISMATCH,
                              "foreign key constraint \"%s\" cannot be implemented", k->name);
        error_detail(env->eval.error,
                     "Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.",
                     own->name, ref->name, type_format_name(env->eval.arena, own->type),
                     type_format_name(env->eval.arena, ref->type));
        return st;
    }
    return OK;
}

/* ---- the constraint -------------------------------------------------------------------------- */

static status choose_name(struct sql_env *env, const struct relation *r,
                          const struct ast_constraint *c, struct foreign_key *k) {
    k->name = c->name;
    if (k->name) return define_constraint_name_is_free(env, r, k->name);
    char columns[NAME_BYTES * 2];
    size_t len = 0;
    columns[0] = 0;
    for (unsigned i = 0; i < k->n && len < NAME_BYTES; i++)
        len += (size_t)snprintf(columns + len, sizeof columns - len, "%s%.63s", i ? "_" : "",
                                r->atts[k->columns[i] - 1].name);
    return define_choose_name(env, r->name, columns, "fkey", r->schema, false, r->oid, &k->name);
}

static status set_columns(struct sql_env *env, const struct relation *r,
                          const struct ast_constraint *c, struct foreign_key *k) {
    TRY(add_columns(env, r, c->on_delete_columns, k->set_columns, &k->nset));
    for (uint16_t i = 0; i < k->nset; i++) {
        bool part = false;
        for (uint16_t j = 0; j < k->n; j++) part |= k->columns[j] == k->set_columns[i];
        if (!part)
            return error_set(env->eval.error, ST_INVALID_COLUMN_REFERENCE,
                             "column \"%s\" referenced in ON DELETE SET action must be part of "
                             "foreign key",
                             r->atts[k->set_columns[i] - 1].name);
    }
    return OK;
}

/* REFERENCES on the table, or on each of the columns. */
static status may_reference(struct sql_env *env, const struct relation *to,
                            const struct foreign_key *k) {
    const struct object_acl *o;
    uint32_t has;
    oid user = env->settings->user_oid;
    TRY(privilege_object(env, OID_pg_class, to->oid, &o));
    TRY(privilege_mask(env, o, user, ACL_REFERENCES, &has));
    if (has) return OK;
    for (uint16_t i = 0; i < k->n; i++) {
        TRY(privilege_column_mask(env, o, k->ref_columns[i], user, ACL_REFERENCES, &has));
        if (!has) return privilege_denied(env, o);
    }
    return OK;
}

static status may_refer(struct sql_env *env, const struct relation *r, const struct relation *to) {
    struct error *e = env->eval.error;
    if (to->kind != 'r')
        return error_set(e, ST_WRONG_OBJECT_TYPE, "referenced relation \"%s\" is not a table",
                         to->name);
    if (to->is_catalog)
        return error_set(e, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied: \"%s\" is a system catalog", to->name);
    if (r->persistence == 'p' && to->persistence != 'p')
        return error_set(e, ST_INVALID_TABLE_DEFINITION,
                         "constraints on permanent tables may reference only permanent tables");
    if (r->persistence == 't' && to->persistence != 't')
        return error_set(e, ST_INVALID_TABLE_DEFINITION,
                         "constraints on temporary tables may reference only temporary tables");
    return OK;
}

static status set_triggers(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_class_relhastriggers, true);
    return OK;
}

/* The row of one constraint on both sides, and what it depends on. */
static status insert(struct sql_env *env, const struct relation *r, const struct relation *to,
                     struct foreign_key *k, bool validated) {
    struct constraint_facts f = {.name = k->name,
                                 .type = 'f',
                                 .index = k->index,
                                 .columns = k->columns,
                                 .ncolumns = k->n,
                                 .validated = validated,
                                 .foreign = k};
    TRY(define_insert_constraint(env, r, &f, &k->oid));
    struct object_address self = {OID_pg_constraint, k->oid, 0};
    for (uint16_t i = 0; i < k->n; i++)
        TRY(define_depend(env, self,
                          (struct object_address){OID_pg_class, to->oid, k->ref_columns[i]}, 'n'));
    TRY(define_depend(env, self, (struct object_address){OID_pg_class, k->index, 0}, 'n'));
    TRY(define_update_class(env, r->oid, set_triggers, NULL));
    if (to->oid != r->oid) TRY(define_update_class(env, to->oid, set_triggers, NULL));
    catalog_changed(env);
    return OK;
}

static status check_rows(struct sql_env *env, oid table, oid constraint) {
    const struct relation *r;
    struct sql_env now;
    if (!define_hooks) return OK;
    TRY(catalog_relation(env, table, &r));
    TRY(define_env_now(env, &now));
    for (uint16_t i = 0; i < r->nkeys; i++)
        if (r->keys[i].oid == constraint)
            return define_hooks->check_references(&now, r, &r->keys[i]);
    return OK;
}

status define_foreign_key(struct sql_env *env, oid table, const struct ast_constraint *c,
                          const char *column, bool validate) {
    static const char actions[] = {[FK_NO_ACTION] = 'a',
                                   [FK_RESTRICT] = 'r',
                                   [FK_CASCADE] = 'c',
                                   [FK_SET_NULL] = 'n',
                                   [FK_SET_DEFAULT] = 'd'};
    const struct relation *r, *to;
    struct list *own = NULL;
    catalog_changed(env);
    if (c->match == FK_MATCH_PARTIAL)
        return define_at(env, &c->node, define_unsupported(env, "MATCH PARTIAL"));
    TRY(catalog_relation_lock(env, c->ref_table->schema, c->ref_table->name,
                              MODE_SHARE_ROW_EXCLUSIVE, c->ref_table->node.location, &to));
    TRY(catalog_relation(env, table, &r));
    struct foreign_key k = {.table = table,
                            .refers = to->oid,
                            .on_update = actions[c->on_update],
                            .on_delete = actions[c->on_delete],
                            .match = c->match == FK_MATCH_FULL ? 'f' : 's',
                            .deferrable = c->deferrable || c->initially_deferred,
                            .deferred = c->initially_deferred};
    TRY(may_refer(env, r, to));
    if (column) TRY(list_append(env->eval.arena, &own, (void *)column));
    TRY(add_columns(env, r, column ? own : c->keys, k.columns, &k.n));
    TRY(referenced_columns(env, c, to, &k));
    TRY(may_reference(env, to, &k));
    TRY(choose_name(env, r, c, &k));
    TRY(set_columns(env, r, c, &k));
    TRY(define_check_key_types(env, r, to, &k));
    TRY(insert(env, r, to, &k, !c->not_valid));
    return validate ? check_rows(env, table, k.oid) : OK;
}

/* ---- VALIDATE -------------------------------------------------------------------------------- */

static status validate_check(struct sql_env *env, const struct relation *r, const char *name,
                             const char *text) {
    struct node *n;
    struct sql_env now;
    if (!define_hooks || !text) return OK;
    TRY(parse_expression(env->eval.arena, text, strlen(text), env->eval.error, &n));
    TRY(define_env_now(env, &now));
    return define_hooks->check_rows(&now, r, n, name);
}

status define_validate_constraint(struct sql_env *env, const struct relation *r, const char *name) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, define_find_constraint(env, r, name, &s));
    struct catalog_row row = s.row;
    char type = row_char(&row, COL_pg_constraint_contype);
    if (type != 'f' && type != 'c') {
        st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                       "constraint \"%s\" of relation \"%s\" is not a foreign key or check "
                       "constraint",
                       name, r->name);
        goto out;
    }
    if (row_bool(&row, COL_pg_constraint_convalidated)) goto out;
    if (type == 'f')
        TRY_OUT(st, check_rows(env, r->oid, row_oid(&row, COL_pg_constraint_oid)));
    else
        TRY_OUT(st, validate_check(env, r, name,
                                   row_text(env->eval.arena, &row, COL_pg_constraint_conbin)));
    row_set_bool(&row, COL_pg_constraint_convalidated, true);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}
