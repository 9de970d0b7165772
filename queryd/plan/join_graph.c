/* From the tree of joins to the hypergraph of what may be joined with what. */
#include "plan/join.h"

part_set join_graph_parts(const struct join_graph *g, const struct rte_set *rtes) {
    part_set s = 0;
    for (uint16_t i = 0; i < g->nparts; i++)
        if (rte_set_overlap(&g->parts[i]->rtes, rtes)) s |= part_bit(i);
    return s;
}

/* ---- which joins may change places ----
 *
 * Columns and rows in the order INNER, LEFT, SEMI, ANTI, FULL. */

enum reorder { NO, YES, IF_STRICT };

static int kind_index(enum plan_join k) {
    switch (k) {
    case PLAN_INNER: return 0;
    case PLAN_LEFT: return 1;
    case PLAN_SEMI: return 2;
    case PLAN_ANTI: return 3;
    default: return 4;
    }
}

/* (x a y) b z = x a (y b z) */
static const enum reorder associative[5][5] = {
    {YES, YES, YES, YES, NO}, {NO, IF_STRICT, NO, NO, NO}, {NO}, {NO}, {NO}};
/* (x a y) b z = (x b z) a y */
static const enum reorder left_exchange[5][5] = {{YES, YES, YES, YES, NO},
                                                 {YES, YES, YES, YES, NO},
                                                 {YES, YES, YES, YES, NO},
                                                 {YES, YES, YES, YES, NO},
                                                 {NO}};
/* x a (y b z) = y b (x a z) */
static const enum reorder right_exchange[5][5] = {{YES, NO, NO, NO, NO}};

/* strict: of (x a y) b z or x a (y b z), b's condition rejects rows whose y is filled up. */
static bool allowed(enum reorder r, const struct join_node *b, const struct rte_set *y) {
    if (r != IF_STRICT) return r == YES;
    for (uint32_t i = 0; i < b->quals.n; i++)
        if (strict_for(b->quals.items[i], y)) return true;
    return false;
}

static status add_rule(struct planner *p, struct join_edge *e, part_set when, part_set then) {
    struct join_rule *rules;
    NEW_N(p, rules, e->nrules + 1u);
    if (e->nrules) memcpy(rules, e->rules, e->nrules * sizeof *rules);
    rules[e->nrules++] = (struct join_rule){when, then};
    e->rules = rules;
    return OK;
}

static part_set node_uses(const struct join_graph *g, const struct join_node *n) {
    part_set s = 0;
    for (uint32_t i = 0; i < n->quals.n; i++) {
        struct rte_set used;
        if (ok(query_rtes_of(n->quals.items[i], &used))) s |= join_graph_parts(g, &used);
    }
    return s;
}

/* What the other side of `a` is needed for: the parts that its condition names, or all. */
static part_set anchor(const struct join_graph *g, const struct join_node *a, part_set side) {
    part_set named = node_uses(g, a) & side;
    return named ? named : side;
}

/* The joins on the left of `at` that may not change places with it. */
static status left_rules(struct join_graph *g, const struct join_node *at,
                         const struct join_node *a, struct join_edge *e) {
    if (!a->left) return OK;
    int x = kind_index(a->kind), y = kind_index(at->kind);
    if (!allowed(associative[x][y], at, &a->right->rtes))
        TRY(add_rule(g->p, e, a->right->parts, anchor(g, a, a->left->parts)));
    if (!allowed(left_exchange[x][y], at, &a->right->rtes))
        TRY(add_rule(g->p, e, a->left->parts, anchor(g, a, a->right->parts)));
    TRY(left_rules(g, at, a->left, e));
    return left_rules(g, at, a->right, e);
}

static status right_rules(struct join_graph *g, const struct join_node *at,
                          const struct join_node *a, struct join_edge *e) {
    if (!a->left) return OK;
    int x = kind_index(at->kind), y = kind_index(a->kind);
    if (!allowed(associative[x][y], a, &a->left->rtes))
        TRY(add_rule(g->p, e, a->left->parts, anchor(g, a, a->right->parts)));
    if (!allowed(right_exchange[x][y], a, &a->left->rtes))
        TRY(add_rule(g->p, e, a->right->parts, anchor(g, a, a->left->parts)));
    TRY(right_rules(g, at, a->left, e));
    return right_rules(g, at, a->right, e);
}

