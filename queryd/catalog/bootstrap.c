/* bootstrap.c: the catalogs of a new appliance.
 *
 * In one transaction: a tree for every catalog and every index of one, then the rows with which the
 * catalogs describe themselves, the built-in types, functions, operators and casts, and the fixed
 * rows of catalog_rows.def. */
#include "catalog/bootstrap.h"
#include "catalog/facts.h"

status boot_insert(struct boot *b, enum catalog_number n, const struct catalog_row *r) {
    status st = catalog_row_insert(b->env, n, r);
    arena_reset(&b->row);
    return st;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void share_trees(struct relation *r, const struct relation *of) {
    r->tree.root = of->tree.root;
    if (r->primary) r->primary->tree.root = of->tree.root;
    for (unsigned i = 0; i < r->nindexes; i++) r->indexes[i].tree = of->indexes[i].tree;
}

static status create_trees(struct boot *b) {
    struct proc *p = b->env->proc;
    struct tree_writer *w = &b->env->txn->writer;
    TRY(txn_need_id(p, b->env->txn));
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        struct relation *r = &b->catalogs[n];
        if (b->shared && catalog_infos[n].shared) {
            share_trees(r, &b->shared[n]);
            continue;
        }
        TRY(tree_create(p, w, r->oid, &r->tree));
        if (!b->shared && n == CAT_pg_class && !page_id_eq(r->tree.root, CATALOG_ROOT))
            return error_set(b->env->eval.error, ST_DATA_CORRUPTED,
                             "the first tree of the data file is at page %llu",
                             (unsigned long long)r->tree.root.no);
        if (r->primary) r->primary->tree.root = r->tree.root;
        for (unsigned i = 0; i < r->nindexes; i++)
            TRY(tree_create(p, w, r->indexes[i].oid, &r->indexes[i].tree));
    }
    return OK;
}

/* ---- relations ------------------------------------------------------------------------------- */

struct class_facts {
    oid oid, schema, row_type, am;
    const char *name;
    char kind;
    uint16_t natts;
    bool has_index, shared, has_rules;
    page_id root;
};

status boot_add_privileges(struct boot *b, oid class_oid, oid object, const char *list) {
    struct catalog_row r;
    catalog_row_init(&r, CAT_pg_init_privs);
    row_set_oid(&r, COL_pg_init_privs_objoid, object);
    row_set_oid(&r, COL_pg_init_privs_classoid, class_oid);
    row_set_char(&r, COL_pg_init_privs_privtype, 'i');
    TRY(row_set_input(&b->eval, &r, COL_pg_init_privs_initprivs, ACLITEMARRAYOID, list));
    return boot_insert(b, CAT_pg_init_privs, &r);
}

