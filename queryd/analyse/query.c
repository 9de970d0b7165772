#include "analyse/query.h"

struct depth_walk {
    unsigned depth;
    query_visit *visit;
    void *arg;
};

static status visit_at_depth(struct expr *e, void *arg, bool *ret_descend) {
    struct depth_walk *w = arg;
    TRY(w->visit(e, w->depth, w->arg, ret_descend));
    if (*ret_descend && e->kind == EXPR_SUBLINK)
        return query_walk(e->sublink.query, w->depth + 1, w->visit, w->arg);
    return OK;
}

status query_walk_expr(struct expr *e, unsigned depth, query_visit *visit, void *arg) {
    struct depth_walk w = {depth, visit, arg};
    return expr_walk(e, visit_at_depth, &w);
}

static status walk_array(struct expr **list, uint32_t n, unsigned depth, query_visit *visit,
                         void *arg) {
    for (uint32_t i = 0; list && i < n; i++) TRY(query_walk_expr(list[i], depth, visit, arg));
    return OK;
}

static status walk_from(struct from_item *f, unsigned depth, query_visit *visit, void *arg) {
    if (!f->is_join) return OK;
    TRY(walk_from(f->left, depth, visit, arg));
    TRY(walk_from(f->right, depth, visit, arg));
    return query_walk_expr(f->on, depth, visit, arg);
}

static status walk_rte(struct rte *r, unsigned depth, query_visit *visit, void *arg) {
    if (r->sample) {
        TRY(query_walk_expr(r->sample->percent, depth, visit, arg));
        TRY(query_walk_expr(r->sample->seed, depth, visit, arg));
    }
    switch (r->kind) {
    case RTE_SUBQUERY: return query_walk(r->query, depth + 1, visit, arg);
    case RTE_FUNCTION:
        for (uint16_t i = 0; i < r->nfunctions; i++)
            TRY(query_walk_expr(r->functions[i].call, depth, visit, arg));
        return OK;
    case RTE_VALUES:
        for (uint32_t i = 0; i < r->nrows; i++)
            TRY(walk_array(r->rows[i], r->ncolumns, depth, visit, arg));
        return OK;
    default: return OK;
    }
}

static status walk_change(struct query *q, unsigned depth, query_visit *visit, void *arg) {
    uint16_t natts = q->sets_to ? q->rtes[q->target_rte]->ncolumns : 0;
    TRY(walk_array(q->sets_to, natts, depth, visit, arg));
    for (uint16_t i = 0; i < q->nchecks; i++)
        TRY(query_walk_expr(q->checks[i].expr, depth, visit, arg));
    if (q->conflict) {
        TRY(walk_array(q->conflict->sets, natts, depth, visit, arg));
        TRY(query_walk_expr(q->conflict->where, depth, visit, arg));
    }
    for (uint16_t i = 0; i < q->nreturning; i++)
        TRY(query_walk_expr(q->returning[i].expr, depth, visit, arg));
    return OK;
}

status query_walk(struct query *q, unsigned depth, query_visit *visit, void *arg) {
    for (uint16_t i = 0; i < q->nctes; i++) {
        TRY(query_walk(q->ctes[i]->query, depth + 1, visit, arg));
        if (q->ctes[i]->recursive) TRY(query_walk(q->ctes[i]->recursive, depth + 1, visit, arg));
    }
    for (uint16_t i = 0; i < q->nrtes; i++) TRY(walk_rte(q->rtes[i], depth, visit, arg));
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(walk_from(q->from[i], depth, visit, arg));
    TRY(query_walk_expr(q->where, depth, visit, arg));
    for (uint16_t i = 0; i < q->ntargets; i++)
        TRY(query_walk_expr(q->targets[i].expr, depth, visit, arg));
    TRY(walk_array(q->group, q->ngroup, depth, visit, arg));
    TRY(query_walk_expr(q->having, depth, visit, arg));
    for (uint16_t i = 0; i < q->nwindows; i++) {
        struct window *w = &q->windows[i];
        TRY(walk_array(w->partition, w->npartition, depth, visit, arg));
        TRY(walk_array(w->order, w->norder, depth, visit, arg));
        TRY(query_walk_expr(w->start_offset, depth, visit, arg));
        TRY(query_walk_expr(w->end_offset, depth, visit, arg));
    }
    TRY(query_walk_expr(q->limit, depth, visit, arg));
    TRY(query_walk_expr(q->offset, depth, visit, arg));
    if (q->kind == QUERY_SETOP) {
        TRY(walk_array(q->left_casts, q->nvisible, depth, visit, arg));
        TRY(walk_array(q->right_casts, q->nvisible, depth, visit, arg));
    }
    return walk_change(q, depth, visit, arg);
}

