/* define_database_options.c: the options of CREATE and ALTER DATABASE, and which locale is good. */
#include <stdlib.h>

#include "catalog/define_database.h"

static const char *option_text(const struct ast_def_elem *o) {
    return o->value && o->value->kind == NODE_LITERAL ? ((const struct ast_literal *)o->value)->text
                                                      : NULL;
}

static status read_bool(struct sql_env *env, const struct ast_def_elem *o, bool *ret) {
    static const char *const yes[] = {"true", "on", "1"}, *const no[] = {"false", "off", "0"};
    const char *text = option_text(o);
    for (int i = 0; i < 3; i++) {
        if (!text || !strcasecmp(text, yes[i])) return *ret = true, OK;
        if (!strcasecmp(text, no[i])) return *ret = false, OK;
    }
    return error_set(env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", o->name);
}

static status read_int(struct sql_env *env, const struct ast_def_elem *o, int *ret) {
    const char *text = option_text(o);
    char *end = NULL;
    long n = text ? strtol(text, &end, 10) : 0;
    if (!text || !*text || *end || n != (int)n)
        return error_set(env->eval.error, ST_SYNTAX_ERROR, "%s requires an integer value", o->name);
    *ret = (int)n;
    return OK;
}

static status read_limit(struct sql_env *env, const struct ast_def_elem *o,
                         struct database_options *d) {
    TRY(read_int(env, o, &d->connection_limit));
    d->has_limit = true;
    if (d->connection_limit >= -1) return OK;
    return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE, "invalid connection limit: %d",
                     d->connection_limit);
}

static status read_encoding(struct sql_env *env, const struct ast_def_elem *o,
                            struct database_options *d) {
    const char *text = option_text(o), *words = "name";
    const struct ast_literal *l = text ? (const struct ast_literal *)o->value : NULL;
    if (l && l->kind == LITERAL_INTEGER) {
        words = "code";
        d->encoding = encoding_name(atoi(text)) ? (enum encoding)atoi(text) : ENCODING_NONE;
    } else {
        d->encoding = text ? encoding_named(text) : ENCODING_NONE;
    }
    if (encoding_is_server(d->encoding)) return OK;
    return define_at(env, &o->node,
                     error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                               "%s is not a valid encoding %s", text ? text : "", words));
}

static status read_provider(struct sql_env *env, const struct ast_def_elem *o,
                            struct database_options *d) {
    const char *text = option_text(o);
    if (text && !strcasecmp(text, "icu")) return d->locale.provider = 'i', OK;
    if (text && !strcasecmp(text, "libc")) return d->locale.provider = 'c', OK;
    return error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                     "unrecognized locale provider: %s", text ? text : "");
}

static status read_strategy(struct sql_env *env, const char *text) {
    if (!text || !strcasecmp(text, "wal_log") || !strcasecmp(text, "file_copy")) return OK;
    status st = error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                          "invalid create database strategy \"%s\"", text);
    error_hint(env->eval.error, "Valid strategies are \"wal_log\" and \"file_copy\".");
    return st;
}

static status read_tablespace(struct sql_env *env, const char *text) {
    if (!text || !strcmp(text, "pg_default")) return OK;
    if (!strcmp(text, "pg_global"))
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "pg_global cannot be used as default tablespace");
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist",
                     text);
}

/* The names stand for both parts of libc's locale before those that stand for one. */
static status read_locale(const struct ast_def_elem *o, struct database_options *d) {
    const char *text = option_text(o);
    if (!strcmp(o->name, "locale")) {
        if (!d->locale.collate) d->locale.collate = text;
        if (!d->locale.ctype) d->locale.ctype = text;
    } else if (!strcmp(o->name, "lc_collate")) {
        d->locale.collate = text;
    } else if (!strcmp(o->name, "lc_ctype")) {
        d->locale.ctype = text;
    } else if (!strcmp(o->name, "icu_locale")) {
        d->locale.icu_locale = text;
    } else {
        d->locale.version = text;
    }
    return OK;
}

static status not_recognized(struct sql_env *env, const struct ast_def_elem *o) {
    return define_at(
        env, &o->node,
        error_set(env->eval.error, ST_SYNTAX_ERROR, "option \"%s\" not recognized", o->name));
}

