/* How many rows a condition leaves: PostgreSQL's default guesses, and what ANALYZE has counted. */
#include "plan/internal.h"

#define DEFAULT_ROWS 1000.0
#define DEFAULT_EQUAL 0.005
#define DEFAULT_RANGE 0.3333
#define DEFAULT_OTHER 0.5
#define DEFAULT_DISTINCT 200.0

double relation_rows(const struct relation *r) {
    if (r->reltuples > 0) return r->reltuples;
    return r->reltuples == 0 ? 10 : DEFAULT_ROWS;
}

static bool single_unique(const struct relation *r, int16_t att) {
    if (r->primary && r->primary->nkeys == 1 && r->primary->columns[0] == att) return true;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].unique && !r->indexes[i].computed && r->indexes[i].nkeys == 1 &&
            r->indexes[i].columns[0] == att)
            return true;
    return false;
}

double distinct_values(struct planner *p, struct expr *e, double rows) {
    e = expr_strip_relabel(e);
    if (e->kind != EXPR_VAR || e->var.level != 0 || e->var.att <= 0)
        return rows < DEFAULT_DISTINCT ? rows : DEFAULT_DISTINCT;
    const struct relation *r = p->query->rtes[e->var.rte]->relation;
    if (!r) return rows < DEFAULT_DISTINCT ? rows : DEFAULT_DISTINCT;
    double total = relation_rows(r);
    if (single_unique(r, e->var.att)) return total;
    if (r->atts[e->var.att - 1].type == BOOLOID) return 2;
    struct column_stats stats;
    if (!r->is_catalog && ok(catalog_column_stats(p->c->env, r->oid, e->var.att, &stats)) &&
        stats.distinct != 0) {
        double n = stats.distinct > 0 ? stats.distinct : -stats.distinct * total;
        return n < 1 ? 1 : n;
    }
    double guess = total * 0.1;
    return guess > DEFAULT_DISTINCT ? DEFAULT_DISTINCT : guess < 1 ? 1 : guess;
}

static double equal_selectivity(struct planner *p, struct expr *l, struct expr *r) {
    struct expr *x = expr_strip_relabel(l)->kind == EXPR_VAR ? l : r;
    x = expr_strip_relabel(x);
    if (x->kind != EXPR_VAR) return DEFAULT_EQUAL;
    return 1.0 / distinct_values(p, x, DEFAULT_ROWS);
}

static double call_selectivity(struct planner *p, struct expr *e) {
    const struct operator_info *op = e->call.op;
    if (!op || e->nargs != 2) return DEFAULT_OTHER;
    if (op->btree_strategy == 3) return equal_selectivity(p, e->args[0], e->args[1]);
    if (op->btree_strategy) return DEFAULT_RANGE;
    if (strcmp(op->name, "<>") == 0) return 1 - DEFAULT_EQUAL;
    if (op->name[0] == '~') return 0.01;
    return DEFAULT_OTHER;
}

static double bool_selectivity(struct planner *p, struct expr *e) {
    if (e->boolean == EXPR_NOT) return 1 - selectivity(p, e->args[0]);
    double s = e->boolean == EXPR_AND ? 1 : 0;
    for (uint16_t i = 0; i < e->nargs; i++) {
        double x = selectivity(p, e->args[i]);
        s = e->boolean == EXPR_AND ? s * x : s + x - s * x;
    }
    return s;
}

double selectivity(struct planner *p, struct expr *e) {
    switch (e->kind) {
    case EXPR_CONST: return !e->constant.is_null && e->constant.value.b ? 1 : 0;
    case EXPR_BOOL: return bool_selectivity(p, e);
    case EXPR_CALL: return call_selectivity(p, e);
    case EXPR_NULL_TEST: return e->negated ? 0.99 : 0.01;
    case EXPR_IN_LIST: {
        double s = equal_selectivity(p, e->args[0], e->args[0]) * (e->nargs - 1);
        if (s > 1) s = 1;
        return e->call.is_all ? 1 - s : s;
    }
    case EXPR_ARRAY_OP: {
        if (!e->call.op || e->call.op->btree_strategy != 3) return DEFAULT_OTHER;
        double s = equal_selectivity(p, e->args[0], e->args[0]) * 10;
        return s > 1 ? 1 : s;
    }
    default: return DEFAULT_OTHER;
    }
}

