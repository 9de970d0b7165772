/* Grouping, aggregates, DISTINCT. */
#include "types/ordered_set.h"

#include "plan/internal.h"

#define COST_STEP 0.2 /* of an aggregate, for a row */

struct agg_list {
    struct planner *p;
    enum expr_kind kind;
    uint16_t n, cap;
    struct expr **items;
};

static status collect_aggregate(struct expr *e, void *arg, bool *ret_descend) {
    struct agg_list *l = arg;
    struct planner *p = l->p;
    if (e->kind != l->kind) return OK;
    *ret_descend = false;
    for (uint16_t i = 0; i < l->n; i++)
        if (expr_equal(l->items[i], e)) return OK;
    if (l->n == l->cap) {
        uint16_t cap = l->cap ? (uint16_t)(l->cap * 2) : 4;
        struct expr **items;
        NEW_N(p, items, cap);
        if (l->n) memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = e;
    return OK;
}

/* Everything of that kind which the query's upper part asks for. */
static status collect_all(struct planner *p, enum expr_kind kind, struct agg_list *l) {
    struct query *q = p->query;
    l->p = p;
    l->kind = kind;
    for (uint16_t i = 0; i < q->ntargets; i++)
        TRY(expr_walk(q->targets[i].expr, collect_aggregate, l));
    TRY(expr_walk(q->having, collect_aggregate, l));
    for (uint16_t i = 0; i < q->nwindows; i++) {
        const struct window *w = &q->windows[i];
        for (uint16_t k = 0; k < w->npartition; k++)
            TRY(expr_walk(w->partition[k], collect_aggregate, l));
        for (uint16_t k = 0; k < w->norder; k++) TRY(expr_walk(w->order[k], collect_aggregate, l));
    }
    return OK;
}

static status own_site(struct planner *p, const struct fn_site *of, oid collation,
                       struct fn_site **ret) {
    *ret = NULL;
    if (!of) return OK;
    NEEDS(p, *ret = arena_memdup(p->c->arena, of, sizeof *of));
    (*ret)->collation = collation;
    (*ret)->memo_arena = p->c->arena;
    return site_by_collation(*ret);
}

/* The functions of which a user made the aggregate. */
static status own_sites(struct planner *p, const struct own_aggregate *of, struct fn_site *site) {
    struct own_aggregate *own = arena_memdup(p->c->arena, of, sizeof *of);
    NEEDS(p, own);
    TRY(own_site(p, of->transition, site->collation, &own->transition));
    TRY(own_site(p, of->final, site->collation, &own->final));
    site->own = own;
    return OK;
}

status plan_aggregate_site(struct planner *p, const struct expr *e, struct fn_site **ret) {
    struct fn_site *site;
    oid *types;
    NEW(p, site);
    NEW_N(p, types, e->agg.nplain + 1);
    for (uint16_t i = 0; i < e->agg.nplain; i++) types[i] = e->args[i]->type;
    site->function = e->agg.function;
    site->result_type = e->type;
    site->arg_types = types;
    site->nargs = e->agg.nplain;
    site->collation = e->input_collation;
    site->memo_arena = p->c->arena;
    TRY(site_by_collation(site));
    if (e->agg.own) TRY(own_sites(p, e->agg.own, site));
    *ret = site;
    return OK;
}

/* A value that is computed for rows which pass the filter alone: CASE WHEN filter THEN value END.
 */
static status guard(struct planner *p, struct expr *filter, struct expr *value, struct expr **ret) {
    struct expr *e = expr_new_n(p->c->arena, EXPR_CASE, value->type, value->location, 3);
    NEEDS(p, e);
    e->typmod = value->typmod;
    e->collation = value->collation;
    e->args[0] = filter;
    e->args[1] = value;
    NEEDS(p, e->args[2] = expr_const(p->c->arena, value->type, (datum){0}, true, -1));
    *ret = e;
    return OK;
}

static status plan_one_aggregate(struct planner *p, struct expr *e, struct plan_aggregate *a,
                                 struct expr **values, uint16_t *nvalues) {
    a->aggregate = e->agg.aggregate;
    if (e->agg.within_group) a->ordered = ordered_set_find(e->agg.function->oid);
    a->first_arg = *nvalues;
    a->nargs = e->agg.nplain;
    a->norder = e->agg.norder;
    a->order = e->agg.order;
    a->distinct = e->agg.distinct;
    a->has_filter = e->agg.has_filter;
    TRY(plan_aggregate_site(p, e, &a->site));
    NEW_N(p, a->arg_types, e->nargs + 1);
    for (uint16_t i = 0; i < e->nargs; i++) {
        a->arg_types[i] = expr_value_type(e->args[i]);
        bool guarded = a->has_filter && i + 1u < e->nargs && e->args[i]->nargs;
        struct expr *value = e->args[i];
        if (guarded) TRY(guard(p, e->args[e->nargs - 1], value, &value));
        values[(*nvalues)++] = value;
    }
    return OK;
}

static double group_rows(struct planner *p, const struct plan *input) {
    const struct query *q = p->query;
    if (q->ngroup == 0) return 1;
    double n = 1;
    for (uint16_t i = 0; i < q->ngroup; i++) n *= distinct_values(p, q->group[i], input->rows);
    if (n > input->rows) n = input->rows;
    if (q->nsets) n *= q->nsets;
    return n < 1 ? 1 : n;
}

static status plan_sets(struct planner *p, struct plan_agg *agg) {
    struct query *q = p->query;
    agg->nsets = q->nsets;
    NEW_N(p, agg->in_set, (size_t)q->nsets * q->ngroup + 1);
    for (uint16_t s = 0; s < q->nsets; s++)
        for (uint16_t i = 0; i < q->sets[s].n; i++)
            agg->in_set[(size_t)s * q->ngroup + q->sets[s].members[i]] = true;
    return OK;
}

static status plan_asked(struct planner *p, struct plan *plan, const struct agg_list *asked,
                         uint16_t first) {
    plan->agg.nasked = asked->n;
    NEW_N(p, plan->agg.asked, asked->n + 1);
    for (uint16_t i = 0; i < asked->n; i++) {
        plan->agg.asked[i] = plan->out[first + i] = asked->items[i];
        plan->types[first + i] = type_find(INT4OID);
    }
    return OK;
}

static status make_agg(struct planner *p, enum plan_kind kind, struct plan *input,
                       struct expr **group, uint16_t ngroup, struct agg_list *aggs,
                       const struct agg_list *asked, struct plan **ret) {
    struct plan *plan;
    TRY(plan_new(p, kind, input, NULL, (uint16_t)(ngroup + aggs->n + asked->n), &plan));
    uint32_t room = ngroup;
    for (uint16_t i = 0; i < aggs->n; i++) room += aggs->items[i]->nargs;
    struct expr **values;
    NEW_N(p, values, room + 1);
    NEW_N(p, plan->agg.group_types, ngroup + 1);
    NEW_N(p, plan->agg.aggs, aggs->n + 1);
    uint16_t n = 0;
    for (uint16_t i = 0; i < ngroup; i++) {
        plan->out[i] = group[i];
        plan->types[i] = plan->agg.group_types[i] = expr_value_type(group[i]);
        values[n++] = group[i];
    }
    for (uint16_t i = 0; i < aggs->n; i++) {
        plan->out[ngroup + i] = aggs->items[i];
        plan->types[ngroup + i] = expr_value_type(aggs->items[i]);
        TRY(plan_one_aggregate(p, aggs->items[i], &plan->agg.aggs[i], values, &n));
    }
    plan->agg.ngroup = ngroup;
    plan->agg.naggs = aggs->n;
    TRY(plan_asked(p, plan, asked, (uint16_t)(ngroup + aggs->n)));
    plan->rows = group_rows(p, input);
    struct group_cost c = group_cost(p, input->rows, plan->rows);
    plan->cost =
        input->cost + input->rows * COST_STEP * aggs->n + (kind == PLAN_AGG ? c.hashed : c.sorted);
    plan->startup = kind == PLAN_AGG ? plan->cost : input->startup;
    TRY(compile_over(p, plan, values, n, input, NULL, &plan->agg.values));
    *ret = plan;
    return OK;
}

status plan_grouping(struct planner *p, struct plan *input, struct plan **ret) {
    struct agg_list aggs = {0}, asked = {0};
    TRY(collect_all(p, EXPR_AGGREGATE, &aggs));
    TRY(collect_all(p, EXPR_GROUPING, &asked));
    struct query *q = p->query;
    enum plan_kind kind = PLAN_AGG;
    double rows = group_rows(p, input);
    if (q->ngroup && !q->nsets)
        TRY(sort_groups(p, input, q->group, q->ngroup, rows, &input, &kind));
    TRY(make_agg(p, kind, input, q->group, q->ngroup, &aggs, &asked, ret));
    if (kind == PLAN_SORTED_AGG) TRY(order_of_groups(p, *ret, input));
    return plan_sets(p, &(*ret)->agg);
}

/* Each row once, of rows that stand side by side when they are alike. */
static status make_unique(struct planner *p, struct plan *input, double rows, struct plan **ret) {
    struct plan *plan;
    TRY(plan_above(p, PLAN_UNIQUE, input, &plan));
    plan->unique.n = input->ncolumns;
    NEW_N(p, plan->unique.columns, input->ncolumns + 1);
    for (uint16_t i = 0; i < input->ncolumns; i++) plan->unique.columns[i] = i;
    plan->cost += group_cost(p, input->rows, rows).sorted;
    plan->rows = rows;
    *ret = plan;
    return OK;
}

status plan_distinct(struct planner *p, struct plan *input, uint16_t ncolumns, struct plan **ret) {
    struct agg_list none = {0};
    struct plan *plan;
    enum plan_kind kind = PLAN_AGG;
    double rows = input->rows < 1 ? 1 : input->rows * 0.5 + 0.5;
    if (ncolumns == 0) /* SELECT DISTINCT without columns: one row if any */
        return plan_above(p, PLAN_UNIQUE, input, ret);
    if (ncolumns == input->ncolumns)
        TRY(sort_groups(p, input, input->out, ncolumns, rows, &input, &kind));
    if (kind == PLAN_SORTED_AGG) return make_unique(p, input, rows, ret);
    TRY(make_agg(p, kind, input, input->out, ncolumns, &none, &none, &plan));
    plan->rows = rows;
    *ret = plan;
    return OK;
}

/* min or max of an indexed column is the first row in the index's order. *ret NULL: not so. */
status plan_min_max(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    *ret = NULL;
    if (q->nfrom != 1 || q->from[0]->is_join || p->nsemi || q->ngroup) return OK;
    const struct rte *r = q->rtes[q->from[0]->rte];
    if (r->kind != RTE_RELATION || r->sample) return OK;
    struct agg_list aggs = {0};
    TRY(collect_all(p, EXPR_AGGREGATE, &aggs));
    if (aggs.n != 1) return OK;
    struct expr *e = aggs.items[0];
    if (e->agg.within_group || !e->agg.aggregate->sort_operator || e->agg.nplain != 1 ||
        e->nargs != 1)
        return OK;
    struct expr *column = expr_strip_relabel(e->args[0]);
    if (column->kind != EXPR_VAR || column->var.att <= 0) return OK;
    const struct operator_info *op = operator_find(e->agg.aggregate->sort_operator);
    if (!op) return OK;
    bool descending = op->btree_strategy == 5;
    struct order_key key = {.expr = column, .descending = descending, .nulls_first = descending};
    struct order_wish wish = {.n = 1, .keys = &key, .limit = 1};
    struct conjuncts quals = {0};
    TRY(conjuncts_add(p, &quals, q->where));
    struct expr *not_null = expr_new_n(p->c->arena, EXPR_NULL_TEST, BOOLOID, -1, 1);
    NEEDS(p, not_null);
    not_null->negated = true;
    not_null->args[0] = column;
    struct conjuncts all = quals;
    if (!r->relation->atts[column->var.att - 1].not_null) {
        all = (struct conjuncts){0};
        for (uint32_t i = 0; i < quals.n; i++) TRY(conjuncts_add(p, &all, quals.items[i]));
        TRY(conjuncts_add(p, &all, not_null));
    }
    for (uint32_t i = 0; i < all.n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(all.items[i], &used));
        if (rte_set_empty(&used)) return OK;
    }
    struct plan *scan;
    TRY(relation_path(p, q->from[0]->rte, &all, NULL, &wish, &scan));
    if (!order_prefix(p, scan->order, scan->norder, &key, 1)) return OK;
    struct expr *one = expr_const(p->c->arena, INT8OID, datum_int8(1), false, -1);
    NEEDS(p, one);
    TRY(plan_limit(p, scan, one, NULL, &scan));
    return make_agg(p, PLAN_AGG, scan, NULL, 0, &aggs, &(struct agg_list){0}, ret);
}
