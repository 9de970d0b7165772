/* define_routine.c: functions and procedures that are there: found by name, altered, moved,
 * dropped. */
#include "catalog/define_function.h"
#include "catalog/define_hooks.h"
#include "catalog/routine_cache.h"

/* ---- finding --------------------------------------------------------------------------------- */

static const char *kind_word(enum ast_object_type kind) {
    switch (kind) {
    case OBJECT_PROCEDURE: return "procedure";
    case OBJECT_ROUTINE: return "routine";
    case OBJECT_AGGREGATE: return "aggregate";
    default: return "function";
    }
}

static status print_type(struct sql_env *env, const struct ast_type_name *t, bool as_written,
                         struct buf *out) {
    oid type;
    if (!as_written) {
        TRY(routine_type(env, t, NULL, &type));
        return type_name_print(env, type, -1, out);
    }
    LIST_EACH(const char *, name, t->names) TRY(buf_printf(out, "%s%s", name_i ? "." : "", name));
    for (int32_t i = 0; i < t->array_ndims; i++) TRY(buf_add_str(out, "[]"));
    return OK;
}

/* every: an aggregate without arguments has any row as its argument. */
static status print_signature(struct sql_env *env, const struct ast_object_args *named,
                              bool as_written, bool every, struct buf *out) {
    LIST_EACH(const char *, name, named->names) {
        if (name_i) TRY(buf_add_str(out, "."));
        TRY(buf_add_str(out, name));
    }
    if (!named->args_given) return OK;
    TRY(buf_add_str(out, "("));
    if (every && !list_n(named->args)) TRY(buf_add_str(out, "*"));
    LIST_EACH(const struct ast_type_name *, t, named->args) {
        if (t_i) TRY(buf_add_str(out, as_written ? "," : ", "));
        TRY(print_type(env, t, as_written, out));
    }
    return buf_add_str(out, ")");
}

static const char *signature(struct sql_env *env, const struct ast_object_args *named,
                             bool as_written, bool every) {
    struct buf out = {0};
    status st = print_signature(env, named, as_written, every, &out);
    char *text = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text ? text : "";
}

static bool inputs_are(const struct routine *r, const oid *args, uint16_t n, bool outputs_too) {
    uint16_t k = 0;
    for (uint16_t i = 0; i < r->nparams; i++) {
        char mode = r->params[i].mode;
        if (mode == 't' || (mode == 'o' && !outputs_too)) continue;
        if (k == n || r->params[i].type != args[k++]) return false;
    }
    return k == n;
}

struct search {
    struct sql_env *env;
    enum ast_object_type kind;
    const struct ast_object_args *named;
    const char *schema, *name;
    oid args[ROUTINE_ARGS_MAX];
    uint16_t nargs;
    const struct routine *found;
    size_t nfound;
    bool builtin;
};

static bool fits(const struct search *s, const struct routine *r) {
    if (!s->named->args_given)
        return s->kind == OBJECT_ROUTINE ||
               (s->kind == OBJECT_PROCEDURE) == (r->function.kind == 'p');
    return inputs_are(r, s->args, s->nargs, false) ||
           (r->function.kind == 'p' && inputs_are(r, s->args, s->nargs, true));
}

/* Those in the first schema of the search path that has one. */
static status look(struct search *s) {
    struct function_scope scope;
    uint16_t place = UINT16_MAX;
    TRY(catalog_routine_scope(s->env, s->schema, s->name, &scope));
    for (size_t i = 0; i < scope.n; i++) {
        const struct routine *r = (const struct routine *)scope.functions[i];
        if (!fits(s, r)) continue;
        if (scope.places[i] < place) s->nfound = 0;
        if (scope.places[i] > place) continue;
        place = scope.places[i];
        s->found = r;
        s->nfound++;
    }
    size_t first, n = scope.no_builtins ? 0 : function_find_by_name(s->name, &first);
    for (size_t i = 0; !s->nfound && i < n; i++) {
        const struct function *f = function_by_name_at(first + i);
        s->builtin |= !s->named->args_given ||
                      (f->nargs == s->nargs && !memcmp(f->args, s->args, s->nargs * sizeof(oid)));
    }
    return OK;
}

static status missing(struct search *s, bool missing_ok) {
    struct sql_env *env = s->env;
    bool every = s->kind == OBJECT_AGGREGATE && !missing_ok;
    const char *word = kind_word(s->kind), *text = signature(env, s->named, missing_ok, every);
    if (missing_ok) {
        define_notice(env, "00000", "%s %s%s does not exist, skipping", word, text,
                      s->named->args_given ? "" : "()");
        return STATUS(NOT_FOUND);
    }
    if (!s->named->args_given)
        return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "could not find a %s named \"%s\"",
                         word, text);
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "%s %s does not exist", word, text);
}

