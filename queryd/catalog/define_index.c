/* define_index.c: indexes and constraints. */
#include "catalog/options.h"
#include "catalog/progress.h"
#include "table/build.h"
#include "table/late_key.h"

/* ---- planning -------------------------------------------------------------------------------- */

status define_plan_constraint(struct sql_env *env, const struct relation *r,
                              const struct ast_constraint *c, const char *column,
                              struct index_plan *plan) {
    *plan = (struct index_plan){.name = c->name,
                                .unique = true,
                                .primary = c->kind == CONSTRAINT_PRIMARY_KEY,
                                .nulls_not_distinct = c->nulls_not_distinct,
                                .constraint = true,
                                .deferrable = c->deferrable || c->initially_deferred,
                                .deferred = c->initially_deferred,
                                .options = c->options};
    if (c->kind == CONSTRAINT_EXCLUDE) return define_plan_exclusion(env, r, c, plan);
    if (c->index) return define_at(env, &c->node, define_unsupported(env, "USING INDEX"));
    if (!list_n(c->keys)) TRY(define_index_add(env, r, plan, column, true, &c->node));
    LIST_EACH(const char *, name, c->keys)
    TRY(define_index_add(env, r, plan, name, true, &c->node));
    LIST_EACH(const char *, name, c->including)
    TRY(define_index_add(env, r, plan, name, false, &c->node));
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status set_vectors(struct sql_env *env, const struct index_plan *plan,
                          struct catalog_row *row) {
    struct arena *a = env->eval.arena;
    int16_t options[INDEX_COLUMNS_MAX], numbers[INDEX_COLUMNS_MAX];
    char *collations = arena_alloc(a, plan->ncolumns * 11 + 1);
    char *classes = arena_alloc(a, plan->ncolumns * 11 + 1);
    if (!collations || !classes) return no_memory(env);
    char *c = collations, *o = classes;
    *c = *o = 0;
    for (unsigned i = 0; i < plan->ncolumns; i++) {
        const struct index_plan_column *x = &plan->columns[i];
        numbers[i] = x->number;
        options[i] = (int16_t)((x->descending ? 1 : 0) | (x->nulls_first ? 2 : 0));
        c += sprintf(c, "%s%u", i ? " " : "", i < plan->nkeys ? x->collation : 0);
        if (i < plan->nkeys) o += sprintf(o, "%s%u", i ? " " : "", x->opclass);
    }
    const char *keys = define_numbers(a, numbers, plan->ncolumns, true);
    const char *opts = define_numbers(a, options, plan->nkeys, true);
    if (!keys || !opts) return no_memory(env);
    TRY(row_set_input(&env->eval, row, COL_pg_index_indkey, INT2VECTOROID, keys));
    TRY(row_set_input(&env->eval, row, COL_pg_index_indcollation, OIDVECTOROID, collations));
    TRY(row_set_input(&env->eval, row, COL_pg_index_indclass, OIDVECTOROID, classes));
    return row_set_input(&env->eval, row, COL_pg_index_indoption, INT2VECTOROID, opts);
}

/* The texts of expressions, one after the other, and of the predicate. */
static status set_texts(struct sql_env *env, const struct index_plan *plan,
                        struct catalog_row *row) {
    const char *all = NULL;
    for (unsigned i = 0; i < plan->nkeys; i++) {
        const char *text = plan->columns[i].text;
        if (!text) continue;
        TRY(stored_append(env, &all, text));
    }
    if (all) TRY(row_set_text(env->eval.arena, row, COL_pg_index_indexprs, all));
    if (!plan->predicate) return OK;
    return row_set_text(env->eval.arena, row, COL_pg_index_indpred, plan->predicate);
}

static status insert_pg_index(struct sql_env *env, const struct relation *r,
                              const struct index_plan *plan, oid index) {
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_index);
    row_set_oid(&row, COL_pg_index_indexrelid, index);
    row_set_oid(&row, COL_pg_index_indrelid, r->oid);
    row_set_int(&row, COL_pg_index_indnatts, plan->ncolumns);
    row_set_int(&row, COL_pg_index_indnkeyatts, plan->nkeys);
    row_set_bool(&row, COL_pg_index_indisunique, plan->unique);
    row_set_bool(&row, COL_pg_index_indnullsnotdistinct, plan->nulls_not_distinct);
    row_set_bool(&row, COL_pg_index_indisprimary, plan->primary);
    row_set_bool(&row, COL_pg_index_indisexclusion, plan->exclusion != NULL);
    row_set_bool(&row, COL_pg_index_indimmediate, !plan->deferrable);
    row_set_bool(&row, COL_pg_index_indisvalid, !plan->to_be_built);
    row_set_bool(&row, COL_pg_index_indisready, true);
    row_set_bool(&row, COL_pg_index_indislive, true);
    TRY(set_vectors(env, plan, &row));
    TRY(set_texts(env, plan, &row));
    return catalog_row_insert(env, CAT_pg_index, &row);
}

