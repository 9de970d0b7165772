/* internal.h: what the files of this folder share. */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "base/check.h"
#include "base/coro.h"
#include "plan/plan.h"

#define STACK_MARGIN_BYTES (24 * 1024)
#define OUTER_SET_WORDS 16
#define OUTERS_MAX (OUTER_SET_WORDS * 64)

/* Execution parameters that an expression or plan reads. */
struct outer_set {
    uint64_t word[OUTER_SET_WORDS];
};

struct conjuncts {
    uint32_t n, cap;
    struct expr **items;
};

/* Values of the row at hand that something below asks for: who runs it sets them first. */
struct collector {
    struct collector *before;
    uint16_t n, cap;
    uint16_t *ids;
    struct expr **exprs; /* in terms of the planner's own query */
};

/* The whole statement. */
struct plan_context {
    struct sql_env *env;
    struct arena *arena;
    struct error *error;
    struct eval_env eval;
    struct error *scratch_error;
    struct plan_statement *statement;
    uint16_t sublinks_cap;
    uint16_t nknown; /* parameters whose values the plan is for */
    const datum *known_values;
    const uint8_t *known_nulls;
    struct expr **shared; /* EXPR_SUBPLAN by the number of what is shared, from 1 */
};

/* Expressions that rows are sorted by; those that are equal wherever both are known have one leader
 * (order.c). */
struct order_terms {
    uint16_t n, cap;
    struct expr **exprs;
    uint16_t *leaders;
};

/* One query level. */
struct planner {
    struct plan_context *c;
    struct planner *parent;
    struct query *query;
    struct collector *collector;
    struct rte_plan *rtes; /* per range table entry */
    uint16_t nsemi;
    struct semi_join *semis;
    struct order_wish *wish; /* order that would be welcome, NULL: none */
    struct order_terms terms;
    struct expr *case_test;   /* while folding: the test of the CASE around, where it is known */
    uint16_t tableoid_column; /* of plan_expression */
};

/* A join made of an EXISTS or IN: right: its FROM, absorbed into the query. */
struct semi_join {
    bool anti;
    uint16_t nfrom;
    struct from_item **from;
    struct conjuncts quals; /* those of the subquery, with the comparison of IN */
};

struct rte_plan {
    struct plan *plan;        /* SUBQUERY, FUNCTION, VALUES, CTE */
    struct collector lateral; /* what the plan asks of entries beside it */
    struct rte_set needs;     /* … and which entries those are */
    bool *used;               /* attribute i + 1 */
    bool address;
    uint8_t system; /* system columns: bit -att */
    struct index_meaning
        *indexes; /* of a RELATION, in terms of the query; NULL: not looked at yet */
};

/* What the rows of FROM are wanted for next. */
struct order_wish {
    bool grouping; /* equal rows side by side, in whatever order; else sorted by the keys */
    uint16_t n;
    struct order_key *keys;
    double limit;  /* rows that will be asked for; 0: all */
    double groups; /* grouping: how many hash aggregation would keep */
};

/* A part of a join under construction. */
struct join_rel {
    struct plan *plan; /* NULL: a base relation not yet given a path */
    struct rte_set rtes;
    struct rte_set needs; /* lateral references to others */
    struct collector *lateral;
    int32_t base;           /* RELATION entry, -1: none */
    struct conjuncts quals; /* of the base relation alone */
    double rows;
};

status plan_memory(struct planner *p);
#define NEEDS(p, pointer)                                                                          \
    do {                                                                                           \
        if (!(pointer)) return plan_memory(p);                                                     \
    } while (0)
#define NEW_N(p, pointer, n)                                                                       \
    do {                                                                                           \
        (pointer) = arena_array((p)->c->arena, (size_t)(n), sizeof *(pointer));                    \
        if (!(pointer)) return plan_memory(p);                                                     \
    } while (0)
