/* collation.c: collations by name and by oid. */
#include "catalog/collation.h"
#include "catalog/internal.h"
#include "catalog/session_names.h"

#include "base/coro.h"

#define ENCODING_UTF8 6
#define ENCODING_ANY (-1)

static status in_schema(struct sql_env *env, oid schema, const char *name, int encoding,
                        oid *ret_collation) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_int4(encoding), datum_oid(schema)};
    struct catalog_row row;
    TRY(catalog_row_get(env, CAT_pg_collation, OID_pg_collation_name_enc_nsp_index, keys, 3,
                        env->eval.arena, &row));
    *ret_collation = row_oid(&row, COL_pg_collation_oid);
    return OK;
}

static status no_collation(struct sql_env *env, const char *schema, const char *name) {
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "collation \"%s%s%s\" for encoding \"UTF8\" does not exist",
                     schema ? schema : "", schema ? "." : "", name);
}

status collation_in_schema(struct sql_env *env, oid schema, const char *name, oid *ret_collation) {
    status st = in_schema(env, schema, name, ENCODING_UTF8, ret_collation);
    return status_is(st, ST_NOT_FOUND) ? in_schema(env, schema, name, ENCODING_ANY, ret_collation)
                                       : st;
}

status catalog_collation_named(struct sql_env *env, const char *schema, const char *name,
                               oid *ret_collation) {
    oid schemas[SEARCH_PATH_MAX];
    size_t n;
    if (strlen(name) >= NAME_BYTES) return no_collation(env, schema, name);
    TRY(schemas_named(env, schema, schemas, &n));
    for (size_t i = 0; i < n; i++) {
        status st = collation_in_schema(env, schemas[i], name, ret_collation);
        if (!status_is(st, ST_NOT_FOUND)) return st;
    }
    return no_collation(env, schema, name);
}

status catalog_collation_name(struct sql_env *env, oid collation, struct arena *a,
                              const char **ret_name) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_collation, collation, a, &row));
    *ret_name = row_name(&row, COL_pg_collation_collname);
    return OK;
}

status collation_print(struct sql_env *env, oid collation, struct buf *out) {
    struct catalog_row row;
    bool in_path;
    TRY(catalog_row_get_oid(env, CAT_pg_collation, collation, env->eval.arena, &row));
    oid schema = row_oid(&row, COL_pg_collation_collnamespace);
    TRY(schema_is_in_path(env, schema, &in_path));
    if (!in_path) {
        const char *name;
        TRY(schema_name_of(env, schema, env->eval.arena, &name));
        TRY(print_identifier(out, name));
        TRY(buf_add(out, ".", 1));
    }
    return print_identifier(out, row_name(&row, COL_pg_collation_collname));
}

/* ---- collators ------------------------------------------------------------------------------- */

static status open_collator(struct sql_env *env, oid collation, const struct collator **ret) {
    struct catalog_row row;
    *ret = NULL;
    TRY(catalog_row_get_oid(env, CAT_pg_collation, collation, env->eval.arena, &row));
    if (row_char(&row, COL_pg_collation_collprovider) != 'i') return OK;
    const char *locale = row_text(env->eval.arena, &row, COL_pg_collation_colliculocale);
    if (!locale) return STATUS(OUT_OF_MEMORY);
    return collator_open(locale, row_bool(&row, COL_pg_collation_collisdeterministic),
                         env->eval.error, ret);
}

static const struct cached_collation *find_cached(const struct generation *g, oid collation) {
    for (const struct cached_collation *c = g->collations; c; c = c->next)
        if (c->collation == collation) return c;
    return NULL;
}

/* Reading the row may suspend; another session may have read it meanwhile. */
static const struct collator *load_collator(struct sql_env *env, struct generation *g,
                                            oid collation) {
    struct arena scratch;
    struct error why;
    struct sql_env inner = *env;
    const struct collator *found;
    arena_init(&scratch, 0);
    error_clear(&why);
    inner.eval.arena = &scratch;
    inner.eval.error = &why;
    status st = open_collator(&inner, collation, &found);
    arena_free(&scratch);
    CHECK(ok(st) || status_is(st, ST_NOT_FOUND));
    struct cached_collation *c = arena_alloc(&g->arena, sizeof *c);
    if (!c) return found;
    *c = (struct cached_collation){g->collations, collation, found};
    g->collations = c;
    return found;
}

const struct collator *catalog_collator(oid collation) {
    struct sql_env *env = coro_local();
    if (collation == COLLATION_C || collation == COLLATION_POSIX || !env || !env->catalog)
        return NULL;
    if (collation == COLLATION_DEFAULT) return env->catalog->collator;
    if (!env->txn || !env->txn->slot) return NULL;
    struct generation *g = cache_generation(env);
    CHECK(g);
    const struct cached_collation *known = find_cached(g, collation);
    return known ? known->collator : load_collator(env, g, collation);
}

/* ---- of databases ---------------------------------------------------------------------------- */

static status read_locale(struct sql_env *env, const struct catalog_row *row,
                          struct database_locale *ret) {
    struct arena *a = env->eval.arena;
    *ret = (struct database_locale){.provider = row_char(row, COL_pg_database_datlocprovider),
                                    .collate = row_text(a, row, COL_pg_database_datcollate),
                                    .ctype = row_text(a, row, COL_pg_database_datctype),
                                    .icu_locale = row_text(a, row, COL_pg_database_daticulocale),
                                    .version = row_text(a, row, COL_pg_database_datcollversion)};
    return ret->collate && ret->ctype ? OK : no_memory(env);
}

status database_locale(struct sql_env *env, oid database, struct database_locale *ret) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_database, database, env->eval.arena, &row));
    return read_locale(env, &row, ret);
}

status database_collator(struct sql_env *env, page_id root, const struct collator **ret) {
    struct catalog_scan s;
    struct database_locale l;
    status st;
    *ret = NULL;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_database, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (row_is_null(&s.row, COL_pg_database_axl_root) ||
            (uint64_t)row_int8(&s.row, COL_pg_database_axl_root) != root.no)
            continue;
        TRY_OUT(st, read_locale(env, &s.row, &l));
        if (l.icu_locale) TRY_OUT(st, collator_open(l.icu_locale, true, env->eval.error, ret));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}
