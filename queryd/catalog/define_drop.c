/* define_drop.c: DROP, and what depends on what is dropped. */
#include "catalog/define_function.h"
#include "catalog/define_types.h"

/* ---- one relation ---------------------------------------------------------------------------- */

static status drop_class_rows(struct sql_env *env, oid relation) {
    datum key = datum_oid(relation);
    TRY(catalog_rows_delete(env, CAT_pg_attribute, 0, &key, 1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_statistic, 0, &key, 1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_class, 0, &key, 1, NULL));
    return define_forget(env, OID_pg_class, relation);
}

static status drop_constraint_row(struct sql_env *env, oid constraint) {
    datum key = datum_oid(constraint);
    TRY(define_forget(env, OID_pg_constraint, constraint));
    return catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL);
}

/* The index's rows and, unless it is the table itself, its tree. */
static status drop_index_parts(struct sql_env *env, const struct index_desc *x) {
    datum key = datum_oid(x->oid);
    TRY(catalog_rows_delete(env, CAT_pg_index, 0, &key, 1, NULL));
    if (x->constraint) TRY(drop_constraint_row(env, x->constraint));
    TRY(drop_class_rows(env, x->oid));
    return x->primary ? OK : table_drop_tree(env, x->tree);
}

status define_drop_index(struct sql_env *env, const struct relation *table, oid index) {
    for (unsigned i = 0; i < table->nindexes; i++)
        if (table->indexes[i].oid == index) TRY(drop_index_parts(env, &table->indexes[i]));
    catalog_changed(env);
    return OK;
}

/* Deletes a dependent's rows found by a scan over (relation, …) whose own oid is in column 1. */
static status drop_owned_rows(struct sql_env *env, enum catalog_number n, oid index, oid relation) {
    datum key = datum_oid(relation);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        TRY_OUT(st, define_forget(env, catalog_infos[n].oid, row_oid(&s.row, 1)));
        TRY_OUT(st, catalog_row_delete(&s));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status drop_row_type(struct sql_env *env, oid type) {
    struct catalog_row row;
    if (!type) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, type, env->eval.arena, &row));
    datum keys[] = {datum_oid(row_oid(&row, COL_pg_type_typarray)), datum_oid(type)};
    for (int i = 0; i < 2; i++) {
        TRY(define_forget(env, OID_pg_type, keys[i].u32));
        TRY(catalog_rows_delete(env, CAT_pg_type, 0, &keys[i], 1, NULL));
    }
    return OK;
}

/* What the table's columns (or one of them) own. */
status define_drop_owned_sequences(struct sql_env *env, oid table, int16_t column) {
    struct list *owned = NULL;
    TRY(define_owned_sequences(env, table, column, &owned));
    LIST_EACH(void *, sequence, owned) {
        const struct relation *r;
        oid id = (oid)(uintptr_t)sequence;
        TRY(txn_lock_relation(env->proc, env->txn, id, MODE_ACCESS_EXCLUSIVE, false,
                              env->settings->lock_timeout_ms));
        TRY(catalog_relation(env, id, &r));
        TRY(define_drop_relation(env, r));
    }
    return OK;
}

status define_drop_relation(struct sql_env *env, const struct relation *r) {
    for (unsigned i = 0; i < r->nindexes; i++) TRY(drop_index_parts(env, &r->indexes[i]));
    if (r->primary) TRY(drop_index_parts(env, r->primary));
    if (strchr("rv", r->kind)) TRY(define_drop_owned_sequences(env, r->oid, 0));
    if (r->kind == 'r' || r->kind == 'S') TRY(table_drop_tree(env, r->tree));
    if (r->kind == 'S') {
        datum key = datum_oid(r->oid);
        TRY(catalog_rows_delete(env, CAT_pg_sequence, 0, &key, 1, NULL));
    }
    TRY(drop_owned_rows(env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, r->oid));
    TRY(drop_owned_rows(env, CAT_pg_constraint, OID_pg_constraint_conrelid_contypid_conname_index,
                        r->oid));
    TRY(drop_owned_rows(env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, r->oid));
    TRY(drop_row_type(env, r->row_type));
    TRY(drop_class_rows(env, r->oid));
    catalog_changed(env);
    return OK;
}

/* ---- DROP TABLE, VIEW, INDEX ----------------------------------------------------------------- */

struct drop_kind {
    enum ast_object_type type;
    char kind;
    const char *word, *article, *hint;
};

static const struct drop_kind drop_kinds[] = {
    {OBJECT_TABLE, 'r', "table", "a", "Use DROP TABLE to remove a table."},
    {OBJECT_VIEW, 'v', "view", "a", "Use DROP VIEW to remove a view."},
    {OBJECT_INDEX, 'i', "index", "an", "Use DROP INDEX to remove an index."},
    {OBJECT_SEQUENCE, 'S', "sequence", "a", "Use DROP SEQUENCE to remove a sequence."},
    {OBJECT_MATVIEW, 'm', "materialized view", "a",
     "Use DROP MATERIALIZED VIEW to remove a materialized view."},
    {OBJECT_TYPE, 'c', "type", "a", "Use DROP TYPE to remove a type."},
};

