/* FROM: functions, and the columns of what they give. */
#include "analyse/internal.h"

static int32_t defs_location(const struct list *defs) {
    return ((struct ast_column_def *)list_at(defs, 0))->node.location;
}

static status redundant(struct analyse *a, const struct list *defs) {
    return FAIL_AT(a, defs_location(defs), SYNTAX_ERROR,
                   "a column definition list is redundant for a function with OUT parameters");
}

static status no_name_twice(struct analyse *a, const struct list *defs) {
    LIST_EACH(struct ast_column_def *, d, defs)
    for (int32_t i = 0; i < d_i; i++)
        if (strcmp(((struct ast_column_def *)list_at(defs, i))->name, d->name) == 0)
            return FAIL_AT(a, -1, DUPLICATE_COLUMN, "column name \"%s\" specified more than once",
                           d->name);
    return OK;
}

static status name_of_routine_result(struct analyse *a, const struct function *f,
                                     const char **name) {
    const struct routine *r;
    TRY(catalog_routine(a->env, f->oid, &r));
    for (uint16_t i = 0; i < r->nparams; i++)
        if (strchr("obt", r->params[i].mode) && r->params[i].name)
            NEEDS(a, *name = arena_strdup(a->arena, r->params[i].name));
    return OK;
}

static status routine_columns(struct analyse *a, struct rte *e, struct rte_function *f, uint16_t n,
                              const struct rte_column *fields, const struct list *defs,
                              uint16_t *cap) {
    if (list_n(defs)) return redundant(a, defs);
    f->ncolumns = n;
    for (uint16_t i = 0; i < n; i++) {
        GROW(a, e->columns, e->ncolumns, *cap);
        e->columns[e->ncolumns++] = fields[i];
    }
    return OK;
}

/* A single OUT argument's name stands before the function's and the alias. */
static status name_of_result(struct analyse *a, const struct function *f, const char **name) {
    if (function_is_routine(f)) return name_of_routine_result(a, f, name);
    const struct function_arguments *known = function_arguments(f->oid);
    const char *found;
    if (!known || function_results(known) != 1) return OK;
    size_t len = argument_name(known, function_result_at(known, 0), &found);
    if (len) NEEDS(a, *name = arena_strndup(a->arena, found, len));
    return OK;
}

/* What the call is told of the columns, the last n of the entry. */
static status give_shape(struct analyse *a, const struct rte *e, uint16_t n, struct expr *call) {
    struct record_shape *shape;
    oid *types;
    int32_t *typmods;
    const char **names;
    NEW(a, shape);
    NEW_N(a, types, n);
    NEW_N(a, typmods, n);
    NEW_N(a, names, n);
    for (uint16_t i = 0; i < n; i++) {
        const struct rte_column *c = &e->columns[e->ncolumns - n + i];
        types[i] = c->type;
        typmods[i] = c->typmod;
        names[i] = c->name;
    }
    *shape = (struct record_shape){n, types, typmods, names};
    if (call->kind == EXPR_CALL) call->call.shape = shape;
    return OK;
}

static status row_columns(struct analyse *a, struct rte *e, struct rte_function *f,
                          const struct type *row, uint16_t *cap) {
    f->composite = true;
    for (uint16_t i = 0; i < row->nfields; i++) {
        const struct type_field *field = &row->fields[i];
        if (field->dropped) continue;
        GROW(a, e->columns, e->ncolumns, *cap);
        struct rte_column *c = &e->columns[e->ncolumns++];
        *c = (struct rte_column){arena_strdup(a->arena, field->name), field->type, field->typmod,
                                 field->collation};
        NEEDS(a, c->name);
        f->ncolumns++;
    }
    return OK;
}

/* The columns that one function adds to its entry. */
static status function_columns(struct scope *s, struct rte *e, struct rte_function *f,
                               const char *name, const struct list *defs, uint16_t *cap) {
    struct analyse *a = s->a;
    struct expr *call = f->call;
    TRY(assign_collation(a, call));
    const struct type *row = type_below(type_find(call->type));
    if (row && row->kind == 'c') return row_columns(a, e, f, row, cap);
    if (call->type == RECORDOID) {
        f->composite = true;
        uint16_t nfields;
        const struct rte_column *fields;
        TRY(routine_fields(s, call, &nfields, &fields));
        if (nfields) return routine_columns(a, e, f, nfields, fields, defs, cap);
        f->ncolumns = (uint16_t)list_n(defs);
        if (!f->ncolumns)
            return FAIL_AT(a, call->location, SYNTAX_ERROR,
                           "a column definition list is required for functions returning "
                           "\"record\"");
        TRY(no_name_twice(a, defs));
        for (uint16_t i = 0; i < f->ncolumns; i++) {
            GROW(a, e->columns, e->ncolumns, *cap);
            struct rte_column *c = &e->columns[e->ncolumns++];
            struct ast_column_def *d = list_at(defs, i);
            NEEDS(a, c->name = arena_strdup(a->arena, d->name)); /* told when it runs */
            TRY(type_of_name(a, d->type, &c->type, &c->typmod));
            const struct type *t = type_find(c->type);
            c->collation = t ? t->collation : 0;
        }
        return give_shape(a, e, f->ncolumns, call);
    }
    if (list_n(defs))
        return FAIL_AT(a, defs_location(defs), SYNTAX_ERROR,
                       "a column definition list is only allowed for functions returning "
                       "\"record\"");
    f->ncolumns = 1;
    GROW(a, e->columns, e->ncolumns, *cap);
    e->columns[e->ncolumns++] =
        (struct rte_column){name, call->type, call->typmod, call->collation};
    return OK;
}

