/* Function calls. */
#include "analyse/internal.h"
#include "types/ordered_set.h"

/* Functions that SQL has words for, by PostgreSQL's oids. */
enum {
    FN_NOW = 1299,
    FN_CURRENT_USER = 745,
    FN_SESSION_USER = 746,
    FN_CURRENT_DATABASE = 861,
    FN_CURRENT_SCHEMA = 1402
};

status call_by_oid(struct analyse *a, oid function, struct expr **args, uint16_t nargs,
                   int32_t location, struct expr **ret) {
    const struct function *f = function_find(function);
    if (!f) return not_supported(a, location, "this function");
    struct expr *e = expr_new_n(a->arena, EXPR_CALL, f->result, location, nargs);
    NEEDS(a, e);
    e->call.function = f;
    for (uint16_t i = 0; i < nargs; i++) e->args[i] = args[i];
    *ret = e;
    return OK;
}

status undefined_function(struct analyse *a, int32_t location, const char *name, const oid *types,
                          uint16_t n) {
    struct buf b = {0};
    status s = OK;
    for (uint16_t i = 0; ok(s) && i < n; i++) {
        if (i) s = buf_add(&b, ", ", 2);
        if (ok(s)) s = type_format(types[i], -1, &b);
    }
    if (ok(s))
        s = FAIL_AT(a, location, UNDEFINED_FUNCTION, "function %s(%.*s) does not exist", name,
                    (int)b.len, b.data ? b.data : "");
    buf_free(&b);
    return s;
}

/* precision -1: none was given. */
static status fit_precision(struct analyse *a, oid type, int32_t *precision) {
    if (*precision < 0) return OK;
    return understand_typmod(a, type_find(type), precision, 1, precision);
}

static status time_value(struct analyse *a, oid type, int32_t precision, int32_t location,
                         struct expr **ret) {
    struct expr *now;
    TRY(fit_precision(a, type, &precision));
    TRY(call_by_oid(a, FN_NOW, NULL, 0, location, &now));
    return make_cast(a, now, type, precision, location, ret);
}

/* The value as the word that it was written as; never evaluated. */
static status value_words(struct analyse *a, const struct ast_sql_value *n, struct expr **ret) {
    static const oid types[] = {
        [VALUE_CURRENT_DATE] = DATEOID,
        [VALUE_CURRENT_TIME] = TIMETZOID,
        [VALUE_CURRENT_TIMESTAMP] = TIMESTAMPTZOID,
        [VALUE_LOCALTIME] = TIMEOID,
        [VALUE_LOCALTIMESTAMP] = TIMESTAMPOID,
        [VALUE_CURRENT_SCHEMA] = NAMEOID,
    };
    TRY(call_by_oid(a, FN_NOW, NULL, 0, n->node.location, ret));
    (*ret)->type = types[n->kind] ? types[n->kind] : NAMEOID;
    (*ret)->typmod = n->precision;
    TRY(fit_precision(a, (*ret)->type, &(*ret)->typmod));
    (*ret)->collation = type_find((*ret)->type)->collation;
    (*ret)->call.sql_value = (uint8_t)(n->kind + 1);
    return OK;
}

status transform_sql_value(struct scope *s, struct ast_sql_value *n, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    if (a->for_text) return value_words(a, n, ret);
    switch (n->kind) {
    case VALUE_CURRENT_DATE: return time_value(a, DATEOID, -1, location, ret);
    case VALUE_CURRENT_TIME: return time_value(a, TIMETZOID, n->precision, location, ret);
    case VALUE_CURRENT_TIMESTAMP: return time_value(a, TIMESTAMPTZOID, n->precision, location, ret);
    case VALUE_LOCALTIME: return time_value(a, TIMEOID, n->precision, location, ret);
    case VALUE_LOCALTIMESTAMP: return time_value(a, TIMESTAMPOID, n->precision, location, ret);
    case VALUE_CURRENT_ROLE:
    case VALUE_CURRENT_USER:
    case VALUE_USER: return call_by_oid(a, FN_CURRENT_USER, NULL, 0, location, ret);
    case VALUE_SESSION_USER: return call_by_oid(a, FN_SESSION_USER, NULL, 0, location, ret);
    case VALUE_CURRENT_CATALOG: return call_by_oid(a, FN_CURRENT_DATABASE, NULL, 0, location, ret);
    default: return call_by_oid(a, FN_CURRENT_SCHEMA, NULL, 0, location, ret);
    }
}