static status missing_object(struct sql_env *env, const struct ast_drop *s, const char *word,
                             const char *schema, const char *name) {
    oid found;
    if (schema) {
        status st = catalog_schema(env, schema, &found);
        if (status_is(st, ST_NOT_FOUND)) return define_missing_schema(env, s, schema);
        TRY(st);
    }
    if (!s->if_exists)
        return error_set(
            env->eval.error, s->type == OBJECT_INDEX ? ST_UNDEFINED_OBJECT : ST_UNDEFINED_TABLE,
            "%s \"%s%s%s\" does not exist", word, schema ? schema : "", schema ? "." : "", name);
    define_notice(env, "00000", "%s \"%s%s%s\" does not exist, skipping", word,
                  schema ? schema : "", schema ? "." : "", name);
    return OK;
}

static status refuse_kind(struct sql_env *env, const struct drop_kind *wanted,
                          const struct relation *r) {
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not %s %s", r->name,
                          wanted->article, wanted->word);
    for (size_t i = 0; i < sizeof drop_kinds / sizeof *drop_kinds; i++)
        if (drop_kinds[i].kind == r->kind) error_hint(env->eval.error, "%s", drop_kinds[i].hint);
    return st;
}

/* The table of an index, locked; the index is found in it by oid. */
static status drop_one_index(struct sql_env *env, const struct relation *index,
                             enum relation_mode mode) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_index, index->oid, env->eval.arena, &row));
    oid table = row_oid(&row, COL_pg_index_indrelid);
    TRY(txn_lock_relation(env->proc, env->txn, table, mode, false, env->settings->lock_timeout_ms));
    const struct relation *r;
    status st = catalog_relation(env, table, &r);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "index \"%s\" does not exist",
                         index->name);
    TRY(st);
    const struct index_desc *x = r->primary && r->primary->oid == index->oid ? r->primary : NULL;
    for (unsigned i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index->oid) x = &r->indexes[i];
    if (x && x->constraint) {
        st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                       "cannot drop index %s because constraint %s on table %s requires it",
                       index->name, index->name, r->name);
        error_hint(env->eval.error, "You can drop constraint %s on table %s instead.", index->name,
                   r->name);
        return st;
    }
    if (mode != MODE_ACCESS_EXCLUSIVE && r->persistence != 't')
        return define_drop_index_beside_users(env, r, index->oid);
    return define_drop_index(env, r, index->oid);
}

/* An identity column's sequence goes with its column only. */
static status refuse_identity(struct sql_env *env, const struct relation *sequence) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(sequence->oid)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        const struct relation *table;
        const char *what, *owner;
        if (row_char(&s.row, COL_pg_depend_deptype) != 'i') continue;
        TRY_OUT(st, catalog_relation(env, row_oid(&s.row, COL_pg_depend_refobjid), &table));
        TRY_OUT(st, define_relation_text(env, sequence->oid, 'S', &what));
        TRY_OUT(st, define_relation_text(env, table->oid, 'r', &owner));
        const char *column = table->atts[row_int4(&s.row, COL_pg_depend_refobjsubid) - 1].name;
        st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                       "cannot drop %s because column %s of %s requires it", what, column, owner);
        error_hint(env->eval.error, "You can drop column %s of %s instead.", column, owner);
        goto out;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* Its owner, or that of the schema it is in. */
static status may_drop(struct sql_env *env, const struct relation *r) {
    bool owner;
    TRY(privilege_is_owner(env, OID_pg_namespace, r->schema, env->settings->user_oid, &owner));
    return owner ? OK : privilege_check_owner(env, OID_pg_class, r->oid);
}

static status drop_one(struct sql_env *env, const struct ast_drop *s, const struct drop_kind *kind,
                       const struct list *names, const struct list *others) {
    int32_t n = list_n(names);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL;
    const char *name = list_at(names, n - 1);
    oid found;
    TRY(relation_oid_named(env, schema, name, &found));
    if (!found) return missing_object(env, s, kind->word, schema, name);
    const struct relation *r;
    enum relation_mode mode = s->concurrently ? MODE_SHARE_UPDATE_EXCLUSIVE : MODE_ACCESS_EXCLUSIVE;
    status st = catalog_relation_lock(env, schema, name, mode, -1, &r);
    if (status_is(st, ST_UNDEFINED_TABLE)) {
        error_clear(env->eval.error);
        return missing_object(env, s, kind->word, schema, name);
    }
    TRY(st);
    if (r->kind != kind->kind) return refuse_kind(env, kind, r);
    TRY(may_drop(env, r));
    if (r->oid < FIRST_USER_OID)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied: \"%s\" is a system catalog", r->name);
    if (r->kind == 'i') return drop_one_index(env, r, mode);
    const char *what;
    if (r->kind == 'S') TRY(refuse_identity(env, r));
    TRY(define_relation_text(env, r->oid, r->kind, &what));
    TRY(define_drop_dependents(env, r, 0, what, s->cascade, others));
    return define_drop_relation(env, r);
}