status define_update_index(struct sql_env *env, oid index, const struct index_plan *plan) {
    datum key = datum_oid(index);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_index, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    TRY_OUT(st, set_vectors(env, plan, &row));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

static status foreign_columns(struct sql_env *env, const struct foreign_key *k,
                              struct catalog_row *row) {
    const char *keys = define_numbers(env->eval.arena, k->ref_columns, k->n, false);
    if (!keys) return no_memory(env);
    row_set_oid(row, COL_pg_constraint_confrelid, k->refers);
    row_set_char(row, COL_pg_constraint_confupdtype, k->on_update);
    row_set_char(row, COL_pg_constraint_confdeltype, k->on_delete);
    row_set_char(row, COL_pg_constraint_confmatchtype, k->match);
    row_set_bool(row, COL_pg_constraint_condeferrable, k->deferrable);
    row_set_bool(row, COL_pg_constraint_condeferred, k->deferred);
    TRY(row_set_input(&env->eval, row, COL_pg_constraint_confkey, INT2ARRAYOID, keys));
    if (!k->nset) return OK;
    keys = define_numbers(env->eval.arena, k->set_columns, k->nset, false);
    if (!keys) return no_memory(env);
    return row_set_input(&env->eval, row, COL_pg_constraint_confdelsetcols, INT2ARRAYOID, keys);
}

static status exclusion_operators(struct sql_env *env, const struct constraint_facts *f,
                                  struct catalog_row *row) {
    char *text = arena_alloc(env->eval.arena, f->ncolumns * 11 + 3);
    if (!text) return no_memory(env);
    char *c = text;
    for (size_t i = 0; i < f->ncolumns; i++)
        c += sprintf(c, "%c%u", i ? ',' : '{', f->exclusion[i]);
    strcpy(c, "}");
    return row_set_input(&env->eval, row, COL_pg_constraint_conexclop, OIDARRAYOID, text);
}

status define_insert_constraint(struct sql_env *env, const struct relation *r,
                                const struct constraint_facts *f, oid *ret_constraint) {
    struct catalog_row row;
    oid id;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_constraint);
    row_set_oid(&row, COL_pg_constraint_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_constraint_conname, f->name));
    row_set_oid(&row, COL_pg_constraint_connamespace, r->schema);
    row_set_char(&row, COL_pg_constraint_contype, f->type);
    row_set_bool(&row, COL_pg_constraint_convalidated, f->validated);
    row_set_oid(&row, COL_pg_constraint_conrelid, r->oid);
    row_set_oid(&row, COL_pg_constraint_conindid, f->index);
    row_set_char(&row, COL_pg_constraint_confupdtype, ' ');
    row_set_char(&row, COL_pg_constraint_confdeltype, ' ');
    row_set_char(&row, COL_pg_constraint_confmatchtype, ' ');
    row_set_bool(&row, COL_pg_constraint_conislocal, true);
    row_set_bool(&row, COL_pg_constraint_connoinherit, f->index || f->no_inherit);
    if (f->deferrable) row_set_bool(&row, COL_pg_constraint_condeferrable, true);
    if (f->deferred) row_set_bool(&row, COL_pg_constraint_condeferred, true);
    if (f->exclusion) TRY(exclusion_operators(env, f, &row));
    if (f->foreign) TRY(foreign_columns(env, f->foreign, &row));
    if (f->ncolumns) {
        const char *keys = define_numbers(env->eval.arena, f->columns, f->ncolumns, false);
        if (!keys) return no_memory(env);
        TRY(row_set_input(&env->eval, &row, COL_pg_constraint_conkey, INT2ARRAYOID, keys));
    }
    if (f->text) TRY(row_set_text(env->eval.arena, &row, COL_pg_constraint_conbin, f->text));
    TRY(catalog_row_insert(env, CAT_pg_constraint, &row));
    struct object_address self = {OID_pg_constraint, id, 0};
    for (size_t i = 0; i < f->ncolumns; i++)
        TRY(define_depend(env, self, (struct object_address){OID_pg_class, r->oid, f->columns[i]},
                          'a'));
    if (!f->ncolumns)
        TRY(define_depend(env, self, (struct object_address){OID_pg_class, r->oid, 0}, 'a'));
    *ret_constraint = id;
    return OK;
}

