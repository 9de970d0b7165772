/* Constant folding: immutable calls of constants are carried out once, conditions that are known
 * take their branch. What would fail is left for execution, which may never come to it. */
#include "plan/internal.h"

static bool is_const(const struct expr *e) {
    return e->kind == EXPR_CONST;
}

static bool known_bool(const struct expr *e, bool value) {
    return is_const(e) && !e->constant.is_null && e->constant.value.b == value;
}

static bool all_const(const struct expr *e) {
    for (uint16_t i = 0; i < e->nargs; i++)
        if (!is_const(e->args[i])) return false;
    return true;
}

/* Evaluates with a place of its own for the error, which is dropped. */
static status evaluate_call(struct planner *p, struct expr *e, const struct function *f, datum *ret,
                            bool *ret_null) {
    datum args[16];
    uint8_t nulls[16];
    oid types[16];
    if (e->nargs > 16 || !f->scalar) return STATUS(NOT_FOUND);
    for (uint16_t i = 0; i < e->nargs; i++) {
        args[i] = e->args[i]->constant.value;
        nulls[i] = e->args[i]->constant.is_null;
        types[i] = e->args[i]->type;
    }
    struct eval_env env = p->c->eval;
    env.error = p->c->scratch_error;
    error_clear(env.error);
    return function_call_simple(&env, f, types, args, nulls, e->nargs, e->type, ret, ret_null);
}

static status evaluate_cast(struct planner *p, struct expr *e, datum *ret, bool *ret_null) {
    struct eval_env env = p->c->eval;
    env.error = p->c->scratch_error;
    error_clear(env.error);
    const struct expr *x = e->args[0];
    *ret_null = x->constant.is_null;
    if (*ret_null) return OK;
    datum value = x->constant.value;
    if (e->cast.path.path != CAST_RELABEL)
        TRY(cast_value(&env, e->cast.path, x->type, e->type, e->typmod, e->cast.is_explicit, value,
                       &value, ret_null));
    if (e->cast.apply_typmod && !*ret_null) {
        const struct type *t = type_find(e->type);
        TRY(type_apply_typmod(&env, t, value, e->typmod, e->cast.is_explicit, &value));
    }
    *ret = value;
    return OK;
}

/* Whether there is a call of constants in it that folding left: it failed. */
static bool has_failed(const struct expr *e) {
    if (e->kind != EXPR_CALL && e->kind != EXPR_CAST) return false;
    if (all_const(e))
        return e->kind == EXPR_CAST || (e->call.function->volatility == 'i' &&
                                        !e->call.function->returns_set && !e->call.variadic);
    for (uint16_t i = 0; i < e->nargs; i++)
        if (has_failed(e->args[i])) return true;
    return false;
}

/* A strict function of a NULL is NULL: its other arguments are not looked at, which may hide what
 * they would fail with, unless constants already say so, as in PostgreSQL. */
static bool strict_of_null(const struct expr *e) {
    const struct function *f = e->call.function;
    bool null = false;
    if (!f->strict || f->returns_set || e->call.variadic) return false;
    for (uint16_t i = 0; i < e->nargs; i++) {
        if (has_failed(e->args[i])) return false;
        null |= is_const(e->args[i]) && e->args[i]->constant.is_null;
    }
    return null;
}

static status try_evaluate(struct planner *p, struct expr *e, struct expr **ret) {
    datum value = {0};
    bool is_null = false;
    status s;
    *ret = e;
    if (e->kind == EXPR_CALL) {
        const struct function *f = e->call.function;
        if (f->volatility != 'i' || f->returns_set || e->call.variadic) return OK;
        s = evaluate_call(p, e, f, &value, &is_null);
    } else {
        if (expr_volatility(e) != 'i' || !type_find(e->type)) return OK;
        s = evaluate_cast(p, e, &value, &is_null);
    }
    if (!ok(s)) return OK;
    struct expr *c = expr_const(p->c->arena, e->type, value, is_null, e->location);
    NEEDS(p, c);
    c->typmod = e->typmod;
    c->collation = e->collation;
    *ret = c;
    return OK;
}

static status fold_call(struct planner *p, struct expr *e, struct expr **ret) {
    if (all_const(e)) return try_evaluate(p, e, ret);
    *ret = e;
    if (!strict_of_null(e)) return OK;
    struct expr *c = expr_const(p->c->arena, e->type, (datum){0}, true, e->location);
    NEEDS(p, c);
    c->typmod = e->typmod;
    c->collation = e->collation;
    *ret = c;
    return OK;
}

