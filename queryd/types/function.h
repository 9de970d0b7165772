/* function.h: the built-in functions (functions.def), operators, casts and aggregates, and how one
 * is called.
 *
 * A scalar function reads its arguments and sets c->result and c->is_null. Strict functions are
 * never called with a null argument by function_call, function_call_vec; whoever calls ->scalar
 * directly keeps that rule himself. Functions never keep pointers into a call. */
#ifndef TYPES_FUNCTION_H
#define TYPES_FUNCTION_H

#include "types/context.h"
#include "types/datum.h"

struct function;
struct collator;
struct type;

/* The columns that the caller wants of a function that returns records: column definitions. */
struct record_shape {
    uint16_t n;
    const oid *types;
    const int32_t *typmods;
    const char *const *names;
};

/* Where in a plan a function is called: the resolved types, and a place for what is worth keeping
 * between calls (a compiled regular expression). Lives as long as the plan. */
struct fn_site {
    const struct function *function;
    oid result_type;      /* after polymorphic resolution */
    const oid *arg_types; /* actual types, one per actual argument */
    uint16_t nargs;
    oid collation;                    /* that the arguments have together; 0: none */
    const struct collator *collator;  /* what it compares by; NULL: bytes */
    bool variadic;                    /* the last argument was written VARIADIC array */
    const struct record_shape *shape; /* NULL: none was written */
    const struct own_aggregate *own;  /* NULL: no aggregate that users made */
    struct arena *memo_arena;         /* lives as long as the site; NULL: nothing is kept */
    void *memo;                       /* the function's own; NULL at first; freed with memo_arena */
};

struct fn_call {
    const datum *args;
    const uint8_t *nulls; /* per argument 0 or 1 */
    uint16_t nargs;       /* variadic "any" functions are called with the arguments spread */
    bool is_null;         /* out; false on entry */
    bool set_done;        /* out, set-returning functions: there is no further row */
    datum result;         /* out */
    const struct eval_env *env;
    struct fn_site *site;    /* never NULL */
    void *set_state;         /* set-returning functions: NULL on the first call, then their own */
    struct arena *set_arena; /* lives until the last row */
};

typedef status fn_scalar(struct fn_call *c);

/* n rows at once: row i of the result from row i of each argument; with sel, only rows sel[0..n).
 * Handles nulls itself. The site and env of c are used, its args are not. */
typedef status fn_vector(struct fn_call *c, const struct vec *const *args, struct vec *result,
                         const uint16_t *sel, uint16_t n);

struct function {
    oid oid;
    const char *name;
    fn_scalar *scalar; /* NULL: not here (aggregates; catalog functions until registered) */
    fn_vector *vector; /* NULL: function_call_vec loops */
    oid result;
    bool strict;
    bool returns_set;
    char volatility; /* i immutable, s stable, v volatile */
    char kind;       /* f function, a aggregate, w window */
    oid variadic;    /* element type of the variadic last argument; 0: none */
    uint8_t nargs;
    uint8_t ndefaults;            /* trailing arguments that may be omitted */
    const oid *args;              /* declared types, polymorphic ones included */
    const char *const *arg_names; /* nargs of them, NULL where one has none; NULL: none has */
    const char *const *defaults;  /* SQL of the last ndefaults arguments; NULL: the body knows */
    const oid *default_types;     /* of those, 0: as declared; NULL: all are */
};

const struct function *function_find(oid function); /* NULL: none */
/* The same, users' functions included; those belong to the running statement's view of the
 * catalogs. */
const struct function *function_known(oid function);
/* All functions of that name: *ret_first is the first of the returned count, consecutive through
 * function_by_name_at. */
size_t function_find_by_name(const char *name, size_t *ret_first);
const struct function *function_by_name_at(size_t position);
size_t function_count(void);
const struct function *function_at(size_t index); /* in oid order */

/* What pg_proc says of a function's arguments besides the types of those that go in; for functions
 * that have names for them or arguments that come out (arguments.def). */
struct function_arguments {
    oid function;
    uint16_t n;
    const char *modes; /* one letter each: i in, o out, b both, v variadic, t column of a table */
    const char *names; /* one after the other with blanks between them; "": none has one */
    const oid *types;
};

const struct function_arguments *function_arguments(oid function); /* NULL: nothing to say */
/* The name of argument i (not NUL-terminated); 0: it has none. */
size_t argument_name(const struct function_arguments *a, uint16_t i, const char **ret_name);
/* How many come out, and which argument the result-th (from 0, below that number) of these is. */
uint16_t function_results(const struct function_arguments *a);
uint16_t function_result_at(const struct function_arguments *a, uint16_t result);
/* SQL of the default of the i-th argument that has one, from 0; NULL: none. */
const char *function_default(oid function, uint16_t i);

/* For functions that give sets, or rows of the columns that arguments.def lists. A row's columns in
 * their order; a place to count in, 0 at first; a text as a datum in env->arena. */
status give_row(struct fn_call *c, const datum *values, const uint8_t *nulls);
status set_counter(struct fn_call *c, uint32_t **ret);
status text_datum(const struct eval_env *env, const char *text, datum *ret);

/* Gives a complete site its collator, and the function the body that goes by it. Whoever makes a
 * site calls it last. OUT_OF_MEMORY. */
