/* Which collation each expression has, and which one its function goes by (manual, 24.2.1).
 *
 * COLLATE says it explicitly; columns, constants and parameters have one implicitly, of which
 * "default" gives way to any other. Two different explicit ones among the arguments of one call
 * are refused; two different implicit ones leave the call without any, which only matters to who
 * needs one. A clause's expressions are marked when the clause is complete, before anything copies
 * their collation. */
#include "analyse/internal.h"
#include "catalog/collation.h"
#include "types/ordered_set.h"

enum strength { STRENGTH_NONE, STRENGTH_IMPLICIT, STRENGTH_CONFLICT, STRENGTH_EXPLICIT };

/* What the expressions seen so far say together. */
struct derived {
    enum strength strength;
    oid collation, other; /* other: what it conflicts with */
    int32_t location, other_location;
};

#define HINT                                                                                       \
    "You can choose the collation by applying the COLLATE clause to one or both expressions."

const char *collation_words(struct analyse *a, oid collation) {
    const char *name = NULL;
    if (!collation || !ok(catalog_collation_name(a->env, collation, a->arena, &name)))
        return "(null)";
    return name;
}

static status mismatch(struct analyse *a, const char *kind, oid one, oid other, int32_t location) {
    return FAIL_AT(a, location, COLLATION_MISMATCH,
                   "collation mismatch between %s collations \"%s\" and \"%s\"", kind,
                   collation_words(a, one), collation_words(a, other));
}

static status implicit_mismatch(struct analyse *a, const struct derived *d) {
    status st = mismatch(a, "implicit", d->collation, d->other, d->other_location);
    error_hint(a->error, HINT);
    return st;
}

static status merge(struct analyse *a, const struct derived *more, struct derived *d) {
    if (more->strength > d->strength) {
        *d = *more;
        return OK;
    }
    if (more->strength < d->strength || more->collation == d->collation) return OK;
    if (more->strength == STRENGTH_EXPLICIT)
        return mismatch(a, "explicit", d->collation, more->collation, more->location);
    if (more->strength != STRENGTH_IMPLICIT) return OK;
    if (d->collation == COLLATION_DEFAULT) {
        *d = *more;
    } else if (more->collation != COLLATION_DEFAULT) {
        d->strength = STRENGTH_CONFLICT;
        d->other = more->collation;
        d->other_location = more->location;
    }
    return OK;
}

static status derive(struct analyse *a, struct expr *e, struct derived *d);

static status derive_args(struct analyse *a, struct expr *e, uint16_t from, uint16_t to,
                          struct derived *d) {
    for (uint16_t i = from; i < to; i++) TRY(derive(a, e->args[i], d));
    return OK;
}

static status each_alone(struct analyse *a, struct expr *e, uint16_t from, uint16_t to) {
    for (uint16_t i = from; i < to; i++) TRY(assign_collation(a, e->args[i]));
    return OK;
}

static oid type_collation(oid type) {
    const struct type *t = type_find(type);
    return t ? t->collation : 0;
}

static struct derived implicit(oid collation, int32_t location) {
    return (struct derived){.strength = collation ? STRENGTH_IMPLICIT : STRENGTH_NONE,
                            .collation = collation,
                            .location = location};
}

/* Each hypothetical value and the key that it stands among go by one collation. */
static status derive_pairs(struct analyse *a, struct expr *e, struct derived *d) {
    uint16_t n = e->agg.nplain;
    for (uint16_t i = 0; i < n && i < e->agg.norder; i++) {
        struct expr *pair[2] = {e->args[i], e->args[n + i]};
        oid collation;
        TRY(common_collation(a, pair, 2, false, &collation));
        if (collation) pair[0]->collation = pair[1]->collation = collation;
        TRY(merge(a,
                  &(struct derived){STRENGTH_IMPLICIT * (collation != 0), collation, 0,
                                    pair[0]->location, 0},
                  d));
    }
    return OK;
}

