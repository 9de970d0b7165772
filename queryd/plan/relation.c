/* Access paths: which index, if any, leads to the rows of a relation that satisfy conditions. */
#include <math.h>

#include "plan/internal.h"
#include "types/key.h"

#define COST_ROW 1.0
#define COST_INDEX_ROW 10.0 /* an entry of another index, and the row it leads to */
#define COST_ENTRY 1.0      /* an entry alone */
#define COST_DESCENT 2.0    /* of a tree's root, … */
#define COST_HALVING 0.9    /* … and of every halving on the way to a key */

enum match_use { USE_NONE, USE_EQUAL, USE_LIST, USE_ARRAY, USE_LOW, USE_HIGH };

/* A condition on one column that bounds an index: column op value. */
struct match {
    enum match_use use;
    struct expr *value; /* LIST: the IN_LIST itself */
    bool exclusive;
    uint8_t convert;
    oid from;
    bool exact;   /* need not be checked again */
    bool is_null; /* EQUAL: to nothing, IS NULL */
    uint32_t qual;
};

struct path {
    const struct index_desc *index;      /* NULL: no index, the rows in their own order */
    const struct index_meaning *meaning; /* of a computed index, in terms of the query */
    bool is_row_key;
    uint16_t nequal;
    struct match equal[INDEX_COLUMNS_MAX];
    struct match low, high; /* of the column after those */
    bool point;
    bool ordered; /* as wished, or in part */
    bool backward;
    uint16_t norder;
    struct order_key *order;
    bool index_only;
    double rows, startup, cost;
    double finish; /* with what sorting is left to do */
};

/* What an index is ordered by. */
struct key {
    int16_t att;       /* 0: an expression */
    struct expr *expr; /* that */
    oid type, collation;
    bool not_null;
};

struct path_search {
    struct planner *p;
    uint16_t rte;
    const struct relation *r;
    const struct conjuncts *quals;
    const struct rte_set *outer;
    const struct order_wish *wish; /* NULL: any order will do */
    bool required;                 /* … or nothing else will */
};

/* ---- conditions ---- */

static bool is_integer(oid t) {
    return t == INT2OID || t == INT4OID || t == INT8OID;
}

static bool same_order(oid column, oid value, uint8_t *ret_convert) {
    *ret_convert = KEY_SAME;
    if (column == value) return true;
    if (is_integer(column) && is_integer(value)) {
        *ret_convert = KEY_INTEGER;
        return true;
    }
    const struct type *c = type_find(column), *v = type_find(value);
    if (!c || !v || c->category != v->category) return false;
    bool texts =
        (column == VARCHAROID && value == TEXTOID) || (column == TEXTOID && value == VARCHAROID);
    bool oids = c->family == v->family && c->byval && c->len == 4 && c->len == v->len &&
                !is_integer(column) && column != FLOAT4OID && column != DATEOID;
    return texts || oids;
}

/* The value must be there before the scan begins: no column of the relation itself, and of others
 * only those that the outer side gives. */
static bool value_available(const struct path_search *s, struct expr *e) {
    struct rte_set used;
    if (!ok(query_rtes_of(e, &used))) return false;
    if (expr_volatility(e) == 'v' || expr_contains_set(e)) return false;
    if (rte_set_empty(&used)) return true;
    return s->outer && rte_set_subset(&used, s->outer);
}

static struct key key_at(const struct path_search *s, const struct path *path, uint16_t k) {
    const struct index_desc *x = path->index;
    struct key key = {.att = x->columns[k], .type = x->types[k], .collation = x->collations[k]};
    if (key.att > 0)
        key.not_null = s->r->atts[key.att - 1].not_null;
    else
        key.expr = path->meaning->keys[k];
    return key;
}

static bool is_key(const struct path_search *s, struct expr *e, const struct key *k) {
    if (k->expr && expr_equal(e, k->expr)) return true;
    e = expr_strip_relabel(e);
    if (k->expr) return expr_equal(e, expr_strip_relabel(k->expr));
    return e->kind == EXPR_VAR && e->var.level == 0 && e->var.rte == s->rte && e->var.att == k->att;
}

static void match_call(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    const struct operator_info *op = e->call.op;
    if (!op || e->nargs != 2 || !op->btree_strategy) return;
    uint8_t strategy = op->btree_strategy;
    struct expr *value = e->args[1];
    if (!is_key(s, e->args[0], key)) {
        if (!is_key(s, e->args[1], key)) return;
        value = e->args[0];
        strategy = (uint8_t)(6 - strategy);
    }
    if (!same_order(key->type, value->type, &m->convert)) return;
    if (!value_available(s, value)) return;
    m->value = value;
    m->from = value->type;
    m->exclusive = strategy == 1 || strategy == 5;
    m->use = strategy == 3 ? USE_EQUAL : strategy < 3 ? USE_HIGH : USE_LOW;
    m->exact = strategy == 3;
}

