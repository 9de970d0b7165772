/* Access paths: which index, if any, leads to the rows of a relation that satisfy conditions. */
#include <math.h>

#include "catalog/row_tid.h"
#include "plan/path.h"
#include "types/collator.h"
#include "types/key.h"

/* ---- paths ---- */

/* The same by another collation. */
static struct expr *collated(const struct path_search *s, struct expr *e, oid collation) {
    struct expr *c = expr_new_n(s->p->c->arena, EXPR_CAST, e->type, -1, 1);
    if (!c) return NULL;
    c->args[0] = e;
    c->typmod = e->typmod;
    c->collation = collation;
    c->cast.path.path = CAST_RELABEL;
    c->cast.is_collate = true;
    return c;
}

/* What key k of the path's index is, in terms of the query. */
static struct expr *key_expr(const struct path_search *s, const struct path *path, uint16_t k) {
    const struct key key = path_key(s, path, k);
    struct expr *e = key.expr;
    if (!e && key.att < 0) return system_column_var(s->p->c->arena, s->rte, key.att, -1);
    if (!e) {
        const struct rte_column *c = &s->p->query->rtes[s->rte]->columns[key.att - 1];
        e = expr_var(s->p->c->arena, s->rte, key.att, key.type, c->typmod, c->collation, -1);
    }
    if (!e || collator_of(e->collation) == key.compared->collator) return e;
    return collated(s, e, key.compared->collator ? path->index->collations[k] : COLLATION_C);
}

/* Entries of the same keys are in the order of the rows' own key, which they end in. */
static void order_by_row_key(const struct path_search *s, struct path *path) {
    const struct index_desc *x = s->r->primary;
    if (path->is_row_key || path->index->unique || !x) return;
    struct path own = {.index = x, .is_row_key = true};
    for (uint16_t k = 0; k < x->nkeys; k++) {
        struct expr *e = key_expr(s, &own, k);
        if (!e) return;
        path->order[path->norder++] = (struct order_key){.expr = e,
                                                         .descending = x->descending[k],
                                                         .nulls_first = x->nulls_first[k],
                                                         .never_null = true};
    }
}

/* The order in which the index gives rows: by its keys, of which those bound to one value do not
 * matter. Out of memory: none. */
void path_order(const struct path_search *s, struct path *path) {
    const struct index_desc *x = path->index;
    path->order =
        arena_array(s->p->c->arena, x->nkeys + (s->r->primary ? s->r->primary->nkeys : 0u),
                    sizeof *path->order);
    for (uint16_t k = 0; path->order && k < x->nkeys; k++) {
        bool bound = k < path->nequal && path->equal[k].use == USE_EQUAL;
        struct expr *e = key_expr(s, path, k);
        if (!e) return;
        path->order[path->norder++] = (struct order_key){e, x->descending[k], x->nulls_first[k],
                                                         bound, path_key(s, path, k).not_null};
    }
    if (path->order) order_by_row_key(s, path);
}

static void turn_around(struct path *path) {
    path->backward = !path->backward;
    for (uint16_t k = 0; k < path->norder; k++) {
        path->order[k].descending = !path->order[k].descending;
        path->order[k].nulls_first = !path->order[k].nulls_first;
    }
}

/* How much of the wish is fulfilled. Groups may come in any order, better in that of the keys. */
static uint32_t wish_prefix(const struct path_search *s, const struct path *path) {
    const struct order_wish *w = s->wish;
    uint32_t n = order_prefix(s->p, path->order, path->norder, w->keys, w->n);
    if (!w->grouping) return n;
    uint32_t any = order_set_prefix(s->p, path->order, path->norder, w->keys, w->n);
    return any << 16 | (any ? n : 0);
}

/* Whether the index gives rows in the wished order, or begins to, in this or the other direction.
 */
static void match_order(const struct path_search *s, struct path *path) {
    if (s->outer) return; /* for each outer row anew */
    path_order(s, path);
    if (!s->wish || s->wish->n == 0) return;
    uint32_t forth = wish_prefix(s, path);
    turn_around(path);
    uint32_t back = wish_prefix(s, path);
    if (back <= forth) turn_around(path);
    path->ordered = forth || back;
}

/* The part of the rows that the path's bounds lead to. */
static double bounds_selectivity(const struct path_search *s, const struct path *path) {
    struct expr *items[INDEX_COLUMNS_MAX + 2];
    struct conjuncts quals = {.items = items};
    for (uint16_t i = 0; i < path->nequal; i++)
        items[quals.n++] = s->quals->items[path->equal[i].qual];
    if (path->low.use) items[quals.n++] = s->quals->items[path->low.qual];
    if (path->high.use && (!path->low.use || path->low.qual != path->high.qual))
        items[quals.n++] = s->quals->items[path->high.qual];
    return conjuncts_selectivity(s->p, &quals);
}

/* Those that the index has entries for. */
static double path_rows(const struct path_search *s, const struct path *path) {
    double rows = relation_rows(s->r);
    if (path->meaning && path->meaning->predicate)
        rows *= selectivity(s->p, path->meaning->predicate);
    return rows < 1 ? 1 : rows;
}

