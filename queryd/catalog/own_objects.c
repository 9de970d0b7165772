/* own_objects.c: casts and operators that users made, kept with the rest of the cache: all of a
 * database, since they are few and every expression that no built-in one fits asks for them. Their
 * rows are the last of their catalogs. */
#include "base/coro.h"
#include "catalog/internal.h"
#include "catalog/routine.h"
#include "catalog/types.h"

struct own_casts {
    size_t n;
    struct cast_info *at;
};

struct own_operators {
    size_t n;
    struct operator_info *at;
    oid *schemas;
};

static struct sql_env *asker(void) {
    struct sql_env *env = coro_local();
    return env && env->catalog && env->txn && env->txn->slot ? env : NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
    struct sql_env *env;
    struct arena *arena; /* the generation's */
    size_t n, cap;
    void *at;
    oid *schemas;
};

static status grow(struct reading *r, size_t bytes) {
    if (r->n < r->cap) return OK;
    size_t cap = r->cap ? r->cap * 2 : 8;
    void *more = arena_array(r->arena, cap, bytes);
    oid *schemas = arena_array(r->arena, cap, sizeof *schemas);
    if (!more || !schemas) return STATUS(OUT_OF_MEMORY);
    if (r->n) memcpy(more, r->at, r->n * bytes);
    if (r->n) memcpy(schemas, r->schemas, r->n * sizeof *schemas);
    r->at = more;
    r->schemas = schemas;
    r->cap = cap;
    return OK;
}

static status add_cast(struct reading *r, const struct catalog_row *row) {
    TRY(grow(r, sizeof(struct cast_info)));
    ((struct cast_info *)r->at)[r->n++] =
        (struct cast_info){.oid = row_oid(row, COL_pg_cast_oid),
                           .source = row_oid(row, COL_pg_cast_castsource),
                           .target = row_oid(row, COL_pg_cast_casttarget),
                           .function = row_oid(row, COL_pg_cast_castfunc),
                           .context = row_char(row, COL_pg_cast_castcontext),
                           .method = row_char(row, COL_pg_cast_castmethod)};
    return OK;
}

/* Without what plans would do by operator classes: it is in none. */
static status add_operator(struct reading *r, const struct catalog_row *row) {
    const char *schema;
    TRY(grow(r, sizeof(struct operator_info)));
    TRY(schema_name_of(r->env, row_oid(row, COL_pg_operator_oprnamespace), r->arena, &schema));
    struct operator_info o = {.oid = row_oid(row, COL_pg_operator_oid),
                              .name =
                                  arena_strdup(r->arena, row_name(row, COL_pg_operator_oprname)),
                              .schema = schema,
                              .left = row_oid(row, COL_pg_operator_oprleft),
                              .right = row_oid(row, COL_pg_operator_oprright),
                              .result = row_oid(row, COL_pg_operator_oprresult),
                              .function = row_oid(row, COL_pg_operator_oprcode)};
    if (!o.name) return STATUS(OUT_OF_MEMORY);
    r->schemas[r->n] = row_oid(row, COL_pg_operator_oprnamespace);
    ((struct operator_info *)r->at)[r->n++] = o;
    return OK;
}

