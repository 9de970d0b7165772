/* Subqueries that need not be subqueries: simple ones in FROM are merged into the query, EXISTS and
 * IN among the conditions become semi-joins. */
#include "plan/internal.h"

/* ---- what a null row does to a condition ---- */

/* e is null when every column of rtes is. */
static bool null_for(struct expr *e, const struct rte_set *rtes) {
    switch (e->kind) {
    case EXPR_VAR: return e->var.level == 0 && rte_set_has(rtes, e->var.rte);
    case EXPR_CALL:
        if (!e->call.function->strict || e->call.function->returns_set) return false;
        for (uint16_t i = 0; i < e->nargs; i++)
            if (null_for(e->args[i], rtes)) return true;
        return false;
    case EXPR_CAST: return null_for(e->args[0], rtes);
    default: return false;
    }
}

bool strict_for(struct expr *e, const struct rte_set *rtes) {
    switch (e->kind) {
    case EXPR_BOOL:
        if (e->boolean == EXPR_NOT) return null_for(e->args[0], rtes);
        for (uint16_t i = 0; i < e->nargs; i++)
            if (strict_for(e->args[i], rtes) == (e->boolean == EXPR_AND))
                return e->boolean == EXPR_AND;
        return e->boolean == EXPR_OR;
    case EXPR_NULL_TEST:
        return e->negated && !type_is_composite(type_below(type_find(e->args[0]->type))) &&
               null_for(e->args[0], rtes);
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP:
        return !e->call.is_all && e->call.function->strict && null_for(e->args[0], rtes);
    case EXPR_BOOL_TEST:
        return !e->negated && e->test != EXPR_IS_UNKNOWN && null_for(e->args[0], rtes);
    default: return null_for(e, rtes);
    }
}

/* ---- merging ---- */

bool is_simple_query(const struct query *q) {
    return q->kind == QUERY_SELECT && !q->grouped && !q->has_windows && !q->has_sets &&
           !q->distinct && !q->limit && !q->offset && !q->for_update && q->nctes == 0 &&
           q->nfrom > 0;
}

struct absorb {
    struct arena *arena;
    uint16_t offset;
};

/* One level of nesting goes: the subquery's own columns get new entry numbers, what it names of the
 * query around it is now of the same level. */
static status absorb_var(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    struct absorb *m = arg;
    if (e->kind == EXPR_GROUPING && e->grouping.level > depth) {
        struct expr *copy = arena_memdup(m->arena, e, sizeof *e);
        if (!copy) return STATUS(OUT_OF_MEMORY);
        copy->grouping.level--;
        *ret = copy;
        return OK;
    }
    if (e->kind != EXPR_VAR || e->var.level < depth) return OK;
    struct expr *copy = arena_memdup(m->arena, e, sizeof *e);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    if (e->var.level == depth)
        copy->var.rte = (uint16_t)(e->var.rte + m->offset);
    else
        copy->var.level--;
    *ret = copy;
    return OK;
}

static void offset_from(struct from_item *f, uint16_t offset) {
    if (!f->is_join) {
        f->rte = (uint16_t)(f->rte + offset);
        return;
    }
    offset_from(f->left, offset);
    offset_from(f->right, offset);
}

/* A copy of sub in the terms of q, its entries appended to q's. */
static status absorb(struct planner *p, struct query *q, struct query *sub, struct query **ret) {
    struct absorb m = {p->c->arena, q->nrtes};
    if (q->nrtes + sub->nrtes >= RTES_MAX)
        return error_set(p->c->error, ST_PROGRAM_LIMIT_EXCEEDED, "too many range table entries");
    TRY(query_map(p->c->arena, sub, 0, absorb_var, &m, ret));
    for (uint16_t i = 0; i < (*ret)->nfrom; i++) offset_from((*ret)->from[i], m.offset);
    struct rte **rtes;
    NEW_N(p, rtes, q->nrtes + sub->nrtes);
    memcpy(rtes, q->rtes, q->nrtes * sizeof *rtes);
    memcpy(rtes + q->nrtes, (*ret)->rtes, sub->nrtes * sizeof *rtes);
    q->rtes = rtes;
    q->nrtes = q->rtes_cap = (uint16_t)(q->nrtes + sub->nrtes);
    return OK;
}

