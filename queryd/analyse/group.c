/* GROUP BY, and that nothing ungrouped is used beside it. */
#include "analyse/internal.h"

static status group_expr(struct scope *s, struct node *n, struct expr **ret) {
    uint16_t target;
    uint16_t before = s->query->ntargets;
    TRY(find_or_add_target(s, n, CLAUSE_GROUP, &target));
    struct expr **e = &s->query->targets[target].expr;
    TRY(coerce_unknown(s->a, *e, e));
    *ret = *e;
    s->query->ntargets = before; /* grouping needs no output column of its own */
    if (expr_contains_kind(*ret, EXPR_AGGREGATE))
        return FAIL_AT(s->a, n->location, GROUPING_ERROR,
                       "aggregate functions are not allowed in GROUP BY");
    if (expr_contains_kind(*ret, EXPR_WINDOW))
        return FAIL_AT(s->a, n->location, WINDOWING_ERROR,
                       "window functions are not allowed in GROUP BY");
    const struct type *t = type_find((*ret)->type);
    if ((*ret)->type != RECORDOID && (!t || !type_has_equality(t)))
        return FAIL_AT(s->a, n->location, UNDEFINED_FUNCTION,
                       "could not identify an equality operator for type %s",
                       type_words(s->a, (*ret)->type));
    return OK;
}

/* The index of n among what is grouped by, added when it is not there. */
status group_member(struct scope *s, struct node *n, uint16_t *ret) {
    struct query *q = s->query;
    struct expr *e, **grown;
    TRY(group_expr(s, n, &e));
    for (uint16_t i = 0; i < q->ngroup; i++)
        if (expr_equal(q->group[i], e)) {
            *ret = i;
            return OK;
        }
    NEW_N(s->a, grown, q->ngroup + 1);
    if (q->ngroup) memcpy(grown, q->group, q->ngroup * sizeof *grown);
    grown[q->ngroup] = e;
    q->group = grown;
    *ret = q->ngroup++;
    return OK;
}

static bool in_every_set(const struct query *q, uint16_t member) {
    for (uint16_t i = 0; i < q->nsets; i++) {
        bool found = false;
        for (uint16_t k = 0; k < q->sets[i].n; k++) found |= q->sets[i].members[k] == member;
        if (!found) return false;
    }
    return true;
}

/* A table grouped by its whole primary key determines its other columns. */
static bool key_is_grouped(const struct query *q, uint16_t rte) {
    const struct rte *r = q->rtes[rte];
    if (!r->relation || !r->relation->primary) return false;
    const struct index_desc *p = r->relation->primary;
    for (uint16_t k = 0; k < p->nkeys; k++) {
        bool found = false;
        for (uint16_t i = 0; i < q->ngroup; i++) {
            const struct expr *g = q->group[i];
            found |= g->kind == EXPR_VAR && g->var.level == 0 && g->var.rte == rte &&
                     g->var.att == p->columns[k] && in_every_set(q, i);
        }
        if (!found) return false;
    }
    return true;
}

struct grouped_check {
    struct scope *s;
    struct expr **extra; /* columns that a grouped key determines: grouped too */
    uint16_t nextra, cap;
};

/* A view depends on the constraint. */
static status note_key(struct scope *s, const struct relation *r) {
    return list_append(s->a->arena, &s->query->grouped_keys,
                       (void *)(uintptr_t)r->primary->constraint);
}

static status ungrouped(struct grouped_check *c, const struct expr *e, unsigned depth) {
    struct query *q = c->s->query;
    if (key_is_grouped(q, e->var.rte)) {
        if (c->s->a->for_text) return note_key(c->s, q->rtes[e->var.rte]->relation);
        struct expr *copy = arena_memdup(c->s->a->arena, e, sizeof *e);
        NEEDS(c->s->a, copy);
        copy->var.level = 0;
        for (uint16_t i = 0; i < c->nextra; i++)
            if (expr_equal(c->extra[i], copy)) return OK;
        GROW(c->s->a, c->extra, c->nextra, c->cap);
        c->extra[c->nextra++] = copy;
        return OK;
    }
    const struct rte *r = q->rtes[e->var.rte];
    const char *column =
        e->var.att > 0 ? r->columns[e->var.att - 1].name : system_column_name(e->var.att);
    if (depth)
        return FAIL_AT(c->s->a, e->location, GROUPING_ERROR,
                       "subquery uses ungrouped column \"%s.%s\" from outer query", r->alias,
                       column);
    return FAIL_AT(c->s->a, e->location, GROUPING_ERROR,
                   "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate "
                   "function",
                   r->alias, column);
}

static status visit_grouped(struct expr *e, unsigned depth, void *arg, bool *ret_descend);

