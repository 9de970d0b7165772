/* Functions that users made: what a call can mean, and what their bodies may name and give. */
#include "catalog/routine.h"

#include <stdarg.h>
#include <stdio.h>

#include "analyse/internal.h"

/* ---- calls ----------------------------------------------------------------------------------- */

static bool is_polymorphic_any(oid type) {
    const struct type *t = type_find(type);
    return t && t->kind == 'p' && type != RECORDOID && type != VOIDOID;
}

/* A default may be what tells a polymorphic function its type. */
static status note_default_types(struct analyse *a, const struct function **f) {
    bool wanted = false;
    for (uint16_t i = 0; i < (*f)->ndefaults; i++)
        wanted |= is_polymorphic_any((*f)->args[(*f)->nargs - (*f)->ndefaults + i]);
    if (!wanted) return OK;
    struct function *copy = arena_memdup(a->arena, *f, sizeof **f);
    oid *types;
    NEEDS(a, copy);
    NEW_N(a, types, copy->ndefaults);
    for (uint16_t i = 0; i < copy->ndefaults; i++) {
        struct expr *e;
        TRY(routine_default(a, *f, (uint16_t)(copy->nargs - copy->ndefaults + i), &e));
        types[i] = e->type;
    }
    copy->default_types = types;
    *f = copy;
    return OK;
}

status routine_scope(struct analyse *a, const char *schema, const char *name, int32_t location,
                     struct function_scope *ret_scope) {
    status st = catalog_routine_scope(a->env, schema, name, ret_scope);
    if (status_is(st, ST_NOT_FOUND))
        return FAIL_AT(a, location, INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    TRY(st);
    for (size_t i = 0; i < ret_scope->n; i++)
        TRY(note_default_types(a, (const struct function **)&ret_scope->functions[i]));
    if (!schema || strcmp(schema, "pg_catalog") == 0) return OK;
    NEEDS(a, ret_scope->shown_name = arena_printf(a->arena, "%s.%s", schema, name));
    return OK;
}

status routine_default(struct analyse *a, const struct function *f, uint16_t i, struct expr **ret) {
    struct node *n;
    struct query *q;
    struct scope s;
    uint16_t which = (uint16_t)(i + f->ndefaults - f->nargs);
    const char *kept = f->defaults ? f->defaults[which] : function_default(f->oid, which);
    if (!kept) return not_supported(a, -1, "leaving out this argument");
    char *text = arena_strdup(a->arena, kept);
    NEEDS(a, text);
    TRY(parse_expression(a->arena, text, strlen(text), a->error, &n));
    TRY(query_new(a, QUERY_SELECT, &q));
    scope_init(&s, a, NULL, q);
    bool positions = a->no_positions, params = a->no_params;
    a->no_positions = a->no_params = true;
    status st = transform_expr(&s, n, CLAUSE_DEFAULT, ret);
    a->no_positions = positions;
    a->no_params = params;
    return st;
}

/* ---- in a body ------------------------------------------------------------------------------- */

status routine_param_ref(struct analyse *a, const char *qualifier, const char *name,
                         int32_t location, struct expr **ret) {
    *ret = NULL;
    if (!a->body) return OK;
    const struct routine *r = a->body->routine;
    if (qualifier && strcmp(qualifier, r->function.name) != 0) return OK;
    uint16_t input = 0;
    for (uint16_t i = 0; i < r->nparams; i++) {
        const struct routine_param *p = &r->params[i];
        if (p->mode == 'o' || p->mode == 't') continue;
        if (p->name && strcmp(p->name, name) == 0) {
            struct expr *e = expr_new(a->arena, EXPR_PARAM, a->body->types[input], location);
            NEEDS(a, e);
            e->param = input;
            const struct type *t = type_find(e->type);
            e->collation = t ? t->collation : 0;
            *ret = e;
            return OK;
        }
        input++;
    }
    return OK;
}

[[gnu::format(printf, 2, 3)]] static status mismatch(struct analyse *a, const char *format, ...) {
    char detail[256];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    oid result = a->body->result;
    status st =
        error_set(a->error, ST_INVALID_FUNCTION_DEFINITION,
                  "return type mismatch in function declared to return %s", type_words(a, result));
    error_detail(a->error, "%s", detail);
    return st;
}

static status fit_one(struct analyse *a, struct target *t, oid type, struct expr **ret) {
    TRY(coerce(a, t->expr, type, -1, CAST_ASSIGNMENT, ret));
    if (*ret) t->expr = *ret;
    return OK;
}

/* The columns of a set operation are its sides': a SELECT around it has columns of its own. */
static status wrap(struct analyse *a, struct query *q) {
    struct query *inside = arena_memdup(a->arena, q, sizeof *q);
    struct rte *r;
    uint16_t index;
    struct scope s;
    struct from_item *f;
    NEEDS(a, inside);
    NEW(a, r);
    *q = (struct query){.kind = QUERY_SELECT};
    scope_init(&s, a, NULL, q);
    r->kind = RTE_SUBQUERY;
    r->alias = "*SELECT*";
    r->query = inside;
    TRY(rte_columns_of_query(a, inside, NULL, "table", -1, r));
    TRY(rte_add(&s, r, &index));
    TRY(from_rte(a, index, &f));
    TRY(from_add(&s, f));
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct rte_column *c = &r->columns[i];
        uint16_t at;
        struct expr *v =
            expr_var(a->arena, index, (int16_t)(i + 1), c->type, c->typmod, c->collation, -1);
        NEEDS(a, v);
        TRY(target_add(&s, v, c->name, false, &at));
    }
    q->nvisible = r->ncolumns;
    return OK;
}

