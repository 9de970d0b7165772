/* What finding one left row's partners in a relation costs, by an index. It depends on the
 * conditions that bound the relation's indexes alone, which are few: left sides that give the same
 * of them share one answer. */
#include "plan/join.h"

#define EDGES_MAX 64 /* of a part, that answers are kept for */

struct memo {
    struct memo *next;
    uint16_t part;
    uint64_t given; /* of the part's edges */
    struct lookup_cost cost;
};

/* The edges that have a say, and what of each must be on the other side. */
struct heeded {
    uint16_t n; /* EDGES_MAX + 1: more than that */
    uint32_t edges[EDGES_MAX];
    part_set others[EDGES_MAX];
};

struct join_lookups {
    struct join_graph *g;
    struct arena *arena;
    struct heeded parts[PARTS_MAX];
    struct memo *memos[PART_SET_BUCKETS];
};

/* ---- what has a say ---- */

static void rtes_of(const struct join_graph *g, part_set parts, struct rte_set *ret) {
    *ret = (struct rte_set){0};
    for (part_set left = parts; left; left &= left - 1)
        rte_set_union(ret, &g->parts[__builtin_ctzll(left)]->rtes);
}

static bool is_heeded(const struct join_graph *g, uint16_t part, const struct join_edge *e,
                      const struct rte_set *others) {
    for (uint32_t i = 0; i < e->quals.n; i++)
        if (relation_lookup_heeds(g->p, (uint16_t)g->parts[part]->base, e->quals.items[i], others))
            return true;
    return false;
}

static void find_heeded(const struct join_graph *g, uint16_t part, struct heeded *h) {
    struct rte_set others;
    part_set bit = part_bit(part);
    rtes_of(g, (g->nparts == PARTS_MAX ? ~(part_set)0 : part_bit(g->nparts) - 1) & ~bit, &others);
    for (uint32_t i = 0; i < g->nedges && h->n <= EDGES_MAX; i++) {
        const struct join_edge *e = &g->edges[i];
        part_set all = e->left | e->right;
        if (!(all & bit) || !is_heeded(g, part, e, &others)) continue;
        if (h->n < EDGES_MAX) {
            h->edges[h->n] = i;
            h->others[h->n] = all & ~bit;
        }
        h->n++;
    }
}

status join_lookups_new(struct join_graph *g, struct arena *a, struct join_lookups **ret) {
    struct join_lookups *l = arena_zalloc(a, sizeof *l);
    if (!l) return plan_memory(g->p);
    l->g = g;
    l->arena = a;
    for (uint16_t i = 0; i < g->nparts; i++)
        if (g->parts[i]->base >= 0) find_heeded(g, i, &l->parts[i]);
    *ret = l;
    return OK;
}

/* ---- costs ---- */

static uint64_t given_by(const struct heeded *h, part_set outer) {
    uint64_t s = 0;
    for (uint16_t i = 0; i < h->n; i++)
        if (parts_within(h->others[i], outer)) s |= (uint64_t)1 << i;
    return s;
}

static status cost_of(struct join_graph *g, part_set outer, uint16_t part, struct conjuncts *quals,
                      struct lookup_cost *ret) {
    struct rte_set rtes;
    rtes_of(g, outer, &rtes);
    return lookup_cost(g->p, g->parts[part], &rtes, quals, ret);
}

static status cost_with_all(struct join_graph *g, part_set outer, uint16_t part,
                            struct lookup_cost *ret) {
    struct conjuncts quals = {0};
    TRY(join_graph_quals(g, outer, part_bit(part), &quals));
    return cost_of(g, outer, part, &quals, ret);
}

static status cost_with(struct join_lookups *l, part_set outer, uint16_t part, uint64_t given,
                        struct lookup_cost *ret) {
    struct conjuncts quals = {0};
    for (uint64_t left = given; left; left &= left - 1) {
        const struct join_edge *e = &l->g->edges[l->parts[part].edges[__builtin_ctzll(left)]];
        for (uint32_t i = 0; i < e->quals.n; i++)
            TRY(conjuncts_add(l->g->p, &quals, e->quals.items[i]));
    }
    return cost_of(l->g, outer, part, &quals, ret);
}

status join_lookup(struct join_lookups *l, part_set outer, uint16_t part, struct lookup_cost *ret) {
    const struct heeded *h = &l->parts[part];
    *ret = (struct lookup_cost){0};
    if (h->n > EDGES_MAX) return cost_with_all(l->g, outer, part, ret);
    uint64_t given = given_by(h, outer);
    if (!given) return OK;
    struct memo **bucket = &l->memos[part_set_bucket(given * 67 + part)];
    for (struct memo *m = *bucket; m; m = m->next)
        if (m->part == part && m->given == given) {
            *ret = m->cost;
            return OK;
        }
    struct memo *m = arena_zalloc(l->arena, sizeof *m);
    if (!m) return plan_memory(l->g->p);
    TRY(cost_with(l, outer, part, given, &m->cost));
    m->part = part;
    m->given = given;
    m->next = *bucket;
    *bucket = m;
    *ret = m->cost;
    return OK;
}
