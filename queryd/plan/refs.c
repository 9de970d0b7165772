/* From the query's terms to columns of operators, and to parameters for what lies outside. */
#include "plan/internal.h"

struct resolve {
    struct planner *p;
    const struct plan *left, *right;
};

static int find_column(const struct plan *plan, const struct expr *e) {
    for (uint16_t i = 0; plan && i < plan->ncolumns; i++)
        if (plan->out[i] && plan->out[i]->kind == e->kind && expr_equal(plan->out[i], e)) return i;
    return -1;
}

/* A column whose type modifier alone differs is still the column. */
static int find_var(const struct plan *plan, const struct expr *e) {
    for (uint16_t i = 0; plan && i < plan->ncolumns; i++) {
        const struct expr *o = plan->out[i];
        if (o && o->kind == EXPR_VAR && o->var.level == 0 && o->var.rte == e->var.rte &&
            o->var.att == e->var.att)
            return i;
    }
    return -1;
}

/* A constant that is grouped by is null in the sets without it: then the column says what it is. */
static bool grouped_constant(const struct plan *plan, const struct expr *e) {
    for (uint16_t i = 0; plan && i < plan->ncolumns; i++)
        if (plan->out[i] == e) return true;
    return false;
}

static status resolve_one(struct expr *e, void *arg, struct expr **ret) {
    struct resolve *r = arg;
    if (e->kind == EXPR_PARAM || e->kind == EXPR_OUTER || e->kind == EXPR_SLOT) return OK;
    if (e->kind == EXPR_CONST && !grouped_constant(r->left, e)) return OK;
    bool var = e->kind == EXPR_VAR;
    int column = var ? find_var(r->left, e) : find_column(r->left, e);
    uint16_t base = 0;
    if (column < 0 && r->right) {
        column = var ? find_var(r->right, e) : find_column(r->right, e);
        base = r->left ? r->left->ncolumns : 0;
    }
    if (column < 0) {
        if (e->kind == EXPR_VAR || e->kind == EXPR_AGGREGATE || e->kind == EXPR_WINDOW ||
            e->kind == EXPR_GROUPING)
            return error_set(r->p->c->error, ST_INTERNAL_ERROR,
                             "variable not found in the columns of a plan");
        return OK;
    }
    struct expr *slot = expr_new(r->p->c->arena, EXPR_SLOT, e->type, e->location);
    NEEDS(r->p, slot);
    slot->typmod = e->typmod;
    slot->collation = e->collation;
    slot->column = (uint16_t)(base + column);
    *ret = slot;
    return OK;
}

status resolve_over(struct planner *p, struct expr *e, const struct plan *left,
                    const struct plan *right, struct expr **ret) {
    struct resolve r = {p, left, right};
    return expr_map(p->c->arena, e, resolve_one, &r, ret);
}

/* ---- execution parameters ---- */

void add_outers(struct outer_set *s, const struct outer_set *more) {
    for (int i = 0; i < OUTER_SET_WORDS; i++) s->word[i] |= more->word[i];
}

void add_outer(struct outer_set *s, uint16_t id) {
    s->word[id / 64] |= (uint64_t)1 << (id % 64);
}

void remove_outer(struct outer_set *s, uint16_t id) {
    s->word[id / 64] &= ~((uint64_t)1 << (id % 64));
}

static bool outers_empty(const struct outer_set *s) {
    for (int i = 0; i < OUTER_SET_WORDS; i++)
        if (s->word[i]) return false;
    return true;
}

static status visit_outer(struct expr *e, void *arg, bool *) {
    struct outer_set *s = arg;
    if (e->kind == EXPR_OUTER) s->word[e->column / 64] |= (uint64_t)1 << (e->column % 64);
    if (e->kind == EXPR_SUBPLAN) {
        struct outer_set inner = *e->subplan->plan->outers;
        for (uint16_t i = 0; i < e->subplan->nouter; i++)
            remove_outer(&inner, e->subplan->outer_ids[i]);
        add_outers(s, &inner);
    }
    return OK;
}