static status visit_lowest(struct expr *e, unsigned depth, void *arg, bool *) {
    unsigned *lowest = arg;
    if (e->kind == EXPR_VAR && e->var.level >= depth && e->var.level - depth < *lowest)
        *lowest = e->var.level - depth;
    return OK;
}

static unsigned lowest_level(struct expr **exprs, uint16_t n) {
    unsigned lowest = UINT16_MAX;
    for (uint16_t i = 0; i < n; i++) /* the visitor cannot fail */
        status_ignore(query_walk_expr(exprs[i], 0, visit_lowest, &lowest));
    return lowest;
}

/* Direct arguments are not aggregated: they have no say. */
unsigned query_aggregate_level(struct expr *e) {
    uint16_t direct = e->agg.within_group ? e->agg.nplain : 0;
    unsigned lowest = lowest_level(e->args + direct, (uint16_t)(e->nargs - direct));
    return lowest == UINT16_MAX ? 0 : lowest;
}

bool query_uses_below(struct expr *e, unsigned level) {
    return lowest_level(&e, 1) < level;
}

struct level_search {
    unsigned level;
    bool found;
};

static status visit_level(struct expr *e, unsigned depth, void *arg, bool *ret_descend) {
    struct level_search *s = arg;
    if (e->kind == EXPR_VAR && e->var.level == s->level + depth) s->found = true;
    *ret_descend = !s->found;
    return OK;
}

bool query_uses_level(struct expr *e, unsigned level) {
    struct level_search s = {.level = level};
    status_ignore(query_walk_expr(e, 0, visit_level, &s)); /* the visitor cannot fail */
    return s.found;
}

static status visit_rtes(struct expr *e, unsigned depth, void *arg, bool *) {
    struct rte_set *s = arg;
    if (e->kind == EXPR_VAR && e->var.level == depth) {
        if (e->var.rte >= RTES_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
        rte_set_add(s, e->var.rte);
    }
    return OK;
}

status query_rtes_of(struct expr *e, struct rte_set *ret_set) {
    struct rte_set s = {0};
    TRY(query_walk_expr(e, 0, visit_rtes, &s));
    *ret_set = s;
    return OK;
}

bool rte_set_subset(const struct rte_set *a, const struct rte_set *of) {
    for (int i = 0; i < RTE_SET_WORDS; i++)
        if (a->word[i] & ~of->word[i]) return false;
    return true;
}

bool rte_set_overlap(const struct rte_set *a, const struct rte_set *b) {
    for (int i = 0; i < RTE_SET_WORDS; i++)
        if (a->word[i] & b->word[i]) return true;
    return false;
}

bool rte_set_empty(const struct rte_set *a) {
    for (int i = 0; i < RTE_SET_WORDS; i++)
        if (a->word[i]) return false;
    return true;
}

void rte_set_union(struct rte_set *s, const struct rte_set *more) {
    for (int i = 0; i < RTE_SET_WORDS; i++) s->word[i] |= more->word[i];
}

struct shift {
    struct arena *arena;
    unsigned from_level;
    int by;
};

static status shift_var(struct expr *e, void *arg, struct expr **ret) {
    struct shift *s = arg;
    if (e->kind == EXPR_GROUPING && e->grouping.columns && e->grouping.level >= s->from_level &&
        s->by) {
        struct expr *copy = arena_memdup(s->arena, e, sizeof *e);
        if (!copy) return STATUS(OUT_OF_MEMORY);
        copy->grouping.level = (uint16_t)(copy->grouping.level + s->by);
        *ret = copy;
        return OK;
    }
    if (e->kind != EXPR_VAR || e->var.level < s->from_level || s->by == 0) return OK;
    struct expr *copy = arena_memdup(s->arena, e, sizeof *e);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    copy->var.level = (uint16_t)(copy->var.level + s->by);
    *ret = copy;
    return OK;
}

status expr_shift_levels(struct arena *a, struct expr *e, unsigned from_level, int by,
                         struct expr **ret) {
    struct shift s = {a, from_level, by};
    return expr_map(a, e, shift_var, &s, ret);
}