static status visit_ctes(struct expr *e, unsigned, void *arg, bool *ret_descend) {
    bool *found = arg;
    if (e->kind == EXPR_SUBLINK && e->sublink.query->nctes) *found = true;
    *ret_descend = !*found;
    return OK;
}

static bool rte_has_ctes(const struct query *q) {
    for (uint16_t i = 0; i < q->nrtes; i++) {
        const struct rte *r = q->rtes[i];
        if (r->kind == RTE_SUBQUERY && (r->query->nctes || rte_has_ctes(r->query))) return true;
    }
    return false;
}

/* Copies share WITH queries with the original, whose levels would then be wrong. */
status query_has_ctes(struct query *q, bool *ret) {
    *ret = rte_has_ctes(q);
    return query_walk(q, 0, visit_ctes, ret);
}

/* ---- subqueries in FROM ---- */

struct substitute {
    struct planner *p;
    uint16_t rte;
    const struct query *sub;
};

static status substitute_var(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    struct substitute *s = arg;
    if (e->kind != EXPR_VAR || e->var.level != depth || e->var.rte != s->rte) return OK;
    return expr_shift_levels(s->p->c->arena, s->sub->targets[e->var.att - 1].expr, 0, (int)depth,
                             ret);
}

static bool targets_allow(const struct query *sub, bool nullable) {
    for (uint16_t i = 0; i < sub->ntargets; i++) {
        struct expr *e = sub->targets[i].expr;
        if (nullable && !(e->kind == EXPR_VAR && e->var.level == 0)) return false;
        if (expr_volatility(e) == 'v' || expr_contains_kind(e, EXPR_SUBLINK)) return false;
    }
    return true;
}

/* Two columns that became one could not be null in different grouping sets. */
static bool columns_differ(const struct query *sub) {
    for (uint16_t i = 0; i < sub->ntargets; i++)
        for (uint16_t k = 0; k < i; k++)
            if (expr_equal(sub->targets[i].expr, sub->targets[k].expr)) return false;
    return true;
}

static bool has_outer_join(const struct from_item *f) {
    return f->is_join &&
           (f->kind != JOIN_KIND_INNER || has_outer_join(f->left) || has_outer_join(f->right));
}

/* A lateral subquery's conditions must be free to move. */
static bool lateral_allows(const struct rte *r, bool nested) {
    if (!r->lateral) return true;
    for (uint16_t i = 0; i < r->query->nfrom; i++)
        if (has_outer_join(r->query->from[i])) return false;
    return !nested;
}

struct candidate {
    struct from_item *item;
    struct expr **sink; /* where its conditions go */
};

static status find_candidate(struct planner *p, struct from_item *f, bool nullable, bool nested,
                             struct expr **sink, struct candidate *ret) {
    TRY(plan_stack(p));
    if (ret->item) return OK;
    if (f->is_join) {
        enum join_kind k = f->kind;
        bool left_null = nullable || k == JOIN_KIND_RIGHT || k == JOIN_KIND_FULL;
        bool right_null = nullable || k == JOIN_KIND_LEFT || k == JOIN_KIND_FULL;
        bool below = nested || k != JOIN_KIND_INNER;
        struct expr **left = k == JOIN_KIND_RIGHT ? &f->on : k == JOIN_KIND_FULL ? NULL : sink;
        struct expr **right = k == JOIN_KIND_LEFT ? &f->on : k == JOIN_KIND_FULL ? NULL : sink;
        TRY(find_candidate(p, f->left, left_null, below, left, ret));
        return find_candidate(p, f->right, right_null, below, right, ret);
    }
    const struct rte *r = p->query->rtes[f->rte];
    if (r->kind != RTE_SUBQUERY || !is_simple_query(r->query)) return OK;
    if (r->query->nsort) return OK; /* whoever reads it may count on its order */
    if (!lateral_allows(r, nested)) return OK;
    /* A grouping set makes NULLs too: of a column, not of what it was computed from. */
    bool nulled = nullable || p->query->nsets;
    if (!targets_allow(r->query, nulled) || (r->query->where && !sink)) return OK;
    if (p->query->nsets && !columns_differ(r->query)) return OK;
    bool ctes;
    TRY(query_has_ctes(r->query, &ctes));
    if (!ctes) *ret = (struct candidate){f, sink};
    return OK;
}

