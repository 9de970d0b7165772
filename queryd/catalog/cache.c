/* cache.c: what was read from the catalogs, kept for one catalog version. */
#include "catalog/internal.h"
#include "catalog/routine_cache.h"
#include "catalog/temp.h"

static bool in_use(const struct sql_env *env, const struct generation *g) {
    const struct shm *shm = env->proc->shm;
    if (g->life) return txn_ref_alive(shm, g->life);
    for (uint32_t i = 0; i < shm->sizes.txns; i++)
        if (g->users[i] && txn_ref_alive(shm, g->users[i])) return true;
    return false;
}

static txn_ref own_life(const struct sql_env *env) {
    return txn_slot_ref(env->proc->shm, env->txn->index);
}

static void free_generation(struct generation *g) {
    arena_free(&g->arena);
    free(g);
}

/* Frees what no living transaction has looked into; `keep` stays. */
static void sweep(const struct sql_env *env, struct generation **list, struct generation *keep) {
    for (struct generation **at = list; *at;) {
        struct generation *g = *at;
        if (g == keep || in_use(env, g)) {
            at = &g->next;
        } else {
            *at = g->next;
            free_generation(g);
        }
    }
}

static struct generation *new_generation(struct generation **list, size_t users, uint64_t version) {
    struct generation *g = calloc(1, sizeof *g + users * sizeof *g->users);
    if (!g) return NULL;
    arena_init(&g->arena, 0);
    g->version = version;
    g->next = *list;
    *list = g;
    return g;
}

static struct generation *shared_generation(struct sql_env *env) {
    struct catalog *c = env->catalog;
    uint64_t version =
        atomic_load_explicit(&env->proc->shm->control->catalog_version, memory_order_acquire);
    struct generation *g = c->shared;
    if (!g || g->version != version) {
        g = new_generation(&c->shared, env->proc->shm->sizes.txns, version);
        if (!g) return NULL;
        sweep(env, &c->shared, g);
    }
    g->users[env->txn->index] = own_life(env);
    return g;
}

/* Changes of its own make one generation after another, and so do commits of others; the newest
 * that is not spoilt (version 0) is used. */
static struct generation *private_generation(struct sql_env *env) {
    struct catalog *c = env->catalog;
    txn_ref life = own_life(env);
    uint64_t seen =
        atomic_load_explicit(&env->proc->shm->control->catalog_version, memory_order_acquire);
    for (struct generation *g = c->privates; g; g = g->next)
        if (g->life == life && g->version && g->seen == seen) return g;
    sweep(env, &c->privates, NULL);
    struct generation *g = new_generation(&c->privates, 0, 1);
    if (!g) return NULL;
    g->life = life;
    g->seen = seen;
    return g;
}

struct generation *cache_generation(struct sql_env *env) {
    return env->txn->catalog_changed ? private_generation(env) : shared_generation(env);
}

void catalog_rolled_back(struct sql_env *env) {
    txn_ref life = own_life(env);
    for (struct generation *g = env->catalog->privates; g; g = g->next)
        if (g->life == life) g->version = 0;
}

void catalog_changed(struct sql_env *env) {
    env->txn->catalog_changed = true;
    catalog_rolled_back(env);
}

uint64_t catalog_version(const struct sql_env *env) {
    if (env->txn->catalog_changed) return 0;
    uint64_t version =
        atomic_load_explicit(&env->proc->shm->control->catalog_version, memory_order_acquire);
    /* Who finds a plan by this version uses what it was made from. */
    struct generation *g = env->catalog->shared;
    if (g && g->version == version && env->txn->slot) g->users[env->txn->index] = own_life(env);
    return version;
}

void cache_free(struct catalog *c) {
    for (struct generation *g = c->shared, *next; g; g = next) {
        next = g->next;
        free_generation(g);
    }
    for (struct generation *g = c->privates, *next; g; g = next) {
        next = g->next;
        free_generation(g);
    }
    c->shared = c->privates = NULL;
}

/* ---- relations by oid ------------------------------------------------------------------------ */