/* ---- the statement --------------------------------------------------------------------------- */

/* The relations that the statement names, as far as they are there. */
static status named_relations(struct sql_env *env, const struct ast_drop *s,
                              struct list **ret_relations) {
    LIST_EACH(struct node *, n, s->objects) {
        oid found;
        if (n->kind != NODE_NAME_LIST) continue;
        const struct list *names = ((struct ast_name_list *)n)->names;
        int32_t count = list_n(names);
        TRY(relation_oid_named(env, count > 1 ? list_at(names, count - 2) : NULL,
                               list_at(names, count - 1), &found));
        if (found) TRY(list_append(env->eval.arena, ret_relations, (void *)(uintptr_t)found));
    }
    return OK;
}

status define_drop(struct sql_env *env, struct ast_drop *s) {
    const struct drop_kind *kind = NULL;
    if (s->type == OBJECT_FUNCTION || s->type == OBJECT_PROCEDURE || s->type == OBJECT_ROUTINE ||
        s->type == OBJECT_AGGREGATE)
        return define_drop_functions(env, s);
    if (s->type == OBJECT_TYPE || s->type == OBJECT_DOMAIN) return define_drop_types(env, s);
    if (s->type == OBJECT_COLLATION) return define_drop_collations(env, s);
    if (define_drop_is_fixed(s->type)) return define_drop_fixed(env, s);
    for (size_t i = 0; i < sizeof drop_kinds / sizeof *drop_kinds; i++)
        if (drop_kinds[i].type == s->type) kind = &drop_kinds[i];
    if (!kind && s->type != OBJECT_SCHEMA) {
        const char *words = arena_printf(env->eval.arena, "DROP %s", ast_object_words(s->type));
        return words ? define_unsupported(env, words) : no_memory(env);
    }
    if (s->concurrently && list_n(s->objects) != 1)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "DROP INDEX CONCURRENTLY does not support dropping multiple objects");
    if (s->concurrently && s->cascade)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "DROP INDEX CONCURRENTLY does not support CASCADE");
    struct list *others = NULL;
    bool several = list_n(s->objects) > 1;
    const char *details = NULL;
    if (kind) TRY(named_relations(env, s, &others));
    LIST_EACH(struct node *, n, s->objects) {
        if (n->kind != NODE_NAME_LIST) return define_unsupported(env, "this form of DROP");
        const struct list *names = ((struct ast_name_list *)n)->names;
        status st = kind ? drop_one(env, s, kind, names, others)
                         : define_drop_schema(env, s, list_at(names, list_n(names) - 1));
        TRY(several ? define_gather_refusal(env, st, &details) : st);
    }
    return define_refuse_gathered(env, details);
}

/* ---- constraints ----------------------------------------------------------------------------- */

/* Without its primary key a table's rows lie under hidden row ids: it is written anew. */
static status drop_primary(struct sql_env *env, const struct relation *r) {
    struct relation target;
    const struct relation *fresh;
    struct sql_env now;
    TRY(define_new_trees(env, r, &target));
    TRY(drop_index_parts(env, r->primary));
    catalog_changed(env);
    TRY(catalog_relation(env, r->oid, &fresh));
    TRY(define_env_now(env, &now));
    TRY(table_rewrite(&now, r, fresh));
    return define_drop_trees(env, r);
}

static status count_down(struct sql_env *, struct catalog_row *row, void *) {
    row_set_int(row, COL_pg_class_relchecks, row_int2(row, COL_pg_class_relchecks) - 1);
    return OK;
}

status define_drop_constraint(struct sql_env *env, const struct relation *r, const char *name,
                              bool missing_ok, bool cascade) {
    struct catalog_row row;
    status st = define_constraint_row(env, r, name, &row);
    if (status_is(st, ST_NOT_FOUND)) {
        if (!missing_ok)
            return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                             "constraint \"%s\" of relation \"%s\" does not exist", name, r->name);
        define_notice(env, "00000", "constraint \"%s\" of relation \"%s\" does not exist, skipping",
                      name, r->name);
        return OK;
    }
    TRY(st);
    char type = row_char(&row, COL_pg_constraint_contype);
    oid index = row_oid(&row, COL_pg_constraint_conindid);
    if (type == 'p' || type == 'u' || type == 'x') {
        const char *what =
            arena_printf(env->eval.arena, "constraint %s on table %s", name, r->name);
        if (!what) return no_memory(env);
        TRY(define_drop_index_dependents(env, index, what, cascade));
        TRY(define_drop_object_dependents(env, OID_pg_constraint,
                                          row_oid(&row, COL_pg_constraint_oid), what, cascade));
        if (type == 'p' && r->primary) return drop_primary(env, r);
        return define_drop_index(env, r, index);
    }
    TRY(drop_constraint_row(env, row_oid(&row, COL_pg_constraint_oid)));
    if (type == 'c') TRY(define_update_class(env, r->oid, count_down, NULL));
    catalog_changed(env);
    return OK;
}
