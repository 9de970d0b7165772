/* Ways to join: of each class the cheapest, and the cheapest for each order of its rows that a
 * merge above or whoever takes the rows can use. */
#include <math.h>

#include "plan/join_way.h"

#define COST_OUTPUT_LEAST 0.1 /* of a row, whatever the join */
#define WAYS_MAX 5            /* of a class */

/* ---- what orders are of use ---- */

/* Equal columns of an inner join stay equal, or are both filled up with nulls, in all that is
 * above; what is computed from them need not. */
static bool is_column(struct expr *e) {
    return expr_strip_relabel(e)->kind == EXPR_VAR;
}

static status add_clause(struct join_graph *g, uint32_t edge, struct expr *e) {
    struct planner *p = g->p;
    struct expr *sides[2];
    struct rte_set all = {0};
    for (uint16_t i = 0; i < g->nparts; i++) rte_set_union(&all, &g->parts[i]->rtes);
    if (!merge_sides(e, &all, &all, &sides[0], &sides[1])) return OK;
    if (g->nclauses == g->clauses_cap) {
        uint32_t cap = g->clauses_cap ? 2 * g->clauses_cap : 16;
        struct merge_clause *grown;
        NEW_N(p, grown, cap);
        if (g->nclauses) memcpy(grown, g->clauses, g->nclauses * sizeof *grown);
        g->clauses = grown;
        g->clauses_cap = cap;
    }
    struct merge_clause *c = &g->clauses[g->nclauses];
    *c = (struct merge_clause){.edge = edge,
                               .lasts = g->edges[edge].kind == PLAN_INNER && is_column(sides[0]) &&
                                        is_column(sides[1]),
                               .selectivity = join_selectivity(p, e, g->parts, g->nparts)};
    for (int i = 0; i < 2; i++) {
        struct rte_set used;
        TRY(query_rtes_of(sides[i], &used));
        c->sides[i] = join_graph_parts(g, &used);
        TRY(order_term(p, sides[i], &c->terms[i]));
    }
    if (!(c->sides[0] & c->sides[1])) g->nclauses++;
    return OK;
}

/* After all terms are known. */
static status find_leaders(struct join_graph *g) {
    struct planner *p = g->p;
    g->nterms = p->terms.n;
    NEW_N(p, g->leaders, g->nterms + 1);
    for (uint16_t i = 0; i < g->nterms; i++) g->leaders[i] = i;
    for (uint32_t i = 0; i < g->nclauses; i++) {
        if (!g->clauses[i].lasts) continue;
        uint16_t x = g->leaders[g->clauses[i].terms[0]], y = g->leaders[g->clauses[i].terms[1]];
        for (uint16_t k = 0; k < g->nterms; k++)
            if (g->leaders[k] == (x > y ? x : y)) g->leaders[k] = x > y ? y : x;
    }
    return OK;
}

static status note_terms(struct join_graph *g) {
    struct planner *p = g->p;
    uint16_t term, wished = g->wish ? g->wish->n : 0;
    for (uint16_t i = 0; i < wished; i++) TRY(order_term(p, g->wish->keys[i].expr, &term));
    TRY(find_leaders(g));
    NEW_N(p, g->term_parts, g->nterms + 1);
    NEW_N(p, g->term_wished, g->nterms + 1);
    for (uint16_t i = 0; i < wished; i++) {
        TRY(order_term(p, g->wish->keys[i].expr, &term));
        g->term_wished[g->leaders[term]] = true;
    }
    for (uint32_t i = 0; i < g->nclauses; i++)
        for (int k = 0; k < 2; k++)
            g->term_parts[g->leaders[g->clauses[i].terms[k]]] |=
                g->clauses[i].sides[0] | g->clauses[i].sides[1];
    return OK;
}

status join_way_clauses(struct join_graph *g) {
    for (uint32_t i = 0; i < g->nedges; i++)
        for (uint32_t k = 0; k < g->edges[i].quals.n; k++)
            TRY(add_clause(g, i, g->edges[i].quals.items[k]));
    return note_terms(g);
}

