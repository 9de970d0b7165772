/* define_reindex_concurrent.c: REINDEX CONCURRENTLY: another index of the same definition is built
 * beside readers and writers, takes the old one's place, and the old one goes. What fails in the
 * middle leaves the index that was, and one that is not valid, called …_ccnew or …_ccold. */
#include "catalog/define_internal.h"

/* ---- another index alike --------------------------------------------------------------------- */

static status copy_class(struct sql_env *env, const struct relation *r, oid of, oid fresh) {
    struct catalog_row row;
    struct tree tree;
    const char *name;
    TRY(catalog_row_get_oid(env, CAT_pg_class, of, env->eval.arena, &row));
    TRY(define_choose_name(env, row_name(&row, COL_pg_class_relname), NULL, "ccnew", r->schema,
                           true, 0, &name));
    TRY(define_new_tree(env, fresh, &tree));
    row_set_oid(&row, COL_pg_class_oid, fresh);
    row_set_oid(&row, COL_pg_class_relfilenode, fresh);
    row_set_int(&row, COL_pg_class_axl_root, (int64_t)tree.root.no);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_class_relname, name));
    return catalog_row_insert(env, CAT_pg_class, &row);
}

static status copy_attributes(struct sql_env *env, oid of, oid fresh) {
    datum key = datum_oid(of);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_attribute, 0, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row = s.row;
        row_set_oid(&row, COL_pg_attribute_attrelid, fresh);
        TRY_OUT(st, catalog_row_insert(env, CAT_pg_attribute, &row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* Nobody reads it yet, and nothing but the definition is its own. */
static status copy_index(struct sql_env *env, oid of, oid fresh) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_index, of, env->eval.arena, &row));
    row_set_oid(&row, COL_pg_index_indexrelid, fresh);
    row_set_bool(&row, COL_pg_index_indisvalid, false);
    row_set_bool(&row, COL_pg_index_indisready, true);
    row_set_bool(&row, COL_pg_index_indislive, true);
    row_set_bool(&row, COL_pg_index_indisclustered, false);
    row_set_bool(&row, COL_pg_index_indisreplident, false);
    return catalog_row_insert(env, CAT_pg_index, &row);
}

status define_index_copy(struct sql_env *env, const struct relation *r, oid of, oid *ret_index) {
    TRY(new_oid(env, ret_index));
    TRY(copy_class(env, r, of, *ret_index));
    TRY(copy_attributes(env, of, *ret_index));
    TRY(copy_index(env, of, *ret_index));
    TRY(define_depend(env, (struct object_address){OID_pg_class, *ret_index, 0},
                      (struct object_address){OID_pg_class, r->oid, 0}, 'a'));
    catalog_changed(env);
    return OK;
}

/* ---- taking the place ------------------------------------------------------------------------ */

/* Rows that say `from` in a column, found by an index whose first columns equal the keys. */
static status renumber(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                       unsigned nkeys, int column, oid from, oid to) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, keys, nkeys, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row = s.row;
        if (row_oid(&row, column) != from) continue;
        row_set_oid(&row, column, to);
        TRY_OUT(st, catalog_row_update(&s, &row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* What depends on the old index, what it depends on, and what is said of it. */
static status move_references(struct sql_env *env, oid from, oid to) {
    datum of[] = {datum_oid(OID_pg_class), datum_oid(from)};
    datum described[] = {datum_oid(from), datum_oid(OID_pg_class)};
    datum statistics = datum_oid(from);
    TRY(define_forget(env, OID_pg_class, to));
    TRY(renumber(env, CAT_pg_depend, OID_pg_depend_depender_index, of, 2, COL_pg_depend_objid, from,
                 to));
    TRY(renumber(env, CAT_pg_depend, OID_pg_depend_reference_index, of, 2, COL_pg_depend_refobjid,
                 from, to));
    TRY(renumber(env, CAT_pg_description, 0, described, 2, COL_pg_description_objoid, from, to));
    TRY(renumber(env, CAT_pg_statistic, 0, &statistics, 1, COL_pg_statistic_starelid, from, to));
    return renumber(env, CAT_pg_constraint, 0, NULL, 0, COL_pg_constraint_conindid, from, to);
}

static status set_name(struct sql_env *env, struct catalog_row *row, void *name) {
    return row_set_name(env->eval.arena, row, COL_pg_class_relname, name);
}

static status exchange_names(struct sql_env *env, const struct relation *r, oid from, oid to) {
    struct catalog_row row;
    const char *gone;
    TRY(catalog_row_get_oid(env, CAT_pg_class, from, env->eval.arena, &row));
    const char *name = arena_strdup(env->eval.arena, row_name(&row, COL_pg_class_relname));
    if (!name) return no_memory(env);
    TRY(define_choose_name(env, name, NULL, "ccold", r->schema, true, 0, &gone));
    TRY(define_update_class(env, from, set_name, (void *)gone));
    return define_update_class(env, to, set_name, (void *)name);
}

static status exchange_flags(struct sql_env *env, oid from, oid to) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_index, from, env->eval.arena, &row));
    const struct index_flag old[] = {{COL_pg_index_indisvalid, false},
                                     {COL_pg_index_indisclustered, false},
                                     {COL_pg_index_indisreplident, false}};
    const struct index_flag new[] = {
        {COL_pg_index_indisvalid, true},
        {COL_pg_index_indisclustered, row_bool(&row, COL_pg_index_indisclustered)},
        {COL_pg_index_indisreplident, row_bool(&row, COL_pg_index_indisreplident)}};
    TRY(define_index_flags(env, from, old, 3));
    return define_index_flags(env, to, new, 3);
}

status define_index_replace(struct sql_env *env, const struct relation *r, oid from, oid to) {
    TRY(exchange_names(env, r, from, to));
    TRY(exchange_flags(env, from, to));
    TRY(move_references(env, from, to));
    catalog_changed(env);
    return OK;
}

/* ---- one table's ----------------------------------------------------------------------------- */

static void skip(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                 const char *what) {
    define_warning(env, "0A000", "cannot reindex %s index \"%s.%s\" concurrently, skipping", what,
                   r->schema_name, x->name);
}

/* Of all of a table's, those that are not valid stay as they are. */
static bool is_skipped(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                       bool of_table) {
    const char *what = x->exclusion            ? "exclusion constraint"
                       : x->late               ? "deferrable constraint"
                       : !x->valid && of_table ? "invalid"
                                               : NULL;
    if (what) skip(env, r, x, what);
    return what != NULL;
}

status define_reindex_beside_users(struct sql_env *env, oid table, oid index) {
    const struct relation *r;
    TRY(catalog_relation(env, table, &r));
    unsigned n = r->nindexes;
    oid *oids = arena_array(env->eval.arena, n + 1u, sizeof *oids);
    if (!oids) return no_memory(env);
    for (unsigned i = 0; i < n; i++) oids[i] = r->indexes[i].oid;
    for (unsigned i = 0; i < n; i++) {
        if (index && oids[i] != index) continue;
        TRY(catalog_relation(env, table, &r));
        for (unsigned k = 0; k < r->nindexes; k++)
            if (r->indexes[k].oid == oids[i] && !is_skipped(env, r, &r->indexes[k], !index))
                TRY(define_index_exchange(env, r, oids[i]));
    }
    return OK;
}