/* The subquery's FROM list as one item: inner joins without condition. */
static status one_item(struct planner *p, struct query *sub, struct from_item *into) {
    struct from_item *joined = sub->from[0];
    for (uint16_t i = 1; i < sub->nfrom; i++) {
        struct from_item *j;
        NEW(p, j);
        j->is_join = true;
        j->kind = JOIN_KIND_INNER;
        j->left = joined;
        j->right = sub->from[i];
        joined = j;
    }
    *into = *joined;
    return OK;
}

static status merge(struct planner *p, struct candidate c) {
    struct query *q = p->query, *sub, *mapped;
    uint16_t rte = c.item->rte;
    TRY(absorb(p, q, q->rtes[rte]->query, &sub));
    TRY(one_item(p, sub, c.item));
    if (sub->where) NEEDS(p, *c.sink = expr_and(p->c->arena, *c.sink, sub->where));
    q->has_sublinks |= sub->has_sublinks;
    q->rtes[rte]->query = NULL;
    q->rtes[rte]->kind = RTE_VALUES; /* nothing is left of it */
    q->rtes[rte]->nrows = 0;
    struct substitute s = {p, rte, sub};
    TRY(query_map(p->c->arena, q, 0, substitute_var, &s, &mapped));
    *q = *mapped;
    return OK;
}

status pull_up_subqueries(struct planner *p) {
    struct query *q = p->query;
    bool ctes;
    TRY(query_has_ctes(q, &ctes));
    if (ctes || q->for_update || q->lends_aggregates) return OK;
    for (;;) {
        struct candidate c = {0};
        for (uint16_t i = 0; i < q->nfrom && !c.item; i++)
            TRY(find_candidate(p, q->from[i], false, false, &q->where, &c));
        if (!c.item) return OK;
        TRY(merge(p, c));
    }
}

/* ---- EXISTS and IN ---- */

static status visit_around(struct expr *e, unsigned depth, void *arg, bool *ret_descend) {
    if (e->kind == EXPR_VAR && e->var.level == depth) *(bool *)arg = true;
    *ret_descend = !*(bool *)arg;
    return OK;
}

/* Whether sub names a column of the query around it. */
static status correlated(struct query *sub, bool *ret) {
    *ret = false;
    return query_walk(sub, 1, visit_around, ret);
}

/* Its sources must be plannable by themselves. */
static status sources_independent(struct query *sub, bool *ret) {
    *ret = false;
    for (uint16_t i = 0; i < sub->nrtes; i++) {
        const struct rte *r = sub->rtes[i];
        if (r->kind == RTE_RELATION || r->kind == RTE_CTE) continue;
        if (r->kind != RTE_SUBQUERY || r->lateral) return OK;
        bool around = false;
        TRY(query_walk(r->query, 2, visit_around, &around));
        if (around) return OK;
    }
    *ret = true;
    return OK;
}

static bool all_equalities(const struct expr *test) {
    if (test->kind == EXPR_BOOL && test->boolean == EXPR_AND) {
        for (uint16_t i = 0; i < test->nargs; i++)
            if (!all_equalities(test->args[i])) return false;
        return true;
    }
    return test->kind == EXPR_CALL && test->call.op && test->call.op->btree_strategy == 3;
}

static status may_become_join(struct planner *p, struct expr *e, bool negated, bool *ret) {
    *ret = false;
    if (e->kind != EXPR_SUBLINK) return OK;
    struct query *sub = e->sublink.query;
    bool exists = e->sublink.kind == SUB_EXISTS;
    if (!exists && (e->sublink.kind != SUB_ANY || negated || !all_equalities(e->args[0])))
        return OK;
    if (!is_simple_query(sub) || p->query->nfrom == 0) return OK;
    if (!exists && !targets_allow(sub, false)) return OK;
    bool ctes, independent, outer;
    TRY(query_has_ctes(sub, &ctes));
    TRY(sources_independent(sub, &independent));
    TRY(correlated(sub, &outer));
    *ret = !ctes && independent && (outer || !exists);
    return OK;
}