status outers_of(struct expr *e, struct outer_set *s) {
    return expr_walk(e, visit_outer, s);
}

status note_outers(struct plan *node, struct expr *e) {
    TRY(outers_of(e, node->outers));
    node->depends = !outers_empty(node->outers);
    return OK;
}

struct outer_set *plan_outers(struct plan *plan) {
    plan->depends = !outers_empty(plan->outers);
    return plan->outers;
}

void collector_push(struct planner *p, struct collector *c) {
    c->before = p->collector;
    p->collector = c;
}

void collector_pop(struct planner *p) {
    p->collector = p->collector->before;
}

status collector_add(struct planner *p, struct collector *c, uint16_t id, struct expr *e) {
    if (c->n == c->cap) {
        uint16_t cap = c->cap ? (uint16_t)(c->cap * 2) : 4;
        uint16_t *ids;
        struct expr **exprs;
        NEW_N(p, ids, cap);
        NEW_N(p, exprs, cap);
        if (c->n) {
            memcpy(ids, c->ids, c->n * sizeof *ids);
            memcpy(exprs, c->exprs, c->n * sizeof *exprs);
        }
        c->ids = ids;
        c->exprs = exprs;
        c->cap = cap;
    }
    c->ids[c->n] = id;
    c->exprs[c->n++] = e;
    return OK;
}

status new_outer(struct planner *p, uint16_t *ret) {
    if (p->c->statement->nouter >= OUTERS_MAX)
        return error_set(p->c->error, ST_STATEMENT_TOO_COMPLEX,
                         "statement has too many correlated subqueries");
    *ret = p->c->statement->nouter++;
    return OK;
}

/* Each collector has parameters of its own, even for the same value: two users of one parameter
 * could overwrite it for one another between two batches. */
status request_outer(struct planner *p, struct expr *e, struct expr **ret) {
    struct collector *c = p->collector;
    CHECK(c);
    uint16_t id = UINT16_MAX;
    for (uint16_t i = 0; i < c->n; i++)
        if (expr_equal(c->exprs[i], e)) id = c->ids[i];
    if (id == UINT16_MAX) {
        TRY(new_outer(p, &id));
        TRY(collector_add(p, c, id, e));
    }
    struct expr *outer = expr_new(p->c->arena, EXPR_OUTER, e->type, e->location);
    NEEDS(p, outer);
    outer->typmod = e->typmod;
    outer->collation = e->collation;
    outer->column = id;
    *ret = outer;
    return OK;
}

status request_outer_var(struct expr *e, void *planner, struct expr **ret) {
    if (e->kind == EXPR_VAR && e->var.level == 0) return request_outer(planner, e, ret);
    return OK;
}

/* ---- programs ---- */

status compile_over(struct planner *p, struct plan *node, struct expr **exprs, uint16_t n,
                    const struct plan *left, const struct plan *right, struct program **ret) {
    struct expr **resolved;
    NEW_N(p, resolved, n + 1u);
    for (uint16_t i = 0; i < n; i++) {
        TRY(resolve_over(p, exprs[i], left, right, &resolved[i]));
        TRY(note_outers(node, resolved[i]));
    }
    uint32_t inputs = (left ? left->ncolumns : 0u) + (right ? right->ncolumns : 0u);
    if (inputs > UINT16_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
    return program_compile(p->c->arena, resolved, n, (uint16_t)inputs, ret);
}

status compile_conjuncts(struct planner *p, struct plan *node, struct conjuncts *quals,
                         const struct plan *left, const struct plan *right, struct program **ret) {
    struct expr *e;
    TRY(conjuncts_expr(p, quals, &e));
    if (!e) {
        *ret = NULL;
        return OK;
    }
    return compile_over(p, node, &e, 1, left, right, ret);
}