status join_way_unite(struct join_graph *g) {
    struct order_terms *t = &g->p->terms;
    for (uint32_t i = 0; i < g->nclauses; i++) {
        const struct merge_clause *c = &g->clauses[i];
        if (c->lasts) TRY(order_unite(g->p, t->exprs[c->terms[0]], t->exprs[c->terms[1]]));
    }
    return OK;
}

static bool holds(const struct merge_clause *c, part_set set) {
    return c->lasts && parts_within(c->sides[0] | c->sides[1], set);
}

static uint16_t root_of(const uint16_t *first, uint16_t term) {
    while (first[term] != term) term = first[term];
    return term;
}

/* Terms that conditions among the class's parts make equal have one first. */
static status find_first(const struct join_graph *g, struct arena *a, struct join_class *c) {
    uint16_t *first = NULL;
    for (uint32_t i = 0; i < g->nclauses; i++) {
        const struct merge_clause *m = &g->clauses[i];
        if (!holds(m, c->set)) continue;
        if (!first) {
            first = arena_array(a, g->nterms, sizeof *first);
            if (!first) return plan_memory(g->p);
            for (uint16_t k = 0; k < g->nterms; k++) first[k] = k;
        }
        uint16_t x = root_of(first, m->terms[0]), y = root_of(first, m->terms[1]);
        first[x < y ? y : x] = x < y ? x : y;
    }
    for (uint16_t k = 0; first && k < g->nterms; k++) first[k] = first[first[k]];
    c->first = first;
    return OK;
}

status join_way_class(const struct join_graph *g, struct arena *a, struct join_class *c) {
    for (uint32_t i = 0; i < g->nclauses && i < CLAUSES_ALL; i++)
        for (int side = 0; side < 2; side++)
            if (parts_within(g->clauses[i].sides[side], c->set))
                c->clauses[side] |= (uint64_t)1 << i;
    return g->nclauses ? find_first(g, a, c) : OK;
}

uint16_t join_way_first_equal(const struct join_graph *g, const struct join_class *c,
                              uint16_t term) {
    return c->first && term < g->nterms ? c->first[term] : term;
}

static bool is_useful(const struct join_graph *g, part_set set, uint16_t term) {
    if (term >= g->nterms) return false;
    return g->term_wished[g->leaders[term]] || (g->term_parts[g->leaders[term]] & ~set);
}

struct way_order join_way_useful_part(const struct join_graph *g, const struct join_class *c,
                                      const struct way_order *o) {
    struct way_order u = {0};
    for (uint8_t i = 0; i < o->n; i++) {
        if (is_useful(g, c->set, o->keys[i].term)) {
            u.keys[u.n] = o->keys[i];
            u.keys[u.n++].term = join_way_first_equal(g, c, o->keys[i].term);
        } else if (!o->keys[i].constant) {
            break;
        }
    }
    return u;
}

static struct way_order order_of_plan(struct join_graph *g, const struct join_class *c,
                                      const struct plan *plan) {
    struct way_order o = {0};
    for (uint16_t i = 0; i < plan->norder && o.n < WAY_KEYS; i++) {
        const struct order_key *k = &plan->order[i];
        uint16_t term;
        if (!ok(order_term(g->p, k->expr, &term))) break;
        o.keys[o.n++] =
            (struct way_key){term, k->descending, k->nulls_first, k->constant, k->never_null};
    }
    return join_way_useful_part(g, c, &o);
}

/* ---- the ways of a class ---- */

static bool same_key(const struct way_key *a, const struct way_key *b) {
    return a->term == b->term && a->descending == b->descending &&
           (a->nulls_first == b->nulls_first || a->never_null) && a->constant == b->constant;
}

/* Rows in order a are in order b. */
static bool order_implies(const struct way_order *a, const struct way_order *b) {
    if (a->n < b->n) return false;
    for (uint8_t i = 0; i < b->n; i++)
        if (!same_key(&a->keys[i], &b->keys[i])) return false;
    return true;
}

/* No order is worth more than sorting the cheapest way's rows; but of rows that come in order only
 * those have to be made that are asked for. */