static status read_rows(struct reading *r, enum catalog_number catalog,
                        status (*add)(struct reading *r, const struct catalog_row *row)) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_backward(r->env, catalog, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (row_oid(&s.row, 1) < FIRST_USER_OID) break;
        TRY_OUT(st, add(r, &s.row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* Reads with words of its own: who asks has no error to set. */
static status read_own(struct sql_env *env, struct reading *r, enum catalog_number catalog,
                       status (*add)(struct reading *r, const struct catalog_row *row)) {
    struct arena scratch;
    struct error ignored;
    struct sql_env inner = *env;
    arena_init(&scratch, 0);
    error_clear(&ignored);
    inner.eval.arena = &scratch;
    inner.eval.error = &ignored;
    r->env = &inner;
    status st = read_rows(r, catalog, add);
    arena_free(&scratch);
    return st;
}

static const struct own_casts *casts_of(struct sql_env *env) {
    struct generation *g = cache_generation(env);
    if (!g) return NULL;
    if (g->casts) return g->casts;
    struct reading r = {.arena = &g->arena};
    if (!ok(read_own(env, &r, CAT_pg_cast, add_cast))) return NULL;
    struct own_casts *c = arena_zalloc(&g->arena, sizeof *c);
    if (!c) return NULL;
    *c = (struct own_casts){r.n, r.at};
    if (!g->casts) g->casts = c; /* else read while this one was suspended */
    return g->casts;
}

static const struct own_operators *operators_of(struct sql_env *env) {
    struct generation *g = cache_generation(env);
    if (!g) return NULL;
    if (g->operators) return g->operators;
    struct reading r = {.arena = &g->arena};
    if (!ok(read_own(env, &r, CAT_pg_operator, add_operator))) return NULL;
    struct own_operators *o = arena_zalloc(&g->arena, sizeof *o);
    if (!o) return NULL;
    *o = (struct own_operators){r.n, r.at, r.schemas};
    if (!g->operators) g->operators = o;
    return g->operators;
}

/* ---- what the types library asks ------------------------------------------------------------- */

const struct cast_info *own_cast_find(oid source, oid target) {
    struct sql_env *env = asker();
    const struct own_casts *c = env ? casts_of(env) : NULL;
    for (size_t i = 0; c && i < c->n; i++)
        if (c->at[i].source == source && c->at[i].target == target) return &c->at[i];
    return NULL;
}

const struct operator_info *own_operator_find(oid op) {
    struct sql_env *env = asker();
    const struct own_operators *o = env ? operators_of(env) : NULL;
    for (size_t i = 0; o && i < o->n; i++)
        if (o->at[i].oid == op) return &o->at[i];
    return NULL;
}

const struct function *own_function_find(oid function) {
    struct sql_env *env = asker();
    const struct routine *r;
    return env && ok(catalog_routine(env, function, &r)) ? &r->function : NULL;
}

static int place_of(const oid *schemas, size_t n, oid schema) {
    for (size_t i = 0; i < n; i++)
        if (schemas[i] == schema) return (int)i;
    return -1;
}

static status path_of(struct sql_env *env, const char *schema, oid *schemas, size_t *ret_n) {
    oid creation;
    *ret_n = 1;
    return schema ? catalog_schema(env, schema, &schemas[0])
                  : search_path(env, schemas, ret_n, &creation);
}

status own_operators_named(const struct eval_env *eval, const char *schema, const char *name,
                           struct operator_scope *ret) {
    struct sql_env *env = asker();
    const struct own_operators *all = env ? operators_of(env) : NULL;
    oid schemas[SEARCH_PATH_MAX];
    size_t nschemas, n = 0;
    *ret = (struct operator_scope){.no_builtins = schema && strcmp(schema, "pg_catalog") != 0};
    for (size_t i = 0; all && i < all->n; i++) n += strcmp(all->at[i].name, name) == 0;
    if (!n) return env && ret->no_builtins ? catalog_schema(env, schema, &schemas[0]) : OK;
    const struct operator_info **found = arena_array(eval->arena, n, sizeof *found);
    uint16_t *places = arena_array(eval->arena, n, sizeof *places);
    if (!found || !places) return error_set(eval->error, ST_OUT_OF_MEMORY, "out of memory");
    TRY(path_of(env, schema, schemas, &nschemas));
    int builtin = place_of(schemas, nschemas, SCHEMA_PG_CATALOG);
    ret->builtin_place = (uint16_t)(builtin < 0 ? 0 : builtin);
    for (size_t i = 0; i < all->n; i++) {
        int place = place_of(schemas, nschemas, all->schemas[i]);
        if (place < 0 || strcmp(all->at[i].name, name) != 0) continue;
        found[ret->n] = &all->at[i];
        places[ret->n++] = (uint16_t)place;
    }
    ret->operators = found;
    ret->places = places;
    return OK;
}
