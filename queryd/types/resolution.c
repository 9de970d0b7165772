#include "types/resolution.h"

#include <stdio.h>

#include "types/internal.h"
#include "types/later.h"
#include "types/resolution_candidate.h"

/* ---- operators ---- */

static const oid *operator_args(const struct operator_info *o) {
    return o->left ? &o->left : &o->right; /* left and right lie side by side */
}
static_assert(offsetof(struct operator_info, right) ==
                  offsetof(struct operator_info, left) + sizeof(oid),
              "an operator's operands are an array of two");

/* Of several the one whose schema comes first in the search path. */
static const struct operator_info *exact_operator(const struct candidates *c, size_t nargs,
                                                  const oid *input) {
    const struct candidate *found = NULL;
    oid wanted[2] = {input[0], nargs == 2 ? input[1] : 0};
    /* One unknown operand is tried as the other's type. */
    if (nargs == 2 && wanted[0] == UNKNOWNOID) wanted[0] = wanted[1];
    if (nargs == 2 && wanted[1] == UNKNOWNOID) wanted[1] = wanted[0];
    for (size_t i = 0; i < c->n; i++)
        if (!memcmp(c->items[i].args, wanted, nargs * sizeof(oid)) &&
            (!found || c->items[i].place < found->place))
            found = &c->items[i];
    return found ? found->what : NULL;
}

static status operator_error(const struct eval_env *env, const char *name, oid left, oid right,
                             bool ambiguous) {
    char operands[512];
    const char *right_name = type_format_name(env->arena, right);
    if (left)
        snprintf(operands, sizeof operands, "%s %s %s", type_format_name(env->arena, left), name,
                 right_name);
    else
        snprintf(operands, sizeof operands, "%s %s", name, right_name);
    if (ambiguous) {
        status s =
            error_set(env->error, ST_AMBIGUOUS_FUNCTION, "operator is not unique: %s", operands);
        error_hint(env->error, "Could not choose a best candidate operator. You might need to add "
                               "explicit type casts.");
        return s;
    }
    if (later_operator(name, left))
        return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "operator %s is not supported yet",
                         name);
    status s =
        error_set(env->error, ST_UNDEFINED_FUNCTION, "operator does not exist: %s", operands);
    error_hint(env->error, left ? "No operator matches the given name and argument types. You "
                                  "might need to add explicit type casts."
                                : "No operator matches the given name and argument type. You "
                                  "might need to add an explicit type cast.");
    return s;
}

/* It was named as another's commutator or negator, and nobody has made it. */
static status operator_shell(const struct eval_env *env, const char *name, oid left, oid right) {
    return error_set(env->error, ST_UNDEFINED_FUNCTION, "operator is only a shell: %s%s%s %s",
                     left ? type_format_name(env->arena, left) : "", left ? " " : "", name,
                     type_format_name(env->arena, right));
}

static void add_operator(struct candidates *c, const struct operator_info *o, bool binary,
                         uint16_t place) {
    if ((o->left != 0) != binary) return;
    c->items[c->n++] = (struct candidate){.what = o, .args = operator_args(o), .place = place};
}

/* Hides what stands behind another one with the same operands in the search path. */
static void drop_hidden_operators(struct candidates *c, size_t nargs) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool hidden = false;
        for (size_t k = 0; k < c->n && !hidden; k++)
            hidden = c->items[k].place < c->items[i].place &&
                     !memcmp(c->items[k].args, c->items[i].args, nargs * sizeof(oid));
        if (!hidden) c->items[kept++] = c->items[i];
    }
    c->n = kept;
}

static status operator_candidates(const struct eval_env *env, const char *schema, const char *name,
                                  bool binary, struct candidates *ret) {
    const struct type_source *source = types_source();
    struct operator_scope own = {.no_builtins = schema && strcmp(schema, "pg_catalog") != 0};
    if (source->operators_named) TRY(source->operators_named(env, schema, name, &own));
    size_t first, found = own.no_builtins ? 0 : operator_find_by_name(name, &first);
    *ret = (struct candidates){arena_array(env->arena, found + own.n + 1, sizeof *ret->items), 0};
    if (!ret->items) return out_of_memory(env);
    for (size_t i = 0; i < found; i++)
        add_operator(ret, operator_by_name_at(first + i), binary, own.builtin_place);
    for (size_t i = 0; i < own.n; i++) add_operator(ret, own.operators[i], binary, own.places[i]);
    if (own.n) drop_hidden_operators(ret, binary ? 2 : 1);
    return OK;
}