double relation_estimate(struct planner *p, uint16_t rte, const struct conjuncts *quals) {
    double rows = relation_rows(p->query->rtes[rte]->relation);
    for (uint32_t i = 0; i < quals->n; i++) rows *= selectivity(p, quals->items[i]);
    return rows < 1 ? 1 : rows;
}

/* ---- joins ---- */

/* Different values that a part's rows have left of e; conditions on the part leave no more values
 * than rows. */
static double part_values(struct planner *p, struct expr *e, struct join_rel *const *parts,
                          uint16_t nparts) {
    struct rte_set used;
    double n = distinct_values(p, e, DEFAULT_ROWS);
    if (!ok(query_rtes_of(e, &used))) return n;
    for (uint16_t i = 0; i < nparts; i++)
        if (rte_set_subset(&used, &parts[i]->rtes) && n > parts[i]->rows) n = parts[i]->rows;
    return n < 1 ? 1 : n;
}

static bool of_one_part(struct expr *e, struct join_rel *const *parts, uint16_t nparts) {
    struct rte_set used;
    if (!ok(query_rtes_of(e, &used))) return false;
    for (uint16_t i = 0; i < nparts; i++)
        if (rte_set_subset(&used, &parts[i]->rtes)) return true;
    return false;
}

/* An OR over several parts: what its arms say of one part alone has been asked before. */
static double join_or_selectivity(struct planner *p, struct expr *e, struct join_rel *const *parts,
                                  uint16_t nparts) {
    double s = e->boolean == EXPR_AND ? 1 : 0;
    for (uint16_t i = 0; i < e->nargs; i++) {
        double x = of_one_part(e->args[i], parts, nparts)
                       ? 1
                       : join_selectivity(p, e->args[i], parts, nparts);
        s = e->boolean == EXPR_AND ? s * x : s + x - s * x;
    }
    return s;
}

double join_selectivity(struct planner *p, struct expr *e, struct join_rel *const *parts,
                        uint16_t nparts) {
    if (e->kind == EXPR_BOOL && e->boolean != EXPR_NOT)
        return join_or_selectivity(p, e, parts, nparts);
    if (e->kind != EXPR_CALL || !e->call.op || e->call.op->btree_strategy != 3 || e->nargs != 2)
        return selectivity(p, e);
    double a = part_values(p, e->args[0], parts, nparts);
    double b = part_values(p, e->args[1], parts, nparts);
    return 1 / (a > b ? a : b);
}

static bool equates(struct expr *e, int32_t rte, int16_t att) {
    if (e->kind != EXPR_CALL || !e->call.op || e->call.op->btree_strategy != 3) return false;
    for (uint16_t i = 0; i < e->nargs; i++) {
        const struct expr *v = expr_strip_relabel(e->args[i]);
        if (v->kind == EXPR_VAR && v->var.level == 0 && v->var.rte == rte && v->var.att == att)
            return true;
    }
    return false;
}

static bool names_key(const struct index_desc *x, int32_t rte, const struct conjuncts *quals) {
    if (!x->unique || x->predicate_text) return false;
    for (uint16_t k = 0; k < x->nkeys; k++) {
        uint32_t i = 0;
        while (i < quals->n && !equates(quals->items[i], rte, x->columns[k])) i++;
        if (i == quals->n) return false;
    }
    return true;
}

double unique_selectivity(struct planner *p, const struct join_rel *r,
                          const struct conjuncts *quals) {
    if (r->base < 0) return 0;
    const struct relation *rel = p->query->rtes[r->base]->relation;
    bool unique = rel->primary && names_key(rel->primary, r->base, quals);
    for (uint16_t i = 0; i < rel->nindexes && !unique; i++)
        unique = names_key(&rel->indexes[i], r->base, quals);
    return unique ? 1 / relation_rows(rel) : 0;
}
