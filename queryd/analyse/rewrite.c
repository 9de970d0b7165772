/* Copies of whole queries with some expressions replaced. */
#include "analyse/query.h"

struct map {
    struct arena *arena;
    unsigned depth;
    query_replace *replace;
    void *arg;
};

static status map_sublink(struct map *m, struct expr *e, struct expr **ret) {
    struct expr *copy = expr_new_n(m->arena, EXPR_SUBLINK, e->type, e->location, e->nargs);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    struct expr **args = copy->args;
    *copy = *e;
    copy->args = args;
    for (uint16_t i = 0; i < e->nargs; i++)
        TRY(query_map_expr(m->arena, e->args[i], m->depth, m->replace, m->arg, &copy->args[i]));
    TRY(query_map(m->arena, e->sublink.query, m->depth + 1, m->replace, m->arg,
                  &copy->sublink.query));
    *ret = copy;
    return OK;
}

static status map_one(struct expr *e, void *arg, struct expr **ret) {
    struct map *m = arg;
    TRY(m->replace(e, m->depth, m->arg, ret));
    if (*ret || e->kind != EXPR_SUBLINK) return OK;
    return map_sublink(m, e, ret);
}

status query_map_expr(struct arena *a, struct expr *e, unsigned depth, query_replace *replace,
                      void *arg, struct expr **ret) {
    struct map m = {a, depth, replace, arg};
    return expr_map(a, e, map_one, &m, ret);
}

static status map_array(struct map *m, struct expr **list, uint32_t n, struct expr ***ret) {
    if (!list) {
        *ret = NULL;
        return OK;
    }
    struct expr **copy = arena_array(m->arena, n + 1u, sizeof *copy);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    for (uint32_t i = 0; i < n; i++)
        if (list[i]) TRY(query_map_expr(m->arena, list[i], m->depth, m->replace, m->arg, &copy[i]));
    *ret = copy;
    return OK;
}

static status map_expr(struct map *m, struct expr **e) {
    return query_map_expr(m->arena, *e, m->depth, m->replace, m->arg, e);
}

static status map_from(struct map *m, struct from_item *f, struct from_item **ret) {
    struct from_item *copy = arena_memdup(m->arena, f, sizeof *f);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    if (f->is_join) {
        TRY(map_from(m, f->left, &copy->left));
        TRY(map_from(m, f->right, &copy->right));
        TRY(map_expr(m, &copy->on));
    }
    *ret = copy;
    return OK;
}

static status map_rte(struct map *m, struct rte *r, struct rte **ret) {
    struct rte *copy = arena_memdup(m->arena, r, sizeof *r);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    if (r->sample) {
        copy->sample = arena_memdup(m->arena, r->sample, sizeof *r->sample);
        if (!copy->sample) return STATUS(OUT_OF_MEMORY);
        TRY(map_expr(m, &copy->sample->percent));
        TRY(map_expr(m, &copy->sample->seed));
    }
    if (r->kind == RTE_SUBQUERY)
        TRY(query_map(m->arena, r->query, m->depth + 1, m->replace, m->arg, &copy->query));
    if (r->kind == RTE_FUNCTION) {
        copy->functions =
            arena_memdup(m->arena, r->functions, r->nfunctions * sizeof *r->functions);
        if (!copy->functions) return STATUS(OUT_OF_MEMORY);
        for (uint16_t i = 0; i < r->nfunctions; i++) TRY(map_expr(m, &copy->functions[i].call));
    }
    if (r->kind == RTE_VALUES) {
        copy->rows = arena_array(m->arena, r->nrows + 1u, sizeof *copy->rows);
        if (!copy->rows) return STATUS(OUT_OF_MEMORY);
        for (uint32_t i = 0; i < r->nrows; i++)
            TRY(map_array(m, r->rows[i], r->ncolumns, &copy->rows[i]));
    }
    *ret = copy;
    return OK;
}

static status map_windows(struct map *m, struct query *q) {
    if (q->nwindows == 0) return OK;
    q->windows = arena_memdup(m->arena, q->windows, q->nwindows * sizeof *q->windows);
    if (!q->windows) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < q->nwindows; i++) {
        struct window *w = &q->windows[i];
        TRY(map_array(m, w->partition, w->npartition, &w->partition));
        TRY(map_array(m, w->order, w->norder, &w->order));
        TRY(map_expr(m, &w->start_offset));
        TRY(map_expr(m, &w->end_offset));
    }
    return OK;
}

static status map_sources(struct map *m, struct query *q) {
    struct rte **rtes = arena_array(m->arena, q->nrtes + 1u, sizeof *rtes);
    struct from_item **from = arena_array(m->arena, q->nfrom + 1u, sizeof *from);
    if (!rtes || !from) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < q->nrtes; i++) TRY(map_rte(m, q->rtes[i], &rtes[i]));
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(map_from(m, q->from[i], &from[i]));
    q->rtes = rtes;
    q->rtes_cap = q->nrtes;
    q->from = from;
    return OK;
}

/* For queries that only read; WITH queries are shared with the original. */
status query_map(struct arena *a, struct query *q, unsigned depth, query_replace *replace,
                 void *arg, struct query **ret) {
    struct map m = {a, depth, replace, arg};
    struct query *copy = arena_memdup(a, q, sizeof *q);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    TRY(map_sources(&m, copy));
    TRY(map_expr(&m, &copy->where));
    copy->targets = arena_array(a, q->ntargets + 1u, sizeof *copy->targets);
    if (!copy->targets) return STATUS(OUT_OF_MEMORY);
    copy->targets_cap = q->ntargets;
    for (uint16_t i = 0; i < q->ntargets; i++) {
        copy->targets[i] = q->targets[i];
        TRY(map_expr(&m, &copy->targets[i].expr));
    }
    TRY(map_array(&m, q->group, q->ngroup, &copy->group));
    for (uint16_t i = 0; i < q->ngroup; i++) /* a target that is grouped by stays the same node */
        for (uint16_t t = 0; t < q->ntargets; t++)
            if (q->group[i] == q->targets[t].expr) copy->group[i] = copy->targets[t].expr;
    TRY(map_expr(&m, &copy->having));
    TRY(map_windows(&m, copy));
    TRY(map_expr(&m, &copy->limit));
    TRY(map_expr(&m, &copy->offset));
    if (q->kind == QUERY_SETOP) {
        TRY(map_array(&m, q->left_casts, q->nvisible, &copy->left_casts));
        TRY(map_array(&m, q->right_casts, q->nvisible, &copy->right_casts));
    }
    *ret = copy;
    return OK;
}
