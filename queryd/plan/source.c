/* Sources of rows that are no relations: subqueries, functions, VALUES, WITH queries. */
#include "plan/internal.h"
#include "types/collator.h"

/* The columns of a source in the terms of the query that names it. */
static status name_columns(struct planner *p, struct plan *plan, uint16_t rte) {
    const struct rte *r = p->query->rtes[rte];
    NEW_N(p, plan->out, r->ncolumns + 1);
    CHECK(plan->ncolumns == r->ncolumns);
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct rte_column *c = &r->columns[i];
        NEEDS(p, plan->out[i] = expr_var(p->c->arena, rte, (int16_t)(i + 1), c->type, c->typmod,
                                         c->collation, -1));
    }
    return OK;
}

static status subquery_source(struct planner *p, uint16_t rte) {
    struct rte *r = p->query->rtes[rte];
    struct rte_plan *rp = &p->rtes[rte];
    collector_push(p, &rp->lateral);
    status s = plan_query(p->c, p, r->query, 0, &rp->plan);
    collector_pop(p);
    TRY(s);
    if (rp->plan->kind != PLAN_PROJECT) { /* its columns get other names: not in place */
        struct plan *named;
        TRY(plan_above(p, PLAN_FILTER, rp->plan, &named));
        rp->plan = named;
    }
    NEEDS(p, rp->plan->name = arena_strdup(p->c->arena, r->alias));
    struct expr **before = rp->plan->out;
    TRY(name_columns(p, rp->plan, rte));
    return order_rename(p, rp->plan, before);
}

static status values_source(struct planner *p, uint16_t rte) {
    struct rte *r = p->query->rtes[rte];
    struct rte_plan *rp = &p->rtes[rte];
    struct plan *plan;
    TRY(plan_new(p, PLAN_VALUES, NULL, NULL, r->ncolumns, &plan));
    plan->values.nrows = r->nrows;
    NEW_N(p, plan->values.rows, r->nrows + 1);
    collector_push(p, &rp->lateral);
    for (uint32_t i = 0; i < r->nrows; i++) {
        for (uint16_t c = 0; c < r->ncolumns; c++) {
            TRY(prepare_expr(p, r->rows[i][c], &r->rows[i][c]));
            TRY(expr_map(p->c->arena, r->rows[i][c], request_outer_var, p, &r->rows[i][c]));
        }
        TRY(compile_over(p, plan, r->rows[i], r->ncolumns, NULL, NULL, &plan->values.rows[i]));
    }
    collector_pop(p);
    for (uint16_t c = 0; c < r->ncolumns; c++)
        plan->types[c] = type_of_collation(r->columns[c].type, r->columns[c].collation);
    plan->rows = r->nrows;
    plan->cost = r->nrows * 0.1;
    NEEDS(p, plan->name = arena_strdup(p->c->arena, r->alias));
    rp->plan = plan;
    return name_columns(p, plan, rte);
}

/* A set-returning call: its arguments as a program over `over` (NULL: no inputs). */
status set_function(struct planner *p, struct plan *node, struct expr *call,
                    const struct plan *over, struct plan_function_call *ret) {
    ret->ncolumns = 1;
    ret->type = type_find(call->type);
    if (!expr_returns_set(call)) return compile_over(p, node, &call, 1, over, NULL, &ret->args);
    TRY(compile_over(p, node, call->args, call->nargs, over, NULL, &ret->args));
    struct fn_site *site;
    oid *types;
    NEW(p, site);
    NEW_N(p, types, call->nargs + 1);
    for (uint16_t i = 0; i < call->nargs; i++) types[i] = call->args[i]->type;
    site->function = call->call.function;
    site->result_type = call->type;
    site->arg_types = types;
    site->nargs = call->nargs;
    site->collation = call->input_collation;
    site->variadic = call->call.variadic;
    site->shape = call->call.shape;
    site->memo_arena = p->c->arena;
    TRY(site_by_collation(site));
    ret->site = site;
    return OK;
}

