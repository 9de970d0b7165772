/* Orders of rows: which expressions are equal to each other as far as sorting goes, and whether
 * rows that come in one order are sorted as somebody wants them. */
#include "plan/internal.h"
#include "types/collator.h"

/* The value itself under a change of type that leaves its order as it is. */
static struct expr *plain(struct expr *e) {
    struct expr *below = expr_strip_relabel(e);
    if (below == e || collator_of(below->collation) != collator_of(e->collation)) return e;
    bool texts = (e->type == TEXTOID || e->type == VARCHAROID) &&
                 (below->type == TEXTOID || below->type == VARCHAROID);
    bool addresses = e->type == INETOID && below->type == CIDROID;
    return texts || addresses || below->type == e->type ? below : e;
}

/* A column whose type modifier alone differs is still the column. */
static bool same_expr(const struct expr *a, const struct expr *b) {
    if (a == b) return true;
    if (a->kind != b->kind) return false;
    if (a->kind == EXPR_VAR)
        return a->var.rte == b->var.rte && a->var.att == b->var.att && a->var.level == b->var.level;
    return expr_equal(a, b);
}

static int find_term(const struct planner *p, const struct expr *e) {
    const struct order_terms *t = &p->terms;
    for (uint16_t i = 0; i < t->n; i++)
        if (same_expr(t->exprs[i], e)) return i;
    return -1;
}

static status grow_terms(struct planner *p) {
    struct order_terms *t = &p->terms;
    if (t->n < t->cap) return OK;
    uint16_t cap = t->cap ? (uint16_t)(t->cap * 2) : 16;
    struct expr **exprs;
    uint16_t *leaders;
    NEW_N(p, exprs, cap);
    NEW_N(p, leaders, cap);
    if (t->n) {
        memcpy(exprs, t->exprs, t->n * sizeof *exprs);
        memcpy(leaders, t->leaders, t->n * sizeof *leaders);
    }
    t->exprs = exprs;
    t->leaders = leaders;
    t->cap = cap;
    return OK;
}

status order_term(struct planner *p, struct expr *e, uint16_t *ret) {
    struct order_terms *t = &p->terms;
    e = plain(e);
    int i = find_term(p, e);
    if (i < 0) {
        TRY(grow_terms(p));
        i = t->n;
        t->exprs[i] = e;
        t->leaders[i] = t->n++;
    }
    *ret = t->leaders[i];
    return OK;
}

status order_unite(struct planner *p, struct expr *a, struct expr *b) {
    struct order_terms *t = &p->terms;
    uint16_t x, y;
    TRY(order_term(p, a, &x));
    TRY(order_term(p, b, &y));
    for (uint16_t i = 0; i < t->n; i++)
        if (t->leaders[i] == y) t->leaders[i] = x;
    return OK;
}

bool order_same(struct planner *p, const struct expr *a, const struct expr *b) {
    a = plain((struct expr *)a);
    b = plain((struct expr *)b);
    if (same_expr(a, b)) return true;
    int x = find_term(p, a), y = x < 0 ? -1 : find_term(p, b);
    return y >= 0 && p->terms.leaders[x] == p->terms.leaders[y];
}

/* ---- one order seen by another ---- */

static bool is_constant(struct planner *p, const struct order_key *have, uint16_t nhave,
                        const struct expr *e) {
    if (e->kind == EXPR_CONST || e->kind == EXPR_PARAM || e->kind == EXPR_OUTER) return true;
    for (uint16_t i = 0; i < nhave; i++)
        if (have[i].constant && order_same(p, have[i].expr, e)) return true;
    return false;
}

static bool wanted_before(struct planner *p, const struct order_key *want, uint16_t n) {
    for (uint16_t i = 0; i < n; i++)
        if (order_same(p, want[i].expr, want[n].expr)) return true;
    return false;
}

static bool same_direction(const struct order_key *have, const struct order_key *want) {
    if (have->descending != want->descending) return false;
    return have->never_null || have->nulls_first == want->nulls_first;
}

uint16_t order_prefix(struct planner *p, const struct order_key *have, uint16_t nhave,
                      const struct order_key *want, uint16_t nwant) {
    uint16_t at = 0, k = 0;
    for (; k < nwant; k++) {
        if (is_constant(p, have, nhave, want[k].expr) || wanted_before(p, want, k)) continue;
        while (at < nhave && have[at].constant) at++;
        if (at == nhave || !order_same(p, have[at].expr, want[k].expr) ||
            !same_direction(&have[at], &want[k]))
            break;
        at++;
    }
    return k;
}

uint16_t order_set_prefix(struct planner *p, const struct order_key *have, uint16_t nhave,
                          const struct order_key *want, uint16_t nwant) {
    uint16_t found = 0;
    for (uint16_t k = 0; k < nwant; k++)
        if (is_constant(p, have, nhave, want[k].expr) || wanted_before(p, want, k)) found++;
    for (uint16_t at = 0; at < nhave; at++) {
        if (have[at].constant) continue;
        uint16_t k = 0;
        while (k < nwant && !order_same(p, have[at].expr, want[k].expr)) k++;
        if (k == nwant) break;
        if (!is_constant(p, have, nhave, want[k].expr)) found++;
    }
    return found < nwant ? found : nwant;
}

bool order_is_trivial(const struct plan *plan) {
    return plan->rows <= 1 && plan->kind == PLAN_SCAN && plan->scan.point && !plan->scan.list &&
           !plan->scan.array;
}

status order_rename(struct planner *p, struct plan *plan, struct expr *const *before) {
    const struct order_key *old = plan->order;
    uint16_t n = plan->norder;
    plan->norder = 0;
    if (!n) return OK;
    NEW_N(p, plan->order, n);
    for (uint16_t i = 0; i < n; i++) {
        uint16_t c = 0;
        while (c < plan->ncolumns &&
               !(before[c] && same_expr(plain(before[c]), plain(old[i].expr))))
            c++;
        if (c == plan->ncolumns && !old[i].constant) return OK;
        if (c == plan->ncolumns) continue;
        plan->order[plan->norder] = old[i];
        plan->order[plan->norder++].expr = plan->out[c];
    }
    return OK;
}

/* ---- what an order is worth ---- */

double order_finish(struct planner *p, const struct order_wish *w, const struct order_key *have,
                    uint16_t nhave, double rows, double startup, double cost) {
    if (!w || !w->n) return cost;
    double asked = w->limit > 0 && w->limit < rows ? w->limit / rows : 1;
    if (w->grouping) {
        uint16_t k = order_set_prefix(p, have, nhave, w->keys, w->n);
        struct sort_cost c = sort_cost(p, rows, w->keys, k, w->n, 0);
        struct group_cost by = group_cost(p, rows, w->groups < rows ? w->groups : rows);
        return cost + (by.sorted + c.total < by.hashed ? by.sorted + c.total : by.hashed);
    }
    uint16_t k = order_prefix(p, have, nhave, w->keys, w->n);
    if (k < w->n && plan_avoids(p, WAY_INCREMENTAL_SORT)) k = 0;
    struct sort_cost c = sort_cost(p, rows, w->keys, k, w->n, w->limit);
    if (k == 0) return cost + c.total;
    startup += c.startup;
    return startup + (cost + c.total - startup) * asked;
}
