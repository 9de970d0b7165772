/* define_find.c: objects by what statements call them, and what messages call them. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"
#include "types/resolution.h"

/* ---- functions ------------------------------------------------------------------------------- */

struct search {
    const char *schema, *name;
    bool args_given;
    oid args[FUNCTION_ARGS_MAX];
    size_t nargs;
    oid found;
    unsigned n;
};

static status matches(struct sql_env *env, const struct catalog_row *row, const struct search *s,
                      bool *ret) {
    int64_t types[FUNCTION_ARGS_MAX];
    size_t n;
    *ret = false;
    if (strcmp(row_name(row, COL_pg_proc_proname), s->name)) return OK;
    if (s->schema) {
        const char *schema;
        TRY(schema_name_of(env, row_oid(row, COL_pg_proc_pronamespace), env->eval.arena, &schema));
        if (strcmp(schema, s->schema)) return OK;
    } else {
        bool in_path;
        TRY(schema_is_in_path(env, row_oid(row, COL_pg_proc_pronamespace), &in_path));
        if (!in_path) return OK;
    }
    *ret = true;
    if (!s->args_given) return OK;
    TRY(row_numbers(&env->eval, row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                    FUNCTION_ARGS_MAX, &n));
    *ret = n == s->nargs;
    for (size_t i = 0; i < n && *ret; i++) *ret = (oid)types[i] == s->args[i];
    return OK;
}

static bool is_of_kind(enum ast_object_type type, char kind) {
    switch (type) {
    case OBJECT_FUNCTION: return kind == 'f' || kind == 'w' || kind == 'a';
    case OBJECT_PROCEDURE: return kind == 'p';
    case OBJECT_AGGREGATE: return kind == 'a';
    default: return true;
    }
}

static status no_function(struct sql_env *env, enum ast_object_type type, const struct search *s) {
    const char *word = type == OBJECT_PROCEDURE   ? "procedure"
                       : type == OBJECT_AGGREGATE ? "aggregate"
                                                  : "function";
    struct buf args = {0};
    status st = OK;
    for (size_t i = 0; ok(st) && i < s->nargs; i++) {
        if (i) st = buf_add_str(&args, ", ");
        if (ok(st)) st = type_name_print(env, s->args[i], -1, &args);
    }
    if (ok(st) && s->args_given)
        st = error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "%s %s(%.*s) does not exist", word,
                       s->name, (int)args.len, args.data);
    else if (ok(st))
        st = error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "could not find a %s named \"%s\"",
                       word, s->name);
    buf_free(&args);
    return st;
}

static status look(struct sql_env *env, enum ast_object_type type, struct search *s) {
    struct catalog_scan scan;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_proc, 0, NULL, 0, &scan));
    while (ok(st = catalog_scan_next(&scan))) {
        bool it;
        TRY_OUT(st, matches(env, &scan.row, s, &it));
        if (!it || !is_of_kind(type, row_char(&scan.row, COL_pg_proc_prokind))) continue;
        s->found = row_oid(&scan.row, COL_pg_proc_oid);
        s->n++;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&scan);
    return st;
}

static status find_function(struct sql_env *env, enum ast_object_type type,
                            const struct ast_object_args *o, oid *ret) {
    int32_t n = list_n(o->names);
    status st;
    struct search s = {.schema = n > 1 ? list_at(o->names, n - 2) : NULL,
                       .name = list_at(o->names, n - 1),
                       .args_given = o->args_given};
    LIST_EACH(struct ast_type_name *, t, o->args) {
        int32_t typmod;
        if (s.nargs == FUNCTION_ARGS_MAX) break;
        TRY(type_from_ast(env, t, &s.args[s.nargs++], &typmod));
    }
    TRY(look(env, type, &s));
    if (!s.n) return no_function(env, type, &s);
    if (s.n > 1 && !s.args_given) {
        st = error_set(env->eval.error, ST_AMBIGUOUS_FUNCTION, "function name \"%s\" is not unique",
                       s.name);
        error_hint(env->eval.error,
                   "Specify the argument list to select the function unambiguously.");
        return st;
    }
    *ret = s.found;
    return OK;
}

/* One type of a list, up to a comma outside of brackets. */
static status next_type(struct sql_env *env, char **at, oid *ret) {
    int32_t typmod;
    int depth = 0;
    char *end = *at;
    for (; *end && (depth || *end != ','); end++) depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
    bool more = *end == ',';
    *end = 0;
    const char *word = *at + strspn(*at, " ");
    status st = type_parse_name(&env->eval, word, ret, &typmod);
    if (status_is(st, ST_NOT_FOUND)) st = catalog_type_named(env, NULL, word, ret);
    *at = more ? end + 1 : end;
    return st;
}

