/* load_index.c: a relation's indexes and constraints, of their catalog rows. */
#include "catalog/load.h"
#include "types/array.h"
#include "types/collator.h"

/* The texts of the expressions, one for each column 0. */
static status load_expressions(struct loading *l, const struct catalog_row *row,
                               struct index_desc *x) {
    char *text = row_is_null(row, COL_pg_index_indexprs)
                     ? NULL
                     : (char *)row_text(l->arena, row, COL_pg_index_indexprs);
    for (uint16_t k = 0; k < x->nkeys; k++) {
        if (x->columns[k]) continue;
        if (!text) return STATUS(DATA_CORRUPTED);
        x->expressions[k] = text;
        text = stored_next(text);
        x->computed = true;
    }
    return OK;
}

static status load_column_type(struct loading *l, struct index_desc *x, uint16_t k) {
    datum keys[] = {datum_oid(x->oid), datum_int2((int16_t)(k + 1))};
    struct catalog_row att;
    if (x->columns[k]) {
        x->types[k] = l->r->atts[x->columns[k] - 1].type;
        return OK;
    }
    TRY(catalog_row_get(l->env, CAT_pg_attribute, 0, keys, 2, l->env->eval.arena, &att));
    x->types[k] = row_oid(&att, COL_pg_attribute_atttypid);
    return OK;
}

/* Also where its key is not in the order of bytes: not so of the pattern classes. */
static status load_types(struct loading *l, struct index_desc *x) {
    for (uint16_t k = 0; k < x->ncolumns; k++) {
        TRY(load_column_type(l, x, k));
        if (!x->collations[k] || opclass_is_pattern(x->classes[k])) continue;
        const struct type *t = type_of_collation(x->types[k], x->collations[k]);
        if (t && t->collator) x->by_collator[k] = t;
    }
    return OK;
}

static status load_oids(struct loading *l, const struct catalog_row *row, int column, oid *ret) {
    int64_t numbers[INDEX_COLUMNS_MAX];
    size_t n;
    TRY(row_numbers(&l->env->eval, row, column, OIDVECTOROID, numbers, INDEX_COLUMNS_MAX, &n));
    for (size_t i = 0; i < n; i++) ret[i] = (oid)numbers[i];
    return OK;
}

/* When a row of a catalog was written. What the transaction itself wrote is of no use to a fixed
 * snapshot that it took before. */
static commit_time written_at(const struct loading *l, stamp by) {
    commit_time time = 0;
    if (!stamp_is_txid(by)) return by;
    if (stamp_txid(by) == l->env->txn->writer.x)
        return l->env->txn->isolation == ISO_READ_COMMITTED ? 0 : UINT64_MAX;
    (void)txn_fate(l->env->proc->shm, stamp_txid(by), &time, NULL);
    return time;
}

/* pg_class says where the tree is: a new one after REINDEX. */
static status load_class(struct loading *l, oid index, struct index_desc *x) {
    datum key = datum_oid(index);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_class, 0, &key, 1, &s));
    st = catalog_scan_next(&s);
    if (status_is(st, ST_END)) st = STATUS(NOT_FOUND);
    TRY_OUT(st, st);
    commit_time since = written_at(l, s.stamp);
    if (since > x->since) x->since = since;
    x->name = arena_strdup(l->arena, row_name(&s.row, COL_pg_class_relname));
    x->tree = (struct tree){{(uint64_t)row_int8(&s.row, COL_pg_class_axl_root)}, index};
out:
    catalog_scan_end(&s);
    return st;
}

