/* Bodies of SQL functions put in the place of their calls, where that cannot be told from calling
 * them: the rules are PostgreSQL's. */
#include "analyse/internal.h"
#include "catalog/routine.h"

struct inlining {
    const struct inlining *around;
    oid routine;
};

static bool is_under_way(const struct analyse *a, oid routine) {
    for (const struct inlining *i = a->inlining; i; i = i->around)
        if (i->routine == routine) return true;
    return false;
}

/* ---- the body -------------------------------------------------------------------------------- */

/* The one SELECT that the body is; *ret NULL: it is something else. */
static status only_select(struct analyse *a, const struct routine *r, struct ast_select **ret) {
    struct list *statements;
    const char *text;
    *ret = NULL;
    TRY(routine_parse(a->env, r, a->arena, &statements, &text));
    if (list_n(statements) != 1) return OK;
    struct node *n = ((struct raw_stmt *)list_at(statements, 0))->stmt;
    if (n->kind == NODE_SELECT) *ret = ast_as_select(n);
    return OK;
}

/* Analyses the body in an analysis of its own: parameters instead of the client's. */
static status analyse_body(struct analyse *a, const struct expr *call, const struct routine *r,
                           struct ast_select *select, struct query **ret) {
    oid types[FUNCTION_ARGS_MAX];
    struct routine_body body;
    struct inlining here = {a->inlining, r->function.oid};
    for (uint16_t i = 0; i < call->nargs; i++) types[i] = call->args[i]->type;
    TRY(routine_body_of(a->env, r, types, call->nargs, call->type, a->arena, &body));
    struct analyse inner = *a;
    inner.body = &body;
    inner.inlining = &here;
    inner.no_columns = false; /* parameters have names */
    inner.targets_clause = CLAUSE_TARGETS;
    inner.check_as = 0; /* who calls it must be allowed to */
    inner.no_positions = true;
    inner.no_params = false;
    inner.nparams = inner.params_cap = body.nargs;
    inner.param_types = (oid *)body.types;
    status st = analyse_raw_subquery(&inner, NULL, &select->node, ret);
    if (ok(st)) st = routine_fit_result(&inner, *ret);
    a->nrelations = inner.nrelations;
    a->relations_cap = inner.relations_cap;
    a->relations = inner.relations;
    a->nctes = inner.nctes;
    a->npermissions = inner.npermissions;
    a->permissions_cap = inner.permissions_cap;
    a->permissions = inner.permissions;
    a->nfunctions = inner.nfunctions;
    a->functions_cap = inner.functions_cap;
    a->functions = inner.functions;
    a->reads_only &= inner.reads_only;
    return st;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static bool is_bare(const struct ast_select *s) {
    return s->set_op == SETOP_NONE && !s->values && !s->into && !s->from && !s->where &&
           !s->group_by && !s->having && !s->windows && !s->order_by && !s->limit && !s->offset &&
           !s->with && !s->locking && !s->distinct && !s->distinct_on && list_n(s->targets) == 1;
}

struct uses {
    uint16_t n[FUNCTION_ARGS_MAX];
    bool strict; /* nothing but strict calls */
    bool simple; /* no subquery, aggregate … */
};

static status count_use(struct expr *e, void *arg, bool *) {
    struct uses *u = arg;
    switch ((enum expr_kind)e->kind) {
    case EXPR_PARAM: u->n[e->param]++; break;
    case EXPR_CONST: break;
    case EXPR_CAST: break;
    case EXPR_CALL:
        u->strict &= e->call.function->strict;
        u->simple &= !e->call.function->returns_set;
        break;
    case EXPR_SUBLINK:
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
    case EXPR_GROUPING:
    case EXPR_VAR: u->simple = false; break;
    default: u->strict = false; break;
    }
    return OK;
}

/* An argument that would be evaluated another number of times must not show it. */
static bool may_repeat(struct expr *arg) {
    if (arg->kind == EXPR_CONST || arg->kind == EXPR_VAR || arg->kind == EXPR_PARAM) return true;
    if (expr_contains_kind(arg, EXPR_SUBLINK) || expr_volatility(arg) == 'v') return false;
    uint16_t calls = 0;
    for (const struct expr *e = arg; e && e->nargs; e = e->args[0]) calls++;
    return calls <= 2;
}

static bool arguments_allow(const struct routine *r, const struct expr *call,
                            const struct uses *u) {
    for (uint16_t i = 0; i < call->nargs; i++) {
        if (r->function.strict && !u->n[i]) return false;
        if (!r->function.strict && u->n[i] != 1 && !may_repeat(call->args[i])) return false;
        if (u->n[i] > 1 && !may_repeat(call->args[i])) return false;
        if (expr_contains_set(call->args[i])) return false;
    }
    return true;
}

static bool volatility_allows(char declared, char actual) {
    if (declared == 'i') return actual == 'i';
    return declared == 'v' || actual != 'v';
}

static status put_argument(struct expr *e, void *arg, struct expr **ret) {
    const struct expr *call = arg;
    if (e->kind == EXPR_PARAM) *ret = call->args[e->param];
    return OK;
}

static bool may_inline(const struct analyse *a, const struct routine *r, const struct expr *call) {
    return r->function.kind == 'f' && !r->security_definer && !r->nconfig &&
           call->nargs == r->ninputs && !is_under_way(a, r->function.oid);
}

status inline_call(struct scope *s, const struct expr *call, struct expr **ret) {
    struct analyse *a = s->a;
    const struct routine *r;
    struct ast_select *select;
    struct query *q;
    *ret = NULL;
    TRY(catalog_routine(a->env, call->call.function->oid, &r));
    if (!may_inline(a, r, call) || r->function.returns_set || call->type == RECORDOID ||
        call->type == VOIDOID || r->nresults)
        return OK;
    TRY(only_select(a, r, &select));
    if (!select || !is_bare(select)) return OK;
    TRY(analyse_body(a, call, r, select, &q));
    struct expr *e = q->targets[0].expr;
    struct uses u = {.strict = true, .simple = !q->has_sets && !q->has_aggregates};
    TRY(expr_walk(e, count_use, &u));
    if (!u.simple || q->ntargets != 1 || (r->function.strict && !u.strict) ||
        !volatility_allows(r->function.volatility, expr_volatility(e)) ||
        !arguments_allow(r, call, &u))
        return OK;
    TRY(permission_function(a, r->function.oid));
    return expr_map(a->arena, e, put_argument, (void *)call, ret);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct put_rows {
    struct arena *arena;
    const struct expr *call;
};

/* Inside of the body what the arguments name lies one query further out. */
static status put_shifted(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    struct put_rows *p = arg;
    if (e->kind != EXPR_PARAM) return OK;
    return expr_shift_levels(p->arena, p->call->args[e->param], 0, (int)depth + 1, ret);
}

status inline_rows(struct scope *s, const struct expr *call, struct query **ret) {
    struct analyse *a = s->a;
    const struct routine *r;
    struct ast_select *select;
    struct query *q;
    *ret = NULL;
    if (call->kind != EXPR_CALL || !function_is_routine(call->call.function)) return OK;
    TRY(catalog_routine(a->env, call->call.function->oid, &r));
    if (!may_inline(a, r, call) || !r->function.returns_set || r->function.strict ||
        r->function.volatility == 'v' || call->type == VOIDOID ||
        (call->type == RECORDOID && !r->nresults))
        return OK;
    for (uint16_t i = 0; i < call->nargs; i++)
        if (expr_volatility(call->args[i]) == 'v' ||
            expr_contains_kind(call->args[i], EXPR_SUBLINK))
            return OK;
    TRY(only_select(a, r, &select));
    if (!select || select->into || select->with || select->locking) return OK;
    TRY(analyse_body(a, call, r, select, &q));
    if (r->nresults && q->nvisible != r->nresults) return OK; /* one value, the whole record */
    TRY(permission_function(a, r->function.oid));
    struct put_rows p = {a->arena, call};
    return query_map(a->arena, q, 0, put_shifted, &p, ret);
}
