/* define_drop_fixed.c: DROP of the kinds of object that nobody can make: what is named is built in,
 * which is refused, or it is not there, which is said. */
#include "catalog/define_cast.h"
#include "catalog/define_function.h"
#include "catalog/define_internal.h"
#include "catalog/define_operator.h"
#include "types/reg_operator.h"
#include "types/resolution.h"

struct fixed_kind {
    enum ast_object_type type;
    const char *word;
    bool in_schema; /* its names are looked for along the search path */
    enum catalog_number catalog;
    int name_column;
    const char *parent; /* of the objects of a table: what the table is called; NULL: none */
};

static const struct fixed_kind kinds[] = {
    {OBJECT_CONVERSION, "conversion", true, CAT_pg_conversion, COL_pg_conversion_conname, NULL},
    {OBJECT_TS_PARSER, "text search parser", true, CAT_pg_ts_parser, COL_pg_ts_parser_prsname,
     NULL},
    {OBJECT_TS_DICTIONARY, "text search dictionary", true, CAT_pg_ts_dict, COL_pg_ts_dict_dictname,
     NULL},
    {OBJECT_TS_TEMPLATE, "text search template", true, CAT_pg_ts_template,
     COL_pg_ts_template_tmplname, NULL},
    {OBJECT_TS_CONFIGURATION, "text search configuration", true, CAT_pg_ts_config,
     COL_pg_ts_config_cfgname, NULL},
    {OBJECT_STATISTICS, "statistics object", true, CAT_pg_statistic_ext,
     COL_pg_statistic_ext_stxname, NULL},
    {OBJECT_FOREIGN_TABLE, "foreign table", true, CAT_pg_foreign_table, 0, NULL},
    {OBJECT_LANGUAGE, "language", false, CAT_pg_language, COL_pg_language_lanname, NULL},
    {OBJECT_EXTENSION, "extension", false, CAT_pg_extension, COL_pg_extension_extname, NULL},
    {OBJECT_FDW, "foreign-data wrapper", false, CAT_pg_foreign_data_wrapper,
     COL_pg_foreign_data_wrapper_fdwname, NULL},
    {OBJECT_FOREIGN_SERVER, "server", false, CAT_pg_foreign_server, COL_pg_foreign_server_srvname,
     NULL},
    {OBJECT_USER_MAPPING, "server", false, CAT_pg_foreign_server, COL_pg_foreign_server_srvname,
     NULL},
    {OBJECT_ACCESS_METHOD, "access method", false, CAT_pg_am, COL_pg_am_amname, NULL},
    {OBJECT_EVENT_TRIGGER, "event trigger", false, CAT_pg_event_trigger,
     COL_pg_event_trigger_evtname, NULL},
    {OBJECT_PUBLICATION, "publication", false, CAT_pg_publication, COL_pg_publication_pubname,
     NULL},
    {OBJECT_SUBSCRIPTION, "subscription", false, CAT_pg_subscription, COL_pg_subscription_subname,
     NULL},
    {OBJECT_TABLESPACE, "tablespace", false, CAT_pg_tablespace, COL_pg_tablespace_spcname, NULL},
    {OBJECT_RULE, "rule", false, CAT_pg_rewrite, 0, "relation"},
    {OBJECT_TRIGGER, "trigger", false, CAT_pg_trigger, 0, "table"},
    {OBJECT_POLICY, "policy", false, CAT_pg_policy, 0, "table"},
};

static const struct fixed_kind *kind_of(enum ast_object_type type) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type) return &kinds[i];
    return NULL;
}

static bool has_args(enum ast_object_type type) {
    return type == OBJECT_OPERATOR || type == OBJECT_CAST || type == OBJECT_OPCLASS ||
           type == OBJECT_OPFAMILY;
}

bool define_drop_is_fixed(enum ast_object_type type) {
    return kind_of(type) || has_args(type);
}

/* ---- words ----------------------------------------------------------------------------------- */

static status required(struct sql_env *env, const char *what) {
    return what ? error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                            "cannot drop %s because it is required by the database system", what)
                : no_memory(env);
}

static status missing(struct sql_env *env, const struct ast_drop *s, enum status_code code,
                      const char *what) {
    if (!what) return no_memory(env);
    if (!s->if_exists) return error_set(env->eval.error, code, "%s does not exist", what);
    define_notice(env, "00000", "%s does not exist, skipping", what);
    return OK;
}

static const char *joined(struct sql_env *env, const struct list *names, int32_t n) {
    char *text = arena_strdup(env->eval.arena, "");
    for (int32_t i = 0; text && i < n; i++)
        text = arena_printf(env->eval.arena, "%s%s%s", text, i ? "." : "",
                            (const char *)list_at(names, i));
    return text;
}

