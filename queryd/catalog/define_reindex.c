/* define_reindex.c: REINDEX, CLUSTER. */
#include "catalog/define_internal.h"
#include "catalog/progress.h"
#include "table/build.h"

/* ---- REINDEX --------------------------------------------------------------------------------- */

/* A new tree for the index, filled from the rows. */
static status fill_anew(struct sql_env *env, const struct relation *r, const struct index_desc *x) {
    struct index_desc fresh = *x;
    struct sql_env now;
    TRY(define_new_tree(env, x->oid, &fresh.tree));
    int64_t root = (int64_t)fresh.tree.root.no;
    TRY(define_update_class(env, x->oid, define_set_root, &root));
    TRY(define_env_now(env, &now));
    TRY(table_build_index(&now, r, &fresh));
    if (!x->valid) TRY(define_index_is_whole(env, x->oid));
    return table_drop_tree(env, x->tree);
}

static status rebuild(struct sql_env *env, const struct relation *r, const struct index_desc *x) {
    progress_begin_index(env, PROGRESS_REINDEX, r->oid, x->oid);
    status st = fill_anew(env, r, x);
    progress_end(env);
    return st;
}

static bool option_on(const struct ast_def_elem *d) {
    if (!d->value || d->value->kind != NODE_LITERAL) return true;
    const struct ast_literal *l = ast_as_literal(d->value);
    if (l->kind == LITERAL_BOOL || l->kind == LITERAL_INTEGER) return l->integer != 0;
    return !l->text || (strcmp(l->text, "off") != 0 && strcmp(l->text, "false") != 0);
}

bool define_reindex_is_concurrent(const struct ast_reindex *s) {
    LIST_EACH(const struct ast_def_elem *, o, s->options)
    if (!strcmp(o->name, "concurrently") && option_on(o)) return true;
    return false;
}

/* index 0: all. The primary key's index is the table itself: there is nothing to build. */
static status reindex_table(struct sql_env *env, oid table, oid index) {
    const struct relation *r;
    TRY(txn_lock_relation(env->proc, env->txn, table, MODE_ACCESS_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    status st = catalog_relation(env, table, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (!index || r->indexes[i].oid == index) TRY(rebuild(env, r, &r->indexes[i]));
    catalog_changed(env);
    return OK;
}

/* A temporary table has no other users. */
static status reindex_beside(struct sql_env *env, oid table, oid index) {
    const struct relation *r;
    uint32_t mark;
    TRY(txn_lock_mark(env->txn, &mark));
    TRY(txn_lock_relation(env->proc, env->txn, table, MODE_SHARE_UPDATE_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    status st = catalog_relation(env, table, &r);
    if (status_is(st, ST_NOT_FOUND))
        st = OK; /* dropped meanwhile */
    else if (ok(st))
        st = r->persistence == 't' ? reindex_table(env, table, index)
                                   : define_reindex_beside_users(env, table, index);
    txn_release_to(env->proc, env->txn, mark);
    return st;
}

static status reindex_one(struct sql_env *env, oid table, oid index, bool beside) {
    return beside ? reindex_beside(env, table, index) : reindex_table(env, table, index);
}

static status refuse_catalogs(struct sql_env *env) {
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "cannot reindex system catalogs concurrently");
}

static status reindex_relation(struct sql_env *env, const struct ast_reindex *s, bool beside) {
    const struct relation *r;
    struct catalog_row row;
    bool of_index = s->type == OBJECT_INDEX;
    enum relation_mode mode = beside ? MODE_SHARE_UPDATE_EXCLUSIVE : MODE_SHARE;
    TRY(define_lock(env, s->relation, mode, of_index ? "i" : "r", false, &r));
    if (of_index) {
        TRY(catalog_row_get_oid(env, CAT_pg_index, r->oid, env->eval.arena, &row));
        return reindex_one(env, row_oid(&row, COL_pg_index_indrelid), r->oid, beside);
    }
    if (!r->primary && !r->nindexes)
        define_notice(env, "00000", "table \"%s\" has no indexes %s", r->name,
                      beside ? "that can be reindexed concurrently" : "to reindex");
    return reindex_one(env, r->oid, 0, beside);
}

/* Tables with indexes, of one schema (0: of all). Those of the system are never built anew. */
static status indexed_tables(struct sql_env *env, oid schema, struct list **ret_tables) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        uintptr_t table = row_oid(&s.row, COL_pg_class_oid);
        if (row_char(&s.row, COL_pg_class_relkind) != 'r' || table < FIRST_USER_OID ||
            !row_bool(&s.row, COL_pg_class_relhasindex) ||
            (schema && row_oid(&s.row, COL_pg_class_relnamespace) != schema))
            continue;
        TRY_OUT(st, list_append(env->eval.arena, ret_tables, (void *)table));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status reindex_many(struct sql_env *env, const struct ast_reindex *s, bool beside) {
    struct list *tables = NULL;
    oid schema = 0;
    if (s->type == OBJECT_SCHEMA) {
        status st = catalog_schema(env, s->name, &schema);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME,
                             "schema \"%s\" does not exist", s->name);
        TRY(st);
    } else if (s->name && strcmp(s->name, env->settings->database)) {
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "can only reindex the currently open database");
    }
    if (s->type == OBJECT_SYSTEM) return beside ? refuse_catalogs(env) : OK;
    if (s->type == OBJECT_DATABASE && beside)
        define_warning(env, "0A000", "cannot reindex system catalogs concurrently, skipping all");
    TRY(indexed_tables(env, schema, &tables));
    LIST_EACH(void *, table, tables) TRY(reindex_one(env, (oid)(uintptr_t)table, 0, beside));
    return OK;
}

status define_reindex(struct sql_env *env, struct ast_reindex *s) {
    bool beside = define_reindex_is_concurrent(s);
    return s->relation ? reindex_relation(env, s, beside) : reindex_many(env, s, beside);
}

/* ---- CLUSTER --------------------------------------------------------------------------------- */

/* Rows lie in the order of their primary key and nowhere else: what is noted is the wish. */
status define_cluster(struct sql_env *env, struct ast_cluster *s) {
    const struct relation *r;
    struct catalog_row row;
    if (!s->relation) return OK;
    TRY(define_lock(env, s->relation, MODE_ACCESS_EXCLUSIVE, "r", false, &r));
    if (s->index) return define_cluster_on(env, r, s->index);
    for (uint16_t i = 0; i <= r->nindexes; i++) {
        const struct index_desc *x = i ? &r->indexes[i - 1] : r->primary;
        if (!x) continue;
        TRY(catalog_row_get_oid(env, CAT_pg_index, x->oid, env->eval.arena, &row));
        if (row_bool(&row, COL_pg_index_indisclustered)) return OK;
    }
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "there is no previously clustered index for table \"%s\"", r->name);
}
