/* Ways to join two classes by merging: which side comes in an order, which is sorted. */
#include "plan/join_way.h"

#define CLAUSES_MAX 8 /* that one join is merged by */

struct clause {
    uint16_t left, right;             /* terms */
    uint16_t left_first, right_first; /* … as the ways of each side name them */
    double selectivity;
};

struct merging {
    struct join_graph *g;
    struct arena *arena;
    const struct join_pair *pair;
    struct join_class *c;
    uint8_t n;
    struct clause clauses[CLAUSES_MAX];
};

static bool becomes_possible(const struct join_edge *e, part_set a, part_set b) {
    part_set all = e->left | e->right;
    return parts_within(all, a | b) && !parts_within(all, a) && !parts_within(all, b);
}

static void find_clauses(struct merging *m) {
    const struct join_class *l = m->pair->l, *r = m->pair->r;
    uint64_t forth = l->clauses[0] & r->clauses[1], back = l->clauses[1] & r->clauses[0];
    for (uint64_t left = forth | back; left && m->n < CLAUSES_MAX; left &= left - 1) {
        int i = __builtin_ctzll(left);
        const struct merge_clause *c = &m->g->clauses[i];
        if (!becomes_possible(&m->g->edges[c->edge], l->set, r->set)) continue;
        bool is_forth = forth >> i & 1;
        uint16_t x = c->terms[is_forth ? 0 : 1], y = c->terms[is_forth ? 1 : 0];
        m->clauses[m->n++] = (struct clause){x, y, join_way_first_equal(m->g, l, x),
                                             join_way_first_equal(m->g, r, y), c->selectivity};
    }
}

/* The keys to merge by when one side comes in an order: as far as the order's keys are clauses. */
struct merge_plan {
    uint8_t n;
    struct way_key keys[WAY_KEYS]; /* without terms */
    const struct clause *clauses[WAY_KEYS];
    double selectivity;
};

static void add_key(struct merge_plan *k, const struct clause *c, bool descending,
                    bool nulls_first) {
    k->keys[k->n] = (struct way_key){.descending = descending, .nulls_first = nulls_first};
    k->clauses[k->n++] = c;
    k->selectivity *= c->selectivity;
}

static uint16_t term_of(const struct clause *c, bool right) {
    return right ? c->right_first : c->left_first;
}

static struct merge_plan keys_by(const struct merging *m, const struct way_order *o, bool right) {
    struct merge_plan k = {.selectivity = 1};
    bool used[CLAUSES_MAX] = {0};
    for (uint8_t i = 0; i < o->n && k.n < WAY_KEYS; i++) {
        uint8_t c = 0;
        if (o->keys[i].constant) continue;
        while (c < m->n && (used[c] || term_of(&m->clauses[c], right) != o->keys[i].term)) c++;
        if (c == m->n) break;
        used[c] = true;
        add_key(&k, &m->clauses[c], o->keys[i].descending, o->keys[i].nulls_first);
    }
    return k;
}

/* How many of the merge's keys, from the first, rows in that order are sorted by. Where nulls stand
 * does not matter to a merge. */
static uint8_t sorted_keys(const struct way_order *o, const struct merge_plan *k, bool right) {
    uint8_t at = 0, i = 0;
    for (; i < k->n; i++, at++) {
        uint16_t term = term_of(k->clauses[i], right);
        while (at < o->n && o->keys[at].constant && o->keys[at].term != term) at++;
        if (at == o->n || o->keys[at].term != term) break;
        if (!o->keys[at].constant && o->keys[at].descending != k->keys[i].descending) break;
    }
    return i;
}

static const struct join_way *sorted_way(const struct join_class *c, const struct merge_plan *k,
                                         bool right) {
    const struct join_way *best = NULL;
    for (const struct join_way *w = c->ways; w; w = w->next)
        if ((!best || w->cost < best->cost) && sorted_keys(&w->order, k, right) == k->n) best = w;
    return best;
}

/* What sorting the cheapest way of the class costs, in all. */
static double sorted_cost(const struct merging *m, const struct join_class *c) {
    struct order_key none = {0};
    return c->best->cost + sort_cost(m->g->p, c->rows, &none, 0, 1, 0).total;
}

static struct way_order order_of_keys(const struct merge_plan *k, bool right) {
    struct way_order o = {.n = k->n};
    for (uint8_t i = 0; i < k->n; i++) {
        o.keys[i] = k->keys[i];
        o.keys[i].term = term_of(k->clauses[i], right);
    }
    return o;
}

/* The right side's order as far as the keys go: rows of one key come again for each left row. */
static struct way_order order_to_keys(const struct way_order *o, const struct merge_plan *k) {
    struct way_order cut = {0};
    for (; cut.n < o->n; cut.n++) {
        bool is_key = o->keys[cut.n].constant;
        for (uint8_t i = 0; i < k->n; i++)
            is_key |= term_of(k->clauses[i], true) == o->keys[cut.n].term;
        if (!is_key) break;
        cut.keys[cut.n] = o->keys[cut.n];
    }
    return cut;
}

