/* query.h: what analysis makes of a statement that reads or changes rows. */
#ifndef ANALYSE_QUERY_H
#define ANALYSE_QUERY_H

#include "analyse/expr.h"
#include "catalog/catalog.h"
#include "parse/ast.h"

struct rte_column {
    const char *name;
    oid type; /* 0: a dropped column */
    int32_t typmod;
    oid collation;
};

/* RTE_JOIN: only in a query that is analysed to be printed. */
enum rte_kind { RTE_RELATION, RTE_SUBQUERY, RTE_FUNCTION, RTE_VALUES, RTE_CTE, RTE_JOIN };

struct rte_function {
    struct expr *call;
    uint16_t ncolumns; /* of the result */
    bool composite;    /* the call gives records of that many fields */
};

/* WITH query: planned once, its rows shared by all who name it. */
struct cte {
    const char *name;
    struct query *query;     /* for a recursive one: the non-recursive part */
    struct query *recursive; /* the recursive part, NULL: none */
    bool union_all;
    bool in_recursion; /* being analysed: names itself */
    bool hidden;       /* not to be named (any more) */
    uint16_t nadded;   /* columns of SEARCH and CYCLE, the last ones; inside, no star has them */
    uint16_t references;
    uint16_t ncolumns;
    uint16_t nnamed; /* columns that were given names */
    struct rte_column *columns;
    enum ast_materialize materialize;
    uint16_t id; /* in the whole statement */
    /* for printing: what added columns, and the two values of the cycle's mark (NULL: booleans) */
    const struct ast_cte_search *search, *cycle;
    struct expr *mark[2];
};

/* What is in a computed index, over the columns of range table entry 0. */
struct index_meaning {
    struct expr *predicate; /* NULL: every row */
    struct expr **keys;     /* per key column, NULL: a plain one */
};

/* TABLESAMPLE */
struct table_sample {
    bool system;          /* else BERNOULLI */
    struct expr *percent; /* float4 */
    struct expr *seed;    /* float8; NULL: another one each time */
};

/* What a statement needs of a relation that it names; looked at when it is carried out. Sets of
 * columns: bit 0 a system column, then the attributes. */
struct permission {
    oid relation;
    oid check_as;    /* the owner of the view that names it; 0: whoever runs the statement */
    uint32_t rights; /* enum acl_right; ACL_UPDATE without columns: FOR UPDATE */
    uint16_t words;  /* of each set */
    uint64_t *selected, *inserted, *updated;
};

/* A kept text marks the names that are not as they were written: what is before the mark was
 * written, or nothing was. */
#define WORDS_CHANGED "\1"
#define WORDS_MADE_UP "\2"
#define WORDS_MARKS WORDS_CHANGED WORDS_MADE_UP
/* As it was written, without the mark; NULL: no memory. */
const char *words_unmarked(struct arena *a, const char *name);

/* How an entry was written; for printing. */
struct rte_words {
    const struct ast_alias *alias; /* NULL: none was given */
    bool only;
    bool lateral; /* the word was there, or is needed */
    bool defines; /* the alias defines columns: AS (a integer) */
    /* JOIN: which columns of its two sides its columns are, 1-based, 0: none; the first nmerged
     * are those of USING */
    uint16_t nmerged;
    uint16_t *left_column, *right_column;
    bool dangerous; /* a merged column is neither side's */
};

/* Range table entry: one source of rows. */
struct rte {
    enum rte_kind kind;
    const char *alias; /* the name it goes by */
    bool lateral;      /* subquery or function that may name entries before it */
    uint16_t ncolumns;
    struct rte_column *columns;
    const struct relation *relation; /* RELATION: valid while the statement is prepared */
    const char *schema_name;
    struct index_meaning
        *indexes;                /* RELATION: per entry of relation->indexes; NULL: all are plain */
    struct table_sample *sample; /* RELATION; NULL: all rows */
    struct permission *needs;    /* RELATION, and a view's SUBQUERY; else NULL */
    struct query *query;         /* SUBQUERY */
    uint16_t nfunctions;         /* FUNCTION */
    struct rte_function *functions;
    bool ordinality;
    bool marked;       /* SUBQUERY: its last column is true, and null in rows made up by a join */
    bool was_function; /* SUBQUERY: the body of one, in its place */
    uint32_t nrows;    /* VALUES: nrows × ncolumns expressions */
    struct expr ***rows;
    struct cte *cte;         /* CTE */
    bool self_reference;     /* CTE: the recursive part's own name */
    struct rte_words *words; /* NULL: not to be printed */
};