/* *ret_done: its schema is not there, which has been said. */
static status check_schema(struct sql_env *env, const struct ast_drop *s, const struct list *names,
                           int32_t n, bool *ret_done) {
    oid schema;
    *ret_done = false;
    if (n < 2) return OK;
    const char *name = list_at(names, n - 2);
    status st = catalog_schema(env, name, &schema);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    *ret_done = true;
    return missing(env, s, ST_INVALID_SCHEMA_NAME,
                   arena_printf(env->eval.arena, "schema \"%s\"", name));
}

/* ---- by name --------------------------------------------------------------------------------- */

static status is_there(struct sql_env *env, const struct fixed_kind *k, const char *name,
                       bool *ret) {
    struct catalog_scan scan;
    status st;
    *ret = false;
    if (!k->name_column) return OK;
    TRY_OUT(st, catalog_scan_begin(env, k->catalog, 0, NULL, 0, &scan));
    while (!*ret && ok(st = catalog_scan_next(&scan)))
        *ret = strcmp(row_name(&scan.row, k->name_column), name) == 0;
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&scan);
    return st;
}

static status drop_named(struct sql_env *env, const struct ast_drop *s, const struct fixed_kind *k,
                         const struct list *names) {
    int32_t n = list_n(names);
    bool done = false, there;
    const char *text = joined(env, names, n);
    if (k->in_schema) TRY(check_schema(env, s, names, n, &done));
    if (done) return OK;
    TRY(is_there(env, k, list_at(names, n - 1), &there));
    if (there)
        return required(env, arena_printf(env->eval.arena, "%s %s", k->word, text ? text : ""));
    return missing(env, s, ST_UNDEFINED_OBJECT,
                   text ? arena_printf(env->eval.arena, "%s \"%s\"", k->word, text) : NULL);
}

/* ---- of a table ------------------------------------------------------------------------------ */

static status drop_of_table(struct sql_env *env, const struct ast_drop *s,
                            const struct fixed_kind *k, const struct list *names) {
    int32_t n = list_n(names) - 1;
    const char *name = list_at(names, n), *table = list_at(names, n - 1);
    const struct relation *r;
    bool done;
    TRY(check_schema(env, s, names, n, &done));
    if (done) return OK;
    status st = catalog_relation_named(env, n > 1 ? list_at(names, n - 2) : NULL, table, &r);
    if (status_is(st, ST_NOT_FOUND) || status_is(st, ST_UNDEFINED_TABLE)) {
        error_clear(env->eval.error);
        const char *text = joined(env, names, n);
        return missing(env, s, ST_UNDEFINED_TABLE,
                       text ? arena_printf(env->eval.arena, "relation \"%s\"", text) : NULL);
    }
    TRY(st);
    if (s->type == OBJECT_RULE && r->kind == 'v' && !strcmp(name, "_RETURN")) {
        st = error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                       "cannot drop rule _RETURN on view %s because view %s requires it", table,
                       table);
        error_hint(env->eval.error, "You can drop view %s instead.", table);
        return st;
    }
    return missing(env, s, ST_UNDEFINED_OBJECT,
                   arena_printf(env->eval.arena, "%s \"%s\" for %s \"%s\"", k->word, name,
                                s->if_exists ? "relation" : k->parent, table));
}

/* ---- by types -------------------------------------------------------------------------------- */

/* Of an operator's operands NULL is NONE. NOT_FOUND: one is not there, which has been said. */
static status read_types(struct sql_env *env, const struct ast_drop *s, const struct list *args,
                         oid types[2]) {
    types[0] = types[1] = 0;
    for (int32_t i = 0; i < list_n(args) && i < 2; i++) {
        struct ast_type_name *t = list_at(args, i);
        int32_t typmod;
        if (!t) continue;
        TRY(define_skip_unknown(env, type_from_ast(env, t, &types[i], &typmod), s->if_exists));
    }
    return OK;
}

static const char *type_words(struct sql_env *env, oid type) {
    return type ? type_format_name(env->eval.arena, type) : NULL;
}

static status drop_operator(struct sql_env *env, const struct ast_drop *s,
                            const struct ast_object_args *o) {
    int32_t n = list_n(o->names);
    const char *name = list_at(o->names, n - 1), *text = joined(env, o->names, n);
    struct arena *a = env->eval.arena;
    oid types[2], found;
    bool done;
    TRY(read_types(env, s, o->args, types));
    TRY(check_schema(env, s, o->names, n, &done));
    if (done) return OK;
    const char *left = type_words(env, types[0]), *right = type_words(env, types[1]);
    const char *signature =
        arena_printf(a, "%s(%s,%s)", name, left ? left : "none", right ? right : "none");
    if (!signature || !text) return no_memory(env);
    TRY(define_operator_find(env, o->names, types, &found));
    if (found) return define_drop_operator(env, found, s->cascade);
    if (ok(reg_operator_find(&env->eval, signature, &found)))
        return required(env, arena_printf(a, "operator %s", signature));
    error_clear(env->eval.error);
    if (s->if_exists) return missing(env, s, ST_OK, arena_printf(a, "operator %s", text));
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "operator does not exist: %s%s%s%s%s",
                     left ? left : "", left ? " " : "", text, right ? " " : "", right ? right : "");
}