/* Roles stand by their numbers: nobody knows names yet. */
static const char *relation_privileges(const char *name) {
    static const char *const secret[] = {"pg_authid",       "pg_shadow",
                                         "pg_statistic",    "pg_statistic_ext_data",
                                         "pg_subscription", "pg_user_mapping"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (!strcmp(secret[i], name)) return "{10=arwdDxt/10}";
    return strcmp(name, "pg_settings") ? "{10=arwdDxt/10,=r/10}" : "{10=arwdDxt/10,=rw/10}";
}

static status add_class(struct boot *b, const struct class_facts *f) {
    struct catalog_row r;
    const char *privileges = f->kind == 'i' ? NULL : relation_privileges(f->name);
    if (privileges) TRY(boot_add_privileges(b, OID_pg_class, f->oid, privileges));
    catalog_row_init(&r, CAT_pg_class);
    row_set_oid(&r, COL_pg_class_oid, f->oid);
    TRY(row_set_name(&b->row, &r, COL_pg_class_relname, f->name));
    row_set_oid(&r, COL_pg_class_relnamespace, f->schema);
    row_set_oid(&r, COL_pg_class_reltype, f->row_type);
    row_set_oid(&r, COL_pg_class_relowner, ROLE_POSTGRES);
    row_set_oid(&r, COL_pg_class_relam, f->am);
    row_set_oid(&r, COL_pg_class_relfilenode, f->root.no ? f->oid : 0);
    if (f->shared) row_set_oid(&r, COL_pg_class_reltablespace, 1664);
    row_set_float4(&r, COL_pg_class_reltuples, -1);
    row_set_bool(&r, COL_pg_class_relhasindex, f->has_index);
    row_set_bool(&r, COL_pg_class_relisshared, f->shared);
    row_set_char(&r, COL_pg_class_relpersistence, 'p');
    row_set_char(&r, COL_pg_class_relkind, f->kind);
    row_set_int(&r, COL_pg_class_relnatts, f->natts);
    row_set_bool(&r, COL_pg_class_relhasrules, f->has_rules);
    row_set_bool(&r, COL_pg_class_relispopulated, true);
    row_set_char(&r, COL_pg_class_relreplident, 'n');
    if (f->root.no) row_set_int(&r, COL_pg_class_axl_root, (int64_t)f->root.no);
    if (privileges)
        TRY(row_set_input(&b->eval, &r, COL_pg_class_relacl, ACLITEMARRAYOID, privileges));
    return boot_insert(b, CAT_pg_class, &r);
}

/* hidden: shown as dropped, so that nobody who looks through columns meets it. */
static status add_attribute(struct boot *b, oid relation, int16_t number,
                            struct catalog_column column, bool hidden) {
    const struct type *t = type_find(column.type);
    struct catalog_row r;
    catalog_row_init(&r, CAT_pg_attribute);
    row_set_oid(&r, COL_pg_attribute_attrelid, relation);
    TRY(row_set_name(&b->row, &r, COL_pg_attribute_attname, column.name));
    row_set_oid(&r, COL_pg_attribute_atttypid, column.type);
    row_set_int(&r, COL_pg_attribute_attstattarget, -1);
    row_set_int(&r, COL_pg_attribute_attlen, t->len);
    row_set_int(&r, COL_pg_attribute_attnum, number);
    row_set_int(&r, COL_pg_attribute_attcacheoff, -1);
    row_set_int(&r, COL_pg_attribute_atttypmod, -1);
    row_set_bool(&r, COL_pg_attribute_attbyval, t->byval);
    row_set_char(&r, COL_pg_attribute_attalign, t->align);
    row_set_char(&r, COL_pg_attribute_attstorage, t->storage);
    row_set_bool(&r, COL_pg_attribute_attnotnull, column.not_null);
    row_set_bool(&r, COL_pg_attribute_attisdropped, hidden);
    row_set_bool(&r, COL_pg_attribute_attislocal, true);
    row_set_oid(&r, COL_pg_attribute_attcollation, t->collation ? C_COLLATION_OID : 0);
    return boot_insert(b, CAT_pg_attribute, &r);
}

static status add_row_type(struct boot *b, oid type, oid array, oid relation, oid schema,
                           const char *name) {
    struct catalog_row r;
    char array_name[NAME_BYTES];
    snprintf(array_name, sizeof array_name, "_%.62s", name);
    for (int is_array = 0; is_array < 2; is_array++) {
        if (is_array && !array) break;
        TRY(row_type_row(&b->row, &r, is_array ? array : type, schema, is_array ? array_name : name,
                         is_array ? type : 0, is_array ? 0 : array, is_array ? 0 : relation,
                         ROLE_POSTGRES));
        TRY(boot_insert(b, CAT_pg_type, &r));
    }
    return OK;
}

static status add_catalog(struct boot *b, unsigned n) {
    const struct relation *r = &b->catalogs[n];
    const struct catalog_info *info = &catalog_infos[n];
    struct class_facts f = {.oid = r->oid,
                            .schema = SCHEMA_PG_CATALOG,
                            .row_type = r->row_type,
                            .am = HEAP_AM_OID,
                            .name = r->name,
                            .kind = 'r',
                            .natts = r->natts,
                            .has_index = r->primary || r->nindexes,
                            .shared = info->shared,
                            .root = r->tree.root};
    TRY(add_class(b, &f));
    TRY(add_row_type(b, info->row_type, info->array_type, info->oid, SCHEMA_PG_CATALOG,
                     info->name));
    for (uint16_t i = 0; i < info->ncolumns; i++)
        TRY(add_attribute(b, r->oid, (int16_t)(i + 1), info->columns[i],
                          i >= info->ncolumns - catalog_own_columns(info)));
    return OK;
}

/* Vectors of the index's columns: their numbers, classes, collations. */
static status set_index_vectors(struct boot *b, struct catalog_row *r, const struct relation *t,
                                const struct index_desc *x) {
    struct {
        int column;
        oid type;
    } vectors[] = {{COL_pg_index_indkey, INT2VECTOROID},
                   {COL_pg_index_indcollation, OIDVECTOROID},
                   {COL_pg_index_indclass, OIDVECTOROID},
                   {COL_pg_index_indoption, INT2VECTOROID}};
    for (unsigned v = 0; v < 4; v++) {
        char text[CATALOG_KEYS_MAX * 12] = "";
        size_t len = 0;
        for (unsigned k = 0; k < x->ncolumns; k++) {
            const struct attribute *att = &t->atts[x->columns[k] - 1];
            unsigned value = v == 0   ? (unsigned)x->columns[k]
                             : v == 1 ? att->collation
                             : v == 2 ? default_opclass(att->type)
                                      : 0;
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", k ? " " : "", value);
        }
        TRY(row_set_input(&b->eval, r, vectors[v].column, vectors[v].type, text));
    }
    return OK;
}

static status add_index(struct boot *b, const struct relation *t, const struct index_desc *x) {
    struct class_facts f = {.oid = x->oid,
                            .schema = SCHEMA_PG_CATALOG,
                            .am = BTREE_AM_OID,
                            .name = x->name,
                            .kind = 'i',
                            .natts = x->ncolumns,
                            .root = x->tree.root};
    TRY(add_class(b, &f));
    for (unsigned k = 0; k < x->ncolumns; k++) {
        const struct attribute *att = &t->atts[x->columns[k] - 1];
        TRY(add_attribute(b, x->oid, (int16_t)(k + 1),
                          (struct catalog_column){att->name, att->type, false}, false));
    }
    struct catalog_row r;
    catalog_row_init(&r, CAT_pg_index);
    row_set_oid(&r, COL_pg_index_indexrelid, x->oid);
    row_set_oid(&r, COL_pg_index_indrelid, t->oid);
    row_set_int(&r, COL_pg_index_indnatts, x->ncolumns);
    row_set_int(&r, COL_pg_index_indnkeyatts, x->nkeys);
    row_set_bool(&r, COL_pg_index_indisunique, x->unique);
    row_set_bool(&r, COL_pg_index_indisprimary, x->primary);
    row_set_bool(&r, COL_pg_index_indimmediate, true);
    row_set_bool(&r, COL_pg_index_indisvalid, true);
    row_set_bool(&r, COL_pg_index_indisready, true);
    row_set_bool(&r, COL_pg_index_indislive, true);
    TRY(set_index_vectors(b, &r, t, x));
    return boot_insert(b, CAT_pg_index, &r);
}

static status add_catalogs(struct boot *b) {
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        const struct relation *r = &b->catalogs[n];
        TRY(add_catalog(b, n));
        if (r->primary) TRY(add_index(b, r, r->primary));
        for (unsigned i = 0; i < r->nindexes; i++) TRY(add_index(b, r, &r->indexes[i]));
    }
    return OK;
}