/* The columns that an expression of the index names. */
static status expression_dependencies(struct sql_env *env, const struct relation *r, struct node *n,
                                      struct object_address self, bool *any) {
    int16_t columns[64];
    size_t count = 0;
    if (!n) return OK;
    TRY(define_check_columns(env, r, n, columns, 64, &count));
    for (size_t i = 0; i < count; i++)
        TRY(define_depend(env, self, (struct object_address){OID_pg_class, r->oid, columns[i]},
                          'a'));
    *any |= count > 0;
    return OK;
}

static status index_dependencies(struct sql_env *env, const struct relation *r,
                                 const struct index_plan *plan, oid index, oid constraint) {
    struct object_address self = {OID_pg_class, index, 0};
    bool any = false;
    if (constraint)
        return define_depend(env, self, (struct object_address){OID_pg_constraint, constraint, 0},
                             'i');
    for (unsigned i = 0; i < plan->ncolumns; i++) {
        const struct index_plan_column *c = &plan->columns[i];
        TRY(expression_dependencies(env, r, c->written, self, &any));
        if (c->text) TRY(define_depend_text(env, self, r, c->text));
        if (!c->number) continue;
        any = true;
        TRY(define_depend(env, self, (struct object_address){OID_pg_class, r->oid, c->number},
                          'a'));
    }
    TRY(expression_dependencies(env, r, plan->where, self, &any));
    if (plan->predicate) TRY(define_depend_text(env, self, r, plan->predicate));
    if (any) return OK;
    return define_depend(env, self, (struct object_address){OID_pg_class, r->oid, 0}, 'a');
}

/* pg_attribute's rows of an index describe its columns. */
static status insert_index_columns(struct sql_env *env, const struct index_plan *plan, oid index) {
    for (unsigned i = 0; i < plan->ncolumns; i++) {
        const struct index_plan_column *c = &plan->columns[i];
        struct attribute att = {.name = c->name,
                                .number = (int16_t)(i + 1),
                                .type = c->type,
                                .typmod = c->typmod,
                                .collation = c->collation};
        TRY(define_insert_attribute(env, index, &att, NULL));
    }
    return OK;
}

static status insert_key_constraint(struct sql_env *env, const struct relation *r,
                                    const struct index_plan *plan, oid index, oid *ret_constraint) {
    int16_t columns[INDEX_COLUMNS_MAX];
    for (unsigned i = 0; i < plan->nkeys; i++) columns[i] = plan->columns[i].number;
    struct constraint_facts f = {.name = plan->name,
                                 .type = plan->exclusion ? 'x'
                                         : plan->primary ? 'p'
                                                         : 'u',
                                 .index = index,
                                 .deferrable = plan->deferrable,
                                 .deferred = plan->deferred,
                                 .exclusion = plan->exclusion,
                                 .columns = columns,
                                 .ncolumns = plan->nkeys,
                                 .validated = true};
    return define_insert_constraint(env, r, &f, ret_constraint);
}

status define_index_rows(struct sql_env *env, const struct relation *r, struct index_plan *plan,
                         page_id primary_root, oid *ret_index) {
    TRY(define_index_names(env, r, plan));
    struct relation x = {.name = plan->name,
                         .schema = r->schema,
                         .persistence = r->persistence,
                         .owner = r->owner,
                         .natts = plan->ncolumns};
    struct tree tree = {.root = primary_root};
    TRY(new_oid(env, &x.oid));
    if (!plan->primary || plan->deferrable) TRY(define_new_tree(env, x.oid, &tree));
    TRY(define_insert_class(env, &x, 'i', BTREE_AM_OID, false, tree.root));
    TRY(insert_index_columns(env, plan, x.oid));
    TRY(insert_pg_index(env, r, plan, x.oid));
    TRY(define_first_options(env, x.oid, 'i', plan->options));
    oid constraint = 0;
    if (plan->constraint) TRY(insert_key_constraint(env, r, plan, x.oid, &constraint));
    TRY(index_dependencies(env, r, plan, x.oid, constraint));
    catalog_changed(env);
    *ret_index = x.oid;
    return OK;
}