static status function_source(struct planner *p, uint16_t rte) {
    struct rte *r = p->query->rtes[rte];
    struct rte_plan *rp = &p->rtes[rte];
    struct plan *plan;
    TRY(plan_new(p, PLAN_FUNCTION, NULL, NULL, r->ncolumns, &plan));
    plan->function.n = r->nfunctions;
    plan->function.ordinality = r->ordinality;
    NEW_N(p, plan->function.calls, r->nfunctions);
    plan->rows = 1;
    for (uint16_t i = 0; i < r->nfunctions; i++) {
        struct rte_function *f = &r->functions[i];
        struct expr *call;
        TRY(prepare_expr(p, f->call, &call));
        collector_push(p, &rp->lateral);
        status s = expr_map(p->c->arena, call, request_outer_var, p, &call);
        collector_pop(p);
        TRY(s);
        TRY(set_function(p, plan, call, NULL, &plan->function.calls[i]));
        plan->function.calls[i].ncolumns = f->ncolumns;
        plan->function.calls[i].composite = f->composite;
        if (expr_returns_set(call)) plan->rows = 100;
    }
    for (uint16_t c = 0; c < r->ncolumns; c++)
        plan->types[c] = type_of_collation(r->columns[c].type, r->columns[c].collation);
    plan->cost = plan->rows;
    NEEDS(p, plan->name = arena_strdup(p->c->arena, r->alias));
    rp->plan = plan;
    return name_columns(p, plan, rte);
}

/* The arguments of TABLESAMPLE; the scan comes when it is known which columns are used. */
static status sample_source(struct planner *p, uint16_t rte) {
    struct table_sample *t = p->query->rtes[rte]->sample;
    struct expr **parts[2] = {&t->percent, &t->seed};
    for (int i = 0; i < 2; i++) {
        TRY(prepare_expr(p, *parts[i], parts[i]));
        collector_push(p, &p->rtes[rte].lateral);
        status s = expr_map(p->c->arena, *parts[i], request_outer_var, p, parts[i]);
        collector_pop(p);
        TRY(s);
    }
    return OK;
}

status sampled_scan(struct planner *p, uint16_t rte, struct plan **ret) {
    struct table_sample *t = p->query->rtes[rte]->sample;
    struct expr *values[2] = {t->percent, t->seed};
    struct conjuncts none = {0};
    struct plan *scan;
    TRY(relation_path(p, rte, &none, NULL, NULL, &scan));
    TRY(plan_above(p, PLAN_SAMPLE, scan, ret));
    (*ret)->norder = 0;
    (*ret)->sample.system = t->system;
    (*ret)->sample.repeatable = t->seed != NULL;
    return compile_over(p, *ret, values, t->seed ? 2 : 1, NULL, NULL, &(*ret)->sample.values);
}

static status cte_source(struct planner *p, uint16_t rte) {
    struct rte *r = p->query->rtes[rte];
    struct rte_plan *rp = &p->rtes[rte];
    struct plan *plan;
    struct plan_statement_cte *slot = &p->c->statement->ctes[r->cte->id];
    bool work = r->self_reference;
    if (slot->in_place && !work) {
        TRY(plan_above(p, PLAN_FILTER, slot->plan, &plan));
        slot->plan = NULL;
        NEEDS(p, plan->name = arena_strdup(p->c->arena, r->alias));
        rp->plan = plan;
        return name_columns(p, plan, rte);
    }
    TRY(plan_new(p, work ? PLAN_WORK : PLAN_CTE, NULL, NULL, r->ncolumns, &plan));
    plan->cte.id = r->cte->id;
    if (work) { /* what reads it must not keep the rows of one round for the next */
        add_outer(plan->outers, slot->round);
        plan_outers(plan);
    }
    for (uint16_t c = 0; c < r->ncolumns; c++)
        plan->types[c] = type_of_collation(r->columns[c].type, r->columns[c].collation);
    const struct plan *source = p->c->statement->ctes[r->cte->id].plan;
    if (source && source->depends && !work) {
        add_outers(plan->outers, source->outers);
        plan_outers(plan);
    }
    plan->rows = source ? source->rows : 100;
    plan->cost = plan->rows * 0.2;
    NEEDS(p, plan->name = arena_strdup(p->c->arena, r->alias));
    rp->plan = plan;
    return name_columns(p, plan, rte);
}