status define_find_signature(struct sql_env *env, const char *text, oid *ret) {
    char *copy = arena_strdup(env->eval.arena, text);
    if (!copy) return no_memory(env);
    char *open = strchr(copy, '('), *close = strrchr(copy, ')'), *dot;
    if (!open)
        return error_set(env->eval.error, ST_INVALID_TEXT_REPRESENTATION,
                         "expected a left parenthesis");
    if (!close)
        return error_set(env->eval.error, ST_INVALID_TEXT_REPRESENTATION,
                         "expected a right parenthesis");
    *open = *close = 0;
    struct search s = {.name = copy + strspn(copy, " "), .args_given = true};
    if ((dot = strchr(copy, '.'))) {
        *dot = 0;
        s.schema = s.name;
        s.name = dot + 1;
    }
    for (char *at = open + 1; *(at + strspn(at, " ")) && s.nargs < FUNCTION_ARGS_MAX;)
        TRY(next_type(env, &at, &s.args[s.nargs++]));
    TRY(look(env, OBJECT_ROUTINE, &s));
    *ret = s.found;
    return s.n ? OK
               : error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "function \"%s\" does not exist",
                           text);
}

/* ---- objects by name ------------------------------------------------------------------------- */

static status find_named(struct sql_env *env, enum catalog_number n, oid index, const char *name,
                         const char *word, enum status_code code, oid *ret) {
    struct catalog_row row;
    const char *key = strlen(name) < NAME_BYTES ? catalog_name(env->eval.arena, name) : "";
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    status st =
        *key ? catalog_row_get(env, n, index, keys, 1, env->eval.arena, &row) : STATUS(NOT_FOUND);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, code, "%s \"%s\" does not exist", word, name);
    TRY(st);
    *ret = row_oid(&row, 1);
    return OK;
}

static status find_type(struct sql_env *env, const struct list *names, bool domain, oid *ret) {
    int32_t n = list_n(names);
    const char *name = list_at(names, n - 1);
    struct catalog_row row;
    TRY(catalog_type_named(env, n > 1 ? list_at(names, n - 2) : NULL, name, ret));
    if (!domain) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_type, *ret, env->eval.arena, &row));
    if (row_char(&row, COL_pg_type_typtype) == 'd') return OK;
    return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a domain", name);
}

static const struct list *names_of(struct sql_env *env, const struct node *object,
                                   struct list **made) {
    if (object->kind == NODE_NAME_LIST) return ((const struct ast_name_list *)object)->names;
    if (object->kind == NODE_TYPE_NAME) return ((const struct ast_type_name *)object)->names;
    *made = NULL;
    if (object->kind == NODE_LITERAL)
        status_ignore(list_append(env->eval.arena, made, /* without memory there is no name */
                                  ((const struct ast_literal *)object)->text));
    return *made;
}

status define_find_object(struct sql_env *env, enum ast_object_type type, struct node *object,
                          struct object_address *ret) {
    struct list *made;
    *ret = (struct object_address){0};
    if (object->kind == NODE_OBJECT_ARGS) {
        ret->class_oid = OID_pg_proc;
        return find_function(env, type, (const struct ast_object_args *)object, &ret->object);
    }
    const struct list *names = names_of(env, object, &made);
    if (!names) return define_unsupported(env, "this kind of object");
    const char *name = list_at(names, list_n(names) - 1);
    switch (type) {
    case OBJECT_SCHEMA:
        ret->class_oid = OID_pg_namespace;
        return find_named(env, CAT_pg_namespace, OID_pg_namespace_nspname_index, name, "schema",
                          ST_INVALID_SCHEMA_NAME, &ret->object);
    case OBJECT_DATABASE:
        ret->class_oid = OID_pg_database;
        return find_named(env, CAT_pg_database, OID_pg_database_datname_index, name, "database",
                          ST_INVALID_CATALOG_NAME, &ret->object);
    case OBJECT_LANGUAGE:
        ret->class_oid = OID_pg_language;
        return find_named(env, CAT_pg_language, OID_pg_language_name_index, name, "language",
                          ST_UNDEFINED_OBJECT, &ret->object);
    case OBJECT_TABLESPACE:
        ret->class_oid = OID_pg_tablespace;
        return find_named(env, CAT_pg_tablespace, OID_pg_tablespace_spcname_index, name,
                          "tablespace", ST_UNDEFINED_OBJECT, &ret->object);
    case OBJECT_COLLATION:
        ret->class_oid = OID_pg_collation;
        return catalog_collation_named(
            env, list_n(names) > 1 ? list_at(names, list_n(names) - 2) : NULL, name, &ret->object);
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
        ret->class_oid = OID_pg_type;
        return find_type(env, names, type == OBJECT_DOMAIN, &ret->object);
    default: return define_unsupported(env, "this kind of object");
    }
}

