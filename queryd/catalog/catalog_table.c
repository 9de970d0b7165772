#include "catalog/catalog_table.h"
#include "catalog/shared_depend.h"

#include "base/check.h"
#include "catalog/internal.h"
#include "types/key.h"

#define OWN_PREFIX "axl_"

static const struct catalog_column columns[] = {
#define COLUMN(catalog, name, type, not_null) {#name, type, not_null},
#include "catalog/catalogs.def"
};

enum column_start {
#define CATALOG(name, ...) START_##name, START_##name##_back = START_##name - 1,
#define COLUMN(catalog, name, ...) START_##catalog##_##name,
#include "catalog/catalogs.def"
};

const struct catalog_info catalog_infos[CATALOG_COUNT] = {
#define CATALOG(name, oid, row_type, array_type, shared)                                           \
    {#name, oid, row_type, array_type, shared, COL_##name##_end - 1, columns + START_##name},
#include "catalog/catalogs.def"
};

const struct catalog_index_info catalog_index_infos[] = {
#define CATALOG_INDEX(catalog, name, oid, unique, primary, n, ...)                                 \
    {CAT_##catalog, #name, oid, unique, primary, n, {__VA_ARGS__}},
#include "catalog/catalogs.def"
};
const size_t catalog_index_info_count = sizeof catalog_index_infos / sizeof *catalog_index_infos;

uint16_t catalog_own_columns(const struct catalog_info *info) {
    uint16_t n = 0;
    if (!strncmp(info->name, OWN_PREFIX, strlen(OWN_PREFIX))) return 0;
    while (n < info->ncolumns &&
           !strncmp(info->columns[info->ncolumns - 1 - n].name, OWN_PREFIX, strlen(OWN_PREFIX)))
        n++;
    return n;
}

uint16_t relation_own_columns(const struct relation *r) {
    for (unsigned n = 0; r->is_catalog && n < CATALOG_COUNT; n++)
        if (catalog_infos[n].oid == r->oid) return catalog_own_columns(&catalog_infos[n]);
    return 0;
}

static status fill_attributes(struct arena *a, const struct catalog_info *info,
                              struct relation *r) {
    r->natts = info->ncolumns;
    r->atts = arena_zalloc(a, info->ncolumns * sizeof *r->atts);
    oid *types = arena_array(a, info->ncolumns, sizeof *types);
    if (!r->atts || !types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < info->ncolumns; i++) {
        const struct type *t = type_find(info->columns[i].type);
        CHECK(t);
        types[i] = t->oid;
        r->atts[i] = (struct attribute){.name = info->columns[i].name,
                                        .number = (int16_t)(i + 1),
                                        .type = t->oid,
                                        .typmod = -1,
                                        .collation = t->collation ? C_COLLATION_OID : 0,
                                        .not_null = info->columns[i].not_null};
    }
    return row_desc_new(a, types, info->ncolumns, &r->row);
}

static void fill_index(const struct relation *r, struct index_desc *x,
                       const struct catalog_index_info *info) {
    x->oid = info->oid;
    x->name = info->name;
    x->tree.id = info->oid;
    x->nkeys = x->ncolumns = info->n;
    for (unsigned k = 0; k < info->n; k++) {
        x->columns[k] = info->columns[k];
        x->types[k] = r->atts[info->columns[k] - 1].type;
    }
    x->unique = info->unique;
    x->primary = info->primary;
    x->valid = x->ready = x->live = true;
}

static status fill_indexes(struct arena *a, enum catalog_number n, struct relation *r) {
    size_t others = 0;
    for (size_t i = 0; i < catalog_index_info_count; i++)
        if (catalog_index_infos[i].catalog == n && !catalog_index_infos[i].primary) others++;
    r->indexes = arena_zalloc(a, others * sizeof *r->indexes);
    if (!r->indexes) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < catalog_index_info_count; i++) {
        const struct catalog_index_info *info = &catalog_index_infos[i];
        if (info->catalog != n) continue;
        struct index_desc *x = info->primary ? arena_zalloc(a, sizeof *x) : NULL;
        if (info->primary) {
            if (!x) return STATUS(OUT_OF_MEMORY);
            r->primary = x;
        } else {
            x = &r->indexes[r->nindexes++];
        }
        fill_index(r, x, info);
    }
    return OK;
}

status catalog_relations_new(struct arena *a, struct relation **ret_relations) {
    struct relation *all = arena_zalloc(a, CATALOG_COUNT * sizeof *all);
    if (!all) return STATUS(OUT_OF_MEMORY);
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        const struct catalog_info *info = &catalog_infos[n];
        struct relation *r = &all[n];
        CHECK(info->ncolumns <= CATALOG_COLUMNS_MAX);
        r->oid = info->oid;
        r->name = info->name;
        r->schema = SCHEMA_PG_CATALOG;
        r->schema_name = "pg_catalog";
        r->kind = 'r';
        r->persistence = 'p';
        r->owner = ROLE_POSTGRES;
        r->row_type = info->row_type;
        r->tree.id = info->oid;
        r->reltuples = -1;
        r->is_catalog = true;
        TRY(fill_attributes(a, info, r));
        TRY(fill_indexes(a, (enum catalog_number)n, r));
    }
    *ret_relations = all;
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* What a not-null column holds until it is set: nothing may be a wild pointer. */
static datum empty_value(const struct type *t) {
    static const char empty_name[NAME_BYTES];
    static const struct varlena empty;
    if (t->byval) return (datum){.u64 = 0};
    return t->len == NAME_BYTES ? datum_ptr(empty_name) : datum_ptr(&empty);
}

void catalog_row_init(struct catalog_row *r, enum catalog_number n) {
    const struct catalog_info *info = &catalog_infos[n];
    memset(r, 0, sizeof *r);
    for (unsigned i = 0; i < info->ncolumns; i++) {
        r->nulls[i] = !info->columns[i].not_null;
        r->values[i] = empty_value(type_find(info->columns[i].type));
    }
}

void row_set(struct catalog_row *r, int column, datum value) {
    r->values[column - 1] = value;
    r->nulls[column - 1] = 0;
}
void row_set_null(struct catalog_row *r, int column) {
    r->nulls[column - 1] = 1;
}
void row_set_oid(struct catalog_row *r, int column, oid value) {
    row_set(r, column, datum_oid(value));
}
void row_set_int(struct catalog_row *r, int column, int64_t value) {
    row_set(r, column, datum_int8(value));
}
void row_set_bool(struct catalog_row *r, int column, bool value) {
    row_set(r, column, datum_bool(value));
}
void row_set_char(struct catalog_row *r, int column, char value) {
    row_set(r, column, datum_char((int8_t)value));
}
void row_set_float4(struct catalog_row *r, int column, float value) {
    row_set(r, column, datum_float4(value));
}

const char *catalog_name(struct arena *a, const char *name) {
    char *bytes = arena_zalloc(a, NAME_BYTES);
    if (bytes) strncpy(bytes, name, NAME_BYTES - 1);
    return bytes;
}

status row_set_name(struct arena *a, struct catalog_row *r, int column, const char *name) {
    const char *bytes = catalog_name(a, name);
    if (!bytes) return STATUS(OUT_OF_MEMORY);
    row_set(r, column, datum_ptr(bytes));
    return OK;
}

status row_set_text(struct arena *a, struct catalog_row *r, int column, const char *text) {
    struct varlena *v = varlena_from(a, text, strlen(text));
    if (!v) return STATUS(OUT_OF_MEMORY);
    row_set(r, column, datum_ptr(v));
    return OK;
}

status row_set_input(const struct eval_env *env, struct catalog_row *r, int column, oid type,
                     const char *text) {
    datum value;
    TRY(type_input(env, type_find(type), -1, text, strlen(text), &value));
    row_set(r, column, value);
    return OK;
}

const char *row_text(struct arena *a, const struct catalog_row *r, int column) {
    if (row_is_null(r, column)) return NULL;
    const struct varlena *v = r->values[column - 1].v;
    return arena_strndup(a, v->data, v->len);
}

status row_numbers(const struct eval_env *env, const struct catalog_row *r, int column, oid type,
                   int64_t *ret_numbers, size_t max, size_t *ret_n) {
    *ret_n = 0;
    if (row_is_null(r, column)) return OK;
    char *text;
    size_t len;
    TRY(type_output_string(env, type_find(type), r->values[column - 1], &text, &len));
    size_t n = 0;
    for (char *at = text; *at && n < max;) {
        char *end;
        long long value = strtoll(at, &end, 10);
        if (end == at) {
            at++;
            continue;
        }
        ret_numbers[n++] = value;
        at = end;
    }
    *ret_n = n;
    return OK;
}

/* ---- scans ----------------------------------------------------------------------------------- */

struct snapshot catalog_snapshot(const struct sql_env *env) {
    if (env->catalogs_at) return *env->catalogs_at;
    const struct log_shared *log = env->proc->shm->log;
    uint64_t visible = atomic_load_explicit(&log->visible, memory_order_acquire);
    if (env->txn->last_commit > visible) visible = env->txn->last_commit;
    return (struct snapshot){.time = visible, .x = env->txn->writer.x, .own = (lsn){UINT64_MAX}};
}

static const struct index_desc *find_index(const struct relation *r, oid index) {
    if (!index || (r->primary && r->primary->oid == index)) return NULL;
    for (unsigned i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    CHECK(!"index of this catalog");
    return NULL;
}

static status encode_keys(const struct relation *r, const struct index_desc *x, const datum *keys,
                          unsigned nkeys, struct buf *out) {
    for (unsigned k = 0; k < nkeys; k++)
        TRY(type_key_encode(type_find(r->atts[x->columns[k] - 1].type), keys[k], false, false,
                            false, out));
    return OK;
}

static status begin(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                    unsigned nkeys, bool backward, struct catalog_scan *s) {
    memset(s, 0, sizeof *s);
    arena_init(&s->arena, 0);
    s->open = true;
    s->env = *env;
    s->env.eval.arena = &s->arena;
    s->env.snapshot = catalog_snapshot(env);
    s->catalog = n;
    s->relation = catalog_relation_of(env->catalog, n);
    const struct index_desc *x = find_index(s->relation, index);
    if (nkeys) TRY(encode_keys(s->relation, x ? x : s->relation->primary, keys, nkeys, &s->bound));
    struct table_bound bound = {.bytes = nkeys ? s->bound.data : NULL, .len = s->bound.len};
    s->key = arena_alloc(&s->arena, TREE_KEY_BYTES_MAX);
    if (!s->key) return STATUS(OUT_OF_MEMORY);
    TRY(table_scan_begin(&s->env, &s->scan, &s->arena, s->relation, x, bound, bound, backward));
    s->mark = arena_mark(&s->arena);
    return OK;
}

status catalog_scan_begin(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                          unsigned nkeys, struct catalog_scan *s) {
    return begin(env, n, index, keys, nkeys, false, s);
}

status catalog_scan_backward(struct sql_env *env, enum catalog_number n, struct catalog_scan *s) {
    return begin(env, n, 0, NULL, 0, true, s);
}

status catalog_scan_next(struct catalog_scan *s) {
    struct tree_entry e;
    TRY(table_scan_next(&s->scan, &e));
    memcpy(s->key, e.key, e.key_len);
    s->key_len = e.key_len;
    s->version = e.lsn;
    s->stamp = e.stamp;
    arena_rewind(&s->arena, s->mark);
    memset(s->row.nulls, 1, sizeof s->row.nulls);
    return table_deform(&s->env, s->relation, &e, s->relation->natts, NULL, s->row.values,
                        s->row.nulls, &s->arena);
}

void catalog_scan_end(struct catalog_scan *s) {
    if (!s->open) return;
    table_scan_end(&s->scan);
    buf_free(&s->bound);
    arena_free(&s->arena);
    s->open = false;
}

static status copy_row(enum catalog_number n, const struct catalog_row *from, struct arena *a,
                       struct catalog_row *to) {
    *to = *from;
    for (unsigned i = 0; i < catalog_infos[n].ncolumns; i++) {
        if (from->nulls[i]) continue;
        const struct type *t = type_find(catalog_infos[n].columns[i].type);
        TRY(type_copy(t, from->values[i], a, &to->values[i]));
    }
    return OK;
}

status catalog_row_get(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                       unsigned nkeys, struct arena *a, struct catalog_row *ret_row) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, keys, nkeys, &s));
    st = catalog_scan_next(&s);
    if (status_is(st, ST_END)) st = STATUS(NOT_FOUND);
    if (ok(st)) st = copy_row(n, &s.row, a, ret_row);