static status check_direct(struct grouped_check *c, struct expr *e) {
    for (uint16_t i = 0; i < e->agg.nplain; i++) {
        status s = query_walk_expr(e->args[i], 0, visit_grouped, c);
        if (status_is(s, ST_GROUPING_ERROR))
            error_detail(c->s->a->error, "Direct arguments of an ordered-set aggregate must use "
                                         "only grouped columns.");
        TRY(s);
    }
    return OK;
}

static status visit_grouped(struct expr *e, unsigned depth, void *arg, bool *ret_descend) {
    struct grouped_check *c = arg;
    struct query *q = c->s->query;
    if (e->kind == EXPR_GROUPING && e->grouping.level == depth) {
        *ret_descend = false;
        return settle_grouping(c->s, e);
    }
    if (e->kind == EXPR_AGGREGATE && query_aggregate_level(e) == depth) {
        *ret_descend = false;
        return e->agg.within_group && depth == 0 ? check_direct(c, e) : OK;
    }
    if (depth == 0) {
        for (uint16_t i = 0; i < q->ngroup; i++)
            if (expr_equal(q->group[i], e)) *ret_descend = false;
    }
    if (!*ret_descend) return OK;
    if (e->kind != EXPR_VAR || e->var.level != depth) return OK;
    for (uint16_t i = 0; i < q->ngroup; i++) {
        const struct expr *g = q->group[i];
        if (g->kind == EXPR_VAR && g->var.level == 0 && g->var.rte == e->var.rte &&
            g->var.att == e->var.att)
            return OK;
    }
    return ungrouped(c, e, depth);
}

static status check_windows(struct grouped_check *c) {
    struct query *q = c->s->query;
    for (uint16_t i = 0; i < q->nwindows; i++) {
        for (uint16_t k = 0; k < q->windows[i].npartition; k++)
            TRY(query_walk_expr(q->windows[i].partition[k], 0, visit_grouped, c));
        for (uint16_t k = 0; k < q->windows[i].norder; k++)
            TRY(query_walk_expr(q->windows[i].order[k], 0, visit_grouped, c));
    }
    return OK;
}

/* Columns that a grouped key determines are grouped with it, in every set. */
static status add_determined(struct scope *s, const struct grouped_check *c) {
    struct query *q = s->query;
    struct expr **all;
    NEW_N(s->a, all, q->ngroup + c->nextra);
    memcpy(all, q->group, q->ngroup * sizeof *all);
    memcpy(all + q->ngroup, c->extra, c->nextra * sizeof *all);
    for (uint16_t i = 0; i < q->nsets; i++) {
        struct grouping_set *g = &q->sets[i];
        uint16_t *members;
        NEW_N(s->a, members, g->n + c->nextra);
        memcpy(members, g->members, g->n * sizeof *members);
        for (uint16_t k = 0; k < c->nextra; k++) members[g->n++] = (uint16_t)(q->ngroup + k);
        g->members = members;
    }
    q->group = all;
    q->ngroup = (uint16_t)(q->ngroup + c->nextra);
    return OK;
}

struct aggregate_search {
    int32_t location;
    bool found;
};

static status visit_aggregate(struct expr *e, unsigned depth, void *arg, bool *) {
    struct aggregate_search *f = arg;
    if (f->found || e->kind != EXPR_AGGREGATE || query_aggregate_level(e) != depth) return OK;
    *f = (struct aggregate_search){e->location, true};
    return OK;
}

static status no_aggregates_of_itself(struct scope *s) {
    struct query *q = s->query;
    bool itself = false;
    for (uint16_t i = 0; i < q->nrtes; i++)
        itself |= q->rtes[i]->kind == RTE_CTE && q->rtes[i]->self_reference;
    if (!itself || !q->has_aggregates) return OK;
    struct aggregate_search f = {.location = -1};
    for (uint16_t i = 0; i < q->ntargets; i++)
        TRY(query_walk_expr(q->targets[i].expr, 0, visit_aggregate, &f));
    if (q->having) TRY(query_walk_expr(q->having, 0, visit_aggregate, &f));
    return FAIL_AT(s->a, f.location, INVALID_RECURSION,
                   "aggregate functions are not allowed in a recursive query's recursive term");
}

status check_grouped(struct scope *s) {
    struct query *q = s->query;
    TRY(no_aggregates_of_itself(s));
    if (q->has_aggregates || q->having) q->grouped = true;
    if (!q->grouped) return OK;
    struct grouped_check c = {.s = s};
    for (uint16_t i = 0; i < q->ntargets; i++)
        TRY(query_walk_expr(q->targets[i].expr, 0, visit_grouped, &c));
    TRY(query_walk_expr(q->having, 0, visit_grouped, &c));
    TRY(check_windows(&c));
    return c.nextra ? add_determined(s, &c) : OK;
}