#define NEW(p, pointer) NEW_N(p, pointer, 1)
#define COST_AVOIDED 1e10 /* of a way that a setting says to avoid */
static inline bool plan_avoids(const struct planner *p, enum plan_way way) {
    return p->c->env->settings->planning.avoided >> way & 1;
}
/* What the settings make of costs: 1 as they are by default. */
static inline double price_of_row(const struct planner *p) { /* of a table, read in order */
    const struct plan_settings *s = &p->c->env->settings->planning;
    return 1 + 0.5 * s->seq_page + 0.5 * s->cpu_tuple;
}
static inline double price_of_entry(const struct planner *p) { /* of an index, read in order */
    const struct plan_settings *s = &p->c->env->settings->planning;
    return 1 + 0.5 * s->seq_page + 0.5 * s->cpu_index_tuple;
}
static inline double price_of_leap(const struct planner *p) { /* to a row, from an index's entry */
    const struct plan_settings *s = &p->c->env->settings->planning;
    return 1 + 0.8 * s->random_page + 0.1 * s->cpu_index_tuple + 0.1 * s->cpu_tuple;
}
static inline double price_of_work(const struct planner *p) { /* comparing, hashing */
    return 1 + p->c->env->settings->planning.cpu_operator;
}
static inline double price_of_tuple(const struct planner *p) { /* handing a row on */
    return 1 + p->c->env->settings->planning.cpu_tuple;
}
static inline double cost_avoided(const struct planner *p, enum plan_way way) {
    return plan_avoids(p, way) ? COST_AVOIDED : 0;
}
status plan_unsupported(struct planner *p, const char *what);
status plan_stack(struct planner *p);

/* planner.c */
status plan_new(struct planner *p, enum plan_kind kind, struct plan *left, struct plan *right,
                uint16_t ncolumns, struct plan **ret);
/* A new operator above child with the same columns, order and rows. */
status plan_above(struct planner *p, enum plan_kind kind, struct plan *child, struct plan **ret);
status plan_query(struct plan_context *c, struct planner *parent, struct query *q, double limit,
                  struct plan **ret);
status plan_project(struct planner *p, struct plan *child, struct expr **exprs, uint16_t n,
                    struct plan **ret);
status plan_filter(struct planner *p, struct plan *child, struct conjuncts *quals,
                   struct plan **ret);
/* Conditions that no row has a say in: looked at once, before the child begins. */
status plan_gate(struct planner *p, struct plan *child, struct conjuncts *quals, struct plan **ret);

/* capacity.c */
void plan_set_capacity(struct plan *plan);
/* Batches of one row, below it too: what is computed for a row sees what was done with the ones
 * before it. After plan_set_capacity. */
void plan_one_by_one(struct plan *plan);

/* sort.c */
/* The child itself where its rows are sorted so; only what is missing where they are in part. */
status plan_sort(struct planner *p, struct plan *child, const struct plan_sort_column *columns,
                 uint16_t n, struct plan **ret);
status plan_material(struct planner *p, struct plan *child, struct plan **ret);
status plan_limit(struct planner *p, struct plan *child, struct expr *limit, struct expr *offset,
                  struct plan **ret);
struct plan_sort_column sort_column(uint16_t column, const struct expr *e, bool descending,
                                    bool nulls_first);
/* Of sorting so many rows whose first `presorted` of n keys are in order: until the first row, and
 * in all. limit: rows that will be asked for, 0: all. */
struct sort_cost {
    double startup, total;
};
struct sort_cost sort_cost(struct planner *p, double rows, const struct order_key *keys,
                           uint16_t presorted, uint16_t n, double limit);

/* tid_list.c: ctid IN (SELECT … LIMIT n) becomes a list of places. */
status list_tids(struct planner *p);

/* set_targets.c */
/* GROUP BY a set: its values are there before rows are grouped. */
status plan_grouped_sets(struct planner *p, struct plan *input, struct plan **ret);
/* The rows in the query's order, when it is no set's. */
status plan_sorted_rows(struct planner *p, struct plan *input, struct plan **ret);
status plan_set_targets(struct planner *p, struct plan *child, struct expr **exprs, uint16_t n,
                        struct plan **ret);

/* order.c */
/* The number that stands for e and all that equals it. */
status order_term(struct planner *p, struct expr *e, uint16_t *ret);
/* From now on rows sorted by one are sorted by the other. */
status order_unite(struct planner *p, struct expr *a, struct expr *b);
bool order_same(struct planner *p, const struct expr *a, const struct expr *b);
/* How many of the wanted keys, from the first, rows of such an order are sorted by. */
uint16_t order_prefix(struct planner *p, const struct order_key *have, uint16_t nhave,
                      const struct order_key *want, uint16_t nwant);