static void find_most(struct join_graph *g, struct join_class *c) {
    struct order_key none = {0};
    if (c->resort == 0) c->resort = sort_cost(g->p, c->rows, &none, 0, 1, 0).total;
    c->most = c->best->cost + c->resort;
    if (g->wish && g->wish->limit > 0 && g->wish->limit < c->rows)
        c->most *= c->rows / g->wish->limit;
}

bool join_way_is_too_dear(const struct join_class *c, double cost) {
    return c->best && cost > c->most;
}

static bool is_dominated(const struct join_class *c, const struct join_way *w) {
    for (const struct join_way *x = c->ways; x; x = x->next)
        if (x->cost <= w->cost && order_implies(&x->order, &w->order)) return true;
    return false;
}

/* Ways that the new one makes needless; when there are too many, the dearest but the best. */
static void make_room(struct join_class *c, const struct join_way *w) {
    struct join_way **dearest = NULL;
    for (struct join_way **x = &c->ways; *x;) {
        if (w->cost <= (*x)->cost && order_implies(&w->order, &(*x)->order)) {
            *x = (*x)->next;
            c->nways--;
            continue;
        }
        if (*x != c->best && (!dearest || (*x)->cost > (*dearest)->cost)) dearest = x;
        x = &(*x)->next;
    }
    if (c->nways < WAYS_MAX || !dearest) return;
    *dearest = (*dearest)->next;
    c->nways--;
}

status join_way_keep(struct join_graph *g, struct arena *a, struct join_class *c,
                     const struct join_way *w) {
    if (join_way_is_too_dear(c, w->cost) || is_dominated(c, w)) return OK;
    struct join_way *kept = arena_memdup(a, w, sizeof *w);
    if (!kept) return plan_memory(g->p);
    make_room(c, w);
    kept->of = c;
    kept->next = c->ways;
    c->ways = kept;
    c->nways++;
    c->best = NULL;
    for (const struct join_way *x = c->ways; x; x = x->next)
        if (!c->best || x->cost < c->best->cost) c->best = x;
    find_most(g, c);
    return OK;
}

/* ---- parts ---- */

static status keep_plan(struct join_graph *g, struct arena *a, struct join_class *c,
                        struct plan *plan) {
    struct join_way w = {.plan = plan, .startup = plan->startup, .cost = plan->cost};
    w.order = order_of_plan(g, c, plan);
    return join_way_keep(g, a, c, &w);
}

static status keep_ordered(struct join_graph *g, struct arena *a, uint16_t part,
                           struct join_class *c, const struct order_wish *wish) {
    const struct join_rel *r = g->parts[part];
    struct plan *plan;
    TRY(relation_ordered_path(g->p, (uint16_t)r->base, &r->quals, wish, &plan));
    return plan ? keep_plan(g, a, c, plan) : OK;
}

static bool seen_before(const struct join_graph *g, uint32_t clause, uint16_t part, uint16_t term) {
    for (uint32_t i = 0; i < clause; i++)
        for (int k = 0; k < 2; k++)
            if (g->clauses[i].sides[k] == part_bit(part) && g->clauses[i].terms[k] == term)
                return true;
    return false;
}

/* An index may give a relation's rows in the order that a merge, or the wish, begins with. */
static status ordered_scans(struct join_graph *g, struct arena *a, uint16_t part,
                            struct join_class *c) {
    struct order_key key = {0};
    struct order_wish wish = {.n = 1, .keys = &key};
    for (uint32_t i = 0; i < g->nclauses; i++)
        for (int k = 0; k < 2; k++) {
            const struct merge_clause *m = &g->clauses[i];
            if (m->sides[k] != c->set || seen_before(g, i, part, m->terms[k])) continue;
            key.expr = g->p->terms.exprs[m->terms[k]];
            TRY(keep_ordered(g, a, part, c, &wish));
        }
    if (!g->wish || !g->wish->n) return OK;
    wish = *g->wish;
    wish.limit = 0; /* of rows of the join, not of the part */
    return keep_ordered(g, a, part, c, &wish);
}

status join_way_part(struct join_graph *g, struct arena *a, uint16_t part, struct join_class *c) {
    struct join_rel *r = g->parts[part];
    struct plan *plan;
    TRY(rel_plan(g->p, r, NULL, &plan));
    TRY(keep_plan(g, a, c, plan));
    return r->base >= 0 && !g->needs[part] ? ordered_scans(g, a, part, c) : OK;
}

