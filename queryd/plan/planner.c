/* The stages of a query: sources and joins, grouping, windows, targets, sorting, limit. */
#include "plan/internal.h"

status plan_memory(struct planner *p) {
    return error_set(p->c->error, ST_OUT_OF_MEMORY, "out of memory");
}

status plan_unsupported(struct planner *p, const char *what) {
    return error_set(p->c->error, ST_FEATURE_NOT_SUPPORTED, "%s is not supported", what);
}

status plan_stack(struct planner *p) {
    if (coro_stack_left() >= STACK_MARGIN_BYTES) return OK;
    return error_set(p->c->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

uint16_t relation_index(struct planner *p, oid relation) {
    const struct plan_statement *s = p->c->statement;
    for (uint16_t i = 0; i < s->nrelations; i++)
        if (s->relations[i].oid == relation) return i;
    CHECK(!"a relation that analysis has not noted");
    return 0;
}

status plan_new(struct planner *p, enum plan_kind kind, struct plan *left, struct plan *right,
                uint16_t ncolumns, struct plan **ret) {
    struct plan *plan;
    NEW(p, plan);
    NEW(p, plan->outers);
    plan->kind = kind;
    plan->query = p->query;
    plan->left = left;
    plan->right = right;
    plan->rows = 1;
    plan->ncolumns = ncolumns;
    if (ncolumns) {
        NEW_N(p, plan->types, ncolumns);
        NEW_N(p, plan->out, ncolumns);
    }
    if (left) add_outers(plan->outers, left->outers);
    if (right) add_outers(plan->outers, right->outers);
    plan_outers(plan);
    *ret = plan;
    return OK;
}

status plan_above(struct planner *p, enum plan_kind kind, struct plan *child, struct plan **ret) {
    TRY(plan_new(p, kind, child, NULL, 0, ret));
    (*ret)->ncolumns = child->ncolumns;
    (*ret)->types = child->types;
    (*ret)->out = child->out;
    (*ret)->rows = child->rows;
    (*ret)->cost = child->cost;
    (*ret)->startup = child->startup;
    (*ret)->norder = child->norder;
    (*ret)->order = child->order;
    return OK;
}

static bool is_identity(const struct plan *child, struct expr **exprs, uint16_t n) {
    if (child->ncolumns != n) return false;
    for (uint16_t i = 0; i < n; i++)
        if (!expr_equal(child->out[i], exprs[i])) return false;
    return true;
}

status plan_project(struct planner *p, struct plan *child, struct expr **exprs, uint16_t n,
                    struct plan **ret) {
    if (is_identity(child, exprs, n)) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_new(p, PLAN_PROJECT, child, NULL, n, &plan));
    for (uint16_t i = 0; i < n; i++) {
        plan->out[i] = exprs[i];
        plan->types[i] = expr_value_type(exprs[i]);
    }
    plan->rows = child->rows;
    plan->cost = child->cost + child->rows * 0.1;
    plan->startup = child->startup;
    plan->norder = child->norder; /* in the query's terms it is the same order */
    plan->order = child->order;
    TRY(compile_over(p, plan, exprs, n, child, NULL, &plan->project));
    *ret = plan;
    return OK;
}

status plan_filter(struct planner *p, struct plan *child, struct conjuncts *quals,
                   struct plan **ret) {
    if (quals->n == 0) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_above(p, PLAN_FILTER, child, &plan));
    plan->rows *= conjuncts_selectivity(p, quals);
    if (plan->rows < 1) plan->rows = 1;
    TRY(compile_conjuncts(p, plan, quals, child, NULL, &plan->filter));
    *ret = plan;
    return OK;
}

status plan_gate(struct planner *p, struct plan *child, struct conjuncts *quals,
                 struct plan **ret) {
    if (quals->n == 0) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_above(p, PLAN_GATE, child, &plan));
    *ret = plan;
    return compile_conjuncts(p, plan, quals, NULL, NULL, &plan->gate);
}

/* ---- SELECT ---- */

static status plan_rows(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    bool done = false;
    if (q->has_aggregates && q->ngroup == 0 && q->nsets == 0) {
        TRY(plan_min_max(p, ret));
        done = *ret != NULL;
    }
    bool one_row = q->grouped && !q->has_aggregates && q->ngroup == 0 && q->nsets == 0;
    if (one_row && !done) { /* HAVING alone: one row, whatever the tables hold */
        TRY(plan_new(p, PLAN_RESULT, NULL, NULL, 0, ret));
    } else if (!done) {
        TRY(plan_from(p, ret));
        if (q->has_sets) TRY(plan_grouped_sets(p, *ret, ret));
        if (q->grouped) TRY(plan_grouping(p, *ret, ret));
    }
    if (q->having) {
        struct conjuncts having = {0};
        TRY(conjuncts_add(p, &having, q->having));
        TRY(plan_filter(p, *ret, &having, ret));
    }
    if (q->has_windows) TRY(plan_windows(p, *ret, ret));
    return OK;
}

