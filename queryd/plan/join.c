/* FROM and WHERE: which relations to join in which order. Inner joins are taken apart and put
 * together greedily, always adding what leaves the fewest rows; an outer join is one part, planned
 * by itself, whose sides are such lists again. */
#include "plan/internal.h"

struct part_list {
    uint16_t n, cap;
    struct join_rel **items;
};

static status add_part(struct planner *p, struct part_list *l, struct join_rel *r) {
    if (l->n == l->cap) {
        uint16_t cap = l->cap ? (uint16_t)(l->cap * 2) : 4;
        struct join_rel **items;
        NEW_N(p, items, cap);
        if (l->n) memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = r;
    return OK;
}

static void rtes_of_item(const struct from_item *f, struct rte_set *s) {
    if (!f->is_join) {
        rte_set_add(s, f->rte);
        return;
    }
    rtes_of_item(f->left, s);
    rtes_of_item(f->right, s);
}

static status plan_list(struct planner *p, struct from_item **items, uint16_t n,
                        struct conjuncts *quals, struct join_rel **ret);

static status base_part(struct planner *p, uint16_t rte, struct join_rel **ret) {
    struct join_rel *r;
    NEW(p, r);
    rte_set_add(&r->rtes, rte);
    r->base = -1;
    if (p->query->rtes[rte]->kind == RTE_RELATION) {
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

/* One side of an outer join: whatever conditions it has, it keeps them. */
static status plan_side(struct planner *p, struct from_item *side, struct conjuncts *quals,
                        struct join_rel **ret) {
    TRY(plan_list(p, &side, 1, quals, ret));
    if (quals->n == 0) return OK;
    TRY(rel_plan(p, *ret, &(*ret)->plan));
    TRY(place_rest(p, *ret, quals));
    (*ret)->base = -1;
    (*ret)->rows = (*ret)->plan->rows;
    return OK;
}

static status outer_part(struct planner *p, struct from_item *f, enum join_kind kind,
                         struct conjuncts *quals, struct join_rel **ret) {
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
    TRY(conjuncts_add(p, &on, f->on));
    if (kind == JOIN_KIND_LEFT) {
        TRY(split_quals(p, quals, &ls, &left_quals));
        TRY(split_quals(p, &on, &rs, &right_quals));
    }
    struct join_rel *l, *r, *joined;
    TRY(plan_side(p, left, &left_quals, &l));
    TRY(plan_side(p, right, &right_quals, &r));
    NEW(p, joined);
    joined->base = -1;
    TRY(carry_lateral(p, l, r, joined));
    TRY(join_pair(p, l, r, kind == JOIN_KIND_FULL ? PLAN_FULL : PLAN_LEFT, &on, &joined->plan));
    joined->rows = joined->plan->rows;
    *ret = joined;
    return OK;
}

/* Takes inner joins apart: their conditions join the others. */
static status flatten(struct planner *p, struct from_item *f, struct conjuncts *quals,
                      struct part_list *parts) {
    TRY(plan_stack(p));
    if (!f->is_join) {
        struct join_rel *r;
        TRY(base_part(p, f->rte, &r));
        return add_part(p, parts, r);
    }
    struct rte_set ls = {0}, rs = {0};
    rtes_of_item(f->left, &ls);
    rtes_of_item(f->right, &rs);
    enum join_kind kind = reduce(f->kind, quals, &ls, &rs);
    if (kind == JOIN_KIND_INNER) {
        TRY(conjuncts_add(p, quals, f->on));
        TRY(flatten(p, f->left, quals, parts));
        return flatten(p, f->right, quals, parts);
    }
    struct join_rel *r;
    TRY(outer_part(p, f, kind, quals, &r));
    return add_part(p, parts, r);
}

/* What speaks of one base relation only is for its access path. */
static status assign_base_quals(struct planner *p, struct part_list *parts,
                                struct conjuncts *quals) {
    for (uint16_t i = 0; i < parts->n; i++) {
        struct join_rel *r = parts->items[i];
        struct conjuncts own = {0};
        TRY(split_quals(p, quals, &r->rtes, &own));
        if (r->base >= 0) {
            r->quals = own;
            r->rows = relation_estimate(p, (uint16_t)r->base, &own);
        } else if (!r->lateral) {
            TRY(plan_filter(p, r->plan, &own, &r->plan));
            r->rows = r->plan->rows;
        } else {
            TRY(plan_filter(p, r->plan, &own, &r->plan));
        }
    }
    return OK;
}

/* Conditions whose relations are all there once `next` is joined to `done`. */
static status joinable_quals(struct planner *p, const struct conjuncts *quals,
                             const struct rte_set *done, const struct rte_set *next,
                             struct conjuncts *ret) {
    struct rte_set both = *done;
    rte_set_union(&both, next);
    for (uint32_t i = 0; i < quals->n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(quals->items[i], &used));
        if (rte_set_empty(&used) || !rte_set_subset(&used, &both)) continue;
        TRY(conjuncts_add(p, ret, quals->items[i]));
    }
    return OK;
}

static void remove_quals(struct conjuncts *from, const struct conjuncts *gone) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < gone->n; k++) found |= gone->items[k] == from->items[i];
        if (!found) from->items[kept++] = from->items[i];
    }
    from->n = kept;
}

/* Whether everything of this list that r asks for is there; the rest comes from further out. */
static bool can_follow(const struct join_rel *r, const struct rte_set *done,
                       const struct rte_set *list) {
    for (int i = 0; i < RTE_SET_WORDS; i++)
        if (r->needs.word[i] & list->word[i] & ~done->word[i]) return false;
    return true;
}

