/* FROM and WHERE: taken apart into parts and the tree of their joins, conditions pushed down to
 * where they hold; then put together in the order that join_order.c finds. */
#include "plan/join.h"

static void rtes_of_item(const struct from_item *f, struct rte_set *s) {
    if (!f->is_join) {
        rte_set_add(s, f->rte);
        return;
    }
    rtes_of_item(f->left, s);
    rtes_of_item(f->right, s);
}

static uint32_t parts_of_item(const struct from_item *f) {
    return f->is_join ? parts_of_item(f->left) + parts_of_item(f->right) : 1;
}

static status base_part(struct planner *p, uint16_t rte, struct join_rel **ret) {
    struct join_rel *r;
    NEW(p, r);
    rte_set_add(&r->rtes, rte);
    r->base = -1;
    if (p->query->rtes[rte]->sample) {
        TRY(sampled_scan(p, rte, &r->plan));
        r->rows = r->plan->rows;
        r->needs = p->rtes[rte].needs;
        if (p->rtes[rte].lateral.n) r->lateral = &p->rtes[rte].lateral;
    } else if (p->query->rtes[rte]->kind == RTE_RELATION) {
        r->base = rte;
        r->rows = relation_rows(p->query->rtes[rte]->relation);
    } else {
        r->plan = p->rtes[rte].plan;
        r->rows = r->plan->rows;
        r->needs = p->rtes[rte].needs;
        if (p->rtes[rte].lateral.n) r->lateral = &p->rtes[rte].lateral;
    }
    *ret = r;
    return OK;
}

/* Conditions that speak of one side only go into that side; the others stay. */
static status split_quals(struct planner *p, struct conjuncts *from, const struct rte_set *side,
                          struct conjuncts *ret_side) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(from->items[i], &used));
        if (!rte_set_empty(&used) && rte_set_subset(&used, side))
            TRY(conjuncts_add(p, ret_side, from->items[i]));
        else
            from->items[kept++] = from->items[i];
    }
    from->n = kept;
    return OK;
}

/* What a join of l and r still asks of entries outside of both. */
static status carry_lateral(struct planner *p, const struct join_rel *l, const struct join_rel *r,
                            struct join_rel *joined) {
    const struct join_rel *sides[2] = {l, r};
    joined->rtes = l->rtes;
    rte_set_union(&joined->rtes, &r->rtes);
    for (int k = 0; k < 2; k++) {
        const struct collector *c = sides[k]->lateral;
        for (uint16_t i = 0; c && i < c->n; i++) {
            struct rte_set used;
            TRY(query_rtes_of(c->exprs[i], &used));
            if (rte_set_subset(&used, &joined->rtes)) continue;
            if (!joined->lateral) NEW(p, joined->lateral);
            TRY(collector_add(p, joined->lateral, c->ids[i], c->exprs[i]));
            rte_set_union(&joined->needs, &used);
        }
    }
    return OK;
}

/* A condition above that no null row can pass makes an outer join an inner one. */
static enum join_kind reduce(enum join_kind kind, const struct conjuncts *quals,
                             const struct rte_set *left, const struct rte_set *right) {
    for (uint32_t i = 0; i < quals->n; i++) {
        bool l = strict_for(quals->items[i], left), r = strict_for(quals->items[i], right);
        if (kind == JOIN_KIND_LEFT && r) kind = JOIN_KIND_INNER;
        if (kind == JOIN_KIND_RIGHT && l) kind = JOIN_KIND_INNER;
        if (kind == JOIN_KIND_FULL && l && r)
            kind = JOIN_KIND_INNER;
        else if (kind == JOIN_KIND_FULL && l)
            kind = JOIN_KIND_LEFT;
        else if (kind == JOIN_KIND_FULL && r)
            kind = JOIN_KIND_RIGHT;
    }
    return kind;
}

/* The conditions that a list has not placed: those without any relation are asked once. */
static status place_rest(struct planner *p, struct join_rel *rel, const struct conjuncts *quals) {
    struct conjuncts once = {0}, rest = {0};
    for (uint32_t i = 0; i < quals->n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(quals->items[i], &used));
        bool constant = rte_set_empty(&used) && expr_volatility(quals->items[i]) != 'v';
        TRY(conjuncts_add(p, constant ? &once : &rest, quals->items[i]));
    }
    TRY(plan_filter(p, rel->plan, &rest, &rel->plan));
    return plan_gate(p, rel->plan, &once, &rel->plan);
}

/* ---- taking apart ---- */

