/* define_collation.c: CREATE and ALTER COLLATION. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"

#define ENCODING_UTF8 6
#define ENCODING_ANY (-1)

struct collation_facts {
    oid schema;
    const char *name;
    char provider;
    bool deterministic;
    int32_t encoding;
    const char *collate, *ctype; /* of libc */
    const char *icu_locale, *version;
};

/* ---- what is written ------------------------------------------------------------------------- */

/* A string, or the word that a type's name stands for. */
static const char *option_text(const struct ast_def_elem *o) {
    if (!o->value) return NULL;
    if (o->value->kind == NODE_LITERAL) return ((const struct ast_literal *)o->value)->text;
    if (o->value->kind != NODE_TYPE_NAME) return NULL;
    const struct list *names = ((const struct ast_type_name *)o->value)->names;
    return list_at(names, list_n(names) - 1);
}

struct collation_options {
    const struct ast_def_elem *from, *locale, *collate, *ctype, *provider, *deterministic, *version;
};

static status read_options(struct sql_env *env, const struct list *list,
                           struct collation_options *ret) {
    struct {
        const char *name;
        const struct ast_def_elem **option;
    } known[] = {{"from", &ret->from},          {"locale", &ret->locale},
                 {"lc_collate", &ret->collate}, {"lc_ctype", &ret->ctype},
                 {"provider", &ret->provider},  {"deterministic", &ret->deterministic},
                 {"version", &ret->version}};
    LIST_EACH(struct ast_def_elem *, o, list) {
        size_t i = 0, n = sizeof known / sizeof *known;
        while (i < n && strcmp(known[i].name, o->name)) i++;
        if (i == n)
            return define_at(env, &o->node,
                             error_set(env->eval.error, ST_SYNTAX_ERROR,
                                       "collation attribute \"%s\" not recognized", o->name));
        if (*known[i].option) return define_conflicting(env, o);
        *known[i].option = o;
    }
    return OK;
}

static status refuse_mixture(struct sql_env *env, const struct collation_options *o, int32_t n) {
    const char *detail = NULL;
    if (o->locale && (o->collate || o->ctype))
        detail = "LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE.";
    else if (o->from && n != 1)
        detail = "FROM cannot be specified together with any other options.";
    if (!detail) return OK;
    status st = error_set(env->eval.error, ST_SYNTAX_ERROR, "conflicting or redundant options");
    error_detail(env->eval.error, "%s", detail);
    return st;
}

static status must_be_given(struct sql_env *env, const char *name) {
    return error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                     "parameter \"%s\" must be specified", name);
}

static status of_another(struct sql_env *env, const struct ast_def_elem *from,
                         struct collation_facts *f) {
    struct arena *a = env->eval.arena;
    struct catalog_row row;
    oid other;
    const struct list *names = from->value && from->value->kind == NODE_TYPE_NAME
                                   ? ((const struct ast_type_name *)from->value)->names
                                   : NULL;
    int32_t n = list_n(names);
    if (!n) return must_be_given(env, "from");
    TRY(catalog_collation_named(env, n > 1 ? list_at(names, n - 2) : NULL, list_at(names, n - 1),
                                &other));
    if (other == COLLATION_DEFAULT)
        return error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                         "collation \"default\" cannot be copied");
    TRY(catalog_row_get_oid(env, CAT_pg_collation, other, a, &row));
    f->provider = row_char(&row, COL_pg_collation_collprovider);
    f->deterministic = row_bool(&row, COL_pg_collation_collisdeterministic);
    f->encoding = row_int4(&row, COL_pg_collation_collencoding);
    f->collate = row_text(a, &row, COL_pg_collation_collcollate);
    f->ctype = row_text(a, &row, COL_pg_collation_collctype);
    f->icu_locale = row_text(a, &row, COL_pg_collation_colliculocale);
    return OK;
}

/* Of the system's locales those that order by bytes. */
static status check_libc(struct sql_env *env, const char *locale) {
    static const char *const known[] = {"C", "POSIX", "C.utf8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i], locale)) return OK;
    status st = error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                          "could not create locale \"%s\": No such file or directory", locale);
    error_detail(env->eval.error,
                 "The operating system could not find any locale data for the locale name \"%s\".",
                 locale);
    return st;
}