/* Rows of joining r to what is there, and whether a condition ties them. */
static status estimate_step(struct planner *p, const struct rte_set *done, double rows,
                            const struct join_rel *r, const struct conjuncts *quals,
                            double *ret_rows, bool *ret_tied) {
    struct conjuncts tie = {0};
    TRY(joinable_quals(p, quals, done, &r->rtes, &tie));
    double s = 1;
    for (uint32_t i = 0; i < tie.n; i++) s *= selectivity(p, tie.items[i]);
    *ret_rows = rows * r->rows * s;
    *ret_tied = tie.n > 0 || !rte_set_empty(&r->needs);
    return OK;
}

static status pick_first(struct part_list *parts, const struct rte_set *list, uint16_t *ret) {
    int best = -1;
    struct rte_set nothing = {0};
    for (uint16_t i = 0; i < parts->n; i++) {
        struct join_rel *r = parts->items[i];
        if (!can_follow(r, &nothing, list)) continue;
        if (best < 0 || r->rows < parts->items[best]->rows) best = i;
    }
    if (best < 0) return STATUS(INTERNAL_ERROR);
    *ret = (uint16_t)best;
    return OK;
}

static status pick_next(struct planner *p, struct part_list *parts, const struct rte_set *done,
                        const struct rte_set *list, double rows, const struct conjuncts *quals,
                        uint16_t *ret) {
    int best = -1;
    bool best_tied = false;
    double best_rows = 0;
    for (uint16_t i = 0; i < parts->n; i++) {
        if (!parts->items[i] || !can_follow(parts->items[i], done, list)) continue;
        double out;
        bool tied;
        TRY(estimate_step(p, done, rows, parts->items[i], quals, &out, &tied));
        bool better = best < 0 || (tied && !best_tied) || (tied == best_tied && out < best_rows);
        if (!better) continue;
        best = i;
        best_tied = tied;
        best_rows = out;
    }
    if (best < 0) return error_set(p->c->error, ST_INTERNAL_ERROR, "no join order found");
    *ret = (uint16_t)best;
    return OK;
}

static status join_parts(struct planner *p, struct part_list *parts, struct conjuncts *quals,
                         struct join_rel **ret) {
    uint16_t i;
    struct rte_set list = {0};
    for (i = 0; i < parts->n; i++) rte_set_union(&list, &parts->items[i]->rtes);
    status s = pick_first(parts, &list, &i);
    if (!ok(s)) return error_set(p->c->error, ST_INTERNAL_ERROR, "no join order found");
    struct join_rel *done = parts->items[i];
    parts->items[i] = NULL;
    for (uint16_t left = (uint16_t)(parts->n - 1); left > 0; left--) {
        TRY(pick_next(p, parts, &done->rtes, &list, done->rows, quals, &i));
        struct join_rel *r = parts->items[i], *joined;
        parts->items[i] = NULL;
        struct conjuncts tie = {0};
        TRY(joinable_quals(p, quals, &done->rtes, &r->rtes, &tie));
        remove_quals(quals, &tie);
        NEW(p, joined);
        joined->base = -1;
        TRY(carry_lateral(p, done, r, joined));
        TRY(join_pair(p, done, r, PLAN_INNER, &tie, &joined->plan));
        joined->rows = joined->plan->rows;
        done = joined;
    }
    *ret = done;
    return OK;
}

/* quals that cannot be placed stay in *quals. */
static status plan_list(struct planner *p, struct from_item **items, uint16_t n,
                        struct conjuncts *quals, struct join_rel **ret) {
    struct part_list parts = {0};
    for (uint16_t i = 0; i < n; i++) TRY(flatten(p, items[i], quals, &parts));
    TRY(assign_base_quals(p, &parts, quals));
    if (parts.n == 1 && parts.items[0]->base >= 0) {
        *ret = parts.items[0];
    } else {
        TRY(join_parts(p, &parts, quals, ret));
    }
    struct conjuncts rest = {0};
    TRY(joinable_quals(p, quals, &(*ret)->rtes, &(*ret)->rtes, &rest));
    if (rest.n && (*ret)->plan) {
        TRY(plan_filter(p, (*ret)->plan, &rest, &(*ret)->plan));
        remove_quals(quals, &rest);
    }
    return OK;
}

static status plan_semis(struct planner *p, struct join_rel *rel) {
    for (uint16_t i = 0; i < p->nsemi; i++) {
        struct semi_join *s = &p->semis[i];
        struct join_rel *right;
        TRY(plan_list(p, s->from, s->nfrom, &s->quals, &right));
        TRY(join_pair(p, rel, right, s->anti ? PLAN_ANTI : PLAN_SEMI, &s->quals, &rel->plan));
        rel->base = -1;
        rel->rows = rel->plan->rows;
    }
    return OK;
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
    if (q->nfrom == 0 && p->nsemi == 0) return no_from(p, &quals, ret);
    struct join_rel *rel;
    if (q->nfrom == 0) {
        NEW(p, rel);
        rel->base = -1;
        TRY(no_from(p, &quals, &rel->plan));
        rel->rows = 1;
        quals.n = 0;
    } else {
        struct plan_sort_wish *wish = p->wish;
        bool single = q->nfrom == 1 && !q->from[0]->is_join && p->nsemi == 0;
        if (!single) p->wish = NULL; /* joins do not promise an order */
        TRY(plan_list(p, q->from, q->nfrom, &quals, &rel));
        TRY(rel_plan(p, rel, &rel->plan));
        p->wish = wish;
    }
    TRY(plan_semis(p, rel));
    TRY(place_rest(p, rel, &quals));
    *ret = rel->plan;
    return OK;
}

status join_pair(struct planner *p, struct join_rel *l, struct join_rel *r, enum plan_join join,
                 struct conjuncts *quals, struct plan **ret) {
    return join_methods(p, l, r, join, quals, ret);
}
