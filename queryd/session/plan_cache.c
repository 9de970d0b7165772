#include "session/plan_cache.h"

#include <stdlib.h>
#include <string.h>

/* What a plan depends on besides its text; compared byte by byte. */
struct around {
    uint32_t user, database;
    uint64_t styles;
    struct plan_settings planning;
};

struct key {
    const char *text;
    size_t len;
    const oid *types;
    uint16_t ntypes;
    const char *search_path;
    struct around around;
};

/* What texts of values mean and look like: literals stand in plans as values. */
static uint64_t styles_of(const struct session_env *s) {
    uint64_t styles = (uint64_t)s->date_order | (uint64_t)s->date_style << 4 |
                      (uint64_t)s->interval_style << 8 | (uint64_t)s->bytea_output << 12 |
                      (uint64_t)(s->extra_float_digits & 0xFF) << 16;
    return styles << 40 ^ (uintptr_t)s->time_zone;
}

static struct key key_of(const struct sql_env *env, const char *text, size_t len, const oid *types,
                         uint16_t ntypes) {
    struct key k = {.text = text,
                    .len = len,
                    .types = types,
                    .ntypes = ntypes,
                    .search_path = env->settings->search_path};
    k.around.user = env->settings->user_oid;
    k.around.database = env->settings->database_oid;
    k.around.styles = styles_of(env->eval.session);
    k.around.planning = env->settings->planning;
    return k;
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (; n >= 8; p += 8, n -= 8) h = (h ^ load_le64(p)) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    for (; n; p++, n--) h = (h ^ *p) * 0x100000001b3u;
    return h;
}

static uint64_t hash_of(const struct key *k) {
    uint64_t h = mix(k->len * 31, k->text, k->len);
    h = mix(h, &k->around, sizeof k->around);
    h = mix(h, k->types, k->ntypes * sizeof *k->types);
    return mix(h, k->search_path, strlen(k->search_path));
}

uint64_t plan_cache_fingerprint(const char *text, size_t len) {
    uint64_t h = mix(len * 31, text, len);
    return h ? h : 1;
}

/* text, types, path, what is around: one after another, as stored with the plan */
static char *join(const struct key *k, size_t *ret_len) {
    size_t path = strlen(k->search_path), types = k->ntypes * sizeof *k->types;
    size_t len = k->len + 1 + types + path + 1 + sizeof k->around;
    char *bytes = malloc(len), *at = bytes;
    if (!bytes) return NULL;
    memcpy(at, k->text, k->len);
    at[k->len] = '\0';
    at += k->len + 1;
    if (types) memcpy(at, k->types, types);
    at += types;
    memcpy(at, k->search_path, path + 1);
    memcpy(at + path + 1, &k->around, sizeof k->around);
    *ret_len = len;
    return bytes;
}

static bool same(const struct cached_plan *p, const struct key *k) {
    size_t path = strlen(k->search_path), types = k->ntypes * sizeof *k->types;
    if (p->key_len != k->len + 1 + types + path + 1 + sizeof k->around) return false;
    const char *at = p->key;
    if (memcmp(at, k->text, k->len) != 0 || at[k->len] != '\0') return false;
    at += k->len + 1;
    if (types && memcmp(at, k->types, types) != 0) return false;
    at += types;
    return memcmp(at, k->search_path, path + 1) == 0 &&
           memcmp(at + path + 1, &k->around, sizeof k->around) == 0;
}

static void unlink_use(struct plan_cache *c, struct cached_plan *p) {
    *(p->newer ? &p->newer->older : &c->newest) = p->older;
    *(p->older ? &p->older->newer : &c->oldest) = p->newer;
}

static void link_newest(struct plan_cache *c, struct cached_plan *p) {
    p->newer = NULL;
    p->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = p;
    c->newest = p;
}

static void drop(struct plan_cache *c, struct cached_plan *p) {
    struct cached_plan **at = &c->bucket[p->hash % PLAN_CACHE_BUCKETS];
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    unlink_use(c, p);
    statement_release(p->statement);
    free(p->key);
    free(p);
    c->n--;
}

static struct cached_plan *find(struct plan_cache *c, const struct key *k, uint64_t hash) {
    for (struct cached_plan *p = c->bucket[hash % PLAN_CACHE_BUCKETS]; p; p = p->next)
        if (p->hash == hash && same(p, k)) return p;
    return NULL;
}

struct statement *plan_cache_get(struct plan_cache *c, const struct sql_env *env, const char *text,
                                 size_t len, const oid *types, uint16_t ntypes) {
    uint64_t version = catalog_version(env);
    if (!version) return NULL;
    struct key k = key_of(env, text, len, types, ntypes);
    struct cached_plan *p = find(c, &k, hash_of(&k));
    if (!p) return NULL;
    if (p->statement->catalog_version != version) {
        drop(c, p);
        return NULL;
    }
    if (p->statement->since > env->snapshot.time) return NULL; /* another one needs it */
    if (c->newest != p) {
        unlink_use(c, p);
        link_newest(c, p);
    }
    p->statement->references++;
    return p->statement;
}

void plan_cache_put(struct plan_cache *c, const struct sql_env *env, const char *text, size_t len,
                    const oid *types, uint16_t ntypes, struct statement *s) {
    if (!s->catalog_version) return;
    struct key k = key_of(env, text, len, types, ntypes);
    uint64_t hash = hash_of(&k);
    struct cached_plan *old = find(c, &k, hash);
    if (old) drop(c, old);
    if (c->n == PLAN_CACHE_PLANS_MAX) drop(c, c->oldest);
    struct cached_plan *p = calloc(1, sizeof *p);
    if (!p) return; /* a cache may forget */
    p->key = join(&k, &p->key_len);
    if (!p->key) {
        free(p);
        return;
    }
    p->hash = hash;
    p->statement = s;
    s->references++;
    p->next = c->bucket[hash % PLAN_CACHE_BUCKETS];
    c->bucket[hash % PLAN_CACHE_BUCKETS] = p;
    link_newest(c, p);
    c->n++;
}

void plan_cache_clear(struct plan_cache *c) {
    while (c->oldest) drop(c, c->oldest);
}