static status replace_column(struct expr *e, void *arg, struct expr **ret) {
    const struct query *sub = arg;
    if (e->kind == EXPR_SUBLINK_COLUMN) *ret = sub->targets[e->column].expr;
    return OK;
}

/* The subquery of e among the sources of s, its conditions among those of s. */
static status absorb_sublink(struct planner *p, struct expr *e, struct semi_join *s) {
    struct query *sub;
    TRY(absorb(p, p->query, e->sublink.query, &sub));
    struct from_item **from;
    NEW_N(p, from, s->nfrom + sub->nfrom + 1);
    if (s->nfrom) memcpy(from, s->from, s->nfrom * sizeof *from);
    memcpy(from + s->nfrom, sub->from, sub->nfrom * sizeof *from);
    s->from = from;
    s->nfrom = (uint16_t)(s->nfrom + sub->nfrom);
    TRY(conjuncts_add(p, &s->quals, sub->where));
    if (e->nargs == 0) return OK;
    struct expr *test;
    TRY(expr_map(p->c->arena, e->args[0], replace_column, sub, &test));
    return conjuncts_add(p, &s->quals, test);
}

/* An EXISTS or IN inside of one: rows of both together are what is looked for. */
static status absorb_nested(struct planner *p, struct semi_join *s) {
    for (uint32_t i = 0; i < s->quals.n; i++) {
        struct expr *e = s->quals.items[i];
        bool joins;
        TRY(may_become_join(p, e, false, &joins));
        if (!joins) continue;
        s->quals.items[i--] = s->quals.items[--s->quals.n];
        TRY(absorb_sublink(p, e, s));
    }
    return OK;
}

/* Subqueries among the conditions that speak of nothing of s, but of the query around it alone,
 * belong there. */
static status give_back(struct planner *p, struct semi_join *s, uint16_t first_rte,
                        struct conjuncts *around) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->quals.n; i++) {
        struct expr *e = s->quals.items[i];
        struct rte_set used;
        TRY(query_rtes_of(e, &used));
        bool own = !expr_contains_kind(e, EXPR_SUBLINK) || expr_volatility(e) == 'v';
        for (uint16_t k = first_rte; k < p->query->nrtes; k++) own |= rte_set_has(&used, k);
        if (own)
            s->quals.items[kept++] = e;
        else
            TRY(conjuncts_add(p, around, e));
    }
    s->quals.n = kept;
    return OK;
}

static status add_semi(struct planner *p, struct expr *e, bool anti, struct conjuncts *around) {
    struct semi_join *grown;
    uint16_t first_rte = p->query->nrtes;
    NEW_N(p, grown, p->nsemi + 1);
    if (p->nsemi) memcpy(grown, p->semis, p->nsemi * sizeof *grown);
    p->semis = grown;
    struct semi_join *s = &grown[p->nsemi++];
    s->anti = anti;
    TRY(absorb_sublink(p, e, s));
    TRY(absorb_nested(p, s));
    return anti ? OK : give_back(p, s, first_rte, around);
}

status pull_up_sublinks(struct planner *p) {
    struct query *q = p->query;
    if (!q->has_sublinks || !q->where) return OK;
    struct conjuncts all = {0}, kept = {0};
    TRY(conjuncts_add(p, &all, q->where));
    for (uint32_t i = 0; i < all.n; i++) {
        struct expr *e = all.items[i];
        bool negated = e->kind == EXPR_BOOL && e->boolean == EXPR_NOT;
        struct expr *inner = negated ? e->args[0] : e;
        bool joins;
        TRY(may_become_join(p, inner, negated, &joins));
        if (joins)
            TRY(add_semi(p, inner, negated, &all));
        else
            TRY(conjuncts_add(p, &kept, e));
    }
    return conjuncts_expr(p, &kept, &q->where);
}
