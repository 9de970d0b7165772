/* internal.h: what the files of this folder share: an execution and its operators.
 *
 * Every operator of a plan has a run-time part, a struct that begins with struct operator. next
 * gives a batch, valid until the following call; a batch without rows is the end. Everything of an
 * execution lives in env->eval.arena, but for what grows with the data: arenas of the operators'
 * own, freed when the execution ends. */
#ifndef EXEC_INTERNAL_H
#define EXEC_INTERNAL_H

#include "base/bytes.h"
#include "base/check.h"
#include "base/coro.h"
#include "exec/statement.h"
#include "plan/explain.h"
#include "plan/plan.h"
#include "table/table.h"

#define STACK_MARGIN_BYTES (24 * 1024)
#define HARD_MEMORY_BYTES ((size_t)256 << 20) /* of one sort, hash table or kept result */

struct operator;
struct execution;

struct operator_class {
    size_t bytes; /* of the run-time part */
    status (*open)(struct operator* op);
    status (*next)(struct operator* op); /* fills op->out */
    /* From the beginning again, with the execution parameters as they are now. */
    status (*restart)(struct operator* op);
    void (*close)(struct operator* op); /* may be NULL; the children are closed by the caller */
    /* As after open, for another execution of the plan: what is not in x->arena since may stay.
     * NULL: the operator serves one execution only. */
    status (*again)(struct operator* op);
};

struct operator{
    const struct plan *plan;
    const struct operator_class *class;
    struct execution *x;
    struct operator* left, *right;
    struct batch out;
    struct program_state *filter;
    /* What the filter had no need of, for the rows of `out` that passed it; may be NULL. */
    status (*complete)(struct operator* op);
    struct plan_counts *counts; /* EXPLAIN ANALYZE; NULL: nothing is counted */
    bool counted_loop;          /* the loop at hand stands in counts->loops, … */
    bool counted_first;         /* … and has given rows */
    uint16_t *sel;              /* of the filter, capacity */
    struct arena own;           /* values of one batch */
    struct arena *arena;        /* &own, or the execution's where there is one row only */
};

/* A program at work. */
struct program_state {
    struct program_state *older; /* of its execution: x->programs */
    const struct program *program;
    struct execution *x;
    struct vec *regs;
    uint16_t capacity;
    struct arena *arena; /* of results, set for each run */
    struct eval_env eval;
};

/* Of an execution that serves its plan again (kept.c). */
struct kept_part {
    bool wanted;                     /* it lives in an arena of its own, … */
    struct arena arena;              /* … this one */
    struct arena_mark opened;        /* where that stood once the operators were open */
    struct program_state *programs;  /* those there were then */
    struct execution *newer, *older; /* of all that wait, by when they were last used */
};

struct cte_state {
    struct operator* op;
    struct row_store *rows;
    bool complete;
    uint64_t turn; /* of the parameters that its rows were computed for */
};

struct execution {
    struct sql_env *env;
    struct statement *statement;
    const struct plan_statement *plan;
    struct arena *arena;
    const struct relation **relations;
    const datum *params;
    const uint8_t *nulls;
    datum *outer;
    uint8_t *outer_nulls;
    uint64_t *outer_turns; /* how often each was set */
    struct operator* root;
    struct operator* opened; /* every operator ever opened, for closing: see operator_open */
    struct subplan_state **subplans;
    struct cte_state *ctes;
    struct row_store **work; /* per WITH id: the working table of a recursion */
    struct operator** all;
    uint32_t nall, all_cap;
    struct row_store **stores;
    uint32_t nstores, stores_cap;
    struct program_state *programs; /* newest first */
    struct kept_part kept;
    struct tape *tapes; /* all of them, for closing; likewise */
    struct sorter *sorters;
    uint64_t rows; /* given or changed */
    uint64_t changed;
    struct batch batch; /* what the session is given */
    struct batch lines; /* of EXPLAIN */
    const struct batch *current;
    uint16_t at;
    uint16_t *sel;
    bool analyze;     /* operators count what they do */
    bool timing;      /* … and how long it takes */
    bool metered;     /* … and what it uses */
    bool explained;   /* lines are there */
    bool ran;         /* changes are done */
    bool counts_rows; /* a definition whose tag counts rows */
    bool finished;
    const char *tag;
};

