/* plan_cache.h: plans by the text of their statement, shared by a worker's sessions.
 *
 * The key is everything that the analysis of a text depends on besides the catalogs: the text, the
 * declared parameter types, the search path, the user and the styles of dates and the like. What
 * catalogs it was planned for stands in the statement; a plan made for others is dropped when it is
 * met. */
#ifndef SESSION_PLAN_CACHE_H
#define SESSION_PLAN_CACHE_H

#include "catalog/catalog.h"
#include "exec/statement.h"

#define PLAN_CACHE_BUCKETS 4096
#define PLAN_CACHE_PLANS_MAX 2048

struct cached_plan {
    struct cached_plan *next;          /* in the bucket */
    struct cached_plan *newer, *older; /* in order of use */
    uint64_t hash;
    char *key;
    size_t key_len;
    struct statement *statement; /* one reference */
};

struct plan_cache {
    struct cached_plan *bucket[PLAN_CACHE_BUCKETS];
    struct cached_plan *newest, *oldest;
    uint32_t n;
};

/* Names a text, in every worker alike; never 0. */
uint64_t plan_cache_fingerprint(const char *text, size_t len);
/* NULL: none. The caller gets a reference of its own. */
struct statement *plan_cache_get(struct plan_cache *c, const struct sql_env *env, const char *text,
                                 size_t len, const oid *types, uint16_t ntypes);
/* Takes a reference of its own, unless the plan is for one execution only. */
void plan_cache_put(struct plan_cache *c, const struct sql_env *env, const char *text, size_t len,
                    const oid *types, uint16_t ntypes, struct statement *s);
void plan_cache_clear(struct plan_cache *c);

#endif
