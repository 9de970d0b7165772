/* What an OR implies for single relations and for all its arms: found out, it leads to an index, a
 * hash table or fewer rows before a join. */
#include "plan/internal.h"

static bool is_or(const struct expr *e) {
    return e->kind == EXPR_BOOL && e->boolean == EXPR_OR;
}

static bool has(const struct conjuncts *c, const struct expr *e) {
    for (uint32_t i = 0; i < c->n; i++)
        if (expr_equal(c->items[i], e)) return true;
    return false;
}

static status arms_of(struct planner *p, struct expr *e, struct conjuncts **ret) {
    struct conjuncts *arms;
    NEW_N(p, arms, e->nargs);
    for (uint16_t i = 0; i < e->nargs; i++) TRY(conjuncts_add(p, &arms[i], e->args[i]));
    *ret = arms;
    return OK;
}

/* An OR of what is left of the arms; NULL when nothing is left of one. */
static status rebuild(struct planner *p, struct conjuncts *arms, uint16_t n, struct expr **ret) {
    struct expr *e = expr_new_n(p->c->arena, EXPR_BOOL, BOOLOID, -1, n);
    NEEDS(p, e);
    e->boolean = EXPR_OR;
    *ret = NULL;
    for (uint16_t i = 0; i < n; i++) {
        if (arms[i].n == 0) return OK;
        TRY(conjuncts_expr(p, &arms[i], &e->args[i]));
    }
    *ret = e;
    return OK;
}

/* (a AND b) OR (a AND c) is a AND (b OR c). */
static status common_parts(struct planner *p, struct expr *e, struct conjuncts *ret) {
    struct conjuncts *arms, common = {0};
    TRY(arms_of(p, e, &arms));
    for (uint32_t i = 0; i < arms[0].n; i++) {
        struct expr *part = arms[0].items[i];
        bool everywhere = expr_volatility(part) != 'v';
        for (uint16_t a = 1; a < e->nargs && everywhere; a++) everywhere = has(&arms[a], part);
        if (everywhere) TRY(conjuncts_add(p, &common, part));
    }
    if (common.n == 0) return conjuncts_add(p, ret, e);
    for (uint16_t a = 0; a < e->nargs; a++) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < arms[a].n; i++)
            if (!has(&common, arms[a].items[i])) arms[a].items[kept++] = arms[a].items[i];
        arms[a].n = kept;
    }
    struct expr *rest;
    TRY(rebuild(p, arms, e->nargs, &rest));
    for (uint32_t i = 0; i < common.n; i++) TRY(conjuncts_add(p, ret, common.items[i]));
    return rest ? conjuncts_add(p, ret, rest) : OK;
}

/* Parts of a condition that speak of one entry alone, and may be asked twice. */
static status parts_about(struct planner *p, const struct conjuncts *arm, uint16_t rte,
                          struct conjuncts *ret) {
    for (uint32_t i = 0; i < arm->n; i++) {
        struct expr *e = arm->items[i];
        struct rte_set used, own = {0};
        rte_set_add(&own, rte);
        TRY(query_rtes_of(e, &used));
        bool fits = !rte_set_empty(&used) && rte_set_subset(&used, &own) &&
                    expr_volatility(e) != 'v' && !expr_contains_kind(e, EXPR_SUBPLAN);
        if (fits) TRY(conjuncts_add(p, ret, e));
    }
    return OK;
}

static status implied_for(struct planner *p, struct expr *e, const struct conjuncts *arms,
                          uint16_t rte, struct conjuncts *ret) {
    struct conjuncts *own;
    struct expr *implied;
    NEW_N(p, own, e->nargs);
    for (uint16_t a = 0; a < e->nargs; a++) {
        TRY(parts_about(p, &arms[a], rte, &own[a]));
        if (own[a].n == 0) return OK;
    }
    TRY(rebuild(p, own, e->nargs, &implied));
    return conjuncts_add(p, ret, implied);
}

/* Where every arm says something of one entry, its rows satisfy the OR of that. */
static status implied_parts(struct planner *p, struct expr *e, struct conjuncts *ret) {
    struct rte_set used;
    struct conjuncts *arms;
    TRY(query_rtes_of(e, &used));
    TRY(arms_of(p, e, &arms));
    int entries = 0;
    for (int w = 0; w < RTE_SET_WORDS; w++) entries += __builtin_popcountll(used.word[w]);
    for (uint16_t rte = 0; entries > 1 && rte < p->query->nrtes; rte++)
        if (rte_set_has(&used, rte)) TRY(implied_for(p, e, arms, rte, ret));
    return OK;
}

status or_clauses(struct planner *p, struct conjuncts *quals, uint32_t from) {
    struct conjuncts all = {0};
    for (uint32_t i = from; i < quals->n; i++) {
        if (is_or(quals->items[i]))
            TRY(common_parts(p, quals->items[i], &all));
        else
            TRY(conjuncts_add(p, &all, quals->items[i]));
    }
    quals->n = from;
    for (uint32_t i = 0; i < all.n; i++) {
        TRY(conjuncts_add(p, quals, all.items[i]));
        if (is_or(all.items[i])) TRY(implied_parts(p, all.items[i], quals));
    }
    return OK;
}