/* l or r NULL: the cheapest way of that side, sorted. */
static status offer_merge(const struct merging *m, const struct merge_plan *k,
                          const struct join_way *l, const struct join_way *r) {
    const struct join_pair *pair = m->pair;
    struct join_way w = {.kind = pair->kind,
                         .method = JOIN_MERGE,
                         .left = (struct join_way *)(l ? l : pair->l->best),
                         .right = (struct join_way *)(r ? r : pair->r->best),
                         .nmerge = k->n,
                         .sort_left = !l,
                         .sort_right = !r};
    for (uint8_t i = 0; i < k->n; i++) {
        w.merge[i] = k->keys[i];
        w.merge[i].term = k->clauses[i]->left;
        w.right_terms[i] = k->clauses[i]->right;
    }
    double left = l ? l->cost : sorted_cost(m, pair->l);
    double right = r ? r->cost : sorted_cost(m, pair->r);
    double pairs = pair->l->rows * pair->r->rows * k->selectivity;
    w.startup = (l ? l->startup : left) + (r ? r->startup : right);
    w.cost = left + right + merge_cost(m->g->p, pair->l->rows, pair->r->rows, pairs, m->c->rows);
    struct way_order order = {0};
    if (pair->kind == PLAN_RIGHT)
        order = r ? order_to_keys(&r->order, k) : order_of_keys(k, true);
    else if (pair->kind != PLAN_FULL)
        order = l ? l->order : order_of_keys(k, false);
    w.order = join_way_useful_part(m->g, m->c, &order);
    return join_way_keep(m->g, m->arena, m->c, &w);
}

/* One side comes in an order that begins with keys: the other is found, or made, sorted alike. */
static status merge_by(const struct merging *m, const struct join_way *w, bool right) {
    const struct join_class *other = right ? m->pair->l : m->pair->r;
    if (join_way_is_too_dear(m->c, w->cost + other->best->cost)) return OK;
    struct merge_plan k = keys_by(m, &w->order, right);
    bool sorts = k.n > 0;
    for (; k.n > 0; k.n--) {
        const struct join_way *o = sorted_way(other, &k, !right);
        if (!o && !sorts) continue;
        TRY(offer_merge(m, &k, right ? o : w, right ? w : o));
        if (o) return OK;
        sorts = false; /* by fewer keys only what is there */
    }
    return OK;
}

static bool wished_first(const struct merging *m, const struct order_key *key, uint8_t *ret) {
    uint16_t term;
    if (!ok(order_term(m->g->p, key->expr, &term))) return false;
    for (uint8_t i = 0; i < m->n; i++)
        if (m->g->leaders[m->clauses[i].left] == m->g->leaders[term] ||
            m->g->leaders[m->clauses[i].right] == m->g->leaders[term]) {
            *ret = i;
            return true;
        }
    return false;
}

/* Both sides are sorted, first by what is wished. */
static status merge_sorted(const struct merging *m) {
    struct merge_plan k = {.selectivity = 1};
    bool used[CLAUSES_MAX] = {0};
    uint8_t c;
    for (uint16_t i = 0; m->g->wish && i < m->g->wish->n && k.n < WAY_KEYS; i++) {
        const struct order_key *key = &m->g->wish->keys[i];
        if (!wished_first(m, key, &c)) break;
        if (used[c]) continue;
        used[c] = true;
        add_key(&k, &m->clauses[c], key->descending, key->nulls_first);
    }
    for (c = 0; c < m->n && k.n < WAY_KEYS; c++)
        if (!used[c]) add_key(&k, &m->clauses[c], false, false);
    return offer_merge(m, &k, NULL, NULL);
}

status join_merge_offer(struct join_graph *g, struct arena *a, const struct join_pair *pair,
                        struct join_class *c) {
    struct merging m = {g, a, pair, c, 0, {{0}}};
    find_clauses(&m);
    if (m.n == 0) return OK;
    for (const struct join_way *w = m.pair->l->ways; w; w = w->next)
        if (w->order.n) TRY(merge_by(&m, w, false));
    for (const struct join_way *w = m.pair->r->ways; w; w = w->next)
        if (w->order.n) TRY(merge_by(&m, w, true));
    bool last = m.c->set == (m.g->nparts == PARTS_MAX ? ~(part_set)0 : part_bit(m.g->nparts) - 1);
    bool both =
        plan_avoids(m.g->p, WAY_HASHJOIN) || m.pair->kind == PLAN_FULL || (last && m.g->wish);
    return both ? merge_sorted(&m) : OK;
}
