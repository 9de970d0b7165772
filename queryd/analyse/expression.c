/* Expressions: from syntax to types, one function a kind. */
#include <errno.h>
#include <stdlib.h>

#include "analyse/internal.h"

static status literal_number(struct scope *s, const struct ast_literal *n, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    if (n->kind == LITERAL_INTEGER) {
        *ret = expr_const(a->arena, INT4OID, datum_int4(n->integer), false, location);
        NEEDS(a, *ret);
        return OK;
    }
    char *end;
    errno = 0;
    long long value = strtoll(n->text, &end, 10);
    if (*end == 0 && errno == 0) {
        *ret = value == INT32_MIN /* its digits alone are too large */
                   ? expr_const(a->arena, INT4OID, datum_int4(INT32_MIN), false, location)
                   : expr_const(a->arena, INT8OID, datum_int8(value), false, location);
        NEEDS(a, *ret);
        return OK;
    }
    datum d;
    TRY(analyse_at(a, location,
                   type_input(&a->eval, type_find(NUMERICOID), -1, n->text, n->length, &d)));
    *ret = expr_const(a->arena, NUMERICOID, d, false, location);
    NEEDS(a, *ret);
    return OK;
}

/* B'101', X'1F': the digits stand behind the letter. */
static status literal_bits(struct scope *s, const struct ast_literal *n, struct expr **ret) {
    struct analyse *a = s->a;
    datum value;
    TRY(analyse_at(a, n->node.location,
                   type_input(&a->eval, type_find(BITOID), -1, n->text, n->length, &value)));
    NEEDS(a, *ret = expr_const(a->arena, BITOID, value, false, n->node.location));
    return OK;
}

static status transform_literal(struct scope *s, const struct ast_literal *n, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    switch (n->kind) {
    case LITERAL_NULL: *ret = expr_const(a->arena, UNKNOWNOID, (datum){0}, true, location); break;
    case LITERAL_BOOL:
        *ret = expr_const(a->arena, BOOLOID, datum_bool(n->integer != 0), false, location);
        break;
    case LITERAL_INTEGER:
    case LITERAL_NUMERIC: return literal_number(s, n, ret);
    case LITERAL_STRING: {
        char *copy = arena_strndup(a->arena, n->text, n->length);
        NEEDS(a, copy);
        *ret = expr_const(a->arena, UNKNOWNOID, (datum){.s = copy}, false, location);
        break;
    }
    case LITERAL_BITS:
    case LITERAL_HEX: return literal_bits(s, n, ret);
    }
    NEEDS(a, *ret);
    return OK;
}

static status transform_param(struct scope *s, const struct ast_param *n, struct expr **ret) {
    struct analyse *a = s->a;
    if (a->no_params || n->number < 1 || n->number > UINT16_MAX - 1 ||
        (a->body && n->number > a->body->nargs))
        return FAIL_AT(a, n->node.location, UNDEFINED_PARAMETER, "there is no parameter $%d",
                       n->number);
    while (a->nparams < n->number) {
        GROW(a, a->param_types, a->nparams, a->params_cap);
        a->param_types[a->nparams++] = 0;
    }
    oid type = a->param_types[n->number - 1];
    struct expr *e = expr_new(a->arena, EXPR_PARAM, type ? type : UNKNOWNOID, n->node.location);
    NEEDS(a, e);
    e->param = (uint16_t)(n->number - 1);
    *ret = e;
    return OK;
}

/* x::t[] of an ARRAY[…]: the elements are told what they shall be. */
static status transform_type_cast(struct scope *s, struct ast_type_cast *n, struct expr **ret) {
    struct analyse *a = s->a;
    oid type;
    int32_t typmod;
    TRY(type_of_name(a, n->type, &type, &typmod));
    struct expr *e;
    const struct type *t = type_find(type);
    if (n->arg->kind == NODE_ARRAY && t && t->element && t->len == -1)
        TRY(transform_array(s, ast_as_array(n->arg), t->element, &e));
    else
        TRY(transform(s, n->arg, &e));
    int32_t location = n->node.location >= 0 ? n->node.location : n->type->node.location;
    return make_cast(a, e, type, typmod, location, ret);
}

static status transform_collate(struct scope *s, struct ast_collate *n, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e;
    TRY(transform(s, n->arg, &e));
    TRY(coerce_unknown(a, e, &e));
    const struct type *t = type_find(e->type);
    if (!t || !t->collation)
        return FAIL_AT(a, n->node.location, DATATYPE_MISMATCH,
                       "collations are not supported by type %s", type_words(a, e->type));
    oid collation;
    TRY(check_collation(a, n->names, n->node.location, &collation));
    struct expr *c = expr_new_n(a->arena, EXPR_CAST, e->type, n->node.location, 1);
    NEEDS(a, c);
    c->args[0] = e;
    c->typmod = e->typmod;
    c->collation = collation;
    c->cast.path.path = CAST_RELABEL;
    c->cast.is_collate = true;
    *ret = c;
    return OK;
}

static status transform_bool_node(struct scope *s, struct ast_bool *n, struct expr **ret) {
    struct analyse *a = s->a;
    static const char *const words[] = {[BOOL_AND] = "AND", [BOOL_OR] = "OR", [BOOL_NOT] = "NOT"};
    struct expr *e =
        expr_new_n(a->arena, EXPR_BOOL, BOOLOID, n->node.location, (uint16_t)list_n(n->args));
    NEEDS(a, e);
    e->boolean = n->kind == BOOL_AND ? EXPR_AND : n->kind == BOOL_OR ? EXPR_OR : EXPR_NOT;
    LIST_EACH(struct node *, arg, n->args) {
        struct expr *x;
        TRY(transform(s, arg, &x));
        TRY(coerce_to_bool(a, x, words[n->kind], &e->args[arg_i]));
    }
    *ret = e;
    return OK;
}