static bool is_one_of(const char *name, const char *const names[], size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

/* What CREATE and ALTER share; *ret_known false: it is none of those. */
static status read_fact(struct sql_env *env, const struct ast_def_elem *o,
                        struct database_options *d, bool *ret_known) {
    *ret_known = true;
    if (!strcmp(o->name, "connection_limit")) return read_limit(env, o, d);
    if (!strcmp(o->name, "is_template")) {
        d->has_is_template = true;
        return read_bool(env, o, &d->is_template);
    }
    if (!strcmp(o->name, "allow_connections")) {
        d->has_allows = true;
        return read_bool(env, o, &d->allows_connections);
    }
    if (!strcmp(o->name, "tablespace")) return read_tablespace(env, option_text(o));
    *ret_known = false;
    return OK;
}

static status read_one(struct sql_env *env, const struct ast_def_elem *o,
                       struct database_options *d) {
    static const char *const locales[] = {"locale", "lc_collate", "lc_ctype", "icu_locale",
                                          "collation_version"};
    const char *text = option_text(o);
    bool known;
    TRY(read_fact(env, o, d, &known));
    if (known) return OK;
    if (is_one_of(o->name, locales, sizeof locales / sizeof *locales)) return read_locale(o, d);
    if (!strcmp(o->name, "locale_provider")) return read_provider(env, o, d);
    if (!strcmp(o->name, "encoding")) return read_encoding(env, o, d);
    if (!strcmp(o->name, "strategy")) return read_strategy(env, text);
    if (!strcmp(o->name, "oid")) return define_unsupported(env, "CREATE DATABASE with an OID");
    if (!strcmp(o->name, "template")) return d->template = text ? text : d->template, OK;
    if (!strcmp(o->name, "owner")) return d->owner = text, OK;
    if (strcmp(o->name, "location")) return not_recognized(env, o);
    env->notice(env, "WARNING", "0A000", "LOCATION is not supported anymore", NULL);
    return OK;
}

static status refuse_twice(struct sql_env *env, const struct list *options, int32_t at) {
    const struct ast_def_elem *o = list_at(options, at);
    for (int32_t i = 0; i < at; i++)
        if (!strcmp(((const struct ast_def_elem *)list_at(options, i))->name, o->name))
            return define_conflicting(env, o);
    return OK;
}

status database_options_read(struct sql_env *env, const struct list *options,
                             struct database_options *ret) {
    *ret = (struct database_options){.template = "template1",
                                     .encoding = ENCODING_NONE,
                                     .connection_limit = -1,
                                     .allows_connections = true};
    LIST_EACH(const struct ast_def_elem *, o, options) {
        TRY(refuse_twice(env, options, o_i));
        TRY(read_one(env, o, ret));
    }
    return OK;
}

status database_options_read_alter(struct sql_env *env, const struct list *options,
                                   struct database_options *ret) {
    *ret = (struct database_options){0};
    LIST_EACH(const struct ast_def_elem *, o, options) {
        bool known;
        TRY(refuse_twice(env, options, o_i));
        TRY(read_fact(env, o, ret, &known));
        if (!known) return not_recognized(env, o);
    }
    return OK;
}

/* ---- locales --------------------------------------------------------------------------------- */

/* Of the system's locales those that order by bytes, by the name that setlocale gives them. */
static status canonical(struct sql_env *env, const char **name) {
    static const struct {
        const char *name, *as;
    } known[] = {{"C", "C"}, {"POSIX", "C"}, {"C.UTF-8", "C.UTF-8"}, {"C.utf8", "C.utf8"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, *name)) return *name = known[i].as, OK;
    return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "invalid locale name: \"%s\"", *name);
}

static status check_icu(struct sql_env *env, struct database_locale *l) {
    const struct collator *c;
    char version[32];
    if (l->provider != 'i' && l->icu_locale)
        return error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                         "ICU locale cannot be specified unless locale provider is ICU");
    if (l->provider != 'i') return OK;
    if (!l->icu_locale)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "ICU locale must be specified");
    TRY(collator_open(l->icu_locale, true, env->eval.error, &c));
    if (l->version) return OK;
    TRY(collator_version(l->icu_locale, env->eval.error, version));
    l->version = arena_strdup(env->eval.arena, version);
    return l->version ? OK : no_memory(env);
}

static status differs(struct sql_env *env, const char *words, const char *verb, const char *word,
                      const char *is, const char *was) {
    status st = error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                          "new %s (%s) %s of the template database (%s)", words, is, verb, was);
    error_hint(env->eval.error,
               "Use the same %s as in the template database, or use template0 as template.", word);
    return st;
}

#define INCOMPATIBLE(word) "is incompatible with the " word

static status check_same(struct sql_env *env, const struct database_options *o,
                         const struct database_locale *t) {
    const struct database_locale *l = &o->locale;
    if (o->encoding != ENCODING_UTF8)
        return differs(env, "encoding", INCOMPATIBLE("encoding"), "encoding",
                       encoding_name(o->encoding), "UTF8");
    if (strcmp(l->collate, t->collate))
        return differs(env, "collation", INCOMPATIBLE("collation"), "collation", l->collate,
                       t->collate);
    if (strcmp(l->ctype, t->ctype))
        return differs(env, "LC_CTYPE", INCOMPATIBLE("LC_CTYPE"), "LC_CTYPE", l->ctype, t->ctype);
    if (l->provider != t->provider)
        return differs(env, "locale provider", "does not match locale provider", "locale provider",
                       l->provider == 'i' ? "icu" : "libc", t->provider == 'i' ? "icu" : "libc");
    if (l->provider == 'i' && strcmp(l->icu_locale, t->icu_locale))
        return differs(env, "ICU locale", INCOMPATIBLE("ICU locale"), "ICU locale", l->icu_locale,
                       t->icu_locale);
    return OK;
}

status database_options_check(struct sql_env *env, oid template, bool free,
                              struct database_options *o) {
    struct database_locale t, *l = &o->locale;
    TRY(database_locale(env, template, &t));
    if (o->encoding == ENCODING_NONE) o->encoding = ENCODING_UTF8;
    if (!l->collate) l->collate = t.collate;
    if (!l->ctype) l->ctype = t.ctype;
    if (!l->provider) l->provider = t.provider;
    if (!l->icu_locale && l->provider == 'i') l->icu_locale = t.icu_locale;
    TRY(canonical(env, &l->collate));
    TRY(canonical(env, &l->ctype));
    TRY(check_icu(env, l));
    if (!free) TRY(check_same(env, o, &t));
    if (o->encoding != ENCODING_UTF8) return define_unsupported(env, "another encoding than UTF8");
    return OK;
}
