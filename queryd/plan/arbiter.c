/* Which unique indexes ON CONFLICT is about. */
#include "plan/internal.h"

struct inference {
    struct planner *p;
    const struct relation *r;
    const struct on_conflict *oc;
    struct conjuncts where;
    struct expr **elements; /* folded, as the indexes' expressions are */
};

static int16_t column_of(const struct expr *e) {
    return e->kind == EXPR_VAR && e->var.level == 0 ? e->var.att : 0;
}

static bool names_column(const struct inference *i, int16_t att) {
    for (uint16_t e = 0; e < i->oc->nelements; e++)
        if (column_of(i->elements[e]) == att) return true;
    return false;
}

static bool is_key(const struct index_desc *x, const struct index_meaning *m, uint16_t k,
                   const struct expr *e) {
    return x->columns[k] ? column_of(e) == x->columns[k] : m && expr_equal(m->keys[k], e);
}

/* The element is one of the keys, with the collation and operator class it asks for. */
static bool has_element(const struct inference *i, const struct index_desc *x,
                        const struct index_meaning *m, uint16_t element) {
    const struct infer_element *e = &i->oc->elements[element];
    for (uint16_t k = 0; k < x->nkeys; k++) {
        if (!is_key(x, m, k, i->elements[element])) continue;
        bool collated = !e->collation || e->collation == x->collations[k];
        if (collated && (!e->opclass || e->opclass == x->classes[k])) return true;
    }
    return false;
}

/* Nothing is in the index that was not listed. */
static bool all_listed(const struct inference *i, const struct index_desc *x,
                       const struct index_meaning *m) {
    for (uint16_t k = 0; k < x->nkeys; k++) {
        bool listed = x->columns[k] && names_column(i, x->columns[k]);
        for (uint16_t e = 0; !listed && e < i->oc->nelements; e++)
            listed = is_key(x, m, k, i->elements[e]);
        if (!listed) return false;
    }
    return true;
}

static bool matches(struct inference *i, const struct index_desc *x,
                    const struct index_meaning *m) {
    bool unique = x->unique || (x->late && !x->exclusion);
    if (!unique || !x->valid || !all_listed(i, x, m)) return false;
    for (uint16_t e = 0; e < i->oc->nelements; e++)
        if (!has_element(i, x, m, e)) return false;
    return !m || !m->predicate || is_implied(i->p, &i->where, m->predicate);
}

static status fold_elements(struct inference *i) {
    struct planner *p = i->p;
    NEW_N(p, i->elements, i->oc->nelements + 1);
    for (uint16_t e = 0; e < i->oc->nelements; e++)
        TRY(fold(p, i->oc->elements[e].expr, &i->elements[e]));
    struct expr *where = i->oc->infer_where;
    if (!where) return OK;
    TRY(fold(p, where, &where));
    return conjuncts_add(p, &i->where, where);
}

static status infer(struct inference *i, struct plan_change *c) {
    struct planner *p = i->p;
    const struct index_meaning *all = p->query->rtes[p->query->target_rte]->indexes;
    TRY(fold_elements(i));
    if (i->r->primary && matches(i, i->r->primary, NULL))
        c->arbiters[c->narbiters++] = i->r->primary->oid;
    for (uint16_t n = 0; n < i->r->nindexes; n++) {
        const struct index_desc *x = &i->r->indexes[n];
        struct index_meaning m;
        if (x->computed && !all) continue;
        if (x->computed) TRY(index_meaning_here(p, p->query->target_rte, x, &all[n], &m));
        if (matches(i, x, x->computed ? &m : NULL)) c->arbiters[c->narbiters++] = x->oid;
    }
    if (c->narbiters) return OK;
    return error_set(p->c->error, ST_INVALID_COLUMN_REFERENCE,
                     "there is no unique or exclusion constraint matching the ON CONFLICT "
                     "specification");
}

status find_arbiters(struct planner *p, struct plan_change *c) {
    const struct relation *r = p->query->rtes[p->query->target_rte]->relation;
    struct inference i = {.p = p, .r = r, .oc = p->query->conflict};
    NEW_N(p, c->arbiters, r->nindexes + 1);
    c->narbiters = 0;
    if (i.oc->nelements) return infer(&i, c);
    for (uint16_t n = 0; n < r->nindexes; n++)
        if (r->indexes[n].oid == i.oc->constraint_index && r->indexes[n].exclusion &&
            i.oc->do_update)
            return error_set(p->c->error, ST_WRONG_OBJECT_TYPE,
                             "ON CONFLICT DO UPDATE not supported with exclusion constraints");
    if (i.oc->constraint_index) c->arbiters[c->narbiters++] = i.oc->constraint_index;
    return OK;
}
