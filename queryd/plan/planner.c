/* The stages of a query: sources and joins, grouping, windows, targets, sorting, limit. */
#include <math.h>

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

/* Order columns survive a projection as far as they are among its outputs. */
static status project_order(struct planner *p, struct plan *plan, const struct plan *child) {
    if (!child->norder) return OK;
    NEW_N(p, plan->order, child->norder);
    for (uint16_t i = 0; i < child->norder; i++) {
        const struct expr *e = child->out[child->order[i].column];
        uint16_t c = 0;
        while (c < plan->ncolumns && !expr_equal(plan->out[c], e)) c++;
        if (c == plan->ncolumns) return OK;
        plan->order[i] = child->order[i];
        plan->order[i].column = c;
        plan->norder++;
    }
    return OK;
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
        plan->types[i] = type_find(exprs[i]->type);
    }
    plan->rows = child->rows;
    plan->cost = child->cost + child->rows * 0.1;
    TRY(project_order(p, plan, child));
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

struct plan_sort_column sort_column(uint16_t column, const struct expr *e, bool descending,
                                    bool nulls_first) {
    return (struct plan_sort_column){column, descending, nulls_first, type_find(e->type)};
}

bool plan_is_sorted(const struct plan *child, const struct plan_sort_column *columns, uint16_t n) {
    if (child->rows <= 1 && child->kind == PLAN_SCAN && child->scan.point && !child->scan.list &&
        !child->scan.array)
        return true;
    if (child->norder < n) return false;
    for (uint16_t i = 0; i < n; i++)
        if (child->order[i].column != columns[i].column ||
            child->order[i].descending != columns[i].descending ||
            child->order[i].nulls_first != columns[i].nulls_first)
            return false;
    return true;
}

status plan_sort(struct planner *p, struct plan *child, const struct plan_sort_column *columns,
                 uint16_t n, struct plan **ret) {
    if (n == 0 || plan_is_sorted(child, columns, n)) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_above(p, PLAN_SORT, child, &plan));
    NEW_N(p, plan->sort.columns, n);
    memcpy(plan->sort.columns, columns, n * sizeof *columns);
    plan->sort.n = n;
    plan->order = plan->sort.columns;
    plan->norder = n;
    plan->cost = child->cost + child->rows * (log2(child->rows + 1) * 0.2 + 0.5);
    *ret = plan;
    return OK;
}

status plan_material(struct planner *p, struct plan *child, struct plan **ret) {
    struct plan *plan;
    TRY(plan_above(p, PLAN_MATERIAL, child, &plan));
    plan->cost += child->rows * 0.2;
    *ret = plan;
    return OK;
}

static status compile_limit(struct planner *p, struct plan *node, struct expr *e,
                            struct program **ret) {
    if (!e) return OK;
    return compile_over(p, node, &e, 1, NULL, NULL, ret);
}

static status plan_ties(struct planner *p, struct plan *plan) {
    struct query *q = p->query;
    if (!q->with_ties) return OK;
    plan->limit.nties = q->nsort;
    NEW_N(p, plan->limit.ties, q->nsort + 1);
    for (uint16_t i = 0; i < q->nsort; i++) plan->limit.ties[i] = q->sort[i].target;
    return OK;
}

status plan_limit(struct planner *p, struct plan *child, struct expr *limit, struct expr *offset,
                  struct plan **ret) {
    if (!limit && !offset) {
        *ret = child;
        return OK;
    }
    struct plan *plan;
    TRY(plan_above(p, PLAN_LIMIT, child, &plan));
    TRY(compile_limit(p, plan, limit, &plan->limit.limit));
    TRY(compile_limit(p, plan, offset, &plan->limit.offset));
    if (limit && limit->kind == EXPR_CONST && !limit->constant.is_null &&
        limit->constant.value.i64 < plan->rows)
        plan->rows = limit->constant.value.i64 < 1 ? 1 : (double)limit->constant.value.i64;
    TRY(plan_ties(p, plan));
    if (child->kind == PLAN_SORT && limit &&
        !plan->limit.nties) { /* only the first rows need be kept */
        child->sort.bounded = true;
        child->sort.limit = plan->limit.limit;
        child->sort.offset = plan->limit.offset;
    }
    *ret = plan;
    return OK;
}

/* ---- SELECT ---- */

/* Sorting that ORDER BY asks for is told to the access paths when nothing between would undo it. */
static status make_wish(struct planner *p, double limit) {
    struct query *q = p->query;
    if (!q->nsort || q->nsort > INDEX_COLUMNS_MAX || q->grouped || q->nwindows || q->has_sets ||
        q->distinct)
        return OK;
    struct plan_sort_wish *w;
    NEW(p, w);
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        w->columns[i] =
            (struct wish_column){q->targets[k->target].expr, k->descending, k->nulls_first};
    }
    w->n = q->nsort;
    w->limit = limit;
    const struct expr *l = q->limit;
    if (l && l->kind == EXPR_CONST && !l->constant.is_null) w->limit = l->constant.value.i64;
    p->wish = w;
    return OK;
}