/* How many of the wanted values, in whatever sequence, rows are sorted by. */
uint16_t order_set_prefix(struct planner *p, const struct order_key *have, uint16_t nhave,
                          const struct order_key *want, uint16_t nwant);
/* At most one row: sorted by whatever is asked. */
bool order_is_trivial(const struct plan *plan);
/* The order of a source's rows in terms of the query that names its columns: before[i] becomes
 * plan->out[i]. */
status order_rename(struct planner *p, struct plan *plan, struct expr *const *before);
/* What rows that come this way cost with what their wish still asks for. */
double order_finish(struct planner *p, const struct order_wish *w, const struct order_key *have,
                    uint16_t nhave, double rows, double startup, double cost);

/* wish.c: the order that what follows FROM would like. */
status make_wish(struct planner *p, double limit);

/* refs.c. The expression with columns of left, then right, in the place of what these operators
 * give already. */
status resolve_over(struct planner *p, struct expr *e, const struct plan *left,
                    const struct plan *right, struct expr **ret);
/* Programs whose inputs are the columns of left, then right (NULL: none); node learns which
 * execution parameters they read. */
status compile_over(struct planner *p, struct plan *node, struct expr **exprs, uint16_t n,
                    const struct plan *left, const struct plan *right, struct program **ret);
status compile_conjuncts(struct planner *p, struct plan *node, struct conjuncts *quals,
                         const struct plan *left, const struct plan *right, struct program **ret);
/* Execution parameters: adds those that e reads to s; to node's. */
status outers_of(struct expr *e, struct outer_set *s);
status note_outers(struct plan *node, struct expr *e);
/* A plan's own, which belong to it; plan->depends follows. */
struct outer_set *plan_outers(struct plan *plan);
void add_outers(struct outer_set *s, const struct outer_set *more);
void add_outer(struct outer_set *s, uint16_t id);
void remove_outer(struct outer_set *s, uint16_t id);
/* A number for a parameter that nobody has; 54001: there are OUTERS_MAX. */
status new_outer(struct planner *p, uint16_t *ret);
/* The execution parameter that will hold e, a value of p's rows. */
status request_outer(struct planner *p, struct expr *e, struct expr **ret);
/* The same for each such value in a tree, as expr_map asks (arg: the planner). */
status request_outer_var(struct expr *e, void *planner, struct expr **ret);
/* Until pop, what is requested of p's rows is noted in c, whose owner (a join, a sublink) gives it:
 * expression and number. */
void collector_push(struct planner *p, struct collector *c);
void collector_pop(struct planner *p);
status collector_add(struct planner *p, struct collector *c, uint16_t id, struct expr *e);

/* conjunct.c */
status conjuncts_add(struct planner *p, struct conjuncts *c, struct expr *e); /* splits ANDs */
/* AND of them; *ret NULL: there are none. */
status conjuncts_expr(struct planner *p, const struct conjuncts *c, struct expr **ret);

/* or_clause.c: takes out of the ORs among quals, from that index on, what they imply for single
 * entries, and what all their arms share. */
status or_clauses(struct planner *p, struct conjuncts *quals, uint32_t from);

/* equal_value.c: what is equal to a column that is a constant is that constant. quals hold
 * together; what they say of each entry alone may become more, what ties two entries less. */
status equal_values(struct planner *p, struct conjuncts *quals);

/* fold.c: immutable calls of constants are carried out; for conditions NULL is as good as false. */
status fold(struct planner *p, struct expr *e, struct expr **ret);
status fold_condition(struct planner *p, struct expr *e, struct expr **ret);

/* prepare.c: constants folded, subqueries planned, outer columns made parameters */
status prepare_expr(struct planner *p, struct expr *e, struct expr **ret);
status prepare_query(struct planner *p);
status mark_used(struct planner *p);
status plan_unhashed_sublink(struct planner *p, struct expr *e, struct expr **ret);