static status tree_of(struct join_graph *g, struct from_item *f, struct conjuncts *quals,
                      struct join_node **ret);
static status plan_tree(struct join_graph *g, struct join_node *root, struct join_rel **ret);

static status new_graph(struct planner *p, struct join_graph **ret) {
    NEW(p, *ret);
    (*ret)->p = p;
    return OK;
}

static status add_part(struct join_graph *g, struct join_rel *r, struct join_node **ret) {
    struct planner *p = g->p;
    CHECK(g->nparts < PARTS_MAX);
    NEW(p, *ret);
    (*ret)->rtes = r->rtes;
    (*ret)->parts = part_bit(g->nparts);
    g->parts[g->nparts++] = r;
    return OK;
}

static status new_join(struct join_graph *g, enum plan_join kind, struct join_node *left,
                       struct join_node *right, struct join_node **ret) {
    struct planner *p = g->p;
    NEW(p, *ret);
    (*ret)->kind = kind;
    (*ret)->left = left;
    (*ret)->right = right;
    (*ret)->rtes = left->rtes;
    rte_set_union(&(*ret)->rtes, &right->rtes);
    (*ret)->parts = left->parts | right->parts;
    return OK;
}

/* What speaks of one part only is for its access path, or filters what it gives. */
static status leaf(struct join_graph *g, uint16_t rte, struct conjuncts *quals,
                   struct join_node **ret) {
    struct planner *p = g->p;
    struct join_rel *r;
    struct conjuncts own = {0};
    TRY(base_part(p, rte, &r));
    TRY(split_quals(p, quals, &r->rtes, &own));
    if (r->base >= 0) {
        r->quals = own;
        r->rows = relation_estimate(p, rte, &own);
    } else {
        TRY(plan_filter(p, r->plan, &own, &r->plan));
        r->rows = r->plan->rows;
    }
    return add_part(g, r, ret);
}

/* A tree planned by itself is one part. */
static status as_part(struct join_graph *g, struct join_graph *own, struct join_node *root,
                      struct conjuncts *rest, struct join_node **ret) {
    struct join_rel *r;
    TRY(plan_tree(own, root, &r));
    if (rest->n) {
        TRY(rel_plan(g->p, r, NULL, &r->plan));
        TRY(place_rest(g->p, r, rest));
        rest->n = 0;
        r->base = -1;
        r->rows = r->plan->rows;
    }
    return add_part(g, r, ret);
}

static void move_parts(struct join_node *n, uint16_t by) {
    n->parts <<= by;
    if (!n->left) return;
    move_parts(n->left, by);
    move_parts(n->right, by);
}

/* The side of a join where rows may be filled up with nulls, or only decide. Its conditions stay on
 * it: what cannot go into its joins makes it a part of its own. */
static status side_of(struct join_graph *g, struct from_item *f, struct conjuncts *quals,
                      struct join_node **ret) {
    struct join_graph *own;
    struct join_node *root;
    TRY(new_graph(g->p, &own));
    TRY(tree_of(own, f, quals, &root));
    if (quals->n || own->nfilters || g->nparts + own->nparts > PARTS_MAX - 1)
        return as_part(g, own, root, quals, ret);
    move_parts(root, g->nparts);
    memcpy(g->parts + g->nparts, own->parts, own->nparts * sizeof *own->parts);
    g->nparts = (uint16_t)(g->nparts + own->nparts);
    *ret = root;
    return OK;
}

/* A side of an inner join: when there are too many parts, it is planned by itself. */
static status inner_side(struct join_graph *g, struct from_item *f, bool apart,
                         struct conjuncts *quals, struct join_node **ret) {
    if (!apart || !f->is_join) return tree_of(g, f, quals, ret);
    struct join_graph *own;
    struct join_node *root;
    struct conjuncts none = {0};
    TRY(new_graph(g->p, &own));
    TRY(tree_of(own, f, quals, &root));
    return as_part(g, own, root, &none, ret);
}

static status inner_tree(struct join_graph *g, struct from_item *f, struct conjuncts *quals,
                         struct join_node **ret) {
    struct join_node *left, *right;
    bool apart = parts_of_item(f) + g->nparts > PARTS_MAX - 1;
    uint32_t before = quals->n;
    TRY(conjuncts_add(g->p, quals, f->on));
    TRY(or_clauses(g->p, quals, before));
    TRY(equal_values(g->p, quals));
    TRY(inner_side(g, f->left, apart, quals, &left));
    TRY(inner_side(g, f->right, apart, quals, &right));
    TRY(new_join(g, PLAN_INNER, left, right, ret));
    return split_quals(g->p, quals, &(*ret)->rtes, &(*ret)->quals);
}

