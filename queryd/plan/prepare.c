/* Expressions made ready for planning: constants folded, subqueries planned, columns of queries
 * further out replaced by execution parameters. */
#include "plan/internal.h"

/* Every part of the test of ANY and ALL without a column of the subquery belongs to the row
 * outside: it becomes a parameter as a whole. */
static status split_test(struct expr *e, void *arg, struct expr **ret) {
    struct planner *p = arg;
    if (e->kind == EXPR_SUBLINK_COLUMN) {
        struct expr *slot = expr_new(p->c->arena, EXPR_SLOT, e->type, e->location);
        NEEDS(p, slot);
        slot->typmod = e->typmod;
        slot->collation = e->collation;
        slot->column = e->column;
        *ret = slot;
        return OK;
    }
    if (e->kind == EXPR_CONST || e->kind == EXPR_PARAM || e->kind == EXPR_OUTER) return OK;
    if (expr_contains_kind(e, EXPR_SUBLINK_COLUMN)) return OK;
    return request_outer(p, e, ret);
}

/* column = value, where rows may be found by the hash of the column. */
static bool hashable_test(const struct expr *test) {
    if (test->kind != EXPR_CALL || !test->call.op || !test->call.op->hashable) return false;
    const struct expr *l = test->args[0], *r = test->args[1];
    if (test->nargs != 2 || l->type != r->type) return false;
    const struct type *t = type_find(r->type);
    return t && type_is_hashable(t) && type_is_ordered(t) &&
           !expr_contains_kind((struct expr *)l, EXPR_SLOT) &&
           expr_contains_kind((struct expr *)r, EXPR_SLOT);
}

static status plan_test(struct planner *p, struct expr *test, struct plan_sublink *s) {
    struct expr *prepared, *split;
    TRY(prepare_expr(p, test, &prepared));
    TRY(expr_map(p->c->arena, prepared, split_test, p, &split));
    if (s->kind == SUB_ANY && hashable_test(split) && !s->plan->depends) {
        s->hashed = true;
        s->hash_type = expr_input_type(split, split->args[1]->type);
        TRY(program_compile(p->c->arena, &split->args[0], 1, 0, &s->left));
        return program_compile(p->c->arena, &split->args[1], 1, s->plan->ncolumns, &s->right);
    }
    if (!s->plan->depends) TRY(plan_material(p, s->plan, &s->plan));
    return program_compile(p->c->arena, &split, 1, s->plan->ncolumns, &s->test);
}

static status register_sublink(struct planner *p, struct plan_sublink *s) {
    struct plan_statement *st = p->c->statement;
    if (st->nsublinks == p->c->sublinks_cap) {
        uint16_t cap = st->nsublinks ? (uint16_t)(st->nsublinks * 2) : 4;
        struct plan_sublink **grown;
        NEW_N(p, grown, cap);
        if (st->nsublinks) memcpy(grown, st->sublinks, st->nsublinks * sizeof *grown);
        st->sublinks = grown;
        p->c->sublinks_cap = cap;
    }
    s->index = st->nsublinks;
    st->sublinks[st->nsublinks++] = s;
    return OK;
}

/* Whether equal outer values c give equal answers, and can be looked up. */
static bool answers_repeat(const struct plan_sublink *s, const struct collector *c) {
    struct outer_set rest = *s->plan->outers;
    for (uint16_t i = 0; i < c->n; i++) {
        const struct type *t = type_find(c->exprs[i]->type);
        if (!t || !type_is_hashable(t) || !type_is_ordered(t)) return false;
        remove_outer(&rest, c->ids[i]);
    }
    static const struct outer_set none;
    return c->n > 0 && !s->hashed && s->kind != SUB_ARRAY && s->type &&
           memcmp(&rest, &none, sizeof rest) == 0;
}