/* pullup.c */
status pull_up_subqueries(struct planner *p);
status pull_up_sublinks(struct planner *p);
/* Whether it, or a query in it, has WITH queries. */
status query_has_ctes(struct query *q, bool *ret);

/* sublink_groups.c */
struct sublink_groups {
    struct query *query; /* its targets: the answer, then the keys; NULL: there is no such way */
    uint16_t n;
    struct expr **own, **outer; /* the keys; what they are compared with, in the terms of p */
};
/* Whether it names anything of the queries around it. */
status query_looks_outside(struct query *q, bool *ret);
/* To be asked before q is planned. */
status sublink_groups_of(struct planner *p, struct query *q, struct sublink_groups *ret);
/* *ret NULL: not so after all. */
status plan_sublink_groups(struct planner *p, const struct sublink_groups *g,
                           struct plan_sublink **ret);
bool is_simple_query(const struct query *q);
bool strict_for(struct expr *e, const struct rte_set *rtes);

/* relation.c */
/* The best way to the rows of a base relation that satisfy quals. outer: entries whose values will
 * be there as parameters (NULL: none); then *ret is NULL when they are of no use. wish: what
 * follows (NULL: nothing that an order helps). What is still to be checked is in the plan's filter.
 */
status relation_path(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                     const struct rte_set *outer, const struct order_wish *wish, struct plan **ret);
/* The best of those that give the rows in the wished order, or begin to; *ret NULL: none does. */
status relation_ordered_path(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                             const struct order_wish *wish, struct plan **ret);
/* The cost of such a path with outer; false: there is none. */
bool relation_lookup(struct planner *p, uint16_t rte, const struct conjuncts *quals,
                     const struct rte_set *outer, double *ret_cost);
/* Whether the condition may have a say in that cost; outer: all that may ever be there. */
bool relation_lookup_heeds(struct planner *p, uint16_t rte, struct expr *qual,
                           const struct rte_set *outer);
/* cost.c: of the whole, as ANALYZE counted or a guess; of what the conditions leave, at least 1. */
double relation_rows(const struct relation *r);
double relation_estimate(struct planner *p, uint16_t rte, const struct conjuncts *quals);
/* like_bounds.c: what `text LIKE pattern` says of texts in the order of their bytes: equal to
 * *ret_low (then *ret_high is NULL and *ret_equal set), or from *ret_low up to but not *ret_high
 * (NULL: no end). *ret_low NULL: nothing. */
status like_bounds(struct planner *p, const struct varlena *pattern, struct expr **ret_low,
                   struct expr **ret_high, bool *ret_equal);
/* inet_bounds.c: what lies within a network is from *ret_low up to *ret_high. */
status inet_bounds(struct planner *p, datum network, struct expr **ret_low, struct expr **ret_high);
/* index_meaning.c: what a computed index of the entry holds, in terms of the query, constants
 * folded as in its own conditions. */
status index_meaning_here(struct planner *p, uint16_t rte, const struct index_desc *x,
                          const struct index_meaning *m, struct index_meaning *ret);
/* arbiter.c: the indexes that ON CONFLICT is about. 42P10, 55000. */
status find_arbiters(struct planner *p, struct plan_change *c);
/* implied.c: every row for which the conditions are true is one for which the predicate is. */
bool is_implied(struct planner *p, const struct conjuncts *quals, struct expr *predicate);
/* selectivity.c: the part of the rows that conditions leave, 0 … 1 */
double selectivity(struct planner *p, struct expr *e);
double conjuncts_selectivity(struct planner *p, const struct conjuncts *quals);
/* cost.c. Conditions are taken as independent, values as spread evenly and those of one side of a
 * join as contained in the other's: an equality leaves 1/max of the numbers of different values
 * (Selinger and others: Access Path Selection in a Relational Database Management System, SIGMOD
 * 1979). rows: how many there are, where the expression is no column of a relation; 0: unknown. */
double distinct_values(struct planner *p, struct expr *e, double rows);
/* Of a condition of a join, given the parts that it joins. */
double join_selectivity(struct planner *p, struct expr *e, struct join_rel *const *parts,
                        uint16_t nparts);