static status plan_grouped_sets(struct planner *p, struct plan *input, struct plan **ret);
static status plan_set_targets(struct planner *p, struct plan *child, struct expr **exprs,
                               uint16_t n, struct plan **ret);

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
    if (q->has_sets) return plan_set_targets(p, child, exprs, n, ret);
    return plan_project(p, child, exprs, n, ret);
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

static status plan_select(struct planner *p, double limit, struct plan **ret) {
    struct query *q = p->query;
    struct plan *plan;
    TRY(make_wish(p, limit));
    TRY(plan_rows(p, &plan));
    if (q->for_update) TRY(plan_lock(p, plan, &plan));
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

/* ---- set-returning functions among the targets ---- */

struct set_targets {
    struct planner *p;
    struct plan *node;
    const struct plan *child;
    uint16_t n;
    bool nested, pending;
    struct expr *calls[64];
};

/* A set-returning call that no operator below has made. */
static status find_pending(struct expr *e, void *arg, bool *ret_descend) {
    struct set_targets *s = arg;
    if (expr_returns_set(e) && !plan_makes(s->child, e)) s->pending = true;
    *ret_descend = !s->pending;
    return OK;
}

static status find_sets(struct expr *e, void *arg, bool *ret_descend) {
    struct set_targets *s = arg;
    if (!expr_returns_set(e)) return OK;
    *ret_descend = false;
    if (plan_makes(s->child, e)) return OK;
    s->pending = false;
    for (uint16_t i = 0; i < e->nargs; i++) TRY(expr_walk(e->args[i], find_pending, s));
    if (s->pending) { /* its arguments are sets that must be made first */
        s->nested = *ret_descend = true;
        return OK;
    }
    for (uint16_t i = 0; i < s->n; i++)
        if (s->calls[i] == e) return OK;
    if (s->n == 64) return plan_unsupported(s->p, "more than 64 set-returning functions");
    s->calls[s->n++] = e;
    return OK;
}

static status replace_set(struct expr *e, void *arg, struct expr **ret) {
    struct set_targets *s = arg;
    for (uint16_t i = 0; i < s->n; i++)
        if (s->calls[i] == e) {
            struct expr *slot = expr_new(s->p->c->arena, EXPR_SLOT, e->type, e->location);
            NEEDS(s->p, slot);
            slot->typmod = e->typmod;
            slot->column = (uint16_t)(s->child->ncolumns + i);
            *ret = slot;
            return OK;
        }
    return OK;
}

/* The child's columns, and behind them expressions with sets. */
static status with_columns(struct planner *p, struct plan *child, struct expr **more, uint16_t n,
                           struct plan **ret) {
    struct expr **exprs;
    NEW_N(p, exprs, child->ncolumns + n + 1);
    if (child->ncolumns) memcpy(exprs, child->out, child->ncolumns * sizeof *exprs);
    memcpy(exprs + child->ncolumns, more, n * sizeof *exprs);
    return plan_set_targets(p, child, exprs, (uint16_t)(child->ncolumns + n), ret);
}

/* GROUP BY a set: its values are there before rows are grouped. */
static status plan_grouped_sets(struct planner *p, struct plan *input, struct plan **ret) {
    struct query *q = p->query;
    struct expr **sets;
    uint16_t n = 0;
    NEW_N(p, sets, q->ngroup + 1);
    for (uint16_t i = 0; i < q->ngroup; i++)
        if (expr_contains_set(q->group[i])) sets[n++] = q->group[i];
    *ret = input;
    return n ? with_columns(p, input, sets, n, ret) : OK;
}

static status plan_set_targets(struct planner *p, struct plan *child, struct expr **exprs,
                               uint16_t n, struct plan **ret) {
    struct plan *plan;
    struct set_targets *s;
    NEW(p, s);
    s->p = p;
    s->child = child;
    for (uint16_t i = 0; i < n; i++) TRY(expr_walk(exprs[i], find_sets, s));
    if (s->nested) {
        TRY(with_columns(p, child, s->calls, s->n, &child));
        return plan_set_targets(p, child, exprs, n, ret);
    }
    if (s->n == 0) return plan_project(p, child, exprs, n, ret);
    TRY(plan_new(p, PLAN_SET_PROJECT, child, NULL, n, &plan));
    s->node = plan;
    plan->set_project.nsets = s->n;
    NEW_N(p, plan->set_project.sets, s->n + 1);
    for (uint16_t i = 0; i < s->n; i++)
        TRY(set_function(p, plan, s->calls[i], child, &plan->set_project.sets[i]));
    struct expr **targets;
    NEW_N(p, targets, n + 1);
    for (uint16_t i = 0; i < n; i++) {
        plan->out[i] = exprs[i];
        plan->types[i] = type_find(exprs[i]->type);
        TRY(expr_map(p->c->arena, exprs[i], replace_set, s, &targets[i]));
        TRY(resolve_over(p, targets[i], child, NULL, &targets[i]));
        TRY(note_outers(plan, targets[i]));
    }
    plan->rows = child->rows * 10;
    plan->cost = child->cost + plan->rows * 0.1;
    TRY(program_compile(p->c->arena, targets, n, (uint16_t)(child->ncolumns + s->n),
                        &plan->set_project.targets));
    *ret = plan;
    return OK;
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

/* ---- batch sizes ---- */

#define DECIDING_ROWS 2 /* 1 would say that there cannot be more */

static uint16_t capacity_for(double rows) {
    return rows <= 64 ? 64 : BATCH_ROWS;
}

/* Semi and anti joins hand on the left side's batches. */
static bool gives_left_rows(const struct plan *plan) {
    enum plan_join j = plan->kind == PLAN_NEST        ? plan->nest.join
                       : plan->kind == PLAN_HASH_JOIN ? plan->hash.join
                                                      : PLAN_INNER;
    return j == PLAN_SEMI || j == PLAN_ANTI;
}

static bool at_most_one(const struct plan *plan) {
    switch (plan->kind) {
    case PLAN_RESULT: return true;
    case PLAN_SCAN: return plan->scan.point && !plan->scan.list && !plan->scan.array;
    case PLAN_AGG: return plan->agg.ngroup == 0 && plan->agg.nsets <= 1;
    case PLAN_INSERT:
    case PLAN_UPDATE:
    case PLAN_DELETE: return plan->left->capacity == 1;
    case PLAN_NEST:
        return !gives_left_rows(plan) && plan->left->capacity == 1 && plan->right->capacity == 1;
    case PLAN_SORT:
    case PLAN_MATERIAL: return plan->left->capacity == 1;
    case PLAN_VALUES: return plan->values.nrows == 1;
    default: return false;
    }
}

void plan_set_capacity(struct plan *plan) {
    if (plan->capacity) return;
    if (plan->left) plan_set_capacity(plan->left);
    if (plan->right) plan_set_capacity(plan->right);
    /* the first row decides: no more are looked for */
    if (plan->kind == PLAN_NEST && gives_left_rows(plan) && !plan->nest.condition &&
        plan->right->kind == PLAN_SCAN && plan->right->capacity > DECIDING_ROWS)
        plan->right->capacity = DECIDING_ROWS;
    if (at_most_one(plan))
        plan->capacity = 1;
    else if (plan->kind == PLAN_FILTER || plan->kind == PLAN_GATE || plan->kind == PLAN_PROJECT ||
             plan->kind == PLAN_LIMIT || plan->kind == PLAN_LOCK || plan->kind == PLAN_SAMPLE ||
             plan->kind == PLAN_UNIQUE || gives_left_rows(plan))
        plan->capacity = plan->left->capacity;
    else
        plan->capacity = capacity_for(plan->rows);
    /* a whole batch of the right side must fit */
    if (plan->kind == PLAN_NEST && !gives_left_rows(plan) && plan->capacity < plan->right->capacity)
        plan->capacity = plan->right->capacity;
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

status plan_statement(struct sql_env *env, struct arena *a, const struct analysed *s,
                      struct plan_statement **ret) {
    struct plan_context c;
    TRY(context_init(&c, env, a));
    struct plan_statement *st = c.statement;
    st->nrelations = s->nrelations;
    st->relations = s->relations;
    st->nctes = s->nctes;
    st->ctes = arena_array(a, s->nctes + 1u, sizeof *st->ctes);
    if (!st->ctes) return error_set(c.error, ST_OUT_OF_MEMORY, "out of memory");
    TRY(words_for(&c, plan_query(&c, NULL, s->query, 0, &st->root)));
    plan_set_capacity(st->root);
    for (uint16_t i = 0; i < st->nctes; i++)
        if (st->ctes[i].plan) plan_set_capacity(st->ctes[i].plan);
    *ret = st;
    return OK;
}

/* Columns of the one relation are inputs by their number, tableoid is the one behind them. */
static status column_slot(struct expr *e, void *arg, struct expr **ret) {
    struct planner *p = arg;
    if (e->kind != EXPR_VAR) return OK;
    struct expr *slot = expr_new(p->c->arena, EXPR_SLOT, e->type, e->location);
    NEEDS(p, slot);
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
    return words_for(&c, program_compile(a, resolved, n, (uint16_t)(natts + 1), ret));
}