enum join_kind { JOIN_KIND_INNER, JOIN_KIND_LEFT, JOIN_KIND_FULL, JOIN_KIND_RIGHT };

struct from_item {
    bool is_join;
    uint16_t rte; /* of a join: its entry, when it is to be printed */
    enum join_kind kind;
    struct from_item *left, *right;
    struct expr *on;                  /* NULL: none */
    const struct list *using_columns; /* char*; NATURAL's too */
    const struct ast_alias *using_alias;
};

struct target {
    struct expr *expr;
    const char *name;
    bool junk; /* only for sorting or grouping */
    oid table; /* where a plain column comes from, 0: an expression */
    int16_t attribute;
};

struct window {
    const char *name; /* NULL: inline */
    const char *base; /* derived from that one; NULL: from none */
    bool own_order;   /* ORDER BY is not the base's */
    bool between;     /* the frame was written with both bounds */
    uint16_t npartition;
    struct expr **partition;
    uint16_t norder;
    struct expr **order;
    struct sort_key *order_keys; /* norder; target unused */
    bool has_frame;
    enum ast_frame_mode mode;
    enum ast_frame_bound start, end;
    struct expr *start_offset, *end_offset;
    const struct function *start_in_range, *end_in_range; /* RANGE with offsets */
    enum ast_frame_exclude exclude;
};

enum query_kind { QUERY_SELECT, QUERY_SETOP, QUERY_INSERT, QUERY_UPDATE, QUERY_DELETE };
enum setop_kind { SETOP_KIND_UNION, SETOP_KIND_INTERSECT, SETOP_KIND_EXCEPT };

struct change_check {
    const char *name; /* of the constraint, or of the view whose CHECK OPTION it is */
    bool of_view;
    struct expr *expr; /* over the changed table's columns */
};

/* One of what ON CONFLICT lists: over the target's columns. */
struct infer_element {
    struct expr *expr;
    oid collation, opclass; /* 0: any */
};

/* With neither elements nor a constraint: any conflict. */
struct on_conflict {
    bool do_update;
    oid constraint_index; /* ON CONSTRAINT: its index */
    uint16_t nelements;
    struct infer_element *elements;
    struct expr *infer_where; /* what the index's predicate must follow from */
    struct expr **sets;       /* per attribute, NULL: unchanged; vars: rte target, and excluded */
    uint16_t excluded_rte;
    struct expr *where;
};

/* What GROUP BY with grouping sets was written as; for printing. */
struct group_words {
    bool is_set;                 /* ROLLUP, CUBE, GROUPING SETS or () */
    enum ast_grouping_kind kind; /* of a set */
    uint16_t n;
    struct group_words *parts; /* of a set */
    uint16_t *members;         /* else: indexes in query->group */
};

struct query {
    enum query_kind kind;
    uint16_t nrtes;
    uint16_t rtes_cap;
    struct rte **rtes;
    uint16_t nfrom; /* joined by comma */
    struct from_item **from;
    struct expr *where;
    uint16_t ntargets; /* visible ones first */
    uint16_t nvisible;
    uint16_t naddresses; /* of a cursor: the last visible ones are addresses of rows */
    uint16_t targets_cap;
    struct target *targets;
    uint16_t ngroup;
    struct expr **group;
    uint16_t nsets; /* grouping sets: lists of indexes in group; 0: plain GROUP BY */
    struct grouping_set {
        uint16_t n;
        uint16_t *members;
    } * sets;
    bool group_distinct;
    struct group_words *group_words; /* NULL: plain */
    uint16_t ngroup_words;
    struct list *grouped_keys; /* to be printed: (oid) primary keys that grouping relies on */
    bool grouped;              /* GROUP BY, HAVING or aggregates */
    bool has_aggregates;
    bool lends_aggregates; /* some stand in subqueries */
    bool has_windows;
    bool has_sets; /* set-returning functions among the targets */
    bool has_sublinks;
    struct expr *having;
    uint16_t nwindows;
    struct window *windows;
    bool distinct;
    uint16_t ndistinct_on;
    uint16_t *distinct_on; /* target indexes */
    uint16_t nsort;
    struct sort_key *sort;
    struct expr *limit, *offset; /* int8 */
    bool with_ties;
    bool for_update; /* row locks on every table of FROM, or on those of lock_rtes */
    uint16_t nlock_rtes;
    struct row_mark { /* the strictest of what was asked for of a table */
        uint16_t rte;
        enum ast_lock_strength strength;
        enum ast_lock_wait wait;
    } * lock_rtes;
    bool with_recursive;
    uint16_t nctes;
    struct cte **ctes;
    /* SETOP: rtes 0 and 1 are the two sides; casts bring each side's columns to the result's types
     */
    enum setop_kind setop;
    bool setop_all;
    struct expr **left_casts, **right_casts;
    /* INSERT, UPDATE, DELETE */
    uint16_t target_rte;   /* the changed table */
    struct expr **sets_to; /* INSERT: per attribute the value over source_rte (NULL: null); UPDATE:
                              per attribute the new value, NULL: unchanged */
    uint16_t nchecks;
    struct change_check *checks;
    uint16_t ngenerated; /* generated columns: which (0-based), and their values over the new row */
    uint16_t *generated_atts;
    struct expr **generated;
    struct on_conflict *conflict;
    uint16_t nreturning;
    struct target *returning;
};