static status plan_targets(struct planner *p, struct plan *child, struct plan **ret) {
    struct query *q = p->query;
    struct expr **exprs;
    if (targets_have_late(q)) return plan_early_targets(p, child, ret);
    NEW_N(p, exprs, q->ntargets + q->nlock_rtes + 1);
    uint16_t n = 0;
    for (uint16_t i = 0; i < q->ntargets; i++) exprs[n++] = q->targets[i].expr;
    if (!q->has_sets) return plan_project(p, child, exprs, n, ret);
    TRY(plan_sorted_rows(p, child, &child));
    return plan_set_targets(p, child, exprs, n, ret);
}

static status sort_targets(struct planner *p, struct plan *child, struct plan **ret) {
    struct query *q = p->query;
    struct plan_sort_column *columns;
    NEW_N(p, columns, q->nsort + q->ndistinct_on + 1);
    uint16_t n = 0;
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        columns[n++] =
            sort_column(k->target, q->targets[k->target].expr, k->descending, k->nulls_first);
    }
    for (uint16_t i = 0; i < q->ndistinct_on; i++) {
        uint16_t t = q->distinct_on[i];
        bool known = false;
        for (uint16_t k = 0; k < n; k++) known |= columns[k].column == t;
        if (!known) columns[n++] = sort_column(t, q->targets[t].expr, false, false);
    }
    return plan_sort(p, child, columns, n, ret);
}

static status plan_distinct_on(struct planner *p, struct plan *child, struct plan **ret) {
    struct query *q = p->query;
    struct plan *plan;
    TRY(plan_above(p, PLAN_UNIQUE, child, &plan));
    plan->cost += child->rows * 0.1;
    plan->unique.n = q->ndistinct_on;
    plan->unique.columns = q->distinct_on;
    *ret = plan;
    return OK;
}

/* Without the columns that only served sorting. */
static status drop_junk(struct planner *p, struct plan *child, struct plan **ret) {
    struct query *q = p->query;
    if (child->ncolumns == q->nvisible && !targets_have_late(q)) {
        *ret = child;
        return OK;
    }
    struct expr **exprs;
    NEW_N(p, exprs, q->nvisible + 1);
    for (uint16_t i = 0; i < q->nvisible; i++)
        exprs[i] =
            targets_have_late(q) && target_is_late(q, i) ? q->targets[i].expr : child->out[i];
    return plan_project(p, child, exprs, q->nvisible, ret);
}

/* Rows are sorted before they are locked, so that those beyond a LIMIT are left to others. What
 * they were sorted by is of the row as it was found: nobody else may look at it. */
static status plan_locked(struct planner *p, struct plan *rows, struct plan **ret) {
    struct plan *sorted;
    struct expr **out;
    TRY(plan_sorted_rows(p, rows, &sorted));
    bool sorts = sorted->kind == PLAN_SORT || sorted->kind == PLAN_INCREMENTAL_SORT;
    if (!sorts || sorted == rows) return plan_lock(p, rows, ret);
    TRY(plan_lock(p, sorted, ret));
    NEW_N(p, out, sorted->ncolumns);
    for (uint16_t i = 0; i < sorted->ncolumns; i++) {
        out[i] = i < rows->ncolumns ? rows->out[i] : expr_bool_const(p->c->arena, true);
        NEEDS(p, out[i]);
    }
    (*ret)->out = out;
    return OK;
}

static status plan_select(struct planner *p, double limit, struct plan **ret) {
    struct query *q = p->query;
    struct plan *plan;
    TRY(make_wish(p, limit));
    TRY(plan_rows(p, &plan));
    if (q->for_update) TRY(plan_locked(p, plan, &plan));
    TRY(plan_targets(p, plan, &plan));
    if (q->distinct && !q->ndistinct_on) TRY(plan_distinct(p, plan, q->nvisible, &plan));
    TRY(sort_targets(p, plan, &plan));
    if (q->ndistinct_on) TRY(plan_distinct_on(p, plan, &plan));
    TRY(plan_limit(p, plan, q->limit, q->offset, &plan));
    return drop_junk(p, plan, ret);
}

static status plan_setop_query(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    struct plan *plan;
    TRY(plan_setop(p, &plan));
    TRY(sort_targets(p, plan, &plan));
    return plan_limit(p, plan, q->limit, q->offset, ret);
}

/* ---- a query ---- */

static status rte_plans(struct planner *p) {
    struct query *q = p->query;
    NEW_N(p, p->rtes, q->nrtes + 1);
    for (uint16_t i = 0; i < q->nrtes; i++) NEW_N(p, p->rtes[i].used, q->rtes[i]->ncolumns + 1);
    return OK;
}