status site_by_collation(struct fn_site *site);
/* 42P22 */
status collation_undetermined(const struct eval_env *env, const char *what);

/* Gives a listed function its body; for functions that need catalogs, sessions or transactions.
 * At process start. NOT_FOUND when the list has no such oid. */
status function_register(oid function, fn_scalar *body);

/* Calls with the strict rule; 0A000 when the function has no body. */
status function_call(struct fn_call *c);
/* One batch; the vector form when there is one, else a loop. Strings and the like are allocated in
 * c->env->arena and live as long as it does. */
status function_call_vec(struct fn_call *c, const struct vec *const *args, struct vec *result,
                         const uint16_t *sel, uint16_t n);

/* Call by C from C: a one-off call without a plan (DEFAULT expressions, tests). */
status function_call_simple(const struct eval_env *env, const struct function *f,
                            const oid *arg_types, const datum *args, const uint8_t *nulls,
                            uint16_t nargs, oid result_type, datum *ret, bool *ret_is_null);
/* The same at a complete site. */
status function_call_at(const struct eval_env *env, struct fn_site *site, const datum *args,
                        const uint8_t *nulls, datum *ret, bool *ret_is_null);

/* ---- operators (operators.def) ---- */

struct operator_info {
    oid oid;
    const char *name;
    oid left; /* 0: prefix operator */
    oid right;
    oid result;
    oid function;
    oid commutator; /* 0: none */
    oid negator;
    uint8_t btree_strategy; /* 1 < 2 <= 3 = 4 >= 5 >; 0: not in a btree operator class */
    bool hashable;
    bool mergeable;
    oid restrict_function, join_function; /* pg_proc oids, for the catalogs */
    const char *schema;                   /* NULL: built in */
};

struct operator_scope {
    size_t n;
    const struct operator_info *const *operators;
    const uint16_t *places; /* of their schemas in the search path */
    uint16_t builtin_place; /* of pg_catalog */
    bool no_builtins;       /* the name was qualified by another schema */
};

const struct operator_info *operator_find(oid op);
/* The same, users' operators included; those belong to the running statement's view of the
 * catalogs. */
const struct operator_info *operator_known(oid op);
size_t operator_find_by_name(const char *name, size_t *ret_first);
const struct operator_info *operator_by_name_at(size_t position);
size_t operator_count(void);
const struct operator_info *operator_at(size_t index);
/* The operator with this exact signature in the given btree strategy; NULL: none. */
const struct operator_info *operator_find_btree(oid left, oid right, uint8_t strategy);

/* ---- casts (casts.def) ---- */

struct cast_info {
    oid source;
    oid target;
    oid function; /* 0: see method */
    char context; /* i implicit, a assignment, e explicit */
    char method;  /* f function, b binary coercible, i through the text form */
    oid oid;      /* pg_cast's; 0: built in */
};

const struct cast_info *cast_find(oid source, oid target); /* NULL: none in the list */
/* The same, users' casts included; those belong to the running statement's view of the catalogs. */
const struct cast_info *cast_known(oid source, oid target);
size_t cast_count(void);
const struct cast_info *cast_at(size_t index);

/* ---- aggregates (aggregates.def) ---- */

struct agg_call {
    const datum *args;
    const uint8_t *nulls;
    uint16_t nargs;
    void *state;               /* state_bytes, zeroed before the first step; 16-aligned */
    struct arena *state_arena; /* lives as long as the state: what the state points to goes here */
    bool is_null;              /* out of final */
    datum result;              /* out of final, in env->arena */
    const struct eval_env *env;
    struct fn_site *site;
};

typedef status agg_step_fn(struct agg_call *c);
/* A whole batch into one state (no GROUP BY). Skips nulls itself. */
typedef status agg_step_vec_fn(struct agg_call *c, const struct vec *const *args,
                               const uint16_t *sel, uint16_t n);
typedef status agg_combine_fn(struct agg_call *c, const void *other);
typedef status agg_final_fn(struct agg_call *c);

struct aggregate {
    oid function; /* its pg_proc oid; signature and name in functions.def */
    uint16_t state_bytes;
    bool skips_nulls; /* rows with a null argument are not stepped (the caller skips them) */
    agg_step_fn *step;
    agg_step_vec_fn *step_vec; /* NULL: loop over step */
    agg_combine_fn *combine;   /* NULL: cannot be split */
    agg_final_fn *final;       /* of zero rows too: count gives 0, the others null */
    oid sort_operator;         /* min, max: the btree operator whose first row is the answer */
};

/* An aggregate that users made: what its site says beside its types. */
struct own_aggregate {
    struct fn_site *transition; /* (state, arguments …) gives the next state */
    struct fn_site *final;      /* of the state and nulls; NULL: the state is the result */
    const struct type *state;
    bool has_initial;
    datum initial;
};
extern const struct aggregate aggregate_own; /* for all of them */

const struct aggregate *aggregate_find(oid function); /* NULL: not an aggregate */
/* Steps one row under the skip rule, or a batch. */
status aggregate_step(const struct aggregate *a, struct agg_call *c);
status aggregate_step_vec(const struct aggregate *a, struct agg_call *c,
                          const struct vec *const *args, const uint16_t *sel, uint16_t n);

#endif
