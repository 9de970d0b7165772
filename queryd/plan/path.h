/* path.h: what the files about ways to a relation's rows share: match.c, relation.c, bitmap.c,
 * scan_node.c. */
#ifndef PLAN_PATH_H
#define PLAN_PATH_H

#include "plan/internal.h"

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
    oid type;
    const struct type *compared; /* how, in the index */
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

/* ---- match.c ---- */

/* What an index is ordered by at key k. */
struct key path_key(const struct path_search *s, const struct path *path, uint16_t k);
/* The conditions that bound the path's index: equalities, lists, arrays and nulls of its leading
 * columns, then a range. */
void path_match(const struct path_search *s, struct path *path);
/* Whether any condition bounds any of its columns, be they the leading ones or not. */
bool path_heeds(const struct path_search *s, const struct path *path);
static inline bool path_is_bounded(const struct path *path) {
    return path->nequal || path->low.use || path->high.use;
}

/* ---- relation.c ---- */

/* A path along the primary key (i = 0), or along index number i - 1, not matched yet; false: there
 * is none, or the conditions do not allow it. */
bool path_of_index(const struct path_search *s, uint16_t i, struct path *ret);
/* Whether the index is as old as the statement's snapshot; the plan remembers that it matters. */
bool index_sees_snapshot(struct planner *p, const struct index_desc *x);
/* The rows or entries that its bounds lead to; *ret_probes: in so many places of the tree. */
double path_touched(const struct path_search *s, const struct path *path, double *ret_probes);
double descent_cost(const struct path_search *s);
/* The order in which the index gives rows. Out of memory: none. */
void path_order(const struct path_search *s, struct path *path);

/* ---- bitmap.c ---- */

/* Rows whose keys come from one or several indexes, in the order of the keys, where that costs less
 * than `most`; else *ret NULL. */
status bitmap_path(const struct path_search *s, double most, struct plan **ret);

/* ---- scan_node.c ---- */

status scan_node(const struct path_search *s, const struct path *path, struct plan **ret);
/* Its columns: what the query uses of the relation. */
status scan_columns(const struct path_search *s, struct plan *node);
/* Its keys, made of the path's bounds. */
status scan_bounds(const struct path_search *s, const struct path *path, struct plan *node);

#endif