status exec_memory(struct execution *x);
#define NEEDS(x, pointer)                                                                          \
    do {                                                                                           \
        if (!(pointer)) return exec_memory(x);                                                     \
    } while (0)
#define NEW_N(x, pointer, n)                                                                       \
    do {                                                                                           \
        (pointer) = arena_array((x)->arena, (size_t)(n), sizeof *(pointer));                       \
        if (!(pointer)) return exec_memory(x);                                                     \
    } while (0)

/* operator.c */
status operator_open(struct execution *x, const struct plan *plan, bool once,
                     struct operator** ret);
status operator_next(struct operator* op, const struct batch **ret);
status operator_restart(struct operator* op);
void operators_close(struct execution *x);
/* Columns of capacity rows for op->out. */
status operator_columns(struct operator* op);
status columns_new(struct execution *x, uint16_t n, uint16_t capacity, struct vec **ret);
const struct operator_class *operator_class_of(enum plan_kind kind);

static inline uint16_t batch_row(const struct batch *b, uint16_t i) {
    return b->sel ? b->sel[i] : i;
}

/* eval.c */
status program_open(struct execution *x, const struct program *p, uint16_t capacity,
                    struct program_state **ret);
/* All programs of the execution: parameters and surroundings as they are now. */
void programs_again(struct execution *x);
/* Evaluates every expression for the given rows of the inputs; results are in the registers of
 * program->outputs, what they point to in `results`. */
status program_run(struct program_state *s, const struct vec *inputs, const uint16_t *sel,
                   uint16_t n, struct arena *results);
static inline const struct vec *program_output(const struct program_state *s, uint16_t i) {
    return &s->regs[s->program->outputs[i]];
}
/* Of a boolean program: the rows that are true. */
status program_filter(struct program_state *s, const struct vec *inputs, const uint16_t *sel,
                      uint16_t n, struct arena *results, uint16_t *ret_sel, uint16_t *ret_n);
/* A program without inputs: its first output for one row. */
status program_value(struct program_state *s, struct arena *results, datum *ret, bool *ret_null);
status block_run(struct program_state *s, uint16_t from, uint16_t to, const uint16_t *sel,
                 uint16_t n);