/* Which other entries a source must come after. */
static status source_needs(struct planner *p, uint16_t rte) {
    struct rte_plan *rp = &p->rtes[rte];
    for (uint16_t i = 0; i < rp->lateral.n; i++) {
        struct rte_set s;
        TRY(query_rtes_of(rp->lateral.exprs[i], &s));
        rte_set_union(&rp->needs, &s);
    }
    return OK;
}

static bool in_from(const struct from_item *f, uint16_t rte) {
    if (!f->is_join) return f->rte == rte;
    return in_from(f->left, rte) || in_from(f->right, rte);
}

static bool is_source(const struct planner *p, uint16_t rte) {
    for (uint16_t i = 0; i < p->query->nfrom; i++)
        if (in_from(p->query->from[i], rte)) return true;
    for (uint16_t i = 0; i < p->nsemi; i++)
        for (uint16_t k = 0; k < p->semis[i].nfrom; k++)
            if (in_from(p->semis[i].from[k], rte)) return true;
    return false;
}

status plan_sources(struct planner *p) {
    for (uint16_t i = 0; i < p->query->nrtes; i++) {
        if (!is_source(p, i)) continue;
        switch (p->query->rtes[i]->kind) {
        case RTE_SUBQUERY: TRY(subquery_source(p, i)); break;
        case RTE_VALUES: TRY(values_source(p, i)); break;
        case RTE_FUNCTION: TRY(function_source(p, i)); break;
        case RTE_CTE: TRY(cte_source(p, i)); break;
        default:
            if (!p->query->rtes[i]->sample) continue;
            TRY(sample_source(p, i));
        }
        TRY(source_needs(p, i));
    }
    return OK;
}

/* ---- WITH ---- */

static bool reads_only(const struct query *q) {
    return q->kind == QUERY_SELECT || q->kind == QUERY_SETOP;
}

struct inline_cte {
    unsigned by;
    struct arena *arena;
};

static status shift_outer(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    struct inline_cte *s = arg;
    bool grouping = e->kind == EXPR_GROUPING && e->grouping.level > depth;
    bool var = e->kind == EXPR_VAR && e->var.level > depth;
    if ((!grouping && !var) || s->by == 0) return OK;
    struct expr *copy = arena_memdup(s->arena, e, sizeof *e);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    if (var) copy->var.level = (uint16_t)(copy->var.level + s->by);
    if (grouping) copy->grouping.level = (uint16_t)(copy->grouping.level + s->by);
    *ret = copy;
    return OK;
}

/* A WITH query may be a subquery where it is named. */
static status inline_reference(struct planner *p, struct rte *r, const struct cte *c,
                               unsigned depth) {
    struct inline_cte s = {depth, p->c->arena};
    r->kind = RTE_SUBQUERY;
    r->cte = NULL;
    return query_map(p->c->arena, c->query, 0, shift_outer, &s, &r->query);
}

struct inline_search {
    struct planner *p;
    const struct cte *cte;
    uint16_t n; /* references that have been replaced */
};

static status inline_in_sources(struct inline_search *s, struct query *q, unsigned depth) {
    for (uint16_t i = 0; i < q->nrtes; i++) {
        struct rte *r = q->rtes[i];
        if (r->kind == RTE_CTE && r->cte == s->cte) {
            s->n++;
            TRY(inline_reference(s->p, r, s->cte, depth));
        } else if (r->kind == RTE_SUBQUERY) {
            TRY(inline_in_sources(s, r->query, depth + 1));
        }
    }
    for (uint16_t i = 0; i < q->nctes; i++) {
        const struct cte *c = q->ctes[i];
        if (c == s->cte) continue;
        TRY(inline_in_sources(s, c->query, depth + 1));
        if (c->recursive) TRY(inline_in_sources(s, c->recursive, depth + 1));
    }
    return OK;
}

static status visit_inline(struct expr *e, unsigned depth, void *arg, bool *) {
    return e->kind == EXPR_SUBLINK ? inline_in_sources(arg, e->sublink.query, depth + 1) : OK;
}

static status inline_everywhere(struct inline_search *s) {
    struct query *q = s->p->query;
    TRY(inline_in_sources(s, q, 0));
    return query_walk(q, 0, visit_inline, s);
}