static status derive_aggregate(struct analyse *a, struct expr *e, struct derived *d) {
    uint16_t n = e->agg.nplain, keys = (uint16_t)(n + e->agg.norder);
    TRY(each_alone(a, e, keys, e->nargs));
    if (!e->agg.within_group) {
        TRY(derive_args(a, e, 0, n, d));
        return each_alone(a, e, n, keys);
    }
    const struct ordered_set *o = ordered_set_find(e->agg.function->oid);
    if (o && o->hypothetical) return derive_pairs(a, e, d);
    TRY(derive_args(a, e, 0, n, d));
    return e->agg.norder == 1 ? derive_args(a, e, n, keys, d) : each_alone(a, e, n, keys);
}

/* Conditions say nothing of what CASE gives; the test was marked before they were made. */
static status derive_case(struct analyse *a, struct expr *e, struct derived *d) {
    uint16_t first = e->cases.has_test ? 1 : 0, last = (uint16_t)(e->nargs - 1);
    for (uint16_t i = first; i < last; i += 2) {
        TRY(assign_collation(a, e->args[i]));
        TRY(derive(a, e->args[i + 1], d));
    }
    return derive(a, e->args[last], d);
}

/* What e's parts say, each marked on the way. */
static status derive_parts(struct analyse *a, struct expr *e, struct derived *d) {
    switch (e->kind) {
    case EXPR_ROW:
    case EXPR_SET_FIELD: return each_alone(a, e, 0, e->nargs);
    case EXPR_CASE: return derive_case(a, e, d);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return derive_aggregate(a, e, d);
    case EXPR_SUBSCRIPT: TRY(each_alone(a, e, 1, e->nargs)); return derive(a, e->args[0], d);
    case EXPR_SET_ELEMENT: TRY(each_alone(a, e, 2, e->nargs)); return derive_args(a, e, 0, 2, d);
    case EXPR_SUBLINK: {
        const struct query *q = e->sublink.query;
        TRY(each_alone(a, e, 0, e->nargs));
        if (!q->nvisible) return OK;
        struct derived column = implicit(q->targets[0].expr->collation, e->location);
        return merge(a, &column, d);
    }
    default: return derive_args(a, e, 0, e->nargs, d);
    }
}

/* A domain made with COLLATE has that, whatever it is made of. */
static oid domain_collation(const struct expr *e) {
    if (e->kind != EXPR_CAST || !e->cast.path.domain) return 0;
    oid own = type_collation(e->type);
    return own == COLLATION_DEFAULT ? 0 : own;
}

static struct derived derive_whole(struct expr *e, const struct derived *parts) {
    oid own = type_collation(e->type), of_domain = domain_collation(e);
    bool is_collate = e->kind == EXPR_CAST && e->cast.is_collate;
    if (is_collate) return (struct derived){STRENGTH_EXPLICIT, e->collation, 0, e->location, 0};
    if (e->kind == EXPR_FIELD) return implicit(e->collation, e->location);
    if (of_domain) return implicit(of_domain, e->location);
    if (!own) return (struct derived){0};
    if (parts->strength > STRENGTH_NONE) return *parts;
    return implicit(own, e->location);
}

static status derive(struct analyse *a, struct expr *e, struct derived *d) {
    struct derived parts = {0}, whole;
    if (!e) return OK;
    TRY(analyse_stack(a));
    switch (e->kind) {
    case EXPR_CONST:
    case EXPR_PARAM:
        if (!e->collation) e->collation = type_collation(e->type);
        [[fallthrough]];
    case EXPR_VAR:
    case EXPR_CASE_TEST:
    case EXPR_SUBLINK_COLUMN:
    case EXPR_DEFAULT: whole = implicit(e->collation, e->location); return merge(a, &whole, d);
    default: break;
    }
    TRY(derive_parts(a, e, &parts));
    whole = derive_whole(e, &parts);
    e->collation = whole.strength == STRENGTH_CONFLICT ? 0 : whole.collation;
    e->input_collation = parts.strength == STRENGTH_CONFLICT ? 0 : parts.collation;
    return merge(a, &whole, d);
}

status assign_collation(struct analyse *a, struct expr *e) {
    struct derived d = {0};
    return derive(a, e, &d);
}

