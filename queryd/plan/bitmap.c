/* Rows by way of several indexes, or of one that would lead to them in an order that jumps about:
 * the rows' keys are gathered first (BitmapAnd, BitmapOr, Bitmap Index Scan), then the rows are
 * read in the order of their keys (Bitmap Heap Scan). A bitmap here is a sorted set of keys. */
#include <math.h>

#include "plan/path.h"

#define COST_START 200.0 /* of a set */
#define COST_KEY 1.5     /* of a key, put into the set */
#define COST_SORT 0.1    /* … and sorted, for every doubling of their number */
#define COST_LEAF 8.0    /* of a leaf that is copied for several rows */
#define COST_FETCH 2.0   /* of a row in it */
#define COST_GET 7.0     /* of a row alone */
#define ROWS_PER_LEAF 60.0

#define QUALS_MAX 64u
#define WAYS_MAX 32u

/* How keys are found. */
struct way {
    enum plan_kind kind; /* SCAN, BITMAP_AND, BITMAP_OR */
    const struct path_search *search;
    struct path path; /* SCAN */
    struct way *left, *right;
    double rows, cost;
    uint64_t quals; /* of the conditions at hand, those that it makes sure of */
};

struct ways {
    uint32_t n;
    struct way *items[WAYS_MAX];
};

static status find_way(const struct path_search *s, uint32_t own, struct way **ret);

/* Rows that lie anywhere meet leaves * (1 - (1 - 1/leaves)^rows) leaves (Cardenas: Analysis and
 * Performance of Inverted Data Base Structures, CACM 1975), which is this for more than a few. */
static double fetch_cost(const struct path_search *s, double rows) {
    double leaves = s->r->relpages ? (double)s->r->relpages : relation_rows(s->r) / ROWS_PER_LEAF;
    if (leaves < 1) leaves = 1;
    double read = leaves * (1 - exp(-rows / leaves)) * COST_LEAF * price_of_leap(s->p);
    double copied = read + rows * COST_FETCH * price_of_tuple(s->p);
    double alone = rows * COST_GET * price_of_leap(s->p);
    return copied < alone ? copied : alone;
}

static double whole_cost(const struct path_search *s, const struct way *w) {
    return COST_START + w->cost + fetch_cost(s, w->rows);
}

static double keys_cost(const struct path_search *s, double keys) {
    return keys * (COST_KEY + COST_SORT * log2(keys + 1)) * price_of_work(s->p);
}

static void add_way(struct ways *all, struct way *w) {
    if (w && all->n < WAYS_MAX) all->items[all->n++] = w;
}

/* ---- one index ---- */

static uint64_t bit(uint32_t qual) {
    return qual < QUALS_MAX ? (uint64_t)1 << qual : 0;
}

static uint64_t first_bits(uint32_t n) {
    return n < QUALS_MAX ? bit(n) - 1 : UINT64_MAX;
}

static uint64_t quals_of(const struct path *path) {
    uint64_t all = 0;
    for (uint16_t i = 0; i < path->nequal; i++) all |= bit(path->equal[i].qual);
    if (path->low.use) all |= bit(path->low.qual);
    if (path->high.use) all |= bit(path->high.qual);
    return all;
}

static status index_way(const struct path_search *s, uint16_t i, uint64_t own, struct ways *all) {
    struct planner *p = s->p;
    struct path path;
    struct way *w;
    double probes;
    if (!path_of_index(s, i, &path)) return OK;
    path_match(s, &path);
    if (!(quals_of(&path) & own)) return OK;
    NEW(p, w);
    *w = (struct way){.kind = PLAN_SCAN, .search = s, .path = path, .quals = quals_of(&path)};
    w->rows = path_touched(s, &path, &probes);
    w->cost = w->rows * COST_ENTRY * price_of_entry(s->p) + keys_cost(s, w->rows) +
              probes * descent_cost(s);
    add_way(all, w);
    return OK;
}

/* ---- several ---- */

