/* Outer joins that decide nothing: at most one row of the filled-up side can belong to a row of the
 * other one, and nobody asks for its columns. The join is left out, with the relation. */
#include "plan/internal.h"
#include "plan/path.h"
#include "types/collator.h"

/* e says that key column k equals something that the entry has no part in, by the index's own
 * rules.
 */
static bool equals_outside(struct expr *e, uint16_t rte, const struct index_desc *x, uint16_t k) {
    int16_t att = x->columns[k];
    if (e->kind != EXPR_CALL || !e->call.op || e->call.op->btree_strategy != 3 || e->nargs != 2 ||
        collator_of(e->input_collation) != index_key_type(x, k)->collator)
        return false;
    for (uint16_t i = 0; i < 2; i++) {
        const struct expr *v = expr_strip_relabel(e->args[i]);
        struct rte_set other;
        if (v->kind != EXPR_VAR || v->var.level != 0 || v->var.rte != rte || v->var.att != att)
            continue;
        if (ok(query_rtes_of(e->args[1 - i], &other)) && !rte_set_has(&other, rte)) return true;
    }
    return false;
}

static bool key_is_given(struct planner *p, const struct index_desc *x, uint16_t rte,
                         const struct conjuncts *on) {
    if (!x->unique || !x->valid || x->computed || !index_sees_snapshot(p, x)) return false;
    for (uint16_t k = 0; k < x->nkeys; k++) {
        uint32_t i = 0;
        while (i < on->n && !equals_outside(on->items[i], rte, x, k)) i++;
        if (i == on->n) return false;
    }
    return true;
}

static bool at_most_one_partner(struct planner *p, const struct relation *r, uint16_t rte,
                                const struct conjuncts *on) {
    if (r->primary && key_is_given(p, r->primary, rte, on)) return true;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (key_is_given(p, &r->indexes[i], rte, on)) return true;
    return false;
}

static void forget_used(struct planner *p) {
    for (uint16_t i = 0; i < p->query->nrtes; i++) {
        struct rte_plan *r = &p->rtes[i];
        memset(r->used, 0, p->query->rtes[i]->ncolumns * sizeof *r->used);
        r->address = false;
        r->system = 0;
    }
}

static bool is_used(const struct planner *p, uint16_t rte) {
    const struct rte_plan *r = &p->rtes[rte];
    bool used = r->system || r->address;
    for (uint16_t i = 0; i < p->query->rtes[rte]->ncolumns; i++) used |= r->used[i];
    for (uint16_t i = 0; i < p->query->nlock_rtes; i++) used |= p->query->lock_rtes[i].rte == rte;
    return used;
}

/* The side of an outer join that may have no partner, when it is a plain relation; else NULL. */
static struct from_item *filled_side(const struct planner *p, const struct from_item *f) {
    struct from_item *side = f->kind == JOIN_KIND_LEFT    ? f->right
                             : f->kind == JOIN_KIND_RIGHT ? f->left
                                                          : NULL;
    if (!side || side->is_join) return NULL;
    const struct rte *r = p->query->rtes[side->rte];
    return r->kind == RTE_RELATION && r->relation && !r->sample ? side : NULL;
}

static status try_removal(struct planner *p, struct from_item *f) {
    struct from_item *side = filled_side(p, f);
    struct conjuncts on = {0};
    if (!side || !f->on || expr_volatility(f->on) == 'v' || expr_contains_kind(f->on, EXPR_SUBPLAN))
        return OK;
    TRY(conjuncts_add(p, &on, f->on));
    if (!at_most_one_partner(p, p->query->rtes[side->rte]->relation, side->rte, &on)) return OK;
    struct expr *condition = f->on;
    f->on = NULL; /* who else asks for its columns? */
    forget_used(p);
    TRY(mark_used(p));
    if (!is_used(p, side->rte))
        *f = side == f->right ? *f->left : *f->right;
    else
        f->on = condition;
    forget_used(p);
    return mark_used(p);
}

/* From the outside in: a join that goes may have been the only one to ask for another's columns. */
static status remove_in(struct planner *p, struct from_item *f) {
    TRY(plan_stack(p));
    const struct from_item *left = NULL;
    while (f->is_join && f->left != left) {
        left = f->left;
        TRY(try_removal(p, f));
    }
    if (!f->is_join) return OK;
    TRY(remove_in(p, f->left));
    return remove_in(p, f->right);
}

status remove_joins(struct planner *p) {
    for (uint16_t i = 0; i < p->query->nfrom; i++) TRY(remove_in(p, p->query->from[i]));
    return OK;
}