/* EXISTS asks for no values: they are not computed, nor what of them is constant. */
static status forget_targets(struct planner *p, struct query *q) {
    if (!is_simple_query(q) || q->nsort) return OK;
    for (uint16_t i = 0; i < q->ntargets; i++) {
        struct expr *old = q->targets[i].expr, *none;
        NEEDS(p, none = expr_const(p->c->arena, old->type, (datum){0}, true, old->location));
        none->typmod = old->typmod;
        none->collation = old->collation;
        q->targets[i].expr = none;
    }
    return OK;
}

static status plan_sublink(struct planner *p, struct expr *e, struct expr **ret) {
    struct plan_sublink *s;
    struct sublink_groups groups = {0};
    struct expr **shared = e->sublink.shared ? &p->c->shared[e->sublink.shared] : NULL;
    if (shared && *shared) {
        *ret = *shared;
        return OK;
    }
    bool is_volatile = e->sublink.query->for_update;
    NEW(p, s);
    TRY(query_is_volatile(e->sublink.query, &is_volatile));
    s->kind = e->sublink.kind;
    s->shared = shared != NULL;
    s->type = type_find(e->type);
    if (s->kind == SUB_SCALAR) TRY(sublink_groups_of(p, e->sublink.query, &groups));
    if (s->kind == SUB_EXISTS) TRY(forget_targets(p, e->sublink.query));
    struct collector c = {0};
    collector_push(p, &c);
    double limit = s->kind == SUB_EXISTS ? 1 : s->kind == SUB_SCALAR ? 2 : 0;
    status st = plan_query(p->c, p, e->sublink.query, limit, &s->plan);
    if (ok(st) && e->nargs) st = plan_test(p, e->args[0], s);
    if (ok(st) && groups.query) st = plan_sublink_groups(p, &groups, &s->groups);
    collector_pop(p);
    TRY(st);
    plan_set_capacity(s->plan);
    s->memo = !is_volatile && !plan_avoids(p, WAY_MEMOIZE) && answers_repeat(s, &c);
    s->nouter = c.n;
    s->outer_ids = c.ids;
    TRY(register_sublink(p, s));
    if (!s->memo) s->groups = NULL;
    if (s->groups) TRY(register_sublink(p, s->groups));
    struct expr *sub = expr_new_n(p->c->arena, EXPR_SUBPLAN, e->type, e->location, c.n);
    NEEDS(p, sub);
    sub->typmod = e->typmod;
    sub->collation = e->collation;
    sub->subplan = s;
    for (uint16_t i = 0; i < c.n; i++) sub->args[i] = c.exprs[i];
    if (shared) *shared = sub;
    *ret = sub;
    return OK;
}

/* How many levels further out e is computed: columns, aggregates and GROUPING of queries around. */
static unsigned level_of(struct expr *e) {
    switch (e->kind) {
    case EXPR_VAR: return e->var.level;
    case EXPR_GROUPING: return e->grouping.level;
    case EXPR_AGGREGATE: return query_aggregate_level(e);
    default: return 0;
    }
}

struct outward {
    struct arena *arena;
    unsigned level;
};

static status move_out(struct expr *e, unsigned depth, void *arg, struct expr **ret) {
    const struct outward *o = arg;
    unsigned from = o->level + depth;
    bool var = e->kind == EXPR_VAR && e->var.level >= from;
    bool grouping = e->kind == EXPR_GROUPING && e->grouping.level >= from;
    if (!var && !grouping) return OK;
    struct expr *copy = arena_memdup(o->arena, e, sizeof *e);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    if (var) copy->var.level = (uint16_t)(e->var.level - o->level);
    if (grouping) copy->grouping.level = (uint16_t)(e->grouping.level - o->level);
    *ret = copy;
    return OK;
}

/* A value of the query `level` levels out, as a parameter. */
static status outer_value(struct planner *p, struct expr *e, unsigned level, struct expr **ret) {
    struct planner *at = p;
    for (unsigned i = 0; i < level; i++) at = at->parent;
    struct expr *own;
    struct outward o = {p->c->arena, level};
    TRY(query_map_expr(p->c->arena, e, 0, move_out, &o, &own));
    if (own->kind == EXPR_AGGREGATE) TRY(prepare_expr(at, own, &own));
    return request_outer(at, own, ret);
}