static status of_libc(struct sql_env *env, const struct collation_options *o,
                      struct collation_facts *f) {
    const char *both = o->locale ? option_text(o->locale) : NULL;
    f->collate = o->collate ? option_text(o->collate) : both;
    f->ctype = o->ctype ? option_text(o->ctype) : both;
    if (!f->collate) return must_be_given(env, "lc_collate");
    if (!f->ctype) return must_be_given(env, "lc_ctype");
    f->encoding = ENCODING_UTF8;
    TRY(check_libc(env, f->collate));
    return check_libc(env, f->ctype);
}

static status of_icu(struct sql_env *env, const struct collation_options *o,
                     struct collation_facts *f) {
    const struct collator *c;
    f->icu_locale = o->locale ? option_text(o->locale) : NULL;
    f->encoding = ENCODING_ANY;
    if (!f->icu_locale) return must_be_given(env, "locale");
    return collator_open(f->icu_locale, f->deterministic, env->eval.error, &c);
}

static status read_deterministic(struct sql_env *env, const struct ast_def_elem *o, bool *ret) {
    static const char *const yes[] = {"true", "on", "1"}, *const no[] = {"false", "off", "0"};
    const char *text = o->value ? option_text(o) : "true";
    for (int i = 0; i < 3; i++) {
        if (text && !strcasecmp(text, yes[i])) return *ret = true, OK;
        if (text && !strcasecmp(text, no[i])) return *ret = false, OK;
    }
    return error_set(env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", o->name);
}

static status from_options(struct sql_env *env, const struct collation_options *o,
                           struct collation_facts *f) {
    const char *provider = o->provider ? option_text(o->provider) : "libc";
    f->deterministic = true;
    if (o->deterministic) TRY(read_deterministic(env, o->deterministic, &f->deterministic));
    if (o->version) f->version = option_text(o->version);
    f->provider = provider && !strcasecmp(provider, "icu")    ? 'i'
                  : provider && !strcasecmp(provider, "libc") ? 'c'
                                                              : 0;
    if (!f->provider)
        return error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                         "unrecognized collation provider: %s", provider ? provider : "");
    TRY(f->provider == 'i' ? of_icu(env, o, f) : of_libc(env, o, f));
    if (!f->deterministic && f->provider != 'i')
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "nondeterministic collations not supported with this provider");
    return OK;
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static status is_free(struct sql_env *env, const struct collation_facts *f, bool if_not_exists,
                      bool *ret_free) {
    oid found;
    const char *encoding = f->encoding == ENCODING_ANY ? "" : " for encoding \"UTF8\"";
    status st = collation_in_schema(env, f->schema, f->name, &found);
    *ret_free = status_is(st, ST_NOT_FOUND);
    if (*ret_free || !ok(st)) return *ret_free ? OK : st;
    if (!if_not_exists)
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT, "collation \"%s\"%s already exists",
                         f->name, encoding);
    define_notice(env, "42710", "collation \"%s\"%s already exists, skipping", f->name, encoding);
    return OK;
}

static status set_texts(struct sql_env *env, struct catalog_row *row,
                        const struct collation_facts *f) {
    struct arena *a = env->eval.arena;
    char version[32];
    if (f->collate) TRY(row_set_text(a, row, COL_pg_collation_collcollate, f->collate));
    if (f->ctype) TRY(row_set_text(a, row, COL_pg_collation_collctype, f->ctype));
    if (f->version) TRY(row_set_text(a, row, COL_pg_collation_collversion, f->version));
    if (!f->icu_locale) return OK;
    TRY(row_set_text(a, row, COL_pg_collation_colliculocale, f->icu_locale));
    if (f->version) return OK;
    TRY(collator_version(f->icu_locale, env->eval.error, version));
    return row_set_text(a, row, COL_pg_collation_collversion, version);
}

static status insert_collation(struct sql_env *env, const struct collation_facts *f) {
    struct catalog_row row;
    oid id;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_collation);
    row_set_oid(&row, COL_pg_collation_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_collation_collname, f->name));
    row_set_oid(&row, COL_pg_collation_collnamespace, f->schema);
    row_set_oid(&row, COL_pg_collation_collowner, env->settings->user_oid);
    row_set_char(&row, COL_pg_collation_collprovider, f->provider);
    row_set_bool(&row, COL_pg_collation_collisdeterministic, f->deterministic);
    row_set_int(&row, COL_pg_collation_collencoding, f->encoding);
    TRY(set_texts(env, &row, f));
    return catalog_row_insert(env, CAT_pg_collation, &row);
}