/* unnest(a, b) in FROM is ROWS FROM (unnest(a), unnest(b)). */
static bool is_unnest(const struct ast_range_function_item *item) {
    if (item->call->kind != NODE_FUNC_CALL) return false;
    const struct ast_func_call *call = ast_as_func_call(item->call);
    return strcmp(last_name(call->names), "unnest") == 0 && list_n(call->args) > 1;
}

static status spread_unnest(struct analyse *a, const struct list *functions,
                            const struct list **ret) {
    struct list *items = NULL;
    LIST_EACH(struct ast_range_function_item *, from, functions) {
        if (!is_unnest(from)) {
            TRY(list_append(a->arena, &items, from));
            continue;
        }
        struct ast_func_call *call = ast_as_func_call(from->call);
        LIST_EACH(struct node *, arg, call->args) {
            struct ast_range_function_item *item = arena_memdup(a->arena, from, sizeof *from);
            struct ast_func_call *one = arena_memdup(a->arena, call, sizeof *call);
            NEEDS(a, item && one);
            one->args = NULL;
            TRY(list_append(a->arena, &one->args, arg));
            item->call = &one->node;
            TRY(list_append(a->arena, &items, item));
        }
    }
    *ret = items;
    return OK;
}

static status only_top_set(struct analyse *a, struct expr *call) {
    bool top = expr_returns_set(call);
    if (!top && !expr_contains_set(call)) return OK;
    for (uint16_t i = 0; i < call->nargs; i++) {
        struct expr *e = call->args[i];
        if (!expr_contains_set(e)) continue;
        return FAIL_AT(a, e->location, FEATURE_NOT_SUPPORTED,
                       "set-returning functions must appear at top level of FROM");
    }
    return OK;
}

static status one_function(struct scope *s, struct ast_range_function *n,
                           struct ast_range_function_item *item, struct rte *e,
                           struct rte_function *f, uint16_t *cap) {
    struct analyse *a = s->a;
    bool before = s->lateral;
    s->lateral = true;
    a->kept_call = item->call; /* its results' names are the function's to say */
    enum clause clause = a->in_call ? CLAUSE_CALL : CLAUSE_FROM_FUNCTION;
    a->in_call = false;
    status st = transform_expr(s, item->call, clause, &f->call);
    s->lateral = before;
    TRY(st);
    TRY(coerce_unknown(a, f->call, &f->call));
    TRY(only_top_set(a, f->call));
    const char *name = output_name(item->call);
    if (!e->alias) e->alias = n->alias ? n->alias->name : name;
    const char *column = n->alias && e->nfunctions == 1 ? n->alias->name : name;
    if (f->call->kind == EXPR_CALL) TRY(name_of_result(a, f->call->call.function, &column));
    return function_columns(s, e, f, column, item->columns ? item->columns : n->columns, cap);
}

/* A function whose body is one SELECT: that as a subquery. */
static status inline_function_rte(struct scope *s, struct rte *e) {
    struct query *q;
    TRY(inline_rows(s, e->functions[0].call, &q));
    if (!q || q->nvisible != e->ncolumns) return OK;
    e->kind = RTE_SUBQUERY;
    e->query = q;
    e->was_function = true;
    e->nfunctions = 0;
    return OK;
}

/* The list's columns would be those of the function and of the numbers at once. */
static status check_ordinality(struct analyse *a, const struct ast_range_function *n) {
    if (!n->ordinality || !list_n(n->columns)) return OK;
    status st = FAIL_AT(a, defs_location(n->columns), SYNTAX_ERROR,
                        "WITH ORDINALITY cannot be used with a column definition list");
    error_hint(a->error, "Put the column definition list inside ROWS FROM().");
    return st;
}

static status function_words(struct analyse *a, const struct ast_range_function *n, struct rte *e) {
    bool lateral = n->lateral;
    for (uint16_t i = 0; i < e->nfunctions; i++)
        lateral |= query_uses_level(e->functions[i].call, 0);
    const struct expr *call = e->functions[0].call;
    bool defines = e->nfunctions == 1 && call->kind == EXPR_CALL && call->call.shape;
    return words_rte(a, e, n->alias, false, lateral, defines);
}

status from_function(struct scope *s, struct ast_range_function *n, struct from_item **ret) {
    struct analyse *a = s->a;
    struct rte *e;
    const struct list *functions;
    NEW(a, e);
    TRY(spread_unnest(a, n->functions, &functions));
    TRY(check_ordinality(a, n));
    e->kind = RTE_FUNCTION;
    e->lateral = true; /* functions always see what stands to their left */
    e->ordinality = n->ordinality;
    e->nfunctions = (uint16_t)list_n(functions);
    NEW_N(a, e->functions, e->nfunctions);
    uint16_t cap = 0;
    LIST_EACH(struct ast_range_function_item *, item, functions)
    TRY(one_function(s, n, item, e, &e->functions[item_i], &cap));
    if (n->ordinality) {
        GROW(a, e->columns, e->ncolumns, cap);
        e->columns[e->ncolumns++] = (struct rte_column){"ordinality", INT8OID, -1, 0};
    }
    TRY(function_words(a, n, e));
    if (n->alias) TRY(rte_rename_columns(a, e, n->alias->columns, n->node.location));
    if (e->nfunctions == 1 && !e->ordinality && !a->for_text) TRY(inline_function_rte(s, e));
    uint16_t index;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    TRY(scope_add(s, item));
    return from_rte(a, index, ret);
}