static status prepare_one(struct expr *e, void *arg, struct expr **ret) {
    struct planner *p = arg;
    if (e->kind == EXPR_SUBLINK) return plan_sublink(p, e, ret);
    unsigned level = level_of(e);
    return level ? outer_value(p, e, level, ret) : OK;
}

status prepare_expr(struct planner *p, struct expr *e, struct expr **ret) {
    if (!e) {
        *ret = NULL;
        return OK;
    }
    TRY(fold(p, e, &e));
    return expr_map(p->c->arena, e, prepare_one, p, ret);
}

static status prepare_in_place(struct planner *p, struct expr **e) {
    return prepare_expr(p, *e, e);
}

/* A condition: NULL counts as false in it. */
static status prepare_condition(struct planner *p, struct expr **e) {
    if (!*e) return OK;
    TRY(fold(p, *e, e));
    TRY(fold_condition(p, *e, e));
    return prepare_in_place(p, e);
}

static status prepare_list(struct planner *p, struct expr **list, uint16_t n) {
    for (uint16_t i = 0; list && i < n; i++) TRY(prepare_in_place(p, &list[i]));
    return OK;
}

static status prepare_from(struct planner *p, struct from_item *f) {
    if (!f->is_join) return OK;
    TRY(prepare_from(p, f->left));
    TRY(prepare_from(p, f->right));
    return prepare_condition(p, &f->on);
}

static status prepare_semis(struct planner *p) {
    for (uint16_t i = 0; i < p->nsemi; i++) {
        struct semi_join *s = &p->semis[i];
        for (uint16_t k = 0; k < s->nfrom; k++) TRY(prepare_from(p, s->from[k]));
        for (uint32_t k = 0; k < s->quals.n; k++) TRY(prepare_condition(p, &s->quals.items[k]));
    }
    return OK;
}

/* Grouping expressions and targets that are the same stay the same: equal subqueries are planned
 * once, from the grouping expression. */
static status prepare_targets(struct planner *p) {
    struct query *q = p->query;
    for (uint16_t i = 0; i < q->ntargets; i++) {
        struct expr *before = q->targets[i].expr;
        bool grouped = false;
        for (uint16_t k = 0; k < q->ngroup && !grouped; k++)
            if (q->group[k] == before) {
                TRY(prepare_in_place(p, &q->group[k]));
                q->targets[i].expr = q->group[k];
                grouped = true;
            }
        if (!grouped) TRY(prepare_in_place(p, &q->targets[i].expr));
    }
    return prepare_list(p, q->group, q->ngroup);
}

static status prepare_change(struct planner *p) {
    struct query *q = p->query;
    uint16_t natts = q->sets_to ? q->rtes[q->target_rte]->ncolumns : 0;
    TRY(prepare_list(p, q->sets_to, natts));
    for (uint16_t i = 0; i < q->nchecks; i++) TRY(prepare_in_place(p, &q->checks[i].expr));
    if (q->conflict) {
        TRY(prepare_list(p, q->conflict->sets, q->conflict->sets ? natts : 0));
        TRY(prepare_in_place(p, &q->conflict->where));
    }
    for (uint16_t i = 0; i < q->nreturning; i++) TRY(prepare_in_place(p, &q->returning[i].expr));
    return OK;
}

/* What HAVING says of grouping columns alone holds for every row of a group: the rows are sorted
 * out before they are grouped. */
static status having_to_where(struct planner *p) {
    struct query *q = p->query;
    struct conjuncts all = {0}, kept = {0}, where = {0};
    if (!q->having || q->ngroup == 0 || q->nsets) return OK;
    TRY(conjuncts_add(p, &all, q->having));
    TRY(conjuncts_add(p, &where, q->where));
    for (uint32_t i = 0; i < all.n; i++) {
        struct expr *e = all.items[i];
        bool stays = expr_contains_kind(e, EXPR_AGGREGATE) || expr_contains_kind(e, EXPR_SUBPLAN) ||
                     expr_volatility(e) == 'v';
        TRY(conjuncts_add(p, stays ? &kept : &where, e));
    }
    TRY(conjuncts_expr(p, &kept, &q->having));
    return conjuncts_expr(p, &where, &q->where);
}

