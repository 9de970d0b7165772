/* Computed indexes in terms of a query. */
#include "plan/internal.h"

struct mapping {
    struct planner *p;
    uint16_t rte;
};

static status own_column(struct expr *e, void *arg, struct expr **ret) {
    const struct mapping *m = arg;
    if (e->kind != EXPR_VAR) return OK;
    *ret = expr_var(m->p->c->arena, m->rte, e->var.att, e->type, e->typmod, e->collation, -1);
    NEEDS(m->p, *ret);
    return OK;
}

static status here(struct mapping *m, struct expr *e, struct expr **ret) {
    if (!e) return OK;
    TRY(expr_map(m->p->c->arena, e, own_column, m, ret));
    return fold(m->p, *ret, ret);
}

status index_meaning_here(struct planner *p, uint16_t rte, const struct index_desc *x,
                          const struct index_meaning *m, struct index_meaning *ret) {
    struct mapping mapping = {p, rte};
    ret->keys = arena_zalloc(p->c->arena, (x->nkeys + 1u) * sizeof *ret->keys);
    NEEDS(p, ret->keys);
    for (uint16_t k = 0; k < x->nkeys; k++) TRY(here(&mapping, m->keys[k], &ret->keys[k]));
    ret->predicate = NULL;
    return here(&mapping, m->predicate, &ret->predicate);
}