/* ---- joins ---- */

static status offer_way(struct join_graph *g, struct arena *a, const struct join_pair *pair,
                        struct join_class *c, const struct join_way *l, enum join_method method,
                        double cost) {
    if (isinf(cost) || join_way_is_too_dear(c, cost)) return OK;
    struct join_way w = {.kind = pair->kind,
                         .method = method,
                         .left = (struct join_way *)l,
                         .right = (struct join_way *)pair->r->best,
                         .cost = cost};
    w.startup = method == JOIN_HASH ? w.right->cost : l->startup;
    if (method == JOIN_PAIRS) w.startup += w.right->startup;
    if (method != JOIN_HASH && pair->kind != PLAN_LEFT)
        w.order = join_way_useful_part(g, c, &l->order);
    return join_way_keep(g, a, c, &w);
}

bool join_way_is_hopeless(const struct join_class *l, const struct join_class *r, bool lookup,
                          const struct join_class *c) {
    double least = l->best->cost + (lookup ? 0 : r->best->cost) + c->rows * COST_OUTPUT_LEAST;
    return join_way_is_too_dear(c, least);
}

status join_way_offer(struct join_graph *g, struct arena *a, const struct join_pair *pair,
                      struct join_class *c) {
    if (join_way_is_hopeless(pair->l, pair->r, pair->lookup.possible || pair->lateral, c))
        return OK;
    struct join_input right = {pair->r->rows, pair->r->best->cost};
    for (const struct join_way *l = pair->l->ways; l; l = l->next) {
        struct join_input left = {pair->l->rows, l->cost};
        if (l != pair->l->best && !l->order.n) continue;
        struct join_costs cost = join_cost(g->p, &left, &right, pair->kind, pair->keys,
                                           pair->lateral, &pair->lookup, c->rows);
        if (l == pair->l->best) TRY(offer_way(g, a, pair, c, l, JOIN_HASH, cost.hash));
        TRY(offer_way(g, a, pair, c, l, JOIN_LATERAL, cost.lateral));
        TRY(offer_way(g, a, pair, c, l, JOIN_LOOKUP, cost.lookup));
        TRY(offer_way(g, a, pair, c, l, JOIN_PAIRS, cost.pairs));
    }
    if (pair->lateral || !g->nclauses) return OK;
    return join_merge_offer(g, a, pair, c);
}

/* ---- the choice ---- */

/* The wish in the terms of the ways of all parts. */
static status wish_in_terms(struct join_graph *g, const struct join_class *c,
                            struct order_wish *ret) {
    struct planner *p = g->p;
    *ret = *g->wish;
    NEW_N(p, ret->keys, ret->n + 1);
    for (uint16_t i = 0; i < ret->n; i++) {
        uint16_t term;
        TRY(order_term(p, g->wish->keys[i].expr, &term));
        ret->keys[i] = g->wish->keys[i];
        ret->keys[i].expr = p->terms.exprs[join_way_first_equal(g, c, term)];
    }
    return OK;
}

static double with_wish(struct join_graph *g, const struct order_wish *wish,
                        const struct join_class *c, const struct join_way *w) {
    struct order_key keys[WAY_KEYS];
    for (uint8_t i = 0; i < w->order.n; i++) {
        const struct way_key *k = &w->order.keys[i];
        keys[i] = (struct order_key){g->p->terms.exprs[k->term], k->descending, k->nulls_first,
                                     k->constant, k->never_null};
    }
    return order_finish(g->p, wish, keys, w->order.n, c->rows, w->startup, w->cost);
}

status join_way_choose(struct join_graph *g, const struct join_class *c,
                       const struct join_way **ret) {
    struct order_wish wish;
    *ret = c->best;
    if (!g->wish) return OK;
    TRY(wish_in_terms(g, c, &wish));
    double least = with_wish(g, &wish, c, *ret);
    for (const struct join_way *w = c->ways; w; w = w->next) {
        double cost = with_wish(g, &wish, c, w);
        if (cost >= least) continue;
        *ret = w;
        least = cost;
    }
    return OK;
}