static bool is_avoided(const struct path_search *s, const struct path *path) {
    bool bounded = path_is_bounded(path);
    if (!path->index || (path->is_row_key && !bounded && !path->ordered))
        return plan_avoids(s->p, WAY_SEQSCAN);
    return !path->index_only && plan_avoids(s->p, WAY_INDEXSCAN);
}

double descent_cost(const struct path_search *s) {
    return COST_DESCENT + COST_HALVING * log2(relation_rows(s->r) + 2) * price_of_work(s->p);
}

double path_touched(const struct path_search *s, const struct path *path, double *ret_probes) {
    *ret_probes = 1;
    for (uint16_t i = 0; i < path->nequal; i++) {
        if (path->equal[i].use == USE_LIST) *ret_probes = path->equal[i].value->nargs - 1;
        if (path->equal[i].use == USE_ARRAY) *ret_probes = 10;
    }
    double touched = path->point ? *ret_probes : path_rows(s, path) * bounds_selectivity(s, path);
    return touched < 1 ? 1 : touched;
}

static void cost_path(const struct path_search *s, struct path *path) {
    double probes, touched = path_touched(s, path, &probes);
    path->rows = relation_rows(s->r) * conjuncts_selectivity(s->p, s->quals);
    if (path->point && path->rows > touched) path->rows = touched;
    if (path->rows < 1) path->rows = 1;
    double per_row = !path->index || path->is_row_key ? COST_ROW * price_of_row(s->p)
                     : path->index_only               ? COST_ENTRY * price_of_entry(s->p)
                                                      : COST_INDEX_ROW * price_of_leap(s->p);
    double descents = path_is_bounded(path) ? probes * descent_cost(s) : 0;
    path->startup = is_avoided(s, path) ? COST_AVOIDED : 0;
    path->cost = path->startup + touched * per_row + descents + 1;
    path->finish = order_finish(s->p, s->wish, path->order, path->norder, path->rows, path->startup,
                                path->cost);
}

static bool uses_outer(const struct path_search *s, const struct path *path) {
    const struct match *all[INDEX_COLUMNS_MAX + 2];
    uint16_t n = 0;
    for (uint16_t i = 0; i < path->nequal; i++) all[n++] = &path->equal[i];
    if (path->low.use) all[n++] = &path->low;
    if (path->high.use) all[n++] = &path->high;
    for (uint16_t i = 0; i < n; i++) {
        struct rte_set used;
        struct expr *e = all[i]->value;
        if (all[i]->use == USE_LIST || all[i]->use == USE_ARRAY) e = e->args[1];
        if (ok(query_rtes_of(e, &used)) && rte_set_overlap(&used, s->outer)) return true;
    }
    return false;
}

static bool key_has(const struct index_desc *x, int16_t att) {
    for (uint16_t k = 0; x && k < x->nkeys; k++)
        if (x->columns[k] == att) return type_key_decodable(index_key_type(x, k));
    return false;
}

/* An entry has the columns of its index and of the row's key. */
static bool covers(const struct path_search *s, const struct index_desc *x) {
    const struct rte_plan *rp = &s->p->rtes[s->rte];
    if (rp->address || rp->system & ~(1 << -ATT_TABLEOID)) return false;
    for (uint16_t k = 0; k < x->nkeys; k++)
        if (x->columns[k] <= 0) return false; /* an expression's bytes are nobody's column */
    for (uint16_t i = 0; i < s->p->query->rtes[s->rte]->ncolumns; i++)
        if (rp->used[i] && !key_has(x, (int16_t)(i + 1)) &&
            !key_has(s->r->primary, (int16_t)(i + 1)))
            return false;
    return true;
}

static void consider(const struct path_search *s, struct path *path, struct path *best,
                     bool *have) {
    const struct index_desc *index = path->index;
    bool is_row_key = path->is_row_key, partial = path->meaning && path->meaning->predicate;
    if (index) {
        path_match(s, path);
        if (index == &row_tid_index && s->r->primary) /* rows are in another order */
            path->low.use = path->high.use = USE_NONE;
        else
            match_order(s, path);
        path->index_only = !is_row_key && !plan_avoids(s->p, WAY_INDEXONLYSCAN) && covers(s, index);
    }
    bool bounded = path_is_bounded(path);
    if (index && (!is_row_key || index == &row_tid_index) && !bounded && !path->ordered &&
        !partial && !path->index_only)
        return;
    if (s->outer && (!bounded || !uses_outer(s, path))) return;
    if (s->required && !path->ordered) return;
    cost_path(s, path);
    if (*have && path->finish >= best->finish) return;
    *best = *path;
    *have = true;
}

/* ---- computed indexes ---- */

/* With its literals in place of parameters the statement might have used a partial index. */
static void note_parameters(const struct path_search *s) {
    for (uint32_t i = 0; i < s->quals->n; i++)
        if (expr_contains_kind(s->quals->items[i], EXPR_PARAM))
            s->p->c->statement->literals_matter = true;
}