static void match_list(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (e->call.is_all || !e->call.op || e->call.op->btree_strategy != 3) return;
    if (!is_key(s, e->args[0], key)) return;
    bool array = e->kind == EXPR_ARRAY_OP;
    const struct type *t = type_find(e->args[1]->type);
    oid from = array ? (t ? t->element : 0) : e->args[1]->type;
    if (array && (!t || t->len != -1)) return;
    if (!same_order(key->type, from, &m->convert)) return;
    for (uint16_t i = 1; i < e->nargs; i++)
        if (!value_available(s, e->args[i])) return;
    m->value = e;
    m->from = from;
    m->use = array ? USE_ARRAY : USE_LIST;
    m->exact = true;
}

/* A condition that is itself the boolean column or expression. */
static void match_bool(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (key->type != BOOLOID || !is_key(s, e, key)) return;
    m->value = expr_bool_const(s->p->c->arena, true);
    m->from = BOOLOID;
    m->use = m->value ? USE_EQUAL : USE_NONE;
    m->exact = true;
}

static void match_null(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (e->negated || type_is_composite(type_below(type_find(e->args[0]->type))) ||
        !is_key(s, e->args[0], key))
        return;
    m->value = expr_const(s->p->c->arena, key->type, (datum){0}, true, -1);
    m->from = key->type;
    m->use = m->value ? USE_EQUAL : USE_NONE;
    m->exact = m->is_null = true;
}

#define OPERATOR_TEXT_LIKE 1209
#define COLLATION_DEFAULT 100 /* databases are of collation C */
#define COLLATION_C 950
#define COLLATION_POSIX 951

/* text LIKE 'begin%': a range of an index in the order of bytes. */
static bool is_like(const struct path_search *s, const struct expr *e, const struct key *key) {
    bool bytes = key->type == TEXTOID || key->type == VARCHAROID;
    bool ordered = key->collation == COLLATION_DEFAULT || key->collation == COLLATION_C ||
                   key->collation == COLLATION_POSIX;
    return e->kind == EXPR_CALL && e->call.op && e->call.op->oid == OPERATOR_TEXT_LIKE && bytes &&
           ordered && is_key(s, e->args[0], key);
}

static struct match match_like(const struct path_search *s, uint32_t qual, const struct key *key,
                               enum match_use use) {
    const struct expr *e = s->quals->items[qual];
    struct match m = {.use = USE_NONE, .qual = qual, .from = TEXTOID};
    struct expr *low, *high;
    bool equal;
    if (!is_like(s, e, key)) return m;
    const struct expr *pattern = expr_strip_relabel(e->args[1]);
    if (pattern->kind == EXPR_PARAM) s->p->c->statement->literals_matter = true;
    if (pattern->kind != EXPR_CONST || pattern->constant.is_null ||
        !ok(like_bounds(s->p, pattern->constant.value.v, &low, &high, &equal)) || !low)
        return m;
    m.value = use == USE_HIGH ? high : low;
    m.exclusive = use == USE_HIGH;
    if (m.value && equal == (use == USE_EQUAL)) m.use = use;
    return m;
}

static struct match match_qual(const struct path_search *s, uint32_t qual, const struct key *key) {
    struct expr *e = s->quals->items[qual];
    struct match m = {.use = USE_NONE, .qual = qual};
    if (e->kind == EXPR_CALL)
        match_call(s, e, key, &m);
    else if (e->kind == EXPR_IN_LIST || e->kind == EXPR_ARRAY_OP)
        match_list(s, e, key, &m);
    else if (e->kind == EXPR_NULL_TEST)
        match_null(s, e, key, &m);
    if (m.use == USE_NONE) match_bool(s, e, key, &m);
    return m;
}

/* ---- paths ---- */

static struct match find_match(const struct path_search *s, const struct key *key,
                               enum match_use first, enum match_use last) {
    for (uint32_t i = 0; i < s->quals->n; i++) {
        struct match m = match_qual(s, i, key);
        if (m.use != USE_NONE && m.use >= first && m.use <= last) return m;
    }
    for (uint32_t i = 0; i < s->quals->n; i++) {
        if (first == USE_LIST) break;
        struct match m = match_like(s, i, key, first);
        if (m.use != USE_NONE) return m;
    }
    return (struct match){.use = USE_NONE};
}

