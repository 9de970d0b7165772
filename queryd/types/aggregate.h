/* aggregate.h: the states and steps that aggregates.def names; inside types only. */
#ifndef TYPES_AGGREGATE_H
#define TYPES_AGGREGATE_H

#include "types/jsonb.h"

#define AGG_STATE_MAX 192 /* bytes of the largest state; the executor may rely on it */

/* An exact sum of numerics: small ones gather in 128 bits, which overflow into a numeric. */
struct numeric_sum {
    __int128 small; /* coefficient at small_scale */
    uint32_t small_scale;
    uint32_t scale;       /* largest scale seen: the result is displayed with it */
    struct varlena *big;  /* NULL: nothing overflowed yet */
    uint32_t big_room;    /* payload bytes allocated for big */
    uint32_t specials[3]; /* how many NaN, Infinity, -Infinity */
};

struct agg_count {
    int64_t n;
};
struct agg_int {
    __int128 sum;
    int64_t n;
};
struct agg_float {
    double sum;
    double squares; /* sum of squared distances from the mean (Youngs, Cramer 1971) */
    int64_t n;
};
struct agg_pairs { /* of regression: Y first, X second */
    double sum_x, squares_x, sum_y, squares_y, products;
    int64_t n;
};
struct agg_numeric {
    struct numeric_sum sum;
    struct numeric_sum squares;
    int64_t n;
};
struct agg_value { /* min, max, bool_and …: one value */
    datum value;
    uint32_t room; /* bytes allocated behind value.p */
    bool any;
};
struct agg_interval {
    int64_t months, days, time_us;
    int64_t n;
};
struct agg_text {
    char *data;
    uint32_t len, room;
    bool any;
};
struct agg_jsonb {
    struct jsonb_tree tree; /* of finished parts in the state's arena */
    bool any;
};
struct agg_array {
    datum *values;
    uint8_t *nulls;
    uint32_t n, room;
};

status numeric_sum_add(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                       const struct varlena *v);
status numeric_sum_add_int(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                           int64_t x);
status numeric_sum_merge(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                         const struct numeric_sum *other);
status numeric_sum_value(const struct eval_env *env, const struct numeric_sum *s, datum *ret);

#define X(id, state, skips, step, step_vec, combine, final, sort)                                  \
    agg_step_fn step;                                                                              \
    agg_step_vec_fn step_vec;                                                                      \
    agg_combine_fn combine;                                                                        \
    agg_final_fn final;
#include "types/aggregates.def"
#undef X

#endif