static status refuse_decoration(struct analyse *a, struct ast_func_call *n, const char *name) {
    int32_t location = n->node.location;
    if (n->star)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "%s(*) specified, but %s is not an aggregate function", name, name);
    if (n->distinct)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "DISTINCT specified, but %s is not an aggregate function", name);
    if (n->within_group)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "WITHIN GROUP specified, but %s is not an aggregate function", name);
    if (n->order_by)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "ORDER BY specified, but %s is not an aggregate function", name);
    if (n->filter)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "FILTER specified, but %s is not an aggregate function", name);
    if (n->over)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "OVER specified, but %s is not a window function nor an aggregate function",
                       name);
    return OK;
}

static status check_set(struct scope *s, int32_t location) {
    if (!clause_allows_sets(s->clause)) {
        if (s->clause == CLAUSE_AGG_ARGS) {
            status st = FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED,
                                "aggregate function calls cannot contain set-returning function "
                                "calls");
            error_hint(s->a->error, "You might be able to move the set-returning function into a "
                                    "LATERAL FROM item.");
            return st;
        }
        return FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED,
                       "set-returning functions are not allowed in %s", clause_words(s->clause));
    }
    if (s->clause != CLAUSE_FROM_FUNCTION) s->query->has_sets = true;
    return OK;
}

/* The trailing arguments of a VARIADIC function as one array. */
static status gather(struct analyse *a, const struct function_choice *c, struct expr **args,
                     uint16_t *n, int32_t location) {
    uint16_t count = (uint16_t)(*n - c->variadic_from);
    const struct type *t = type_find(c->variadic_type);
    struct expr *e = expr_new_n(a->arena, EXPR_ARRAY, 0, location, count);
    NEEDS(a, e);
    if (is_true_array(t)) { /* told as the array type */
        e->type = t->oid;
        e->array.element = t->element;
    } else {
        e->type = t ? t->array : 0;
        e->array.element = c->variadic_type;
    }
    for (uint16_t i = 0; i < count; i++)
        TRY(coerce_chosen(a, args[c->variadic_from + i], e->array.element, &e->args[i]));
    args[c->variadic_from] = e;
    *n = (uint16_t)(c->variadic_from + 1);
    return OK;
}

/* The call of a user's function: what is kept of it, and its body in its place where it may be. */
static status routine_call(struct scope *s, struct expr *call, bool keep, struct expr **ret) {
    struct analyse *a = s->a;
    const struct function *f = call->call.function;
    NEEDS(a, call->call.function = routine_function_copy(a->arena, f));
    struct expr *body = NULL;
    if (!keep && !a->for_text) TRY(inline_call(s, call, &body));
    if (body) *ret = body;
    return OK;
}

static status plain_call(struct scope *s, struct ast_func_call *n, const char *name,
                         const struct function_choice *c, struct expr **args, uint16_t nargs,
                         bool keep, struct expr **ret) {
    struct analyse *a = s->a;
    TRY(refuse_decoration(a, n, name));
    if (c->is_coercion) return make_cast(a, args[0], c->result, -1, n->node.location, ret);
    if (c->function->returns_set) TRY(check_set(s, n->node.location));
    struct expr *e = expr_new_n(a->arena, EXPR_CALL, c->result, n->node.location, nargs);
    NEEDS(a, e);
    e->call.function = c->function;
    e->call.variadic = n->variadic || (a->for_text && c->gather_variadic);
    e->call.sql_syntax = n->syntax == FUNC_SQL;
    memcpy(e->args, args, nargs * sizeof *args);
    const struct type *t = type_find(c->result);
    e->collation = t ? t->collation : 0;
    *ret = e;
    return function_is_routine(c->function) ? routine_call(s, e, keep, ret) : OK;
}

