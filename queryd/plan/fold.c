/* Constant folding: immutable calls of constants are carried out once, conditions that are known
 * take their branch, in PostgreSQL's order. A call that fails stays, and the statement fails with
 * the first of them when it is begun, even if no row would come to it (plan_statement.failure). */
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
    struct fn_site site = {.function = f,
                           .result_type = e->type,
                           .arg_types = types,
                           .nargs = e->nargs,
                           .collation = e->input_collation,
                           .memo_arena = p->c->arena};
    TRY(site_by_collation(&site));
    return function_call_at(&env, &site, args, nulls, ret, ret_null);
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

/* A strict function of a NULL is NULL. */
static bool strict_of_null(const struct expr *e) {
    const struct function *f = e->call.function;
    if (!f->strict || f->returns_set || e->call.variadic) return false;
    for (uint16_t i = 0; i < e->nargs; i++)
        if (is_const(e->args[i]) && e->args[i]->constant.is_null) return true;
    return false;
}

/* Keeps the words of the first call that failed. Execution may have the memory that lacked here. */
static status note_failure(struct planner *p) {
    struct plan_statement *st = p->c->statement;
    const struct error *e = p->c->scratch_error;
    if (st->failure || ok(e->status) || status_is(e->status, ST_OUT_OF_MEMORY)) return OK;
    NEEDS(p, st->failure = arena_memdup(p->c->arena, e, sizeof *e));
    return OK;
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
    if (!ok(s)) return note_failure(p);
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

/* A copy of e, unless *copy is one already, with x as its argument i. */
static status put_arg(struct planner *p, const struct expr *e, struct expr **copy, uint16_t i,
                      struct expr *x) {
    if (x == (*copy)->args[i]) return OK;
    if (*copy == e) TRY(copy_node(p, e, copy));
    (*copy)->args[i] = x;
    return OK;
}

/* AND and OR: what stands behind the value that decides is not looked at. */
static status fold_and_or(struct planner *p, struct expr *e, struct expr **ret) {
    struct expr *copy = e, *x;
    for (uint16_t i = 0; i < e->nargs; i++) {
        TRY(fold(p, e->args[i], &x));
        if (known_bool(x, e->boolean == EXPR_OR)) {
            *ret = x;
            return OK;
        }
        TRY(put_arg(p, e, &copy, i, x));
    }
    return fold_bool(p, copy, ret);
}

/* The branches from the first condition on that may be taken, then the one that must. */
static status fold_branches(struct planner *p, const struct expr *e, uint16_t first,
                            struct expr *copy) {
    for (uint16_t i = first; i + 1 < e->nargs; i += 2) {
        struct expr *condition, *result;
        TRY(fold(p, e->args[i], &condition));
        if (is_const(condition) && !known_bool(condition, true)) continue;
        TRY(fold(p, e->args[i + 1], &result));
        if (is_const(condition)) {
            copy->args[copy->nargs++] = result;
            return OK;
        }
        copy->args[copy->nargs++] = condition;
        copy->args[copy->nargs++] = result;
    }
    return fold(p, e->args[e->nargs - 1], &copy->args[copy->nargs++]);
}

static struct expr *unless_same(struct expr *e, struct expr *copy) {
    return copy->nargs == e->nargs && !memcmp(copy->args, e->args, e->nargs * sizeof *e->args)
               ? e
               : copy;
}

/* CASE: branches that cannot be taken go, unseen; one that must be taken is the answer. A test
 * that is known stands in the conditions themselves. */
static status fold_case(struct planner *p, struct expr *e, struct expr **ret) {
    struct expr *copy, *test = NULL, *around = p->case_test;
    uint16_t first = e->cases.has_test ? 1 : 0;
    TRY(copy_node(p, e, &copy));
    if (first) TRY(fold(p, e->args[0], &test));
    copy->nargs = 0;
    copy->cases.has_test = test && !is_const(test);
    if (copy->cases.has_test) copy->args[copy->nargs++] = test;
    if (first) p->case_test = is_const(test) ? test : NULL;
    status s = fold_branches(p, e, first, copy);
    p->case_test = around;
    TRY(s);
    *ret = copy->nargs - copy->cases.has_test == 1 ? copy->args[copy->nargs - 1]
                                                   : unless_same(e, copy);
    return OK;
}

/* COALESCE: NULLs go, and what stands behind a value that is there is not looked at. */
static status fold_coalesce(struct planner *p, struct expr *e, struct expr **ret) {
    struct expr *copy, *x = NULL;
    TRY(copy_node(p, e, &copy));
    copy->nargs = 0;
    for (uint16_t i = 0; i < e->nargs; i++) {
        TRY(fold(p, e->args[i], &x));
        if (is_const(x) && x->constant.is_null) continue;
        copy->args[copy->nargs++] = x;
        if (is_const(x)) break;
    }
    if (copy->nargs)
        *ret = copy->nargs == 1 ? copy->args[0] : unless_same(e, copy);
    else
        *ret = x;
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
    struct expr *x;
    *ret = e;
    for (uint16_t i = 0; i < e->nargs; i++) {
        TRY(fold(p, e->args[i], &x));
        TRY(put_arg(p, e, ret, i, x));
    }
    return OK;
}

/* Those that do not look at all of their arguments. */
static status fold_lazy(struct planner *p, struct expr *e, struct expr **ret) {
    switch (e->kind) {
    case EXPR_BOOL: return fold_and_or(p, e, ret);
    case EXPR_CASE: return fold_case(p, e, ret);
    default: return fold_coalesce(p, e, ret);
    }
}

/* A parameter of a plan that is for this value alone. */
static status known_value(struct planner *p, const struct expr *e, struct expr **ret) {
    bool is_null = p->c->known_nulls[e->param];
    datum value = {0};
    if (!is_null)
        TRY(type_copy(type_find(e->type), p->c->known_values[e->param], p->c->arena, &value));
    NEEDS(p, *ret = expr_const(p->c->arena, e->type, value, is_null, e->location));
    (*ret)->typmod = e->typmod;
    (*ret)->collation = e->collation;
    return OK;
}

status fold(struct planner *p, struct expr *e, struct expr **ret) {
    TRY(plan_stack(p));
    if (e->kind == EXPR_PARAM && e->param < p->c->nknown) return known_value(p, e, ret);
    *ret = e->kind == EXPR_CASE_TEST && p->case_test ? p->case_test : e;
    if (e->nargs == 0 && e->kind != EXPR_CALL) return OK;
    if (e->kind == EXPR_CASE || e->kind == EXPR_COALESCE ||
        (e->kind == EXPR_BOOL && e->boolean != EXPR_NOT))
        return fold_lazy(p, e, ret);
    TRY(fold_args(p, e, &e));
    switch (e->kind) {
    case EXPR_BOOL: return fold_bool(p, e, ret);
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
