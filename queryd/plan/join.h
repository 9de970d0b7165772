/* join.h: the joins of one query level while their order is looked for.
 *
 * FROM and WHERE are first taken apart (join.c) into parts, which are joined, and a tree that says
 * how the query joined them. The tree becomes a hypergraph (join_graph.c): an edge is a condition
 * of an inner join, or another join as a whole, with the parts that must be on each of its sides.
 * What may not be exchanged is said as in Moerkotte, Fender, Eich: "On the correct and complete
 * enumeration of the core search space", 2013. Orders are enumerated over the graph (join_order.c).
 * A class is a set of parts joined, with the cheapest way found. */
#ifndef PLAN_JOIN_H
#define PLAN_JOIN_H

#include "plan/internal.h"

#define PARTS_MAX 64

typedef uint64_t part_set;

/* How the query joined: a part, or two trees. */
struct join_node {
    enum plan_join kind;
    struct join_node *left, *right; /* NULL: a part */
    struct rte_set rtes;
    part_set parts;
    struct conjuncts quals; /* of this join */
};

/* When a join has one of the parts `when`, it has all of `then`. */
struct join_rule {
    part_set when, then;
};

struct join_edge {
    enum plan_join kind;
    part_set left, right;
    uint16_t nrules;
    struct join_rule *rules;
    struct conjuncts quals;
    double selectivity; /* of all quals */
    bool hashable;      /* one of them is an equality of both sides */
    bool crosses;       /* a product, which the query or its shape demands */
};

/* A condition on what an outer join gives. */
struct join_filter {
    part_set parts;
    struct expr *qual;
    double selectivity;
};

struct join_graph {
    struct planner *p;
    uint16_t nparts;
    struct join_rel *parts[PARTS_MAX];
    uint32_t nedges, edges_cap;
    struct join_edge *edges;
    uint32_t nfilters, filters_cap;
    struct join_filter *filters;
    part_set needs[PARTS_MAX]; /* parts that a part's parameters come from */
    /* Only conditions of inner joins, each of two parts: what may be joined is seen at once. */
    bool simple;
    part_set tied[PARTS_MAX], hashed[PARTS_MAX]; /* to which a part is; … by an equality */
};

struct join_class {
    part_set set;
    struct join_class *next; /* in the bucket */
    struct join_class *left, *right;
    enum plan_join kind;
    double rows, cost;
};

static inline part_set part_bit(unsigned i) {
    return (part_set)1 << i;
}
static inline bool parts_within(part_set a, part_set of) {
    return (a & ~of) == 0;
}

/* What happens when two classes are joined. */
struct join_cut {
    enum plan_join kind;
    bool swap;    /* the second is the left side */
    bool fixed;   /* … and only so */
    bool lateral; /* the right side needs columns of the left */
    bool keys;    /* an equality that a hash table can serve */
};

/* join_graph.c */
status join_graph_edges(struct join_graph *g, struct join_node *root);
part_set join_graph_parts(const struct join_graph *g, const struct rte_set *rtes);
/* Whether joining disjoint a and b is what the query means. */
bool join_graph_cut(const struct join_graph *g, part_set a, part_set b, struct join_cut *ret);
/* Of all that becomes possible when they are joined. */
double join_graph_selectivity(const struct join_graph *g, part_set a, part_set b);
/* The conditions of the edges that such a join carries out. */
status join_graph_quals(const struct join_graph *g, part_set a, part_set b, struct conjuncts *ret);
status join_graph_filters(const struct join_graph *g, part_set a, part_set b,
                          struct conjuncts *ret);

/* join_order.c: the cheapest way found to join all parts. In the arena, which may be given back
 * once the plan is built. */
status join_order(struct join_graph *g, struct join_node *root, struct arena *a,
                  struct join_class **ret);

#endif