/* eval_logic.c, eval_value.c */
status eval_and_or(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_case(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_coalesce(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n);
status eval_not(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_tests(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_min_max(struct program_state *s, const struct instr *i, const uint16_t *sel,
                    uint16_t n);
status eval_equality(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n);
status eval_in_list(struct program_state *s, const struct instr *i, const uint16_t *sel,
                    uint16_t n);
status eval_array_op(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n);
status eval_array(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_row(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_subscript(struct program_state *s, const struct instr *i, const uint16_t *sel,
                      uint16_t n);
status eval_set_field(struct program_state *s, const struct instr *i, const uint16_t *sel,
                      uint16_t n);
status eval_set_element(struct program_state *s, const struct instr *i, const uint16_t *sel,
                        uint16_t n);
status eval_cast(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
status eval_call(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n);
/* Calls i's function with these arguments. */
status call_site(struct program_state *s, struct fn_site *site, const datum *args,
                 const uint8_t *nulls, uint16_t n, datum *ret, uint8_t *ret_null);
/* subplan.c */
void subplans_close(struct execution *x);
status eval_subplan(struct program_state *s, const struct instr *i, const uint16_t *sel,
                    uint16_t n);

/* row_store.c: rows kept */
struct stored_row {
    uint64_t hash;
    struct stored_row *next; /* in a hash bucket */
    bool matched;
    datum values[];
};

struct row_store {
    struct execution *x;
    struct arena arena;
    uint16_t ncolumns;
    const struct type *const *types;
    struct stored_row **rows;
    size_t n, cap;
    struct stored_row **buckets; /* power of two, NULL: no hash table */
    size_t nbuckets;
    size_t budget;           /* bytes in memory; 0: all of it stays there */
    struct overflow *behind; /* the rows beyond the budget; NULL: none */
};
status row_store_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                     struct row_store **ret);
/* The same, for rows that are added and read in order: beyond work_mem in temporary space. */
status row_store_new_sequence(struct execution *x, uint16_t ncolumns,
                              const struct type *const *types, struct row_store **ret);
/* What the rows and the table take. */
size_t row_store_bytes(const struct row_store *s);
static inline size_t work_memory(const struct execution *x) {
    return x->env->settings->work_mem_bytes;
}
/* Of a hash table. */
size_t hash_memory(const struct execution *x);
size_t row_store_spilled(const struct row_store *s); /* … and what stands behind them */
void row_store_clear(struct row_store *s);
void row_store_free(struct row_store *s);
status row_store_add(struct row_store *s, const struct vec *columns, uint16_t row,
                     struct stored_row **ret);
status row_store_add_batch(struct row_store *s, const struct batch *b);
/* The same row, its values now in s. */
status row_store_adopt(struct row_store *s, const struct stored_row *r);
static inline uint8_t *stored_nulls(const struct row_store *s, struct stored_row *r) {
    return (uint8_t *)(r->values + s->ncolumns);
}
/* Registers a row that was made in s->arena. */
status row_store_take(struct row_store *s, struct stored_row *r);
/* How many rows there are, in memory and behind it. */
size_t row_store_count(const struct row_store *s);
/* Row number i, wherever it is. One of those behind memory stays as it is until rows of some other
 * stretches of the tape are asked for. */
status row_store_at(struct row_store *s, size_t i, struct stored_row **ret);
/* Rows [*at, …) into columns, at most capacity; moves *at. Their values are the store's, or in the
 * arena. */
status row_store_read(struct row_store *s, size_t *at, struct vec *columns, uint16_t capacity,
                      struct arena *a, uint16_t *ret_n);
void row_store_put(const struct row_store *s, struct stored_row *r, struct vec *columns,
                   uint16_t row);
/* Puts the row (its hash set) into the table, making or growing it. */
status row_store_hash(struct row_store *s, struct stored_row *r);
static inline struct stored_row *row_store_bucket(const struct row_store *s, uint64_t hash) {
    return s->nbuckets ? s->buckets[hash & (s->nbuckets - 1)] : NULL;
}
/* row_sort.c. A sort that ends before its time (a cancel) leaves rows in any order, none twice. */
status row_store_sort(struct row_store *s, const struct plan_sort_column *columns, uint16_t n);
int row_store_compare(const struct row_store *s, const struct plan_sort_column *columns, uint16_t n,
                      struct stored_row *a, struct stored_row *b);
int compare_values(const struct type *t, datum a, uint8_t a_null, datum b, uint8_t b_null,
                   bool descending, bool nulls_first);
/* Equal, with null equal to null. */
static inline bool same_value(const struct type *t, datum a, uint8_t a_null, datum b,
                              uint8_t b_null) {
    if (a_null || b_null) return a_null == b_null;
    return t->byval && t->len > 0 && a.u64 == b.u64 ? true : type_compare(t, a, b) == 0;
}
/* Hash of some columns of a row; nulls hash alike. */
uint64_t hash_row(const struct type *const *types, const struct vec *const *columns, uint16_t n,
                  uint16_t row);

/* ordered_set.c */
struct ordered_group {
    const struct plan_aggregate *plan;
    struct row_store *rows; /* sorted: direct arguments, then order keys; NULL: no row */
};
/* The result is in a. */
status ordered_group_final(const struct ordered_group *g, struct arena *a, datum *ret,
                           uint8_t *ret_null);

/* scan.c */
/* Row addresses: the version's LSN, then the key. */
status address_make(struct execution *x, struct arena *a, const struct tree_entry *e, datum *ret);
void address_split(datum address, lsn *ret_version, const void **ret_key, size_t *ret_len);

const struct index_desc *relation_index_of(const struct relation *r, oid index);

/* change.c: what INSERT, UPDATE, COPY share */
/* Rows to be checked have natts one-row columns, then one of the relation's oid. */
struct row_checks {
    const struct relation *relation;
    struct program_state *checks;
    const char *const *names;
    const bool *of_view; /* CHECK OPTION of a view of that name; NULL: none is */
    uint16_t n;
    struct program_state *generated; /* NULL: no generated columns */
    const uint16_t *generated_atts;
    uint16_t ngenerated;
};
status row_checks_open(struct execution *x, const struct plan_change *p, const struct relation *r,
                       struct row_checks *ret);
/* Completes the row by its generated columns, whose vectors it replaces, and checks it. */
status check_row(struct execution *x, const struct row_checks *c, struct vec *row, struct arena *a);
/* "Failing row contains (…)." */
void describe_row(struct sql_env *env, const struct relation *r, const datum *values,
                  const uint8_t *nulls);
status oid_column(struct execution *x, const struct relation *r, struct vec *ret);
/* Deforms a row into row 0 of natts one-row columns. */
status row_into(struct execution *x, const struct relation *r, const struct tree_entry *e,
                struct vec *columns, struct arena *a);

/* Columns of one row as separate arrays. */
struct flat_row {
    datum *values;
    uint8_t *nulls;
};

/* system_value.c */
/* A system column of a row as it was read (e->key: its key in the table's tree). */
status system_value(struct execution *x, const struct relation *r, const struct tree_entry *e,
                    int16_t att, datum *ret);
/* Several into columns of one row. */
status system_values(struct execution *x, const struct relation *r, const struct tree_entry *e,
                     const struct plan_system *which, struct vec *to);
/* Those of a row that the transaction has just written; locked: it had locked it before. key: the
 * row's, looked at only if system_needs_key. */
status system_values_written(struct execution *x, const struct relation *r, const struct buf *key,
                             bool locked, const struct plan_system *which, struct vec *to);
bool system_needs_key(const struct plan_system *which);
/* The key that a row has after an UPDATE, whose key before is given. */
status system_written_key(struct execution *x, const struct relation *r, const void *key,
                          size_t len, const struct flat_row *row, struct buf *ret);
status flat_new(struct execution *x, uint16_t n, struct flat_row *ret);
void flat_from(const struct vec *columns, uint16_t n, uint16_t row, struct flat_row *to);

#define OPERATOR(name) extern const struct operator_class operator_##name;
OPERATOR(result)
OPERATOR(scan)
OPERATOR(bitmap_and)
OPERATOR(bitmap_or)
OPERATOR(sample)
OPERATOR(values)
OPERATOR(function)
OPERATOR(cte)
OPERATOR(work)
OPERATOR(recursive)
OPERATOR(filter)
OPERATOR(gate)
OPERATOR(project)
OPERATOR(nest)
OPERATOR(hash_join)
OPERATOR(merge_join)
OPERATOR(agg)
OPERATOR(sorted_agg)
OPERATOR(sort)
OPERATOR(incremental_sort)
OPERATOR(limit)
OPERATOR(unique)
OPERATOR(append)
OPERATOR(setop)
OPERATOR(material)
OPERATOR(window)
OPERATOR(set_project)
OPERATOR(lock)
OPERATOR(insert)
OPERATOR(update)
OPERATOR(delete)
#undef OPERATOR

#endif