out:
    catalog_scan_end(&s);
    return st;
}

status catalog_row_get_oid(struct sql_env *env, enum catalog_number n, oid object, struct arena *a,
                           struct catalog_row *ret_row) {
    datum key = datum_oid(object);
    return catalog_row_get(env, n, 0, &key, 1, a, ret_row);
}

/* ---- changes --------------------------------------------------------------------------------- */

status catalog_row_insert(struct sql_env *env, enum catalog_number n, const struct catalog_row *r) {
    struct sql_env now = *env;
    struct catalog_row row = *r;
    TRY(shared_depend_privileges(env, n, &row));
    now.snapshot = catalog_snapshot(env);
    TRY(table_insert(&now, catalog_relation_of(env->catalog, n), row.values, row.nulls, false));
    return shared_depend_changed(env, n, NULL, &row);
}

static status changed(struct catalog_scan *s, status st) {
    if (!status_is(st, ST_ROW_CHANGED)) return st;
    return error_set(s->env.eval.error, ST_INTERNAL_ERROR, "tuple concurrently updated");
}

status catalog_row_update(struct catalog_scan *s, const struct catalog_row *r) {
    TRY(changed(s, table_update(&s->env, s->relation, s->key, s->key_len, s->version, s->row.values,
                                s->row.nulls, r->values, r->nulls)));
    return shared_depend_changed(&s->env, s->catalog, &s->row, r);
}

status catalog_row_delete(struct catalog_scan *s) {
    TRY(changed(s, table_delete(&s->env, s->relation, s->key, s->key_len, s->version, s->row.values,
                                s->row.nulls)));
    return shared_depend_changed(&s->env, s->catalog, &s->row, NULL);
}

status catalog_rows_delete(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                           unsigned nkeys, unsigned *ret_n) {
    struct catalog_scan s;
    unsigned count = 0;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, index, keys, nkeys, &s));
    while (ok(st = catalog_scan_next(&s))) {
        TRY_OUT(st, catalog_row_delete(&s));
        count++;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    if (ok(st) && ret_n) *ret_n = count;
    return st;
}