/* A statement after analysis. */
struct analysed {
    struct query *query;
    uint16_t nparams;
    oid *param_types;
    const datum *known_values; /* of them, to be planned for; NULL: for all */
    const uint8_t *known_nulls;
    uint16_t nrelations; /* locked ones: by oid */
    struct analysed_relation {
        oid oid;
        enum relation_mode mode;
    } * relations;
    uint16_t nctes;   /* ids given out */
    uint16_t nshared; /* numbers given out to shared subqueries, from 1 */
    bool once; /* WHERE CURRENT OF, or a literal such as 'today': not to be carried out twice */
    bool read_only;
    uint16_t npermissions; /* in the order in which they are looked at */
    struct permission **permissions;
    uint16_t nfunctions; /* that it calls, each once */
    oid *functions;
};

/* Walks every expression of a query, and of queries below with depth counted up from `depth`. */
typedef status query_visit(struct expr *e, unsigned depth, void *arg, bool *ret_descend);
status query_walk(struct query *q, unsigned depth, query_visit *visit, void *arg);
status query_walk_expr(struct expr *e, unsigned depth, query_visit *visit, void *arg);

/* How many levels further out the aggregate belongs. */
unsigned query_aggregate_level(struct expr *e);
bool query_uses_below(struct expr *e, unsigned level); /* columns of queries further in */
/* Whether e names a column of the query `level` levels above the one it stands in. */
bool query_uses_level(struct expr *e, unsigned level);
/* Set of range table entries (of level 0) that e names, as a bit set of words. */
#define RTE_SET_WORDS 8
#define RTES_MAX (RTE_SET_WORDS * 64)
struct rte_set {
    uint64_t word[RTE_SET_WORDS];
};
status query_rtes_of(struct expr *e, struct rte_set *ret_set);
bool rte_set_subset(const struct rte_set *a, const struct rte_set *of);
bool rte_set_overlap(const struct rte_set *a, const struct rte_set *b);
bool rte_set_empty(const struct rte_set *a);
static inline void rte_set_add(struct rte_set *s, uint16_t rte) {
    s->word[rte / 64] |= (uint64_t)1 << (rte % 64);
}
static inline bool rte_set_has(const struct rte_set *s, uint16_t rte) {
    return s->word[rte / 64] >> (rte % 64) & 1;
}
void rte_set_union(struct rte_set *s, const struct rte_set *more);

/* A copy of the query, or of an expression in one, with some expressions replaced: replace leaves
 * *ret NULL where nothing is. Queries below are entered, with depth counted up. */
typedef status query_replace(struct expr *e, unsigned depth, void *arg, struct expr **ret);
status query_map(struct arena *a, struct query *q, unsigned depth, query_replace *replace,
                 void *arg, struct query **ret);
status query_map_expr(struct arena *a, struct expr *e, unsigned depth, query_replace *replace,
                      void *arg, struct expr **ret);

/* e with every column of levels ≥ from_level moved `by` levels further out. */
status expr_shift_levels(struct arena *a, struct expr *e, unsigned from_level, int by,
                         struct expr **ret);

#endif