static status set_has_index(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_class_relhasindex, true);
    return OK;
}

static status set_not_null(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_attribute_attnotnull, true);
    return OK;
}

/* Columns of a primary key become not null; those that are already are left alone. */
static status key_not_null(struct sql_env *env, const struct relation *r,
                           const struct index_plan *plan) {
    for (unsigned i = 0; i < plan->nkeys; i++)
        if (!r->atts[plan->columns[i].number - 1].not_null)
            TRY(define_update_attribute(env, r->oid, plan->columns[i].number, set_not_null, NULL));
    return OK;
}

/* New trees for the table and all its indexes, in their catalog rows and in a relation that
 * describes them (which nobody else sees yet). */
status define_new_trees(struct sql_env *env, const struct relation *r, struct relation *ret_new) {
    *ret_new = *r;
    TRY(define_new_tree(env, r->oid, &ret_new->tree));
    int64_t root = (int64_t)ret_new->tree.root.no;
    TRY(define_update_class(env, r->oid, define_set_root, &root));
    if (r->primary) {
        ret_new->primary = arena_memdup(env->eval.arena, r->primary, sizeof *r->primary);
        if (!ret_new->primary) return no_memory(env);
        ret_new->primary->tree.root = ret_new->tree.root;
        TRY(define_update_class(env, r->primary->oid, define_set_root, &root));
    }
    ret_new->indexes = arena_memdup(env->eval.arena, r->indexes, r->nindexes * sizeof *r->indexes);
    if (!ret_new->indexes) return no_memory(env);
    for (unsigned i = 0; i < r->nindexes; i++) {
        struct index_desc *x = &ret_new->indexes[i];
        TRY(define_new_tree(env, x->oid, &x->tree));
        root = (int64_t)x->tree.root.no;
        TRY(define_update_class(env, x->oid, define_set_root, &root));
    }
    return OK;
}

status define_drop_trees(struct sql_env *env, const struct relation *r) {
    TRY(table_drop_tree(env, r->tree));
    for (unsigned i = 0; i < r->nindexes; i++) TRY(table_drop_tree(env, r->indexes[i].tree));
    return OK;
}

static status say_null(struct sql_env *env, const struct relation *r, const char *column) {
    struct error *e = env->eval.error;
    status st = error_set(e, ST_NOT_NULL_VIOLATION,
                          "column \"%s\" of relation \"%s\" contains null values", column, r->name);
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
    snprintf(e->column, sizeof e->column, "%s", column);
    return st;
}

/* A key column that holds a null: 23502 column "a" of relation "t" contains null values. */
status define_check_no_nulls(struct sql_env *env, const struct relation *r, const int16_t *columns,
                             size_t n) {
    struct sql_env now;
    TRY(define_env_now(env, &now));
    struct table_scan scan;
    struct arena scratch;
    arena_init(&scratch, 0);
    datum *values = arena_array(&scratch, r->natts, sizeof *values);
    uint8_t *nulls = arena_array(&scratch, r->natts, 1);
    bool *needed = arena_zalloc(&scratch, r->natts + 1u); /* no value is */
    status st = values && nulls && needed ? OK : no_memory(env);
    if (ok(st))
        st = table_scan_begin(&now, &scan, &scratch, r, NULL, (struct table_bound){0},
                              (struct table_bound){0}, false);
    if (!ok(st)) goto out;
    struct tree_entry e;
    struct arena_mark mark = arena_mark(&scratch);
    while (ok(st = table_scan_next(&scan, &e))) {
        st = table_deform(env, r, &e, r->natts, needed, values, nulls, &scratch);
        for (size_t i = 0; ok(st) && i < n; i++)
            if (nulls[columns[i] - 1]) st = say_null(env, r, r->atts[columns[i] - 1].name);
        if (!ok(st)) break;
        arena_rewind(&scratch, mark);
    }
    table_scan_end(&scan);
    if (status_is(st, ST_END)) st = OK;
out:
    arena_free(&scratch);
    return st;
}

/* The only one, of columns that hold no null. */
static status one_primary(struct sql_env *env, const struct relation *r,
                          const struct index_plan *plan) {
    bool late = false;
    for (uint16_t i = 0; i < r->nindexes; i++) late |= r->indexes[i].late_primary;
    if (r->primary || late)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "multiple primary keys for table \"%s\" are not allowed", r->name);
    int16_t columns[INDEX_COLUMNS_MAX];
    for (unsigned i = 0; i < plan->nkeys; i++) columns[i] = plan->columns[i].number;
    return define_check_no_nulls(env, r, columns, plan->nkeys);
}