/* Casts of targets that sorting or grouping looks at would change what that means. */
static bool must_wrap(const struct query *q) {
    return q->kind == QUERY_SETOP ||
           (q->kind == QUERY_SELECT && (q->nsort || q->distinct || q->ndistinct_on || q->has_sets));
}

static bool types_fit(const struct query *q, const struct target *targets, uint16_t n,
                      const oid *types) {
    for (uint16_t i = 0; i < n; i++)
        if (targets[i].expr->type != types[i]) return false;
    return q->kind != QUERY_SETOP || n == q->nvisible;
}

static status fit_columns(struct analyse *a, struct target *targets, uint16_t n) {
    const struct routine_body *b = a->body;
    for (uint16_t i = 0; i < n; i++) {
        struct expr *fitted;
        if (i == b->ncolumns) return mismatch(a, "Final statement returns too many columns.");
        oid actual = targets[i].expr->type;
        TRY(fit_one(a, &targets[i], b->columns[i], &fitted));
        if (!fitted)
            return mismatch(a, "Final statement returns %s instead of %s at column %u.",
                            type_words(a, actual), type_words(a, b->columns[i]), i + 1u);
    }
    if (n < b->ncolumns) return mismatch(a, "Final statement returns too few columns.");
    return OK;
}

static bool is_record(const struct expr *e) {
    const struct type *t = type_find(e->type);
    return e->type == RECORDOID || (t && t->kind == 'c');
}

status routine_fit_result(struct analyse *a, struct query *q) {
    const struct routine_body *b = a->body;
    if (b->result == VOIDOID) return OK;
    bool reads = q->kind == QUERY_SELECT || q->kind == QUERY_SETOP;
    if (!reads && !q->nreturning)
        return mismatch(a, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE "
                           "RETURNING.");
    uint16_t n = reads ? q->nvisible : q->nreturning;
    struct target *targets = reads ? q->targets : q->returning;
    bool record = b->ncolumns || b->result == RECORDOID;
    if (record && n == 1 && is_record(targets[0].expr)) return OK; /* the whole value */
    if (record && !b->ncolumns) return OK;
    const oid *types = record ? b->columns : &b->result;
    if (must_wrap(q) && !types_fit(q, targets, n < (record ? b->ncolumns : 1) ? 0 : n, types)) {
        TRY(wrap(a, q));
        targets = q->targets;
    }
    if (record) return fit_columns(a, targets, n);
    if (n != 1) return mismatch(a, "Final statement must return exactly one column.");
    struct expr *fitted;
    oid actual = targets[0].expr->type;
    TRY(fit_one(a, &targets[0], b->result, &fitted));
    return fitted ? OK : mismatch(a, "Actual return type is %s.", type_words(a, actual));
}

/* ---- fields ---------------------------------------------------------------------------------- */

