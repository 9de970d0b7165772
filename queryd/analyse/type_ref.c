/* Type names and other qualified names of the syntax tree. */
#include "analyse/internal.h"
#include "catalog/collation.h"

const char *last_name(const struct list *names) {
    return list_at(names, list_n(names) - 1);
}

status split_name(struct analyse *a, const struct list *names, int32_t location,
                  const char **ret_schema, const char **ret_name) {
    int32_t n = list_n(names);
    if (n > 3)
        return FAIL_AT(a, location, SYNTAX_ERROR,
                       "improper qualified name (too many dotted names): %s", last_name(names));
    if (n == 3 && strcmp(list_at(names, 0), a->env->settings->database) != 0)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED,
                       "cross-database references are not implemented: \"%s.%s.%s\"",
                       (char *)list_at(names, 0), (char *)list_at(names, 1),
                       (char *)list_at(names, 2));
    *ret_name = last_name(names);
    *ret_schema = n > 1 ? list_at(names, n - 2) : NULL;
    return OK;
}

status understand_typmod(struct analyse *a, const struct type *t, const int32_t *values, size_t n,
                         int32_t *ret) {
    struct session_env *s = a->eval.session;
    if (s) s->warned = false;
    status st = type_typmod_in(&a->eval, t, values, n, ret);
    a->once |= s && s->warned;
    return st;
}

static status typmod_of(struct analyse *a, const struct ast_type_name *n, const struct type *t,
                        int32_t *ret) {
    int32_t count = list_n(n->typmods);
    *ret = -1;
    if (count == 0) return OK;
    int32_t values[8];
    if (count > 8)
        return FAIL_AT(a, n->node.location, INVALID_PARAMETER_VALUE, "invalid type modifier");
    for (int32_t i = 0; i < count; i++) {
        struct node *m = list_at(n->typmods, i);
        if (m->kind != NODE_LITERAL || ast_as_literal(m)->kind != LITERAL_INTEGER)
            return FAIL_AT(a, n->node.location, SYNTAX_ERROR,
                           "type modifiers must be simple constants or identifiers");
        values[i] = ast_as_literal(m)->integer;
    }
    if (!t->typmod_in_function)
        return FAIL_AT(a, n->node.location, SYNTAX_ERROR,
                       "type modifier is not allowed for type \"%s\"", type_words(a, t->oid));
    return analyse_at(a, n->node.location, understand_typmod(a, t, values, (size_t)count, ret));
}

status type_of_name(struct analyse *a, const struct ast_type_name *n, oid *ret_type,
                    int32_t *ret_typmod) {
    if (n->pct_type) return not_supported(a, n->node.location, "%TYPE");
    if (n->setof) return FAIL_AT(a, n->node.location, SYNTAX_ERROR, "SETOF is not allowed here");
    const char *schema, *name;
    TRY(split_name(a, n->names, n->node.location, &schema, &name));
    oid found;
    TRY(analyse_at(a, n->node.location, catalog_type_used(a->env, schema, name, &found)));
    const struct type *t = type_find(found);
    if (!t) return not_supported(a, n->node.location, arena_printf(a->arena, "type %s", name));
    TRY(typmod_of(a, n, t, ret_typmod));
    if (n->array_ndims > 0) {
        if (!t->array)
            return FAIL_AT(a, n->node.location, UNDEFINED_OBJECT, "type \"%s[]\" does not exist",
                           name);
        found = t->array;
    }
    *ret_type = found;
    return OK;
}

status check_collation(struct analyse *a, const struct list *names, int32_t location, oid *ret) {
    const char *schema, *name;
    TRY(split_name(a, names, location, &schema, &name));
    return analyse_at(a, location, catalog_collation_named(a->env, schema, name, ret));
}