static status combine(const struct path_search *s, enum plan_kind kind, struct way *left,
                      struct way *right, struct way **ret) {
    struct planner *p = s->p;
    struct way *w;
    double total = relation_rows(s->r);
    NEW(p, w);
    *w = (struct way){.kind = kind, .search = s, .left = left, .right = right};
    w->cost = left->cost + right->cost;
    w->quals = left->quals | right->quals;
    if (kind == PLAN_BITMAP_AND) {
        w->rows = left->rows * right->rows / total;
        if (w->rows < 1) w->rows = 1;
        w->cost += keys_cost(s, w->rows);
    } else {
        w->rows = left->rows + right->rows;
        if (w->rows > total) w->rows = total;
    }
    *ret = w;
    return OK;
}

static bool is_or(const struct expr *e) {
    return e->kind == EXPR_BOOL && e->boolean == EXPR_OR && expr_volatility(e) != 'v';
}

/* The conditions of one arm, then the others that hold beside the OR. */
static status search_arm(const struct path_search *s, struct expr *e, const struct expr *arm,
                         struct path_search **ret, uint32_t *ret_own) {
    struct planner *p = s->p;
    struct conjuncts *quals;
    NEW(p, quals);
    TRY(conjuncts_add(p, quals, (struct expr *)arm));
    *ret_own = quals->n;
    for (uint32_t i = 0; i < s->quals->n; i++)
        if (s->quals->items[i] != e && !is_or(s->quals->items[i]))
            TRY(conjuncts_add(p, quals, s->quals->items[i]));
    NEW(p, *ret);
    **ret = *s;
    (*ret)->quals = quals;
    return OK;
}

/* Every arm has to lead to an index. */
static status or_way(const struct path_search *s, uint32_t qual, struct ways *all) {
    struct expr *e = s->quals->items[qual];
    struct way *whole = NULL;
    for (uint16_t i = 0; i < e->nargs; i++) {
        struct path_search *arm;
        struct way *w;
        uint32_t own;
        TRY(search_arm(s, e, e->args[i], &arm, &own));
        TRY(find_way(arm, own, &w));
        if (!w) return OK;
        if (whole) TRY(combine(s, PLAN_BITMAP_OR, whole, w, &w));
        whole = w;
    }
    if (!whole || whole->kind != PLAN_BITMAP_OR) return OK;
    whole->quals = bit(qual);
    add_way(all, whole);
    return OK;
}

/* The way, and what of the others makes it cheaper: each adds its keys and leaves fewer rows. */
static status join_ways(const struct path_search *s, const struct ways *all, uint32_t first,
                        struct way **ret) {
    struct way *best = all->items[first];
    for (uint32_t i = 0; i < all->n; i++) {
        struct way *both;
        if (all->items[i]->quals & best->quals) continue;
        TRY(combine(s, PLAN_BITMAP_AND, best, all->items[i], &both));
        if (whole_cost(s, both) < whole_cost(s, best)) best = both;
    }
    *ret = best;
    return OK;
}

/* The cheapest way that uses one of the first `own` conditions; *ret NULL: there is none. */
static status find_way(const struct path_search *s, uint32_t own, struct way **ret) {
    struct planner *p = s->p;
    struct ways all = {0};
    *ret = NULL;
    if (coro_stack_left() < STACK_MARGIN_BYTES) return plan_stack(p);
    for (uint16_t i = 0; i <= s->r->nindexes; i++) TRY(index_way(s, i, first_bits(own), &all));
    for (uint32_t i = 0; i < own && i < QUALS_MAX; i++)
        if (is_or(s->quals->items[i])) TRY(or_way(s, i, &all));
    for (uint32_t i = 0; i < all.n; i++) {
        struct way *w;
        TRY(join_ways(s, &all, i, &w));
        if (!*ret || whole_cost(s, w) < whole_cost(s, *ret)) *ret = w;
    }
    return OK;
}

/* ---- operators ---- */

