/* How many rows there are, how many different values, and what joins leave of both. */
#include "plan/internal.h"

#define DEFAULT_ROWS 1000.0
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

static double guessed_values(double rows) {
    return rows > 0 && rows < DEFAULT_DISTINCT ? rows : DEFAULT_DISTINCT;
}

double distinct_values(struct planner *p, struct expr *e, double rows) {
    e = expr_strip_relabel(e);
    if (e->kind != EXPR_VAR || e->var.level != 0 || e->var.att <= 0) return guessed_values(rows);
    const struct relation *r = p->query->rtes[e->var.rte]->relation;
    if (!r) return guessed_values(rows);
    double total = relation_rows(r);
    if (single_unique(r, e->var.att)) return total;
    if (r->atts[e->var.att - 1].type == BOOLOID) return 2;
    const struct column_stats *stats;
    if (!r->is_catalog && ok(catalog_column_stats(p->c->env, r->oid, e->var.att, &stats)) &&
        stats->distinct != 0) {
        double n = stats->distinct > 0 ? stats->distinct : -stats->distinct * total;
        return n < 1 ? 1 : n;
    }
    double guess = total * 0.1;
    return guess > DEFAULT_DISTINCT ? DEFAULT_DISTINCT : guess < 1 ? 1 : guess;
}

double relation_estimate(struct planner *p, uint16_t rte, const struct conjuncts *quals) {
    double rows = relation_rows(p->query->rtes[rte]->relation);
    rows *= conjuncts_selectivity(p, quals);
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