static status load_index(struct loading *l, const struct catalog_row *row, stamp written_by,
                         struct index_desc *x) {
    int64_t keys[INDEX_COLUMNS_MAX], options[INDEX_COLUMNS_MAX];
    size_t nkeys, noptions;
    oid index = row_oid(row, COL_pg_index_indexrelid);
    bool unique = row_bool(row, COL_pg_index_indisunique);
    bool primary = row_bool(row, COL_pg_index_indisprimary);
    bool immediate = row_bool(row, COL_pg_index_indimmediate);
    bool exclusion = row_bool(row, COL_pg_index_indisexclusion);
    TRY(row_numbers(&l->env->eval, row, COL_pg_index_indkey, INT2VECTOROID, keys, INDEX_COLUMNS_MAX,
                    &nkeys));
    TRY(row_numbers(&l->env->eval, row, COL_pg_index_indoption, INT2VECTOROID, options,
                    INDEX_COLUMNS_MAX, &noptions));
    *x = (struct index_desc){
        .oid = index,
        .since = written_at(l, written_by),
        .nkeys = (uint16_t)row_int2(row, COL_pg_index_indnkeyatts),
        .ncolumns = (uint16_t)nkeys,
        .unique = unique && immediate,
        .primary = primary && immediate,
        .late = exclusion || (unique && !immediate),
        .late_primary = primary && !immediate,
        .exclusion = exclusion,
        .nulls_not_distinct = row_bool(row, COL_pg_index_indnullsnotdistinct),
        .valid = row_bool(row, COL_pg_index_indisvalid),
        .ready = row_bool(row, COL_pg_index_indisready),
        .live = row_bool(row, COL_pg_index_indislive),
        .predicate_text = row_text(l->arena, row, COL_pg_index_indpred),
    };
    TRY(load_class(l, index, x));
    if (x->nkeys > nkeys || !x->name) return STATUS(DATA_CORRUPTED);
    for (size_t k = 0; k < nkeys; k++) {
        x->columns[k] = (int16_t)keys[k];
        if (keys[k] < 0 || keys[k] > l->r->natts) return STATUS(DATA_CORRUPTED);
        x->descending[k] = k < noptions && (options[k] & 1);
        x->nulls_first[k] = k < noptions && (options[k] & 2);
    }
    x->computed = x->predicate_text != NULL;
    TRY(load_oids(l, row, COL_pg_index_indclass, x->classes));
    TRY(load_oids(l, row, COL_pg_index_indcollation, x->collations));
    TRY(load_expressions(l, row, x));
    return load_types(l, x);
}

/* Counts first: the descriptors stand in one array. */
status load_indexes(struct loading *l) {
    struct index_desc *found = NULL;
    size_t n = 0, cap = 0;
    datum key = datum_oid(l->r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_index, OID_pg_index_indrelid_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (n == cap) {
            size_t more = cap ? cap * 2 : 4;
            struct index_desc *bigger = arena_array(l->arena, more, sizeof *bigger);
            if (!bigger) {
                st = STATUS(OUT_OF_MEMORY);
                goto out;
            }
            if (n) memcpy(bigger, found, n * sizeof *found);
            found = bigger;
            cap = more;
        }
        TRY_OUT(st, load_index(l, &s.row, s.stamp, &found[n]));
        n++;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    l->r->indexes = arena_zalloc(l->arena, n * sizeof *found);
    if (!l->r->indexes) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (found[i].primary)
            l->r->primary = &found[i];
        else
            l->r->indexes[l->r->nindexes++] = found[i];
    }
    return OK;
}