/* Rules that always apply become parts of the edge. */
static void absorb_rules(struct join_edge *e, const struct join_node *at) {
    for (bool again = true; again;) {
        again = false;
        uint16_t kept = 0;
        for (uint16_t i = 0; i < e->nrules; i++) {
            struct join_rule r = e->rules[i];
            if (parts_within(r.then, e->left | e->right)) continue;
            if (!(r.when & (e->left | e->right))) {
                e->rules[kept++] = r;
                continue;
            }
            e->left |= r.then & at->left->parts;
            e->right |= r.then & at->right->parts;
            again = true;
        }
        e->nrules = kept;
    }
}

/* ---- edges ---- */

static status new_edge(struct join_graph *g, struct join_edge **ret) {
    struct planner *p = g->p;
    if (g->nedges == g->edges_cap) {
        uint32_t cap = g->edges_cap ? g->edges_cap * 2 : 16;
        struct join_edge *grown;
        NEW_N(p, grown, cap);
        if (g->nedges) memcpy(grown, g->edges, g->nedges * sizeof *grown);
        g->edges = grown;
        g->edges_cap = cap;
    }
    *ret = &g->edges[g->nedges++];
    **ret = (struct join_edge){.selectivity = 1};
    return OK;
}

/* Parts whose columns parts of s need. */
static part_set needs_of(const struct join_graph *g, part_set s) {
    part_set needs = 0;
    for (part_set left = s; left; left &= left - 1) needs |= g->needs[__builtin_ctzll(left)];
    return needs;
}

static status add_edge(struct join_graph *g, const struct join_node *at, part_set uses,
                       struct expr *const *quals, uint32_t n) {
    struct join_edge *e;
    TRY(new_edge(g, &e));
    e->kind = at->kind;
    if (at->kind != PLAN_INNER) uses |= needs_of(g, at->right->parts);
    e->left = uses & at->left->parts;
    e->right = uses & at->right->parts;
    if (!e->left) e->left = at->left->parts;
    if (!e->right) e->right = at->right->parts;
    for (uint32_t i = 0; i < n; i++) {
        e->hashable |= join_hashable(quals[i], &at->left->rtes, &at->right->rtes);
        TRY(conjuncts_add(g->p, &e->quals, quals[i]));
        e->selectivity *= join_selectivity(g->p, quals[i], g->parts, g->nparts);
    }
    TRY(left_rules(g, at, at->left, e));
    TRY(right_rules(g, at, at->right, e));
    absorb_rules(e, at);
    return OK;
}

/* Every condition of an inner join is an edge of its own: it may be carried out elsewhere. */
static status inner_edges(struct join_graph *g, const struct join_node *at, bool below_outer) {
    if (at->quals.n == 0 && below_outer) return add_edge(g, at, 0, NULL, 0);
    for (uint32_t i = 0; i < at->quals.n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(at->quals.items[i], &used));
        TRY(add_edge(g, at, join_graph_parts(g, &used), &at->quals.items[i], 1));
    }
    return OK;
}

static status node_edges(struct join_graph *g, const struct join_node *at, bool below_outer) {
    TRY(plan_stack(g->p));
    if (!at->left) return OK;
    bool below = below_outer || at->kind != PLAN_INNER;
    TRY(node_edges(g, at->left, below));
    TRY(node_edges(g, at->right, below));
    if (at->kind == PLAN_INNER) return inner_edges(g, at, below_outer);
    return add_edge(g, at, node_uses(g, at), at->quals.items, at->quals.n);
}

static part_set component_of(const struct join_graph *g, part_set s) {
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < g->nedges; i++) {
            part_set all = g->edges[i].left | g->edges[i].right;
            if (!(all & s) || parts_within(all, s)) continue;
            s |= all;
            again = true;
        }
        for (uint16_t i = 0; i < g->nparts; i++) {
            part_set all = part_bit(i) | g->needs[i];
            if (!(all & s) || parts_within(all, s)) continue;
            s |= all;
            again = true;
        }
    }
    return s;
}

static status product(struct join_graph *g, part_set left, part_set right) {
    struct join_edge *e;
    TRY(new_edge(g, &e));
    e->kind = PLAN_INNER;
    e->left = left;
    e->right = right;
    e->crosses = true;
    return OK;
}