/* Names of arguments; NULL: none is named. */
static status argument_names(struct analyse *a, const struct ast_func_call *n,
                             const char ***ret_names) {
    const char **names = NULL;
    *ret_names = NULL;
    LIST_EACH(struct node *, arg, n->args) {
        if (arg->kind != NODE_NAMED_ARG && !names) continue;
        if (arg->kind != NODE_NAMED_ARG)
            return FAIL_AT(a, arg->location, SYNTAX_ERROR,
                           "positional argument cannot follow named argument");
        const struct ast_named_arg *named = ast_as_named_arg(arg);
        if (!names) NEW_N(a, names, list_n(n->args));
        for (int32_t i = 0; i < arg_i; i++)
            if (names[i] && strcmp(names[i], named->name) == 0)
                return FAIL_AT(a, arg->location, SYNTAX_ERROR,
                               "argument name \"%s\" used more than once", named->name);
        names[arg_i] = named->name;
    }
    *ret_names = names;
    return OK;
}

static status call_args(struct scope *s, struct ast_func_call *n, struct expr ***ret_args,
                        uint16_t *ret_n) {
    struct analyse *a = s->a;
    int32_t count = list_n(n->args);
    if (count + list_n(n->order_by) > FUNCTION_ARGS_MAX)
        return FAIL_AT(a, n->node.location, TOO_MANY_ARGUMENTS,
                       "cannot pass more than %d arguments to a function", FUNCTION_ARGS_MAX);
    struct list *values = NULL;
    LIST_EACH(struct node *, arg, n->args)
    TRY(list_append(a->arena, &values,
                    arg->kind == NODE_NAMED_ARG ? ast_as_named_arg(arg)->arg : arg));
    TRY(transform_list(s, values, ret_args));
    *ret_n = (uint16_t)count;
    return OK;
}

/* The arguments in the order of the parameters, with the defaults of those that were left out. */
static status arrange(struct analyse *a, const struct function_choice *c, struct expr ***args,
                      uint16_t *n) {
    struct expr **all;
    if (!c->from_source) return OK;
    NEW_N(a, all, c->nargs + 1);
    for (uint16_t i = 0; i < c->nargs; i++) {
        if (c->source[i] >= 0) {
            all[i] = (*args)[c->source[i]];
            continue;
        }
        if (a->for_text) { /* what was left out stays out */
            NEEDS(a, all[i] = expr_new(a->arena, EXPR_DEFAULT, c->arg_types[i], -1));
            continue;
        }
        TRY(routine_default(a, c->function, i, &all[i]));
    }
    *args = all;
    *n = c->nargs;
    return OK;
}

static status coerce_args(struct analyse *a, const struct function_choice *c, struct expr **args,
                          uint16_t *n, int32_t location) {
    uint16_t fixed = c->gather_variadic ? c->variadic_from : *n;
    for (uint16_t i = 0; i < fixed; i++) {
        int32_t where = args[i]->location;
        TRY(analyse_at(a, where, coerce_chosen(a, args[i], c->arg_types[i], &args[i])));
    }
    if (c->gather_variadic) TRY(gather(a, c, args, n, location));
    return OK;
}

/* VARIADIC "any" takes the array as it is, so it must be one. */
static status check_variadic(struct analyse *a, const struct function_choice *c,
                             struct expr *const *args, uint16_t n) {
    if (c->is_coercion || c->function->variadic != ANYOID || n == 0) return OK;
    const struct expr *last = args[n - 1];
    const struct type *t = type_find(last->type);
    if (t && t->element && t->category == 'A') return OK;
    return FAIL_AT(a, last->location, DATATYPE_MISMATCH, "VARIADIC argument must be an array");
}

/* The keys of WITHIN GROUP are arguments like those in the brackets. */
static status add_order_args(struct scope *s, struct ast_func_call *n, struct expr ***args,
                             uint16_t *nargs) {
    struct expr **all;
    NEW_N(s->a, all, *nargs + list_n(n->order_by));
    memcpy(all, *args, *nargs * sizeof *all);
    LIST_EACH(struct ast_sort_by *, by, n->order_by) TRY(transform(s, by->value, &all[(*nargs)++]));
    *args = all;
    return OK;
}

static status refuse_kind(struct analyse *a, bool procedure, const char *name,
                          struct expr *const *args, uint16_t n, int32_t location) {
    const char *list = "";
    for (uint16_t i = 0; i < n; i++)
        NEEDS(a, list = arena_printf(a->arena, "%s%s%s", list, i ? ", " : "",
                                     type_words(a, args[i]->type)));
    status st = FAIL_AT(a, location, WRONG_OBJECT_TYPE, "%s(%s) is %s procedure", name, list,
                        procedure ? "a" : "not a");
    error_hint(a->error,
               procedure ? "To call a procedure, use CALL." : "To call a function, use SELECT.");
    return st;
}