static void match_columns(const struct path_search *s, struct path *path) {
    const struct index_desc *x = path->index;
    for (uint16_t k = 0; k < x->nkeys; k++) {
        struct key key = key_at(s, path, k);
        struct match m = find_match(s, &key, USE_EQUAL, USE_EQUAL);
        if (m.use == USE_NONE) m = find_match(s, &key, USE_LIST, USE_ARRAY);
        if (m.use == USE_NONE) {
            path->low = find_match(s, &key, USE_LOW, USE_LOW);
            path->high = find_match(s, &key, USE_HIGH, USE_HIGH);
            return;
        }
        path->equal[path->nequal++] = m;
        if (m.use != USE_EQUAL) break;
    }
    path->point = x->unique && path->nequal == x->nkeys;
    for (uint16_t k = 0; k < path->nequal; k++) path->point &= !path->equal[k].is_null;
}

/* What key k of the path's index is, in terms of the query. */
static struct expr *key_expr(const struct path_search *s, const struct path *path, uint16_t k) {
    const struct key key = key_at(s, path, k);
    if (key.expr) return key.expr;
    const struct rte_column *c = &s->p->query->rtes[s->rte]->columns[key.att - 1];
    return expr_var(s->p->c->arena, s->rte, key.att, key.type, c->typmod, c->collation, -1);
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
static void path_order(const struct path_search *s, struct path *path) {
    const struct index_desc *x = path->index;
    path->order =
        arena_array(s->p->c->arena, x->nkeys + (s->r->primary ? s->r->primary->nkeys : 0u),
                    sizeof *path->order);
    for (uint16_t k = 0; path->order && k < x->nkeys; k++) {
        bool bound = k < path->nequal && path->equal[k].use == USE_EQUAL;
        struct expr *e = key_expr(s, path, k);
        if (!e) return;
        path->order[path->norder++] = (struct order_key){e, x->descending[k], x->nulls_first[k],
                                                         bound, key_at(s, path, k).not_null};
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
    bool bounded = path->nequal || path->low.use || path->high.use;
    if (!path->index || (path->is_row_key && !bounded && !path->ordered))
        return plan_avoids(s->p, WAY_SEQSCAN);
    return !path->index_only && plan_avoids(s->p, WAY_INDEXSCAN);
}

static double descent_cost(const struct path_search *s) {
    return COST_DESCENT + COST_HALVING * log2(relation_rows(s->r) + 2) * price_of_work(s->p);
}

static void cost_path(const struct path_search *s, struct path *path) {
    double rows = path_rows(s, path);
    double probes = 1;
    for (uint16_t i = 0; i < path->nequal; i++) {
        if (path->equal[i].use == USE_LIST) probes = path->equal[i].value->nargs - 1;
        if (path->equal[i].use == USE_ARRAY) probes = 10;
    }
    double touched = path->point ? probes : rows * bounds_selectivity(s, path);
    if (touched < 1) touched = 1;
    path->rows = relation_rows(s->r) * conjuncts_selectivity(s->p, s->quals);
    if (path->point && path->rows > touched) path->rows = touched;
    if (path->rows < 1) path->rows = 1;
    double per_row = !path->index || path->is_row_key ? COST_ROW * price_of_row(s->p)
                     : path->index_only               ? COST_ENTRY * price_of_entry(s->p)
                                                      : COST_INDEX_ROW * price_of_leap(s->p);
    bool bounded = path->nequal || path->low.use || path->high.use;
    path->startup = is_avoided(s, path) ? COST_AVOIDED : 0;
    path->cost = path->startup + touched * per_row + (bounded ? probes * descent_cost(s) : 0) + 1;
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

static bool key_has(const struct path_search *s, const struct index_desc *x, int16_t att) {
    for (uint16_t k = 0; x && k < x->nkeys; k++)
        if (x->columns[k] == att) return type_key_decodable(type_find(s->r->atts[att - 1].type));
    return false;
}

/* An entry has the columns of its index and of the row's key. */
static bool covers(const struct path_search *s, const struct index_desc *x) {
    const struct rte_plan *rp = &s->p->rtes[s->rte];
    if (rp->address) return false;
    for (uint16_t k = 0; k < x->nkeys; k++)
        if (x->columns[k] <= 0) return false; /* an expression's bytes are nobody's column */
    for (uint16_t i = 0; i < s->p->query->rtes[s->rte]->ncolumns; i++)
        if (rp->used[i] && !key_has(s, x, (int16_t)(i + 1)) &&
            !key_has(s, s->r->primary, (int16_t)(i + 1)))
            return false;
    return true;
}

static void consider(const struct path_search *s, const struct index_desc *index,
                     const struct index_meaning *meaning, bool is_row_key, struct path *best,
                     bool *have) {
    struct path one = {.index = index, .meaning = meaning, .is_row_key = is_row_key}, *path = &one;
    if (index) {
        match_columns(s, path);
        match_order(s, path);
        path->index_only = !is_row_key && !plan_avoids(s->p, WAY_INDEXONLYSCAN) && covers(s, index);
    }
    bool bounded = path->nequal || path->low.use || path->high.use;
    bool partial = meaning && meaning->predicate;
    if (index && !is_row_key && !bounded && !path->ordered && !partial && !path->index_only) return;
    if (s->outer && (!bounded || !uses_outer(s, path))) return;
    if (s->required && !path->ordered) return;
    cost_path(s, path);
    if (*have && path->finish >= best->finish) return;
    *best = *path;
    *have = true;
}

/* ---- the operator ---- */

static void key_of(const struct path *path, uint16_t k, const struct match *m,
                   struct plan_key *ret) {
    const struct index_desc *x = path->index;
    ret->type = x->types[k];
    ret->from = m->from;
    ret->convert = m->convert;
    ret->is_null = m->is_null;
    ret->descending = x->descending[k];
    ret->nulls_first = x->nulls_first[k];
}

/* Values of other entries become parameters of the join above. */
static status outer_value(struct expr *e, void *arg, struct expr **ret) {
    struct planner *p = arg;
    if (e->kind == EXPR_VAR && e->var.level == 0) return request_outer(p, e, ret);
    return OK;
}

static status add_value(const struct path_search *s, struct plan *node, struct expr *e,
                        struct expr **values, uint16_t *n) {
    TRY(expr_map(s->p->c->arena, e, outer_value, s->p, &values[*n]));
    TRY(note_outers(node, values[*n]));
    (*n)++;
    return OK;
}

static status add_equal(const struct path_search *s, struct plan *node, const struct match *m,
                        struct expr **values, uint16_t *n) {
    struct plan_scan *scan = &node->scan;
    if (m->use == USE_LIST) {
        scan->list = (uint16_t)(m->value->nargs - 1);
        for (uint16_t i = 1; i < m->value->nargs; i++)
            TRY(add_value(s, node, m->value->args[i], values, n));
        return OK;
    }
    if (m->use == USE_ARRAY) {
        scan->array = true;
        scan->array_element = type_find(m->from);
        return add_value(s, node, m->value->args[1], values, n);
    }
    return add_value(s, node, m->value, values, n);
}

static status scan_bounds(const struct path_search *s, const struct path *path, struct plan *node) {
    struct planner *p = s->p;
    struct plan_scan *scan = &node->scan;
    uint16_t room = (uint16_t)(path->nequal + 2), n = 0;
    for (uint16_t i = 0; i < path->nequal; i++)
        if (path->equal[i].use == USE_LIST) room = (uint16_t)(room + path->equal[i].value->nargs);
    struct expr **values;
    NEW_N(p, values, room);
    NEW_N(p, scan->keys, path->nequal + 2);
    scan->nequal = path->nequal;
    for (uint16_t i = 0; i < path->nequal; i++) {
        key_of(path, i, &path->equal[i], &scan->keys[i]);
        TRY(add_equal(s, node, &path->equal[i], values, &n));
    }
    static const struct match none = {0};
    const struct match *low = &path->low, *high = &path->high;
    if (low->use || high->use)
        key_of(path, path->nequal, low->use ? low : high, &scan->keys[path->nequal]);
    if (low->use && high->use && low->from != high->from) high = &none;
    if (low->use) TRY(add_value(s, node, low->value, values, &n));
    if (high->use) TRY(add_value(s, node, high->value, values, &n));
    scan->has_low = low->use != USE_NONE;
    scan->has_high = high->use != USE_NONE;
    scan->low_exclusive = low->exclusive;
    scan->high_exclusive = high->exclusive;
    return program_compile(p->c->arena, values, n, 0, &scan->values);
}

static status scan_columns(const struct path_search *s, struct plan *node) {
    struct planner *p = s->p;
    const struct rte_plan *rp = &p->rtes[s->rte];
    const struct rte *e = p->query->rtes[s->rte];
    uint16_t n = 0;
    NEW_N(p, node->scan.atts, e->ncolumns + 3);
    NEW_N(p, node->types, e->ncolumns + 3);
    NEW_N(p, node->out, e->ncolumns + 3);
    for (uint16_t i = 0; i < e->ncolumns; i++) {
        if (!rp->used[i]) continue;
        const struct rte_column *c = &e->columns[i];
        oid type = c->type ? c->type : s->r->atts[i].type;
        node->scan.atts[n] = (int16_t)(i + 1);
        node->scan.wanted = (uint16_t)(i + 1);
        node->types[n] = type_find(type);
        NEEDS(p, node->out[n] = expr_var(p->c->arena, s->rte, (int16_t)(i + 1), type, c->typmod,
                                         c->collation, -1));
        n++;
    }
    if (rp->tableoid) {
        node->scan.atts[n] = ATT_TABLEOID;
        node->types[n] = type_find(OIDOID);
        NEEDS(p, node->out[n] = expr_var(p->c->arena, s->rte, ATT_TABLEOID, OIDOID, -1, 0, -1));
        n++;
    }
    if (rp->address) {
        node->scan.atts[n] = ATT_ADDRESS;
        node->types[n] = type_find(BYTEAOID);
        NEEDS(p, node->out[n] = expr_var(p->c->arena, s->rte, ATT_ADDRESS, BYTEAOID, -1, 0, -1));
        n++;
    }
    node->ncolumns = n;
    return OK;
}

/* What the bounds do not make sure of. */
static status residual(const struct path_search *s, const struct path *path, struct plan *node) {
    struct conjuncts left = {0};
    for (uint32_t i = 0; i < s->quals->n; i++) {
        bool done = false;
        for (uint16_t k = 0; k < path->nequal; k++)
            done |= path->equal[k].qual == i && path->equal[k].exact;
        if (done) continue;
        struct expr *e = s->quals->items[i];
        if (s->outer) {
            struct rte_set used, own = {0};
            rte_set_add(&own, s->rte);
            TRY(query_rtes_of(e, &used));
            if (!rte_set_subset(&used, &own)) continue; /* the join checks it */
        }
        TRY(conjuncts_add(s->p, &left, e));
    }
    return compile_conjuncts(s->p, node, &left, node, NULL, &node->filter);
}

static status scan_node(const struct path_search *s, const struct path *path, struct plan **ret) {
    struct planner *p = s->p;
    struct plan *node;
    TRY(plan_new(p, PLAN_SCAN, NULL, NULL, 0, &node));
    node->scan.relation = relation_index(p, s->r->oid);
    node->scan.index = path->index && !path->is_row_key ? path->index->oid : 0;
    node->scan.is_row_key = path->is_row_key;
    node->scan.point = path->point;
    node->scan.index_only = path->index_only;
    node->scan.backward = path->backward;
    TRY(scan_columns(s, node));
    node->scan.only_keys = node->scan.wanted == 0;
    if (path->index) TRY(scan_bounds(s, path, node));
    TRY(residual(s, path, node));
    node->order = path->order;
    node->norder = path->norder;
    node->rows = path->rows;
    node->cost = path->cost;
    node->startup = path->startup;
    NEEDS(p, node->name = arena_strdup(p->c->arena, s->r->name));
    bool shown = path->index && (path->nequal || path->low.use || path->high.use || path->ordered ||
                                 path->meaning || path->index_only);
    if (shown) NEEDS(p, node->index_name = arena_strdup(p->c->arena, path->index->name));
    *ret = node;
    return OK;
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

/* The conditions leave none but rows that are in the index. */
static bool is_usable(const struct path_search *s, const struct index_desc *x,
                      const struct index_meaning *m) {
    if (!x->valid || (x->computed && !m)) return false;
    if (!m || !m->predicate || is_implied(s->p, s->quals, m->predicate)) return true;
    note_parameters(s);
    return false;
}

/* The cheapest way. */
static bool best_path(const struct path_search *s, struct path *best) {
    bool have = false;
    const struct index_meaning *all = meanings(s);
    if (!s->outer) consider(s, NULL, NULL, false, best, &have);
    if (s->r->primary) consider(s, s->r->primary, NULL, true, best, &have);
    for (uint16_t i = 0; i < s->r->nindexes; i++) {
        const struct index_desc *x = &s->r->indexes[i];
        const struct index_meaning *m = all && x->computed ? &all[i] : NULL;
        if (is_usable(s, x, m)) consider(s, x, m, false, best, &have);
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