status resolve_operator(const struct eval_env *env, const char *name, oid left, oid right,
                        struct operator_choice *ret) {
    return resolve_operator_in(env, NULL, name, left, right, ret);
}

status resolve_operator_in(const struct eval_env *env, const char *schema, const char *name,
                           oid left, oid right, struct operator_choice *ret) {
    oid input[2] = {type_base(left ? left : right), type_base(right)};
    size_t nargs = left ? 2 : 1;
    struct candidates c;
    TRY(operator_candidates(env, schema, name, left != 0, &c));
    if (schema) {
        name = arena_printf(env->arena, "%s.%s", schema, name); /* as messages have it */
        if (!name) return out_of_memory(env);
    }
    const struct operator_info *o = exact_operator(&c, nargs, input);
    if (!o) {
        candidates_drop_unreachable(&c, nargs, input);
        const struct candidate *best = candidates_select(&c, nargs, input);
        if (!best) return operator_error(env, name, left, right, c.n > 1);
        o = best->what;
    }
    if (!o->function) return operator_shell(env, name, left, right);
    oid declared[2] = {operator_args(o)[0], o->right}, result;
    status s = resolve_polymorphic(env, input, declared, nargs, o->result, &result);
    if (!ok(s)) {
        error_clear(env->error);
        return operator_error(env, name, left, right, false);
    }
    *ret = (struct operator_choice){
        .op = o, .left = left ? declared[0] : 0, .right = declared[nargs - 1], .result = result};
    return OK;
}

/* ---- functions ---- */

/* A call under resolution. */
struct call {
    const struct eval_env *env;
    const char *name, *shown_name, *word;
    const oid *args;
    size_t n, npositional;
    const char *const *arg_names; /* NULL: all by position */
    bool variadic;                /* written so */
};

static status print_call(const struct call *call, struct buf *b) {
    TRY(buf_printf(b, "%s(", call->shown_name));
    for (size_t i = 0; i < call->n; i++) {
        if (i) TRY(buf_add(b, ", ", 2));
        if (call->arg_names && call->arg_names[i]) TRY(buf_printf(b, "%s => ", call->arg_names[i]));
        TRY(type_format(call->args[i], -1, b));
    }
    return buf_add(b, ")", 2);
}

static status function_error(const struct call *call, bool ambiguous) {
    const struct eval_env *env = call->env;
    if (!ambiguous && later_function(call->name))
        return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "function %s is not supported yet",
                         call->name);
    struct buf b = {0};
    status s = print_call(call, &b);
    if (!ok(s)) {
        buf_free(&b);
        return out_of_memory(env);
    }
    if (ambiguous) {
        s = error_set(env->error, ST_AMBIGUOUS_FUNCTION, "%s %s is not unique", call->word, b.data);
        error_hint(
            env->error,
            "Could not choose a best candidate %s. You might need to add explicit type casts.",
            call->word);
    } else {
        s = error_set(env->error, ST_UNDEFINED_FUNCTION, "%s %s does not exist", call->word,
                      b.data);
        error_hint(
            env->error,
            "No %s matches the given name and argument types. You might need to add explicit "
            "type casts.",
            call->word);
    }
    buf_free(&b);
    return s;
}

/* nargs: there is none. */
static size_t parameter_named(const struct function *f, const char *name) {
    size_t at = 0, len = strlen(name);
    if (f->arg_names) {
        while (at < f->nargs && !(f->arg_names[at] && !strcmp(f->arg_names[at], name))) at++;
        return at;
    }
    const struct function_arguments *known = function_arguments(f->oid);
    for (uint16_t i = 0; known && i < known->n; i++) {
        const char *here;
        if (strchr("ot", known->modes[i])) continue;
        if (argument_name(known, i, &here) == len && !memcmp(here, name, len)) return at;
        at++;
    }
    return f->nargs;
}