status define_create_collation(struct sql_env *env, const struct ast_create_collation *s) {
    struct collation_options o = {0};
    struct collation_facts f = {0};
    const char *schema_name;
    int32_t n = list_n(s->names);
    bool free;
    f.name = list_at(s->names, n - 1);
    TRY(schema_for_creation(env, n > 1 ? list_at(s->names, n - 2) : NULL, &f.schema));
    TRY(schema_name_of(env, f.schema, env->eval.arena, &schema_name));
    TRY(define_refuse_catalog_schema(env, f.schema, schema_name, f.name));
    TRY(read_options(env, s->options, &o));
    TRY(refuse_mixture(env, &o, list_n(s->options)));
    TRY(o.from ? of_another(env, o.from, &f) : from_options(env, &o, &f));
    TRY(is_free(env, &f, s->if_not_exists, &free));
    return free ? insert_collation(env, &f) : OK;
}

/* ---- ALTER ----------------------------------------------------------------------------------- */

static status owned_collation(struct sql_env *env, const struct list *names, oid *ret) {
    int32_t n = list_n(names);
    TRY(catalog_collation_named(env, n > 1 ? list_at(names, n - 2) : NULL, list_at(names, n - 1),
                                ret));
    return privilege_check_owner(env, OID_pg_collation, *ret);
}

static status set_version(struct sql_env *env, struct catalog_row *row, void *arg) {
    return row_set_text(env->eval.arena, row, COL_pg_collation_collversion, arg);
}

status define_refresh_collation(struct sql_env *env, const struct ast_refresh_collation *s) {
    struct catalog_row row;
    oid id;
    const char *was, *locale;
    char is[32];
    TRY(owned_collation(env, s->names, &id));
    TRY(catalog_row_get_oid(env, CAT_pg_collation, id, env->eval.arena, &row));
    was = row_text(env->eval.arena, &row, COL_pg_collation_collversion);
    locale = row_text(env->eval.arena, &row, COL_pg_collation_colliculocale);
    if (!locale || !was) {
        define_notice(env, "00000", "version has not changed");
        return OK;
    }
    TRY(collator_version(locale, env->eval.error, is));
    if (!strcmp(was, is)) {
        define_notice(env, "00000", "version has not changed");
        return OK;
    }
    define_notice(env, "00000", "changing version from %s to %s", was, is);
    return define_update_row(env, OID_pg_collation, id, set_version, is);
}

struct new_place {
    const char *name; /* NULL: as it is */
    oid schema;       /* 0: likewise */
};

static status set_place(struct sql_env *env, struct catalog_row *row, void *arg) {
    const struct new_place *p = arg;
    if (p->schema) row_set_oid(row, COL_pg_collation_collnamespace, p->schema);
    if (!p->name) return OK;
    return row_set_name(env->eval.arena, row, COL_pg_collation_collname, p->name);
}

/* A new name, or a new schema. */
static status place(struct sql_env *env, oid id, const char *name, const char *new_schema) {
    struct catalog_row row;
    struct new_place p = {.name = name};
    const char *schema_name;
    oid found;
    TRY(catalog_row_get_oid(env, CAT_pg_collation, id, env->eval.arena, &row));
    oid schema = row_oid(&row, COL_pg_collation_collnamespace);
    if (new_schema) TRY(schema_for_creation(env, new_schema, &p.schema));
    if (p.schema == schema) return OK;
    if (p.schema) schema = p.schema;
    if (!name) name = row_name(&row, COL_pg_collation_collname);
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    status st = collation_in_schema(env, schema, name, &found);
    if (ok(st))
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                         "collation \"%s\"%s already exists in schema \"%s\"", name,
                         row_int4(&row, COL_pg_collation_collencoding) == ENCODING_ANY
                             ? ""
                             : " for encoding \"UTF8\"",
                         schema_name);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    return define_update_row(env, OID_pg_collation, id, set_place, &p);
}

status define_rename_collation(struct sql_env *env, const struct ast_rename *s) {
    oid id;
    TRY(owned_collation(env, ((const struct ast_name_list *)s->object)->names, &id));
    return place(env, id, s->new_name, NULL);
}

status define_move_collation(struct sql_env *env, const struct ast_alter_object *s) {
    oid id;
    TRY(owned_collation(env, ((const struct ast_name_list *)s->object)->names, &id));
    return place(env, id, NULL, s->new_schema);
}