static const struct relation *find_catalog(const struct catalog *c, oid relation) {
    if (relation >= FIRST_USER_OID) return NULL;
    for (unsigned n = 0; n < CATALOG_COUNT; n++)
        if (c->catalogs[n].oid == relation) return &c->catalogs[n];
    return NULL;
}

static const struct relation *find_cached(const struct generation *g, oid relation) {
    for (const struct cached_relation *e = g->by_oid[relation & 255]; e; e = e->next)
        if (e->relation->oid == relation) return e->relation;
    return NULL;
}

status catalog_relation(struct sql_env *env, oid relation, const struct relation **ret_relation) {
    const struct relation *r = find_catalog(env->catalog, relation);
    struct generation *g = NULL;
    if (!r) {
        g = cache_generation(env);
        if (!g) return no_memory(env);
        r = find_cached(g, relation);
    }
    if (r) {
        *ret_relation = r;
        return OK;
    }
    struct relation *loaded;
    TRY(relation_load(env, relation, &g->arena, &loaded));
    r = find_cached(g, relation); /* by another session, while this one was suspended */
    if (!r) {
        struct cached_relation *e = arena_zalloc(&g->arena, sizeof *e);
        if (!e) return no_memory(env);
        e->relation = r = loaded;
        e->next = g->by_oid[relation & 255];
        g->by_oid[relation & 255] = e;
    }
    *ret_relation = r;
    return OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

#define NAMES_MAX 20000 /* in one generation; beyond, misses are looked up each time */

static unsigned hash_name(oid schema, const char *name) {
    unsigned h = schema * 0x9E3779B1u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x01000193u;
    return (h ^ h >> 16) & 255;
}

static const struct cached_name *find_name(const struct generation *g, oid schema,
                                           const char *name) {
    for (const struct cached_name *e = g->by_name[hash_name(schema, name)]; e; e = e->next)
        if (e->schema == schema && !strcmp(e->name, name)) return e;
    return NULL;
}

static status remember_name(struct sql_env *env, struct generation *g, oid schema, const char *name,
                            oid relation) {
    if (g->names >= NAMES_MAX || find_name(g, schema, name)) return OK;
    struct cached_name *e = arena_zalloc(&g->arena, sizeof *e);
    if (!e) return no_memory(env);
    e->schema = schema;
    e->relation = relation;
    strncpy(e->name, name, NAME_BYTES - 1);
    unsigned h = hash_name(schema, name);
    e->next = g->by_name[h];
    g->by_name[h] = e;
    g->names++;
    return OK;
}

static status read_relation_oid(struct sql_env *env, oid schema, const char *name,
                                oid *ret_relation) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(schema)};
    struct catalog_scan s;
    status st;
    oid found = 0;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_class, OID_pg_class_relname_nsp_index, keys, 2, &s));
    st = catalog_scan_next(&s);
    if (ok(st)) found = row_oid(&s.row, COL_pg_class_oid);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    if (ok(st)) *ret_relation = found;
    return st;
}

status relation_oid(struct sql_env *env, oid schema, const char *name, oid *ret_relation) {
    if (strlen(name) >= NAME_BYTES) {
        *ret_relation = 0;
        return OK;
    }
    if (schema == SCHEMA_PG_CATALOG)
        for (unsigned n = 0; n < CATALOG_COUNT; n++)
            if (!strcmp(catalog_infos[n].name, name)) {
                *ret_relation = catalog_infos[n].oid;
                return OK;
            }
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    const struct cached_name *e = find_name(g, schema, name);
    if (e) {
        *ret_relation = e->relation;
        return OK;
    }
    oid found;
    TRY(read_relation_oid(env, schema, name, &found));
    TRY(remember_name(env, g, schema, name, found));
    *ret_relation = found;
    return OK;
}

static status read_schema(struct sql_env *env, const char *name, oid *ret_schema) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    struct catalog_scan s;
    status st;
    oid found = 0;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_namespace, OID_pg_namespace_nspname_index, keys, 1, &s));
    st = catalog_scan_next(&s);
    if (ok(st)) found = row_oid(&s.row, COL_pg_namespace_oid);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    if (ok(st)) *ret_schema = found;
    return st;
}