static status volatile_call(struct expr *e, unsigned, void *arg, bool *) {
    if ((e->kind == EXPR_CALL && e->call.function->volatility == 'v')) *(bool *)arg = true;
    return OK;
}

status query_is_volatile(struct query *q, bool *ret) {
    return query_walk(q, 0, volatile_call, ret);
}

static status created_call(struct expr *e, unsigned, void *arg, bool *) {
    if (e->kind != EXPR_CALL || e->call.function->oid < FIRST_USER_OID) return OK;
    if (e->call.function->volatility != 'i') *(bool *)arg = true;
    return OK;
}

status query_calls_created(struct query *q, bool *ret) {
    return query_walk(q, 0, created_call, ret);
}

static status recursive_plan(struct planner *p, struct cte *c, struct plan **ret) {
    struct plan *first, *again, *plan;
    TRY(plan_query(p->c, p, c->query, 0, &first));
    p->c->statement->ctes[c->id].plan = first; /* an estimate for the part that names it */
    TRY(new_outer(p, &p->c->statement->ctes[c->id].round));
    TRY(plan_query(p->c, p, c->recursive, 0, &again));
    TRY(plan_above(p, PLAN_RECURSIVE, first, &plan));
    plan->right = again;
    add_outers(plan->outers, again->outers);
    plan->recursive.round = p->c->statement->ctes[c->id].round;
    remove_outer(plan->outers, plan->recursive.round);
    plan_outers(plan);
    plan->norder = 0;
    plan->recursive.id = c->id;
    plan->recursive.union_all = c->union_all;
    plan->rows = first->rows * 10;
    *ret = plan;
    return OK;
}

/* What is named once is a subquery there, as is what depends on the row outside, which would have
 * to be kept for each row; unless it says otherwise, or the copies would differ. */
static status may_inline(const struct cte *c, bool *ret) {
    bool is_volatile = false, outside;
    *ret = false;
    if (!reads_only(c->query) || c->recursive || c->query->nctes) return OK;
    TRY(query_is_volatile(c->query, &is_volatile));
    TRY(query_looks_outside(c->query, &outside));
    *ret = !is_volatile && (c->materialize == CTE_NOT_MATERIALIZED ||
                            (c->references == 1 && c->materialize == CTE_DEFAULT) ||
                            (c->references > 1 && outside));
    return OK;
}

/* What its rows depend on: they are computed anew when that has changed. */
static status outer_ids(struct planner *p, const struct plan *plan,
                        struct plan_statement_cte *slot) {
    uint16_t n = 0, all = p->c->statement->nouter;
    NEEDS(p, slot->outers = arena_array(p->c->arena, all, sizeof *slot->outers));
    for (uint16_t id = 0; id < all; id++)
        if (plan->outers->word[id / 64] >> (id % 64) & 1) slot->outers[n++] = id;
    slot->nouters = n;
    return OK;
}

static status plan_cte(struct planner *p, struct cte *c) {
    struct plan_statement_cte *slot = &p->c->statement->ctes[c->id];
    bool changes = !reads_only(c->query), inlines;
    struct inline_search s = {.p = p, .cte = c};
    if (!changes && !c->recursive && c->references == 0) return OK;
    TRY(may_inline(c, &inlines));
    if (inlines) TRY(inline_everywhere(&s));
    if (inlines && s.n >= c->references) return OK;
    if (changes && p->parent)
        return plan_unsupported(p, "WITH that changes rows below the top level");
    struct plan *plan;
    if (c->recursive)
        TRY(recursive_plan(p, c, &plan));
    else
        TRY(plan_query(p->c, p, c->query, 0, &plan));
    uint16_t others = (uint16_t)(c->references - s.n - (c->recursive != NULL)); /* than itself */
    slot->in_place = plan->depends && others == 1;
    if (plan->depends && !slot->in_place) TRY(outer_ids(p, plan, slot));
    slot->plan = plan;
    slot->changes_rows = changes;
    NEEDS(p, slot->name = arena_strdup(p->c->arena, c->name));
    return OK;
}

status plan_ctes(struct planner *p) {
    for (uint16_t i = 0; i < p->query->nctes; i++) TRY(plan_cte(p, p->query->ctes[i]));
    return OK;
}