static status keys_node(const struct way *w, struct plan **ret) {
    struct planner *p = w->search->p;
    struct plan *node;
    TRY(plan_new(p, PLAN_SCAN, NULL, NULL, 1, &node));
    node->scan.relation = relation_index(p, w->search->r->oid);
    node->scan.index = w->path.is_row_key ? 0 : w->path.index->oid;
    node->scan.is_row_key = w->path.is_row_key;
    node->scan.point = w->path.point;
    node->scan.key_source = true;
    NEW_N(p, node->scan.atts, 1);
    node->scan.atts[0] = 0; /* no attribute */
    TRY(scan_bounds(w->search, &w->path, node));
    NEEDS(p, node->name = node->index_name = arena_strdup(p->c->arena, w->path.index->name));
    *ret = node;
    return OK;
}

static status way_node(const struct way *w, struct plan **ret) {
    struct planner *p = w->search->p;
    struct plan *left, *right;
    if (w->kind == PLAN_SCAN) {
        TRY(keys_node(w, ret));
    } else {
        TRY(way_node(w->left, &left));
        TRY(way_node(w->right, &right));
        TRY(plan_new(p, w->kind, left, right, 1, ret));
    }
    (*ret)->types[0] = type_find(BYTEAOID);
    (*ret)->rows = w->rows;
    (*ret)->cost = (*ret)->startup = w->cost;
    return OK;
}

/* The filter has all conditions: an index's range may hold rows without a value. */
static status conditions(const struct path_search *s, uint64_t found_by, struct plan *node) {
    struct conjuncts recheck = {0}, rest = {0}, all = {0};
    for (uint32_t i = 0; i < s->quals->n; i++) {
        TRY(conjuncts_add(s->p, &all, s->quals->items[i]));
        TRY(conjuncts_add(s->p, found_by & bit(i) ? &recheck : &rest, s->quals->items[i]));
    }
    TRY(compile_conjuncts(s->p, node, &recheck, node, NULL, &node->scan.recheck));
    TRY(compile_conjuncts(s->p, node, &rest, node, NULL, &node->scan.rest));
    return compile_conjuncts(s->p, node, &all, node, NULL, &node->filter);
}

/* Rows come in the order of the primary key. */
static void rows_order(const struct path_search *s, struct path *path) {
    *path = (struct path){.index = s->r->primary, .is_row_key = true};
    if (path->index) path_order(s, path);
}

static status rows_node(const struct path_search *s, const struct way *w, const struct path *order,
                        struct plan **ret) {
    struct planner *p = s->p;
    struct plan *keys, *node;
    TRY(way_node(w, &keys));
    TRY(plan_new(p, PLAN_SCAN, keys, NULL, 0, &node));
    node->scan.relation = relation_index(p, s->r->oid);
    node->scan.bitmap = true;
    TRY(scan_columns(s, node));
    node->scan.only_keys = node->scan.wanted == 0;
    TRY(conditions(s, w->quals, node));
    node->order = order->order;
    node->norder = order->norder;
    node->rows = relation_rows(s->r) * conjuncts_selectivity(p, s->quals);
    if (node->rows < 1) node->rows = 1;
    node->cost = whole_cost(s, w);
    node->startup = w->cost;
    NEEDS(p, node->name = arena_strdup(p->c->arena, s->r->name));
    *ret = node;
    return OK;
}

static bool is_possible(const struct path_search *s) {
    bool fits = !s->outer && !s->required && s->quals->n > 0;
    for (uint32_t i = 0; i < s->quals->n; i++) fits &= s->quals->items[i]->kind != EXPR_CURRENT_OF;
    return fits && !plan_avoids(s->p, WAY_BITMAPSCAN);
}

status bitmap_path(const struct path_search *s, double most, struct plan **ret) {
    struct way *w;
    struct path order;
    *ret = NULL;
    if (!is_possible(s) || most < COST_START) return OK;
    TRY(find_way(s, s->quals->n, &w));
    if (!w || whole_cost(s, w) >= most) return OK;
    rows_order(s, &order);
    double rows = relation_rows(s->r) * conjuncts_selectivity(s->p, s->quals);
    double finish = order_finish(s->p, s->wish, order.order, order.norder, rows < 1 ? 1 : rows,
                                 w->cost, whole_cost(s, w));
    return finish < most ? rows_node(s, w, &order, ret) : OK;
}
