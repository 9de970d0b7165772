#include "exec/routine_cache.h"

#include <stdlib.h>

#include "catalog/internal.h"
#include "exec/private.h"

#define BUCKETS 256
#define BODIES_MAX 512

static struct {
    struct cached_body *bucket[BUCKETS];
    struct cached_body *newest, *oldest;
    uint32_t n;
} cache;

static uint64_t mix(uint64_t h, const void *bytes, size_t n) {
    for (const unsigned char *p = bytes; n; p++, n--) h = (h ^ *p) * 0x100000001b3u;
    return h;
}

static uint16_t shape_of(const struct fn_site *site) {
    return site->shape ? site->shape->n : 0;
}

static uint64_t hash_of(const struct sql_env *env, const struct fn_site *site) {
    uint64_t h = 0xcbf29ce484222325u;
    h = mix(h, &site->function->oid, sizeof(oid));
    h = mix(h, site->arg_types, site->nargs * sizeof(oid));
    if (site->shape) h = mix(h, site->shape->types, site->shape->n * sizeof(oid));
    h = mix(h, &env->settings->user_oid, sizeof(oid));
    h = mix(h, &env->settings->database_oid, sizeof(oid));
    return mix(h, env->settings->search_path, strlen(env->settings->search_path));
}

static bool is_for(const struct cached_body *b, const struct sql_env *env,
                   const struct fn_site *site) {
    return b->routine == site->function->oid && b->nargs == site->nargs &&
           b->result == site->result_type && b->user == env->settings->user_oid &&
           b->database == env->settings->database_oid &&
           !memcmp(b->arg_types, site->arg_types, b->nargs * sizeof(oid)) &&
           b->nshape == shape_of(site) &&
           (!b->nshape || !memcmp(b->shape, site->shape->types, b->nshape * sizeof(oid))) &&
           !strcmp(b->search_path, env->settings->search_path);
}

/* ---- places ---------------------------------------------------------------------------------- */

static void unlink_body(struct cached_body *b) {
    struct cached_body **at = &cache.bucket[b->hash % BUCKETS];
    while (*at != b) at = &(*at)->next;
    *at = b->next;
    *(b->newer ? &b->newer->older : &cache.newest) = b->older;
    *(b->older ? &b->older->newer : &cache.oldest) = b->newer;
    cache.n--;
    b->version = 0;
    cached_body_release(b);
}

static void link_body(struct cached_body *b) {
    if (cache.n == BODIES_MAX) unlink_body(cache.oldest);
    b->next = cache.bucket[b->hash % BUCKETS];
    cache.bucket[b->hash % BUCKETS] = b;
    b->newer = NULL;
    b->older = cache.newest;
    *(cache.newest ? &cache.newest->newer : &cache.oldest) = b;
    cache.newest = b;
    cache.n++;
    b->references++;
}

void cached_body_release(struct cached_body *b) {
    if (--b->references) return;
    for (uint16_t i = 0; i < b->n; i++)
        if (b->statements[i]) statement_release(b->statements[i]);
    arena_free(&b->arena);
    free(b);
}

static struct cached_body *find(const struct sql_env *env, const struct fn_site *site,
                                uint64_t hash, uint64_t version) {
    for (struct cached_body *b = cache.bucket[hash % BUCKETS]; b; b = b->next) {
        if (b->hash != hash || !is_for(b, env, site)) continue;
        if (b->version == version) return b;
        unlink_body(b);
        return NULL;
    }
    return NULL;
}

/* ---- making one ------------------------------------------------------------------------------ */

static status fill(struct sql_env *env, const struct fn_site *site, const struct routine *r,
                   struct cached_body *b) {
    struct list *statements;
    b->routine = site->function->oid;
    b->user = env->settings->user_oid;
    b->database = env->settings->database_oid;
    b->nargs = site->nargs;
    b->result = site->result_type;
    b->arg_types = arena_memdup(&b->arena, site->arg_types, site->nargs * sizeof(oid) + 1);
    b->search_path = arena_strdup(&b->arena, env->settings->search_path);
    b->nshape = shape_of(site);
    if (b->nshape) b->shape = arena_memdup(&b->arena, site->shape->types, b->nshape * sizeof(oid));
    if (!b->arg_types || !b->search_path || (b->nshape && !b->shape)) return no_memory(env);
    TRY(routine_body_of(env, r, b->arg_types, b->nargs, b->result, &b->arena, &b->body));
    if (b->nshape && b->result == RECORDOID && !b->body.ncolumns) {
        b->body.ncolumns = b->nshape;
        b->body.columns = b->shape;
    }
    TRY(routine_parse(env, r, &b->arena, &statements, &b->text));
    uint16_t n = (uint16_t)list_n(statements);
    b->raw = arena_array(&b->arena, n + 1u, sizeof *b->raw);
    b->statements = arena_array(&b->arena, n + 1u, sizeof *b->statements);
    if (!b->raw || !b->statements) return no_memory(env);
    for (uint16_t i = 0; i < n; i++) {
        b->raw[i] = list_at(statements, i);
        b->statements[i] = NULL;
    }
    b->n = n;
    return OK;
}

status cached_body_get(struct sql_env *env, const struct fn_site *site, const struct routine *r,
                       struct cached_body **ret_body) {
    uint64_t hash = hash_of(env, site), version = catalog_version(env);
    struct cached_body *b = version ? find(env, site, hash, version) : NULL;
    if (b) {
        b->references++;
        *ret_body = b;
        return OK;
    }
    b = calloc(1, sizeof *b);
    if (!b) return no_memory(env);
    arena_init(&b->arena, 0);
    b->references = 1;
    b->hash = hash;
    b->version = version;
    status st = fill(env, site, r, b);
    if (!ok(st)) {
        cached_body_release(b);
        return st;
    }
    /* another session may have made one, while this one was suspended */
    if (version && !find(env, site, hash, version)) link_body(b);
    *ret_body = b;
    return OK;
}

status cached_body_plan(struct sql_env *env, struct cached_body *b, uint16_t i, bool last) {
    const struct statement *old = b->statements[i];
    struct routine_body body = b->body;
    const struct routine *r;
    if (old && old->catalog_version && old->catalog_version == catalog_version(env)) return OK;
    if (b->raw[i]->stmt->kind == NODE_TRANSACTION)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "a transaction command is not allowed in an SQL function");
    TRY(catalog_routine(env, b->routine, &r)); /* the cached one may be of catalogs that are gone */
    body.routine = r;
    body.last = last;
    struct sql_env inner = *env;
    inner.body = &body;
    inner.text = b->text;
    inner.text_len = strlen(b->text);
    struct statement *made;
    TRY(statement_prepare(&inner, b->raw[i], body.types, body.nargs, &made));
    if (b->statements[i]) statement_release(b->statements[i]);
    b->statements[i] = made;
    return OK;
}

/* ---- what catalogs tell ---------------------------------------------------------------------- */

struct snapshot routine_snapshot(const struct sql_env *env) {
    struct snapshot s = catalog_snapshot(env);
    if (env->txn->isolation != ISO_READ_COMMITTED) s.time = env->snapshot.time;
    s.own = (lsn){atomic_load_explicit(&env->proc->shm->log->tail, memory_order_acquire)};
    return s;
}

status routine_owner_name(struct sql_env *env, oid owner, struct arena *arena,
                          const char **ret_name) {
    status st = role_name(env, owner, env->eval.arena, ret_name);
    if (ok(st) && !(*ret_name = arena_strndup(arena, *ret_name, strlen(*ret_name))))
        return STATUS(OUT_OF_MEMORY);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "role with OID %u does not exist",
                     owner);
}
