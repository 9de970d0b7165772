/* Set-returning functions among the targets. */
#include "plan/internal.h"

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
            slot->collation = e->collation;
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
status plan_grouped_sets(struct planner *p, struct plan *input, struct plan **ret) {
    struct query *q = p->query;
    struct expr **sets;
    uint16_t n = 0;
    NEW_N(p, sets, q->ngroup + 1);
    for (uint16_t i = 0; i < q->ngroup; i++)
        if (expr_contains_set(q->group[i])) sets[n++] = q->group[i];
    *ret = input;
    return n ? with_columns(p, input, sets, n, ret) : OK;
}

static bool sorts_by_set(const struct query *q) {
    for (uint16_t i = 0; i < q->nsort; i++)
        if (expr_contains_set(q->targets[q->sort[i].target].expr)) return true;
    return false;
}

/* ORDER BY no set: fewer rows are sorted, and those that one becomes follow one another as its sets
 * give them. */
status plan_sorted_rows(struct planner *p, struct plan *input, struct plan **ret) {
    struct query *q = p->query;
    struct expr **keys;
    struct plan_sort_column *columns;
    *ret = input;
    if (q->nsort == 0 || q->distinct || q->ndistinct_on || sorts_by_set(q)) return OK;
    NEW_N(p, keys, q->nsort);
    NEW_N(p, columns, q->nsort);
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        keys[i] = q->targets[k->target].expr;
        columns[i] =
            sort_column((uint16_t)(input->ncolumns + i), keys[i], k->descending, k->nulls_first);
    }
    TRY(with_columns(p, input, keys, q->nsort, ret));
    return plan_sort(p, *ret, columns, q->nsort, ret);
}

status plan_set_targets(struct planner *p, struct plan *child, struct expr **exprs, uint16_t n,
                        struct plan **ret) {
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
        plan->types[i] = expr_value_type(exprs[i]);
        TRY(expr_map(p->c->arena, exprs[i], replace_set, s, &targets[i]));
        TRY(resolve_over(p, targets[i], child, NULL, &targets[i]));
        TRY(note_outers(plan, targets[i]));
    }
    plan->rows = child->rows * 10;
    plan->order = child->order; /* a row's own rows follow one another */
    plan->norder = child->norder;
    plan->startup = child->startup;
    plan->cost = child->cost + plan->rows * 0.1;
    TRY(program_compile(p->c->arena, targets, n, (uint16_t)(child->ncolumns + s->n),
                        &plan->set_project.targets));
    *ret = plan;
    return OK;
}