/* "f(integer, text)", as messages about kinds write it. */
static const char *signature_of(struct sql_env *env, const struct routine *r) {
    struct buf out = {0};
    bool first = true;
    status st = buf_printf(&out, "%s(", r->function.name);
    for (uint16_t i = 0; ok(st) && i < r->nparams; i++) {
        if (r->params[i].mode == 'o' || r->params[i].mode == 't') continue;
        if (!first) st = buf_add_str(&out, ", ");
        first = false;
        if (ok(st)) st = type_name_print(env, r->params[i].type, -1, &out);
    }
    char *text = ok(st) ? arena_printf(env->eval.arena, "%.*s)", (int)out.len, out.data) : NULL;
    buf_free(&out);
    return text ? text : r->function.name;
}

static status found_one(struct search *s, const struct routine **ret) {
    struct sql_env *env = s->env;
    const struct routine *r = s->found;
    if (s->nfound > 1) {
        status st = error_set(env->eval.error, ST_AMBIGUOUS_FUNCTION,
                              "%s name \"%s\" is not unique", kind_word(s->kind), s->name);
        error_hint(env->eval.error, "Specify the argument list to select the %s unambiguously.",
                   kind_word(s->kind));
        return st;
    }
    bool is_procedure = r->function.kind == 'p';
    if (s->kind == OBJECT_AGGREGATE && r->function.kind != 'a')
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "function %s is not an aggregate",
                         signature_of(env, r));
    if ((s->kind == OBJECT_PROCEDURE && !is_procedure) ||
        (s->kind == OBJECT_FUNCTION && is_procedure))
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "%s is not a %s",
                         signature_of(env, r), kind_word(s->kind));
    *ret = r;
    return OK;
}

/* A type or schema that is not there: for IF EXISTS that is as if the routine were not. */
status define_skip_unknown(struct sql_env *env, status st, bool missing_ok) {
    if (!missing_ok || ok(st) ||
        !(status_is(st, ST_UNDEFINED_OBJECT) || status_is(st, ST_INVALID_SCHEMA_NAME)))
        return st;
    const char *words = arena_strdup(env->eval.arena, env->eval.error->message);
    error_clear(env->eval.error);
    if (!words) return no_memory(env);
    define_notice(env, "00000", "%s, skipping", words);
    return STATUS(NOT_FOUND);
}

static status read_args(struct search *s) {
    if (list_n(s->named->args) > ROUTINE_ARGS_MAX)
        return error_set(s->env->eval.error, ST_TOO_MANY_ARGUMENTS,
                         "functions cannot have more than %d arguments", ROUTINE_ARGS_MAX);
    LIST_EACH(const struct ast_type_name *, t, s->named->args)
    TRY(routine_type(s->env, t, NULL, &s->args[s->nargs++]));
    return OK;
}

status define_find_routine(struct sql_env *env, enum ast_object_type kind,
                           const struct ast_object_args *named, bool missing_ok,
                           const struct routine **ret_routine) {
    int32_t n = list_n(named->names);
    struct search s = {.env = env,
                       .kind = kind,
                       .named = named,
                       .schema = n > 1 ? list_at(named->names, n - 2) : NULL,
                       .name = list_at(named->names, n - 1)};
    TRY(define_skip_unknown(env, read_args(&s), missing_ok));
    status st = look(&s);
    if (status_is(st, ST_NOT_FOUND)) {
        st = error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                       s.schema);
        return define_skip_unknown(env, st, missing_ok);
    }
    TRY(st);
    if (s.nfound) return found_one(&s, ret_routine);
    if (s.builtin)
        return error_set(env->eval.error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot %s function %s because it is required by the database system",
                         kind == OBJECT_AGGREGATE ? "drop" : "change",
                         signature(env, named, false, false));
    return missing(&s, missing_ok);
}

/* ---- changing -------------------------------------------------------------------------------- */

typedef status change_fn(struct sql_env *env, struct catalog_row *row, void *arg);

static status change_row(struct sql_env *env, oid routine, change_fn *fn, void *arg) {
    datum key = datum_oid(routine);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_proc, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    TRY_OUT(st, fn(env, &row, arg));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

static status apply_options(struct sql_env *env, struct catalog_row *row, void *arg) {
    const struct ast_alter_function *s = arg;
    struct list *seen = NULL;
    bool procedure = row_char(row, COL_pg_proc_prokind) == 'p';
    LIST_EACH(struct ast_def_elem *, o, s->options)
    TRY(routine_option(env, o, procedure, &seen, row));
    return OK;
}

static status find_own(struct sql_env *env, enum ast_object_type kind,
                       const struct ast_object_args *named, const struct routine **ret) {
    TRY(define_find_routine(env, kind, named, false, ret));
    return privilege_check_owner(env, OID_pg_proc, (*ret)->function.oid);
}

status define_alter_function(struct sql_env *env, struct ast_alter_function *s) {
    const struct routine *r;
    TRY(find_own(env, s->type, s->function, &r));
    if (r->function.kind == 'a')
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function",
                         r->function.name);
    return change_row(env, r->function.oid, apply_options, s);
}

static status set_name(struct sql_env *env, struct catalog_row *row, void *name) {
    return row_set_name(env->eval.arena, row, COL_pg_proc_proname, name);
}
static status set_schema(struct sql_env *, struct catalog_row *row, void *schema) {
    row_set_oid(row, COL_pg_proc_pronamespace, *(const oid *)schema);
    return OK;
}

