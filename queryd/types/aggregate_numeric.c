/* Exact sums: sum, avg, variance and deviation of numerics and integers. */
#include "types/aggregate.h"
#include "types/numeric.h"

#define SMALL_LIMIT ((__int128)1 << 120) /* a 64-bit value scaled by 10^18 still fits on top */

static void load_sum(struct num *n, const struct numeric_sum *s) {
    if (s->big) num_load(n, s->big);
    struct num small;
    num_init(&small);
    bool negative = s->small < 0;
    unsigned __int128 magnitude =
        negative ? 0 - (unsigned __int128)s->small : (unsigned __int128)s->small;
    mpz_import(small.z, 2, -1, 8, 0, 0, &magnitude);
    if (negative) mpz_neg(small.z, small.z);
    small.scale = s->small_scale;
    uint32_t scale = n->scale > s->scale ? n->scale : s->scale;
    if (scale < small.scale) scale = small.scale;
    num_set_scale(n, scale);
    num_set_scale(&small, scale);
    mpz_add(n->z, n->z, small.z);
    num_clear(&small);
}

/* Moves the small part, and `more` if there is one, into the big one. */
static status spill(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                    const struct varlena *more) {
    struct num n, extra;
    datum sum;
    num_init(&n);
    load_sum(&n, s);
    if (more) {
        num_init(&extra);
        num_load(&extra, more);
        if (n.scale < extra.scale)
            num_set_scale(&n, extra.scale);
        else
            num_set_scale(&extra, n.scale);
        mpz_add(n.z, n.z, extra.z);
        num_clear(&extra);
    }
    status st = num_store_exact(env, &n, &sum);
    num_clear(&n);
    TRY(st);
    if (sum.v->len > s->big_room || !s->big) {
        uint32_t room = sum.v->len * 2 + 16;
        s->big = varlena_new(keep, room);
        if (!s->big) return out_of_memory(env);
        s->big_room = room;
    }
    memcpy(s->big, sum.v, sizeof *sum.v + sum.v->len);
    s->small = 0;
    s->small_scale = 0;
    return OK;
}

static bool add_small(struct numeric_sum *s, const struct small_num *x) {
    uint32_t scale = x->scale > s->small_scale ? x->scale : s->small_scale;
    if (scale > x->scale + 18) return false;
    __int128 sum = s->small, value = x->magnitude;
    for (uint32_t i = s->small_scale; i < scale; i++) {
        if (sum > SMALL_LIMIT / 10 || sum < -SMALL_LIMIT / 10) return false;
        sum *= 10;
    }
    for (uint32_t i = x->scale; i < scale; i++) value *= 10;
    sum += x->negative ? -value : value;
    if (sum > SMALL_LIMIT || sum < -SMALL_LIMIT) return false;
    s->small = sum;
    s->small_scale = scale;
    return true;
}

status numeric_sum_add(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                       const struct varlena *v) {
    struct small_num small;
    if (numeric_is_special(v)) {
        s->specials[numeric_kind(v) - NUM_NAN]++;
        return OK;
    }
    if (numeric_scale(v) > s->scale) s->scale = numeric_scale(v);
    if (num_load_small(v, &small) && add_small(s, &small)) return OK;
    return spill(env, keep, s, v);
}

status numeric_sum_add_int(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                           int64_t x) {
    struct small_num small = {.magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x,
                              .negative = x < 0};
    if (add_small(s, &small)) return OK;
    TRY(spill(env, keep, s, NULL));
    return add_small(s, &small) ? OK : num_overflow(env);
}

status numeric_sum_merge(const struct eval_env *env, struct arena *keep, struct numeric_sum *s,
                         const struct numeric_sum *other) {
    for (size_t i = 0; i < 3; i++) s->specials[i] += other->specials[i];
    if (other->scale > s->scale) s->scale = other->scale;
    datum rest;
    TRY(num_store_int128(env, other->small, other->small_scale, &rest));
    TRY(spill(env, keep, s, rest.v));
    return other->big ? spill(env, keep, s, other->big) : OK;
}

/* The special value a sum has become; false: it is finite. */
static bool special_sum(const struct numeric_sum *s, enum num_kind *ret) {
    bool nan = s->specials[0], plus = s->specials[1], minus = s->specials[2];
    *ret = nan || (plus && minus) ? NUM_NAN : plus ? NUM_INFINITY : NUM_MINUS_INFINITY;
    return nan || plus || minus;
}

status numeric_sum_value(const struct eval_env *env, const struct numeric_sum *s, datum *ret) {
    enum num_kind kind;
    if (special_sum(s, &kind)) return num_store_special(env, kind, ret);
    if (!s->big && s->scale == s->small_scale)
        return num_store_int128(env, s->small, s->scale, ret);
    struct num n;
    num_init(&n);
    load_sum(&n, s);
    status st = num_store(env, &n, ret);
    num_clear(&n);
    return st;
}

/* ---- steps ---- */

status agg_numeric_sum_step(struct agg_call *c) {
    struct agg_numeric *s = c->state;
    s->n++;
    return numeric_sum_add(c->env, c->state_arena, &s->sum, c->args[0].v);
}

status agg_numeric_step(struct agg_call *c) {
    struct agg_numeric *s = c->state;
    struct num n;
    datum square;
    TRY(agg_numeric_sum_step(c));
    if (numeric_is_special(c->args[0].v)) return OK;
    num_init(&n);
    num_load(&n, c->args[0].v);
    mpz_mul(n.z, n.z, n.z);
    n.scale *= 2;
    status st = num_store_exact(c->env, &n, &square);
    num_clear(&n);
    TRY(st);
    return numeric_sum_add(c->env, c->state_arena, &s->squares, square.v);
}