static struct index_desc *index_by_oid(struct relation *r, oid index) {
    if (r->primary && r->primary->oid == index) return r->primary;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

static status key_columns(struct loading *l, const struct catalog_row *row, int column,
                          int16_t *ret_columns, uint16_t *ret_n) {
    int64_t numbers[INDEX_COLUMNS_MAX];
    size_t n;
    *ret_n = 0;
    if (row_is_null(row, column)) return OK;
    TRY(row_numbers(&l->env->eval, row, column, INT2ARRAYOID, numbers, INDEX_COLUMNS_MAX, &n));
    for (size_t i = 0; i < n; i++) ret_columns[i] = (int16_t)numbers[i];
    *ret_n = (uint16_t)n;
    return OK;
}

static status load_key(struct loading *l, const struct catalog_row *row, struct foreign_key **keys,
                       uint16_t *n) {
    struct foreign_key *grown = arena_array(l->arena, *n + 1u, sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    if (*n) memcpy(grown, *keys, *n * sizeof *grown);
    struct foreign_key *k = &grown[*n];
    *k = (struct foreign_key){.oid = row_oid(row, COL_pg_constraint_oid),
                              .name =
                                  arena_strdup(l->arena, row_name(row, COL_pg_constraint_conname)),
                              .table = row_oid(row, COL_pg_constraint_conrelid),
                              .refers = row_oid(row, COL_pg_constraint_confrelid),
                              .index = row_oid(row, COL_pg_constraint_conindid),
                              .on_update = row_char(row, COL_pg_constraint_confupdtype),
                              .on_delete = row_char(row, COL_pg_constraint_confdeltype),
                              .match = row_char(row, COL_pg_constraint_confmatchtype),
                              .deferrable = row_bool(row, COL_pg_constraint_condeferrable),
                              .deferred = row_bool(row, COL_pg_constraint_condeferred)};
    uint16_t nref;
    TRY(key_columns(l, row, COL_pg_constraint_conkey, k->columns, &k->n));
    TRY(key_columns(l, row, COL_pg_constraint_confkey, k->ref_columns, &nref));
    TRY(key_columns(l, row, COL_pg_constraint_confdelsetcols, k->set_columns, &k->nset));
    if (!k->name) return STATUS(OUT_OF_MEMORY);
    if (nref != k->n) return STATUS(DATA_CORRUPTED);
    *keys = grown;
    ++*n;
    return OK;
}

/* Who refers to this table: constraints that depend on its columns. */
status load_references(struct loading *l) {
    if (!row_bool(&l->class_row, COL_pg_class_relhastriggers)) return OK;
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(l->r->oid)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(l->env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row;
        bool known = false;
        oid id = row_oid(&s.row, COL_pg_depend_objid);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_constraint ||
            row_char(&s.row, COL_pg_depend_deptype) != 'n')
            continue;
        for (uint16_t i = 0; i < l->r->nreferences; i++) known |= l->r->references[i].oid == id;
        if (known) continue;
        TRY_OUT(st, catalog_row_get_oid(l->env, CAT_pg_constraint, id, l->env->eval.arena, &row));
        if (row_char(&row, COL_pg_constraint_contype) == 'f')
            TRY_OUT(st, load_key(l, &row, &l->r->references, &l->r->nreferences));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status load_constraints(struct loading *l) {
    struct check_desc checks[64];
    datum key = datum_oid(l->r->oid);
    struct catalog_scan s;
    status st;
    uint16_t n = 0;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_constraint,
                                   OID_pg_constraint_conrelid_contypid_conname_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        char type = row_char(&s.row, COL_pg_constraint_contype);
        struct index_desc *x = index_by_oid(l->r, row_oid(&s.row, COL_pg_constraint_conindid));
        if (x && type != 'f') {
            x->constraint = row_oid(&s.row, COL_pg_constraint_oid);
            x->deferrable = row_bool(&s.row, COL_pg_constraint_condeferrable);
            x->deferred = row_bool(&s.row, COL_pg_constraint_condeferred);
        }
        if (type == 'f') TRY_OUT(st, load_key(l, &s.row, &l->r->keys, &l->r->nkeys));
        if (type != 'c') continue;
        if (n == sizeof checks / sizeof *checks) {
            st = error_set(l->env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                           "too many check constraints on relation \"%s\"", l->r->name);
            goto out;
        }
        checks[n].name = arena_strdup(l->arena, row_name(&s.row, COL_pg_constraint_conname));
        checks[n].text = row_text(l->arena, &s.row, COL_pg_constraint_conbin);
        if (!checks[n].name || !checks[n].text) {
            st = STATUS(OUT_OF_MEMORY);
            goto out;
        }
        n++;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    l->r->nchecks = n;
    l->r->checks = arena_memdup(l->arena, checks, n * sizeof *checks);
    return l->r->checks ? OK : STATUS(OUT_OF_MEMORY);
}