static status refuse_taken(struct sql_env *env, const struct routine *r, oid schema,
                           const char *name) {
    oid args[ROUTINE_ARGS_MAX], taken;
    uint16_t n = 0;
    const char *schema_name;
    for (uint16_t i = 0; i < r->nparams; i++)
        if (r->params[i].mode != 'o' && r->params[i].mode != 't') args[n++] = r->params[i].type;
    TRY(catalog_routine_exact(env, schema, name, args, n, &taken));
    if (!taken) return OK;
    const struct routine *other;
    struct buf out = {0};
    TRY(catalog_routine(env, taken, &other));
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    const char *text = routine_text(env, other);
    buf_free(&out);
    return error_set(env->eval.error, ST_DUPLICATE_FUNCTION,
                     "function %s already exists in schema \"%s\"", text, schema_name);
}

status define_rename_function(struct sql_env *env, const struct ast_rename *s) {
    const struct routine *r;
    TRY(find_own(env, s->type, (const struct ast_object_args *)s->object, &r));
    TRY(refuse_taken(env, r, r->schema, s->new_name));
    struct list *kept = NULL;
    TRY(define_keep_texts(env, OID_pg_proc, r->function.oid, &kept));
    TRY(change_row(env, r->function.oid, set_name, s->new_name));
    return define_rewrite_texts(env, kept);
}

static status move_to_schema(struct sql_env *env, const struct routine *r, const char *name) {
    oid schema;
    datum depend[] = {datum_oid(OID_pg_proc), datum_oid(r->function.oid)};
    status st = catalog_schema(env, name, &schema);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         name);
    TRY(st);
    TRY(privilege_check(env, OID_pg_namespace, schema, ACL_CREATE));
    if (schema == r->schema) return OK;
    TRY(refuse_taken(env, r, schema, r->function.name));
    struct list *kept = NULL;
    TRY(define_keep_texts(env, OID_pg_proc, r->function.oid, &kept));
    struct catalog_scan s;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, depend, 2, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_oid(&s.row, COL_pg_depend_refclassid) == OID_pg_namespace)
            TRY_OUT(st, catalog_row_delete(&s));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    TRY(define_depend(env, (struct object_address){OID_pg_proc, r->function.oid, 0},
                      (struct object_address){OID_pg_namespace, schema, 0}, 'n'));
    TRY(change_row(env, r->function.oid, set_schema, &schema));
    return define_rewrite_texts(env, kept);
}

status define_move_function(struct sql_env *env, const struct ast_alter_object *s) {
    const struct routine *r;
    TRY(find_own(env, s->type, (const struct ast_object_args *)s->object, &r));
    if (s->new_schema) return move_to_schema(env, r, s->new_schema);
    return define_need_extension(env, s->extension);
}

status define_comment_on_function(struct sql_env *env, enum ast_object_type kind,
                                  const struct ast_object_args *named,
                                  struct object_address *ret_on) {
    const struct routine *r;
    TRY(find_own(env, kind, named, &r));
    *ret_on = (struct object_address){OID_pg_proc, r->function.oid, 0};
    return OK;
}

/* ---- dropping -------------------------------------------------------------------------------- */

status define_drop_routine(struct sql_env *env, oid routine) {
    datum key = datum_oid(routine);
    TRY(define_forget(env, OID_pg_proc, routine));
    TRY(catalog_rows_delete(env, CAT_pg_aggregate, 0, &key, 1, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_proc, 0, &key, 1, NULL));
    catalog_changed(env);
    return OK;
}

static status refuse_aggregate(struct sql_env *env, const struct routine *r) {
    if (r->function.kind != 'a') return OK;
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function",
                          r->function.name);
    error_hint(env->eval.error, "Use DROP AGGREGATE to drop aggregate functions.");
    return st;
}

status define_drop_functions(struct sql_env *env, const struct ast_drop *s) {
    const char *details = NULL;
    LIST_EACH(struct node *, n, s->objects) {
        const struct routine *r;
        status st =
            define_find_routine(env, s->type, (const struct ast_object_args *)n, s->if_exists, &r);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        if (s->type != OBJECT_AGGREGATE && s->type != OBJECT_ROUTINE) TRY(refuse_aggregate(env, r));
        bool owner;
        TRY(privilege_is_owner(env, OID_pg_namespace, r->schema, env->settings->user_oid, &owner));
        if (!owner) TRY(privilege_check_owner(env, OID_pg_proc, r->function.oid));
        char *what = arena_printf(env->eval.arena, "function %s", routine_text(env, r));
        if (!what) return no_memory(env);
        oid id = r->function.oid;
        st = define_drop_object_dependents(env, OID_pg_proc, id, what, s->cascade);
        if (ok(st)) st = define_drop_routine(env, id);
        TRY(list_n(s->objects) > 1 ? define_gather_refusal(env, st, &details) : st);
    }
    return define_refuse_gathered(env, details);
}