/* A copy of e with the arguments in a place of their own. */
static status copy_node(struct planner *p, const struct expr *e, struct expr **ret) {
    struct expr *copy = expr_new_n(p->c->arena, e->kind, e->type, e->location, e->nargs);
    NEEDS(p, copy);
    struct expr **args = copy->args;
    *copy = *e;
    copy->args = args;
    memcpy(args, e->args, e->nargs * sizeof *args);
    *ret = copy;
    return OK;
}

static status fold_bool(struct planner *p, struct expr *e, struct expr **ret);

/* NOT (a AND b) is NOT a OR NOT b: then the parts may be known, or lead to an index. */
static status not_and_or(struct planner *p, struct expr *x, struct expr **ret) {
    struct expr *copy;
    TRY(copy_node(p, x, &copy));
    copy->boolean = x->boolean == EXPR_AND ? EXPR_OR : EXPR_AND;
    for (uint16_t i = 0; i < x->nargs; i++) {
        struct expr *no = expr_new_n(p->c->arena, EXPR_BOOL, BOOLOID, x->location, 1);
        NEEDS(p, no);
        no->boolean = EXPR_NOT;
        no->args[0] = x->args[i];
        TRY(fold_bool(p, no, &copy->args[i]));
    }
    return fold_bool(p, copy, ret);
}

/* NOT a = b is a <> b, where the operator has a negator. */
static status not_operator(struct planner *p, struct expr *e, struct expr *x, struct expr **ret) {
    const struct operator_info *op = x->call.op;
    const struct operator_info *negator = op && op->negator ? operator_find(op->negator) : NULL;
    const struct function *f = negator ? function_find(negator->function) : NULL;
    *ret = e;
    if (!f || !f->scalar) return OK;
    struct expr *copy;
    TRY(copy_node(p, x, &copy));
    copy->call.op = negator;
    copy->call.function = f;
    if (x->kind != EXPR_CALL) copy->call.is_all = !x->call.is_all;
    *ret = copy;
    return OK;
}

static status fold_not(struct planner *p, struct expr *e, struct expr **ret) {
    struct expr *x = e->args[0], *copy;
    *ret = e;
    switch (x->kind) {
    case EXPR_CONST:
        *ret = expr_const(p->c->arena, BOOLOID, datum_bool(!x->constant.value.b),
                          x->constant.is_null, e->location);
        NEEDS(p, *ret);
        return OK;
    case EXPR_BOOL:
        if (x->boolean != EXPR_NOT) return not_and_or(p, x, ret);
        *ret = x->args[0];
        return OK;
    case EXPR_NULL_TEST:
        if (type_is_composite(type_below(type_find(x->args[0]->type))))
            return OK; /* not each other's opposite there */
        [[fallthrough]];
    case EXPR_BOOL_TEST:
    case EXPR_DISTINCT:
        TRY(copy_node(p, x, &copy));
        copy->negated = !x->negated;
        *ret = copy;
        return OK;
    case EXPR_CALL:
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP: return not_operator(p, e, x, ret);
    default: return OK;
    }
}

static status fold_bool(struct planner *p, struct expr *e, struct expr **ret) {
    *ret = e;
    if (e->boolean == EXPR_NOT) return fold_not(p, e, ret);
    bool stops = e->boolean == EXPR_OR; /* the value that decides alone */
    uint16_t n = 0;
    for (uint16_t i = 0; i < e->nargs; i++) {
        if (known_bool(e->args[i], stops)) {
            *ret = e->args[i];
            return OK;
        }
        n += !known_bool(e->args[i], !stops);
    }
    if (n == e->nargs) return OK;
    if (n == 0) {
        *ret = expr_bool_const(p->c->arena, !stops);
        NEEDS(p, *ret);
        return OK;
    }
    struct expr *copy = expr_new_n(p->c->arena, EXPR_BOOL, BOOLOID, e->location, n);
    NEEDS(p, copy);
    copy->boolean = e->boolean;
    n = 0;
    for (uint16_t i = 0; i < e->nargs; i++)
        if (!known_bool(e->args[i], !stops)) copy->args[n++] = e->args[i];
    *ret = n == 1 ? copy->args[0] : copy;
    return OK;
}

/* CASE without a test: branches that cannot be taken go, one that must be taken is the answer. */
static status fold_case(struct planner *p, struct expr *e, struct expr **ret) {
    *ret = e;
    if (e->cases.has_test) return OK;
    uint16_t n = 0;
    for (uint16_t i = 0; i + 1 < e->nargs; i += 2) {
        const struct expr *c = e->args[i];
        if (known_bool(c, true)) {
            if (n == 0) {
                *ret = e->args[i + 1];
                return OK;
            }
            break;
        }
        if (is_const(c)) continue;
        n += 2;
    }
    if (n == e->nargs - 1) return OK;
    if (n == 0) {
        *ret = e->args[e->nargs - 1];
        return OK;
    }
    struct expr *copy = expr_new_n(p->c->arena, EXPR_CASE, e->type, e->location, e->nargs);
    NEEDS(p, copy);
    copy->typmod = e->typmod;
    copy->collation = e->collation;
    n = 0;
    struct expr *otherwise = e->args[e->nargs - 1];
    for (uint16_t i = 0; i + 1 < e->nargs; i += 2) {
        if (known_bool(e->args[i], true)) {
            otherwise = e->args[i + 1];
            break;
        }
        if (is_const(e->args[i])) continue;
        copy->args[n++] = e->args[i];
        copy->args[n++] = e->args[i + 1];
    }
    copy->args[n++] = otherwise;
    copy->nargs = n;
    *ret = copy;
    return OK;
}