/* ---- what messages call them ----------------------------------------------------------------- */

static status relation_text(struct sql_env *env, oid relation, int32_t part, const char **ret) {
    const struct relation *r;
    TRY(catalog_relation(env, relation, &r));
    TRY(define_relation_text(env, relation, r->kind, ret));
    if (r->kind == 'c') *ret = arena_printf(env->eval.arena, "composite %s", *ret);
    if (!*ret) return no_memory(env);
    if (!part || part > r->natts) return OK;
    *ret = arena_printf(env->eval.arena, "column %s of %s", r->atts[part - 1].name, *ret);
    return *ret ? OK : no_memory(env);
}

static status function_text(struct sql_env *env, oid function, struct buf *out) {
    struct catalog_row row;
    int64_t types[FUNCTION_ARGS_MAX];
    size_t n;
    bool in_path;
    TRY(catalog_row_get_oid(env, CAT_pg_proc, function, env->eval.arena, &row));
    oid schema = row_oid(&row, COL_pg_proc_pronamespace);
    TRY(buf_add_str(out, "function "));
    TRY(schema_is_in_path(env, schema, &in_path));
    if (!in_path) {
        const char *name;
        TRY(schema_name_of(env, schema, env->eval.arena, &name));
        TRY(print_identifier(out, name));
        TRY(buf_add_str(out, "."));
    }
    TRY(print_identifier(out, row_name(&row, COL_pg_proc_proname)));
    TRY(row_numbers(&env->eval, &row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                    FUNCTION_ARGS_MAX, &n));
    TRY(buf_add_str(out, "("));
    for (size_t i = 0; i < n; i++) {
        if (i) TRY(buf_add_str(out, ","));
        TRY(type_name_print(env, (oid)types[i], -1, out));
    }
    return buf_add_str(out, ")");
}

static status defaults_text(struct sql_env *env, oid id, struct buf *out) {
    struct catalog_row row;
    const struct role *r;
    TRY(catalog_row_get_oid(env, CAT_pg_default_acl, id, env->eval.arena, &row));
    char objects = row_char(&row, COL_pg_default_acl_defaclobjtype);
    const char *what = objects == 'r'   ? "relations"
                       : objects == 'S' ? "sequences"
                       : objects == 'f' ? "functions"
                       : objects == 'T' ? "types"
                                        : "schemas";
    TRY(role_get(env, row_oid(&row, COL_pg_default_acl_defaclrole), &r));
    TRY(buf_printf(out, "default privileges on new %s belonging to role %s", what, r->name));
    oid schema = row_oid(&row, COL_pg_default_acl_defaclnamespace);
    if (!schema) return OK;
    const char *name;
    TRY(schema_name_of(env, schema, env->eval.arena, &name));
    return buf_printf(out, " in schema %s", name);
}

static status print_object(struct sql_env *env, oid class_oid, oid object, struct buf *out) {
    const struct object_acl *o;
    if (class_oid == OID_pg_proc) return function_text(env, object, out);
    if (class_oid == OID_pg_default_acl) return defaults_text(env, object, out);
    if (class_oid == OID_pg_type) {
        TRY(buf_add_str(out, "type "));
        return type_name_print(env, object, -1, out);
    }
    TRY(privilege_object(env, class_oid, object, &o));
    return buf_printf(out, "%s %s", privilege_object_word(o), o->name);
}

status define_object_text(struct sql_env *env, oid class_oid, oid object, int32_t part,
                          const char **ret) {
    struct buf out = {0};
    status st;
    *ret = NULL;
    if (class_oid == OID_pg_class)
        st = relation_text(env, object, part, ret);
    else {
        st = print_object(env, class_oid, object, &out);
        if (ok(st)) *ret = arena_strndup(env->eval.arena, out.data, out.len);
        buf_free(&out);
    }
    if (status_is(st, ST_NOT_FOUND)) {
        *ret = arena_printf(env->eval.arena, "object %u", object);
        st = OK;
    }
    return ok(st) && !*ret ? no_memory(env) : st;
}