/* ---- views ----------------------------------------------------------------------------------- */

static status add_view(struct boot *b, oid view, oid schema, const char *name, uint16_t natts,
                       const char *text) {
    struct class_facts f = {.oid = view,
                            .schema = schema,
                            .name = name,
                            .kind = 'v',
                            .natts = natts,
                            .has_rules = true};
    TRY(add_class(b, &f));
    struct catalog_row r;
    catalog_row_init(&r, CAT_pg_rewrite);
    row_set_oid(&r, COL_pg_rewrite_oid, view); /* one rule a view: its oid serves */
    TRY(row_set_name(&b->row, &r, COL_pg_rewrite_rulename, "_RETURN"));
    row_set_oid(&r, COL_pg_rewrite_ev_class, view);
    row_set_char(&r, COL_pg_rewrite_ev_type, '1');
    row_set_char(&r, COL_pg_rewrite_ev_enabled, 'O');
    row_set_bool(&r, COL_pg_rewrite_is_instead, true);
    TRY(row_set_text(&b->row, &r, COL_pg_rewrite_ev_qual, "<>"));
    TRY(row_set_text(&b->row, &r, COL_pg_rewrite_ev_action, text));
    return boot_insert(b, CAT_pg_rewrite, &r);
}

static status add_views(struct boot *b) {
    static const struct {
        oid view;
        const char *name;
        oid type;
    } columns[] = {
#define VIEW_COLUMN(view, name, type) {view, name, type},
#include "catalog/views.def"
#define VIEW_COLUMN(view, name, type) {view, name, type},
#include "catalog/views_system.def"
#define VIEW_COLUMN(view, name, type) {view, name, type},
#include "catalog/views_information.def"
    };
    static const struct {
        oid oid, schema;
        const char *name, *text;
    } views[] = {
#define VIEW(oid, schema, name, text) {oid, schema, name, text},
#include "catalog/views.def"
#define VIEW(oid, schema, name, text) {oid, schema, name, text},
#include "catalog/views_system.def"
#define VIEW(oid, schema, name, text) {oid, schema, name, text},
#include "catalog/views_information.def"
    };
    for (size_t v = 0; v < sizeof views / sizeof *views; v++) {
        int16_t natts = 0;
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            if (columns[i].view == views[v].oid)
                TRY(add_attribute(b, views[v].oid, ++natts,
                                  (struct catalog_column){columns[i].name, columns[i].type, false},
                                  false));
        TRY(add_view(b, views[v].oid, views[v].schema, views[v].name, (uint16_t)natts,
                     views[v].text));
    }
    return OK;
}