/* What is above an outer join and speaks of its filled-up side is asked of its result. */
static status add_filters(struct join_graph *g, const struct join_node *at,
                          struct conjuncts *quals) {
    struct planner *p = g->p;
    struct conjuncts own = {0};
    struct join_filter *grown;
    TRY(split_quals(p, quals, &at->rtes, &own));
    if (own.n == 0) return OK;
    NEW_N(p, grown, g->nfilters + own.n);
    if (g->nfilters) memcpy(grown, g->filters, g->nfilters * sizeof *grown);
    g->filters = grown;
    for (uint32_t i = 0; i < own.n; i++)
        grown[g->nfilters++] =
            (struct join_filter){at->parts, own.items[i], selectivity(p, own.items[i])};
    return OK;
}

static status outer_tree(struct join_graph *g, struct from_item *f, enum join_kind kind,
                         struct conjuncts *quals, struct join_node **ret) {
    struct planner *p = g->p;
    struct from_item *left = f->left, *right = f->right;
    if (kind == JOIN_KIND_RIGHT) {
        left = f->right;
        right = f->left;
        kind = JOIN_KIND_LEFT;
    }
    struct rte_set ls = {0}, rs = {0};
    rtes_of_item(left, &ls);
    rtes_of_item(right, &rs);
    struct conjuncts on = {0}, left_quals = {0}, right_quals = {0};
    struct join_node *l, *r;
    bool full = kind == JOIN_KIND_FULL;
    TRY(conjuncts_add(p, &on, f->on));
    if (!full) {
        TRY(split_quals(p, quals, &ls, &left_quals));
        TRY(split_quals(p, &on, &rs, &right_quals));
    }
    if (full)
        TRY(side_of(g, left, &left_quals, &l));
    else
        TRY(inner_side(g, left, parts_of_item(f) + g->nparts > PARTS_MAX - 1, &left_quals, &l));
    TRY(side_of(g, right, &right_quals, &r));
    TRY(new_join(g, full ? PLAN_FULL : PLAN_LEFT, l, r, ret));
    (*ret)->quals = on;
    for (uint32_t i = 0; i < left_quals.n; i++) /* those without columns */
        TRY(conjuncts_add(p, quals, left_quals.items[i]));
    return add_filters(g, *ret, quals);
}

/* quals: what holds for all rows of f; those that could not be placed stay in it. */
static status tree_of(struct join_graph *g, struct from_item *f, struct conjuncts *quals,
                      struct join_node **ret) {
    TRY(plan_stack(g->p));
    if (!f->is_join) return leaf(g, f->rte, quals, ret);
    struct rte_set ls = {0}, rs = {0};
    rtes_of_item(f->left, &ls);
    rtes_of_item(f->right, &rs);
    enum join_kind kind = reduce(f->kind, quals, &ls, &rs);
    if (kind == JOIN_KIND_INNER) return inner_tree(g, f, quals, ret);
    return outer_tree(g, f, kind, quals, ret);
}

/* ---- putting together ---- */

static status build(struct join_graph *g, const struct join_way *w, struct join_rel **ret) {
    struct planner *p = g->p;
    TRY(plan_stack(p));
    if (w->plan) {
        *ret = g->parts[__builtin_ctzll(w->of->set)];
        (*ret)->plan = w->plan;
        return OK;
    }
    struct join_rel *l, *r, *joined;
    struct conjuncts quals = {0}, filters = {0};
    part_set left = w->left->of->set, right = w->right->of->set;
    TRY(build(g, w->left, &l));
    TRY(build(g, w->right, &r));
    TRY(join_graph_quals(g, left, right, &quals));
    TRY(join_graph_filters(g, left, right, &filters));
    NEW(p, joined);
    joined->base = -1;
    TRY(carry_lateral(p, l, r, joined));
    TRY(join_make(p, l, r, w, &quals, &joined->plan));
    joined->plan->rows = w->of->rows;
    joined->plan->cost = w->cost;
    joined->plan->startup = w->startup;
    TRY(plan_filter(p, joined->plan, &filters, &joined->plan));
    joined->plan->rows = joined->rows = w->of->rows;
    *ret = joined;
    return OK;
}