/* Which argument each parameter gets; false: f cannot be called so. */
static bool match_arguments(const struct call *call, const struct function *f, int16_t *source) {
    for (size_t i = 0; i < f->nargs; i++) source[i] = i < call->npositional ? (int16_t)i : -1;
    for (size_t i = call->npositional; i < call->n; i++) {
        size_t at = parameter_named(f, call->arg_names[i]);
        if (at == f->nargs || source[at] >= 0) return false;
        source[at] = (int16_t)i;
    }
    for (size_t i = 0; i < f->nargs; i++)
        if (source[i] < 0 && i + f->ndefaults < f->nargs) return false;
    return true;
}

/* With names, or fewer arguments than parameters: types in the order of the call. */
static status add_by_source(const struct call *call, struct candidates *c, const struct function *f,
                            struct candidate *made) {
    int16_t *source = arena_array(call->env->arena, f->nargs + 1u, sizeof *source);
    oid *types = arena_array(call->env->arena, call->n + 1, sizeof *types);
    if (!source || !types) return out_of_memory(call->env);
    if (!match_arguments(call, f, source)) return OK;
    for (size_t i = 0; i < f->nargs; i++)
        if (source[i] >= 0) types[source[i]] = f->args[i];
    made->args = types;
    made->source = source;
    c->items[c->n++] = *made;
    return OK;
}

/* Adds f if the call can mean it. */
static status add_function(const struct call *call, struct candidates *c, const struct function *f,
                           uint16_t place) {
    size_t n = call->n;
    struct candidate made = {.what = f, .args = f->args, .place = place};
    if (call->variadic && (!f->variadic || n != f->nargs)) return OK;
    if (call->npositional < n || (n < f->nargs && f->defaults)) {
        if (n > f->nargs || n + f->ndefaults < f->nargs) return OK;
        return add_by_source(call, c, f, &made);
    }
    if (!f->variadic || call->variadic) {
        if (n > f->nargs || n + f->ndefaults < f->nargs) return OK;
        c->items[c->n++] = made;
        return OK;
    }
    if (n < f->nargs) return OK;
    oid *spread = arena_array(call->env->arena, n + 1, sizeof *spread);
    if (!spread) return out_of_memory(call->env);
    for (size_t i = 0; i < n; i++) spread[i] = i + 1 < f->nargs ? f->args[i] : f->variadic;
    made.args = spread;
    made.variadic = true;
    c->items[c->n++] = made;
    return OK;
}

/* Of two with the same arguments the one earlier in the search path stays, then the one that was
 * not declared VARIADIC; otherwise neither is better. < 0: a stays. */
static int preference(const struct candidate *a, const struct candidate *b) {
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    return (int)a->variadic - (int)b->variadic;
}

static void drop_shadowed(struct candidates *c, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool shadowed = false;
        for (size_t k = 0; k < kept && !shadowed; k++) {
            if (memcmp(c->items[i].args, c->items[k].args, n * sizeof(oid))) continue;
            int order = preference(&c->items[k], &c->items[i]);
            if (order > 0) c->items[k] = c->items[i];
            if (order == 0) c->items[k].ambiguous = true;
            shadowed = true;
        }
        if (!shadowed) c->items[kept++] = c->items[i];
    }
    c->n = kept;
}

static const struct candidate *exact_function(const struct candidates *c, size_t n,
                                              const oid *args) {
    for (size_t i = 0; i < c->n; i++)
        if (!n || !memcmp(c->items[i].args, args, n * sizeof(oid))) return &c->items[i];
    return NULL;
}

/* f(x) that is a cast in disguise: int4('5'), text(name), float8(x) without such a function. */
static bool is_cast_call(const struct call *call, const struct function_scope *scope,
                         oid *ret_type) {
    if (call->n != 1 || call->npositional != 1 || call->variadic || scope->no_builtins)
        return false;
    oid from = call->args[0];
    const struct type *t = type_find_by_name(call->name);
    if (!t || t->kind == 'p') return false;
    *ret_type = t->oid;
    if (from == UNKNOWNOID) return true;
    enum cast_path path = resolve_cast(from, t->oid, CAST_EXPLICIT).path;
    return path == CAST_RELABEL ||
           (path == CAST_IO && from != RECORDOID && !type_is_named_row(from));
}

static oid default_type(const struct function *f, size_t parameter) {
    oid known = f->default_types ? f->default_types[parameter + f->ndefaults - f->nargs] : 0;
    return known ? known : UNKNOWNOID;
}