/* ---- fixed rows ------------------------------------------------------------------------------ */

static status add_text_row(struct boot *b, enum catalog_number n, const char *text) {
    const struct catalog_info *info = &catalog_infos[n];
    struct catalog_row r;
    catalog_row_init(&r, n);
    const char *at = text;
    for (unsigned i = 0; i < info->ncolumns && at; i++) {
        const char *end = strchrnul(at, '\t');
        size_t len = (size_t)(end - at);
        if (len == 2 && !memcmp(at, "\\N", 2)) {
            r.nulls[i] = 1;
        } else {
            datum value;
            TRY(type_input(&b->eval, type_find(info->columns[i].type), -1, at, len, &value));
            row_set(&r, (int)i + 1, value);
        }
        at = *end ? end + 1 : NULL;
    }
    return boot_insert(b, n, &r);
}

static status add_fixed_rows(struct boot *b) {
    static const struct {
        enum catalog_number catalog;
        const char *text;
    } rows[] = {
#define ROW(catalog, text) {CAT_##catalog, text},
#include "catalog/catalog_rows.def"
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (b->shared && catalog_infos[rows[i].catalog].shared) continue;
        TRY(add_text_row(b, rows[i].catalog, rows[i].text));
    }
    return OK;
}

status catalog_create_trees(struct sql_env *env, struct relation *catalogs,
                            const struct relation *shared) {
    struct boot b = {.env = env, .catalogs = catalogs, .shared = shared};
    return create_trees(&b);
}

status catalog_bootstrap(struct sql_env *env, struct relation *catalogs) {
    return catalog_bootstrap_database(env, catalogs, NULL);
}

status catalog_bootstrap_database(struct sql_env *env, struct relation *catalogs,
                                  const struct relation *shared) {
    struct boot b = {.env = env, .catalogs = catalogs, .shared = shared};
    arena_init(&b.row, 0);
    b.eval = env->eval;
    b.eval.session = NULL; /* whose catalogs know names that these do not know yet */
    b.eval.arena = &b.row;
    /* Rows go in under an arena that is emptied row by row. */
    struct sql_env inner = *env;
    inner.eval.arena = &b.row;
    b.env = &inner;
    status st;
    TRY_OUT(st, create_trees(&b));
    TRY_OUT(st, add_catalogs(&b));
    TRY_OUT(st, add_views(&b));
    TRY_OUT(st, boot_add_types_library(&b));
    TRY_OUT(st, add_fixed_rows(&b));
    TRY_OUT(st, boot_add_collations(&b));
out:
    arena_free(&b.row);
    return st;
}
