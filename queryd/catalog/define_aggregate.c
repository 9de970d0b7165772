/* define_aggregate.c: CREATE AGGREGATE, of functions that are there. */
#include <strings.h>

#include "catalog/define_function.h"
#include "types/resolution.h"

#define LANGUAGE_INTERNAL 12

enum option {
    OPTION_SFUNC,
    OPTION_STYPE,
    OPTION_INITCOND,
    OPTION_FINALFUNC,
    OPTION_COMBINEFUNC,
    OPTION_SERIALFUNC,
    OPTION_DESERIALFUNC,
    OPTION_MSFUNC,
    OPTION_MINVFUNC,
    OPTION_MFINALFUNC,
    OPTION_FINALFUNC_EXTRA,
    OPTION_MFINALFUNC_EXTRA,
    OPTION_FINALFUNC_MODIFY,
    OPTION_MFINALFUNC_MODIFY,
    OPTION_SORTOP,
    OPTION_BASETYPE,
    OPTION_HYPOTHETICAL,
    OPTION_SSPACE,
    OPTION_MSTYPE,
    OPTION_MSSPACE,
    OPTION_MINITCOND,
    OPTION_PARALLEL,
    OPTION_COUNT
};

static const struct {
    const char *name;
    enum option option;
} option_names[] = {
    {"sfunc", OPTION_SFUNC},
    {"sfunc1", OPTION_SFUNC},
    {"stype", OPTION_STYPE},
    {"stype1", OPTION_STYPE},
    {"initcond", OPTION_INITCOND},
    {"initcond1", OPTION_INITCOND},
    {"finalfunc", OPTION_FINALFUNC},
    {"combinefunc", OPTION_COMBINEFUNC},
    {"serialfunc", OPTION_SERIALFUNC},
    {"deserialfunc", OPTION_DESERIALFUNC},
    {"msfunc", OPTION_MSFUNC},
    {"minvfunc", OPTION_MINVFUNC},
    {"mfinalfunc", OPTION_MFINALFUNC},
    {"finalfunc_extra", OPTION_FINALFUNC_EXTRA},
    {"mfinalfunc_extra", OPTION_MFINALFUNC_EXTRA},
    {"finalfunc_modify", OPTION_FINALFUNC_MODIFY},
    {"mfinalfunc_modify", OPTION_MFINALFUNC_MODIFY},
    {"sortop", OPTION_SORTOP},
    {"basetype", OPTION_BASETYPE},
    {"hypothetical", OPTION_HYPOTHETICAL},
    {"sspace", OPTION_SSPACE},
    {"mstype", OPTION_MSTYPE},
    {"msspace", OPTION_MSSPACE},
    {"minitcond", OPTION_MINITCOND},
    {"parallel", OPTION_PARALLEL},
};

/* An aggregate under definition. */
struct aggregate_draft {
    struct sql_env *env;
    const struct ast_create_aggregate *stmt;
    struct routine_draft *routine;
    const struct ast_def_elem *options[OPTION_COUNT]; /* NULL: not given */
    oid state, mstate;
    oid functions[OPTION_COUNT]; /* of the options that name one */
    oid sort_operator;
    bool strict; /* the transition function is */
};

#define INVALID(env, ...) error_set((env)->eval.error, ST_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)
#define MISMATCH(env, ...) error_set((env)->eval.error, ST_DATATYPE_MISMATCH, __VA_ARGS__)

static const char *type_words_of(struct sql_env *env, oid type) {
    return type_format_name(env->eval.arena, type);
}

/* ---- options --------------------------------------------------------------------------------- */

static status read_options(struct aggregate_draft *g) {
    LIST_EACH(struct ast_def_elem *, o, g->stmt->options) {
        size_t i = 0, n = sizeof option_names / sizeof *option_names;
        while (i < n && strcmp(option_names[i].name, o->name)) i++;
        if (i < n)
            g->options[option_names[i].option] = o;
        else
            define_warning(g->env, "42601", "aggregate attribute \"%s\" not recognized", o->name);
    }
    return OK;
}

