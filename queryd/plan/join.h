/* join.h: the joins of one query level while their order is looked for.
 *
 * FROM and WHERE are first taken apart (join.c) into parts, which are joined, and a tree that says
 * how the query joined them. The tree becomes a hypergraph (join_graph.c): an edge is a condition
 * of an inner join, or another join as a whole, with the parts that must be on each of its sides.
 * What may not be exchanged is said as in Moerkotte, Fender, Eich: "On the correct and complete
 * enumeration of the core search space", 2013. Orders are enumerated over the graph (join_order.c).
 * A class is a set of parts joined, with the cheapest way found, and the cheapest for each order of
 * the rows that is of use later on (join_way.c). */
#ifndef PLAN_JOIN_H
#define PLAN_JOIN_H

#include "plan/internal.h"

#define PARTS_MAX 64

typedef uint64_t part_set;

/* Where a set stands in a table of so many lists. */
#define PART_SET_BUCKETS 1024
static inline unsigned part_set_bucket(part_set x) {
    x = (x ^ (x >> 31)) * 0x9E3779B97F4A7C15u;
    return (unsigned)(x >> 32) % PART_SET_BUCKETS;
}

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

/* An equality of two sides that sorted rows can be merged by. */
struct merge_clause {
    uint32_t edge;
    bool lasts;        /* two columns that are equal, or both null, in all that is above */
    part_set sides[2]; /* parts that each of its two sides is of */
    uint16_t terms[2];
    double selectivity;
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
    part_set needs[PARTS_MAX];     /* parts that a part's parameters come from */
    const struct order_wish *wish; /* of who takes the rows of all parts; NULL: none */
    uint32_t nclauses, clauses_cap;
    struct merge_clause *clauses;
    /* Of each term: the first of those that are equal when all parts are joined; and of that one
     * the parts of all clauses that name any of them, and whether the wish does. */
    uint16_t nterms;
    uint16_t *leaders;
    part_set *term_parts;
    bool *term_wished;
    /* Only conditions of inner joins, each of two parts: what may be joined is seen at once. */
    bool simple;
    part_set tied[PARTS_MAX], hashed[PARTS_MAX]; /* to which a part is; … by an equality */
};

struct way_key {
    uint16_t term; /* order.c; of a class's ways the first of those that are equal in the class */
    bool descending, nulls_first, constant, never_null;
};
#define WAY_KEYS 6
struct way_order {
    uint8_t n;
    struct way_key keys[WAY_KEYS];
};

enum join_method { JOIN_HASH, JOIN_LOOKUP, JOIN_PAIRS, JOIN_LATERAL, JOIN_MERGE };

struct join_way {
    struct join_way *next; /* of the class */
    const struct join_class *of;
    struct plan *plan;             /* of a part; NULL: a join */
    struct join_way *left, *right; /* of a join */
    enum plan_join kind;
    enum join_method method;
    double startup, cost;
    struct way_order order; /* as far as it is of use */
    /* MERGE: keys as the conditions name them; sides that are sorted by them first */
    uint8_t nmerge;
    struct way_key merge[WAY_KEYS];
    uint16_t right_terms[WAY_KEYS];
    bool sort_left, sort_right;
};

struct join_class {
    part_set set;
    struct join_class *next; /* in the bucket */
    struct join_way *ways;
    const struct join_way *best; /* the cheapest, whatever its order */
    unsigned nways;
    double rows;
    double resort;         /* what sorting the rows costs; 0: not known yet */
    double most;           /* what a way may cost to be of use, once there is a best */
    uint64_t clauses[2];   /* those of which this side is of the class's parts */
    const uint16_t *first; /* of each term the first that equals it in the class; NULL: itself */
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
/* Which side may give the other parameters; false: each needs some of the other. */
bool join_graph_needs(const struct join_graph *g, part_set a, part_set b, struct join_cut *ret);
/* Of all that becomes possible when they are joined. */
double join_graph_selectivity(const struct join_graph *g, part_set a, part_set b);
/* The conditions of the edges that such a join carries out. */
status join_graph_quals(const struct join_graph *g, part_set a, part_set b, struct conjuncts *ret);
status join_graph_filters(const struct join_graph *g, part_set a, part_set b,
                          struct conjuncts *ret);

/* join_way.c */
/* What orders of rows can be of use for. After the edges are there. */
status join_way_clauses(struct join_graph *g);
#define CLAUSES_ALL 64 /* that are looked at */
/* What a new class has of the clauses. */
status join_way_class(const struct join_graph *g, struct arena *a, struct join_class *c);
/* The ways to a part's rows. */
status join_way_part(struct join_graph *g, struct arena *a, uint16_t part, struct join_class *c);
/* Those to join l and r that are not worse than what c has. */
struct join_pair {
    struct join_class *l, *r;
    enum plan_join kind;
    bool keys, lateral;
    struct lookup_cost lookup;
};
/* Whatever the method, what l and r cost is too much. lookup: r is not read as a whole. */
bool join_way_is_hopeless(const struct join_class *l, const struct join_class *r, bool lookup,
                          const struct join_class *c);
status join_way_offer(struct join_graph *g, struct arena *a, const struct join_pair *pair,
                      struct join_class *c);
/* The one that is cheapest with what the wish leaves to do. */
status join_way_choose(struct join_graph *g, const struct join_class *c,
                       const struct join_way **ret);
/* When the tree of the joins is made: what they made equal is so for all who take its rows. */
status join_way_unite(struct join_graph *g);

/* join_lookup.c: what finding the partners of one row of `outer` in a part that is a relation
 * costs, by an index. For as long as the arena and the graph's edges last. */
struct join_lookups;
status join_lookups_new(struct join_graph *g, struct arena *a, struct join_lookups **ret);
status join_lookup(struct join_lookups *l, part_set outer, uint16_t part, struct lookup_cost *ret);

/* nest.c: the operator that joins l and r in this way; quals: all conditions of the join. */
status join_make(struct planner *p, struct join_rel *l, struct join_rel *r,
                 const struct join_way *w, struct conjuncts *quals, struct plan **ret);
/* merge.c */
/* Whether e is an equality of something of l and something of r by which sorted rows can be merged;
 * *ret_left, *ret_right: the two. */
bool merge_sides(struct expr *e, const struct rte_set *l, const struct rte_set *r,
                 struct expr **ret_left, struct expr **ret_right);
/* Without what the sides cost, sorted as they must be. pairs: of equal keys. */
double merge_cost(struct planner *p, double l, double r, double pairs, double rows);
status merge_make(struct planner *p, struct join_rel *l, struct join_rel *r,
                  const struct join_way *w, struct conjuncts *quals, struct plan **ret);

/* join_order.c: the cheapest way found to join all parts. In the arena, which may be given back
 * once the plan is built. */
status join_order(struct join_graph *g, struct join_node *root, struct arena *a,
                  const struct join_way **ret);

#endif