/* The parts of s that conditions tie to its first one without any part outside of s. */
static part_set tied_within(const struct join_graph *g, part_set s) {
    part_set tied = s & -s;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < g->nedges; i++) {
            part_set all = g->edges[i].left | g->edges[i].right;
            if (!(all & tied) || !parts_within(all, s) || parts_within(all, tied)) continue;
            tied |= all;
            again = true;
        }
    }
    return tied;
}

/* What is needed together must be able to come together without who needs it. */
static status bring_together(struct join_graph *g, part_set s) {
    part_set before = tied_within(g, s), left = s & ~before;
    while (left) {
        part_set next = tied_within(g, left);
        TRY(product(g, before, next));
        before |= next;
        left &= ~next;
    }
    return OK;
}

/* Where part i gets its parameters: below an outer join the parts outside of it give them to the
 * whole join, and those of its left side when it is carried out (its edge says so). */
static status part_needs(struct join_graph *g, const struct join_node *root, uint16_t i) {
    part_set needs = g->needs[i];
    for (const struct join_node *at = root; needs && at->left;) {
        bool right = (at->right->parts & part_bit(i)) != 0;
        bool fills = at->kind == PLAN_FULL || (at->kind != PLAN_INNER && right);
        part_set outside = needs & ~at->parts;
        if (fills && outside) {
            TRY(bring_together(g, outside));
            TRY(product(g, outside, at->parts));
        }
        const struct join_node *side = right ? at->right : at->left;
        if (fills) needs &= side->parts;
        at = side;
    }
    if (!needs) return OK;
    TRY(bring_together(g, needs));
    return product(g, needs, part_bit(i));
}

/* What no condition ties is joined as a product, and what needs another's columns with it. */
static status connect(struct join_graph *g, const struct join_node *root) {
    part_set all = g->nparts == PARTS_MAX ? ~(part_set)0 : part_bit(g->nparts) - 1;
    part_set components[PARTS_MAX];
    unsigned n = 0;
    for (uint16_t i = 0; i < g->nparts; i++) TRY(part_needs(g, root, i));
    for (part_set left = all; left; left &= ~components[n - 1])
        components[n++] = component_of(g, left & -left);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = i + 1; k < n; k++) TRY(product(g, components[i], components[k]));
    return OK;
}

/* ---- conditions that together name a unique key ---- */

static bool ties(const struct join_edge *e, part_set a, part_set b) {
    return e->kind == PLAN_INNER && !e->crosses &&
           ((e->left == a && e->right == b) || (e->left == b && e->right == a));
}

/* Equalities with a unique key leave at most one partner: they do not multiply. */
static void correct_keys(struct join_graph *g, uint16_t a, uint16_t b) {
    struct conjuncts quals = {0};
    struct expr *items[64];
    double together = 1;
    struct join_edge *first = NULL;
    quals.items = items;
    for (uint32_t i = 0; i < g->nedges; i++) {
        struct join_edge *e = &g->edges[i];
        if (!ties(e, part_bit(a), part_bit(b)) || e->quals.n != 1 || quals.n == 64) continue;
        items[quals.n++] = e->quals.items[0];
        together *= e->selectivity;
        if (!first) first = e;
    }
    if (quals.n < 2) return;
    double least = unique_selectivity(g->p, g->parts[b], &quals);
    if (least <= together) return;
    for (uint32_t i = 0; i < g->nedges; i++)
        if (ties(&g->edges[i], part_bit(a), part_bit(b))) g->edges[i].selectivity = 1;
    first->selectivity = least;
}

static bool single(part_set s) {
    return (s & (s - 1)) == 0;
}

static void find_ties(struct join_graph *g) {
    g->simple = g->nfilters == 0;
    for (uint16_t i = 0; i < g->nparts; i++) g->simple &= g->needs[i] == 0;
    for (uint32_t i = 0; i < g->nedges; i++) {
        const struct join_edge *e = &g->edges[i];
        g->simple &= e->kind == PLAN_INNER && !e->nrules && single(e->left) && single(e->right);
        if (!g->simple) return;
        int l = __builtin_ctzll(e->left), r = __builtin_ctzll(e->right);
        g->tied[l] |= e->right;
        g->tied[r] |= e->left;
        if (!e->hashable) continue;
        g->hashed[l] |= e->right;
        g->hashed[r] |= e->left;
    }
}

