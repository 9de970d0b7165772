/* agg.h: the aggregation's state, and its part that works beyond memory (agg_spill.c). */
#ifndef EXEC_AGG_H
#define EXEC_AGG_H

#include "exec/sorter.h"
#include "exec/spill.h"

/* Values of an aggregate that must be sorted or made distinct before they are stepped. */
struct held {
    struct held_row *first; /* as long as they are few: the last one first; … */
    uint32_t n;
    struct sorter *sorter; /* … then those go here */
};
struct held_order {
    struct plan_sort_column *columns;
    uint16_t n;
};
#define HELD_ROWS 64

struct group {
    uint64_t hash;
    struct group *next, *later; /* in the bucket; in order of arrival */
    unsigned char *states;      /* naggs of them, 16-aligned */
    uint16_t set;               /* the grouping set it is of */
    datum keys[];               /* ngroup, then their null bytes */
};

/* Input rows of groups of one grouping set that memory had no room for. */
struct agg_part {
    struct agg_part *next;
    struct tape *tape;
    uint16_t set;
    unsigned level;
};

struct agg_spill {
    bool begun; /* rows without a group in memory go onto tapes; no group is made */
    bool used;  /* since the last restart */
    unsigned level;
    struct tape **tapes;           /* [grouping sets][SPILL_PARTS] */
    struct agg_part *parts, *part; /* waiting; at hand, NULL: the input itself */
    struct tape_reader reader;
    struct vec *columns; /* of a batch from a tape */
};

struct agg {
    struct operator op;
    struct program_state *values;
    struct arena groups; /* groups and states */
    struct arena input;  /* values of one input batch */
    struct group **buckets;
    size_t nbuckets, ngroups;
    struct group *first, **last, *at;
    size_t *offsets; /* of each state */
    size_t states_bytes;
    const struct vec **keys;
    struct vec no_key; /* all null: columns that a grouping set leaves out */
    const struct vec **args;
    datum *arg_values;
    uint8_t *arg_nulls;
    bool complete;
    struct held_order *held;      /* of each aggregate */
    size_t held_bytes;            /* that the groups' held values take */
    struct row_store *held_rows;  /* of a large group that was sorted beyond memory, all */
    struct row_store held_list;   /* … or of one with few */
    struct stored_row **held_few; /* rows of a group with few of them */
    struct vec *held_columns;     /* of HELD_ROWS of them, read again, … */
    struct arena held_arena[2];   /* … and what they point to, and those before */
    struct agg_spill spill;
};

static inline bool agg_holds(const struct plan_aggregate *p) {
    return p->distinct || p->norder || p->ordered;
}

/* agg.c: for the aggregation of sorted rows (agg_sorted.c) */
status agg_open(struct operator* op);
void agg_close(struct operator* op);
/* Runs the programs over a batch; their outputs are what agg_step… reads. */
status agg_run(struct agg *a, const struct batch *b, struct eval_env *ret_env);
/* Rows of the batch, all of group g. */
status agg_step_rows(struct agg *a, struct group *g, const struct batch *b, struct eval_env *env);
/* The states' results into row `row` of the output; keys are the caller's. */
status agg_finish(struct agg *a, struct group *g, uint16_t row);
status agg_full(struct agg *a);

/* agg_held.c */
status agg_held_open(struct agg *a);
/* The values of that row, of aggregate i. */
status agg_held_add(struct agg *a, uint16_t i, struct held *h, uint16_t row);
/* Steps c with what is held, in order, each distinct value once. */
status agg_held_step(struct agg *a, uint16_t i, struct held *h, struct agg_call *c);
/* All of them, sorted, until the next are asked for; *ret NULL: there are none. */
status agg_held_sorted(struct agg *a, uint16_t i, struct held *h, struct row_store **ret);
void agg_held_free(struct held *h);
void agg_held_close(struct agg *a);

/* agg_spill.c */
status agg_spill_open(struct agg *a);
/* After a batch: no more groups when memory is full. */
void agg_spill_begin_if_full(struct agg *a);
/* The row of b waits: its group has no room. */
status agg_spill_row(struct agg *a, uint16_t set, uint64_t hash, const struct batch *b,
                     uint16_t row);
/* The groups are given: goes on with the next part, whose rows agg_spill_batch reads; false: there
 * is none. */
status agg_spill_next(struct agg *a, bool *ret);
/* In a->input. */
status agg_spill_batch(struct agg *a, struct batch *ret);
void agg_spill_reset(struct agg *a);
void agg_spill_close(struct agg *a);

#endif
