/* Ways to join two parts: looking up rows of an index for each row, hashing, or trying all pairs.
 */
#include <math.h>

#include "plan/join.h"

#define COST_HASH_BUILD 2.0
#define COST_HASH_PROBE 1.0
#define COST_PAIR 0.2
#define COST_RESTART 2.0
#define COST_KEEP 0.2   /* of a row that is read again */
#define COST_OUTPUT 0.2 /* of a row put together */

/* The operator that gives a part's rows by itself. */
status rel_plan(struct planner *p, struct join_rel *r, const struct order_wish *wish,
                struct plan **ret) {
    if (!r->plan) TRY(relation_path(p, (uint16_t)r->base, &r->quals, NULL, wish, &r->plan));
    *ret = r->plan;
    return OK;
}

static bool both_integers(oid a, oid b) {
    bool x = a == INT2OID || a == INT4OID || a == INT8OID;
    bool y = b == INT2OID || b == INT4OID || b == INT8OID;
    return x && y;
}

struct hash_keys {
    uint16_t n;
    struct expr **left, **right;
    const struct type **types; /* by which both are compared */
    struct conjuncts rest;
};

/* left side = right side, by an operator whose equal values hash equal. */
static status as_key(struct expr *e, const struct rte_set *l, const struct rte_set *r,
                     struct hash_keys *k, bool *ret_is_key) {
    *ret_is_key = false;
    if (e->kind != EXPR_CALL || !e->call.op || !e->call.op->hashable || e->nargs != 2) return OK;
    oid a = e->args[0]->type, b = e->args[1]->type;
    const struct type *t = type_find(b);
    if ((a != b && !both_integers(a, b)) || !t || !type_is_hashable(t) || !type_is_ordered(t))
        return OK;
    struct rte_set x, y;
    TRY(query_rtes_of(e->args[0], &x));
    TRY(query_rtes_of(e->args[1], &y));
    if (rte_set_empty(&x) || rte_set_empty(&y)) return OK;
    struct expr *first = e->args[0], *second = e->args[1];
    if (rte_set_subset(&x, r) && rte_set_subset(&y, l)) {
        first = e->args[1];
        second = e->args[0];
    } else if (!rte_set_subset(&x, l) || !rte_set_subset(&y, r)) {
        return OK;
    }
    /* Integers of two widths are compared as the widest. */
    k->types[k->n] = expr_input_type(e, a == b ? b : (oid)INT8OID);
    k->left[k->n] = first;
    k->right[k->n++] = second;
    *ret_is_key = true;
    return OK;
}

static status find_keys(struct planner *p, struct join_rel *l, struct join_rel *r,
                        struct conjuncts *quals, struct hash_keys *k) {
    NEW_N(p, k->left, quals->n + 1);
    NEW_N(p, k->right, quals->n + 1);
    NEW_N(p, k->types, quals->n + 1);
    for (uint32_t i = 0; i < quals->n; i++) {
        bool is_key;
        TRY(as_key(quals->items[i], &l->rtes, &r->rtes, k, &is_key));
        if (!is_key) TRY(conjuncts_add(p, &k->rest, quals->items[i]));
    }
    return OK;
}