status join_graph_edges(struct join_graph *g, struct join_node *root) {
    TRY(node_edges(g, root, false));
    TRY(connect(g, root));
    find_ties(g);
    for (uint16_t a = 0; a < g->nparts; a++)
        for (uint16_t b = 0; b < g->nparts; b++)
            if (a != b) correct_keys(g, a, b);
    return OK;
}

/* ---- cuts ---- */

static bool rules_hold(const struct join_edge *e, part_set all) {
    for (uint16_t i = 0; i < e->nrules; i++)
        if ((e->rules[i].when & all) && !parts_within(e->rules[i].then, all)) return false;
    return true;
}

/* The edge becomes possible with a and b together, and was not before. */
static bool becomes_possible(part_set parts, part_set a, part_set b) {
    return parts_within(parts, a | b) && !parts_within(parts, a) && !parts_within(parts, b);
}

bool join_graph_needs(const struct join_graph *g, part_set a, part_set b, struct join_cut *cut) {
    bool a_needs = (needs_of(g, a) & b) != 0, b_needs = (needs_of(g, b) & a) != 0;
    if (a_needs && b_needs) return false;
    cut->fixed = cut->lateral = a_needs || b_needs;
    cut->swap = a_needs;
    return true;
}

static bool directed(const struct join_edge *e, part_set a, part_set b, struct join_cut *cut) {
    bool forth = parts_within(e->left, a) && parts_within(e->right, b);
    bool back = parts_within(e->left, b) && parts_within(e->right, a);
    if (!forth && !back) return false;
    if (cut->fixed && cut->swap != back) return false;
    cut->kind = e->kind;
    cut->keys = e->hashable;
    cut->swap = back;
    cut->fixed = true;
    return true;
}

static bool on_both_sides(const struct join_edge *e, part_set a, part_set b) {
    return (parts_within(e->left, a) && parts_within(e->right, b)) ||
           (parts_within(e->left, b) && parts_within(e->right, a));
}

static bool simple_cut(const struct join_graph *g, part_set a, part_set b, struct join_cut *ret) {
    bool tied = false;
    *ret = (struct join_cut){.kind = PLAN_INNER};
    for (part_set left = a; left; left &= left - 1) {
        int i = __builtin_ctzll(left);
        tied |= (g->tied[i] & b) != 0;
        ret->keys |= (g->hashed[i] & b) != 0;
    }
    return tied;
}

bool join_graph_cut(const struct join_graph *g, part_set a, part_set b, struct join_cut *ret) {
    if (g->simple) return simple_cut(g, a, b, ret);
    struct join_cut cut = {.kind = PLAN_INNER};
    bool product = false, inner = false, other = false;
    if (!join_graph_needs(g, a, b, &cut)) return false;
    for (uint32_t i = 0; i < g->nedges; i++) {
        const struct join_edge *e = &g->edges[i];
        if (!becomes_possible(e->left | e->right, a, b)) continue;
        if (!rules_hold(e, a | b)) return false;
        if (e->kind != PLAN_INNER) {
            if (other || !directed(e, a, b, &cut)) return false;
            other = true;
        } else if (e->crosses) {
            product |= on_both_sides(e, a, b);
        } else {
            inner = true;
            cut.keys |= e->hashable && on_both_sides(e, a, b);
        }
    }
    if (other ? inner : !inner && !product) return false;
    *ret = cut;
    return true;
}

double join_graph_selectivity(const struct join_graph *g, part_set a, part_set b) {
    double s = 1;
    for (uint32_t i = 0; i < g->nedges; i++)
        if (becomes_possible(g->edges[i].left | g->edges[i].right, a, b))
            s *= g->edges[i].selectivity;
    return s;
}

status join_graph_quals(const struct join_graph *g, part_set a, part_set b, struct conjuncts *ret) {
    for (uint32_t i = 0; i < g->nedges; i++) {
        const struct join_edge *e = &g->edges[i];
        if (!becomes_possible(e->left | e->right, a, b)) continue;
        for (uint32_t k = 0; k < e->quals.n; k++) TRY(conjuncts_add(g->p, ret, e->quals.items[k]));
    }
    return OK;
}

status join_graph_filters(const struct join_graph *g, part_set a, part_set b,
                          struct conjuncts *ret) {
    for (uint32_t i = 0; i < g->nfilters; i++)
        if (becomes_possible(g->filters[i].parts, a, b))
            TRY(conjuncts_add(g->p, ret, g->filters[i].qual));
    return OK;
}