static const struct list *option_names_of(const struct ast_def_elem *o) {
    if (o->value && o->value->kind == NODE_TYPE_NAME)
        return ((const struct ast_type_name *)o->value)->names;
    if (o->value && o->value->kind == NODE_NAME_LIST)
        return ((const struct ast_name_list *)o->value)->names;
    return NULL;
}

/* A string, a number, or the word that a type's name stands for. */
static const char *option_text(const struct ast_def_elem *o) {
    if (!o || !o->value) return NULL;
    if (o->value->kind == NODE_LITERAL) return ((const struct ast_literal *)o->value)->text;
    const struct list *names = option_names_of(o);
    return names ? list_at(names, list_n(names) - 1) : NULL;
}

static status option_flag(struct aggregate_draft *g, enum option option, bool *ret) {
    const struct ast_def_elem *o = g->options[option];
    *ret = false;
    if (!o) return OK;
    const char *text = option_text(o);
    *ret = !o->value ||
           (text && (!strcasecmp(text, "true") || !strcasecmp(text, "on") || !strcmp(text, "1")));
    if (*ret ||
        (text && (!strcasecmp(text, "false") || !strcasecmp(text, "off") || !strcmp(text, "0"))))
        return OK;
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", o->name);
}

static status option_modify(struct aggregate_draft *g, enum option option, char *ret) {
    static const char *const words[] = {"read_only", "shareable", "read_write"};
    const struct ast_def_elem *o = g->options[option];
    const char *text = option_text(o);
    *ret = 'r';
    if (!o) return OK;
    for (size_t i = 0; text && i < 3; i++)
        if (!strcmp(text, words[i])) {
            *ret = "rsw"[i];
            return OK;
        }
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR,
                     "parameter \"%s\" must be READ_ONLY, SHAREABLE, or READ_WRITE", o->name);
}

static status option_parallel(struct aggregate_draft *g, char *ret) {
    static const char *const words[] = {"safe", "restricted", "unsafe"};
    const char *text = option_text(g->options[OPTION_PARALLEL]);
    *ret = 'u';
    if (!g->options[OPTION_PARALLEL]) return OK;
    for (size_t i = 0; text && i < 3; i++)
        if (!strcmp(text, words[i])) {
            *ret = words[i][0];
            return OK;
        }
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR,
                     "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE");
}

static int64_t option_number(const struct ast_def_elem *o) {
    const char *text = option_text(o);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* ---- types ----------------------------------------------------------------------------------- */

static status option_type(struct aggregate_draft *g, const struct ast_def_elem *o, oid *ret) {
    if (o->value && o->value->kind == NODE_TYPE_NAME)
        return routine_type(g->env, (const struct ast_type_name *)o->value, NULL, ret);
    const char *text = option_text(o);
    struct list *names = NULL;
    if (!text) return INVALID(g->env, "%s requires a parameter", o->name);
    TRY(list_append(g->env->eval.arena, &names, (char *)text));
    struct ast_type_name t = {.node = {.kind = NODE_TYPE_NAME, .location = -1}, .names = names};
    return routine_type(g->env, &t, NULL, ret);
}

static status state_type(struct aggregate_draft *g, enum option option, oid *ret) {
    struct sql_env *env = g->env;
    TRY(option_type(g, g->options[option], ret));
    if (*ret == INTERNALOID) return define_unsupported(env, "an aggregate with an internal state");
    if (routine_is_pseudo(*ret) && !routine_is_polymorphic(*ret) && *ret != RECORDOID)
        return INVALID(env, "aggregate transition data type cannot be %s",
                       type_words_of(env, *ret));
    return draft_determines(g->routine, *ret, "transition");
}

/* The arguments as the form before PostgreSQL 8.2 gives them: the option basetype. */
static status old_arguments(struct aggregate_draft *g, struct list **ret_params) {
    struct sql_env *env = g->env;
    const struct ast_def_elem *o = g->options[OPTION_BASETYPE];
    struct ast_func_param *p;
    if (!o) return INVALID(env, "aggregate input type must be specified");
    const char *text = option_text(o);
    if (text && !strcasecmp(text, "any")) return OK;
    struct node *n = ast_new(env->eval.arena, NODE_FUNC_PARAM, -1);
    if (!n) return no_memory(env);
    p = (struct ast_func_param *)n;
    p->mode = 'd';
    if (!o->value || o->value->kind != NODE_TYPE_NAME)
        return define_unsupported(env, "this form of basetype");
    p->type = (struct ast_type_name *)o->value;
    return list_append(env->eval.arena, ret_params, p);
}

static status take_arguments(struct aggregate_draft *g) {
    struct sql_env *env = g->env;
    struct ast_create_function *as = arena_zalloc(env->eval.arena, sizeof *as);
    if (!as) return no_memory(env);
    as->node.kind = NODE_CREATE_FUNCTION;
    as->params = g->stmt->params;
    if (g->stmt->old_style)
        TRY(old_arguments(g, &as->params));
    else if (g->options[OPTION_BASETYPE])
        return INVALID(env, "basetype is redundant with aggregate input type specification");
    g->routine->stmt = as;
    g->routine->env = env;
    return draft_params(g->routine);
}

/* ---- functions ------------------------------------------------------------------------------- */

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
                            type_words_of(env, w->args[i]));
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
                    type_words_of(g->env, result));
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