status prepare_query(struct planner *p) {
    struct query *q = p->query;
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(prepare_from(p, q->from[i]));
    TRY(prepare_condition(p, &q->where));
    TRY(prepare_semis(p));
    TRY(prepare_targets(p));
    TRY(prepare_condition(p, &q->having));
    TRY(having_to_where(p));
    for (uint16_t i = 0; i < q->nwindows; i++) {
        struct window *w = &q->windows[i];
        TRY(prepare_list(p, w->partition, w->npartition));
        TRY(prepare_list(p, w->order, w->norder));
        TRY(prepare_in_place(p, &w->start_offset));
        TRY(prepare_in_place(p, &w->end_offset));
    }
    TRY(prepare_in_place(p, &q->limit));
    TRY(prepare_in_place(p, &q->offset));
    if (q->kind == QUERY_SETOP) {
        TRY(prepare_list(p, q->left_casts, q->nvisible));
        TRY(prepare_list(p, q->right_casts, q->nvisible));
    }
    return prepare_change(p);
}

/* ---- which columns are needed ---- */

static status visit_used(struct expr *e, void *arg, bool *) {
    struct planner *p = arg;
    if (e->kind != EXPR_VAR || e->var.level != 0) return OK;
    struct rte_plan *r = &p->rtes[e->var.rte];
    if (e->var.att == ATT_ADDRESS)
        r->address = true;
    else if (e->var.att < 0)
        r->system |= (uint8_t)(1 << -e->var.att);
    else
        r->used[e->var.att - 1] = true;
    return OK;
}

static status used_in_list(struct planner *p, struct expr **list, uint32_t n) {
    for (uint32_t i = 0; list && i < n; i++) TRY(expr_walk(list[i], visit_used, p));
    return OK;
}

static status used_in_from(struct planner *p, struct from_item *f) {
    if (!f->is_join) return OK;
    TRY(used_in_from(p, f->left));
    TRY(used_in_from(p, f->right));
    return expr_walk(f->on, visit_used, p);
}

/* After everything is prepared and the sources are planned: SUBPLAN nodes carry what they ask for
 * among their args, lateral sources in their collectors. */
status mark_used(struct planner *p) {
    struct query *q = p->query;
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(used_in_from(p, q->from[i]));
    TRY(expr_walk(q->where, visit_used, p));
    for (uint16_t i = 0; i < p->nsemi; i++) {
        for (uint16_t k = 0; k < p->semis[i].nfrom; k++) TRY(used_in_from(p, p->semis[i].from[k]));
        TRY(used_in_list(p, p->semis[i].quals.items, p->semis[i].quals.n));
    }
    for (uint16_t i = 0; i < q->ntargets; i++) TRY(expr_walk(q->targets[i].expr, visit_used, p));
    TRY(used_in_list(p, q->group, q->ngroup));
    TRY(expr_walk(q->having, visit_used, p));
    for (uint16_t i = 0; i < q->nwindows; i++) {
        TRY(used_in_list(p, q->windows[i].partition, q->windows[i].npartition));
        TRY(used_in_list(p, q->windows[i].order, q->windows[i].norder));
    }
    for (uint16_t i = 0; i < q->nrtes; i++)
        TRY(used_in_list(p, p->rtes[i].lateral.exprs, p->rtes[i].lateral.n));
    uint16_t natts = q->sets_to ? q->rtes[q->target_rte]->ncolumns : 0;
    TRY(used_in_list(p, q->sets_to, natts));
    if (q->conflict && q->conflict->do_update) {
        TRY(used_in_list(p, q->conflict->sets, natts));
        TRY(expr_walk(q->conflict->where, visit_used, p));
    }
    for (uint16_t i = 0; i < q->nreturning; i++)
        TRY(expr_walk(q->returning[i].expr, visit_used, p));
    return OK;
}