status catalog_schema(struct sql_env *env, const char *name, oid *ret_schema) {
    if (!strcmp(name, "pg_catalog")) {
        *ret_schema = SCHEMA_PG_CATALOG;
        return OK;
    }
    if (!strcmp(name, "pg_temp")) return temp_schema(env, ret_schema);
    if (strlen(name) >= NAME_BYTES) return STATUS(NOT_FOUND);
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    const struct cached_schema *e = g->schemas;
    while (e && strcmp(e->name, name)) e = e->next;
    oid schema = e ? e->schema : 0;
    if (!e) {
        TRY(read_schema(env, name, &schema));
        struct cached_schema *made =
            g->names < NAMES_MAX ? arena_zalloc(&g->arena, sizeof *made) : NULL;
        if (made) {
            made->schema = schema;
            strncpy(made->name, name, NAME_BYTES - 1);
            made->next = g->schemas;
            g->schemas = made;
            g->names++;
        }
    }
    if (!schema) return STATUS(NOT_FOUND);
    *ret_schema = schema;
    return OK;
}

/* ---- functions of users ---------------------------------------------------------------------- */

static const struct cached_routines *find_routines(const struct generation *g, const char *name) {
    const struct cached_routines *e = g->routines[hash_name(0, name) & 63];
    while (e && strcmp(e->name, name)) e = e->next;
    return e;
}

static status read_routines(struct sql_env *env, struct generation *g, const char *name,
                            struct list **ret_routines) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_proc, OID_pg_proc_proname_args_nsp_index, keys, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct routine *r;
        if (row_oid(&s.row, COL_pg_proc_oid) < FIRST_ROUTINE_OID) continue;
        TRY_OUT(st, routine_load(env, &s.row, &g->arena, &r));
        TRY_OUT(st, list_append(env->eval.arena, ret_routines, r));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status catalog_routines_named(struct sql_env *env, const char *name, size_t *ret_n,
                              const struct routine *const **ret_routines) {
    *ret_n = 0;
    *ret_routines = NULL;
    if (strlen(name) >= NAME_BYTES) return OK;
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    const struct cached_routines *e = find_routines(g, name);
    if (!e) {
        struct list *found = NULL;
        TRY(read_routines(env, g, name, &found));
        e = find_routines(g, name); /* by another session, while this one was suspended */
        if (!e) {
            struct cached_routines *made = arena_zalloc(&g->arena, sizeof *made);
            if (!made) return no_memory(env);
            made->n = (size_t)list_n(found);
            made->routines =
                arena_memdup(&g->arena, found ? found->items : NULL, made->n * sizeof(void *));
            if (made->n && !made->routines) return no_memory(env);
            strncpy(made->name, name, NAME_BYTES - 1);
            made->next = g->routines[hash_name(0, name) & 63];
            g->routines[hash_name(0, name) & 63] = made;
            e = made;
        }
    }
    *ret_n = e->n;
    *ret_routines = e->routines;
    return OK;
}

status catalog_routine(struct sql_env *env, oid routine, const struct routine **ret_routine) {
    struct generation *g = cache_generation(env);
    if (!g) return no_memory(env);
    for (size_t i = 0; i < sizeof g->routines / sizeof *g->routines; i++)
        for (const struct cached_routines *e = g->routines[i]; e; e = e->next)
            for (size_t k = 0; k < e->n; k++)
                if (e->routines[k]->function.oid == routine) {
                    *ret_routine = e->routines[k];
                    return OK;
                }
    struct catalog_row row;
    size_t n;
    const struct routine *const *all;
    TRY(catalog_row_get_oid(env, CAT_pg_proc, routine, env->eval.arena, &row));
    TRY(catalog_routines_named(env, row_name(&row, COL_pg_proc_proname), &n, &all));
    for (size_t k = 0; k < n; k++)
        if (all[k]->function.oid == routine) {
            *ret_routine = all[k];
            return OK;
        }
    return STATUS(NOT_FOUND);
}