static const struct query *query_behind(const struct rte *r) {
    if (r->kind == RTE_SUBQUERY) return r->query;
    return r->kind == RTE_CTE && r->cte ? r->cte->query : NULL;
}

/* What a column of a subquery or WITH query stands for there. */
static const struct expr *origin_of(const struct scope *s, const struct expr *e) {
    if (e->kind != EXPR_VAR || e->type != RECORDOID) return e;
    for (uint16_t level = e->var.level; level && s; level--) s = s->parent;
    const struct query *q = s ? s->query : NULL;
    while (q && e->kind == EXPR_VAR && e->type == RECORDOID && e->var.rte < q->nrtes) {
        q = query_behind(q->rtes[e->var.rte]);
        if (!q || e->var.att < 1 || e->var.att > q->ntargets) break;
        e = q->targets[e->var.att - 1].expr;
        if (e->kind == EXPR_VAR && e->var.level) break; /* of a query around that one */
    }
    return e;
}

static status row_fields(struct analyse *a, const struct expr *e, uint16_t *ret_n,
                         const struct rte_column **ret_columns) {
    struct rte_column *columns;
    NEW_N(a, columns, e->nargs + 1);
    for (uint16_t i = 0; i < e->nargs; i++) {
        const struct expr *x = e->args[i];
        const char *name = e->row.names ? e->row.names[i] : arena_printf(a->arena, "f%u", i + 1u);
        NEEDS(a, name);
        columns[i] = (struct rte_column){name, x->type, x->typmod, x->collation};
    }
    *ret_n = e->nargs;
    *ret_columns = columns;
    return OK;
}

/* Of a built-in function: what pg_proc says that comes out. */
static status builtin_field(struct analyse *a, const struct function_arguments *known,
                            uint16_t result, struct rte_column *ret) {
    const char *name;
    uint16_t i = function_result_at(known, result);
    size_t len = argument_name(known, i, &name);
    const struct type *t = type_find(known->types[i]);
    *ret = (struct rte_column){arena_strndup(a->arena, name, len), t ? t->oid : TEXTOID, -1,
                               t ? t->collation : 0};
    NEEDS(a, ret->name);
    return OK;
}

static status builtin_fields(struct analyse *a, const struct expr *call, uint16_t *ret_n,
                             const struct rte_column **ret_columns) {
    const struct function_arguments *known = function_arguments(call->call.function->oid);
    uint16_t n = known ? function_results(known) : 0;
    struct rte_column *columns;
    if (call->type != RECORDOID || n < 2) return OK;
    NEW_N(a, columns, n);
    for (uint16_t i = 0; i < n; i++) TRY(builtin_field(a, known, i, &columns[i]));
    *ret_n = n;
    *ret_columns = columns;
    return OK;
}

status routine_fields(struct scope *s, const struct expr *e, uint16_t *ret_n,
                      const struct rte_column **ret_columns) {
    struct analyse *a = s->a;
    e = expr_row_below((struct expr *)origin_of(s, e));
    const struct routine *r;
    struct routine_body body;
    oid types[FUNCTION_ARGS_MAX];
    *ret_n = 0;
    if (e->kind == EXPR_ROW) return row_fields(a, e, ret_n, ret_columns);
    if (e->kind != EXPR_CALL) return OK;
    if (!function_is_routine(e->call.function)) return builtin_fields(a, e, ret_n, ret_columns);
    TRY(catalog_routine(a->env, e->call.function->oid, &r));
    if (!r->nresults) return OK;
    for (uint16_t i = 0; i < e->nargs; i++) types[i] = e->args[i]->type;
    TRY(routine_body_of(a->env, r, types, e->nargs, e->type, a->arena, &body));
    struct rte_column *columns;
    NEW_N(a, columns, r->nresults);
    for (uint16_t i = 0; i < r->nresults; i++) {
        const struct type *t = type_find(body.columns[i]);
        const char *name = r->results[i].name;
        char *copy =
            name ? arena_strdup(a->arena, name) : arena_printf(a->arena, "column%u", i + 1u);
        NEEDS(a, copy);
        columns[i] = (struct rte_column){copy, body.columns[i], -1, t ? t->collation : 0};
    }
    *ret_n = r->nresults;
    *ret_columns = columns;
    return OK;
}