/* The parameters' types where arguments are out of order or left out. */
static status choose_by_source(const struct call *call, const struct candidate *best,
                               struct function_choice *ret) {
    const struct function *f = best->what;
    oid actual[FUNCTION_ARGS_MAX];
    for (size_t i = 0; i < f->nargs; i++) {
        ret->source[i] = best->source[i];
        ret->arg_types[i] = f->args[i];
        actual[i] = best->source[i] < 0 ? default_type(f, i) : call->args[best->source[i]];
    }
    ret->from_source = true;
    ret->nargs = f->nargs;
    return resolve_polymorphic(call->env, actual, ret->arg_types, f->nargs, f->result,
                               &ret->result);
}

static status choose(const struct call *call, const struct candidate *best,
                     struct function_choice *ret) {
    const struct function *f = best->what;
    size_t n = call->n;
    oid declared[FUNCTION_ARGS_MAX];
    if (best->ambiguous) return function_error(call, true);
    ret->function = f;
    ret->is_coercion = ret->gather_variadic = ret->from_source = false;
    if (best->source) return choose_by_source(call, best, ret);
    if (n) memcpy(declared, best->args, n * sizeof *declared);
    TRY(resolve_polymorphic(call->env, call->args, declared, n, f->result, &ret->result));
    if (n) memcpy(ret->arg_types, declared, n * sizeof *declared);
    ret->nargs = (uint16_t)n;
    ret->gather_variadic = best->variadic && f->variadic != ANYOID;
    ret->variadic_from = f->nargs ? (uint16_t)(f->nargs - 1) : 0;
    ret->variadic_type = ret->gather_variadic ? declared[ret->variadic_from] : 0;
    return OK;
}

static status find_candidates(const struct call *call, const struct function_scope *scope,
                              struct candidates *c) {
    size_t first = 0, found = scope->no_builtins ? 0 : function_find_by_name(call->name, &first);
    *c = (struct candidates){arena_array(call->env->arena, found + scope->n, sizeof *c->items), 0};
    if (!c->items) return out_of_memory(call->env);
    for (size_t i = 0; i < scope->n; i++)
        TRY(add_function(call, c, scope->functions[i], scope->places[i]));
    for (size_t i = 0; i < found; i++)
        TRY(add_function(call, c, function_by_name_at(first + i), scope->builtin_place));
    drop_shadowed(c, call->n);
    return OK;
}

static size_t count_positional(const struct function_scope *scope, size_t n) {
    size_t i = 0;
    while (i < n && !(scope->arg_names && scope->arg_names[i])) i++;
    return i;
}

status resolve_function_among(const struct eval_env *env, const char *name,
                              const struct function_scope *scope, const oid *args, size_t n,
                              bool variadic, struct function_choice *ret) {
    struct call call = {.env = env,
                        .name = name,
                        .shown_name = scope->shown_name ? scope->shown_name : name,
                        .word = scope->word ? scope->word : "function",
                        .args = args,
                        .n = n,
                        .npositional = count_positional(scope, n),
                        .arg_names = scope->arg_names,
                        .variadic = variadic};
    struct candidates c;
    if (n > FUNCTION_ARGS_MAX)
        return error_set(env->error, ST_TOO_MANY_ARGUMENTS,
                         "cannot pass more than %d arguments to a function", FUNCTION_ARGS_MAX);
    TRY(find_candidates(&call, scope, &c));
    const struct candidate *best = exact_function(&c, n, args);
    if (best) return choose(&call, best, ret);
    oid target;
    if (is_cast_call(&call, scope, &target)) {
        *ret = (struct function_choice){.result = target, .is_coercion = true};
        ret->arg_types[0] = args[0];
        return OK;
    }
    oid below[FUNCTION_ARGS_MAX];
    for (size_t i = 0; i < n; i++) below[i] = type_base(args[i]);
    candidates_drop_unreachable(&c, n, args);
    best = c.n == 1 ? &c.items[0] : candidates_select(&c, n, below);
    if (!best) return function_error(&call, c.n > 1);
    return choose(&call, best, ret);
}

status resolve_function(const struct eval_env *env, const char *name, const oid *args, size_t n,
                        bool variadic, struct function_choice *ret) {
    static const struct function_scope builtins = {0};
    return resolve_function_among(env, name, &builtins, args, n, variadic, ret);
}