static bool takes_row(const struct function_scope *f, oid type) {
    for (size_t i = 0; i < f->n; i++) {
        const struct function *fn = f->functions[i];
        if (fn->kind == 'f' && fn->nargs && fn->nargs - fn->ndefaults <= 1 && fn->args[0] == type)
            return true;
    }
    return false;
}

status call_of_row(struct scope *s, const char *name, struct node *row, oid type, int32_t location,
                   struct expr **ret) {
    struct analyse *a = s->a;
    struct function_scope found;
    *ret = NULL;
    TRY(routine_scope(a, NULL, name, location, &found));
    if (!takes_row(&found, type)) return OK;
    struct node *n = ast_new(a->arena, NODE_FUNC_CALL, location);
    NEEDS(a, n);
    struct ast_func_call *call = ast_as_func_call(n);
    TRY(list_append(a->arena, &call->names, (char *)name));
    TRY(list_append(a->arena, &call->args, row));
    return transform_call(s, call, ret);
}

/* f(row) where the row has a column f. */
static status column_of_row(struct scope *s, struct ast_func_call *n, const char *name,
                            struct expr *row, struct expr **ret) {
    *ret = NULL;
    const struct type *t = type_below(type_find(row->type));
    if (!t || t->kind != 'c' || field_number(t, name) < 0 || n->star || n->distinct ||
        n->order_by || n->filter || n->over || n->variadic)
        return OK;
    return field_of(s, row, name, n->node.location, ret);
}

status transform_call(struct scope *s, struct ast_func_call *n, struct expr **ret) {
    struct analyse *a = s->a;
    const char *schema, *name;
    int32_t location = n->node.location;
    TRY(split_name(a, n->names, location, &schema, &name));
    enum clause clause = s->clause;
    struct expr **args;
    uint16_t nargs;
    struct function_scope scope;
    const char **names;
    bool calls = a->calls; /* CALL means its own call, not those among its arguments */
    a->calls = false;
    bool keep = a->kept_call == &n->node;
    TRY(call_args(s, n, &args, &nargs));
    TRY(argument_names(a, n, &names));
    TRY(routine_scope(a, schema, name, location, &scope));
    scope.arg_names = names;
    scope.word = calls ? "procedure" : NULL;
    if (n->within_group) TRY(add_order_args(s, n, &args, &nargs));
    oid types[FUNCTION_ARGS_MAX];
    for (uint16_t i = 0; i < nargs; i++) types[i] = args[i]->type;
    uint16_t ntypes = nargs;
    struct function_choice *c;
    NEW(a, c);
    status found = resolve_function_among(&a->eval, name, &scope, types, ntypes, n->variadic, c);
    if (status_is(found, ST_UNDEFINED_FUNCTION) && nargs == 1 && !names && !schema) {
        struct error told = *a->error;
        error_clear(a->error);
        TRY(column_of_row(s, n, name, args[0], ret));
        if (*ret) return OK;
        *a->error = told;
    }
    TRY(analyse_at(a, location, found));
    if (c->is_coercion ? calls : (c->function->kind == 'p') != calls)
        return refuse_kind(a, !calls, name, args, nargs, location);
    TRY(arrange(a, c, &args, &nargs));
    if (n->variadic) TRY(check_variadic(a, c, args, nargs));
    if (n->within_group && !c->is_coercion && c->function->kind == 'a')
        return make_ordered_set(s, n, c, name, types, args, nargs, ret);
    if (!c->is_coercion) TRY(coerce_args(a, c, args, &nargs, location));
    s->clause = clause;
    if (c->is_coercion || c->function->kind == 'f' || c->function->kind == 'p')
        return plain_call(s, n, name, c, args, nargs, keep, ret);
    if (ordered_set_find(c->function->oid))
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "WITHIN GROUP is required for ordered-set aggregate %s", name);
    if (c->function->kind == 'w' || n->over) return make_window(s, n, c, args, nargs, ret);
    return make_aggregate(s, n, c, args, nargs, ret);
}