/* As it is written, as messages of IF EXISTS have it. */
static const char *written(struct sql_env *env, const struct ast_type_name *t) {
    return joined(env, t->names, list_n(t->names));
}

static status drop_cast(struct sql_env *env, const struct ast_drop *s,
                        const struct ast_object_args *o) {
    struct arena *a = env->eval.arena;
    struct catalog_row row;
    oid types[2];
    TRY(read_types(env, s, o->args, types));
    datum keys[] = {datum_oid(types[0]), datum_oid(types[1])};
    const char *from = s->if_exists ? written(env, list_at(o->args, 0)) : type_words(env, types[0]);
    const char *to = s->if_exists ? written(env, list_at(o->args, 1)) : type_words(env, types[1]);
    const char *what =
        arena_printf(a, "cast from type %s to type %s", from ? from : "", to ? to : "");
    status st =
        catalog_row_get(env, CAT_pg_cast, OID_pg_cast_source_target_index, keys, 2, a, &row);
    if (status_is(st, ST_NOT_FOUND)) return missing(env, s, ST_UNDEFINED_OBJECT, what);
    TRY(st);
    if (row_oid(&row, COL_pg_cast_oid) >= FIRST_USER_OID)
        return define_drop_cast(env, &row, s->cascade);
    return required(env, arena_printf(a, "cast from %s to %s", type_words(env, types[0]),
                                      type_words(env, types[1])));
}

/* ---- operator classes and families ----------------------------------------------------------- */

static status method_oid(struct sql_env *env, const char *name, oid *ret) {
    struct catalog_row row;
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    status st =
        catalog_row_get(env, CAT_pg_am, OID_pg_am_name_index, keys, 1, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "access method \"%s\" does not exist", name);
    TRY(st);
    *ret = row_oid(&row, COL_pg_am_oid);
    return OK;
}

static status drop_class(struct sql_env *env, const struct ast_drop *s,
                         const struct ast_object_args *o) {
    bool family = s->type == OBJECT_OPFAMILY, done, there = false;
    const char *word = family ? "operator family" : "operator class";
    int32_t n = list_n(o->names);
    const char *name = list_at(o->names, n - 1), *text = joined(env, o->names, n);
    struct catalog_scan scan;
    oid method;
    status st;
    TRY(method_oid(env, o->access_method, &method));
    TRY(check_schema(env, s, o->names, n, &done));
    if (done) return OK;
    enum catalog_number catalog = family ? CAT_pg_opfamily : CAT_pg_opclass;
    TRY_OUT(st, catalog_scan_begin(env, catalog, 0, NULL, 0, &scan));
    while (!there && ok(st = catalog_scan_next(&scan)))
        there = family ? row_oid(&scan.row, COL_pg_opfamily_opfmethod) == method &&
                             !strcmp(row_name(&scan.row, COL_pg_opfamily_opfname), name)
                       : row_oid(&scan.row, COL_pg_opclass_opcmethod) == method &&
                             !strcmp(row_name(&scan.row, COL_pg_opclass_opcname), name);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&scan);
    TRY(st);
    struct arena *a = env->eval.arena;
    const char *end = arena_printf(a, "for access method \"%s\"", o->access_method);
    if (!end || !text) return no_memory(env);
    if (there)
        return required(
            env, arena_printf(a, "%s %s for access method %s", word, text, o->access_method));
    if (!s->if_exists)
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "%s \"%s\" does not exist %s", word,
                         text, end);
    define_notice(env, "00000", "%s \"%s\" does not exist %s, skipping", word, text, end);
    return OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

static status drop_with_args(struct sql_env *env, const struct ast_drop *s,
                             const struct ast_object_args *o) {
    status st;
    switch (s->type) {
    case OBJECT_OPERATOR: st = drop_operator(env, s, o); break;
    case OBJECT_CAST: st = drop_cast(env, s, o); break;
    default: st = drop_class(env, s, o); break;
    }
    if (!ok(st)) env->eval.error->position = 0; /* what DROP names has none */
    return status_is(st, ST_NOT_FOUND) && s->if_exists ? OK : st;
}

status define_drop_fixed(struct sql_env *env, const struct ast_drop *s) {
    const struct fixed_kind *k = kind_of(s->type);
    LIST_EACH(struct node *, n, s->objects) {
        if (n->kind == NODE_OBJECT_ARGS && has_args(s->type)) {
            TRY(drop_with_args(env, s, (const struct ast_object_args *)n));
            continue;
        }
        if (n->kind != NODE_NAME_LIST || !k) return define_unsupported(env, "this form of DROP");
        const struct list *names = ((const struct ast_name_list *)n)->names;
        TRY(k->parent ? drop_of_table(env, s, k, names) : drop_named(env, s, k, names));
    }
    return OK;
}
