/* routine_cache.h: plans of SQL functions' statements, kept by the worker for all its sessions.
 *
 * A body is kept for the types of a call, the search path, the user and the database; each of its
 * statements is planned when it is first run, and again when catalogs have changed. */
#ifndef EXEC_ROUTINE_CACHE_H
#define EXEC_ROUTINE_CACHE_H

#include "catalog/routine.h"
#include "exec/statement.h"
#include "types/function.h"

struct cached_body {
    struct cached_body *next; /* in the bucket */
    struct cached_body *newer, *older;
    uint64_t hash;
    uint64_t version; /* of the catalogs that it was parsed for; 0: it is in no bucket */
    uint32_t references;
    struct arena arena;
    oid routine, database, user;
    const char *search_path, *text;
    uint16_t nargs;
    const oid *arg_types;
    oid result;
    uint16_t nshape; /* of a record: the columns that the call defines; 0: it does not */
    const oid *shape;
    struct routine_body body;
    uint16_t n;
    const struct raw_stmt **raw;
    struct statement **statements; /* NULL: not planned yet */
};

/* The body for a call; one reference for the caller. */
status cached_body_get(struct sql_env *env, const struct fn_site *site, const struct routine *r,
                       struct cached_body **ret_body);
void cached_body_release(struct cached_body *b);
/* Plans statement i unless it is planned for the catalogs as they are. */
status cached_body_plan(struct sql_env *env, struct cached_body *b, uint16_t i, bool last);

/* What a volatile function's next statement sees. */
struct snapshot routine_snapshot(const struct sql_env *env);
status routine_owner_name(struct sql_env *env, oid owner, struct arena *arena,
                          const char **ret_name);

#endif