/* Of equalities together when they name a whole unique key of the part; else 0. */
double unique_selectivity(struct planner *p, const struct join_rel *r,
                          const struct conjuncts *quals);

/* join_removal.c: outer joins whose filled-up side nobody asks for and that add no rows. After
 * mark_used. */
status remove_joins(struct planner *p);

/* join.c */
status plan_from(struct planner *p, struct plan **ret);
/* nest.c */
struct join_input {
    double rows, cost;
};
struct lookup_cost { /* of one left row's partners through an index */
    bool possible;
    double cost;
};
struct join_costs { /* INFINITY: not possible */
    double hash, lookup, pairs, lateral;
};
/* Rows of a join of so many and so many; at least 1. */
double join_rows(double l, double r, enum plan_join kind, double selectivity);
/* Of each way to join them. keys: some equality can be hashed; lateral: r depends on l's rows. */
struct join_costs join_cost(struct planner *p, const struct join_input *l,
                            const struct join_input *r, enum plan_join kind, bool keys,
                            bool lateral, const struct lookup_cost *lookup, double rows);
status lookup_cost(struct planner *p, struct join_rel *r, const struct rte_set *outer,
                   const struct conjuncts *quals, struct lookup_cost *ret);
bool join_hashable(struct expr *e, const struct rte_set *l, const struct rte_set *r);
/* Columns of both sides, or of the left one where the right one only decides. */
status join_columns(struct planner *p, struct plan *join, enum plan_join kind);
/* The operator that gives a part's rows by itself. */
status rel_plan(struct planner *p, struct join_rel *r, const struct order_wish *wish,
                struct plan **ret);
/* source.c: entries that are no relations */
status plan_sources(struct planner *p);
status set_function(struct planner *p, struct plan *node, struct expr *call,
                    const struct plan *over, struct plan_function_call *ret);
/* A relation with TABLESAMPLE: all its rows, then the sample of them. */
status sampled_scan(struct planner *p, uint16_t rte, struct plan **ret);
status plan_ctes(struct planner *p);
/* Sets *ret when it calls something volatile, at any depth. */
status query_is_volatile(struct query *q, bool *ret);
/* The same of functions that were created and are not immutable: a volatile one looks at tables,
 * and a stable one may call it. */
status query_calls_created(struct query *q, bool *ret);

/* sorted_groups.c */
struct group_cost { /* of grouping so many rows, without what sorting them costs */
    double hashed, sorted;
};
struct group_cost group_cost(struct planner *p, double rows, double groups);
/* When it costs less: the input sorted by the n expressions, *ret_kind SORTED_AGG. Else the input
 * itself and AGG. */
status sort_groups(struct planner *p, struct plan *input, struct expr *const *group, uint16_t n,
                   double groups, struct plan **ret, enum plan_kind *ret_kind);
/* Groups come in the order of the rows that they are made of. */
status order_of_groups(struct planner *p, struct plan *plan, const struct plan *input);
/* group.c */
status plan_grouping(struct planner *p, struct plan *input, struct plan **ret);
status plan_distinct(struct planner *p, struct plan *input, uint16_t ncolumns, struct plan **ret);
status plan_min_max(struct planner *p, struct plan **ret);
/* window.c */
status plan_windows(struct planner *p, struct plan *input, struct plan **ret);
/* setop.c */
status plan_setop(struct planner *p, struct plan **ret);
/* modify.c */
status plan_change_query(struct planner *p, struct plan **ret);
status plan_lock(struct planner *p, struct plan *input, struct plan **ret);

uint16_t relation_index(struct planner *p, oid relation);

/* late.c */
/* child gives e as one of its columns. */
bool plan_makes(const struct plan *child, const struct expr *e);
/* Targets that are computed above ORDER BY and LIMIT. */
bool targets_have_late(const struct query *q);
bool target_is_late(const struct query *q, uint16_t i);
/* The targets, a null in the place of each late one, and behind them what those need. */
status plan_early_targets(struct planner *p, struct plan *child, struct plan **ret);

/* group.c: the call site of an aggregate, or of a window's function. In the plan's arena. */
status plan_aggregate_site(struct planner *p, const struct expr *e, struct fn_site **ret);

#endif