/* A deferrable primary key is an index beside the rows, whose key is a hidden row id. */
static status late_primary(struct sql_env *env, const struct relation *r,
                           const struct index_plan *plan) {
    TRY(one_primary(env, r, plan));
    return key_not_null(env, r, plan);
}

/* Entries just written are seen by a later snapshot of the transaction. */
static status late_rows(struct sql_env *env, const struct relation *r, const struct index_desc *x) {
    struct sql_env now;
    TRY(define_env_now(env, &now));
    return table_late_check(&now, r, x);
}

/* The table is written anew, clustered by its key, with all its secondary indexes. */
static status add_primary(struct sql_env *env, const struct relation *r, struct index_plan *plan) {
    TRY(one_primary(env, r, plan));
    struct relation target;
    oid index;
    TRY(define_new_trees(env, r, &target));
    TRY(key_not_null(env, r, plan));
    TRY(define_index_rows(env, r, plan, target.tree.root, &index));
    TRY(define_update_class(env, r->oid, set_has_index, NULL));
    catalog_changed(env);
    const struct relation *fresh;
    struct sql_env now;
    TRY(catalog_relation(env, r->oid, &fresh));
    TRY(define_env_now(env, &now));
    TRY(table_rewrite(&now, r, fresh));
    return define_drop_trees(env, r);
}

static status make_on_table(struct sql_env *env, const struct relation *r,
                            struct index_plan *plan) {
    if (plan->primary && !plan->deferrable) return add_primary(env, r, plan);
    if (plan->primary) TRY(late_primary(env, r, plan));
    oid index;
    TRY(define_index_rows(env, r, plan, PAGE_NONE, &index));
    progress_set(env, PROGRESS_INDEX_OID, index);
    TRY(define_update_class(env, r->oid, set_has_index, NULL));
    catalog_changed(env);
    const struct relation *fresh;
    struct sql_env now;
    TRY(catalog_relation(env, r->oid, &fresh));
    TRY(define_env_now(env, &now));
    for (unsigned i = 0; i < fresh->nindexes; i++)
        if (fresh->indexes[i].oid == index) {
            TRY(table_build_index(&now, fresh, &fresh->indexes[i]));
            return fresh->indexes[i].late ? late_rows(env, fresh, &fresh->indexes[i]) : OK;
        }
    return error_set(env->eval.error, ST_INTERNAL_ERROR, "cache lookup failed for index %u", index);
}

status define_index_on_table(struct sql_env *env, const struct relation *r,
                             struct index_plan *plan) {
    progress_begin_index(env, PROGRESS_CREATE, r->oid, 0);
    status st = make_on_table(env, r, plan);
    progress_end(env);
    return st;
}

/* ---- CREATE INDEX ---------------------------------------------------------------------------- */

status define_index_method(struct sql_env *env, const char *method) {
    if (!method || !strcmp(method, "btree")) return OK;
    if (strcmp(method, "hash") && strcmp(method, "gin") && strcmp(method, "gist") &&
        strcmp(method, "brin") && strcmp(method, "spgist"))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "access method \"%s\" does not exist", method);
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "access method \"%s\" is not supported yet", method);
}

status define_create_index(struct sql_env *env, struct ast_create_index *s) {
    const struct relation *r;
    TRY(define_index_method(env, s->access_method));
    enum relation_mode mode = s->concurrently ? MODE_SHARE_UPDATE_EXCLUSIVE : MODE_SHARE;
    TRY(define_lock(env, s->relation, mode, "r", false, &r));
    if (s->name && s->if_not_exists) {
        oid taken;
        TRY(relation_oid(env, r->schema, s->name, &taken));
        if (taken) {
            define_notice(env, "42P07", "relation \"%s\" already exists, skipping", s->name);
            return OK;
        }
    }
    struct index_plan plan = {.name = s->name,
                              .unique = s->unique,
                              .nulls_not_distinct = s->nulls_not_distinct,
                              .options = s->options};
    TRY(define_index_elements(env, r, s, &plan));
    /* A temporary table has no other writers. */
    if (s->concurrently && r->persistence != 't') return define_index_beside_writers(env, r, &plan);
    return define_index_on_table(env, r, &plan);
}
