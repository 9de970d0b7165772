/* routine_names.c: functions by the text of regproc and regprocedure. */
#include "catalog/routine_names.h"
#include "catalog/function_bodies.h"
#include "catalog/routine.h"

static status no_function(struct sql_env *env, const char *text) {
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "function \"%s\" does not exist",
                     text);
}

status routine_by_name(struct sql_env *env, const char *schema, const char *name, oid *ret) {
    struct function_scope scope;
    status st = catalog_routine_scope(env, schema, name, &scope);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         schema);
    TRY(st);
    if (!scope.n) return no_function(env, name);
    if (scope.n > 1)
        return error_set(env->eval.error, ST_AMBIGUOUS_FUNCTION,
                         "more than one function named \"%s\"", name);
    *ret = scope.functions[0]->oid;
    return OK;
}

/* The types of "(integer, text)": text ends with the bracket. */
static status parse_types(struct sql_env *env, const char *at, oid *types, uint16_t *ret_n) {
    int depth = 0;
    uint16_t n = 0;
    const char *from = ++at;
    for (;; at++) {
        if (!*at) return STATUS(INVALID);
        depth += *at == '(';
        bool end = *at == ')' && depth == 0;
        if (*at == ')' && depth) depth--;
        if (!end && !(*at == ',' && depth == 0)) continue;
        while (*from == ' ') from++;
        if (at > from && n < ROUTINE_ARGS_MAX) {
            datum type;
            TRY(type_input(&env->eval, type_find(REGTYPEOID), -1, from, (size_t)(at - from),
                           &type));
            types[n++] = type.u32;
        }
        from = at + 1;
        if (end) break;
    }
    *ret_n = n;
    return OK;
}

status routine_by_signature(struct sql_env *env, const char *schema, const char *name,
                            const char *arguments, const char *text, oid *ret) {
    oid types[ROUTINE_ARGS_MAX];
    uint16_t n;
    size_t first;
    struct function_scope scope;
    status st = parse_types(env, arguments, types, &n);
    if (status_is(st, ST_INVALID))
        return error_set(env->eval.error, ST_INVALID_TEXT_REPRESENTATION,
                         "expected a right parenthesis");
    TRY(st);
    st = catalog_routine_scope(env, schema, name, &scope);
    if (status_is(st, ST_NOT_FOUND)) return no_function(env, text);
    TRY(st);
    size_t builtins = scope.no_builtins ? 0 : function_find_by_name(name, &first);
    for (size_t i = 0; i < scope.n + builtins; i++) {
        const struct function *f =
            i < scope.n ? scope.functions[i] : function_by_name_at(first + i - scope.n);
        if (f->nargs != n || memcmp(f->args, types, n * sizeof(oid))) continue;
        *ret = f->oid;
        return OK;
    }
    return no_function(env, text);
}

status routine_reg_print(struct sql_env *env, oid id, bool signature, struct buf *out) {
    const struct routine *r;
    size_t before = out->len;
    TRY(catalog_routine(env, id, &r));
    TRY(routine_print(env, r, out));
    if (signature) return OK;
    char *bracket = memchr(out->data + before, '(', out->len - before);
    if (bracket) out->len = (size_t)(bracket - out->data);
    return OK;
}