/* variance of integers */
status agg_numeric_int_step(struct agg_call *c) {
    struct agg_numeric *s = c->state;
    int64_t x = c->args[0].i64;
    s->n++;
    TRY(numeric_sum_add_int(c->env, c->state_arena, &s->sum, x));
    uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x, square;
    if (!__builtin_mul_overflow(magnitude, magnitude, &square)) {
        struct small_num small = {.magnitude = square};
        if (add_small(&s->squares, &small)) return OK;
    }
    datum big;
    TRY(num_store_int128(c->env, (__int128)x * x, 0, &big));
    return numeric_sum_add(c->env, c->state_arena, &s->squares, big.v);
}

status agg_numeric_combine(struct agg_call *c, const void *other) {
    struct agg_numeric *s = c->state;
    const struct agg_numeric *o = other;
    s->n += o->n;
    TRY(numeric_sum_merge(c->env, c->state_arena, &s->sum, &o->sum));
    return numeric_sum_merge(c->env, c->state_arena, &s->squares, &o->squares);
}

/* ---- results ---- */

status agg_numeric_sum(struct agg_call *c) {
    const struct agg_numeric *s = c->state;
    c->is_null = s->n == 0;
    return s->n ? numeric_sum_value(c->env, &s->sum, &c->result) : OK;
}

static status quotient(struct agg_call *c, struct num *sum, int64_t n) {
    struct num count;
    num_init(&count);
    mpz_set_si(count.z, n);
    num_divide(sum, sum, &count);
    num_clear(&count);
    return num_store(c->env, sum, &c->result);
}

status agg_numeric_avg(struct agg_call *c) {
    const struct agg_numeric *s = c->state;
    enum num_kind kind;
    c->is_null = s->n == 0;
    if (!s->n) return OK;
    if (special_sum(&s->sum, &kind)) return num_store_special(c->env, kind, &c->result);
    struct num sum;
    num_init(&sum);
    load_sum(&sum, &s->sum);
    datum whole; /* the sum itself must be a value */
    status st = s->sum.big ? num_store(c->env, &sum, &whole) : OK;
    if (ok(st)) st = quotient(c, &sum, s->n);
    num_clear(&sum);
    return st;
}

/* avg(int2), avg(int4), avg(int8) and sum(int8): numeric from a 128-bit sum */
status agg_int_numeric_sum(struct agg_call *c) {
    const struct agg_int *s = c->state;
    c->is_null = s->n == 0;
    return s->n ? num_store_int128(c->env, s->sum, 0, &c->result) : OK;
}

status agg_int_avg(struct agg_call *c) {
    const struct agg_int *s = c->state;
    struct numeric_sum sum = {.small = s->sum};
    struct num n;
    c->is_null = s->n == 0;
    if (!s->n) return OK;
    num_init(&n);
    load_sum(&n, &sum);
    status st = quotient(c, &n, s->n);
    num_clear(&n);
    return st;
}

/* (N * sum(x^2) - sum(x)^2) / (N * N or N * (N - 1)), and its root: as PostgreSQL divides, so
 * that the number of digits is the same. */
static status spread(struct agg_call *c, bool sample, bool root) {
    const struct agg_numeric *s = c->state;
    enum num_kind kind;
    c->is_null = s->n < (sample ? 2 : 1);
    if (c->is_null) return OK;
    if (special_sum(&s->sum, &kind)) return num_store_special(c->env, NUM_NAN, &c->result);
    struct num sum, squares, divisor;
    num_init(&sum);
    num_init(&squares);
    num_init(&divisor);
    load_sum(&sum, &s->sum);
    load_sum(&squares, &s->squares);
    mpz_mul(sum.z, sum.z, sum.z);
    sum.scale *= 2;
    mpz_mul_si(squares.z, squares.z, s->n);
    num_set_scale(&squares, sum.scale > squares.scale ? sum.scale : squares.scale);
    num_set_scale(&sum, squares.scale);
    mpz_sub(squares.z, squares.z, sum.z);
    status st = OK;
    if (mpz_sgn(squares.z) <= 0) {
        mpz_set_ui(squares.z, 0);
        squares.scale = 0;
    } else {
        mpz_set_si(divisor.z, s->n);
        mpz_mul_si(divisor.z, divisor.z, sample ? s->n - 1 : s->n);
        num_divide(&squares, &squares, &divisor);
        if (root) { /* rounded root at the same scale */
            mpz_t power, rest;
            mpz_inits(power, rest, NULL);
            num_pow10(power, squares.scale);
            mpz_mul(squares.z, squares.z, power);
            mpz_sqrtrem(squares.z, rest, squares.z);
            if (mpz_cmp(rest, squares.z) > 0) mpz_add_ui(squares.z, squares.z, 1);
            mpz_clears(power, rest, NULL);
        }
    }
    if (ok(st)) st = num_store(c->env, &squares, &c->result);
    num_clear(&sum);
    num_clear(&squares);
    num_clear(&divisor);
    return st;
}

status agg_numeric_var_pop(struct agg_call *c) {
    return spread(c, false, false);
}
status agg_numeric_var_samp(struct agg_call *c) {
    return spread(c, true, false);
}
status agg_numeric_stddev_pop(struct agg_call *c) {
    return spread(c, false, true);
}
status agg_numeric_stddev_samp(struct agg_call *c) {
    return spread(c, true, true);
}