static status transform_null_test(struct scope *s, struct ast_null_test *n, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e = expr_new_n(a->arena, EXPR_NULL_TEST, BOOLOID, n->node.location, 1);
    NEEDS(a, e);
    e->negated = n->negated;
    TRY(transform(s, n->arg, &e->args[0]));
    /* a parameter learns nothing of its type here */
    if (e->args[0]->kind != EXPR_PARAM) TRY(coerce_unknown(a, e->args[0], &e->args[0]));
    *ret = e;
    return OK;
}

static status transform_bool_test(struct scope *s, struct ast_bool_test *n, struct expr **ret) {
    struct analyse *a = s->a;
    static const char *const words[2][3] = {{"IS TRUE", "IS FALSE", "IS UNKNOWN"},
                                            {"IS NOT TRUE", "IS NOT FALSE", "IS NOT UNKNOWN"}};
    struct expr *e = expr_new_n(a->arena, EXPR_BOOL_TEST, BOOLOID, n->node.location, 1), *x;
    NEEDS(a, e);
    e->negated = n->negated;
    e->test = n->kind == TEST_TRUE    ? EXPR_IS_TRUE
              : n->kind == TEST_FALSE ? EXPR_IS_FALSE
                                      : EXPR_IS_UNKNOWN;
    TRY(transform(s, n->arg, &x));
    TRY(coerce_to_bool(a, x, words[n->negated][e->test], &e->args[0]));
    *ret = e;
    return OK;
}

static status transform_default(struct scope *s, struct node *n, struct expr **ret) {
    if (s->clause == CLAUSE_VALUES || s->clause == CLAUSE_VALUES_SINGLE ||
        s->clause == CLAUSE_UPDATE) {
        *ret = expr_new(s->a->arena, EXPR_DEFAULT, UNKNOWNOID, n->location);
        NEEDS(s->a, *ret);
        return OK;
    }
    return FAIL_AT(s->a, n->location, SYNTAX_ERROR, "DEFAULT is not allowed in this context");
}

status transform(struct scope *s, struct node *n, struct expr **ret) {
    TRY(analyse_stack(s->a));
    switch (n->kind) {
    case NODE_LITERAL: return transform_literal(s, ast_as_literal(n), ret);
    case NODE_PARAM: return transform_param(s, ast_as_param(n), ret);
    case NODE_COLUMN_REF: return scope_column_ref(s, ast_as_column_ref(n), ret);
    case NODE_TYPE_CAST: return transform_type_cast(s, ast_as_type_cast(n), ret);
    case NODE_COLLATE: return transform_collate(s, ast_as_collate(n), ret);
    case NODE_OP: return transform_op(s, ast_as_op(n), ret);
    case NODE_OP_ARRAY: return transform_op_array(s, ast_as_op_array(n), ret);
    case NODE_BOOL: return transform_bool_node(s, ast_as_bool(n), ret);
    case NODE_DISTINCT: return transform_distinct(s, ast_as_distinct(n), ret);
    case NODE_NULL_TEST: return transform_null_test(s, ast_as_null_test(n), ret);
    case NODE_BOOL_TEST: return transform_bool_test(s, ast_as_bool_test(n), ret);
    case NODE_BETWEEN: return transform_between(s, ast_as_between(n), ret);
    case NODE_IN: return transform_in(s, ast_as_in(n), ret);
    case NODE_FUNC_CALL: return transform_call(s, ast_as_func_call(n), ret);
    case NODE_CASE: return transform_case(s, ast_as_case(n), ret);
    case NODE_COALESCE: return transform_coalesce(s, ast_as_coalesce(n), ret);
    case NODE_NULLIF: return transform_nullif(s, ast_as_nullif(n), ret);
    case NODE_MIN_MAX: return transform_min_max(s, ast_as_min_max(n), ret);
    case NODE_SQL_VALUE: return transform_sql_value(s, ast_as_sql_value(n), ret);
    case NODE_SUBLINK: return transform_sublink(s, ast_as_sublink(n), ret);
    case NODE_ARRAY: return transform_array(s, ast_as_array(n), 0, ret);
    case NODE_ROW: return transform_row(s, ast_as_row(n), ret);
    case NODE_INDIRECTION: return transform_indirection(s, ast_as_indirection(n), ret);
    case NODE_DEFAULT: return transform_default(s, n, ret);
    case NODE_GROUPING_FUNC: return transform_grouping(s, ast_as_grouping_func(n), ret);
    case NODE_CURRENT_OF: return not_supported(s->a, n->location, "WHERE CURRENT OF");
    case NODE_XML: return not_supported(s->a, n->location, "XML");
    default: return not_supported(s->a, n->location, ast_kind_name(n->kind));
    }
}

status transform_expr(struct scope *s, struct node *n, enum clause clause, struct expr **ret) {
    enum clause before = s->clause;
    s->clause = clause;
    status st = transform(s, n, ret);
    s->clause = before;
    return st;
}

status transform_bool(struct scope *s, struct node *n, enum clause clause, const char *what,
                      struct expr **ret) {
    if (!n) {
        *ret = NULL;
        return OK;
    }
    struct expr *e;
    TRY(transform_expr(s, n, clause, &e));
    return coerce_to_bool(s->a, e, what, ret);
}

status transform_list(struct scope *s, const struct list *l, struct expr ***ret) {
    struct expr **exprs;
    NEW_N(s->a, exprs, list_n(l) + 1);
    LIST_EACH(struct node *, n, l) TRY(transform(s, n, &exprs[n_i]));
    *ret = exprs;
    return OK;
}