static status take_transition(struct aggregate_draft *g) {
    struct wanted w;
    const struct function *f;
    want(g, g->state, true, &w);
    TRY(take_function(g, OPTION_SFUNC, &w, g->state, "transition", &f, NULL));
    g->strict = f->strict;
    return check_initial(g, OPTION_INITCOND, g->state, f);
}

/* What the aggregate gives: of its final function, or its state. */
static status take_final(struct aggregate_draft *g, enum option option, enum option extra,
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

static status take_moving(struct aggregate_draft *g) {
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
    TRY(take_final(g, OPTION_MFINALFUNC, OPTION_MFINALFUNC_EXTRA, g->mstate, &result));
    if (result == g->routine->result) return OK;
    return INVALID(env,
                   "moving-aggregate implementation returns type %s, but plain implementation "
                   "returns type %s",
                   type_words_of(env, result), type_words_of(env, g->routine->result));
}

static status take_combine(struct aggregate_draft *g) {
    struct wanted w;
    const struct function *f;
    want(g, g->state, false, &w);
    w.args[w.n++] = g->state;
    return take_function(g, OPTION_COMBINEFUNC, &w, g->state, "combine", &f, NULL);
}

static status take_sort_operator(struct aggregate_draft *g) {
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

/* ---- what must be there ---------------------------------------------------------------------- */

static status need(struct aggregate_draft *g, enum option option, const char *name) {
    if (g->options[option]) return OK;
    return INVALID(g->env, "aggregate %s must be specified", name);
}

static status check_moving_options(struct aggregate_draft *g) {
    static const enum option all[] = {OPTION_MSFUNC, OPTION_MINVFUNC, OPTION_MFINALFUNC,
                                      OPTION_MSSPACE, OPTION_MINITCOND};
    static const char *const names[] = {"msfunc", "minvfunc", "mfinalfunc", "msspace", "minitcond"};
    bool moves = g->options[OPTION_MSTYPE] != NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool given = g->options[all[i]] != NULL;
        if (moves && !given && i < 2)
            return INVALID(g->env, "aggregate %s must be specified when mstype is specified",
                           names[i]);
        if (!moves && given)
            return INVALID(g->env, "aggregate %s must not be specified without mstype", names[i]);
    }
    return OK;
}

static status check_options(struct aggregate_draft *g) {
    TRY(need(g, OPTION_STYPE, "stype"));
    TRY(need(g, OPTION_SFUNC, "sfunc"));
    TRY(check_moving_options(g));
    if (g->options[OPTION_SERIALFUNC] || g->options[OPTION_DESERIALFUNC])
        return INVALID(g->env, "serialization functions may be specified only when the aggregate "
                               "transition data type is internal");
    if (g->options[OPTION_HYPOTHETICAL])
        return define_unsupported(g->env, "a hypothetical-set aggregate of one's own");
    return OK;
}

static status check_privileges(struct aggregate_draft *g) {
    const struct routine_draft *d = g->routine;
    for (uint16_t i = 0; i < d->ninputs; i++)
        TRY(privilege_check(g->env, OID_pg_type, d->inputs[i], ACL_USAGE));
    TRY(privilege_check(g->env, OID_pg_type, g->state, ACL_USAGE));
    return privilege_check(g->env, OID_pg_type, d->result, ACL_USAGE);
}

static status take_all(struct aggregate_draft *g) {
    TRY(read_options(g));
    TRY(check_options(g));
    TRY(take_arguments(g));
    TRY(state_type(g, OPTION_STYPE, &g->state));
    if (g->options[OPTION_MSTYPE]) TRY(state_type(g, OPTION_MSTYPE, &g->mstate));
    TRY(take_transition(g));
    TRY(take_final(g, OPTION_FINALFUNC, OPTION_FINALFUNC_EXTRA, g->state, &g->routine->result));
    TRY(draft_determines(g->routine, g->routine->result, "result"));
    TRY(take_combine(g));
    if (g->mstate) TRY(take_moving(g));
    TRY(take_sort_operator(g));
    return check_privileges(g);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status function_row(struct aggregate_draft *g, struct catalog_row *row) {
    char parallel;
    TRY(option_parallel(g, &parallel));
    catalog_row_init(row, CAT_pg_proc);
    TRY(draft_params_row(g->routine, row));
    row_set_oid(row, COL_pg_proc_proowner, g->env->settings->user_oid);
    row_set_char(row, COL_pg_proc_prokind, 'a');
    row_set_char(row, COL_pg_proc_provolatile, 'i');
    row_set_char(row, COL_pg_proc_proparallel, parallel);
    row_set_float4(row, COL_pg_proc_procost, 1);
    row_set_oid(row, COL_pg_proc_prolang, LANGUAGE_INTERNAL);
    row_set_null(row, COL_pg_proc_prosqlbody);
    return row_set_text(g->env->eval.arena, row, COL_pg_proc_prosrc, "aggregate_dummy");
}

static status set_initial(struct aggregate_draft *g, enum option option, struct catalog_row *row,
                          int column) {
    const char *text = option_text(g->options[option]);
    if (text) return row_set_text(g->env->eval.arena, row, column, text);
    row_set_null(row, column);
    return OK;
}

static status insert_aggregate(struct aggregate_draft *g, oid id) {
    struct catalog_row row;
    bool extra, mextra;
    char modify, mmodify;
    TRY(option_flag(g, OPTION_FINALFUNC_EXTRA, &extra));
    TRY(option_flag(g, OPTION_MFINALFUNC_EXTRA, &mextra));
    TRY(option_modify(g, OPTION_FINALFUNC_MODIFY, &modify));
    TRY(option_modify(g, OPTION_MFINALFUNC_MODIFY, &mmodify));
    catalog_row_init(&row, CAT_pg_aggregate);
    row_set_oid(&row, COL_pg_aggregate_aggfnoid, id);
    row_set_char(&row, COL_pg_aggregate_aggkind, 'n');
    row_set_oid(&row, COL_pg_aggregate_aggtransfn, g->functions[OPTION_SFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggfinalfn, g->functions[OPTION_FINALFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggcombinefn, g->functions[OPTION_COMBINEFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggmtransfn, g->functions[OPTION_MSFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggminvtransfn, g->functions[OPTION_MINVFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggmfinalfn, g->functions[OPTION_MFINALFUNC]);
    row_set_bool(&row, COL_pg_aggregate_aggfinalextra, extra);
    row_set_bool(&row, COL_pg_aggregate_aggmfinalextra, mextra);
    row_set_char(&row, COL_pg_aggregate_aggfinalmodify, modify);
    row_set_char(&row, COL_pg_aggregate_aggmfinalmodify, mmodify);
    row_set_oid(&row, COL_pg_aggregate_aggsortop, g->sort_operator);
    row_set_oid(&row, COL_pg_aggregate_aggtranstype, g->state);
    row_set_oid(&row, COL_pg_aggregate_aggmtranstype, g->mstate);
    row_set_int(&row, COL_pg_aggregate_aggtransspace, option_number(g->options[OPTION_SSPACE]));
    row_set_int(&row, COL_pg_aggregate_aggmtransspace, option_number(g->options[OPTION_MSSPACE]));
    TRY(set_initial(g, OPTION_INITCOND, &row, COL_pg_aggregate_agginitval));
    TRY(set_initial(g, OPTION_MINITCOND, &row, COL_pg_aggregate_aggminitval));
    return catalog_row_insert(g->env, CAT_pg_aggregate, &row);
}

static status depend_on_functions(struct aggregate_draft *g, oid id) {
    for (int i = 0; i < OPTION_COUNT; i++)
        if (g->functions[i] >= FIRST_ROUTINE_OID)
            TRY(define_depend(g->env, (struct object_address){OID_pg_proc, id, 0},
                              (struct object_address){OID_pg_proc, g->functions[i], 0}, 'n'));
    return OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status may_replace(struct aggregate_draft *g, const struct routine *old) {
    struct sql_env *env = g->env;
    if (!g->stmt->replace)
        return error_set(env->eval.error, ST_DUPLICATE_FUNCTION,
                         "function \"%s\" already exists with same argument types",
                         old->function.name);
    if (old->function.kind != 'a') return draft_other_kind(env, old);
    if (old->result == g->routine->result) return OK;
    status st = INVALID(env, "cannot change return type of existing function");
    error_hint(env->eval.error, "Use DROP AGGREGATE %s first.", routine_text(env, old));
    return st;
}

static status replace(struct aggregate_draft *g, oid id, struct catalog_row *row) {
    const struct routine *old;
    datum key = datum_oid(id);
    TRY(catalog_routine(g->env, id, &old));
    TRY(privilege_check_owner(g->env, OID_pg_proc, id));
    TRY(may_replace(g, old));
    TRY(draft_replaces(g->env, old, row));
    return catalog_rows_delete(g->env, CAT_pg_aggregate, 0, &key, 1, NULL);
}

static status store(struct aggregate_draft *g, oid schema, const char *name) {
    struct sql_env *env = g->env;
    struct catalog_row row;
    oid id;
    TRY(function_row(g, &row));
    TRY(catalog_routine_exact(env, schema, name, g->routine->inputs, g->routine->ninputs, &id));
    if (id)
        TRY(replace(g, id, &row));
    else
        TRY(new_oid(env, &id));
    row_set_oid(&row, COL_pg_proc_oid, id);
    row_set_oid(&row, COL_pg_proc_pronamespace, schema);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_proc_proname, name));
    TRY(catalog_row_insert(env, CAT_pg_proc, &row));
    TRY(insert_aggregate(g, id));
    TRY(draft_depend(g->routine, id, schema, NULL));
    TRY(depend_on_functions(g, id));
    catalog_changed(env);
    return OK;
}

status define_create_aggregate(struct sql_env *env, const struct ast_create_aggregate *s) {
    struct aggregate_draft *g = arena_zalloc(env->eval.arena, sizeof *g);
    oid schema;
    const char *schema_name;
    int32_t n = list_n(s->names);
    const char *name = list_at(s->names, n - 1);
    if (g) g->routine = arena_zalloc(env->eval.arena, sizeof *g->routine);
    if (!g || !g->routine) return no_memory(env);
    g->env = env;
    g->stmt = s;
    if (s->within_group) return define_unsupported(env, "an ordered-set aggregate of one's own");
    TRY(schema_for_creation(env, n > 1 ? list_at(s->names, n - 2) : NULL, &schema));
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    TRY(define_refuse_catalog_schema(env, schema, schema_name, name));
    TRY(take_all(g));
    return store(g, schema, name);
}
