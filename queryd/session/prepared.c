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

void prepared_forget(struct session *s) {
    for (struct prepared *p = s->prepared, *next; p; p = next) {
        next = p->next;
        prepared_release(p);
    }
    s->prepared = NULL;
}

void prepared_drop(struct session *s, const char *name) {
    if (!name || *name) session_note_effect(s);
    for (struct prepared **at = &s->prepared; *at;) {
        struct prepared *p = *at;
        if (name ? strcmp(p->name, name) != 0 : !*p->name) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        session_statement_drop(s->slot, p->name);
        prepared_release(p);
    }
}

status session_read_text(struct session *s, const char **text) {
    if (strcmp(setting_show(s, SETTING_standard_conforming_strings), "on") == 0) return OK;
    if (!strchr(*text, '\'')) return OK;
    return parse_mark_escapes(&s->statement_arena, *text, strlen(*text), &s->error, text);
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

/* A utility statement or a definition uses no parameters, from which their types could be found. */
static status check_types_known(struct session *s, const struct prepared *p) {
    for (uint16_t i = 0; i < p->ntypes; i++)
        if (p->types[i] == 0 || p->types[i] == UNKNOWNOID)
            return error_set(&s->error, ST_INDETERMINATE_DATATYPE,
                             "could not determine data type of parameter $%d", i + 1);
    return OK;
}

/* Looks in the cache, else plans; a utility statement's tree stays in the prepared statement. */
static status plan(struct session *s, struct prepared *p) {
    struct plan_cache *cache = &s->worker->plans;
    size_t len = p->text_len;
    s->env.text = p->text;
    s->env.text_len = len;
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, len));
    if (s->block != BLOCK_FAILED)
        p->statement = plan_cache_get(cache, &s->env, p->text, len, p->types, p->ntypes);
    if (p->statement) return OK;
    struct raw_stmt *raw = NULL;
    TRY(parse_one(s, &p->arena, p->text, len, &raw));
    if (!raw) return OK;
    if (utility_is(raw->stmt)) {
        TRY(block_check_failed(s, raw->stmt));
        TRY(check_types_known(s, p));
        p->utility = raw->stmt;
        return OK;
    }
    TRY(block_check_failed(s, NULL));
    TRY(block_statement_begin(s));
    TRY(statement_prepare(&s->env, raw, p->types, p->ntypes, &p->statement));
    if (p->statement->kind == STATEMENT_DEFINE) TRY(check_types_known(s, p));
    plan_cache_put(cache, &s->env, p->text, len, p->types, p->ntypes, p->statement);
    return OK;
}

status prepared_plan(struct session *s, struct prepared *p) {
    if (p->utility || (p->statement && p->statement->catalog_version &&
                       p->statement->catalog_version == catalog_version(&s->env) &&
                       p->statement->since <= s->env.snapshot.time))
        return OK;
    struct statement *old = p->statement;
    p->statement = NULL;
    status st = plan(s, p);
    if (ok(st) && old && p->statement && !statement_same_result(old, p->statement)) {
        statement_release(p->statement);
        st = error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                       "cached plan must not change result type");
    }
    if (ok(st)) {
        if (old) statement_release(old);
    } else {
        p->statement = old; /* what the client knows of it */
    }
    return st;
}

const oid *prepared_param_types(const struct prepared *p, uint16_t *ret_n) {
    bool declared = !p->statement || p->statement->nparams < p->ntypes; /* a definition uses none */
    *ret_n = declared ? p->ntypes : p->statement->nparams;
    return declared ? p->types : p->statement->param_types;
}

/* Its text, types and name in an arena of its own; not yet planned. */
static struct prepared *make(const struct session_statement *st, size_t len) {
    struct prepared *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->references = 1;
    arena_init(&p->arena, 0);
    p->name = arena_strdup(&p->arena, st->name);
    p->name_hash = hash_of(st->name);
    p->text = arena_strndup(&p->arena, st->text, len);
    p->text_len = len;
    p->fingerprint = plan_cache_fingerprint(st->text, len);
    p->types = arena_memdup(&p->arena, st->types, st->ntypes * sizeof *st->types);
    p->ntypes = st->ntypes;
    p->prepared_us = st->prepared_us;
    p->from_sql = st->flags & STATEMENT_FROM_SQL;
    if (p->text) p->fingerprint = plan_cache_fingerprint(p->text, len);
    if (p->name && p->text && p->types) return p;
    prepared_release(p);
    return NULL;
}

status prepared_restore(struct session *s, const struct session_statement *st) {
    struct prepared *p = make(st, strlen(st->text));
    if (!p) return STATUS(OUT_OF_MEMORY);
    p->next = s->prepared;
    s->prepared = p;
    return OK;
}

status prepared_store(struct session *s, const char *name, const char *text, size_t len,
                      const oid *types, uint16_t ntypes, bool from_sql,
                      struct prepared **ret_prepared) {
    if (!*name) prepared_drop(s, name);
    struct session_statement copy = {.name = name,
                                     .text = text,
                                     .types = types,
                                     .ntypes = ntypes,
                                     .flags = from_sql ? STATEMENT_FROM_SQL : 0,
                                     .prepared_us = s->values.statement_us};
    struct prepared *p = make(&copy, len);
    if (!p) return STATUS(OUT_OF_MEMORY);
    status st = plan(s, p);
    if (ok(st) && prepared_find(s, name))
        st = error_set(&s->error, ST_DUPLICATE_PREPARED_STATEMENT,
                       "prepared statement \"%s\" already exists", name);
    if (!ok(st)) {
        prepared_release(p);
        return st;
    }
    p->next = s->prepared;
    s->prepared = p;
    copy.text = p->text;
    if (!session_statement_put(s->slot, &copy)) s->slot->statements_lost = true;
    *ret_prepared = p;
    return OK;
}