/* What the entry's indexes hold, made once. NULL: all are plain. */
static const struct index_meaning *meanings(const struct path_search *s) {
    struct rte_plan *rp = &s->p->rtes[s->rte];
    const struct index_meaning *all = s->p->query->rtes[s->rte]->indexes;
    if (rp->indexes || !all) return rp->indexes;
    struct index_meaning *here = arena_zalloc(s->p->c->arena, s->r->nindexes * sizeof *here);
    for (uint16_t i = 0; here && i < s->r->nindexes; i++)
        if (s->r->indexes[i].computed &&
            !ok(index_meaning_here(s->p, s->rte, &s->r->indexes[i], &all[i], &here[i])))
            return NULL;
    rp->indexes = here;
    return here;
}

bool index_sees_snapshot(struct planner *p, const struct index_desc *x) {
    struct plan_statement *s = p->c->statement;
    commit_time now = p->c->env->snapshot.time; /* 0: nobody reads */
    if (now && x->since > now) {
        s->past = true;
        return false;
    }
    if (x->since > s->since) s->since = x->since;
    return true;
}

/* The conditions leave none but rows that are in the index. */
static bool is_usable(const struct path_search *s, const struct index_desc *x,
                      const struct index_meaning *m) {
    if (!x->valid || (x->computed && !m) || !index_sees_snapshot(s->p, x)) return false;
    if (!m || !m->predicate || is_implied(s->p, s->quals, m->predicate)) return true;
    note_parameters(s);
    return false;
}

bool path_of_index(const struct path_search *s, uint16_t i, struct path *ret) {
    *ret = (struct path){.index = s->r->primary, .is_row_key = true};
    if (i == 0) return s->r->primary != NULL;
    const struct index_meaning *all = meanings(s);
    const struct index_desc *x = &s->r->indexes[i - 1];
    *ret = (struct path){.index = x, .meaning = all && x->computed ? &all[i - 1] : NULL};
    return is_usable(s, x, ret->meaning);
}

/* The cheapest way along one index or none. */
static bool best_path(const struct path_search *s, struct path *best) {
    bool have = false;
    struct path path = {0};
    if (!s->outer) consider(s, &path, best, &have);
    for (uint16_t i = 0; i <= s->r->nindexes; i++)
        if (path_of_index(s, i, &path)) consider(s, &path, best, &have);
    if (s->p->rtes[s->rte].system & 1 << -ATT_CTID) {
        path = (struct path){.index = &row_tid_index, .is_row_key = true};
        consider(s, &path, best, &have);
    }
    return have;
}

bool relation_lookup(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                     const struct rte_set *outer, double *ret_cost) {
    struct path_search s = {p, rte, p->query->rtes[rte]->relation, quals, outer, NULL, false};
    struct path best;
    if (!best_path(&s, &best)) return false;
    *ret_cost = best.cost;
    return true;
}

bool relation_lookup_heeds(struct planner *p, uint16_t rte, struct expr *qual,
                           const struct rte_set *outer) {
    struct conjuncts quals = {.n = 1, .items = &qual};
    struct path_search s = {p, rte, p->query->rtes[rte]->relation, &quals, outer, NULL, false};
    struct path path;
    for (uint16_t i = 0; i < s.r->nindexes; i++)
        if (s.r->indexes[i].predicate_text) return true; /* it may help to prove it */
    for (uint16_t i = 0; i <= s.r->nindexes; i++)
        if (path_of_index(&s, i, &path) && path_heeds(&s, &path)) return true;
    return false;
}

/* The row that a cursor stands on: found by its key, whatever way was best. */
static void one_row(struct plan *plan, const struct expr *e) {
    while (plan->kind != PLAN_SCAN && plan->left) plan = plan->left;
    if (plan->kind != PLAN_SCAN) return;
    plan->scan.index = 0;
    plan->scan.values = NULL;
    plan->scan.list = 0;
    plan->scan.array = plan->scan.has_low = plan->scan.has_high = false;
    plan->scan.row_key = e->constant.value.v;
    plan->index_name = NULL;
    plan->rows = 1;
    plan->cost = 1;
}

static status make_path(const struct path_search *s, struct plan **ret) {
    struct planner *p = s->p;
    const struct conjuncts *quals = s->quals;
    struct path *best;
    NEW(p, best);
    *ret = NULL;
    if (!best_path(s, best)) return s->outer || s->required ? OK : plan_memory(p);
    TRY(bitmap_path(s, best->finish, ret));
    if (*ret) return OK;
    TRY(scan_node(s, best, ret));
    for (uint32_t i = 0; i < quals->n; i++)
        if (quals->items[i]->kind == EXPR_CURRENT_OF) one_row(*ret, quals->items[i]);
    return OK;
}

status relation_path(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                     const struct rte_set *outer, const struct order_wish *wish,
                     struct plan **ret) {
    struct path_search s = {p, rte, p->query->rtes[rte]->relation, quals, outer, wish, false};
    return make_path(&s, ret);
}

status relation_ordered_path(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                             const struct order_wish *wish, struct plan **ret) {
    struct path_search s = {p, rte, p->query->rtes[rte]->relation, quals, NULL, wish, true};
    return make_path(&s, ret);
}