/* Who needs columns that an outer join fills up needs the join's result, not only that side. */
static void need_results(struct join_graph *g, const struct join_node *at) {
    if (!at->left) return;
    need_results(g, at->left);
    need_results(g, at->right);
    if (at->kind != PLAN_LEFT && at->kind != PLAN_FULL) return;
    part_set filled = at->right->parts | (at->kind == PLAN_FULL ? at->left->parts : 0);
    for (uint16_t i = 0; i < g->nparts; i++)
        if (!(part_bit(i) & at->parts) && (g->needs[i] & filled)) g->needs[i] |= at->parts;
}

/* Parameters that come from further out are no matter of the order. */
static void find_needs(struct join_graph *g, const struct join_node *root) {
    for (uint16_t i = 0; i < g->nparts; i++)
        g->needs[i] = join_graph_parts(g, &g->parts[i]->needs) & ~part_bit(i);
    need_results(g, root);
}

static status plan_tree(struct join_graph *g, struct join_node *root, struct join_rel **ret) {
    if (!root->left) {
        *ret = g->parts[0];
        return OK;
    }
    struct arena scratch;
    const struct join_way *best;
    find_needs(g, root);
    TRY(join_graph_edges(g, root));
    arena_init(&scratch, 0);
    status s = join_order(g, root, &scratch, &best);
    if (ok(s)) s = build(g, best, ret);
    if (ok(s)) s = join_way_unite(g);
    if (ok(s)) s = join_way_unite(g);
    if (ok(s)) s = join_way_unite(g);
    arena_free(&scratch);
    return s;
}

/* Items side by side are inner joins without condition. */
static status one_item(struct planner *p, struct from_item **items, uint16_t n,
                       struct from_item **ret) {
    *ret = items[0];
    for (uint16_t i = 1; i < n; i++) {
        struct from_item *j;
        NEW(p, j);
        j->is_join = true;
        j->kind = JOIN_KIND_INNER;
        j->left = *ret;
        j->right = items[i];
        *ret = j;
    }
    return OK;
}

static status semi_tree(struct join_graph *g, struct semi_join *s, struct join_node *left,
                        struct join_node **ret) {
    struct planner *p = g->p;
    struct from_item *item;
    struct rte_set rtes = {0};
    struct conjuncts on = {0}, right_quals = {0};
    struct join_node *right;
    TRY(one_item(p, s->from, s->nfrom, &item));
    rtes_of_item(item, &rtes);
    for (uint32_t i = 0; i < s->quals.n; i++) TRY(conjuncts_add(p, &on, s->quals.items[i]));
    TRY(split_quals(p, &on, &rtes, &right_quals));
    TRY(side_of(g, item, &right_quals, &right));
    TRY(new_join(g, s->anti ? PLAN_ANTI : PLAN_SEMI, left, right, ret));
    (*ret)->quals = on;
    return OK;
}

static status plan_joins(struct planner *p, struct conjuncts *quals, struct join_rel **ret) {
    struct query *q = p->query;
    struct join_graph *g;
    struct from_item *item;
    struct join_node *root;
    TRY(new_graph(p, &g));
    TRY(one_item(p, q->from, q->nfrom, &item));
    TRY(tree_of(g, item, quals, &root));
    for (uint16_t i = 0; i < p->nsemi; i++) {
        if (g->nparts >= PARTS_MAX - 1) { /* so far, as one part */
            struct join_graph *more;
            struct conjuncts none = {0};
            TRY(new_graph(p, &more));
            TRY(as_part(more, g, root, &none, &root));
            g = more;
        }
        TRY(semi_tree(g, &p->semis[i], root, &root));
    }
    g->wish = p->wish;
    return plan_tree(g, root, ret);
}

/* SELECT without FROM: one row without columns. */
static status no_from(struct planner *p, struct conjuncts *quals, struct plan **ret) {
    struct plan *plan;
    TRY(plan_new(p, PLAN_RESULT, NULL, NULL, 0, &plan));
    TRY(compile_conjuncts(p, plan, quals, NULL, NULL, &plan->filter));
    *ret = plan;
    return OK;
}

status plan_from(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    struct conjuncts quals = {0};
    TRY(conjuncts_add(p, &quals, q->where));
    TRY(or_clauses(p, &quals, 0));
    if (q->nfrom == 0) return no_from(p, &quals, ret);
    struct join_rel *rel;
    bool single = q->nfrom == 1 && !q->from[0]->is_join && p->nsemi == 0;
    TRY(plan_joins(p, &quals, &rel));
    TRY(rel_plan(p, rel, single ? p->wish : NULL, &rel->plan));
    TRY(place_rest(p, rel, &quals));
    *ret = rel->plan;
    return OK;
}