status join_columns(struct planner *p, struct plan *join, enum plan_join kind) {
    const struct plan *l = join->left, *r = join->right;
    bool left_only = kind == PLAN_SEMI || kind == PLAN_ANTI;
    uint32_t n = l->ncolumns + (left_only ? 0u : r->ncolumns);
    if (n > UINT16_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
    join->ncolumns = (uint16_t)n;
    NEW_N(p, join->types, n + 1);
    NEW_N(p, join->out, n + 1);
    for (uint16_t i = 0; i < l->ncolumns; i++) {
        join->types[i] = l->types[i];
        join->out[i] = l->out[i];
    }
    for (uint16_t i = 0; !left_only && i < r->ncolumns; i++) {
        join->types[l->ncolumns + i] = r->types[i];
        join->out[l->ncolumns + i] = r->out[i];
    }
    return OK;
}

double join_rows(double l, double r, enum plan_join kind, double selectivity) {
    double rows = l * r * selectivity, partners = r * selectivity;
    if (partners > 1) partners = 1;
    switch (kind) {
    case PLAN_LEFT:
        if (rows < l) rows = l;
        break;
    case PLAN_RIGHT:
        if (rows < r) rows = r;
        break;
    case PLAN_FULL:
        if (rows < l + r) rows = l + r;
        break;
    case PLAN_SEMI: rows = l * partners; break;
    case PLAN_ANTI:
        rows = l * (1 - partners);
        if (rows < l * 0.01) rows = l * 0.01;
        break;
    case PLAN_INNER: break;
    }
    return rows < 1 ? 1 : rows;
}

struct join_costs join_cost(struct planner *p, const struct join_input *l,
                            const struct join_input *r, enum plan_join kind, bool keys,
                            bool lateral, const struct lookup_cost *lookup, double rows) {
    struct join_costs c = {
        .hash = INFINITY, .lookup = INFINITY, .pairs = INFINITY, .lateral = INFINITY};
    bool nests = kind != PLAN_RIGHT && kind != PLAN_FULL;
    double output = rows * COST_OUTPUT * price_of_tuple(p), nest = cost_avoided(p, WAY_NESTLOOP);
    double work = price_of_work(p);
    if (lateral) {
        c.lateral = l->cost + l->rows * (r->cost + COST_RESTART) + output + nest;
        return c;
    }
    if (keys)
        c.hash = l->cost + r->cost +
                 (r->rows * COST_HASH_BUILD + l->rows * COST_HASH_PROBE) * work + output;
    else if (kind == PLAN_FULL) /* who has no partner must be known: one bucket for all */
        c.hash = l->cost + r->cost +
                 (r->rows * COST_HASH_BUILD + l->rows * r->rows * COST_PAIR) * work + output;
    c.hash += cost_avoided(p, WAY_HASHJOIN);
    if (nests && lookup->possible) c.lookup = l->cost + l->rows * lookup->cost + output + nest;
    double again = plan_avoids(p, WAY_MATERIAL) ? r->cost : 0;
    if (nests)
        c.pairs = l->cost + r->cost + r->rows * COST_KEEP +
                  l->rows * (again + r->rows * COST_PAIR * work + COST_RESTART) + output + nest;
    return c;
}

static status make_hash(struct planner *p, struct plan *left, struct plan *right,
                        enum plan_join kind, struct hash_keys *k, struct plan **ret) {
    struct plan *join;
    TRY(plan_new(p, PLAN_HASH_JOIN, left, right, 0, &join));
    TRY(join_columns(p, join, kind));
    join->hash.join = kind;
    join->hash.nkeys = k->n;
    join->hash.key_types = k->types;
    TRY(compile_over(p, join, k->left, k->n, left, NULL, &join->hash.left_keys));
    TRY(compile_over(p, join, k->right, k->n, right, NULL, &join->hash.right_keys));
    TRY(compile_conjuncts(p, join, &k->rest, left, right, &join->hash.condition));
    join->startup = right->cost;
    *ret = join;
    return OK;
}

static status outer_values(struct planner *p, struct plan *join, const struct collector *c) {
    join->nest.outer.n = c->n;
    join->nest.outer.ids = c->ids;
    if (c->n == 0) return OK;
    TRY(compile_over(p, join, c->exprs, c->n, join->left, NULL, &join->nest.outer.values));
    for (uint16_t i = 0; i < c->n; i++) remove_outer(join->outers, c->ids[i]);
    plan_outers(join);
    return OK;
}

static status make_nest(struct planner *p, struct plan *left, struct plan *right,
                        enum plan_join kind, struct conjuncts *quals, const struct collector *c,
                        struct plan **ret) {
    struct plan *join;
    TRY(plan_new(p, PLAN_NEST, left, right, 0, &join));
    TRY(join_columns(p, join, kind));
    join->nest.join = kind;
    TRY(compile_conjuncts(p, join, quals, left, right, &join->nest.condition));
    TRY(outer_values(p, join, c));
    join->startup = left->startup;
    if (kind != PLAN_LEFT) { /* which gives rows without a partner batch by batch */
        join->norder = left->norder;
        join->order = left->order;
    }
    *ret = join;
    return OK;
}

/* A path into the right relation whose keys come from the left row. */
static status lookup_path(struct planner *p, struct join_rel *l, struct join_rel *r,
                          const struct conjuncts *quals, struct collector *c, struct plan **ret) {
    *ret = NULL;
    if (r->base < 0) return OK;
    struct conjuncts all = {0};
    for (uint32_t i = 0; i < r->quals.n; i++) TRY(conjuncts_add(p, &all, r->quals.items[i]));
    for (uint32_t i = 0; i < quals->n; i++) TRY(conjuncts_add(p, &all, quals->items[i]));
    collector_push(p, c);
    status s = relation_path(p, (uint16_t)r->base, &all, &l->rtes, NULL, ret);
    collector_pop(p);
    return s;
}

static bool cheap_restart(const struct plan *plan) {
    return plan->kind == PLAN_MATERIAL || plan->kind == PLAN_VALUES || plan->kind == PLAN_RESULT ||
           plan->kind == PLAN_CTE || (plan->kind == PLAN_SCAN && plan->scan.point);
}

/* Every pair is tried: the right side's rows are kept. */
static status all_pairs(struct planner *p, struct plan *left, struct plan *right,
                        enum plan_join kind, struct conjuncts *quals, struct plan **ret) {
    bool keep = !cheap_restart(right) && !right->depends && !plan_avoids(p, WAY_MATERIAL);
    if (keep) TRY(plan_material(p, right, &right));
    struct collector none = {0};
    return make_nest(p, left, right, kind, quals, &none, ret);
}

/* The parameters of r that rows of l give. */
static status lateral_values(struct planner *p, const struct join_rel *l, const struct join_rel *r,
                             struct collector *ret) {
    for (uint16_t i = 0; r->lateral && i < r->lateral->n; i++) {
        struct rte_set used;
        TRY(query_rtes_of(r->lateral->exprs[i], &used));
        if (!rte_set_subset(&used, &l->rtes)) continue;
        TRY(collector_add(p, ret, r->lateral->ids[i], r->lateral->exprs[i]));
    }
    return OK;
}

bool join_hashable(struct expr *e, const struct rte_set *l, const struct rte_set *r) {
    struct expr *left, *right;
    const struct type *type;
    struct hash_keys k = {.left = &left, .right = &right, .types = &type};
    bool is_key;
    return ok(as_key(e, l, r, &k, &is_key)) && is_key;
}

status lookup_cost(struct planner *p, struct join_rel *r, const struct rte_set *outer,
                   const struct conjuncts *quals, struct lookup_cost *ret) {
    struct conjuncts all = {0};
    *ret = (struct lookup_cost){0};
    for (uint32_t i = 0; i < r->quals.n; i++) TRY(conjuncts_add(p, &all, r->quals.items[i]));
    for (uint32_t i = 0; i < quals->n; i++) TRY(conjuncts_add(p, &all, quals->items[i]));
    ret->possible = relation_lookup(p, (uint16_t)r->base, &all, outer, &ret->cost);
    ret->cost += COST_RESTART;
    return OK;
}

static status make_lookup(struct planner *p, struct join_rel *l, struct join_rel *r,
                          enum plan_join kind, struct conjuncts *quals, struct plan **ret) {
    struct collector values = {0};
    struct plan *path;
    TRY(lookup_path(p, l, r, quals, &values, &path));
    return make_nest(p, l->plan, path, kind, quals, &values, ret);
}

/* The right side is started anew for each left row. */
static status make_lateral(struct planner *p, struct join_rel *l, struct join_rel *r,
                           enum plan_join kind, struct conjuncts *quals, struct plan **ret) {
    struct collector own = {0};
    TRY(lateral_values(p, l, r, &own));
    return make_nest(p, l->plan, r->plan, kind, quals, &own, ret);
}

status join_make(struct planner *p, struct join_rel *l, struct join_rel *r,
                 const struct join_way *w, struct conjuncts *quals, struct plan **ret) {
    struct hash_keys keys = {0};
    switch (w->method) {
    case JOIN_LATERAL: return make_lateral(p, l, r, w->kind, quals, ret);
    case JOIN_LOOKUP: return make_lookup(p, l, r, w->kind, quals, ret);
    case JOIN_PAIRS: return all_pairs(p, l->plan, r->plan, w->kind, quals, ret);
    case JOIN_MERGE: return merge_make(p, l, r, w, quals, ret);
    case JOIN_HASH: break;
    }
    TRY(find_keys(p, l, r, quals, &keys));
    return make_hash(p, l->plan, r->plan, w->kind, &keys, ret);
}