static status plan_level(struct planner *p, double limit, struct plan **ret) {
    struct query *q = p->query;
    TRY(plan_stack(p));
    TRY(plan_ctes(p));
    TRY(list_tids(p));
    if (q->kind == QUERY_SELECT) {
        TRY(pull_up_subqueries(p));
        TRY(pull_up_sublinks(p));
    }
    TRY(rte_plans(p));
    TRY(prepare_query(p));
    if (q->kind == QUERY_SETOP) return plan_setop_query(p, ret);
    TRY(plan_sources(p));
    TRY(mark_used(p));
    if (q->kind != QUERY_SELECT) return plan_change_query(p, ret);
    TRY(remove_joins(p));
    for (uint16_t i = 0; i < q->nlock_rtes; i++) {
        struct rte_plan *r = &p->rtes[q->lock_rtes[i].rte];
        r->address = true;
        memset(r->used, true, q->rtes[q->lock_rtes[i].rte]->ncolumns);
    }
    return plan_select(p, limit, ret);
}

status plan_query(struct plan_context *c, struct planner *parent, struct query *q, double limit,
                  struct plan **ret) {
    struct planner *p = arena_zalloc(c->arena, sizeof *p);
    if (!p) return error_set(c->error, ST_OUT_OF_MEMORY, "out of memory");
    p->c = c;
    p->parent = parent;
    p->query = q;
    return plan_level(p, limit, ret);
}

static status context_init(struct plan_context *c, struct sql_env *env, struct arena *a) {
    *c = (struct plan_context){.env = env, .arena = a, .error = env->eval.error};
    c->eval = (struct eval_env){a, env->eval.error, env->eval.session};
    c->scratch_error = arena_zalloc(a, sizeof *c->scratch_error);
    c->statement = arena_zalloc(a, sizeof *c->statement);
    if (c->scratch_error && c->statement) return OK;
    return error_set(c->error, ST_OUT_OF_MEMORY, "out of memory");
}

static status words_for(struct plan_context *c, status s) {
    if (c->error->status.code != ST_OK || ok(s)) return s;
    if (status_is(s, ST_OUT_OF_MEMORY))
        return error_set(c->error, ST_OUT_OF_MEMORY, "out of memory");
    if (status_is(s, ST_STATEMENT_TOO_COMPLEX))
        return error_set(c->error, ST_STATEMENT_TOO_COMPLEX, "statement is too complex");
    return s;
}

/* A statement that changes rows and calls a function whose statements see the changes so far. */
static status wants_one_by_one(const struct analysed *s, bool *ret) {
    *ret = false;
    if (s->query->kind == QUERY_SELECT && !s->nctes) return OK;
    return query_calls_created(s->query, ret);
}

static void set_capacity(struct plan *plan, bool one_by_one) {
    plan_set_capacity(plan);
    if (one_by_one) plan_one_by_one(plan);
}

status plan_statement(struct sql_env *env, struct arena *a, const struct analysed *s,
                      struct plan_statement **ret) {
    struct plan_context c;
    TRY(context_init(&c, env, a));
    c.nknown = s->known_values ? s->nparams : 0;
    c.known_values = s->known_values;
    c.known_nulls = s->known_nulls;
    struct plan_statement *st = c.statement;
    st->nrelations = s->nrelations;
    st->relations = s->relations;
    st->nctes = s->nctes;
    st->ctes = arena_array(a, s->nctes + 1u, sizeof *st->ctes);
    c.shared = arena_array(a, s->nshared + 1u, sizeof *c.shared);
    if (!st->ctes || !c.shared) return error_set(c.error, ST_OUT_OF_MEMORY, "out of memory");
    bool one_by_one;
    TRY(wants_one_by_one(s, &one_by_one));
    TRY(words_for(&c, plan_query(&c, NULL, s->query, 0, &st->root)));
    set_capacity(st->root, one_by_one);
    for (uint16_t i = 0; i < st->nctes; i++)
        if (st->ctes[i].plan) set_capacity(st->ctes[i].plan, one_by_one);
    *ret = st;
    return OK;
}

/* Columns of the one relation are inputs by their number, tableoid is the one behind them. */
static status column_slot(struct expr *e, void *arg, struct expr **ret) {
    struct planner *p = arg;
    if (e->kind != EXPR_VAR) return OK;
    struct expr *slot = expr_new(p->c->arena, EXPR_SLOT, e->type, e->location);
    NEEDS(p, slot);
    slot->collation = e->collation;
    slot->column = (uint16_t)(e->var.att - 1);
    if (e->var.att == ATT_TABLEOID) slot->column = p->tableoid_column;
    *ret = slot;
    return OK;
}

status plan_expression(struct sql_env *env, struct arena *a, uint16_t natts, struct expr **exprs,
                       uint16_t n, struct program **ret, struct plan_statement **ret_statement) {
    struct plan_context c;
    TRY(context_init(&c, env, a));
    struct planner p = {.c = &c, .tableoid_column = natts};
    struct expr **resolved;
    NEW_N(&p, resolved, n + 1u);
    for (uint16_t i = 0; i < n; i++) {
        TRY(words_for(&c, fold(&p, exprs[i], &resolved[i])));
        TRY(words_for(&c, expr_map(a, resolved[i], column_slot, &p, &resolved[i])));
    }
    *ret_statement = c.statement;
    if (c.statement->failure) return error_repeat(c.error, c.statement->failure);
    return words_for(&c, program_compile(a, resolved, n, (uint16_t)(natts + 1), ret));
}
