/* define_type.c: what a type name in a definition means. */
#include "catalog/deparse.h"
#include "catalog/internal.h"
#include "parse/parse.h"

static status at(struct sql_env *env, const struct ast_type_name *t, status st) {
    if (!ok(st))
        error_at(env->eval.error, parse_position(env->text, env->text_len, t->node.location));
    return st;
}

static status typmod_of(struct sql_env *env, const struct ast_type_name *t, oid type,
                        int32_t *ret_typmod) {
    int32_t values[8];
    size_t n = 0;
    *ret_typmod = -1;
    if (!list_n(t->typmods)) return OK;
    const struct type *known = type_find(type);
    if (!known || !known->typmod_in_function)
        return error_set(env->eval.error, ST_SYNTAX_ERROR,
                         "type modifier is not allowed for type \"%s\"",
                         type_format_name(env->eval.arena, type));
    LIST_EACH(struct node *, m, t->typmods) {
        const struct ast_literal *l = (const struct ast_literal *)m;
        if (m->kind != NODE_LITERAL || l->kind != LITERAL_INTEGER || n == 8)
            return error_set(env->eval.error, ST_SYNTAX_ERROR,
                             "type modifiers must be simple constants or identifiers");
        values[n++] = l->integer;
    }
    return type_typmod_in(&env->eval, known, values, n, ret_typmod);
}

status type_from_ast(struct sql_env *env, const struct ast_type_name *t, oid *ret_type,
                     int32_t *ret_typmod) {
    int32_t n = list_n(t->names);
    if (t->pct_type || t->setof || n < 1 || n > 3)
        return at(env, t,
                  error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                            t->setof ? "SETOF is not allowed here"
                                     : "this form of type name is not supported"));
    oid type;
    const char *schema = n > 1 ? list_at(t->names, n - 2) : NULL;
    TRY(at(env, t, catalog_type_used(env, schema, list_at(t->names, n - 1), &type)));
    TRY(at(env, t, typmod_of(env, t, type, ret_typmod)));
    if (t->array_ndims) {
        const struct type *element = type_find(type);
        if (!element || !element->array)
            return at(env, t,
                      error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                                "could not find array type for data type %s",
                                type_format_name(env->eval.arena, type)));
        type = element->array;
    }
    *ret_type = type;
    return OK;
}