static status fold_coalesce(struct expr *e, struct expr **ret) {
    *ret = e;
    for (uint16_t i = 0; i < e->nargs; i++) {
        if (!is_const(e->args[i])) return OK;
        if (!e->args[i]->constant.is_null || i + 1 == e->nargs) {
            *ret = e->args[i];
            return OK;
        }
    }
    return OK;
}

static status fold_null_test(struct planner *p, struct expr *e, struct expr **ret) {
    *ret = e;
    if (!is_const(e->args[0]) || type_is_composite(type_below(type_find(e->args[0]->type))))
        return OK;
    *ret = expr_bool_const(p->c->arena, e->args[0]->constant.is_null != e->negated);
    NEEDS(p, *ret);
    return OK;
}

/* NULL IN (…), by a strict operator: the items are not looked at. */
static status fold_in_list(struct planner *p, struct expr *e, struct expr **ret) {
    *ret = e;
    const struct expr *left = e->args[0];
    if (!is_const(left) || !left->constant.is_null || !e->call.function->strict) return OK;
    *ret = expr_const(p->c->arena, BOOLOID, (datum){0}, true, e->location);
    NEEDS(p, *ret);
    return OK;
}

static status fold_args(struct planner *p, struct expr *e, struct expr **ret) {
    struct expr *copy = e;
    for (uint16_t i = 0; i < e->nargs; i++) {
        struct expr *x;
        TRY(fold(p, e->args[i], &x));
        if (x == e->args[i]) continue;
        if (copy == e) {
            copy = expr_new_n(p->c->arena, e->kind, e->type, e->location, e->nargs);
            NEEDS(p, copy);
            struct expr **args = copy->args;
            *copy = *e;
            copy->args = args;
            memcpy(args, e->args, e->nargs * sizeof *args);
        }
        copy->args[i] = x;
    }
    *ret = copy;
    return OK;
}

status fold(struct planner *p, struct expr *e, struct expr **ret) {
    TRY(plan_stack(p));
    if (e->nargs == 0 && e->kind != EXPR_CALL) {
        *ret = e;
        return OK;
    }
    TRY(fold_args(p, e, &e));
    switch (e->kind) {
    case EXPR_BOOL: return fold_bool(p, e, ret);
    case EXPR_CASE: return fold_case(p, e, ret);
    case EXPR_COALESCE: return fold_coalesce(e, ret);
    case EXPR_NULL_TEST: return fold_null_test(p, e, ret);
    case EXPR_IN_LIST: return fold_in_list(p, e, ret);
    case EXPR_CALL: return fold_call(p, e, ret);
    case EXPR_CAST:
        if (all_const(e)) return try_evaluate(p, e, ret);
        break;
    default: break;
    }
    *ret = e;
    return OK;
}

static bool never_true(const struct expr *e) {
    return is_const(e) && (e->constant.is_null || !e->constant.value.b);
}

/* For WHERE, ON and HAVING, where NULL is as good as false. */
status fold_condition(struct planner *p, struct expr *e, struct expr **ret) {
    TRY(plan_stack(p));
    *ret = e;
    if (!e) return OK;
    if (never_true(e)) {
        NEEDS(p, *ret = expr_bool_const(p->c->arena, false));
        return OK;
    }
    if (e->kind != EXPR_BOOL || e->boolean == EXPR_NOT) return OK;
    struct expr *copy;
    bool is_and = e->boolean == EXPR_AND;
    uint16_t n = 0;
    TRY(copy_node(p, e, &copy));
    for (uint16_t i = 0; i < e->nargs; i++) {
        struct expr *x;
        TRY(fold_condition(p, e->args[i], &x));
        if (never_true(x)) {
            if (!is_and) continue;
            *ret = x;
            return OK;
        }
        copy->args[n++] = x;
    }
    copy->nargs = n;
    if (n == 0)
        NEEDS(p, *ret = expr_bool_const(p->c->arena, is_and));
    else
        *ret = n == 1 ? copy->args[0] : copy;
    return OK;
}