status common_collation(struct analyse *a, struct expr **exprs, size_t n, bool may_conflict,
                        oid *ret) {
    struct derived d = {0};
    for (size_t i = 0; i < n; i++) TRY(derive(a, exprs[i], &d));
    if (d.strength == STRENGTH_CONFLICT) {
        if (!may_conflict) return implicit_mismatch(a, &d);
        d.collation = 0;
    }
    *ret = d.collation;
    return OK;
}

/* What is sorted or grouped by must have one. */
static status assign_key(struct analyse *a, struct expr *e) {
    struct derived d = {0};
    TRY(derive(a, e, &d));
    return d.strength == STRENGTH_CONFLICT ? implicit_mismatch(a, &d) : OK;
}

/* ---- queries --------------------------------------------------------------------------------- */

static status assign_array(struct analyse *a, struct expr **list, uint32_t n) {
    for (uint32_t i = 0; list && i < n; i++) TRY(assign_collation(a, list[i]));
    return OK;
}

static bool is_key(const struct query *q, uint16_t target) {
    if (q->distinct && !q->ndistinct_on && target < q->nvisible - q->naddresses) return true;
    for (uint16_t i = 0; i < q->ndistinct_on; i++)
        if (q->distinct_on[i] == target) return true;
    for (uint16_t i = 0; i < q->nsort; i++)
        if (q->sort[i].target == target) return true;
    return false;
}

static status assign_from(struct analyse *a, struct from_item *f) {
    if (!f->is_join) return OK;
    TRY(assign_from(a, f->left));
    TRY(assign_from(a, f->right));
    return assign_collation(a, f->on);
}

static status assign_windows(struct analyse *a, struct query *q) {
    for (uint16_t i = 0; i < q->nwindows; i++) {
        struct window *w = &q->windows[i];
        for (uint16_t k = 0; k < w->npartition; k++) TRY(assign_key(a, w->partition[k]));
        for (uint16_t k = 0; k < w->norder; k++) TRY(assign_key(a, w->order[k]));
        TRY(assign_collation(a, w->start_offset));
        TRY(assign_collation(a, w->end_offset));
    }
    return OK;
}

static status assign_change(struct analyse *a, struct query *q) {
    uint16_t natts = q->sets_to ? q->rtes[q->target_rte]->ncolumns : 0;
    TRY(assign_array(a, q->sets_to, natts));
    for (uint16_t i = 0; i < q->nchecks; i++) TRY(assign_collation(a, q->checks[i].expr));
    if (q->conflict) {
        TRY(assign_array(a, q->conflict->sets, natts));
        TRY(assign_collation(a, q->conflict->where));
        TRY(assign_collation(a, q->conflict->infer_where));
        for (uint16_t i = 0; i < q->conflict->nelements; i++)
            TRY(assign_collation(a, q->conflict->elements[i].expr));
    }
    for (uint16_t i = 0; i < q->nreturning; i++) TRY(assign_collation(a, q->returning[i].expr));
    return OK;
}

status assign_query_collations(struct analyse *a, struct query *q) {
    for (uint16_t i = 0; i < q->ntargets; i++)
        TRY((is_key(q, i) ? assign_key : assign_collation)(a, q->targets[i].expr));
    for (uint16_t i = 0; i < q->ngroup; i++) TRY(assign_key(a, q->group[i]));
    for (uint16_t i = 0; i < q->nrtes; i++)
        for (uint32_t r = 0; q->rtes[i]->kind == RTE_VALUES && r < q->rtes[i]->nrows; r++)
            TRY(assign_array(a, q->rtes[i]->rows[r], q->rtes[i]->ncolumns));
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(assign_from(a, q->from[i]));
    TRY(assign_collation(a, q->where));
    TRY(assign_collation(a, q->having));
    TRY(assign_windows(a, q));
    if (q->kind == QUERY_SETOP) {
        TRY(assign_array(a, q->left_casts, q->nvisible));
        TRY(assign_array(a, q->right_casts, q->nvisible));
    }
    return assign_change(a, q);
}
