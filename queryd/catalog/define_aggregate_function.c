/* define_aggregate_function.c: the functions that an aggregate is made of: found, and looked at. */
#include "catalog/define_aggregate.h"
#include "types/resolution.h"

/* What a function looked for is called with. */
struct wanted {
    const struct ast_def_elem *option;
    oid args[ROUTINE_ARGS_MAX + 1];
    uint16_t n;
};

/* "f(integer, text)" */
static const char *call_words(struct sql_env *env, const char *name, const struct wanted *w) {
    char *text = arena_printf(env->eval.arena, "%s(", name);
    for (uint16_t i = 0; text && i < w->n; i++)
        text = arena_printf(env->eval.arena, "%s%s%s", text, i ? ", " : "",
                            type_format_name(env->eval.arena, w->args[i]));
    return text ? arena_printf(env->eval.arena, "%s)", text) : NULL;
}

static bool takes_exactly(const struct function *f, const struct wanted *w) {
    return f->nargs == w->n && !memcmp(f->args, w->args, w->n * sizeof *w->args);
}

/* Polymorphic arguments of the aggregate meet the same ones of the function. */
static const struct function *exact(const char *name, const struct function_scope *scope,
                                    const struct wanted *w) {
    const struct function *best = NULL;
    uint16_t place = UINT16_MAX;
    size_t first, n = scope->no_builtins ? 0 : function_find_by_name(name, &first);
    for (size_t i = 0; i < scope->n; i++)
        if (takes_exactly(scope->functions[i], w) && scope->places[i] < place) {
            best = scope->functions[i];
            place = scope->places[i];
        }
    for (size_t i = 0; i < n && scope->builtin_place < place; i++)
        if (takes_exactly(function_by_name_at(first + i), w)) return function_by_name_at(first + i);
    return best;
}

static bool is_binary_coercible(oid from, oid to) {
    return from == to || to == ANYOID || routine_is_polymorphic(to) ||
           resolve_cast(from, to, CAST_IMPLICIT).path == CAST_RELABEL;
}

static status choose(struct sql_env *env, const char *name, const struct function_scope *scope,
                     const struct wanted *w, const struct function **ret, oid *ret_result) {
    struct function_choice *c = arena_zalloc(env->eval.arena, sizeof *c);
    if (!c) return no_memory(env);
    *ret = exact(name, scope, w);
    if (*ret) {
        *ret_result = (*ret)->result;
        bool concrete = !routine_is_polymorphic(*ret_result);
        for (uint16_t i = 0; i < w->n; i++) concrete |= routine_is_polymorphic(w->args[i]);
        if (concrete) return OK;
    }
    status st = resolve_function_among(&env->eval, name, scope, w->args, w->n, false, c);
    if (ok(st) && !c->is_coercion && !c->gather_variadic && !c->from_source) {
        for (uint16_t i = 0; i < w->n; i++)
            if (!is_binary_coercible(w->args[i], c->arg_types[i]))
                return MISMATCH(env, "function %s requires run-time type coercion",
                                call_words(env, name, w));
        *ret = c->function;
        *ret_result = c->result;
        return OK;
    }
    if (!ok(st) && !status_is(st, ST_UNDEFINED_FUNCTION)) return st;
    error_clear(env->eval.error);
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "function %s does not exist",
                     call_words(env, name, w));
}

static status find_function(struct aggregate_draft *g, const struct wanted *w,
                            const struct function **ret, oid *ret_result) {
    struct sql_env *env = g->env;
    struct function_scope scope;
    const struct list *names = option_names_of(w->option);
    const char *text = option_text(w->option);
    int32_t n = list_n(names);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL;
    if (!text) return INVALID(env, "%s requires a parameter", w->option->name);
    status st = catalog_routine_scope(env, schema, text, &scope);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         schema);
    TRY(st);
    TRY(choose(env, text, &scope, w, ret, ret_result));
    if ((*ret)->kind != 'f')
        return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "function %s does not exist",
                         call_words(env, text, w));
    if ((*ret)->returns_set)
        return MISMATCH(env, "function %s returns a set", call_words(env, text, w));
    return privilege_check(env, OID_pg_proc, (*ret)->oid, ACL_EXECUTE);
}

