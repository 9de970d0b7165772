/* permission.c: what the statement's user must be allowed to do.
 *
 * Analysis notes it, relation by relation, while names are resolved; what is looked at when a row
 * is written (CHECK, generated columns) is nobody's reading. */
#include "analyse/internal.h"
#include "types/acl.h"

status permission_add(struct analyse *a, const struct relation *r, uint32_t rights, struct rte *e) {
    struct permission *p;
    NEW(a, p);
    *p = (struct permission){.relation = r->oid,
                             .check_as = a->check_as,
                             .rights = rights,
                             .words = (uint16_t)(r->natts / 64 + 1)};
    NEW_N(a, p->selected, p->words);
    NEW_N(a, p->inserted, p->words);
    NEW_N(a, p->updated, p->words);
    GROW(a, a->permissions, a->npermissions, a->permissions_cap);
    a->permissions[a->npermissions++] = e->needs = p;
    return OK;
}

status permission_add_view(struct analyse *a, const struct relation *view, uint32_t rights,
                           bool strict, struct permission **ret) {
    struct rte unused;
    TRY(permission_add(a, view, rights, &unused));
    struct permission *p = *ret = unused.needs;
    p->selected[0] = p->inserted[0] = p->updated[0] = strict;
    return OK;
}

static bool in_set(const uint64_t *set, const struct permission *p, int column) {
    int bit = column > 0 ? column : 0;
    return bit / 64 < p->words && (set[bit / 64] >> bit % 64 & 1);
}

/* Whether the expression names a column of the set, of the query's table. */
static bool names_column(const struct expr *e, const uint64_t *set, const struct permission *p) {
    if (e->kind == EXPR_VAR) return !e->var.level && in_set(set, p, e->var.att);
    for (uint16_t i = 0; i < e->nargs; i++)
        if (names_column(e->args[i], set, p)) return true;
    return false;
}

void permission_of_view(struct change_target *t) {
    struct permission *p = t->needs, *v = t->view_needs;
    if (!v) return;
    v->rights |= p->rights & (ACL_UPDATE | ACL_INSERT);
    for (uint16_t i = 0; i < t->item->ncolumns; i++) {
        const struct expr *e = t->item->exprs[i];
        if (!e) continue;
        if (names_column(e, p->inserted, p)) permission_column(v->inserted, v, i + 1);
        if (names_column(e, p->updated, p)) permission_column(v->updated, v, i + 1);
        if (!names_column(e, p->selected, p)) continue;
        v->rights |= ACL_SELECT;
        permission_column(v->selected, v, i + 1);
    }
    for (uint16_t i = 0; i < p->words; i++) {
        if (t->view_reads[i]) p->rights |= ACL_SELECT;
        p->selected[i] |= t->view_reads[i];
    }
}

void permission_column(uint64_t *set, const struct permission *p, int column) {
    int bit = column > 0 ? column : 0;
    if (bit / 64 < p->words) set[bit / 64] |= (uint64_t)1 << bit % 64;
}

void permission_select(struct scope *s, const struct expr *e) {
    for (uint16_t i = 0; i < e->nargs; i++) permission_select(s, e->args[i]); /* USING's merged */
    if (e->kind != EXPR_VAR || e->var.level) return;
    struct permission *p = s->query->rtes[e->var.rte]->needs;
    if (!p) return;
    p->rights |= ACL_SELECT;
    permission_column(p->selected, p, e->var.att);
}

/* ---- functions ------------------------------------------------------------------------------- */

status permission_function(struct analyse *a, oid function) {
    for (uint16_t i = 0; i < a->nfunctions; i++)
        if (a->functions[i] == function) return OK;
    GROW(a, a->functions, a->nfunctions, a->functions_cap);
    a->functions[a->nfunctions++] = function;
    return OK;
}

static status visit_call(struct expr *e, unsigned, void *arg, bool *) {
    struct analyse *a = arg;
    switch (e->kind) {
    case EXPR_CALL:
    case EXPR_NULLIF:
    case EXPR_DISTINCT:
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP:
        return e->call.function ? permission_function(a, e->call.function->oid) : OK;
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return permission_function(a, e->agg.function->oid);
    case EXPR_CAST:
        return e->cast.path.function ? permission_function(a, e->cast.path.function) : OK;
    default: return OK;
    }
}

void permission_written(uint64_t *set, const struct permission *p, struct expr *const *values,
                        uint16_t natts) {
    for (uint16_t i = 0; i < natts; i++)
        if (values[i]) permission_column(set, p, i + 1);
}

status permission_functions(struct analyse *a, struct query *q) {
    return query_walk(q, 0, visit_call, a);
}
