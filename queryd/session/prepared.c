/* Prepared statements. */
#include <stdlib.h>
#include <string.h>

#include "session/session_private.h"
#include "session/worker.h"

static uint64_t hash_of(const char *name) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

struct prepared *prepared_find(struct session *s, const char *name) {
    uint64_t hash = hash_of(name);
    for (struct prepared *p = s->prepared; p; p = p->next)
        if (p->name_hash == hash && strcmp(p->name, name) == 0) return p;
    return NULL;
}

void prepared_release(struct prepared *p) {
    if (--p->references) return;
    if (p->statement) statement_release(p->statement);
    arena_free(&p->arena);
    free(p);
}

void prepared_drop(struct session *s, const char *name) {
    for (struct prepared **at = &s->prepared; *at;) {
        struct prepared *p = *at;
        if (name && strcmp(p->name, name) != 0) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        session_statement_drop(s->slot, p->name);
        prepared_release(p);
    }
}

/* Parses the text into the given arena: one statement, or none (*ret_raw NULL). */
static status parse_one(struct session *s, struct arena *a, const char *text, size_t len,
                        struct raw_stmt **ret_raw) {
    struct list *statements;
    TRY(parse_sql(a, text, len, &s->error, &statements));
    if (list_n(statements) > 1)
        return error_set(&s->error, ST_SYNTAX_ERROR,
                         "cannot insert multiple commands into a prepared statement");
    *ret_raw = list_n(statements) ? list_at(statements, 0) : NULL;
    return OK;
}

/* Looks in the cache, else plans; a utility statement's tree stays in the prepared statement. */
static status plan(struct session *s, struct prepared *p) {
    struct plan_cache *cache = &s->worker->plans;
    size_t len = strlen(p->text);
    s->env.text = p->text;
    s->env.text_len = len;
    if (s->block != BLOCK_FAILED)
        p->statement = plan_cache_get(cache, &s->env, p->text, len, p->types, p->ntypes);
    if (p->statement) return OK;
    struct raw_stmt *raw = NULL;
    TRY(parse_one(s, &p->arena, p->text, len, &raw));
    if (!raw) return OK;
    if (utility_is(raw->stmt)) {
        TRY(block_check_failed(s, raw->stmt));
        p->utility = raw->stmt;
        return OK;
    }
    TRY(block_check_failed(s, NULL));
    TRY(block_statement_begin(s));
    TRY(statement_prepare(&s->env, raw, p->types, p->ntypes, &p->statement));
    plan_cache_put(cache, &s->env, p->text, len, p->types, p->ntypes, p->statement);
    return OK;
}

status prepared_plan(struct session *s, struct prepared *p) {
    if (p->utility || (p->statement && p->statement->catalog_version &&
                       p->statement->catalog_version == catalog_version(&s->env)))
        return OK;
    if (p->statement) statement_release(p->statement);
    p->statement = NULL;
    return plan(s, p);
}

status prepared_store(struct session *s, const char *name, const char *text, size_t len,
                      const oid *types, uint16_t ntypes, bool from_sql,
                      struct prepared **ret_prepared) {
    if (*name && prepared_find(s, name))
        return error_set(&s->error, ST_DUPLICATE_PREPARED_STATEMENT,
                         "prepared statement \"%s\" already exists", name);
    struct prepared *p = calloc(1, sizeof *p);
    if (!p) return STATUS(OUT_OF_MEMORY);
    p->references = 1;
    arena_init(&p->arena, 0);
    p->name = arena_strdup(&p->arena, name);
    p->name_hash = hash_of(name);
    p->text = arena_strndup(&p->arena, text, len);
    p->types = arena_memdup(&p->arena, types, ntypes * sizeof *types);
    p->ntypes = ntypes;
    p->prepared_us = s->values.statement_us;
    p->from_sql = from_sql;
    status st = p->name && p->text && p->types ? plan(s, p) : STATUS(OUT_OF_MEMORY);
    if (!ok(st)) {
        prepared_release(p);
        return st;
    }
    prepared_drop(s, name);
    p->next = s->prepared;
    s->prepared = p;
    const struct session_statement copy = {.name = name,
                                           .text = p->text,
                                           .types = types,
                                           .ntypes = ntypes,
                                           .flags = from_sql ? STATEMENT_FROM_SQL : 0,
                                           .prepared_us = p->prepared_us};
    if (!session_statement_put(s->slot, &copy)) s->slot->statements_lost = true;
    *ret_prepared = p;
    return OK;
}