/* The function of an option, which must give that type (0: any). what: for the message. */
static status take_function(struct aggregate_draft *g, enum option option, struct wanted *w,
                            oid result, const char *what, const struct function **ret,
                            oid *ret_result) {
    oid given;
    *ret = NULL;
    w->option = g->options[option];
    if (!w->option) return OK;
    TRY(find_function(g, w, ret, &given));
    g->functions[option] = (*ret)->oid;
    if (ret_result) *ret_result = given;
    if (!result || given == result) return OK;
    return MISMATCH(g->env, "return type of %s function %s is not %s", what, option_text(w->option),
                    type_format_name(g->env->eval.arena, result));
}

/* (state, the aggregate's arguments …) */
static void want(const struct aggregate_draft *g, oid state, bool arguments, struct wanted *ret) {
    *ret = (struct wanted){.args = {state}, .n = 1};
    for (uint16_t i = 0; arguments && i < g->routine->ninputs; i++)
        ret->args[ret->n++] = g->routine->inputs[i];
}

static status check_initial(struct aggregate_draft *g, enum option option, oid state,
                            const struct function *transition) {
    const char *text = option_text(g->options[option]);
    const struct routine_draft *d = g->routine;
    datum value;
    if (text && !routine_is_pseudo(state)) {
        const struct type *t = type_find(state);
        return t ? type_input(&g->env->eval, t, -1, text, strlen(text), &value) : OK;
    }
    if (text || !transition->strict) return OK;
    if (d->ninputs && is_binary_coercible(d->inputs[0], state)) return OK;
    return INVALID(g->env, "must not omit initial value when transition function is strict and "
                           "transition type is not compatible with input type");
}

status aggregate_take_transition(struct aggregate_draft *g) {
    struct wanted w;
    const struct function *f;
    want(g, g->state, true, &w);
    TRY(take_function(g, OPTION_SFUNC, &w, g->state, "transition", &f, NULL));
    g->strict = f->strict;
    return check_initial(g, OPTION_INITCOND, g->state, f);
}

/* What the aggregate gives: of its final function, or its state. */
status aggregate_take_final(struct aggregate_draft *g, enum option option, enum option extra,
                            oid state, oid *ret_result) {
    struct wanted w;
    const struct function *f;
    bool has_extra;
    *ret_result = state;
    TRY(option_flag(g, extra, &has_extra));
    want(g, state, has_extra, &w);
    TRY(take_function(g, option, &w, 0, "final", &f, ret_result));
    if (f && has_extra && f->strict)
        return INVALID(g->env, "final function with extra arguments must not be declared STRICT");
    return OK;
}

status aggregate_take_moving(struct aggregate_draft *g) {
    struct sql_env *env = g->env;
    struct wanted w;
    const struct function *forth, *back;
    oid result;
    want(g, g->mstate, true, &w);
    TRY(take_function(g, OPTION_MSFUNC, &w, g->mstate, "transition", &forth, NULL));
    TRY(check_initial(g, OPTION_MINITCOND, g->mstate, forth));
    TRY(take_function(g, OPTION_MINVFUNC, &w, g->mstate, "inverse transition", &back, NULL));
    if (forth->strict != back->strict)
        return INVALID(env, "strictness of aggregate's forward and inverse transition functions "
                            "must match");
    TRY(aggregate_take_final(g, OPTION_MFINALFUNC, OPTION_MFINALFUNC_EXTRA, g->mstate, &result));
    if (result == g->routine->result) return OK;
    return INVALID(env,
                   "moving-aggregate implementation returns type %s, but plain implementation "
                   "returns type %s",
                   type_format_name(env->eval.arena, result),
                   type_format_name(env->eval.arena, g->routine->result));
}

status aggregate_take_combine(struct aggregate_draft *g) {
    struct wanted w;
    const struct function *f;
    want(g, g->state, false, &w);
    w.args[w.n++] = g->state;
    return take_function(g, OPTION_COMBINEFUNC, &w, g->state, "combine", &f, NULL);
}

status aggregate_take_sort_operator(struct aggregate_draft *g) {
    struct sql_env *env = g->env;
    const char *name = option_text(g->options[OPTION_SORTOP]);
    struct operator_choice c;
    if (!name) return OK;
    if (g->routine->ninputs != 1)
        return INVALID(env, "sort operator can only be specified for single-argument aggregates");
    oid type = g->routine->inputs[0];
    TRY(resolve_operator(&env->eval, name, type, type, &c));
    g->sort_operator = c.op->oid;
    return OK;
}
